//! Settings of a log.

use crate::error::{Error, Result};
use crate::format::{FRAMES_AT, MAX_PAYLOAD_BYTES, PAGE_BYTES, redo_room_bytes};

/// Settings of a log. They may differ from one opening to the next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// How long a segment is. A multiple of 4096.
    pub segment_bytes: u32,
    /// How long a batch may be, in the log's own form. At most what a segment has between its first 4096
    /// bytes and its last 64th, and less than 256 MiB.
    pub max_batch_bytes: u32,
    /// How much log there may be before garbage is collected at all. Nobody asks on a full disk.
    pub collect_above_bytes: u64,
    /// How much a group may hold in the oldest segment before its owner is asked to compact it
    /// first, instead of its being moved.
    pub lagging_group_bytes: u64,
    /// How much log there may be before lagging groups are moved all the same.
    pub force_above_bytes: u64,
    /// How much one call of [`crate::Log::gc`] moves, roughly.
    pub move_bytes: u64,
    /// Whether an entry's checksum is tested whenever it is read.
    pub verify_reads: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            segment_bytes: 64 << 20,
            max_batch_bytes: 16 << 20,
            collect_above_bytes: 256 << 20,
            lagging_group_bytes: 1 << 20,
            force_above_bytes: 1 << 30,
            move_bytes: 16 << 20,
            verify_reads: true,
        }
    }
}

impl Options {
    /// Checks that the settings can work.
    ///
    /// # Errors
    /// [`Error::Options`].
    pub(crate) fn check(&self) -> Result<()> {
        let refuse = |why| Err(Error::Options { why });
        if !self.segment_bytes.is_multiple_of(PAGE_BYTES) || self.segment_bytes < 2 * PAGE_BYTES {
            return refuse("segment_bytes is to be a multiple of 4096, and at least 8192");
        }
        let room = self.longest_frame_bytes();
        if self.max_batch_bytes > room || self.max_batch_bytes as usize > MAX_PAYLOAD_BYTES {
            return refuse(
                "max_batch_bytes is to fit a segment between its first 4096 bytes and its last 64th",
            );
        }
        if self.max_batch_bytes < 64 {
            return refuse("max_batch_bytes is to be at least 64");
        }
        Ok(())
    }

    /// Returns how long a frame may be that has a segment for itself.
    pub(crate) fn longest_frame_bytes(&self) -> u32 {
        self.segment_bytes - redo_room_bytes(self.segment_bytes) - FRAMES_AT
    }
}
