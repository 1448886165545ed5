//! Step 7, first part: a leader's heartbeats, and their answers (§5.2, Fig. 2 Leaders (1)).
//!
//! ```text
//!   n1 leads   |--hb----|--hb----|--hb----|      hb: a heartbeat, at the start and in every interval
//!   n2         0........0........0........0      answers, knows which node it follows
//! ```
//!
//! A leader's message is any message that only the leader of its term sends: a heartbeat, or an append
//! without entries, as in the paper.

use super::waiting::window;
use crate::raft::kit::{
    N1, N2, N3, N5, NEVER, Rows, Said, Stage, answer, ask, beat, beat_reply, marked_beat,
    name_or_none, remembering,
};
use crate::raft::rule;
use harness::text::counted;
use harness::{Check, Verdict};
use raft::{Body, Event, NodeId, RoleName, Term};
use testbed::{Input, Setup};

/// For how many ticks a leader's messages are counted.
const LISTEN: u64 = 30;

/// A leader sends heartbeats to every node in every interval, and no other node does.
pub(super) fn bcast_beat(_: &mut Check) -> Verdict {
    let leaders = [(3, N1, 1), (5, N2, 1), (3, N3, 3), (5, N5, 7)];
    for (row, (size, id, heartbeat_ticks)) in (1..).zip(leaders) {
        let title = format!("{id} leads {size} nodes, heartbeat_ticks {heartbeat_ticks}");
        let stage = leader(size, id, heartbeat_ticks).row(row, &title);
        beats_everyone(stage, size, id, heartbeat_ticks)?;
    }
    answers_delay_no_beat()?;
    only_leaders_beat()
}

/// A leader speaks in every interval, whatever it hears in between.
fn answers_delay_no_beat() -> Verdict {
    let title = "n1 leads, heartbeat_ticks 3; n2 answers in every tick, n3 never does";
    let mut stage = leader(3, N1, 3).row(8, title);
    stage.forget_words();
    for _ in 0..LISTEN {
        stage.ticks(N1, 1);
        stage.hear(beat_reply(N2, N1, 1));
    }
    let words = stage.leaders_words(N1, N3).len();
    if words >= 8 {
        return Ok(());
    }
    let because = format!("n1 leads term 1, and spoke to n3 {words} times in {LISTEN} ticks");
    let failure = stage.missing(rule("leader_beats"), "Core::tick_heartbeat").because(because);
    failure.expected("8 times or more: every 3 ticks").got(format!("{words} times")).fail()
}

/// Returns a stage where `id` has just been elected in term 1.
fn leader(size: u64, id: NodeId, heartbeat_ticks: u64) -> Stage {
    let mut setup = Setup::new(size, 0);
    setup.nodes.iter_mut().for_each(|(config, _)| config.heartbeat_ticks = heartbeat_ticks);
    let mut stage = Stage::of(setup);
    stage.campaign(id);
    let others = (1..=size).map(NodeId).filter(|&other| other != id);
    let voters: Vec<NodeId> = others.take(size as usize / 2).collect();
    stage.answers(id, 1, &voters, Said::Yes);
    stage
}

fn beats_everyone(mut stage: Stage, size: u64, id: NodeId, heartbeat_ticks: u64) -> Verdict {
    let others = || (1..=size).map(NodeId).filter(move |&other| other != id);
    stage.ticks(id, heartbeat_ticks);
    let unheard = others().filter(|&to| stage.leaders_words(id, to).is_empty());
    let unheard: Vec<String> = unheard.map(|to| to.to_string()).collect();
    if !unheard.is_empty() {
        let unheard = unheard.join(" ");
        let because =
            format!("{id} leads term 1, an interval has passed, and {unheard} got no message");
        let failure = stage.missing(rule("leader_beats"), "Core::bcast_heartbeat").because(because);
        let expected = format!("a heartbeat of the leader to each of the other {} nodes", size - 1);
        return failure.expected(expected).got(format!("nothing to {unheard}")).fail();
    }
    stage.forget_words();
    stage.ticks(id, LISTEN);
    let allowed = LISTEN / heartbeat_ticks - 1..=LISTEN / heartbeat_ticks + 1;
    for to in others() {
        let words = stage.leaders_words(id, to);
        let in_term = words.iter().filter(|&&term| term == Term(1)).count() as u64;
        if !allowed.contains(&in_term) || in_term != words.len() as u64 {
            let because = format!(
                "{id} leads term 1 with heartbeat_ticks {heartbeat_ticks}, and sent to {to} \
                 {in_term} times in {LISTEN} ticks"
            );
            let expected = format!("{} to {} times, in term 1", allowed.start(), allowed.end());
            let failure =
                stage.missing(rule("leader_beats"), "Core::tick_heartbeat").because(because);
            let failure = match in_term > *allowed.end() {
                true => failure.so_what("the network is full of heartbeats that nobody needs"),
                false => failure,
            };
            let got = match words.len() as u64 - in_term {
                0 => format!("{in_term} times"),
                more => format!("{in_term} times, and {more} in another term"),
            };
            return failure.expected(expected).got(got).fail();
        }
    }
    Ok(())
}

/// Followers and candidates send no leader's messages, nor does a leader whose term is over.
fn only_leaders_beat() -> Verdict {
    let mut follower = Stage::new(3).row(5, "a follower, 9 ticks");
    follower.ticks(N1, 9);
    silent(&follower, "n1 follows nobody and leads nobody")?;

    let mut candidate = Stage::new(3).row(6, "a candidate, 9 ticks");
    candidate.campaign(N1);
    candidate.ticks(N1, 9);
    silent(&candidate, "n1 is a candidate: nobody has elected it")?;

    let mut deposed = leader(3, N1, 1).row(7, "a leader whose term is over, 9 ticks");
    deposed.hear(answer(N3, N1, 2, Said::No));
    deposed.forget_words();
    deposed.ticks(N1, 9);
    silent(&deposed, "n1 led term 1, and has learned of term 2")
}

/// Returns whether an event is a message of a leader.
fn is_leaders_word(event: &Event) -> bool {
    matches!(event, Event::Sent { kind: "Heartbeat" | "AppendEntries", .. })
}

fn silent(stage: &Stage, because: &str) -> Verdict {
    let words = stage.leaders_words(N1, N2).len() + stage.leaders_words(N1, N3).len();
    if words == 0 {
        return Ok(());
    }
    let failure = stage
        .broken_by(rule("only_leaders_beat"), "Core::tick_heartbeat", is_leaders_word)
        .because(format!("{because}, and sends a leader's messages"));
    failure.expected("no message of a leader").got(format!("{words} of them")).fail()
}

/// A follower gets its leader's message.
pub(super) fn recv_beat(_: &mut Check) -> Verdict {
    for (row, title, term) in [(1, "a follower gets a heartbeat", 3), (2, "of a later term", 5)] {
        let setup = remembering(Setup::new(3, 0), N1, 3, Some(N3));
        let mut stage = Stage::of(setup).row(row, title);
        let word = marked_beat(N2, N1, term);
        stage.hear(word.clone());
        let words: Vec<_> = stage.words(N1).into_iter().filter(|m| m.to == N2).collect();
        let is_answer = |body: &Body| match (body, &word.body) {
            (
                Body::HeartbeatReply { token, session },
                Body::Heartbeat { token: their_token, session: their_session, .. },
            ) => token == their_token && session == their_session,
            _ => false,
        };
        if !words.iter().any(|m| m.term == Some(Term(term)) && is_answer(&m.body)) {
            let got = match words.last() {
                Some(message) => message.to_string(),
                None => "nothing".to_owned(),
            };
            let because = format!("n2 leads term {term}, sends n1 a heartbeat, and gets no answer");
            let failure = stage
                .missing(rule("beats_are_answered"), "Core::on_heartbeat")
                .because(because)
                .got(got);
            let expected =
                format!("n1->n2 HeartbeatReply t{term}, token and session as in the heartbeat");
            return failure.expected(expected).fail();
        }
        if stage.follows(N1) != Some(N2) {
            let leader = name_or_none(stage.follows(N1));
            let failure =
                stage.broken(rule("candidate_yields_to_leader"), "Raft::recognize_leader");
            let failure =
                failure.because(format!("n2 leads term {term}, and n1 has its heartbeat"));
            return failure.expected("n1 follows n2").got(format!("leader {leader}")).fail();
        }
    }
    heard_in_time()
}

/// A follower that gets its leader's message in every interval never campaigns.
fn heard_in_time() -> Verdict {
    let mut stage = Stage::new(3).row(3, "a follower gets a heartbeat every 9 ticks");
    for heard in 0..NEVER / 10 {
        stage.ticks(N1, 9);
        if !stage.asked(N1).is_empty() {
            let because = "n2 leads term 1, sends n1 a heartbeat every 9 ticks, and n1 campaigns";
            // Before the first message, its own timeout is too short.
            let function = if heard > 0 { "Raft::recognize_leader" } else { "Core::draw_timeout" };
            let failure =
                stage.missing(rule("only_leader_or_grant_resets_timer"), function).because(because);
            return failure.expected("n1 resets its timer each time").got("n1 campaigns").fail();
        }
        stage.hear(beat(N2, N1, 1));
    }
    Ok(())
}

/// A leader that a later term deposes waits an election timeout before it campaigns.
pub(super) fn deposed_leader_waits(_: &mut Check) -> Verdict {
    let rows = [
        ("VoteReply t2, refused", answer(N3, N1, 2, Said::No)),
        ("HeartbeatReply t2", beat_reply(N2, N1, 2)),
        ("Heartbeat t2 of n3", beat(N3, N1, 2)),
    ];
    for (row, (title, word)) in (1..).zip(rows) {
        let mut stage = leader(3, N1, 1).row(row, &format!("n1 led for 40 ticks; {title}"));
        stage.ticks(N1, 40);
        stage.hear(word);
        let ticks = stage.ticks_until_it_asks(N1);
        if ticks.is_some_and(|ticks| window(10).contains(&ticks)) {
            continue;
        }
        let is_reset = |event: &Event| matches!(event, Event::RoleEntered { .. });
        let because = "n1 led term 1 for 40 ticks and heard of term 2; its election timeout is 10";
        let within = &["Raft::become_follower", "Core::tick_heartbeat", "Core::tick_election"];
        let failure = stage.broken_in(rule("deposed_leader_waits"), within, is_reset);
        let expected = format!("{} to {} ticks", window(10).start(), window(10).end());
        let got = ticks.map_or("it never campaigns".to_owned(), |ticks| counted(ticks, "tick"));
        return failure.because(because).expected(expected).got(got).fail();
    }
    Ok(())
}

/// Returns whether an event must change, or changes, which node a node follows.
fn is_about_leaders(event: &Event) -> bool {
    let leads = |to: &RoleName| *to == RoleName::Leader;
    matches!(event, Event::TermEntered { .. } | Event::LeaderChanged { .. })
        || matches!(event, Event::RoleEntered { to, .. } if leads(to))
}

/// Which node a node follows once it has learned of a later term.
pub(super) fn lead_cleared_on_term_bump(_: &mut Check) -> Verdict {
    let rows = [
        ("nothing", None, Some(N2)),
        ("HeartbeatReply t3", Some(Input::Deliver(beat_reply(N3, N1, 3))), Some(N2)),
        ("Heartbeat t2 of an old leader", Some(Input::Deliver(beat(N3, N1, 2))), Some(N2)),
        ("VoteReply t4", Some(Input::Deliver(answer(N3, N1, 4, Said::No))), None),
        ("RequestVote t4", Some(Input::Deliver(ask(N3, N1, 4))), None),
        ("Heartbeat t4 of n3", Some(Input::Deliver(beat(N3, N1, 4))), Some(N3)),
        ("it campaigns", Some(Input::Campaign(N1)), None),
        ("it campaigns and wins", Some(Input::Campaign(N1)), Some(N1)),
    ];
    let intro = "n1 knows that n2 leads term 3; then something happens, and n1 follows:";
    let mut table =
        Rows::new(rule("leader_cleared_with_term"), "then", intro).decided_by(is_about_leaders);
    for (what, input, follows) in rows {
        let mut stage = Stage::of(remembering(Setup::new(3, 0), N1, 3, None));
        stage.hear(beat(N2, N1, 3));
        match input {
            Some(Input::Deliver(message)) => stage.hear(message),
            Some(input) => stage.apply(input),
            None => {}
        }
        if follows == Some(N1) {
            stage.answers(N1, 4, &[N2], Said::Yes);
        }
        table.equal(what, name_or_none(follows), name_or_none(stage.follows(N1)), stage);
    }
    table.verdict("Raft::become_follower")
}
