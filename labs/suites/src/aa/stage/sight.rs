//! What can be seen of a stage: what nodes said, what their disks hold; and of a node itself its role,
//! term, vote and leader.
//!
//! ```text
//!   votes(n1, n2)   n1->n2 VoteReply granted, gone already or waiting for n1's disk
//!   disk(n1)        term 5, vote n2         as soon as what waits is written
//!   standing(n1)    candidate, term 5
//! ```

use super::{Stage, remembers};
use crate::aa::words::Said;
use raft::{Body, EntryId, HardState, Message, NodeId, RoleName, Term};
use testbed::Bare;

impl Stage {
    /// Lends the cluster.
    pub(in crate::aa) fn cluster(&self) -> &Bare {
        &self.cluster
    }

    /// Returns everything a node said.
    pub(in crate::aa) fn words(&self, from: NodeId) -> Vec<&Message> {
        self.said.iter().filter(|message| message.from == from).collect()
    }

    /// Returns what `from` answered `to`, in order: whether it gave its vote.
    pub(in crate::aa) fn votes(&self, from: NodeId, to: NodeId) -> Vec<Said> {
        let said = self.said.iter().filter(|m| m.from == from && m.to == to);
        let votes = said.filter_map(|m| {
            let Body::VoteReply { granted } = m.body else { return None };
            Some(if granted { Said::Yes } else { Said::No })
        });
        votes.collect()
    }

    /// Returns whether `from` promised `to` its vote.
    pub(in crate::aa) fn granted(&self, from: NodeId, to: NodeId) -> bool {
        self.votes(from, to).contains(&Said::Yes)
    }

    /// Returns what `id` asked of whom: the receiver, the term, and the end of its log.
    pub(in crate::aa) fn asked(&self, id: NodeId) -> Vec<(NodeId, Term, EntryId)> {
        let said = self.said.iter().filter(|m| m.from == id);
        let asked = said.filter_map(|m| match (&m.body, m.term) {
            (Body::RequestVote(ask), Some(term)) => Some((m.to, term, ask.last)),
            _ => None,
        });
        asked.collect()
    }

    /// Returns what `from` said to `to` as its leader: the terms, in order. A heartbeat, or an append
    /// that serves as one.
    pub(in crate::aa) fn leaders_words(&self, from: NodeId, to: NodeId) -> Vec<Term> {
        let said = self.said.iter().filter(|m| m.from == from && m.to == to);
        said.filter(|m| m.body.is_from_leader()).filter_map(|m| m.term).collect()
    }

    /// Returns what a node's disk holds, or will as soon as it has written what waits.
    pub(in crate::aa) fn disk(&self, id: NodeId) -> HardState {
        self.cluster.disk(id).map(|disk| disk.latest()).unwrap_or_default()
    }

    /// Returns a node's role, or none while it is down.
    pub(in crate::aa) fn role(&self, id: NodeId) -> Option<RoleName> {
        self.cluster.node(id).map(|node| node.inspect().role)
    }

    /// Returns whether a node leads.
    pub(in crate::aa) fn leads(&self, id: NodeId) -> bool {
        self.role(id) == Some(RoleName::Leader)
    }

    /// Returns whom a node follows, if it knows.
    pub(in crate::aa) fn follows(&self, id: NodeId) -> Option<NodeId> {
        self.cluster.node(id)?.inspect().leader
    }

    /// Says a node's role and term in a table's few words: `candidate t5`.
    pub(in crate::aa) fn short_standing(&self, id: NodeId) -> String {
        match self.cluster.node(id).map(|node| node.inspect()) {
            Some(node) => format!("{} t{}", node.role, node.term),
            None => "down".to_owned(),
        }
    }

    /// Says a node's role and term: `candidate, term 5`.
    pub(in crate::aa) fn standing(&self, id: NodeId) -> String {
        match self.cluster.node(id).map(|node| node.inspect()) {
            Some(node) => format!("{}, term {}", node.role, node.term),
            None => "down".to_owned(),
        }
    }

    /// Says what a node's disk holds: `term 5, vote n2`.
    pub(in crate::aa) fn memory(&self, id: NodeId) -> String {
        let HardState { term, vote, .. } = self.disk(id);
        remembers(term.0, vote)
    }
}
