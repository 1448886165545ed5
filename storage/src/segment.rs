//! Segments: the files of the log. How a segment is created, recycled and read.
//!
//! ```text
//!   spare.tmp  --header, sync, rename, sync the directory-->  00000004.log   the tail: written
//!                                                                  |  rotation: all is durable
//!   spare.tmp  <--rename, if no slice is in use-------------  00000004.log   sealed: mapped
//!                                  removed otherwise <-------------'  collection: no live record,
//!                                                                     and 00000005.first says so
//! ```
//!
//! Invariants:
//!
//! * A file with a segment's name has a durable header.
//! * Its whole length was written as zeros before. So the disk is never full when a frame is
//!   written, and a sync writes only data.
//! * Bytes that may still be written are never mapped. Of the tail, only the older part is mapped.
//!   Newer frames are read from the buffers from which they were written.

use crate::disk::{Advised, Disk, DiskFile, Mapped};
use crate::error::{Error, Result};
use crate::format::{FRAMES_AT, Salt, SegmentHeader, StoreId};
use crate::types::SegmentId;
use bytes::Bytes;
use std::io::ErrorKind;
use std::sync::Arc;

/// The file whose lock protects the directory.
pub(crate) const LOCK: &str = "LOCK";

/// A file of zeros that can become the next segment.
pub(crate) const SPARE: &str = "spare.tmp";

/// A mark that does not name a segment yet: see [`mark_of`].
pub(crate) const MARK: &str = "mark.tmp";

/// A segment that recovery is writing.
pub(crate) const RECOVERY: &str = "recovery.tmp";

/// How many zeros are written at once. The page cache keeps a file in pieces, each as long as one
/// write was. It may search a whole piece for every frame that is written to it. With pieces of
/// 1 MiB or more, this search takes longer than the rest of an append.
const ZEROS_BYTES: usize = 1 << 15;

/// A segment as readers see it.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    /// The length of the file.
    pub(crate) capacity: u32,
    /// The bytes.
    pub(crate) content: Content,
}

/// A segment's bytes.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// The segment is being written.
    Tail(Tail),
    /// The segment is not written any more.
    Sealed(Mapped),
}

/// The bytes of a segment that is being written.
///
/// ```text
///   [ header ][ frame | frame | frame | frame | frame ] room
///    '-------- written: a map ---------' '- buffers -'
/// ```
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail {
    /// The beginning of the file, once enough of it is written to be worth a map.
    written: Option<Mapped>,
    /// The buffers written after that, in order, each with its offset in the file.
    buffers: Vec<(u32, Bytes)>,
}

impl Content {
    /// Returns `len` bytes at `offset`, without a copy; `None` if the segment does not have them.
    pub(crate) fn slice(&self, offset: u32, len: u32) -> Option<Bytes> {
        let (start, whole) = match self {
            Content::Sealed(mapped) => (0, mapped.bytes()),
            Content::Tail(tail) => tail.piece_at(offset)?,
        };
        let from = (offset - start) as usize;
        let to = from + len as usize;
        (to <= whole.len()).then(|| whole.slice(from..to))
    }

    /// Returns what takes advice on how the file is read; `None` if no file is mapped, or the disk
    /// takes no advice.
    pub(crate) fn advised(&self) -> Option<&Arc<dyn Advised>> {
        match self {
            Content::Sealed(mapped) => mapped.advised(),
            Content::Tail(tail) => tail.written.as_ref()?.advised(),
        }
    }

    /// Adds a buffer that was written at `offset`, after all others.
    ///
    /// # Panics
    /// If the segment is sealed.
    pub(crate) fn push(&mut self, offset: u32, bytes: Bytes) {
        match self {
            Content::Tail(tail) => tail.buffers.push((offset, bytes)),
            Content::Sealed(_) => panic!("a sealed segment is not written"),
        }
    }

    /// Replaces `before`. Slices of `before` may still be in use: then this segment's file is in
    /// use.
    pub(crate) fn replace(&mut self, before: Content) {
        let before = match before {
            Content::Tail(tail) => tail.written,
            Content::Sealed(mapped) => Some(mapped),
        };
        let now = match self {
            Content::Tail(tail) => tail.written.as_mut(),
            Content::Sealed(mapped) => Some(mapped),
        };
        if let (Some(now), Some(before)) = (now, before) {
            now.replace(before);
        }
    }
}

impl Tail {
    /// Returns a tail with all its bytes in a map: from the file's beginning to the next frame's
    /// offset.
    pub(crate) fn mapped(written: Mapped) -> Tail {
        Tail { written: Some(written), buffers: Vec::new() }
    }

    /// Returns a tail with all its frames in one buffer.
    pub(crate) fn buffered(frames: Bytes) -> Tail {
        Tail { written: None, buffers: vec![(FRAMES_AT, frames)] }
    }

    /// Returns the map or buffer that holds the byte at `offset`, and where it begins in the file.
    fn piece_at(&self, offset: u32) -> Option<(u32, &Bytes)> {
        if let Some(written) = &self.written
            && (offset as usize) < written.bytes().len()
        {
            return Some((0, written.bytes()));
        }
        let (start, buffer) = buffer_at(&self.buffers, offset)?;
        Some((*start, buffer))
    }
}

/// Finds the buffer of a tail that covers `offset`: the last buffer that begins at `offset` or
/// before it. `None` if all of them begin later.
fn buffer_at(buffers: &[(u32, Bytes)], offset: u32) -> Option<&(u32, Bytes)> {
    let after = buffers.partition_point(|(start, _)| *start <= offset);
    buffers.get(after.checked_sub(1)?)
}

/// Returns the name of a segment's file.
pub(crate) fn name_of(segment: SegmentId) -> String {
    format!("{:08x}.log", segment.0)
}

/// Returns the name of a segment's mark: an empty file. While it exists, every segment before this
/// one is garbage.
pub(crate) fn mark_of(segment: SegmentId) -> String {
    format!("{:08x}.first", segment.0)
}

/// Returns the name that recovery gives to a segment's file for a moment: it renames the file to
/// this name and back, to make its own name durable.
pub(crate) fn again_of(segment: SegmentId) -> String {
    format!("{:08x}.again", segment.0)
}

/// The kind of a file in a store's directory, as its name says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Named {
    /// A segment.
    Segment(SegmentId),
    /// A segment that recovery was renaming: see [`again_of`].
    Again(SegmentId),
    /// The mark of a segment: see [`mark_of`].
    First(SegmentId),
    /// A file that was not finished.
    Unfinished,
    /// The lock file.
    Lock,
    /// A file that belongs to no store.
    Foreign,
}

/// Returns the kind of file that has this name.
pub(crate) fn what_is(name: &str) -> Named {
    if name == LOCK {
        return Named::Lock;
    }
    if [SPARE, MARK, RECOVERY].contains(&name) {
        return Named::Unfinished;
    }
    let number = name.split('.').next().and_then(|hex| u32::from_str_radix(hex, 16).ok());
    match number.filter(|number| *number > 0).map(SegmentId) {
        Some(segment) if name_of(segment) == name => Named::Segment(segment),
        Some(segment) if again_of(segment) == name => Named::Again(segment),
        Some(segment) if mark_of(segment) == name => Named::First(segment),
        Some(_) | None => Named::Foreign,
    }
}

/// Creates a file of `capacity` zeros, all of them durable.
///
/// # Errors
/// [`Error::NoSpace`]: the file was removed again. [`Error::Io`].
pub(crate) fn zeroed<D: Disk>(disk: &D, name: &str, capacity: u32) -> Result<D::File> {
    let file = match disk.create(name) {
        Err(error) if is_full(&error) => return Err(Error::NoSpace { bytes: capacity.into() }),
        outcome => outcome.map_err(|e| Error::io("creating", name, e))?,
    };
    match fill(&file, capacity) {
        Ok(()) => Ok(file),
        Err(error) => Err(give_up(disk, name, capacity, error)),
    }
}

/// Removes a file that could not be filled because the disk is full, and returns the error for the
/// caller. The log did not change: the file never had a segment's name.
fn give_up(disk: &impl Disk, name: &str, capacity: u32, error: std::io::Error) -> Error {
    if !is_full(&error) {
        return Error::io("filling with zeros", name, error);
    }
    match disk.remove(name) {
        Ok(()) => Error::NoSpace { bytes: u64::from(capacity) },
        Err(error) => Error::io("removing", name, error),
    }
}

/// Returns whether an operation failed because the disk is full.
pub(crate) fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Fills a file with zeros, and syncs it.
fn fill(file: &impl DiskFile, capacity: u32) -> std::io::Result<()> {
    wipe(file, 0, capacity)?;
    file.sync_data()
}

/// Writes zeros from offset `from` up to offset `to`.
pub(crate) fn wipe(file: &impl DiskFile, from: u32, to: u32) -> std::io::Result<()> {
    let zeros = vec![0; ZEROS_BYTES.min((to - from) as usize)];
    let mut offset = from;
    while offset < to {
        let len = zeros.len().min((to - offset) as usize);
        file.write_all_at(offset.into(), &zeros[..len])?;
        offset += len as u32;
    }
    Ok(())
}

/// Writes a header and `frames`, which may be empty, into the file `unfinished`. Then gives the
/// file the segment's name: from then on the segment is part of the log.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn publish<D: Disk>(
    disk: &D,
    file: &D::File,
    unfinished: &str,
    header: &SegmentHeader,
    frames: &[u8],
) -> Result<()> {
    file.write_all_at(0, &header.encode()).map_err(|e| Error::io("writing", unfinished, e))?;
    file.write_all_at(FRAMES_AT.into(), frames).map_err(|e| Error::io("writing", unfinished, e))?;
    give_name(disk, file, unfinished, &name_of(header.segment))
}

/// Gives a written file its final name. A power cut never leaves the name without the bytes. Once
/// this function has returned, a power cut does not lose the name.
fn give_name<D: Disk>(disk: &D, file: &D::File, unfinished: &str, name: &str) -> Result<()> {
    file.sync_data().map_err(|e| Error::io("syncing", unfinished, e))?;
    disk.rename(unfinished, name).map_err(|e| Error::io("renaming to", name, e))?;
    disk.sync_dir().map_err(|e| Error::io("syncing", "the directory", e))
}

/// Draws the id of a new store.
pub(crate) fn new_store_id(disk: &impl Disk) -> StoreId {
    StoreId(u128::from(disk.entropy()) << 64 | u128::from(disk.entropy()))
}

/// Draws a segment's salt.
pub(crate) fn new_salt(disk: &impl Disk) -> Salt {
    Salt::new(disk.entropy())
}
