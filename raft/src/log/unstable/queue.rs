//! Entries that join at the back and leave at the front, always in one slice.
//!
//! ```text
//!    entries   [ 5 6 7 | 8 9 ]       5, 6 and 7 have left; they are dropped together once they are
//!                gone ^               more than what stays
//! ```
//!
//! So an entry that leaves costs the same, however many stay behind it; and what is left can be copied as
//! a slice, which a ring buffer cannot offer.
//!
//! Invariant: `gone <= entries.len()`, and at most half of the entries are gone.

use crate::entry::Entry;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

/// A queue of entries. It is read as the slice of those that are left.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    entries: Vec<Entry>,
    gone: usize,
}

impl Deref for Queue {
    type Target = [Entry];

    fn deref(&self) -> &[Entry] {
        &self.entries[self.gone..]
    }
}

// Looking. What the slice can answer as well, but not as fast: these are asked for every entry.

impl Queue {
    /// Returns how many entries are left.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.gone
    }

    /// Returns the last entry. It is never one that is gone: without entries that are left, none is kept.
    pub(super) fn last(&self) -> Option<&Entry> {
        self.entries.last()
    }

    /// Returns the entry at a position among those that are left.
    pub(super) fn get(&self, at: usize) -> Option<&Entry> {
        self.entries.get(self.gone + at)
    }
}

// Changing.

impl Queue {
    /// Moves entries to the back.
    pub(super) fn append(&mut self, entries: &mut Vec<Entry>) {
        self.entries.append(entries);
    }

    /// Keeps the first `count` entries.
    pub(super) fn truncate(&mut self, count: usize) {
        self.entries.truncate(self.gone + count);
        self.drop_gone();
    }

    /// Removes the first `count` entries.
    ///
    /// # Panics
    /// If there are fewer.
    pub(super) fn remove_front(&mut self, count: usize) {
        assert!(count <= self.len(), "{count} entries leave, and there are {}", self.len());
        self.gone += count;
        self.drop_gone();
    }

    /// Drops what is gone, once it is more than what stays.
    fn drop_gone(&mut self) {
        if self.gone > self.len() {
            self.entries.drain(..self.gone);
            self.gone = 0;
        }
    }
}

// Two queues are the same if the same entries are left.

impl PartialEq for Queue {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Queue {}

impl Hash for Queue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use crate::entry::{Entry, Payload};
    use crate::log::unstable::queue::Queue;
    use crate::types::{EntryId, Index, Term};

    fn entries(indexes: std::ops::Range<u64>) -> Vec<Entry> {
        let entry = |index| {
            let id = EntryId { index: Index(index), term: Term(1) };
            Entry::unplaced(Payload::Noop).at(id)
        };
        indexes.map(entry).collect()
    }

    #[test]
    fn what_is_left_does_not_depend_on_how_the_rest_left() {
        for gone in 0..=8 {
            let mut at_once = Queue::default();
            at_once.append(&mut entries(1..9));
            let mut one_by_one = at_once.clone();
            at_once.remove_front(gone);
            (0..gone).for_each(|_| one_by_one.remove_front(1));
            assert_eq!(at_once, one_by_one);
            assert_eq!(*at_once, entries(gone as u64 + 1..9));
            for kept in 0..=at_once.len() {
                let mut queue = one_by_one.clone();
                queue.truncate(kept);
                assert_eq!(*queue, entries(gone as u64 + 1..(gone + kept) as u64 + 1));
                queue.append(&mut entries(20..22));
                assert_eq!((queue.len(), queue.last()), (kept + 2, entries(21..22).last()));
                assert_eq!(queue.get(kept), entries(20..21).first());
            }
        }
    }

    #[test]
    fn no_more_is_kept_than_twice_what_is_left() {
        let mut queue = Queue::default();
        queue.append(&mut entries(1..1000));
        while !queue.is_empty() {
            queue.remove_front(1);
            assert!(queue.entries.len() <= 2 * queue.len(), "{} are left", queue.len());
        }
    }
}
