//! Step 4: what is handed out to be applied, and when (Fig. 2 Rules for All Servers (1)).
//!
//! ```text
//!    log        1  2  3  4  5  6  7
//!    commit                    ^
//!    durable             ^            gate Durable: up to 5
//!    handed out    ^                  next page: 3 4 5, or as many as the limit allows
//! ```

use super::answers::{Answer, Answers};
use super::blame::{CHECKED, EARLY, LIGHT};
use super::owner::{Owner, disk, group, settings};
use crate::raft::kit::{N1, N2, at, beat_with, logged, sends};
use crate::raft::rule;
use bytes::Bytes;
use harness::{Check, Table, Verdict};
use raft::{ApplyGate, Body, Config, Entry, Index, Message, Payload, RawNode, Ready, Storage};

/// The size of an entry with a short command.
pub(super) fn short_bytes() -> u64 {
    logged(&[1])[0].size_bytes()
}

/// Starts n1, of three, with this limit.
pub(super) fn capped(max_applying_bytes: Option<u64>) -> Owner {
    Owner::of(Config { max_applying_bytes, ..settings() }, group(3))
}

/// n2 sends its whole log: ten commands, a long one among them. `commit` of them are committed.
pub(super) fn ten(commit: u64) -> Message {
    let mut message = sends(N2, N1, 1, at(0, 0), &[1; 10], commit);
    if let Body::AppendEntries { entries, .. } = &mut message.body {
        let long = Payload::Normal(Bytes::from_static(&[b'x'; 50]));
        entries[4] = Entry::unplaced(long).at(at(5, 1));
    }
    message
}

/// All of it is handed out in the end.
pub(super) fn must_have_applied(n1: &Owner, want: u64) -> Verdict {
    let got = n1.applied();
    let because = format!("{want} entries are committed and durable, and {got} are handed out");
    let applied = |index: Index| format!("applied {index}");
    let rule = rule("all_committed_is_handed_out");
    n1.must_be(rule, n1.unapplied(), &because, applied(Index(want)), applied(got))
}

/// However long the pages are, the application gets every entry, in order, once.
pub(super) fn paging_committed(_: &mut Check) -> Verdict {
    let short = short_bytes();
    for (number, cap, title) in [
        (1, None, "no limit"),
        (2, Some(3 * short), "three short ones at a time"),
        (3, Some(0), "one entry at a time"),
        (4, Some(3 * short + 1), "three short ones and a bit"),
    ] {
        let mut n1 = capped(cap).row(number, title);
        n1.hear(ten(10));
        n1.settle()?;
        must_have_applied(&n1, 10)?;

        let title = format!("{title}; advance, and the commit index grows in small steps");
        let mut n1 = capped(cap).row(number + 4, &title);
        n1.hear(ten(0));
        for commit in [2, 4, 9, 10] {
            n1.hear(beat_with(N2, N1, 1, commit));
            n1.advance_all()?;
        }
        must_have_applied(&n1, 10)?;
    }
    // The LightReady's page is read by `take_committed` alone; a Ready's passes through `ready` too.
    let reads = "what is committed is read from storage, and the read fails";
    let mut n1 = Owner::of(settings(), disk(&[1, 1], 1, None, 0)).row(9, reads);
    n1.hear(beat_with(N2, N1, 1, 0));
    if let Some(first) = n1.take()? {
        n1.hear(beat_with(N2, N1, 1, 2));
        let within = &["RawNode::take_committed", "RawNode::light_ready"];
        n1.every_read_fails("advance", within, |node| {
            node.advance(first.clone()).map(drop).map_err(|halt| halt.to_string())
        })?;
    }
    let n1 = Owner::of(settings(), disk(&[1, 1], 1, None, 2)).row(10, reads);
    let within = &["RawNode::ready", "RawNode::take_committed"];
    n1.every_read_fails("ready", within, |node| {
        node.ready().map(drop).map_err(|halt| halt.to_string())
    })?;
    Ok(())
}

/// Each gate lets out what it allows, and in the end everything.
pub(super) fn apply_gates(_: &mut Check) -> Verdict {
    let intro = "n2 sends 1@1 2@1 3@1, and two are committed; handed out to be applied:";
    let mut table = Table::new(rule("the_gate_is_kept"), "gate, and when").intro(intro);
    for (name, apply_gate, most) in [
        ("Durable", ApplyGate::Durable, 0),
        ("WithReady", ApplyGate::WithReady, 2),
        ("Ahead(1)", ApplyGate::Ahead(1), 1),
        ("Ahead(0)", ApplyGate::Ahead(0), 0),
        ("Ahead(5)", ApplyGate::Ahead(5), 2),
        ("Ahead, without a bound", ApplyGate::Ahead(u64::MAX), 2),
    ] {
        let mut n1 = Owner::of(Config { apply_gate, ..settings() }, group(3));
        n1.hear(sends(N2, N1, 1, at(0, 0), &[1, 1, 1], 2));
        let handed_out = |taken: &[Ready]| -> u64 {
            taken.iter().map(|ready| ready.committed_entries().len() as u64).sum()
        };
        let mut before = handed_out(&n1.start_all()?);
        let row = table.within(format!("{name}, while they are written"), 0..=most, before);
        row.decided_in_one_of(EARLY);
        // An application that may be ahead of the log has applied it already: the log is where it was.
        if before == 1 {
            let _ = n1.node().advance_apply_to(Index(1));
            n1.hear(beat_with(N2, N1, 1, 2));
            before += handed_out(&n1.start_all()?);
            let what = format!("{name}, and one is applied early");
            table.within(what, 0..=most, before).decided_in_one_of(EARLY);
        }
        // Too early is one mistake, never another.
        n1.settle()?;
        let row = table.within(format!("{name}, in the end"), 2..=2, n1.applied().0);
        row.breaks_rule(rule("all_committed_is_handed_out")).decided_in_one_of(n1.unapplied());
    }
    table.failure().map_or(Ok(()), |failure| failure.fail())
}

/// A report of what the owner cannot have applied is refused, and changes nothing.
pub(super) fn apply_order(_: &mut Check) -> Verdict {
    let intro = "n2 sent three entries and two are committed; the owner reports as applied";
    let mut table = Answers::new("applied up to", intro);
    let mut n1 = Owner::new(3);
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1, 1, 1], 2));
    n1.start_all()?;
    let mut tell = |n1: &mut Owner, what, applied, must_be| {
        table.tell(n1, what, must_be, |node| node.advance_apply_to(Index(applied)));
    };
    tell(&mut n1, "1, before it was handed out", 1, Answer::Refused);
    n1.persist_all()?;
    n1.start_all()?;
    tell(&mut n1, "3, which is not committed", 3, Answer::Refused);
    tell(&mut n1, "99, which does not exist", 99, Answer::Refused);
    tell(&mut n1, "1, of the two handed out", 1, Answer::Taken);
    tell(&mut n1, "1 again", 1, Answer::Taken);
    tell(&mut n1, "0: less than before", 0, Answer::Refused);
    n1.start_all()?;
    tell(&mut n1, "2", 2, Answer::Taken);
    tell(&mut n1, "1: less than before", 1, Answer::Refused);
    table.verdict(CHECKED)
}

/// A node can start from what was saved, whenever the power fails.
fn can_start(n1: &Owner) -> Verdict {
    let disk = n1.disk();
    let Err(why) = RawNode::new(&settings(), disk.clone()) else { return Ok(()) };
    let last = disk.last_index().unwrap_or_default();
    let failure = n1.broken(rule("commit_within_what_is_written"), LIGHT);
    let because = format!("power fails now, and n1 cannot start again: {why}");
    let got = format!("commit {}, log up to {last}", disk.hard_state().commit);
    failure.because(because).expected("a commit index within the log").got(got).fail()
}

/// A commit index to be saved is never beyond the log that is saved with it.
pub(super) fn commit_le_durable(_: &mut Check) -> Verdict {
    let mut n1 =
        Owner::new(3).row(1, "a committed entry comes while the one before is being written");
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1], 0));
    let first = n1.take()?;
    n1.hear(sends(N2, N1, 1, at(1, 1), &[1], 2));
    if let Some(first) = first {
        n1.advance_with(&first)?;
    }
    can_start(&n1)?;
    for _ in 0..4 {
        n1.advance()?;
        can_start(&n1)?;
    }
    n1.advance_all()?;
    must_have_applied(&n1, 2)?;

    let mut n1 = Owner::new(3).row(2, "three writes in progress, each with its commit index");
    for (behind, commit) in [(0, 0), (1, 2), (2, 3)] {
        n1.hear(sends(N2, N1, 1, at(behind, behind.min(1)), &[1], commit));
        n1.start_all()?;
    }
    while n1.writing() > 0 {
        n1.persist()?;
        can_start(&n1)?;
    }
    n1.settle()?;
    can_start(&n1)?;
    must_have_applied(&n1, 3)
}

/// No entry is handed out to be applied before the commit index that covers it is handed out to be
/// saved. The judge checks that; these runs give it something to check.
pub(super) fn commit_told_before_applied(_: &mut Check) -> Verdict {
    let mut n1 = Owner::new(3).row(1, "entries first, their commit later");
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1, 1], 0));
    n1.settle()?;
    n1.hear(beat_with(N2, N1, 1, 1));
    n1.settle()?;
    n1.hear(beat_with(N2, N1, 1, 2));
    n1.settle()?;
    must_have_applied(&n1, 2)?;
    let mut n1 = Owner::new(3).row(2, "entries and commit while a write is in progress");
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1, 1], 0));
    n1.start_all()?;
    n1.hear(beat_with(N2, N1, 1, 2));
    n1.settle()?;
    must_have_applied(&n1, 2)?;
    let mut n1 = Owner::new(1).row(3, "a single node, with advance");
    n1.campaign();
    n1.advance_all()?;
    n1.propose("a");
    n1.advance_all()?;
    must_have_applied(&n1, 2)
}
