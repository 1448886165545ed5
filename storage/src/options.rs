//! Settings of a log.

use crate::error::{Error, Result};
use crate::format::{FRAMES_AT, MAX_PAYLOAD_BYTES, PAGE_BYTES, redo_room_bytes};

/// Settings of a log. They may differ from one opening to the next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// The length of a segment's file: a multiple of 4096, at least 8192.
    pub segment_bytes: u32,
    /// The longest frame that a batch may become: see [`crate::Batch::size_bytes`]. At least 64,
    /// less than 256 MiB, and no more than a segment without its first 4096 bytes and its last
    /// 1/64.
    pub max_batch_bytes: u32,
    /// Garbage is collected only when all segments together are longer than this. A full disk
    /// collects in any case.
    pub collect_above_bytes: u64,
    /// A group that has more live bytes than this in the oldest segment is not moved: its owner is
    /// asked to compact it first.
    pub lagging_group_bytes: u64,
    /// Above this length of the log, lagging groups are moved too.
    pub force_above_bytes: u64,
    /// About how many bytes one call of [`crate::Log::gc`] moves.
    pub move_bytes: u64,
    /// Whether every read of an entry tests its checksum.
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
            return refuse("segment_bytes must be a multiple of 4096, and at least 8192");
        }
        let room = self.longest_frame_bytes();
        if self.max_batch_bytes > room || self.max_batch_bytes as usize > MAX_PAYLOAD_BYTES {
            return refuse(
                "max_batch_bytes must be < 256 MiB, and <= segment_bytes * 63 / 64 - 4096",
            );
        }
        if self.max_batch_bytes < 64 {
            return refuse("max_batch_bytes must be at least 64");
        }
        Ok(())
    }

    /// Returns the length of the longest frame that fits into an empty segment.
    pub(crate) fn longest_frame_bytes(&self) -> u32 {
        self.segment_bytes - redo_room_bytes(self.segment_bytes) - FRAMES_AT
    }
}
