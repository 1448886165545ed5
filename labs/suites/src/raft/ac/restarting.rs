//! Step 5: starting again from what was durable (Fig. 2, persistent state).
//!
//! ```text
//!    before   term 5, vote n2, log 1@1 2@1 3@5, commit 2, applied 1
//!       -- power fails --
//!    after    the same; a follower without a leader; 2@1 is handed out to be applied, 1@1 is not
//! ```

use super::owner::{Outcome, Owner, group, settings};
use crate::raft::kit::{N1, N2, N3, ask, at, logged, names_of, sends};
use crate::raft::rule;
use harness::{Check, Failure, Table, Verdict};
use raft::{ApplyGate, Body, Config, HardState, Index, MemoryStorage, NodeId, RawNode, Term};

/// Returns a disk of n1, of three, that holds entries of these terms, and a state.
fn disk(terms: &[u64], term: u64, vote: Option<NodeId>, commit: u64) -> MemoryStorage {
    let mut disk = group(3);
    disk.append(logged(terms));
    disk.save(HardState { term: Term(term), vote, commit: Index(commit) });
    disk
}

fn forgot(n1: &Owner, because: &str, expected: &str, got: String) -> Box<Failure> {
    let failure = n1.broken(rule("restart_remembers"), &["Core::new"]).because(because);
    Box::new(failure.expected(expected).got(got))
}

/// Where to look if an entry is applied twice, or never.
const APPLIED_AGAIN: &[&str] =
    &["Applying::after", "RawNode::take_committed", "RawNode::check_applied"];

fn gave_its_vote_to(n1: &Owner, candidate: NodeId) -> bool {
    let granted = |body: &Body| matches!(body, Body::VoteReply { granted: true });
    n1.sent().iter().any(|message| message.to == candidate && granted(&message.body))
}

/// Term, vote, log and commit index are what was saved.
pub(super) fn start_restart(_: &mut Check) -> Verdict {
    let mut n1 = Owner::of(settings(), disk(&[], 5, None, 0)).row(1, "the vote");
    n1.hear(ask(N2, N1, 5));
    n1.settle()?;
    n1.restart();
    n1.hear(ask(N3, N1, 5));
    n1.settle()?;
    if gave_its_vote_to(&n1, N3) {
        let because = "n1 voted for n2, started again, and voted for n3, both in term 5";
        return Err(forgot(&n1, because, "n3 is refused", "n3 is granted".to_owned()));
    }
    n1.hear(ask(N2, N1, 5));
    n1.settle()?;
    if !gave_its_vote_to(&n1, N2) {
        let because = "n1 voted for n2 in term 5, and denies it";
        return Err(forgot(&n1, because, "n2 is granted", "n2 is refused".to_owned()));
    }

    let log = [1, 1, 4];
    let mut n1 = Owner::of(settings(), disk(&log, 5, None, 2)).row(2, "term and log");
    n1.campaign();
    n1.settle()?;
    let asked = n1.sent().iter().find_map(|message| {
        let Body::RequestVote(ask) = &message.body else { return None };
        Some((message.term, ask.last))
    });
    if asked != Some((Some(Term(6)), at(3, 4))) {
        let because = "n1's disk holds term 5 and a log that ends in 3@4; it campaigns";
        let got = asked.map_or_else(
            || "no question".to_owned(),
            |(term, last)| format!("term {}, last entry {last}", term.unwrap_or_default()),
        );
        return Err(forgot(&n1, because, "it asks in term 6, with last entry 3@4", got));
    }

    let mut n1 = Owner::of(settings(), disk(&log, 5, None, 2)).row(3, "the commit index");
    n1.settle()?;
    if n1.application().len() != 2 {
        let because = "n1's disk holds three entries, two of them committed; nothing was applied";
        let got = names_of(n1.application());
        return Err(forgot(&n1, because, "1@1 2@1 to be applied", got));
    }

    let config = Config { applied: Index(1), ..settings() };
    let mut n1 = Owner::of(config, disk(&log, 5, None, 2)).row(4, "what is applied");
    n1.settle()?;
    if names_of(n1.application()) != "2@1" {
        let failure = n1.broken(rule("applied_once_across_crashes"), APPLIED_AGAIN);
        let because = "two entries are committed, and the application had applied the first";
        let got = names_of(n1.application());
        return failure.because(because).expected("2@1 to be applied").got(got).fail();
    }
    Ok(())
}

/// Everything that happens to n1 in the run. The power fails after each step.
type Action = fn(&mut Owner) -> Outcome<()>;

const ACTIONS: [(&str, Action); 14] = [
    ("n2 sends 1@1 2@1", |n1| heard(n1, 0, &[1, 1], 0)),
    ("a Ready is taken", |n1| n1.start_all().map(drop)),
    ("it is durable", Owner::persist),
    ("n2 sends 3@1, two are committed", |n1| heard(n1, 2, &[1], 2)),
    ("a Ready is taken", |n1| n1.start_all().map(drop)),
    ("it is durable", Owner::persist),
    ("a Ready is taken", |n1| n1.start_all().map(drop)),
    ("it is durable", Owner::persist),
    ("1@1 is applied", Owner::apply_one),
    ("2@1 is applied, and n1 not told", |n1| {
        n1.do_apply();
        Ok(())
    }),
    ("n2 says that all are committed", |n1| heard(n1, 3, &[], 3)),
    ("a Ready is taken", |n1| n1.start_all().map(drop)),
    ("it is durable", Owner::persist),
    ("3@1 is applied", Owner::apply_one),
];

fn heard(n1: &mut Owner, behind: u64, terms: &[u64], commit: u64) -> Outcome<()> {
    let prev = at(behind, u64::from(behind > 0));
    n1.hear(sends(N2, N1, 1, prev, terms, commit));
    Ok(())
}

/// The power fails after every step of a run; each entry is applied once.
pub(super) fn apply_once_across_crash(check: &mut Check) -> Verdict {
    for cut in 1..=ACTIONS.len() {
        let (last, _) = ACTIONS[cut - 1];
        check.doing(format!("the power fails after: {last}"));
        let title = format!("the power fails after: {last}");
        let mut n1 = Owner::new(3).row(cut as u64, &title);
        ACTIONS[..cut].iter().try_for_each(|(_, action)| action(&mut n1))?;
        n1.restart();
        n1.settle()?;
        n1.hear(sends(N2, N1, 1, at(0, 0), &[1, 1, 1], 3));
        n1.settle()?;
        n1.hear(sends(N2, N1, 1, at(3, 1), &[], 3));
        n1.settle()?;
        let got = names_of(n1.application());
        if got != "1@1 2@1 3@1" {
            let failure = n1.broken(rule("applied_once_across_crashes"), APPLIED_AGAIN);
            let because = "three entries are committed, and this is what the application did";
            return failure.because(because).expected("1@1 2@1 3@1").got(got).fail();
        }
    }
    Ok(())
}

/// Impossible states of storage are refused; similar possible ones are not.
pub(super) fn impossible_start(_: &mut Check) -> Verdict {
    let intro = "n1's disk holds a log of three entries; it starts with";
    let mut table =
        Table::new(rule("an_impossible_memory_is_refused"), "what it starts with").intro(intro);
    let gate = |gate: ApplyGate, applied: u64| Config {
        applied: Index(applied),
        apply_gate: gate,
        ..Config::new(N1)
    };
    let usual = |applied: u64| gate(ApplyGate::Durable, applied);
    let rows = [
        ("commit 3", usual(0), (5, 3), true),
        ("commit 4", usual(0), (5, 4), false),
        ("the last term, Term::LAST", usual(0), (Term::LAST.0, 3), true),
        ("a term beyond the last", usual(0), (Term::LAST.0 + 1, 3), false),
        ("applied 3, commit 3", usual(3), (5, 3), true),
        ("applied 4, commit 3", usual(4), (5, 3), false),
        ("applied 4, gate WithReady", gate(ApplyGate::WithReady, 4), (5, 3), false),
        ("applied 4, gate Ahead(2)", gate(ApplyGate::Ahead(2), 4), (5, 3), true),
        ("applied 3, commit 2 (saved late)", usual(3), (5, 2), true),
    ];
    for (what, config, (term, commit), starts) in rows {
        // A node that starts can be tested: a function that is not written yet is not wrong yet.
        let found = RawNode::new(&config, disk(&[1, 1, 4], term, None, commit));
        let found = found.map(|node| node.has_ready());
        let say = |starts: bool| if starts { "starts" } else { "refused" };
        let row = table.equal(what, say(starts), say(found.is_ok()));
        if let Err(why) = found {
            row.because(why.to_string());
        }
    }
    match table.failure() {
        Some(failure) => failure.function("Config::check_restart").fail(),
        None => Ok(()),
    }
}
