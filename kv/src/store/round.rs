//! A round: what a thread does with the peers that have something to do.
//!
//! ```text
//!   handle   each peer: messages, proposals, a Ready      nothing has left yet
//!   end      one frame of the raft log                    entries and hard states of all peers
//!            one record of the write-ahead log            what is committed: entries of earlier rounds
//!            messages leave, callbacks, reads             followers write while this store does
//!            one sync                                     arrivals gather meanwhile: the next round
//!            a record, if the sync has committed more     not synced: the raft log has it all
//!            promises leave, callbacks, reads             acknowledgements, votes
//! ```
//!
//! Invariants, by the numbers of the list in `store.rs`:
//!
//! * (1) A promise leaves only after the Ready that holds it is durable. Readys become durable in order.
//! * (2) A leader sends entries before they are durable here, but counts itself only afterwards.
//! * (11) What is committed is applied and published before any message tells others of it.
//! * The first failure of a disk ends the store: nothing is sent after it, and everybody who waits is
//!   told that nobody knows.

use super::apply::{Applied, ApplyError};
use super::config::StoreConfig;
use super::error::KvError;
use super::frames::Frames;
use super::peer::{PeerCore, PeerMessage};
use super::read::RegionSnapshot;
use super::status::StoreMeta;
use crate::env::{Clock, Env, Transport};
use crate::memtable::{self, Memtable, WriteBatch};
use crate::model::{ClusterId, Pending, RegionId, StoreMessage};
use raft::{Entry, Halt, Message, Ready};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use storage::{Disk, Log};

/// How much longer the frame of a batch is than the batch.
const FRAME_BYTES: usize = 128;

/// How many bytes a region's apply state takes in a batch.
const STATE_BYTES: usize = 128;

/// The two engines of a store.
pub(crate) struct Engines<D: Disk> {
    /// The raft log.
    pub(crate) log: Arc<Log<D>>,
    /// The data, and how far it is applied.
    pub(crate) memtable: Arc<Memtable<D>>,
}

impl<D: Disk> Clone for Engines<D> {
    fn clone(&self) -> Self {
        Engines { log: self.log.clone(), memtable: self.memtable.clone() }
    }
}

/// Why a store has ended.
#[derive(Clone, Debug)]
pub enum StoreFailure {
    /// The raft log could not be written.
    Log(storage::Error),
    /// The write-ahead log of the memtable could not be written.
    Memtable(memtable::Error),
    /// Raft could not read a region's log.
    Halted {
        /// The region.
        region: RegionId,
        /// What could not be read.
        halt: Halt,
    },
    /// A committed entry cannot be applied.
    Apply {
        /// The region.
        region: RegionId,
        /// The entry, and why.
        error: ApplyError,
    },
}

/// The first failure of a store.
pub(crate) type FirstFailure = Arc<OnceLock<StoreFailure>>;

/// A peer, and what it has handed out in this round.
pub(crate) struct PeerFsm<D: Disk> {
    pub(crate) peer: PeerCore<D>,
    ready: Option<Ready>,
    committed: Vec<Entry>,
    pub(crate) is_stopped: bool,
}

impl<D: Disk> PeerFsm<D> {
    /// Returns a peer between two rounds.
    pub(crate) fn new(peer: PeerCore<D>) -> PeerFsm<D> {
        PeerFsm { peer, ready: None, committed: Vec::new(), is_stopped: false }
    }

    fn region(&self) -> RegionId {
        self.peer.region.id
    }
}

impl<D: Disk> Drop for PeerFsm<D> {
    fn drop(&mut self) {
        self.peer.give_up();
    }
}

/// What handles the peers of a store.
pub(crate) struct Round<E: Env> {
    cluster: ClusterId,
    engines: Engines<E::Disk>,
    clock: E::Clock,
    transport: E::Transport,
    meta: StoreMeta,
    failure: FirstFailure,
    /// What this round writes to the raft log.
    frames: Frames<E::Disk>,
    /// What this round writes to the memtable, and how long that may be at once.
    written: WriteBatch,
    written_bytes_max: usize,
    must_sync: bool,
    /// The messages that leave once the frame is written.
    outgoing: Vec<StoreMessage>,
}

impl<E: Env> Round<E> {
    /// Returns what handles the peers of a store.
    pub(crate) fn new(
        config: &StoreConfig,
        engines: Engines<E::Disk>,
        env: &E,
        meta: StoreMeta,
        failure: FirstFailure,
    ) -> Round<E> {
        let limit = |options: &storage::Options| options.max_batch_bytes as usize;
        Round {
            cluster: config.cluster,
            frames: Frames::new(engines.log.clone(), limit(&config.log)),
            written: WriteBatch::new(),
            written_bytes_max: limit(&config.wal) - FRAME_BYTES,
            engines,
            clock: env.clock(),
            transport: env.transport(),
            meta,
            failure,
            must_sync: false,
            outgoing: Vec::new(),
        }
    }

    /// Begins a round.
    pub(crate) fn begin(&mut self) {
        self.frames.clear();
        self.must_sync = false;
        self.outgoing.clear();
    }

    /// Lets a peer handle its messages.
    pub(crate) fn handle(&mut self, fsm: &mut PeerFsm<E::Disk>, messages: &mut Vec<PeerMessage>) {
        let region = fsm.region();
        let handled = self.handle_messages(fsm, messages);
        let handled = handled.map_err(|halt| StoreFailure::Halted { region, halt });
        if let Err(failure) = handled.and_then(|()| self.collect(fsm)) {
            self.fail(failure);
        }
        for message in messages.drain(..) {
            message.refuse(KvError::Undetermined); // the store has failed
        }
    }

    fn handle_messages(
        &mut self,
        fsm: &mut PeerFsm<E::Disk>,
        messages: &mut Vec<PeerMessage>,
    ) -> Result<(), Halt> {
        let peer = &mut fsm.peer;
        let now = self.clock.now();
        messages.reverse();
        // One by one: what is left when Raft halts must be answered.
        while let Some(message) = messages.pop() {
            match message {
                PeerMessage::Raft(message) => peer.step(*message, now)?,
                PeerMessage::Write(request) => peer.gather_write(request),
                PeerMessage::Read(request) => {
                    // The view first, the lease after it: a lease that ended between the two must count.
                    let view = self.engines.memtable.snapshot();
                    if let Some(callback) = peer.read(request, self.clock.now()) {
                        let view = RegionSnapshot::new(view, peer.region.clone());
                        callback.finish(Ok(view));
                    }
                }
                PeerMessage::Start => peer.campaign_alone()?,
                PeerMessage::Tick => peer.tick(),
                PeerMessage::Continue => {}
            }
        }
        peer.propose_gathered(now)?;
        peer.ask_read_index(now)
    }

    /// Takes what a peer has ready: messages, and what is to be written.
    fn collect(&mut self, fsm: &mut PeerFsm<E::Disk>) -> Result<(), StoreFailure> {
        let (region, peer) = (fsm.region(), &mut fsm.peer);
        if peer.has_ready() {
            let ready = peer.collect_ready();
            let mut ready = ready.map_err(|halt| StoreFailure::Halted { region, halt })?;
            peer.write_ready(&ready, &mut self.frames).map_err(StoreFailure::Log)?;
            self.must_sync |= ready.must_sync();
            self.address(peer, ready.take_messages());
            fsm.committed = ready.take_committed_entries();
            fsm.ready = Some(ready);
        }
        Ok(())
    }

    /// Ends a round: writes, sends, syncs, applies, answers.
    pub(crate) fn end<'a>(&mut self, fsms: impl Iterator<Item = &'a mut PeerFsm<E::Disk>>)
    where
        E::Disk: 'a,
    {
        let mut fsms: Vec<_> = fsms.collect();
        let outcome = self.check_failure().and_then(|()| self.carry_out(&mut fsms));
        if let Err(failure) = outcome {
            self.fail(failure);
        }
        if self.failure.get().is_some() {
            fsms.into_iter().for_each(|fsm| self.stop(fsm));
        }
    }

    /// Writes the frame of this round, applies, and lets the messages leave: those that rest on nothing
    /// before the sync, the promises after it.
    fn carry_out(&mut self, fsms: &mut [&mut PeerFsm<E::Disk>]) -> Result<(), StoreFailure> {
        let lsn = self.frames.finish().map_err(StoreFailure::Log)?;
        self.apply_and_send(fsms)?;
        if self.must_sync {
            self.engines.log.sync_to(lsn).map_err(StoreFailure::Log)?;
        }
        for fsm in &mut *fsms {
            let Some(ready) = fsm.ready.take() else { continue };
            let region = fsm.region();
            let halted = |halt| StoreFailure::Halted { region, halt };
            let (messages, committed) = fsm.peer.finish_ready(ready).map_err(halted)?;
            self.address(&mut fsm.peer, messages);
            fsm.committed = committed;
        }
        self.apply_and_send(fsms)
    }

    /// Applies what is committed, lets messages leave, and answers, in this order: a follower that learns of
    /// a commit from a message may show it at once, and then this store must show it, too (11).
    fn apply_and_send(&mut self, fsms: &mut [&mut PeerFsm<E::Disk>]) -> Result<(), StoreFailure> {
        let mut applied = BTreeMap::new();
        if let Err(failure) = self.write_applied(fsms, &mut applied) {
            self.written.clear();
            applied.into_values().for_each(Applied::give_up);
            return Err(failure);
        }
        fsms.iter().for_each(|fsm| self.meta.publish(fsm.peer.status()));
        self.send();
        let mut outcome = Ok(());
        for fsm in fsms {
            let region = fsm.region();
            let applied = applied.remove(&region).unwrap_or_default();
            if let Err(halt) = self.answer(&mut fsm.peer, applied) {
                outcome = Err(StoreFailure::Halted { region, halt }); // the others are answered, too
            }
        }
        outcome
    }

    /// Writes what the committed entries do. Notes in `applied` who is to be told.
    fn write_applied(
        &mut self,
        fsms: &mut [&mut PeerFsm<E::Disk>],
        applied: &mut BTreeMap<RegionId, Applied>,
    ) -> Result<(), StoreFailure> {
        let memtable = self.engines.memtable.clone();
        for fsm in fsms.iter_mut().filter(|fsm| !fsm.committed.is_empty()) {
            let region = fsm.region();
            let committed = std::mem::take(&mut fsm.committed);
            let commit = fsm.peer.node.status().commit;
            let PeerCore { apply, proposals, .. } = &mut fsm.peer;
            let applied = applied.entry(region).or_default();
            let mut pending = Pending::new(&*memtable);
            for entry in &committed {
                apply
                    .apply(entry, proposals, &mut pending, applied)
                    .map_err(|error| StoreFailure::Apply { region, error })?;
                let changes = pending.take_changes();
                if self.written.size_bytes() + changes.size_bytes() + STATE_BYTES
                    > self.written_bytes_max
                {
                    self.write()?;
                }
                self.written.append(changes);
                // With every entry: a record may end behind any of them (3).
                apply.save(commit, &mut self.written);
            }
        }
        self.write()
    }

    /// Writes one record of the write-ahead log.
    fn write(&mut self) -> Result<(), StoreFailure> {
        self.engines.memtable.write(&self.written).map_err(StoreFailure::Memtable)?;
        self.written.clear();
        Ok(())
    }

    /// Tells everybody who waited for what is visible now.
    fn answer(&mut self, peer: &mut PeerCore<E::Disk>, applied: Applied) -> Result<(), Halt> {
        let outcome = peer.post_apply(&applied);
        self.meta.publish(peer.status());
        applied.tell();
        let reads = peer.take_servable_reads();
        if !reads.is_empty() {
            let view = self.engines.memtable.snapshot();
            let view = RegionSnapshot::new(view, peer.region.clone());
            reads.into_iter().for_each(|read| read.finish(Ok(view.clone())));
        }
        outcome
    }

    /// Keeps messages for the next sending, with their addresses.
    fn address(&mut self, peer: &mut PeerCore<E::Disk>, messages: Vec<Message>) {
        let now = self.clock.now();
        for message in messages {
            peer.before_send(&message, now);
            self.outgoing.extend(peer.address(self.cluster, message));
        }
    }

    /// Lets the messages leave.
    fn send(&mut self) {
        for message in self.outgoing.drain(..) {
            self.transport.send(message.to.store, message);
        }
        self.transport.flush();
    }

    /// Notes the first failure.
    fn fail(&self, failure: StoreFailure) {
        self.failure.get_or_init(|| failure);
    }

    fn check_failure(&self) -> Result<(), StoreFailure> {
        match self.failure.get() {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }

    /// Stops a peer: everybody who waits for it is told.
    fn stop(&self, fsm: &mut PeerFsm<E::Disk>) {
        fsm.is_stopped = true;
        self.meta.remove(fsm.region());
        fsm.peer.give_up();
    }
}

impl fmt::Display for StoreFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreFailure::Log(error) => write!(f, "the raft log: {error}"),
            StoreFailure::Memtable(error) => write!(f, "the memtable: {error}"),
            StoreFailure::Halted { region, halt } => write!(f, "{region}: {halt}"),
            StoreFailure::Apply { region, error } => write!(f, "{region}: {error}"),
        }
    }
}

impl std::error::Error for StoreFailure {}
