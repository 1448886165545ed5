//! Step 1: which log is newer (§5.4.1).
//!
//! ```text
//!   n1's log  1 1 2       n2 asks with   3@2   equal         granted
//!                                        9@1   longer, older  refused: its last term is over
//!                                        1@3   shorter, newer granted
//! ```
//!
//! Only the last entry decides: its term first, its index second. What is committed does not matter:
//! a voter may hold committed entries without knowing it.

use super::blame::VOTED;
use crate::raft::aa::timer;
use crate::raft::kit::{
    N1, N2, N3, Rows, Stage, ask_with, at, holding, logged, name_or_none, remembering, terms_of,
};
use crate::raft::rule;
use harness::{Check, Verdict};
use raft::{EntryId, Event, NodeId};
use testbed::{Input, Setup};

/// Returns whether an event shows the decision about a vote.
fn is_about_a_vote(event: &Event) -> bool {
    matches!(event, Event::VoteGranted { .. } | Event::VoteRefused { .. })
}

/// A vote request names the last entry of the candidate's log.
pub(super) fn vote_request(_: &mut Check) -> Verdict {
    let logs: [&[u64]; 5] = [&[], &[1], &[1, 1, 2], &[2, 3], &[1, 1, 1, 1, 4]];
    let intro = "n1 campaigns with this log; its requests to n2 and n3";
    let mut table = Rows::new(rule("request_names_last_entry"), "n1's log", intro);
    for log in logs {
        let mut stage = Stage::of(holding(Setup::new(3, 0), N1, log, 0));
        stage.campaign(N1);
        let last = logged(log).last().map_or(EntryId::default(), |entry| entry.id);
        let term = last.term.0 + 1;
        let asks = |to: NodeId, term: u64, last: EntryId| format!("{to}: t{term} last {last}");
        let must_be = [N2, N3].map(|to| asks(to, term, last)).join(", ");
        let mut asked = stage.asked(N1);
        asked.sort_unstable();
        let was: Vec<String> =
            asked.iter().map(|&(to, term, last)| asks(to, term.0, last)).collect();
        let what = terms_of(&logged(log));
        table.row_at(None, stage, |table| table.equal(what, must_be, was.join(", ")));
    }
    table.verdict_in(&["Log::last_index", "Raft::ask_for_votes"])
}

/// Adds a row: n1 holds `log` and gets a request of n2 in a later term.
fn asks(table: &mut Rows, log: &[u64], last: EntryId, granted: bool) {
    let mut stage = Stage::of(holding(Setup::new(3, 0), N1, log, 0));
    stage.hear(ask_with(N2, N1, 9, last));
    let what = format!("{}, asks with {last}", terms_of(&logged(log)));
    table.equal(what, answer(granted), answered(&stage), stage);
}

fn answer(granted: bool) -> &'static str {
    if granted { "granted" } else { "refused" }
}

fn answered(stage: &Stage) -> String {
    stage.votes(N1, N2).last().map_or("no answer".to_owned(), ToString::to_string)
}

/// The paper's two sentences, on logs of every shape.
pub(super) fn voter(_: &mut Check) -> Verdict {
    let intro = "n1 has not voted; n2 asks in term 9, with this last entry; n2 is";
    let mut table =
        Rows::new(rule("older_log_gets_no_vote"), "n1's log", intro).noted_by(is_about_a_vote);
    let rows: [(&[u64], EntryId, bool); 11] = [
        (&[], at(0, 0), true),
        (&[], at(1, 1), true),
        (&[1], at(1, 1), true),
        (&[1], at(2, 1), true),
        (&[1, 1], at(1, 1), false),
        (&[1], at(0, 0), false),
        (&[1], at(1, 2), true),
        (&[1, 1], at(1, 2), true),
        (&[2], at(1, 1), false),
        (&[2], at(5, 1), false),
        (&[1, 2, 2], at(3, 2), true),
    ];
    rows.into_iter().for_each(|(log, last, granted)| asks(&mut table, log, last, granted));
    table.verdict_in(VOTED)
}

/// How the last entry, the vote and the commit index act together.
pub(super) fn vote_up_to_date_table(_: &mut Check) -> Verdict {
    let intro = "n1's log is 1 2 2, with this vote and commit index; n2 asks in term 5; n2 is";
    let mut table =
        Rows::new(rule("older_log_gets_no_vote"), "asks with", intro).noted_by(is_about_a_vote);
    let lasts = [
        (at(0, 0), false),
        (at(1, 1), false),
        (at(3, 1), false),
        (at(9, 1), false),
        (at(1, 2), false),
        (at(2, 2), false),
        (at(3, 2), true),
        (at(4, 2), true),
        (at(1, 3), true),
        (at(3, 3), true),
        (at(9, 4), true),
    ];
    for (last, newer) in lasts {
        for (vote, commit) in [(None, 0), (None, 1), (None, 3), (Some(N2), 0), (Some(N3), 0)] {
            let setup = holding(Setup::new(3, 0), N1, &[1, 2, 2], commit);
            let mut stage = Stage::of(remembering(setup, N1, 5, vote));
            stage.hear(ask_with(N2, N1, 5, last));
            let granted = newer && vote != Some(N3);
            let vote = vote.map_or(String::new(), |vote| format!(", vote {vote}"));
            let commit = if commit > 0 { format!(", commit {commit}") } else { String::new() };
            let what = format!("{last}{vote}{commit}");
            table.equal(what, answer(granted), answered(&stage), stage);
        }
    }
    restarted(&mut table);
    table.verdict_in(VOTED)
}

/// A node that has started again votes by the log on its disk.
fn restarted(table: &mut Rows) {
    for (last, granted) in [(at(3, 2), true), (at(2, 2), false)] {
        let mut stage = Stage::of(holding(Setup::new(3, 0), N1, &[1, 2, 2], 0));
        stage.apply(Input::Crash(N1));
        stage.apply(Input::Restart(N1));
        stage.hear(ask_with(N2, N1, 5, last));
        table.equal(format!("{last}, restarted"), answer(granted), answered(&stage), stage);
    }
}

/// A refused candidate does not use up a vote: the next candidate, whose log is new enough, gets it in
/// that term.
pub(super) fn refused_log_keeps_the_vote(_: &mut Check) -> Verdict {
    let intro =
        "n1's log is 1 1 2; n2 asks in term 9 with an older log, then n3 with 3@2; n1's vote";
    let mut table = Rows::new(rule("refused_candidate_uses_no_vote"), "n2 asks with", intro)
        .noted_by(is_about_a_vote);
    for last in [at(0, 0), at(3, 1), at(9, 1), at(2, 2)] {
        let mut stage = Stage::of(holding(Setup::new(3, 0), N1, &[1, 1, 2], 0));
        stage.hear(ask_with(N2, N1, 9, last));
        let refused = name_or_none(stage.disk(N1).vote);
        stage.hear(ask_with(N3, N1, 9, at(3, 2)));
        let was = format!("{refused}, then {}", name_or_none(stage.disk(N1).vote));
        table.equal(last.to_string(), "none, then n3", was, stage);
    }
    table.verdict_in(&["Log::is_up_to_date", "Core::on_request_vote", "Core::decide_vote"])
}

/// A candidate that is refused for its log does not reset the voter's timer.
pub(super) fn refused_log_resets_no_timer(_: &mut Check) -> Verdict {
    let setup = |seed| holding(Setup::new(3, seed), N1, &[1, 1, 2], 0);
    timer::judge(
        setup,
        vec![
            (
                "RequestVote t5, last 9@1: refused",
                None,
                ask_with(N2, N1, 5, at(9, 1)),
                timer::Must::Go,
            ),
            (
                "RequestVote t5, last 2@2: refused",
                None,
                ask_with(N2, N1, 5, at(2, 2)),
                timer::Must::Go,
            ),
            (
                "RequestVote t5, last 3@2: granted",
                None,
                ask_with(N2, N1, 5, at(3, 2)),
                timer::Must::Wait,
            ),
        ],
    )
}
