//! Which segments there are: found from names and headers, before any frame is read.
//!
//! ```text
//!   00000003.log   header: segment 3, LSN 40..     the oldest may have any number (list.rs finds it)
//!   00000004.log   header: segment 4, LSN 90..     no number is missing, and no LSN goes back
//!   00000005.log   header: segment 5, LSN 131..    the last one is the tail
//! ```
//!
//! A file gets its segment name only after its header and its length are durable. So no crash can
//! cause an error that is found here.

use super::in_place;
use super::list::list;
use crate::disk::{Disk, Mapped};
use crate::error::{Corruption, Error, Result, Rot};
use crate::format::{FRAMES_AT, HeaderFault, SegmentHeader, VERSION};
use crate::segment::{Named, name_of, what_is};
use crate::types::SegmentId;

/// A segment whose header holds.
#[derive(Clone, Debug)]
pub(super) struct CheckedSegment {
    /// Its header.
    pub(super) header: SegmentHeader,
    /// The bytes of the whole file.
    pub(super) image: Mapped,
}

/// Refuses a directory that contains a file of another program.
///
/// # Errors
/// [`Error::ForeignFile`]; [`Error::Io`].
pub(super) fn refuse_foreign(disk: &impl Disk) -> Result<()> {
    for name in disk.list().map_err(|e| Error::io("listing", "the directory", e))? {
        if what_is(&name) == Named::Foreign {
            return Err(Error::ForeignFile { name });
        }
    }
    Ok(())
}

/// What is in a directory.
#[derive(Clone, Debug, Default)]
pub(super) struct Headers {
    /// The segments, oldest first.
    pub(super) segments: Vec<CheckedSegment>,
    /// The names of files that are not, or no longer, part of the log.
    pub(super) strays: Vec<String>,
}

/// Reads the header of every segment in the directory.
///
/// # Errors
/// If a segment is missing, a file is not a segment, or a segment belongs to another store; if a
/// header has rotted.
pub(super) fn read_headers(disk: &impl Disk) -> Result<Headers> {
    let directory = list(disk)?;
    let mut segments: Vec<CheckedSegment> = Vec::new();
    for id in &directory.segments {
        let segment = read(disk, *id)?;
        if let Some(before) = segments.last() {
            check_follows(before, &segment, *id)?;
        }
        segments.push(segment);
    }
    // The names that we saw may be in the cache only: a name counts once it is durable.
    disk.sync_dir().map_err(|e| Error::io("syncing", "the directory", e))?;
    Ok(Headers { segments, strays: directory.strays() })
}

/// Reads a segment, and checks its header.
pub(super) fn read(disk: &impl Disk, id: SegmentId) -> Result<CheckedSegment> {
    let name = name_of(id);
    let file = in_place::open(disk, id)?;
    let image = in_place::read_whole(&file).map_err(|e| Error::io("mapping", &name, e))?;
    Ok(CheckedSegment { header: read_header(id, &name, image.bytes())?, image })
}

/// Decodes the header of a segment's file, and checks it.
pub(super) fn read_header(id: SegmentId, name: &str, image: &[u8]) -> Result<SegmentHeader> {
    let header = SegmentHeader::decode(image).map_err(|fault| match fault {
        HeaderFault::Magic => Error::NotASegment { name: name.into() },
        HeaderFault::ByteOrder => Error::ByteOrder { segment: id },
        HeaderFault::Version { found } => Error::Version { segment: id, found, known: VERSION },
        HeaderFault::Short { .. } | HeaderFault::Checksum { .. } | HeaderFault::Field(_) => {
            damaged(id, 0, fault.to_string())
        }
    })?;
    if header.segment != id {
        return Err(damaged(id, 32, format!("its header is that of segment {}", header.segment)));
    }
    let (found, stated) = (image.len(), header.capacity);
    if found != stated as usize {
        let what = format!("the file is {found} bytes long, header says {stated}");
        return Err(damaged(id, found as u64, what));
    }
    let gap = &image[64..FRAMES_AT as usize];
    if let Some(at) = gap.iter().position(|byte| *byte != 0) {
        let what = "a byte between header and frames is not zero".into();
        return Err(damaged(id, 64 + at as u64, what));
    }
    Ok(header)
}

/// Checks that a segment follows the one before it.
pub(super) fn check_follows(
    before: &CheckedSegment,
    segment: &CheckedSegment,
    id: SegmentId,
) -> Result<()> {
    let expected = before.header.segment.next();
    if let Some(missing) = expected.filter(|expected| *expected != id) {
        return Err(Error::MissingSegment { segment: missing, next: id });
    }
    if segment.header.store != before.header.store {
        return Err(Error::ForeignStore { segment: id });
    }
    let (first, earlier) = (segment.header.first_lsn, before.header.first_lsn);
    if first < earlier {
        let what = format!(
            "it begins with LSN {first}, but {} begins with LSN {earlier}",
            name_of(before.header.segment)
        );
        return Err(damaged(id, 40, what));
    }
    Ok(())
}

/// Returns the error for a damaged segment. No crash leaves such damage.
fn damaged(segment: SegmentId, offset: u64, what: String) -> Error {
    Corruption { segment, offset, lsn: None, rot: Rot::Segment, what, lost: Vec::new() }.into()
}
