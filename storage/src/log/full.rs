//! Garbage collection on a full disk: there is no room for a spare segment.
//!
//! ```text
//!   1 [ x x A x ]  2 [ x x x x ]  3 [ B C D ..........|.. last quarter ..]   no room for a spare
//!           '------ copied, if all live records of 1 fit -----^
//!   1 is removed, and its file becomes the spare: appends continue
//! ```
//!
//! No threshold counts now, and the collection does not wait for lagging groups. But it copies
//! nothing unless all live records of the oldest segment fit in the tail: a part of them would use
//! the room and free nothing. If they do not fit, the owners must compact first, and the result
//! names their groups.

use super::gc::FRAME_BYTES;
use super::room::COLLECTION_LEAVES;
use super::{Collected, Log};
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::format::{Draft, FRAMES_AT};
use crate::types::SegmentId;

impl<D: Disk> Log<D> {
    /// Collects until there is room for a spare, or until no more segment can be removed. In the
    /// second case `collected` names the groups whose owners must compact.
    ///
    /// # Errors
    /// [`Error::NoSpace`] if no group holds enough for a compaction to help; also as [`Log::gc`].
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
                Err(Error::NoSpace { .. }) => {} // the file is still read, or its room was taken
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// Checks that there is room for all live records of a segment: in the tail, or in a spare.
    ///
    /// # Errors
    /// [`Error::NoSpace`]; any error of the disk.
    pub(super) fn check_room_for(&self, segment: SegmentId) -> Result<()> {
        if self.fits_the_tail(segment)? { Ok(()) } else { self.ensure_spare() }
    }

    /// Returns the oldest segment, unless it is the tail.
    fn oldest_before(&self, tail: SegmentId) -> Option<SegmentId> {
        self.view().segments.keys().next().copied().filter(|oldest| *oldest < tail)
    }

    /// Returns whether all live records of a segment fit in the part of the tail that garbage
    /// collection may use.
    fn fits_the_tail(&self, segment: SegmentId) -> Result<bool> {
        let writer = self.writer()?;
        let live = self.view().groups.live().of(segment);
        // Two consecutive frames of copies hold more than one full frame would.
        let frame_bytes = FRAME_BYTES.min((self.options.segment_bytes - FRAMES_AT) / 4);
        let frames = live.items.min(2 * live.bytes / u64::from(frame_bytes) + 1);
        let bytes = live.bytes + frames * Draft::len_of(0, 1) as u64;
        let kept_free = writer.capacity / COLLECTION_LEAVES;
        let room = (writer.capacity - writer.offset).saturating_sub(kept_free);
        Ok(bytes <= u64::from(room))
    }
}
