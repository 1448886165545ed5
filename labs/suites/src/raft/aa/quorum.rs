//! Step 1: how many votes are enough, and the state of an election (§5.2).
//!
//! ```text
//!   n1 n2 n3 n4        2 of 4 is half: [n1 n2] and [n3 n4] would both win
//!   [---] [---]
//! ```

use crate::raft::rule;
use harness::{Check, Table, Verdict};
use raft::NodeId;
use raft::quorum::{Majority, Outcome, Votes};

/// A quorum of each size of cluster from 1 to 9.
pub(super) fn quorum_sizes(check: &mut Check) -> Verdict {
    let mut table = Table::new(rule("quorum_is_more_than_half"), "cluster");
    for (size, enough) in [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4), (8, 5), (9, 5)] {
        check.doing(format!("Majority::needed for {size} voters"));
        let needed = majority(size).needed() as u64;
        let voters = if size == 1 { "voter" } else { "voters" };
        table.equal(format!("{size} {voters}"), enough, needed).because(if needed < enough {
            format!("{size} voters hold two groups of {needed} that share no voter")
        } else {
            format!("{enough} voters meet every other {enough} of {size}: more are not needed")
        });
    }
    table.failure().map_or(Ok(()), |failure| failure.function("Majority::needed").fail())
}

/// Every state of an election.
pub(super) fn election_outcomes(check: &mut Check) -> Verdict {
    let rows: [(u64, &[u64], &[u64], Outcome); 18] = [
        (5, &[], &[], Outcome::Pending),
        (5, &[1, 2], &[], Outcome::Pending),
        (5, &[1, 2, 3], &[], Outcome::Won),
        (5, &[1, 2, 3], &[4, 5], Outcome::Won),
        (5, &[], &[4, 5], Outcome::Pending),
        (5, &[], &[3, 4, 5], Outcome::Lost),
        (5, &[1, 2], &[3, 4], Outcome::Pending),
        (5, &[1, 2], &[3, 4, 5], Outcome::Lost),
        (5, &[1, 2, 8, 9], &[], Outcome::Pending),
        (5, &[1], &[4, 5, 8, 9], Outcome::Pending),
        (4, &[1, 2], &[3], Outcome::Pending),
        (4, &[1, 2, 3], &[], Outcome::Won),
        (4, &[1, 2], &[3, 4], Outcome::Lost),
        (3, &[1], &[2], Outcome::Pending),
        (3, &[1], &[2, 3], Outcome::Lost),
        (2, &[1], &[2], Outcome::Lost),
        (1, &[1], &[], Outcome::Won),
        (1, &[], &[], Outcome::Pending),
    ];
    let mut table = Table::new(rule("election_won_lost_open"), "votes heard");
    for (size, yes, no, must_be) in rows {
        let what = format!("{size} voters{}{}", list(", yes", yes), list(", no", no));
        check.doing(format!("Majority::outcome, {what}"));
        let mut votes = Votes::default();
        yes.iter().for_each(|&id| votes.record(NodeId(id), true));
        no.iter().for_each(|&id| votes.record(NodeId(id), false));
        let outcome = majority(size).outcome(&votes);
        table.equal(what, word(must_be), word(outcome)).because(why(size, yes, no));
    }
    table.failure().map_or(Ok(()), |failure| failure.function("Majority::outcome").fail())
}

fn majority(size: u64) -> Majority {
    Majority::new((1..=size).map(NodeId))
}

fn list(word: &str, ids: &[u64]) -> String {
    let names: String = ids.iter().map(|&id| format!(" {}", NodeId(id))).collect();
    if names.is_empty() { names } else { format!("{word}{names}") }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Won => "won",
        Outcome::Lost => "lost",
        Outcome::Pending => "open",
    }
}

/// Counts, as a remark under a row that fails.
fn why(size: u64, yes: &[u64], no: &[u64]) -> String {
    let of = |ids: &[u64]| ids.iter().filter(|&&id| id <= size).count() as u64;
    let strangers = yes.len() + no.len() - (of(yes) + of(no)) as usize;
    let (needed, reachable) = (size / 2 + 1, size - of(no));
    let strangers = if strangers > 0 { format!(", {strangers} strangers") } else { String::new() };
    format!("{} said yes{strangers}; at most {reachable} can; {needed} are needed", of(yes))
}
