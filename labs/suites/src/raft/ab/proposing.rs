//! Step 6: what only a leader writes to its log (§5.3, §8).
//!
//! ```text
//!   n1's log  1 2      elected in term 3      1 2 3      an entry without content
//!                      a client: a, b         1 2 3 3 3
//!   n2's log  1 2      a client: a            1 2        it forwards the command, or refuses
//! ```

use crate::raft::kit::{
    Blame, N1, N2, N3, Rows, Said, Stage, answer, ask_with, at, beat_with, commands_of, elect,
    elected, holding, is_about_logs, logged, remembering, sends, terms_of,
};
use crate::raft::rule;
use harness::{Check, Verdict};
use raft::{Body, Entry, Event, Message, NodeId};
use testbed::Setup;

/// A leader's first entry.
pub(super) fn noop_on_election(_: &mut Check) -> Verdict {
    let rows: [(u64, &[u64], &str); 7] = [
        (1, &[], "1"),
        (1, &[1, 1], "1 1 2"),
        (2, &[1], "1 2"),
        (3, &[], "1"),
        (3, &[1, 2], "1 2 3"),
        (5, &[1, 1, 4], "1 1 4 5"),
        (5, &[3], "3 4"),
    ];
    let intro = "n1 holds this log and is elected in the next term; its log is then";
    let mut table =
        Rows::new(rule("term_begins_with_an_entry"), "nodes, log", intro).noted_by(is_about_logs);
    for (size, log, then) in rows {
        let stage = elected(holding(Setup::new(size, 0), N1, log, 0), N1);
        stage.must_lead(rule("term_begins_with_an_entry"), N1)?;
        let what = format!("{size}, {}", terms_of(&logged(log)));
        let was = terms_of(&stage.log(N1));
        table.equal(what, then, was, stage);
    }
    table.verdict_in(BEGUN)?;
    let mut stage = Stage::new(3).row(8, "elected twice: each term begins with an entry");
    elect(&mut stage, N1);
    stage.hear(answer(N3, N1, 2, Said::No));
    elect(&mut stage, N1);
    stage.must_lead(rule("term_begins_with_an_entry"), N1)?;
    let was = terms_of(&stage.log(N1));
    if was == "1 3" {
        return Ok(());
    }
    let failure = stage
        .broken_in(rule("term_begins_with_an_entry"), BEGUN, is_about_logs)
        .expected("1 3")
        .got(was);
    failure.because("n1 led term 1, and leads term 3").fail()
}

/// Where to look if a leader's term does not begin with an entry.
const BEGUN: &[&str] = &["Core::start_term", "Raft::become_leader", "Log::append"];

/// Writes what a log holds after the first entries, with terms: `a@2 b@2`.
fn commands_behind(log: &[Entry], known: usize) -> String {
    let new = log.get(known..).unwrap_or_default();
    let new = new.iter().filter(|entry| !commands_of(std::slice::from_ref(entry)).eq("nothing"));
    let said: Vec<String> = new
        .map(|entry| format!("{}@{}", commands_of(std::slice::from_ref(entry)), entry.id.term))
        .collect();
    if said.is_empty() { "nothing".to_owned() } else { said.join(" ") }
}

/// Proposals are at the end of the leader's log, in order.
pub(super) fn leader_appends_proposals(_: &mut Check) -> Verdict {
    let logs: [&[u64]; 3] = [&[], &[1, 1], &[1, 4]];
    let commands = ["a", "b", "c"];
    let intro = "n1 holds this log, is elected, and a client proposes a, b and c; what is new";
    let mut table = Rows::new(rule("proposal_is_appended"), "log", intro).noted_by(is_about_logs);
    for log in logs {
        let mut stage = elected(holding(Setup::new(3, 0), N1, log, 0), N1);
        stage.must_lead(rule("proposal_is_appended"), N1)?;
        commands.iter().for_each(|command| stage.propose(N1, command));
        let term = log.last().copied().unwrap_or(0) + 1;
        let must_be = commands.map(|command| format!("{command}@{term}")).join(" ");
        let now = stage.log(N1);
        let was = match now.starts_with(&logged(log)) {
            true => commands_behind(&now, log.len()),
            false => format!("another log: {}", terms_of(&now)),
        };
        table.equal(terms_of(&logged(log)), must_be, was, stage);
    }
    table.verdict_in(&["Core::on_propose", "Log::append", "Log::last_index"])
}

/// Lists the nodes to which n1 forwarded a proposal.
fn forwarded_to(stage: &Stage) -> Vec<NodeId> {
    let is_proposal = |message: &&Message| matches!(message.body, Body::Propose { .. });
    stage.words(N1).into_iter().filter(is_proposal).map(|message| message.to).collect()
}

/// Says what happened to the command that was proposed last.
fn outcome_of_proposal(stage: &Stage) -> String {
    let forwarded_to = forwarded_to(stage);
    let written = commands_behind(&stage.log(N1), 2);
    let is_refused = stage.steps().last().is_some_and(|step| step.refused.is_some());
    if forwarded_to.iter().any(|&to| to != N2) {
        return "nothing: it is forwarded to a node that does not lead".to_owned();
    }
    if written == "nothing" && forwarded_to.is_empty() && !is_refused {
        return "nothing, and the client is told that it was taken".to_owned();
    }
    written
}

/// A node that does not lead writes nothing. It may forward the command or refuse it.
pub(super) fn propose_not_leader(_: &mut Check) -> Verdict {
    let setup = || remembering(holding(Setup::new(3, 0), N1, &[1, 1], 0), N1, 1, None);
    let mut follower = Stage::of(setup());
    follower.hear(beat_with(N2, N1, 1, 0));
    let mut candidate = Stage::of(setup());
    candidate.campaign(N1);
    let mut deposed = elected(setup(), N1);
    deposed.hear(answer(N3, N1, 3, Said::No));
    let leader = elected(setup(), N1);
    leader.must_lead(rule("only_a_leader_takes_proposals"), N1)?;
    let rows = [
        ("a follower that knows its leader", follower, "nothing"),
        ("a follower without a leader", Stage::of(setup()), "nothing"),
        ("a candidate", candidate, "nothing"),
        ("a leader whose term is over", deposed, "nothing"),
        ("a leader", leader, "a@2"),
    ];
    let intro = "n1's log is 1 1; a client proposes a to it; new in its log";
    let mut table =
        Rows::new(rule("only_a_leader_takes_proposals"), "n1 is", intro).noted_by(is_about_logs);
    for (what, mut stage, then) in rows {
        stage.propose(N1, "a");
        let was = outcome_of_proposal(&stage);
        table.equal(what, then, was, stage);
    }
    table.verdict_in(&["Core::on_propose", "Raft::become_follower", "Raft::update_term"])
}

/// Returns whether an event shows a change of term or role.
fn is_about_turns(event: &Event) -> bool {
    matches!(event, Event::TermEntered { .. } | Event::RoleEntered { .. })
}

/// Every role learns of a later term, from a candidate and from a leader.
pub(super) fn all_server_stepdown(_: &mut Check) -> Verdict {
    let setup = || holding(Setup::new(3, 0), N1, &[1, 2], 0);
    let intro = "n1's log is 1 2; it learns of term 9; its role and its log then";
    let mut table =
        Rows::new(rule("later_term_keeps_the_log"), "n1, hears", intro).noted_by(is_about_turns);
    for (role, log) in [("follower", "1 2"), ("candidate", "1 2"), ("leader", "1 2 3")] {
        let words = [
            ("RequestVote", ask_with(N2, N1, 9, at(3, 3))),
            ("AppendEntries", sends(N2, N1, 9, at(2, 2), &[], 0)),
            ("AppendEntries, no match", sends(N2, N1, 9, at(9, 3), &[], 0)),
            ("Heartbeat", beat_with(N2, N1, 9, 0)),
        ];
        for (what, word) in words {
            let mut stage = match role {
                "leader" => elected(setup(), N1),
                _ => Stage::of(setup()),
            };
            if role == "candidate" {
                stage.campaign(N1);
            }
            stage.hear(word);
            let must_be = format!("follower, term 9; {log}");
            let was = format!("{}; {}", stage.standing(N1), terms_of(&stage.log(N1)));
            // A log that changes, or a node that does not.
            let blame = match stage.standing(N1).starts_with("follower, term 9") {
                true => &["Core::start_term", "Core::on_append", "Log::maybe_append"],
                false => STOOD,
            };
            table.row_blamed(Blame::OneOf(blame), stage, |table| {
                table.equal(format!("{role}, {what}"), must_be, was)
            });
        }
    }
    table.verdict_in(STOOD)
}

/// Where to look if a later term makes no follower.
const STOOD: &[&str] = &["Raft::become_follower", "Raft::update_term", "Core::start_term"];
