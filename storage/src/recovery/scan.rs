//! Which frames of a segment hold.
//!
//! ```text
//!   LSN       40    41    42    43    44
//!           [    ][    ][    ][    ][ ?            the first that does not hold ends the scan
//!   durable   39    39    41    41                 the latest witness: all through 41 was durable
//! ```

use super::headers::CheckedSegment;
use crate::format::{FRAMES_AT, Flags, Frame, FrameFault};
use crate::types::Lsn;

/// A frame that holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    /// Where it begins.
    pub(super) offset: u32,
    /// How long it is.
    pub(super) len: u32,
    /// Its number.
    pub(super) lsn: Lsn,
    /// Up to where it says that everything was durable.
    pub(super) durable: Lsn,
    /// What kind of frame it is.
    pub(super) flags: Flags,
}

/// What a scan found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Scan {
    /// The frames that hold, in order.
    pub(super) frames: Vec<Span>,
    /// Where they end.
    pub(super) end: u32,
    /// The number of the frame that would come there.
    pub(super) next: Lsn,
    /// Why none does, unless the scan was to end here.
    pub(super) fault: Option<FrameFault>,
    /// Up to where everything is proven durable.
    pub(super) proven_through: Lsn,
}

/// Scans a segment, up to the frame numbered `until`, or to the first that does not hold.
pub(super) fn scan(segment: &CheckedSegment, until: Option<Lsn>) -> Scan {
    let header = &segment.header;
    let image = segment.image.bytes();
    let mut scan = Scan {
        frames: Vec::new(),
        end: FRAMES_AT,
        next: header.first_lsn,
        fault: None,
        // An earlier segment was left only when all of it was durable.
        proven_through: header.first_lsn.before(),
    };
    while until.is_none_or(|until| scan.next < until) {
        match Frame::decode(&image[scan.end as usize..], header.salt, scan.next) {
            Ok(frame) => scan.take(&frame),
            Err(fault) => {
                scan.fault = Some(fault);
                break;
            }
        }
    }
    scan
}

impl Scan {
    /// Takes the frame that comes next.
    fn take(&mut self, frame: &Frame<'_>) {
        let header = frame.header();
        self.frames.push(Span {
            offset: self.end,
            len: header.len,
            lsn: header.lsn,
            durable: header.durable,
            flags: header.flags,
        });
        self.end += header.len;
        self.next = header.lsn.next();
        self.proven_through = self.proven_through.max(header.durable);
    }

    /// Returns the mark of a store that was closed, if that is how the frames end.
    pub(super) fn seal(&self) -> Option<&Span> {
        self.frames.last().filter(|last| last.flags == Flags::Seal)
    }

    /// Returns the frames that are proven durable.
    pub(super) fn proven(&self) -> &[Span] {
        &self.frames[..self.proven_count()]
    }

    /// Returns the frames that hold, and that nobody can prove durable. A closing mark among them
    /// has done its work.
    pub(super) fn unproven(&self) -> &[Span] {
        let end = self.frames.len() - usize::from(self.seal().is_some());
        &self.frames[self.proven_count().min(end)..end]
    }

    /// Returns how many frames are proven durable.
    fn proven_count(&self) -> usize {
        self.frames.partition_point(|frame| frame.lsn <= self.proven_through)
    }
}
