//! Reduction: an explorer forgets what cannot matter any more, so that states become equal.
//!
//! ```text
//!   n2 campaigns in term 2  n3->n2 VoteReply t2 granted   counted already   -.
//!                           n1->n2 Heartbeat t1           its disk is in t2  +-- removed
//!                           n3->n2 VoteReply t2 granted   the same contents -'
//! ```
//!
//! The network may lose any message, so to remove a message is to lose it: every remaining run is a
//! possible run. [`crate::explore`] says which runs are no longer explored.

use super::Cluster;
use super::host::{Host, Node};
use crate::explore::{Reduction, Subject};
use crate::network::Flight;
use raft::{
    AppendOutcome, Body, EntryId, Index, MemoryStorage, Message, NodeId, Progress, ProgressState,
    Raft, RoleName,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Cluster {
    /// Removes messages that cannot matter on a network that may duplicate. These are second flights with
    /// the same contents, messages of a term lower than the receiver's durable term, and answers that
    /// tell their receiver nothing new. If only elections are explored, it also removes heartbeat answers
    /// without a later term, and every append.
    pub(crate) fn reduce(&mut self, subject: Subject, reduction: Reduction) {
        let hosts = &self.hosts;
        self.network.retain(|flight| {
            let Message { to, term, ref body, .. } = flight.message;
            let floor = hosts.get(&to).map(|host| host.disk.durable().hard_state().term);
            let is_append = matches!(body, Body::AppendEntries { .. } | Body::AppendReply { .. });
            let is_news = !matches!(body, Body::HeartbeatReply { .. });
            if subject == Subject::Logs {
                let can_matter = floor.is_none() || term.is_none() || term >= floor;
                return can_matter && !(term == floor && tells_nobody(hosts, flight, reduction));
            }
            if is_append {
                return false;
            }
            floor.is_none() || term.is_none() || term > floor || term == floor && is_news
        });
        self.network.forget_repetitions();
        let living = self.living_entries();
        self.checker.forget_pasts(|id| living.contains(&id));
    }

    /// Returns the id of every entry that is in a log, on a disk, or in flight.
    fn living_entries(&self) -> BTreeSet<EntryId> {
        let mut living = BTreeSet::new();
        for host in self.hosts.values() {
            let disk = [host.disk.kept(), host.disk.written()];
            living.extend(disk.iter().flat_map(|log| log.since(Index(0))).map(|link| link.id));
            let pending = host.disk.pending().flat_map(|write| &write.entries);
            living.extend(pending.map(|entry| entry.id));
            if let Some(node) = host.node.as_ref().map(Node::raft) {
                let seen = node.inspect();
                let unstable = node.entries(seen.stored + 1, seen.last.index + 1);
                living.extend(unstable.iter().flatten().map(|entry| entry.id));
            }
        }
        for flight in self.network.flights() {
            if let Body::AppendEntries { entries, .. } = &flight.message.body {
                living.extend(entries.iter().map(|entry| entry.id));
            }
        }
        living
    }
}

/// Returns whether a message of its receiver's durable term is an answer that tells the receiver nothing
/// new. That is so if the receiver has left the role or the term in which it asked, or if it knows the
/// answer already.
fn tells_nobody(
    hosts: &BTreeMap<NodeId, Arc<Host>>,
    flight: &Flight,
    reduction: Reduction,
) -> bool {
    let Message { from, to, term, ref body } = flight.message;
    let role = match body {
        Body::VoteReply { .. } => RoleName::Candidate,
        Body::AppendReply { .. } | Body::HeartbeatReply { .. } => RoleName::Leader,
        Body::RequestPreVote(_) | Body::PreVoteReply { .. } | Body::RequestVote(_) => return false,
        Body::AppendEntries { .. } | Body::InstallSnapshot { .. } => return false,
        Body::Heartbeat { .. } | Body::Propose { .. } | Body::TransferLeader { .. } => {
            return false;
        }
        Body::TimeoutNow { .. } | Body::ReadIndex { .. } | Body::ReadIndexReply { .. } => {
            return false;
        }
    };
    let Some(raft) = hosts.get(&to).and_then(|host| host.node.as_ref()).map(Node::raft) else {
        return false;
    };
    let node = raft.inspect();
    let is_known = || reduction == Reduction::Full && is_known(raft, from, body);
    node.role != role || Some(node.term) != term || is_known()
}

/// Returns whether a candidate or leader already knows what an answer of its term says.
fn is_known(raft: &Raft<MemoryStorage>, from: NodeId, answer: &Body) -> bool {
    let node = raft.inspect();
    let peer = || raft.progress().find(|(id, _)| *id == from).map(|(_, progress)| progress);
    if let Body::VoteReply { .. } = answer {
        // A second answer of the same voter does not count.
        return node.votes.is_some_and(|votes| votes.answers().any(|(id, _)| id == from));
    }
    if let Body::AppendReply { outcome: AppendOutcome::Matched(index), .. } = answer {
        return peer().is_some_and(|progress| progress.matched() >= *index);
    }
    // If the leader gets new entries later, the answer to the next heartbeat brings the same news.
    let lacks_nothing = |progress: &Progress| {
        progress.matched() == node.last.index
            && *progress.state() == ProgressState::Replicate
            && !progress.is_paused()
    };
    matches!(answer, Body::HeartbeatReply { .. }) && peer().is_some_and(lacks_nothing)
}
