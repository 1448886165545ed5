//! Folding: an explorer forgets what cannot matter any more, so that states become equal.
//!
//! ```text
//!   n2 stands in term 2     n3->n2 VoteReply t2 granted   counted already    -.
//!                           n1->n2 Heartbeat t1           its disk is in t2   +-- forgotten
//!                           n3->n2 VoteReply t2 granted   the same words     -'
//! ```
//!
//! On a network that may lose anything, forgetting a message is losing it: no run is made that could
//! not be. Which runs are not walked any more is said in [`crate::explore`].

use super::Cluster;
use super::seat::{Node, Seat};
use crate::explore::{Folding, Subject};
use crate::network::Flight;
use raft::{
    AppendOutcome, Body, EntryId, Index, MemoryStorage, Message, NodeId, Progress, ProgressState,
    Raft, RoleName,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Cluster {
    /// Forgets what cannot matter on a network that may repeat itself: a second flight of the same
    /// words, a message of a term that its receiver's disk has left for good, and an answer that tells
    /// nobody anything. Where only elections are looked at, also an answer to a heartbeat that brings
    /// no later term, and every append: it is lost, as it may be on any network.
    pub(crate) fn fold(&mut self, subject: Subject, folding: Folding) {
        let seats = &self.seats;
        self.network.retain(|flight| {
            let Message { to, term, ref body, .. } = flight.message;
            let floor = seats.get(&to).map(|seat| seat.disk.durable().hard_state().term);
            let is_append = matches!(body, Body::AppendEntries { .. } | Body::AppendReply { .. });
            let is_news = !matches!(body, Body::HeartbeatReply { .. });
            if subject == Subject::Logs {
                let can_matter = floor.is_none() || term.is_none() || term >= floor;
                return can_matter && !(term == floor && tells_nobody(seats, flight, folding));
            }
            if is_append {
                return false;
            }
            floor.is_none() || term.is_none() || term > floor || term == floor && is_news
        });
        self.network.forget_repetitions();
        let living = self.living_entries();
        self.memory.forget_pasts(|id| living.contains(&id));
    }

    /// Returns every entry that is still somewhere: in a log, on a disk, or under way.
    fn living_entries(&self) -> BTreeSet<EntryId> {
        let mut living = BTreeSet::new();
        for seat in self.seats.values() {
            let disk = [seat.disk.kept(), seat.disk.written()];
            living.extend(disk.iter().flat_map(|log| log.since(Index(0))).map(|link| link.id));
            let pending = seat.disk.pending().flat_map(|write| &write.entries);
            living.extend(pending.map(|entry| entry.id));
            if let Some(node) = seat.node.as_ref().map(Node::raft) {
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

/// Returns whether a message of its receiver's durable term is an answer that tells it nothing: to a
/// question that it can ask no more, for it stands, or leads, in another term, or follows; or one that
/// it knows.
fn tells_nobody(seats: &BTreeMap<NodeId, Arc<Seat>>, flight: &Flight, folding: Folding) -> bool {
    let Message { from, to, term, ref body } = flight.message;
    let role = match body {
        Body::VoteReply { .. } => RoleName::Candidate,
        Body::AppendReply { .. } | Body::HeartbeatReply { .. } => RoleName::Leader,
        Body::RequestPreVote(_) | Body::PreVoteReply { .. } | Body::RequestVote(_) => return false,
        Body::AppendEntries { .. } | Body::InstallSnapshot { .. } => return false,
        Body::Heartbeat { .. } | Body::Propose { .. } | Body::TransferLeader { .. } => {
            return false;
        }
        Body::TimeoutNow | Body::ReadIndex { .. } | Body::ReadIndexReply { .. } => return false,
    };
    let Some(raft) = seats.get(&to).and_then(|seat| seat.node.as_ref()).map(Node::raft) else {
        return false;
    };
    let node = raft.inspect();
    let is_known = || folding == Folding::All && is_known(raft, from, body);
    node.role != role || Some(node.term) != term || is_known()
}

/// Returns whether a candidate or leader knows already what an answer of its term says.
fn is_known(raft: &Raft<MemoryStorage>, from: NodeId, answer: &Body) -> bool {
    let node = raft.inspect();
    let peer = || raft.progress().find(|(id, _)| *id == from).map(|(_, progress)| progress);
    if let Body::VoteReply { .. } = answer {
        // A second word of the same voter does not count.
        return node.votes.is_some_and(|votes| votes.answers().any(|(id, _)| id == from));
    }
    if let Body::AppendReply { outcome: AppendOutcome::Matched(index), .. } = answer {
        return peer().is_some_and(|progress| progress.matched() >= *index);
    }
    // Once the leader has more to tell, the next beat is answered as this one was.
    let lacks_nothing = |progress: &Progress| {
        progress.matched() == node.last.index
            && *progress.state() == ProgressState::Replicate
            && !progress.is_paused()
    };
    matches!(answer, Body::HeartbeatReply { .. }) && peer().is_some_and(lacks_nothing)
}
