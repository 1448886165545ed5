//! Step 3: what counts once a write is durable.
//!
//! ```text
//!    n1 leads, and its entry is being written       n2 holds it
//!    [== write ==                                   1 of 3 durable: not committed
//!    [== write ==]                                  2 of 3 durable: committed
//! ```

use super::blame::{HANDED_OUT, LOST, UNASKED};
use super::owner::{Owner, disk, group, settings};
use crate::raft::kit::{N1, N2, N3, Said, answer, ask, at, beat_with, matched, names_of, sends};
use crate::raft::rule;
use harness::{Check, Table, Verdict};
use raft::{Body, Config, Entry, EntryId, Index, Message, NodeId, Ready, RoleName, Storage};

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
    said.chain([n1.told().commit]).max().unwrap_or_default()
}

/// Takes every Ready; then so much must be committed. If less is, `because` says why that is wrong.
fn must_commit(n1: &mut Owner, want: u64, because: &str) -> Verdict {
    n1.start_all()?;
    let got = commit_told(n1);
    let is_early = got > Index(want);
    let within = if is_early { HANDED_OUT } else { n1.uncounted() };
    let rule = match is_early {
        true => rule("own_copy_counts_once_durable"),
        false => rule("a_durable_copy_counts"),
    };
    n1.must_be(rule, within, because, format!("commit {want}"), format!("commit {got}"))
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
        for (index, name) in [(1, "1@1"), (2, "2@1")] {
            n1.start_all()?;
            others.iter().for_each(|&peer| n1.hear(matched(peer, N1, 1, index)));
            let early = format!("entry {name} is committed, and n1's own copy is not durable");
            must_commit(&mut n1, index - 1, &early)?;
            n1.persist_all()?;
            let late = format!("a majority holds {name}, n1 durably too, and it is not committed");
            must_commit(&mut n1, index, &late)?;
            n1.propose("a");
        }
    }
    Ok(())
}

/// A single node: an entry is written in one Ready, and committed in a later one.
pub(super) fn single_node_two_ready(_: &mut Check) -> Verdict {
    let judge = |n1: &Owner, taken: &[Ready]| {
        let durable = n1.disk().last_index().unwrap_or_default();
        let committed = taken.iter().flat_map(|ready| {
            let hard = ready.hard_state().map(|hard| hard.commit);
            ready.committed_entries().last().map(|entry| entry.id.index).into_iter().chain(hard)
        });
        let Some(early) = committed.max().filter(|&committed| committed > durable) else {
            return Ok(());
        };
        let failure = n1.broken(rule("written_before_committed"), HANDED_OUT);
        let because = format!("entry {early} is committed, and n1's disk ends at {durable}");
        failure.because(because).expected("nothing is committed that is being written").fail()
    };
    let mut n1 = Owner::new(1);
    n1.campaign();
    for word in ["", "a", "b"] {
        if !word.is_empty() && !n1.propose(word) {
            let failure = n1.broken(rule("a_durable_copy_counts"), n1.uncounted());
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
    must_commit(&mut n1, 3, "three entries are durable on the only disk")
}

/// `advance` reports its own Ready: what came since belongs to a later one.
pub(super) fn advance_uses_ready(_: &mut Check) -> Verdict {
    /// Takes a Ready, lets something happen, reports the Ready, and returns what is to be written next.
    fn meanwhile(n1: &mut Owner, happens: impl Fn(&mut Owner), want: &str) -> Verdict {
        let holds_any = |ready: &Ready| !ready.entries().is_empty();
        let Some(first) = n1.take()? else {
            let failure = n1.broken(rule("news_makes_a_ready"), UNASKED);
            return failure.because("entries wait to be written, and has_ready is false").fail();
        };
        happens(n1);
        n1.advance_with(&first)?;
        let taken = n1.start_all()?;
        let entries: Vec<Entry> = taken.iter().flat_map(Ready::entries).cloned().collect();
        let number = first.number();
        let because =
            format!("{want} came after Ready {number} was taken, and is not handed out after it");
        let (rule, within) = match n1.is_unasked(holds_any) {
            true => (rule("news_makes_a_ready"), UNASKED),
            false => (rule("a_ready_makes_durable_what_it_held"), LOST),
        };
        let to_be_written = |names: &str| format!("{names} to be written");
        n1.must_be(rule, within, &because, to_be_written(want), to_be_written(&names_of(&entries)))
    }
    /// Everything is written: all of the log counts as durable.
    fn all_counts(mut n1: Owner) -> Verdict {
        n1.settle()?;
        let because = "all writes have ended";
        let say = |last: Option<EntryId>| match last {
            Some(last) => format!("the log counts as not durable up to {last}"),
            None => "all of the log counts as durable".to_owned(),
        };
        let got = n1.not_durable();
        n1.must_be(rule("what_it_held_is_durable"), n1.undurable(), because, say(None), say(got))
    }
    let mut n1 = Owner::new(3).row(1, "a follower gets more while it writes");
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1], 0));
    meanwhile(&mut n1, |n1| n1.hear(sends(N2, N1, 1, at(1, 1), &[1], 0)), "2@1")?;

    let mut n1 = Owner::new(1).row(2, "a leader is proposed to while it writes");
    n1.campaign();
    n1.advance_all()?;
    n1.propose("a");
    let propose = |n1: &mut Owner| {
        n1.propose("b");
    };
    meanwhile(&mut n1, propose, "3@1")?;

    // Entries of an earlier term count too, and those that are committed already.
    let title = "a follower gets all of another term's entries";
    let mut n1 = Owner::new(3).row(3, title);
    n1.hear(sends(N2, N1, 2, at(0, 0), &[1, 1], 2));
    n1.advance_all()?;
    all_counts(n1)?;

    let mut n1 = Owner::new(3).row(4, "the same, in two writes");
    for behind in [0, 1] {
        n1.hear(sends(N2, N1, 2, at(behind, behind), &[1], 0));
        n1.start_all()?;
    }
    all_counts(n1)?;

    let mut n1 = Owner::new(3).row(5, "a leader's entries, which nobody else has");
    n1.elect_by(&[N2]);
    n1.settle()?;
    n1.propose("a");
    all_counts(n1)
}

/// How an owner takes the next input.
type Drive = fn(&mut Owner, Message) -> Verdict;

/// Whatever the order of Readys and inputs, every answer leaves once.
pub(super) fn messages_exactly_once(_: &mut Check) -> Verdict {
    let mut table =
        Table::new(rule("messages_exactly_once"), "how n1 is driven, and what it sends");
    let advance_each: Drive = |n1, input| {
        n1.hear(input);
        n1.advance_all()
    };
    let advance_late: Drive = |n1, input| {
        let taken = n1.take()?;
        n1.hear(input);
        taken.map_or(Ok(()), |ready| n1.advance_with(&ready))
    };
    let advance_once: Drive = |n1, input| {
        n1.hear(input);
        Ok(())
    };
    let write_behind: Drive = |n1, input| {
        n1.hear(input);
        n1.start_all().map(drop)
    };
    // If both are still to be taken, an acknowledgement of more may replace the one before.
    for (way, drive, least) in [
        ("advance after every input", advance_each, 4),
        ("the next input comes in between", advance_late, 4),
        ("one Ready for all inputs", advance_once, 3),
        ("writes in progress", write_behind, 4),
    ] {
        let mut n1 = Owner::new(3);
        for input in [
            ask(N2, N1, 1),
            ask(N3, N1, 1),
            beat_with(N3, N1, 2, 0),
            sends(N3, N1, 2, at(0, 0), &[2], 0),
            beat_with(N3, N1, 2, 0),
            sends(N3, N1, 2, at(1, 2), &[2], 1),
        ] {
            drive(&mut n1, input)?;
        }
        if n1.writing() == 0 {
            n1.advance_all()?;
        }
        n1.settle()?;
        let count = |to: NodeId, is_vote: bool| {
            let to = n1.sent().iter().filter(|message| message.to == to);
            to.filter(|m| matches!(m.body, Body::VoteReply { .. }) == is_vote).count() as u64
        };
        table.equal(format!("{way}: votes to n2"), 1, count(N2, true));
        table.equal(format!("{way}: votes to n3"), 1, count(N3, true));
        table.within(format!("{way}: answers to n3's messages"), least..=4, count(N3, false));
    }
    let entries_to = |n1: &Owner, to: NodeId| -> u64 {
        let appends = n1.sent().iter().filter(|message| message.to == to);
        let entries = appends.filter_map(|message| {
            let Body::AppendEntries { entries, .. } = &message.body else { return None };
            Some(entries.len() as u64)
        });
        entries.sum()
    };
    // Appends that wait for a Ready (`batch_append`) leave with it.
    let mut batching = Owner::of(Config { batch_append: true, ..settings() }, group(3));
    batching.elect_by(&[N2, N3]);
    batching.settle()?;
    table.equal("batch_append: entries to n2", 1, entries_to(&batching, N2));
    let mut n1 = Owner::new(3);
    n1.elect_by(&[N2, N3]);
    n1.settle()?;
    for peer in [N2, N3] {
        n1.hear(matched(peer, N1, 1, 1));
        n1.settle()?;
    }
    n1.propose("a");
    n1.propose("b");
    n1.settle()?;
    // A leader that waits for each answer has not sent the last entry yet. A leader whose heartbeats carry
    // entries sends some of them twice.
    table.within("a leader: entries sent to n2", 2..=6, entries_to(&n1, N2));
    table.within("a leader: entries sent to n3", 2..=6, entries_to(&n1, N3));
    table.failure().map_or(Ok(()), |failure| failure.one_of(HANDED_OUT).fail())
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
    synchronous.advance_all()
}

/// A read of storage fails, whichever: what the owner called says so, and nothing is ready any more.
pub(super) fn failed_read(_: &mut Check) -> Verdict {
    let batching = || {
        let mut n1 =
            Owner::of(Config { batch_append: true, ..settings() }, disk(&[1, 1], 1, None, 0));
        n1.elect_by(&[N2, N3]);
        n1
    };
    batching()
        .row(1, "a leader takes a Ready; its appends are built from storage")
        .every_read_fails("ready", &["RawNode::ready"], |node| {
            node.ready().map(drop).map_err(|halt| halt.to_string())
        })?;

    // Its own vote makes it the leader, and its first appends begin with what is on disk.
    let mut n1 = Owner::of(settings(), disk(&[1, 1], 1, None, 0));
    n1 = n1.row(2, "a candidate's write ends, and its vote for itself counts");
    n1.campaign();
    n1.hear(answer(N2, N1, 2, Said::Yes));
    // A design that counts its own vote at once leads already; one that asks itself needs two writes.
    for _ in 0..4 {
        if n1.node().status().role == RoleName::Leader {
            return Ok(());
        }
        let Some(number) = n1.start_all()?.last().map(Ready::number) else { break };
        n1.every_read_fails("on_persist_ready", &["RawNode::on_persist_record"], |node| {
            node.on_persist_ready(number).map_err(|why| why.to_string())
        })?;
        n1.persist_all()?;
    }
    let because = "n1's own vote and n2's are two of three, and n1 does not lead";
    n1.broken(rule("a_durable_copy_counts"), n1.uncounted()).because(because).fail()
}
