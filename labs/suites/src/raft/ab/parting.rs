//! Step 3: where two logs differ (§5.3, Fig. 2 AppendEntries (2) to (4)).
//!
//! ```text
//!   index     1 2 3 4 5
//!   n1        1 1 1 2 2
//!   leader    1 1 1 3       prev 2@1 [3@1 4@3]    3@1 is there, 4@3 is not: 4 and 5 are removed
//!   leader    1 1 1         prev 1@1 [2@1 3@1]    nothing new: nothing is removed
//! ```

use crate::raft::kit::{
    Blame, Expected, N1, N2, Rows, Stage, at, holding, is_about_logs, logged, sends, terms_of,
};
use crate::raft::rule;
use harness::{Check, Verdict};
use raft::{EntryId, Message};
use testbed::Setup;

/// A log, what the entries follow, the entries, and the log then: logs as the terms of their entries.
type ConflictRow = (&'static [u64], EntryId, &'static [u64], &'static [u64]);

/// What is new, what differs, what is there already, and what does not fit.
pub(super) fn append_conflict_table(_: &mut Check) -> Verdict {
    // n1's log, what the entries follow, the entries, n1's log then.
    let rows: [ConflictRow; 16] = [
        (&[1, 2], at(2, 2), &[3], &[1, 2, 3]),
        (&[1, 2], at(1, 1), &[3, 4], &[1, 3, 4]),
        (&[1, 2], at(0, 0), &[3], &[3]),
        (&[1, 2], at(0, 0), &[1], &[1, 2]),
        (&[1, 2], at(1, 1), &[2], &[1, 2]),
        (&[1, 2], at(1, 1), &[2, 2], &[1, 2, 2]),
        (&[1, 2], at(0, 0), &[1, 2], &[1, 2]),
        (&[1, 1, 1, 2, 2], at(2, 1), &[1, 3], &[1, 1, 1, 3]),
        (&[1, 1, 1, 2, 2], at(1, 1), &[1, 1, 3, 3, 3], &[1, 1, 1, 3, 3, 3]),
        (&[1, 1, 1, 1, 1], at(1, 1), &[2], &[1, 2]),
        (&[1, 1, 1, 1, 1], at(4, 1), &[2, 2], &[1, 1, 1, 1, 2, 2]),
        (&[1, 1, 1, 2, 2], at(3, 1), &[2], &[1, 1, 1, 2, 2]),
        (&[1, 2], at(3, 2), &[3], &[1, 2]),
        (&[1, 2], at(5, 2), &[3], &[1, 2]),
        (&[1, 2], at(2, 1), &[3], &[1, 2]),
        (&[1, 2], at(1, 2), &[3], &[1, 2]),
    ];
    let intro = "n1 holds a log; its leader sends entries after one of them; then n1 holds";
    let mut table =
        Rows::new(rule("conflict_removes_the_tail"), "log, sent", intro).noted_by(is_about_logs);
    for (log, prev, sent, then) in rows {
        let mut stage = Stage::of(holding(Setup::new(3, 0), N1, log, 0));
        stage.hear(sends(N2, N1, 9, prev, sent, 0));
        let what = format!("{}, {prev} [{}]", terms_of(&logged(log)), terms_of(&logged(sent)));
        let was = terms_of(&stage.log(N1));
        // Entries that must be taken, or entries that do not fit.
        let before = prev.index.0.checked_sub(1).map(|offset| log.get(offset as usize));
        let fits = before.is_none_or(|term| term == Some(&prev.term.0));
        let blame = Blame::OneOf(if fits { TAKEN } else { UNFIT });
        table.row_blamed(blame, stage, |table| table.equal(what, terms_of(&logged(then)), was));
    }
    table.verdict_in(TAKEN)
}

/// Where to look if entries were taken wrongly.
const TAKEN: &[&str] = &["Log::find_conflict", "Log::maybe_append", "Log::append"];
/// Where to look if entries were taken that do not fit.
const UNFIT: &[&str] = &["Log::maybe_append", "Log::term", "Log::find_conflict"];

fn expects(because: &str) -> Expected<'_> {
    Expected {
        rule: rule("old_append_removes_nothing"),
        within: TAKEN,
        shows: is_about_logs,
        because,
    }
}

/// A message arrives late: n1 holds what it brings, and more.
pub(super) fn stale_append_no_truncate(_: &mut Check) -> Verdict {
    let first = sends(N2, N1, 1, at(0, 0), &[1, 1], 0);
    let second = sends(N2, N1, 1, at(2, 1), &[1, 1], 0);
    let rows: [(&str, Message); 4] = [
        ("the first append arrives again", first.clone()),
        ("one that was sent before the second", sends(N2, N1, 1, at(1, 1), &[1], 0)),
        ("a probe without entries", sends(N2, N1, 1, at(2, 1), &[], 0)),
        ("a probe before the first entry", sends(N2, N1, 1, at(0, 0), &[], 0)),
    ];
    for (number, (title, late)) in (1..).zip(rows) {
        let mut stage = Stage::new(3).row(number, title);
        stage.hear(first.clone());
        stage.hear(second.clone());
        let what = expects("n1 was sent four entries in two appends");
        stage.must_be(&what, "1 1 1 1", terms_of(&stage.log(N1)))?;
        stage.hear(late);
        let what = expects("n1 had acknowledged four entries; an old message arrived");
        stage.must_be(&what, "1 1 1 1", terms_of(&stage.log(N1)))?;
    }
    Ok(())
}

/// Three appends, in every order, and again.
pub(super) fn dup_and_reordered_append(_: &mut Check) -> Verdict {
    let appends = [
        sends(N2, N1, 1, at(0, 0), &[1, 1], 0),
        sends(N2, N1, 1, at(2, 1), &[1], 0),
        sends(N2, N1, 1, at(3, 1), &[1, 1], 0),
    ];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (number, order) in (1..).zip(orders) {
        let [a, b, c] = order.map(|at| at + 1);
        let title = format!("three appends arrive as {a} {b} {c}, then again as {c} {b} {a}, ...");
        let mut stage = Stage::new(3).row(number, &title);
        let again = order.iter().rev();
        let mut longest = 0;
        for &next in order.iter().chain(again).chain(&[0, 1, 2]) {
            stage.hear(appends[next].clone());
            let log = stage.log(N1);
            let what =
                expects("n1 had entries of its leader, and got an older append of the same leader");
            let as_sent = logged(&vec![1; log.len()]);
            stage.must_be(&what, terms_of(&as_sent), terms_of(&log))?;
            longest = longest.max(log.len());
            let kept = format!("{longest} entries or more");
            let has =
                if log.len() >= longest { kept.clone() } else { format!("{} entries", log.len()) };
            stage.must_be(&what, kept, has)?;
        }
        let what = expects("in the end the three appends had arrived in order");
        stage.must_be(&what, "1 1 1 1 1", terms_of(&stage.log(N1)))?;
    }
    Ok(())
}
