//! The frames of a round: what all peers of the round write to the raft log.
//!
//! ```text
//!   r1: 6@2 7@2 hs   r2: hs   r3: 9@4 ..............  10@4 hs
//!   [ one frame, as long as a frame may be          ][ the next ]      then one sync for all of them
//! ```
//!
//! Nearly always a round is one frame. A peer that has fallen behind may get more entries at once than a
//! frame holds: by their bytes, or by their number, which is at most 65,535. Then the hard state is in the last frame, behind the entries: a commit index must never be
//! ahead of the log.

use std::sync::Arc;
use storage::{BATCH_ITEMS_MAX, Batch, Disk, Error, Log, Lsn};

/// How many bytes an item takes in a frame, at most, besides its payload.
const ITEM_BYTES: usize = 64;

/// The frames of a round.
pub(crate) struct Frames<D: Disk> {
    log: Arc<Log<D>>,
    batch: Batch,
    limit_bytes: usize,
}

impl<D: Disk> Frames<D> {
    /// Returns the frames of a log, each at most `limit_bytes` long.
    pub(crate) fn new(log: Arc<Log<D>>, limit_bytes: usize) -> Frames<D> {
        Frames { log, batch: Batch::new(), limit_bytes }
    }

    /// Forgets what was not written.
    pub(crate) fn clear(&mut self) {
        self.batch.clear();
    }

    /// Returns the frame for one more item with a payload of `bytes`. If the last frame has no room, it is
    /// written first.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub(crate) fn with_room(&mut self, bytes: usize) -> Result<&mut Batch, Error> {
        let is_full = self.batch.len() == BATCH_ITEMS_MAX
            || self.batch.size_bytes() + bytes + ITEM_BYTES > self.limit_bytes;
        if is_full && !self.batch.is_empty() {
            self.finish()?;
        }
        Ok(&mut self.batch)
    }

    /// Writes the last frame. Returns what to sync to for all of them.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub(crate) fn finish(&mut self) -> Result<Lsn, Error> {
        let lsn = self.log.append(&self.batch)?;
        self.batch.clear();
        Ok(lsn)
    }
}
