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
//! After a leader's snapshot that is not installed yet, the tail begins behind what the snapshot covers.
//!
//! Invariant: `first <= unwritten <= first + entries.len()`, and the entries have no gap. An entry that
//! replaces another is unwritten, even if the other was handed out.

mod queue; // entries that leave at the front

use crate::entry::Entry;
use crate::room::keep;
use crate::state::Snapshot;
use crate::types::{EntryId, Index, Term};
use queue::Queue;

/// The tail of the log that is not known to be durable.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Unstable {
    /// The last entry that was stable when the tail was empty last: the last entry of the log while
    /// the tail is empty.
    stable: EntryId,
    /// The index of the first entry here, or of the next one if there is none.
    first: Index,
    /// The entries, without a gap. They leave at the front, in the order of their writes.
    entries: Queue,
    /// The index of the first one that was not handed out to be written.
    unwritten: Index,
    /// A snapshot that is not known to be installed.
    snapshot: Option<Incoming>,
    /// A vector without entries, for those that are handed out or proposed next.
    room: Vec<Entry>,
}

/// A leader's snapshot that is to be installed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Incoming {
    /// It was not handed out yet.
    Waiting(Box<Snapshot>),
    /// It was handed out: this is its last entry.
    HandedOut(EntryId),
}

impl Unstable {
    /// Returns an empty tail after `last`, up to which everything is durable.
    pub(crate) fn after(last: EntryId) -> Self {
        let first = last.index + 1;
        Unstable {
            stable: last,
            first,
            entries: Queue::default(),
            unwritten: first,
            snapshot: None,
            room: Vec::new(),
        }
    }

    /// Returns the index of the first entry here, or of the next one if there is none.
    pub(crate) fn first(&self) -> Index {
        self.first
    }

    /// Returns the index of the last entry here.
    pub(crate) fn last(&self) -> Option<Index> {
        self.entries.last().map(|entry| entry.id.index)
    }

    /// Returns the id of the last entry here: what a write that is handed out now makes durable.
    pub(crate) fn last_id(&self) -> Option<EntryId> {
        self.entries.last().map(|entry| entry.id)
    }

    /// Returns the id of the last entry of the whole log. No read of storage is needed for it, so it
    /// can be told even when storage has failed.
    pub(crate) fn log_last(&self) -> EntryId {
        self.last_id().unwrap_or(self.stable)
    }

    /// Returns the term of the entry at `index`, if it is here.
    pub(crate) fn term(&self, index: Index) -> Option<Term> {
        let offset = index.0.checked_sub(self.first.0)?;
        self.entries.get(usize::try_from(offset).ok()?).map(|entry| entry.id.term)
    }

    /// Returns the entries of `low..high`.
    ///
    /// # Panics
    /// If one of them is not here.
    pub(crate) fn slice(&self, low: Index, high: Index) -> &[Entry] {
        if low >= high { &[] } else { &self.entries[self.offset(low)..self.offset(high)] }
    }

    /// Removes the entry at `from` and all after it, whether they are here or in storage: what is
    /// written at their indexes replaces them in storage.
    pub(crate) fn truncate_from(&mut self, from: Index) {
        if from <= self.first {
            self.entries.truncate(0);
            self.first = from;
        } else {
            self.entries.truncate(self.offset(from));
        }
        self.unwritten = self.unwritten.min(from);
        self.assert_in_order();
    }

    /// Adds entries at the end.
    ///
    /// # Panics
    /// If they leave a gap.
    pub(crate) fn extend(&mut self, mut entries: Vec<Entry>) {
        let next = self.end();
        let starts_at = entries.first().map_or(next, |entry| entry.id.index);
        assert!(starts_at == next, "entries come without a gap: first {starts_at}, not {next}");
        self.entries.append(&mut entries);
        self.keep_room(entries);
        self.assert_in_order();
    }

    /// Keeps the room of a vector of entries that is not needed any more.
    pub(crate) fn keep_room(&mut self, emptied: Vec<Entry>) {
        keep(&mut self.room, emptied);
    }

    /// Takes the room that was kept: a vector without entries.
    pub(crate) fn take_room(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.room)
    }

    /// Replaces the whole log, in storage too, by what a snapshot covers.
    pub(crate) fn restore(&mut self, snapshot: Snapshot) {
        *self = Unstable::after(snapshot.id);
        self.snapshot = Some(Incoming::Waiting(Box::new(snapshot)));
    }

    /// Returns the last entry of the snapshot that is not known to be installed, if there is one.
    pub(crate) fn snapshot_id(&self) -> Option<EntryId> {
        match self.snapshot.as_ref()? {
            Incoming::Waiting(snapshot) => Some(snapshot.id),
            Incoming::HandedOut(id) => Some(*id),
        }
    }

    /// Returns whether a snapshot waits to be handed out.
    pub(crate) fn has_waiting_snapshot(&self) -> bool {
        matches!(self.snapshot, Some(Incoming::Waiting(_)))
    }

    /// Hands out, once, the snapshot that waits to be installed.
    pub(crate) fn take_snapshot(&mut self) -> Option<Box<Snapshot>> {
        if !self.has_waiting_snapshot() {
            return None;
        }
        let taken = self.snapshot_id().map(Incoming::HandedOut);
        match std::mem::replace(&mut self.snapshot, taken)? {
            Incoming::Waiting(snapshot) => Some(snapshot),
            Incoming::HandedOut(_) => None,
        }
    }

    /// Learns that storage has the snapshot that ends in `id`; another one may have come since.
    pub(crate) fn installed(&mut self, id: EntryId) {
        if self.snapshot_id() == Some(id) {
            self.snapshot = None;
        }
    }

    /// Returns whether entries wait to be handed out for writing.
    pub(crate) fn has_unwritten(&self) -> bool {
        self.unwritten < self.end()
    }

    /// Hands out, once, the entries that wait to be written. They are read from here until they are
    /// durable.
    pub(crate) fn take_unwritten(&mut self) -> Vec<Entry> {
        let end = self.end();
        let mut taken = self.take_room();
        taken.extend_from_slice(self.slice(self.unwritten, end));
        self.unwritten = end;
        taken
    }

    /// Forgets the entries up to `last`, because storage has them now; unless another entry is at that
    /// index by now. The cost grows with the entries that leave, not with those that stay.
    pub(crate) fn stable_to(&mut self, last: EntryId) {
        if self.term(last.index) != Some(last.term) {
            return;
        }
        self.entries.remove_front(self.offset(last.index) + 1);
        self.stable = last;
        self.first = last.index + 1;
        self.unwritten = self.unwritten.max(self.first);
        self.assert_in_order();
    }

    /// Returns the index after the last entry here.
    fn end(&self) -> Index {
        self.first + self.entries.len() as u64
    }

    /// Returns the position in `entries` of an index that is not before `first`.
    fn offset(&self, index: Index) -> usize {
        (index.0 - self.first.0) as usize
    }

    /// Asserts what must hold after every change. If it did not, an entry would never be handed out to
    /// be written, or one would be handed out that is not here.
    fn assert_in_order(&self) {
        let Unstable { first, unwritten, .. } = *self;
        let end = self.end();
        assert!(first <= unwritten, "unwritten {unwritten} is before the first entry, {first}");
        assert!(unwritten <= end, "unwritten {unwritten} is beyond the end, {end}");
    }
}
