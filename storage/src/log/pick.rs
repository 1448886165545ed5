//! The live records of a segment, picked to be copied to the tail.
//!
//! ```text
//!   segment 3   entry 4@1   put hs   compact 6@1   entry 7@2   delete k   entry 7@3
//!   live                    put hs   compact 6@1                          entry 7@3
//!   written     put hs, compact 6@1, moved 7@3                 one frame, or as much as fits in one
//! ```
//!
//! Three things are state, and are live while they are current: the beginning of a log, the value
//! of a key, an entry. A record that only ends others is never live: what it ended is gone.
//!
//! Invariant: every picked entry was read and matches its checksum. A rotted entry never gets a new
//! checksum.

use super::View;
use crate::batch::Batch;
use crate::disk::Advice;
use crate::error::{Corruption, Error, Lost, Result, Rot};
use crate::format::DESCRIPTOR_BYTES;
use crate::groups::{Group, Loc};
use crate::types::{EntryId, GroupId, SegmentId};
use bytes::Bytes;

/// The maximum number of items that are copied in one frame.
const FRAME_ITEMS: usize = 4096;

/// The items picked so far, the segment they come from, and the size that their frame may have.
struct Picker {
    batch: Batch,
    segment: SegmentId,
    frame_bytes: usize,
}

/// Whether the batch of copies has space for one more item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum BatchSpace {
    Available,
    Full,
}

impl View {
    /// Returns live records of a segment, up to a frame of `frame_bytes`. If the first record is
    /// longer than that, returns it alone.
    ///
    /// The batch is empty if the last live record became garbage before the caller locked the
    /// writer. An empty frame does no harm.
    ///
    /// # Panics
    /// If the segment counts live records, but no group points into it: the collector would never
    /// finish.
    pub(super) fn pick_live(&self, segment: SegmentId, frame_bytes: usize) -> Result<Batch> {
        if let Some(segment) = self.segments.get(&segment) {
            // Much of the segment may be read now, and then it is removed.
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

    /// Picks the live records of a group. Returns whether there is space for more.
    fn pick_of_group(&self, id: GroupId, group: &Group, picker: &mut Picker) -> Result<BatchSpace> {
        if picker.pick_base(id, group) == BatchSpace::Full
            || picker.pick_keys(id, group) == BatchSpace::Full
        {
            return Ok(BatchSpace::Full);
        }
        self.pick_entries(id, group, picker)
    }

    /// Picks the entries of a group. Each copy keeps its index and ends no other entry. Returns
    /// whether there is space for more.
    fn pick_entries(&self, id: GroupId, group: &Group, picker: &mut Picker) -> Result<BatchSpace> {
        for (entry, loc) in group.entries().filter(|(_, loc)| loc.segment == picker.segment) {
            if picker.room_for(loc.len as usize) == BatchSpace::Full {
                return Ok(BatchSpace::Full);
            }
            picker.batch.moved(id, entry, &self.bytes_to_move(id, entry, loc)?);
        }
        Ok(BatchSpace::Available)
    }

    /// Returns the bytes of an entry, if they match its checksum. A rotted entry must not get a new
    /// one.
    fn bytes_to_move(&self, group: GroupId, id: EntryId, loc: Loc) -> Result<Bytes> {
        let data = self.slice(loc).filter(|data| crc32fast::hash(data) == loc.crc);
        data.ok_or_else(|| rotten(group, id, loc))
    }
}

impl Picker {
    /// Picks the beginning of a group's log. Returns whether there is space for more.
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

    /// Picks the keys of a group, with their values. Returns whether there is space for more.
    fn pick_keys(&mut self, id: GroupId, group: &Group) -> BatchSpace {
        for (key, value) in group.keys().iter().filter(|(_, value)| value.segment == self.segment) {
            if self.room_for(key.len() + value.data.len()) == BatchSpace::Full {
                return BatchSpace::Full;
            }
            self.batch.put(id, key, &value.data);
        }
        BatchSpace::Available
    }

    /// Returns whether an item with `payload_bytes` of payload fits. The first item always fits.
    fn room_for(&self, payload_bytes: usize) -> BatchSpace {
        let bytes = self.batch.size_bytes() + DESCRIPTOR_BYTES + payload_bytes;
        let fits = bytes <= self.frame_bytes && self.batch.items().len() < FRAME_ITEMS;
        if fits || self.batch.is_empty() { BatchSpace::Available } else { BatchSpace::Full }
    }
}

/// Returns the error for an entry that should be moved, but does not match its checksum.
fn rotten(group: GroupId, id: EntryId, loc: Loc) -> Error {
    let mut lost = Vec::new();
    Lost::add_entry(&mut lost, group, id.index);
    let what = format!("entry {id} cannot be moved: its bytes do not match its checksum");
    let (segment, offset) = (loc.segment, loc.offset.into());
    Corruption { segment, offset, lsn: None, rot: Rot::Read, what, lost }.into()
}
