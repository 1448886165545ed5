//! Step 2: segments without live items.
//!
//! ```text
//!   1 [ x x x ]   2 [ x x ]   3 [ x x ]   4 [ compact ..      x: garbage, perhaps not durably so
//!     |              |  removed, synced
//!     '- removed, synced
//! ```

use super::recorded::{RecordedLog, cut_everywhere, names_gone};
use crate::storage::kit::words::{Checked, G1, at, batch, entry, small};
use crate::storage::rule;
use harness::{Check, Failure, Place, Rule, Table, Verdict};
use storage::{Batch, Doing, Entry, Options};

/// Returns entries with these indexes, each so long that three fill a segment's room for batches.
fn long(first: u64, count: u64) -> Vec<Entry> {
    (first..first + count).map(|index| entry(index, 1, 880)).collect()
}

/// Writes g1's entries 1 to 6, which fill a segment and a half, and garbage until another begins.
fn two_segments_of_entries(rule: &Rule) -> Checked<RecordedLog> {
    let mut stage = RecordedLog::new(rule, small())?;
    for entry in long(1, 6) {
        stage.append(&format!("g1 {}", entry.id), Batch::new().entries(G1, &[entry]))?;
    }
    stage.turns(2)?;
    stage.sync()?;
    Ok(stage)
}

const WORTH: &str = "Log::worth_collecting";

/// Collects once, and returns how many operations of the disk that took.
fn operations_of_a_collection(stage: &mut RecordedLog) -> Checked<u64> {
    let before = stage.disk().operations();
    stage.collect()?;
    Ok(stage.disk().operations() - before)
}

/// A log with too little garbage is not changed by a byte; one with enough is collected.
pub(super) fn not_before_it_is_worth_it(_: &mut Check) -> Verdict {
    let mut table = Table::new(rule("collected_when_worth_it"), "the log");
    let large = Options { collect_above_bytes: 6 * 8192, ..small() };

    // All of six segments is live: a collection can free nothing, however headers are counted.
    let mut stage = RecordedLog::new(rule("collected_when_worth_it"), small())?;
    for entry in long(1, 24) {
        stage.append(&format!("g1 {}", entry.id), Batch::new().entries(G1, &[entry]))?;
    }
    stage.sync()?;
    let done = operations_of_a_collection(&mut stage)?;
    table.reads("all of it is live: operations", 0, done, WORTH);

    // Five segments of garbage, and six are allowed.
    let mut stage = RecordedLog::new(rule("collected_when_worth_it"), large)?;
    stage.turns(4)?;
    stage.sync()?;
    let done = operations_of_a_collection(&mut stage)?;
    table.reads("garbage, below collect_above_bytes: operations", 0, done, WORTH);

    // Two more are too many.
    stage.turns(4)?;
    stage.collect_all()?;
    let what = "garbage, above it: segments of 9 that stay";
    table.within(what, 1..=6, stage.count()).decided_in(WORTH);

    // There is only the tail.
    let mut stage = RecordedLog::new(rule("collected_when_worth_it"), small())?;
    stage.append("g1 1@1", Batch::new().entries(G1, &long(1, 1)))?;
    stage.append("g1 removed", Batch::new().remove_group(G1))?;
    stage.collect()?;
    table.reads("only the tail, and nothing live: segments", 1, stage.count(), WORTH);
    table.verdict()
}

/// Only the oldest is removed, and durably, before the next one.
pub(super) fn oldest_goes_first(_: &mut Check) -> Verdict {
    let build = || {
        let mut stage = two_segments_of_entries(rule("oldest_goes_first"))?;
        stage.turns(2)?;
        stage.append("g1 compacted through 6@1", Batch::new().compact(G1, at(6, 1)))?;
        stage.sync()?;
        Ok(stage)
    };
    let mut stage: RecordedLog = build()?;
    let before = stage.segments();
    let began = stage.disk().operations();
    let collected = stage.collect()?;
    stage.collect_all()?;

    // In which order they were removed.
    let journal = stage.disk().journal();
    let gone = journal.iter().filter(|done| done.number > began);
    let gone: Vec<_> = gone.filter_map(|done| Some((names_gone(&done.doing)?, done.at))).collect();
    for ((name, at), oldest) in gone.iter().zip(&before) {
        if name != oldest {
            let failure = stage.failure().because(format!("{name} was removed before {oldest}"));
            return failure.your_line(Place::from(*at)).fail();
        }
    }
    let (tail, empty_segments) = before.split_last().expect("a log has a segment");
    let left = stage.segments();
    if left != [tail.clone()] {
        let because =
            format!("nothing of {} is live, and not all are removed", empty_segments.join(" "));
        let expected = format!("{tail} is left");
        return stage.differs(because, expected, left.join(" "), "Log::remove_segment").fail();
    }
    let told: Vec<String> = collected.removed.iter().map(ToString::to_string).collect();
    let names: Vec<String> =
        collected.removed.iter().map(|id| format!("{:08x}.log", id.0)).collect();
    if !before.starts_with(&names) || names.is_empty() {
        let because = "gc names other segments than it has removed";
        return stage.differs(because, empty_segments.join(" "), told.join(" "), "").fail();
    }
    let (must_be, shown) = ("after 6@1: nothing", stage.shows(G1));
    if shown != must_be {
        let because = "a collection has changed g1";
        return stage.differs(because, must_be, shown, "Log::remove_segment").fail();
    }

    // And after power cuts; also on a disk without room for a marker file, where everything depends on the
    // order of the removals.
    let full = || {
        let mut stage: RecordedLog = build()?;
        stage.disk().set_free_bytes(Some(0));
        stage.tell("the disk is full: there is no room for a marker file");
        Ok(stage)
    };
    let act = |stage: &mut RecordedLog| stage.collect().map(drop);
    cut_everywhere(build, act, &[(G1, &[must_be])])?;
    cut_everywhere(full, act, &[(G1, &[must_be])])
}

/// The record that removed what a segment holds may be lost only while the segment is still there.
pub(super) fn needless_is_durable_first(_: &mut Check) -> Verdict {
    let whole = "1@1 2@1 3@1 4@1 5@1 6@1";
    let rows = [
        ("g1 compacted through 6@1", batch(|b| b.compact(G1, at(6, 1))), "after 6@1: nothing"),
        ("g1 removed", batch(|b| b.remove_group(G1)), "no such group"),
        ("g1 reset to 9@2", batch(|b| b.reset(G1, at(9, 2))), "after 9@2: nothing"),
    ];
    for (number, (what, batch, afterwards)) in (1..).zip(rows) {
        let mut stage = two_segments_of_entries(rule("durable_before_it_goes"))?;
        stage.append(&format!("{what}, not synced"), &batch)?;
        let before = stage.segments().len();
        let began = stage.disk().operations();
        stage.collect()?;
        if stage.segments().len() >= before {
            let failure = stage.failure().row(number, what).function("Log::remove_segment");
            let because = "nothing of the oldest segments is live, and they stay";
            return failure.because(because).fail();
        }
        stage.tell("power cut: what was not synced is lost");
        let shown = stage.shows_after(stage.cut(), &[G1]).remove(0);
        if shown == whole || shown == afterwards {
            continue;
        }
        let failure = unsynced(&stage, began).row(number, what);
        let because =
            format!("{what} was lost, and the segments that it made garbage were removed already");
        let failure = failure.because(because).expected(format!("{whole} or {afterwards}"));
        return failure.got(shown).fail();
    }
    Ok(())
}

/// Returns a failure that names the write without a sync, and the operation that did not wait for one.
fn unsynced(stage: &RecordedLog, began: u64) -> Failure {
    let journal = stage.disk().journal();
    let failure = stage.failure();
    let gone = journal.iter().find(|done| done.number > began && names_gone(&done.doing).is_some());
    let Some(gone) = gone else { return failure };
    let written = journal
        .iter()
        .rev()
        .find(|done| done.number <= began && matches!(done.doing, Doing::Write { .. }));
    let failure = failure.function("Log::remove_segment");
    let Some(written) = written else { return failure };
    let (number, line) = (written.number, Place::from(written.at).short());
    let (went, at) = (gone.number, Place::from(gone.at).short());
    failure.detail(format!(
        "never synced: what operation {number} wrote ({line}); removed in operation {went} ({at})"
    ))
}
