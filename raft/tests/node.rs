//! What an owner can do to a node at odd moments: between a Ready and the word that it is durable, or
//! with the wrong Ready in its hand.

use bytes::Bytes;
use raft::*;

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);

/// Returns a follower in a group of three.
fn node() -> RawNode<MemoryStorage> {
    let storage = MemoryStorage::with_voters([N1, N2, NodeId(3)]);
    RawNode::new(&Config::new(N1), storage).expect("the usual settings")
}

/// n2, leader of term 1, sends one entry behind `prev`, and says how far the log is committed.
fn append(prev: u64, commit: u64) -> Message {
    let id = |index| EntryId { term: Term(u64::from(index > 0)), index: Index(index) };
    let payload = Payload::Normal(Bytes::from_static(b"x"));
    let entries = vec![Entry::unplaced(payload).at(id(prev + 1))];
    let (prev, commit, session) = (id(prev), Index(commit), Session::default());
    let body = Body::AppendEntries { prev, entries, commit, session };
    Message { from: N2, to: N1, term: Some(Term(1)), body }
}

/// Writes what a Ready holds.
fn write(node: &mut RawNode<MemoryStorage>, ready: &Ready) {
    node.storage_mut().append(ready.entries());
    if let Some(hard_state) = ready.hard_state() {
        node.storage_mut().save(hard_state);
    }
}

#[test]
fn the_commit_index_of_a_light_ready_is_one_that_storage_answers_for() {
    let mut node = node();
    node.step(append(0, 0)).expect("a leader's entry");
    let ready = node.ready();
    write(&mut node, &ready);
    node.step(append(1, 2)).expect("the next one, and both are committed");
    let light = node.advance(ready);
    assert_eq!(light.commit_index(), Some(Index(1)), "entry 2 is not written");
    assert_eq!(light.committed_entries().len(), 1);
    node.storage_mut().save_commit(Index(1));

    let again = RawNode::new(&Config::new(N1), node.storage().clone());
    again.expect("what was saved can be started from");
    let ready = node.ready();
    assert_eq!(ready.hard_state().map(|hard_state| hard_state.commit), Some(Index(2)));
    assert_eq!(ready.entries().len(), 1);
}

#[test]
#[should_panic(expected = "Ready 1 is not the last one that waits, Some(ReadyNumber(2))")]
fn a_ready_that_is_not_the_last_is_the_owners_mistake() {
    let mut node = node();
    node.step(append(0, 0)).expect("a leader's entry");
    let first = node.ready();
    node.step(append(1, 0)).expect("a leader's entry");
    let _second = node.ready();
    node.advance_append_async(first);
}

/// Returns what a Ready promises others, as text.
fn promises(ready: &Ready) -> Vec<String> {
    ready.persisted_messages().iter().map(Message::to_string).collect()
}

#[test]
fn an_acknowledgement_that_has_not_left_gives_way_to_one_of_more() {
    let mut node = node();
    for prev in 0..3 {
        node.step(append(prev, 0)).expect("a leader's entry");
    }
    let ready = node.ready();
    assert_eq!(promises(&ready), ["n1->n2 AppendReply t1 matched=3"]);
    // A late copy of an earlier append: its answer says less, and must not hide the one of more.
    node.step(append(3, 0)).expect("a leader's entry");
    node.step(append(1, 0)).expect("an entry that came before");
    let ready = node.ready();
    let less = "n1->n2 AppendReply t1 matched=2";
    assert_eq!(promises(&ready), ["n1->n2 AppendReply t1 matched=4", less]);
}

#[test]
fn under_etcds_settings_every_append_is_acknowledged() {
    let storage = MemoryStorage::with_voters([N1, N2, NodeId(3)]);
    let mut node = RawNode::new(&Config::etcd(N1), storage).expect("etcd's settings");
    node.step(append(0, 0)).expect("a leader's entry");
    node.step(append(1, 0)).expect("a leader's entry");
    let (one, two) = ("n1->n2 AppendReply t1 matched=1", "n1->n2 AppendReply t1 matched=2");
    assert_eq!(promises(&node.ready()), [one, two]);
}

#[test]
fn acknowledgements_of_different_terms_do_not_give_way_to_one_another() {
    let mut node = node();
    node.step(append(0, 0)).expect("a leader's entry");
    node.step(Message { term: Some(Term(2)), ..append(1, 0) }).expect("the next term's leader");
    let (one, two) = ("n1->n2 AppendReply t1 matched=1", "n1->n2 AppendReply t2 matched=2");
    assert_eq!(promises(&node.ready()), [one, two]);
}

#[test]
fn appends_that_are_owed_leave_through_either_door() {
    let config = Config { batch_append: true, ..Config::new(N1) };
    let storage = MemoryStorage::with_voters([N1, N2, NodeId(3)]);
    let mut bare = Raft::new(&config, storage.clone()).expect("settings that work");
    let mut raw = RawNode::new(&config, storage).expect("settings that work");
    let vote = |term| {
        let body = Body::VoteReply { granted: true };
        Message { from: N2, to: N1, term: Some(Term(term)), body }
    };
    let appends = |messages: &[Message]| {
        messages.iter().filter(|m| matches!(m.body, Body::AppendEntries { .. })).count()
    };
    bare.campaign().expect("a voter");
    let own = bare.take_outbox().own;
    bare.keep_promises(own);
    bare.step(vote(1)).expect("an answer");
    assert_eq!(appends(&bare.take_outbox().now), 2);

    raw.campaign().expect("a voter");
    let ready = raw.ready();
    write(&mut raw, &ready);
    drop(raw.advance(ready));
    raw.step(vote(1)).expect("an answer");
    assert!(raw.has_ready());
    assert_eq!(appends(raw.ready().messages()), 2);
}
