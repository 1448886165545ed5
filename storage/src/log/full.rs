//! A full disk: what is collected when there is no room for another segment.
//!
//! ```text
//!   1 [ x x A x ]  2 [ x x x x ]  3 [ B C D ..........|.. last quarter ..]   no room for a spare
//!           '------ moved, if all that is wanted of 1 fits ---^
//!   1 goes, and its file is the spare: appends go on
//! ```
//!
//! Then no threshold counts, and no lagging group is waited for. But nothing is moved unless all that is wanted
//! of the oldest segment fits the tail: a part of it would use up the room, and free none. If it does not
//! fit, its owners have to compact first; they are named.

use super::gc::FRAME_BYTES;
use super::room::COLLECTION_LEAVES;
use super::{Collected, Log};
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::format::{Draft, FRAMES_AT};
use crate::types::SegmentId;

impl<D: Disk> Log<D> {
    /// Collects until there is room for a spare, or nothing more can go. If nothing could, says who is to
    /// compact.
    ///
    /// # Errors
    /// [`Error::NoSpace`] if nobody holds so much that to compact would help; as [`Log::gc`].
    pub(super) fn collect_on_full_disk(
        &self,
        tail: SegmentId,
        collected: &mut Collected,
    ) -> Result<()> {
        while let Some(oldest) = self.oldest_before(tail).filter(|_| self.is_full()) {
            if self.has_moved_enough(collected) {
                collected.is_more_to_do = true;
                break;
            }
            if !self.fits_the_tail(oldest)? {
                collected.lagging_groups = self.lagging_groups(oldest);
                let is_stuck = collected.lagging_groups.is_empty() && collected.removed.is_empty();
                return if is_stuck { self.ensure_spare() } else { Ok(()) };
            }
            if self.view().groups.live().of(oldest).items > 0 {
                let moved = self.move_some(oldest)?;
                collected.moved_items += moved.items().len() as u64;
                collected.moved_bytes += moved.size_bytes() as u64;
                continue;
            }
            self.remove_segment(oldest)?;
            collected.removed.push(oldest);
            match self.ensure_spare() {
                Err(Error::NoSpace { .. }) => {} // somebody reads the file still, or took its room
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// Checks that there is room for all that is wanted of a segment: in the tail, or in a spare.
    ///
    /// # Errors
    /// [`Error::NoSpace`]; what else the disk says.
    pub(super) fn check_room_for(&self, segment: SegmentId) -> Result<()> {
        if self.fits_the_tail(segment)? { Ok(()) } else { self.ensure_spare() }
    }

    /// Returns the oldest segment, if the tail is another one.
    fn oldest_before(&self, tail: SegmentId) -> Option<SegmentId> {
        self.view().segments.keys().next().copied().filter(|oldest| *oldest < tail)
    }

    /// Returns whether all that is wanted of a segment fits what garbage collection has of the tail.
    fn fits_the_tail(&self, segment: SegmentId) -> Result<bool> {
        let writer = self.writer()?;
        let wanted = self.view().groups.live().of(segment);
        // Two frames of copies that follow each other fill more than one of them could.
        let frame_bytes = FRAME_BYTES.min((self.options.segment_bytes - FRAMES_AT) / 4);
        let frames = wanted.items.min(2 * wanted.bytes / u64::from(frame_bytes) + 1);
        let bytes = wanted.bytes + frames * Draft::len_of(0, 1) as u64;
        let kept_free = writer.capacity / COLLECTION_LEAVES;
        let room = (writer.capacity - writer.offset).saturating_sub(kept_free);
        Ok(bytes <= u64::from(room))
    }
}
