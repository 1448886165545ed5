//! Step 5: what a follower takes, what it answers, and how far it commits (§5.3, Fig. 2
//! AppendEntries).
//!
//! ```text
//!   leader --prev=2@2 [3@2] commit=3--> n1 (1 2)      matched 3, log 1 2 2, commit 3
//!   leader --prev=3@2 [4@2] commit=4--> n1 (1 2)      rejected 3: it has no third entry
//!   leader --prev=1@1 []    commit=3--> n1 (1 1 1)    matched 1, commit 1: 2 and 3 may differ
//! ```

use crate::raft::kit::{
    Blame, Expected, N1, N2, N3, Rows, Stage, at, beat_with, holding, is_about_commit,
    is_about_logs, logged, names_of, remembering, sends, terms_of,
};
use crate::raft::rule;
use harness::{Check, Rule, Verdict};
use raft::{AppendOutcome, Body, EntryId, Event, Term};
use testbed::Setup;

/// Says n1's log and commit index.
fn log_and_commit(stage: &Stage) -> String {
    format!("log {}, commit {}", terms_of(&stage.log(N1)), stage.commit(N1))
}

fn is_about_appends(event: &Event) -> bool {
    is_about_logs(event) || is_about_commit(event)
}

/// Log, commit index and answer, for every kind of append.
pub(super) fn check_append_table(_: &mut Check) -> Verdict {
    // What the entries follow, the entries, the leader's commit index; then what n1 answers and holds.
    let rows: [(EntryId, &[u64], u64, &str); 16] = [
        (at(2, 3), &[], 0, "rejected 2, log 1 2, commit 0"),
        (at(3, 2), &[], 0, "rejected 3, log 1 2, commit 0"),
        (at(3, 2), &[2], 4, "rejected 3, log 1 2, commit 0"),
        (at(1, 2), &[2], 1, "rejected 1, log 1 2, commit 0"),
        (at(2, 1), &[2], 1, "rejected 2, log 1 2, commit 0"),
        (at(9, 1), &[2], 9, "rejected 9, log 1 2, commit 0"),
        (at(1, 1), &[], 1, "matched 1, log 1 2, commit 1"),
        (at(2, 2), &[], 0, "matched 2, log 1 2, commit 0"),
        (at(0, 0), &[2], 1, "matched 1, log 2, commit 1"),
        (at(2, 2), &[2], 3, "matched 3, log 1 2 2, commit 3"),
        (at(2, 2), &[2], 4, "matched 3, log 1 2 2, commit 3"),
        (at(2, 2), &[2, 2], 3, "matched 4, log 1 2 2 2, commit 3"),
        (at(1, 1), &[2], 4, "matched 2, log 1 2, commit 2"),
        (at(0, 0), &[1, 2], 2, "matched 2, log 1 2, commit 2"),
        (at(1, 1), &[3, 3], 2, "matched 3, log 1 3 3, commit 2"),
        (at(0, 0), &[], 0, "matched 0, log 1 2, commit 0"),
    ];
    let intro = "n1's log is 1 2, none of it committed; the leader of term 3 sends; n1 answers";
    let mut table =
        Rows::new(rule("append_needs_its_predecessor"), "append", intro).noted_by(is_about_appends);
    for (prev, entries, commit, then) in rows {
        let mut stage = Stage::of(holding(Setup::new(3, 0), N1, &[1, 2], 0));
        stage.hear(sends(N2, N1, 3, prev, entries, commit));
        let sent = if entries.is_empty() { String::new() } else { terms_of(&logged(entries)) };
        let what = format!("{prev} [{sent}] commit {commit}");
        let was = format!("{}, {}", stage.last_outcome(N2), log_and_commit(&stage));
        // What was written was written by `maybe_append`, which must not.
        let written = then.starts_with("rejected") && stage.log(N1) != logged(&[1, 2]);
        let blame = Blame::OneOf(if written { WRITTEN } else { ANSWERED });
        let rule = broken_by(then, &was);
        table.row_blamed(blame, stage, |table| {
            table.equal(what, then.to_owned(), was).breaks_rule(rule)
        });
    }
    table.verdict_in(ANSWERED)
}

/// Returns the rule that a row breaks: the first of its answer, its log and its commit index that is
/// wrong says which.
fn broken_by(must_be: &str, was: &str) -> &'static Rule {
    let parts = |said: &str| -> Vec<String> { said.split(", ").map(str::to_owned).collect() };
    let (must_be, was) = (parts(must_be), parts(was));
    if was.first() != must_be.first() {
        return broken_by_answer(&must_be[0], &was[0]);
    }
    let commit = |parts: &[String]| -> Option<u64> {
        parts.last()?.strip_prefix("commit ").and_then(|number| number.parse().ok())
    };
    if was.get(1) != must_be.get(1) {
        rule("append_needs_its_predecessor")
    } else {
        bound(commit(&must_be), commit(&was))
    }
}

/// Returns the rule that a wrong answer breaks: whether it says yes or no, or with which index.
fn broken_by_answer(must_be: &str, was: &str) -> &'static Rule {
    let both = |word: &str| must_be.contains(word) && was.contains(word);
    if both("matched") {
        rule("acknowledgement_names_what_was_sent")
    } else if both("rejected") {
        rule("rejection_names_what_was_asked")
    } else {
        rule("append_needs_its_predecessor")
    }
}

/// Returns the rule that a wrong commit index breaks: too high, or too low.
fn bound(must_be: Option<u64>, was: Option<u64>) -> &'static Rule {
    if was > must_be {
        rule("commit_no_further_than_agreed")
    } else {
        rule("follower_learns_commit")
    }
}

/// Where to look if entries were written that do not fit.
const WRITTEN: &[&str] = &["Log::maybe_append", "Core::on_append", "Log::term"];
/// Where to look if an append had a wrong effect, or a wrong answer.
const ANSWERED: &[&str] = &["Core::on_append", "Core::learn_commit", "Log::maybe_append"];
/// Where to look if committed entries were replaced.
const REPLACED: &[&str] = &["Core::on_append", "Log::maybe_append", "Log::find_conflict"];

/// The answer goes to the leader, in its term, with its session; a rejection says what did not match,
/// and where to try.
pub(super) fn follower_check_append(_: &mut Check) -> Verdict {
    let prevs = [
        (at(0, 0), true),
        (at(1, 1), true),
        (at(2, 2), true),
        (at(1, 2), false),
        (at(2, 1), false),
        (at(3, 2), false),
        (at(5, 2), false),
    ];
    let intro = "n1's log is 1 2; the leader of term 3 probes for this entry; n1's answer";
    let mut table = Rows::new(rule("append_needs_its_predecessor"), "asks for", intro)
        .noted_by(is_about_appends);
    for (prev, held) in prevs {
        let mut stage = Stage::of(holding(Setup::new(3, 0), N1, &[1, 2], 0));
        stage.hear(sends(N2, N1, 3, prev, &[], 0));
        let must_be = match held {
            true => format!("t3 matched {}", prev.index),
            false => format!("t3 rejected {}, hint no further", prev.index),
        };
        let was = said(&stage);
        let rule = broken_by_answer(&must_be, &was);
        table.row(stage, |table| table.equal(prev.to_string(), must_be, was).breaks_rule(rule));
    }
    table.verdict_in(&["Core::on_append", "Log::maybe_append", "Log::term"])
}

/// Says what n1 answered n2.
fn said(stage: &Stage) -> String {
    let answers = stage.words(N1).into_iter().filter(|m| m.to == N2);
    let answers = answers.filter_map(|m| {
        let Body::AppendReply { outcome, session: Some(_) } = m.body else { return None };
        Some((m.term, outcome))
    });
    let answers: Vec<String> = answers
        .map(|(term, outcome)| {
            let term = term.unwrap_or(Term(0));
            match outcome {
                AppendOutcome::Matched(index) => format!("t{term} matched {index}"),
                AppendOutcome::Rejected { prev, hint, .. } if hint <= prev => {
                    format!("t{term} rejected {prev}, hint no further")
                }
                AppendOutcome::Rejected { prev, hint, .. } => {
                    format!("t{term} rejected {prev}, hint {hint}")
                }
                AppendOutcome::NewerTerm => format!("t{term} newer term"),
                AppendOutcome::SnapshotWanted { .. } => format!("t{term} wants a snapshot"),
            }
        })
        .collect();
    if answers.is_empty() { "no answer".to_owned() } else { answers.join("; ") }
}

/// A follower applies what its leader has committed, as soon as it holds it.
pub(super) fn follower_commit_entry(_: &mut Check) -> Verdict {
    let rows: [(&[u64], u64); 6] =
        [(&[1], 1), (&[1, 1], 2), (&[1, 1], 1), (&[1, 2, 2, 3], 4), (&[1, 2, 2, 3], 3), (&[1], 0)];
    let intro =
        "n1's log is empty; the leader of term 3 sends entries, and its commit index; n1 applies";
    let mut table = Rows::new(rule("committed_entries_in_order"), "entries, commit", intro)
        .noted_by(is_about_appends);
    for (entries, commit) in rows {
        let mut stage = Stage::new(3);
        stage.hear(sends(N2, N1, 3, at(0, 0), entries, commit));
        let what = format!("{}, commit {commit}", terms_of(&logged(entries)));
        let must_be = names_of(&logged(&entries[..commit as usize]));
        let was = names_of(&stage.applied(N1));
        table.equal(what, must_be, was, stage);
    }
    table.verdict_in(&["Core::on_append", "Core::learn_commit", "Log::next_entries"])
}

/// What a log holds after the end of an append may be another leader's.
pub(super) fn follower_commit_min(_: &mut Check) -> Verdict {
    // The leader's log is 1 2 2 2.
    let rows: [(EntryId, &[u64], u64, u64); 9] = [
        (at(0, 0), &[], 4, 0),
        (at(0, 0), &[1], 4, 1),
        (at(1, 1), &[], 4, 1),
        (at(1, 1), &[], 1, 1),
        (at(1, 1), &[2], 4, 2),
        (at(1, 1), &[2], 1, 1),
        (at(1, 1), &[2, 2, 2], 3, 3),
        (at(1, 1), &[2, 2, 2], 4, 4),
        (at(0, 0), &[1, 2, 2], 4, 3),
    ];
    let intro = "n1's log is 1 1 1; its leader's is 1 2 2 2; n1 gets this append; its commit is";
    let mut table =
        Rows::new(rule("commit_no_further_than_agreed"), "append", intro).noted_by(is_about_commit);
    for (prev, entries, commit, then) in rows {
        let mut stage = Stage::of(holding(Setup::new(3, 0), N1, &[1, 1, 1], 0));
        stage.hear(sends(N2, N1, 2, prev, entries, commit));
        let sent = if entries.is_empty() { String::new() } else { terms_of(&logged(entries)) };
        let what = format!("{prev} [{sent}] commit {commit}");
        let was = stage.commit(N1);
        let rule = bound(Some(then), Some(was));
        table.row(stage, |table| table.equal(what, then, was).breaks_rule(rule));
    }
    table.verdict_in(ANSWERED)
}

/// A message that no correct leader sends: other entries where n1 has committed its own. Any answer of n1
/// is right.
pub(super) fn committed_entries_are_never_overwritten(_: &mut Check) -> Verdict {
    let rows: [(EntryId, &[u64], &str); 5] = [
        (at(3, 1), &[2], "1 1 1"),
        (at(0, 0), &[2], "1 1 1"),
        (at(1, 1), &[2], "1 1 1"),
        (at(2, 1), &[2, 2], "1 1 1"),
        (at(0, 0), &[1, 1, 2, 2], "1 1 1"),
    ];
    let intro =
        "n1's log is 1 1 1, all committed; the leader of term 2 sends; n1's first three are";
    let mut table =
        Rows::new(rule("committed_entries_stay"), "append", intro).noted_by(is_about_appends);
    for (prev, entries, then) in rows {
        let mut stage = Stage::of(holding(Setup::new(3, 0), N1, &[1, 1, 1], 3));
        stage.hear(sends(N2, N1, 2, prev, entries, 3));
        let log = stage.log(N1);
        let was = terms_of(&log[..log.len().min(3)]);
        table.equal(format!("{prev} [{}]", terms_of(&logged(entries))), then, was, stage);
    }
    table.verdict_in(REPLACED)?;
    let stage = Stage::of(holding(Setup::new(3, 0), N1, &[1, 1, 1], 3));
    let mut stage = stage.row(6, "entries after what is committed are taken");
    stage.hear(sends(N2, N1, 2, at(3, 1), &[2], 3));
    let because = "the entry follows what n1 has committed";
    let fitting = rule("fitting_entries_are_taken");
    let (rule, shows) = (rule("committed_entries_stay"), is_about_appends as fn(&Event) -> bool);
    let what = Expected { rule, within: REPLACED, shows, because };
    stage.must_be(&what, "1 1 1 2", terms_of(&stage.log(N1)))?;

    let stage = Stage::of(holding(Setup::new(3, 0), N1, &[1, 1, 1], 3));
    let mut stage = stage.row(7, "entries of a new leader, which knows of one committed entry");
    stage.hear(sends(N2, N1, 2, at(3, 1), &[2], 1));
    let because = "a new leader may know less of what is committed than its followers";
    let what = Expected { rule: fitting, within: ANSWERED, shows, because };
    let was = format!("{}, {}", stage.last_outcome(N2), log_and_commit(&stage));
    stage.must_be(&what, "matched 4, log 1 1 1 2, commit 3", was)
}

/// A leader whose term is over still sends.
pub(super) fn old_messages(_: &mut Check) -> Verdict {
    let setup = || remembering(holding(Setup::new(3, 0), N1, &[1, 1, 3], 1), N1, 3, None);
    let within = &["Raft::update_term", "Core::on_append"];
    let because = "n1 is in term 3, and got a message of term 2's leader";
    let what = Expected {
        rule: rule("old_leader_is_not_obeyed"),
        within,
        shows: is_about_appends,
        because,
    };
    let kept = "log 1 1 3, commit 1";

    let mut stage = Stage::of(setup()).row(1, "other entries, from an old leader");
    stage.hear(sends(N3, N1, 2, at(2, 1), &[2, 2], 3));
    stage.must_be(&what, kept, log_and_commit(&stage))?;
    stage.hear(sends(N3, N1, 2, at(3, 2), &[2], 4));
    stage.must_be(&what, kept, log_and_commit(&stage))?;

    let mut stage = stage.row(2, "a commit index, from an old leader");
    stage.hear(beat_with(N3, N1, 2, 3));
    stage.must_be(&what, kept, log_and_commit(&stage))?;

    let mut stage = stage.row(3, "entries, from the leader of this term");
    stage.hear(sends(N2, N1, 3, at(3, 3), &[3], 4));
    let because = "n1 is in term 3, and got its leader's message";
    let what = Expected { because, within: ANSWERED, ..what };
    stage.must_be(&what, "log 1 1 3 3, commit 4", log_and_commit(&stage))
}
