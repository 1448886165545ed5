//! Step 6: what is not proven durable is written again.
//!
//! ```text
//!   [1][2][  ][4 old]                        torn: 4 never counted
//!   a new file: [1'][2'] zeros               and nothing can come back after 3
//! ```

use super::images::{Items, Segment, disk_of};
use crate::storage::kit::words::{Checked, G7, at, differs, must, open, reopen, small};
use crate::storage::rule;
use harness::{Check, Rule, Table, Verdict, current};
use storage::format::Op;
use storage::{Batch, Entry, Fault, Log, SimDisk};
use testbed::engine::model::Model;
use testbed::engine::power_cut::PowerCut;

/// Says which value a log shows.
fn value_shown(log: &Log<SimDisk>) -> String {
    log.get(G7, b"k").map_or("nothing".to_owned(), |value| match value.first() {
        Some(first) => first.to_string(),
        None => "an empty value".to_owned(),
    })
}

/// Appends a batch that sets one key. All of them are of one length.
fn append(rule: &Rule, log: &Log<SimDisk>, value: u8) -> Checked<u64> {
    let outcome = log.append(Batch::new().put(G7, b"k", &[value; 40]));
    must(rule, &format!("batch {value}"), "Log::append", outcome).map(|lsn| lsn.0)
}

fn sync(rule: &Rule, log: &Log<SimDisk>) -> Verdict {
    must(rule, "the sync", "Log::sync_to", log.sync_to(log.appended_lsn()))
}

/// What follows a torn frame does not come back after the frame that replaces it.
pub(super) fn append_after_tail_truncation(_: &mut Check) -> Verdict {
    let mut table =
        Table::new(rule("old_bytes_stay_dead"), "appended and lost, but not the frames after it");
    for (closed, before) in [(false, 1), (false, 3), (true, 1), (true, 2)] {
        for behind in 1..=3 {
            let disk = SimDisk::new(2);
            let mut log = open(rule("old_bytes_stay_dead"), &disk, small())?;
            for value in 1..=before {
                append(rule("old_bytes_stay_dead"), &log, value)?;
                sync(rule("old_bytes_stay_dead"), &log)?;
            }
            if closed {
                must(rule("old_bytes_stay_dead"), "closing the log", "Log::close", log.close())?;
                log = open(rule("old_bytes_stay_dead"), &disk, small())?;
            }
            // The first of these is lost, and those after it are kept: they never counted.
            for value in 50..=50 + behind {
                append(rule("old_bytes_stay_dead"), &log, value)?;
            }
            let disk = disk.after_power_cut(&mut PowerCut::first_write_lost());
            let opening = "opening the log after the power cut";
            let log =
                reopen(rule("old_bytes_stay_dead"), &disk, opening, &["may_go_on", "rewrite"])?;
            append(rule("old_bytes_stay_dead"), &log, 99)?;
            sync(rule("old_bytes_stay_dead"), &log)?;
            let opening = "opening the log after one more batch";
            let log = reopen(
                rule("old_bytes_stay_dead"),
                &disk.after_kill(),
                opening,
                &["may_go_on", "rewrite"],
            )?;
            let (last, was) = (before as u64 + 1, value_shown(&log));
            let end = if closed { "closed, opened; " } else { "" };
            let what = format!("LSN {last}; {end}{behind} after it; then 99");
            let was = format!("{was}, at LSN {}", log.appended_lsn());
            table.reads(what, format!("99, at LSN {last}"), was, "may_go_on");
        }
    }
    let disk = disk_of(&[closed_with_remains()]);
    let opening = "opening a closed log with the remains of another frame";
    let log = reopen(rule("old_bytes_stay_dead"), &disk, opening, &["may_go_on", "rewrite"])?;
    append(rule("old_bytes_stay_dead"), &log, 99)?;
    sync(rule("old_bytes_stay_dead"), &log)?;
    let opening = "opening the log after one more batch";
    let disk = disk.after_kill();
    let log = reopen(rule("old_bytes_stay_dead"), &disk, opening, &["may_go_on", "rewrite"])?;
    let was = format!("{}, at LSN {}", value_shown(&log), log.appended_lsn());
    table.reads("closed, an old LSN 3 behind; then 99", "99, at LSN 2", was, "may_go_on");
    table.verdict()
}

/// A log of one batch that was closed. Behind it are the remains of LSN 3, where it would be if LSN 2
/// were a batch: that batch was lost.
fn closed_with_remains() -> Segment {
    let batch = |value: u8| {
        Items::default().item(G7, Op::Put { key_len: 1 }, &[&[b'k'][..], &[value; 40]].concat())
    };
    let mut segment = Segment::new(1, 1).frame(&batch(1), 0).sealed();
    let old = batch(50).place(3, 1, segment.salt());
    let at = segment.span(1).start + segment.span(0).len();
    segment.bytes()[at..at + old.len()].copy_from_slice(&old);
    segment
}

/// How the process ends before the log is opened again.
#[derive(Clone, Copy)]
enum Ended {
    /// It dies, and nothing was synced.
    Unsynced,
    /// The last batch was not synced.
    HalfSynced,
    /// Its last sync failed.
    SyncFailed,
    /// It was closed.
    Closed,
    /// It was opened, and died before it wrote anything; the directory could not be synced.
    NamesFailed,
}

/// What an opening shows survives a power cut right after it, even if it was only in a cache.
pub(super) fn opening_is_durable(_: &mut Check) -> Verdict {
    let mut table = Table::new(rule("an_opening_is_durable"), "opened, then power fails");
    for (what, ended, function) in [
        ("three batches, none synced", Ended::Unsynced, "may_go_on"),
        ("three batches, two synced", Ended::HalfSynced, "may_go_on"),
        ("three batches, and the sync failed", Ended::SyncFailed, "may_go_on"),
        ("three batches, closed", Ended::Closed, "Scan::unproven"),
        ("a new log whose directory's sync failed", Ended::NamesFailed, "may_go_on"),
    ] {
        let disk = ended_so(ended)?;
        let opening = format!("opening a log of {what},");
        let log = reopen(rule("an_opening_is_durable"), &disk, &opening, &[function, "rewrite"])?;
        let before = value_shown(&log);
        let within = &[function, "Scan::proven_count", "Scan::take"];
        table.equal(what, before, after_the_worst(&disk)).decided_in_one_of(within);
        // And so is what is written from there.
        append(rule("an_opening_is_durable"), &log, 7)?;
        sync(rule("an_opening_is_durable"), &log)?;
        let what = format!("{what}; another one, synced");
        table.equal(what, "7".to_owned(), after_the_worst(&disk)).decided_in_one_of(within);
    }
    table.verdict()
}

/// Says what a log shows after the worst possible power cut at this moment; or why it is refused.
fn after_the_worst(disk: &SimDisk) -> String {
    current::doing_within("opening the log after a power cut".to_owned(), &["may_go_on"]);
    match Log::open_on(disk.after_power_cut(&mut PowerCut::worst()), small()) {
        Ok(log) => value_shown(&log),
        Err(error) => format!("refused: {error}"),
    }
}

/// Returns the disk of a process that has ended.
fn ended_so(ended: Ended) -> Checked<SimDisk> {
    let disk = SimDisk::new(5);
    if let Ended::NamesFailed = ended {
        // The last operation of an opening makes the names durable.
        let probe = SimDisk::new(5);
        open(rule("an_opening_is_durable"), &probe, small())?;
        disk.plan(probe.operations(), Fault::Fails);
        let _ = Log::open_on(disk.clone(), small());
        return Ok(disk.after_kill());
    }
    let log = open(rule("an_opening_is_durable"), &disk, small())?;
    append(rule("an_opening_is_durable"), &log, 1)?;
    append(rule("an_opening_is_durable"), &log, 2)?;
    if let Ended::HalfSynced = ended {
        sync(rule("an_opening_is_durable"), &log)?;
    }
    append(rule("an_opening_is_durable"), &log, 3)?;
    match ended {
        Ended::SyncFailed => {
            disk.plan(disk.operations() + 1, Fault::Fails);
            let _ = log.sync_to(log.appended_lsn());
        }
        Ended::Closed => {
            must(rule("an_opening_is_durable"), "closing the log", "Log::close", log.close())?
        }
        Ended::Unsynced | Ended::HalfSynced | Ended::NamesFailed => {}
    }
    Ok(disk.after_kill())
}

/// A process that dies again and again fills no disk.
pub(super) fn reopening_fills_no_disk(_: &mut Check) -> Verdict {
    let mut table =
        Table::new(rule("reopening_fills_no_disk"), "opened 20 times; bytes on the disk");
    for (what, batches, closed) in [
        ("nothing was ever written", 0, false),
        ("one batch, never synced", 1, false),
        ("two batches, one of them synced", 2, false),
        ("two batches, closed", 2, true),
    ] {
        let disk = SimDisk::new(1);
        let log = open(rule("reopening_fills_no_disk"), &disk, small())?;
        for value in 1..=batches {
            append(rule("reopening_fills_no_disk"), &log, value)?;
            if value == 1 && batches > 1 {
                sync(rule("reopening_fills_no_disk"), &log)?;
            }
        }
        if closed {
            must(rule("reopening_fills_no_disk"), "closing the log", "Log::close", log.close())?;
        }
        let mut disk = disk.after_kill();
        for _ in 0..20 {
            let opening = format!("opening a log: {what},");
            let log = reopen(
                rule("reopening_fills_no_disk"),
                &disk,
                &opening,
                &["next_segment", "rewrite"],
            )?;
            let was = value_shown(&log);
            let want = if batches == 0 { "nothing".to_owned() } else { batches.to_string() };
            if was != want {
                let because = format!("{what}, opened again");
                return differs(
                    rule("reopening_fills_no_disk"),
                    because,
                    want,
                    was,
                    "next_segment",
                )
                .fail();
            }
            drop(log);
            disk = disk.after_kill();
        }
        table.within(what, 0..=3 * 8192, disk.used_bytes()).decided_in("next_segment");
    }
    table.verdict()
}

/// Where to look if rewritten frames are not what they were.
const REWRITTEN: &[&str] = &["rewrite", "Scan::unproven", "next_segment"];

/// Rewritten frames keep their LSNs, their order and their bytes.
pub(super) fn rewritten_in_order(_: &mut Check) -> Verdict {
    let mut table = Table::new(rule("rewritten_in_order"), "batches, and how many are synced");
    for (batches, synced) in [(1, 0), (2, 0), (5, 0), (5, 1), (5, 4), (6, 5)] {
        let disk = SimDisk::new(3);
        let log = open(rule("rewritten_in_order"), &disk, small())?;
        for n in 1..=batches {
            let data = format!("{n}@1;").repeat(n as usize).into();
            let entry = Entry { id: at(n, 1), data };
            let outcome = log.append(Batch::new().entries(G7, &[entry]));
            must(rule("rewritten_in_order"), "a batch", "Log::append", outcome)?;
            if n == synced {
                sync(rule("rewritten_in_order"), &log)?;
            }
        }
        let want = Model::read(&log);
        let mut disk = disk.after_kill();
        // Twice: rewritten frames must be found, too.
        for times in ["once", "twice"] {
            let opening = format!("opening a log of {batches} batches, {synced} synced, {times},");
            let log = reopen(rule("rewritten_in_order"), &disk, &opening, REWRITTEN)?;
            let seen = Model::read(&log);
            let is_same = if seen == want { "the same" } else { "not the same" };
            let was = format!("{is_same}, to LSN {}", log.appended_lsn());
            let what = format!("{batches}, {synced} synced; opened {times}");
            let must_be = format!("the same, to LSN {batches}");
            table.equal(what, must_be, was).decided_in_one_of(REWRITTEN);
            drop(log);
            disk = disk.after_kill();
        }
        let log = reopen(rule("rewritten_in_order"), &disk, "opening it once more", &["rewrite"])?;
        let next = append(rule("rewritten_in_order"), &log, 9)?;
        let what = format!("{batches}, {synced} synced; the next batch");
        let [must, was] = [batches + 1, next].map(|lsn| format!("LSN {lsn}"));
        table.equal(what, must, was).decided_in_one_of(REWRITTEN);
    }
    table.verdict()
}
