//! Leader transfer: a leader hands its leadership to a node that its owner names (thesis §3.10).
//!
//! ```text
//!   n1 is a real node, and the test plays n2 and n3
//!   n1 leads:    transfer_leader(n2) --> what n2 lacks --> TimeoutNow
//!   n1 follows:  TimeoutNow --> RequestVote t2 transfer, at once
//! ```

#[path = "kit/names.rs"]
mod names; // n1, n2, n3, and ids of entries
#[path = "kit/played.rs"]
mod played; // one real node; the test plays the others

use bytes::Bytes;
use names::{N1, N2, N3, id};
use played::{said, stands, step, ticks};
use raft::*;

fn defaults() -> Config {
    Config::new(N1)
}

fn node(config: &Config, voters: &[NodeId]) -> Raft<MemoryStorage> {
    let storage = MemoryStorage::with_voters(voters.iter().copied());
    let mut node = Raft::new(config, storage).expect("the settings are good");
    node.pin_election_timeout(Some(1000));
    node
}

/// Hands n1 a message without a term.
fn ask(node: &mut Raft<MemoryStorage>, from: NodeId, body: Body) -> Result<(), StepError> {
    node.step(Message { from, to: N1, term: None, body })
}

fn acknowledge(node: &mut Raft<MemoryStorage>, from: NodeId, index: u64) {
    let (outcome, session) = (AppendOutcome::Matched(Index(index)), Some(Session::default()));
    step(node, from, 1, Body::AppendReply { outcome, session });
}

fn echo(node: &mut Raft<MemoryStorage>, from: NodeId) {
    let (token, session) = (None, Session::default());
    step(node, from, 1, Body::HeartbeatReply { token, session });
}

fn propose(node: &mut Raft<MemoryStorage>) -> Result<(), ProposeError> {
    node.propose(Bytes::new(), Bytes::from_static(b"x"))
}

/// Returns n1, leader of term 1. n2 holds its whole log, which is 1@1; n3 has not answered.
fn leader(config: &Config) -> Raft<MemoryStorage> {
    let mut node = node(config, &[N1, N2, N3]);
    node.campaign().expect("nobody leads");
    said(&mut node);
    if config.pre_vote {
        step(&mut node, N2, 1, Body::pre_vote_reply(true));
        said(&mut node);
    }
    step(&mut node, N2, 1, Body::vote_reply(true));
    said(&mut node);
    acknowledge(&mut node, N2, 1);
    said(&mut node);
    assert_eq!((stands(&node), node.inspect().commit), ((RoleName::Leader, 1), Index(1)));
    node
}

/// Returns n1 as a follower of n2 in term 1, with the log 1@1.
fn follower(config: &Config) -> Raft<MemoryStorage> {
    let mut node = node(config, &[N1, N2, N3]);
    let (prev, commit, session) = (EntryId::default(), Index(0), Session::default());
    let entries = vec![Entry::unplaced(Payload::Noop).at(id(1, 1))];
    step(&mut node, N2, 1, Body::AppendEntries { prev, entries, commit, session });
    said(&mut node);
    node
}

const TIMEOUT_NOW: &str = "n1->n2 TimeoutNow t1 last=1@1";

// Asking.

#[test]
fn a_target_with_the_whole_log_is_told_at_once() {
    let mut n1 = leader(&defaults());
    n1.transfer_leader(N2).expect("n2 is a voter");
    assert_eq!(said(&mut n1), [TIMEOUT_NOW]);
    // n2 wins, and n1 follows.
    let request = VoteRequest { transfer: true, ..VoteRequest::new(id(1, 1)) };
    step(&mut n1, N2, 2, Body::RequestVote(request));
    assert_eq!(said(&mut n1), ["n1->n2 VoteReply t2 granted"]);
    assert_eq!(stands(&n1), (RoleName::Follower, 2));
}

#[test]
fn every_refusal_names_the_target_and_changes_nothing() {
    let mut n1 = leader(&defaults());
    let (n9, before) = (NodeId(9), n1.clone());
    assert_eq!(n1.transfer_leader(N1), Err(TransferError::LeadsAlready { target: N1 }));
    assert_eq!(n1.transfer_leader(n9), Err(TransferError::UnknownTarget { target: n9 }));
    let n0 = NodeId(0);
    assert_eq!(n1.transfer_leader(n0), Err(TransferError::UnknownTarget { target: n0 }));
    assert!(n1 == before);
    n1.transfer_leader(N3).expect("n3 is a voter");
    let before = n1.clone();
    assert_eq!(n1.transfer_leader(N3), Err(TransferError::UnderWay { target: N3 }));
    assert!(n1 == before);

    let mut n1 = node(&defaults(), &[N1, N2, N3]);
    assert_eq!(n1.transfer_leader(N2), Err(TransferError::NoLeader));
    n1.campaign().expect("nobody leads");
    assert_eq!(n1.transfer_leader(N2), Err(TransferError::NoLeader), "a candidate knows none");
    let mut n1 = follower(&defaults());
    assert_eq!(n1.transfer_leader(N2), Err(TransferError::LeadsAlready { target: N2 }));

    let text = |why: TransferError| why.to_string();
    assert_eq!(
        text(TransferError::UnknownTarget { target: n9 }),
        "n9 is not a member of the group"
    );
    assert_eq!(text(TransferError::UnderWay { target: N3 }), "a transfer to n3 is under way");
}

#[test]
fn a_learner_cannot_lead() {
    let n4 = NodeId(4);
    let (voters, learners) = ([N1, N2, N3].into(), [n4].into());
    let conf_state = ConfState { voters, learners, ..ConfState::default() };
    let image = Snapshot { id: id(1, 1), conf_state, data: Bytes::new() };
    let storage = || MemoryStorage::with_snapshot(image.clone());
    let mut n1 = Raft::new(&defaults(), storage()).expect("the settings are good");
    n1.campaign().expect("nobody leads");
    said(&mut n1);
    let term = n1.inspect().term.0;
    step(&mut n1, N2, term, Body::vote_reply(true));
    assert_eq!(n1.inspect().role, RoleName::Leader);
    assert_eq!(n1.transfer_leader(n4), Err(TransferError::NotAVoter { target: n4 }));
    let said_no = TransferError::NotAVoter { target: n4 }.to_string();
    assert_eq!(said_no, "n4 is a learner, and cannot lead");
    // And a learner that is told all the same does nothing.
    let mut n4 = Raft::new(&Config::new(n4), storage()).expect("the settings are good");
    let body = Body::TimeoutNow { last: id(1, 1) };
    let message = Message { from: N2, to: NodeId(4), term: Some(Term(2)), body };
    n4.step(message).expect("a correct node sends this");
    assert_eq!(stands(&n4), (RoleName::Follower, 2));
}

#[test]
fn a_follower_asks_its_leader() {
    let mut n1 = follower(&defaults());
    n1.transfer_leader(N3).expect("it knows the leader");
    n1.transfer_leader(N1).expect("it may want to lead itself");
    // The leader judges the target: it knows the members best.
    n1.transfer_leader(NodeId(9)).expect("it knows the leader");
    let asked = [
        "n1->n2 TransferLeader target=n3",
        "n1->n2 TransferLeader target=n1",
        "n1->n2 TransferLeader target=n9",
    ];
    assert_eq!(said(&mut n1), asked);
    // A node that takes n1 for the leader is passed on.
    ask(&mut n1, N3, Body::TransferLeader { target: N3 }).expect("n1 knows the leader");
    assert_eq!(said(&mut n1), ["n1->n2 TransferLeader target=n3"]);
}

#[test]
fn a_leader_takes_the_wish_of_a_follower() {
    let mut n1 = leader(&defaults());
    ask(&mut n1, N3, Body::TransferLeader { target: N2 }).expect("n2 is a voter");
    assert_eq!(said(&mut n1), [TIMEOUT_NOW]);
    let refused = ask(&mut n1, N3, Body::TransferLeader { target: NodeId(9) });
    let why = TransferError::UnknownTarget { target: NodeId(9) };
    assert_eq!(refused, Err(StepError::TransferRefused(why)));
    let nobody = node(&defaults(), &[N1, N2, N3]).step(Message {
        from: N3,
        to: N1,
        term: None,
        body: Body::TransferLeader { target: N2 },
    });
    assert_eq!(nobody, Err(StepError::TransferRefused(TransferError::NoLeader)));
}

// Under way.

#[test]
fn a_leader_takes_no_proposals_while_it_hands_over() {
    let mut n1 = leader(&defaults());
    n1.transfer_leader(N2).expect("n2 is a voter");
    said(&mut n1);
    let before = n1.clone();
    assert_eq!(propose(&mut n1), Err(ProposeError::Transferring { target: N2 }));
    let forwarded = Body::Propose { entries: vec![Entry::unplaced(Payload::Noop)] };
    let why = ProposeError::Transferring { target: N2 };
    assert_eq!(ask(&mut n1, N3, forwarded), Err(StepError::ProposalDropped(why)));
    assert!(n1 == before, "its log has not grown, or the target could never catch up");
}

#[test]
fn a_target_that_is_behind_gets_what_it_lacks_first() {
    for batch_append in [false, true] {
        let mut n1 = leader(&Config { batch_append, ..defaults() });
        propose(&mut n1).expect("n1 leads");
        n1.flush_pending_appends().expect("memory can be read");
        said(&mut n1);
        n1.transfer_leader(N2).expect("n2 is a voter");
        n1.flush_pending_appends().expect("memory can be read");
        let told = |said: &[String]| said.iter().any(|line| line.contains("TimeoutNow"));
        assert!(!told(&said(&mut n1)), "n2 lacks 2@1");
        acknowledge(&mut n1, N2, 1);
        acknowledge(&mut n1, N3, 2);
        n1.flush_pending_appends().expect("memory can be read");
        assert!(!told(&said(&mut n1)), "n3 is not the target");
        acknowledge(&mut n1, N2, 2);
        assert!(said(&mut n1).contains(&"n1->n2 TimeoutNow t1 last=2@1".to_owned()));
        acknowledge(&mut n1, N2, 2);
        assert!(!told(&said(&mut n1)), "once is enough");
    }
}

#[test]
fn a_target_of_which_nothing_is_known_is_asked() {
    let mut n1 = leader(&defaults());
    // n3 was probed once, and has not answered: a heartbeat lets n1 ask again.
    n1.transfer_leader(N3).expect("n3 is a voter");
    assert_eq!(said(&mut n1), [""; 0]);
    echo(&mut n1, N3);
    assert_eq!(said(&mut n1), ["n1->n3 AppendEntries t1 prev=0@0 entries=1 commit=1"]);
    acknowledge(&mut n1, N3, 1);
    assert!(said(&mut n1).contains(&"n1->n3 TimeoutNow t1 last=1@1".to_owned()));
}

// The end.

#[test]
fn a_transfer_ends_after_an_election_timeout() {
    let mut n1 = leader(&defaults());
    n1.journal().listen();
    ticks(&mut n1, 7);
    n1.transfer_leader(N2).expect("n2 is a voter");
    ticks(&mut n1, 9);
    assert_eq!(propose(&mut n1), Err(ProposeError::Transferring { target: N2 }));
    n1.tick();
    assert_eq!(stands(&n1), (RoleName::Leader, 1));
    propose(&mut n1).expect("it goes on to lead");
    let events: Vec<Event> = n1.journal().drain().iter().map(|note| note.event).collect();
    assert!(events.contains(&Event::TransferBegan { target: N2 }));
    assert!(events.contains(&Event::TransferEnded { target: N2 }));
    // The same target may be named again.
    n1.transfer_leader(N2).expect("nothing is under way");
}

#[test]
fn nothing_that_goes_on_meanwhile_prolongs_a_transfer() {
    let mut n1 = leader(&Config { check_quorum: true, ..defaults() });
    n1.transfer_leader(N3).expect("n3 is a voter");
    for _ in 0..9 {
        n1.tick();
        n1.read_index(Bytes::from_static(b"a")).expect("it runs");
        echo(&mut n1, N2);
        acknowledge(&mut n1, N2, 1);
        assert_eq!(propose(&mut n1), Err(ProposeError::Transferring { target: N3 }));
        // Nor does the wish for the transfer that is under way.
        assert_eq!(n1.transfer_leader(N3), Err(TransferError::UnderWay { target: N3 }));
        said(&mut n1);
    }
    n1.tick();
    propose(&mut n1).expect("it goes on to lead");
}

#[test]
fn a_transfer_to_another_node_replaces_the_first_and_has_its_own_time() {
    let mut n1 = leader(&defaults());
    n1.journal().listen();
    n1.transfer_leader(N3).expect("n3 is a voter");
    ticks(&mut n1, 9);
    said(&mut n1);
    n1.transfer_leader(N2).expect("n2 is a voter");
    assert_eq!(said(&mut n1), [TIMEOUT_NOW]);
    let events: Vec<Event> = n1.journal().drain().iter().map(|note| note.event).collect();
    let ended = events.iter().position(|event| *event == Event::TransferEnded { target: N3 });
    let began = events.iter().position(|event| *event == Event::TransferBegan { target: N2 });
    assert!(ended < began && ended.is_some());
    acknowledge(&mut n1, N3, 1);
    assert!(!said(&mut n1).iter().any(|line| line.contains("n3 TimeoutNow")), "n3 was given up");
    ticks(&mut n1, 9);
    assert_eq!(propose(&mut n1), Err(ProposeError::Transferring { target: N2 }));
    n1.tick();
    propose(&mut n1).expect("it goes on to lead");
}

#[test]
fn a_leader_that_is_to_lead_itself_gives_up_the_transfer_under_way() {
    let mut n1 = leader(&defaults());
    n1.transfer_leader(N3).expect("n3 is a voter");
    n1.transfer_leader(N1).expect("a transfer is under way");
    propose(&mut n1).expect("it goes on to lead");
    acknowledge(&mut n1, N3, 2);
    assert!(!said(&mut n1).iter().any(|line| line.contains("TimeoutNow")), "n3 was given up");
}

#[test]
fn a_transfer_ends_with_the_leadership() {
    let mut n1 = leader(&defaults());
    n1.transfer_leader(N2).expect("n2 is a voter");
    step(&mut n1, N3, 2, Body::vote_reply(false));
    said(&mut n1);
    n1.campaign().expect("nobody leads");
    said(&mut n1);
    step(&mut n1, N2, 3, Body::vote_reply(true));
    assert_eq!(stands(&n1), (RoleName::Leader, 3));
    propose(&mut n1).expect("the transfer was of another term");
}

// The target.

#[test]
fn a_node_that_is_told_campaigns_at_once_without_a_pre_vote() {
    for pre_vote in [false, true] {
        let mut n1 = follower(&Config { pre_vote, ..defaults() });
        step(&mut n1, N2, 1, Body::TimeoutNow { last: id(1, 1) });
        assert_eq!(stands(&n1), (RoleName::Candidate, 2));
        let asked =
            ["n1->n2 RequestVote t2 last=1@1 transfer", "n1->n3 RequestVote t2 last=1@1 transfer"];
        assert_eq!(said(&mut n1), asked);
        step(&mut n1, N3, 2, Body::vote_reply(true));
        assert_eq!(stands(&n1), (RoleName::Leader, 2));
    }
}

#[test]
fn the_election_after_a_failed_transfer_is_an_ordinary_one() {
    let mut n1 = follower(&Config { pre_vote: true, ..defaults() });
    n1.pin_election_timeout(Some(10));
    step(&mut n1, N2, 1, Body::TimeoutNow { last: id(1, 1) });
    said(&mut n1);
    ticks(&mut n1, 10);
    assert_eq!(said(&mut n1)[0], "n1->n2 RequestPreVote t3 last=1@1");
}

#[test]
fn nobody_ignores_a_vote_request_that_the_leader_wants() {
    let mut n1 = follower(&Config { check_quorum: true, pre_vote: true, ..defaults() });
    let request = |transfer| VoteRequest { transfer, ..VoteRequest::new(id(1, 1)) };
    step(&mut n1, N3, 2, Body::RequestVote(request(false)));
    assert_eq!(said(&mut n1), [""; 0], "its leader works");
    step(&mut n1, N3, 2, Body::RequestVote(request(true)));
    assert_eq!(said(&mut n1), ["n1->n3 VoteReply t2 granted"]);
    // And the leader itself votes.
    let mut n1 = leader(&Config { check_quorum: true, pre_vote: true, ..defaults() });
    step(&mut n1, N3, 2, Body::RequestVote(request(false)));
    assert_eq!((said(&mut n1), stands(&n1)), (vec![], (RoleName::Leader, 1)));
    step(&mut n1, N3, 2, Body::RequestVote(request(true)));
    assert_eq!(said(&mut n1), ["n1->n3 VoteReply t2 granted"]);
    // A leader's wish is no reason to vote for a log that is behind.
    let mut n1 = follower(&Config { check_quorum: true, ..defaults() });
    let short = VoteRequest { transfer: true, ..VoteRequest::new(EntryId::default()) };
    step(&mut n1, N3, 2, Body::RequestVote(short));
    assert_eq!(said(&mut n1), ["n1->n3 VoteReply t2 refused"]);
}

#[test]
fn a_timeout_now_that_comes_late_does_nothing() {
    let ignored = |node: &mut Raft<MemoryStorage>, from, term, last| {
        let before = stands(node);
        node.journal().listen();
        step(node, from, term, Body::TimeoutNow { last });
        assert_eq!((stands(node), said(node)), (before, vec![]));
        let notes = node.journal().drain();
        let why = notes.iter().find_map(|note| {
            let Event::MessageIgnored { why, .. } = note.event else { return None };
            Some(why)
        });
        why.expect("a message that does nothing is noted")
    };
    // The log has grown since, or an entry was lost, or replaced.
    for last in [id(0, 0), id(2, 1)] {
        let mut n1 = follower(&defaults());
        let other = Ignored::OtherLog { theirs: last, ours: id(1, 1) };
        assert_eq!(ignored(&mut n1, N2, 1, last), other);
    }
    // The term is over.
    let mut n1 = follower(&defaults());
    step(&mut n1, N3, 3, Body::vote_reply(false));
    let over = Ignored::OlderTerm { theirs: Term(1), ours: Term(3) };
    assert_eq!(ignored(&mut n1, N2, 1, id(1, 1)), over);
    // It leads the term itself.
    let mut n1 = leader(&defaults());
    assert_eq!(ignored(&mut n1, N2, 1, id(1, 1)), Ignored::RivalLeader);
}

#[test]
fn a_node_that_is_no_voter_does_not_campaign() {
    // Nobody has added n1 to its group yet.
    let mut n1 = node(&defaults(), &[N2, N3]);
    n1.journal().listen();
    step(&mut n1, N2, 1, Body::TimeoutNow { last: EntryId::default() });
    assert_eq!((stands(&n1), said(&mut n1)), ((RoleName::Follower, 1), vec![]));
    let cannot = Event::MessageIgnored { from: N2, kind: "TimeoutNow", why: Ignored::CannotLead };
    assert!(n1.journal().drain().iter().any(|note| note.event == cannot));
}

#[test]
fn a_candidate_is_told_as_well() {
    let mut n1 = follower(&defaults());
    n1.campaign().expect("it follows n2");
    said(&mut n1);
    // n3 was elected in term 2, and hands over.
    step(&mut n1, N3, 2, Body::TimeoutNow { last: id(1, 1) });
    assert_eq!(stands(&n1), (RoleName::Candidate, 3));
}

// The door of applications.

#[test]
fn a_raw_node_has_both_doors() {
    let storage = MemoryStorage::with_voters([N1, N2]);
    let mut n1 = RawNode::new(&defaults(), storage).expect("the settings are good");
    assert_eq!(n1.transfer_leader(N2), Err(TransferError::NoLeader));
    n1.forget_leader().expect("it follows nobody");
    let last = EntryId::default();
    let message =
        Message { from: N2, to: N1, term: Some(Term(1)), body: Body::TimeoutNow { last } };
    n1.step(message).expect("a leader says so");
    let mut ready = n1.ready().expect("memory can be read");
    assert_eq!(ready.take_messages(), [], "its vote for itself is not durable");
    let promised: Vec<String> =
        ready.take_persisted_messages().iter().map(ToString::to_string).collect();
    assert_eq!(promised, ["n1->n2 RequestVote t2 last=0@0 transfer"]);
}
