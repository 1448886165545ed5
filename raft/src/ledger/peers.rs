//! The leader's page of the ledger: what it knows of its peers' logs, and what it sends them.
//!
//! ```text
//!   rule:  self.advance_match(leader, from, index)
//!            |-- Progress: match, next, window, state      (progress.rs)
//!            |-- how many voters are ahead of the commit index
//!            '-- asserted, and noted in the journal
//! ```
//!
//! A [`Tracked`] gives its [`Progress`] out to be read (`Deref`), and only the functions here write it.

use super::Core;
use super::reads::LeaderReads;
use crate::entry::Entry;
use crate::event::Event;
use crate::message::{Body, Session};
use crate::progress::inflight::Inflights;
use crate::progress::{Progress, ProgressState};
use crate::state::Snapshot;
use crate::storage::Storage;
use crate::types::{EntryId, Index, NodeId};
use std::collections::BTreeMap;
use std::ops::Deref;

/// What only a leader knows.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Leader {
    /// What it knows of every voter's log, its own among them (`matchIndex`, `nextIndex`).
    pub(crate) progress: BTreeMap<NodeId, Tracked>,
    /// The bytes of content that it took in this term and that are not applied yet, committed or not.
    /// The name is etcd's.
    uncommitted_bytes: u64,
    /// How many voters are known to hold more than what is committed.
    ahead_of_commit: usize,
    /// The first entry of its term.
    term_start: Index,
    /// The last index at which a change of the group may be that is not applied.
    pending_change: Index,
    /// How many members were added in its term.
    sessions: u64,
    /// The ticks since it last checked who listens to it (check-quorum).
    quorum_ticks: u64,
    /// The transfer of its leadership, if one is under way.
    transfer: Option<Transfer>,
    /// The reads that wait for it.
    pub(crate) reads: LeaderReads,
}

/// A transfer of the leadership.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Transfer {
    target: NodeId,
    /// The ticks since it began.
    ticks: u64,
    /// The last index of the log when the target was told to campaign, if it was.
    told_at: Option<Index>,
}

/// A [`Progress`] that only the ledger changes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Tracked(Progress);

impl Tracked {
    /// Returns the progress, for the ledger's other pages.
    pub(super) fn progress_mut(&mut self) -> &mut Progress {
        &mut self.0
    }
}

impl Deref for Tracked {
    type Target = Progress;

    fn deref(&self) -> &Progress {
        &self.0
    }
}

impl Leader {
    /// Returns a leader that knows nothing of its voters' logs yet (Fig. 2: matchIndex starts at 0).
    /// `init_progress` in `replication.rs` sets up right after how it begins to send to them.
    pub(crate) fn new(voters: impl Iterator<Item = NodeId>) -> Self {
        let progress = voters.map(|id| (id, Tracked(Progress::unknown()))).collect();
        let (term_start, reads) = (Index(u64::MAX), LeaderReads::default());
        let (uncommitted_bytes, ahead_of_commit, quorum_ticks) = (0, 0, 0);
        Leader {
            progress,
            uncommitted_bytes,
            ahead_of_commit,
            term_start,
            pending_change: Index(0),
            sessions: 0,
            quorum_ticks,
            transfer: None,
            reads,
        }
    }

    /// Returns the first entry of its term. Once it is committed, the leader knows of everything that
    /// earlier leaders have committed.
    pub(crate) fn term_start(&self) -> Index {
        self.term_start
    }

    /// Returns the last index at which a change of the group may be that is not applied. A new leader does
    /// not look for one: its whole log counts.
    pub(crate) fn pending_change(&self) -> Index {
        self.pending_change
    }

    /// Returns the node that is to lead, if a transfer is under way.
    pub(crate) fn transfer_target(&self) -> Option<NodeId> {
        self.transfer.as_ref().map(|transfer| transfer.target)
    }

    /// Returns the target of the transfer, if it was not told to campaign with the log that ends at
    /// `last`.
    pub(crate) fn untold_target(&self, last: Index) -> Option<NodeId> {
        let untold = self.transfer.as_ref().filter(|transfer| transfer.told_at != Some(last));
        untold.map(|transfer| transfer.target)
    }

    /// Returns the ticks since it last checked who listens to it.
    pub(crate) fn quorum_ticks(&self) -> u64 {
        self.quorum_ticks
    }

    /// Returns the bytes of content that it took in this term and that are not applied yet.
    pub(crate) fn uncommitted_bytes(&self) -> u64 {
        self.uncommitted_bytes
    }

    /// Returns how many voters are known to hold more than what is committed: an upper bound for those
    /// that hold any one entry that may be committed next. So a leader need not count all voters at
    /// every acknowledgement.
    pub(crate) fn ahead_of_commit(&self) -> usize {
        self.ahead_of_commit
    }
}

// Match and next.

impl<S: Storage> Core<S> {
    /// Notes which entry is the first of the leader's term.
    pub(crate) fn begin_term_at(&self, leader: &mut Leader, first: Index) {
        leader.term_start = first;
    }

    /// Notes that a change of the group may be at `index`, and is not applied.
    pub(crate) fn set_pending_change(&self, leader: &mut Leader, index: Index) {
        leader.pending_change = index;
    }

    /// Tracks a member of which nothing is known yet; one that is tracked already stays as it is.
    pub(crate) fn track(&self, leader: &mut Leader, id: NodeId) {
        leader.progress.entry(id).or_insert_with(|| Tracked(Progress::unknown()));
    }

    /// Begins to track a member that was added, with a session of its own. It counts as alive, so that it does
    /// not count against the leader before it can have answered. A snapshot for it must know of the change
    /// that added it.
    pub(crate) fn track_added(
        &self,
        leader: &mut Leader,
        id: NodeId,
        last: Index,
        window: Inflights,
    ) {
        leader.sessions += 1;
        let mut progress = Progress::new(last, window, Session(leader.sessions));
        progress.set_recent_active();
        progress.set_snapshot_floor(leader.pending_change.min(self.commit));
        progress.assert_in_order();
        leader.progress.insert(id, Tracked(progress));
    }

    /// Ends the tracking of a member that was removed.
    pub(crate) fn untrack(&self, leader: &mut Leader, id: NodeId) {
        leader.progress.remove(&id);
    }

    /// Begins to track a peer's log.
    pub(crate) fn begin_progress(&self, tracked: &mut Tracked, progress: Progress) {
        tracked.0 = progress;
        tracked.0.assert_in_order();
    }

    /// Begins to track the leader's own log, which ends at `last` and agrees with itself.
    pub(crate) fn begin_own_progress(
        &self,
        tracked: &mut Tracked,
        progress: Progress,
        last: Index,
    ) {
        tracked.0 = progress;
        tracked.0.maybe_update(last);
        tracked.0.become_replicate();
        tracked.0.set_recent_active();
        tracked.0.assert_in_order();
    }

    /// Learns that a peer's log agrees with the leader's up to `index`: a probe has found its index, a
    /// window has room again. Returns whether either is so: whether it was news, or told a probe that
    /// nothing is missing.
    #[track_caller]
    pub(crate) fn advance_match(
        &mut self,
        leader: &mut Leader,
        peer: NodeId,
        index: Index,
    ) -> bool {
        let Some(Tracked(progress)) = leader.progress.get_mut(&peer) else { return false };
        let (from, was_probing) = (progress.matched(), *progress.state() == ProgressState::Probe);
        if progress.maybe_update(index) {
            self.note(Event::MatchAdvanced { peer, from, to: index });
        } else if !(was_probing && index == from) {
            return false;
        }
        if was_probing {
            progress.become_replicate();
            self.note(Event::Replicates { peer, next: progress.next() });
        } else if *progress.state() == ProgressState::Replicate {
            progress.free_to(index);
        }
        progress.assert_in_order();
        if from <= self.commit && self.commit < index && self.voters.contains(peer) {
            leader.ahead_of_commit += 1;
        }
        true
    }

    /// Counts the voters that hold more than what is committed. Once for each commit: between two of
    /// them, [`Core::advance_match`] keeps the count.
    pub(crate) fn recount_ahead_of_commit(&self, leader: &mut Leader) {
        let is_ahead =
            |id: &NodeId| leader.progress.get(id).is_some_and(|peer| peer.matched() > self.commit);
        leader.ahead_of_commit = self.voters.voters().filter(is_ahead).count();
    }

    /// Learns that a peer rejected what follows `rejected` and may agree at `hint`: goes back, and
    /// probes. Returns whether the rejection was news.
    #[track_caller]
    pub(crate) fn back_off(
        &mut self,
        peer: NodeId,
        tracked: &mut Tracked,
        rejected: Index,
        hint: Index,
    ) -> bool {
        let progress = &mut tracked.0;
        let (from, matched) = (progress.next(), progress.matched());
        if !progress.maybe_decr_to(rejected, hint) {
            if rejected == matched {
                self.note(Event::AcknowledgementDenied { peer, index: rejected });
            }
            return false;
        }
        self.note(Event::NextWentBack { peer, from, to: progress.next() });
        progress.assert_in_order();
        if *progress.state() == ProgressState::Replicate {
            self.probe(peer, tracked);
        }
        true
    }

    /// Sends a peer one append at a time from now on.
    #[track_caller]
    pub(crate) fn probe(&mut self, peer: NodeId, tracked: &mut Tracked) {
        tracked.0.become_probe();
        tracked.0.assert_in_order();
        self.note(Event::Probes { peer, next: tracked.next() });
    }

    /// Sends a peer a snapshot, and nothing more until it has it.
    #[track_caller]
    pub(crate) fn send_image(&mut self, to: NodeId, tracked: &mut Tracked, snapshot: Snapshot) {
        self.note(Event::SnapshotSent { peer: to, last: snapshot.id });
        tracked.0.become_snapshot(snapshot.id.index);
        tracked.0.assert_in_order();
        let session = tracked.session();
        self.send(to, Body::InstallSnapshot { snapshot: Box::new(snapshot), session });
    }

    /// Counts a tick since the peer was sent a snapshot, and returns how many there are.
    pub(crate) fn count_snapshot_tick(&self, tracked: &mut Tracked) -> u64 {
        tracked.0.count_snapshot_tick()
    }

    /// Probes a peer that may not have got its snapshot.
    #[track_caller]
    pub(crate) fn give_up_snapshot(&mut self, peer: NodeId, tracked: &mut Tracked) {
        tracked.0.give_up_snapshot();
        tracked.0.assert_in_order();
        self.note(Event::SnapshotGivenUp { peer, next: tracked.next() });
    }

    /// Notes that a snapshot for a peer must cover `at_least`: before it, the peer was no member.
    pub(crate) fn raise_snapshot_floor(&self, tracked: &mut Tracked, at_least: Index) {
        tracked.0.set_snapshot_floor(at_least.max(tracked.snapshot_floor()));
    }

    /// Notes that a peer wants a snapshot that covers `at_least`.
    #[track_caller]
    pub(crate) fn note_snapshot_wanted(
        &mut self,
        peer: NodeId,
        tracked: &mut Tracked,
        at_least: Index,
    ) {
        self.note(Event::SnapshotWanted { peer, at_least });
        tracked.0.want_snapshot(at_least);
    }

    /// Sets how many appends may be in flight to a peer.
    pub(crate) fn set_window(&self, tracked: &mut Tracked, max: usize) {
        tracked.0.set_window(max);
        tracked.0.assert_in_order();
    }

    /// Lets nothing be sent before the peer's next answer.
    pub(crate) fn pause(&self, tracked: &mut Tracked) {
        tracked.0.pause();
    }

    /// Lets a probe be sent again.
    pub(crate) fn resume(&self, tracked: &mut Tracked) {
        tracked.0.resume();
    }

    /// Records that a peer has answered: it is alive.
    pub(crate) fn set_recent_active(&self, tracked: &mut Tracked) {
        tracked.0.set_recent_active();
    }

    /// Records whether an append is to be built when the next Ready is taken (`batch_append`).
    pub(crate) fn set_pending_append(&self, tracked: &mut Tracked, is_pending: bool) {
        tracked.0.set_pending_append(is_pending);
    }
}

// Check-quorum.

impl<S: Storage> Core<S> {
    /// Counts a tick towards the next check of who listens.
    pub(crate) fn count_quorum_tick(&self, leader: &mut Leader) {
        leader.quorum_ticks += 1;
    }

    /// Begins the time until the next check: each peer has to answer again.
    pub(crate) fn begin_quorum_interval(&self, leader: &mut Leader) {
        leader.quorum_ticks = 0;
        for (_, Tracked(progress)) in leader.progress.iter_mut().filter(|(id, _)| **id != self.id) {
            progress.clear_recent_active();
        }
    }
}

// Leader transfer.

impl<S: Storage> Core<S> {
    /// Begins a transfer. One to another node ends.
    #[track_caller]
    pub(crate) fn set_transfer(&mut self, leader: &mut Leader, target: NodeId) {
        self.end_transfer(leader);
        self.note(Event::TransferBegan { target });
        leader.transfer = Some(Transfer { target, ticks: 0, told_at: None });
    }

    /// Tells the target to campaign.
    #[track_caller]
    pub(crate) fn tell_to_campaign(&mut self, leader: &mut Leader, target: NodeId, last: EntryId) {
        if let Some(transfer) = &mut leader.transfer {
            transfer.told_at = Some(last.index);
        }
        self.send(target, Body::TimeoutNow { last });
    }

    /// Counts a tick of the transfer, and returns for how many it lasts.
    pub(crate) fn count_transfer_tick(&self, leader: &mut Leader) -> u64 {
        leader.transfer.as_mut().map_or(0, |transfer| {
            transfer.ticks += 1;
            transfer.ticks
        })
    }

    /// Ends a transfer, if one is under way: this node goes on to lead.
    #[track_caller]
    pub(crate) fn end_transfer(&mut self, leader: &mut Leader) {
        if let Some(Transfer { target, .. }) = leader.transfer.take() {
            self.note(Event::TransferEnded { target });
        }
    }
}

// Uncommitted bytes.

impl<S: Storage> Core<S> {
    /// Counts the bytes of proposals that were taken.
    pub(crate) fn add_uncommitted(&self, leader: &mut Leader, bytes: u64) {
        leader.uncommitted_bytes = leader.uncommitted_bytes.saturating_add(bytes);
    }

    /// Takes off the bytes of proposals of this term that were applied.
    pub(crate) fn remove_uncommitted(&self, leader: &mut Leader, bytes: u64) {
        leader.uncommitted_bytes = leader.uncommitted_bytes.saturating_sub(bytes);
    }
}

// Sending.

impl<S: Storage> Core<S> {
    /// Sends a peer the entries after `prev`, and records that they are in flight.
    #[track_caller]
    pub(crate) fn send_entries(
        &mut self,
        to: NodeId,
        tracked: &mut Tracked,
        prev: EntryId,
        entries: Vec<Entry>,
    ) {
        let (commit, session) = (self.commit, tracked.session());
        let bytes = entries.iter().map(Entry::content_bytes).sum();
        tracked.0.sent_append(entries.last().map(|entry| entry.id.index), bytes, commit);
        tracked.0.assert_in_order();
        self.send(to, Body::AppendEntries { prev, entries, commit, session });
    }

    /// Sends a peer a heartbeat, and records the commit index it carries. It asks for the round of reads
    /// that is under way, if one is.
    #[track_caller]
    pub(crate) fn send_heartbeat(&mut self, to: NodeId, tracked: &mut Tracked, commit: Index) {
        tracked.0.sent_heartbeat(commit);
        let (token, session) = (tracked.read_round(), tracked.session());
        self.send(to, Body::Heartbeat { commit, token, session });
    }
}
