//! Step 6, second part: what a later term changes in every role, and what its own term does not.
//!
//! ```text
//!   follower, candidate, leader  --a later term-->  follower, without a vote, and then it answers
//!                                --its own term-->  what it was, with the vote it gave
//! ```

use crate::raft::kit::{
    Blame, N1, N2, N3, Rows, Said, Stage, answer, ask, ask_with, at, beat_reply, blame,
    name_or_none, remembering,
};
use crate::raft::rule;
use harness::{Check, Rule, Verdict};
use raft::{EntryId, Event, Message, NodeId, RoleName};
use testbed::Setup;

/// The end of a log that holds all that a leader of term 3 can have written.
fn long_log() -> EntryId {
    at(9, 3)
}

/// Brings n1 of 3 into a role in term 3, with a vote: its own, or n3's if it is a follower.
fn in_role(role: RoleName) -> Stage {
    match role {
        RoleName::Follower => Stage::of(remembering(Setup::new(3, 0), N1, 3, Some(N3))),
        RoleName::Candidate | RoleName::PreCandidate | RoleName::Leader => {
            let mut stage = Stage::of(remembering(Setup::new(3, 0), N1, 2, None));
            stage.campaign(N1);
            if role == RoleName::Leader {
                stage.answers(N1, 3, &[N2], Said::Yes);
            }
            stage.forget_words();
            stage
        }
    }
}

/// A request of a later term is granted, whatever the node was; one of its own term is not.
pub(super) fn vote_from_any_state(_: &mut Check) -> Verdict {
    let intro = "n1 is in term 3 and has voted for n3, or for itself; n2 asks for its vote";
    let mut table = Rows::new(rule("later_term_clears_vote"), "n1, and the request of n2", intro);
    for role in [RoleName::Follower, RoleName::Candidate, RoleName::Leader] {
        for term in [4, 9, 3] {
            let mut stage = in_role(role);
            stage.hear(ask_with(N2, N1, term, long_log()));
            let given = stage.votes(N1, N2).last() == Some(&Said::Yes);
            let vote = name_or_none(stage.disk(N1).vote);
            let was = format!("{}, vote {vote}", if given { "yes" } else { "no" });
            let must_be = match (term, role) {
                (3, RoleName::Follower) => "no, vote n3",
                (3, _) => "no, vote n1",
                _ => "yes, vote n2",
            };
            let what = format!("{role}, RequestVote t{term}");
            // A node that entered the later term with a vote has not cleared it; else the answer is wrong.
            let kept = vote != "none" && vote != "n2" && term > 3;
            let blame = match stage.last_line(blame::is_term).filter(|_| kept) {
                Some(place) => Blame::Line(place),
                None if term > 3 && stage.disk(N1).term.0 == 3 => {
                    Blame::Function("Raft::update_term")
                }
                None => blame::answered_wrongly(&stage, N1),
            };
            table.row_blamed(blame, stage, |table| table.equal(what, must_be.to_owned(), was));
        }
    }
    table.verdict("Raft::become_follower")
}

/// A candidate loses its election, and is asked for its vote in the same term.
pub(super) fn vote_survives_same_term_stepdown(_: &mut Check) -> Verdict {
    let mut stage = Stage::new(3).row(1, "n1 loses the election, and n2 asks in the same term");
    stage.campaign(N1);
    stage.answers(N1, 1, &[N2, N3], Said::No);
    stage.hear(ask(N2, N1, 1));
    if stage.granted(N1, N2) || stage.disk(N1).vote != Some(N1) {
        let vote = name_or_none(stage.disk(N1).vote);
        let is_vote = |event: &Event| matches!(event, Event::VoteChanged { from: Some(_), .. });
        let failure =
            stage.broken_by(rule("same_term_keeps_vote"), "Raft::become_follower", is_vote);
        let because = "n1 voted for itself in term 1, lost, and granted its vote again";
        let got = format!("its disk holds vote {vote}; n2 {}", heard(&stage, N2));
        return failure.because(because).expected("vote n1; n2 is refused").got(got).fail();
    }
    let mut stage = stage.row(2, "then n2 asks in the next term");
    stage.hear(ask(N2, N1, 2));
    if stage.granted(N1, N2) {
        return Ok(());
    }
    let failure = stage.blamed(rule("same_term_keeps_vote"), blame::answered_wrongly(&stage, N1));
    let failure = failure.because("n1 has not voted in term 2, and does not vote for n2");
    failure.expected("n2 is granted").got(format!("n2 {}", heard(&stage, N2))).fail()
}

fn heard(stage: &Stage, candidate: NodeId) -> String {
    let last = stage.votes(N1, candidate).last().copied();
    last.map_or_else(|| "gets no answer".to_owned(), |said| format!("is {said}"))
}

/// A candidate gets messages of other terms.
pub(super) fn update_term_candidate(_: &mut Check) -> Verdict {
    update_term(RoleName::Candidate, rule("later_term_makes_a_follower"))
}

/// A leader gets messages of other terms.
pub(super) fn update_term_leader(_: &mut Check) -> Verdict {
    update_term(RoleName::Leader, rule("deposed_by_later_term"))
}

fn update_term(role: RoleName, rule: &Rule) -> Verdict {
    let stays = format!("{role} t3");
    let rows: [(Message, &str); 7] = [
        (answer(N2, N1, 5, Said::No), "follower t5"),
        (answer(N2, N1, 5, Said::Yes), "follower t5"),
        (beat_reply(N3, N1, 4), "follower t4"),
        (ask(N2, N1, 9), "follower t9"),
        (ask(N2, N1, 3), &stays),
        (beat_reply(N3, N1, 3), &stays),
        (answer(N2, N1, 1, Said::Yes), &stays),
    ];
    let intro = format!("n1 is {role} in term 3; one message arrives");
    let mut table = Rows::new(rule, "message to n1", intro);
    for (message, must_be) in rows {
        let mut stage = in_role(role);
        let what = message.to_string();
        stage.hear(message);
        let was = match stage.disk(N1).term.0 {
            term if stage.short_standing(N1).ends_with(&format!(" t{term}")) => {
                stage.short_standing(N1)
            }
            term => format!("{}, disk t{term}", stage.short_standing(N1)),
        };
        // A node that entered the later term and is no follower went wrong there. Anything else depends
        // on the message's term.
        let entered = stage.last_line(blame::is_term).filter(|_| must_be.starts_with("follower"));
        let blame = Blame::line_or(entered, "Raft::update_term");
        table.row_blamed(blame, stage, |table| table.equal(what, must_be.to_owned(), was));
    }
    table.verdict("Raft::update_term")
}

/// The message that brings a later term is answered by the node, which is a follower then.
pub(super) fn stepdown_then_handle(_: &mut Check) -> Verdict {
    let intro = "n1 is in term 3; a message arrives; what n1 answers, or what it is then";
    let mut table = Rows::new(rule("steps_down_then_answers"), "n1, and the message", intro);
    for role in [RoleName::Follower, RoleName::Candidate, RoleName::Leader] {
        let mut stage = in_role(role);
        stage.hear(ask_with(N2, N1, 4, long_log()));
        let term = stage.disk(N1).term;
        let was = match stage.votes(N1, N2).last() {
            Some(said) => format!("n2 {said} in t{term}"),
            None => format!("nothing, in t{term}"),
        };
        let what = format!("{role}, RequestVote t4");
        // It entered the term, and nothing came of the message: that need not be where it did so.
        let blame = match stage.decided_line() {
            _ if was.starts_with("nothing") => {
                Blame::OneOf(&["Raft::update_term", "Core::on_request_vote", "Core::decide_vote"])
            }
            place => Blame::line_or(place, "Raft::update_term"),
        };
        table.row_blamed(blame, stage, |table| {
            table.equal(what, "n2 granted in t4".to_owned(), was)
        });
    }
    for (role, term, must_be) in [
        (RoleName::Candidate, 4, "follower t4"),
        (RoleName::Candidate, 3, "leader t3"),
        (RoleName::Leader, 4, "follower t4"),
        (RoleName::Leader, 3, "leader t3"),
    ] {
        let mut stage = in_role(role);
        stage.answers(N1, term, &[N2, N3], Said::Yes);
        let (what, was) = (format!("{role}, granted t{term} twice"), stage.short_standing(N1));
        match term {
            3 => {
                let blame = blame::not_elected(&stage, N1);
                table.row_blamed(blame, stage, |table| table.equal(what, must_be.to_owned(), was));
            }
            _ => table.equal(what, must_be, was, stage),
        }
    }
    table.verdict("Raft::update_term")
}

/// A leader is told to campaign, and its ticks run on.
pub(super) fn campaign_while_leader(_: &mut Check) -> Verdict {
    let mut stage = in_role(RoleName::Leader).row(1, "the leader is told to campaign");
    stage.campaign(N1);
    stays_leader(&stage, "n1 led term 3, was told to campaign, and did")?;
    let mut stage = stage.row(2, "100 ticks pass at the leader");
    stage.ticks(N1, 100);
    stays_leader(&stage, "n1 led term 3, and its election timeout passed")?;

    let mut stage = Stage::new(3).row(3, "a follower is told to campaign");
    stage.campaign(N1);
    if !stage.asked(N1).is_empty() {
        return Ok(());
    }
    let failure = stage
        .broken(rule("leader_does_not_campaign"), "Raft::campaign")
        .because("n1, a follower, campaigned, and asks no node");
    failure.expected("RequestVote to n2 and n3").got("nothing is asked").fail()
}

fn stays_leader(stage: &Stage, because: &str) -> Verdict {
    if stage.leads(N1) && stage.asked(N1).is_empty() && stage.disk(N1).term.0 == 3 {
        return Ok(());
    }
    let asked = stage.asked(N1).len();
    let got = format!("n1 is {}, and sent {asked} RequestVotes", stage.standing(N1));
    let failure = stage.broken(rule("leader_does_not_campaign"), "Raft::campaign").because(because);
    failure.expected("n1 is leader, term 3, and asks nobody").got(got).fail()
}
