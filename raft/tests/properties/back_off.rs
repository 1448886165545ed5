//! The search for the last entry that two logs share, against a scan of every place, and against the
//! most appends it may take.

use crate::holds::holds;
use crate::{THEM, US, append_to, entries, scan, storage, write_and_collect};
use proptest::prelude::*;
use raft::{
    AppendOutcome, Body, Config, Index, MemoryStorage, Message, NodeId, Raft, Session, Term,
};
use std::collections::BTreeSet;

/// Returns the terms of a log's places from 1 on, none later than `last`.
fn log(last: u64) -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(1..=last, 0..14).prop_map(|mut terms| {
        terms.sort_unstable();
        terms
    })
}

/// Returns two logs that could meet: alike up to some place, and after it never the same entry at the
/// same place, since no two leaders share a term.
fn two_logs() -> impl Strategy<Value = (Vec<u64>, Vec<u64>)> {
    (log(3), log(3), log(3)).prop_map(|(common, ours, theirs)| {
        let ours = ours.iter().map(|term| 3 + 2 * term);
        let theirs = theirs.iter().map(|term| 2 + 2 * term);
        (
            common.iter().copied().chain(ours).collect(),
            common.iter().copied().chain(theirs).collect(),
        )
    })
}

/// Returns n1, elected in the term after `term` with n3's vote, and what it says to n2.
fn leader(terms: &[u64], term: u64) -> (Raft<MemoryStorage>, Vec<Message>) {
    let mut storage = storage(terms);
    storage.save(raft::HardState { term: Term(term), ..raft::HardState::default() });
    let mut node = Raft::new(&Config::new(US), storage).expect("storage without a fault");
    node.campaign().expect("it votes and does not lead");
    write_and_collect(&mut node);
    let term = Some(Term(term + 1));
    let vote = Message { from: NodeId(3), to: US, term, body: Body::vote_reply(true) };
    node.step(vote).expect("n3 votes");
    let said = write_and_collect(&mut node);
    (node, said)
}

/// Returns the place before the entries of an append.
fn prev_of(message: &Message) -> u64 {
    let Body::AppendEntries { prev, .. } = &message.body else {
        panic!("expected an append, found {message}")
    };
    prev.index.0
}

#[test]
fn a_leader_goes_back_to_where_a_scan_of_its_log_would() {
    let cases = (log(4), 0..16_u64, prop::option::of(0..5_u64));
    holds(500, cases, |(terms, hint, hint_term)| {
        let (mut node, said) = leader(&terms, 4);
        let asked = prev_of(append_to(THEM, &said).expect("its first word is an entry"));
        prop_assert_eq!(asked, terms.len() as u64);
        let hint = hint.min(asked);
        // Only the index before the log has term 0: another hint is refused at the door.
        let hint_term = hint_term.filter(|&term| (term == 0) == (hint == 0));
        let outcome = AppendOutcome::Rejected {
            prev: Index(asked),
            hint: Index(hint),
            hint_term: hint_term.map(Term),
        };
        let body = Body::AppendReply { outcome, session: Some(Session::default()) };
        let reply = Message { from: THEM, to: US, term: Some(Term(5)), body };
        node.step(reply).expect("a rejection of what was sent");
        let agree = hint_term.map_or(hint, |term| scan(&terms, hint, term));
        let said = write_and_collect(&mut node);
        let next = append_to(THEM, &said).map(prev_of);
        if asked == 0 {
            prop_assert_eq!(
                next,
                None,
                "every log agrees before its first entry: asked once is enough"
            );
        } else {
            prop_assert_eq!(next, Some(agree.min(asked - 1)));
        }
        Ok(())
    });
}

#[test]
fn two_logs_agree_after_no_more_rejections_than_they_have_terms() {
    holds(300, two_logs(), |(ours, theirs)| {
        let (mut node, mut said) = leader(&ours, 9);
        let peer = Raft::new(&Config::new(THEM), storage(&theirs));
        let mut peer = peer.expect("storage without a fault");
        let mut rejected = 0;
        while let Some(append) = append_to(THEM, &said).cloned() {
            peer.step(append).expect("a leader's append");
            let answers = write_and_collect(&mut peer);
            let answer = answers.iter().find(|m| matches!(m.body, Body::AppendReply { .. }));
            let answer = answer.expect("every append is answered").clone();
            let refused = matches!(
                answer.body,
                Body::AppendReply { outcome: AppendOutcome::Rejected { .. }, .. }
            );
            rejected += usize::from(refused);
            node.step(answer).expect("an answer to what was sent");
            said = write_and_collect(&mut node);
        }
        let end = node.inspect().last.index + 1;
        let held = |node: &Raft<MemoryStorage>| node.entries(Index(1), end);
        prop_assert_eq!(held(&peer), held(&node));
        prop_assert_eq!(entries(&ours), held(&node).expect("memory")[..ours.len()].to_vec());
        let terms: BTreeSet<_> = ours.iter().chain(&theirs).collect();
        prop_assert!(rejected <= terms.len() + 1, "{} rejections", rejected);
        Ok(())
    });
}
