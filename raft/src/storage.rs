//! What survives a crash (Fig. 2, persistent state), and how a node reads it.
//!
//! ```text
//!   hard state   term, vote, commit          small, rewritten
//!   snapshot     last entry it covers, who was a member then, the application's image
//!   log          first_index ..= last_index  what came after the snapshot
//! ```
//!
//! A node only ever reads. Its owner writes, and the owner's promise is the whole contract: what the
//! node handed out as needing to be durable IS durable before the owner lets a promise leave.

use crate::entry::Entry;
use crate::error::StorageError;
use crate::types::{EntryId, Index, NodeId, Term};
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The few facts that are rewritten in place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct HardState {
    /// The latest term the node has seen. Durable before anything is said in that term.
    pub term: Term,
    /// Whom it voted for in that term. Durable before the vote is sent.
    pub vote: Option<NodeId>,
    /// How far it knows the log to be committed. May lag: it can be learnt again.
    pub commit: Index,
}

/// Who is a member, and how. The two outgoing halves are empty outside a joint configuration (§6).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ConfState {
    /// Those who vote.
    pub voters: BTreeSet<NodeId>,
    /// Those who receive the log and do not vote.
    pub learners: BTreeSet<NodeId>,
    /// In a joint configuration, those who voted before.
    pub voters_outgoing: BTreeSet<NodeId>,
    /// In a joint configuration, those who will be learners once it is left.
    pub learners_next: BTreeSet<NodeId>,
    /// Whether the joint configuration is to be left by itself.
    pub auto_leave: bool,
}

/// What a node finds when it starts.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct InitialState {
    /// Term, vote and commit.
    pub hard_state: HardState,
    /// Who is a member.
    pub conf_state: ConfState,
}

/// An image of the application's state, in place of the log that led to it (§7).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Snapshot {
    /// The last entry it covers.
    pub id: EntryId,
    /// Who was a member then.
    pub conf_state: ConfState,
    /// The image.
    pub data: Bytes,
}

/// Where a node finds what was made durable. The six methods are raft-rs's.
///
/// What the owner has called durable, every method must return after a crash as it did before.
pub trait Storage {
    /// Returns term, vote, commit and members.
    ///
    /// # Errors
    /// [`StorageError::Failed`] if it cannot be read.
    fn initial_state(&self) -> Result<InitialState, StorageError>;

    /// Returns the entries of `low..high`, in order: at least one if any is asked for, and no more
    /// after that than weigh `max_bytes` together ([`Entry::size_bytes`]).
    ///
    /// # Errors
    /// [`StorageError::Compacted`] if `low` is before the first, [`StorageError::Unavailable`] if
    /// `high` is beyond the end, [`StorageError::Failed`] if they cannot be read.
    fn entries(
        &self,
        low: Index,
        high: Index,
        max_bytes: Option<u64>,
    ) -> Result<Vec<Entry>, StorageError>;

    /// Returns the term of the entry at `index`; also of the last one a snapshot covers.
    ///
    /// # Errors
    /// As [`Storage::entries`].
    fn term(&self, index: Index) -> Result<Term, StorageError>;

    /// Returns the place of the first entry that is left; one past the end of an empty log.
    ///
    /// # Errors
    /// [`StorageError::Failed`] if it cannot be read.
    fn first_index(&self) -> Result<Index, StorageError>;

    /// Returns the place of the last entry; the snapshot's if the log is empty.
    ///
    /// # Errors
    /// [`StorageError::Failed`] if it cannot be read.
    fn last_index(&self) -> Result<Index, StorageError>;

    /// Returns a snapshot that covers at least `at_least`.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if there is none yet, [`StorageError::Failed`] if it cannot be
    /// read.
    fn snapshot(&self, at_least: Index) -> Result<Snapshot, StorageError>;
}

/// Storage for tests and for reading along: everything it is told is durable at once.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct MemoryStorage {
    hard_state: HardState,
    /// What was before the log: an empty snapshot at 0 if nothing was.
    snapshot: Snapshot,
    /// The entry just before the log: the snapshot's last, or one that was compacted after it.
    before: EntryId,
    /// The entries that are left, without a gap.
    entries: Vec<Entry>,
}

impl MemoryStorage {
    /// Returns storage that remembers who votes, and nothing else yet.
    pub fn with_voters(voters: impl IntoIterator<Item = NodeId>) -> Self {
        let voters = voters.into_iter().collect();
        let conf_state = ConfState { voters, ..ConfState::default() };
        MemoryStorage {
            snapshot: Snapshot { conf_state, ..Snapshot::default() },
            ..MemoryStorage::default()
        }
    }

    /// Returns storage that holds a snapshot, and no entry after it yet. A node that starts on it has
    /// committed and applied what the snapshot covers: nothing else is ever put into one.
    pub fn with_snapshot(snapshot: Snapshot) -> Self {
        MemoryStorage { before: snapshot.id, snapshot, ..MemoryStorage::default() }
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

    /// Forgets the entries up to `through`, which the application has applied; of the last of them
    /// the name is kept. What is forgotten already is no mistake.
    ///
    /// # Panics
    /// If the log ends before `through`: the owner's mistake.
    ///
    /// # Examples
    ///
    /// ```
    /// use raft::{Entry, EntryId, Index, MemoryStorage, NodeId, Payload, Storage, StorageError, Term};
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
    /// assert_eq!(storage.term(index), Ok(Term(1)), "the name of the last that went is kept");
    /// assert_eq!(storage.entries(index, Index(4), None), Err(StorageError::Compacted { index, first }));
    /// storage.append(&[entry(4)]);
    /// assert_eq!(storage.entries(first, Index(5), None), Ok(vec![entry(3), entry(4)]));
    /// ```
    pub fn compact(&mut self, through: Index) {
        if through <= self.before.index {
            return;
        }
        let last = self.offset(through).expect("the log reaches as far as it is compacted");
        self.before = self.entries[last].id;
        self.entries.drain(..=last);
    }

    /// Writes entries, lent or given, in order and without a gap; what was at their places and after
    /// goes.
    ///
    /// # Panics
    /// If they leave a gap, or begin in what the snapshot covers or was compacted: the owner's
    /// mistake.
    pub fn append<'a>(&mut self, entries: impl Into<Cow<'a, [Entry]>>) {
        let entries = entries.into();
        let Some(first) = entries.first() else { return };
        let start = self.before.index + 1;
        let end = start + self.entries.len() as u64;
        let place = first.id.index;
        assert!(place >= start, "entry {place} is no longer here: the log begins at {start}");
        assert!(place <= end, "entry {place} leaves a gap: the log ends before {end}");
        let in_order = entries.windows(2).all(|pair| pair[0].id.index + 1 == pair[1].id.index);
        assert!(in_order, "entries come in order");
        self.entries.truncate((place.0 - start.0) as usize);
        match entries {
            Cow::Borrowed(lent) => self.entries.extend_from_slice(lent),
            Cow::Owned(given) => self.entries.extend(given),
        }
    }

    /// Returns how far into `entries` a place lies.
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
        let conf_state = self.snapshot.conf_state.clone();
        Ok(InitialState { hard_state: self.hard_state, conf_state })
    }

    fn entries(
        &self,
        low: Index,
        high: Index,
        max_bytes: Option<u64>,
    ) -> Result<Vec<Entry>, StorageError> {
        if low >= high {
            return Ok(Vec::new());
        }
        let (from, to) = (self.offset(low)?, self.offset(Index(high.0 - 1))?);
        let asked = &self.entries[from..=to];
        Ok(asked[..Entry::fitting(asked, max_bytes).max(1)].to_vec())
    }

    fn term(&self, index: Index) -> Result<Term, StorageError> {
        if index == self.before.index {
            return Ok(self.before.term);
        }
        Ok(self.entries[self.offset(index)?].id.term)
    }

    fn first_index(&self) -> Result<Index, StorageError> {
        Ok(self.before.index + 1)
    }

    fn last_index(&self) -> Result<Index, StorageError> {
        Ok(self.before.index + self.entries.len() as u64)
    }

    fn snapshot(&self, at_least: Index) -> Result<Snapshot, StorageError> {
        if self.snapshot.id.index < at_least {
            let last = self.snapshot.id.index;
            return Err(StorageError::Unavailable { index: at_least, last });
        }
        Ok(self.snapshot.clone())
    }
}
