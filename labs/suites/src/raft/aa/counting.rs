//! Step 6, first part: whose votes count (§5.2, Fig. 2 Candidates (2)).
//!
//! ```text
//!   n1 campaigns, 5 nodes      votes     3 of 5 are needed
//!     its own                  1
//!     n2 granted               2
//!     n2 granted (again)       2         voters are counted
//!     n3 granted in term 0     2         this term's
//!     n4 granted               3         n1 leads
//! ```
//!
//! The test plays every voter but n1. A candidate that has lost may step down at once or wait for its
//! election timeout: either is right, but it must not lead.

use super::waiting::window;
use crate::raft::kit::{Blame, N1, N2, N3, N4, N5, Rows, Said, Stage, answer, blame, remembering};
use crate::raft::rule;
use harness::text::counted;
use harness::{Check, Rule, Verdict};
use raft::{Event, NodeId};
use testbed::{Input, Setup};

/// Returns whether an event shows how votes were counted.
pub(super) fn is_about_counting(event: &Event) -> bool {
    matches!(event, Event::VoteCounted { .. } | Event::RoleChangeAsked { .. })
}

fn must_lead(stage: &Stage, rule: &Rule, because: &str) -> Verdict {
    if stage.leads(N1) {
        return Ok(());
    }
    let failure = stage.blamed(rule, blame::not_elected(stage, N1));
    let failure = failure.because(because).expected("n1 leads");
    failure.got(format!("n1 is {}", stage.standing(N1))).fail()
}

/// If it leads by a wrong vote, the blame goes to the function that accepted the vote, if one is named,
/// or else to the line that asked to lead.
fn must_not_lead(
    stage: &Stage,
    rule: &Rule,
    lets_pass: Option<&'static str>,
    because: &str,
) -> Verdict {
    if !stage.leads(N1) {
        return Ok(());
    }
    let place = stage.line(is_about_counting).filter(|_| lets_pass.is_none());
    let blame = Blame::line_or(place, lets_pass.unwrap_or("Core::on_vote_reply"));
    let failure = stage.blamed(rule, blame).because(because).expected("n1 does not lead");
    failure.got(format!("n1 is {}", stage.standing(N1))).fail()
}

/// Every way one round of answers can go.
pub(super) fn one_round_table(_: &mut Check) -> Verdict {
    let rows: [(u64, &[NodeId], &[NodeId], bool); 19] = [
        (1, &[], &[], true),
        (2, &[], &[], false),
        (2, &[N2], &[], true),
        (2, &[], &[N2], false),
        (3, &[], &[], false),
        (3, &[N2], &[], true),
        (3, &[N3], &[N2], true),
        (3, &[], &[N2], false),
        (3, &[], &[N2, N3], false),
        (4, &[N2], &[], false),
        (4, &[N2, N3], &[], true),
        (4, &[N2], &[N3, N4], false),
        (5, &[N2], &[], false),
        (5, &[N2, N3], &[], true),
        (5, &[N4], &[N2, N3], false),
        (5, &[N4, N5], &[N2, N3], true),
        (5, &[N5], &[N2, N3, N4], false),
        (7, &[N2, N3], &[], false),
        (7, &[N2, N3, N4], &[], true),
    ];
    let intro = "n1 campaigns in term 1, and gets these answers";
    let mut table = Rows::new(rule("majority_elects"), "answers", intro);
    for (size, yes, no, leads) in rows {
        let mut stage = Stage::new(size);
        stage.campaign(N1);
        stage.answers(N1, 1, no, Said::No);
        stage.answers(N1, 1, yes, Said::Yes);
        let what = format!("{}{}{}", counted(size, "node"), list(", yes", yes), list(", no", no));
        let word = |leads, term| match leads {
            true => format!("n1 leads term {term}"),
            false => format!("nobody, term {term}"),
        };
        let was = word(stage.leads(N1), stage.disk(N1).term.0);
        let blame = match leads {
            true => blame::not_elected(&stage, N1),
            false => blame::elected_wrongly(&stage, N1, is_about_counting),
        };
        table.row_blamed(blame, stage, |table| table.equal(what, word(leads, 1), was));
    }
    table.verdict("Core::on_vote_reply")
}

fn list(word: &str, ids: &[NodeId]) -> String {
    let names: String = ids.iter().map(|id| format!(" {id}")).collect();
    if names.is_empty() { names } else { format!("{word}{names}") }
}

/// A node that is alone needs no other node's vote.
pub(super) fn single_node(_: &mut Check) -> Verdict {
    let mut stage = Stage::new(1).row(1, "it campaigns");
    stage.campaign(N1);
    must_lead(
        &stage,
        rule("single_node_elects_itself"),
        "n1 is the only voter, campaigned, and does not lead",
    )?;

    let mut stage = Stage::new(1).row(2, "its election timeout passes");
    stage.ticks(N1, *window(10).end());
    must_lead(
        &stage,
        rule("single_node_elects_itself"),
        "n1 is the only voter, waited long enough, and does not lead",
    )?;

    let mut stage = Stage::new(1).row(3, "it starts again");
    stage.campaign(N1);
    stage.restart(N1);
    stage.campaign(N1);
    must_lead(
        &stage,
        rule("single_node_elects_itself"),
        "n1 is the only voter, started again, and does not lead",
    )?;
    let term = stage.disk(N1).term;
    if term.0 == 2 {
        return Ok(());
    }
    let failure = stage
        .broken(rule("single_node_elects_itself"), "Raft::become_candidate")
        .because("n1 started again and did not enter a new term");
    failure.expected("n1 leads term 2").got(format!("n1 leads term {term}")).fail()
}

/// One voter's answer arrives three times.
pub(super) fn dup_votes_not_counted(_: &mut Check) -> Verdict {
    let mut stage = Stage::new(5).row(1, "n2's answer arrives three times");
    stage.campaign(N1);
    let yes = answer(N2, N1, 1, Said::Yes);
    stage.apply(Input::Post(yes.clone()));
    stage.apply(Input::Duplicate(yes.clone()));
    stage.apply(Input::Duplicate(yes.clone()));
    stage.apply(Input::Deliver(yes));
    must_not_lead(
        &stage,
        rule("voters_counted_not_messages"),
        None,
        "n1 leads with the votes of n1 and n2, 2 of 5",
    )?;

    let mut stage = stage.row(2, "then n3's");
    stage.answers(N1, 1, &[N3], Said::Yes);
    must_lead(
        &stage,
        rule("voters_counted_not_messages"),
        "n1 has the votes of n1, n2 and n3, 3 of 5, and does not lead",
    )
}

/// Answers of an earlier term arrive late.
pub(super) fn stale_vote_resp_ignored(_: &mut Check) -> Verdict {
    let mut stage = Stage::new(3).row(1, "n2's answer of term 1 arrives in term 2");
    stage.campaign(N1);
    stage.campaign(N1);
    stage.answers(N1, 1, &[N2], Said::Yes);
    let because = "n1 leads term 2 with a vote that n2 gave in term 1";
    must_not_lead(&stage, rule("only_this_terms_votes_count"), Some("Raft::update_term"), because)?;

    let mut stage = stage.row(2, "then n2's answer of term 2");
    stage.answers(N1, 2, &[N2], Said::Yes);
    must_lead(
        &stage,
        rule("only_this_terms_votes_count"),
        "n1 and n2 voted for n1 in term 2, 2 of 3, and n1 does not lead",
    )?;

    let mut stage = Stage::new(3).row(3, "refusals of term 1 arrive in term 2");
    stage.campaign(N1);
    stage.campaign(N1);
    stage.answers(N1, 1, &[N2, N3], Said::No);
    stage.answers(N1, 2, &[N2], Said::Yes);
    must_lead(
        &stage,
        rule("only_this_terms_votes_count"),
        "n2 refused in term 1 and granted in term 2: n1 does not lead",
    )
}

/// Votes of one election are no votes of the next.
pub(super) fn stale_votes_cleared(_: &mut Check) -> Verdict {
    let mut stage = Stage::new(5).row(1, "n2 votes in term 1, n3 in term 2");
    stage.campaign(N1);
    stage.answers(N1, 1, &[N2], Said::Yes);
    stage.campaign(N1);
    stage.answers(N1, 2, &[N3], Said::Yes);
    let because = "n1 leads term 2 with 2 of its 5 votes, and one that n2 gave in term 1";
    must_not_lead(&stage, rule("votes_start_empty"), Some("Raft::become_candidate"), because)?;

    let mut stage = stage.row(2, "then n4");
    stage.answers(N1, 2, &[N4], Said::Yes);
    must_lead(
        &stage,
        rule("votes_start_empty"),
        "n1 has 3 of 5 votes in term 2, and does not lead",
    )?;

    let setup = remembering(Setup::new(5, 0), N1, 3, Some(N2));
    let mut stage = Stage::of(setup).row(3, "all refuse in term 4, and vote for n1 in term 5");
    stage.campaign(N1);
    stage.answers(N1, 4, &[N2, N3, N4, N5], Said::No);
    stage.campaign(N1);
    stage.answers(N1, 5, &[N2, N3], Said::Yes);
    must_lead(&stage, rule("votes_start_empty"), "n1 has 3 of 5 votes in term 5, and does not lead")
}
