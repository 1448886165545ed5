//! Step 5: what a group holds, in memory: indexes and terms.
//!
//! ```text
//!   g7  1 2 3 4 5     indexes
//!       1 1 2 2 2     terms: two runs
//!   then 3@3          1 1 3: the entries at 3 and after it are removed
//! ```

use super::rules::{POSITIONS, SUFFIX};
use super::stage::Stage;
use crate::storage::kit::words::{G1, G7, G9, at, run, short};
use harness::{Check, Table, Verdict};
use storage::{Batch, Entry};

/// A log's entries, each with the batch it came in.
type Batches = Vec<Vec<Entry>>;

/// Appends batches of entries to g7, each of them by itself.
fn grown(stage: &Stage, batches: &Batches) -> Verdict {
    for entries in batches {
        let mut batch = Batch::new();
        batch.entries(G7, entries);
        stage.append(&batch)?;
    }
    Ok(())
}

const CUT: &str = "Group::truncate_from";

/// Returns the function to read first: if an index has no term, the one that returns terms.
fn blame(seen: &str, otherwise: &'static str) -> &'static str {
    if seen.contains('?') { "Group::term" } else { otherwise }
}

/// Entries one after another, in batches of every size.
pub(super) fn positions(_: &mut Check) -> Verdict {
    let rows: [(&str, Batches, &str); 7] = [
        ("1@1", vec![run(1, &[1])], "after 0@0: 1@1"),
        ("1@1, 2@1, 3@1 together", vec![run(1, &[1, 1, 1])], "after 0@0: 1@1 2@1 3@1"),
        (
            "1@1, 2@1, 3@1 one by one",
            vec![run(1, &[1]), run(2, &[1]), run(3, &[1])],
            "after 0@0: 1@1 2@1 3@1",
        ),
        ("terms 1 2 3", vec![run(1, &[1, 2, 3])], "after 0@0: 1@1 2@2 3@3"),
        (
            "terms 1 1, then 4 4",
            vec![run(1, &[1, 1]), run(3, &[4, 4])],
            "after 0@0: 1@1 2@1 3@4 4@4",
        ),
        ("terms 5, then 2: lower is fine", vec![run(1, &[5, 2])], "after 0@0: 1@5 2@2"),
        ("term 0", vec![run(1, &[0, 0, 1])], "after 0@0: 1@0 2@0 3@1"),
    ];
    let mut table = Table::new(&POSITIONS, "g7 is given").intro("entries are appended; g7 is then");
    for (what, batches, must_be) in rows {
        let stage = Stage::new(&POSITIONS)?;
        grown(&stage, &batches)?;
        let was = stage.seen(G7);
        table.equal(what, must_be, &was).decided_in_one_of(&[
            blame(&was, "Group::push"),
            "Group::push",
            "Group::term",
            CUT,
        ]);
    }
    let stage = Stage::new(&POSITIONS)?;
    let mut batch = Batch::new();
    batch.entries(G1, &run(1, &[1])).entries(G7, &run(1, &[2, 2])).entries(G1, &run(2, &[1, 3]));
    stage.append(&batch)?;
    for (group, must_be) in
        [(G1, "after 0@0: 1@1 2@1 3@3"), (G7, "after 0@0: 1@2 2@2"), (G9, "no such group")]
    {
        let what = format!("g1 and g7 in turns: g{}", if group == G9 { 9 } else { group.0 });
        table.equal(what, must_be, &stage.seen(group)).decided_in("Group::push");
    }
    let stage = Stage::new(&POSITIONS)?;
    let mut batch = Batch::new();
    batch.reset(G7, at(4, 2)).entries(G7, &run(5, &[2, 2, 3]));
    stage.append(&batch)?;
    let must_be = "after 4@2: 5@2 6@2 7@3";
    table
        .equal("a snapshot through 4@2, then terms 2 2 3", must_be, &stage.seen(G7))
        .decided_in("Group::push");
    table.verdict()
}

/// What an entry in the middle does to those after it.
pub(super) fn overwrite_conflict_suffix(_: &mut Check) -> Verdict {
    let log = || run(1, &[1, 1, 2, 2, 2]);
    let rows: [(&str, Batches, &str); 11] = [
        ("6@3: it follows", vec![log(), run(6, &[3])], "after 0@0: 1@1 2@1 3@2 4@2 5@2 6@3"),
        ("5@3: the last one", vec![log(), run(5, &[3])], "after 0@0: 1@1 2@1 3@2 4@2 5@3"),
        ("4@3", vec![log(), run(4, &[3])], "after 0@0: 1@1 2@1 3@2 4@3"),
        ("3@3: where a term begins", vec![log(), run(3, &[3])], "after 0@0: 1@1 2@1 3@3"),
        ("2@3", vec![log(), run(2, &[3])], "after 0@0: 1@1 2@3"),
        ("1@3: the first one", vec![log(), run(1, &[3])], "after 0@0: 1@3"),
        ("4@2: the term that it had", vec![log(), run(4, &[2])], "after 0@0: 1@1 2@1 3@2 4@2"),
        ("3@1: the term before", vec![log(), run(3, &[1])], "after 0@0: 1@1 2@1 3@1"),
        ("3@3, 4@3 together", vec![log(), run(3, &[3, 3])], "after 0@0: 1@1 2@1 3@3 4@3"),
        ("2@3, and 3@4 later", vec![log(), run(2, &[3]), run(3, &[4])], "after 0@0: 1@1 2@3 3@4"),
        (
            "4@3, then 2@4, then 3@4",
            vec![log(), run(4, &[3]), run(2, &[4]), run(3, &[4])],
            "after 0@0: 1@1 2@4 3@4",
        ),
    ];
    let intro = "g7 holds 1@1 2@1 3@2 4@2 5@2; it is given";
    let mut table = Table::new(&SUFFIX, "entry").intro(intro);
    for (what, batches, must_be) in rows {
        let stage = Stage::new(&SUFFIX)?;
        grown(&stage, &batches)?;
        let was = stage.seen(G7);
        table.equal(what, must_be, &was).decided_in_one_of(&[
            blame(&was, CUT),
            CUT,
            "Group::push",
            "Group::term",
        ]);
    }
    let stage = Stage::new(&SUFFIX)?;
    let mut batch = Batch::new();
    batch.entries(G7, &run(1, &[1, 1, 1])).entries(G1, &run(1, &[1, 1]));
    batch.entries(G7, &[short(2, 2)]);
    stage.append(&batch)?;
    for (group, must_be) in [(G7, "after 0@0: 1@1 2@2"), (G1, "after 0@0: 1@1 2@1")] {
        let what = format!("2@2 in the same batch: {group}");
        table.equal(what, must_be, &stage.seen(group)).decided_in("Group::truncate_from");
    }
    table.verdict()
}
