//! Step 5: a file that is there, and the one after it.
//!
//! ```text
//!   spare.tmp --written, synced--> renamed --directory synced--> 00000002.log       and not before
//!   00000001.log .. 00000014.log        in the order of their numbers, none missing
//! ```

use super::images::{Items, SEGMENT_BYTES, Segment, disk_of, disk_with, one};
use crate::storage::kit::crash_test::{CrashTest, During, InjectedFault};
use crate::storage::kit::words::{G1, G7, at, differs, entry, found, must, shown, small};
use crate::storage::rule;
use harness::{Check, Failure, Rule, Table, Verdict, current};
use std::collections::{BTreeMap, BTreeSet};
use storage::format::{Salt, SegmentHeader};
use storage::{Batch, Disk, Error, Log, Rot, SimDisk};
use testbed::engine::history::{History, LogCall};
use testbed::engine::model::BatchChange;
use testbed::engine::power_cut::PLAIN_WAYS;

/// Returns the call that appends g7's `n`th entry, a ninth of a segment.
fn append(n: u64) -> LogCall {
    LogCall::append([BatchChange::entries(G7, vec![entry(n, 1, 900)])])
}

/// Returns a history that fills segments: three batches each, each followed by this many syncs.
fn filling(batches: u64, sync: &[LogCall]) -> History {
    let calls = (1..=batches).flat_map(|n| [&[append(n)], sync].concat());
    History::new(calls.collect())
}

fn power_cuts(history: &History) -> Verdict {
    let crash_test = CrashTest {
        seed: 6,
        options: small(),
        trouble: InjectedFault::PowerCut { ways: PLAIN_WAYS + 3 },
        during: During::Anything,
    };
    match crash_test.check_found(history) {
        Ok(_) => Ok(()),
        Err(failed) => failed.explain().fail(),
    }
}

/// A file is complete when it has its name, and the name is durable before the log depends on it.
pub(super) fn dir_sync_on_rotate(_: &mut Check) -> Verdict {
    power_cuts(&filling(10, &[LogCall::Sync]))
}

/// A segment is left only when all of it is durable.
pub(super) fn left_when_durable(_: &mut Check) -> Verdict {
    power_cuts(&filling(10, &[]))?;
    // All of it but its last frame is durable when it is left.
    let calls = (1..=10).flat_map(|n| match n % 4 {
        3 => vec![append(n), LogCall::Sync],
        _ => vec![append(n)],
    });
    power_cuts(&History::new(calls.collect()))
}

/// Returns the segments of a directory: their names, and their bytes.
fn segments(disk: &SimDisk) -> BTreeMap<String, Vec<u8>> {
    let names = disk.list().unwrap_or_default();
    let names = names.into_iter().filter(|name| name.ends_with(".log"));
    names.map(|name| (name.clone(), disk.bytes(&name))).collect()
}

/// Runs a history to its end.
fn ran(rule: &Rule, history: &History) -> Result<SimDisk, Box<Failure>> {
    let disk = SimDisk::new(8);
    let log = found(rule, &disk, small())?;
    match history.run_on(&disk, &log).error {
        Some(error) => must(rule, "a batch", "Log::find_room", Err(error)),
        None => Ok(disk.after_kill()),
    }
}

/// More segments than one digit counts, in the order of their numbers.
pub(super) fn file_order_rollover(_: &mut Check) -> Verdict {
    let history = filling(80, &[]);
    let disk = ran(rule("segments_in_order"), &history)?;
    let names: Vec<String> = segments(&disk).into_keys().collect();
    if names.len() < 17 {
        let because = "80 entries of 900 bytes each fill 20 segments of 8192 bytes";
        let got = format!("{} segments", names.len());
        return differs(
            rule("segments_in_order"),
            because,
            "17 segments or more",
            got,
            "Log::find_room",
        )
        .fail();
    }
    current::doing_within(format!("opening a log of {} segments", names.len()), &["check_follows"]);
    let log = must(
        rule("segments_in_order"),
        "opening it again",
        "check_follows",
        Log::open_on(disk, small()),
    )?;
    let (seen, want) = (shown(&log), history.end().to_string());
    if seen == want {
        return Ok(());
    }
    let because = format!("{} segments were written, and opened again", names.len());
    differs(rule("segments_in_order"), because, want, seen, "check_follows").fail()
}

/// A frame is within its segment, and a segment keeps its length.
pub(super) fn segments_keep_their_length(_: &mut Check) -> Verdict {
    let disk = SimDisk::new(8);
    let log = found(rule("segments_keep_their_length"), &disk, small())?;
    // Lengths that leave every possible rest, from nothing to almost a frame.
    for n in 0..60_u64 {
        let len = 200 + (n * 97 % 1500) as usize;
        let appending = format!("appending entry {}, of {len} bytes", n + 1);
        current::doing_within(appending, &["Log::find_room"]);
        let outcome = log.append(Batch::new().entries(G7, &[entry(n + 1, 1, len)]));
        must(
            rule("segments_keep_their_length"),
            &format!("entry {}, of {len} bytes,", n + 1),
            "Log::find_room",
            outcome,
        )?;
    }
    let mut table = Table::new(rule("segments_keep_their_length"), "file");
    for (name, bytes) in segments(&disk) {
        table.reads(name, SEGMENT_BYTES, bytes.len(), "Log::find_room");
    }
    for (name, bytes) in filled_with_removals()? {
        let what = format!("{name}, of batches that only remove");
        table.reads(what, SEGMENT_BYTES, bytes.len(), "Log::find_room");
    }
    table.verdict()
}

/// Returns the segments of a log of batches that only remove: nothing is kept free for others, so
/// they use a segment to its end. Ends with the first segment that has changed its length.
fn filled_with_removals() -> Result<BTreeMap<String, Vec<u8>>, Box<Failure>> {
    let disk = SimDisk::new(8);
    let log = found(rule("segments_keep_their_length"), &disk, small())?;
    for n in 1..=12 {
        let what = format!("batch {n}, which only removes a long key,");
        current::doing_within(format!("appending {what}"), &["Log::find_room"]);
        let outcome = log.append(Batch::new().delete(G7, &[b'k'; 1000]));
        must(rule("segments_keep_their_length"), &what, "Log::find_room", outcome)?;
        if segments(&disk).values().any(|bytes| bytes.len() != SEGMENT_BYTES as usize) {
            break;
        }
    }
    Ok(segments(&disk))
}

/// Says what an opening of a directory shows.
fn taken(outcome: Result<Log<SimDisk>, Error>) -> String {
    let error = match outcome {
        Ok(log) => return shown(&log),
        Err(error) => error,
    };
    if let Error::MissingSegment { segment, .. } = &error {
        return format!("refused: {segment} is missing");
    }
    if let Error::ForeignStore { segment } = &error {
        return format!("refused: {segment} is of another store");
    }
    match error.corruption() {
        Some(corruption) => match (corruption.rot, corruption.lsn) {
            (Rot::Acknowledged, Some(lsn)) => format!("refused: LSN {lsn} has rotted"),
            (Rot::Segment, _) => {
                format!("refused: {} is damaged at {}", corruption.segment, corruption.offset)
            }
            (_, _) => format!("refused: {error}"),
        },
        None => format!("refused: {error}"),
    }
}

/// A segment may hold frames that were copied to the next one. They count there.
const OLD_FRAME: &str = "1 and 2; an LSN 3 is in 1, too";

/// A directory is the whole log, in order, or it is refused.
pub(super) fn missing_segment_refused(_: &mut Check) -> Verdict {
    let s1 = Segment::new(1, 1).frame(&one(1, 1), 0).frame(&one(2, 1), 1);
    let s2 = Segment::new(2, 3).frame(&one(3, 1), 2).frame(&one(4, 1), 3);
    let s3 = Segment::new(3, 5).frame(&one(5, 1), 4);
    let base = Items::default().item(G7, storage::format::Op::Compact { through: at(2, 1) }, b"");
    let alone = Segment::new(2, 3).frame(&base, 2).frame(&one(3, 1), 3);
    let mut rotted = s1.clone();
    let span = rotted.span(1);
    rotted.bytes()[span.start + 70] ^= 1;
    let short = Segment::new(1, 1).frame(&one(1, 1), 0);
    // Without LSN 3 and 4, which are in segment 2, this looks like a whole log.
    let back = Segment::new(3, 2).frame(&one(3, 1), 1);
    let old = s1.clone().frame(&Items::default().put(G1, "k", "old"), 2);
    let empty = Segment::new(2, 3);
    let after_it = Segment::new(3, 3).frame(&one(3, 1), 2);
    let foreign = Segment::foreign(2, 3).frame(&one(3, 1), 2);
    let rows = [
        ("1, 2, 3", "g7 1..=5@1", disk_of(&[s1.clone(), s2.clone(), s3.clone()])),
        ("2 alone: 1 was collected", "g7 after 2@1 3@1", disk_of(&[alone])),
        ("1, 2 without a frame, 3", "g7 1..=3@1", disk_of(&[s1.clone(), empty, after_it])),
        (OLD_FRAME, "g7 1..=4@1", disk_of(&[old, s2.clone()])),
        ("1 and 3", "refused: 2 is missing", disk_of(&[s1.clone(), s3.clone()])),
        (
            "1, 2 of another store",
            "refused: 2 is of another store",
            disk_of(&[s1.clone(), foreign]),
        ),
        (
            "1, 2, and 3 begins before 2",
            "refused: 3 is damaged at 40",
            disk_of(&[s1.clone(), s2.clone(), back]),
        ),
        ("1 and 2; LSN 2 damaged", "refused: LSN 2 has rotted", disk_of(&[rotted, s2.clone()])),
        ("1 and 2; LSN 2 missing", "refused: LSN 2 has rotted", disk_of(&[short, s2.clone()])),
        (
            "1 and 2, their names swapped",
            "refused: 1 is damaged at 32",
            disk_with(&[(s1.name(), &s2), (s2.name(), &s1)]),
        ),
    ];
    let mut table = Table::new(rule("the_directory_is_whole"), "segments in the directory");
    for (what, must, disk) in rows {
        let function = if what == OLD_FRAME { "scan" } else { "check_follows" };
        current::doing_within(format!("opening a directory: {what}"), &[function]);
        let was = taken(Log::open_on(disk, small()));
        table.reads(what, must, was, function);
    }
    table.verdict()
}

/// Frames from an earlier use of a file do not count.
pub(super) fn recycled_file_old_records(_: &mut Check) -> Verdict {
    let mut table = Table::new(rule("a_salt_of_its_own"), "a segment, and what follows its frames");
    let now = || Segment::new(1, 1).frame(&one(1, 1), 0).frame(&one(2, 1), 1);
    let old_salt = Salt::new(5555);
    let leftover = |salt: Salt| {
        let frames = [one(3, 9).place(3, 2, salt), one(4, 9).place(4, 3, salt)];
        now().behind(&frames.concat())
    };
    let own = now().salt();
    for (what, must, segment) in [
        ("two frames, then zeros", "g7 1..=2@1", now()),
        ("two frames, then two of its own", "g7 1..=2@1 3..=4@9", leftover(own)),
        ("two frames, then LSN 3 and 4 of an earlier use", "g7 1..=2@1", leftover(old_salt)),
    ] {
        let was = taken(Log::open_on(disk_of(&[segment]), small()));
        table.reads(what, must, was, "FrameHeader::decode");
    }
    let disk = ran(rule("a_salt_of_its_own"), &filling(20, &[]))?;
    let salt = |bytes: &Vec<u8>| SegmentHeader::decode(bytes).ok().map(|header| header.salt.seed());
    let all = segments(&disk);
    let different: BTreeSet<Option<u32>> = all.values().map(salt).collect();
    let what = format!("{} segments, one after the other", all.len());
    let [must, was] = [all.len(), different.len()].map(|count| format!("{count} salts"));
    table.reads(what, must, was, "Log::rotate");
    table.verdict()
}
