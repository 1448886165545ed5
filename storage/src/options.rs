//! Settings of a log.

use crate::error::{Error, Result};
use crate::format::{FRAMES_AT, MAX_PAYLOAD_BYTES, PAGE_BYTES};

/// Settings of a log. They may differ from one opening to the next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// How long a segment is. A multiple of 4096.
    pub segment_bytes: u32,
    /// How long a batch may be, in the log's own form.
    pub max_batch_bytes: u32,
    /// How much log there may be before garbage is collected at all.
    pub collect_above_bytes: u64,
    /// How much a group may hold in the oldest segment before its owner is asked to compact it
    /// first, instead of its being moved.
    pub laggard_bytes: u64,
    /// How much log there may be before laggards are moved all the same.
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
            laggard_bytes: 1 << 20,
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
        let room = self.segment_bytes - FRAMES_AT;
        if self.max_batch_bytes > room || self.max_batch_bytes as usize > MAX_PAYLOAD_BYTES {
            return refuse("max_batch_bytes is to fit a segment behind its first 4096 bytes");
        }
        if self.max_batch_bytes < 64 {
            return refuse("max_batch_bytes is to be at least 64");
        }
        Ok(())
    }
}
