//! The storage of a peer: Raft reads it, and the store's rounds write it.
//!
//! ```text
//!   raft log, group r1   reset 5@5 | 6@6  7@6  8@7 ...    key "hs": term, vote, commit
//!   memtable, Raft       region r1: range, epoch, peers   apply state: applied, commit, truncated
//! ```
//!
//! The names that `raft` and `storage` share (entry, index, term) meet in this file, and nowhere else.
//!
//! Invariant: the hard state of a Ready is never written before its entries.

use super::frames::Frames;
use crate::model::{Region, RegionId};
use bytes::{Bytes, BytesMut};
use raft::wire;
use raft::{
    ConfState, Entry, EntryId, HardState, Index, InitialState, NodeId, Purpose, Snapshot, Storage,
    StorageError, Term,
};
use std::sync::Arc;
use storage::{Batch, Disk, GroupId, Log};

/// The key of a group under which term, vote and commit lie.
const HARD_STATE: &[u8] = b"hs";

/// How many bytes the hard state takes with its key, at most.
const HARD_STATE_BYTES: usize = 64;

/// What Raft reads of one peer.
pub(crate) struct PeerStorage<D: Disk> {
    log: Arc<Log<D>>,
    group: GroupId,
    conf_state: ConfState,
    /// The commit index that the memtable knows: it may be later than the log's.
    applied_commit: Index,
    /// The buffer in which an entry's first bytes are written.
    head: BytesMut,
}

/// Returns the group of a region in the raft log.
pub(crate) fn group_of(region: RegionId) -> GroupId {
    GroupId(region.0)
}

/// Returns the members of a region's group.
pub(crate) fn conf_state_of(region: &Region) -> ConfState {
    let mut conf_state = ConfState::default();
    for peer in &region.peers {
        let members = match peer.role {
            crate::model::PeerRole::Voter => &mut conf_state.voters,
            crate::model::PeerRole::Learner => &mut conf_state.learners,
        };
        members.insert(NodeId(peer.id.0));
    }
    conf_state
}

/// Adds to `batch` what a new region's log begins with: nothing, after the entry `after`.
pub(crate) fn write_initial(region: RegionId, after: EntryId, batch: &mut Batch) {
    let hard_state = HardState { term: after.term, vote: None, commit: after.index };
    batch.reset(group_of(region), stored_id(after));
    put_hard_state(group_of(region), hard_state, batch);
}

/// Reads the hard state of a region's log; none if the log has no such region.
///
/// # Errors
/// The bytes are no hard state.
pub(crate) fn read_hard_state<D: Disk>(
    log: &Log<D>,
    region: RegionId,
) -> Result<Option<HardState>, raft::WireError> {
    log.get(group_of(region), HARD_STATE).map(wire::decode_hard_state).transpose()
}

/// Returns the first and the last index of a region's log; none if the log has no such region.
pub(crate) fn log_range<D: Disk>(log: &Log<D>, region: RegionId) -> Option<(Index, Index)> {
    let group = group_of(region);
    Some((Index(log.first_index(group)?.0), Index(log.last_index(group)?.0)))
}

/// Returns the term of a region's entry.
pub(crate) fn log_term<D: Disk>(log: &Log<D>, region: RegionId, index: Index) -> Option<Term> {
    log.term(group_of(region), storage::Index(index.0)).map(|term| Term(term.0))
}

impl<D: Disk> PeerStorage<D> {
    /// Returns the storage of a region's peer, whose memtable knows `applied_commit` to be committed.
    pub(crate) fn new(log: Arc<Log<D>>, region: &Region, applied_commit: Index) -> PeerStorage<D> {
        let (group, conf_state) = (group_of(region.id), conf_state_of(region));
        PeerStorage { log, group, conf_state, applied_commit, head: BytesMut::new() }
    }

    /// Adds entries to the round's frames, and the hard state behind them: in one frame, if they fit.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub(crate) fn write(
        &mut self,
        entries: &[Entry],
        hard_state: Option<HardState>,
        frames: &mut Frames<D>,
    ) -> Result<(), storage::Error> {
        for entry in entries {
            self.head.clear();
            let data = wire::encode_entry_head(entry, &mut self.head);
            let frame = frames.with_room(self.head.len() + data.len())?;
            frame.entry(self.group, stored_id(entry.id), &[&self.head, data]);
        }
        if let Some(hard_state) = hard_state {
            put_hard_state(self.group, hard_state, frames.with_room(HARD_STATE_BYTES)?);
        }
        Ok(())
    }

    /// Returns why an index has no entry.
    fn why_absent(&self, index: Index) -> StorageError {
        let (first, last) = (self.first(), self.last());
        if index < first {
            StorageError::Compacted { index, first }
        } else {
            StorageError::Unavailable { index, last }
        }
    }

    fn first(&self) -> Index {
        let first = self.log.first_index(self.group);
        Index(first.expect("a peer is made of a group that the log has").0)
    }

    fn last(&self) -> Index {
        let last = self.log.last_index(self.group);
        Index(last.expect("a peer is made of a group that the log has").0)
    }
}

impl<D: Disk> Storage for PeerStorage<D> {
    fn initial_state(&self) -> Result<InitialState, StorageError> {
        let bytes = self.log.get(self.group, HARD_STATE);
        let bytes = bytes.ok_or_else(|| StorageError::Failed("no hard state".into()))?;
        let mut hard_state = wire::decode_hard_state(bytes).map_err(failed)?;
        // The log saves a commit index with the next frame; the memtable may be ahead of that.
        hard_state.commit = hard_state.commit.max(self.applied_commit);
        Ok(InitialState { hard_state, conf_state: self.conf_state.clone() })
    }

    fn entries(
        &self,
        low: Index,
        high: Index,
        max_bytes: Option<u64>,
        _: Purpose,
    ) -> Result<Vec<Entry>, StorageError> {
        if low >= high {
            return Ok(Vec::new());
        }
        if low < self.first() {
            return Err(self.why_absent(low));
        }
        if high > self.last() + 1 {
            return Err(self.why_absent(Index(high.0 - 1)));
        }
        let range = storage::Index(low.0)..storage::Index(high.0);
        let stored = self.log.entries(self.group, range, max_bytes.unwrap_or(u64::MAX));
        stored.map_err(failed)?.into_iter().map(|stored| decode(stored.id, stored.data)).collect()
    }

    fn term(&self, index: Index) -> Result<Term, StorageError> {
        let term = self.log.term(self.group, storage::Index(index.0));
        term.map(|term| Term(term.0)).ok_or_else(|| self.why_absent(index))
    }

    fn first_index(&self) -> Result<Index, StorageError> {
        Ok(self.first())
    }

    fn last_index(&self) -> Result<Index, StorageError> {
        Ok(self.last())
    }

    /// No log is compacted yet, so nobody needs a snapshot.
    fn snapshot(&self, _: Index, _: NodeId) -> Result<Snapshot, StorageError> {
        Err(StorageError::Pending)
    }
}

fn put_hard_state(group: GroupId, hard_state: HardState, batch: &mut Batch) {
    let mut bytes = BytesMut::new();
    wire::encode_hard_state(&hard_state, &mut bytes);
    batch.put(group, HARD_STATE, &bytes);
}

fn stored_id(id: EntryId) -> storage::EntryId {
    storage::EntryId::new(id.index.0, id.term.0)
}

fn decode(id: storage::EntryId, data: Bytes) -> Result<Entry, StorageError> {
    let id = EntryId { term: Term(id.term.0), index: Index(id.index.0) };
    wire::decode_entry(id, data).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> StorageError {
    StorageError::Failed(error.to_string())
}
