//! Step 4: what is handed out to be applied, and when (Fig. 2 Rules for All Servers (1)).
//!
//! ```text
//!    log        1  2  3  4  5  6  7
//!    commit                    ^
//!    durable             ^            gate Durable: up to 5
//!    handed out    ^                  next page: 3 4 5, or as many as the limit allows
//! ```

use super::answers::{Answer, Answers};
use super::blame::{CAPPED, CHECKED, GATE, LIGHT, NO_PAGE, PAGED};
use super::owner::{Checked, Owner, disk, group, settings};
use crate::raft::kit::{N1, N2, at, beat_with, logged, names_of, sends};
use crate::raft::rule;
use bytes::Bytes;
use harness::{Check, Table, Verdict};
use raft::{ApplyGate, Body, Config, Entry, Index, Message, Payload, RawNode, Ready, Storage};

/// The size of an entry with a short command.
fn short_bytes() -> u64 {
    logged(&[1])[0].size_bytes()
}

/// Starts n1, of three, with this limit.
fn capped(max_applying_bytes: Option<u64>) -> Owner {
    Owner::of(Config { max_applying_bytes, ..settings() }, group(3))
}

/// n2 sends its whole log: ten commands, a long one among them. `commit` of them are committed.
fn ten(commit: u64) -> Message {
    let mut message = sends(N2, N1, 1, at(0, 0), &[1; 10], commit);
    if let Body::AppendEntries { entries, .. } = &mut message.body {
        let long = Payload::Normal(Bytes::from_static(&[b'x'; 50]));
        entries[4] = Entry::unplaced(long).at(at(5, 1));
    }
    message
}

/// All of it is handed out in the end.
fn must_have_applied(n1: &Owner, want: u64) -> Verdict {
    let got = n1.applied();
    let because = format!("{want} entries are committed and durable, and {got} are handed out");
    let applied = |index: Index| format!("applied {index}");
    let rule = rule("all_committed_is_handed_out");
    let within = if got == Index(0) { NO_PAGE } else { PAGED };
    n1.must_be(rule, within, &because, applied(Index(want)), applied(got))
}

/// However long the pages are, the application gets every entry, in order, once.
pub(super) fn paging_committed(_: &mut Check) -> Verdict {
    let short = short_bytes();
    for (number, cap, title) in [
        (1, None, "no limit"),
        (2, Some(3 * short), "three short ones at a time"),
        (3, Some(1), "one entry at a time"),
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
    let reads = "what is committed is read from storage, and the read fails";
    let n1 = Owner::of(settings(), disk(&[1, 1], 1, None, 2)).row(9, reads);
    let within = &["RawNode::take_committed", "RawNode::ready", "RawNode::has_ready"];
    n1.every_read_fails("ready", within, |node| {
        node.ready().map(drop).map_err(|halt| halt.to_string())
    })
}

/// Returns the size of what waits to be applied, without the last entry: that one may cross the limit.
fn outstanding_before_last(n1: &Owner) -> u64 {
    let weights: Vec<u64> = n1.waiting().map(Entry::size_bytes).collect();
    weights.split_last().map_or(0, |(_, before)| before.iter().sum())
}

/// Takes and writes everything; then no more waits to be applied than the limit allows.
fn must_keep_the_limit(n1: &mut Owner, cap: u64) -> Verdict {
    n1.start_all()?;
    n1.persist_all()?;
    let outstanding = outstanding_before_last(n1);
    if outstanding < cap || n1.waiting().count() <= 1 {
        return Ok(());
    }
    let waiting: Vec<Entry> = n1.waiting().cloned().collect();
    let because =
        format!("{} wait to be applied, and the limit is {cap} bytes", names_of(&waiting));
    let failure = n1.broken(rule("outstanding_applies_are_capped"), CAPPED).because(because);
    failure.got(format!("{outstanding} bytes before the last one")).fail()
}

/// While the application has not applied, no more is handed out than the limit allows.
pub(super) fn apply_cap(_: &mut Check) -> Verdict {
    let short = short_bytes();
    for (number, cap) in [(1, 1), (2, 2 * short), (3, 3 * short - 1)] {
        let title = format!("at most {cap} bytes; a short entry has {short}");
        let mut n1 = capped(Some(cap)).row(number, &title);
        n1.hear(ten(10));
        for _ in 0..4 {
            must_keep_the_limit(&mut n1, cap)?;
        }
        n1.apply_one()?;
        must_keep_the_limit(&mut n1, cap)?;
        n1.settle()?;
        must_have_applied(&n1, 10)?;
    }

    // Two short entries are handed out, and are all that the limit allows. Then a third is committed.
    let title = "at most two short entries; the third comes later";
    let mut n1 = capped(Some(2 * short)).row(4, title);
    n1.hear(ten(0));
    n1.settle()?;
    for commit in [2, 3] {
        n1.hear(beat_with(N2, N1, 1, commit));
        must_keep_the_limit(&mut n1, 2 * short)?;
    }

    // `advance` says that its Ready is written and applied. Of the LightReady it says nothing.
    let title = "at most 1 byte, with advance; the LightReady's entries are not applied yet";
    let mut n1 = capped(Some(1)).row(5, title);
    n1.hear(ten(10));
    if let Some(ready) = n1.take()? {
        n1.advance_slowly(&ready)?;
    }
    for _ in 0..4 {
        n1.hear(beat_with(N2, N1, 1, 10));
        must_keep_the_limit(&mut n1, 1)?;
    }
    n1.settle()?;
    must_have_applied(&n1, 10)
}

/// Counts what is handed out to be applied before and after the write is durable.
fn through_the_gate(gate: ApplyGate) -> Checked<(u64, u64)> {
    let config = Config { apply_gate: gate, ..settings() };
    let mut n1 = Owner::of(config, group(3));
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1, 1, 1], 2));
    let taken = n1.start_all()?;
    let before = taken.iter().map(|ready: &Ready| ready.committed_entries().len() as u64).sum();
    n1.settle()?;
    Ok((before, n1.applied().0))
}

/// Each gate lets out what it allows, and in the end everything.
pub(super) fn apply_gates(_: &mut Check) -> Verdict {
    let mut seen = Vec::new();
    for (name, gate, most) in [
        ("Durable", ApplyGate::Durable, 0),
        ("WithReady", ApplyGate::WithReady, 2),
        ("Ahead(1)", ApplyGate::Ahead(1), 1),
        ("Ahead(5)", ApplyGate::Ahead(5), 2),
        ("Ahead, without a bound", ApplyGate::Ahead(u64::MAX), 2),
    ] {
        let (before, after) = through_the_gate(gate)?;
        seen.push((format!("{name}, while they are written"), 0..=most, before));
        seen.push((format!("{name}, in the end"), 2..=2, after));
    }
    // Too early is one mistake, never another.
    let is_early = seen.iter().any(|(_, allowed, count)| count > allowed.end());
    let rule = match is_early {
        true => rule("the_gate_is_kept"),
        false => rule("all_committed_is_handed_out"),
    };
    let intro = "n2 sends 1@1 2@1 3@1, and two are committed; handed out to be applied:";
    let mut table = Table::new(rule, "gate, and when").intro(intro);
    for (what, allowed, count) in seen {
        table.within(what, allowed, count);
    }
    table.failure().map_or(Ok(()), |failure| failure.one_of(GATE).fail())
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
    table.failure().map_or(Ok(()), |failure| failure.one_of(CHECKED).fail())
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
    while n1.advance()?.is_some() {
        can_start(&n1)?;
    }
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
