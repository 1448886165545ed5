//! What is written again, so that all that is shown is durable.
//!
//! ```text
//!   closed properly                                go on where the frames end
//!
//!   [40][41][42][43] torn ..     41 is the last that is proven
//!             |   '----.
//!   new file  [42'][43'] zeros   under a salt of its own; synced; renamed
//!             named as the next segment, or, if nothing of the old one is proven, in its place
//! ```
//!
//! The old tail stays as it is: whatever is in it, it ends where the new segment begins.
//!
//! A full disk has no room for a new file. Then the same frames are written once more where they stand,
//! under the protection of a copy: `in_place.rs` says how, and why not always.
//!
//! A segment without a frame is made again too. Whoever made it may have stopped because the directory
//! could not be synced, and then its name is the cache's alone. A frame behind it says that it was.

use super::headers::CheckedSegment;
use super::in_place::InPlace;
use super::scan::{Scan, Span};
use super::tail::End;
use super::{DiskSpace, Recovered};
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result};
use crate::format::{Draft, FRAMES_AT, Frame, PAGE_BYTES, SegmentHeader};
use crate::groups::Groups;
use crate::log::{View, Writer};
use crate::options::Options;
use crate::segment::{self, Content, RECOVERY, SPARE, Segment, Tail};
use crate::types::{Lsn, SegmentId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is to be done with the tail.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    /// Go on in it, at `offset`.
    GoOn { offset: u32, next_lsn: Lsn },
    /// Write frames again, into a new segment.
    Rewrite { header: SegmentHeader, frames: Vec<u8>, offsets: Vec<usize>, next_lsn: Lsn },
    /// Write frames again, where they stand: there is no room for a new segment.
    InPlace(InPlace),
}

/// The tail as it is then.
pub(super) struct WritableTail<F> {
    /// Where the next frame goes.
    pub(super) writer: Writer<F>,
    /// The segment it goes to.
    pub(super) tail: Segment,
}

/// Removes what is no part of the log. Its room is free then, on a disk that may have no other.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn clear(disk: &impl Disk, strays: &[String]) -> Result<()> {
    for name in strays {
        disk.remove(name).map_err(|e| Error::io("removing", name, e))?;
    }
    if strays.is_empty() {
        return Ok(());
    }
    disk.sync_dir().map_err(|e| Error::io("syncing", "the directory", e))
}

/// Makes a store's first segment.
///
/// # Errors
/// [`Error::NoSpace`], and the directory is empty as it was; [`Error::Io`].
pub(super) fn create<D: Disk>(disk: &D, options: &Options) -> Result<Recovered<D::File>> {
    let header = SegmentHeader {
        store: segment::new_store_id(disk),
        segment: SegmentId::FIRST,
        first_lsn: Lsn(1),
        salt: segment::new_salt(disk),
        capacity: options.segment_bytes,
    };
    let file = segment::zeroed(disk, SPARE, header.capacity)?;
    segment::publish(disk, &file, SPARE, &header, &[])?;
    let writable = writable(file, header, FRAMES_AT, Tail::default(), Lsn(1));
    let segments = BTreeMap::from([(header.segment, writable.tail)]);
    let view = View { groups: Groups::default(), segments };
    let (store, writer) = (header.store, writable.writer);
    Ok(Recovered { store, writer, view, durable: Lsn(0), disk_space: DiskSpace::Available })
}

/// Decides what is to be done with the tail. Nothing is written yet.
///
/// # Errors
/// [`Error::NoSpace`] if there is no number left for a new segment.
pub(super) fn plan(
    disk: &impl Disk,
    options: &Options,
    last: &CheckedSegment,
    scan: &Scan,
    end: End,
) -> Result<Plan> {
    let offset = scan.seal().map_or(scan.end, |seal| seal.offset);
    let next_lsn = scan.seal().map_or(scan.next, |seal| seal.lsn);
    if may_go_on(scan, end) {
        return Ok(Plan::GoOn { offset, next_lsn });
    }
    let unproven = scan.unproven();
    let first_lsn = unproven.first().map_or(next_lsn, |frame| frame.lsn);
    let bytes: u32 = unproven.iter().map(|frame| frame.len).sum();
    let needed = FRAMES_AT + bytes;
    let needed = needed + needed.div_ceil(63); // one 64th of it stays free of frames
    let header = SegmentHeader {
        segment: next_segment(last, first_lsn)?,
        first_lsn,
        salt: segment::new_salt(disk),
        capacity: options.segment_bytes.max(needed.next_multiple_of(PAGE_BYTES)),
        ..last.header
    };
    let (frames, offsets) = rewrite(last, unproven, &header);
    Ok(Plan::Rewrite { header, frames, offsets, next_lsn })
}

/// Returns whether the tail may be written on where its frames end: all of them are proven durable, and
/// behind them nothing is left that could be taken for one.
pub(super) fn may_go_on(scan: &Scan, end: End) -> bool {
    let is_proven = scan.unproven().is_empty() && !scan.frames.is_empty();
    is_proven && end == End::Clean
}

/// Returns the number of a segment that begins with `first_lsn`: the last one's own, if nothing of
/// that would be left. So a process that dies again and again fills no disk with segments.
pub(super) fn next_segment(last: &CheckedSegment, first_lsn: Lsn) -> Result<SegmentId> {
    if first_lsn == last.header.first_lsn {
        return Ok(last.header.segment);
    }
    last.header.segment.next().ok_or(Error::NoSpace { bytes: 0 })
}

/// Returns frames with their places in another segment, and where in these bytes each begins.
fn rewrite(
    last: &CheckedSegment,
    frames: &[Span],
    header: &SegmentHeader,
) -> (Vec<u8>, Vec<usize>) {
    let image = last.image.bytes();
    let durable = header.first_lsn.before();
    let mut bytes = Vec::new();
    let mut offsets = Vec::new();
    for span in frames {
        offsets.push(bytes.len());
        let frame = &image[span.offset as usize..(span.offset + span.len) as usize];
        bytes.extend(Draft::of(frame).place(span.lsn, durable, header.salt));
    }
    (bytes, offsets)
}

impl Plan {
    /// Returns the frames that are written again: their segment, where they stand in it, and they.
    pub(super) fn frames(&self) -> impl Iterator<Item = (SegmentId, u32, Frame<'_>)> {
        let rewritten = match self {
            Plan::GoOn { .. } => None,
            Plan::Rewrite { header, frames, offsets, .. } => {
                Some((header.segment, FRAMES_AT, frames, offsets))
            }
            Plan::InPlace(tail) => {
                Some((tail.header.segment, tail.from, &tail.frames, &tail.offsets))
            }
        };
        rewritten.into_iter().flat_map(|(segment, from, frames, offsets)| {
            let frame =
                move |at: &usize| (segment, from + *at as u32, Frame::trusted(&frames[*at..]));
            offsets.iter().map(frame)
        })
    }
}

/// Does what was decided.
///
/// # Errors
/// [`Error::NoSpace`], and everything is as it was; [`Error::Io`].
pub(super) fn carry_out<D: Disk>(
    disk: &D,
    last: &CheckedSegment,
    plan: Plan,
) -> Result<WritableTail<D::File>> {
    match plan {
        Plan::GoOn { offset, next_lsn } => {
            let name = segment::name_of(last.header.segment);
            let file = disk.open(&name).map_err(|e| Error::io("opening", &name, e))?;
            go_on(file, last.header, offset, next_lsn)
        }
        Plan::InPlace(tail) => {
            let file = tail.make_durable(disk)?;
            go_on(file, tail.header, tail.end(), tail.next_lsn)
        }
        Plan::Rewrite { header, frames, next_lsn, .. } => {
            let file = segment::zeroed(disk, RECOVERY, header.capacity)?;
            segment::publish(disk, &file, RECOVERY, &header, &frames)?;
            let offset = FRAMES_AT + frames.len() as u32;
            Ok(writable(file, header, offset, Tail::buffered(frames.into()), next_lsn))
        }
    }
}

/// Returns the tail as it is in its file, and a writer behind its frames.
fn go_on<F: DiskFile>(
    file: F,
    header: SegmentHeader,
    offset: u32,
    next_lsn: Lsn,
) -> Result<WritableTail<F>> {
    let name = segment::name_of(header.segment);
    // No longer the map of all of it: behind these bytes the file is written from now on.
    let written = file.map_first(offset.into()).map_err(|e| Error::io("mapping", name, e))?;
    Ok(writable(file, header, offset, Tail::mapped(written), next_lsn))
}

/// Returns a tail that holds these bytes, and a writer behind them.
fn writable<F: DiskFile>(
    file: F,
    header: SegmentHeader,
    offset: u32,
    tail: Tail,
    next_lsn: Lsn,
) -> WritableTail<F> {
    let writer = Writer {
        segment: header.segment,
        file: Arc::new(file),
        salt: header.salt,
        capacity: header.frames_end().max(offset),
        offset,
        next_lsn,
    };
    let tail = Segment { capacity: header.capacity, content: Content::Tail(tail) };
    WritableTail { writer, tail }
}
