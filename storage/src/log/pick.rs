//! What is wanted of a segment, picked to be written again.
//!
//! ```text
//!   segment 3   entry 4@1   put hs   compact 6@1   entry 7@2   delete k   entry 7@3
//!   wanted                  put hs   compact 6@1                          entry 7@3
//!   written     put hs, compact 6@1, moved 7@3                 one frame, or as much as fits one
//! ```
//!
//! Three things are state, and are wanted while they are current: where a log begins, a key's value,
//! an entry. What only took something away is not: what it took away is gone.
//!
//! Invariant: what is picked has been read and holds. Rot gets no new checksum.

use super::View;
use crate::batch::Batch;
use crate::disk::Advice;
use crate::error::{Corruption, Error, Lost, Result, Rot};
use crate::format::DESCRIPTOR_BYTES;
use crate::groups::{Group, Loc};
use crate::types::{EntryId, GroupId, SegmentId};
use bytes::Bytes;

/// How many items are moved in one frame, at most.
const FRAME_ITEMS: usize = 4096;

/// What is picked from a segment, and how much of it may be.
struct Picker {
    batch: Batch,
    segment: SegmentId,
    frame_bytes: usize,
}

/// Whether one more item fits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum BatchSpace {
    Some,
    None,
}

impl View {
    /// Returns what is wanted of a segment, up to a frame of so many bytes; of one item, if that is
    /// longer by itself.
    ///
    /// Nothing, if all that was wanted of it was let go before the writer was locked: a frame of
    /// nothing does no harm.
    ///
    /// # Panics
    /// If something of the segment counts as live, and nothing points to it: whoever asks would ask for
    /// ever.
    pub(super) fn pick_live(&self, segment: SegmentId, frame_bytes: usize) -> Result<Batch> {
        if let Some(segment) = self.segments.get(&segment) {
            // Much of it may be read, and then it goes.
            segment.content.advised().into_iter().for_each(|it| it.advise(Advice::Around));
        }
        let mut picker = Picker { batch: Batch::new(), segment, frame_bytes };
        for (id, group) in self.groups.iter() {
            if self.pick_of_group(id, group, &mut picker)? == BatchSpace::Full {
                break;
            }
        }
        let batch = picker.batch;
        let is_right = !batch.is_empty() || self.groups.live().of(segment).items == 0;
        assert!(is_right, "segment {segment} counts as live, and nothing points to it");
        Ok(batch)
    }

    /// Picks what is wanted of a group. Returns whether there is room for more.
    fn pick_of_group(&self, id: GroupId, group: &Group, picker: &mut Picker) -> Result<BatchSpace> {
        if picker.pick_base(id, group) == BatchSpace::Full
            || picker.pick_keys(id, group) == BatchSpace::Full
        {
            return Ok(BatchSpace::Full);
        }
        self.pick_entries(id, group, picker)
    }

    /// Picks a group's entries: each is to stand at its place again, and to end nothing. Returns
    /// whether there is room for more.
    fn pick_entries(&self, id: GroupId, group: &Group, picker: &mut Picker) -> Result<BatchSpace> {
        for (entry, loc) in group.entries().filter(|(_, loc)| loc.segment == picker.segment) {
            if picker.room_for(loc.len as usize) == BatchSpace::Full {
                return Ok(BatchSpace::Full);
            }
            picker.batch.moved(id, entry, &self.bytes_to_move(id, entry, loc)?);
        }
        Ok(BatchSpace::Available)
    }

    /// Returns an entry's bytes, if they are what was written: rot must not get a new checksum.
    fn bytes_to_move(&self, group: GroupId, id: EntryId, loc: Loc) -> Result<Bytes> {
        let data = self.slice(loc).filter(|data| crc32fast::hash(data) == loc.crc);
        data.ok_or_else(|| rotten(group, id, loc))
    }
}

impl Picker {
    /// Picks where a group's log begins. Returns whether there is room for more.
    fn pick_base(&mut self, id: GroupId, group: &Group) -> BatchSpace {
        let (base, base_in) = group.base();
        if base_in != Some(self.segment) {
            return BatchSpace::Available;
        }
        if self.room_for(0) == BatchSpace::Full {
            return BatchSpace::Full;
        }
        self.batch.compact(id, base);
        BatchSpace::Available
    }

    /// Picks a group's keys and their values. Returns whether there is room for more.
    fn pick_keys(&mut self, id: GroupId, group: &Group) -> BatchSpace {
        for (key, value) in group.keys().iter().filter(|(_, value)| value.segment == self.segment) {
            if self.room_for(key.len() + value.data.len()) == BatchSpace::Full {
                return BatchSpace::Full;
            }
            self.batch.put(id, key, &value.data);
        }
        BatchSpace::Available
    }

    /// Returns whether an item with so much payload fits. The first always does.
    fn room_for(&self, payload_bytes: usize) -> BatchSpace {
        let bytes = self.batch.size_bytes() + DESCRIPTOR_BYTES + payload_bytes;
        let fits = bytes <= self.frame_bytes && self.batch.items().len() < FRAME_ITEMS;
        if fits || self.batch.is_empty() { BatchSpace::Available } else { BatchSpace::Full }
    }
}

/// Returns what to say of an entry that was to be moved, and is not what was written.
fn rotten(group: GroupId, id: EntryId, loc: Loc) -> Error {
    let mut lost = Vec::new();
    Lost::add_entry(&mut lost, group, id.index);
    let what = format!("entry {id} was to be moved, and does not match its checksum");
    let (segment, offset) = (loc.segment, loc.offset.into());
    Corruption { segment, offset, lsn: None, rot: Rot::Read, what, lost }.into()
}
