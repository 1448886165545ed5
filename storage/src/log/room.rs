//! Room for frames: in the tail, or in the spare segment, which becomes the next tail.
//!
//! ```text
//!   the tail    [ frames ..............|...... room ......|.. last quarter ..]
//!                                                          ^ a batch gets this part only
//!   the spare   [ zeros, written and synced               ]  while a spare is ready
//! ```
//!
//! Making a spare can fail on a full disk; writing a frame cannot. Without a spare, the last
//! quarter of the tail is reserved for work that makes room: garbage collection, compactions and
//! removals. This room exists before the disk is full:
//!
//! ```text
//!   of 64 MiB   the last quarter   16 MiB   compactions, removals, collection
//!               the last 16th       4 MiB   compactions and removals: about 49,000 of them
//!               the last 64th       1 MiB   no frames: recovery uses it to write the tail in place
//! ```
//!
//! Invariant: the log writes to the next segment only when all of the tail is durable. So the
//! durable frames are always a prefix of the log.

use super::{Log, Writer};
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result};
use crate::format::{FRAMES_AT, SegmentHeader};
use crate::segment::{self, Content, SPARE, Segment, Tail};
use crate::types::{Lsn, SegmentId};
use std::sync::{Arc, MutexGuard};

/// Garbage collection leaves the last 16th of the tail free for compactions and removals.
pub(super) const COLLECTION_LEAVES: u32 = 16;

/// What a frame is for: this decides how much of the tail it may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// A batch of an owner.
    Append,
    /// A batch of an owner that only makes garbage: compactions, removals.
    Release,
    /// Copies that garbage collection makes.
    Collect,
}

impl<D: Disk> Log<D> {
    /// Prepares a spare segment, if there is none. Otherwise an append would have to do it, and its
    /// caller would wait. Call it from a background thread; a [`crate::MaintenanceThread`] does.
    ///
    /// # Errors
    /// [`Error::NoSpace`]; [`Error::Io`] and [`Error::Poisoned`].
    pub fn maintain(&self) -> Result<()> {
        self.check_health()?;
        self.ensure_spare()
    }

    /// Makes room for a frame of `len` bytes where the writer is.
    ///
    /// # Errors
    /// [`Error::NoSpace`]: nothing has changed. Any error of the disk.
    pub(super) fn make_room(
        &self,
        writer: &mut Writer<D::File>,
        len: u32,
        purpose: Purpose,
    ) -> Result<()> {
        if writer.next_lsn > Lsn::LAST {
            return Err(Error::NoSpace { bytes: 0 }); // no frame can have this LSN
        }
        self.find_room(writer, len, purpose)
    }

    /// Finds room for a frame of `len` bytes. The tail is used if the frame fits and enough stays
    /// free, or if the frame fits and a spare is ready. Otherwise the spare becomes the tail.
    fn find_room(&self, writer: &mut Writer<D::File>, len: u32, purpose: Purpose) -> Result<()> {
        let room = writer.capacity - writer.offset;
        let kept_free = match purpose {
            Purpose::Append => writer.capacity / 4,
            Purpose::Collect => writer.capacity / COLLECTION_LEAVES,
            Purpose::Release => 0,
        };
        if u64::from(len) + u64::from(kept_free) <= u64::from(room) {
            return Ok(());
        }
        self.ensure_spare()?;
        if len <= room { Ok(()) } else { self.rotate(writer) }
    }

    /// Prepares a spare segment, if there is none.
    pub(super) fn ensure_spare(&self) -> Result<()> {
        let mut spare = self.spare();
        if spare.is_none() {
            let zeroed = segment::zeroed(&self.disk, SPARE, self.options.segment_bytes);
            self.set_full(matches!(zeroed, Err(Error::NoSpace { .. })));
            *spare = Some(self.note(zeroed)?);
        }
        Ok(())
    }

    /// Makes all of the tail durable, and makes the spare the new tail.
    fn rotate(&self, writer: &mut Writer<D::File>) -> Result<()> {
        self.committer_wait(writer.next_lsn.before())?;
        let header = self.header_after(writer)?;
        let sealed = self.seal(writer)?;
        let file = self.publish_spare(&header)?;
        self.switch_to(writer, sealed, file, &header);
        Ok(())
    }

    /// Returns the header of the segment that follows the tail.
    fn header_after(&self, writer: &Writer<D::File>) -> Result<SegmentHeader> {
        Ok(SegmentHeader {
            store: self.store,
            segment: writer.segment.next().ok_or(Error::NoSpace { bytes: 0 })?,
            first_lsn: writer.next_lsn,
            salt: segment::new_salt(&self.disk),
            capacity: self.options.segment_bytes,
        })
    }

    /// Maps the tail, and returns it as readers see it once it is complete.
    fn seal(&self, writer: &Writer<D::File>) -> Result<Content> {
        let mapped = writer.file.map();
        let mapped = mapped.map_err(|e| Error::io("mapping", self.name(writer.segment), e));
        Ok(Content::Sealed(self.note(mapped)?))
    }

    /// Turns the spare into the segment of this header.
    fn publish_spare(&self, header: &SegmentHeader) -> Result<D::File> {
        // Locked until the spare has its new name: so no other thread makes another spare
        // meanwhile.
        let mut spare = self.spare();
        let file = spare.take().expect("a spare was made before the tail is left");
        self.note(segment::publish(&self.disk, &file, SPARE, header, &[]))?;
        Ok(file)
    }

    /// Switches the writer to a segment that was published. Later frames are written there.
    ///
    /// # Panics
    /// If not all of the tail is durable.
    #[track_caller]
    fn switch_to(
        &self,
        writer: &mut Writer<D::File>,
        sealed: Content,
        file: D::File,
        header: &SegmentHeader,
    ) {
        let file = Arc::new(file);
        self.committer.switch_to(file.clone());
        self.show_rotation(writer.segment, sealed, header);
        *writer = Writer {
            segment: header.segment,
            file,
            salt: header.salt,
            capacity: header.frames_end(),
            offset: FRAMES_AT,
            next_lsn: writer.next_lsn,
        };
        self.wake_signal.notify();
    }

    /// Shows readers that the old tail is sealed, and that there is a new one.
    fn show_rotation(&self, old: SegmentId, sealed: Content, header: &SegmentHeader) {
        let mut view = self.view_mut();
        view.show_content(old, sealed);
        let tail = Segment { capacity: header.capacity, content: Content::Tail(Tail::default()) };
        view.segments.insert(header.segment, tail);
    }

    /// Locks the spare.
    pub(super) fn spare(&self) -> MutexGuard<'_, Option<D::File>> {
        self.spare.lock().expect("no thread panics while it holds the spare")
    }
}
