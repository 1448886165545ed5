//! Step 8: a whole log: what `sync_to` promises, and what it costs.
//!
//! ```text
//!   append, append, append, sync_to 3      3 writes, 1 sync
//!   sync_to 2                              nothing: it is durable
//! ```

use super::asked::{Asked, is_sync};
use super::rules::{ACKNOWLEDGED, BUDGET, HEADER_TELLS};
use super::stage::{Stage, header};
use super::turns;
use crate::storage::kit::words::{G1, G7, run};
use harness::{Check, Place, Table, Verdict, text};
use storage::{Batch, Lsn};

/// A batch that sets one key.
fn key() -> Batch {
    let mut batch = Batch::new();
    batch.put(G7, b"hs", b"n2");
    batch
}

/// Says how many writes and syncs the disk did.
fn cost(asked: &Asked) -> String {
    let (writes, syncs) = (asked.writes().len() as u64, asked.syncs() as u64);
    format!("{}, {}", text::counted(writes, "write"), text::counted(syncs, "sync"))
}

/// What is reported durable is durable.
pub(super) fn ack_order(check: &mut Check) -> Verdict {
    turns::every_order(check)?;
    let stage = Stage::new(&ACKNOWLEDGED)?;
    let mut table = Table::new(&ACKNOWLEDGED, "what is done").intro("what is durable then");
    let durable = |stage: &Stage| {
        let stats = stage.log.stats();
        format!("appended {}, durable {}", stats.appended, stage.log.durable_lsn())
    };
    let mut say = |what: &str, must_be: &str, was: String, function: &str| {
        table.equal(what, must_be, &was).decided_in(function);
    };
    say("nothing", "appended 0, durable 0", durable(&stage), "GroupCommit::finish");
    stage.append(&key())?;
    stage.append(&key())?;
    say(
        "two batches are appended",
        "appended 2, durable 0",
        durable(&stage),
        "GroupCommit::finish",
    );
    let mut asked = stage.asked();
    stage.sync_to(Lsn(1))?;
    asked.end();
    // A sync covers all that is written; the log may report all of it, or only what was asked for.
    let was = durable(&stage);
    let is_said = was == "appended 2, durable 2" || was == "appended 2, durable 1";
    let was = if is_said { "appended 2, durable 1 or 2".to_owned() } else { was };
    say("and the first is waited for", "appended 2, durable 1 or 2", was, "GroupCommit::finish");
    say("... which takes", "0 writes, 1 sync", cost(&asked), "GroupCommit::ask");
    stage.append(&key())?;
    stage.sync_to(Lsn(3))?;
    say(
        "a third is written and synced",
        "appended 3, durable 3",
        durable(&stage),
        "GroupCommit::finish",
    );
    let refused = match stage.log.sync_to(Lsn(4)) {
        Ok(()) => "taken".to_owned(),
        Err(error) => super::reading::refusal(&error),
    };
    say("a fourth is waited for", "refused: NotAppended", refused, "Committer::wait_for");
    match table.failure() {
        Some(failure) => asked.show(failure, |_| false, "GroupCommit::finish").fail(),
        None => frames_tell(),
    }
}

/// A frame that is written after a sync says that the one before it is durable.
fn frames_tell() -> Verdict {
    let stage = Stage::new(&HEADER_TELLS)?;
    let intro = "the frame's header says";
    let mut table = Table::new(&HEADER_TELLS, "batch").intro(intro);
    let rows = [
        ("1, and waited for", true, "LSN 1, durable 0"),
        ("2, and not waited for", false, "LSN 2, durable 1"),
        ("3, and waited for", true, "LSN 3, durable 1"),
        ("4", false, "LSN 4, durable 3"),
    ];
    for (what, waits, must_be) in rows {
        let asked = stage.asked();
        let lsn = stage.append(&key())?;
        let written = asked.writes().first().and_then(|write| header(&stage.bytes(*write)));
        if waits {
            stage.sync_to(lsn)?;
        }
        let was = match written {
            Some(header) => format!("LSN {}, durable {}", header.lsn, header.durable),
            None => "nothing".to_owned(),
        };
        table.equal(what, must_be, &was).decided_in("Log::write_frame");
    }
    table.verdict()
}

/// What is done to a log.
type Done = fn(&Stage) -> Verdict;

/// At most one sync for a batch, and one for all that wait.
pub(super) fn fsync_budget(_: &mut Check) -> Verdict {
    turns::shared_sync()?;
    let stage = Stage::new(&BUDGET)?;
    let mut table = Table::new(&BUDGET, "what is done").intro("the disk does");
    let rows: [(&str, Done, &str); 6] = [
        ("one batch is written", |it| it.write(&key()).map(drop), "1 write, 1 sync"),
        (
            "eight are, one by one",
            |it| (0..8).try_for_each(|_| it.write(&key()).map(drop)),
            "8 writes, 8 syncs",
        ),
        (
            "eight are appended, the last waited for",
            |it| {
                (0..8).try_for_each(|_| it.append(&key()).map(drop))?;
                it.sync_to(it.log.appended_lsn())
            },
            "8 writes, 1 sync",
        ),
        (
            "each of these eight is waited for again",
            |it| (10..=17).try_for_each(|lsn| it.sync_to(Lsn(lsn))),
            "0 writes, 0 syncs",
        ),
        (
            "eight are appended",
            |it| (0..8).try_for_each(|_| it.append(&key()).map(drop)),
            "8 writes, 0 syncs",
        ),
        (
            "one batch: entries and keys of two groups",
            |it| {
                let mut batch = Batch::new();
                batch.entries(G7, &run(1, &[1, 1])).put(G7, b"hs", b"n3");
                batch.entries(G1, &run(1, &[4])).put(G1, b"hs", b"n1");
                it.write(&batch).map(drop)
            },
            "1 write, 1 sync",
        ),
    ];
    let mut shown = None;
    for (what, done, must_be) in rows {
        let mut asked = stage.asked();
        done(&stage)?;
        asked.end();
        let was = cost(&asked);
        let row = table.equal(what, must_be, &was);
        match asked.line(is_sync) {
            Some(line) => row.decided_at(line),
            None => row.decided_in("GroupCommit::ask"),
        };
        if !row.holds() && shown.is_none() {
            shown = Some(asked);
        }
    }
    match (table.failure(), shown) {
        (Some(failure), Some(asked)) => {
            let failure = asked.show(failure, |_| false, "GroupCommit::ask");
            // The committer's line is given code: the student's code decided that it syncs.
            let lines = asked.operations().into_iter().filter(is_sync).map(|it| Place::from(it.at));
            let of_committer = Some("Log::sync".to_owned());
            match lines.into_iter().find(|line| line.function() != of_committer) {
                Some(line) => failure.your_line(line).fail(),
                None => failure.fail(),
            }
        }
        (Some(failure), None) => failure.fail(),
        (None, _) => Ok(()),
    }
}
