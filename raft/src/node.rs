//! The node that applications use: [`Raft`] behind a door that says what must be durable when.
//!
//! ```text
//!   tick, step, propose, campaign
//!        |
//!        v                  save hard state and entries
//!   has_ready? --> ready --> send messages            --> advance --> LightReady
//!                            apply committed entries         |
//!        ^                                                   '-- own promises count now
//!        '---------------------------------------------------'
//! ```
//!
//! The loop is on the crate's first page, compiled and run. What follows is the other way to drive a
//! node: several things at once.
//!
//! A write takes long, so the node goes on meanwhile. Writes end in order; each end is reported by
//! [`RawNode::on_persist_ready`].
//!
//! ```text
//!   node    ready 1     1 persisted   ready 2   ready 3   2 persisted   3 persisted   ready 4
//!              \         /  it leads     \         \         /  commit 1   /  commit 2
//!   disk        [= vote =]              [====== 1@1 ======]           /
//!                                                 [======= 2@1 =======]
//! ```

mod applying;

use crate::config::{ApplyGate, Config};
use crate::entry::{ConfChangeV2, Entry, Payload};
use crate::error::{
    ApplyChangeError, CampaignError, ForgetLeaderError, Halt, OrderError, ProposeError,
    RequestSnapshotError, StartError, StepError, TransferError,
};
use crate::journal::Journal;
use crate::message::{Message, Priority};
use crate::outbox::Outbox;
use crate::owner::Inspect;
use crate::progress::Progress;
use crate::raft::Raft;
use crate::ready::{LightReady, Ready, ReadyRecord};
use crate::state::{CommitGroups, ConfState, HardState, SnapshotStatus, SoftState};
use crate::storage::Storage;
use crate::types::{Index, NodeId, ReadyNumber, Term, Uncompared};
use applying::Applying;
use bytes::Bytes;
use std::collections::VecDeque;

/// A node, with a record of what it has handed out.
///
/// # Several things at once
///
/// ```
/// use bytes::Bytes;
/// use raft::{Config, MemoryStorage, NodeId, RawNode, ReadyNumber, RoleName};
/// use std::collections::VecDeque;
///
/// let alone = MemoryStorage::with_voters([NodeId(1)]);
/// let mut node = RawNode::new(&Config::new(NodeId(1)), alone)?;
/// let mut disk = VecDeque::new();
///
/// node.campaign()?;
/// let ready = node.ready()?;
/// disk.push_back((ready.number(), ready.hard_state(), ready.entries().to_vec()));
/// node.advance_append_async(ready)?;
/// assert_eq!(node.status().role, RoleName::Candidate, "its vote is not durable yet");
///
/// let mut finish = |node: &mut RawNode<MemoryStorage>, disk: &mut VecDeque<_>| {
///     let (number, hard_state, entries): (ReadyNumber, Option<_>, Vec<_>) =
///         disk.pop_front().expect("a write is in progress");
///     node.storage_mut().append(&entries);
///     hard_state.map(|hard_state| node.storage_mut().save(hard_state));
///     node.on_persist_ready(number)
/// };
/// finish(&mut node, &mut disk)?;
/// assert_eq!(node.status().role, RoleName::Leader);
///
/// // Two writes in progress: the term's first entry, then a proposal.
/// let ready = node.ready()?;
/// disk.push_back((ready.number(), ready.hard_state(), ready.entries().to_vec()));
/// node.advance_append_async(ready)?;
/// node.propose(Bytes::new(), Bytes::from_static(b"x=1"))?;
/// let ready = node.ready()?;
/// assert_eq!(ready.entries().len(), 1, "the first is being written and not handed out again");
/// disk.push_back((ready.number(), ready.hard_state(), ready.entries().to_vec()));
/// node.advance_append_async(ready)?;
/// assert_eq!(node.status().commit.0, 0);
///
/// finish(&mut node, &mut disk)?;
/// assert_eq!(node.status().commit.0, 1, "the first entry is durable on a majority of one");
/// finish(&mut node, &mut disk)?;
/// assert_eq!(node.status().commit.0, 2);
/// let ready = node.ready()?;
/// assert_eq!(ready.committed_entries().len(), 2);
/// node.advance_append_async(ready)?;
/// node.advance_apply()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RawNode<S> {
    raft: Raft<S>,
    reported: Reported,
    /// The Readys that are not known to be durable, oldest first.
    records: VecDeque<ReadyRecord>,
    applying: Applying,
    /// The number of the last Ready.
    number: Uncompared<ReadyNumber>,
}

/// What the last Ready told the owner.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Reported {
    soft: SoftState,
    hard: HardState,
}

// Driving.

impl<S: Storage> RawNode<S> {
    /// Starts a node with what its storage remembers. Its first Ready holds only what changes from here.
    ///
    /// # Errors
    /// [`StartError`] names the setting that cannot work, or what is wrong with the storage.
    pub fn new(config: &Config, storage: S) -> Result<Self, StartError> {
        let raft = Raft::new(config, storage)?;
        let reported = Reported { soft: raft.soft_state(), hard: raft.hard_state() };
        let applying = Applying::after(raft.inspect().applied).capped_at(config.max_applying_bytes);
        let (records, number) = (VecDeque::new(), Uncompared::default());
        Ok(RawNode { raft, reported, records, applying, number })
    }

    /// Counts one tick. Returns whether a Ready waits. A halted node does nothing.
    pub fn tick(&mut self) -> bool {
        self.raft.tick();
        self.has_ready()
    }

    /// Takes one message from another node.
    ///
    /// # Errors
    /// [`StepError`] if no correct network delivers this message, or if it is a proposal that is not
    /// taken; the node has not changed. [`StepError::Halted`] if the node has halted, now or earlier.
    pub fn step(&mut self, m: Message) -> Result<(), StepError> {
        let outcome = self.raft.step(m);
        self.note_installing();
        outcome
    }

    /// Starts an election now, without waiting for a timeout.
    ///
    /// # Errors
    /// [`CampaignError`] if the node leads already, is no voter, or has halted; or, where reads rest on
    /// leases, if it has heard from a leader too short a time ago.
    pub fn campaign(&mut self) -> Result<(), CampaignError> {
        self.raft.campaign()
    }

    /// Proposes a command of the application, with a mark by which to recognize it once it is committed.
    ///
    /// A proposal that was taken may still be lost: a leader may crash, a message may get lost. A client
    /// that must know waits for it among the committed entries, and tries again.
    ///
    /// # Errors
    /// [`ProposeError`] if it was not taken; the node has not changed, unless it has halted.
    pub fn propose(&mut self, context: Bytes, data: Bytes) -> Result<(), ProposeError> {
        self.raft.propose(context, data)
    }

    /// Asks for an index at which a read sees everything that was acknowledged before (thesis §6.4). The
    /// answer comes in a later Ready, with the mark `context` ([`Ready::reads`]): every read ends, with an
    /// index or with the reason why there is none. A leader asks a majority whether it still leads; any
    /// other node asks its leader.
    ///
    /// Reads that are asked for at the same time may have the same mark. Marks that a node used before it
    /// restarted should not be used again for as long as messages may be late.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted.
    pub fn read_index(&mut self, context: Bytes) -> Result<(), Halt> {
        self.raft.read_index(context)
    }

    /// Forgets the leader: [`Raft::forget_leader`].
    ///
    /// # Errors
    /// [`ForgetLeaderError`] if reads rest on leases, or the node has halted.
    pub fn forget_leader(&mut self) -> Result<(), ForgetLeaderError> {
        self.raft.forget_leader()
    }

    /// Hands the leadership to `target`: [`Raft::transfer_leader`].
    ///
    /// # Errors
    /// [`TransferError`] says why no transfer begins; the node has not changed, unless it has halted.
    pub fn transfer_leader(&mut self, target: NodeId) -> Result<(), TransferError> {
        self.raft.transfer_leader(target)
    }

    /// Proposes a change of the group: [`Raft::propose_conf_change`].
    ///
    /// # Errors
    /// [`ProposeError`] if it was not taken; the node has not changed, unless it has halted.
    pub fn propose_conf_change(
        &mut self,
        context: Bytes,
        change: impl Into<Payload>,
    ) -> Result<(), ProposeError> {
        self.raft.propose_conf_change(context, change)
    }

    /// Makes a change of the group, as this node applies its entry: [`Raft::apply_conf_change`]. Call it
    /// before the entry is reported as applied, and save the members that it returns.
    ///
    /// # Errors
    /// [`ApplyChangeError`] if the change cannot be made, or the node has halted.
    pub fn apply_conf_change(
        &mut self,
        change: impl Into<ConfChangeV2>,
    ) -> Result<ConfState, ApplyChangeError> {
        self.raft.apply_conf_change(change)
    }

    /// Asks the leader for a snapshot: [`Raft::request_snapshot`].
    ///
    /// # Errors
    /// [`RequestSnapshotError`] says why the leader is not asked; the node has not changed.
    pub fn request_snapshot(&mut self) -> Result<(), RequestSnapshotError> {
        self.raft.request_snapshot()
    }

    /// Learns what became of a snapshot that was sent: [`Raft::report_snapshot`].
    pub fn report_snapshot(&mut self, peer: NodeId, status: SnapshotStatus) {
        self.raft.report_snapshot(peer, status);
    }

    /// Learns that storage has fetched entries for a peer: [`Raft::on_entries_fetched`].
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    pub fn on_entries_fetched(&mut self, peer: NodeId) -> Result<(), Halt> {
        self.raft.on_entries_fetched(peer)
    }

    /// Sets the commit groups, or takes them away: [`Raft::set_commit_groups`].
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    pub fn set_commit_groups(&mut self, groups: Option<CommitGroups>) -> Result<(), Halt> {
        self.raft.set_commit_groups(groups)
    }

    /// Returns whether all that is committed is in two commit groups:
    /// [`Raft::check_group_commit_consistent`].
    pub fn check_group_commit_consistent(&self) -> Option<bool> {
        self.raft.check_group_commit_consistent()
    }

    /// Sets this node's priority: [`Raft::set_priority`].
    pub fn set_priority(&mut self, priority: Priority) {
        self.raft.set_priority(priority);
    }

    /// Sets how many appends may be in flight to one peer: [`Raft::adjust_max_inflight_messages`].
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    pub fn adjust_max_inflight_messages(&mut self, peer: NodeId, max: usize) -> Result<(), Halt> {
        self.raft.adjust_max_inflight_messages(peer, max)
    }

    /// Sends heartbeats now: [`Raft::ping`].
    pub fn ping(&mut self) {
        self.raft.ping();
    }

    /// Learns that messages to a peer are lost: a leader sends it one append at a time until it answers.
    /// Does nothing if the node does not lead, does not know the peer, or has halted.
    pub fn report_unreachable(&mut self, peer: NodeId) {
        self.raft.report_unreachable(peer);
    }
}

// Handing out.

impl<S: Storage> RawNode<S> {
    /// Returns whether there is anything to save, to send, to apply or to report. Never, once the node
    /// has halted.
    pub fn has_ready(&self) -> bool {
        let has_news = self.changed_soft_state().is_some()
            || self.changed_hard_state().is_some()
            || self.raft.has_outbox()
            || self.raft.has_unwritten()
            || self.has_committed();
        has_news && !self.raft.is_halted()
    }

    /// Hands out everything that is ready. What must be durable first is remembered under the Ready's
    /// number until [`RawNode::on_persist_ready`], or one of the `advance` functions, reports that it is.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier: nothing is handed out.
    pub fn ready(&mut self) -> Result<Ready, Halt> {
        self.raft.flush_pending_appends()?;
        let (soft, hard) = (self.changed_soft_state(), self.changed_hard_state());
        let entries = self.raft.take_unwritten();
        let must_sync = self.must_sync(&entries);
        let committed = self.take_committed(self.appliable())?;
        let Outbox { now, promised, own, reads, snapshot } = self.raft.take_outbox();
        self.reported.soft = soft.unwrap_or(self.reported.soft);
        self.reported.hard = hard.unwrap_or(self.reported.hard);
        let number = self.push_record(own);
        Ok(Ready {
            number,
            soft,
            hard,
            entries,
            snapshot,
            committed,
            reads,
            messages: now,
            persisted_messages: promised,
            must_sync,
        })
    }

    /// Returns leader and role, if they differ from those reported last.
    fn changed_soft_state(&self) -> Option<SoftState> {
        Some(self.raft.soft_state()).filter(|&soft| soft != self.reported.soft)
    }

    /// Returns term, vote and commit, if they differ from those reported last.
    fn changed_hard_state(&self) -> Option<HardState> {
        Some(self.raft.hard_state()).filter(|&hard| hard != self.reported.hard)
    }

    /// Returns whether promises may rest on what is to be saved: on these entries, or on a term or a
    /// vote that was not reported yet. A commit index alone can be learned again.
    fn must_sync(&self, entries: &[Entry]) -> bool {
        let (now, reported) = (self.raft.hard_state(), self.reported.hard);
        !entries.is_empty() || (now.term, now.vote) != (reported.term, reported.vote)
    }

    /// Numbers a Ready, and records what its write makes durable.
    ///
    /// That is the log up to its end, if any of it is not durable yet, even if this Ready writes none of
    /// it: the record of an earlier write may have become void because the term changed meanwhile, and
    /// this one replaces it.
    fn push_record(&mut self, own: Vec<Message>) -> ReadyNumber {
        self.number.0.0 += 1;
        let (term, last) = (self.raft.hard_state().term, self.raft.unstable_last());
        let (number, snapshot) = (self.number.clone(), self.raft.unstable_snapshot());
        self.records.push_back(ReadyRecord { number, term, last, snapshot, own });
        self.number.0
    }
}

// Reporting that a Ready is durable.

impl<S: Storage> RawNode<S> {
    /// Learns that every Ready up to `number` is durable and can be read from storage. The node's
    /// promises to itself count now, and storage answers for the entries.
    ///
    /// # Errors
    /// [`OrderError`] if no such Ready waits; it says which number is expected.
    /// [`OrderError::Halted`] if the node has halted, now or earlier.
    pub fn on_persist_ready(&mut self, number: ReadyNumber) -> Result<(), OrderError> {
        for _ in 0..self.durable_by(number)? {
            let record = self.records.pop_front().expect("it was counted");
            self.on_durable(record)?;
        }
        Ok(())
    }

    /// Lets a durable Ready count, and the snapshot that it has installed.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    fn on_durable(&mut self, record: ReadyRecord) -> Result<(), Halt> {
        let snapshot = record.snapshot;
        self.on_persist_record(record)?;
        if let Some(last) = snapshot {
            self.raft.snapshot_installed(last);
            self.applying.skip_to(last.index);
        }
        self.note_installing();
        Ok(())
    }

    /// Lets committed entries wait while a snapshot is being installed: it comes before them.
    fn note_installing(&mut self) {
        self.applying.set_installing(self.raft.unstable_snapshot().is_some());
    }

    /// Returns how many of the Readys that wait are durable once `number` is: it and those before it.
    ///
    /// # Errors
    /// [`OrderError`] if `number` was never taken, or does not wait any more.
    fn durable_by(&self, number: ReadyNumber) -> Result<usize, OrderError> {
        if number > self.number.0 {
            let last = Some(self.number.0).filter(|&last| last > ReadyNumber(0));
            return Err(OrderError::ReadyNotTaken { came: number, last });
        }
        let durable = self.records.partition_point(|record| record.number() <= number);
        if durable == 0 {
            let expected = self.records.front().map(ReadyRecord::number);
            return Err(OrderError::ReadyAlreadyDurable { came: number, expected });
        }
        Ok(durable)
    }

    /// Lets a durable Ready count: first the node's promises to itself, then the entries it wrote.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    fn on_persist_record(&mut self, record: ReadyRecord) -> Result<(), Halt> {
        let ReadyRecord { term, last, own, .. } = record;
        self.raft.step_own(own)?;
        if let Some(last) = last.filter(|_| self.is_current(term)) {
            self.raft.stable_to(last);
        }
        Ok(())
    }

    /// Returns whether a write that was handed out in `term` still says what storage holds.
    ///
    /// In a later term, a write that replaces its entries may be in progress. To call them durable now
    /// would be to call durable what that write is about to remove (etcd's append ABA race).
    fn is_current(&self, term: Term) -> bool {
        term == self.raft.hard_state().term
    }

    /// Learns that this Ready is durable and its committed entries are applied. Returns what became
    /// possible; the committed entries of that are applied once [`RawNode::advance_apply`] reports it.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    ///
    /// # Panics
    /// If it is not the last Ready taken, or durable already.
    pub fn advance(&mut self, ready: Ready) -> Result<LightReady, Halt> {
        let applied = self.applying.last();
        let light = self.advance_append(ready)?;
        self.record_applied(applied.max(self.raft.applied()))?;
        Ok(light)
    }

    /// Learns that this Ready is durable, and returns what became possible. Its committed entries are
    /// applied once [`RawNode::advance_apply_to`] reports it.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    ///
    /// # Panics
    /// If it is not the last Ready taken, or durable already.
    pub fn advance_append(&mut self, ready: Ready) -> Result<LightReady, Halt> {
        self.advance_append_async(ready)?;
        while let Some(record) = self.records.pop_front() {
            self.on_durable(record)?;
        }
        self.light_ready()
    }

    /// Releases a Ready that is being written. [`RawNode::on_persist_ready`] reports when it is durable.
    /// The node has recorded what it needs, so this only checks that the owner has not mixed up two
    /// Readys.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted.
    ///
    /// # Panics
    /// If it is not the last Ready taken, or durable already.
    pub fn advance_append_async(&mut self, ready: Ready) -> Result<(), Halt> {
        self.raft.check_running()?;
        let (came, last) = (ready.number, self.records.back().map(ReadyRecord::number));
        assert!(Some(came) == last, "Ready {came} is not the last one that waits, {last:?}");
        self.raft.keep_room(ready);
        Ok(())
    }

    /// Hands out what needs no write any more. The commit index it holds is one that storage can answer
    /// for: what was stepped in since the Ready was taken may be committed, but is not written. That holds
    /// for a snapshot, too.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    fn light_ready(&mut self) -> Result<LightReady, Halt> {
        let commit = match self.raft.unstable_snapshot() {
            // What a snapshot covers counts once it is installed.
            Some(_) => self.reported.hard.commit,
            None => self.raft.hard_state().commit.min(self.raft.stored_last()),
        };
        let committed = self.take_committed(commit)?;
        let commit_index = Some(commit).filter(|&commit| commit > self.reported.hard.commit);
        self.reported.hard.commit = commit_index.unwrap_or(self.reported.hard.commit);
        Ok(LightReady { commit_index, committed, messages: self.raft.take_now() })
    }
}

// Applying.

impl<S: Storage> RawNode<S> {
    /// Learns that everything handed out so far is applied.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted.
    pub fn advance_apply(&mut self) -> Result<(), Halt> {
        self.raft.check_running()?;
        self.record_applied(self.applying.last())
    }

    /// Learns that everything up to `applied` is applied.
    ///
    /// # Errors
    /// [`OrderError`] if that was not handed out yet, or is less than before; [`OrderError::Halted`] if
    /// the node has halted.
    pub fn advance_apply_to(&mut self, applied: Index) -> Result<(), OrderError> {
        self.raft.check_running()?;
        self.check_applied(applied)?;
        self.record_applied(applied)?;
        Ok(())
    }

    /// Records that everything up to `applied` is applied.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    fn record_applied(&mut self, applied: Index) -> Result<(), Halt> {
        let content_bytes = self.applying.applied_to(applied, self.raft.hard_state().term);
        self.raft.applied_to(applied, content_bytes)
    }

    /// Checks that everything up to `applied` can have been applied.
    ///
    /// # Errors
    /// [`OrderError`] if it was not handed out yet, or is less than was applied before.
    fn check_applied(&self, applied: Index) -> Result<(), OrderError> {
        let (handed_out, before) = (self.applying.last(), self.raft.applied());
        if applied > handed_out {
            return Err(OrderError::AppliedNotHandedOut { came: applied, handed_out });
        }
        if applied < before {
            return Err(OrderError::AppliedWentBack { came: applied, applied: before });
        }
        Ok(())
    }

    /// Returns the last entry that may be handed out to be applied.
    fn appliable(&self) -> Index {
        let (commit, durable) = (self.raft.hard_state().commit, self.raft.stored_last());
        match self.raft.config().apply_gate {
            ApplyGate::WithReady => commit,
            ApplyGate::Durable => commit.min(durable),
            ApplyGate::Ahead(entries) => commit.min(Index(durable.0.saturating_add(entries))),
        }
    }

    /// Returns whether committed entries wait to be handed out, and may be.
    fn has_committed(&self) -> bool {
        !self.applying.is_paused() && self.applying.last() < self.appliable()
    }

    /// Hands out committed entries up to `up_to`, in order and each once, as many as may be handed
    /// out at once.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    fn take_committed(&mut self, up_to: Index) -> Result<Vec<Entry>, Halt> {
        let after = self.applying.last();
        if self.applying.is_paused() || after >= up_to {
            return Ok(Vec::new());
        }
        let entries = self.raft.committed_entries(after, up_to, self.applying.room_bytes())?;
        self.applying.hand_out(&entries, up_to);
        Ok(entries)
    }
}

// Looking.

impl<S: Storage> RawNode<S> {
    /// Returns the state machine, to look at.
    pub fn raft(&self) -> &Raft<S> {
        &self.raft
    }

    /// Shows the node, also one that has halted. Reads no storage.
    pub fn status(&self) -> Inspect<'_> {
        self.raft.inspect()
    }

    /// Returns what a leader knows of its voters' logs, its own among them, in ascending order; nothing
    /// for any other role.
    pub fn progress(&self) -> impl Iterator<Item = (NodeId, &Progress)> {
        self.raft.progress()
    }

    /// Returns what would have to be durable if a Ready were taken now.
    pub fn hard_state(&self) -> HardState {
        self.raft.hard_state()
    }

    /// Returns the records of the Readys that are not known to be durable, oldest first.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &ReadyRecord> {
        self.records.iter()
    }

    /// Returns the storage.
    pub fn storage(&self) -> &S {
        self.raft.storage()
    }

    /// Returns the storage, to write what was handed out.
    pub fn storage_mut(&mut self) -> &mut S {
        self.raft.storage_mut()
    }

    /// Takes the storage back out of a node that is not needed any more: to start another node on it.
    pub fn into_storage(self) -> S {
        self.raft.into_storage()
    }

    /// Returns the journal of events.
    pub fn journal(&mut self) -> &mut Journal {
        self.raft.journal()
    }

    /// Fixes the election timeout to this many ticks (`Some`), or lets it be drawn again (`None`). For
    /// tests and for stories, where chance would be in the way.
    pub fn pin_election_timeout(&mut self, timeout_ticks: Option<u64>) {
        self.raft.pin_election_timeout(timeout_ticks);
    }
}
