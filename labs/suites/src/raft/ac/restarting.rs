//! Step 5: starting again from what was durable (Fig. 2, persistent state).
//!
//! ```text
//!    before   term 5, vote n2, log 1@1 2@1 3@5, commit 2, applied 1
//!       -- power fails --
//!    after    the same; a follower without a leader; 2@1 is handed out to be applied, 1@1 is not
//! ```

use super::blame::{APPLIED_AGAIN, FORGOT, UNAPPLIED};
use super::owner::{Checked, Owner, disk, settings};
use crate::raft::kit::{N1, N2, N3, ask, at, names_of, sends};
use crate::raft::rule;
use harness::{Check, Table, Verdict};
use raft::{ApplyGate, Body, Config, Index, NodeId, RawNode, Term};

fn gave_its_vote_to(n1: &Owner, candidate: NodeId) -> bool {
    let granted = |body: &Body| matches!(body, Body::VoteReply { granted: true, .. });
    n1.sent().iter().any(|message| message.to == candidate && granted(&message.body))
}

/// Term, vote, log and commit index are what was saved.
pub(super) fn start_restart(_: &mut Check) -> Verdict {
    let remembers = rule("restart_remembers");
    let vote = |n1: &mut Owner, candidate: NodeId| -> Checked<String> {
        n1.hear(ask(candidate, N1, 5));
        n1.settle()?;
        let answer = if gave_its_vote_to(n1, candidate) { "granted" } else { "refused" };
        Ok(format!("{candidate} is {answer}"))
    };
    let mut n1 = Owner::in_term(5).row(1, "the vote");
    vote(&mut n1, N2)?;
    n1.restart()?;
    let got = vote(&mut n1, N3)?;
    let because = "n1 voted for n2, started again, and voted for n3, both in term 5";
    n1.must_be(remembers, FORGOT, because, "n3 is refused", got)?;
    let got = vote(&mut n1, N2)?;
    let because = "n1 voted for n2 in term 5, and denies it";
    n1.must_be(remembers, FORGOT, because, "n2 is granted", got)?;

    let saved = || disk(&[1, 1, 4], 5, None, 2);
    let mut n1 = Owner::of(settings(), saved()).row(2, "term and log");
    n1.campaign();
    n1.settle()?;
    let asked = n1.sent().iter().find_map(|message| {
        let Body::RequestVote(ask) = &message.body else { return None };
        Some(format!("term {}, last entry {}", message.term.unwrap_or_default(), ask.last))
    });
    let because = "n1's disk holds term 5 and a log that ends in 3@4; it campaigns";
    let asked = asked.unwrap_or_else(|| "no question".to_owned());
    n1.must_be(remembers, FORGOT, because, "term 6, last entry 3@4", asked)?;

    let mut n1 = Owner::of(settings(), saved()).row(3, "the commit index");
    n1.settle()?;
    let because = "n1's disk holds three entries, two of them committed";
    let got = format!("{} applied", names_of(n1.application()));
    n1.must_be(remembers, UNAPPLIED, because, "1@1 2@1 applied", got)?;

    let config = Config { applied: Index(1), ..settings() };
    let mut n1 = Owner::of(config, saved()).row(4, "what is applied");
    n1.settle()?;
    let because = "two entries are committed, and the application had applied the first";
    let got = format!("{} applied", names_of(n1.application()));
    n1.must_be(rule("applied_once_across_crashes"), APPLIED_AGAIN, because, "2@1 applied", got)
}

/// Everything that happens to n1 in the run. The power fails after each step.
type RunStep = fn(&mut Owner) -> Checked<()>;

const ACTIONS: [(&str, RunStep); 14] = [
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

fn heard(n1: &mut Owner, behind: u64, terms: &[u64], commit: u64) -> Checked<()> {
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
        n1.restart()?;
        n1.settle()?;
        heard(&mut n1, 0, &[1, 1, 1], 3)?;
        n1.settle()?;
        heard(&mut n1, 3, &[], 3)?;
        n1.settle()?;
        let because = "three entries are committed, and this is what the application did";
        let (rule, got) = (rule("applied_once_across_crashes"), names_of(n1.application()));
        n1.must_be(rule, APPLIED_AGAIN, because, "1@1 2@1 3@1", got)?;
    }
    Ok(())
}

/// Impossible states of storage are refused; similar possible ones are not.
pub(super) fn impossible_start(_: &mut Check) -> Verdict {
    let gate = |apply_gate: ApplyGate, applied: u64| Config {
        applied: Index(applied),
        apply_gate,
        ..settings()
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
        ("applied 5, gate Ahead(2)", gate(ApplyGate::Ahead(2), 5), (5, 3), true),
        ("applied 6, gate Ahead(2)", gate(ApplyGate::Ahead(2), 6), (5, 3), false),
        ("applied 4, Ahead without a bound", gate(ApplyGate::Ahead(u64::MAX), 4), (5, 3), true),
        ("applied 3, commit 2 (saved late)", usual(3), (5, 2), true),
    ];
    let seen = rows.map(|(what, config, (term, commit), starts)| {
        // A node that starts can be tested: a function that is not written yet is not wrong yet.
        let node = RawNode::new(&config, disk(&[1, 1, 4], term, None, commit));
        (what, starts, node.map(|node| node.has_ready()))
    });
    // To start from what is impossible is one mistake, to refuse what is possible another.
    let is_lenient = seen.iter().any(|(_, starts, found)| !starts && found.is_ok());
    let rule = match is_lenient {
        true => rule("an_impossible_memory_is_refused"),
        false => rule("a_possible_memory_is_accepted"),
    };
    let intro = "n1's disk holds a log of three entries; it starts with";
    let mut table = Table::new(rule, "what it starts with").intro(intro);
    for (what, starts, found) in seen {
        let say = |starts: bool| if starts { "starts" } else { "refused" };
        let row = table.equal(what, say(starts), say(found.is_ok()));
        if let Err(why) = found {
            row.because(why.to_string());
        }
    }
    table.failure().map_or(Ok(()), |failure| failure.function("Config::check_restart").fail())
}
