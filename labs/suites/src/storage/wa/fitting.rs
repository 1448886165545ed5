//! Step 7: what fits a log, and where a compacted one begins.
//!
//! ```text
//!   g7  after 4@2: 5@2 6@3        7@3 fits   8@3 Gap   4@2 Compacted   compact 6@2 Mismatch
//!   compact 5@2                   after 5@2: 6@3
//! ```
//!
//! Items of a batch are checked one by one, each against the log as the items before it would leave it. A
//! refused batch leaves no trace: no write, no item, no LSN.

use super::asked::is_write;
use super::observed::ObservedLog;
use super::reading::{read, reads};
use crate::storage::kit::words::{G1, G7, G9, at, batch, caught, entry, refusal, run};
use crate::storage::rule;
use harness::{Check, Table, Verdict, current};
use storage::{Batch, EntryId, GroupId, Index};

const COMPACT: &str = "Group::compact";

/// Makes one batch.
type Make = fn(&mut Batch) -> &mut Batch;

/// Adds one entry to a batch.
fn put(batch: &mut Batch, group: GroupId, id: EntryId) -> &mut Batch {
    batch.entries(group, &[entry(id.index.0, id.term.0, 4)])
}

/// Batches that fit, and those that do not.
const ROWS: [(&str, Make, &str, &str); 30] = [
    ("7@3", |b| put(b, G7, at(7, 3)), "taken", "5@2 6@3 7@3"),
    ("8@3", |b| put(b, G7, at(8, 3)), "Gap", ""),
    ("6@4: it replaces one", |b| put(b, G7, at(6, 4)), "taken", "5@2 6@4"),
    ("5@4: the first one", |b| put(b, G7, at(5, 4)), "taken", "5@4"),
    ("4@2: the entry before the first", |b| put(b, G7, at(4, 2)), "Compacted", ""),
    ("1@1", |b| put(b, G7, at(1, 1)), "Compacted", ""),
    ("0@1: no entry has index 0", |b| put(b, G7, at(0, 1)), "OutOfRange", ""),
    ("one after the last index", |b| put(b, G7, at((1 << 62) + 1, 1)), "OutOfRange", ""),
    ("7@3 8@3", |b| put(put(b, G7, at(7, 3)), G7, at(8, 3)), "taken", "5@2 6@3 7@3 8@3"),
    ("7@3 9@3", |b| put(put(b, G7, at(7, 3)), G7, at(9, 3)), "Gap", ""),
    ("5@4 6@4", |b| put(put(b, G7, at(5, 4)), G7, at(6, 4)), "taken", "5@4 6@4"),
    (
        "5@4 7@4: the first one ended the log",
        |b| put(put(b, G7, at(5, 4)), G7, at(7, 4)),
        "Gap",
        "",
    ),
    ("3@1 in g1, 8@3 in g7", |b| put(put(b, G1, at(3, 1)), G7, at(8, 3)), "Gap", ""),
    ("1@1 in g9, which is new", |b| put(b, G9, at(1, 1)), "taken", "5@2 6@3"),
    ("2@1 in g9, which is new", |b| put(b, G9, at(2, 1)), "Gap", ""),
    ("compact 5@2", |b| b.compact(G7, at(5, 2)), "taken", "6@3"),
    ("compact 6@3: all of it", |b| b.compact(G7, at(6, 3)), "taken", ""),
    ("compact 4@2: the beginning itself", |b| b.compact(G7, at(4, 2)), "taken", "5@2 6@3"),
    ("compact 4@1: another beginning", |b| b.compact(G7, at(4, 1)), "Mismatch", ""),
    ("compact 5@3: another term", |b| b.compact(G7, at(5, 3)), "Mismatch", ""),
    ("compact 3@1", |b| b.compact(G7, at(3, 1)), "Compacted", ""),
    ("compact 7@3: beyond the end", |b| b.compact(G7, at(7, 3)), "Gap", ""),
    ("compact 1@1 in g9, which is unknown", |b| b.compact(G9, at(1, 1)), "UnknownGroup", ""),
    ("7@3, compact 7@3", |b| put(b, G7, at(7, 3)).compact(G7, at(7, 3)), "taken", ""),
    (
        "5@4, compact 5@2: it was replaced",
        |b| put(b, G7, at(5, 4)).compact(G7, at(5, 2)),
        "Mismatch",
        "",
    ),
    (
        "7@3 8@3, then 7@4, compact 7@4",
        |b| {
            let b = put(put(b, G7, at(7, 3)), G7, at(8, 3));
            put(b, G7, at(7, 4)).compact(G7, at(7, 4))
        },
        "taken",
        "",
    ),
    (
        "7@3 8@3, then 7@4, compact 7@3: it was replaced",
        |b| {
            let b = put(put(b, G7, at(7, 3)), G7, at(8, 3));
            put(b, G7, at(7, 4)).compact(G7, at(7, 3))
        },
        "Mismatch",
        "",
    ),
    (
        "reset to the index before the last one, then the last one",
        |b| put(b.reset(G7, at((1 << 62) - 1, 3)), G7, at(1 << 62, 3)),
        "taken",
        "4611686018427387904@3",
    ),
    ("compact 5@2, then 5@4", |b| put(b.compact(G7, at(5, 2)), G7, at(5, 4)), "Compacted", ""),
    ("compact 6@3, then 7@3", |b| put(b.compact(G7, at(6, 3)), G7, at(7, 3)), "taken", "7@3"),
];

/// What fits is taken; what does not is refused with the right error, and nothing has changed.
pub(super) fn gaps_refused(_: &mut Check) -> Verdict {
    let intro = "g7 begins after 4@2 and holds 5@2 6@3, g1 holds 1@1 2@1; a batch is appended";
    let mut table = Table::new(rule("batch_fits_or_is_refused"), "the batch").intro(intro);
    for (what, make, answer, holds) in ROWS {
        let log = ObservedLog::new(rule("batch_fits_or_is_refused"))?;
        let (g7, g1) = (run(5, &[2, 3]), run(1, &[1, 1]));
        log.append(&batch(|b| b.reset(G7, at(4, 2)).entries(G7, &g7).entries(G1, &g1)))?;
        let (before, asked) = (all_seen(&log), log.asked());
        let batch = batch(make);
        current::doing(format!("appending a batch: {what}"));
        let outcome = caught(|| log.inner.append(&batch));
        let must_be = match answer {
            "taken" => format!("taken: {}", if holds.is_empty() { "nothing" } else { holds }),
            refused => format!("refused: {refused}"),
        };
        let was = match &outcome {
            Ok(Ok(_)) => {
                let seen = log.seen(G7);
                format!("taken: {}", seen.split_once(": ").map_or("nothing", |(_, held)| held))
            }
            Ok(Err(error)) => refusal(error),
            Err(panic) => format!("taken, and then a panic: {panic}"),
        };
        let (append, compact) = ("NextState::append", "NextState::compact");
        let within: &[&str] = match what.contains("compact") {
            true if what.contains("then 7@4") => &[append, compact],
            true => &[compact],
            false => &[append],
        };
        // Index 0 is no index, and it is before every beginning: both errors are right.
        match what.starts_with("0@1") {
            true => table.one_of(what, &[must_be, "refused: Compacted".to_owned()], was),
            false => table.equal(what, must_be, was),
        }
        .decided_in_one_of(within);
        if let Ok(Err(_)) = outcome {
            let traces = match (asked.writes().len(), all_seen(&log) == before) {
                (0, true) => "no trace",
                (0, false) => "readers see something else",
                (_, _) => "the disk was written to",
            };
            let row = table.reads(format!("{what}: afterwards"), "no trace", traces, within[0]);
            asked.point(row, is_write);
        }
    }
    table.verdict()
}

/// Says what readers see of every group, and the last LSN.
fn all_seen(log: &ObservedLog) -> String {
    let groups = [G1, G7, G9].map(|group| log.seen(group)).join("; ");
    format!("{groups}; last LSN {}", log.inner.appended_lsn())
}

/// What a compacted log answers.
pub(super) fn compact_bounds(_: &mut Check) -> Verdict {
    let rows: [(&str, Make, &str); 10] = [
        ("compact 1@1", |b| b.compact(G7, at(1, 1)), "after 1@1: 2@1 3@2 4@2 5@3"),
        ("compact 2@1: where a term ends", |b| b.compact(G7, at(2, 1)), "after 2@1: 3@2 4@2 5@3"),
        ("compact 3@2: within a term", |b| b.compact(G7, at(3, 2)), "after 3@2: 4@2 5@3"),
        ("compact 5@3: all of it", |b| b.compact(G7, at(5, 3)), "after 5@3:"),
        ("compact 0@0: nothing", |b| b.compact(G7, at(0, 0)), "after 0@0: 1@1 2@1 3@2 4@2 5@3"),
        (
            "compact 1@1, compact 3@2",
            |b| b.compact(G7, at(1, 1)).compact(G7, at(3, 2)),
            "after 3@2: 4@2 5@3",
        ),
        ("compact 5@3, then 6@3", |b| put(b.compact(G7, at(5, 3)), G7, at(6, 3)), "after 5@3: 6@3"),
        ("compact 5@3, then 6@4", |b| put(b.compact(G7, at(5, 3)), G7, at(6, 4)), "after 5@3: 6@4"),
        (
            "compact 3@2, then 4@4 in place of 4@2",
            |b| put(b.compact(G7, at(3, 2)), G7, at(4, 4)),
            "after 3@2: 4@4",
        ),
        (
            "compact 3@2, then 5@2 in place of 5@3",
            |b| put(b.compact(G7, at(3, 2)), G7, at(5, 2)),
            "after 3@2: 4@2 5@2",
        ),
    ];
    let intro = "g7 holds 1@1 2@1 3@2 4@2 5@3; it is then";
    let mut table = Table::new(rule("compaction_moves_the_beginning"), "the batch").intro(intro);
    let held = run(1, &[1, 1, 2, 2, 3]);
    for (what, make, must_be) in rows {
        let log = ObservedLog::new(rule("compaction_moves_the_beginning"))?;
        log.append(Batch::new().entries(G7, &held))?;
        log.append(&batch(make))?;
        table.reads(what, must_be, log.seen(G7), COMPACT);
    }
    // What is read of a log that was compacted.
    let log = ObservedLog::new(rule("compaction_moves_the_beginning"))?;
    log.append(Batch::new().entries(G7, &held).compact(G7, at(3, 2)))?;
    let log = &log.inner;
    for (index, must_be) in [(3, "none"), (4, "4@2"), (5, "5@3")] {
        table.reads(format!("compact 3@2: entry {index}"), must_be, read(log, G7, index), COMPACT);
    }
    for (range, must_be) in [(3..6, "refused: Compacted"), (4..6, "4@2 5@3")] {
        let what = format!("compact 3@2: entries {} to 5", range.start);
        table.reads(what, must_be, reads(log, G7, range, u64::MAX), COMPACT);
    }
    let term = log.term(G7, Index(2)).map_or("unknown".to_owned(), |term| term.to_string());
    table.reads("compact 3@2: the term at 2", "unknown", term, COMPACT);
    table.verdict()
}
