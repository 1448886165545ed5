//! Reads: a read sees everything that was acknowledged before it, and every read ends (thesis §6.4).
//!
//! ```text
//!   n1 leads term 1, and n2 and n3 are played by the test
//!   n1 reads  --> a heartbeat with a round's number to each  --> one of them answers it  --> an index
//! ```

use bytes::Bytes;
use raft::*;

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const N3: NodeId = NodeId(3);

fn mark(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn node(config: &Config, voters: &[NodeId]) -> Raft<MemoryStorage> {
    let storage = MemoryStorage::with_voters(voters.iter().copied());
    Raft::new(config, storage).expect("the settings are good")
}

/// Takes what leaves a node whose disk is instant. Returns the messages, and the reads that have ended.
fn take(node: &mut Raft<MemoryStorage>) -> (Vec<Message>, Vec<ReadState>) {
    let (mut messages, mut reads) = (Vec::new(), Vec::new());
    loop {
        let Outbox { now, promised, own, reads: ended, .. } = node.take_outbox();
        if now.is_empty() && promised.is_empty() && own.is_empty() && ended.is_empty() {
            return (messages, reads);
        }
        messages.extend(now.into_iter().chain(promised));
        reads.extend(ended);
        node.step_own(own).expect("memory can be read");
    }
}

fn reads(node: &mut Raft<MemoryStorage>) -> Vec<ReadState> {
    take(node).1
}

fn ended(context: &'static str, outcome: Result<u64, ReadDropped>) -> ReadState {
    ReadState { context: mark(context), outcome: outcome.map(Index) }
}

fn step(node: &mut Raft<MemoryStorage>, from: NodeId, term: u64, body: Body) {
    let has_term = !matches!(body, Body::ReadIndex { .. } | Body::ReadIndexReply { .. });
    let term = Some(Term(term)).filter(|_| has_term);
    node.step(Message { from, to: node.inspect().id, term, body })
        .expect("a correct node sends this");
}

fn acknowledge(node: &mut Raft<MemoryStorage>, from: NodeId, term: u64, index: u64) {
    let (outcome, session) = (AppendOutcome::Matched(Index(index)), Some(Session::default()));
    step(node, from, term, Body::AppendReply { outcome, session });
}

fn echo(node: &mut Raft<MemoryStorage>, from: NodeId, round: u64) {
    let (token, session) = (Some(ReadToken(round)), Session::default());
    let term = node.inspect().term.0;
    step(node, from, term, Body::HeartbeatReply { token, session });
}

/// Returns n1, elected in term 1, which has not committed anything yet.
fn elected(config: &Config) -> Raft<MemoryStorage> {
    let mut node = node(config, &[N1, N2, N3]);
    node.campaign().expect("nobody leads");
    take(&mut node);
    step(&mut node, N2, 1, Body::vote_reply(true));
    assert_eq!(node.inspect().role, RoleName::Leader);
    take(&mut node);
    node
}

/// Returns n1, leader of term 1, which has committed the first entry of its term.
fn leader(config: &Config) -> Raft<MemoryStorage> {
    let mut node = elected(config);
    acknowledge(&mut node, N2, 1, 1);
    assert_eq!(node.inspect().commit, Index(1));
    take(&mut node);
    node
}

fn defaults() -> Config {
    Config::new(N1)
}

/// Returns the rounds that heartbeats to n2 ask for.
fn rounds_asked(messages: &[Message]) -> Vec<Option<u64>> {
    let to_n2 = messages.iter().filter(|m| m.to == N2);
    let asked = to_n2.filter_map(|m| {
        let Body::Heartbeat { token, .. } = m.body else { return None };
        Some(token.map(|token| token.0))
    });
    asked.collect()
}

#[test]
fn a_read_waits_until_a_majority_has_answered_its_round() {
    let mut n1 = leader(&defaults());
    n1.read_index(mark("a")).expect("it runs");
    let (messages, ended_now) = take(&mut n1);
    assert_eq!((rounds_asked(&messages), ended_now), (vec![Some(1)], vec![]));
    // More is committed meanwhile: the read may still read where it began.
    n1.propose(Bytes::new(), mark("x")).expect("it leads");
    take(&mut n1);
    acknowledge(&mut n1, N2, 1, 2);
    assert_eq!(reads(&mut n1), []);
    echo(&mut n1, N3, 1);
    assert_eq!(reads(&mut n1), [ended("a", Ok(1))]);
    echo(&mut n1, N2, 1);
    assert_eq!(reads(&mut n1), [], "a read ends once");
}

#[test]
fn an_answer_to_an_earlier_round_confirms_no_later_read() {
    let mut n1 = leader(&defaults());
    n1.read_index(mark("a")).expect("it runs");
    echo(&mut n1, N2, 1);
    assert_eq!(reads(&mut n1), [ended("a", Ok(1))]);
    n1.read_index(mark("b")).expect("it runs");
    assert_eq!(rounds_asked(&take(&mut n1).0), [Some(2)]);
    echo(&mut n1, N2, 1);
    echo(&mut n1, N3, 1);
    let (token, session) = (None, Session::default());
    step(&mut n1, N3, 1, Body::HeartbeatReply { token, session });
    assert_eq!(reads(&mut n1), [], "these answers may be from before the read");
    echo(&mut n1, N3, 2);
    assert_eq!(reads(&mut n1), [ended("b", Ok(1))]);
}

#[test]
fn an_answer_to_a_round_that_has_not_begun_confirms_nothing() {
    let mut n1 = leader(&defaults());
    echo(&mut n1, N2, 1);
    echo(&mut n1, N2, u64::MAX);
    n1.read_index(mark("a")).expect("it runs");
    assert_eq!(reads(&mut n1), []);
}

#[test]
fn a_leader_reads_nothing_before_it_has_committed_in_its_term() {
    // It holds an entry of term 1 which may be committed: it does not know.
    let mut n1 = node(&defaults(), &[N1, N2, N3]);
    n1.storage_mut().append(vec![
        Entry::unplaced(Payload::Noop).at(EntryId { index: Index(1), term: Term(1) }),
    ]);
    n1.storage_mut().save(HardState { term: Term(1), ..HardState::default() });
    let mut n1 = Raft::new(&defaults(), n1.into_storage()).expect("it can start");
    n1.campaign().expect("nobody leads");
    take(&mut n1);
    step(&mut n1, N2, 2, Body::vote_reply(true));
    n1.read_index(mark("a")).expect("it runs");
    let (messages, ended_now) = take(&mut n1);
    assert_eq!((rounds_asked(&messages), ended_now), (vec![], vec![]));
    // Nobody writes: the first entry of the term is enough.
    acknowledge(&mut n1, N2, 2, 2);
    assert_eq!(rounds_asked(&take(&mut n1).0), [Some(1)]);
    echo(&mut n1, N2, 1);
    assert_eq!(reads(&mut n1), [ended("a", Ok(2))]);
}

#[test]
fn a_node_that_is_alone_asks_nobody() {
    let mut n1 = node(&defaults(), &[N1]);
    n1.campaign().expect("a voter");
    take(&mut n1);
    n1.read_index(mark("a")).expect("it runs");
    n1.read_index(mark("b")).expect("it runs");
    assert_eq!(reads(&mut n1), [ended("a", Ok(1)), ended("b", Ok(1))]);
}

#[test]
fn reads_that_come_during_a_round_share_the_next_one() {
    let mut n1 = leader(&defaults());
    for context in ["a", "b", "c"] {
        n1.read_index(mark(context)).expect("it runs");
    }
    assert_eq!(rounds_asked(&take(&mut n1).0), [Some(1)], "b and c wait");
    echo(&mut n1, N2, 1);
    let (messages, ended_now) = take(&mut n1);
    assert_eq!((rounds_asked(&messages), ended_now), (vec![Some(2)], vec![ended("a", Ok(1))]));
    echo(&mut n1, N2, 2);
    assert_eq!(reads(&mut n1), [ended("b", Ok(1)), ended("c", Ok(1))]);

    let mut n1 = leader(&Config { batch_reads: false, ..defaults() });
    for context in ["a", "b", "c"] {
        n1.read_index(mark(context)).expect("it runs");
    }
    assert_eq!(rounds_asked(&take(&mut n1).0), [Some(1), Some(2), Some(3)]);
    echo(&mut n1, N2, 2);
    assert_eq!(
        reads(&mut n1),
        [ended("a", Ok(1)), ended("b", Ok(1))],
        "a round covers those before"
    );
    echo(&mut n1, N3, 3);
    assert_eq!(reads(&mut n1), [ended("c", Ok(1))]);
}

#[test]
fn heartbeats_ask_again_for_a_round_whose_messages_were_lost() {
    let mut n1 = leader(&defaults());
    n1.tick();
    assert_eq!(rounds_asked(&take(&mut n1).0), [None], "nobody reads");
    n1.read_index(mark("a")).expect("it runs");
    take(&mut n1);
    n1.tick();
    assert_eq!(rounds_asked(&take(&mut n1).0), [Some(1)]);
    echo(&mut n1, N2, 1);
    assert_eq!(reads(&mut n1), [ended("a", Ok(1))]);
    n1.tick();
    assert_eq!(rounds_asked(&take(&mut n1).0), [None], "no round is under way");
}

#[test]
fn a_leader_that_steps_down_ends_its_reads() {
    let mut n1 = leader(&defaults());
    n1.read_index(mark("a")).expect("it runs");
    step(&mut n1, N3, 1, Body::ReadIndex { attempt: ReadAttempt(5), context: mark("x") });
    take(&mut n1);
    step(&mut n1, N2, 2, Body::vote_reply(false));
    let (messages, ended_now) = take(&mut n1);
    assert_eq!(ended_now, [ended("a", Err(ReadDropped::SteppedDown))]);
    let answers: Vec<String> = messages.iter().map(ToString::to_string).collect();
    assert_eq!(
        answers,
        ["n1->n3 ReadIndexReply attempt=5 dropped: the node that was asked does not lead any more"]
    );
    // It leads again: nothing of the earlier term counts.
    n1.campaign().expect("a voter");
    take(&mut n1);
    step(&mut n1, N2, 3, Body::vote_reply(true));
    acknowledge(&mut n1, N2, 3, 2);
    n1.read_index(mark("b")).expect("it runs");
    let (token, session) = (Some(ReadToken(1)), Session::default());
    step(&mut n1, N2, 1, Body::HeartbeatReply { token, session });
    assert_eq!(reads(&mut n1), []);
}

/// Returns n1 as a follower of n2 in term 1.
fn follower() -> Raft<MemoryStorage> {
    let mut n1 = node(&defaults(), &[N1, N2, N3]);
    hear_of(&mut n1, N2, 1);
    n1
}

fn hear_of(node: &mut Raft<MemoryStorage>, leader: NodeId, term: u64) {
    let (commit, token, session) = (Index(0), None, Session::default());
    step(node, leader, term, Body::Heartbeat { commit, token, session });
    node.take_outbox();
}

fn reply(node: &mut Raft<MemoryStorage>, attempt: u64, context: &'static str, index: u64) {
    let (attempt, context, outcome) = (ReadAttempt(attempt), mark(context), Ok(Index(index)));
    step(node, N2, 1, Body::ReadIndexReply { attempt, context, outcome });
}

#[test]
fn a_follower_asks_its_leader() {
    let mut n1 = follower();
    n1.read_index(mark("a")).expect("it runs");
    let (messages, ended_now) = take(&mut n1);
    assert_eq!(messages[0].to_string(), "n1->n2 ReadIndex attempt=1");
    assert_eq!((messages.len(), ended_now), (1, vec![]));
    reply(&mut n1, 1, "a", 7);
    assert_eq!(reads(&mut n1), [ended("a", Ok(7))]);
    reply(&mut n1, 1, "a", 7);
    assert_eq!(reads(&mut n1), [], "a read ends once");
}

/// Where an answer carries only the mark, as in raft-rs and etcd, the application cannot tell the two apart.
#[test]
fn a_late_answer_is_not_for_a_later_read_with_the_same_mark() {
    let mut n1 = follower();
    n1.read_index(mark("a")).expect("it runs");
    n1.read_index(mark("a")).expect("it runs");
    reply(&mut n1, 2, "a", 9);
    assert_eq!(reads(&mut n1), [ended("a", Ok(9))]);
    reply(&mut n1, 2, "a", 9);
    assert_eq!(reads(&mut n1), []);
    reply(&mut n1, 1, "a", 3);
    assert_eq!(reads(&mut n1), [ended("a", Ok(3))], "the first one began earlier");
    n1.read_index(mark("a")).expect("it runs");
    reply(&mut n1, 1, "a", 3);
    reply(&mut n1, 3, "b", 3);
    assert_eq!(reads(&mut n1), [], "neither is an answer to this read");
}

/// A node that joins a group does not know its members yet, and may read all the same. So not the sender's
/// membership counts, but that it is the leader that was asked.
#[test]
fn only_the_leader_that_was_asked_answers_also_for_a_node_that_does_not_know_its_group() {
    let mut newcomer = node(&Config::new(NodeId(9)), &[]);
    hear_of(&mut newcomer, N2, 1);
    newcomer.read_index(mark("a")).expect("it runs");
    let answer = |from| {
        let (attempt, context, outcome) = (ReadAttempt(1), mark("a"), Ok(Index(5)));
        let body = Body::ReadIndexReply { attempt, context, outcome };
        Message { from, to: NodeId(9), term: None, body }
    };
    newcomer.step(answer(N3)).expect("it may come from anywhere");
    assert_eq!(reads(&mut newcomer), [], "n3 was not asked");
    newcomer.step(answer(N2)).expect("its leader");
    assert_eq!(reads(&mut newcomer), [ended("a", Ok(5))]);
}

#[test]
fn a_read_ends_when_its_leader_changes_or_is_not_known() {
    let mut n1 = node(&defaults(), &[N1, N2, N3]);
    n1.read_index(mark("a")).expect("it runs");
    assert_eq!(reads(&mut n1), [ended("a", Err(ReadDropped::NoLeader))]);
    let gone = |context| ended(context, Err(ReadDropped::SteppedDown));

    let mut n1 = follower();
    n1.read_index(mark("a")).expect("it runs");
    hear_of(&mut n1, N2, 1);
    assert_eq!(reads(&mut n1), [], "the same leader of the same term");
    let (commit, token, session) = (Index(0), None, Session::default());
    step(&mut n1, N3, 2, Body::Heartbeat { commit, token, session });
    assert_eq!(reads(&mut n1), [gone("a")]);
    n1.read_index(mark("b")).expect("it runs");
    n1.campaign().expect("a voter");
    assert_eq!(reads(&mut n1), [gone("b")]);
    n1.read_index(mark("c")).expect("it runs");
    assert_eq!(reads(&mut n1), [ended("c", Err(ReadDropped::NoLeader))], "a candidate");

    // The same leader of a later term has forgotten what it was asked.
    let mut n1 = follower();
    n1.read_index(mark("a")).expect("it runs");
    let (commit, token, session) = (Index(0), None, Session::default());
    step(&mut n1, N2, 2, Body::Heartbeat { commit, token, session });
    assert_eq!(reads(&mut n1), [gone("a")]);
}

#[test]
fn a_node_that_does_not_lead_refuses_a_forwarded_read() {
    let mut n1 = follower();
    step(&mut n1, N3, 1, Body::ReadIndex { attempt: ReadAttempt(4), context: mark("x") });
    let (messages, _) = take(&mut n1);
    let dropped = Err(ReadDropped::SteppedDown);
    let answer =
        Body::ReadIndexReply { attempt: ReadAttempt(4), context: mark("x"), outcome: dropped };
    assert_eq!(messages, [Message { from: N1, to: N3, term: None, body: answer }]);
}

#[test]
fn a_read_that_waits_for_too_long_ends() {
    let late = || ended("a", Err(ReadDropped::TimedOut));
    let limit = 2 * defaults().election_ticks;
    // n2 and n3 are silent; a leader of three waits as a follower does.
    let mut n1 = leader(&defaults());
    n1.read_index(mark("a")).expect("it runs");
    for tick in 1..=limit {
        let before = reads(&mut n1);
        assert_eq!(before, [], "before tick {tick}");
        n1.tick();
    }
    assert_eq!(reads(&mut n1), [late()]);
    n1.tick();
    assert_eq!(rounds_asked(&take(&mut n1).0), [None], "nobody asks how that round ends");
    echo(&mut n1, N2, 1);
    assert_eq!(reads(&mut n1), [], "a read ends once");
    // The next read has a round of its own.
    n1.read_index(mark("b")).expect("it runs");
    echo(&mut n1, N2, 1);
    assert_eq!(reads(&mut n1), []);
    echo(&mut n1, N2, 2);
    assert_eq!(reads(&mut n1), [ended("b", Ok(1))]);

    let mut n1 = follower();
    n1.read_index(mark("a")).expect("it runs");
    for tick in 1..=limit {
        let before = reads(&mut n1);
        assert_eq!(before, [], "before tick {tick}");
        hear_of(&mut n1, N2, 1);
        n1.tick();
    }
    assert_eq!(reads(&mut n1), [late()]);
    reply(&mut n1, 1, "a", 7);
    assert_eq!(reads(&mut n1), [], "a read ends once");
}

/// Ends some reads of a leader, or all of a follower.
fn echo_or_step_down(node: &mut Raft<MemoryStorage>) {
    if node.inspect().role == RoleName::Leader {
        echo(node, N2, 1);
    } else {
        let (commit, token, session) = (Index(0), None, Session::default());
        step(node, N3, 2, Body::Heartbeat { commit, token, session });
    }
}

#[test]
fn more_reads_than_can_wait_end_at_once() {
    const MAX: usize = 1 << 16;
    let too_many = |reads: &[ReadState]| {
        reads.iter().filter(|read| read.outcome == Err(ReadDropped::TooMany)).count()
    };
    for mut n1 in [leader(&defaults()), follower()] {
        for _ in 0..MAX {
            n1.read_index(mark("a")).expect("it runs");
        }
        assert_eq!(reads(&mut n1), []);
        n1.read_index(mark("a")).expect("it runs");
        n1.read_index(mark("a")).expect("it runs");
        assert_eq!(too_many(&reads(&mut n1)), 2);
        // Those that end make room: in a round, or because the leader is gone.
        echo_or_step_down(&mut n1);
        assert_eq!(too_many(&reads(&mut n1)), 0);
        n1.read_index(mark("b")).expect("it runs");
        assert_eq!(too_many(&reads(&mut n1)), 0);
    }
}

#[test]
fn a_ready_hands_out_reads() {
    let storage = MemoryStorage::with_voters([N1, N2, N3]);
    let mut n1 = RawNode::new(&defaults(), storage).expect("the settings are good");
    assert!(!n1.has_ready());
    n1.read_index(mark("a")).expect("it runs");
    assert!(n1.has_ready(), "a read that has ended is news");
    let mut ready = n1.ready().expect("memory can be read");
    assert!(!ready.is_empty());
    assert_eq!(ready.reads(), [ended("a", Err(ReadDropped::NoLeader))]);
    assert_eq!(ready.take_reads().len(), 1);
    let _ = n1.advance(ready).expect("memory can be read");
    assert!(!n1.has_ready());
}
