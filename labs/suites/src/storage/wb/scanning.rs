//! Step 2: where the frames of a segment end.
//!
//! ```text
//!   [ 1 ][ 2 ][ 3 ] zeros            3 frames, and the next is LSN 4
//!   [ 1 ][ 2 ][ ? ][ 4 ]             2 frames: what comes after a gap does not count
//!   [ 1 ][ 2 ] ... [ 9 ]|            the last byte of the segment is used, too
//! ```

use super::images::{Items, SEGMENT_BYTES, Segment, disk_of, one};
use crate::storage::kit::words::{G7, must, open, short, small};
use crate::storage::rule;
use harness::{Check, Failure, Rule, Table, Verdict, current};
use storage::format::Op;
use storage::{Batch, Log, SimDisk};

/// Opens a directory, and returns the last LSN that counts.
fn last_lsn(disk: &SimDisk, what: &str) -> String {
    current::doing_within(format!("opening a log: {what}"), &["scan", "Scan::take"]);
    match Log::open_on(disk.after_kill(), small()) {
        Ok(log) if log.durable_lsn() == log.appended_lsn() => log.appended_lsn().to_string(),
        Ok(log) => format!("{}, durable {}", log.appended_lsn(), log.durable_lsn()),
        Err(error) => format!("refused: {error}"),
    }
}

/// Returns a segment with this many frames; each says that the one before it is durable.
fn frames(number: u32, first_lsn: u64, count: u64) -> Segment {
    (0..count).fold(Segment::new(number, first_lsn), |segment, n| {
        segment.frame(&one(n + 1, 1), first_lsn + n - 1)
    })
}

/// Returns a segment whose frames fill it to its last byte.
fn filled() -> Segment {
    let long = |bytes: usize| Items::default().item(G7, Op::Put { key_len: 1 }, &vec![b'k'; bytes]);
    let segment = (0..3).fold(Segment::new(1, 1), |s, n| s.frame(&long(1024 - 64), n));
    let left = SEGMENT_BYTES as usize - segment.end() - 64;
    segment.frame(&long(left), 3)
}

/// A new segment is full of zeros; no number of zeros is a frame.
pub(super) fn preallocated_zeros(_: &mut Check) -> Verdict {
    let mut table = Table::new(rule("zeros_are_no_frames"), "a directory that is opened");
    let fresh = SimDisk::new(4);
    if let Err(error) = Log::open_on(fresh.clone(), small()) {
        return Failure::of(rule("zeros_are_no_frames"))
            .because("an empty disk is refused")
            .got(error.to_string())
            .fail();
    }
    let mut row = |what: &str, must: u64, disk: &SimDisk| {
        table
            .equal(what, must.to_string(), last_lsn(disk, what))
            .decided_in_one_of(&["scan", "Scan::take"]);
    };
    row("created, and never written", 0, &fresh);
    row("a header, and nothing but zeros", 0, &disk_of(&[frames(1, 1, 0)]));
    row("three frames, and zeros to the end", 3, &disk_of(&[frames(1, 1, 3)]));
    row("one frame, and zeros to the end", 1, &disk_of(&[frames(1, 1, 1)]));
    table.verdict()?;
    // The next batch is written where the zeros were.
    let disk = disk_of(&[frames(1, 1, 3)]);
    written_on(&disk, rule("zeros_are_no_frames"))
}

/// Appends a batch to a log of three, and checks its LSN.
fn written_on(disk: &SimDisk, rule: &Rule) -> Verdict {
    let log = open(rule, disk, small())?;
    let outcome = log.append(Batch::new().entries(G7, &[short(1, 2)]));
    let lsn = must(rule, "the next batch", "scan", outcome)?;
    if lsn.0 == 4 {
        return Ok(());
    }
    let because = "three batches were found, and one is appended";
    Failure::of(rule).because(because).expected("LSN 4").got(format!("LSN {lsn}")).fail()
}

/// Frames count one by one, from the first of the segment on, up to the first bad one.
pub(super) fn frames_are_counted(_: &mut Check) -> Verdict {
    let mut table = Table::new(rule("frames_end_where_one_fails"), "frames in the segment");
    let mut row = |what: &str, must: u64, segment: Segment| {
        let was = last_lsn(&disk_of(&[segment]), what);
        table.equal(what, must.to_string(), was).decided_in_one_of(&["scan", "Scan::take"]);
    };
    for count in [1, 2, 5, 30] {
        row(&format!("LSN 1 to {count}"), count, frames(1, 1, count));
    }
    row("LSN 40 to 42, in segment 3", 42, frames(3, 40, 3));
    row("none, and LSN 40 would come first", 39, frames(3, 40, 0));
    row("four, to the segment's last byte", 4, filled());
    let mut torn = frames(1, 1, 3);
    let last = torn.span(2);
    torn.bytes()[last.end - 12] ^= 1;
    row("three, the last of them damaged", 2, torn);
    let skipped = frames(1, 1, 2).frame_of(&one(4, 1), 4, 1);
    row("1, 2, and 4 right after them", 2, skipped);
    let again = frames(1, 1, 2).frame_of(&one(2, 2), 2, 1);
    row("1, 2, and 2 again", 2, again);
    table.verdict()
}
