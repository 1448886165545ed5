//! Step 7, second part: who steps down for whom (§5.1, §5.2, Fig. 2 Candidates (3)).
//!
//! ```text
//!   candidate of term 3  <-- the leader of term 3 or later     follows it
//!                        <-- the leader of term 2              goes on
//!   leader of term 3     <-- anything of term 4                leads no more
//! ```
//!
//! A node that was cut off and campaigned comes back with a later term, and deposes the leader:
//! that is the price of elections without a pre-vote. The cluster must pay it once, and go on.

use crate::raft::kit::{
    Blame, N1, N2, N3, NEVER, Rows, Said, Stage, answer, append, ask, beat, beat_reply,
    name_or_none, remembering, term_is_over,
};
use crate::raft::rule;
use harness::text::counted;
use harness::{Check, Failure, Verdict};
use raft::{Event, Message, RoleName, Term};
use testbed::{Input, Setup};

/// Returns a stage where n1 of 3 is a candidate in `term`.
fn candidate(term: u64) -> Stage {
    let mut stage = Stage::of(remembering(Setup::new(3, 0), N1, term - 1, None));
    stage.campaign(N1);
    stage.forget_words();
    stage
}

/// A candidate gets a leader's message.
pub(super) fn candidate_fallback(_: &mut Check) -> Verdict {
    let rows: [(Message, &str); 6] = [
        (beat(N2, N1, 3), "follower t3 of n2"),
        (append(N2, N1, 3), "follower t3 of n2"),
        (beat(N2, N1, 7), "follower t7 of n2"),
        (append(N2, N1, 7), "follower t7 of n2"),
        (beat(N2, N1, 2), "candidate t3"),
        (append(N2, N1, 2), "candidate t3"),
    ];
    let intro = "n1 is a candidate in term 3; a leader's message arrives";
    let mut table = Rows::new(rule("candidate_yields_to_leader"), "message to n1", intro);
    for (message, must_be) in rows {
        let mut stage = candidate(3);
        let term = message.term.unwrap_or_default();
        let what = format!("{} t{term} of n2", message.body.kind());
        stage.hear(message);
        let leader = stage.follows(N1).map(|leader| format!(" of {leader}")).unwrap_or_default();
        let was = format!("{}{leader}", stage.short_standing(N1));
        table.equal(what, must_be, was, stage);
    }
    table.verdict("Raft::recognize_leader")?;
    after_the_duel()
}

/// An election that is over stays over; an open one can still be won.
fn after_the_duel() -> Verdict {
    let mut stage = candidate(3).row(7, "then the votes for n1 arrive");
    stage.hear(beat(N2, N1, 3));
    stage.answers(N1, 3, &[N2, N3], Said::Yes);
    if stage.leads(N1) {
        let because = "n2 leads term 3, n1 has its message, and leads term 3 as well";
        let failure = stage
            .broken(rule("candidate_yields_to_leader"), "Raft::recognize_leader")
            .because(because)
            .expected("n1 follows n2");
        return failure.got("n1 leads").fail();
    }
    stage.hear(ask(N3, N1, 3));
    if stage.granted(N1, N3) {
        let because = "n1 voted for itself in term 3, fell back, and votes for n3";
        let is_lost = |event: &Event| matches!(event, Event::VoteChanged { to: None, .. });
        let failure = stage
            .broken_by(rule("same_term_keeps_vote"), "Core::decide_vote", is_lost)
            .because(because)
            .expected("n3 is refused");
        return failure.got("n3 is granted").fail();
    }
    let mut stage = candidate(3).row(8, "an old leader's message, then the votes for n1 arrive");
    stage.hear(beat(N2, N1, 2));
    stage.answers(N1, 3, &[N2, N3], Said::Yes);
    if stage.leads(N1) {
        return Ok(());
    }
    let because = "a message of term 2's leader came, and n1 gave up its election in term 3";
    let failure = stage
        .broken(rule("candidate_yields_to_leader"), "Raft::recognize_leader")
        .because(because)
        .expected("n1 leads term 3");
    failure.got(format!("n1 is {}", stage.standing(N1))).fail()
}

/// A candidate that was cut off gets a heartbeat of a later term.
pub(super) fn candidate_reset_term_heartbeat(_: &mut Check) -> Verdict {
    candidate_reset_term(beat(N1, N3, 3))
}

/// A candidate that was cut off gets an append of a later term.
pub(super) fn candidate_reset_term_append(_: &mut Check) -> Verdict {
    candidate_reset_term(append(N1, N3, 3))
}

/// n3 is cut off and campaigns in term 2, while n1 comes to lead term 3; then its message reaches n3.
fn candidate_reset_term(word: Message) -> Verdict {
    let mut stage = Stage::new(3).row(1, "n3 comes back, a candidate");
    stage.apply(Input::Partition(vec![vec![N1, N2], vec![N3]]));
    for _ in 0..3 {
        stage.campaign(N1);
        stage.apply(Input::Deliver(ask(N1, N2, stage.disk(N1).term.0)));
    }
    stage.settle();
    stage.campaign(N3);
    stage.campaign(N3);
    stage.settle();
    stage.apply(Input::Heal);
    if !stage.leads(N1) {
        return reset_failure(&stage, "n1 leads term 3", "n1 and n2 elect nobody in term 3").fail();
    }
    // First a message of a leader whose term is over: n3 must ignore it.
    let old = Message { term: Some(Term(1)), ..word.clone() };
    stage.hear(old);
    if stage.standing(N3) != "candidate, term 2" {
        let because = "n3 is a candidate in term 2, and follows a leader of term 1";
        return reset_failure(&stage, "n3 is candidate, term 2", because).fail();
    }
    stage.hear(word);
    let is_back = stage.standing(N3) == "follower, term 3" && stage.follows(N3) == Some(N1);
    if !is_back || stage.disk(N3).term != Term(3) {
        let because =
            "n3, a candidate in term 2, got a message of term 3's leader, and does not follow it";
        return reset_failure(&stage, "n3 is follower, term 3, leader n1", because).fail();
    }
    let mut stage = stage.row(2, "then n1 leads on");
    stage.forget_words();
    for ticks in 1..=NEVER / 8 {
        stage.round();
        let Some(rival) = [N2, N3].into_iter().find(|&id| !stage.asked(id).is_empty()) else {
            continue;
        };
        let words = stage.leaders_words(N1, rival).len() as u64;
        let (rule, function) = match 2 * words >= ticks {
            true => (rule("only_leader_or_grant_resets_timer"), "Raft::recognize_leader"),
            false => (rule("leader_beats"), "Core::tick_heartbeat"),
        };
        let (times, ticks) = (counted(words, "time"), counted(ticks, "tick"));
        let because = format!("n1 leads, sent {rival} {times} in {ticks}, and {rival} campaigns");
        let failure = stage.missing(rule, function).because(because);
        return failure
            .expected(format!("{rival} follows n1"))
            .got(format!("{rival} campaigns"))
            .fail();
    }
    if stage.leads(N1) {
        return Ok(());
    }
    reset_failure(&stage, "n1 leads", "n1 leads, nobody campaigns against it, and it leads no more")
        .fail()
}

fn reset_failure(stage: &Stage, expected: &str, because: &str) -> Failure {
    let failure = stage.broken(rule("candidate_yields_to_leader"), "Raft::recognize_leader");
    let failure = failure.because(because).expected(expected);
    let leader = name_or_none(stage.follows(N3));
    let got =
        format!("n1 is {}; n3 is {}, leader {leader}", stage.standing(N1), stage.standing(N3));
    failure.got(got)
}

/// Returns a stage where n1 of 3 leads term 3.
fn leader() -> Stage {
    let mut stage = candidate(3);
    stage.answers(N1, 3, &[N2], Said::Yes);
    stage.forget_words();
    stage
}

/// A later term deposes the leader, whichever node brings it, and the cluster goes on.
pub(super) fn disruptive_follower(_: &mut Check) -> Verdict {
    whatever_brings_it()?;
    let mut stage = leader().row(9, "n1 leads term 3, and gets a message of the leader of term 4");
    stage.hear(beat(N2, N1, 4));
    let answers = stage.words(N1).iter().any(|m| m.to == N2 && m.term == Some(Term(4)));
    let leader = name_or_none(stage.follows(N1));
    let was = format!("{}, leader {leader}", stage.standing(N1));
    if was != "follower, term 4, leader n2" || !answers {
        let because = "n1 learned of term 4 from its leader's message, and did not follow";
        let answers = if answers { "answered" } else { "no answer" };
        let blame = match was.as_str() {
            "follower, term 4, leader n2" => Blame::Function("Core::on_heartbeat"),
            _ => Blame::line_or(stage.decided_line(), "Raft::update_term"),
        };
        let failure = stage.blamed(rule("steps_down_then_answers"), blame).because(because);
        let failure = failure.expected("follower, term 4, leader n2; the heartbeat is answered");
        return failure.got(format!("{was}; {answers}")).fail();
    }
    cut_off_and_back()
}

/// Every kind of message, of a later term and of the leader's own.
fn whatever_brings_it() -> Verdict {
    let of_term = |term| {
        [
            ask(N3, N1, term),
            answer(N3, N1, term, Said::No),
            beat_reply(N3, N1, term),
            term_is_over(N3, N1, term),
        ]
    };
    let intro =
        "n1 leads term 3; one message arrives, then 5 ticks pass: its role, and its messages";
    let mut table = Rows::new(rule("deposed_by_later_term"), "message to n1", intro);
    for (term, must_be) in [(4, "follower t4, silent"), (3, "leader t3, sends")] {
        for message in of_term(term) {
            let mut stage = leader();
            let what = format!("{} t{term} of n3", message.body.kind());
            stage.hear(message);
            let place = stage.decided_line();
            let after_message = stage.short_standing(N1);
            stage.forget_words();
            stage.ticks(N1, 5);
            let speaks = !stage.leaders_words(N1, N2).is_empty();
            let speaks = if speaks { "sends" } else { "silent" };
            let was = format!("{}, {speaks}", stage.short_standing(N1));
            // A node in the right role that sends too much or too little is wrong in what it sends.
            let blame = match must_be.starts_with(&after_message) {
                true => Blame::Function("Core::tick_heartbeat"),
                false => Blame::line_or(place, "Raft::update_term"),
            };
            table.row_blamed(blame, stage, |table| table.equal(what, must_be.to_owned(), was));
        }
    }
    table.verdict("Raft::update_term")
}

/// n3 is cut off, campaigns, and comes back: a leader is deposed, and soon there is one again.
fn cut_off_and_back() -> Verdict {
    let mut stage = Stage::new(3).row(10, "n3 is cut off, campaigns, and comes back");
    stage.campaign(N1);
    stage.settle();
    stage.apply(Input::Partition(vec![vec![N1, N2], vec![N3]]));
    for _ in 0..NEVER {
        stage.round();
        if stage.role(N3) == Some(RoleName::Candidate) {
            break;
        }
    }
    if !stage.leads(N1) || stage.role(N3) != Some(RoleName::Candidate) {
        let because = "n1 and n2 can talk, n3 is cut off: n1 leads on, and n3 campaigns";
        let got = format!("n1 is {}; n3 is {}", stage.standing(N1), stage.standing(N3));
        let failure = stage
            .missing(rule("a_leader_emerges"), "Core::tick_election")
            .because(because)
            .got(got);
        return failure.expected("n1 is leader, term 1; n3 is candidate").fail();
    }
    let later = stage.disk(N3).term;
    stage.apply(Input::Heal);
    for _ in 0..NEVER / 2 {
        stage.round();
        let leaders = stage.cluster().leaders();
        if let [(leader, term)] = leaders[..]
            && term >= later
            && [N1, N2, N3].iter().all(|&id| id == leader || stage.follows(id) == Some(leader))
        {
            return Ok(());
        }
    }
    let because = format!("n3 came back with term {later}, and after {} ticks:", NEVER / 2);
    let failure =
        stage.missing(rule("deposed_by_later_term"), "Raft::update_term").because(because);
    let expected = format!("one leader of term {later} or later, followed by all");
    let got: Vec<String> = [N1, N2, N3].map(|id| stage.view(id)).into();
    failure.expected(expected).got(got.join("; ")).fail()
}
