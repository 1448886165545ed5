//! Step 4: bases and keys; and what must not come back.
//!
//! ```text
//!   segment 1     put hs=n2    compact 4@2    put k=1    entries of g7
//!   later                                     delete k   g7 removed
//!   collected     put hs=n2    compact 4@2    -          -
//! ```

use super::recorded::{G3, RecordedLog, cut_everywhere};
use crate::storage::kit::words::{Checked, G1, G7, at, run, small};
use crate::storage::rule;
use harness::{Check, Table, Verdict};
use storage::{Batch, GroupId};

/// Collects everything. Each group must be as given, at once and after another opening.
fn judge(stage: &mut RecordedLog, what: &str, groups: &[(GroupId, &str)]) -> Checked<()> {
    stage.sync()?;
    stage.collect_all()?;
    let ids: Vec<GroupId> = groups.iter().map(|(group, _)| *group).collect();
    let now: Vec<String> = ids.iter().map(|group| stage.shows(*group)).collect();
    let again = stage.shows_after(stage.cut(), &ids);
    let mut table = Table::new(stage.rule(), "group").intro(what);
    for (moment, shown) in [("collected", now), ("opened again", again)] {
        for ((group, must_be), was) in groups.iter().zip(shown) {
            let is_key = must_be.contains('=') || was.contains('=');
            let read = if is_key { "Picker::pick_keys" } else { "Picker::pick_base" };
            let row = format!("{group} {moment}");
            table.reads(row, must_be, was, read);
        }
    }
    stage.verdict(table)
}

/// LE10 again: not only entries are state.
pub(super) fn keys_and_beginnings_move(_: &mut Check) -> Verdict {
    let mut stage = RecordedLog::new(rule("wanted_is_never_lost"), small())?;
    stage.append("g1 hs=n2, t=", Batch::new().put(G1, b"hs", b"n2").put(G1, b"t", b""))?;
    stage.append(
        "g7 1@1..=3@2, all compacted",
        Batch::new().entries(G7, &run(1, &[1, 1, 2])).compact(G7, at(3, 2)),
    )?;
    stage.turns(1)?;
    stage.append(
        "g3 reset to 9@4, hs=n3, 10@4",
        Batch::new().reset(G3, at(9, 4)).put(G3, b"hs", b"n3").entries(G3, &run(10, &[4])),
    )?;
    stage.turns(2)?;
    let groups =
        [(G1, "nothing, hs=n2, t="), (G7, "after 3@2: nothing"), (G3, "after 9@4: 10@4, hs=n3")];
    judge(&mut stage, "state of three kinds", &groups)?;
    // Copies of copies, and what replaces them.
    stage.append("g1 hs=n4", Batch::new().put(G1, b"hs", b"n4"))?;
    stage.turns(2)?;
    let groups =
        [(G1, "nothing, hs=n4, t="), (G7, "after 3@2: nothing"), (G3, "after 9@4: 10@4, hs=n3")];
    judge(&mut stage, "again, hs replaced", &groups)?;
    // A log goes on after a base that was copied.
    stage.append("g7 4@3", Batch::new().entries(G7, &run(4, &[3])))?;
    stage.turns(2)?;
    judge(&mut stage, "g7 goes on", &[(G7, "after 3@2: 4@3")])?;
    Ok(())
}

/// LE13: a record that only removed something may disappear, and what it removed stays removed.
pub(super) fn tombstone_survives_purge(_: &mut Check) -> Verdict {
    // The garbage is in segment 1, beside something live. The records that made it garbage are in
    // segment 2, and nothing else is.
    let build = || {
        let mut stage = RecordedLog::new(rule("gone_stays_gone"), small())?;
        let mut batch = Batch::new();
        batch.put(G1, b"k", b"old").put(G1, b"hs", b"n2");
        batch.entries(G7, &run(1, &[1, 1]));
        batch.entries(G3, &run(1, &[1, 1, 1]));
        stage.append("g1 k=old hs=n2; g7 1@1 2@1; g3 1@1..=3@1", &batch)?;
        stage.turns(1)?;
        stage.append("g1 deletes k", Batch::new().delete(G1, b"k"))?;
        stage.append("g7 removed", Batch::new().remove_group(G7))?;
        stage.turns(1)?;
        stage.append("g3 replaces 2@2", Batch::new().entries(G3, &run(2, &[2])))?;
        stage.turns(1)?;
        stage.sync()?;
        Ok(stage)
    };
    let groups = [(G1, "nothing, hs=n2"), (G7, "no such group"), (G3, "1@1 2@2")];
    let mut stage: RecordedLog = build()?;
    judge(&mut stage, "collected to the end", &groups)?;
    let allowed: [(GroupId, &[&str]); 3] =
        [(G1, &["nothing, hs=n2"]), (G7, &["no such group"]), (G3, &["1@1 2@2"])];
    cut_everywhere(build, RecordedLog::collect_all, &allowed)
}

/// LE27: a group that is removed, and created again, between any two collections.
pub(super) fn clean_vs_append(_: &mut Check) -> Verdict {
    let mut stage = RecordedLog::new(rule("gone_stays_gone"), small())?;
    stage.append("g1 1@1..=3@1", Batch::new().entries(G1, &run(1, &[1, 1, 1])))?;
    stage.append("g7 1@1", Batch::new().entries(G7, &run(1, &[1])))?;
    stage.turns(1)?;
    stage.append("g1 removed", Batch::new().remove_group(G1))?;
    stage.turns(1)?;
    judge(&mut stage, "removed, then collected", &[(G1, "no such group"), (G7, "1@1")])?;

    stage.append("g1 1@5 hs=n3", Batch::new().entries(G1, &run(1, &[5])).put(G1, b"hs", b"n3"))?;
    stage.turns(2)?;
    let groups = [(G1, "1@5, hs=n3"), (G7, "1@1")];
    judge(&mut stage, "created again, then collected", &groups)?;

    // It has been copied; one batch removes it and creates it again.
    stage.append(
        "g1 removed, and 1@6 2@6",
        Batch::new().remove_group(G1).entries(G1, &run(1, &[6, 6])),
    )?;
    judge(&mut stage, "both in one batch", &[(G1, "1@6 2@6"), (G7, "1@1")])?;
    stage.turns(2)?;
    judge(&mut stage, "and collected later", &[(G1, "1@6 2@6"), (G7, "1@1")])?;

    stage.append("g1 removed", Batch::new().remove_group(G1))?;
    stage.append("g7 removed", Batch::new().remove_group(G7))?;
    stage.turns(3)?;
    let groups = [(G1, "no such group"), (G7, "no such group")];
    judge(&mut stage, "all removed", &groups)?;
    let mut table = Table::new(stage.rule(), "all is removed");
    table.within("segments that stay", 1..=2, stage.count()).decided_in("Live::remove");
    stage.verdict(table)
}
