//! What the frames did, done again in the order of their LSNs.
//!
//! ```text
//!   oldest segment left     g7: entry 8@3, entry 9@3         5..=7 were in a segment that is gone,
//!   a later one             g7: moved 5@2, 6@2, 7@3          and had been moved before it went
//!   at the end              g7: base 4@2, 5..=9              no gap is left, or it is refused
//! ```
//!
//! Until the end a log may have gaps, and that is all that differs from how batches are applied when
//! they are written. A record that takes something away, and has been deleted itself, is not missed:
//! what it took away was older, and its segment was deleted before.
//!
//! Nothing is allotted by what an index says: a log of two entries is two entries, wherever they
//! claim to stand.

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

/// What the frames did so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Replay {
    groups: BTreeMap<GroupId, Replayed>,
}

/// One group so far.
#[derive(Clone, Debug, Default)]
struct Replayed {
    base: EntryId,
    base_in: Option<SegmentId>,
    entries: Places,
    keys: BTreeMap<Bytes, Value>,
}

impl Replay {
    /// Does what frames did that stay where they are.
    pub(super) fn frames(&mut self, segment: &CheckedSegment, frames: &[Span]) {
        let image = segment.image.bytes();
        for span in frames {
            let frame = Frame::trusted(&image[span.offset as usize..]);
            self.frame(&frame, segment.header.segment, span.offset);
        }
    }

    /// Does what frames did that will stand elsewhere.
    pub(super) fn rewritten(&mut self, plan: &Plan) {
        for (segment, offset, frame) in plan.frames() {
            self.frame(&frame, segment, offset);
        }
    }

    /// Does what a frame did.
    fn frame(&mut self, frame: &Frame<'_>, segment: SegmentId, frame_at: u32) {
        for (item, at) in frame.items() {
            let loc = Loc { segment, offset: frame_at + at, len: item.len, crc: item.crc };
            self.item(item, loc, frame.payload(&item, at));
        }
    }

    /// Does what an item did.
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

    /// Returns of every group that has a gap the first one.
    pub(super) fn gaps(&self) -> Vec<(GroupId, Error)> {
        let gap = |(id, replayed): (&GroupId, &Replayed)| {
            Some((*id, replayed.clone().finish(*id).err()?))
        };
        self.groups.iter().filter_map(gap).collect()
    }

    /// Returns how many entries a group has so far, and how many keys, wherever they stand.
    pub(super) fn held(&self, group: GroupId) -> (u64, u64) {
        let Some(held) = self.groups.get(&group) else { return (0, 0) };
        (held.entries.len() as u64, held.keys.len() as u64)
    }

    /// Does what a frame would do that removed a group.
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
    /// Ends the log before an entry's place, and lets it stand there.
    fn append(&mut self, id: EntryId, loc: Loc) {
        self.end_before(id.index);
        self.insert(id, loc);
    }

    /// Lets an entry stand at its place, and ends nothing.
    fn insert(&mut self, id: EntryId, loc: Loc) {
        self.entries.insert(id.index, (id.term, loc));
    }

    /// Ends the log before a place. Mostly it does, and to look is cheaper than to cut.
    fn end_before(&mut self, index: Index) {
        if self.entries.last_key_value().is_some_and(|(last, _)| *last >= index) {
            self.entries.split_off(&index);
        }
    }

    /// Lets the log begin after `through`.
    fn compact(&mut self, through: EntryId, segment: SegmentId) {
        self.entries = self.entries.split_off(&through.index.next());
        (self.base, self.base_in) = (through, Some(segment));
    }

    /// Empties the log, and lets it begin after `through`.
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
                continue; // before the beginning: nobody writes such a thing
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

/// Returns what is lost where a log has a gap, from `from` up to the entry at `to`.
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
