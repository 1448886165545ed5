//! The log: what storage holds, and after it what is not durable yet (§5.3, §5.4.1).
//!
//! ```text
//!    index      1    2    3    4    5    6    7
//!    entry     1@1  2@1  3@2  4@2  5@2  6@3  7@3
//!              [ storage: durable  ]  [ unstable ]
//!                       ^ commit
//! ```
//!
//! The log has no journal and knows no peer: it answers, or changes, and says what it did. Only the
//! ledger changes it. A read of storage that fails is a [`Halt`]: no function here turns it into "there
//! is no such entry".
//!
//! Invariants: no gap; terms never decrease from one entry to the next; a committed entry is never
//! removed (Leader Completeness and State Machine Safety rest on it, Fig. 3).

pub(crate) mod unstable;

use crate::entry::Entry;
use crate::error::{Halt, Read, StartError, StorageError};
use crate::state::Snapshot;
use crate::storage::{Purpose, Storage};
use crate::types::{EntryId, Index, NodeId, Term};
use unstable::Unstable;

/// The log as its node sees it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Log<S> {
    pub(crate) storage: S,
    pub(crate) unstable: Unstable,
}

/// The result of a leader's append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Appended {
    /// The entry before the new ones is not in the log.
    Mismatch,
    /// The new ones are in the log now.
    Matched {
        /// The last index that is known to agree with the leader's log.
        last: Index,
        /// The first of them that was not in the log already. Everything from it on was replaced.
        new_from: Option<Index>,
    },
}

// Opening.

impl<S: Storage> Log<S> {
    /// Opens the log that storage holds.
    ///
    /// # Errors
    /// What storage says when its ends cannot be read, or when they cannot be.
    pub(crate) fn open(storage: S) -> Result<Self, StartError> {
        let (first, last) = (storage.first_index()?, storage.last_index()?);
        if first == Index(0) {
            return Err(StartError::FirstIndexZero);
        }
        if first.0 - 1 > last.0 {
            return Err(StartError::FirstBeyondLast { first, last });
        }
        let last = EntryId { index: last, term: storage.term(last)? };
        Ok(Log { storage, unstable: Unstable::after(last) })
    }
}

// Looking up.

impl<S: Storage> Log<S> {
    /// Returns the id of the last entry; `0@0` if there never was one. Reads no storage.
    pub(crate) fn last(&self) -> EntryId {
        self.unstable.log_last()
    }

    /// Returns the index of the last entry, durable or not.
    pub(crate) fn last_index(&self) -> Index {
        self.unstable.last().unwrap_or(self.stored_last())
    }

    /// Returns the term of the entry at `index`; none if it is beyond the end.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer, also if the entry is compacted.
    #[track_caller]
    pub(crate) fn term(&self, index: Index) -> Result<Option<Term>, Halt> {
        if index > self.stored_last() {
            Ok(self.unstable.term(index))
        } else {
            self.stored_term(index)
        }
    }

    /// Returns whether a log that ends in `theirs` can hold everything that is committed, as far as
    /// this node can tell: it ends in a later term, or in the same term and is no shorter (§5.4.1).
    pub(crate) fn is_up_to_date(&self, theirs: EntryId) -> bool {
        theirs >= self.last()
    }

    /// Returns whether the entry `id` is in the log. If it is, so is everything before it (Log
    /// Matching, Fig. 3).
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn holds(&self, id: EntryId) -> Result<bool, Halt> {
        Ok(self.term(id.index)? == Some(id.term))
    }

    /// Returns the last index that storage alone answers for. What storage holds after it is about to
    /// be replaced, or is not known to be durable.
    pub(crate) fn stored_last(&self) -> Index {
        Index(self.unstable.first().0 - 1)
    }

    /// Returns the term of an entry that storage answers for.
    ///
    /// # Errors
    /// [`Halt`] if it does not answer.
    #[track_caller]
    fn stored_term(&self, index: Index) -> Result<Option<Term>, Halt> {
        let answer = match self.unstable.snapshot_id() {
            None => self.storage.term(index),
            Some(last) if index == last.index => Ok(last.term),
            Some(last) => Err(StorageError::Compacted { index, first: last.index + 1 }),
        };
        match answer {
            Ok(term) => Ok(Some(term)),
            Err(why) => Err(Halt::at(Read::Term { index }, why)),
        }
    }

    /// Returns the index of the first entry that is left; one past the end of an empty log.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    #[track_caller]
    pub(crate) fn first_index(&self) -> Result<Index, Halt> {
        match self.unstable.snapshot_id() {
            Some(last) => Ok(last.index + 1),
            None => self.storage.first_index().map_err(|why| Halt::at(Read::FirstIndex, why)),
        }
    }
}

// Taking a leader's entries.

impl<S: Storage> Log<S> {
    /// Takes a leader's entries, if the entry before them is in the log (Fig. 2 AppendEntries (2) to
    /// (4)).
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer; the log has not changed.
    pub(crate) fn maybe_append(
        &mut self,
        prev: EntryId,
        entries: Vec<Entry>,
    ) -> Result<Appended, Halt> {
        if !self.holds(prev)? {
            return Ok(Appended::Mismatch);
        }
        let last = prev.index + entries.len() as u64;
        let new_from = self.find_conflict(&entries)?;
        if let Some(from) = new_from {
            let known = (from.0 - prev.index.0 - 1) as usize;
            self.append(entries.into_iter().skip(known).collect());
        }
        Ok(Appended::Matched { last, new_from })
    }

    /// Returns the index of the first of these entries that is not in the log: it is new, or another
    /// entry is at its index. None if all are in the log already, as in a late or repeated message. Then
    /// nothing may be removed, because what follows may be newer than the message (§5.3).
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer: an entry that cannot be read is no conflict.
    pub(crate) fn find_conflict(&self, entries: &[Entry]) -> Result<Option<Index>, Halt> {
        for entry in entries {
            if !self.holds(entry.id)? {
                return Ok(Some(entry.id.index));
            }
        }
        Ok(None)
    }

    /// Writes entries at their indexes, without a gap; they replace what was there and after (Fig. 2
    /// AppendEntries (3), (4)).
    pub(crate) fn append(&mut self, entries: Vec<Entry>) {
        if let Some(first) = entries.first() {
            self.unstable.truncate_from(first.id.index);
            self.unstable.extend(entries);
        }
    }

    /// Returns the last index at or before `index` whose term is no later than `term`, and its term:
    /// the last index at which two logs can agree that disagree at `index`. So a leader skips whole
    /// terms with one question (§5.3, last paragraphs). A compacted entry ends the search: its term is
    /// not known.
    ///
    /// Terms never decrease, so the search halves the range: 24 reads for ten million entries.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn find_conflict_by_term(
        &self,
        index: Index,
        term: Term,
    ) -> Result<(Index, Option<Term>), Halt> {
        let mut high = index;
        if !self.is_later(high, term)? {
            return Ok((high, self.known_term(high)?));
        }
        let mut low = Index(0);
        while high.0 - low.0 > 1 {
            let middle = low + (high.0 - low.0) / 2;
            if self.is_later(middle, term)? {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok((low, self.known_term(low)?))
    }

    /// Returns whether the entry at `index` is known to be of a later term than `term`.
    fn is_later(&self, index: Index, term: Term) -> Result<bool, Halt> {
        Ok(self.known_term(index)?.is_some_and(|ours| ours > term))
    }

    /// Returns the term of the entry at `index`; none if it is beyond the end, or compacted.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn known_term(&self, index: Index) -> Result<Option<Term>, Halt> {
        match self.term(index) {
            Err(halt) if halt.is_compacted() => Ok(None),
            term => term,
        }
    }
}

// Reading entries.

impl<S: Storage> Log<S> {
    /// Returns the entries to apply next, those after `after` up to `up_to`, which the caller knows to
    /// be committed: in order, at least one if there is one, and after that as many as have together
    /// at most `max_bytes`.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn next_entries(
        &self,
        after: Index,
        up_to: Index,
        max_bytes: Option<u64>,
    ) -> Result<Vec<Entry>, Halt> {
        self.entries(after + 1, up_to + 1, max_bytes)
    }

    /// Returns the entries of `low..high`, durable or not: at least one if any is asked for, and after
    /// that as many as have together at most `max_bytes`.
    ///
    /// # Panics
    /// If `high` is beyond the end.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    #[track_caller]
    pub(crate) fn entries(
        &self,
        low: Index,
        high: Index,
        max_bytes: Option<u64>,
    ) -> Result<Vec<Entry>, Halt> {
        self.read_entries(low, high, max_bytes, Purpose::Apply)
    }

    /// Returns the entries of `low..high`, as [`Log::entries`] does, and tells storage why.
    ///
    /// # Panics
    /// If `high` is beyond the end.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    #[track_caller]
    pub(crate) fn read_entries(
        &self,
        low: Index,
        high: Index,
        max_bytes: Option<u64>,
        why: Purpose,
    ) -> Result<Vec<Entry>, Halt> {
        if low >= high {
            return Ok(Vec::new());
        }
        let (border, last) = (self.unstable.first(), self.last_index());
        assert!(high <= last + 1, "entries up to {high}, but the log ends at {last}");
        if low >= border {
            let unstable = self.unstable.slice(low, high);
            return Ok(unstable[..Entry::fitting(unstable, max_bytes).max(1)].to_vec());
        }
        let mut taken = self.stored_entries(low, high.min(border), max_bytes, why)?;
        if taken.len() as u64 == border.0 - low.0 {
            let stored_bytes: u64 = taken.iter().map(Entry::size_bytes).sum();
            let left = max_bytes.map(|max| max.saturating_sub(stored_bytes));
            let unstable = self.unstable.slice(border, high);
            taken.extend_from_slice(&unstable[..Entry::fitting(unstable, left)]);
        }
        Ok(taken)
    }

    /// Returns entries that storage answers for. What storage gives is checked: without the first
    /// entry, or with a gap, a node would apply the wrong entries, or ask for ever.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer, or gives other entries than it was asked for.
    #[track_caller]
    fn stored_entries(
        &self,
        low: Index,
        high: Index,
        max_bytes: Option<u64>,
        why: Purpose,
    ) -> Result<Vec<Entry>, Halt> {
        let read = Read::Entries { low, high };
        if let Some(last) = self.unstable.snapshot_id() {
            let compacted = StorageError::Compacted { index: low, first: last.index + 1 };
            return Err(Halt::at(read, compacted));
        }
        let entries = match self.storage.entries(low, high, max_bytes, why) {
            Ok(entries) => entries,
            Err(why) => return Err(Halt::at(read, why)),
        };
        let (first, last) = (entries.first(), entries.last());
        let span = first.zip(last).map(|(first, last)| (first.id.index, last.id.index + 1));
        if span != Some((low, low + entries.len() as u64)) || low + entries.len() as u64 > high {
            let came = span.map_or("none".into(), |(low, end)| format!("{low} to {}", end.0 - 1));
            let why = StorageError::Failed(format!("storage gave other entries: {came}"));
            return Err(Halt::at(read, why));
        }
        Ok(entries)
    }
}

// Snapshots.

impl<S: Storage> Log<S> {
    /// Returns whether a leader's snapshot is not known to be installed.
    pub(crate) fn is_installing(&self) -> bool {
        self.unstable.snapshot_id().is_some()
    }

    /// Returns a snapshot that covers at least `at_least`, to be sent. What storage gives is checked: one
    /// that ends earlier would be sent again and again.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer, or gives an older snapshot.
    #[track_caller]
    pub(crate) fn snapshot(&self, at_least: Index, to: NodeId) -> Result<Snapshot, Halt> {
        let read = Read::Snapshot { at_least };
        match self.storage.snapshot(at_least, to) {
            Ok(snapshot) if snapshot.id.index >= at_least && snapshot.id.index > Index(0) => {
                Ok(snapshot)
            }
            Ok(snapshot) => {
                let why = format!("storage gave an older snapshot: {}", snapshot.id);
                Err(Halt::at(read, StorageError::Failed(why)))
            }
            Err(why) => Err(Halt::at(read, why)),
        }
    }
}
