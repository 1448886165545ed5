//! A segment's bytes, piece by piece, whatever they are: frames, damage, and what comes after.
//!
//! ```text
//!   [40][41] ??????? [43][44] zeros
//!     |   |     |      |    |    '-- the rest
//!     |   |     |      '----'------- frames again: they hold under this segment's salt
//!     |   |     '------------------- damage: 42 was due, and does not hold
//!     '---'------------------------- frames that hold, in order
//! ```
//!
//! Every byte belongs to one piece. A frame whose header holds is as long as that says, even if
//! nothing else of it holds; otherwise the next header that holds is looked for. So a walk takes time
//! linear in the segment's length, whatever is in it.

use crate::disk::Mapped;
use crate::format::{FRAME_HEADER_BYTES, FRAMES_AT, Frame, FrameFault, FrameHeader, SegmentHeader};
use crate::recovery::was_durable;
use crate::types::Lsn;

/// What stands at a place.
#[derive(Clone, Debug)]
pub(super) enum Piece<'a> {
    /// A frame that holds.
    Frame {
        /// Where it begins.
        offset: u32,
        /// It.
        frame: Frame<'a>,
        /// Whether it counts.
        counts: Counts,
    },
    /// What should be a frame, and does not hold.
    Damage(Damage<'a>),
    /// What is behind the frames.
    Rest {
        /// Where it begins.
        offset: u32,
        /// How many bytes there are up to the last that is not zero.
        remains: u32,
        /// How many there are.
        len: u32,
    },
}

/// Whether a frame counts that holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Counts {
    /// It does.
    Yes,
    /// The next segment has a frame of this number, and that one counts.
    No,
}

/// What should be a frame, and does not hold.
#[derive(Clone, Debug)]
pub(super) struct Damage<'a> {
    /// Where it begins.
    pub(super) offset: u32,
    /// How long it is; 0 if frames are not there at all.
    pub(super) len: u32,
    /// The frame that was due.
    pub(super) lsn: Lsn,
    /// What is wrong with it.
    pub(super) fault: FrameFault,
    /// The frame, as far as its descriptors hold.
    pub(super) items: Option<Frame<'a>>,
    /// What that means.
    pub(super) nature: Nature,
}

/// What damage means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Nature {
    /// Nobody says that it was durable: a crash may have left it so.
    Torn,
    /// It was durable: a later frame says so, or there is a next segment.
    Rotted,
    /// There is damage before it, and that decides.
    Behind,
}

/// Goes through a segment.
#[derive(Clone, Debug)]
pub(super) struct Walk<'a> {
    mapped: &'a Mapped,
    image: &'a [u8],
    header: &'a SegmentHeader,
    at: usize,
    next: Lsn,
    /// The next segment's first frame.
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

    /// Begins within a segment, where this frame is due.
    pub(super) fn from(self, offset: u32, next: Lsn) -> Walk<'a> {
        Walk { at: offset as usize, next, ..self }
    }

    /// Returns whether what comes next counts.
    fn counts(&self) -> Counts {
        if self.until.is_some_and(|until| self.next >= until) { Counts::No } else { Counts::Yes }
    }

    /// Takes what does not hold.
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
                None if self.is_as_due(rest) => (written(rest), self.next),
                None => return self.rest(),
            },
        };
        let damage = Damage {
            offset: self.at as u32,
            len: len as u32,
            lsn: self.next,
            // A frame that is not due has nothing to say of the one that is.
            items: Frame::peek(rest).filter(|_| !matches!(fault, FrameFault::Lsn { .. })),
            fault,
            nature: self.nature(),
        };
        self.is_damaged = true;
        self.at += len;
        self.next = then;
        Piece::Damage(damage)
    }

    /// Returns whether bytes look like the frame that is due, although they do not hold.
    fn is_as_due(&self, rest: &[u8]) -> bool {
        let fields = (rest.len() >= FRAME_HEADER_BYTES).then(|| FrameHeader::read_fields(rest));
        fields.flatten().is_some_and(|header| header.lsn == self.next)
    }

    /// Says what it means that the frame that is due does not hold.
    fn nature(&self) -> Nature {
        if self.is_damaged {
            return Nature::Behind;
        }
        // A segment is left only when all of it is durable.
        let has_rotted = self.until.is_some()
            || was_durable(self.header, self.mapped, self.at as u32, self.next);
        if has_rotted { Nature::Rotted } else { Nature::Torn }
    }

    /// Returns the headers behind this place that hold, of this frame or of later ones, wherever they
    /// stand; with where each begins.
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

    /// Takes all that is left.
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

/// Returns how many bytes there are up to the last that is not zero.
fn written(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1)
}
