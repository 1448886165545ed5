//! Step 2: a later term makes a follower (§5.1), and a node starts as one (§5.2).
//!
//! ```text
//!   n1 (term 2, vote n2)  <-- any message of term 5     term 5, vote none
//!                         <-- any message of term 2     term 2, vote n2
//!                         <-- any message of term 1     term 2, vote n2
//! ```
//!
//! The messages are answers that no node waits for, so only their term matters. Peers cannot see yet
//! whether a node handles a message as one of its own term: no rule is written that would act on it. So
//! only here the node's own events count. It must not ignore a message of its own term as too old, and
//! must not look for a rule for a message of an earlier term. A node that notes no such event passes.

use crate::raft::kit::blame::is_term;
use crate::raft::kit::{
    Blame, N1, N2, N3, Rows, Said, Stage, answer, beat_reply, name_or_none, remembering, remembers,
    term_is_over,
};
use crate::raft::rule;
use harness::{Check, Rule, Verdict};
use raft::{Event, Ignored, NodeId, RoleName, Term};
use testbed::Setup;

/// A follower of term 2 gets messages of other terms.
pub(super) fn update_term_follower(_: &mut Check) -> Verdict {
    let rows = [
        (answer(N3, N1, 5, Said::No), 5, None),
        (answer(N2, N1, 5, Said::Yes), 5, None),
        (beat_reply(N2, N1, 3), 3, None),
        (term_is_over(N3, N1, 900), 900, None),
        (answer(N3, N1, 2, Said::No), 2, Some(N2)),
        (beat_reply(N2, N1, 2), 2, Some(N2)),
        (answer(N3, N1, 1, Said::Yes), 2, Some(N2)),
        (beat_reply(N3, N1, 1), 2, Some(N2)),
    ];
    let rows = rows.map(|(message, term, vote)| {
        let what = message.to_string();
        let takes_for = if message.term < Some(Term(2)) { TOO_OLD } else { ITS_OWN };
        let mut stage = Stage::of(remembering(Setup::new(3, 0), N1, 2, Some(N2)));
        stage.hear(message);
        let must_be = format!("t{term}, vote {}", name_or_none(vote));
        (stage, what, must_be, takes_for)
    });
    let wrong = rows.iter().any(|(stage, _, must_be, _)| in_few_words(stage, N1) != *must_be);
    let (head, intro) = ("message to n1", "n1 is a follower, its disk holds: term 2, vote n2;");
    let mut table = match wrong {
        true => Rows::new(
            rule("later_term_makes_a_follower"),
            head,
            format!("{intro} one message arrives"),
        ),
        false => Rows::new(
            rule("only_our_terms_messages_are_heard"),
            head,
            format!("{intro} of which term each message is to n1"),
        ),
    };
    for (stage, what, must_be, takes_for) in rows {
        if wrong {
            let was = in_few_words(&stage, N1);
            let blame = Blame::line_or(stage.line(is_term), "Raft::update_term");
            table.row_blamed(blame, stage, |table| table.equal(what, must_be, was));
        } else {
            let was = taken_for(&stage).unwrap_or(takes_for);
            let blame = Blame::Function("Raft::update_term");
            table.row_blamed(blame, stage, |table| table.equal(what, takes_for, was));
        }
    }
    table.verdict("Raft::update_term")
}

const ITS_OWN: &str = "of its own term";
const TOO_OLD: &str = "too old";

/// Says how n1 took the last message, if an event says so.
fn taken_for(stage: &Stage) -> Option<&'static str> {
    let steps = stage.steps();
    let why = steps.last()?.notes.iter().find_map(|note| {
        let Event::MessageIgnored { why, .. } = note.event else { return None };
        Some(why)
    })?;
    Some(match why {
        Ignored::OlderTerm { .. } => TOO_OLD,
        Ignored::NotOurRole { .. } | Ignored::RivalLeader | Ignored::ReadIsOver => ITS_OWN,
        Ignored::LeaderIsAlive { .. } | Ignored::CannotLead | Ignored::OtherLog { .. } => ITS_OWN,
        Ignored::OtherSession | Ignored::NoTermAbove { .. } => ITS_OWN,
    })
}

/// A node starts, new or again.
pub(super) fn start_as_follower(_: &mut Check) -> Verdict {
    let mut stage = Stage::new(3).row(1, "a new node learns of its first term");
    stage.hear(answer(N2, N1, 1, Said::No));
    starts(&stage, &remembers(1, None))?;

    let setup = remembering(Setup::new(3, 0), N1, 4, Some(N2));
    let mut stage = Stage::of(setup).row(2, "a node starts with a term and a vote on its disk");
    starts(&stage, &remembers(4, Some(N2)))?;
    stage.hear(beat_reply(N3, N1, 4));
    starts(&stage, &remembers(4, Some(N2)))?;

    let mut stage = stage.row(3, "it learns of term 6, loses power and starts again");
    stage.hear(beat_reply(N3, N1, 6));
    is_follower(
        &stage,
        rule("later_term_makes_a_follower"),
        "Raft::become_follower",
        &remembers(6, None),
    )?;
    stage.restart(N1);
    starts(&stage, &remembers(6, None))
}

fn starts(stage: &Stage, remembers: &str) -> Verdict {
    is_follower(stage, rule("starts_as_follower"), "Raft::new", remembers)
}

/// n1 must be a follower without a leader, with this term and vote.
fn is_follower(stage: &Stage, rule: &Rule, function: &str, remembers: &str) -> Verdict {
    let (must_be, is) = (format!("follower, {remembers}"), of_follower(stage, N1));
    let leader = stage.follows(N1);
    if is == must_be && leader.is_none() {
        return Ok(());
    }
    let leader = leader.map_or_else(String::new, |leader| format!(", following {leader}"));
    let failure = stage.broken(rule, function).expected(&must_be);
    failure.because(format!("n1 is a {is}{leader}")).got(format!("{is}{leader}")).fail()
}

/// Says the term and vote of a node, and its role or its disk if they are not what they should be.
fn in_few_words(stage: &Stage, id: NodeId) -> String {
    let Some(node) = stage.cluster().node(id).map(|node| node.inspect()) else {
        return "down".to_owned();
    };
    let text = format!("t{}, vote {}", node.term, name_or_none(node.vote));
    if node.role != RoleName::Follower {
        format!("{}, {text}", node.role)
    } else if stage.disk(id).term != node.term || stage.disk(id).vote != node.vote {
        format!("{text}, not on disk")
    } else {
        text
    }
}

/// Says the role a node has, and what its disk and its memory hold.
fn of_follower(stage: &Stage, id: NodeId) -> String {
    let role = stage.role(id).map_or_else(|| "down".to_owned(), |role: RoleName| role.to_string());
    let seen = stage.cluster().node(id).map(|node| node.inspect());
    let in_mind = seen.map(|node| remembers(node.term.0, node.vote)).unwrap_or_default();
    let on_disk = stage.memory(id);
    if in_mind == on_disk {
        format!("{role}, {on_disk}")
    } else {
        format!("{role}, {in_mind} (on disk: {on_disk})")
    }
}
