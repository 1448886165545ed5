//! Splits any segment's bytes into pieces: frames, damage, and the rest.
//!
//! ```text
//!   [40][41] ??????? [43][44] zeros
//!     |   |     |      |    |    '-- the rest
//!     |   |     |      '----'------- frames again: valid under this segment's salt
//!     |   |     '------------------- damage: 42 was expected, and is not valid
//!     '---'------------------------- valid frames, in order
//! ```
//!
//! Every byte belongs to one piece. A frame with a valid header has the length that its header says,
//! even if the rest of it is corrupt. After an invalid header, the walk searches for the next valid
//! header. So a walk takes time linear in the segment's length, whatever the segment holds.

use crate::disk::Mapped;
use crate::format::{FRAME_HEADER_BYTES, FRAMES_AT, Frame, FrameFault, FrameHeader, SegmentHeader};
use crate::recovery::was_durable;
use crate::types::Lsn;

/// A piece of a segment.
#[derive(Clone, Debug)]
pub(super) enum Piece<'a> {
    /// A valid frame.
    Frame {
        /// Where it begins.
        offset: u32,
        /// The frame itself.
        frame: Frame<'a>,
        /// Whether the frame counts.
        counts: Counts,
    },
    /// Bytes that should be a frame, and are not a valid one.
    Damage(Damage<'a>),
    /// The bytes behind the frames.
    Rest {
        /// Where they begin.
        offset: u32,
        /// How many bytes there are up to the last one that is not zero.
        remains: u32,
        /// How many bytes there are.
        len: u32,
    },
}

/// Whether a valid frame counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Counts {
    /// It counts.
    Yes,
    /// The next segment has a frame with this LSN, and that frame counts.
    No,
}

/// Bytes that should be a frame, and are not a valid one.
#[derive(Clone, Debug)]
pub(super) struct Damage<'a> {
    /// Where it begins.
    pub(super) offset: u32,
    /// Its length in bytes; 0 if the expected frames are missing altogether.
    pub(super) len: u32,
    /// The LSN of the expected frame.
    pub(super) lsn: Lsn,
    /// What is wrong with it.
    pub(super) fault: FrameFault,
    /// The frame, if its descriptors are valid.
    pub(super) items: Option<Frame<'a>>,
    /// What the damage means.
    pub(super) nature: Nature,
}

/// What damage means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Nature {
    /// No later frame says that the frame was durable: a crash may have left it like this.
    Torn,
    /// The frame was durable: a later frame says so, or there is a next segment.
    Rotted,
    /// There is damage before it, and the first damage decides.
    Behind,
}

/// An iterator over the pieces of a segment.
#[derive(Clone, Debug)]
pub(super) struct Walk<'a> {
    mapped: &'a Mapped,
    image: &'a [u8],
    header: &'a SegmentHeader,
    at: usize,
    next: Lsn,
    /// The first LSN of the next segment.
    until: Option<Lsn>,
    is_damaged: bool,
}

impl<'a> Walk<'a> {
    /// Begins with the first frame of a segment.
    pub(super) fn new(
        mapped: &'a Mapped,
        header: &'a SegmentHeader,
        until: Option<Lsn>,
    ) -> Walk<'a> {
        let (at, next) = (FRAMES_AT as usize, header.first_lsn);
        Walk { mapped, image: mapped.bytes(), header, at, next, until, is_damaged: false }
    }

    /// Begins within a segment, at an offset where the frame `next` is expected.
    pub(super) fn from(self, offset: u32, next: Lsn) -> Walk<'a> {
        Walk { at: offset as usize, next, ..self }
    }

    /// Returns whether the next frame counts.
    fn counts(&self) -> Counts {
        if self.until.is_some_and(|until| self.next >= until) { Counts::No } else { Counts::Yes }
    }

    /// Returns the piece for a place without a valid frame.
    fn fault(&mut self, fault: FrameFault) -> Piece<'a> {
        let rest = &self.image[self.at..];
        if self.counts() == Counts::No {
            return self.rest();
        }
        let (len, then) = match FrameHeader::decode(rest, self.header.salt) {
            Ok(header) if header.lsn > self.next => (0, header.lsn),
            Ok(header) if header.lsn == self.next => (header.len as usize, self.next.next()),
            Ok(header) => (header.len as usize, self.next),
            Err(_) => match self.later_headers().next() {
                Some((at, header)) => (at - self.at, header.lsn),
                None if self.until.is_some() => (rest.len(), self.next),
                None if self.looks_expected(rest) => (written(rest), self.next),
                None => return self.rest(),
            },
        };
        let damage = Damage {
            offset: self.at as u32,
            len: len as u32,
            lsn: self.next,
            // A frame with another LSN says nothing about the expected frame.
            items: Frame::peek(rest).filter(|_| !matches!(fault, FrameFault::Lsn { .. })),
            fault,
            nature: self.nature(),
        };
        self.is_damaged = true;
        self.at += len;
        self.next = then;
        Piece::Damage(damage)
    }

    /// Returns whether bytes look like the expected frame, although they are not valid.
    fn looks_expected(&self, rest: &[u8]) -> bool {
        let fields = (rest.len() >= FRAME_HEADER_BYTES).then(|| FrameHeader::read_fields(rest));
        fields.flatten().is_some_and(|header| header.lsn == self.next)
    }

    /// Returns what it means that the expected frame is not valid.
    fn nature(&self) -> Nature {
        if self.is_damaged {
            return Nature::Behind;
        }
        // The writer begins the next segment only when all of this one is durable.
        let has_rotted = self.until.is_some()
            || was_durable(self.header, self.mapped, self.at as u32, self.next);
        if has_rotted { Nature::Rotted } else { Nature::Torn }
    }

    /// Returns each valid header behind this place, of the expected frame or of a later one, with
    /// its offset. Frames begin at multiples of 8 bytes.
    fn later_headers(&self) -> impl Iterator<Item = (usize, FrameHeader)> + use<'a> {
        let (image, salt, from, next) = (self.image, self.header.salt, self.at, self.next);
        (from + 8..image.len()).step_by(8).filter_map(move |at| {
            let rest = &image[at..];
            let is_long_enough = rest.len() >= FRAME_HEADER_BYTES;
            let header = is_long_enough.then(|| FrameHeader::read_fields(rest)).flatten()?;
            let is_later = header.lsn >= next;
            (is_later && FrameHeader::decode(rest, salt).is_ok()).then_some((at, header))
        })
    }

    /// Returns the rest of the segment as one piece.
    fn rest(&mut self) -> Piece<'a> {
        let rest = &self.image[self.at..];
        let (offset, len) = (self.at as u32, rest.len() as u32);
        self.at = self.image.len();
        Piece::Rest { offset, remains: written(rest) as u32, len }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let rest = self.image.get(self.at..).filter(|rest| !rest.is_empty())?;
        match Frame::decode(rest, self.header.salt, self.next) {
            Ok(frame) => {
                let (offset, counts) = (self.at as u32, self.counts());
                self.at += frame.bytes().len();
                self.next = self.next.next();
                Some(Piece::Frame { offset, frame, counts })
            }
            Err(fault) => Some(self.fault(fault)),
        }
    }
}

/// Returns how many bytes there are up to the last one that is not zero.
fn written(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1)
}
