//! Step 6: which owners to ask first, and how much one call may copy.
//!
//! ```text
//!   g1 holds 1500 bytes of the oldest segment, the limit is 1000    asked to compact
//!   eight groups hold 300 bytes each                                copied: no group holds much
//!   too much log                                                    g1 is copied nevertheless
//! ```

use super::recorded::RecordedLog;
use crate::storage::kit::words::{Checked, G1, G7, at, batch, entry, names, run, small};
use crate::storage::rule;
use harness::{Check, Table, Verdict};
use storage::{Batch, Collected, GroupId, Options};

const ENOUGH: &str = "Log::has_moved_enough";
const LAGGING: &str = "Log::lagging_groups";

/// How much a group may hold of the oldest segment.
const LAGGING_GROUP_BYTES: u64 = 1000;

/// Says which groups a collection asks: `g1: entries 3, bytes 1500`.
fn asked(collected: &Collected) -> String {
    let said = collected.lagging_groups.iter().map(|lagging| {
        format!("{}: entries {}, bytes {}", lagging.group, lagging.entries, lagging.bytes)
    });
    let said: Vec<String> = said.collect();
    if said.is_empty() { "nobody".to_owned() } else { said.join("; ") }
}

/// Returns a log in which g1 holds much of the oldest segment. g7 holds more of the whole log, but less
/// of each segment.
fn one_holds_much() -> Checked<RecordedLog> {
    let options = Options {
        lagging_group_bytes: LAGGING_GROUP_BYTES,
        force_above_bytes: 6 * 8192,
        ..small()
    };
    let mut stage = RecordedLog::new(rule("owners_are_asked_first"), options)?;
    let entries: Vec<_> = (1..=3).map(|index| entry(index, 1, 500)).collect();
    stage.append("g1 1@1..=3@1 of 500 bytes", Batch::new().entries(G1, &entries))?;
    stage.append("g7 1@1 of 900", Batch::new().entries(G7, &[entry(1, 1, 900)]))?;
    stage.turns(1)?;
    stage.append("g7 2@1 of 800", Batch::new().entries(G7, &[entry(2, 1, 800)]))?;
    stage.turns(2)?;
    stage.sync()?;
    Ok(stage)
}

/// An owner is asked first. It is not asked once it has compacted, or when there is too much log.
pub(super) fn owners_are_asked_first(_: &mut Check) -> Verdict {
    let mut table = Table::new(rule("owners_are_asked_first"), "the collection");
    let mut stage = one_holds_much()?;
    let before = stage.disk().operations();
    let collected = stage.collect()?;
    let done = stage.disk().operations() - before;
    let was_left = collected.lagging_groups.is_empty() && done == 0;
    let read = if was_left { "Log::worth_collecting" } else { LAGGING };
    let must_be = "g1: entries 3, bytes 1500";
    table.reads("g1 holds 1500 bytes: asked", must_be, asked(&collected), read);
    table.reads("and nothing is copied: operations", 0, done, LAGGING);
    stage.append("g1 compacted through 2@1", Batch::new().compact(G1, at(2, 1)))?;
    stage.sync()?;
    let collected = stage.collect()?;
    table.reads("its owner compacts: asked", "nobody", asked(&collected), LAGGING);
    stage.collect_all()?;
    table.equal("g1", "after 2@1: 3@1".to_owned(), stage.shows(G1));
    table.equal("g7", "1@1 2@1".to_owned(), stage.shows(G7));
    table.within("segments of 4 that stay", 1..=2, stage.count()).decided_in(LAGGING);
    stage.verdict(table)?;

    let mut table = Table::new(rule("owners_are_asked_first"), "the collection");
    let mut stage = one_holds_much()?;
    stage.turns(4)?;
    stage.collect_all()?;
    table.equal("g1", "1@1 2@1 3@1".to_owned(), stage.shows(G1));
    table.within("segments of 8 that stay", 1..=6, stage.count()).decided_in("Log::is_forced");
    stage.verdict(table)?;

    let mut table = Table::new(rule("owners_are_asked_first"), "the collection");
    let options = Options {
        lagging_group_bytes: LAGGING_GROUP_BYTES,
        force_above_bytes: u64::MAX,
        ..small()
    };
    let mut stage = RecordedLog::new(rule("owners_are_asked_first"), options)?;
    for group in 1..=8 {
        let batch = batch(|b| b.entries(GroupId(group), &[entry(1, 1, 300)]));
        stage.append(&format!("g{group} 1@1 of 300 bytes"), &batch)?;
    }
    stage.turns(3)?;
    let collected = stage.collect()?;
    let what = "eight groups hold 300 bytes each: asked";
    table.reads(what, "nobody", asked(&collected), LAGGING);
    stage.collect_all()?;
    let left = stage.segments().first().cloned().unwrap_or_default();
    let is_gone = if left == "00000001.log" { "no" } else { "yes" };
    table.reads("they are copied: segment 1 is removed", "yes", is_gone, LAGGING);
    stage.verdict(table)
}

/// A call ends soon after it has copied as much as it may, and the next one goes on.
pub(super) fn one_call_moves_a_little(_: &mut Check) -> Verdict {
    let options = Options { move_bytes: 2000, ..small() };
    let mut stage = RecordedLog::new(rule("one_call_moves_a_little"), options.clone())?;
    for index in 1..=12 {
        let batch = batch(|b| b.entries(G1, &[entry(index, 1, 400)]));
        stage.append(&format!("g1 {index}@1"), &batch)?;
    }
    stage.turns(5)?;
    stage.sync()?;
    let mut table =
        Table::new(rule("one_call_moves_a_little"), "of a call that may move 2000 bytes");
    let limit = options.move_bytes + u64::from(options.max_batch_bytes);
    let mut calls = 0;
    loop {
        calls += 1;
        let collected = stage.collect()?;
        let what = format!("call {calls}: bytes moved");
        table.within(what, 0..=limit, collected.moved_bytes).decided_in(ENOUGH);
        if !collected.is_more_to_do || calls == 50 {
            break;
        }
    }
    table.within("calls until nothing is left to do", 3..=49, calls).decided_in(ENOUGH);
    let must_be = names(&run(1, &[1; 12]));
    table.equal("g1 then", must_be, stage.shows(G1));
    let oldest = stage.segments().first().cloned().unwrap_or_default();
    let is_gone = if oldest == "00000001.log" { "stays" } else { "gone" };
    table.equal("segment 1 then", "gone", is_gone).decided_in(ENOUGH);
    stage.verdict(table)
}
