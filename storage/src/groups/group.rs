//! One group: where its log begins, where its entries are, what its keys say.
//!
//! ```text
//!   base 4@2   | 5 | 6 | 7 | 8 |        append 7@4:   | 5 | 6 | 7'|      the suffix goes
//!    (gone)      ^locs[0]               compact 6@2:          | 7'|      the prefix goes
//! ```
//!
//! Every change says what came and what went to [`Live`], for a segment can be deleted when nothing
//! of it is live any more.

use super::live::Live;
use crate::types::{EntryId, Index, SegmentId, Term};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// Where an entry's bytes are, and what they must be. Sixteen bytes: there may be millions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Loc {
    /// In which segment.
    pub(crate) segment: SegmentId,
    /// Where in its file.
    pub(crate) offset: u32,
    /// How many bytes.
    pub(crate) len: u32,
    /// Their checksum.
    pub(crate) crc: u32,
}

/// A key's value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Value {
    /// Its bytes.
    pub(crate) data: Bytes,
    /// The segment that keeps it.
    pub(crate) segment: SegmentId,
}

/// From `first` on, up to the next run, the entries have this term.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Run {
    first: Index,
    term: Term,
}

/// One group.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Group {
    /// The entry before the log's first: 0@0, or the last that was compacted.
    base: EntryId,
    /// The segment that keeps the base, if there is anything to keep.
    base_in: Option<SegmentId>,
    locs: VecDeque<Loc>,
    runs: VecDeque<Run>,
    keys: BTreeMap<Bytes, Value>,
}

// What it holds.

impl Group {
    /// Returns the place of the first entry, or where it would stand.
    pub(crate) fn first_index(&self) -> Index {
        self.base.index.next()
    }

    /// Returns the place of the last entry; the base's if there is none.
    pub(crate) fn last_index(&self) -> Index {
        Index(self.base.index.0 + self.locs.len() as u64)
    }

    /// Returns the entry before the first, and the segment that keeps it.
    pub(crate) fn base(&self) -> (EntryId, Option<SegmentId>) {
        (self.base, self.base_in)
    }

    /// Returns the term at a place of the log, or of its base.
    pub(crate) fn term(&self, index: Index) -> Option<Term> {
        if index == self.base.index {
            return Some(self.base.term);
        }
        self.loc(index)?;
        let after = self.runs.partition_point(|run| run.first <= index);
        Some(self.runs[after - 1].term)
    }

    /// Returns where the entry at a place is.
    pub(crate) fn loc(&self, index: Index) -> Option<Loc> {
        let offset = index.0.checked_sub(self.first_index().0)?;
        self.locs.get(usize::try_from(offset).ok()?).copied()
    }

    /// Returns every entry's name and place from `start` on, in order.
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

    /// Returns every entry's name and place, in order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (EntryId, Loc)> {
        self.entries_from(self.first_index())
    }

    /// Returns how many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.locs.len()
    }

    /// Lends the keys and their values.
    pub(crate) fn keys(&self) -> &BTreeMap<Bytes, Value> {
        &self.keys
    }

    /// Returns whether nothing would be lost with it.
    pub(crate) fn is_nothing(&self) -> bool {
        self.base == EntryId::default() && self.locs.is_empty() && self.keys.is_empty()
    }
}

// How it changes.

impl Group {
    /// Returns a group whose log is empty and begins after `base`.
    pub(crate) fn beginning_after(base: EntryId, base_in: Option<SegmentId>) -> Group {
        Group { base, base_in, ..Group::default() }
    }

    /// Ends the log before the entry's place, and puts it there.
    pub(crate) fn append(&mut self, id: EntryId, loc: Loc, live: &mut Live) {
        self.truncate_from(id.index, live);
        self.push(id, loc);
        live.add(loc.segment, loc.len as usize);
    }

    /// Puts the entry at the log's end, uncounted.
    ///
    /// # Panics
    /// If the log ends elsewhere: a gap would be made.
    pub(crate) fn push(&mut self, id: EntryId, loc: Loc) {
        let next = self.last_index().next();
        assert_eq!(id.index, next, "entry {id} comes, and {next} is due");
        self.locs.push_back(loc);
        if self.runs.back().is_none_or(|run| run.term != id.term) {
            self.runs.push_back(Run { first: id.index, term: id.term });
        }
    }

    /// Ends the log before a place.
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
            self.runs.clear(); // the last may have begun before the log does
        }
    }

    /// Lets an entry be found where it was written again.
    pub(crate) fn move_entry(&mut self, index: Index, to: Loc, live: &mut Live) {
        let slot = (index.0 - self.first_index().0) as usize;
        let from = std::mem::replace(&mut self.locs[slot], to);
        live.remove(from.segment, from.len as usize);
        live.add(to.segment, to.len as usize);
    }

    /// Lets the log begin after `through`, at most where it ends.
    pub(crate) fn compact(&mut self, through: EntryId, segment: SegmentId, live: &mut Live) {
        while self.base.index < through.index
            && let Some(loc) = self.locs.pop_front()
        {
            live.remove(loc.segment, loc.len as usize);
            self.base.index = self.base.index.next();
        }
        // The run that reaches over the new beginning stays; those before it go.
        while self.runs.get(1).is_some_and(|run| run.first <= self.first_index()) {
            self.runs.pop_front();
        }
        if self.locs.is_empty() {
            self.runs.clear();
        }
        self.set_base(through, segment, live);
    }

    /// Empties the log, and lets it begin after `through`.
    pub(crate) fn reset(&mut self, through: EntryId, segment: SegmentId, live: &mut Live) {
        self.truncate_from(self.first_index(), live);
        self.set_base(through, segment, live);
    }

    /// Writes down where the log begins.
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

    /// Lets go of everything.
    pub(crate) fn drop_everything(&mut self, live: &mut Live) {
        self.truncate_from(self.first_index(), live);
        for (key, value) in std::mem::take(&mut self.keys) {
            live.remove(value.segment, key.len() + value.data.len());
        }
        if let Some(segment) = self.base_in.take() {
            live.remove(segment, 0);
        }
    }

    /// Sets a key, uncounted: recovery counts when all is known.
    pub(crate) fn restore_key(&mut self, key: Bytes, value: Value) {
        self.keys.insert(key, value);
    }

    /// Counts everything it holds.
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
