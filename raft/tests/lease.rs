//! Check-quorum, and what rests on it: votes that are ignored, leases, reads at once (thesis §6.2, §6.4.1).
//!
//! ```text
//!   n1 is a real node, and the test plays n2 and n3; an election timeout has ten ticks, a lease nine
//!   leader    |--hb 1--|--------|--------|---- lease ends nine ticks after the sending
//!   follower       heard ----------------------- votes again ten ticks after the hearing
//! ```

#[path = "kit/names.rs"]
mod names; // n1, n2, n3, and ids of entries
#[path = "kit/played.rs"]
mod played; // one real node; the test plays the others

use bytes::Bytes;
use names::{N1, N2, N3, id};
use played::{said, stands, step, ticks};
use raft::*;

fn check_quorum() -> Config {
    Config { check_quorum: true, ..Config::new(N1) }
}

fn leases() -> Config {
    Config { read_mode: ReadMode::Lease(9), ..check_quorum() }
}

fn mark(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// Returns a node that never campaigns by itself.
fn start(config: &Config, storage: MemoryStorage) -> Raft<MemoryStorage> {
    let mut node = Raft::new(config, storage).expect("the settings are good");
    node.pin_election_timeout(Some(1000));
    node
}

fn node(config: &Config, voters: u64) -> Raft<MemoryStorage> {
    start(config, MemoryStorage::with_voters((1..=voters).map(NodeId)))
}

/// Takes what leaves a node whose disk is instant: messages, and reads that have ended.
fn take(node: &mut Raft<MemoryStorage>) -> (Vec<String>, Vec<ReadState>) {
    let (mut messages, mut reads) = (Vec::new(), Vec::new());
    loop {
        let Outbox { now, promised, own, reads: ended, .. } = node.take_outbox();
        if now.is_empty() && promised.is_empty() && own.is_empty() && ended.is_empty() {
            return (messages, reads);
        }
        messages.extend(now.iter().chain(&promised).map(ToString::to_string));
        reads.extend(ended);
        node.step_own(own).expect("memory can be read");
    }
}

fn heartbeat(node: &mut Raft<MemoryStorage>, from: NodeId, term: u64) {
    let (commit, token, session) = (Index(0), None, Session::default());
    step(node, from, term, Body::Heartbeat { commit, token, session });
    said(node);
}

fn acknowledge(node: &mut Raft<MemoryStorage>, from: NodeId, index: u64) {
    let (outcome, session) = (AppendOutcome::Matched(Index(index)), Some(Session::default()));
    let term = node.inspect().term.0;
    step(node, from, term, Body::AppendReply { outcome, session });
}

fn echo(node: &mut Raft<MemoryStorage>, from: NodeId, round: Option<u64>) {
    let (token, session) = (round.map(ReadToken), Session::default());
    let term = node.inspect().term.0;
    step(node, from, term, Body::HeartbeatReply { token, session });
}

fn newer_term(node: &mut Raft<MemoryStorage>, from: NodeId, term: u64) {
    let outcome = AppendOutcome::NewerTerm;
    step(node, from, term, Body::AppendReply { outcome, session: None });
}

/// Returns n1, leader of term 1, which has committed the first entry of its term.
fn leader(config: &Config, voters: u64) -> Raft<MemoryStorage> {
    let mut node = node(config, voters);
    node.campaign().expect("nobody leads");
    said(&mut node);
    for id in (2..=voters / 2 + 1).map(NodeId) {
        step(&mut node, id, 1, Body::vote_reply(true));
    }
    said(&mut node);
    for id in (2..=voters / 2 + 1).map(NodeId) {
        acknowledge(&mut node, id, 1);
    }
    assert_eq!((stands(&node), node.inspect().commit), ((RoleName::Leader, 1), Index(1)));
    said(&mut node);
    node
}

/// Returns n1 as a follower of n2 in term 1, which has just got its first entry.
fn follower(config: &Config) -> Raft<MemoryStorage> {
    let mut node = node(config, 3);
    let (prev, commit, session) = (EntryId::default(), Index(0), Session::default());
    let entries = vec![Entry::unplaced(Payload::Noop).at(id(1, 1))];
    step(&mut node, N2, 1, Body::AppendEntries { prev, entries, commit, session });
    said(&mut node);
    node
}

fn vote(term: u64) -> Message {
    let request = VoteRequest::new(id(9, 1));
    let body = Body::RequestVote(request);
    Message { from: N3, to: N1, term: Some(Term(term)), body }
}

fn pre_vote(term: u64) -> Message {
    let request = VoteRequest::new(id(9, 1));
    let body = Body::RequestPreVote(request);
    Message { from: N3, to: N1, term: Some(Term(term)), body }
}

/// Returns what a copy of the node answers.
fn answer(node: &Raft<MemoryStorage>, question: Message) -> Vec<String> {
    let mut node = node.clone();
    node.step(question).expect("a correct node sends this");
    said(&mut node)
}

// Check-quorum: a leader to which nobody listens.

#[test]
fn a_leader_steps_down_after_an_election_timeout_without_a_majority() {
    for voters in [3, 4, 5] {
        let mut n1 = leader(&check_quorum(), voters);
        // The answers to its first entry counted; nobody answers any more.
        ticks(&mut n1, 10);
        assert_eq!(stands(&n1), (RoleName::Leader, 1), "they had answered in this interval");
        ticks(&mut n1, 9);
        assert_eq!(stands(&n1), (RoleName::Leader, 1), "one tick is left");
        n1.tick();
        assert_eq!(stands(&n1), (RoleName::Follower, 1));
        assert_eq!((n1.inspect().leader, n1.hard_state().vote), (None, Some(N1)));
    }
    let mut n1 = leader(&Config::new(N1), 3);
    ticks(&mut n1, 1000);
    assert_eq!(stands(&n1), (RoleName::Leader, 1), "without the setting it leads for ever");
}

#[test]
fn each_peer_has_to_answer_once_an_interval() {
    let mut n1 = leader(&check_quorum(), 5);
    ticks(&mut n1, 10);
    for interval in 0..5 {
        // An answer counts from the first tick of an interval to its last.
        ticks(&mut n1, interval);
        echo(&mut n1, N2, None);
        acknowledge(&mut n1, N3, 1);
        ticks(&mut n1, 10 - interval);
        assert_eq!(stands(&n1), (RoleName::Leader, 1), "n1, n2 and n3 are three of five");
    }
    echo(&mut n1, N2, None);
    echo(&mut n1, N2, None);
    ticks(&mut n1, 9);
    n1.journal().listen();
    n1.tick();
    assert_eq!(stands(&n1), (RoleName::Follower, 1), "n1 and n2 are two of five");
    let lost = Event::QuorumLost { heard: 2, of: 5 };
    assert!(n1.journal().drain().iter().any(|note| note.event == lost));
}

#[test]
fn a_node_that_is_alone_hears_from_a_majority() {
    let mut n1 = leader(&check_quorum(), 1);
    ticks(&mut n1, 1000);
    assert_eq!(stands(&n1), (RoleName::Leader, 1));
}

// Check-quorum: votes against a leader that works.

#[test]
fn a_node_answers_no_candidate_for_an_election_timeout_after_it_heard_from_a_leader() {
    let n1 = follower(&check_quorum());
    for tick in 0..10 {
        let mut later = n1.clone();
        ticks(&mut later, tick);
        assert_eq!(answer(&later, vote(2)), [""; 0], "after {tick} ticks");
        assert_eq!(answer(&later, pre_vote(2)), [""; 0], "after {tick} ticks");
        // It does not even learn of the later term.
        later.step(vote(7)).expect("a correct node sends this");
        assert_eq!(stands(&later), (RoleName::Follower, 1));
    }
    let mut later = n1.clone();
    ticks(&mut later, 10);
    assert_eq!(answer(&later, vote(2)), ["n1->n3 VoteReply t2 granted"]);
    assert_eq!(answer(&later, pre_vote(2)), ["n1->n3 PreVoteReply t2 granted"]);
    // Each heartbeat counts from the start again.
    heartbeat(&mut later, N2, 1);
    ticks(&mut later, 9);
    assert_eq!(answer(&later, vote(2)), [""; 0]);
}

#[test]
fn without_check_quorum_a_node_answers_at_once() {
    let n1 = follower(&Config::new(N1));
    assert_eq!(answer(&n1, vote(2)), ["n1->n3 VoteReply t2 granted"]);
}

#[test]
fn a_node_that_has_heard_from_no_leader_answers_at_once() {
    let mut n1 = node(&check_quorum(), 3);
    assert_eq!(answer(&n1, vote(2)), ["n1->n3 VoteReply t2 granted"]);
    // A vote is no word of a leader, although it resets the timer.
    n1.step(vote(2)).expect("a correct node sends this");
    said(&mut n1);
    assert_eq!(answer(&n1, vote(3)), ["n1->n3 VoteReply t3 granted"]);
}

#[test]
fn a_leader_ignores_candidates_as_long_as_it_leads() {
    let mut n1 = leader(&check_quorum(), 3);
    for _ in 0..40 {
        n1.tick();
        echo(&mut n1, N2, None);
        said(&mut n1);
        assert_eq!(answer(&n1, vote(2)), [""; 0]);
        assert_eq!(answer(&n1, pre_vote(2)), [""; 0]);
    }
    ticks(&mut n1, 20);
    assert_eq!(stands(&n1), (RoleName::Follower, 1));
    said(&mut n1);
    assert_eq!(answer(&n1, vote(2)), ["n1->n3 VoteReply t2 granted"], "it owes itself nothing");
}

#[test]
fn questions_of_its_own_term_and_of_older_ones_are_answered() {
    let mut n1 = follower(&check_quorum());
    heartbeat(&mut n1, N2, 4);
    // A node of term 2 that asks for term 3 has to learn of term 4.
    assert_eq!(answer(&n1, pre_vote(3)), ["n1->n3 PreVoteReply t4 refused"]);
    assert_eq!(answer(&n1, pre_vote(4)), ["n1->n3 PreVoteReply t4 refused"]);
    assert_eq!(answer(&n1, vote(4)), ["n1->n3 VoteReply t4 granted"], "the term has its leader");
}

/// The leader's lease does not end because this node hears of a later term. n2 may lead term 1 and answer
/// reads for all that n1 knows.
#[test]
fn a_later_term_frees_no_node_from_what_it_owes() {
    let mut n1 = follower(&leases());
    ticks(&mut n1, 3);
    newer_term(&mut n1, N3, 5);
    assert_eq!((stands(&n1), n1.inspect().leader), ((RoleName::Follower, 5), None));
    assert_eq!(answer(&n1, vote(5)), [""; 0], "n3 campaigned in term 5 before");
    assert_eq!(answer(&n1, vote(6)), [""; 0]);
    assert_eq!(answer(&n1, pre_vote(6)), [""; 0]);
    ticks(&mut n1, 6);
    assert_eq!(answer(&n1, vote(5)), [""; 0]);
    n1.tick();
    assert_eq!(answer(&n1, vote(5)), ["n1->n3 VoteReply t5 granted"]);
    assert_eq!(answer(&n1, vote(6)), ["n1->n3 VoteReply t6 granted"]);
}

/// n2's transfer may have failed: its vote requests come late, the leader goes on, and has a lease again.
/// As in etcd: nodes that have given their leader up may elect another at once, although it lives.
#[test]
fn where_no_read_rests_on_a_lease_a_node_that_gave_its_leader_up_owes_nothing() {
    let pre_votes = Config { pre_vote: true, ..check_quorum() };
    let mut n1 = follower(&pre_votes);
    ticks(&mut n1, 3);
    assert_eq!(answer(&n1, pre_vote(2)), [""; 0], "its leader works");
    n1.campaign().expect("its owner says so");
    said(&mut n1);
    assert_eq!(stands(&n1), (RoleName::PreCandidate, 1));
    assert_eq!(answer(&n1, pre_vote(2)), ["n1->n3 PreVoteReply t2 granted"]);
    // Leases: its owner may not even ask.
    let mut n1 = follower(&Config { pre_vote: true, ..leases() });
    assert_eq!(n1.campaign(), Err(CampaignError::LeaderIsAlive { ticks_left: 10 }));
}

#[test]
fn a_vote_that_the_leader_asked_for_frees_no_node_for_another_candidate() {
    let mut n1 = follower(&leases());
    ticks(&mut n1, 3);
    let request = VoteRequest { transfer: true, ..VoteRequest::new(id(9, 1)) };
    step(&mut n1, N3, 2, Body::RequestVote(request));
    assert_eq!(said(&mut n1), ["n1->n3 VoteReply t2 granted"]);
    assert_eq!(answer(&n1, vote(3)), [""; 0]);
    ticks(&mut n1, 7);
    assert_eq!(answer(&n1, vote(3)), ["n1->n3 VoteReply t3 granted"]);
}

/// n3 was cut off, and has entered one term after another.
#[test]
fn a_disruptive_server_ends_a_leadership_only_through_the_leader() {
    let n1 = follower(&check_quorum());
    assert_eq!(answer(&n1, vote(9)), [""; 0], "as a follower, n1 knows that its leader works");
    // As a leader, n1 hears from n3 that its term is over: otherwise n3 could never join again.
    let mut n1 = leader(&check_quorum(), 3);
    n1.step(vote(9)).expect("a correct node sends this");
    assert_eq!(stands(&n1), (RoleName::Leader, 1));
    newer_term(&mut n1, N3, 9);
    assert_eq!(stands(&n1), (RoleName::Follower, 9));
}

// Forgetting a leader.

#[test]
fn a_node_that_is_told_to_forget_its_leader_votes_at_once() {
    let mut n1 = follower(&check_quorum());
    ticks(&mut n1, 3);
    assert_eq!(answer(&n1, vote(2)), [""; 0]);
    n1.read_index(mark("a")).expect("it runs");
    said(&mut n1);
    n1.forget_leader().expect("reads ask a majority");
    let seen = n1.inspect();
    assert_eq!((seen.leader, seen.term, seen.elapsed_ticks), (None, Term(1), 3));
    let dropped = ReadState { context: mark("a"), outcome: Err(ReadDropped::SteppedDown) };
    assert_eq!(take(&mut n1).1, [dropped], "nobody would answer it");
    assert_eq!(answer(&n1, vote(2)), ["n1->n3 VoteReply t2 granted"]);
    assert_eq!(answer(&n1, pre_vote(2)), ["n1->n3 PreVoteReply t2 granted"]);
    n1.forget_leader().expect("it follows nobody now");
    // A leader that works after all is followed again.
    heartbeat(&mut n1, N2, 1);
    assert_eq!(n1.inspect().leader, Some(N2));
    assert_eq!(answer(&n1, vote(2)), [""; 0]);
}

#[test]
fn only_a_follower_forgets() {
    let mut leads = leader(&check_quorum(), 3);
    let mut runs = follower(&Config { pre_vote: false, ..check_quorum() });
    runs.campaign().expect("reads ask a majority");
    let mut asks = follower(&Config { pre_vote: true, ..check_quorum() });
    asks.campaign().expect("reads ask a majority");
    for node in [&mut leads, &mut runs, &mut asks] {
        let before = node.clone();
        node.forget_leader().expect("there is nothing to forget");
        assert!(*node == before, "{:?}", before.inspect());
    }
}

#[test]
fn a_node_forgets_no_leader_that_may_count_on_it() {
    let mut n1 = follower(&leases());
    let before = n1.clone();
    assert_eq!(n1.forget_leader(), Err(ForgetLeaderError::LeaseReads));
    assert!(n1 == before);
}

// Leases.

/// Reads, and returns at which index, if the answer comes at once. Otherwise the read waits on.
fn read_now(node: &mut Raft<MemoryStorage>) -> Option<Index> {
    let mut copy = node.clone();
    copy.read_index(mark("a")).expect("it runs");
    let (_, reads) = take(&mut copy);
    reads.first().map(|read| read.outcome.expect("it leads"))
}

#[test]
fn a_leader_reads_at_once_while_its_lease_lasts() {
    let mut n1 = leader(&leases(), 3);
    assert_eq!(read_now(&mut n1), None, "no round was answered yet");
    n1.tick();
    assert_eq!(
        said(&mut n1),
        ["n1->n2 Heartbeat t1 commit=1 round=1", "n1->n3 Heartbeat t1 commit=0 round=1"]
    );
    echo(&mut n1, N2, Some(1));
    assert_eq!(read_now(&mut n1), Some(Index(1)), "n1 and n2 are a majority");
    ticks(&mut n1, 8);
    assert_eq!(read_now(&mut n1), Some(Index(1)), "one tick is left");
    n1.tick();
    assert_eq!(read_now(&mut n1), None);
    // Then a read asks a majority, as without a lease.
    n1.read_index(mark("a")).expect("it runs");
    said(&mut n1);
    echo(&mut n1, N3, Some(2));
    let ended = ReadState { context: mark("a"), outcome: Ok(Index(1)) };
    assert_eq!(take(&mut n1).1, [ended]);
}

/// A lease that was counted from the answer would last longer than the voters keep quiet.
#[test]
fn a_lease_is_counted_from_the_sending() {
    let mut n1 = leader(&leases(), 3);
    n1.tick();
    ticks(&mut n1, 5);
    echo(&mut n1, N2, Some(1));
    // The answer took five ticks, so four are left.
    ticks(&mut n1, 3);
    assert_eq!(read_now(&mut n1), Some(Index(1)), "one tick is left");
    n1.tick();
    assert_eq!(read_now(&mut n1), None);

    // An answer that took nine ticks is worth nothing.
    let mut n1 = leader(&leases(), 3);
    n1.tick();
    ticks(&mut n1, 9);
    echo(&mut n1, N2, Some(1));
    assert_eq!(read_now(&mut n1), None);
}

#[test]
fn an_answer_to_an_older_round_renews_nothing() {
    let mut n1 = leader(&leases(), 3);
    n1.tick();
    echo(&mut n1, N2, Some(1));
    ticks(&mut n1, 9);
    assert_eq!(read_now(&mut n1), None);
    echo(&mut n1, N2, Some(1));
    echo(&mut n1, N3, Some(1));
    echo(&mut n1, N3, None);
    assert_eq!(read_now(&mut n1), None, "n2 and n3 said so before");
    // Round 2 has begun with the first of the nine ticks.
    echo(&mut n1, N3, Some(2));
    assert_eq!(read_now(&mut n1), Some(Index(1)));
    n1.tick();
    assert_eq!(read_now(&mut n1), None);
}

#[test]
fn the_answer_to_a_later_round_renews_what_an_earlier_one_began() {
    let mut n1 = leader(&leases(), 3);
    n1.tick();
    echo(&mut n1, N2, Some(1));
    ticks(&mut n1, 4);
    echo(&mut n1, N2, Some(2));
    // Round 2 began four ticks after round 1, less one for the tick that opened it.
    ticks(&mut n1, 5);
    assert_eq!(read_now(&mut n1), Some(Index(1)));
    n1.tick();
    assert_eq!(read_now(&mut n1), None);
}

/// Heartbeats are three ticks apart. A round that began between two of them would lose that time.
#[test]
fn a_round_that_renews_a_lease_begins_with_the_heartbeats_that_carry_it() {
    let mut n1 = leader(&Config { heartbeat_ticks: 3, ..leases() }, 3);
    ticks(&mut n1, 2);
    assert_eq!(said(&mut n1), [""; 0]);
    n1.read_index(mark("a")).expect("it runs");
    let carried = said(&mut n1);
    assert_eq!(carried[0], "n1->n2 Heartbeat t1 commit=1 round=1", "a read asks at once");
    echo(&mut n1, N2, Some(1));
    take(&mut n1);
    n1.tick();
    assert_eq!(said(&mut n1)[0], "n1->n2 Heartbeat t1 commit=1 round=2");
    echo(&mut n1, N2, Some(2));
    ticks(&mut n1, 8);
    assert_eq!(read_now(&mut n1), Some(Index(1)), "nine ticks, from the sending");
}

#[test]
fn a_round_that_can_renew_nothing_any_more_makes_room_for_another() {
    let mut n1 = leader(&leases(), 3);
    for _ in 0..100 {
        n1.tick();
        echo(&mut n1, N2, None);
        said(&mut n1);
    }
    // n2 answers appends, and no round. The last round is younger than a lease.
    n1.tick();
    let carried = said(&mut n1);
    let round = carried[0].rsplit_once("round=").map(|(_, round)| round.parse().unwrap_or(0));
    assert!(round.is_some_and(|round: u64| (9..=12).contains(&round)), "{carried:?}");
    echo(&mut n1, N2, round);
    assert_eq!(read_now(&mut n1), Some(Index(1)));
}

/// n1 has told n2 to campaign, so its lease counts for nothing, and the read needs a round.
#[test]
fn a_read_that_waits_joins_the_round_that_renews_the_lease() {
    let mut n1 = leader(&leases(), 3);
    n1.transfer_leader(N2).expect("n1 leads");
    n1.tick();
    n1.read_index(mark("a")).expect("it runs");
    assert_eq!(take(&mut n1).1, [], "round 1 began before the read");
    // Nobody answers round 1 while it is worth something.
    ticks(&mut n1, 8);
    echo(&mut n1, N2, None);
    ticks(&mut n1, 2);
    let (messages, _) = take(&mut n1);
    assert!(messages.last().is_some_and(|last| last.ends_with("round=2")), "{messages:?}");
    echo(&mut n1, N3, Some(2));
    let ended = ReadState { context: mark("a"), outcome: Ok(Index(1)) };
    assert_eq!(take(&mut n1).1, [ended]);
}

#[test]
fn a_lease_is_worth_nothing_before_the_first_commit_of_the_term() {
    let mut n1 = node(&leases(), 3);
    n1.campaign().expect("nobody leads");
    said(&mut n1);
    step(&mut n1, N2, 1, Body::vote_reply(true));
    n1.tick();
    said(&mut n1);
    echo(&mut n1, N2, Some(1));
    n1.read_index(mark("a")).expect("it runs");
    assert_eq!(take(&mut n1).1, [], "earlier leaders may have committed more");
    acknowledge(&mut n1, N2, 1);
    let ended = ReadState { context: mark("a"), outcome: Ok(Index(1)) };
    assert_eq!(take(&mut n1).1, [ended], "then the lease answers it");
}

#[test]
fn a_node_that_is_alone_reads_at_once() {
    let mut n1 = leader(&leases(), 1);
    assert_eq!(read_now(&mut n1), Some(Index(1)));
    ticks(&mut n1, 50);
    assert_eq!(read_now(&mut n1), Some(Index(1)));
}

#[test]
fn a_lease_ends_with_the_leadership() {
    let mut n1 = leader(&leases(), 3);
    n1.tick();
    echo(&mut n1, N2, Some(1));
    assert_eq!(read_now(&mut n1), Some(Index(1)));
    newer_term(&mut n1, N3, 2);
    n1.read_index(mark("a")).expect("it runs");
    let dropped = ReadState { context: mark("a"), outcome: Err(ReadDropped::NoLeader) };
    assert_eq!(take(&mut n1).1, [dropped]);
    // It leads again: the round of the earlier term counts for nothing.
    ticks(&mut n1, 9);
    n1.campaign().expect("it owes nobody since its start");
    said(&mut n1);
    step(&mut n1, N2, 3, Body::vote_reply(true));
    said(&mut n1);
    acknowledge(&mut n1, N2, 2);
    assert_eq!(n1.inspect().commit, Index(2));
    assert_eq!(read_now(&mut n1), None);
}

#[test]
fn followers_read_through_the_leaders_lease() {
    let mut n1 = leader(&leases(), 3);
    n1.tick();
    echo(&mut n1, N2, Some(1));
    said(&mut n1);
    let (attempt, context) = (ReadAttempt(4), mark("x"));
    let ask = Message { from: N3, to: N1, term: None, body: Body::ReadIndex { attempt, context } };
    assert_eq!(answer(&n1, ask), ["n1->n3 ReadIndexReply attempt=4 index=1"]);
}

// A lease and a transfer.

#[test]
fn a_lease_is_given_up_before_another_node_is_told_to_campaign() {
    let mut n1 = leader(&leases(), 3);
    n1.tick();
    echo(&mut n1, N2, Some(1));
    assert_eq!(read_now(&mut n1), Some(Index(1)));
    n1.transfer_leader(N2).expect("n1 leads");
    assert!(said(&mut n1).contains(&"n1->n2 TimeoutNow t1 last=1@1".to_owned()));
    assert_eq!(read_now(&mut n1), None, "n2 may lead by now");
    // The transfer ends. n2 may still get TimeoutNow, and be elected with the log that it has.
    ticks(&mut n1, 9);
    echo(&mut n1, N3, None);
    n1.tick();
    said(&mut n1);
    echo(&mut n1, N3, Some(2));
    ticks(&mut n1, 1);
    echo(&mut n1, N3, Some(3));
    assert_eq!(read_now(&mut n1), None, "however new the answers are");
    // A read is not lost, it asks a majority.
    n1.read_index(mark("a")).expect("it runs");
    said(&mut n1);
    (4..7).for_each(|round| echo(&mut n1, N3, Some(round)));
    let ended = ReadState { context: mark("a"), outcome: Ok(Index(1)) };
    assert_eq!(take(&mut n1).1, [ended]);
    // Once a majority has an entry that n2 lacks, n2 cannot win.
    n1.propose(Bytes::new(), mark("x")).expect("the transfer has ended");
    said(&mut n1);
    assert_eq!(read_now(&mut n1), None, "it is not committed");
    acknowledge(&mut n1, N3, 2);
    assert_eq!(n1.inspect().commit, Index(2));
    assert_eq!(read_now(&mut n1), Some(Index(2)));
}

#[test]
fn a_transfer_whose_target_is_behind_ends_no_lease_yet() {
    let mut n1 = leader(&leases(), 3);
    n1.tick();
    echo(&mut n1, N2, Some(1));
    n1.transfer_leader(N3).expect("n1 leads");
    assert_eq!(read_now(&mut n1), Some(Index(1)), "n3 lacks an entry, and was told nothing");
    acknowledge(&mut n1, N3, 1);
    assert!(said(&mut n1).contains(&"n1->n3 TimeoutNow t1 last=1@1".to_owned()));
    assert_eq!(read_now(&mut n1), None);
}

// The restart hole: a node forgets that it heard from a leader.

#[test]
fn a_node_that_has_restarted_owes_an_election_timeout_where_reads_rest_on_leases() {
    let crash = |config: &Config| {
        let mut n1 = follower(config);
        let (hard_state, entries) = (n1.hard_state(), n1.take_unwritten());
        n1.storage_mut().append(entries);
        n1.storage_mut().save(hard_state);
        start(config, n1.into_storage())
    };
    let mut n1 = crash(&leases());
    assert_eq!(n1.inspect().leader, None, "it does not know which leader");
    for tick in 0..10 {
        assert_eq!(answer(&n1, vote(2)), [""; 0], "after {tick} ticks");
        assert_eq!(answer(&n1, vote(1)), [""; 0], "after {tick} ticks");
        assert_eq!(answer(&n1, pre_vote(2)), [""; 0], "after {tick} ticks");
        let why = CampaignError::LeaderIsAlive { ticks_left: 10 - tick };
        assert_eq!(n1.campaign(), Err(why), "its own vote is owed, too");
        n1.tick();
    }
    assert_eq!(answer(&n1, vote(2)), ["n1->n3 VoteReply t2 granted"]);
    n1.campaign().expect("it owes nothing more");

    // Without leases nobody counts on it.
    let mut n1 = crash(&check_quorum());
    assert_eq!(answer(&n1, vote(2)), ["n1->n3 VoteReply t2 granted"]);
    n1.campaign().expect("it follows nobody");
}

/// It may have answered a heartbeat of term 1, and have crashed before term 1 was durable.
#[test]
fn a_node_in_term_0_owes_an_election_timeout_too_but_may_campaign() {
    let mut n1 = node(&leases(), 3);
    assert_eq!(answer(&n1, vote(2)), [""; 0]);
    // It has no entry: no leader that reads can lose to it.
    let mut candidate = n1.clone();
    candidate.campaign().expect("it has no entry");
    ticks(&mut n1, 9);
    assert_eq!(answer(&n1, vote(2)), [""; 0]);
    n1.tick();
    assert_eq!(answer(&n1, vote(2)), ["n1->n3 VoteReply t2 granted"]);
}

#[test]
fn a_node_that_has_heard_from_a_leader_does_not_campaign_where_reads_rest_on_leases() {
    let mut n1 = follower(&leases());
    ticks(&mut n1, 9);
    let before = n1.clone();
    assert_eq!(n1.campaign(), Err(CampaignError::LeaderIsAlive { ticks_left: 1 }));
    assert!(n1 == before);
    n1.tick();
    n1.campaign().expect("it owes nothing more");
    // A leader that wants it to campaign has given its lease up.
    let mut n1 = follower(&leases());
    step(&mut n1, N2, 1, Body::TimeoutNow { last: id(1, 1) });
    assert_eq!(stands(&n1), (RoleName::Candidate, 2));
    // Without leases an owner may know better.
    follower(&check_quorum()).campaign().expect("reads ask a majority");
}
