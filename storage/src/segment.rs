//! Segments: the files of the log, how one comes into being, and how its bytes are read.
//!
//! ```text
//!   spare.tmp  --header, sync, rename, sync the directory-->  00000004.log   being written: the tail
//!                                                                  |  rotation: all of it durable
//!   spare.tmp  <--rename, if nobody reads it any more--       00000004.log   sealed: mapped
//!                                             removed <-------'  collection: nothing of it live,
//!                                                                and 00000005.first says so
//! ```
//!
//! Invariants: a file with a segment's name has a durable header, and its whole length is on the
//! disk: zeros are written, not promised, so that a frame never finds the disk full, and a sync has
//! only data to write. Only bytes are mapped that nobody writes any more: of the tail, what was written
//! some time ago. What was appended since is read from the very buffers that were written.

use crate::disk::{Advised, Disk, DiskFile, Mapped};
use crate::error::{Error, Result};
use crate::format::{FRAMES_AT, Salt, SegmentHeader, StoreId};
use crate::types::SegmentId;
use bytes::Bytes;
use std::io::ErrorKind;
use std::sync::Arc;

/// The file whose lock is the directory's.
pub(crate) const LOCK: &str = "LOCK";

/// A segment that is ready to be used.
pub(crate) const SPARE: &str = "spare.tmp";

/// A mark that has no segment's name yet.
pub(crate) const MARK: &str = "mark.tmp";

/// A segment that recovery is writing.
pub(crate) const RECOVERY: &str = "recovery.tmp";

/// How many zeros are written at once. A page cache keeps a file in pieces as long as it was written
/// in, and may look through a whole piece whenever a frame is written to it: from 1 MiB on, that
/// takes longer than all else that an append does.
const ZEROS_BYTES: usize = 1 << 15;

/// A segment as readers see it.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    /// The file's length.
    pub(crate) capacity: u32,
    /// Its bytes.
    pub(crate) content: Content,
}

/// A segment's bytes.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// It is being written.
    Tail(Tail),
    /// Nobody writes it any more.
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
    /// The file from its beginning, if enough of it was written to be worth a map.
    written: Option<Mapped>,
    /// What was written behind that: each buffer, with where in the file it stands, in order.
    buffers: Vec<(u32, Bytes)>,
}

impl Content {
    /// Returns `len` bytes at `offset`, shared with whatever holds them; `None` if they are not
    /// there.
    pub(crate) fn slice(&self, offset: u32, len: u32) -> Option<Bytes> {
        let (start, whole) = match self {
            Content::Sealed(mapped) => (0, mapped.bytes()),
            Content::Tail(tail) => tail.piece_at(offset)?,
        };
        let from = (offset - start) as usize;
        let to = from + len as usize;
        (to <= whole.len()).then(|| whole.slice(from..to))
    }

    /// Returns who takes advice on how its file is read, if a file is read and anybody does.
    pub(crate) fn advised(&self) -> Option<&Arc<dyn Advised>> {
        match self {
            Content::Sealed(mapped) => mapped.advised(),
            Content::Tail(tail) => tail.written.as_ref()?.advised(),
        }
    }

    /// Takes a buffer that was written at `offset`, behind all others.
    ///
    /// # Panics
    /// If the segment is sealed.
    pub(crate) fn push(&mut self, offset: u32, bytes: Bytes) {
        match self {
            Content::Tail(tail) => tail.buffers.push((offset, bytes)),
            Content::Sealed(_) => panic!("a sealed segment is not written"),
        }
    }

    /// Takes the place of `before`, of which somebody may hold bytes: they read this segment still.
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
    /// Returns a tail whose bytes are all in a map, from the file's beginning to where the next
    /// frame goes.
    pub(crate) fn mapped(written: Mapped) -> Tail {
        Tail { written: Some(written), buffers: Vec::new() }
    }

    /// Returns a tail whose frames are in a buffer.
    pub(crate) fn buffered(frames: Bytes) -> Tail {
        Tail { written: None, buffers: vec![(FRAMES_AT, frames)] }
    }

    /// Returns the piece that holds what is at `offset`, and where it begins.
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

/// Finds the buffer of a tail that covers `offset`: the last one that begins there or before. `None`
/// if all of them begin later.
fn buffer_at(buffers: &[(u32, Bytes)], offset: u32) -> Option<&(u32, Bytes)> {
    let after = buffers.partition_point(|(start, _)| *start <= offset);
    buffers.get(after.checked_sub(1)?)
}

/// Returns a segment's name.
pub(crate) fn name_of(segment: SegmentId) -> String {
    format!("{:08x}.log", segment.0)
}

/// Returns the name of an empty file that says, by being there, that nothing before this segment is
/// wanted.
pub(crate) fn mark_of(segment: SegmentId) -> String {
    format!("{:08x}.first", segment.0)
}

/// Returns the name that a segment has for a moment, while it is given its own again.
pub(crate) fn again_of(segment: SegmentId) -> String {
    format!("{:08x}.again", segment.0)
}

/// What a file in a store's directory is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Named {
    /// A segment.
    Segment(SegmentId),
    /// A segment that was being given its name again.
    Again(SegmentId),
    /// The mark of a segment before which nothing is wanted.
    First(SegmentId),
    /// A file that was not finished.
    Unfinished,
    /// The lock.
    Lock,
    /// None of ours.
    Foreign,
}

/// Returns what a file's name says that it is.
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

/// Makes a file of so many zeros, all of them durable.
///
/// # Errors
/// [`Error::NoSpace`], and the file is gone again; or what else the disk says.
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

/// Removes a file that could not be filled because the disk is full, and returns what is to be said of
/// it. Not a byte of the log was touched: the file never had a segment's name.
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

/// Writes zeros, and syncs them.
fn fill(file: &impl DiskFile, capacity: u32) -> std::io::Result<()> {
    wipe(file, 0, capacity)?;
    file.sync_data()
}

/// Writes zeros from one place of a file to another.
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

/// Writes a header, and perhaps the first frames with it, into a file that has no segment's name yet,
/// and gives it one: from then on the segment is part of the log.
///
/// # Errors
/// What the disk says.
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

/// Gives a file that was written the name under which it counts, so that no power cut leaves the name
/// without the bytes, or takes it once this has returned.
fn give_name<D: Disk>(disk: &D, file: &D::File, unfinished: &str, name: &str) -> Result<()> {
    file.sync_data().map_err(|e| Error::io("syncing", unfinished, e))?;
    disk.rename(unfinished, name).map_err(|e| Error::io("renaming to", name, e))?;
    disk.sync_dir().map_err(|e| Error::io("syncing", "the directory", e))
}

/// Draws what a new store is called.
pub(crate) fn new_store_id(disk: &impl Disk) -> StoreId {
    StoreId(u128::from(disk.entropy()) << 64 | u128::from(disk.entropy()))
}

/// Draws a segment's salt.
pub(crate) fn new_salt(disk: &impl Disk) -> Salt {
    Salt::new(disk.entropy())
}
