//! The tail made durable in place, on a disk that has no room for another segment.
//!
//! ```text
//!   40 41 | 42 43 ??? old remains .......    41 is the last that is proven
//!   1       42 43 ??? old re copy of 42 43   a redo record, in the room that every segment keeps   sync
//!   2       42'43'??? old re copy of 42 43   the same bytes, written where they stand              sync
//!   3       42 43 00000000000000000000000    and the log goes on behind 43                         sync
//! ```
//!
//! Why the same bytes again? A sync that failed may have marked them clean in the page cache: no later
//! sync would write them. Writing makes them dirty, and the sync behind it tells the truth.
//!
//! Why a record? They may be acknowledged, and a power cut tears what is being written. Until step 2 is
//! synced the copy is durable, and whoever opens the log reads it in their place ([`read_whole`]).
//! It may be shorter than all of the frames: then steps 1 and 2 are done part by part.
//!
//! Why not always? In a new segment frames have a salt of their own, and the old tail stays as it was:
//! evidence, if something was wrong with it. Here it is overwritten. And a second file is half the
//! syncs.
//!
//! Invariants: no byte of a frame is written before a copy of it is durable. Whatever was behind the
//! frames is zero and durable, up to the file's end, before a new frame is written: an old one could
//! come back behind it.

use super::headers::CheckedSegment;
use super::scan::{Scan, Span};
use crate::disk::{Disk, DiskFile, Mapped};
use crate::error::{Error, Result};
use crate::format::{REDO_HEADER_BYTES, Redo, SegmentHeader};
use crate::segment::{self, again_of, name_of};
use crate::types::{Lsn, SegmentId};
use std::io::ErrorKind;

/// What is written in place.
#[derive(Clone, Debug)]
pub(super) struct InPlace {
    /// The segment.
    pub(super) header: SegmentHeader,
    /// Where its first frame stands that is not proven durable.
    pub(super) from: u32,
    /// That frame, and those behind it.
    pub(super) frames: Vec<u8>,
    /// Where in these bytes each frame begins.
    pub(super) offsets: Vec<usize>,
    /// The number of the frame that comes next.
    pub(super) next_lsn: Lsn,
    /// What an earlier attempt may have left torn: where, and how long.
    pending: Option<(u32, usize)>,
    /// Whether the segment's name is durable: nobody knows, unless one of its frames is proven.
    is_named: bool,
}

/// Decides what is written in place; `None` if the segment has no room for a record.
pub(super) fn plan(last: &CheckedSegment, scan: &Scan) -> Option<InPlace> {
    let image = last.image.bytes();
    let unproven = scan.unproven();
    let end = scan.seal().map_or(scan.end, |seal| seal.offset);
    let from = unproven.first().map_or(end, |frame| frame.offset);
    let in_place = InPlace {
        header: last.header,
        from,
        frames: image[from as usize..end as usize].to_vec(),
        offsets: unproven.iter().map(|span: &Span| (span.offset - from) as usize).collect(),
        next_lsn: scan.seal().map_or(scan.next, |seal| seal.lsn),
        pending: Redo::decode(image, last.header.salt).map(|redo| (redo.offset, redo.bytes.len())),
        is_named: !scan.proven().is_empty(),
    };
    (in_place.frames.is_empty() || in_place.part_bytes() > 0).then_some(in_place)
}

impl InPlace {
    /// Returns where the frames end.
    pub(super) fn end(&self) -> u32 {
        self.from + self.frames.len() as u32
    }

    /// Returns how much of the frames a record has room for.
    fn part_bytes(&self) -> usize {
        (self.header.capacity - self.end()).saturating_sub(REDO_HEADER_BYTES) as usize
    }

    /// Makes the frames durable where they stand, and returns the file.
    ///
    /// # Errors
    /// [`Error::Io`], and the next opening does it again.
    pub(super) fn make_durable<D: Disk>(&self, disk: &D) -> Result<D::File> {
        let name = name_of(self.header.segment);
        let file = open(disk, self.header.segment)?;
        self.write(&file).map_err(|e| Error::io("writing in place", &name, e))?;
        if !self.is_named {
            give_name_again(disk, self.header.segment)?;
        }
        Ok(file)
    }

    /// Writes the frames where they stand, and nothing behind them.
    fn write(&self, file: &impl DiskFile) -> std::io::Result<()> {
        if let Some((offset, len)) = self.pending {
            // The record that is there is the only copy of these: they go before it does.
            let at = offset.saturating_sub(self.from) as usize;
            let part = self.frames.get(at..at + len).unwrap_or_default();
            file.write_all_at(offset.into(), part)?;
            file.sync_data()?;
        }
        let mut offset = self.from;
        for bytes in self.frames.chunks(self.part_bytes().max(1)) {
            let record = Redo { offset, bytes }.encode(self.header.salt);
            let record_at = self.header.capacity as usize - record.len();
            file.write_all_at(record_at as u64, &record)?;
            file.sync_data()?;
            file.write_all_at(offset.into(), bytes)?;
            file.sync_data()?;
            offset += bytes.len() as u32;
        }
        segment::wipe(file, self.end(), self.header.capacity)?;
        file.sync_data()
    }
}

/// Opens a segment's file, also if it was being given its name again.
pub(super) fn open<D: Disk>(disk: &D, segment: SegmentId) -> Result<D::File> {
    let (name, again) = (name_of(segment), again_of(segment));
    let opened = disk.open(&name).or_else(|error| {
        let is_missing = error.kind() == ErrorKind::NotFound;
        if is_missing { disk.open(&again).map_err(|_| error) } else { Err(error) }
    });
    opened.map_err(|e| Error::io("opening", &name, e))
}

/// Reads a segment as its frames were written: where a power cut may have torn them while they were
/// written in place, from the copy.
pub(super) fn read_whole(file: &impl DiskFile) -> std::io::Result<Mapped> {
    let image = file.map()?;
    let bytes = image.bytes();
    let header = SegmentHeader::decode(bytes).ok();
    let redo = header.and_then(|header| Redo::decode(bytes, header.salt));
    let Some(Redo { offset, bytes: copy }) = redo else { return Ok(image) };
    let place = offset as usize..offset as usize + copy.len();
    if bytes[place.clone()] == *copy {
        return Ok(image);
    }
    let mut whole = bytes.to_vec();
    whole[place].copy_from_slice(copy);
    Ok(Mapped::new(whole))
}

/// Makes a segment's name durable, which may be the cache's alone: after a sync of the directory that
/// failed, no later one will write it. So it is given once more, by way of a name that counts too.
fn give_name_again(disk: &impl Disk, segment: SegmentId) -> Result<()> {
    let again = again_of(segment);
    let renamed = disk.rename(&name_of(segment), &again);
    renamed.map_err(|e| Error::io("renaming to", again, e))?;
    give_name_back(disk, segment)
}

/// Gives a segment its name back that was being given it again, and makes it durable. Mostly there is
/// nothing to do.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn give_name_back(disk: &impl Disk, segment: SegmentId) -> Result<()> {
    let name = name_of(segment);
    match disk.rename(&again_of(segment), &name) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        outcome => outcome.map_err(|e| Error::io("renaming to", name, e))?,
    }
    disk.sync_dir().map_err(|e| Error::io("syncing", "the directory", e))
}
