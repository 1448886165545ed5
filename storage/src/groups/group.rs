//! One group: where its log begins, where its entries are, and its keys.
//!
//! ```text
//!   base 4@2   | 5 | 6 | 7 | 8 |        append 7@4:   | 5 | 6 | 7'|      removes a suffix
//!  (compacted)   ^locs[0]               compact 6@2:          | 7'|      removes a prefix
//! ```
//!
//! Every change tells [`Live`] what was added and what was removed. A segment of which nothing is
//! live can be deleted.

use super::live::Live;
use crate::types::{EntryId, Index, SegmentId, Term};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// Where an entry's bytes are, and their checksum. 16 bytes, because there may be millions of
/// entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Loc {
    /// The segment.
    pub(crate) segment: SegmentId,
    /// The offset in the segment's file.
    pub(crate) offset: u32,
    /// The number of bytes.
    pub(crate) len: u32,
    /// The checksum of the bytes.
    pub(crate) crc: u32,
}

/// A key's value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Value {
    /// The bytes of the value.
    pub(crate) data: Bytes,
    /// The segment with the frame that wrote the value.
    pub(crate) segment: SegmentId,
}

/// A run of entries with one term: from `first` up to the next run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Run {
    first: Index,
    term: Term,
}

/// One group.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Group {
    /// The entry before the log's first one: 0@0, or the last entry that was compacted.
    base: EntryId,
    /// The segment with the frame that wrote the base; `None` for 0@0.
    base_in: Option<SegmentId>,
    locs: VecDeque<Loc>,
    runs: VecDeque<Run>,
    keys: BTreeMap<Bytes, Value>,
}

// What a group holds.

impl Group {
    /// Returns the index of the first entry, or the index it would have.
    pub(crate) fn first_index(&self) -> Index {
        self.base.index.next()
    }

    /// Returns the index of the last entry, or of the base if there is no entry.
    pub(crate) fn last_index(&self) -> Index {
        Index(self.base.index.0 + self.locs.len() as u64)
    }

    /// Returns the entry before the first one, and the segment with the frame that wrote it.
    pub(crate) fn base(&self) -> (EntryId, Option<SegmentId>) {
        (self.base, self.base_in)
    }

    /// Returns the term of the entry at an index, or of the base.
    pub(crate) fn term(&self, index: Index) -> Option<Term> {
        if index == self.base.index {
            return Some(self.base.term);
        }
        self.loc(index)?;
        let after = self.runs.partition_point(|run| run.first <= index);
        Some(self.runs[after - 1].term)
    }

    /// Returns where the entry at an index is.
    pub(crate) fn loc(&self, index: Index) -> Option<Loc> {
        let offset = index.0.checked_sub(self.first_index().0)?;
        self.locs.get(usize::try_from(offset).ok()?).copied()
    }

    /// Returns the entries from `start` on, in order: index, term, and where the bytes are.
    pub(crate) fn entries_from(&self, start: Index) -> impl Iterator<Item = (EntryId, Loc)> {
        let start = start.max(self.first_index());
        let skipped = (start.0 - self.first_index().0).min(self.locs.len() as u64) as usize;
        let mut run = self.runs.partition_point(|run| run.first <= start);
        self.locs.range(skipped..).zip(start.0..).map(move |(loc, index)| {
            let index = Index(index);
            if self.runs.get(run).is_some_and(|run| run.first == index) {
                run += 1;
            }
            (EntryId { term: self.runs[run - 1].term, index }, *loc)
        })
    }

    /// Returns all entries, in order: index, term, and where the bytes are.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (EntryId, Loc)> {
        self.entries_from(self.first_index())
    }

    /// Returns the number of entries.
    pub(crate) fn len(&self) -> usize {
        self.locs.len()
    }

    /// Returns the keys and their values.
    pub(crate) fn keys(&self) -> &BTreeMap<Bytes, Value> {
        &self.keys
    }

    /// Returns whether the group holds nothing: no entry, no key, and no base but 0@0.
    pub(crate) fn is_nothing(&self) -> bool {
        self.base == EntryId::default() && self.locs.is_empty() && self.keys.is_empty()
    }
}

// How a group changes.

impl Group {
    /// Returns a group whose log is empty and begins after `base`.
    pub(crate) fn beginning_after(base: EntryId, base_in: Option<SegmentId>) -> Group {
        Group { base, base_in, ..Group::default() }
    }

    /// Removes the entries at the entry's index and after it, then adds the entry.
    pub(crate) fn append(&mut self, id: EntryId, loc: Loc, live: &mut Live) {
        self.truncate_from(id.index, live);
        self.push(id, loc);
        live.add(loc.segment, loc.len as usize);
    }

    /// Adds the entry at the log's end, without counting it as live.
    ///
    /// # Panics
    /// If its index does not follow the last one: the log would have a gap.
    pub(crate) fn push(&mut self, id: EntryId, loc: Loc) {
        let next = self.last_index().next();
        assert_eq!(id.index, next, "entry {id} is pushed, expected index {next}");
        self.locs.push_back(loc);
        if self.runs.back().is_none_or(|run| run.term != id.term) {
            self.runs.push_back(Run { first: id.index, term: id.term });
        }
    }

    /// Removes the entries at an index and after it.
    fn truncate_from(&mut self, index: Index, live: &mut Live) {
        while self.last_index() >= index
            && let Some(loc) = self.locs.pop_back()
        {
            live.remove(loc.segment, loc.len as usize);
        }
        while self.runs.back().is_some_and(|run| run.first >= index) {
            self.runs.pop_back();
        }
        if self.locs.is_empty() {
            self.runs.clear(); // the last run may begin before the log
        }
    }

    /// Records where an entry is after garbage collection has moved it.
    pub(crate) fn move_entry(&mut self, index: Index, to: Loc, live: &mut Live) {
        let slot = (index.0 - self.first_index().0) as usize;
        let from = std::mem::replace(&mut self.locs[slot], to);
        live.remove(from.segment, from.len as usize);
        live.add(to.segment, to.len as usize);
    }

    /// Removes the entries up to and including `through`, which is not after the last entry.
    pub(crate) fn compact(&mut self, through: EntryId, segment: SegmentId, live: &mut Live) {
        while self.base.index < through.index
            && let Some(loc) = self.locs.pop_front()
        {
            live.remove(loc.segment, loc.len as usize);
            self.base.index = self.base.index.next();
        }
        // The run that covers the new first index stays; the runs before it are removed.
        while self.runs.get(1).is_some_and(|run| run.first <= self.first_index()) {
            self.runs.pop_front();
        }
        if self.locs.is_empty() {
            self.runs.clear();
        }
        self.set_base(through, segment, live);
    }

    /// Removes all entries. The log begins after `through`.
    pub(crate) fn reset(&mut self, through: EntryId, segment: SegmentId, live: &mut Live) {
        self.truncate_from(self.first_index(), live);
        self.set_base(through, segment, live);
    }

    /// Records where the log begins, and the segment with the frame that says so.
    fn set_base(&mut self, base: EntryId, segment: SegmentId, live: &mut Live) {
        self.base = base;
        if let Some(before) = self.base_in.replace(segment) {
            live.remove(before, 0);
        }
        live.add(segment, 0);
    }

    /// Sets a key.
    pub(crate) fn put(&mut self, key: &[u8], value: Value, live: &mut Live) {
        live.add(value.segment, key.len() + value.data.len());
        if let Some(before) = self.keys.insert(Bytes::copy_from_slice(key), value) {
            live.remove(before.segment, key.len() + before.data.len());
        }
    }

    /// Removes a key.
    pub(crate) fn delete(&mut self, key: &[u8], live: &mut Live) {
        if let Some(before) = self.keys.remove(key) {
            live.remove(before.segment, key.len() + before.data.len());
        }
    }

    /// Removes all entries, all keys and the base from the count of what is live.
    pub(crate) fn clear(&mut self, live: &mut Live) {
        self.truncate_from(self.first_index(), live);
        for (key, value) in std::mem::take(&mut self.keys) {
            live.remove(value.segment, key.len() + value.data.len());
        }
        if let Some(segment) = self.base_in.take() {
            live.remove(segment, 0);
        }
    }

    /// Sets a key, without counting it as live: recovery counts at its end.
    pub(crate) fn restore_key(&mut self, key: Bytes, value: Value) {
        self.keys.insert(key, value);
    }

    /// Counts everything that the group holds as live.
    pub(crate) fn count(&self, live: &mut Live) {
        for loc in &self.locs {
            live.add(loc.segment, loc.len as usize);
        }
        for (key, value) in &self.keys {
            live.add(value.segment, key.len() + value.data.len());
        }
        if let Some(segment) = self.base_in {
            live.add(segment, 0);
        }
    }
}
