//! Garbage collection: what is wanted of the oldest segment is written again, and the segment goes.
//!
//! ```text
//!   3 [ x  x  A  x  x ]   4 [ x  B  x ]   5 [ C  D ..      x: replaced, compacted, removed
//!           |                                      ^
//!           '-- moved A -- sync ------------------'        then 3 is removed, and the directory synced
//! ```
//!
//! Why nothing is lost, and nothing comes back. What is moved is live, so no record after it has
//! ended it; records that end it later come later in the log, and are replayed later. A moved entry
//! ends nothing. And a record that ended something may be forgotten with its segment, for what it
//! ended was older, and segments go strictly oldest first. So records that only end something are
//! never moved, a log's beginning and a key's value are, and no copy can overtake its original.
//!
//! Invariant: everything is durable that made a segment needless, before the segment goes.

use super::room::Purpose;
use super::{Log, View};
use crate::batch::Batch;
use crate::disk::Disk;
use crate::error::{Corruption, Error, Lost, Result, Rot};
use crate::format::{DESCRIPTOR_BYTES, FRAMES_AT, Flags};
use crate::groups::{Group, Loc};
use crate::segment::{Content, SPARE, name_of};
use crate::types::{EntryId, GroupId, SegmentId};
use bytes::Bytes;

/// How much of a segment is moved in one frame, at most, if an entry is not longer by itself.
const FRAME_BYTES: u32 = 1 << 20;

/// How many items are moved in one frame, at most.
const FRAME_ITEMS: usize = 4096;

/// What a call of [`Log::gc`] did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Collected {
    /// The segments that are gone.
    pub removed: Vec<SegmentId>,
    /// How many items were moved.
    pub moved_items: u64,
    /// How many bytes of log that made.
    pub moved_bytes: u64,
    /// The groups that hold so much of the oldest segment that their owners should compact them.
    /// While there are any, and [`crate::Options::force_above_bytes`] is not reached, the segment
    /// stays.
    pub laggards: Vec<Laggard>,
    /// Whether there is more to collect than one call may move.
    pub is_more_to_do: bool,
}

/// A group that holds much of the oldest segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Laggard {
    /// Which.
    pub group: GroupId,
    /// How many of its entries are there.
    pub entries: u64,
    /// How long they are.
    pub bytes: u64,
}

impl<D: Disk> Log<D> {
    /// Collects garbage, if there is enough of it: about [`crate::Options::move_bytes`] are moved,
    /// and segments go of which nothing is wanted any more.
    ///
    /// # Errors
    /// [`Error::NoSpace`], and the log is as it was; [`Error::Corrupt`] if what is to be moved has
    /// rotted; [`Error::Io`] and [`Error::Poisoned`].
    pub fn gc(&self) -> Result<Collected> {
        let _turn = self.collector.lock().map_err(|_| self.poisoned())?;
        let mut collected = Collected::default();
        // What this call writes is for a later call to judge: one turn through the log is enough.
        let tail = self.writer()?.segment;
        while let Some(oldest) = self.worth_collecting().filter(|oldest| *oldest < tail) {
            if collected.moved_bytes >= self.options.move_bytes {
                collected.is_more_to_do = true;
                break;
            }
            let laggards = self.laggards(oldest);
            if !laggards.is_empty() && !self.is_forced() {
                collected.laggards = laggards;
                break;
            }
            if self.view().groups.live().of(oldest).items > 0 {
                self.move_some(oldest, &mut collected)?;
            } else {
                self.remove_segment(oldest)?;
                collected.removed.push(oldest);
            }
        }
        Ok(collected)
    }

    /// Returns the oldest segment, if there is so much more log than is live that it should go.
    /// What is being written stays.
    ///
    /// Twice as much is enough: frames do not span segments, but two that follow each other fill
    /// more than half of what they left, so one turn through the log always gets there.
    fn worth_collecting(&self) -> Option<SegmentId> {
        let view = self.view();
        let (oldest, _) = view.segments.first_key_value()?;
        let live = view.groups.live().bytes();
        let room = u64::from(self.options.segment_bytes - FRAMES_AT);
        let is_garbage_enough = view.room_bytes() > 2 * live + room;
        let is_log_enough = view.log_bytes() > self.options.collect_above_bytes;
        let is_worth_it = view.segments.len() > 1 && is_log_enough && is_garbage_enough;
        is_worth_it.then_some(*oldest)
    }

    /// Returns whether there is so much log that laggards are moved.
    fn is_forced(&self) -> bool {
        self.view().log_bytes() > self.options.force_above_bytes
    }

    /// Returns the groups that hold much of a segment.
    fn laggards(&self, segment: SegmentId) -> Vec<Laggard> {
        let view = self.view();
        if view.groups.live().of(segment).bytes <= self.options.laggard_bytes {
            return Vec::new(); // all of it together is not much
        }
        let held = view.groups.iter().map(|(group, held)| {
            let lens = held.entries().filter(|(_, loc)| loc.segment == segment);
            lens.fold(Laggard { group, entries: 0, bytes: 0 }, |sum, (_, loc)| Laggard {
                entries: sum.entries + 1,
                bytes: sum.bytes + u64::from(loc.len),
                ..sum
            })
        });
        held.filter(|laggard| laggard.bytes > self.options.laggard_bytes).collect()
    }

    /// Writes again some of what is wanted of a segment.
    fn move_some(&self, oldest: SegmentId, collected: &mut Collected) -> Result<()> {
        // Under the writer's lock nothing stops being wanted between being picked and written.
        let mut writer = self.writer()?;
        let room = self.options.segment_bytes - FRAMES_AT;
        let batch = self.view().pick_wanted(oldest, FRAME_BYTES.min(room / 4) as usize)?;
        assert!(!batch.is_empty(), "segment {oldest} counts as live, and nothing points to it");
        let draft = batch.draft(Flags::Moved, room)?;
        self.make_room(&mut writer, draft.len(), Purpose::Collect)?;
        collected.moved_items += batch.items().len() as u64;
        collected.moved_bytes += u64::from(draft.len());
        self.write_frame(&mut writer, draft)?;
        Ok(())
    }

    /// Removes the oldest segment, of which nothing is wanted.
    fn remove_segment(&self, oldest: SegmentId) -> Result<()> {
        // What made it needless may still be on its way to the disk. Nothing will want it again.
        let lsn = self.writer()?.next_lsn.before();
        self.committer_wait(lsn)?;
        let gone = self.view_mut().segments.remove(&oldest);
        let gone = gone.expect("only the collector removes a segment");
        let can_be_spare =
            gone.capacity == self.options.segment_bytes && is_read_no_more(gone.content);
        self.note(self.remove_file(oldest, can_be_spare))
    }

    /// Removes a segment's name, or lets the file be the spare.
    fn remove_file(&self, segment: SegmentId, can_be_spare: bool) -> Result<()> {
        let name = name_of(segment);
        let mut spare = self.spare();
        let sync_dir =
            || self.disk.sync_dir().map_err(|e| Error::io("syncing", "the directory", e));
        if can_be_spare && spare.is_none() {
            self.disk.rename(&name, SPARE).map_err(|e| Error::io("renaming", name, e))?;
            // Before it is written again, it must be certain that it is no segment.
            sync_dir()?;
            *spare = Some(self.disk.open(SPARE).map_err(|e| Error::io("opening", SPARE, e))?);
            return Ok(());
        }
        self.disk.remove(&name).map_err(|e| Error::io("removing", name, e))?;
        sync_dir()
    }
}

/// Returns whether nobody reads a segment's file any more.
fn is_read_no_more(content: Content) -> bool {
    match content {
        Content::Sealed(mapped) => !mapped.release().is_in_use(),
        Content::Tail(_) => false,
    }
}

impl View {
    /// Returns how long all segments are together, without their headers.
    fn room_bytes(&self) -> u64 {
        self.log_bytes() - self.segments.len() as u64 * u64::from(FRAMES_AT)
    }

    /// Returns what is wanted of a segment, up to a frame of so many bytes; of one item, if that is
    /// longer by itself.
    fn pick_wanted(&self, segment: SegmentId, frame_bytes: usize) -> Result<Batch> {
        let mut picker = Picker { batch: Batch::new(), segment, frame_bytes };
        for (id, group) in self.groups.iter() {
            if self.pick_of_group(id, group, &mut picker)? == Room::None {
                break;
            }
        }
        Ok(picker.batch)
    }

    /// Adds what is wanted of a group.
    fn pick_of_group(&self, id: GroupId, group: &Group, picker: &mut Picker) -> Result<Room> {
        let segment = picker.segment;
        if let (base, Some(base_in)) = group.base()
            && base_in == segment
        {
            if picker.room_for(0) == Room::None {
                return Ok(Room::None);
            }
            picker.batch.compact(id, base);
        }
        for (key, value) in group.keys().iter().filter(|(_, value)| value.segment == segment) {
            if picker.room_for(key.len() + value.data.len()) == Room::None {
                return Ok(Room::None);
            }
            picker.batch.put(id, key, &value.data);
        }
        for (entry, loc) in group.entries().filter(|(_, loc)| loc.segment == segment) {
            if picker.room_for(loc.len as usize) == Room::None {
                return Ok(Room::None);
            }
            picker.batch.moved(id, entry, &self.bytes_to_move(id, entry, loc)?);
        }
        Ok(Room::Some)
    }

    /// Returns an entry's bytes, if they are what was written: rot must not get a new checksum.
    fn bytes_to_move(&self, group: GroupId, id: EntryId, loc: Loc) -> Result<Bytes> {
        let data = self.slice(loc);
        if let Some(data) = data.filter(|data| crc32fast::hash(data) == loc.crc) {
            return Ok(data);
        }
        let mut lost = Vec::new();
        Lost::add_entry(&mut lost, group, id.index);
        let what = format!("entry {id} was to be moved, and does not match its checksum");
        let (segment, offset) = (loc.segment, loc.offset.into());
        Err(Corruption { segment, offset, lsn: None, rot: Rot::Read, what, lost }.into())
    }
}

/// What is picked from a segment, and how much of it may be.
struct Picker {
    batch: Batch,
    segment: SegmentId,
    frame_bytes: usize,
}

/// Whether one more item fits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Room {
    Some,
    None,
}

impl Picker {
    /// Returns whether an item with so much payload fits. The first always does.
    fn room_for(&self, payload_bytes: usize) -> Room {
        let bytes = self.batch.size_bytes() + DESCRIPTOR_BYTES + payload_bytes;
        let fits = bytes <= self.frame_bytes && self.batch.items().len() < FRAME_ITEMS;
        if fits || self.batch.is_empty() { Room::Some } else { Room::None }
    }
}
