//! Rewrites the tail: writes again every frame that is not proven durable, before readers see it.
//!
//! ```text
//!   the log was closed                             nothing to write: continue behind the frames
//!
//!   [40][41][42][43] torn ..     41 is the last frame that is proven durable
//!             |   '----.
//!   new file  [42'][43'] zeros   with a new salt; synced; renamed to be the next segment.
//!                                If no frame of the old tail is proven, it replaces the old tail
//! ```
//!
//! Otherwise the old tail stays as it is. Whatever is behind its proven frames does not count,
//! because the log continues in the new segment.
//!
//! A full disk has no room for a new file. Then the same frames are written again in place, and a
//! copy protects them: `in_place.rs` says how, and why not always.
//!
//! A segment without frames is made again, too. Its name may be in the cache only: the process that
//! made the segment may have stopped because it could not sync the directory. A frame in the
//! segment would prove that the sync succeeded.

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

/// What recovery will do with the tail.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    /// Continue in the tail, at `offset`.
    GoOn { offset: u32, next_lsn: Lsn },
    /// Write frames again, into a new segment.
    Rewrite { header: SegmentHeader, frames: Vec<u8>, offsets: Vec<usize>, next_lsn: Lsn },
    /// Write frames again in place: there is no room for a new segment.
    InPlace(InPlace),
}

/// The tail after recovery, ready for new frames.
pub(super) struct WritableTail<F> {
    /// Where the next frame goes.
    pub(super) writer: Writer<F>,
    /// The segment that the next frame goes to.
    pub(super) tail: Segment,
}

/// Removes files that are not part of the log. This happens first, because it makes room on a disk
/// that may be full.
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

/// Creates a store and its first segment.
///
/// # Errors
/// [`Error::NoSpace`]: the directory is still empty. [`Error::Io`].
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

/// Decides what recovery will do with the tail. Nothing is written yet.
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
    let needed = needed + needed.div_ceil(63); // the last 64th of a segment has no frames
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

/// Returns whether new frames may be written behind the frames of the tail. They may if every frame
/// is proven durable, and nothing behind them could be mistaken for a frame.
pub(super) fn may_go_on(scan: &Scan, end: End) -> bool {
    let is_proven = scan.unproven().is_empty() && !scan.frames.is_empty();
    is_proven && end == End::Clean
}

/// Returns the number for a segment that begins with `first_lsn`. It is the number of the last
/// segment if the new one replaces all of it. So a process that crashes again and again does not
/// fill the disk with segments.
pub(super) fn next_segment(last: &CheckedSegment, first_lsn: Lsn) -> Result<SegmentId> {
    if first_lsn == last.header.first_lsn {
        return Ok(last.header.segment);
    }
    last.header.segment.next().ok_or(Error::NoSpace { bytes: 0 })
}

/// Returns the bytes of frames, encoded for another segment, and where in these bytes each frame
/// begins.
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
    /// Returns the frames that are written again, each with its segment and its offset there.
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

/// Carries out a plan.
///
/// # Errors
/// [`Error::NoSpace`]: nothing has changed. [`Error::Io`].
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

/// Maps the frames of the tail, and returns the tail with a writer behind them.
fn go_on<F: DiskFile>(
    file: F,
    header: SegmentHeader,
    offset: u32,
    next_lsn: Lsn,
) -> Result<WritableTail<F>> {
    let name = segment::name_of(header.segment);
    // The map ends behind the frames: the rest of the file is written from now on.
    let written = file.map_first(offset.into()).map_err(|e| Error::io("mapping", name, e))?;
    Ok(writable(file, header, offset, Tail::mapped(written), next_lsn))
}

/// Returns the tail, whose bytes are in `tail`, with a writer at `offset`.
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
