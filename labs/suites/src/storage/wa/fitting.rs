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
use super::reading::{read, reads, refusal};
use super::rules::{COMPACTED, FITS};
use super::stage::Stage;
use crate::storage::kit::words::{G1, G7, G9, at, caught, entry, run};
use harness::{Check, Failure, Table, Verdict, current};
use storage::{Batch, EntryId, GroupId, Index};

/// Makes one batch.
type Make = fn(&mut Batch) -> &mut Batch;

/// g7 begins after 4@2 and holds 5@2 6@3; g1 holds 1@1 2@1.
fn held(stage: &Stage) -> Result<(), Box<Failure>> {
    let mut batch = Batch::new();
    batch.reset(G7, at(4, 2)).entries(G7, &run(5, &[2, 3])).entries(G1, &run(1, &[1, 1]));
    stage.append(&batch).map(drop)
}

/// Adds one entry to a batch.
fn put(batch: &mut Batch, group: GroupId, id: EntryId) -> &mut Batch {
    batch.entries(group, &[entry(id.index.0, id.term.0, 4)])
}

/// Batches that fit, and those that do not.
const ROWS: [(&str, Make, &str, &str); 27] = [
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
    ("compact 5@2, then 5@4", |b| put(b.compact(G7, at(5, 2)), G7, at(5, 4)), "Compacted", ""),
    ("compact 6@3, then 7@3", |b| put(b.compact(G7, at(6, 3)), G7, at(7, 3)), "taken", "7@3"),
];

/// What fits is taken; what does not is refused with the right error, and nothing has changed.
pub(super) fn gaps_refused(_: &mut Check) -> Verdict {
    let intro = "g7 begins after 4@2 and holds 5@2 6@3, g1 holds 1@1 2@1; a batch is appended";
    let mut table = Table::new(&FITS, "the batch").intro(intro);
    for (what, make, answer, holds) in ROWS {
        let stage = Stage::new(&FITS)?;
        held(&stage)?;
        let (before, asked) = (all_seen(&stage), stage.asked());
        let mut batch = Batch::new();
        make(&mut batch);
        current::doing(format!("appending a batch: {what}"));
        let outcome = caught(|| stage.log.append(&batch));
        let must_be = match answer {
            "taken" => format!("taken: {}", if holds.is_empty() { "nothing" } else { holds }),
            refused => format!("refused: {refused}"),
        };
        let was = match &outcome {
            Ok(Ok(_)) => format!("taken: {}", entries_of(&stage)),
            Ok(Err(error)) => refusal(error),
            Err(panic) => format!("taken, and then a panic: {panic}"),
        };
        let is_about_compaction = what.contains("compact");
        let function = if is_about_compaction { "NextState::compact" } else { "NextState::append" };
        // Index 0 is no index, and it is before every beginning: both errors are right.
        let row = match what.starts_with("0@1") {
            true => {
                let also = "refused: Compacted".to_owned();
                table.one_of(what, &[must_be, also], was)
            }
            false => table.equal(what, must_be, was),
        };
        row.decided_in(function);
        if let Ok(Err(_)) = outcome {
            let traces = match (asked.writes().len(), all_seen(&stage) == before) {
                (0, true) => "no trace",
                (0, false) => "readers see something else",
                (_, _) => "the disk was written to",
            };
            let row = table.equal(format!("{what}: afterwards"), "no trace", traces);
            match asked.line(is_write) {
                Some(line) => row.decided_at(line),
                None => row.decided_in(function),
            };
        }
    }
    table.verdict()
}

/// Says what readers see of every group, and the last LSN.
fn all_seen(stage: &Stage) -> String {
    let groups = [G1, G7, G9].map(|group| stage.seen(group)).join("; ");
    format!("{groups}; last LSN {}", stage.log.appended_lsn())
}

/// Says which entries g7 holds.
fn entries_of(stage: &Stage) -> String {
    let seen = stage.seen(G7);
    let entries = seen.split_once(": ").map_or("nothing", |(_, entries)| entries);
    entries.to_owned()
}

/// What a compacted log answers.
pub(super) fn compact_bounds(_: &mut Check) -> Verdict {
    let log = || run(1, &[1, 1, 2, 2, 3]);
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
    let mut table = Table::new(&COMPACTED, "the batch").intro(intro);
    for (what, make, must_be) in rows {
        let stage = Stage::new(&COMPACTED)?;
        let mut batch = Batch::new();
        batch.entries(G7, &log());
        stage.append(&batch)?;
        batch.clear();
        make(&mut batch);
        stage.append(&batch)?;
        table.equal(what, must_be, &stage.seen(G7)).decided_in("Group::compact");
    }
    read_behind(&mut table)?;
    table.verdict()
}

/// Reads a log that was compacted.
fn read_behind(table: &mut Table) -> Verdict {
    let stage = Stage::new(&COMPACTED)?;
    let mut batch = Batch::new();
    batch.entries(G7, &run(1, &[1, 1, 2, 2, 3])).compact(G7, at(3, 2));
    stage.append(&batch)?;
    let log = &stage.log;
    for (index, must_be) in [(3, "none"), (4, "4@2"), (5, "5@3")] {
        table
            .equal(format!("compact 3@2: entry {index}"), must_be, &read(log, G7, index))
            .decided_in("Group::compact");
    }
    for (range, must_be) in [(3..6, "refused: Compacted"), (4..6, "4@2 5@3")] {
        let what = format!("compact 3@2: entries {} to 5", range.start);
        table.equal(what, must_be, &reads(log, G7, range, u64::MAX)).decided_in("Group::compact");
    }
    let term = log.term(G7, Index(2)).map_or("unknown".to_owned(), |term| term.to_string());
    table.equal("compact 3@2: the term at 2", "unknown", &term).decided_in("Group::compact");
    Ok(())
}
