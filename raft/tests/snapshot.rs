//! Snapshots: when a leader sends one, what ends the wait for it, and what a follower does with it (§7).
//!
//! ```text
//!   n1 leads, and the test plays n2, n3 and the network
//!   n1's log   [ snapshot 7@1 ] 8@1 9@2        n2 holds 1 .. 3: entry 4 is compacted
//! ```

#[path = "kit/names.rs"]
mod names; // n1, n2, n3, and ids of entries

use bytes::Bytes;
use names::{N1, N2, N3, id};
use raft::*;

fn entry(index: u64, term: u64) -> Entry {
    Entry::unplaced(Payload::Normal(Bytes::from_static(b"x"))).at(id(index, term))
}

fn members(voters: impl IntoIterator<Item = u64>) -> ConfState {
    ConfState { voters: voters.into_iter().map(NodeId).collect(), ..ConfState::default() }
}

fn image(index: u64, term: u64, conf_state: ConfState) -> Snapshot {
    Snapshot { id: id(index, term), conf_state, data: Bytes::from_static(b"state") }
}

fn message(from: NodeId, term: u64, body: Body) -> Message {
    Message { from, to: N1, term: Some(Term(term)), body }
}

fn step<S: Storage>(node: &mut Raft<S>, from: NodeId, term: u64, body: Body) {
    node.step(message(from, term, body)).expect("a correct node sends this");
}

/// Takes what leaves a node whose disk is instant.
fn take<S: Storage>(node: &mut Raft<S>) -> Vec<String> {
    let mut messages = Vec::new();
    loop {
        let Outbox { now, promised, own, snapshot, .. } = node.take_outbox();
        assert_eq!(snapshot, None, "a leader installs nothing");
        if now.is_empty() && promised.is_empty() && own.is_empty() {
            return messages;
        }
        messages.extend(now.iter().chain(&promised).map(Message::to_string));
        node.step_own(own).expect("memory can be read");
    }
}

/// Returns what leaves a node for n2.
fn to_n2<S: Storage>(node: &mut Raft<S>) -> Vec<String> {
    take(node).into_iter().filter(|text| text.starts_with("n1->n2")).collect()
}

fn events<S: Storage>(node: &mut Raft<S>) -> Vec<Event> {
    node.journal().drain().iter().map(|note| note.event).collect()
}

// Send.

/// n1's storage: a snapshot up to 7@1, and entry 8@1 after it.
fn compacted() -> MemoryStorage {
    let mut storage = MemoryStorage::with_snapshot(image(7, 1, members(1..=3)));
    storage.append(vec![entry(8, 1)]);
    storage.save(HardState { term: Term(1), vote: None, commit: Index(8) });
    storage
}

/// Returns n1, leader of term 2, whose log is 8@1 9@2 after a snapshot. It has sent its first append.
fn leader_with<S: Storage>(config: &Config, storage: S) -> Raft<S> {
    let mut node = Raft::new(config, storage).expect("it can start");
    node.journal().listen();
    node.campaign().expect("a voter");
    take(&mut node);
    step(&mut node, N3, 2, Body::vote_reply(true));
    assert_eq!(node.inspect().role, RoleName::Leader);
    take(&mut node);
    node
}

fn leader(config: &Config) -> Raft<MemoryStorage> {
    leader_with(config, compacted())
}

fn defaults() -> Config {
    Config::new(N1)
}

/// n2's log ends at `last`: it refuses what follows `prev`.
fn reject<S: Storage>(node: &mut Raft<S>, prev: u64, last: u64) {
    let hint_term = Some(Term(u64::from(last > 0)));
    let outcome = AppendOutcome::Rejected { prev: Index(prev), hint: Index(last), hint_term };
    answer(node, outcome);
}

fn acknowledge<S: Storage>(node: &mut Raft<S>, index: u64) {
    answer(node, AppendOutcome::Matched(Index(index)));
}

fn answer<S: Storage>(node: &mut Raft<S>, outcome: AppendOutcome) {
    let session = node.progress().find(|(id, _)| *id == N2).expect("a member").1.session();
    let term = node.inspect().term.0;
    step(node, N2, term, Body::AppendReply { outcome, session: Some(session) });
}

fn echo<S: Storage>(node: &mut Raft<S>) {
    let (token, term) = (None, node.inspect().term.0);
    step(node, N2, term, Body::HeartbeatReply { token, session: Session::default() });
}

fn n2_is(node: &Raft<impl Storage>) -> (ProgressState, Index) {
    let (_, n2) = node.progress().find(|(id, _)| *id == N2).expect("a member");
    (n2.state().clone(), n2.next())
}

fn waiting(pending: u64) -> ProgressState {
    ProgressState::Snapshot { pending: Index(pending) }
}

const IMAGE: &str = "n1->n2 InstallSnapshot t2 last=7@1";

#[test]
fn a_peer_that_lacks_compacted_entries_gets_a_snapshot() {
    let mut n1 = leader(&defaults());
    reject(&mut n1, 8, 3);
    assert_eq!(to_n2(&mut n1), [IMAGE]);
    assert_eq!(n2_is(&n1), (waiting(7), Index(8)));
    assert!(events(&mut n1).contains(&Event::SnapshotSent { peer: N2, last: id(7, 1) }));
}

/// The last entry that a snapshot covers is compacted, but its id is kept: an append may begin right after it.
///
/// ```text
///   n1   [ snapshot 7@1 ] 8@1 9@2
///   n2   1 .. 7                        lacks 8 and 9, and both are there
/// ```
#[test]
fn a_peer_that_holds_all_that_a_snapshot_covers_gets_entries_and_no_snapshot() {
    let mut n1 = leader(&defaults());
    reject(&mut n1, 8, 7);
    assert_eq!(to_n2(&mut n1), ["n1->n2 AppendEntries t2 prev=7@1 entries=2 commit=8"]);
}

/// It may be down, and snapshots are large. Check-quorum tells who has answered lately.
#[test]
fn a_peer_that_has_not_answered_lately_gets_none() {
    let mut n1 = leader(&Config { check_quorum: true, ..defaults() });
    acknowledge(&mut n1, 9);
    for _ in 0..10 {
        n1.tick();
        let (token, session) = (None, Session::default());
        step(&mut n1, N3, 2, Body::HeartbeatReply { token, session });
    }
    n1.propose(Bytes::new(), Bytes::from_static(b"y")).expect("it leads");
    take(&mut n1);
    n1.storage_mut().append(vec![entry(9, 2), entry(10, 2)]);
    n1.stable_to(id(10, 2));
    n1.storage_mut().create_snapshot(Index(10), members(1..=3), Bytes::new());
    n1.storage_mut().compact(Index(10));
    n1.report_unreachable(N2);
    events(&mut n1);
    n1.on_entries_fetched(N2).expect("memory can be read");
    assert_eq!(to_n2(&mut n1), Vec::<String>::new());
    assert!(events(&mut n1).contains(&Event::EntriesCompacted { peer: N2, index: Index(10) }));
    echo(&mut n1);
    assert_eq!(to_n2(&mut n1), ["n1->n2 InstallSnapshot t2 last=10@2"], "now it has answered");
}

#[test]
fn a_snapshot_that_is_pending_is_asked_for_again_at_the_next_heartbeat_answer() {
    let mut storage = MemoryStorage::with_voters([N1, N2, N3]);
    storage.append((1..=8).map(|index| entry(index, 1)).collect::<Vec<_>>());
    storage.save(HardState { term: Term(1), vote: None, commit: Index(8) });
    storage.compact(Index(7));
    let mut n1 = leader_with(&defaults(), storage);
    reject(&mut n1, 8, 3);
    assert_eq!(to_n2(&mut n1), Vec::<String>::new());
    assert!(events(&mut n1).contains(&Event::SnapshotPending { peer: N2 }));
    assert_eq!(n2_is(&n1).0, ProgressState::Probe, "it waits for nothing");
    n1.storage_mut().create_snapshot(Index(8), members(1..=3), Bytes::new());
    assert_eq!(to_n2(&mut n1), Vec::<String>::new());
    echo(&mut n1);
    assert_eq!(to_n2(&mut n1), ["n1->n2 InstallSnapshot t2 last=8@1"]);
}

#[test]
fn nothing_else_is_sent_while_a_snapshot_is_on_its_way() {
    let mut n1 = leader(&defaults());
    reject(&mut n1, 8, 3);
    take(&mut n1);
    n1.propose(Bytes::new(), Bytes::from_static(b"y")).expect("it leads");
    n1.report_unreachable(N2);
    echo(&mut n1);
    reject(&mut n1, 8, 3);
    acknowledge(&mut n1, 3);
    assert_eq!(to_n2(&mut n1), Vec::<String>::new(), "3 does not reconnect with 8");
    assert_eq!(n2_is(&n1).0, waiting(7));
    for _ in 0..99 {
        n1.tick();
    }
    let sent = to_n2(&mut n1);
    assert!(sent.iter().all(|text| text.contains("Heartbeat")), "{sent:?}");
}

#[test]
fn an_acknowledgement_ends_the_wait_if_it_reconnects_whichever_snapshot_it_is_of() {
    for matched in [7, 8] {
        let mut n1 = leader(&defaults());
        reject(&mut n1, 8, 3);
        take(&mut n1);
        acknowledge(&mut n1, matched);
        assert_eq!(n2_is(&n1).0, ProgressState::Replicate, "matched {matched}");
        let prev = if matched == 7 { "7@1 entries=2" } else { "8@1 entries=1" };
        assert_eq!(to_n2(&mut n1), [format!("n1->n2 AppendEntries t2 prev={prev} commit=8")]);
    }
    // Two snapshots: the second one was sent because the first was given up. The first one arrives.
    let config = Config { snapshot_ticks: Some(1), ..defaults() };
    let mut n1 = leader(&config);
    reject(&mut n1, 8, 3);
    n1.storage_mut().append(vec![entry(9, 2)]);
    n1.stable_to(id(9, 2));
    n1.storage_mut().create_snapshot(Index(9), members(1..=3), Bytes::new());
    n1.tick();
    reject(&mut n1, 3, 3);
    take(&mut n1);
    acknowledge(&mut n1, 7);
    assert_eq!(n2_is(&n1).0, ProgressState::Replicate, "the log still has 8");
}

#[test]
fn a_report_ends_the_wait_and_the_peers_answer_tells_the_rest() {
    let mut n1 = leader(&defaults());
    n1.report_snapshot(N2, SnapshotStatus::Failure);
    assert_eq!(n2_is(&n1), (ProgressState::Probe, Index(9)), "it waits for none");
    reject(&mut n1, 8, 3);
    n1.report_snapshot(N2, SnapshotStatus::Finish);
    assert_eq!(n2_is(&n1), (ProgressState::Probe, Index(8)));
    take(&mut n1);
    n1.propose(Bytes::new(), Bytes::from_static(b"y")).expect("it leads");
    assert_eq!(to_n2(&mut n1), Vec::<String>::new(), "paused");
    echo(&mut n1);
    assert_eq!(to_n2(&mut n1), ["n1->n2 AppendEntries t2 prev=7@1 entries=3 commit=8"]);

    let mut n1 = leader(&defaults());
    reject(&mut n1, 8, 3);
    take(&mut n1);
    n1.report_snapshot(N2, SnapshotStatus::Failure);
    assert_eq!(n2_is(&n1), (ProgressState::Probe, Index(1)));
    assert_eq!(to_n2(&mut n1), Vec::<String>::new(), "not at once: it has just failed");
    echo(&mut n1);
    assert_eq!(to_n2(&mut n1), [IMAGE]);
}

#[test]
fn a_snapshot_is_given_up_on_the_tick_that_the_settings_say() {
    for limit in [1, 2, 5] {
        let config = Config { snapshot_ticks: Some(limit), ..defaults() };
        let mut n1 = leader(&config);
        reject(&mut n1, 8, 3);
        for tick in 1..limit {
            n1.tick();
            assert_eq!(n2_is(&n1).0, waiting(7), "tick {tick} of {limit}");
        }
        n1.tick();
        assert_eq!(n2_is(&n1), (ProgressState::Probe, Index(1)), "tick {limit}");
        take(&mut n1);
        echo(&mut n1);
        assert_eq!(to_n2(&mut n1), [IMAGE], "the peer is there, and still needs one");
        n1.tick();
        assert_eq!(n2_is(&n1).0 == waiting(7), limit > 1, "each snapshot has its own time");
    }
    let mut n1 = leader(&Config { snapshot_ticks: None, ..defaults() });
    reject(&mut n1, 8, 3);
    for _ in 0..10_000 {
        n1.tick();
        take(&mut n1);
    }
    assert_eq!(n2_is(&n1).0, waiting(7), "the owner must report");
}

/// It may have crashed while it received the first one.
#[test]
fn a_peer_that_does_not_answer_gets_no_second_snapshot() {
    let config = Config { snapshot_ticks: Some(2), ..defaults() };
    let mut n1 = leader(&config);
    reject(&mut n1, 8, 3);
    assert_eq!(to_n2(&mut n1), [IMAGE]);
    for _ in 0..20 {
        n1.propose(Bytes::new(), Bytes::from_static(b"y")).expect("it leads");
        n1.tick();
        let sent = to_n2(&mut n1);
        assert!(sent.iter().all(|text| text.contains("Heartbeat")), "{sent:?}");
    }
    echo(&mut n1);
    assert_eq!(to_n2(&mut n1), [IMAGE]);
}

/// Storage that says of snapshots what it is told.
struct Scripted {
    inner: MemoryStorage,
    answer: Result<Snapshot, StorageError>,
}

impl Storage for Scripted {
    fn initial_state(&self) -> Result<InitialState, StorageError> {
        self.inner.initial_state()
    }

    fn entries(
        &self,
        low: Index,
        high: Index,
        max_bytes: Option<u64>,
        why: Purpose,
    ) -> Result<Vec<Entry>, StorageError> {
        self.inner.entries(low, high, max_bytes, why)
    }

    fn term(&self, index: Index) -> Result<Term, StorageError> {
        self.inner.term(index)
    }

    fn first_index(&self) -> Result<Index, StorageError> {
        self.inner.first_index()
    }

    fn last_index(&self) -> Result<Index, StorageError> {
        self.inner.last_index()
    }

    fn snapshot(&self, _: Index, _: NodeId) -> Result<Snapshot, StorageError> {
        self.answer.clone()
    }
}

#[test]
fn storage_that_gives_an_older_snapshot_halts_the_node() {
    let empty = Snapshot { conf_state: members(1..=3), ..Snapshot::default() };
    for (answer, says) in [
        (Ok(image(6, 1, members(1..=3))), "storage gave an older snapshot: 6@1"),
        (Ok(empty), "storage gave an older snapshot: 0@0"),
        (Err(StorageError::Failed("the file is gone".into())), "the file is gone"),
    ] {
        let storage = Scripted { inner: compacted(), answer };
        let mut n1 = leader_with(&defaults(), storage);
        let outcome =
            AppendOutcome::Rejected { prev: Index(8), hint: Index(3), hint_term: Some(Term(1)) };
        let session = Some(Session::default());
        let why = n1.step(message(N2, 2, Body::AppendReply { outcome, session }));
        let why = why.expect_err("it cannot be sent").to_string();
        assert!(why.contains("a snapshot") && why.contains(says), "{why}");
        assert!(n1.is_halted());
    }
}

/// The snapshot is from before n2 was a member: n2 would refuse it, again and again.
#[test]
fn a_snapshot_without_the_peer_is_not_sent_to_it() {
    let mut storage = MemoryStorage::with_snapshot(image(7, 1, members([1, 3])));
    storage.append(vec![entry(8, 1)]);
    storage.save(HardState { term: Term(1), vote: None, commit: Index(8) });
    storage.save_conf_state(members(1..=3));
    let mut n1 = leader_with(&Config { applied: Index(8), ..defaults() }, storage);
    reject(&mut n1, 8, 0);
    echo(&mut n1);
    assert_eq!(to_n2(&mut n1), Vec::<String>::new());
    assert!(events(&mut n1).contains(&Event::SnapshotPending { peer: N2 }));
    n1.storage_mut().create_snapshot(Index(8), members(1..=3), Bytes::new());
    echo(&mut n1);
    assert_eq!(to_n2(&mut n1), ["n1->n2 InstallSnapshot t2 last=8@1"]);
}

// Install.

/// n1, a follower in term 2, with entries 1@1 .. 9@1, of which five are committed and applied.
fn follower_with(conf_state: ConfState) -> RawNode<MemoryStorage> {
    let mut storage = MemoryStorage::default();
    storage.save_conf_state(conf_state);
    storage.append((1..=9).map(|index| entry(index, 1)).collect::<Vec<_>>());
    storage.save(HardState { term: Term(2), vote: None, commit: Index(5) });
    let config = Config { applied: Index(5), ..defaults() };
    let mut node = RawNode::new(&config, storage).expect("it can start");
    node.journal().listen();
    node
}

fn follower() -> RawNode<MemoryStorage> {
    follower_with(members(1..=3))
}

fn install(snapshot: Snapshot) -> Message {
    let (snapshot, session) = (Box::new(snapshot), Session::default());
    message(N2, 2, Body::InstallSnapshot { snapshot, session })
}

fn append(prev: EntryId, entries: Vec<Entry>, commit: u64) -> Message {
    let (commit, session) = (Index(commit), Session::default());
    message(N2, 2, Body::AppendEntries { prev, entries, commit, session })
}

/// Writes what a Ready holds, as an owner does.
fn write(node: &mut RawNode<MemoryStorage>, ready: &mut Ready) {
    if let Some(snapshot) = ready.take_snapshot() {
        node.storage_mut().install_snapshot(snapshot);
    }
    node.storage_mut().append(ready.entries());
    if let Some(hard_state) = ready.hard_state() {
        node.storage_mut().save(hard_state);
    }
}

fn promises(ready: &Ready) -> Vec<String> {
    ready.persisted_messages().iter().map(Message::to_string).collect()
}

fn refusal(node: &mut RawNode<MemoryStorage>) -> Option<SnapshotRefusal> {
    let notes = node.journal().drain();
    notes.iter().find_map(|note| {
        let Event::SnapshotRefused { why, .. } = note.event else { return None };
        Some(why)
    })
}

#[test]
fn a_snapshot_replaces_the_log_and_the_members() {
    let mut n1 = follower();
    n1.step(install(image(7, 2, members([1, 2])))).expect("a leader's snapshot");
    let seen = n1.status();
    assert_eq!((seen.last, seen.commit, seen.applied), (id(7, 2), Index(7), Index(5)));
    assert_eq!(*seen.conf_state, members([1, 2]), "8@1 and 9@1 are gone: they conflict with 7@2");
    assert!(seen.voters.agrees(|id| id == N1 || id == N2));
    let mut ready = n1.ready().expect("memory can be read");
    assert!(ready.must_sync());
    assert_eq!(ready.snapshot().map(|snapshot| snapshot.id), Some(id(7, 2)));
    assert_eq!(promises(&ready), ["n1->n2 AppendReply t2 matched=7"]);
    assert_eq!(ready.hard_state().map(|hard| hard.commit), Some(Index(7)));
    write(&mut n1, &mut ready);
    let _ = n1.advance(ready).expect("memory can be read");
    assert_eq!((n1.status().applied, n1.status().stored), (Index(7), Index(7)));
    assert!(!n1.has_ready());
    assert!(n1.raft().unstable_snapshot().is_none());
}

#[test]
fn what_is_committed_is_never_taken_back() {
    for index in [1, 4, 5] {
        let mut n1 = follower();
        n1.step(install(image(index, 1, members([1, 2])))).expect("a late copy, for instance");
        assert_eq!(refusal(&mut n1), Some(SnapshotRefusal::Committed { commit: Index(5) }));
        assert_eq!((n1.status().last, n1.status().commit), (id(9, 1), Index(5)));
        assert_eq!(n1.status().conf_state.voters.len(), 3);
        let ready = n1.ready().expect("memory can be read");
        assert_eq!(ready.snapshot(), None);
        assert_eq!(promises(&ready), ["n1->n2 AppendReply t2 matched=5"], "all that is certain");
    }
}

/// The leader probes below our snapshot: it has not heard how far we are, because the answer was lost. If we
/// refused, it would go back further, and never find a place where the logs agree.
#[test]
fn an_append_that_begins_below_the_snapshot_is_answered_with_what_is_committed() {
    for prev in [0, 1, 6, 7] {
        let mut n1 = Raft::new(&defaults(), compacted()).expect("it can start");
        let (prev, entries) = (id(prev, u64::from(prev > 0)), vec![entry(prev + 1, 1)]);
        let body =
            Body::AppendEntries { prev, entries, commit: Index(8), session: Session::default() };
        step(&mut n1, N2, 1, body);
        n1.stable_to(id(8, 1));
        assert_eq!(take(&mut n1), ["n1->n2 AppendReply t1 matched=8"], "prev={prev}");
        assert_eq!(n1.inspect().last, id(8, 1), "prev={prev}");
    }
}

/// If 7@1 is in the log, everything before it is the same (Log Matching): so it is committed.
#[test]
fn a_snapshot_of_what_is_in_the_log_commits_and_keeps_the_tail() {
    let mut n1 = follower();
    n1.step(install(image(7, 1, members(1..=3)))).expect("a leader's snapshot");
    assert_eq!(refusal(&mut n1), Some(SnapshotRefusal::InOurLog));
    assert_eq!((n1.status().last, n1.status().commit), (id(9, 1), Index(7)));
    let ready = n1.ready().expect("memory can be read");
    assert_eq!(ready.snapshot(), None);
    assert_eq!(ready.committed_entries().len(), 2, "6 and 7 are applied one by one");
}

#[test]
fn a_snapshot_without_this_node_is_refused() {
    let mut n1 = follower();
    n1.step(install(image(20, 2, members([2, 3])))).expect("from before it was a member");
    assert_eq!(refusal(&mut n1), Some(SnapshotRefusal::WithoutUs));
    assert_eq!((n1.status().last, n1.status().commit), (id(9, 1), Index(5)));
    // A learner, or a voter of the old half, is a member.
    let learns = ConfState { learners: [N1].into(), ..members([2, 3]) };
    let leaves = ConfState { voters_outgoing: [N1].into(), ..members([2, 3]) };
    for conf_state in [learns, leaves] {
        let mut n1 = follower();
        n1.step(install(image(20, 2, conf_state.clone()))).expect("a leader's snapshot");
        assert_eq!(refusal(&mut n1), None);
        assert_eq!(*n1.status().conf_state, conf_state);
    }
}

#[test]
fn a_snapshot_that_cannot_be_is_an_error() {
    let both = ConfState { learners: [N1].into(), ..members(1..=3) };
    for (snapshot, says) in [
        (image(0, 0, members(1..=3)), "n2 sends a snapshot that covers nothing"),
        (image(7, 2, both), "n1"),
        (image(7, 0, members(1..=3)), "7@0"),
        (image(u64::MAX, 2, members(1..=3)), "18446744073709551615"),
    ] {
        let mut n1 = follower();
        let before = n1.clone();
        let why = n1.step(install(snapshot)).expect_err("no leader sends this").to_string();
        assert!(why.contains(says), "{why}");
        assert!(n1 == before);
    }
}

#[test]
fn a_learner_becomes_a_voter_by_a_snapshot() {
    let mut n1 = follower_with(ConfState { learners: [N1].into(), ..members([2, 3]) });
    assert_eq!(n1.campaign(), Err(CampaignError::NotAVoter { us: N1 }));
    n1.step(install(image(20, 2, members(1..=3)))).expect("a leader's snapshot");
    assert_eq!(n1.campaign(), Err(CampaignError::Installing));
    let mut ready = n1.ready().expect("memory can be read");
    write(&mut n1, &mut ready);
    let _ = n1.advance(ready).expect("memory can be read");
    assert_eq!(n1.campaign(), Ok(()));
}

/// Its log and its application are not there yet: it could not lead.
#[test]
fn a_node_does_not_campaign_while_it_installs_a_snapshot() {
    let mut n1 = follower();
    n1.step(install(image(20, 2, members(1..=3)))).expect("a leader's snapshot");
    assert_eq!(n1.campaign(), Err(CampaignError::Installing));
    for _ in 0..100 {
        n1.tick();
    }
    assert_eq!(n1.status().role, RoleName::Follower);
    n1.step(message(N2, 2, Body::TimeoutNow { last: id(20, 2) })).expect("its leader says so");
    assert_eq!((n1.status().role, n1.status().term), (RoleName::Follower, Term(2)));
}

#[test]
fn entries_after_a_snapshot_are_applied_once_it_is_installed() {
    for apply_gate in [ApplyGate::Durable, ApplyGate::WithReady, ApplyGate::Ahead(10)] {
        let config = Config { apply_gate, ..defaults() };
        let storage = MemoryStorage::with_voters([N1, N2, N3]);
        let mut n1 = RawNode::new(&config, storage).expect("it can start");
        n1.step(install(image(7, 2, members(1..=3)))).expect("a leader's snapshot");
        n1.step(append(id(7, 2), vec![entry(8, 2)], 8)).expect("a leader's entry");
        let mut ready = n1.ready().expect("memory can be read");
        assert!(ready.snapshot().is_some());
        assert_eq!((ready.entries().len(), ready.committed_entries().len()), (1, 0));
        // A later Ready while the first one is being written: it does not hand the snapshot out again.
        n1.advance_append_async(ready.clone()).expect("it is the last one");
        n1.step(append(id(8, 2), vec![entry(9, 2)], 9)).expect("a leader's entry");
        let second = n1.ready().expect("memory can be read");
        assert_eq!((second.snapshot(), second.committed_entries().len()), (None, 0));
        n1.advance_append_async(second.clone()).expect("it is the last one");
        write(&mut n1, &mut ready);
        n1.on_persist_ready(ready.number()).expect("it waits");
        assert_eq!(n1.status().applied, Index(7));
        let third = n1.ready().expect("memory can be read");
        let applied: Vec<u64> =
            third.committed_entries().iter().map(|entry| entry.id.index.0).collect();
        let all = apply_gate != ApplyGate::Durable;
        assert_eq!(applied, if all { vec![8, 9] } else { vec![8] }, "{apply_gate:?}");
        n1.advance_apply_to(Index(8)).expect("it was handed out");
        // The later Ready knew of the snapshot, too. It installs nothing a second time.
        let mut second = second;
        write(&mut n1, &mut second);
        n1.on_persist_ready(second.number()).expect("it waits");
        assert_eq!(n1.status().applied, Index(8));
        assert_eq!(n1.status().stored, Index(9));
    }
}

#[test]
fn the_second_of_two_snapshots_counts() {
    let mut n1 = follower();
    n1.step(install(image(20, 2, members(1..=3)))).expect("a leader's snapshot");
    let mut first = n1.ready().expect("memory can be read");
    n1.advance_append_async(first.clone()).expect("it is the last one");
    n1.step(install(image(30, 2, members([1, 2])))).expect("a leader's snapshot");
    let mut second = n1.ready().expect("memory can be read");
    n1.advance_append_async(second.clone()).expect("it is the last one");
    assert_eq!(second.snapshot().map(|snapshot| snapshot.id), Some(id(30, 2)));
    write(&mut n1, &mut first);
    n1.on_persist_ready(first.number()).expect("it waits");
    assert_eq!(n1.raft().unstable_snapshot(), Some(id(30, 2)), "the second is not installed");
    assert_eq!((n1.status().applied, n1.status().commit), (Index(20), Index(30)));
    assert_eq!(n1.campaign(), Err(CampaignError::Installing));
    write(&mut n1, &mut second);
    n1.on_persist_ready(second.number()).expect("it waits");
    assert_eq!((n1.status().applied, n1.raft().unstable_snapshot()), (Index(30), None));
    n1.step(append(id(30, 2), vec![entry(31, 2)], 31)).expect("a leader's entry");
    assert_eq!(n1.status().last, id(31, 2));
}

/// The snapshot comes between a Ready and the word that it is durable: it is not written.
#[test]
fn a_light_ready_does_not_commit_what_a_snapshot_covers_that_is_not_installed() {
    let mut n1 = follower();
    n1.step(append(id(9, 1), vec![entry(10, 2)], 5)).expect("a leader's entry");
    let mut ready = n1.ready().expect("memory can be read");
    write(&mut n1, &mut ready);
    n1.step(install(image(20, 2, members(1..=3)))).expect("a leader's snapshot");
    let light = n1.advance(ready).expect("memory can be read");
    assert_eq!((light.commit_index(), light.committed_entries().len()), (None, 0));
    let storage = n1.storage().clone();
    RawNode::new(&defaults(), storage).expect("what was saved can be started from");
    assert_eq!(n1.ready().expect("memory can be read").snapshot().map(|it| it.id), Some(id(20, 2)));
}

#[test]
fn a_crash_before_the_install_leaves_the_old_log_and_after_it_the_snapshot() {
    let mut n1 = follower();
    n1.step(install(image(20, 2, members([1, 2])))).expect("a leader's snapshot");
    let mut ready = n1.ready().expect("memory can be read");
    let config = Config { applied: Index(5), ..defaults() };
    let old = RawNode::new(&config, n1.storage().clone()).expect("it can start");
    let seen = old.status();
    assert_eq!((seen.last, seen.commit, seen.applied), (id(9, 1), Index(5), Index(5)));
    assert_eq!(seen.conf_state.voters.len(), 3, "nothing was acknowledged either");

    write(&mut n1, &mut ready);
    let config = Config { applied: Index(20), ..defaults() };
    let mut new = RawNode::new(&config, n1.storage().clone()).expect("it can start");
    let seen = new.status();
    assert_eq!((seen.last, seen.commit, seen.applied), (id(20, 2), Index(20), Index(20)));
    assert_eq!(*seen.conf_state, members([1, 2]));
    assert!(!new.has_ready());
    new.step(append(id(20, 2), vec![entry(21, 2)], 21)).expect("a leader's entry");
    assert_eq!(new.status().last, id(21, 2));
}

/// Storage has the snapshot, and the application has not: entries 6 to 20 would never be applied.
#[test]
fn a_node_does_not_start_if_its_application_lacks_what_the_snapshot_covers() {
    let storage = MemoryStorage::with_snapshot(image(20, 2, members(1..=3)));
    for (applied, starts) in [(0, true), (1, false), (5, false), (19, false), (20, true)] {
        let config = Config { applied: Index(applied), ..defaults() };
        match RawNode::new(&config, storage.clone()) {
            Ok(node) => assert!(starts && node.status().applied == Index(20), "{applied}"),
            Err(why) => {
                let (applied, first) = (Index(applied), Index(21));
                assert_eq!(why, StartError::AppliedBeforeLog { applied, first });
                assert!(!starts && why.to_string().contains("the log begins at 21"), "{why}");
            }
        }
    }
}

/// Entry 6 removes n3. While it waits for the application, a snapshot comes, in which n3 is a member again.
#[test]
fn a_change_that_was_handed_out_before_a_snapshot_is_not_made_after_it() {
    let mut n1 = follower();
    let mut ready = n1.ready().expect("memory can be read");
    write(&mut n1, &mut ready);
    let _ = n1.advance(ready).expect("memory can be read");
    n1.step(install(image(20, 2, members(1..=3)))).expect("a leader's snapshot");
    let change = ConfChange { kind: ChangeKind::Remove, node: N3 };
    let refused = n1.apply_conf_change(change);
    assert_eq!(refused, Err(ApplyChangeError::Installing { last: id(20, 2) }));
    assert_eq!(
        refused.expect_err("it was refused").to_string(),
        "a snapshot up to 20@2 covers the change, and is not installed yet"
    );
    assert_eq!(*n1.status().conf_state, members(1..=3));
    let mut ready = n1.ready().expect("memory can be read");
    write(&mut n1, &mut ready);
    let _ = n1.advance(ready).expect("memory can be read");
    assert_eq!(n1.apply_conf_change(change), Ok(members([1, 2])), "a change after it");
}

/// What was handed out before may be reported until the snapshot is installed.
#[test]
fn a_snapshot_takes_the_place_of_entries_that_wait_to_be_applied() {
    let mut n1 = follower();
    n1.step(append(id(9, 1), vec![], 9)).expect("a leader's append");
    let ready = n1.ready().expect("memory can be read");
    assert_eq!(ready.committed_entries().len(), 4, "6 to 9");
    n1.advance_append_async(ready).expect("it is the last one");
    n1.step(install(image(20, 2, members(1..=3)))).expect("a leader's snapshot");
    n1.advance_apply_to(Index(7)).expect("it was handed out");
    let mut ready = n1.ready().expect("memory can be read");
    n1.advance_append_async(ready.clone()).expect("it is the last one");
    write(&mut n1, &mut ready);
    n1.on_persist_ready(ready.number()).expect("it waits");
    let late = n1.advance_apply_to(Index(9));
    assert_eq!(late, Err(OrderError::AppliedWentBack { came: Index(9), applied: Index(20) }));
    n1.step(append(id(20, 2), vec![entry(21, 2)], 21)).expect("a leader's entry");
    let mut ready = n1.ready().expect("memory can be read");
    write(&mut n1, &mut ready);
    let light = n1.advance(ready).expect("memory can be read");
    let applied: Vec<_> = light.committed_entries().iter().map(|entry| entry.id).collect();
    assert_eq!(applied, [id(21, 2)], "the next one after the snapshot");
}

// Ask for one.

/// n1 follows n2 in term 2, and its log ends with an entry of that term, 10@2.
fn asking() -> RawNode<MemoryStorage> {
    let mut n1 = follower();
    n1.step(append(id(9, 1), vec![entry(10, 2)], 10)).expect("a leader's entry");
    let mut ready = n1.ready().expect("memory can be read");
    write(&mut n1, &mut ready);
    let _ = n1.advance(ready).expect("memory can be read");
    n1.advance_apply().expect("memory can be read");
    n1
}

fn said(node: &mut RawNode<MemoryStorage>) -> Vec<String> {
    let mut ready = node.ready().expect("memory can be read");
    let now = ready.take_messages().into_iter().chain(ready.take_persisted_messages());
    let texts = now.map(|message| message.to_string()).collect();
    let _ = node.advance(ready).expect("memory can be read");
    texts
}

#[test]
fn a_follower_that_has_lost_its_state_asks_for_a_snapshot_and_takes_nothing_else() {
    let mut n1 = asking();
    n1.request_snapshot().expect("it follows");
    let wish = "n1->n2 AppendReply t2 wants-snapshot=10";
    assert_eq!(said(&mut n1), [wish]);
    // It asks again instead of taking entries, and at each heartbeat: the first wish may be lost.
    n1.step(append(id(10, 2), vec![entry(11, 2)], 10)).expect("a leader's entry");
    assert_eq!(said(&mut n1), [wish]);
    assert_eq!(n1.status().last, id(10, 2));
    let (commit, token, session) = (Index(10), None, Session::default());
    n1.step(message(N2, 2, Body::Heartbeat { commit, token, session })).expect("its leader");
    assert_eq!(said(&mut n1), ["n1->n2 HeartbeatReply t2", wish]);
    // Neither an older one nor its own log is enough.
    n1.step(install(image(9, 1, members(1..=3)))).expect("an old one");
    assert!(n1.ready().expect("memory can be read").snapshot().is_none());
    n1.step(install(image(10, 2, members(1..=3)))).expect("its leader's snapshot");
    let mut ready = n1.ready().expect("memory can be read");
    assert_eq!(ready.snapshot().map(|snapshot| snapshot.id), Some(id(10, 2)));
    write(&mut n1, &mut ready);
    n1.on_persist_ready(ready.number()).expect("it waits");
    n1.step(append(id(10, 2), vec![entry(11, 2)], 11)).expect("a leader's entry");
    assert_eq!(n1.status().last, id(11, 2), "and it takes entries again");
}

#[test]
fn each_refusal_to_ask_says_why() {
    let mut n1 = RawNode::new(&defaults(), MemoryStorage::with_voters([N1])).expect("it can start");
    assert_eq!(n1.request_snapshot(), Err(RequestSnapshotError::NoLeader));
    n1.campaign().expect("a voter");
    let ready = n1.ready().expect("memory can be read");
    let _ = n1.advance(ready).expect("memory can be read");
    assert_eq!(n1.request_snapshot(), Err(RequestSnapshotError::Leads));

    let mut n1 = follower();
    n1.step(append(id(9, 1), vec![], 5)).expect("a leader's append");
    let (last, term) = (id(9, 1), Term(2));
    assert_eq!(n1.request_snapshot(), Err(RequestSnapshotError::LogIsOld { last, term }));

    let mut n1 = asking();
    n1.request_snapshot().expect("it follows");
    let at_least = Index(10);
    assert_eq!(n1.request_snapshot(), Err(RequestSnapshotError::Waiting { at_least }));
    n1.step(install(image(20, 2, members(1..=3)))).expect("its leader's snapshot");
    let at_least = Index(20);
    assert_eq!(n1.request_snapshot(), Err(RequestSnapshotError::Waiting { at_least }));
}

/// Its leader may have another log, which may be shorter: the wish could never be granted.
#[test]
fn a_new_term_ends_the_wish_for_a_snapshot() {
    let mut n1 = asking();
    n1.request_snapshot().expect("it follows");
    said(&mut n1);
    let (prev, entries, commit) = (id(10, 2), vec![entry(11, 3)], Index(10));
    let session = Session::default();
    let body = Body::AppendEntries { prev, entries, commit, session };
    n1.step(message(N3, 3, body)).expect("a leader's entry");
    assert_eq!(n1.status().last, id(11, 3));
    n1.request_snapshot().expect("it can ask this one");
}

/// A peer that asked may hold all that the snapshot covers: its acknowledgement is no news.
#[test]
fn the_acknowledgement_of_a_snapshot_that_was_asked_for_ends_the_wait() {
    let mut n1 = leader(&Config { snapshot_ticks: None, ..defaults() });
    acknowledge(&mut n1, 9);
    n1.storage_mut().append(vec![entry(9, 2)]);
    n1.stable_to(id(9, 2));
    n1.storage_mut().create_snapshot(Index(9), members(1..=3), Bytes::new());
    take(&mut n1);
    answer(&mut n1, AppendOutcome::SnapshotWanted { at_least: Index(9) });
    assert_eq!(to_n2(&mut n1), ["n1->n2 InstallSnapshot t2 last=9@2"]);
    answer(&mut n1, AppendOutcome::SnapshotWanted { at_least: Index(9) });
    assert_eq!(to_n2(&mut n1), Vec::<String>::new(), "it is on its way");
    assert_eq!(n2_is(&n1).0, waiting(9));
    acknowledge(&mut n1, 9);
    assert_eq!(n2_is(&n1), (ProgressState::Replicate, Index(10)));
    n1.propose(Bytes::new(), Bytes::from_static(b"y")).expect("it leads");
    assert_eq!(to_n2(&mut n1), ["n1->n2 AppendEntries t2 prev=9@2 entries=1 commit=9"]);
}

#[test]
fn a_leader_keeps_a_wish_until_its_storage_has_such_a_snapshot() {
    let mut n1 = leader(&defaults());
    acknowledge(&mut n1, 9);
    take(&mut n1);
    answer(&mut n1, AppendOutcome::SnapshotWanted { at_least: Index(9) });
    assert!(events(&mut n1).contains(&Event::SnapshotPending { peer: N2 }), "7@1 is too old");
    n1.propose(Bytes::new(), Bytes::from_static(b"y")).expect("it leads");
    assert_eq!(to_n2(&mut n1), Vec::<String>::new(), "the peer takes no entries");
    n1.storage_mut().append(vec![entry(9, 2)]);
    n1.stable_to(id(9, 2));
    n1.storage_mut().create_snapshot(Index(9), members(1..=3), Bytes::new());
    echo(&mut n1);
    assert_eq!(to_n2(&mut n1), ["n1->n2 InstallSnapshot t2 last=9@2"]);
}

/// The group needs n2 to commit entry 9, and n2's acknowledgement of it was lost. Only what is committed can be
/// in a snapshot.
#[test]
fn a_wish_for_a_snapshot_acknowledges_the_log_that_it_is_to_cover() {
    let mut n1 = leader(&defaults());
    assert_eq!(n1.inspect().commit, Index(8));
    answer(&mut n1, AppendOutcome::SnapshotWanted { at_least: Index(9) });
    assert_eq!(n1.inspect().commit, Index(9));
    assert!(events(&mut n1).contains(&Event::SnapshotPending { peer: N2 }));
    n1.storage_mut().append(vec![entry(9, 2)]);
    n1.stable_to(id(9, 2));
    n1.storage_mut().create_snapshot(Index(9), members(1..=3), Bytes::new());
    take(&mut n1);
    // It repeats its wish at each heartbeat.
    answer(&mut n1, AppendOutcome::SnapshotWanted { at_least: Index(9) });
    assert_eq!(to_n2(&mut n1), ["n1->n2 InstallSnapshot t2 last=9@2"]);
}
