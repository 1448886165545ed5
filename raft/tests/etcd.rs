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
    leader.step_own(own).expect("memory can be read");
    leader.step(word(N2, 1, Body::vote_reply(true))).expect("it asked");
    leader.step(word(N3, 1, Body::vote_reply(true))).expect("it asked");
    let heard = |leader: &Raft<MemoryStorage>| -> Vec<bool> {
        leader.progress().map(|(_, progress)| progress.is_recent_active()).collect()
    };
    assert_eq!(heard(&leader), [true, false, false], "only itself: a vote is for the election");
    let (outcome, session) = (AppendOutcome::Matched(Index(0)), Some(Session::default()));
    leader.step(word(N2, 1, Body::AppendReply { outcome, session })).expect("it was asked");
    assert_eq!(heard(&leader), [true, true, false]);
    let reply = Body::HeartbeatReply { token: None, session: Session::default() };
    leader.step(word(N3, 1, reply)).expect("it was asked");
    assert_eq!(heard(&leader), [true, true, true]);
}

#[test]
fn a_later_term_resets_a_followers_timer_if_the_settings_say_so() {
    for (config, waited) in [(Config::etcd(N1), 0), (Config::new(N1), 2)] {
        let mut follower = node(&config);
        follower.pin_election_timeout(Some(9));
        (0..2).for_each(|_| follower.tick());
        // An answer that comes too late brings a later term, and no reason to wait.
        follower.step(word(N2, 5, Body::vote_reply(false))).expect("it may come late");
        assert_eq!(follower.inspect().term, Term(5));
        assert_eq!(follower.inspect().elapsed_ticks, waited, "of {config:?}");
        follower.tick();
        follower.step(word(N2, 5, Body::vote_reply(false))).expect("it may come late");
        assert_eq!(follower.inspect().elapsed_ticks, waited + 1, "the same term is no news");
    }
}

#[test]
fn nobody_gets_a_vote_once_the_leader_is_known_if_the_settings_say_so() {
    for (config, beside) in [(Config::etcd(N1), false), (Config::new(N1), true)] {
        let answer = |follower: &mut Raft<MemoryStorage>, from: NodeId, term: u64| {
            let ask = VoteRequest::new(EntryId::default());
            follower.step(word(from, term, Body::RequestVote(ask))).expect("anyone may ask");
            let promised = follower.take_outbox().promised;
            let [Message { body: Body::VoteReply { granted, .. }, .. }] = promised[..] else {
                panic!("one answer, not {promised:?}");
            };
            granted
        };
        let mut follower = node(&config);
        let (commit, token, session) = (Index(0), None, Session::default());
        let heartbeat = || word(N2, 1, Body::Heartbeat { commit, token, session });
        follower.step(heartbeat()).expect("a leader may send");
        let _ = follower.take_outbox();
        assert_eq!(answer(&mut follower, N3, 1), beside, "of {config:?}");
        // In a later term no leader is known, and a node that has our vote gets the same answer again.
        assert!(answer(&mut follower, N3, 2));
        follower
            .step(word(N3, 2, Body::Heartbeat { commit, token, session }))
            .expect("it may speak");
        let _ = follower.take_outbox();
        assert!(answer(&mut follower, N3, 2), "it is promised to that one");
    }
}
