//! The tail of the log that is not known to be durable.
//!
//! ```text
//!    storage            unstable
//!    ... 3@2  4@2   |   5@2  6@3   |   7@3
//!                   ^ first        ^ unwritten
//!                     handed out,    not handed
//!                     being written  out yet
//! ```
//!
//! Invariant: `first <= unwritten <= first + entries.len()`. An overwritten entry is unwritten again.

use crate::entry::Entry;
use crate::types::{EntryId, Index, Term};

/// The tail of the log that is not known to be durable.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Unstable {
    /// The place of the first entry here, or of the next one if there is none.
    first: Index,
    /// The entries, without a gap.
    entries: Vec<Entry>,
    /// The place of the first one that was not handed out to be written.
    unwritten: Index,
}

impl Unstable {
    /// Returns an empty tail behind the place `last`, up to which all is durable.
    pub(crate) fn after(last: Index) -> Self {
        Unstable { first: last + 1, entries: Vec::new(), unwritten: last + 1 }
    }

    /// Returns the place of the first entry here, or of the next one if there is none.
    pub(crate) fn first(&self) -> Index {
        self.first
    }

    /// Returns the place of the last entry here.
    pub(crate) fn last(&self) -> Option<Index> {
        self.entries.last().map(|entry| entry.id.index)
    }

    /// Returns the id of the last entry here.
    pub(crate) fn last_id(&self) -> Option<EntryId> {
        self.entries.last().map(|entry| entry.id)
    }

    /// Returns the term of the entry at `index`, if it is here.
    pub(crate) fn term(&self, index: Index) -> Option<Term> {
        let offset = index.0.checked_sub(self.first.0)?;
        self.entries.get(usize::try_from(offset).ok()?).map(|entry| entry.id.term)
    }

    /// Lends the entries of `low..high`.
    ///
    /// # Panics
    /// If one of them is not here.
    pub(crate) fn slice(&self, low: Index, high: Index) -> &[Entry] {
        if low >= high {
            return &[];
        }
        &self.entries[self.offset(low)..self.offset(high)]
    }

    /// Removes the entry at `from` and all after it, be they here or still in storage: storage learns
    /// of it by what is written in their place.
    pub(crate) fn truncate_from(&mut self, from: Index) {
        if from <= self.first {
            self.entries.clear();
            self.first = from;
        } else {
            self.entries.truncate(self.offset(from));
        }
        self.unwritten = self.unwritten.min(from);
    }

    /// Adds entries at the end.
    ///
    /// # Panics
    /// If they leave a gap.
    pub(crate) fn extend(&mut self, entries: Vec<Entry>) {
        let next = self.first + self.entries.len() as u64;
        let starts_at = entries.first().map_or(next, |entry| entry.id.index);
        assert_eq!(starts_at, next, "entries come without a gap");
        self.entries.extend(entries);
    }

    /// Returns whether entries wait to be handed out for writing.
    pub(crate) fn has_unwritten(&self) -> bool {
        self.unwritten < self.first + self.entries.len() as u64
    }

    /// Hands out, once, the entries that wait to be written.
    pub(crate) fn take_unwritten(&mut self) -> Vec<Entry> {
        let end = self.first + self.entries.len() as u64;
        let taken = self.slice(self.unwritten, end).to_vec();
        self.unwritten = end;
        taken
    }

    /// Forgets the entries up to `last`, now that storage has them; unless another entry stands at
    /// its place by now. Returns whether it did.
    pub(crate) fn stable_to(&mut self, last: EntryId) -> bool {
        if self.term(last.index) != Some(last.term) {
            return false;
        }
        self.entries.drain(..=self.offset(last.index));
        self.first = last.index + 1;
        self.unwritten = self.unwritten.max(self.first);
        true
    }

    /// Returns how far into `entries` a place lies that is not before `first`.
    fn offset(&self, index: Index) -> usize {
        (index.0 - self.first.0) as usize
    }
}
