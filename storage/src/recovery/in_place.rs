//! Makes the tail durable in place, on a disk that has no room for another segment.
//!
//! ```text
//!   40 41 | 42 43 ??? old remains .......    41 is the last frame that is proven durable
//!   1       42 43 ??? old re copy of 42 43   a redo record, in the reserved last 64th      sync
//!   2       42'43'??? old re copy of 42 43   the same bytes, written again in place        sync
//!   3       42 43 00000000000000000000000    zeros: the log continues behind 43            sync
//! ```
//!
//! Why are the same bytes written again? After a failed sync, the page cache may hold them as
//! clean: then no later sync would write them. Writing makes them dirty again, so the next sync
//! writes them.
//!
//! Why a redo record? The frames may be acknowledged, and a power loss may tear what is being
//! written. The copy is durable until step 2 is synced, and an opening reads the copy instead of
//! torn frames ([`read_whole`]). InnoDB calls this a doublewrite buffer. If the frames are longer
//! than a record can be, steps 1 and 2 are repeated, part by part.
//!
//! Why not always in place? A new segment has a new salt, and the old tail stays as it was. It is
//! evidence if something was wrong. In place, the old tail is overwritten. And a new segment needs
//! half as many syncs.
//!
//! Invariants: a frame is overwritten only after a copy of it is durable. Before a new frame is
//! written, all bytes behind the frames, up to the end of the file, are zero and durable. Otherwise
//! an old frame could appear behind the new one.

use super::headers::CheckedSegment;
use super::scan::{Scan, Span};
use crate::disk::{Disk, DiskFile, Mapped};
use crate::error::{Error, Result};
use crate::format::{REDO_HEADER_BYTES, Redo, SegmentHeader};
use crate::segment::{self, again_of, name_of};
use crate::types::{Lsn, SegmentId};
use std::io::ErrorKind;

/// The frames that are written again in place.
#[derive(Clone, Debug)]
pub(super) struct InPlace {
    /// The segment.
    pub(super) header: SegmentHeader,
    /// The offset of the first frame that is not proven durable.
    pub(super) from: u32,
    /// The bytes of that frame, and of all later ones.
    pub(super) frames: Vec<u8>,
    /// Where in these bytes each frame begins.
    pub(super) offsets: Vec<usize>,
    /// The LSN of the next frame.
    pub(super) next_lsn: Lsn,
    /// The offset and length of the part that an earlier attempt may have left torn.
    pending: Option<(u32, usize)>,
    /// Whether the segment's name is known to be durable: one of its frames is proven durable.
    is_named: bool,
}

/// Decides what is written in place. `None` if the segment has no room for a redo record.
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

    /// Returns how many bytes of the frames fit in one redo record.
    fn part_bytes(&self) -> usize {
        (self.header.capacity - self.end()).saturating_sub(REDO_HEADER_BYTES) as usize
    }

    /// Makes the frames durable in place, and returns the file.
    ///
    /// # Errors
    /// [`Error::Io`]: the next opening starts again.
    pub(super) fn make_durable<D: Disk>(&self, disk: &D) -> Result<D::File> {
        let name = name_of(self.header.segment);
        let file = open(disk, self.header.segment)?;
        self.write(&file).map_err(|e| Error::io("writing in place", &name, e))?;
        if !self.is_named {
            give_name_again(disk, self.header.segment)?;
        }
        Ok(file)
    }

    /// Writes the frames again in place, and zeros behind them.
    fn write(&self, file: &impl DiskFile) -> std::io::Result<()> {
        if let Some((offset, len)) = self.pending {
            // The existing record is the only good copy of this part. So the part is made durable
            // before the record is overwritten.
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

/// Opens a segment's file, even if a crash came while it was renamed (see [`give_name_again`]).
pub(super) fn open<D: Disk>(disk: &D, segment: SegmentId) -> Result<D::File> {
    let (name, again) = (name_of(segment), again_of(segment));
    let opened = disk.open(&name).or_else(|error| {
        let is_missing = error.kind() == ErrorKind::NotFound;
        if is_missing { disk.open(&again).map_err(|_| error) } else { Err(error) }
    });
    opened.map_err(|e| Error::io("opening", &name, e))
}

/// Reads a segment. If a power loss has torn frames while they were written in place, returns the
/// copy of these frames instead.
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

/// Makes a segment's name durable. The name may be in the cache only: after a failed sync of the
/// directory, no later sync would write it. So the file is renamed, and then renamed back. Under
/// the name between, the file counts as the same segment.
fn give_name_again(disk: &impl Disk, segment: SegmentId) -> Result<()> {
    let again = again_of(segment);
    let renamed = disk.rename(&name_of(segment), &again);
    renamed.map_err(|e| Error::io("renaming to", again, e))?;
    give_name_back(disk, segment)
}

/// Renames a segment's file back, if a crash came in [`give_name_again`], and makes the name
/// durable. Usually there is nothing to do.
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
