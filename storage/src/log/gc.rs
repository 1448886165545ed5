//! Garbage collection: copy the live records of the oldest segment to the tail, then remove it.
//!
//! ```text
//!   3 [ x  x  A  x  x ]   4 [ x  B  x ]   5 [ C  D ..      x: replaced, compacted, removed
//!           |                                      ^
//!           '-- copy A -- sync --------------------'        then 3 is removed, and the directory synced
//! ```
//!
//! Why is nothing lost? Only live records are copied: no later record has ended them. A record that
//! ends one afterwards comes later in the log than the copy, so replay applies it later.
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

/// How much of a segment is moved in one frame, at most, if an entry is not longer by itself.
pub(super) const FRAME_BYTES: u32 = 1 << 20;

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
    /// stays. On a full disk: the groups that must be compacted, for there is no room to move them.
    pub lagging_groups: Vec<LaggingGroup>,
    /// Whether there is more to collect than one call may move.
    pub is_more_to_do: bool,
}

/// A group that holds much of the oldest segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LaggingGroup {
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
    /// On a full disk no threshold counts: segments go until there is room for a spare.
    ///
    /// # Errors
    /// [`Error::NoSpace`] if there is no room for what is wanted of the oldest segment, and the log is as it
    /// was; [`Error::Corrupt`] if what is to be moved has
    /// rotted; [`Error::Io`] and [`Error::Poisoned`].
    pub fn gc(&self) -> Result<Collected> {
        let _turn = self.collector.lock().map_err(|_| self.poisoned())?;
        let mut collected = Collected::default();
        // What this call writes is for a later call to judge: one turn through the log is enough.
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

    /// Returns whether a call has moved as much as it may.
    pub(super) fn has_moved_enough(&self, collected: &Collected) -> bool {
        collected.moved_bytes >= self.options.move_bytes
    }

    /// Returns whether there is so much log that lagging groups are moved.
    fn is_forced(&self) -> bool {
        self.view().log_bytes() > self.options.force_above_bytes
    }

    /// Returns the groups that hold much of a segment.
    pub(super) fn lagging_groups(&self, segment: SegmentId) -> Vec<LaggingGroup> {
        let view = self.view();
        if view.groups.live().of(segment).bytes <= self.options.lagging_group_bytes {
            return Vec::new(); // all of it together is not much
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

    /// Writes again some of what is wanted of a segment, and returns that.
    pub(super) fn move_some(&self, oldest: SegmentId) -> Result<Batch> {
        // Under the writer's lock nothing stops being wanted between being picked and written.
        let mut writer = self.writer()?;
        let room = self.options.longest_frame_bytes();
        let batch = self.view().pick_live(oldest, FRAME_BYTES.min(room / 4) as usize)?;
        let draft = batch.draft(Flags::Moved, room)?;
        self.make_room(&mut writer, draft.len(), Purpose::Collect)?;
        self.write_frame(&mut writer, draft)?;
        Ok(batch)
    }

    /// Removes the oldest segment, of which nothing is wanted.
    pub(super) fn remove_segment(&self, oldest: SegmentId) -> Result<()> {
        // What made it needless may still be on its way to the disk. Nothing will want it again.
        let lsn = self.writer()?.next_lsn.before();
        self.committer_wait(lsn)?;
        self.confirm_durable()?;
        let gone = self.view_mut().segments.remove(&oldest);
        self.release_segment(oldest, gone.expect("only the collector removes a segment"))
    }

    /// Writes a frame of nothing, which says of all before it what is durable, and makes it durable.
    fn confirm_durable(&self) -> Result<()> {
        let witness = Draft::new(&[], &[], Flags::Moved);
        let mut writer = self.writer()?;
        match self.make_room(&mut writer, witness.len(), Purpose::Release) {
            Err(Error::NoSpace { .. }) => return Ok(()), // there will be, once the segment is gone
            outcome => outcome?,
        }
        let lsn = self.write_frame(&mut writer, witness)?;
        drop(writer);
        self.committer_wait(lsn)
    }

    /// Lets go of a segment's file, which may be the spare then.
    fn release_segment(&self, segment: SegmentId, gone: Segment) -> Result<()> {
        self.note(self.mark_the_next(segment))?;
        let mut spare = self.spare();
        let fits = gone.capacity == self.options.segment_bytes;
        if spare.is_none() && fits && has_no_readers(gone.content) {
            *spare = Some(self.note(self.make_spare(segment))?);
            self.set_full(false);
            return Ok(());
        }
        self.note(self.remove_file(segment))
    }

    /// Leaves a mark that nothing is wanted any more up to and with a segment, and makes it durable.
    /// The mark before it goes when the segment does.
    ///
    /// If the sync after a removal fails, a power cut may undo the removal long after a later one was
    /// synced; the mark tells that from a segment that is missing.
    fn mark_the_next(&self, segment: SegmentId) -> Result<()> {
        match self.disk.create(MARK) {
            Err(error) if is_full(&error) => return Ok(()), // there will be room, once it is gone
            outcome => drop(outcome.map_err(|e| Error::io("creating", MARK, e))?),
        }
        // Renamed, not created: a mark may be there that a sync has failed to make durable.
        let mark = mark_of(segment.next().expect("the tail is behind it"));
        self.disk.rename(MARK, &mark).map_err(|e| Error::io("renaming to", mark, e))?;
        self.disk.sync_dir().map_err(|e| Error::io("syncing", "the directory", e))?;
        let before = mark_of(segment);
        match self.disk.remove(&before) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            outcome => outcome.map_err(|e| Error::io("removing", before, e)),
        }
    }

    /// Lets a segment's file be the spare.
    fn make_spare(&self, segment: SegmentId) -> Result<D::File> {
        let name = name_of(segment);
        self.disk.rename(&name, SPARE).map_err(|e| Error::io("renaming", name, e))?;
        // Before it is written again, it must be certain that it is no segment.
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

/// Returns whether nobody reads a segment's file any more.
fn has_no_readers(content: Content) -> bool {
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
}

#[cfg(test)]
mod tests;
