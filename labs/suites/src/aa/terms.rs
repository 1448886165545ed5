//! Step 2: a later term makes a follower (§5.1), and a node starts as one (§5.2).
//!
//! ```text
//!   n1 (term 2, vote n2)  <-- any message of term 5     term 5, vote none
//!                         <-- any message of term 2     term 2, vote n2
//!                         <-- any message of term 1     term 2, vote n2
//! ```
//!
//! The messages are answers that nobody waits for, so only their term can matter.

use super::rows::Rows;
use super::rules::{LATER_TERM, STARTS_AS_FOLLOWER};
use super::stage::{Stage, name_or_none, remembering, remembers};
use super::words::{N1, N2, N3, Said, answer, beat_reply, term_is_over};
use crate::{Check, Verdict};
use raft::{Event, NodeId, RoleName};
use testbed::Setup;

/// A follower of term 2 hears of terms.
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
    let intro = "n1 is a follower, its disk holds: term 2, vote n2; one message arrives";
    let mut table = Rows::new(&LATER_TERM, "message to n1", intro).decided_by(is_term);
    for (message, term, vote) in rows {
        let what = message.to_string();
        let mut stage = Stage::of(remembering(Setup::new(3, 0), N1, 2, Some(N2)));
        stage.hear(message);
        let must_be = format!("t{term}, vote {}", name_or_none(vote));
        table.equal(what, must_be, in_few_words(&stage, N1), stage);
    }
    table.verdict("Raft::meet_term")
}

/// Returns whether an event is about the term.
fn is_term(event: &Event) -> bool {
    matches!(event, Event::TermEntered { .. })
}

/// A node starts, new or again.
pub(super) fn start_as_follower(_: &mut Check) -> Verdict {
    let mut stage = Stage::new(3).row(1, "a new node hears of its first term");
    stage.hear(answer(N2, N1, 1, Said::No));
    starts(&stage, &remembers(1, None))?;

    let setup = remembering(Setup::new(3, 0), N1, 4, Some(N2));
    let mut stage = Stage::of(setup).row(2, "a node starts with a term and a vote on its disk");
    starts(&stage, &remembers(4, Some(N2)))?;
    stage.hear(beat_reply(N3, N1, 4));
    starts(&stage, &remembers(4, Some(N2)))?;

    let mut stage = stage.row(3, "it hears of term 6, loses power and starts again");
    stage.hear(beat_reply(N3, N1, 6));
    stage.restart(N1);
    starts(&stage, &remembers(6, None))
}

fn starts(stage: &Stage, remembers: &str) -> Verdict {
    let (must_be, is) = (format!("follower, {remembers}"), of_follower(stage, N1));
    let leader = stage.follows(N1);
    if is == must_be && leader.is_none() {
        return Ok(());
    }
    let leader = leader.map_or_else(String::new, |leader| format!(", following {leader}"));
    let failure = stage.broken(&STARTS_AS_FOLLOWER, "Raft::new").expected(&must_be);
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
