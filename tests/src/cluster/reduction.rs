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
    /// the same contents, messages on a cut link, messages of a term lower than the receiver's durable
    /// term, and answers that tell their receiver nothing new. If only elections are explored, it also
    /// removes heartbeat answers without a later term, and every append. If whole groups are explored, it
    /// also removes questions whose answer is known, but an older leader that is answered keeps its word.
    pub(crate) fn reduce(&mut self, subject: Subject, reduction: Reduction) {
        let hosts = &self.hosts;
        let cuts: BTreeSet<_> = self.network.cuts().collect();
        self.network.retain(|flight| {
            let Message { from, to, term, ref body } = flight.message;
            if cuts.contains(&(from, to)) {
                return false;
            }
            let floor = hosts.get(&to).map(|host| host.disk.durable().hard_state().term);
            let is_append = matches!(body, Body::AppendEntries { .. } | Body::AppendReply { .. });
            let is_news = !matches!(body, Body::HeartbeatReply { .. });
            if subject != Subject::Elections {
                if floor.is_some() && term.is_some() && term < floor {
                    return subject == Subject::Groups && brings_an_answer(&hosts[&to], body);
                }
                let is_folded = subject == Subject::Groups && reduction == Reduction::Full;
                let is_done = || is_folded && is_answered(hosts, &flight.message);
                return term != floor || !(tells_nobody(hosts, flight, reduction) || is_done());
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
    let Some(host) = hosts.get(&to) else { return false };
    let Some(raft) = host.node.as_ref().map(Node::raft) else { return false };
    let node = raft.inspect();
    // Check-quorum counts every answer.
    let is_reduced = reduction == Reduction::Full && !host.config.check_quorum;
    let is_known = || is_reduced && is_known(raft, from, body);
    node.role != role || Some(node.term) != term || is_known()
}

/// Returns whether a machine answers this message of an earlier term: with its own term, if it comes from a
/// leader whose questions others may ignore.
fn brings_an_answer(receiver: &Host, body: &Body) -> bool {
    let is_a_leaders = matches!(
        body,
        Body::AppendEntries { .. } | Body::Heartbeat { .. } | Body::InstallSnapshot { .. }
    );
    is_a_leaders && (receiver.config.check_quorum || receiver.config.pre_vote)
}

/// Returns whether a message of its receiver's durable term has arrived, and its sender knows the answer or
/// needs none any more.
fn is_answered(hosts: &BTreeMap<NodeId, Arc<Host>>, message: &Message) -> bool {
    let Message { from, to, term, ref body } = *message;
    if hosts[&to].config.check_quorum {
        // Every message of a leader prolongs a promise.
        return false;
    }
    let node = |id| hosts.get(&id).and_then(|host: &Arc<Host>| host.node.as_ref()).map(Node::raft);
    let (Some(sender), Some(receiver)) = (node(from), node(to)) else { return false };
    let (asked, node) = (sender.inspect(), receiver.inspect());
    if let Body::RequestVote(_) = body {
        let counts = asked.role == RoleName::Candidate && Some(asked.term) == term;
        let is_counted = asked.votes.is_some_and(|votes| votes.answers().any(|(id, _)| id == to));
        return node.vote.is_some() && (!counts || is_counted);
    }
    let peer = sender.progress().find(|(id, _)| *id == to).map(|(_, progress)| progress);
    let leads = asked.role == RoleName::Leader && Some(asked.term) == term;
    let is_held = |last: Index| !leads || peer.is_none_or(|peer| peer.matched() >= last);
    let has_taken = |last: Index, commit: Index| {
        node.leader == Some(from) && node.stored >= last && node.commit >= commit.min(last)
    };
    match body {
        Body::AppendEntries { prev, entries, commit, .. } => {
            let last = entries.last().map_or(*prev, |entry| entry.id);
            let holds = receiver.entries(last.index, last.index + 1);
            let holds = holds.is_ok_and(|it| it.first().is_none_or(|entry| entry.id == last));
            holds && has_taken(last.index, *commit) && is_held(last.index)
        }
        Body::Heartbeat { commit, token, session } => {
            let answer = Body::HeartbeatReply { token: *token, session: *session };
            has_taken(*commit, *commit) && (!leads || is_known(sender, to, &answer))
        }
        Body::RequestPreVote(_) | Body::PreVoteReply { .. } | Body::RequestVote(_) => false,
        Body::VoteReply { .. } | Body::AppendReply { .. } | Body::HeartbeatReply { .. } => false,
        // It is rare, and code that wrongly takes it twice is worth finding.
        Body::InstallSnapshot { .. } => false,
        Body::Propose { .. } | Body::TransferLeader { .. } | Body::TimeoutNow { .. } => false,
        Body::ReadIndex { .. } | Body::ReadIndexReply { .. } => false,
    }
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
    let Body::HeartbeatReply { token, .. } = answer else { return false };
    let lacks_nothing = |progress: &Progress| {
        progress.matched() == node.last.index
            && *progress.state() == ProgressState::Replicate
            && !progress.is_paused()
            && token.is_none_or(|token| progress.answered_round() >= token)
    };
    peer().is_some_and(lacks_nothing)
}
