//! Pre-votes: a node asks whether it would win before it campaigns (thesis §9.6).
//!
//! ```text
//!   n1 is a real node, and the test plays n2 and n3
//!   n1 times out --> RequestPreVote t2 to each --> one of them would vote --> n1 campaigns in term 2
//! ```

#[path = "kit/names.rs"]
mod names; // n1, n2, n3, and ids of entries
#[path = "kit/played.rs"]
mod played; // one real node; the test plays the others

use bytes::Bytes;
use names::{N1, N2, N3, id};
use played::{said, stands, step, ticks};
use raft::*;

/// All settings of pre-vote and check-quorum.
const COMBINATIONS: [(bool, bool); 4] =
    [(false, false), (false, true), (true, false), (true, true)];

fn config(pre_vote: bool, check_quorum: bool) -> Config {
    Config { pre_vote, check_quorum, ..Config::new(N1) }
}

fn pre_vote() -> Config {
    config(true, false)
}

/// Returns a node in `term`, with one entry of that term (none in term 0), which campaigns after ten ticks.
fn node(config: &Config, term: u64, voters: &[NodeId]) -> Raft<MemoryStorage> {
    let mut storage = MemoryStorage::with_voters(voters.iter().copied());
    if term > 0 {
        storage.append(vec![Entry::unplaced(Payload::Noop).at(id(1, term))]);
        storage.save(HardState { term: Term(term), ..HardState::default() });
    }
    let mut node = Raft::new(config, storage).expect("the settings are good");
    node.pin_election_timeout(Some(10));
    node
}

fn ask(last: EntryId) -> Body {
    Body::RequestPreVote(VoteRequest::new(last))
}

fn heartbeat(node: &mut Raft<MemoryStorage>, from: NodeId, term: u64) {
    let (commit, token, session) = (Index(0), None, Session::default());
    step(node, from, term, Body::Heartbeat { commit, token, session });
}

// Asking.

#[test]
fn a_node_asks_before_it_enters_a_term() {
    let mut n1 = node(&pre_vote(), 1, &[N1, N2, N3]);
    ticks(&mut n1, 10);
    assert_eq!(stands(&n1), (RoleName::PreCandidate, 1));
    assert_eq!(n1.hard_state().vote, None, "it has promised nothing, not even to itself");
    // The question names the term in which it would campaign.
    let asked = ["n1->n2 RequestPreVote t2 last=1@1", "n1->n3 RequestPreVote t2 last=1@1"];
    assert_eq!(said(&mut n1), asked);
    step(&mut n1, N3, 2, Body::pre_vote_reply(true));
    assert_eq!(stands(&n1), (RoleName::Candidate, 2), "n1 and n3 are a majority");
    let asked = ["n1->n2 RequestVote t2 last=1@1", "n1->n3 RequestVote t2 last=1@1"];
    assert_eq!(said(&mut n1), asked);
    step(&mut n1, N3, 2, Body::vote_reply(true));
    assert_eq!(stands(&n1), (RoleName::Leader, 2));
}

#[test]
fn an_election_begins_with_a_pre_vote_only_if_the_settings_say_so() {
    for (pre_vote, check_quorum) in COMBINATIONS {
        let mut by_time = node(&config(pre_vote, check_quorum), 1, &[N1, N2, N3]);
        ticks(&mut by_time, 9);
        assert_eq!(stands(&by_time), (RoleName::Follower, 1), "one tick is left");
        ticks(&mut by_time, 1);
        let mut by_hand = node(&config(pre_vote, check_quorum), 1, &[N1, N2, N3]);
        by_hand.campaign().expect("it follows nobody");
        let expected =
            if pre_vote { (RoleName::PreCandidate, 1) } else { (RoleName::Candidate, 2) };
        assert_eq!((stands(&by_time), stands(&by_hand)), (expected, expected));
    }
}

#[test]
fn a_node_that_is_cut_off_stays_in_its_term() {
    let mut n1 = node(&pre_vote(), 1, &[N1, N2, N3]);
    for _ in 0..100 {
        ticks(&mut n1, 10);
        assert_eq!(said(&mut n1).len(), 2, "it asks again every ten ticks");
    }
    assert_eq!(stands(&n1), (RoleName::PreCandidate, 1));
    // It comes back, and nobody noticed that it was away.
    heartbeat(&mut n1, N2, 1);
    assert_eq!((stands(&n1), n1.inspect().leader), ((RoleName::Follower, 1), Some(N2)));
}

#[test]
fn a_candidate_that_does_not_win_in_time_asks_again_before_the_next_term() {
    let mut n1 = node(&pre_vote(), 1, &[N1, N2, N3]);
    n1.campaign().expect("it follows nobody");
    said(&mut n1);
    step(&mut n1, N2, 2, Body::pre_vote_reply(true));
    said(&mut n1);
    ticks(&mut n1, 10);
    assert_eq!(stands(&n1), (RoleName::PreCandidate, 2));
    assert_eq!(n1.hard_state().vote, Some(N1), "its vote in term 2 stays promised");
    let asked = ["n1->n2 RequestPreVote t3 last=1@1", "n1->n3 RequestPreVote t3 last=1@1"];
    assert_eq!(said(&mut n1), asked);
}

#[test]
fn a_node_that_is_alone_leads_at_once() {
    let mut n1 = node(&pre_vote(), 0, &[N1]);
    ticks(&mut n1, 10);
    assert_eq!(said(&mut n1), [""; 0], "it asks itself, and nobody else");
    assert_eq!(stands(&n1), (RoleName::Leader, 1));
}

// Answering.

#[test]
fn an_answer_changes_no_term_no_vote_and_no_timer() {
    for (pre_vote, check_quorum) in COMBINATIONS {
        let mut n1 = node(&config(pre_vote, check_quorum), 3, &[N1, N2, N3]);
        ticks(&mut n1, 4);
        for (term, last, answer) in [
            (9, id(5, 3), "n1->n2 PreVoteReply t9 granted"),
            (9, id(0, 0), "n1->n2 PreVoteReply t3 refused"),
            (2, id(1, 1), "n1->n2 PreVoteReply t3 refused"),
        ] {
            let before = n1.clone();
            step(&mut n1, N2, term, ask(last));
            assert_eq!(said(&mut n1), [answer]);
            assert!(n1 == before, "{answer}: nothing is promised, so nothing has changed");
        }
    }
}

#[test]
fn a_voter_says_what_it_would_do() {
    // It is in term 3, its log ends in 1@3, and it has heard of no leader.
    let answer = |vote: Option<NodeId>, leader: Option<NodeId>, term, last| {
        let mut n1 = node(&pre_vote(), 3, &[N1, N2, N3]);
        if let Some(candidate) = vote {
            let request = VoteRequest::new(id(1, 3));
            step(&mut n1, candidate, 3, Body::RequestVote(request));
        }
        if let Some(leader) = leader {
            heartbeat(&mut n1, leader, 3);
        }
        said(&mut n1);
        step(&mut n1, N2, term, ask(last));
        said(&mut n1).remove(0)
    };
    let (yes, no) = ("granted", "refused");
    for (vote, leader, term, last, verdict) in [
        // In a later term every vote is free: only the logs are compared (§5.4.1).
        (None, None, 4, id(1, 3), yes),
        (None, None, 4, id(9, 2), no),
        (Some(N3), Some(N3), 4, id(1, 3), yes),
        // In its own term it has one vote, and knows who leads.
        (None, None, 3, id(1, 3), yes),
        (Some(N2), None, 3, id(1, 3), yes),
        (Some(N3), None, 3, id(1, 3), no),
        (None, Some(N3), 3, id(1, 3), no),
        // An older term is over.
        (None, None, 2, id(1, 3), no),
    ] {
        let said = answer(vote, leader, term, last);
        let term = if verdict == yes { term } else { 3 };
        assert_eq!(said, format!("n1->n2 PreVoteReply t{term} {verdict}"), "{vote:?} {leader:?}");
    }
}

#[test]
fn a_node_that_has_seen_no_election_can_refuse() {
    let mut n1 = node(&pre_vote(), 0, &[N1, N2, N3]);
    let mut storage = MemoryStorage::with_voters([N1, N2, N3]);
    storage.append(vec![Entry::unplaced(Payload::Noop).at(id(1, 1))]);
    let mut with_entry = Raft::new(&pre_vote(), storage).expect("its term was not saved");
    step(&mut with_entry, N2, 1, ask(id(0, 0)));
    assert_eq!(said(&mut with_entry), ["n1->n2 PreVoteReply t0 refused"]);
    // And the answer of such a node is taken.
    n1.campaign().expect("it follows nobody");
    said(&mut n1);
    step(&mut n1, N2, 0, Body::pre_vote_reply(false));
    step(&mut n1, N3, 0, Body::pre_vote_reply(false));
    assert_eq!(stands(&n1), (RoleName::Follower, 0));
}

// Counting.

#[test]
fn a_majority_that_would_not_vote_ends_the_pre_vote() {
    let mut n1 = node(&pre_vote(), 1, &[N1, N2, N3]);
    ticks(&mut n1, 10);
    said(&mut n1);
    ticks(&mut n1, 5);
    step(&mut n1, N2, 1, Body::pre_vote_reply(false));
    step(&mut n1, N2, 1, Body::pre_vote_reply(false));
    assert_eq!(stands(&n1), (RoleName::PreCandidate, 1), "n2 has one voice");
    step(&mut n1, N3, 1, Body::pre_vote_reply(false));
    assert_eq!(stands(&n1), (RoleName::Follower, 1));
    assert_eq!(n1.inspect().elapsed_ticks, 0, "it waits for a whole election timeout");
}

#[test]
fn a_grant_for_another_term_or_another_role_counts_for_nothing() {
    let mut n1 = node(&pre_vote(), 3, &[N1, N2, N3]);
    let granted = || Body::pre_vote_reply(true);
    n1.campaign().expect("it follows nobody");
    said(&mut n1);
    // It asked for term 4.
    step(&mut n1, N2, 3, granted());
    step(&mut n1, N2, 5, granted());
    assert_eq!(stands(&n1), (RoleName::PreCandidate, 3));
    step(&mut n1, N2, 4, granted());
    assert_eq!(stands(&n1), (RoleName::Candidate, 4));
    said(&mut n1);
    // The second grant comes to a candidate: it is no vote.
    step(&mut n1, N3, 4, granted());
    assert_eq!(stands(&n1), (RoleName::Candidate, 4));
    heartbeat(&mut n1, N3, 4);
    step(&mut n1, N2, 5, granted());
    assert_eq!(stands(&n1), (RoleName::Follower, 4), "a follower has asked nobody");
}

// Three cures: each keeps a setting from blocking all elections.

/// Otherwise a node of an older term would ask for a term that is over, again and again.
#[test]
fn a_refusal_carries_the_term_of_the_node_that_refuses() {
    let mut n1 = node(&pre_vote(), 4, &[N1, N2, N3]);
    step(&mut n1, N2, 3, ask(id(7, 3)));
    assert_eq!(said(&mut n1), ["n1->n2 PreVoteReply t4 refused"]);

    let mut n1 = node(&pre_vote(), 2, &[N1, N2, N3]);
    n1.campaign().expect("it follows nobody");
    said(&mut n1);
    step(&mut n1, N2, 4, Body::pre_vote_reply(false));
    assert_eq!(stands(&n1), (RoleName::Follower, 4));
    n1.campaign().expect("it follows nobody");
    assert_eq!(said(&mut n1)[0], "n1->n2 RequestPreVote t5 last=1@2");
}

/// Otherwise a node in a later term could never join again: the others ignore its questions while their
/// leader works, and it does not listen to that leader.
#[test]
fn a_leader_of_an_older_term_is_answered_where_questions_may_be_ignored() {
    for (pre_vote, check_quorum) in COMBINATIONS {
        let mut n1 = node(&config(pre_vote, check_quorum), 4, &[N1, N2, N3]);
        let (prev, entries) = (EntryId::default(), Vec::new());
        let (commit, session) = (Index(0), Session::default());
        heartbeat(&mut n1, N2, 3);
        step(&mut n1, N2, 3, Body::AppendEntries { prev, entries, commit, session });
        step(&mut n1, N2, 3, Body::TimeoutNow { last: id(1, 3) });
        let answer = "n1->n2 AppendReply t4 newer-term".to_owned();
        let answers = if pre_vote || check_quorum { vec![answer; 3] } else { vec![] };
        assert_eq!(said(&mut n1), answers, "pre_vote {pre_vote}, check_quorum {check_quorum}");
        // No other message of an older term is worth an answer.
        step(&mut n1, N2, 3, Body::vote_reply(true));
        let request = VoteRequest::new(id(7, 3));
        step(&mut n1, N2, 3, Body::RequestVote(request));
        assert_eq!(said(&mut n1), [""; 0]);
        assert_eq!(stands(&n1), (RoleName::Follower, 4));
    }
    // The answer makes the old leader step down.
    let mut n1 = node(&pre_vote(), 0, &[N1, N2]);
    n1.campaign().expect("it follows nobody");
    said(&mut n1);
    step(&mut n1, N2, 1, Body::pre_vote_reply(true));
    said(&mut n1);
    step(&mut n1, N2, 1, Body::vote_reply(true));
    assert_eq!(stands(&n1), (RoleName::Leader, 1));
    let outcome = AppendOutcome::NewerTerm;
    step(&mut n1, N2, 6, Body::AppendReply { outcome, session: None });
    assert_eq!(stands(&n1), (RoleName::Follower, 6));
}

/// Otherwise two nodes that have lost their leader would each refuse the other because of it.
#[test]
fn a_pre_candidate_follows_nobody() {
    for check_quorum in [false, true] {
        let mut n1 = node(&config(true, check_quorum), 1, &[N1, N2, N3]);
        heartbeat(&mut n1, N2, 1);
        ticks(&mut n1, 10);
        assert_eq!(stands(&n1), (RoleName::PreCandidate, 1));
        assert_eq!(n1.inspect().leader, None);
        assert_eq!(n1.propose(Bytes::new(), Bytes::new()), Err(ProposeError::NoLeader));
        said(&mut n1);
        // n3 is in term 1, too, and asks for term 2; then a node asks for term 1 that missed it.
        step(&mut n1, N3, 2, ask(id(1, 1)));
        step(&mut n1, N3, 1, ask(id(1, 1)));
        let yes = ["n1->n3 PreVoteReply t2 granted", "n1->n3 PreVoteReply t1 granted"];
        assert_eq!(said(&mut n1), yes);
    }
}

/// Two nodes that ask at the same time: each may run, and the votes decide.
#[test]
fn a_pre_candidate_answers_others_and_votes_for_them() {
    let mut n1 = node(&pre_vote(), 1, &[N1, N2, N3]);
    n1.campaign().expect("it follows nobody");
    said(&mut n1);
    step(&mut n1, N2, 2, ask(id(1, 1)));
    assert_eq!(stands(&n1), (RoleName::PreCandidate, 1));
    let request = VoteRequest::new(id(1, 1));
    step(&mut n1, N2, 2, Body::RequestVote(request));
    assert_eq!(said(&mut n1), ["n1->n2 PreVoteReply t2 granted", "n1->n2 VoteReply t2 granted"]);
    assert_eq!(stands(&n1), (RoleName::Follower, 2));
}
