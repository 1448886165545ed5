//! Garbage collection: copy the live records of the oldest segment to the tail, then remove it.
//!
//! ```text
//!   3 [ x  x  A  x  x ]   4 [ x  B  x ]   5 [ C  D ..      x: replaced, compacted, removed
//!           |                                      ^
//!           '-- copy A -- sync --------------------'        then 3 is removed, and the directory synced
//! ```
//!
//! Why is nothing lost? Every live record is copied, so no live record is in the segment when it is
//! removed. A record that ends a copied one comes later in the log than the copy, so replay applies
//! it later.
//!
//! Why does nothing come back? A copy ends nothing, so it cannot undo a newer record. Some records
//! only end others: compactions and removals. They go with their segment, and are never copied. What
//! they ended was older, and segments go strictly oldest first, so it is gone already. The beginning
//! of a log and the value of a key are copied.
//!
//! Invariant: the frames that made a segment garbage are durable before it is removed, and a later
//! frame proves it. Without that proof, rot in the last frames would look like a torn tail. Recovery
//! would then discard the copies in them, and these may be copies of very old records.

use super::room::Purpose;
use super::{Log, View};
use crate::batch::Batch;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::format::{Draft, FRAMES_AT, Flags};
use crate::segment::{Content, MARK, SPARE, Segment, is_full, mark_of, name_of};
use crate::types::{GroupId, SegmentId};
use std::io::ErrorKind;

/// The size of a frame of copies, at most. An entry that is longer gets a frame of its own.
pub(super) const FRAME_BYTES: u32 = 1 << 20;

/// What a call of [`Log::gc`] did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Collected {
    /// The segments that were removed.
    pub removed: Vec<SegmentId>,
    /// How many items were moved.
    pub moved_items: u64,
    /// How many bytes of log the moved items took.
    pub moved_bytes: u64,
    /// The groups that hold so much of the oldest segment that their owners should compact them.
    /// While there are any, and the log is no longer than [`crate::Options::force_above_bytes`],
    /// the segment stays. On a full disk: the groups that must be compacted, because there is no
    /// room to move their entries.
    pub lagging_groups: Vec<LaggingGroup>,
    /// Whether there is more to collect than one call may move.
    pub is_more_to_do: bool,
}

/// A group that holds much of the oldest segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LaggingGroup {
    /// The group.
    pub group: GroupId,
    /// How many of its entries are in the segment.
    pub entries: u64,
    /// How long these entries are together.
    pub bytes: u64,
}

impl<D: Disk> Log<D> {
    /// Collects garbage, if there is enough of it: moves about [`crate::Options::move_bytes`], and
    /// removes segments without live records.
    ///
    /// On a full disk no threshold counts: it removes segments until there is room for a spare.
    ///
    /// # Errors
    /// [`Error::NoSpace`] if there is no room for the live records of the oldest segment: they are
    /// not moved. [`Error::Corrupt`] if an entry that must be moved has rotted; [`Error::Io`] and
    /// [`Error::Poisoned`].
    pub fn gc(&self) -> Result<Collected> {
        let _turn = self.collector.lock().map_err(|_| self.poisoned())?;
        let mut collected = Collected::default();
        // A later call collects what this one writes: one pass through the log is enough.
        let tail = self.writer()?.segment;
        if self.is_full() {
            self.collect_on_full_disk(tail, &mut collected)?;
            if self.is_full() {
                return Ok(collected);
            }
        }
        while let Some(oldest) = self.worth_collecting().filter(|oldest| *oldest < tail) {
            if self.has_moved_enough(&collected) {
                collected.is_more_to_do = true;
                break;
            }
            let lagging_groups = self.lagging_groups(oldest);
            if !lagging_groups.is_empty() && !self.is_forced() {
                collected.lagging_groups = lagging_groups;
                break;
            }
            if self.view().groups.live().of(oldest).items > 0 {
                self.check_room_for(oldest)?;
                let moved = self.move_some(oldest)?;
                collected.moved_items += moved.items().len() as u64;
                collected.moved_bytes += moved.size_bytes() as u64;
            } else {
                self.remove_segment(oldest)?;
                collected.removed.push(oldest);
            }
        }
        Ok(collected)
    }

    /// Returns the oldest segment, if the log has enough garbage to collect it. The tail is never
    /// returned.
    ///
    /// Why is twice as much log as live records enough? A frame that does not fit in a segment goes
    /// to the next one, and leaves free space. But two consecutive segments together are always
    /// more than half full. So one pass through the log always gets there.
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

    /// Returns whether this call has moved as much as one call may move.
    pub(super) fn has_moved_enough(&self, collected: &Collected) -> bool {
        collected.moved_bytes >= self.options.move_bytes
    }

    /// Returns whether the log is so long that the entries of lagging groups are moved, too.
    fn is_forced(&self) -> bool {
        self.view().log_bytes() > self.options.force_above_bytes
    }

    /// Returns the groups whose entries take more than `lagging_group_bytes` of a segment.
    pub(super) fn lagging_groups(&self, segment: SegmentId) -> Vec<LaggingGroup> {
        let view = self.view();
        if view.groups.live().of(segment).bytes <= self.options.lagging_group_bytes {
            return Vec::new(); // all groups together do not hold that much
        }
        let held = view.groups.iter().map(|(group, held)| {
            let lens = held.entries().filter(|(_, loc)| loc.segment == segment);
            lens.fold(LaggingGroup { group, entries: 0, bytes: 0 }, |sum, (_, loc)| LaggingGroup {
                entries: sum.entries + 1,
                bytes: sum.bytes + u64::from(loc.len),
                ..sum
            })
        });
        held.filter(|lagging| lagging.bytes > self.options.lagging_group_bytes).collect()
    }

    /// Copies one frame of live records of a segment to the tail, and returns the copies.
    pub(super) fn move_some(&self, oldest: SegmentId) -> Result<Batch> {
        // The writer's lock: no picked record can become garbage before its copy is written.
        let mut writer = self.writer()?;
        let room = self.options.longest_frame_bytes();
        let batch = self.view().pick_live(oldest, FRAME_BYTES.min(room / 4) as usize)?;
        let draft = batch.draft(Flags::Moved, room)?;
        self.make_room(&mut writer, draft.len(), Purpose::Collect)?;
        self.write_frame(&mut writer, draft)?;
        Ok(batch)
    }

    /// Removes the oldest segment, which has no live record.
    pub(super) fn remove_segment(&self, oldest: SegmentId) -> Result<()> {
        // The frames that made this segment garbage may not be durable yet.
        let lsn = self.writer()?.next_lsn.before();
        self.committer_wait(lsn)?;
        self.confirm_durable()?;
        let removed = self.view_mut().segments.remove(&oldest);
        self.release_segment(oldest, removed.expect("only the collector removes a segment"))
    }

    /// Writes an empty frame, and makes it durable. The frame proves that all frames before it are.
    fn confirm_durable(&self) -> Result<()> {
        let witness = Draft::new(&[], &[], Flags::Moved);
        let mut writer = self.writer()?;
        match self.make_room(&mut writer, witness.len(), Purpose::Release) {
            Err(Error::NoSpace { .. }) => return Ok(()), // to remove the segment makes room
            outcome => outcome?,
        }
        let lsn = self.write_frame(&mut writer, witness)?;
        drop(writer);
        self.committer_wait(lsn)
    }

    /// Makes a segment's file the spare, or removes the file.
    fn release_segment(&self, segment: SegmentId, removed: Segment) -> Result<()> {
        self.note(self.mark_the_next(segment))?;
        let mut spare = self.spare();
        let fits = removed.capacity == self.options.segment_bytes;
        if spare.is_none() && fits && has_no_readers(removed.content) {
            *spare = Some(self.note(self.make_spare(segment))?);
            self.set_full(false);
            return Ok(());
        }
        self.note(self.remove_file(segment))
    }

    /// Durably records that every segment up to and including this one is garbage. The record is an
    /// empty file, the mark. Removes the previous mark.
    ///
    /// Why a mark? If the sync after a removal fails, a power loss may undo that removal, but not a
    /// later one that was synced. The mark distinguishes this from a segment that is missing.
    fn mark_the_next(&self, segment: SegmentId) -> Result<()> {
        match self.disk.create(MARK) {
            Err(error) if is_full(&error) => return Ok(()), // to remove the segment makes room
            outcome => drop(outcome.map_err(|e| Error::io("creating", MARK, e))?),
        }
        // Renamed, not created: after a failed sync the mark may exist, but not be durable.
        let mark = mark_of(segment.next().expect("the tail is behind it"));
        self.disk.rename(MARK, &mark).map_err(|e| Error::io("renaming to", mark, e))?;
        self.disk.sync_dir().map_err(|e| Error::io("syncing", "the directory", e))?;
        let before = mark_of(segment);
        match self.disk.remove(&before) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            outcome => outcome.map_err(|e| Error::io("removing", before, e)),
        }
    }

    /// Turns a segment's file into the spare.
    fn make_spare(&self, segment: SegmentId) -> Result<D::File> {
        let name = name_of(segment);
        self.disk.rename(&name, SPARE).map_err(|e| Error::io("renaming", name, e))?;
        // The file must durably lose its segment name before it is written again.
        self.disk.sync_dir().map_err(|e| Error::io("syncing", "the directory", e))?;
        self.disk.open(SPARE).map_err(|e| Error::io("opening", SPARE, e))
    }

    /// Removes a segment's file.
    fn remove_file(&self, segment: SegmentId) -> Result<()> {
        let name = name_of(segment);
        self.disk.remove(&name).map_err(|e| Error::io("removing", name, e))?;
        self.disk.sync_dir().map_err(|e| Error::io("syncing", "the directory", e))
    }
}

/// Returns whether no reader holds a part of a segment's bytes.
fn has_no_readers(content: Content) -> bool {
    match content {
        Content::Sealed(mapped) => !mapped.release().is_in_use(),
        Content::Tail(_) => false,
    }
}

impl View {
    /// Returns the size of all segments together, without their first pages.
    fn room_bytes(&self) -> u64 {
        self.log_bytes() - self.segments.len() as u64 * u64::from(FRAMES_AT)
    }
}

#[cfg(test)]
mod tests;
