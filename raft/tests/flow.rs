//! Flow control: how much a leader has in flight to one peer. A window of appends opens as the peer
//! answers, and never at once; an append is no longer than its limit.
//!
//! ```text
//!   n1 proposes a b c d, window of 2      a -->  b -->   c, d wait
//!   n2 acknowledges a                     c -->          d waits
//!   n2 answers a heartbeat                               d still waits
//! ```

use bytes::Bytes;
use raft::*;

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const N3: NodeId = NodeId(3);

/// Returns the leader of term 1, to whom n2 has acknowledged the first entry of the term. n3 never
/// answers.
fn leader(config: Config) -> RawNode<MemoryStorage> {
    let storage = MemoryStorage::with_voters([N1, N2, N3]);
    let mut node = RawNode::new(&config, storage).expect("the settings are good");
    node.campaign().expect("nobody leads");
    appends_to_n2(&mut node);
    step(&mut node, Body::vote_reply(true));
    appends_to_n2(&mut node);
    acknowledge(&mut node, 1);
    appends_to_n2(&mut node);
    node
}

fn step(node: &mut RawNode<MemoryStorage>, body: Body) {
    let m = Message { from: N2, to: N1, term: Some(Term(1)), body };
    node.step(m).expect("a correct node sends this");
}

fn acknowledge(node: &mut RawNode<MemoryStorage>, index: u64) {
    let (outcome, session) = (AppendOutcome::Matched(Index(index)), Some(Session::default()));
    step(node, Body::AppendReply { outcome, session });
}

/// Proposes commands of this many bytes, one by one.
fn propose(node: &mut RawNode<MemoryStorage>, count: usize, len: usize) {
    for _ in 0..count {
        node.propose(Bytes::new(), Bytes::from(vec![b'x'; len])).expect("it leads");
    }
}

/// Saves and applies all that waits. Returns the appends with entries that left for n2: the indexes of
/// each.
fn appends_to_n2(node: &mut RawNode<MemoryStorage>) -> Vec<Vec<u64>> {
    all_appends_to_n2(node).into_iter().filter(|indexes| !indexes.is_empty()).collect()
}

/// The same, with the appends that have no entries.
fn all_appends_to_n2(node: &mut RawNode<MemoryStorage>) -> Vec<Vec<u64>> {
    let mut sent = Vec::new();
    while node.has_ready() {
        let mut ready = node.ready().expect("memory can be read");
        node.storage_mut().append(ready.entries());
        if let Some(hard_state) = ready.hard_state() {
            node.storage_mut().save(hard_state);
        }
        sent.extend(ready.take_messages());
        sent.extend(ready.take_persisted_messages());
        let mut light = node.advance(ready).expect("memory can be read");
        sent.extend(light.take_messages());
        node.advance_apply().expect("memory can be read");
    }
    let entries = sent.into_iter().filter(|m| m.to == N2).filter_map(|m| {
        let Body::AppendEntries { entries, .. } = m.body else { return None };
        Some(entries)
    });
    entries.map(|entries| entries.iter().map(|entry| entry.id.index.0).collect()).collect()
}

#[test]
fn an_acknowledgement_frees_what_it_covers_and_no_more() {
    let one_each = Some(1); // an append always has one entry, however long
    let limits = Config { max_inflight_messages: 2, max_append_bytes: one_each, ..Config::new(N1) };
    let mut node = leader(limits);
    propose(&mut node, 5, 1);
    assert_eq!(appends_to_n2(&mut node), [[2], [3]], "two may be in flight");
    acknowledge(&mut node, 2);
    assert_eq!(appends_to_n2(&mut node), [[4]], "one place was freed");
    acknowledge(&mut node, 2);
    assert!(appends_to_n2(&mut node).is_empty(), "the same answer again frees nothing");
}

#[test]
fn a_heartbeats_answer_opens_no_window() {
    let mut node = leader(Config { max_inflight_messages: 2, ..Config::new(N1) });
    propose(&mut node, 5, 1);
    assert_eq!(appends_to_n2(&mut node), [[2], [3]], "two may be in flight");
    for _ in 0..3 {
        step(&mut node, Body::HeartbeatReply { token: None, session: Session::default() });
        let more = appends_to_n2(&mut node);
        assert!(more.is_empty(), "n2 is alive, and nothing in flight is acknowledged: {more:?}");
    }
}

#[test]
fn a_full_window_is_no_reason_to_send_appends_without_entries() {
    let mut node = leader(Config { max_inflight_messages: 2, ..Config::new(N1) });
    propose(&mut node, 2, 1);
    assert_eq!(all_appends_to_n2(&mut node), [[2], [3]], "two may be in flight");
    propose(&mut node, 5, 1);
    let more = all_appends_to_n2(&mut node);
    assert!(more.len() <= 1, "n2 is asked once, not at every proposal: {more:?}");
}

#[test]
fn bytes_in_flight_are_limited_as_messages_are() {
    let limits =
        Config { max_inflight_bytes: Some(200), max_append_bytes: Some(100), ..Config::new(N1) };
    let mut node = leader(limits);
    propose(&mut node, 9, 60);
    let sent = appends_to_n2(&mut node).len();
    assert!((2..=4).contains(&sent), "the append that crosses the limit is the last: {sent}");
    acknowledge(&mut node, 2);
    assert!(!appends_to_n2(&mut node).is_empty(), "an acknowledgement frees bytes");
}

#[test]
fn an_append_is_no_longer_than_its_limit() {
    let entry_bytes = {
        let mut node = leader(Config::new(N1));
        propose(&mut node, 1, 100);
        let ready = node.ready().expect("memory can be read");
        ready.entries()[0].size_bytes()
    };
    for per_append in 1..=3 {
        let limit = Some(entry_bytes * per_append + entry_bytes / 2);
        let config =
            Config { max_append_bytes: limit, max_inflight_messages: 1, ..Config::new(N1) };
        let mut node = leader(config);
        propose(&mut node, 10, 100);
        let first = appends_to_n2(&mut node);
        assert_eq!(first, [[2]], "one append at a time");
        acknowledge(&mut node, 2);
        let next = appends_to_n2(&mut node);
        assert_eq!(next.len(), 1, "one append at a time: {next:?}");
        assert_eq!(
            next[0].len() as u64,
            per_append,
            "as many entries as the limit holds: {next:?}"
        );
    }
}

#[test]
fn a_window_that_shrinks_keeps_what_is_in_flight_and_one_that_grows_is_filled_at_once() {
    let one_each = Some(1);
    let limits = Config { max_inflight_messages: 4, max_append_bytes: one_each, ..Config::new(N1) };
    let mut node = leader(limits);
    propose(&mut node, 12, 1);
    assert_eq!(appends_to_n2(&mut node), [[2], [3], [4], [5]]);
    node.adjust_max_inflight_messages(N2, 2).expect("it runs");
    acknowledge(&mut node, 3);
    assert_eq!(appends_to_n2(&mut node), [[0; 0]; 0], "two are in flight: the window is full");
    acknowledge(&mut node, 4);
    assert_eq!(appends_to_n2(&mut node), [[6]], "one place is free");
    node.adjust_max_inflight_messages(N2, 5).expect("it runs");
    assert_eq!(appends_to_n2(&mut node), [[7], [8], [9]], "three places more");
    // 0: no entries at all, as soon as something is in flight.
    node.adjust_max_inflight_messages(N2, 0).expect("it runs");
    acknowledge(&mut node, 8);
    assert_eq!(appends_to_n2(&mut node), [[0; 0]; 0]);
    acknowledge(&mut node, 9);
    assert_eq!(appends_to_n2(&mut node), [[0; 0]; 0], "an empty window of none is full, too");
    node.adjust_max_inflight_messages(N2, 1).expect("it runs");
    assert_eq!(appends_to_n2(&mut node), [[10]]);
    // Nobody is hurt by a window for a stranger, or for the leader itself.
    node.adjust_max_inflight_messages(NodeId(9), 1).expect("it runs");
    node.adjust_max_inflight_messages(N1, 1).expect("it runs");
}

#[test]
fn a_commit_index_waits_for_the_next_message_if_the_settings_say_so() {
    for (config, told) in
        [(Config::new(N1), true), (Config { skip_bcast_commit: true, ..Config::new(N1) }, false)]
    {
        let mut node = leader(config);
        propose(&mut node, 1, 1);
        assert_eq!(all_appends_to_n2(&mut node), [[2]]);
        acknowledge(&mut node, 2);
        let empty: Vec<Vec<u64>> = if told { vec![vec![]] } else { vec![] };
        assert_eq!(all_appends_to_n2(&mut node), empty, "told at once: {told}");
        assert_eq!(node.status().commit, Index(2), "it is committed all the same");
    }
}

#[test]
fn a_change_of_the_group_is_told_at_once_whatever_the_settings_say() {
    let mut node = leader(Config { skip_bcast_commit: true, ..Config::new(N1) });
    let change = ConfChange { kind: ChangeKind::AddLearner, node: NodeId(4) };
    node.propose_conf_change(Bytes::new(), change).expect("no other is on its way");
    assert_eq!(all_appends_to_n2(&mut node), [[2]]);
    acknowledge(&mut node, 2);
    assert_eq!(all_appends_to_n2(&mut node), [[0; 0]], "n2 must apply it soon, too");
}

/// A peer of whose log nothing is known gets one append: what it lacks beyond it would be thrown away, if the two
/// logs do not agree.
#[test]
fn a_probe_is_one_append_until_the_peer_answers() {
    let mut node = leader(Config::new(N1));
    node.report_unreachable(N2);
    propose(&mut node, 5, 1);
    assert_eq!(all_appends_to_n2(&mut node), [[2]], "one, and not at every proposal");
    step(&mut node, Body::HeartbeatReply { token: None, session: Session::default() });
    assert_eq!(all_appends_to_n2(&mut node), [[2, 3, 4, 5, 6]], "the first may be lost: one more");
    acknowledge(&mut node, 6);
    appends_to_n2(&mut node);
    propose(&mut node, 2, 1);
    assert_eq!(appends_to_n2(&mut node), [[7], [8]], "now the leader knows where n2's log ends");
}

/// Both appends in flight are lost, so no acknowledgement frees their places. An append without entries asks:
/// n2 refuses it, and the window begins again.
#[test]
fn a_full_window_that_is_lost_is_asked_about_and_sent_again() {
    let mut node = leader(Config { max_inflight_messages: 2, ..Config::new(N1) });
    propose(&mut node, 2, 1);
    assert_eq!(all_appends_to_n2(&mut node), [[2], [3]], "two may be in flight");
    step(&mut node, Body::HeartbeatReply { token: None, session: Session::default() });
    assert_eq!(all_appends_to_n2(&mut node), [[0; 0]], "is 3@1 there?");
    let (prev, hint, hint_term) = (Index(3), Index(1), Some(Term(1)));
    let outcome = AppendOutcome::Rejected { prev, hint, hint_term };
    step(&mut node, Body::AppendReply { outcome, session: Some(Session::default()) });
    assert_eq!(all_appends_to_n2(&mut node), [[2, 3]], "no");
}

/// The limit bounds what waits, not one command: else a command that is longer could never be proposed.
#[test]
fn what_waits_is_limited_and_a_command_longer_than_the_limit_is_taken_alone() {
    let max = 100;
    let mut node = leader(Config { max_uncommitted_bytes: Some(max), ..Config::new(N1) });
    propose(&mut node, 1, 150);
    let mut refused = || node.propose(Bytes::new(), Bytes::from_static(b"x"));
    let why = ProposeError::TooMuchUncommitted { waiting: 150, bytes: 1, max };
    assert_eq!(refused(), Err(why.clone()), "n2 and n3 may be away for long");
    assert_eq!(refused(), Err(why), "a refusal counts nothing");
    appends_to_n2(&mut node);
    acknowledge(&mut node, 2);
    appends_to_n2(&mut node);
    propose(&mut node, 1, 150);
}
