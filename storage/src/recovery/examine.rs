//! What recovery would do with a directory, asked without a write.
//!
//! ```text
//!   list --> each segment: scan, judge, replay --> OpenAction: where it would go on, what again, what not
//!                                                  or the error with which it would refuse
//! ```
//!
//! It is recovery's own judgement: the same functions, in the order of [`super::recover`], but with no
//! more than two segments in memory, and with what holds before the damage as a result where recovery
//! has none.

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
    /// There is no log yet: it would make one.
    Creates,
    /// It would write nothing: this frame says that the log was closed.
    GoesOn {
        /// Its number.
        last: Lsn,
    },
    /// It would write a new segment.
    Writes {
        /// Which.
        into: SegmentId,
        /// The frames that it would write again: the first, and the last.
        again: Option<(Lsn, Lsn)>,
        /// What it would discard.
        torn: Option<Torn>,
    },
}

/// What a crash has torn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Torn {
    /// In which segment.
    pub(crate) segment: SegmentId,
    /// From where on.
    pub(crate) offset: u32,
    /// Up to where there is something.
    pub(crate) end: u32,
    /// The first frame that is not there.
    pub(crate) lsn: Lsn,
}

/// What was found out.
#[derive(Debug)]
pub(crate) struct Examined {
    /// What recovery would do, or say.
    pub(crate) action: Result<OpenAction>,
    /// What the groups hold, by the frames before the damage, if there is damage.
    pub(crate) groups: Result<Groups>,
    /// The frame after the last that holds and is in its place: up to there the log can be cut.
    pub(crate) reach: Option<Lsn>,
}

/// Takes segments one after the other.
#[derive(Debug)]
pub(crate) struct Examiner {
    replay: Replay,
    /// What is wrong with the names, or the first header: recovery looks at these first.
    bad_header: Option<Error>,
    /// What is wrong with the first frame of which something is wrong.
    bad_frame: Option<Error>,
    action: OpenAction,
    reach: Option<Lsn>,
}

impl Examiner {
    /// Begins with the names.
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

    /// Takes a segment, and the one that follows it.
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

    /// Returns what was found out.
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

/// Returns whether a frame of the last segment was durable, as a later one says, that is due at `end` and
/// does not hold.
pub(crate) fn was_durable(header: &SegmentHeader, image: &Mapped, end: u32, next: Lsn) -> bool {
    let segment = CheckedSegment { header: *header, image: image.clone() };
    let (frames, proven_through) = (Vec::new(), next.before());
    judge(&segment, &Scan { frames, end, next, fault: None, proven_through }).is_err()
}

/// Returns what would be done with the last segment.
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
