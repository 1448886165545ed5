//! Step 2: what a Ready holds, and in which of its parts (Fig. 2 State: what is persistent).
//!
//! ```text
//!   hard state, entries     to be saved
//!   messages                leave at once
//!   persisted_messages      leave once it is saved
//! ```

use super::owner::{Outcome, Owner, group, settings};
use crate::raft::kit::{N1, N2, N3, Said, answer, ask, ask_with, at, beat_with, names_of, sends};
use crate::raft::rule;
use harness::{Check, Rule, Table, Verdict};
use raft::{Body, Entry, HardState, Index, MemoryStorage, Message, NodeId, Ready, RoleName, Term};

/// Returns a disk that holds a term and nothing else.
fn in_term(term: u64) -> MemoryStorage {
    let mut disk = group(3);
    disk.save(HardState { term: Term(term), ..HardState::default() });
    disk
}

/// Takes every Ready. A node may spread its news over several, but not without end.
fn take_all(n1: &mut Owner) -> Outcome<Vec<Ready>> {
    let mut taken = Vec::new();
    while let Some(ready) = n1.take()? {
        taken.push(ready);
        if taken.len() > 20 {
            break;
        }
    }
    Ok(taken)
}

fn all_entries(taken: &[Ready]) -> Vec<Entry> {
    taken.iter().flat_map(|ready| ready.entries().iter().cloned()).collect()
}

/// Where to look if term and vote are not told, or told twice.
const TOLD: &[&str] = &["RawNode::changed_hard_state", "RawNode::ready", "RawNode::has_ready"];

/// A vote alone is news that must be saved, and so is a term alone. Each is reported once.
pub(super) fn hardstate_on_vote_only(_: &mut Check) -> Verdict {
    let must_tell = |n1: &Owner, term: u64, vote: Option<NodeId>, because: &str| {
        let told = n1.judge().told();
        if (told.term, told.vote) == (Term(term), vote) {
            return Ok(());
        }
        let want = HardState { term: Term(term), vote, commit: told.commit };
        let failure = n1.broken(rule("hard_state_is_told"), TOLD).because(because);
        let say = super::judge::say;
        failure.expected(format!("{} to be saved", say(want))).got(say(told)).fail()
    };

    let mut n1 = Owner::of(settings(), in_term(5)).row(1, "the term is known, the vote is new");
    n1.hear(ask(N2, N1, 5));
    take_all(&mut n1)?;
    must_tell(&n1, 5, Some(N2), "n1 votes for n2 in term 5, and no Ready has the vote")?;

    let mut n1 = n1.row(2, "the same request again: nothing is new");
    n1.hear(ask(N2, N1, 5));
    if let Some(ready) = take_all(&mut n1)?.iter().find(|ready| ready.hard_state().is_some()) {
        let because = format!("Ready {} reports the same state again", ready.number());
        let failure = n1.broken(rule("hard_state_is_told_once"), TOLD).because(because);
        return failure.expected("a Ready without a hard state").got("one with it").fail();
    }

    let mut n1 = Owner::of(settings(), in_term(5)).row(3, "a later term, and no vote");
    n1.hear(beat_with(N2, N1, 7, 0));
    take_all(&mut n1)?;
    must_tell(&n1, 7, None, "n1 is in term 7, and no Ready has the term")?;

    let mut n1 = Owner::of(settings(), in_term(5)).row(4, "n1 campaigns: term and vote are new");
    n1.campaign();
    take_all(&mut n1)?;
    must_tell(&n1, 6, Some(N1), "n1 campaigns in term 6, and no Ready has term and vote")
}

/// Leader and role are reported when they change, and once.
pub(super) fn soft_state_tells_role_and_leader(_: &mut Check) -> Verdict {
    let rule = rule("soft_state_is_told");
    let said = |taken: &[Ready]| {
        let soft = taken.iter().filter_map(Ready::soft_state).next_back();
        soft.map_or_else(
            || "nothing".to_owned(),
            |soft| {
                let leader = soft.leader.map_or_else(|| "none".to_owned(), |id| id.to_string());
                format!("{}, leader {leader}", soft.role)
            },
        )
    };
    let mut table =
        Table::new(rule, "what happens").intro("n1, of three, in term 1; one after the other:");
    let mut n1 = Owner::new(3);
    n1.hear(beat_with(N2, N1, 1, 0));
    table.equal(
        "n2 leads",
        format!("{}, leader n2", RoleName::Follower),
        said(&take_all(&mut n1)?),
    );
    n1.hear(beat_with(N2, N1, 1, 0));
    table.equal("n2 sends another heartbeat", "nothing".to_owned(), said(&take_all(&mut n1)?));
    n1.campaign();
    let candidate = format!("{}, leader none", RoleName::Candidate);
    table.equal("n1 campaigns", candidate, said(&take_all(&mut n1)?));
    n1.hear(answer(N2, N1, 2, Said::Yes));
    n1.hear(answer(N3, N1, 2, Said::Yes));
    table.equal("n1 wins", format!("{}, leader n1", RoleName::Leader), said(&take_all(&mut n1)?));

    let others_hold = table.clone().failure().is_none();

    // A change of role may be all the news there is: no message, nothing to save.
    let mut n1 = Owner::new(3);
    n1.campaign();
    take_all(&mut n1)?;
    n1.hear(answer(N2, N1, 1, Said::No));
    n1.hear(answer(N3, N1, 1, Said::No));
    let role = n1.node().status().role;
    // A candidate may also wait for its timer: then there is no news.
    let is_still_candidate = role == RoleName::Candidate;
    let news = if is_still_candidate { "nothing".into() } else { format!("{role}, leader none") };
    let is_ready = n1.has_ready();
    table.equal("another n1 campaigns; both refuse", news, said(&take_all(&mut n1)?));
    match table.failure() {
        // Where only the role was news, and nothing was ready.
        Some(failure) if others_hold && !is_ready => {
            failure.one_of(&["RawNode::has_ready", "RawNode::changed_soft_state"]).fail()
        }
        Some(failure) => failure
            .one_of(&["RawNode::changed_soft_state", "RawNode::has_ready", "RawNode::ready"])
            .fail(),
        None => Ok(()),
    }
}

/// A promise waits for the write; and some Ready holds it.
pub(super) fn persist_before_send(_: &mut Check) -> Verdict {
    let promised = |n1: &Owner, taken: &[Ready], what: &str, is_it: fn(&Message) -> bool| {
        let promises = taken.iter().flat_map(|ready| ready.persisted_messages());
        if promises.into_iter().any(is_it) {
            return Ok(());
        }
        // The judge has checked what may leave at once: this message is in no Ready.
        let failure = n1.broken(rule("persist_before_send"), &["RawNode::ready"]);
        failure.because(format!("{what} is in no Ready")).expected("it waits for the write").fail()
    };

    let mut n1 = Owner::of(settings(), in_term(5)).row(1, "a vote granted");
    n1.hear(ask(N2, N1, 5));
    let taken = take_all(&mut n1)?;
    promised(&n1, &taken, "n1's vote for n2", |m| {
        m.to == N2 && matches!(m.body, Body::VoteReply { granted: true })
    })?;

    let mut n1 = Owner::of(settings(), in_term(5)).row(2, "entries acknowledged");
    n1.hear(sends(N2, N1, 5, at(0, 0), &[5, 5], 0));
    let taken = take_all(&mut n1)?;
    promised(&n1, &taken, "n1's acknowledgement", |m| {
        m.to == N2 && matches!(m.body, Body::AppendReply { .. })
    })?;

    let mut n1 = Owner::of(settings(), in_term(5)).row(3, "a vote asked for");
    n1.campaign();
    let taken = take_all(&mut n1)?;
    promised(&n1, &taken, "n1's vote request to n3", |m| {
        m.to == N3 && matches!(m.body, Body::RequestVote(_))
    })?;

    let mut n1 =
        Owner::of(settings(), in_term(5)).row(4, "a vote granted, after a Ready was taken");
    n1.hear(beat_with(N2, N1, 5, 0));
    take_all(&mut n1)?;
    n1.hear(ask(N3, N1, 6));
    let taken = take_all(&mut n1)?;
    promised(&n1, &taken, "n1's vote for n3", |m| {
        m.to == N3 && matches!(m.body, Body::VoteReply { granted: true })
    })
}

/// Every entry is handed out once, in order; one that is replaced is written again.
pub(super) fn no_dup_entries(_: &mut Check) -> Verdict {
    let must_be = |n1: &Owner, taken: &[Ready], want: &str, because: &str| {
        let got = names_of(&all_entries(taken));
        if got == want {
            return Ok(());
        }
        let failure =
            n1.broken(rule("entries_handed_out_once"), &["RawNode::ready"]).because(because);
        failure.expected(format!("{want} to be written")).got(got).fail()
    };

    let mut n1 = Owner::new(3).row(1, "a leader's own entries");
    n1.elect_by(&[N2, N3]);
    let taken = take_all(&mut n1)?;
    must_be(&n1, &taken, "1@1", "n1 leads term 1 and begins it with an entry")?;
    n1.propose("a");
    let taken = take_all(&mut n1)?;
    must_be(&n1, &taken, "2@1", "the first entry is being written; the second is new")?;
    n1.propose("b");
    n1.propose("c");
    let taken = take_all(&mut n1)?;
    must_be(&n1, &taken, "3@1 4@1", "two more are new")?;

    let mut n1 = Owner::new(3).row(2, "a follower's entries, and others that replace them");
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1, 1], 0));
    let taken = take_all(&mut n1)?;
    must_be(&n1, &taken, "1@1 2@1", "n2 sends two entries")?;
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1, 1], 0));
    let taken = take_all(&mut n1)?;
    must_be(&n1, &taken, "nothing", "the same two again: they are in the log, and being written")?;
    n1.hear(sends(N3, N1, 2, at(1, 1), &[2], 0));
    let taken = take_all(&mut n1)?;
    must_be(&n1, &taken, "2@2", "n3 replaces the second: it must be written")
}

/// What must reach the disk, and what need not.
pub(super) fn must_sync(_: &mut Check) -> Verdict {
    let rows: [(&str, Vec<Message>, bool); 6] = [
        ("a vote", vec![ask_with(N2, N1, 5, at(1, 1))], true),
        ("a term", vec![beat_with(N2, N1, 7, 0)], true),
        ("entries", vec![sends(N2, N1, 5, at(1, 1), &[5], 0)], true),
        ("entries and a commit index", vec![sends(N2, N1, 5, at(1, 1), &[5], 1)], true),
        ("a commit index", vec![beat_with(N2, N1, 5, 1)], false),
        ("messages, and which node leads", vec![beat_with(N2, N1, 5, 0)], false),
    ];
    let mut table = Table::new(rule("sync_what_promises_rest_on") as &Rule, "what is new")
        .intro("n1's disk holds term 5, no vote, and entry 1@1; must a Ready be synced?");
    for (what, messages, needed) in rows {
        let mut disk = group(3);
        disk.append(&[Entry::unplaced(raft::Payload::Noop).at(at(1, 1))]);
        disk.save(HardState { term: Term(5), vote: None, commit: Index(0) });
        let mut n1 = Owner::of(settings(), disk);
        messages.into_iter().for_each(|message| n1.hear(message));
        let synced = take_all(&mut n1)?.iter().any(Ready::must_sync);
        let say = |sync: bool| if sync { "yes" } else { "no" };
        table.equal(what, say(needed), say(synced));
    }
    match table.failure() {
        Some(failure) => failure.function("RawNode::must_sync").fail(),
        None => Ok(()),
    }
}
