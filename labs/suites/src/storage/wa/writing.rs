//! Step 4: a batch is one frame, and a frame is one write.
//!
//! ```text
//!   4096        4168            4304
//!    | frame 1  | frame 2       |          each right after the last, each in one write, none synced
//! ```

use super::asked::{Asked, is_write};
use super::rules::{HEADER_TELLS, ONE_WRITE, SHOWN_IS_WRITTEN};
use super::stage::{Stage, header};
use crate::storage::kit::words::{G1, G7, G9, entry, run};
use harness::{Check, Place, Table, Verdict, text};
use storage::{Batch, Fault};

/// Batches of several shapes, in the order in which they are appended.
fn batches() -> Vec<(&'static str, Batch)> {
    let mut batches = Vec::new();
    let mut add = |what, make: fn(&mut Batch) -> &mut Batch| {
        let mut batch = Batch::new();
        make(&mut batch);
        batches.push((what, batch));
    };
    add("one entry", |batch| batch.entries(G7, &run(1, &[1])));
    add("three entries", |batch| batch.entries(G7, &run(2, &[1, 1, 2])));
    add("entries of two groups", |batch| {
        batch.entries(G1, &run(1, &[1])).entries(G9, &run(1, &[3, 3]))
    });
    add("entries, and a key", |batch| batch.entries(G7, &run(5, &[2])).put(G7, b"hs", b"n2"));
    add("a key alone", |batch| batch.put(G1, b"hs", b"n1"));
    add("a long entry", |batch| batch.entries(G1, &[entry(2, 1, 5_000)]));
    batches
}

/// Writes a row of writes.
fn said(writes: &[(u64, u64)], syncs: usize) -> String {
    let writes: Vec<String> =
        writes.iter().map(|(from, to)| format!("write {from}..{to}")).collect();
    let syncs = match syncs {
        0 => String::new(),
        syncs => format!(", {}", text::counted(syncs as u64, "sync")),
    };
    format!("{}{syncs}", if writes.is_empty() { "no write".to_owned() } else { writes.join(", ") })
}

/// Every batch is one write, after the one before, and no sync.
pub(super) fn one_write_per_batch(_: &mut Check) -> Verdict {
    let stage = Stage::new(&ONE_WRITE)?;
    let intro = "batches are appended, one after the other; the disk does";
    let mut table = Table::new(&ONE_WRITE, "the batch").intro(intro);
    let mut end = 4096;
    let mut shown: Option<Asked> = None;
    for (what, batch) in batches() {
        let mut asked = stage.asked();
        stage.append(&batch)?;
        asked.end();
        let to = end + batch.size_bytes() as u64;
        let writes: Vec<(u64, u64)> = asked.writes().iter().map(|it| (it.from, it.to)).collect();
        let row = table.equal(what, said(&[(end, to)], 0), said(&writes, asked.syncs()));
        point(row, asked.line(is_write));
        if !row.holds() && shown.is_none() {
            shown = Some(asked);
        }
        end = to;
    }
    match (table.failure(), shown) {
        (Some(failure), Some(asked)) => asked.show(failure, is_write, "Log::write_frame").fail(),
        (Some(failure), None) => failure.fail(),
        (None, _) => frames_tell(),
    }
}

/// Points a row at a line of the student's code, or at the function that writes.
fn point(row: &mut harness::Case, line: Option<Place>) {
    match line {
        Some(line) => row.decided_at(line),
        None => row.decided_in("Log::write_frame"),
    };
}

/// Each frame carries its own LSN, and says that nothing was durable yet.
fn frames_tell() -> Verdict {
    let stage = Stage::new(&HEADER_TELLS)?;
    let intro = "batches are appended, and nothing is synced; the frame's header says";
    let mut table = Table::new(&HEADER_TELLS, "the batch").intro(intro);
    for (number, (what, batch)) in (1..).zip(batches()) {
        let asked = stage.asked();
        let lsn = stage.append(&batch)?;
        let written = asked.writes().first().and_then(|write| header(&stage.bytes(*write)));
        let must_be = format!("LSN {number}, durable 0; returned {number}, last {number}");
        let last = stage.log.appended_lsn();
        let was = match written {
            Some(it) => {
                format!("LSN {}, durable {}; returned {lsn}, last {last}", it.lsn, it.durable)
            }
            None => "nothing".to_owned(),
        };
        table.equal(what, must_be, was).decided_in("Log::write_frame");
    }
    match table.failure() {
        Some(failure) => failure.function("Log::write_frame").fail(),
        None => Ok(()),
    }
}

/// A write that fails, and one that works. A later lab tests a write that takes only half.
pub(super) fn failed_write_shows_nothing(_: &mut Check) -> Verdict {
    let rows = [
        ("works", None, "taken: vote is n2, last LSN 1"),
        ("fails", Some(Fault::Fails), "refused: vote is unknown, last LSN 0"),
    ];
    let intro = "a batch that sets g7's vote to n2 is appended; then readers see";
    let mut table = Table::new(&SHOWN_IS_WRITTEN, "the write").intro(intro);
    for (what, fault, must_be) in rows {
        let stage = Stage::new(&SHOWN_IS_WRITTEN)?;
        let asked = stage.asked();
        if let Some(fault) = fault {
            stage.next_fails(fault);
        }
        let mut batch = Batch::new();
        batch.put(G7, b"vote", b"n2");
        let outcome = stage.log.append(&batch);
        let answer = if outcome.is_ok() { "taken" } else { "refused" };
        let vote = stage.log.get(G7, b"vote");
        let vote =
            vote.map_or("unknown".into(), |vote| String::from_utf8_lossy(&vote).into_owned());
        let was = format!("{answer}: vote is {vote}, last LSN {}", stage.log.appended_lsn());
        point(table.equal(what, must_be, &was), asked.line(is_write));
    }
    table.verdict()
}
