//! Linearizable reads that ask a majority (thesis §6.4): the reads of a peer that wait for an index, or
//! for the memtable to reach it.
//!
//! ```text
//!   reads of one round --> read_index(mark) ... ReadState { mark, 12 } ... applied 12 --> a view
//!                          one mark, never used before                        ^ snapshot taken here
//! ```
//!
//! A mark is new for every attempt. With a mark that is used again, the late answer to an earlier attempt
//! would confirm a later one (etcd issue 20418).

use super::callback::ReadCallback;
use super::error::KvError;
use crate::env::Moment;
use crate::memtable::{Family, Reader, Snapshot};
use crate::model::{ApplyState, Region, RegionId, keys};
use bytes::Bytes;
use raft::{Index, ReadDropped};
use std::collections::VecDeque;
use std::sync::Arc;

/// How a read is made linearizable; or that it need not be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ReadMode {
    /// From the leader, under its lease if that is valid, else as [`ReadMode::Quorum`].
    Lease,
    /// From the leader, after it has asked a majority whether it still leads.
    Quorum,
    /// From any peer, after it has asked the leader, and has applied as much.
    Follower,
    /// From any peer, at once: may miss what was acknowledged long ago.
    Stale,
}

/// A view of a region at one moment. It does not change.
#[derive(Clone, Debug)]
pub struct RegionSnapshot {
    snapshot: Snapshot,
    region: Arc<Region>,
}

impl RegionSnapshot {
    /// Returns a view of a region in a snapshot.
    pub(crate) fn new(snapshot: Snapshot, region: Arc<Region>) -> RegionSnapshot {
        RegionSnapshot { snapshot, region }
    }

    /// Returns a key's value.
    ///
    /// # Errors
    /// [`KvError::KeyNotInRegion`].
    pub fn get(&self, family: Family, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        if !self.region.holds(key) {
            return Err(KvError::KeyNotInRegion { region: self.region.id });
        }
        Ok(self.snapshot.get(family, key))
    }

    /// Returns the region as it is in this view.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Returns the index up to which entries are applied in this view: the apply state is in the same
    /// batches as the data.
    ///
    /// # Panics
    /// If the view has no apply state: every region that serves has one.
    pub fn applied(&self) -> Index {
        let state = self.snapshot.get(Family::Raft, &keys::apply_state(self.region.id));
        let state = state.expect("a region that serves has an apply state");
        ApplyState::decode(state).expect("it was read at the start").applied.index
    }
}

/// Reads that share one mark.
#[derive(Debug)]
struct ReadBatch {
    mark: Bytes,
    /// When the index was asked for: a lease is counted from here.
    asked: Moment,
    /// The index to read at, once it is known.
    index: Option<Index>,
    callbacks: Vec<ReadCallback>,
}

/// The reads of a peer that wait.
#[derive(Debug)]
pub(crate) struct ReadIndexQueue {
    waiting: VecDeque<ReadBatch>,
    /// Makes the marks of this start differ from those of all others.
    salt: u64,
    marks: u64,
}

impl ReadIndexQueue {
    /// Returns an empty queue. `salt` is an unpredictable number.
    pub(crate) fn new(salt: u64) -> ReadIndexQueue {
        ReadIndexQueue { waiting: VecDeque::new(), salt, marks: 0 }
    }

    /// Adds reads that were asked for at `asked`, and returns the mark to ask for their index with.
    pub(crate) fn push(&mut self, asked: Moment, callbacks: Vec<ReadCallback>) -> Bytes {
        self.marks += 1;
        let mark = [self.salt.to_be_bytes(), self.marks.to_be_bytes()].concat();
        let mark = Bytes::from(mark);
        self.waiting.push_back(ReadBatch { mark: mark.clone(), asked, index: None, callbacks });
        mark
    }

    /// Learns the index at which the reads with this mark see everything. Returns when it was asked for;
    /// none if no such reads wait.
    pub(crate) fn confirm(&mut self, mark: &Bytes, index: Index) -> Option<Moment> {
        let batch = self.waiting.iter_mut().find(|batch| batch.mark == *mark)?;
        batch.index = Some(index);
        Some(batch.asked)
    }

    /// Learns that the reads with this mark get no index.
    pub(crate) fn fail(&mut self, mark: &Bytes, error: &KvError) {
        let Some(at) = self.waiting.iter().position(|batch| batch.mark == *mark) else { return };
        let batch = self.waiting.remove(at).expect("it was found");
        batch.callbacks.into_iter().for_each(|callback| callback.finish(Err(error.clone())));
    }

    /// Fails all reads.
    pub(crate) fn fail_all(&mut self, error: &KvError) {
        for batch in self.waiting.drain(..) {
            batch.callbacks.into_iter().for_each(|callback| callback.finish(Err(error.clone())));
        }
    }

    /// Takes out the reads that can be served now that everything up to `applied` is applied.
    pub(crate) fn take_servable(&mut self, applied: Index) -> Vec<ReadCallback> {
        let mut servable = Vec::new();
        self.waiting.retain_mut(|batch| {
            let can_be_served = batch.index.is_some_and(|index| index <= applied);
            if can_be_served {
                servable.append(&mut batch.callbacks);
            }
            !can_be_served
        });
        servable
    }
}

/// Returns what the sender of a read is told that got no index.
pub(crate) fn why_dropped(region: RegionId, dropped: ReadDropped) -> KvError {
    match dropped {
        ReadDropped::NoLeader | ReadDropped::SteppedDown => {
            KvError::NotLeader { region, leader: None }
        }
        ReadDropped::TimedOut => KvError::ReadIndexNotReady { region },
        ReadDropped::TooMany => KvError::ServerIsBusy { region },
    }
}
