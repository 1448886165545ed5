//! The log: what storage holds, and behind it what is not durable yet (§5.3, §5.4.1).
//!
//! ```text
//!    index      1    2    3    4    5    6    7
//!    entry     1@1  2@1  3@2  4@2  5@2  6@3  7@3
//!              [ storage: durable  ]  [ unstable ]
//!                       ^ commit
//! ```
//!
//! The log keeps no journal and knows no peer: it answers, or changes, and says what it did. Nobody
//! but the ledger changes it.
//!
//! Invariants: no gap; terms never go back from one entry to the next; what is committed is never
//! removed (Leader Completeness and State Machine Safety rest on it, Fig. 3).

pub(crate) mod unstable;

use crate::entry::Entry;
use crate::error::StorageError;
use crate::storage::Storage;
use crate::types::{EntryId, Index, Term};
use unstable::Unstable;

/// The log as its node sees it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Log<S> {
    storage: S,
    unstable: Unstable,
}

/// What became of entries that a leader sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Appended {
    /// The entry that they follow is not here.
    Mismatch,
    /// They are here now.
    Matched {
        /// The last place that is known to agree with the leader's log.
        last: Index,
        /// The first of them that was not here already; everything from it on has been replaced.
        new_from: Option<Index>,
    },
}

// Being opened.

impl<S: Storage> Log<S> {
    /// Opens the log that storage holds.
    ///
    /// # Errors
    /// What storage says when its ends cannot be read.
    pub(crate) fn open(storage: S) -> Result<Self, StorageError> {
        let last = storage.last_index()?;
        storage.term(last)?;
        storage.first_index()?;
        Ok(Log { storage, unstable: Unstable::after(last) })
    }

    /// Lends the storage.
    pub(crate) fn storage(&self) -> &S {
        &self.storage
    }

    /// Lends the storage to its owner, to write what the node handed out.
    pub(crate) fn storage_mut(&mut self) -> &mut S {
        &mut self.storage
    }
}

// What is where.

impl<S: Storage> Log<S> {
    /// Returns the id of the last entry; `0@0` if there never was one.
    pub(crate) fn last(&self) -> EntryId {
        let index = self.last_index();
        let term = self.term(index).expect("the last entry was not compacted: a snapshot names it");
        EntryId { term, index }
    }

    /// Returns the place of the last entry, durable or not.
    pub(crate) fn last_index(&self) -> Index {
        self.unstable.last().unwrap_or(self.stored_last())
    }

    /// Returns the term of the entry at `index`; none if it is beyond the end, or compacted.
    pub(crate) fn term(&self, index: Index) -> Option<Term> {
        if index > self.stored_last() { self.unstable.term(index) } else { self.stored_term(index) }
    }

    /// Returns whether a log that ends in `theirs` can hold everything that is committed, as far as
    /// we can tell: it ends in a later term than ours, or in the same term and is no shorter (§5.4.1).
    pub(crate) fn is_up_to_date(&self, theirs: EntryId) -> bool {
        theirs >= self.last()
    }

    /// Returns whether the entry `id` is in the log. If it is, so is everything before it (Log
    /// Matching, Fig. 3).
    pub(crate) fn holds(&self, id: EntryId) -> bool {
        self.term(id.index) == Some(id.term)
    }

    /// Returns the last place that storage alone answers for. What is in storage behind it is about to
    /// be replaced, or not known to be durable.
    pub(crate) fn stored_last(&self) -> Index {
        Index(self.unstable.first().0 - 1)
    }

    /// Returns the term that storage gives for `index`, if it can.
    fn stored_term(&self, index: Index) -> Option<Term> {
        self.storage.term(index).ok()
    }
}

// A leader's entries.

impl<S: Storage> Log<S> {
    /// Takes a leader's entries, if the one that they follow is here (Fig. 2 AppendEntries (2) to
    /// (4)).
    pub(crate) fn maybe_append(&mut self, prev: EntryId, entries: Vec<Entry>) -> Appended {
        if !self.holds(prev) {
            return Appended::Mismatch;
        }
        let last = prev.index + entries.len() as u64;
        let new_from = self.find_conflict(&entries);
        if let Some(from) = new_from {
            let known = (from.0 - prev.index.0 - 1) as usize;
            self.append(entries.into_iter().skip(known).collect());
        }
        Appended::Matched { last, new_from }
    }

    /// Returns the place of the first of these entries that is not in the log: it is new, or another
    /// entry stands there. None if all are here already, as in a late or repeated message: then
    /// nothing may be removed, for what follows may be newer than the message (§5.3).
    pub(crate) fn find_conflict(&self, entries: &[Entry]) -> Option<Index> {
        entries.iter().map(|entry| entry.id).find(|&id| !self.holds(id)).map(|id| id.index)
    }

    /// Writes entries at their places, without a gap; what stood there and after goes (Fig. 2
    /// AppendEntries (3), (4)).
    pub(crate) fn append(&mut self, entries: Vec<Entry>) {
        if let Some(first) = entries.first() {
            self.unstable.truncate_from(first.id.index);
            self.unstable.extend(entries);
        }
    }

    /// Returns the last place at or before `index` whose term is no later than `term`, and its term:
    /// where two logs that disagree at `index` can agree at best. So whole terms are skipped at once,
    /// and not one place for each question (§5.3, last paragraphs). A term that cannot be read any more
    /// ends the search.
    pub(crate) fn find_conflict_by_term(&self, index: Index, term: Term) -> (Index, Option<Term>) {
        let mut at = index;
        loop {
            match self.term(at) {
                Some(ours) if ours > term && at > Index(0) => at = Index(at.0 - 1),
                ours => return (at, ours),
            }
        }
    }
}

// What is to be written, sent and applied.

impl<S: Storage> Log<S> {
    /// Returns the entries to apply next, those after `after` up to `up_to`, which the caller knows to
    /// be committed: in order, at least one if there is one, and no more after that than weigh
    /// `max_bytes` together.
    ///
    /// # Errors
    /// What storage says.
    pub(crate) fn next_entries(
        &self,
        after: Index,
        up_to: Index,
        max_bytes: Option<u64>,
    ) -> Result<Vec<Entry>, StorageError> {
        self.entries(after + 1, up_to + 1, max_bytes)
    }

    /// Returns the entries of `low..high`, as [`Storage::entries`] does, durable or not.
    ///
    /// # Errors
    /// What storage says; [`StorageError::Unavailable`] if `high` is beyond the end.
    pub(crate) fn entries(
        &self,
        low: Index,
        high: Index,
        max_bytes: Option<u64>,
    ) -> Result<Vec<Entry>, StorageError> {
        if low >= high {
            return Ok(Vec::new());
        }
        let (border, last) = (self.unstable.first(), self.last_index());
        if high > last + 1 {
            return Err(StorageError::Unavailable { index: Index(high.0 - 1), last });
        }
        if high <= border {
            return self.storage.entries(low, high, max_bytes);
        }
        if low >= border {
            let unstable = self.unstable.slice(low, high);
            return Ok(unstable[..Entry::fitting(unstable, max_bytes).max(1)].to_vec());
        }
        let mut taken = self.storage.entries(low, border, max_bytes)?;
        if taken.len() as u64 == border.0 - low.0 {
            let stored_bytes: u64 = taken.iter().map(Entry::size_bytes).sum();
            let left = max_bytes.map(|max| max.saturating_sub(stored_bytes));
            let unstable = self.unstable.slice(border, high);
            taken.extend_from_slice(&unstable[..Entry::fitting(unstable, left)]);
        }
        Ok(taken)
    }

    /// Returns whether entries wait to be handed out for writing.
    pub(crate) fn has_unwritten(&self) -> bool {
        self.unstable.has_unwritten()
    }

    /// Hands out, once, the entries that wait to be written. They are read from here until they are
    /// durable.
    pub(crate) fn take_unwritten(&mut self) -> Vec<Entry> {
        self.unstable.take_unwritten()
    }

    /// Returns the last entry if it is not known to be durable: what a write that is handed out now
    /// would attest.
    pub(crate) fn undurable_last(&self) -> Option<EntryId> {
        self.unstable.last_id()
    }

    /// Learns that everything up to `last` can be read from storage. Does nothing if another entry
    /// stands there by now. Returns whether it did something.
    pub(crate) fn stable_to(&mut self, last: EntryId) -> bool {
        self.unstable.stable_to(last)
    }
}
