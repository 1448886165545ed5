//! Step 3: what counts once a write is durable.
//!
//! ```text
//!    n1 leads, and its entry is being written       n2 holds it
//!    [== write ==                                   1 of 3 durable: not committed
//!    [== write ==]                                  2 of 3 durable: committed
//! ```

use super::owner::{Outcome, Owner, group, settings};
use crate::raft::kit::{N1, N2, N3, Said, answer, ask, at, beat_with, matched, names_of, sends};
use crate::raft::rule;
use harness::{Check, Table, Verdict};
use raft::{Body, Config, Index, Message, NodeId, Ready, Storage};

/// Where to look if a write that has ended does not have its effect.
const REPORTED: &[&str] = &["RawNode::on_persist_record", "RawNode::push_record", "RawNode::ready"];
/// Where to look if a Ready holds what it must not.
const HANDED_OUT: &[&str] =
    &["RawNode::ready", "RawNode::on_persist_record", "RawNode::push_record"];

/// Returns the commit index that the owner or a peer can know: from what was handed out to be saved, or
/// from messages.
fn commit_told(n1: &Owner) -> Index {
    let said = n1.sent().iter().filter_map(|message| {
        let (Body::AppendEntries { commit, .. } | Body::Heartbeat { commit, .. }) = message.body
        else {
            return None;
        };
        Some(commit)
    });
    said.chain([n1.judge().told().commit]).max().unwrap_or_default()
}

fn must_commit(n1: &Owner, want: u64, because: &str) -> Verdict {
    let got = commit_told(n1);
    if got == Index(want) {
        return Ok(());
    }
    // Before the end of a write was ever reported, only a Ready can have counted it.
    let early = got > Index(want) && !n1.has_reports();
    let within = if early { HANDED_OUT } else { REPORTED };
    let failure = n1.broken(rule("own_copy_counts_once_durable"), within).because(because);
    failure.expected(format!("commit {want}")).got(format!("commit {got}")).fail()
}

/// A leader whose own entry is not durable yet does not count in the majority that holds it.
pub(super) fn leader_counts_after_persist(_: &mut Check) -> Verdict {
    for (number, size, others, title) in [
        (1, 3, vec![N2], "three nodes: n2 and n1 itself make the majority"),
        (2, 5, vec![N2, N3], "five nodes: n2, n3 and n1 itself make the majority"),
    ] {
        let mut n1 = Owner::new(size).row(number, title);
        let voters: Vec<NodeId> = (2..=size).map(NodeId).collect();
        n1.elect_by(&voters);
        n1.start_all()?;
        others.iter().for_each(|&peer| n1.hear(matched(peer, N1, 1, 1)));
        n1.start_all()?;
        must_commit(&n1, 0, "entry 1@1 is committed, and n1's own copy is not durable")?;
        while n1.writing() > 0 {
            n1.persist()?;
        }
        n1.start_all()?;
        must_commit(&n1, 1, "a majority holds 1@1, n1 durably too, and it is not committed")?;
        n1.propose("a");
        n1.start_all()?;
        others.iter().for_each(|&peer| n1.hear(matched(peer, N1, 1, 2)));
        n1.start_all()?;
        must_commit(&n1, 1, "entry 2@1 is committed, and n1's own copy is not durable")?;
        while n1.writing() > 0 {
            n1.persist()?;
        }
        n1.start_all()?;
        must_commit(&n1, 2, "a majority holds 2@1, n1 durably too, and it is not committed")?;
    }
    Ok(())
}

/// A single node: an entry is written in one Ready, and committed in a later one.
pub(super) fn single_node_two_ready(_: &mut Check) -> Verdict {
    let mut n1 = Owner::new(1);
    let judge = |n1: &Owner, taken: &[Ready]| {
        let durable = n1.disk().last_index().unwrap_or_default();
        let committed = taken.iter().flat_map(|ready| {
            let hard = ready.hard_state().map(|hard| hard.commit);
            ready.committed_entries().last().map(|entry| entry.id.index).into_iter().chain(hard)
        });
        match committed.max().filter(|&committed| committed > durable) {
            None => Ok(()),
            Some(committed) => {
                let because =
                    format!("entry {committed} is committed, and n1's disk ends at {durable}");
                let failure =
                    n1.broken(rule("written_before_committed"), HANDED_OUT).because(because);
                failure.expected("nothing is committed that is being written").fail()
            }
        }
    };
    n1.campaign();
    for word in ["", "a", "b"] {
        if !word.is_empty() && !n1.propose(word) {
            let failure = n1.broken(rule("written_before_committed"), REPORTED);
            return failure
                .because("n1 is alone, its vote is durable, and it does not lead")
                .fail();
        }
        loop {
            let taken = n1.start_all()?;
            judge(&n1, &taken)?;
            if taken.is_empty() && n1.writing() == 0 {
                break;
            }
            n1.persist()?;
        }
    }
    let told = n1.judge().told().commit;
    if told < Index(3) {
        let failure = n1.broken(rule("written_before_committed"), REPORTED);
        let because = "three entries are durable on the only disk";
        return failure.because(because).expected("commit 3").got(format!("commit {told}")).fail();
    }
    Ok(())
}

/// `advance` reports its own Ready: what came since belongs to a later one.
pub(super) fn advance_uses_ready(_: &mut Check) -> Verdict {
    let second = |n1: &mut Owner, want: &str| -> Verdict {
        let taken = n1.start_all()?;
        let entries: Vec<_> = taken.iter().flat_map(|r| r.entries().iter().cloned()).collect();
        if names_of(&entries) == want {
            return Ok(());
        }
        let within = &["RawNode::on_persist_record", "RawNode::ready", "RawNode::has_ready"];
        let failure = n1.broken(rule("a_ready_makes_durable_what_it_held"), within);
        let because =
            format!("{want} came after Ready 1 was taken, and is not handed out after it");
        failure
            .because(because)
            .expected(format!("{want} to be written"))
            .got(names_of(&entries))
            .fail()
    };
    let mut n1 = Owner::new(3).row(1, "a follower gets more while it writes");
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1], 0));
    let Some(first) = n1.take()? else { return nothing_ready(&n1) };
    n1.hear(sends(N2, N1, 1, at(1, 1), &[1], 0));
    n1.advance_with(&first)?;
    second(&mut n1, "2@1")?;

    let mut n1 = Owner::new(1).row(2, "a leader is proposed to while it writes");
    n1.campaign();
    while n1.advance()?.is_some() {}
    n1.propose("a");
    let Some(first) = n1.take()? else { return nothing_ready(&n1) };
    n1.propose("b");
    n1.advance_with(&first)?;
    second(&mut n1, "3@1")
}

fn nothing_ready(n1: &Owner) -> Verdict {
    let failure = n1.broken(rule("ready_only_with_news"), &["RawNode::has_ready"]);
    failure.because("entries wait to be written, and has_ready is false").fail()
}

/// Whatever the order of Readys and inputs, every answer leaves once.
pub(super) fn messages_exactly_once(_: &mut Check) -> Verdict {
    let mut table =
        Table::new(rule("messages_exactly_once"), "how n1 is driven, and what it sends");
    // If both are still to be taken, an acknowledgement of more may replace the one before.
    for (way, drive, least) in [
        ("advance after every input", advance_each as fn(&mut Owner, &[Message]) -> Outcome<()>, 4),
        ("the next input comes in between", advance_late, 4),
        ("one Ready for all inputs", advance_once, 3),
        ("writes in progress", write_behind, 4),
    ] {
        let mut n1 = Owner::new(3);
        drive(
            &mut n1,
            &[
                ask(N2, N1, 1),
                ask(N3, N1, 1),
                beat_with(N3, N1, 2, 0),
                sends(N3, N1, 2, at(0, 0), &[2], 0),
                beat_with(N3, N1, 2, 0),
                sends(N3, N1, 2, at(1, 2), &[2], 1),
            ],
        )?;
        n1.settle()?;
        let count = |to: NodeId, is_vote: bool| {
            let to = n1.sent().iter().filter(|message| message.to == to);
            to.filter(|m| matches!(m.body, Body::VoteReply { .. }) == is_vote).count() as u64
        };
        table.equal(format!("{way}: votes to n2"), 1, count(N2, true));
        table.equal(format!("{way}: votes to n3"), 1, count(N3, true));
        table.within(format!("{way}: answers to n3's messages"), least..=4, count(N3, false));
    }
    let mut n1 = Owner::new(3);
    n1.elect_by(&[N2, N3]);
    n1.settle()?;
    let entries_to = |n1: &Owner, to: NodeId| {
        let appends = n1.sent().iter().filter(|message| message.to == to);
        let entries = appends.filter_map(|message| {
            let Body::AppendEntries { entries, .. } = &message.body else { return None };
            Some(entries.len() as u64)
        });
        entries.sum::<u64>()
    };
    // Appends that wait for a Ready (`batch_append`) leave with it.
    let mut batching = Owner::of(Config { batch_append: true, ..settings() }, group(3));
    batching.elect_by(&[N2, N3]);
    batching.settle()?;
    table.equal("batch_append: entries to n2", 1, entries_to(&batching, N2));
    n1.hear(matched(N2, N1, 1, 1));
    n1.settle()?;
    n1.hear(matched(N3, N1, 1, 1));
    n1.settle()?;
    n1.propose("a");
    n1.propose("b");
    n1.settle()?;
    // A leader that waits for each answer has not sent the last entry yet. A leader whose heartbeats carry
    // entries sends some of them twice.
    table.within("a leader: entries sent to n2", 2..=6, entries_to(&n1, N2));
    table.within("a leader: entries sent to n3", 2..=6, entries_to(&n1, N3));
    match table.failure() {
        Some(failure) => failure.one_of(HANDED_OUT).fail(),
        None => Ok(()),
    }
}

fn advance_each(n1: &mut Owner, inputs: &[Message]) -> Outcome<()> {
    for message in inputs {
        n1.hear(message.clone());
        while n1.advance()?.is_some() {}
    }
    Ok(())
}

fn advance_late(n1: &mut Owner, inputs: &[Message]) -> Outcome<()> {
    for message in inputs {
        let taken = n1.take()?;
        n1.hear(message.clone());
        if let Some(ready) = taken {
            n1.advance_with(&ready)?;
        }
    }
    Ok(())
}

fn advance_once(n1: &mut Owner, inputs: &[Message]) -> Outcome<()> {
    inputs.iter().for_each(|message| n1.hear(message.clone()));
    while n1.advance()?.is_some() {}
    Ok(())
}

fn write_behind(n1: &mut Owner, inputs: &[Message]) -> Outcome<()> {
    for message in inputs {
        n1.hear(message.clone());
        n1.start_all()?;
    }
    Ok(())
}

/// When everything is written, sent and applied, nothing is ready.
pub(super) fn quiet_when_all_is_done(_: &mut Check) -> Verdict {
    let mut alone = Owner::new(1).row(1, "a single node");
    alone.campaign();
    alone.settle()?;
    alone.propose("a");
    alone.settle()?;
    let mut follower = Owner::new(3).row(2, "a follower");
    follower.hear(sends(N2, N1, 1, at(0, 0), &[1, 1], 1));
    follower.settle()?;
    follower.hear(beat_with(N2, N1, 1, 2));
    follower.settle()?;
    let mut leader = Owner::new(3).row(3, "a leader of three");
    leader.elect_by(&[N2]);
    leader.settle()?;
    leader.hear(answer(N3, N1, 1, Said::Yes));
    leader.hear(matched(N2, N1, 1, 1));
    leader.settle()?;
    let mut synchronous = Owner::new(1).row(4, "advance, again and again");
    synchronous.campaign();
    let mut readys = 0;
    while synchronous.advance()?.is_some() {
        readys += 1;
        if readys > 20 {
            let failure = synchronous.broken(rule("quiet_when_all_is_done"), super::owner::BUSY);
            return failure
                .because("after 20 Readys and nothing new, has_ready is still true")
                .fail();
        }
    }
    Ok(())
}
