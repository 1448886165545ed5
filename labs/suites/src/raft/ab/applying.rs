//! Step 4: how far a log is committed, and what is applied (§5.3, Fig. 2 Rules for All Servers (1)).
//!
//! ```text
//!   index    1 2 3 4 5
//!   n1       1 1 1 1 1      heartbeat, commit 3  -->  3
//!                ^          heartbeat, commit 1  -->  3   (it was sent earlier)
//!            [---]          applied, in order
//! ```

use crate::raft::kit::{
    N1, N2, Rows, Stage, beat_with, holding, is_about_commit, logged, names_of,
};
use crate::raft::rule;
use harness::{Check, Verdict};
use raft::{Entry, Index};
use testbed::Setup;

/// Heartbeats carry commit indexes, in any order.
pub(super) fn commit_only_grows(_: &mut Check) -> Verdict {
    let rows: [(u64, &[u64], u64); 9] = [
        (0, &[0], 0),
        (0, &[1], 1),
        (0, &[3], 3),
        (1, &[4], 4),
        (1, &[1], 1),
        (3, &[1], 3),
        (0, &[3, 2], 3),
        (0, &[2, 1, 4, 0], 4),
        (2, &[0, 3, 3, 1], 3),
    ];
    let intro =
        "n1 holds 1 1 1 1, committed so far; its leader's heartbeats carry these; n1's commit is";
    let mut table =
        Rows::new(rule("commit_only_grows"), "commit, heartbeats", intro).noted_by(is_about_commit);
    for (commit, beats, then) in rows {
        let mut stage = Stage::of(holding(Setup::new(3, 0), N1, &[1, 1, 1, 1], commit));
        beats.iter().for_each(|&beat| stage.hear(beat_with(N2, N1, 1, beat)));
        let what = format!("{commit}, then {beats:?}");
        table.equal(what, then.to_string(), stage.commit(N1).to_string(), stage);
    }
    table.verdict_in(&["Core::learn_commit", "Core::on_heartbeat"])
}

/// What is handed out to be applied: after which index, up to which index, how many bytes at once.
pub(super) fn next_entries(_: &mut Check) -> Verdict {
    let log = logged(&[1, 1, 2, 2, 2]);
    let weight = log[0].size_bytes();
    let (all, much) = (u64::MAX >> 1, u64::MAX >> 1);
    // After, up to, bytes at most, and the expected entries.
    let rows: [(u64, u64, u64, &[u64]); 12] = [
        (0, all, much, &[1, 2, 3, 4]),
        (1, all, much, &[2, 3, 4]),
        (3, all, much, &[4]),
        (4, all, much, &[]),
        (0, 2, much, &[1, 2]),
        (1, 2, much, &[2]),
        (2, 2, much, &[]),
        (0, all, 1, &[1]),
        (0, all, weight, &[1]),
        (0, all, 2 * weight, &[1, 2]),
        (1, all, 3 * weight - 1, &[2, 3]),
        (0, all, 4 * weight, &[1, 2, 3, 4]),
    ];
    let intro = "n1's log is 1 1 2 2 2; it learns that 4 entries are committed; it hands out";
    let mut table = Rows::new(rule("committed_entries_in_order"), "after, up to, bytes", intro);
    for (after, up_to, bytes, then) in rows {
        let mut stage = Stage::of(holding(Setup::new(3, 0), N1, &[1, 1, 2, 2, 2], 0));
        stage.hear(beat_with(N2, N1, 2, 4));
        let node = stage.cluster().node(N1).expect("it is up");
        let taken = node.clone().committed_entries(Index(after), Index(up_to), bytes);
        let taken = taken.expect("memory can be read");
        let must_be: Vec<Entry> = then.iter().map(|&at| log[at as usize - 1].clone()).collect();
        let or_all = |bound: u64| if bound == all { "all".to_owned() } else { bound.to_string() };
        let what = format!("{after}, {}, {}", or_all(up_to), or_all(bytes));
        let (must_be, was) = (names_of(&must_be), names_of(&taken));
        table.row_at(None, stage, |table| table.equal(what, must_be, was));
    }
    table.verdict_in(&["Log::next_entries", "Core::learn_commit"])
}
