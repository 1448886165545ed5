//! Room: the next segment, and the one after it.
//!
//! ```text
//!   the tail    [ frames ..............|...... room ......|.. last quarter ..]
//!                                                          ^ from here on, a batch needs that
//!   the spare   [ zeros, written and synced               ]  a spare be ready
//! ```
//!
//! A full disk is met when a spare is made, never when a frame is written. Without a spare, the last
//! quarter of the tail is for those alone who make room: garbage collection, and batches that only let go
//! of something. What they need is there before the disk is full:
//!
//! ```text
//!   of 64 MiB   the last quarter   16 MiB   compactions, removals, collection
//!               the last 16th       4 MiB   compactions and removals: some 49,000 of them
//!               the last 64th       1 MiB   no frame at all: recovery's, to write the tail in place
//! ```
//!
//! Invariant: a segment is left only when all of it is durable, and then a later one may be written.
//! So what is durable is always a prefix of the log.

use super::{Log, Writer};
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result};
use crate::format::{FRAMES_AT, SegmentHeader};
use crate::segment::{self, Content, SPARE, Segment, Tail};
use crate::types::{Lsn, SegmentId};
use std::sync::{Arc, MutexGuard};

/// Which part of the tail garbage collection leaves to those who make garbage.
pub(super) const COLLECTION_LEAVES: u32 = 16;

/// Whose frame needs room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// Somebody's batch.
    Append,
    /// Somebody's batch that only makes garbage: compactions, removals.
    Release,
    /// What garbage collection writes again.
    Collect,
}

impl<D: Disk> Log<D> {
    /// Does what would otherwise make an append wait: prepares a spare segment, if there is none.
    /// For a thread of the owner's choice, whenever it has nothing better to do: a
    /// [`crate::MaintenanceThread`] is one.
    ///
    /// # Errors
    /// [`Error::NoSpace`]; [`Error::Io`] and [`Error::Poisoned`].
    pub fn maintain(&self) -> Result<()> {
        self.check_health()?;
        self.ensure_spare()
    }

    /// Makes room for a frame of `len` bytes at the writer.
    ///
    /// # Errors
    /// [`Error::NoSpace`], and nothing has changed; what else the disk says.
    pub(super) fn make_room(
        &self,
        writer: &mut Writer<D::File>,
        len: u32,
        purpose: Purpose,
    ) -> Result<()> {
        if writer.next_lsn > Lsn::LAST {
            return Err(Error::NoSpace { bytes: 0 }); // no frame has such a number
        }
        self.find_room(writer, len, purpose)
    }

    /// Finds room for a frame of `len` bytes: in the tail, if enough of it stays free, or if there is a
    /// spare to go on in; else in the spare.
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

    /// Leaves the tail, all of it durable, for the spare.
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

    /// Returns what readers see of the tail when nobody writes it any more.
    fn seal(&self, writer: &Writer<D::File>) -> Result<Content> {
        let mapped = writer.file.map();
        let mapped = mapped.map_err(|e| Error::io("mapping", self.name(writer.segment), e));
        Ok(Content::Sealed(self.note(mapped)?))
    }

    /// Makes the spare the segment of this header.
    fn publish_spare(&self, header: &SegmentHeader) -> Result<D::File> {
        // Lent until the spare has its new name: nobody makes another meanwhile.
        let mut spare = self.spare();
        let file = spare.take().expect("a spare was made before the tail is left");
        self.note(segment::publish(&self.disk, &file, SPARE, header, &[]))?;
        Ok(file)
    }

    /// Lets everything that is written from now on go to a segment that is published.
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

    /// Shows readers that the tail is sealed, and that there is another.
    fn show_rotation(&self, old: SegmentId, sealed: Content, header: &SegmentHeader) {
        let mut view = self.view_mut();
        view.show_content(old, sealed);
        let tail = Segment { capacity: header.capacity, content: Content::Tail(Tail::default()) };
        view.segments.insert(header.segment, tail);
    }

    /// Lends the spare.
    pub(super) fn spare(&self) -> MutexGuard<'_, Option<D::File>> {
        self.spare.lock().expect("no thread panics while it holds the spare")
    }
}
