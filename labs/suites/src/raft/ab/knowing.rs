//! Step 8: what answers tell a leader (§5.3, Fig. 2 Leaders (3)).
//!
//! ```text
//!   n2: matched 4          send it what follows 4 from now on
//!   n2: rejected 4         go back
//!   n2: rejected 2         stay: this is old, for n2 has acknowledged 4
//! ```
//!
//! What a leader knows of a peer shows in what it sends next. A leader sends when a client proposes: here
//! a client proposes after every answer.

use crate::raft::kit::{
    Append, Expected, N1, N2, Stage, at, elected, holding, is_about_peers, is_append, matched,
    rejected,
};
use crate::raft::rule;
use harness::{Check, Rule, Verdict};
use raft::Event;
use testbed::Setup;

/// n1 leads term 2 of three nodes; its log is 1 1 1 2.
fn leader() -> Stage {
    elected(holding(Setup::new(3, 0), N1, &[1, 1, 1], 0), N1)
}

fn expects<'a>(rule: &'a Rule, because: &'a str) -> Expected<'a> {
    fn shows(event: &Event) -> bool {
        is_about_peers(event) || is_append(event)
    }
    Expected { rule, within: MOVED_ON, shows, because }
}

/// Where to look if an acknowledgement has a wrong effect.
const MOVED_ON: &[&str] = &["Progress::maybe_update", "Core::send_append", "Core::bcast_append"];
/// Where to look if a rejection has a wrong effect.
const WENT_BACK: &[&str] =
    &["Progress::maybe_decr_to", "Progress::maybe_update", "Core::send_append"];
/// Where to look if an answer of a later term has a wrong effect.
const STEPPED_DOWN: &[&str] =
    &["Raft::update_term", "Raft::become_follower", "Progress::maybe_decr_to"];

/// Writes the last append to n2 since the messages were cleared.
fn last_append(stage: &Stage) -> Option<Append> {
    stage.appends(N1, N2).pop()
}

fn follows(stage: &Stage) -> String {
    match last_append(stage) {
        Some(append) if append.entries.is_empty() => format!("asked for {}", append.prev),
        Some(append) => format!("sent what follows {}", append.prev.index),
        None => "sent nothing".to_owned(),
    }
}

/// A peer that has acknowledged is sent what follows.
pub(super) fn leader_increase_next(_: &mut Check) -> Verdict {
    let mut stage = leader().row(1, "n2 acknowledges the first entry of the term");
    stage.must_lead(rule("acknowledged_peer_gets_the_next"), N1)?;
    stage.hear(matched(N2, N1, 2, 4));
    stage.forget_words();
    stage.propose(N1, "a");
    let what = expects(
        rule("acknowledged_peer_gets_the_next"),
        "n2 has acknowledged 4 entries, and a client proposes a fifth",
    );
    stage.must_be(&what, "sent what follows 4", follows(&stage))?;

    let mut stage = stage.row(2, "n2 acknowledges the next");
    stage.hear(matched(N2, N1, 2, 5));
    stage.forget_words();
    stage.propose(N1, "b");
    let what = expects(
        rule("acknowledged_peer_gets_the_next"),
        "n2 has acknowledged 5 entries, and a client proposes a sixth",
    );
    stage.must_be(&what, "sent what follows 5", follows(&stage))?;

    let mut stage = stage.row(3, "n2 acknowledges twice, and then less");
    stage.hear(matched(N2, N1, 2, 6));
    stage.hear(matched(N2, N1, 2, 6));
    stage.hear(matched(N2, N1, 2, 4));
    stage.forget_words();
    stage.propose(N1, "c");
    let what = expects(
        rule("acknowledged_peer_gets_the_next"),
        "n2 has acknowledged 6 entries, and a client proposes another",
    );
    stage.must_be(&what, "sent what follows 6", follows(&stage))
}

/// Returns how far back the last append to n2 goes, as text.
fn goes_back(stage: &Stage, below: u64) -> (String, String) {
    let must_be = format!("sent what follows {} or less", below - 1);
    let was = match last_append(stage) {
        Some(append) if append.prev.index.0 < below => must_be.clone(),
        Some(append) => format!("sent what follows {}", append.prev.index),
        None => "sent nothing".to_owned(),
    };
    (must_be, was)
}

fn backs_off(because: &str) -> Expected<'_> {
    Expected { within: WENT_BACK, ..expects(rule("rejection_goes_back"), because) }
}

/// A rejected append is tried again further back.
pub(super) fn reject_goes_back(_: &mut Check) -> Verdict {
    let mut stage = leader().row(1, "n2 lacks the third entry");
    stage.must_lead(rule("rejection_goes_back"), N1)?;
    stage.forget_words();
    stage.hear(rejected(N2, N1, 2, 3, at(2, 1)));
    stage.propose(N1, "a");
    let what = backs_off("n2 was sent what follows 3, and does not hold entry 3");
    let (must_be, was) = goes_back(&stage, 3);
    stage.must_be(&what, must_be, was)?;

    let mut stage = leader().row(2, "n2 streams, and then a message was lost");
    stage.hear(matched(N2, N1, 2, 4));
    ["a", "b", "c"].iter().for_each(|command| stage.propose(N1, command));
    // A leader that sends one append at a time has sent nothing that n2 could reject now.
    let Some(last) = last_append(&stage).filter(|append| append.prev.index.0 > 4) else {
        return Ok(());
    };
    stage.forget_words();
    stage.hear(rejected(N2, N1, 2, last.prev.index.0, at(4, 2)));
    stage.propose(N1, "d");
    let what = backs_off("n2 holds 4 entries, and rejected the last append: entry 5 was lost");
    let (must_be, was) = goes_back(&stage, 5);
    stage.must_be(&what, must_be, was)
}

/// A rejection that was sent before the last acknowledgement.
pub(super) fn stale_reject_ignored(_: &mut Check) -> Verdict {
    for (row, prev, hint) in [(1, 3, at(2, 1)), (2, 1, at(0, 0)), (3, 4, at(3, 1))] {
        let title = format!("n2 acknowledges 4, and its old rejection of {prev} arrives late");
        let mut stage = leader().row(row, &title);
        stage.must_lead(rule("old_news_changes_nothing"), N1)?;
        stage.hear(matched(N2, N1, 2, 4));
        stage.hear(rejected(N2, N1, 2, prev, hint));
        stage.forget_words();
        stage.propose(N1, "a");
        let because = "n2 has acknowledged 4 entries, and a client proposes a fifth";
        let what = expects(rule("old_news_changes_nothing"), because);
        let what = Expected { within: WENT_BACK, ..what };
        stage.must_be(&what, "sent what follows 4", follows(&stage))?;
    }
    a_refusal_counts_once()
}

/// A leader has gone back twice; the first refusal arrives again. It is about a question that was
/// answered long ago: the leader neither starts over nor goes back once more.
fn a_refusal_counts_once() -> Verdict {
    let title =
        "n2 refuses what follows 3, then what the leader asks next; the first refusal comes again";
    let mut stage = leader().row(4, title);
    stage.must_lead(rule("old_news_changes_nothing"), N1)?;
    let first = rejected(N2, N1, 2, 3, at(2, 1));
    stage.hear(first.clone());
    stage.propose(N1, "a");
    let asked = |stage: &Stage| last_append(stage).map_or(0, |append| append.prev.index.0);
    let second = asked(&stage);
    if second > 0 {
        stage.hear(rejected(N2, N1, 2, second, at(second - 1, 1)));
        stage.propose(N1, "b");
    }
    let now = asked(&stage);
    stage.forget_words();
    stage.hear(first.clone());
    stage.hear(first);
    stage.propose(N1, "c");
    let because =
        "n2 has refused twice since; its first answer arrives again, and says nothing new";
    let what = Expected { within: WENT_BACK, ..expects(rule("old_news_changes_nothing"), because) };
    let asks = |index: u64| format!("asks for what follows {index}, or nothing");
    let other =
        stage.appends(N1, N2).iter().map(|append| append.prev.index.0).find(|&at| at != now);
    stage.must_be(&what, asks(now), asks(other.unwrap_or(now)))
}

/// A leader goes back to the first entry, and no further.
pub(super) fn next_floor(_: &mut Check) -> Verdict {
    let mut stage = leader().row(1, "n2 holds nothing, and says so");
    stage.must_lead(rule("rejection_goes_back"), N1)?;
    stage.forget_words();
    stage.hear(rejected(N2, N1, 2, 3, at(0, 0)));
    stage.propose(N1, "a");
    let because = "n2 holds nothing";
    for _ in 0..4 {
        let Some(Append { prev, .. }) = last_append(&stage) else { break };
        if prev.index.0 == 0 {
            break;
        }
        stage.hear(rejected(N2, N1, 2, prev.index.0, at(0, 0)));
        stage.propose(N1, "a");
    }
    let what = backs_off(because);
    let from_the_first = |stage: &Stage| match last_append(stage) {
        Some(append) => format!("sent what follows {}", append.prev),
        None => "sent nothing".to_owned(),
    };
    stage.must_be(&what, "sent what follows 0@0", from_the_first(&stage))?;

    let mut stage = stage.row(2, "n2 rejects what follows nothing: no correct node does");
    stage.hear(rejected(N2, N1, 2, 0, at(0, 0)));
    stage.propose(N1, "b");
    stage.must_be(&what, "sent what follows 0@0", from_the_first(&stage))
}

/// A rejection of a later term is no rejection: the leader leads no more.
pub(super) fn reject_at_higher_term_steps_down(_: &mut Check) -> Verdict {
    let mut stage = leader().row(1, "a rejection of a later term");
    stage.must_lead(rule("later_term_keeps_the_log"), N1)?;
    stage.forget_words();
    stage.hear(rejected(N2, N1, 3, 3, at(2, 1)));
    stage.propose(N1, "a");
    let because = "n1 led term 2, and n2 answered in term 3";
    let what =
        Expected { within: STEPPED_DOWN, ..expects(rule("later_term_keeps_the_log"), because) };
    let was = format!("{}, {}", stage.standing(N1), follows(&stage));
    stage.must_be(&what, "follower, term 3, sent nothing", was)?;

    let mut stage = leader().row(2, "a rejection of this term");
    stage.forget_words();
    stage.hear(rejected(N2, N1, 2, 3, at(2, 1)));
    stage.propose(N1, "a");
    let what = backs_off("n1 leads term 2, and n2 rejected what follows 3");
    stage.must_be(&what, "leader, term 2", stage.standing(N1))?;
    let (must_be, was) = goes_back(&stage, 3);
    stage.must_be(&what, must_be, was)
}
