//! What survives a crash (Fig. 2, persistent state), and how a node reads it.
//!
//! ```text
//!   hard state   term, vote, commit          small, rewritten in place
//!   snapshot     its last entry, the members then, the application's data
//!   log          first_index ..= last_index  what came after the snapshot
//! ```
//!
//! A node only reads. Its owner writes, and the owner's promise is the whole contract: what the node
//! handed out to be made durable IS durable before the owner lets a promise leave.

use crate::entry::Entry;
use crate::error::StorageError;
use crate::state::{ConfState, HardState, InitialState, Snapshot};
use crate::types::{EntryId, Index, NodeId, Term, Uncompared};
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where a node reads what was made durable. The six methods are raft-rs's.
///
/// What the owner has reported durable, every method must return after a crash as it did before.
///
/// A read that fails decides nothing: the node halts ([`Halt`](crate::Halt)). Two answers are no
/// failure where a leader wants to SEND entries: [`StorageError::Compacted`], and
/// [`StorageError::Pending`], after which the leader asks again at the peer's next answer.
///
/// A node says why it reads entries ([`Purpose`]), so that storage can fetch those for a slow peer in its
/// own time.
pub trait Storage {
    /// Returns term, vote, commit and members.
    ///
    /// # Errors
    /// [`StorageError::Failed`] if it cannot be read.
    fn initial_state(&self) -> Result<InitialState, StorageError>;

    /// Returns the entries of `low..high`, in order: at least one if any is asked for, and after that
    /// as many as have together at most `max_bytes` ([`Entry::size_bytes`]).
    ///
    /// # Errors
    /// [`StorageError::Compacted`] if `low` is before the first, [`StorageError::Unavailable`] if
    /// `high` is beyond the end, [`StorageError::Failed`] if they cannot be read;
    /// [`StorageError::Pending`] if they are being fetched, and are asked for to be sent
    /// ([`Purpose::SendTo`]): [`RawNode::on_entries_fetched`](crate::RawNode::on_entries_fetched) tells the
    /// node that they are there.
    fn entries(
        &self,
        low: Index,
        high: Index,
        max_bytes: Option<u64>,
        why: Purpose,
    ) -> Result<Vec<Entry>, StorageError>;

    /// Returns the term of the entry at `index`; also of the last one a snapshot covers, and 0 for
    /// index 0 while nothing is compacted.
    ///
    /// # Errors
    /// As [`Storage::entries`], but never [`StorageError::Pending`]: no rule can wait for a term.
    fn term(&self, index: Index) -> Result<Term, StorageError>;

    /// Returns the index of the first entry that is left; one past the end of an empty log.
    ///
    /// # Errors
    /// [`StorageError::Failed`] if it cannot be read.
    fn first_index(&self) -> Result<Index, StorageError>;

    /// Returns the index of the last entry; the snapshot's if the log is empty.
    ///
    /// # Errors
    /// [`StorageError::Failed`] if it cannot be read.
    fn last_index(&self) -> Result<Index, StorageError>;

    /// Returns a snapshot that covers at least `at_least`, to be sent to `to`.
    ///
    /// # Errors
    /// [`StorageError::Pending`] if there is none yet: it is being made, or the application has not applied
    /// so much. The node asks again at the peer's next answer.
    /// [`StorageError::Failed`] if it cannot be read.
    fn snapshot(&self, at_least: Index, to: NodeId) -> Result<Snapshot, StorageError>;
}

/// Why a node reads entries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Purpose {
    /// To send them to this peer. Storage may answer [`StorageError::Pending`].
    SendTo(NodeId),
    /// To hand them out to be applied.
    Apply,
    /// To look for a change of the group that is committed and not applied, before the node campaigns.
    Campaign,
    /// To show them: no rule rests on it.
    Check,
}

/// Storage for tests and for reading along: everything it is told is durable at once, and any read can
/// be made to fail ([`MemoryStorage::fail_read`]).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct MemoryStorage {
    hard_state: HardState,
    conf_state: ConfState,
    /// The latest snapshot; an empty one at 0 if there is none.
    snapshot: Snapshot,
    /// The entry just before the log: the snapshot's last, or one that was compacted after it.
    before: EntryId,
    /// The entries that are left, without a gap.
    entries: Vec<Entry>,
    /// How many reads succeed before one fails.
    faults: Uncompared<FaultPlan>,
}

/// Counts reads down to the one that fails. Reads share the storage, so the counter is atomic; no
/// thread is meant.
#[derive(Debug)]
struct FaultPlan {
    /// The reads that still succeed; `u64::MAX` if none is to fail.
    reads_left: AtomicU64,
}

impl Default for FaultPlan {
    fn default() -> Self {
        FaultPlan { reads_left: AtomicU64::new(u64::MAX) }
    }
}

impl Clone for FaultPlan {
    fn clone(&self) -> Self {
        FaultPlan { reads_left: AtomicU64::new(self.reads_left.load(Ordering::Relaxed)) }
    }
}

impl FaultPlan {
    /// Counts one read.
    ///
    /// # Errors
    /// [`StorageError::Failed`] if this is the one that fails. The next ones succeed again.
    fn count_read(&self) -> Result<(), StorageError> {
        let left = self.reads_left.load(Ordering::Relaxed);
        if left == u64::MAX {
            return Ok(());
        }
        self.reads_left.store(left.checked_sub(1).unwrap_or(u64::MAX), Ordering::Relaxed);
        if left == 0 {
            Err(StorageError::Failed("this read was told to fail".into()))
        } else {
            Ok(())
        }
    }
}

impl MemoryStorage {
    /// Returns storage that remembers the voters, and nothing else yet.
    pub fn with_voters(voters: impl IntoIterator<Item = NodeId>) -> Self {
        let voters = voters.into_iter().collect();
        let conf_state = ConfState { voters, ..ConfState::default() };
        let snapshot = Snapshot { conf_state: conf_state.clone(), ..Snapshot::default() };
        MemoryStorage { conf_state, snapshot, ..MemoryStorage::default() }
    }

    /// Returns storage that holds a snapshot, and no entry after it yet. A node that starts on it has
    /// committed and applied what the snapshot covers: only applied entries are put into one.
    pub fn with_snapshot(snapshot: Snapshot) -> Self {
        let conf_state = snapshot.conf_state.clone();
        MemoryStorage { conf_state, before: snapshot.id, snapshot, ..MemoryStorage::default() }
    }

    /// Makes one read fail, after `successes` further ones that succeed. Later reads succeed again. So a
    /// test of an owner's loop can try a failure at every read.
    ///
    /// # Examples
    ///
    /// ```
    /// use raft::{Index, MemoryStorage, NodeId, Storage, StorageError, Term};
    ///
    /// let mut storage = MemoryStorage::with_voters([NodeId(1)]);
    /// storage.fail_read(1);
    /// assert_eq!(storage.term(Index(0)), Ok(Term(0)));
    /// assert!(matches!(storage.term(Index(0)), Err(StorageError::Failed(_))));
    /// assert_eq!(storage.term(Index(0)), Ok(Term(0)), "a read that fails once");
    /// ```
    pub fn fail_read(&mut self, successes: u64) {
        self.faults.0.reads_left = AtomicU64::new(successes);
    }

    /// Returns how many reads will succeed before one fails; none if no read is to fail.
    pub fn reads_before_failure(&self) -> Option<u64> {
        Some(self.faults.0.reads_left.load(Ordering::Relaxed)).filter(|&left| left < u64::MAX)
    }

    /// Returns what [`MemoryStorage::save`] was told last.
    pub fn hard_state(&self) -> HardState {
        self.hard_state
    }

    /// Saves term, vote and commit.
    pub fn save(&mut self, hard_state: HardState) {
        self.hard_state = hard_state;
    }

    /// Saves the commit index alone.
    pub fn save_commit(&mut self, commit: Index) {
        self.hard_state.commit = commit;
    }

    /// Saves the members, once a change of the group is applied.
    pub fn save_conf_state(&mut self, conf_state: ConfState) {
        self.conf_state = conf_state;
    }

    /// Returns the members that were saved last.
    pub fn conf_state(&self) -> &ConfState {
        &self.conf_state
    }

    /// Returns the latest snapshot; one at index 0 if there is none.
    pub fn latest_snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Keeps a snapshot that the application has made of its state after the entry at `index`. The log stays
    /// as it is: [`MemoryStorage::compact`] removes entries.
    ///
    /// # Panics
    /// If there is no entry at `index`, or it is older than the latest snapshot: the owner's mistake.
    pub fn create_snapshot(&mut self, index: Index, conf_state: ConfState, data: Bytes) {
        let latest = self.snapshot.id.index;
        assert!(index >= latest, "a snapshot at {index} is older than the latest, at {latest}");
        let term = if index == self.before.index {
            self.before.term
        } else {
            let at = self.offset(index).expect("a snapshot covers entries that are here");
            self.entries[at].id.term
        };
        self.snapshot = Snapshot { id: EntryId { term, index }, conf_state, data };
    }

    /// Installs a leader's snapshot: it replaces the whole log, and the members.
    ///
    /// # Panics
    /// If it is older than the latest snapshot: the owner's mistake.
    pub fn install_snapshot(&mut self, snapshot: Snapshot) {
        let (latest, came) = (self.snapshot.id.index, snapshot.id.index);
        assert!(came >= latest, "a snapshot at {came} is older than the latest, at {latest}");
        self.hard_state.commit = self.hard_state.commit.max(came);
        self.hard_state.term = self.hard_state.term.max(snapshot.id.term);
        self.conf_state = snapshot.conf_state.clone();
        self.before = snapshot.id;
        self.snapshot = snapshot;
        self.entries.clear();
    }

    /// Removes the entries up to `through`, which the application has applied; the id of the last of
    /// them is kept. Entries that are removed already are no mistake.
    ///
    /// # Panics
    /// If the log ends before `through`: the owner's mistake.
    ///
    /// # Examples
    ///
    /// ```
    /// use raft::{
    ///     Entry, EntryId, Index, MemoryStorage, NodeId, Payload, Purpose, Storage, StorageError, Term,
    /// };
    ///
    /// let mut storage = MemoryStorage::with_voters([NodeId(1)]);
    /// let id = |index| EntryId { term: Term(1), index: Index(index) };
    /// let entry = |index| Entry::unplaced(Payload::Noop).at(id(index));
    /// storage.append(&[entry(1), entry(2), entry(3)]);
    /// storage.compact(Index(2));
    /// storage.compact(Index(1));
    /// let (index, first) = (Index(2), Index(3));
    /// assert_eq!(storage.first_index(), Ok(first));
    /// assert_eq!(storage.last_index(), Ok(Index(3)));
    /// assert_eq!(storage.term(index), Ok(Term(1)), "the id of the last that was removed is kept");
    /// let entries = |storage: &MemoryStorage, low, high| {
    ///     storage.entries(low, Index(high), None, Purpose::Check)
    /// };
    /// assert_eq!(entries(&storage, index, 4), Err(StorageError::Compacted { index, first }));
    /// storage.append(&[entry(4)]);
    /// assert_eq!(entries(&storage, first, 5), Ok(vec![entry(3), entry(4)]));
    /// ```
    pub fn compact(&mut self, through: Index) {
        if through <= self.before.index {
            return;
        }
        let last = self.offset(through).expect("the log reaches as far as it is compacted");
        self.before = self.entries[last].id;
        self.entries.drain(..=last);
    }

    /// Writes entries, borrowed or owned, in order and without a gap. They replace what was at their
    /// indexes, and everything after that.
    ///
    /// # Panics
    /// If they leave a gap, or begin in what the snapshot covers or was compacted: the owner's
    /// mistake.
    pub fn append<'a>(&mut self, entries: impl Into<Cow<'a, [Entry]>>) {
        let entries = entries.into();
        let Some(first) = entries.first() else { return };
        let start = self.before.index + 1;
        let end = start + self.entries.len() as u64;
        let index = first.id.index;
        assert!(index >= start, "entry {index} is no longer here: the log begins at {start}");
        assert!(index <= end, "entry {index} leaves a gap: the log ends before {end}");
        let in_order = entries.windows(2).all(|pair| pair[0].id.index + 1 == pair[1].id.index);
        assert!(in_order, "entries come in order");
        self.entries.truncate((index.0 - start.0) as usize);
        match entries {
            Cow::Borrowed(entries) => self.entries.extend_from_slice(entries),
            Cow::Owned(entries) => self.entries.extend(entries),
        }
    }

    /// Returns the position of an index in `entries`.
    fn offset(&self, index: Index) -> Result<usize, StorageError> {
        let first = self.before.index + 1;
        let last = self.before.index + self.entries.len() as u64;
        if index < first {
            return Err(StorageError::Compacted { index, first });
        }
        if index > last {
            return Err(StorageError::Unavailable { index, last });
        }
        Ok((index.0 - first.0) as usize)
    }
}

impl Storage for MemoryStorage {
    fn initial_state(&self) -> Result<InitialState, StorageError> {
        self.faults.0.count_read()?;
        let conf_state = self.conf_state.clone();
        Ok(InitialState { hard_state: self.hard_state, conf_state })
    }

    fn entries(
        &self,
        low: Index,
        high: Index,
        max_bytes: Option<u64>,
        _: Purpose,
    ) -> Result<Vec<Entry>, StorageError> {
        self.faults.0.count_read()?;
        if low >= high {
            return Ok(Vec::new());
        }
        let (from, to) = (self.offset(low)?, self.offset(Index(high.0 - 1))?);
        let asked = &self.entries[from..=to];
        Ok(asked[..Entry::fitting(asked, max_bytes).max(1)].to_vec())
    }

    fn term(&self, index: Index) -> Result<Term, StorageError> {
        self.faults.0.count_read()?;
        if index == self.before.index {
            return Ok(self.before.term);
        }
        Ok(self.entries[self.offset(index)?].id.term)
    }

    fn first_index(&self) -> Result<Index, StorageError> {
        self.faults.0.count_read()?;
        Ok(self.before.index + 1)
    }

    fn last_index(&self) -> Result<Index, StorageError> {
        self.faults.0.count_read()?;
        Ok(self.before.index + self.entries.len() as u64)
    }

    fn snapshot(&self, at_least: Index, _: NodeId) -> Result<Snapshot, StorageError> {
        self.faults.0.count_read()?;
        if self.snapshot.id.index < at_least || self.snapshot.id.index == Index(0) {
            return Err(StorageError::Pending);
        }
        Ok(self.snapshot.clone())
    }
}
