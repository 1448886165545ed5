//! What a test can see of a stage: what nodes sent, what their disks hold, and each node's role, term,
//! vote and leader.
//!
//! ```text
//!   votes(n1, n2)   n1->n2 VoteReply granted, sent already or waiting for n1's disk
//!   disk(n1)        term 5, vote n2         once what waits is written
//!   standing(n1)    candidate, term 5
//! ```

use super::{Stage, remembers};
use crate::raft::kit::words::Said;
use raft::{Body, EntryId, Event, HardState, Message, NodeId, Refusal, RoleName, Term};
use testbed::Cluster;

impl Stage {
    /// Returns the cluster.
    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Returns everything that a node sent.
    pub(crate) fn words(&self, from: NodeId) -> Vec<&Message> {
        self.said.iter().filter(|message| message.from == from).collect()
    }

    /// Returns what `from` answered `to`, in order: whether it granted its vote.
    pub(crate) fn votes(&self, from: NodeId, to: NodeId) -> Vec<Said> {
        let said = self.said.iter().filter(|m| m.from == from && m.to == to);
        let votes = said.filter_map(|m| {
            let Body::VoteReply { granted, .. } = m.body else { return None };
            Some(if granted { Said::Yes } else { Said::No })
        });
        votes.collect()
    }

    /// Returns whether `from` promised `to` its vote.
    pub(crate) fn granted(&self, from: NodeId, to: NodeId) -> bool {
        self.votes(from, to).contains(&Said::Yes)
    }

    /// Returns the vote requests of `id`: the receiver, the term, and its last entry.
    pub(crate) fn asked(&self, id: NodeId) -> Vec<(NodeId, Term, EntryId)> {
        let said = self.said.iter().filter(|m| m.from == id);
        let asked = said.filter_map(|m| match (&m.body, m.term) {
            (Body::RequestVote(ask), Some(term)) => Some((m.to, term, ask.last)),
            _ => None,
        });
        asked.collect()
    }

    /// Returns the terms of the heartbeats that `from` sent `to`, in order. An append may serve as a
    /// heartbeat.
    pub(crate) fn leaders_words(&self, from: NodeId, to: NodeId) -> Vec<Term> {
        let said = self.said.iter().filter(|m| m.from == from && m.to == to);
        said.filter(|m| m.body.traits().is_from_leader).filter_map(|m| m.term).collect()
    }

    /// Returns what a node's disk holds, or will hold once it has written what waits.
    pub(crate) fn disk(&self, id: NodeId) -> HardState {
        self.cluster.disk(id).map(|disk| disk.latest()).unwrap_or_default()
    }

    /// Returns a node's role, or none while it is down.
    pub(crate) fn role(&self, id: NodeId) -> Option<RoleName> {
        self.cluster.node(id).map(|node| node.inspect().role)
    }

    /// Returns whether a node leads.
    pub(crate) fn leads(&self, id: NodeId) -> bool {
        self.role(id) == Some(RoleName::Leader)
    }

    /// Returns which node a node had voted for before the last step, in the term that it is in now.
    pub(crate) fn vote_before(&self, id: NodeId) -> Option<NodeId> {
        let (term, vote) = self.before.get(&id).copied()?;
        vote.filter(|_| self.cluster.node(id).is_some_and(|node| node.inspect().term == term))
    }

    /// Returns whether an event refuses a vote because of a vote that the node granted in an earlier
    /// term.
    pub(crate) fn keeps_vote(&self, id: NodeId, event: &Event) -> bool {
        let Event::VoteRefused { why: Refusal::VotedFor(other), .. } = event else { return false };
        let now = self.cluster.node(id).map(|node| node.inspect().term);
        self.before.get(&id).is_some_and(|&(then, vote)| Some(then) < now && vote == Some(*other))
    }

    /// Returns which node a node follows, if it knows.
    pub(crate) fn follows(&self, id: NodeId) -> Option<NodeId> {
        self.cluster.node(id)?.inspect().leader
    }

    /// Writes a node's role and term as a table does: `candidate t5`.
    pub(crate) fn short_standing(&self, id: NodeId) -> String {
        match self.cluster.node(id).map(|node| node.inspect()) {
            Some(node) => format!("{} t{}", node.role, node.term),
            None => "down".to_owned(),
        }
    }

    /// Says a node's role and term, and which node it follows: `n2 follower t5 of n3`.
    pub(crate) fn view(&self, id: NodeId) -> String {
        let leader = self.follows(id).filter(|&leader| leader != id);
        let leader = leader.map(|leader| format!(" of {leader}")).unwrap_or_default();
        format!("{id} {}{leader}", self.short_standing(id))
    }

    /// Says a node's role and term: `candidate, term 5`.
    pub(crate) fn standing(&self, id: NodeId) -> String {
        match self.cluster.node(id).map(|node| node.inspect()) {
            Some(node) => format!("{}, term {}", node.role, node.term),
            None => "down".to_owned(),
        }
    }

    /// Says what a node's disk holds: `term 5, vote n2`.
    pub(crate) fn memory(&self, id: NodeId) -> String {
        let HardState { term, vote, .. } = self.disk(id);
        remembers(term.0, vote)
    }
}
