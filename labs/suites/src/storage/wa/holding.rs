//! Step 5: what a group holds, in memory: indexes and terms.
//!
//! ```text
//!   g7  1 2 3 4 5     indexes
//!       1 1 2 2 2     terms: two runs
//!   then 3@3          1 1 3: the entries at 3 and after it are removed
//! ```

use super::observed::ObservedLog;
use crate::storage::kit::words::{G1, G7, G9, at, batch, run, short};
use crate::storage::rule;
use harness::{Check, Table, Verdict};
use storage::Entry;

/// What is given to g7: its name, the entries of each batch, and what g7 then is.
type GivenBatches<'a> = (&'a str, Vec<Vec<Entry>>, &'a str);

const CUT: &str = "Group::truncate_from";
const PUSH: &str = "Group::push";
const TERM: &str = "Group::term";

/// Appends each row's batches to a new log. `function` is the likeliest to be wrong; but if an index has no
/// term, the one that returns terms is.
fn grow(table: &mut Table, rows: &[GivenBatches<'_>], function: &str) -> Verdict {
    for (what, batches, must_be) in rows {
        let log = ObservedLog::new(table.rule())?;
        for entries in batches {
            log.append(&batch(|b| b.entries(G7, entries)))?;
        }
        let was = log.seen(G7);
        let first = if was.contains('?') { TERM } else { function };
        table.equal(*what, *must_be, &was).decided_in_one_of(&[first, function, PUSH, TERM, CUT]);
    }
    Ok(())
}

/// Entries one after another, in batches of every size.
pub(super) fn positions(_: &mut Check) -> Verdict {
    let one_by_one = vec![run(1, &[1]), run(2, &[1]), run(3, &[1])];
    let two_terms = vec![run(1, &[1, 1]), run(3, &[4, 4])];
    let rows = [
        ("1@1", vec![run(1, &[1])], "after 0@0: 1@1"),
        ("1@1, 2@1, 3@1 together", vec![run(1, &[1, 1, 1])], "after 0@0: 1@1 2@1 3@1"),
        ("1@1, 2@1, 3@1 one by one", one_by_one, "after 0@0: 1@1 2@1 3@1"),
        ("terms 1 2 3", vec![run(1, &[1, 2, 3])], "after 0@0: 1@1 2@2 3@3"),
        ("terms 1 1, then 4 4", two_terms, "after 0@0: 1@1 2@1 3@4 4@4"),
        ("terms 5, then 2: lower is fine", vec![run(1, &[5, 2])], "after 0@0: 1@5 2@2"),
        ("term 0", vec![run(1, &[0, 0, 1])], "after 0@0: 1@0 2@0 3@1"),
    ];
    let mut table = Table::new(rule("entries_stand_where_they_were_put"), "g7 is given")
        .intro("entries are appended; g7 is then");
    grow(&mut table, &rows, PUSH)?;
    let log = ObservedLog::new(rule("entries_stand_where_they_were_put"))?;
    let (first, second) = (run(1, &[1]), run(2, &[1, 3]));
    log.append(&batch(|b| {
        b.entries(G1, &first).entries(G7, &run(1, &[2, 2])).entries(G1, &second)
    }))?;
    for (group, name, must_be) in [
        (G1, "g1", "after 0@0: 1@1 2@1 3@3"),
        (G7, "g7", "after 0@0: 1@2 2@2"),
        (G9, "g9", "no such group"),
    ] {
        table.reads(format!("g1 and g7 in turns: {name}"), must_be, log.seen(group), PUSH);
    }
    let log = ObservedLog::new(rule("entries_stand_where_they_were_put"))?;
    log.append(&batch(|b| b.reset(G7, at(4, 2)).entries(G7, &run(5, &[2, 2, 3]))))?;
    let (what, must_be) = ("a snapshot through 4@2, then terms 2 2 3", "after 4@2: 5@2 6@2 7@3");
    table.reads(what, must_be, log.seen(G7), PUSH);
    table.verdict()
}

/// What an entry in the middle does to those after it.
pub(super) fn overwrite_conflict_suffix(_: &mut Check) -> Verdict {
    let then = |first: u64, terms: &[u64]| vec![run(1, &[1, 1, 2, 2, 2]), run(first, terms)];
    let and = |mut batches: Vec<Vec<Entry>>, more: &[u64]| {
        batches.extend(more.iter().map(|&index| run(index, &[4])));
        batches
    };
    let rows = [
        ("6@3: it follows", then(6, &[3]), "after 0@0: 1@1 2@1 3@2 4@2 5@2 6@3"),
        ("5@3: the last one", then(5, &[3]), "after 0@0: 1@1 2@1 3@2 4@2 5@3"),
        ("4@3", then(4, &[3]), "after 0@0: 1@1 2@1 3@2 4@3"),
        ("3@3: where a term begins", then(3, &[3]), "after 0@0: 1@1 2@1 3@3"),
        ("2@3", then(2, &[3]), "after 0@0: 1@1 2@3"),
        ("1@3: the first one", then(1, &[3]), "after 0@0: 1@3"),
        ("4@2: the term that it had", then(4, &[2]), "after 0@0: 1@1 2@1 3@2 4@2"),
        ("3@1: the term before", then(3, &[1]), "after 0@0: 1@1 2@1 3@1"),
        ("3@3, 4@3 together", then(3, &[3, 3]), "after 0@0: 1@1 2@1 3@3 4@3"),
        ("2@3, and 3@4 later", and(then(2, &[3]), &[3]), "after 0@0: 1@1 2@3 3@4"),
        ("4@3, then 2@4, then 3@4", and(then(4, &[3]), &[2, 3]), "after 0@0: 1@1 2@4 3@4"),
    ];
    let intro = "g7 holds 1@1 2@1 3@2 4@2 5@2; it is given";
    let mut table = Table::new(rule("overwrite_ends_the_log"), "entry").intro(intro);
    grow(&mut table, &rows, CUT)?;
    let log = ObservedLog::new(rule("overwrite_ends_the_log"))?;
    let (three, two) = (run(1, &[1, 1, 1]), run(1, &[1, 1]));
    log.append(&batch(|b| b.entries(G7, &three).entries(G1, &two).entries(G7, &[short(2, 2)])))?;
    for (group, must_be) in [(G7, "after 0@0: 1@1 2@2"), (G1, "after 0@0: 1@1 2@1")] {
        table.reads(format!("2@2 in the same batch: {group}"), must_be, log.seen(group), CUT);
    }
    table.verdict()
}
