//! Reads a directory and changes nothing: its names, and its segments one by one.
//!
//! ```text
//!   names   00000001.log   00000002.log   00000003.log   LOCK   spare.tmp   thesis.txt
//!   each    1, before 2    2, before 3    3, the last
//!
//!   names   00000001.log   00000003.log   00000004.log   00000003.first
//!   each                   3, before 4    4, the last        1 was removed, and has come back
//! ```
//!
//! How can a segment come back? If the sync after a removal fails, the next power loss may undo
//! that removal, but not a later one that was synced. So a segment may be missing between two
//! others. The mark `00000003.first` says that every segment before 3 is garbage, so this is no
//! damage.
//!
//! A file with an error does not stop the walk. At most two segments are in memory at a time, so a
//! log may be larger than the memory.

use super::headers::{CheckedSegment, check_follows, read, read_header};
use super::in_place;
use crate::disk::{Disk, Mapped};
use crate::error::{Error, Result};
use crate::format::{FRAMES_AT, FrameHeader, HeaderFault, SegmentHeader};
use crate::segment::{Named, again_of, mark_of, name_of, what_is};
use crate::types::SegmentId;

/// The names in a directory, sorted by what they mean.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    /// The segments, oldest first.
    pub(crate) segments: Vec<SegmentId>,
    /// Segments that were removed, and have come back.
    pub(crate) back: Vec<SegmentId>,
    /// Segments whose `.again` files are left over: a file with the segment's own name exists, or a
    /// later segment exists.
    pub(crate) named_twice: Vec<SegmentId>,
    /// Segments with a mark: every segment before such a one is garbage.
    pub(crate) marks: Vec<SegmentId>,
    /// Files that were not finished, and the spare.
    pub(crate) unfinished: Vec<String>,
    /// Files of other programs.
    pub(crate) foreign: Vec<String>,
}

/// A file with a segment's name.
#[derive(Clone, Debug)]
pub(crate) struct SegmentFile {
    /// The segment number in the name.
    pub(crate) id: SegmentId,
    /// The name.
    pub(crate) name: String,
    /// The content. Empty if the file cannot be read.
    pub(crate) image: Mapped,
    /// The header, or the error in it.
    pub(crate) header: Result<SegmentHeader>,
    /// Whether the segment follows the one before it.
    pub(crate) place: Result<()>,
}

/// Lists a directory.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn list(disk: &impl Disk) -> Result<Directory> {
    let mut directory = Directory::default();
    let mut again = Vec::new();
    for name in disk.list().map_err(|e| Error::io("listing", "the directory", e))? {
        match what_is(&name) {
            Named::Segment(id) => directory.segments.push(id),
            Named::Again(id) => again.push(id),
            Named::First(id) => directory.marks.push(id),
            Named::Unfinished => directory.unfinished.push(name),
            Named::Foreign => directory.foreign.push(name),
            Named::Lock => {}
        }
    }
    directory.find_renamed(again);
    directory.find_beginning(disk);
    Ok(directory)
}

impl Directory {
    /// Sorts the `.again` files. Such a file counts as a segment if it would be the last one. If
    /// the segment's own name exists, or a later segment, the `.again` file does not count: nothing
    /// was acknowledged from it.
    fn find_renamed(&mut self, again: Vec<SegmentId>) {
        for id in again {
            if self.segments.last().is_none_or(|last| *last < id) {
                self.segments.push(id);
            } else {
                self.named_twice.push(id);
            }
        }
    }

    /// Finds the segments that were removed, and have come back.
    fn find_beginning(&mut self, disk: &impl Disk) {
        let Some(mark) = self.marks.iter().max() else { return };
        let is_gap = |pair: &[SegmentId]| pair[0].next() != Some(pair[1]) && pair[1] <= *mark;
        if let Some(last) = self.segments.windows(2).rposition(is_gap)
            && are_of_one_store(disk, &self.segments[..last + 2])
        {
            self.back = self.segments.drain(..=last).collect();
        }
    }

    /// Returns the names that are not part of the log, and are not needed: unfinished files,
    /// segments that have come back, left-over `.again` files, and marks of segments that were
    /// removed.
    pub(crate) fn strays(&self) -> Vec<String> {
        let oldest = self.segments.first();
        let is_old = |mark: &&SegmentId| oldest.is_none_or(|oldest| *mark < oldest);
        let marks = self.marks.iter().filter(is_old).copied().map(mark_of);
        let back = self.back.iter().copied().map(name_of);
        let twice = self.named_twice.iter().copied().map(again_of);
        self.unfinished.iter().cloned().chain(back).chain(twice).chain(marks).collect()
    }

    /// Returns the names that are not needed after a cut: [`Directory::strays`], and the marks of
    /// segments newer than the oldest. Such a mark is about a segment that the cut may remove.
    pub(super) fn strays_of_a_cut(&self) -> Vec<String> {
        let oldest = self.segments.first();
        let is_newer = |mark: &&SegmentId| oldest.is_some_and(|oldest| *mark > oldest);
        let newer = self.marks.iter().filter(is_newer).copied().map(mark_of);
        self.strays().into_iter().chain(newer).collect()
    }
}

/// Returns whether these are segments of one store. A segment of another store must not be removed.
fn are_of_one_store(disk: &impl Disk, segments: &[SegmentId]) -> bool {
    let mut stores = segments.iter().map(|id| Some(read(disk, *id).ok()?.header.store));
    let first = stores.next().flatten();
    first.is_some() && stores.all(|store| store == first)
}

/// Visits the segments one by one, each with the one that follows it.
///
/// # Errors
/// What `visit` returns.
pub(crate) fn each<E>(
    disk: &impl Disk,
    segments: &[SegmentId],
    mut visit: impl FnMut(&SegmentFile, Option<&SegmentFile>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let mut current: Option<SegmentFile> = None;
    for id in segments {
        let next = SegmentFile::read(disk, *id, current.as_ref());
        if let Some(file) = &current {
            visit(file, Some(&next))?;
        }
        current = Some(next);
    }
    current.iter().try_for_each(|last| visit(last, None))
}

impl SegmentFile {
    /// Reads a file, and checks its header.
    fn read(disk: &impl Disk, id: SegmentId, before: Option<&SegmentFile>) -> SegmentFile {
        let name = name_of(id);
        let reading = |e| Error::io("reading", &name, e);
        let read = in_place::open(disk, id).and_then(|f| in_place::read_whole(&f).map_err(reading));
        let (image, header) = match read {
            Ok(image) => {
                let header = read_header(id, &name, image.bytes());
                (image, header)
            }
            Err(error) => (Mapped::new([]), Err(error)),
        };
        let checked = |header: &SegmentHeader, image: &Mapped| {
            let image = image.clone();
            CheckedSegment { header: *header, image }
        };
        let place =
            match (before.and_then(|file| Some((file, file.header.as_ref().ok()?))), &header) {
                (Some((file, before)), Ok(header)) => {
                    check_follows(&checked(before, &file.image), &checked(header, &image), id)
                }
                (None, _) | (Some(_), Err(_)) => Ok(()),
            };
        SegmentFile { id, name, image, header, place }
    }

    /// Returns the header even if it does not hold, provided that frames can be found with it. Use
    /// it to show the frames, and for nothing else.
    pub(crate) fn said(&self) -> Option<SegmentHeader> {
        let image = self.image.bytes();
        match SegmentHeader::decode(image) {
            Ok(header) => Some(header),
            Err(HeaderFault::Checksum { .. } | HeaderFault::Field(_)) => {
                let header = SegmentHeader::peek(image)?;
                // The LSN in the first frame is more reliable than a header that does not hold.
                let first = FrameHeader::decode(image.get(FRAMES_AT as usize..)?, header.salt);
                first.ok().map(|first| SegmentHeader { first_lsn: first.lsn, ..header })
            }
            Err(
                HeaderFault::Short { .. }
                | HeaderFault::Magic
                | HeaderFault::ByteOrder
                | HeaderFault::Version { .. },
            ) => None,
        }
    }

    /// Returns the header, if it holds and follows the one before.
    ///
    /// # Errors
    /// What is wrong with the header.
    pub(crate) fn in_place(&self) -> Result<&SegmentHeader> {
        self.place.clone()?;
        self.header.as_ref().map_err(Error::clone)
    }
}
