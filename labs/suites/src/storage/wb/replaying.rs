//! Step 3: replay of what the frames did.
//!
//! ```text
//!   1@1 2@1 3@1 4@1, then 3@2        reopened: 1@1 2@1 3@2, and nothing after it
//!   entries, and the hard state      both of a frame, or neither
//!   1@1 2@1 .. 4@1                   refused: g7 has lost 3
//! ```

use super::images::{Items, Segment, disk_of, one};
use crate::storage::kit::words::{
    Checked, G1, G7, at, caught, entry, must, open, reopen, run, small,
};
use crate::storage::rule;
use harness::{Check, Failure, Rule, Table, Verdict, current};
use storage::format::Op;
use storage::{GroupId, Log, Lost, Rot, SimDisk};
use testbed::engine::history::{History, LogCall};
use testbed::engine::model::{BatchChange, Model};

fn entries(group: GroupId, first: u64, terms: &[u64]) -> BatchChange {
    BatchChange::entries(group, run(first, terms))
}

fn put(key: &'static str, value: &'static str) -> BatchChange {
    BatchChange::put(G7, key, value)
}

/// How a log ends before it is opened again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LogEnd {
    Killed,
    Closed,
}

/// Says what a log shows after these batches and another opening; or why it is refused.
fn reopened(
    rule: &Rule,
    (what, batches, _): &WrittenBatches,
    function: &str,
    ending: LogEnd,
) -> Checked<String> {
    let calls = batches.iter().map(|changes| LogCall::append(changes.clone()));
    let history = History::new(calls.chain([LogCall::Sync]).collect());
    let disk = SimDisk::new(3);
    let log = open(rule, &disk, small())?;
    if let Some(error) = history.run_on(&disk, &log).error {
        return must(rule, "a batch", "Log::append", Err(error));
    }
    if ending == LogEnd::Closed {
        must(rule, "closing the log", "Log::close", log.close())?;
    }
    current::doing_within(format!("opening a log again: {what}"), &[function]);
    match Log::open_on(disk.after_kill(), small()) {
        Ok(log) => Ok(read(rule, &log)?.to_string()),
        Err(error) => Ok(format!("refused: {error}")),
    }
}

/// Reads all that a log shows.
fn read(rule: &Rule, log: &Log<SimDisk>) -> Checked<Model> {
    Model::read(log)
        .map_err(|odd| Box::new(Failure::of(rule).because("the log contradicts itself").got(odd)))
}

/// One row: what is written, in how many batches, and what must be left of it.
type WrittenBatches = (&'static str, Vec<Vec<BatchChange>>, &'static str);

/// Fills a table: for each function, the rows that lead to it.
fn table(rule: &Rule, rows: &[(&'static str, Vec<WrittenBatches>)]) -> Verdict {
    let mut table = Table::new(rule, "written, and opened again");
    let rows =
        rows.iter().flat_map(|(function, rows)| rows.iter().map(move |row| (*function, row)));
    for (function, row) in rows {
        let (what, _, want) = row;
        for (ending, how) in [(LogEnd::Killed, ""), (LogEnd::Closed, ", closed")] {
            let was = reopened(rule, row, function, ending)?;
            let within = &[function, "Replayed::append", "Replayed::end_before"];
            table.equal(format!("{what}{how}"), want, &was.as_str()).decided_in_one_of(within);
        }
    }
    table.verdict()
}

/// A log that is opened again shows what it showed.
pub(super) fn reopened_is_the_same(_: &mut Check) -> Verdict {
    let entries_alone: Vec<WrittenBatches> = vec![
        ("nothing", vec![], "nothing"),
        ("one entry", vec![vec![entries(G7, 1, &[1])]], "g7 1@1"),
        (
            "one entry without bytes",
            vec![vec![BatchChange::entries(G7, vec![entry(1, 1, 0)])]],
            "g7 1@1",
        ),
    ];
    let keys_too: Vec<WrittenBatches> = vec![
        (
            "three batches",
            vec![
                vec![entries(G7, 1, &[1, 1])],
                vec![entries(G7, 3, &[2]), put("vote", "n2")],
                vec![entries(G1, 1, &[3])],
            ],
            "g1 1@3; g7 1..=2@1 3@2 vote=n2",
        ),
        (
            "a key, again",
            vec![vec![put("vote", "n2")], vec![put("vote", "n3"), put("term", "5")]],
            "g7 term=5 vote=n3",
        ),
        (
            "a group that is removed and created again",
            vec![
                vec![entries(G7, 1, &[1, 1]), put("vote", "n2"), entries(G1, 1, &[1])],
                vec![BatchChange::Remove { group: G7 }],
                vec![entries(G7, 1, &[4])],
            ],
            "g1 1@1; g7 1@4",
        ),
    ];
    table(
        rule("reopened_is_the_same"),
        &[("Replayed::append", entries_alone), ("Replayed::finish", keys_too)],
    )
}

/// An entry removes what is at its index and after it, in replay as when it was written.
pub(super) fn recover_overwrite(_: &mut Check) -> Verdict {
    let four = || vec![entries(G7, 1, &[1, 1, 1, 1])];
    let rows = vec![
        ("1 to 4, then 5", vec![four(), vec![entries(G7, 5, &[2])]], "g7 1..=4@1 5@2"),
        ("1 to 4, then 3", vec![four(), vec![entries(G7, 3, &[2])]], "g7 1..=2@1 3@2"),
        ("1 to 4, then 4", vec![four(), vec![entries(G7, 4, &[2])]], "g7 1..=3@1 4@2"),
        ("1 to 4, then 1", vec![four(), vec![entries(G7, 1, &[2])]], "g7 1@2"),
        ("1 to 4, then 2, 3", vec![four(), vec![entries(G7, 2, &[2, 2])]], "g7 1@1 2..=3@2"),
        ("1 to 4, then 3 of term 1", vec![four(), vec![entries(G7, 3, &[1])]], "g7 1..=3@1"),
        (
            "1 to 4 and 2, in one batch",
            vec![vec![entries(G7, 1, &[1, 1, 1, 1]), entries(G7, 2, &[3])]],
            "g7 1@1 2@3",
        ),
        ("another group's 1", vec![four(), vec![entries(G1, 1, &[2])]], "g1 1@2; g7 1..=4@1"),
    ];
    table(rule("an_entry_ends_the_log"), &[("Replayed::end_before", rows)])
}

/// A compaction and a reset move the log's beginning, in replay as when they were written.
pub(super) fn recover_bounds(_: &mut Check) -> Verdict {
    let four = || vec![entries(G7, 1, &[1, 1, 2, 2])];
    let compact = |index, term| vec![BatchChange::Compact { group: G7, through: at(index, term) }];
    let reset = |index, term| vec![BatchChange::Reset { group: G7, through: at(index, term) }];
    let compacted: Vec<WrittenBatches> = vec![
        ("1 to 4, compacted to 2", vec![four(), compact(2, 1)], "g7 after 2@1 3..=4@2"),
        ("1 to 4, compacted to 4", vec![four(), compact(4, 2)], "g7 after 4@2"),
        (
            "compacted to 2, then 5",
            vec![four(), compact(2, 1), vec![entries(G7, 5, &[3])]],
            "g7 after 2@1 3..=4@2 5@3",
        ),
        (
            "compacted to 2, then 3",
            vec![four(), compact(2, 1), vec![entries(G7, 3, &[3])]],
            "g7 after 2@1 3@3",
        ),
    ];
    let emptied: Vec<WrittenBatches> = vec![
        ("1 to 4, reset to 9", vec![four(), reset(9, 5)], "g7 after 9@5"),
        ("1 to 4, reset to 2", vec![four(), reset(2, 5)], "g7 after 2@5"),
        (
            "reset to 9, then 10",
            vec![four(), reset(9, 5), vec![entries(G7, 10, &[6])]],
            "g7 after 9@5 10@6",
        ),
    ];
    table(
        rule("the_beginning_is_kept"),
        &[("Replayed::compact", compacted), ("Replayed::reset", emptied)],
    )
}

/// Where to look if a part of a frame counts.
const WHOLE: &[&str] = &["Frame::decode", "Frame::check_payloads"];

/// What a frame holds counts together, or not at all.
pub(super) fn batch_atomic(_: &mut Check) -> Verdict {
    let second = || {
        let items = Items::default().entry(G7, at(3, 2)).put(G7, "term", "t2");
        items.entry(G7, at(4, 2)).entry(G1, at(1, 2))
    };
    let first = Items::default().entry(G7, at(1, 1)).entry(G7, at(2, 1)).put(G7, "term", "t1");
    let image = || Segment::new(1, 1).frame(&first, 0).frame(&second(), 0);
    let without = "g7 1..=2@1 term=t1";
    let whole = "g1 1@2; g7 1..=2@1 3..=4@2 term=t2";
    let mut table = Table::new(rule("a_batch_is_atomic"), "the second of two batches");
    let mut row = |what: String, must: &str, segment: Segment| -> Verdict {
        let opening = format!("opening a log: {what}");
        let log = reopen(rule("a_batch_is_atomic"), &disk_of(&[segment]), &opening, WHOLE)?;
        let was = read(rule("a_batch_is_atomic"), &log)?.to_string();
        table.equal(what, must.to_owned(), was).decided_in_one_of(WHOLE);
        Ok(())
    };
    row("as it was written".to_owned(), whole, image())?;
    let span = image().span(1);
    let mut at_byte = span.start + 32 + 4 * 32;
    for (n, item) in (1..).zip(second().items()) {
        let mut segment = image();
        segment.bytes()[at_byte] ^= 1;
        row(format!("payload {n} of 4 damaged"), without, segment)?;
        at_byte += item.len as usize;
    }
    for kept in [16, 40, 100, 160, 168] {
        let mut segment = image();
        segment.bytes()[span.start + kept..span.end].fill(0);
        row(format!("cut off after {kept} of {} bytes", span.len()), without, segment)?;
    }
    table.verdict()
}

/// A group with a missing entry is not shown.
pub(super) fn hole_refused(_: &mut Check) -> Verdict {
    let moved = |index| Items::default().moved(G7, at(index, 1));
    let seg = || Segment::new(1, 1).frame(&one(1, 1), 0).frame(&one(2, 1), 1);
    let reset = Items::default().item(G7, Op::Reset { through: at(2, 1) }, b"");
    let rows = [
        ("1, 2, then 3, 4", "g7 1..=4@1", seg().frame(&one(3, 1), 2).frame(&one(4, 1), 3)),
        ("1, 2, moved 4, moved 3", "g7 1..=4@1", seg().frame(&moved(4), 2).frame(&moved(3), 3)),
        ("1, 2, moved 4", "refused: g7 3..=3", seg().frame(&moved(4), 2)),
        ("1, 2, then 6", "refused: g7 3..=5", seg().frame(&one(6, 1), 2)),
        ("only 5", "refused: g7 1..=4", Segment::new(1, 1).frame(&one(5, 1), 0)),
        (
            "1, 2, reset to 2, then 3",
            "g7 after 2@1 3@1",
            seg().frame(&reset, 2).frame(&one(3, 1), 3),
        ),
    ];
    let mut table = Table::new(rule("no_hole_is_shown"), "entries of g7");
    for (what, must, segment) in rows {
        current::doing_within(format!("opening a log: {what}"), &["Replayed::finish"]);
        let was = match Log::open_on(disk_of(&[segment]), small()) {
            Ok(log) => read(rule("no_hole_is_shown"), &log)?.to_string(),
            Err(error) => match error.corruption() {
                Some(corruption) if corruption.rot == Rot::Hole => {
                    let lost: Vec<String> = corruption.lost.iter().map(Lost::to_string).collect();
                    format!("refused: {}", lost.join(", "))
                }
                Some(_) | None => error.to_string(),
            },
        };
        table.reads(what, must, was, "Replayed::finish");
    }
    // No writer writes this. But a file may hold it, and no file may stop the process.
    let compact = Items::default().item(G7, Op::Compact { through: at(2, 1) }, b"");
    let segment = seg().frame(&compact, 2).frame(&moved(1), 3);
    let what = "1, 2, compacted to 2, moved 1";
    current::doing_within(format!("opening a log: {what}"), &["Replayed::finish"]);
    let was = match caught(|| Log::open_on(disk_of(&[segment]), small())) {
        Ok(Ok(log)) => read(rule("no_hole_is_shown"), &log)?.to_string(),
        Ok(Err(_)) => "refused".to_owned(),
        Err(panic) => format!("a panic: {panic}"),
    };
    let either = ["g7 after 2@1".to_owned(), "refused".to_owned()];
    table.one_of(what, &either, was).decided_in("Replayed::finish");
    table.verdict()
}
