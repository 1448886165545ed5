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
use crate::memtable::{Family, Iter, KeyRange, Reader, Snapshot};
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

    /// Returns the keys of a range that are in the region, and their values, in order, from both ends.
    pub fn iter(&self, family: Family, range: &KeyRange) -> Iter<'_> {
        let from = range.from.clone().max(self.region.start.clone());
        let to = match (&range.to, &self.region.end) {
            (Some(to), Some(end)) => Some(to.min(end).clone()),
            (to, end) => to.as_ref().or(end.as_ref()).cloned(),
        };
        self.snapshot.iter(family, &KeyRange { from, to })
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
    /// For how many ticks they have waited.
    ticks: u64,
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
        let batch = ReadBatch { mark: mark.clone(), asked, index: None, ticks: 0, callbacks };
        self.waiting.push_back(batch);
        mark
    }

    /// Adds a read that waits only until everything up to an index is applied.
    pub(crate) fn push_at(&mut self, index: Index, callback: ReadCallback) {
        let (mark, asked, callbacks) = (Bytes::new(), Moment::default(), vec![callback]);
        self.waiting.push_back(ReadBatch { mark, asked, index: Some(index), ticks: 0, callbacks });
    }

    /// Counts a tick. Fails the reads that have waited for more than `ticks_max`.
    pub(crate) fn tick(&mut self, ticks_max: u64, error: &KvError) {
        self.waiting.iter_mut().for_each(|batch| batch.ticks += 1);
        while self.waiting.front().is_some_and(|batch| batch.ticks > ticks_max) {
            let batch = self.waiting.pop_front().expect("it was there");
            batch.callbacks.into_iter().for_each(|callback| callback.finish(Err(error.clone())));
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memtable::{Memtable, Options, WriteBatch};
    use crate::model::Epoch;
    use std::sync::Mutex;
    use storage::SimDisk;

    type Told = Arc<Mutex<Vec<(&'static str, bool)>>>;

    fn callback(name: &'static str, told: &Told) -> ReadCallback {
        let told = told.clone();
        ReadCallback::new(move |view| told.lock().expect("one thread").push((name, view.is_ok())))
    }

    #[test]
    fn reads_that_wait_too_long_fail_whether_they_have_an_index_or_not() {
        let (mut queue, told) = (ReadIndexQueue::new(7), Told::default());
        queue.push(Moment(0), vec![callback("without", &told)]);
        let mark = queue.push(Moment(0), vec![callback("with", &told)]);
        queue.confirm(&mark, Index(100));
        let error = KvError::ReadIndexNotReady { region: RegionId(1) };
        queue.tick(2, &error);
        queue.push_at(Index(9), callback("later", &told));
        queue.tick(2, &error);
        assert!(told.lock().expect("one thread").is_empty());
        queue.tick(2, &error);
        assert_eq!(*told.lock().expect("one thread"), [("without", false), ("with", false)]);
        assert_eq!(queue.confirm(&mark, Index(100)), None, "nobody waits any more");
        queue.tick(2, &error);
        assert_eq!(told.lock().expect("one thread").last(), Some(&("later", false)));
    }

    #[test]
    fn a_view_shows_only_its_region() {
        let memtable = Memtable::open_on(SimDisk::new(1), Options::default()).expect("it is new");
        let mut batch = WriteBatch::new();
        for key in ["a", "b", "c", "l", "m", "z"] {
            batch.put(Family::Default, key, key);
        }
        memtable.write(&batch).expect("the disk works");
        let region = |start: &str, end: Option<&str>| {
            let epoch = Epoch { version: 1, conf_version: 1 };
            let end = end.map(|end| Bytes::from(end.to_owned()));
            let start = Bytes::from(start.to_owned());
            Region { id: RegionId(1), start, end, epoch, peers: Vec::new() }
        };
        let shown = |region: Region, range: &KeyRange| {
            let view = RegionSnapshot::new(memtable.snapshot(), Arc::new(region));
            let keys = view.iter(Family::Default, range).map(|(key, _)| key.clone());
            keys.map(|key| String::from_utf8_lossy(&key).into_owned()).collect::<String>()
        };
        let narrow = || region("b", Some("m"));
        assert_eq!(shown(narrow(), &KeyRange::all()), "bcl");
        assert_eq!(shown(narrow(), &KeyRange::new("a", "c")), "b");
        assert_eq!(shown(narrow(), &KeyRange::new("c", "zz")), "cl");
        assert_eq!(shown(narrow(), &KeyRange::new("m", "z")), "");
        assert_eq!(shown(region("", None), &KeyRange::all()), "abclmz");
        assert_eq!(shown(region("c", None), &KeyRange::new("a", "z")), "clm");
    }
}
