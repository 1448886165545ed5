//! Replay: applies the frames again, in the order of their LSNs.
//!
//! ```text
//!   oldest segment left     g7: entry 8@3, entry 9@3         5..=7 were in a segment that was removed;
//!   a later one             g7: moved 5@2, 6@2, 7@3          they were copied before
//!   at the end              g7: base 4@2, 5..=9              no gap is left, or the log is refused
//! ```
//!
//! Replay applies batches as a write does, with one difference: a group may have gaps until the
//! end. Some records only end others: compactions and removals. If such a record was removed with
//! its segment, replay does not need it: what it ended was older, and was removed before.
//!
//! Memory is allocated for the entries that exist, never for an index that a frame names. Two
//! entries take the memory of two entries, even if their indexes are far apart.

use super::headers::CheckedSegment;
use super::places::Places;
use super::rewrite_tail::Plan;
use super::scan::Span;
use crate::error::{Corruption, Error, Lost, Result, Rot};
use crate::format::{Frame, Item, Op};
use crate::groups::{Group, Groups, Loc, Value};
use crate::types::{EntryId, GroupId, Index, SegmentId};
use bytes::Bytes;
use std::collections::BTreeMap;

/// The groups, after the frames so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Replay {
    groups: BTreeMap<GroupId, Replayed>,
}

/// One group, after the frames so far.
#[derive(Clone, Debug, Default)]
struct Replayed {
    base: EntryId,
    base_in: Option<SegmentId>,
    entries: Places,
    keys: BTreeMap<Bytes, Value>,
}

impl Replay {
    /// Applies frames that stay where they are.
    pub(super) fn frames(&mut self, segment: &CheckedSegment, frames: &[Span]) {
        let image = segment.image.bytes();
        for span in frames {
            let frame = Frame::trusted(&image[span.offset as usize..]);
            self.frame(&frame, segment.header.segment, span.offset);
        }
    }

    /// Applies frames that will be written again, at their new locations.
    pub(super) fn rewritten(&mut self, plan: &Plan) {
        for (segment, offset, frame) in plan.frames() {
            self.frame(&frame, segment, offset);
        }
    }

    /// Applies a frame.
    fn frame(&mut self, frame: &Frame<'_>, segment: SegmentId, frame_at: u32) {
        for (item, at) in frame.items() {
            let loc = Loc { segment, offset: frame_at + at, len: item.len, crc: item.crc };
            self.item(item, loc, frame.payload(&item, at));
        }
    }

    /// Applies an item.
    fn item(&mut self, item: Item, loc: Loc, payload: &[u8]) {
        if item.op == Op::Clean {
            self.groups.remove(&item.group);
            return;
        }
        let group = self.groups.entry(item.group).or_default();
        match item.op {
            Op::Entry { id } => group.append(id, loc),
            Op::Moved { id } => group.insert(id, loc),
            Op::Compact { through } => group.compact(through, loc.segment),
            Op::Reset { through } => group.reset(through, loc.segment),
            Op::Put { key_len } => group.put(payload.split_at(key_len as usize), loc.segment),
            Op::Delete => {
                group.keys.remove(payload);
            }
            Op::Clean => {}
        }
    }

    /// Returns every group that has a gap, with the error that names its first gap.
    pub(super) fn gaps(&self) -> Vec<(GroupId, Error)> {
        let gap = |(id, replayed): (&GroupId, &Replayed)| {
            Some((*id, replayed.clone().finish(*id).err()?))
        };
        self.groups.iter().filter_map(gap).collect()
    }

    /// Returns how many entries and how many keys a group has so far, even if it has gaps.
    pub(super) fn held(&self, group: GroupId) -> (u64, u64) {
        let Some(held) = self.groups.get(&group) else { return (0, 0) };
        (held.entries.len() as u64, held.keys.len() as u64)
    }

    /// Removes a group, as a frame with such an item would.
    pub(super) fn remove(&mut self, group: GroupId) {
        self.groups.remove(&group);
    }

    /// Returns the groups, if none has a gap.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], naming the entries that are missing.
    pub(super) fn finish(self) -> Result<Groups> {
        let mut groups = BTreeMap::new();
        for (id, replayed) in self.groups {
            let group = replayed.finish(id)?;
            if !group.is_nothing() {
                groups.insert(id, group);
            }
        }
        Ok(Groups::recovered(groups))
    }
}

impl Replayed {
    /// Ends the log before an entry's index, and puts the entry there.
    fn append(&mut self, id: EntryId, loc: Loc) {
        self.end_before(id.index);
        self.insert(id, loc);
    }

    /// Puts an entry at its index, and ends nothing.
    fn insert(&mut self, id: EntryId, loc: Loc) {
        self.entries.insert(id.index, (id.term, loc));
    }

    /// Ends the log before an index. Usually the log ends there already, and checking this first is
    /// cheaper than splitting the map.
    fn end_before(&mut self, index: Index) {
        if self.entries.last_key_value().is_some_and(|(last, _)| *last >= index) {
            self.entries.split_off(&index);
        }
    }

    /// Discards the entries up to and including `through`: the log begins after it.
    fn compact(&mut self, through: EntryId, segment: SegmentId) {
        self.entries = self.entries.split_off(&through.index.next());
        (self.base, self.base_in) = (through, Some(segment));
    }

    /// Discards all entries: the log is empty, and begins after `through`.
    fn reset(&mut self, through: EntryId, segment: SegmentId) {
        self.entries.clear();
        (self.base, self.base_in) = (through, Some(segment));
    }

    /// Sets a key.
    fn put(&mut self, (key, data): (&[u8], &[u8]), segment: SegmentId) {
        let value = Value { data: Bytes::copy_from_slice(data), segment };
        self.keys.insert(Bytes::copy_from_slice(key), value);
    }

    /// Returns the group, if it has no gap.
    fn finish(self, id: GroupId) -> Result<Group> {
        let mut group = Group::beginning_after(self.base, self.base_in);
        for (index, (term, loc)) in self.entries {
            let next = group.last_index().next();
            if index < next {
                continue; // before the beginning: no writer writes this
            }
            if index > next {
                return Err(hole(id, next, index, loc).into());
            }
            group.push(EntryId { term, index }, loc);
        }
        for (key, value) in self.keys {
            group.restore_key(key, value);
        }
        Ok(group)
    }
}

/// Returns the error for a gap in a log: the entries from `from` to before `to` are missing.
fn hole(group: GroupId, from: Index, to: Index, after: Loc) -> Corruption {
    let indexes = from.0..=to.0 - 1;
    Corruption {
        segment: after.segment,
        offset: after.offset.into(),
        lsn: None,
        rot: Rot::Hole,
        what: format!("{group}: entry {to} is here, and those before it are not"),
        lost: vec![Lost::Entries { group, indexes }],
    }
}
