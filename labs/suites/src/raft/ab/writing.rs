//! Step 2: what a log holds after it was written to (§5.3).
//!
//! ```text
//!   1 1 1      written after 3:   2 2    -->  1 1 1 2 2      the log grows
//!   1 1 1      written after 1:   2      -->  1 2            what was there is removed
//! ```
//!
//! The checks of what may be written are the next steps': here n1 takes what its leader sends. What is
//! sent differs from what was there, from its first entry on.

use crate::raft::kit::{
    Expected, N1, N2, Rows, Stage, at, behind, holding, is_about_logs, logged, sends, terms_of,
};
use crate::raft::rule;
use harness::{Check, Verdict};
use raft::{Entry, EntryId, Index};
use testbed::{Input, Setup};

/// Where to look if a log does not hold what was written.
const WROTE: &[&str] = &["Log::append", "Log::last_index"];

/// A log, the index after which is written, what is written, and the log then.
type WritingRow<'a> = (&'a [u64], u64, &'a [u64], &'a [u64]);

fn table(rows: &[WritingRow<'_>]) -> Verdict {
    let intro = "n1 holds a log, and its leader writes after an entry of it; then n1 holds";
    let mut table =
        Rows::new(rule("log_is_what_was_written"), "log, written", intro).noted_by(is_about_logs);
    for &(log, prev, written, then) in rows {
        let mut stage = Stage::of(holding(Setup::new(3, 0), N1, log, 0));
        stage.hear(sends(N2, N1, 9, place(log, prev), written, 0));
        let (log, written) = (terms_of(&logged(log)), terms_of(&logged(written)));
        let what = format!("{log}, after {prev}: {written}");
        let was = terms_of(&stage.log(N1));
        table.equal(what, terms_of(&logged(then)), was, stage);
    }
    table.verdict_in(WROTE)
}

/// Returns the id of the entry at an index of a log.
fn place(log: &[u64], index: u64) -> EntryId {
    at(index, index.checked_sub(1).map_or(0, |offset| log[offset as usize]))
}

/// Entries at the end.
pub(super) fn append_extends(_: &mut Check) -> Verdict {
    table(&[
        (&[], 0, &[1], &[1]),
        (&[], 0, &[1, 1, 2], &[1, 1, 2]),
        (&[1], 1, &[1], &[1, 1]),
        (&[1], 1, &[2, 2], &[1, 2, 2]),
        (&[1, 1, 2], 3, &[2, 3, 5], &[1, 1, 2, 2, 3, 5]),
    ])?;
    let mut stage = Stage::new(3).row(6, "one after the other, and a restart in between");
    let mut log = Vec::new();
    for round in 1..=4 {
        stage.hear(sends(N2, N1, 1, place(&log, log.len() as u64), &[1, 1], 0));
        log.extend([1, 1]);
        if round == 2 {
            stage.restart(N1);
        }
        holds(&stage, &logged(&log), "n1's leader wrote after the end of n1's log")?;
    }
    Ok(())
}

fn holds(stage: &Stage, log: &[Entry], because: &str) -> Verdict {
    let what = Expected {
        rule: rule("log_is_what_was_written"),
        within: WROTE,
        shows: is_about_logs,
        because,
    };
    let was = stage.log(N1);
    stage.must_be(&what, terms_of(log), terms_of(&was))?;
    if was == log {
        return Ok(());
    }
    let failure =
        stage.broken_in(rule("log_is_what_was_written"), WROTE, is_about_logs).because(because);
    failure.expected("the entries' own commands").got("the same terms, and other commands").fail()
}

/// Entries in the middle.
pub(super) fn append_replaces_tail(_: &mut Check) -> Verdict {
    table(&[
        (&[1, 1, 1], 0, &[2], &[2]),
        (&[1, 1, 1], 1, &[2], &[1, 2]),
        (&[1, 1, 1], 2, &[2], &[1, 1, 2]),
        (&[1, 1, 1], 1, &[2, 2, 2, 2], &[1, 2, 2, 2, 2]),
        (&[1, 1, 1, 2, 2], 3, &[3], &[1, 1, 1, 3]),
        (&[1, 1, 1], 3, &[2], &[1, 1, 1, 2]),
    ])
}

/// Many leaders write at random indexes, on a disk that is slow.
pub(super) fn log_against_a_vec(_: &mut Check) -> Verdict {
    for run in 1..=30 {
        let mut luck = Luck(run);
        let title = format!("30 leaders write, draw {run}");
        let mut stage = Stage::of(Setup::new(3, 0).with_slow_disks()).row(run, &title);
        let mut model: Vec<u64> = Vec::new();
        for term in 1..=30 {
            let prev = match luck.below(3) {
                0 => luck.below(model.len() as u64 + 1),
                _ => model.len() as u64,
            };
            let written = vec![term; 1 + luck.below(3) as usize];
            stage.hear(sends(N2, N1, term, place(&model, prev), &written, 0));
            model.truncate(prev as usize);
            model.extend(&written);
            if luck.below(3) == 0 {
                stage.persist(N1);
            }
            if luck.below(8) == 0 {
                stage.persist(N1);
                stage.apply(Input::Crash(N1));
                stage.apply(Input::Restart(N1));
            }
            let because = format!("the leader of term {term} wrote {written:?} after {prev}");
            holds(&stage, &logged(&model), &because)?;
            let node = stage.cluster().node(N1).expect("it is up");
            let all = node.entries(Index(1), node.inspect().last.index + 1);
            let same = all.is_ok_and(|all| all == behind(Index(0), &model));
            if !same {
                let failure = stage
                    .broken_in(rule("log_is_what_was_written"), WROTE, is_about_logs)
                    .because(because);
                let got = format!("n1 says that its log ends with {}", node.inspect().last);
                return failure.expected(terms_of(&logged(&model))).got(got).fail();
            }
        }
    }
    Ok(())
}

/// A few numbers that look random, and are always the same.
struct Luck(u64);

impl Luck {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % bound
    }
}
