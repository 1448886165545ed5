//! Step 8: a whole log: what `sync_to` promises, and what it costs.
//!
//! ```text
//!   append, append, append, sync_to 3      3 writes, 1 sync
//!   sync_to 2                              nothing: it is durable
//! ```

use super::asked::{AskedOperations, is_sync};
use super::observed::ObservedLog;
use super::turns;
use crate::storage::kit::words::{G1, G7, batch, refusal, run};
use crate::storage::rule;
use harness::{Check, Place, Table, Verdict, text};
use storage::{Batch, Lsn};

const ASK: &str = "GroupCommit::ask";
const FINISH: &str = "GroupCommit::finish";

/// A batch that sets one key.
fn key() -> Batch {
    batch(|b| b.put(G7, b"hs", b"n2"))
}

/// Says how many writes and syncs the disk did.
fn cost(asked: &AskedOperations) -> String {
    let (writes, syncs) = (asked.writes().len() as u64, asked.syncs() as u64);
    format!("{}, {}", text::counted(writes, "write"), text::counted(syncs, "sync"))
}

/// What is reported durable is durable.
pub(super) fn ack_order(check: &mut Check) -> Verdict {
    turns::every_order(check)?;
    let log = ObservedLog::new(rule("acknowledged_is_synced"))?;
    let mut table =
        Table::new(rule("acknowledged_is_synced"), "what is done").intro("what is durable then");
    let durable =
        || format!("appended {}, durable {}", log.inner.stats().appended, log.inner.durable_lsn());
    table.reads("nothing", "appended 0, durable 0", durable(), FINISH);
    log.append(&key())?;
    log.append(&key())?;
    table.reads("two batches are appended", "appended 2, durable 0", durable(), FINISH);
    let mut asked = log.asked();
    log.sync_to(Lsn(1))?;
    asked.end();
    // A sync covers all that is written; the log may report all of it, or only what was asked for.
    let (either, was) = ("appended 2, durable 1 or 2", durable());
    let is_said = was == "appended 2, durable 2" || was == "appended 2, durable 1";
    let was = if is_said { either } else { &was };
    table.reads("and the first is waited for", either, was, FINISH);
    table.reads("... which takes", "0 writes, 1 sync", cost(&asked), ASK);
    log.append(&key())?;
    log.sync_to(Lsn(3))?;
    table.reads("a third is written and synced", "appended 3, durable 3", durable(), FINISH);
    let refused = log.inner.sync_to(Lsn(4)).map_or_else(|e| refusal(&e), |()| "taken".to_owned());
    table.reads("a fourth is waited for", "refused: NotAppended", refused, "Committer::wait_for");
    match table.failure() {
        Some(failure) => asked.show(failure, |_| false, FINISH).fail(),
        None => frames_tell(),
    }
}

/// A frame that is written after a sync says that the one before it is durable.
fn frames_tell() -> Verdict {
    let log = ObservedLog::new(rule("frame_says_what_was_durable"))?;
    let mut table =
        Table::new(rule("frame_says_what_was_durable"), "batch").intro("the frame's header says");
    for (what, waits, must_be) in [
        ("1, and waited for", true, "LSN 1, durable 0"),
        ("2, and not waited for", false, "LSN 2, durable 1"),
        ("3, and waited for", true, "LSN 3, durable 1"),
        ("4", false, "LSN 4, durable 3"),
    ] {
        let (lsn, was) = log.append_and_read(&key())?;
        if waits {
            log.sync_to(lsn)?;
        }
        table.reads(what, must_be, was.unwrap_or("nothing".to_owned()), "Log::write_frame");
    }
    table.verdict()
}

/// What is done to a log.
type Done = fn(&ObservedLog) -> Verdict;

/// At most one sync for a batch, and one for all that wait.
pub(super) fn fsync_budget(_: &mut Check) -> Verdict {
    turns::shared_sync()?;
    let log = ObservedLog::new(rule("one_sync_for_all_that_wait"))?;
    let mut table =
        Table::new(rule("one_sync_for_all_that_wait"), "what is done").intro("the disk does");
    let append_eight: Done = |log| (0..8).try_for_each(|_| log.append(&key()).map(drop));
    let write_eight: Done = |log| (0..8).try_for_each(|_| log.write(&key()).map(drop));
    let wait_once: Done = |log| {
        (0..8).try_for_each(|_| log.append(&key()).map(drop))?;
        log.sync_to(log.inner.appended_lsn())
    };
    let two_groups: Done = |log| {
        let (g7, g1) = (run(1, &[1, 1]), run(1, &[4]));
        let keys = batch(|b| {
            b.entries(G7, &g7).put(G7, b"hs", b"n3").entries(G1, &g1).put(G1, b"hs", b"n1")
        });
        log.write(&keys).map(drop)
    };
    let rows: [(&str, Done, &str); 6] = [
        ("one batch is written", |log| log.write(&key()).map(drop), "1 write, 1 sync"),
        ("eight are, one by one", write_eight, "8 writes, 8 syncs"),
        ("eight are appended, the last waited for", wait_once, "8 writes, 1 sync"),
        (
            "each of these eight is waited for again",
            |log| (10..=17).try_for_each(|lsn| log.sync_to(Lsn(lsn))),
            "0 writes, 0 syncs",
        ),
        ("eight are appended", append_eight, "8 writes, 0 syncs"),
        ("one batch: entries and keys of two groups", two_groups, "1 write, 1 sync"),
    ];
    let mut shown = None; // of the first row that fails
    for (what, done, must_be) in rows {
        let mut asked = log.asked();
        done(&log)?;
        asked.end();
        let row = table.reads(what, must_be, cost(&asked), ASK);
        asked.point(row, is_sync);
        if !row.holds() {
            shown.get_or_insert(asked);
        }
    }
    let (Some(failure), Some(asked)) = (table.failure(), shown) else { return Ok(()) };
    let failure = asked.show(failure, |_| false, ASK);
    // The committer's line is given code: the student's code decided that it syncs.
    let of_committer = Some("Log::sync".to_owned());
    let mut lines = asked.operations().into_iter().filter(is_sync).map(|it| Place::from(it.at));
    match lines.find(|line| line.function() != of_committer) {
        Some(line) => failure.your_line(line).fail(),
        None => failure.fail(),
    }
}
