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
    let ready = node.ready().expect("memory can be read");
    write(&mut node, &ready);
    node.step(append(1, 2)).expect("the next one, and both are committed");
    let light = node.advance(ready).expect("memory can be read");
    assert_eq!(light.commit_index(), Some(Index(1)), "entry 2 is not written");
    assert_eq!(light.committed_entries().len(), 1);
    node.storage_mut().save_commit(Index(1));

    let again = RawNode::new(&Config::new(N1), node.storage().clone());
    again.expect("what was saved can be started from");
    let ready = node.ready().expect("memory can be read");
    assert_eq!(ready.hard_state().map(|hard_state| hard_state.commit), Some(Index(2)));
    assert_eq!(ready.entries().len(), 1);
}

#[test]
#[should_panic(expected = "Ready 1 is not the last one that waits, Some(ReadyNumber(2))")]
fn a_ready_that_is_not_the_last_is_the_owners_mistake() {
    let mut node = node();
    node.step(append(0, 0)).expect("a leader's entry");
    let first = node.ready().expect("memory can be read");
    node.step(append(1, 0)).expect("a leader's entry");
    let _second = node.ready().expect("memory can be read");
    node.advance_append_async(first).expect("memory can be read");
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
    let ready = node.ready().expect("memory can be read");
    assert_eq!(promises(&ready), ["n1->n2 AppendReply t1 matched=3"]);
    // A late copy of an earlier append: its answer says less, and must not hide the one of more.
    node.step(append(3, 0)).expect("a leader's entry");
    node.step(append(1, 0)).expect("an entry that came before");
    let ready = node.ready().expect("memory can be read");
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
    assert_eq!(promises(&node.ready().expect("memory can be read")), [one, two]);
}

#[test]
fn acknowledgements_of_different_terms_do_not_give_way_to_one_another() {
    let mut node = node();
    node.step(append(0, 0)).expect("a leader's entry");
    node.step(Message { term: Some(Term(2)), ..append(1, 0) }).expect("the next term's leader");
    let (one, two) = ("n1->n2 AppendReply t1 matched=1", "n1->n2 AppendReply t2 matched=2");
    assert_eq!(promises(&node.ready().expect("memory can be read")), [one, two]);
}

#[test]
fn appends_that_wait_to_be_built_leave_through_either_door() {
    let config = Config { batch_append: true, ..Config::new(N1) };
    let storage = MemoryStorage::with_voters([N1, N2, NodeId(3)]);
    let mut bare = Raft::new(&config, storage.clone()).expect("settings that work");
    let mut raw = RawNode::new(&config, storage).expect("settings that work");
    let vote = |term| {
        let body = Body::vote_reply(true);
        Message { from: N2, to: N1, term: Some(Term(term)), body }
    };
    let appends = |messages: &[Message]| {
        messages.iter().filter(|m| matches!(m.body, Body::AppendEntries { .. })).count()
    };
    bare.campaign().expect("a voter");
    let own = bare.take_outbox().own;
    bare.step_own(own).expect("memory can be read");
    bare.step(vote(1)).expect("an answer");
    bare.flush_pending_appends().expect("memory can be read");
    assert_eq!(appends(&bare.take_outbox().now), 2);

    raw.campaign().expect("a voter");
    let ready = raw.ready().expect("memory can be read");
    write(&mut raw, &ready);
    drop(raw.advance(ready).expect("memory can be read"));
    raw.step(vote(1)).expect("an answer");
    assert!(raw.has_ready());
    assert_eq!(appends(raw.ready().expect("memory can be read").messages()), 2);
}

/// Returns a leader of a group of one, with these settings and what it has committed applied.
fn alone(config: Config) -> RawNode<MemoryStorage> {
    let mut node =
        RawNode::new(&config, MemoryStorage::with_voters([N1])).expect("settings that work");
    node.campaign().expect("a voter");
    drive(&mut node);
    node
}

/// Does what an owner does, until nothing is ready. Returns the commands that were applied, and in how
/// many portions.
fn drive(node: &mut RawNode<MemoryStorage>) -> (usize, usize) {
    let (mut commands, mut portions) = (0, 0);
    let mut apply = |entries: Vec<Entry>| {
        portions += usize::from(!entries.is_empty());
        commands += entries.iter().filter(|e| matches!(e.payload(), Payload::Normal(_))).count();
    };
    for _ in 0..100 {
        if !node.has_ready() {
            return (commands, portions);
        }
        let mut ready = node.ready().expect("memory can be read");
        write(node, &ready);
        apply(ready.take_committed_entries());
        let mut light = node.advance(ready).expect("memory can be read");
        apply(light.take_committed_entries());
        node.advance_apply().expect("memory can be read");
    }
    panic!("100 Readys, and no end");
}

fn propose(node: &mut RawNode<MemoryStorage>, context: &'static [u8], data: &'static [u8]) {
    let proposed = node.propose(Bytes::from_static(context), Bytes::from_static(data));
    proposed.expect("it leads");
}

#[test]
fn settings_at_their_extremes_are_refused_or_work() {
    let good = Config::new(N1);
    let extremes = [
        Config { max_applying_bytes: Some(0), ..good.clone() },
        Config { max_applying_bytes: Some(1), ..good.clone() },
        Config { max_applying_bytes: Some(u64::MAX), ..good.clone() },
        Config { apply_gate: ApplyGate::Ahead(0), ..good.clone() },
        Config { apply_gate: ApplyGate::Ahead(u64::MAX), ..good.clone() },
        Config { apply_gate: ApplyGate::WithReady, ..good.clone() },
        Config { max_append_bytes: Some(0), max_inflight_bytes: Some(1), ..good.clone() },
        Config { max_append_bytes: None, max_inflight_bytes: Some(u64::MAX), ..good.clone() },
        Config { max_inflight_messages: 1, ..good.clone() },
        Config { max_inflight_messages: usize::MAX, ..good.clone() },
        Config { max_uncommitted_bytes: Some(0), ..good.clone() },
        Config { election_ticks: Config::ELECTION_TICKS_MAX, ..good.clone() },
        Config { heartbeat_ticks: Config::ELECTION_TICKS_MAX - 1, election_ticks: 1 << 32, ..good },
    ];
    for config in extremes {
        let mut node = alone(config.clone());
        for _ in 0..3 {
            propose(&mut node, b"", b"x");
            assert_eq!(drive(&mut node).0, 1, "{config:?}");
        }
    }
}

#[test]
fn a_limit_of_no_bytes_applies_one_entry_at_a_time() {
    let mut node = alone(Config { max_applying_bytes: Some(0), ..Config::new(N1) });
    (0..5).for_each(|_| propose(&mut node, b"", b"x"));
    assert_eq!(drive(&mut node), (5, 5));
}

#[test]
fn an_application_far_ahead_of_its_log_is_refused() {
    let apply_gate = ApplyGate::Ahead(3);
    let start = |applied| {
        let config = Config { apply_gate, applied: Index(applied), ..Config::new(N1) };
        RawNode::new(&config, MemoryStorage::with_voters([N1])).map(drop)
    };
    start(3).expect("the setting allows three entries");
    let why = start(4).expect_err("but not four").to_string();
    assert!(why.contains("has applied 4, but the log ends at 0"), "{why}");
    let why = start(u64::MAX).expect_err("no log is that long").to_string();
    assert!(why.contains("applied is 18446744073709551615"), "{why}");
}

#[test]
fn committed_entries_after_the_last_index_there_is_are_none() {
    let mut node = Raft::new(&Config::new(N1), MemoryStorage::with_voters([N1])).expect("alone");
    for (after, up_to) in [(u64::MAX, u64::MAX), (u64::MAX, 0), (0, u64::MAX)] {
        let read = node.committed_entries(Index(after), Index(up_to), u64::MAX);
        assert_eq!(read, Ok(Vec::new()));
    }
}

/// What other leaders took in earlier terms is in no limit of this one: to apply it frees nothing.
#[test]
fn applying_entries_of_earlier_terms_frees_no_bytes_of_this_one() {
    let max = 10;
    let config = Config { max_uncommitted_bytes: Some(max), ..Config::new(N1) };
    let mut storage = MemoryStorage::with_voters([N1]);
    let entry = |index| {
        let id = EntryId { term: Term(1), index: Index(index) };
        Entry::unplaced(Payload::Normal(Bytes::from_static(b"12345678"))).at(id)
    };
    storage.append(vec![entry(1), entry(2)]);
    storage.save(HardState { term: Term(1), vote: None, commit: Index(2) });
    let mut node = RawNode::new(&config, storage).expect("it can start");
    node.campaign().expect("a voter");
    // The Ready holds the entries of term 1 to apply, and this node's own vote.
    let ready = node.ready().expect("memory can be read");
    assert_eq!(ready.committed_entries().len(), 2);
    write(&mut node, &ready);
    let number = ready.number();
    node.advance_append_async(ready).expect("memory can be read");
    node.on_persist_ready(number).expect("in order");
    propose(&mut node, b"", b"12345678");
    node.advance_apply_to(Index(2)).expect("they were handed out");
    let refused = node.propose(Bytes::new(), Bytes::from_static(b"123"));
    assert_eq!(refused, Err(ProposeError::TooMuchUncommitted { waiting: 8, bytes: 3, max }));
}

#[test]
fn a_context_counts_as_much_as_the_command() {
    let config = Config { max_uncommitted_bytes: Some(10), ..Config::new(N1) };
    let mut node = alone(config);
    propose(&mut node, b"12345", b"123");
    let refused = node.propose(Bytes::from_static(b"123"), Bytes::new());
    assert_eq!(refused, Err(ProposeError::TooMuchUncommitted { waiting: 8, bytes: 3, max: 10 }));
    drive(&mut node);
    propose(&mut node, b"123", b"");
}

/// A commit index that is saved before the snapshot behind it is installed would be beyond the log: the node
/// could not start again.
#[test]
fn a_light_ready_does_not_commit_what_a_snapshot_has_not_installed_yet() {
    let storage = MemoryStorage::with_voters([1, 2, 3].map(NodeId));
    let mut node = RawNode::new(&Config::new(NodeId(1)), storage).expect("the settings are good");
    let from_n2 = |body| Message { from: NodeId(2), to: NodeId(1), term: Some(Term(1)), body };
    let (commit, token, session) = (Index(0), None, Session::default());
    node.step(from_n2(Body::Heartbeat { commit, token, session })).expect("it leads");
    let ready = node.ready().expect("memory can be read");
    let conf_state = ConfState { voters: [1, 2, 3].map(NodeId).into(), ..ConfState::default() };
    let id = EntryId { index: Index(7), term: Term(1) };
    let snapshot = Box::new(Snapshot { id, conf_state, data: Bytes::new() });
    node.step(from_n2(Body::InstallSnapshot { snapshot, session })).expect("it leads");
    let light = node.advance(ready).expect("memory can be read");
    assert_eq!(light.commit_index(), None, "storage holds nothing of it yet");
    let mut ready = node.ready().expect("memory can be read");
    assert_eq!(ready.hard_state().map(|hard| hard.commit), Some(Index(7)), "with the snapshot");
    node.storage_mut().install_snapshot(ready.take_snapshot().expect("it comes now"));
    let _ = node.advance(ready).expect("memory can be read");
    assert_eq!((node.status().applied, node.status().commit), (Index(7), Index(7)));
}

/// A node that keeps what its disk has runs out of memory, after days. Whether it does is seen from outside: the
/// bytes of a command belong to its client alone again, once the log is compacted.
#[test]
fn a_node_keeps_no_command_that_is_durable_applied_and_compacted() {
    let mut node = alone(Config::new(N1));
    let commands: Vec<Bytes> =
        (0..10_u8).map(|number| Bytes::copy_from_slice(&[number; 100])).collect();
    let kept = || commands.iter().filter(|command| !command.is_unique()).count();
    for command in &commands[..9] {
        node.propose(Bytes::new(), command.clone()).expect("it leads");
    }
    drive(&mut node);
    assert_eq!(kept(), 9, "storage has them");
    let last = node.status().applied;
    node.storage_mut().compact(last);
    assert_eq!(kept(), 0, "nobody else has");
    node.propose(Bytes::new(), commands[9].clone()).expect("it leads");
    let mut ready = node.ready().expect("memory can be read");
    write(&mut node, &ready);
    drop(ready.take_committed_entries());
    assert_eq!(kept(), 1, "an entry that is being written is read from the node's memory");
    drop(node.advance(ready).expect("memory can be read"));
    drive(&mut node);
    node.storage_mut().compact(last + 1);
    assert_eq!(kept(), 0);
}
