//! Step 4: a batch is one frame, and a frame is one write.
//!
//! ```text
//!   4096        4168            4304
//!    | frame 1  | frame 2       |          each right after the last, each in one write, none synced
//! ```

use super::asked::is_write;
use super::observed::ObservedLog;
use crate::storage::kit::words::{G1, G7, G9, batch, entry, run};
use crate::storage::rule;
use harness::{Check, Table, Verdict, text};
use storage::{Batch, Fault};

const WRITE: &str = "Log::write_frame";

/// Batches of several shapes, in the order in which they are appended.
fn batches() -> [(&'static str, Batch); 6] {
    [
        ("one entry", batch(|b| b.entries(G7, &run(1, &[1])))),
        ("three entries", batch(|b| b.entries(G7, &run(2, &[1, 1, 2])))),
        (
            "entries of two groups",
            batch(|b| b.entries(G1, &run(1, &[1])).entries(G9, &run(1, &[3, 3]))),
        ),
        ("entries, and a key", batch(|b| b.entries(G7, &run(5, &[2])).put(G7, b"hs", b"n2"))),
        ("a key alone", batch(|b| b.put(G1, b"hs", b"n1"))),
        ("a long entry", batch(|b| b.entries(G1, &[entry(2, 1, 5_000)]))),
    ]
}

/// Every batch is one write, after the one before, and no sync.
pub(super) fn one_write_per_batch(_: &mut Check) -> Verdict {
    let log = ObservedLog::new(rule("one_write_per_batch"))?;
    let intro = "batches are appended, one after the other; the disk does";
    let mut table = Table::new(rule("one_write_per_batch"), "the batch").intro(intro);
    let mut end = 4096;
    let mut shown = None; // of the first row that fails
    for (what, batch) in batches() {
        let mut asked = log.asked();
        log.append(&batch)?;
        asked.end();
        let to = end + batch.size_bytes() as u64;
        let did = asked.writes().into_iter().map(|it| format!("write {}..{}", it.from, it.to));
        let mut did: Vec<String> = did.collect();
        if did.is_empty() {
            did.push("no write".to_owned());
        }
        if asked.syncs() > 0 {
            did.push(text::counted(asked.syncs() as u64, "sync"));
        }
        let row = table.reads(what, format!("write {end}..{to}"), did.join(", "), WRITE);
        asked.point(row, is_write);
        if !row.holds() {
            shown.get_or_insert(asked);
        }
        end = to;
    }
    match (table.failure(), shown) {
        (Some(failure), Some(asked)) => asked.show(failure, is_write, WRITE).fail(),
        (_, _) => frames_tell(),
    }
}

/// Each frame carries its own LSN, and says that nothing was durable yet.
fn frames_tell() -> Verdict {
    let log = ObservedLog::new(rule("frame_says_what_was_durable"))?;
    let intro = "batches are appended, and nothing is synced; the frame's header says";
    let mut table = Table::new(rule("frame_says_what_was_durable"), "the batch").intro(intro);
    for (number, (what, batch)) in (1..).zip(batches()) {
        let (lsn, written) = log.append_and_read(&batch)?;
        let last = log.inner.appended_lsn();
        let was = written.map(|header| format!("{header}; returned {lsn}, last {last}"));
        let must_be = format!("LSN {number}, durable 0; returned {number}, last {number}");
        table.reads(what, must_be, was.unwrap_or("nothing".to_owned()), WRITE);
    }
    table.verdict()
}

/// A write that fails, and one that works. A later lab tests a write that takes only half.
pub(super) fn failed_write_shows_nothing(_: &mut Check) -> Verdict {
    let intro = "a batch that sets g7's vote to n2 is appended; then readers see";
    let mut table = Table::new(rule("shown_only_if_written"), "the write").intro(intro);
    for (what, fails, must_be) in [
        ("works", false, "taken: vote is n2, last LSN 1"),
        ("fails", true, "refused: vote is unknown, last LSN 0"),
    ] {
        let log = ObservedLog::new(rule("shown_only_if_written"))?;
        let asked = log.asked();
        if fails {
            log.disk.plan(log.disk.operations() + 1, Fault::Fails);
        }
        let is_taken = log.inner.append(Batch::new().put(G7, b"vote", b"n2")).is_ok();
        let answer = if is_taken { "taken" } else { "refused" };
        let vote = log.inner.get(G7, b"vote").unwrap_or("unknown".into());
        let (vote, last) = (String::from_utf8_lossy(&vote), log.inner.appended_lsn());
        let was = format!("{answer}: vote is {vote}, last LSN {last}");
        asked.point(table.reads(what, must_be, was, WRITE), is_write);
    }
    table.verdict()
}
