//! What resets a node's timer: a live leader, and a vote that is granted (§5.2, Fig. 2 Followers (2)).
//!
//! ```text
//!   tick   0        8           13        18           29
//!   twin   |........|...........campaigns
//!   n1     |........message.....campaigns                     it did not reset n1's timer
//!                   '....................[ campaigns ]        it did
//! ```
//!
//! A twin of n1 that gets no message shows when n1 would have campaigned. A message of n1's own term or an
//! earlier one must not change that tick, unless it comes from a live leader. Of messages of a later
//! term, only those that must reset the timer are tested: a new term draws a new timeout.

use super::waiting::window;
use crate::raft::kit::{
    Blame, N1, N2, N3, Rows, Said, Stage, answer, append, ask, beat, beat_reply, remembering,
};
use crate::raft::rule;
use harness::{Check, Verdict};
use raft::{Body, Event, Message, NodeId, Term};
use testbed::Setup;

/// The tick at which the message arrives.
const ARRIVES: u64 = 8;
const TERM: u64 = 5;

/// What a message does to n1's timer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Must {
    /// It is reset.
    Wait,
    /// It campaigns when its twin does.
    Go,
}

/// One row: what n1's disk holds, what arrives, and what that must do.
pub(crate) type TimerCase = (&'static str, Option<NodeId>, Message, Must);

/// Rows about votes.
pub(super) fn timer_reset_votes(_: &mut Check) -> Verdict {
    judge(
        three,
        vec![
            ("RequestVote t5, granted", None, ask(N2, N1, TERM), Must::Wait),
            ("RequestVote t5, refused", Some(N3), ask(N2, N1, TERM), Must::Go),
            ("RequestVote t4, a term that is over", None, ask(N2, N1, TERM - 1), Must::Go),
            ("RequestVote t6, granted", Some(N3), ask(N2, N1, TERM + 1), Must::Wait),
        ],
    )
}

/// Rows about everything.
pub(super) fn timer_reset_table(_: &mut Check) -> Verdict {
    judge(
        three,
        vec![
            ("Heartbeat t5, live leader", None, beat(N2, N1, TERM), Must::Wait),
            ("AppendEntries t5, live leader", None, append(N2, N1, TERM), Must::Wait),
            ("Heartbeat t4 from an old leader", None, beat(N2, N1, TERM - 1), Must::Go),
            ("AppendEntries t4 from an old leader", None, append(N2, N1, TERM - 1), Must::Go),
            ("Heartbeat t6 from a new leader", None, beat(N3, N1, TERM + 1), Must::Wait),
            ("AppendEntries t6 from a new leader", None, append(N3, N1, TERM + 1), Must::Wait),
            ("RequestVote t5, granted", None, ask(N2, N1, TERM), Must::Wait),
            ("RequestVote t5, refused", Some(N3), ask(N2, N1, TERM), Must::Go),
            ("RequestVote t4, refused", None, ask(N2, N1, TERM - 1), Must::Go),
            ("RequestVote t6, granted", Some(N3), ask(N2, N1, TERM + 1), Must::Wait),
            ("VoteReply t5, to no candidate", None, answer(N2, N1, TERM, Said::Yes), Must::Go),
            ("HeartbeatReply t5, to no leader", None, beat_reply(N2, N1, TERM), Must::Go),
        ],
    )
}

/// Three nodes without a log.
fn three(seed: u64) -> Setup {
    Setup::new(3, seed)
}

/// Judges rows on clusters that `setup` makes from a seed.
pub(crate) fn judge(setup: fn(u64) -> Setup, cases: Vec<TimerCase>) -> Verdict {
    let Some((seed, twin)) = twin(setup) else {
        let stage = Stage::with_slow_disks(3);
        let failure =
            stage.broken(rule("only_leader_or_grant_resets_timer"), "Core::tick_election");
        return failure.because("n1 gets no message, and does not campaign in time").fail();
    };
    let intro = format!(
        "each row: one message at tick {ARRIVES}; a twin of n1 (follower, term {TERM}) without it \
         campaigns at tick {twin}; n1 campaigns at tick:"
    );
    let mut table = Rows::new(rule("only_leader_or_grant_resets_timer"), "message to n1", intro);
    for (what, vote, message, must) in cases {
        let mut stage = follower(setup, seed, vote);
        stage.ticks(N1, ARRIVES);
        let is_old = message.term < Some(Term(TERM));
        let function = if matches!(message.body, Body::RequestVote(_)) {
            "Core::on_request_vote"
        } else if message.body.traits().is_from_leader {
            "Raft::recognize_leader"
        } else {
            "Raft::update_term"
        };
        stage.hear(message);
        let reset = stage.last_line(|event| matches!(event, Event::TimerReset { .. }));
        let tick = stage.ticks_until_it_asks(N1).map_or(u64::MAX, |ticks| ARRIVES + ticks);
        let allowed = match must {
            Must::Wait => ARRIVES + window(10).start()..=ARRIVES + window(10).end(),
            Must::Go => twin..=twin,
        };
        let what_it_did =
            if reset.is_some() { "resets its timer" } else { "does not reset its timer" };
        let blame = match reset {
            _ if tick == u64::MAX => Blame::Function("Core::tick_election"),
            _ if is_old && !(allowed.contains(&tick)) => Blame::Function("Raft::update_term"),
            reset => Blame::line_or(reset, function),
        };
        table.row_blamed(blame, stage, |table| match tick {
            u64::MAX => {
                let must_be = format!("{} or more", allowed.start());
                table.breaks(what, must_be, "never")
            }
            tick => table.within(what, allowed, tick).because(what_it_did),
        });
    }
    table.verdict("Core::on_request_vote")
}

/// Returns a follower of term 5 with this vote.
fn follower(setup: fn(u64) -> Setup, seed: u64, vote: Option<NodeId>) -> Stage {
    Stage::of(remembering(setup(seed).with_slow_disks(), N1, TERM, vote))
}

/// Finds a seed with which n1, left alone, campaigns after the message, and before a node that reset its
/// timer then could.
fn twin(setup: fn(u64) -> Setup) -> Option<(u64, u64)> {
    (0..50).find_map(|seed| {
        let tick = follower(setup, seed, None).ticks_until_it_asks(N1)?;
        (ARRIVES + 2..ARRIVES + window(10).start()).contains(&tick).then_some((seed, tick))
    })
}
