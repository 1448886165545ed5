//! What recovery would do with a directory, found out without a write.
//!
//! ```text
//!   list --> each segment: scan, judge, replay --> OpenAction: what recovery would write and discard,
//!                                                  or the error with which it would refuse
//! ```
//!
//! The examiner judges as recovery does: it calls the same functions, in the order of
//! [`super::recover`]. There are two differences. It holds at most two segments in memory. And
//! where recovery refuses a log, the examiner also returns what the frames before the damage say.

use super::headers::CheckedSegment;
use super::list::{Directory, SegmentFile};
use super::replay::Replay;
use super::rewrite_tail::{may_go_on, next_segment};
use super::scan::{Scan, scan};
use super::tail::{self, End, judge};
use crate::disk::Mapped;
use crate::error::{Error, Result};
use crate::format::SegmentHeader;
use crate::groups::Groups;
use crate::types::{Lsn, SegmentId};

/// What recovery would do.
#[derive(Clone, Debug)]
pub(crate) enum OpenAction {
    /// There is no log yet: recovery would create one.
    Creates,
    /// Recovery would write nothing: the last frame says that the log was closed.
    GoesOn {
        /// The LSN of the last frame.
        last: Lsn,
    },
    /// Recovery would write a new segment.
    Writes {
        /// The new segment.
        into: SegmentId,
        /// The frames that recovery would write again: the first, and the last.
        again: Option<(Lsn, Lsn)>,
        /// What recovery would discard.
        torn: Option<Torn>,
    },
}

/// The end of the log that a crash has torn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Torn {
    /// The segment.
    pub(crate) segment: SegmentId,
    /// Where the torn part begins.
    pub(crate) offset: u32,
    /// Where the torn part ends: only zeros follow.
    pub(crate) end: u32,
    /// The first frame that does not hold.
    pub(crate) lsn: Lsn,
}

/// The result of an examination.
#[derive(Debug)]
pub(crate) struct Examined {
    /// What recovery would do, or the error with which it would refuse.
    pub(crate) action: Result<OpenAction>,
    /// What the groups hold. If there is damage: by the frames before it.
    pub(crate) groups: Result<Groups>,
    /// The LSN after the last frame that holds and is in its place: the log can be cut here, or
    /// earlier.
    pub(crate) reach: Option<Lsn>,
}

/// Examines a directory: it takes the segments one by one.
#[derive(Debug)]
pub(crate) struct Examiner {
    replay: Replay,
    /// The first error in the names or headers: recovery checks these first.
    bad_header: Option<Error>,
    /// The first error in the frames.
    bad_frame: Option<Error>,
    action: OpenAction,
    reach: Option<Lsn>,
}

impl Examiner {
    /// Begins with the names of the files.
    pub(crate) fn new(directory: &Directory) -> Examiner {
        let foreign = directory.foreign.first();
        Examiner {
            replay: Replay::default(),
            bad_header: foreign.map(|name| Error::ForeignFile { name: name.clone() }),
            bad_frame: None,
            action: OpenAction::Creates,
            reach: None,
        }
    }

    /// Examines a segment; `next` is the one that follows it.
    pub(crate) fn segment(&mut self, file: &SegmentFile, next: Option<&SegmentFile>) {
        let header = match file.in_place() {
            Ok(header) => *header,
            Err(error) => {
                self.bad_header.get_or_insert(error);
                self.bad_frame.get_or_insert(Error::NotASegment { name: file.name.clone() });
                return;
            }
        };
        if self.bad_frame.is_some() {
            return;
        }
        let segment = CheckedSegment { header, image: file.image.clone() };
        let until = next.and_then(|next| next.in_place().ok()).map(|header| header.first_lsn);
        let scan = scan(&segment, until);
        self.replay.frames(&segment, &scan.frames);
        self.reach = Some(scan.next);
        let outcome = match (until, next) {
            (Some(until), _) if scan.next < until => {
                Err(tail::acknowledged(&segment, &scan).into())
            }
            (Some(_), _) | (None, Some(_)) => return,
            (None, None) => judge(&segment, &scan).and_then(|end| action(&segment, &scan, end)),
        };
        match outcome {
            Ok(action) => self.action = action,
            Err(error) => self.bad_frame = Some(error),
        }
    }

    /// Returns the result.
    pub(crate) fn finish(self) -> Examined {
        let groups = self.replay.finish();
        let refused = self.bad_header.or(self.bad_frame).or(groups.as_ref().err().cloned());
        let action = match refused {
            Some(error) => Err(error),
            None => Ok(self.action),
        };
        Examined { action, groups, reach: self.reach }
    }
}

/// Returns whether a later frame says that the frame `next` was durable. That frame should be at
/// offset `end` of the last segment, and does not hold.
pub(crate) fn was_durable(header: &SegmentHeader, image: &Mapped, end: u32, next: Lsn) -> bool {
    let segment = CheckedSegment { header: *header, image: image.clone() };
    let (frames, proven_through) = (Vec::new(), next.before());
    judge(&segment, &Scan { frames, end, next, fault: None, proven_through }).is_err()
}

/// Returns what recovery would do with the last segment.
fn action(last: &CheckedSegment, scan: &Scan, end: End) -> Result<OpenAction> {
    if may_go_on(scan, end) {
        return Ok(OpenAction::GoesOn { last: scan.next.before() });
    }
    let unproven = scan.unproven();
    let next_lsn = scan.seal().map_or(scan.next, |seal| seal.lsn);
    let first_lsn = unproven.first().map_or(next_lsn, |frame| frame.lsn);
    let again = unproven.first().zip(unproven.last()).map(|(first, last)| (first.lsn, last.lsn));
    let torn = (end == End::Torn).then(|| {
        let rest = &last.image.bytes()[scan.end as usize..];
        let len = rest.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        let segment = last.header.segment;
        Torn { segment, offset: scan.end, end: scan.end + len as u32, lsn: scan.next }
    });
    Ok(OpenAction::Writes { into: next_segment(last, first_lsn)?, again, torn })
}
