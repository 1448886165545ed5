//! What the settings for etcd's order of messages change, and what its status shows: rules that
//! etcd's own files leave untouched.

use raft::*;

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const N3: NodeId = NodeId(3);

/// Returns a node of a group of three that has seen nothing yet.
fn node(config: &Config) -> Raft<MemoryStorage> {
    Raft::new(config, MemoryStorage::with_voters([N1, N2, N3])).expect("it can start")
}

/// Returns a message in `term` to node 1.
fn word(from: NodeId, term: u64, body: Body) -> Message {
    Message { from, to: N1, term: Some(Term(term)), body }
}

#[test]
fn a_peer_is_heard_once_it_answers_its_leader_and_not_by_its_vote() {
    let mut leader = node(&Config::etcd(N1));
    leader.campaign().expect("it votes");
    let own = leader.take_outbox().own;
    leader.keep_promises(own);
    leader.step(word(N2, 1, Body::VoteReply { granted: true })).expect("it asked");
    leader.step(word(N3, 1, Body::VoteReply { granted: true })).expect("it asked");
    let heard = |leader: &Raft<MemoryStorage>| -> Vec<bool> {
        leader.progress().map(|(_, progress)| progress.is_heard()).collect()
    };
    assert_eq!(heard(&leader), [true, false, false], "only itself: a vote is for the election");
    let (outcome, session) = (AppendOutcome::Matched(Index(0)), Some(Session::default()));
    leader.step(word(N2, 1, Body::AppendReply { outcome, session })).expect("it was asked");
    assert_eq!(heard(&leader), [true, true, false]);
    let reply = Body::HeartbeatReply { token: None, session: Session::default() };
    leader.step(word(N3, 1, reply)).expect("it was asked");
    assert_eq!(heard(&leader), [true, true, true]);
}
