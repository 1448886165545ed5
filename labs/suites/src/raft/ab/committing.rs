//! Step 9: when an entry is safe (§5.3, §5.4.2, Fig. 2 Leaders (4)).
//!
//! ```text
//!   n1 leads term 3     log 1 2 3       entry 3 is of its own term
//!   n2 acknowledges 2   two of three hold 2, of term 2: nothing is committed
//!   n2 acknowledges 3   two of three hold 3, of term 3: all of it is
//! ```
//!
//! The test plays every node but n1. n1's disk is instant. So it makes no difference whether a leader's
//! own copy counts at once, or once it is durable.

use super::blame::{COMMITTED, COUNTED, counting};
use crate::raft::kit::{
    Blame, Expected, N1, N2, N3, N4, N5, Names, Rows, Said, Stage, answer, at, commands_of, elect,
    elected, holding, is_about_commit, is_about_peers, logged, matched, names_of, sends, terms_of,
};
use crate::raft::rule;
use harness::{Check, Rule, Verdict};
use raft::{Body, Event, Index, NodeId};
use testbed::{Input, Setup};

fn expects<'a>(stage: &Stage, rule: &'a Rule, because: &'a str) -> Expected<'a> {
    Expected { rule, within: counting(stage), shows: is_about_commit, because }
}

/// Peers acknowledge their logs in n1's term.
fn acknowledge(stage: &mut Stage, answers: &[(NodeId, u64)]) {
    let term = stage.disk(N1).term.0;
    answers.iter().for_each(|&(from, index)| stage.hear(matched(from, N1, term, index)));
}

fn said(answers: &[(NodeId, u64)]) -> String {
    let said: Vec<String> = answers.iter().map(|(id, index)| format!("{id} {index}")).collect();
    if said.is_empty() { "nobody".to_owned() } else { said.join(", ") }
}

/// How many entries the leader has, how many each peer acknowledges, and how many are then committed.
type AckRow = (u64, &'static [(NodeId, u64)], u64);

/// Where to look if an answer of an earlier term has an effect.
const OUTDATED: Names = &["Raft::update_term", "Core::on_matched", "Progress::maybe_update"];
/// Where to look if a leader knows what it learned in an earlier term.
const BEGUN: Names = &["Core::init_progress", "Core::start_term", "Core::commit_by_counting"];

/// Adds a row that is about a commit index.
fn row(table: &mut Rows, stage: Stage, what: String, must_be: String, was: String) {
    let blame = Blame::OneOf(counting(&stage));
    table.row_blamed(blame, stage, |table| table.equal(what, must_be, was));
}

/// Which peer acknowledges what, and how far that commits.
pub(super) fn ack_table(_: &mut Check) -> Verdict {
    // Entry 1 begins the term; 2 and 3 are proposals.
    let rows: [AckRow; 19] = [
        (1, &[], 3),
        (2, &[], 0),
        (2, &[(N2, 2)], 2),
        (3, &[], 0),
        (3, &[(N2, 1)], 1),
        (3, &[(N2, 2)], 2),
        (3, &[(N3, 3)], 3),
        (3, &[(N2, 1), (N3, 2)], 2),
        (3, &[(N2, 3), (N3, 1)], 3),
        (4, &[(N2, 3)], 0),
        (4, &[(N2, 3), (N4, 2)], 2),
        (4, &[(N2, 1), (N3, 2), (N4, 3)], 2),
        (5, &[(N2, 3)], 0),
        (5, &[(N2, 3), (N3, 1)], 1),
        (5, &[(N2, 2), (N3, 3)], 2),
        (5, &[(N5, 3), (N4, 3)], 3),
        (5, &[(N2, 1), (N3, 1), (N4, 2), (N5, 3)], 2),
        (5, &[(N2, 1), (N2, 2), (N2, 3)], 0),
        (7, &[(N2, 3), (N3, 3)], 0),
    ];
    let intro = "n1 leads term 1 with three entries of it; peers acknowledge up to; n1 commits";
    let mut table =
        Rows::new(rule("majority_commits"), "nodes: acknowledged", intro).noted_by(is_about_commit);
    for (size, answers, then) in rows {
        let mut stage = elected(Setup::new(size, 0), N1);
        stage.must_lead(rule("majority_commits"), N1)?;
        stage.propose(N1, "a");
        stage.propose(N1, "b");
        acknowledge(&mut stage, answers);
        let what = format!("{size}: {}", said(answers));
        let was = stage.commit(N1);
        let blame = Blame::OneOf(counting(&stage));
        table.row_blamed(blame, stage, |table| table.equal(what, then, was));
    }
    table.verdict_in(COUNTED)
}

/// The client learns of what a majority has acknowledged.
pub(super) fn leader_commit_entry(_: &mut Check) -> Verdict {
    let mut stage = elected(Setup::new(3, 0), N1).row(1, "n2 acknowledges the proposal");
    stage.must_lead(rule("committed_entries_in_order"), N1)?;
    stage.propose(N1, "a");
    let what =
        expects(&stage, rule("committed_entries_in_order"), "nobody has acknowledged anything yet");
    stage.must_be(&what, "nothing", names_of(&stage.applied(N1)))?;
    acknowledge(&mut stage, &[(N2, 2)]);
    let what = expects(
        &stage,
        rule("committed_entries_in_order"),
        "n1 and n2 hold the entry, two of three",
    );
    stage.must_be(&what, "1@1 2@1", names_of(&stage.applied(N1)))?;
    stage.must_be(&what, "a", commands_of(&stage.applied(N1)))?;

    let mut stage = stage.row(2, "n3 acknowledges it too, then the next one");
    acknowledge(&mut stage, &[(N3, 2)]);
    stage.must_be(&what, "1@1 2@1", names_of(&stage.applied(N1)))?;
    stage.propose(N1, "b");
    acknowledge(&mut stage, &[(N3, 3)]);
    let what = expects(
        &stage,
        rule("committed_entries_in_order"),
        "n1 and n3 hold the entry, two of three",
    );
    stage.must_be(&what, "a b", commands_of(&stage.applied(N1)))
}

/// Entries of earlier terms are committed with the first of this one.
pub(super) fn leader_commit_preceding_entries(_: &mut Check) -> Verdict {
    let intro =
        "n1 is elected in the next term, a client proposes, n2 has it all; n1 commits up to";
    let mut table =
        Rows::new(rule("majority_commits"), "n1's log", intro).noted_by(is_about_commit);
    let logs: [&[u64]; 5] = [&[], &[2], &[1], &[1, 2], &[1, 1, 2, 4]];
    for log in logs {
        let mut stage = elected(holding(Setup::new(3, 0), N1, log, 0), N1);
        stage.must_lead(rule("majority_commits"), N1)?;
        stage.propose(N1, "a");
        let last = log.len() as u64 + 2;
        acknowledge(&mut stage, &[(N2, last)]);
        let was = stage.commit(N1).to_string();
        row(&mut table, stage, terms_of(&logged(log)), last.to_string(), was);
    }
    table.verdict_in(COUNTED)
}

/// Figure 8: an entry of an earlier term is not counted.
pub(super) fn only_current_term(_: &mut Check) -> Verdict {
    let rows: [(&[u64], &[u64], u64); 9] = [
        (&[1, 2], &[], 0),
        (&[1, 2], &[1], 0),
        (&[1, 2], &[2], 0),
        (&[1, 2], &[1, 2], 0),
        (&[1, 2], &[3], 3),
        (&[1, 2], &[2, 3], 3),
        (&[1, 1, 2, 2], &[4], 0),
        (&[1, 1, 2, 2], &[5], 5),
        (&[2], &[1, 1, 1], 0),
    ];
    let intro = "n1 holds a log and is elected in the next term; n2 acknowledges; n1 commits up to";
    let mut table = Rows::new(rule("only_own_term_is_counted"), "log: n2's answers", intro)
        .noted_by(is_about_commit);
    for (log, answers, then) in rows {
        let mut stage = elected(holding(Setup::new(3, 0), N1, log, 0), N1);
        stage.must_lead(rule("only_own_term_is_counted"), N1)?;
        answers.iter().for_each(|&index| acknowledge(&mut stage, &[(N2, index)]));
        let what = format!("{}: {answers:?}", terms_of(&logged(log)));
        table.equal(what, then.to_string(), stage.commit(N1).to_string(), stage);
    }
    table.verdict_in(COMMITTED)
}

/// A leader's own copy is one of the majority; a majority of others is one without it.
pub(super) fn progress_leader(_: &mut Check) -> Verdict {
    let mut stage = elected(Setup::new(3, 0), N1).row(1, "one other copy, of three");
    stage.must_lead(rule("majority_commits"), N1)?;
    for index in 2..=5 {
        stage.propose(N1, "a");
        acknowledge(&mut stage, &[(N2, index)]);
        let what =
            expects(&stage, rule("majority_commits"), "n1 and n2 hold every entry, two of three");
        stage.must_be(&what, index.to_string(), stage.commit(N1).to_string())?;
    }
    let setup = Setup::new(3, 0).with_slow_disks();
    let mut stage = elected(setup, N1).row(2, "two other copies, before n1's own is durable");
    stage.must_lead(rule("majority_commits"), N1)?;
    stage.propose(N1, "a");
    acknowledge(&mut stage, &[(N2, 2), (N3, 2)]);
    stage.persist(N1);
    let what = expects(&stage, rule("majority_commits"), "n2 and n3 hold the entry, two of three");
    stage.must_be(&what, "2", stage.commit(N1).to_string())
}

/// A node that is alone needs no other node's copy.
pub(super) fn single_node_commit(_: &mut Check) -> Verdict {
    let mut stage = elected(Setup::new(1, 0), N1).row(1, "a client proposes a and b");
    stage.must_lead(rule("majority_commits"), N1)?;
    stage.propose(N1, "a");
    stage.propose(N1, "b");
    let what = expects(&stage, rule("majority_commits"), "n1 is the only voter, and holds both");
    stage.must_be(&what, "a b", commands_of(&stage.applied(N1)))?;

    let mut stage = stage.row(2, "it starts again");
    stage.restart(N1);
    stage.campaign(N1);
    stage.propose(N1, "c");
    stage.must_be(&what, "a b c", commands_of(&stage.applied(N1)))
}

/// Acknowledgements arrive in the wrong order.
pub(super) fn stale_ack_monotone(_: &mut Check) -> Verdict {
    let five = || -> Result<Stage, Box<harness::Failure>> {
        let mut stage = elected(Setup::new(5, 0), N1);
        stage.must_lead(rule("old_news_changes_nothing"), N1)?;
        ["a", "b", "c"].iter().for_each(|command| stage.propose(N1, command));
        Ok(stage)
    };
    let intro = "n1 leads five nodes with four entries of its term; answers arrive one by one";
    let mut table = Rows::new(rule("old_news_changes_nothing"), "acknowledged", intro)
        .noted_by(|event| is_about_commit(event) || is_about_peers(event));
    let rows: [(&[(NodeId, u64)], u64); 8] = [
        (&[(N2, 4), (N3, 4)], 4),
        (&[(N2, 4), (N2, 1), (N3, 4)], 4),
        (&[(N2, 4), (N2, 2), (N3, 4)], 4),
        (&[(N2, 2), (N2, 1), (N3, 3)], 2),
        (&[(N2, 3), (N2, 3), (N2, 3)], 0),
        (&[(N2, 1), (N3, 1)], 1),
        (&[(N2, 0), (N3, 0)], 0),
        (&[(N2, 4), (N3, 3), (N3, 1), (N4, 2)], 3),
    ];
    for (answers, then) in rows {
        let mut stage = five()?;
        acknowledge(&mut stage, answers);
        let was = format!("commit {}", stage.commit(N1));
        row(&mut table, stage, said(answers), format!("commit {then}"), was);
    }
    table.verdict_in(COUNTED)
}

/// An acknowledgement of an earlier term speaks of a log that may have been replaced since.
pub(super) fn old_term_ack_ignored(_: &mut Check) -> Verdict {
    let intro =
        "n1 leads term 3 of three nodes, its log is 1 2 3; n2 acknowledges; n1 has committed";
    let mut table = Rows::new(rule("old_news_changes_nothing"), "n2's answer", intro)
        .noted_by(|event| is_about_commit(event) || is_about_peers(event));
    for (term, index, then) in [(2, 3, 0), (1, 3, 0), (2, 2, 0), (3, 2, 0), (3, 3, 3)] {
        let mut stage = elected(holding(Setup::new(3, 0), N1, &[1, 2], 0), N1);
        stage.must_lead(rule("old_news_changes_nothing"), N1)?;
        stage.hear(matched(N2, N1, term, index));
        let was = format!("commit {}", stage.commit(N1));
        let what = format!("t{term} matched {index}");
        let blame = Blame::OneOf(if term < 3 { OUTDATED } else { counting(&stage) });
        table.row_blamed(blame, stage, |table| table.equal(what, format!("commit {then}"), was));
    }
    table.verdict_in(OUTDATED)
}

/// A leader that led before has forgotten which peer held what.
pub(super) fn leader_reinit_progress(_: &mut Check) -> Verdict {
    let title = "n2 acknowledged five entries in term 1, which were replaced since";
    let mut stage = elected(Setup::new(5, 0), N1).row(1, title);
    stage.must_lead(rule("new_leader_knows_no_copies"), N1)?;
    ["a", "b", "c", "d"].iter().for_each(|command| stage.propose(N1, command));
    acknowledge(&mut stage, &[(N2, 5)]);
    stage.hear(sends(N5, N1, 2, at(0, 0), &[2], 0));
    elect(&mut stage, N1);
    stage.must_lead(rule("new_leader_knows_no_copies"), N1)?;
    acknowledge(&mut stage, &[(N3, 2)]);
    let because = "of the five only n1 and n3 hold the entry of term 3";
    let what =
        Expected { within: BEGUN, ..expects(&stage, rule("new_leader_knows_no_copies"), because) };
    stage.must_be(&what, "commit 0", format!("commit {}", stage.commit(N1)))?;

    let mut stage = stage.row(2, "n4 acknowledges in term 3");
    acknowledge(&mut stage, &[(N4, 2)]);
    let what = expects(
        &stage,
        rule("new_leader_knows_no_copies"),
        "n1, n3 and n4 hold the entry of term 3, three of five",
    );
    stage.must_be(&what, "commit 2", format!("commit {}", stage.commit(N1)))
}

/// A heartbeat carries no commit index beyond what its receiver holds.
pub(super) fn heartbeat_commit_bounded(_: &mut Check) -> Verdict {
    let mut stage = elected(holding(Setup::new(3, 0), N1, &[1, 1, 1], 1), N1);
    stage = stage.row(1, "n2 holds everything, n3 one entry");
    stage.must_lead(rule("beat_commits_what_is_held"), N1)?;
    acknowledge(&mut stage, &[(N3, 1), (N2, 4)]);
    let what = expects(
        &stage,
        rule("beat_commits_what_is_held"),
        "n1 and n2 hold four entries, two of three",
    );
    stage.must_be(&what, "commit 4", format!("commit {}", stage.commit(N1)))?;
    stage.ticks(N1, 5);
    let words = stage.words(N1);
    let told = words.iter().filter(|m| m.to == N3).filter_map(|m| {
        let Body::Heartbeat { commit, .. } = m.body else { return None };
        Some(commit)
    });
    let most = told.max().unwrap_or(Index(0));
    let what = Expected {
        within: &["Core::bcast_heartbeat"],
        shows: |event| matches!(event, Event::Sent { kind: "Heartbeat", .. }),
        ..expects(
            &stage,
            rule("beat_commits_what_is_held"),
            "n3 has acknowledged one entry, and n1 has committed four",
        )
    };
    let must_be = "n3 is sent 1 or less";
    let was = if most <= Index(1) { must_be.to_owned() } else { format!("n3 is sent {most}") };
    stage.must_be(&what, must_be, was)
}

/// Returns the highest commit index that n1 sent a peer: in a heartbeat, or in an append that reaches as
/// far.
fn told(stage: &Stage, to: NodeId) -> u64 {
    let words = stage.words(N1);
    let told = words.iter().filter(|message| message.to == to).map(|m| {
        if let Body::Heartbeat { commit, .. } = &m.body {
            commit.0
        } else if let Body::AppendEntries { prev, entries, commit, .. } = &m.body {
            commit.0.min(prev.index.0 + entries.len() as u64)
        } else {
            0
        }
    });
    told.max().unwrap_or(0)
}

/// Followers learn what is committed: at once, with the next entries or with a heartbeat.
pub(super) fn commit_broadcast(_: &mut Check) -> Verdict {
    let mut stage = elected(Setup::new(3, 0), N1).row(1, "n2 acknowledges, time passes");
    stage.must_lead(rule("commit_is_told"), N1)?;
    stage.propose(N1, "a");
    acknowledge(&mut stage, &[(N2, 2)]);
    let what = expects(&stage, rule("commit_is_told"), "n1 and n2 hold two entries, two of three");
    stage.must_be(&what, "commit 2", format!("commit {}", stage.commit(N1)))?;
    stage.ticks(N1, 3);
    stage.propose(N1, "b");
    stage.ticks(N1, 3);
    let what = Expected {
        within: &["Core::on_matched", "Core::bcast_append", "Core::send_append"],
        ..expects(
            &stage,
            rule("commit_is_told"),
            "n1 has committed two entries, n2 holds them, and six ticks pass",
        )
    };
    let was = told(&stage, N2);
    let must_be = "n2 is sent 2 or more";
    let was = if was >= 2 { must_be.to_owned() } else { format!("n2 is sent {was}") };
    stage.must_be(&what, must_be, was)
}

/// Whole clusters, in which some nodes never answer.
pub(super) fn proposal_shapes(_: &mut Check) -> Verdict {
    let rows: [(u64, &[NodeId], &str); 7] = [
        (3, &[], "a"),
        (3, &[N3], "a"),
        (3, &[N2, N3], "nothing"),
        (4, &[N2], "a"),
        (4, &[N2, N3], "nothing"),
        (5, &[N2, N4], "a"),
        (5, &[N2, N3, N4], "nothing"),
    ];
    let intro = "n1 campaigns, a client proposes a to it, some nodes are down; n1 applies";
    let mut table =
        Rows::new(rule("proposal_is_appended"), "nodes, down", intro).noted_by(is_about_commit);
    for (size, down, then) in rows {
        let mut stage = Stage::new(size);
        down.iter().for_each(|&id| stage.apply(Input::Crash(id)));
        stage.campaign(N1);
        stage.settle();
        stage.propose(N1, "a");
        stage.settle();
        let names: Vec<String> = down.iter().map(NodeId::to_string).collect();
        let what = format!("{size}, {}", names.join(" "));
        let was = commands_of(&stage.applied(N1));
        row(&mut table, stage, what, then.to_owned(), was);
    }
    table.verdict_in(COUNTED)?;
    let mut stage =
        elected(Setup::new(3, 0), N1).row(8, "its term is over before any node answers");
    stage.propose(N1, "a");
    stage.hear(answer(N3, N1, 2, Said::No));
    stage.hear(matched(N2, N1, 1, 2));
    let what = expects(
        &stage,
        rule("proposal_is_appended"),
        "n1 led term 1, is in term 2, and n2 answers in term 1",
    );
    stage.must_be(&what, "nothing", commands_of(&stage.applied(N1)))
}
