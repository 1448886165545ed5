//! A follower's log against a `Vec`: whatever a leader sends, in whatever order it arrives, and
//! however late the disk is.

use crate::holds::holds;
use crate::{THEM, US, id, scan, storage};
use proptest::prelude::*;
use raft::{
    AppendOutcome, Body, Config, Entry, Index, MemoryStorage, Message, Payload, Raft, Session, Term,
};

/// One append, in numbers that are cut to fit the log as it is when it arrives.
#[derive(Clone, Debug)]
struct Append {
    /// Which place it follows, counted back from two beyond the end.
    back: u64,
    /// Whether it names the entry that is there.
    matches: bool,
    /// How much later than the one before each entry's term is, at most by one.
    steps: Vec<bool>,
    /// How far the leader says it has committed.
    commit: u64,
    /// Whether the disk catches up afterwards.
    persist: bool,
}

fn append() -> impl Strategy<Value = Append> {
    let steps = prop::collection::vec(any::<bool>(), 0..5);
    (0..8_u64, prop::bool::weighted(0.8), steps, 0..12_u64, any::<bool>()).prop_map(
        |(back, matches, steps, commit, persist)| Append { back, matches, steps, commit, persist },
    )
}

/// Fig. 2, AppendEntries, on the terms of a log's places from 1 on.
fn on_paper(
    log: &mut Vec<u64>,
    commit: &mut u64,
    (prev, prev_term): (u64, u64),
    terms: &[u64],
    leader_commit: u64,
) -> AppendOutcome {
    if prev < *commit {
        return AppendOutcome::Matched(Index(*commit));
    }
    let held = |log: &[u64], place: u64| match place {
        0 => Some(0),
        place => log.get(place as usize - 1).copied(),
    };
    if held(log, prev) != Some(prev_term) {
        let hint = scan(log, prev.min(log.len() as u64), prev_term);
        let hint_term = held(log, hint).map(Term);
        return AppendOutcome::Rejected { prev: Index(prev), hint: Index(hint), hint_term };
    }
    for (place, &term) in (prev + 1..).zip(terms) {
        if held(log, place) != Some(term) {
            log.truncate(place as usize - 1);
            log.push(term);
        }
    }
    let last = prev + terms.len() as u64;
    *commit = (*commit).max(leader_commit.min(last));
    AppendOutcome::Matched(Index(last))
}

/// Makes durable what waits.
fn persist(node: &mut Raft<MemoryStorage>) {
    let (unwritten, last) = (node.take_unwritten(), node.unstable_last());
    node.storage_mut().append(&unwritten);
    last.into_iter().for_each(|last| node.stable_to(last));
}

#[test]
fn a_followers_log_is_what_the_paper_makes_of_a_vec() {
    let cases =
        (prop::collection::vec(any::<bool>(), 0..6), prop::collection::vec(append(), 1..40));
    holds(400, cases, |(first, appends)| {
        let mut term = 1;
        let mut log: Vec<u64> = Vec::new();
        for later in first {
            term += u64::from(later);
            log.push(term);
        }
        let node = Raft::new(&Config::new(US), storage(&log));
        let mut node = node.expect("storage without a fault");
        let mut commit = 0;
        for append in appends {
            let end = log.len() as u64;
            let prev = (end + 2).saturating_sub(append.back);
            let held = if prev == 0 { Some(0) } else { log.get(prev as usize - 1).copied() };
            let prev_term = match held {
                Some(held) if append.matches => held,
                // A place before the log holds nothing but 0@0.
                _ if prev == 0 => 0,
                Some(held) => held + 1,
                None => term,
            };
            let mut at = prev_term.max(1);
            let terms: Vec<u64> = append
                .steps
                .iter()
                .map(|&later| {
                    at += u64::from(later);
                    at
                })
                .collect();
            term = term.max(at).max(prev_term);
            let entries: Vec<Entry> = (prev + 1..)
                .zip(&terms)
                .map(|(index, &term)| Entry::unplaced(Payload::Noop).at(id(index, term)))
                .collect();
            let body = Body::AppendEntries {
                prev: id(prev, prev_term),
                entries,
                commit: Index(append.commit),
                session: Session::default(),
            };
            let message = Message { from: THEM, to: US, term: Some(Term(term)), body };
            let must_be = on_paper(&mut log, &mut commit, (prev, prev_term), &terms, append.commit);
            prop_assert_eq!(node.step(message), Ok(()));
            let replies = node.take_outbox().promised;
            let outcome = replies.iter().find_map(|reply| {
                let Body::AppendReply { outcome, .. } = reply.body else { return None };
                Some(outcome)
            });
            prop_assert_eq!(outcome, Some(must_be));
            prop_assert_eq!(node.inspect().commit, Index(commit));
            let end = Index(log.len() as u64 + 1);
            let held = node.entries(Index(1), end).expect("memory can be read");
            let held: Vec<u64> = held.iter().map(|entry| entry.id.term.0).collect();
            prop_assert_eq!(&held, &log);
            prop_assert_eq!(node.inspect().last.index, Index(log.len() as u64));
            if append.persist {
                persist(&mut node);
                prop_assert_eq!(node.inspect().stored, Index(log.len() as u64));
            }
        }
        Ok(())
    });
}
