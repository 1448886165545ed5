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
//! # One thing at a time
//!
//! ```
//! use bytes::Bytes;
//! use raft::{Config, Entry, MemoryStorage, NodeId, Payload, RawNode};
//!
//! let alone = MemoryStorage::with_voters([NodeId(1)]);
//! let mut node = RawNode::new(&Config::new(NodeId(1)), alone)?;
//! node.campaign()?;
//! let mut applied: Vec<Bytes> = Vec::new();
//! let mut apply = |entries: Vec<Entry>| {
//!     applied.extend(entries.iter().filter_map(|entry| match entry.payload() {
//!         Payload::Normal(data) => Some(data.clone()),
//!         Payload::Noop | Payload::Change(_) | Payload::ChangeV2(_) => None,
//!     }));
//! };
//! let mut proposed = false;
//! while node.has_ready() {
//!     let mut ready = node.ready();
//!     // 1. What may leave leaves: `ready.take_messages()` go to the network.
//!     // 2. Save, then sync if `ready.must_sync()`.
//!     node.storage_mut().append(ready.entries());
//!     if let Some(hard_state) = ready.hard_state() {
//!         node.storage_mut().save(hard_state);
//!     }
//!     // 3. What promised something leaves: `ready.take_persisted_messages()`.
//!     // 4. Apply what is committed.
//!     apply(ready.take_committed_entries());
//!     // 5. Everything of this Ready is done. What became possible comes back.
//!     let mut light = node.advance(ready);
//!     if let Some(commit) = light.commit_index() {
//!         node.storage_mut().save_commit(commit);
//!     }
//!     apply(light.take_committed_entries());
//!     node.advance_apply();
//!     if !proposed && node.status().leader == Some(NodeId(1)) {
//!         node.propose(Bytes::new(), Bytes::from_static(b"x=1"))?;
//!         proposed = true;
//!     }
//! }
//! assert_eq!(applied, [Bytes::from_static(b"x=1")]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Several things at once
//!
//! A write takes long, so the node goes on while it lasts. Writes end in order; each end is told by
//! [`RawNode::on_persist_ready`].
//!
//! ```text
//!   node    ready 1     1 persisted   ready 2   ready 3   2 persisted   3 persisted   ready 4
//!              \         /  it leads     \         \         /  commit 1   /  commit 2
//!   disk        [= vote =]              [====== 1@1 ======]           /
//!                                                 [======= 2@1 =======]
//! ```
//!
//! ```
//! use bytes::Bytes;
//! use raft::{Config, MemoryStorage, NodeId, RawNode, ReadyNumber, RoleName};
//! use std::collections::VecDeque;
//!
//! let alone = MemoryStorage::with_voters([NodeId(1)]);
//! let mut node = RawNode::new(&Config::new(NodeId(1)), alone)?;
//! let mut disk = VecDeque::new();
//!
//! node.campaign()?;
//! let ready = node.ready();
//! disk.push_back((ready.number(), ready.hard_state(), ready.entries().to_vec()));
//! node.advance_append_async(ready);
//! assert_eq!(node.status().role, RoleName::Candidate, "its vote is not durable yet");
//!
//! let mut finish = |node: &mut RawNode<MemoryStorage>, disk: &mut VecDeque<_>| {
//!     let (number, hard_state, entries): (ReadyNumber, Option<_>, Vec<_>) =
//!         disk.pop_front().expect("a write is under way");
//!     node.storage_mut().append(&entries);
//!     hard_state.map(|hard_state| node.storage_mut().save(hard_state));
//!     node.on_persist_ready(number)
//! };
//! finish(&mut node, &mut disk)?;
//! assert_eq!(node.status().role, RoleName::Leader);
//!
//! // Two writes under way: the term's first entry, then a proposal.
//! let ready = node.ready();
//! disk.push_back((ready.number(), ready.hard_state(), ready.entries().to_vec()));
//! node.advance_append_async(ready);
//! node.propose(Bytes::new(), Bytes::from_static(b"x=1"))?;
//! let ready = node.ready();
//! assert_eq!(ready.entries().len(), 1, "the first is being written and not handed out again");
//! disk.push_back((ready.number(), ready.hard_state(), ready.entries().to_vec()));
//! node.advance_append_async(ready);
//! assert_eq!(node.status().commit.0, 0);
//!
//! finish(&mut node, &mut disk)?;
//! assert_eq!(node.status().commit.0, 1, "the first entry is durable on a majority of one");
//! finish(&mut node, &mut disk)?;
//! assert_eq!(node.status().commit.0, 2);
//! let ready = node.ready();
//! assert_eq!(ready.committed_entries().len(), 2);
//! node.advance_append_async(ready);
//! node.advance_apply();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod applying;

use crate::config::{ApplyGate, Config};
use crate::entry::Entry;
use crate::error::{CampaignError, OrderError, ProposeError, StartError, StepError};
use crate::event::{Journal, Uncompared};
use crate::ledger::Outbox;
use crate::message::Message;
use crate::progress::Progress;
use crate::raft::{Inspect, Raft};
use crate::ready::{Awaiting, LightReady, Ready, ReadyNumber, SoftState};
use crate::storage::{HardState, Storage};
use crate::types::{Index, NodeId, Term};
use applying::Applying;
use bytes::Bytes;
use std::collections::VecDeque;

/// A node and its account of what it has handed out.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RawNode<S> {
    raft: Raft<S>,
    told: Told,
    /// The Readys that are not known to be durable, oldest first.
    awaiting: VecDeque<Awaiting>,
    applying: Applying,
    /// The number of the last Ready.
    number: Uncompared<ReadyNumber>,
}

/// What the owner was told last.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Told {
    soft: SoftState,
    hard: HardState,
}

// Being driven.

impl<S: Storage> RawNode<S> {
    /// Starts a node with what its storage remembers. Its first Ready tells only what changes from
    /// here.
    ///
    /// # Errors
    /// [`StartError`] names the setting that cannot work, or what is wrong with the storage.
    pub fn new(config: &Config, storage: S) -> Result<Self, StartError> {
        let raft = Raft::new(config, storage)?;
        let told = Told { soft: raft.soft_state(), hard: raft.hard_state() };
        let applying = Applying::after(raft.inspect().applied).capped_at(config.max_applying_bytes);
        let (awaiting, number) = (VecDeque::new(), Uncompared::default());
        Ok(RawNode { raft, told, awaiting, applying, number })
    }

    /// Lets one tick pass. Returns whether a Ready waits.
    pub fn tick(&mut self) -> bool {
        self.raft.tick();
        self.has_ready()
    }

    /// Takes one message from another node.
    ///
    /// # Errors
    /// [`StepError`] if no correct network delivers this, or it proposes what we do not take; the node
    /// has not changed.
    pub fn step(&mut self, m: Message) -> Result<(), StepError> {
        self.raft.step(m)
    }

    /// Holds an election now, without waiting.
    ///
    /// # Errors
    /// A leader has won already, and a node that does not vote has no vote to win with.
    pub fn campaign(&mut self) -> Result<(), CampaignError> {
        self.raft.campaign()
    }

    /// Proposes a command of the application, with a mark to know it by once it is committed.
    ///
    /// That it was taken does not mean that it will be committed: a leader may crash, a message may
    /// get lost. Whoever must know waits for it among the committed entries, and tries again.
    ///
    /// # Errors
    /// [`ProposeError`] if it was not taken; the node has not changed.
    pub fn propose(&mut self, context: Bytes, data: Bytes) -> Result<(), ProposeError> {
        self.raft.propose(context, data)
    }

    /// Learns that messages to a peer are being lost: a leader sends it one append at a time until it
    /// answers. Does nothing if we do not lead, or do not know the peer.
    pub fn report_unreachable(&mut self, peer: NodeId) {
        self.raft.report_unreachable(peer);
    }
}

// Handing out.

impl<S: Storage> RawNode<S> {
    /// Returns whether there is anything to save, to send, to apply or to tell.
    pub fn has_ready(&self) -> bool {
        self.soft_news().is_some()
            || self.hard_news().is_some()
            || self.raft.has_outbox()
            || self.raft.has_unwritten()
            || self.has_committed()
    }

    /// Hands out everything that is ready. What must be durable first is remembered under the Ready's
    /// number until [`RawNode::on_persist_ready`], or one of the `advance` functions, says that it is.
    pub fn ready(&mut self) -> Ready {
        let (soft, hard) = (self.soft_news(), self.hard_news());
        let entries = self.raft.take_unwritten();
        let must_sync = self.must_sync(&entries);
        let committed = self.take_committed(self.appliable());
        let Outbox { now, promised, own } = self.raft.take_outbox();
        self.told.soft = soft.unwrap_or(self.told.soft);
        self.told.hard = hard.unwrap_or(self.told.hard);
        let number = self.remember(own);
        Ready {
            number,
            soft,
            hard,
            entries,
            committed,
            messages: now,
            persisted_messages: promised,
            must_sync,
        }
    }

    /// Returns leader and role, if the owner does not know them yet.
    fn soft_news(&self) -> Option<SoftState> {
        Some(self.raft.soft_state()).filter(|&soft| soft != self.told.soft)
    }

    /// Returns term, vote and commit, if the owner does not know them yet.
    fn hard_news(&self) -> Option<HardState> {
        Some(self.raft.hard_state()).filter(|&hard| hard != self.told.hard)
    }

    /// Returns whether promises may rest on what is to be saved: on these entries, or on a term or a
    /// vote that the owner does not know yet. A commit index alone can be learnt again.
    fn must_sync(&self, entries: &[Entry]) -> bool {
        let (now, told) = (self.raft.hard_state(), self.told.hard);
        !entries.is_empty() || (now.term, now.vote) != (told.term, told.vote)
    }

    /// Numbers a Ready, and remembers what its write will attest.
    ///
    /// That is the end of the log as long as any of it is not durable, even if this Ready writes
    /// none of it: an earlier write's attestation may have been void because the term changed under
    /// way, and this one's makes good for it.
    fn remember(&mut self, own: Vec<Message>) -> ReadyNumber {
        self.number.0.0 += 1;
        let (term, last) = (self.raft.hard_state().term, self.raft.undurable_last());
        self.awaiting.push_back(Awaiting { number: self.number.clone(), term, last, own });
        self.number.0
    }
}

// Hearing that it is durable.

impl<S: Storage> RawNode<S> {
    /// Learns that every Ready up to `number` is durable and can be read from storage: our promises
    /// to ourselves count now, and storage answers for the entries.
    ///
    /// # Errors
    /// [`OrderError`] if no such Ready waits; it says which number is due.
    pub fn on_persist_ready(&mut self, number: ReadyNumber) -> Result<(), OrderError> {
        for _ in 0..self.durable_by(number)? {
            let record = self.awaiting.pop_front().expect("it was counted");
            self.keep(record);
        }
        Ok(())
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
        let durable = self.awaiting.partition_point(|record| record.number() <= number);
        if durable == 0 {
            let due = self.awaiting.front().map(Awaiting::number);
            return Err(OrderError::ReadyAlreadyDurable { came: number, due });
        }
        Ok(durable)
    }

    /// Lets a durable Ready count: first what we promised ourselves, then what it attests of the log.
    fn keep(&mut self, record: Awaiting) {
        let Awaiting { term, last, own, .. } = record;
        self.raft.keep_promises(own);
        if let Some(last) = last.filter(|_| self.still_attests(term)) {
            self.raft.stable_to(last);
        }
    }

    /// Returns whether a write that was handed out in `term` still says what storage holds.
    ///
    /// In a later term, a write that replaces the attested entries may be under way: to call them
    /// durable now would be to call durable what that write is about to remove (etcd's append ABA
    /// race).
    fn still_attests(&self, term: Term) -> bool {
        term == self.raft.hard_state().term
    }

    /// Learns that this Ready is durable and its committed entries are applied. Returns what became
    /// possible by it; those entries are applied once [`RawNode::advance_apply`] says so.
    ///
    /// # Panics
    /// If it is not the last Ready taken, or durable already.
    pub fn advance(&mut self, ready: Ready) -> LightReady {
        let applied = self.applying.last();
        let light = self.advance_append(ready);
        self.advance_apply_to(applied).expect("it was handed out, and not taken back");
        light
    }

    /// Learns that this Ready is durable, and returns what became possible by it. Its committed
    /// entries are applied once [`RawNode::advance_apply_to`] says so.
    ///
    /// # Panics
    /// If it is not the last Ready taken, or durable already.
    pub fn advance_append(&mut self, ready: Ready) -> LightReady {
        let number = ready.number;
        self.advance_append_async(ready);
        self.on_persist_ready(number).expect("it waits: advance_append_async has looked");
        self.light_ready()
    }

    /// Lets go of a Ready that is being written. [`RawNode::on_persist_ready`] tells when it is
    /// durable. The node remembers what it needs since it handed the Ready out, so all this does is to
    /// check that the owner has not mixed up two of them.
    ///
    /// # Panics
    /// If it is not the last Ready taken, or durable already.
    pub fn advance_append_async(&mut self, ready: Ready) {
        let (came, last) = (ready.number, self.awaiting.back().map(Awaiting::number));
        assert!(Some(came) == last, "Ready {came} is not the last one that waits, {last:?}");
    }

    /// Hands out what needs no write any more. The commit index it tells is one that storage can
    /// answer for: what was stepped in since the Ready was taken may be committed, and is not written.
    fn light_ready(&mut self) -> LightReady {
        let commit = self.raft.hard_state().commit.min(self.raft.stored_last());
        let commit_index = Some(commit).filter(|&commit| commit > self.told.hard.commit);
        self.told.hard.commit = commit_index.unwrap_or(self.told.hard.commit);
        let committed = self.take_committed(commit);
        LightReady { commit_index, committed, messages: self.raft.take_now() }
    }
}

// Applying.

impl<S: Storage> RawNode<S> {
    /// Learns that everything handed out so far is applied.
    pub fn advance_apply(&mut self) {
        let all = self.applying.last();
        self.advance_apply_to(all).expect("it was handed out");
    }

    /// Learns that everything up to `applied` is applied.
    ///
    /// # Errors
    /// [`OrderError`] if that was not handed out yet, or is less than before.
    pub fn advance_apply_to(&mut self, applied: Index) -> Result<(), OrderError> {
        self.check_applied(applied)?;
        let payload_bytes = self.applying.settle(applied);
        self.raft.applied_to(applied, payload_bytes);
        Ok(())
    }

    /// Checks that everything up to `applied` can have been applied by now.
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
            ApplyGate::Ahead(entries) => commit.min(durable + entries),
        }
    }

    /// Returns whether committed entries wait to be handed out, and may be.
    fn has_committed(&self) -> bool {
        !self.applying.is_paused() && self.applying.last() < self.appliable()
    }

    /// Hands out committed entries up to `up_to`, in order and each once, as many as may be handed
    /// out at once.
    fn take_committed(&mut self, up_to: Index) -> Vec<Entry> {
        let after = self.applying.last();
        if self.applying.is_paused() || after >= up_to {
            return Vec::new();
        }
        let entries = self.raft.committed_entries(after, up_to, self.applying.room_bytes());
        self.applying.hand_out(&entries, up_to);
        entries
    }
}

// Being looked at.

impl<S: Storage> RawNode<S> {
    /// Lends the state machine, to look at.
    pub fn raft(&self) -> &Raft<S> {
        &self.raft
    }

    /// Shows the node.
    pub fn status(&self) -> Inspect<'_> {
        self.raft.inspect()
    }

    /// Returns what a leader knows of its voters' logs, its own among them, in order; nothing on
    /// anyone else.
    pub fn progress(&self) -> impl Iterator<Item = (NodeId, &Progress)> {
        self.raft.progress()
    }

    /// Returns what would have to be durable if a Ready were taken now.
    pub fn hard_state(&self) -> HardState {
        self.raft.hard_state()
    }

    /// Returns the Readys that are not known to be durable, oldest first.
    pub fn awaiting(&self) -> impl ExactSizeIterator<Item = &Awaiting> {
        self.awaiting.iter()
    }

    /// Lends the storage.
    pub fn storage(&self) -> &S {
        self.raft.storage()
    }

    /// Lends the storage, to write what was handed out.
    pub fn storage_mut(&mut self) -> &mut S {
        self.raft.storage_mut()
    }

    /// Lends the journal of events.
    pub fn journal(&mut self) -> &mut Journal {
        self.raft.journal()
    }

    /// Fixes the election limit to so many ticks (`Some`), or lets it be drawn again (`None`). For
    /// tests and for stories, where luck would be in the way.
    pub fn pin_election_limit(&mut self, limit_ticks: Option<u64>) {
        self.raft.pin_election_limit(limit_ticks);
    }
}
