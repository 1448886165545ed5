//! Recovery: it reads a directory, decides which frames count, and makes them durable.
//!
//! ```text
//!   lock           only one process may use the directory
//!   read_headers   list the segments; each header holds, no segment is missing       or refuse
//!   scan           read every frame and every byte, in the order of LSNs             or refuse
//!   judge          where the last segment's frames end: clean, torn, or rotted       or refuse
//!   replay         apply the frames, group by group; no group has a gap              or refuse
//!   rewrite_tail   write and sync again every frame that no later frame proves durable:
//!                  into a new segment, or, if the disk is full, in place
//! ```
//!
//! Recovery writes nothing until it has judged everything. A directory that it refuses stays as it is.
//! Recovery itself may crash: the next opening starts again with the same bytes.
//!
//! Why is the tail written again? The bytes that recovery reads may not be on the disk. After a sync
//! has failed, the page cache can show bytes that the disk does not hold. No later sync of that file
//! reports this. Only a later frame that says so proves that a frame is durable.

mod cut; // truncates a log at a frame, for an operator
mod examine; // what recovery would do, found out without a write
mod headers; // which segments there are
mod in_place; // rewrites the tail in place, if the disk has no room for another segment
mod list; // reads the segments of a directory one by one, and changes nothing
mod places; // the entries of a group, while they are replayed
mod replay; // applies the frames
mod rewrite_tail; // writes the unproven frames again
mod scan; // which frames hold
mod tail; // where the log ends, and why

pub(crate) use cut::{Cut, Planner, Uncuttable};
pub(crate) use examine::{Examined, Examiner, OpenAction, Torn, was_durable};
pub(crate) use list::{Directory, SegmentFile, each, list};
pub(crate) use tail::lost;

use crate::disk::{Disk, Mapped};
use crate::error::{Error, Result};
use crate::format::StoreId;
use crate::groups::Groups;
use crate::log::{View, Writer};
use crate::options::Options;
use crate::segment::{Content, Segment};
use crate::types::Lsn;
use headers::{CheckedSegment, Headers, read_headers};
use replay::Replay;
use rewrite_tail::Plan;
use scan::{Scan, scan};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use tail::{End, judge};

/// A recovered log: what [`crate::Log`] needs to continue.
pub(crate) struct Recovered<F> {
    /// The store.
    pub(crate) store: StoreId,
    /// Where the next frame goes.
    pub(crate) writer: Writer<F>,
    /// What readers see.
    pub(crate) view: View,
    /// The LSN up to which everything is durable.
    pub(crate) durable: Lsn,
    /// Whether there was room for a new segment.
    pub(crate) disk_space: DiskSpace,
}

/// Whether a disk has room for another segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DiskSpace {
    /// The disk has not been full so far.
    Available,
    /// The disk had no room at the last attempt.
    Full,
}

/// Locks the directory, if it contains no file of another program.
///
/// # Errors
/// [`Error::ForeignFile`], [`Error::Locked`]; any error of the disk.
pub(crate) fn lock<D: Disk>(disk: &D) -> Result<D::Lock> {
    // Checked before the lock file is made: a directory that is not ours gets no file from us.
    headers::refuse_foreign(disk)?;
    disk.lock().map_err(|error| {
        let is_held = error.kind() == ErrorKind::WouldBlock;
        if is_held { Error::Locked } else { Error::io("locking", "the directory", error) }
    })
}

/// Recovers the log of a directory that is locked. Creates a log if there is none.
///
/// # Errors
/// As [`crate::Log::open_on`].
pub(crate) fn recover<D: Disk>(disk: &D, options: &Options) -> Result<Recovered<D::File>> {
    let Headers { mut segments, strays } = read_headers(disk)?;
    let Some(last) = segments.last() else {
        rewrite_tail::clear(disk, &strays)?;
        return rewrite_tail::create(disk, options);
    };

    let store = last.header.store;
    let (plan, groups) = judge_segments(&segments, |last, scan, end| {
        rewrite_tail::plan(disk, options, last, scan, end)
    })?;
    rewrite_tail::clear(disk, &strays)?;
    in_place::give_name_back(disk, last.header.segment)?;
    let (writable, groups, disk_space) = match rewrite_tail::carry_out(disk, last, plan) {
        Err(Error::NoSpace { bytes }) => {
            drop(groups); // some of its entries would be in the segment that has no room
            let (plan, groups) = judge_segments(&segments, |last, scan, _| {
                in_place::plan(last, scan).map(Plan::InPlace).ok_or(Error::NoSpace { bytes })
            })?;
            let mut last = segments.pop().expect("there is a last one");
            last.image = Mapped::new([]); // no map of the file may exist while the file is written
            let writable = rewrite_tail::carry_out(disk, &last, plan)?;
            (writable, groups, DiskSpace::Full)
        }
        writable => (writable?, groups, DiskSpace::Available),
    };
    let mut view = View { groups, segments: BTreeMap::new() };
    for segment in &segments {
        view.segments.insert(segment.header.segment, sealed(segment));
    }
    view.segments.insert(writable.writer.segment, writable.tail);
    let writer = writable.writer;
    let durable = writer.next_lsn.before();
    Ok(Recovered { store, writer, view, durable, disk_space })
}

/// Judges every frame of the segments. Returns the plan that `plan` makes for the last segment, and
/// what the groups will hold after it. Nothing is written.
fn judge_segments(
    segments: &[CheckedSegment],
    plan: impl FnOnce(&CheckedSegment, &Scan, End) -> Result<Plan>,
) -> Result<(Plan, Groups)> {
    let (last, earlier) = segments.split_last().expect("there is a last one");
    let mut replay = Replay::default();
    for (segment, next) in earlier.iter().zip(&segments[1..]) {
        let scan = scan(segment, Some(next.header.first_lsn));
        if scan.next < next.header.first_lsn {
            return Err(tail::acknowledged(segment, &scan).into());
        }
        replay.frames(segment, &scan.frames);
    }

    let scan = scan(last, None);
    let end = judge(last, &scan)?;
    let plan = plan(last, &scan, end)?;
    replay.frames(last, scan.proven());
    replay.rewritten(&plan);
    Ok((plan, replay.finish()?))
}

/// Returns the segment as readers see it. It will not be written again.
fn sealed(segment: &CheckedSegment) -> Segment {
    Segment { capacity: segment.header.capacity, content: Content::Sealed(segment.image.clone()) }
}
