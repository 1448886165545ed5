//! Scan: finds which frames of a segment hold, and which of them are proven durable.
//!
//! ```text
//!   LSN       40    41    42    43    44
//!           [    ][    ][    ][    ][ ?            the first frame that does not hold ends the scan
//!   durable   39    39    41    41                 42 and 43 prove that all up to 41 was durable
//! ```

use super::headers::CheckedSegment;
use crate::format::{FRAMES_AT, Flags, Frame, FrameFault};
use crate::types::Lsn;

/// The location of a frame that holds, and fields of its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    /// Where the frame begins in the file.
    pub(super) offset: u32,
    /// How long the frame is.
    pub(super) len: u32,
    /// The frame's LSN.
    pub(super) lsn: Lsn,
    /// The LSN up to which everything was durable when the frame was written.
    pub(super) durable: Lsn,
    /// What kind of frame it is.
    pub(super) flags: Flags,
}

/// The result of a scan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Scan {
    /// The frames that hold, in order.
    pub(super) frames: Vec<Span>,
    /// Where these frames end.
    pub(super) end: u32,
    /// The LSN of the frame that should come there.
    pub(super) next: Lsn,
    /// Why that frame does not hold. `None` if the scan ended at its limit.
    pub(super) fault: Option<FrameFault>,
    /// The LSN up to which everything is proven durable.
    pub(super) proven_through: Lsn,
}

/// Scans a segment, up to but not including the frame `until`, or to the first frame that does not
/// hold.
pub(super) fn scan(segment: &CheckedSegment, until: Option<Lsn>) -> Scan {
    let header = &segment.header;
    let image = segment.image.bytes();
    let mut scan = Scan {
        frames: Vec::new(),
        end: FRAMES_AT,
        next: header.first_lsn,
        fault: None,
        // This segment was written only after all of the earlier ones was durable.
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
    /// Adds the next frame to the result.
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

    /// Returns the last frame, if it says that the log was closed.
    pub(super) fn seal(&self) -> Option<&Span> {
        self.frames.last().filter(|last| last.flags == Flags::Seal)
    }

    /// Returns the frames that are proven durable.
    pub(super) fn proven(&self) -> &[Span] {
        &self.frames[..self.proven_count()]
    }

    /// Returns the frames that hold, but are not proven durable. A last frame that says that the
    /// log was closed is not among them: it need not be written again.
    pub(super) fn unproven(&self) -> &[Span] {
        let end = self.frames.len() - usize::from(self.seal().is_some());
        &self.frames[self.proven_count().min(end)..end]
    }

    /// Returns how many frames are proven durable.
    fn proven_count(&self) -> usize {
        self.frames.partition_point(|frame| frame.lsn <= self.proven_through)
    }
}
