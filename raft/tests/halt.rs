//! A failed read decides nothing. Whichever read of storage fails, the node halts: it behaves as if it had
//! crashed at that read, except that it can be looked at.

#[path = "kit/names.rs"]
mod names; // n1, n2, n3, and ids of entries

use bytes::Bytes;
use names::{N1, N2, N3, id};
use raft::*;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

fn entry(index: u64, term: u64) -> Entry {
    Entry::unplaced(Payload::Normal(Bytes::from_static(b"x"))).at(id(index, term))
}

/// Storage of n1 with ten entries of term 1, of which three are committed.
fn ten_entries() -> MemoryStorage {
    let mut storage = MemoryStorage::with_voters([N1, N2, N3]);
    storage.append((1..=10).map(|index| entry(index, 1)).collect::<Vec<_>>());
    storage.save(HardState { term: Term(1), vote: None, commit: Index(3) });
    storage
}

/// n2, leader of term 1, sends entries 5 and 6 once more: a late copy.
fn late_copy() -> Message {
    let entries = vec![entry(5, 1), entry(6, 1)];
    let (prev, commit, session) = (id(4, 1), Index(3), Session::default());
    let body = Body::AppendEntries { prev, entries, commit, session };
    Message { from: N2, to: N1, term: Some(Term(1)), body }
}

/// The run that was seen: the second read of a term fails once, and entries 7 to 10, which were
/// acknowledged, were dropped.
#[test]
fn an_entry_that_cannot_be_read_is_no_conflict() {
    for successes in 0..3 {
        let mut node = RawNode::new(&Config::new(N1), ten_entries()).expect("it can start");
        node.journal().listen();
        node.storage_mut().fail_read(successes);
        let why = node.step(late_copy()).expect_err("a read fails");
        let StepError::Halted(halt) = &why else { panic!("{why}") };
        let index = Index(4 + successes);
        assert_eq!(halt.read(), Read::Term { index });
        assert_eq!(
            why.to_string(),
            format!(
                "the node has halted, because it could not read the term of entry {index}: \
                 this read was told to fail"
            )
        );
        let events: Vec<Event> = node.journal().drain().iter().map(|note| note.event).collect();
        assert!(events.contains(&Event::Halted { read: Read::Term { index } }), "{events:?}");
        assert_halted(&mut node);
        assert_eq!(node.status().last, id(10, 1), "nothing was dropped");
        assert_eq!(node.status().halted, Some(halt), "and it can be looked at");
    }
}

/// Tries everything that could change a halted node, or make something leave it.
fn assert_halted(node: &mut RawNode<MemoryStorage>) {
    let before = node.clone();
    let halt = node.status().halted.expect("it has halted").clone();
    assert!(!node.has_ready() && !node.tick(), "nothing is ready, and a tick does nothing");
    assert_eq!(node.ready(), Err(halt.clone()));
    assert_eq!(node.step(late_copy()), Err(StepError::Halted(halt.clone())));
    assert_eq!(node.campaign(), Err(CampaignError::Halted(halt.clone())));
    let proposed = node.propose(Bytes::new(), Bytes::new());
    assert_eq!(proposed, Err(ProposeError::Halted(halt.clone())));
    assert_eq!(node.advance_apply(), Err(halt.clone()));
    assert_eq!(node.advance_apply_to(Index(0)), Err(OrderError::Halted(halt.clone())));
    node.report_unreachable(N2);
    assert!(*node == before, "a halted node was changed");
}

#[test]
fn a_ready_that_was_taken_before_the_node_halted_cannot_be_reported() {
    let mut node = RawNode::new(&Config::new(N1), ten_entries()).expect("it can start");
    let taken = node.ready().expect("memory can be read");
    let number = taken.number();
    node.storage_mut().fail_read(0);
    node.step(late_copy()).expect_err("a read fails");
    let halt = node.status().halted.expect("it has halted").clone();
    assert_eq!(node.on_persist_ready(number), Err(OrderError::Halted(halt.clone())));
    assert_eq!(node.advance_append_async(taken.clone()), Err(halt.clone()));
    assert_eq!(node.advance_append(taken.clone()), Err(halt.clone()));
    assert_eq!(node.advance(taken), Err(halt));
}

#[test]
fn entries_that_cannot_be_read_are_not_applied_and_do_not_keep_the_owner_busy() {
    let mut node = RawNode::new(&Config::new(N1), ten_entries()).expect("it can start");
    assert!(node.has_ready(), "three entries are committed");
    node.storage_mut().fail_read(0);
    let halt = node.ready().expect_err("a read fails");
    assert_eq!(halt.read(), Read::Entries { low: Index(1), high: Index(4) });
    assert_halted(&mut node);

    // The owner starts a new node on the same storage, and nothing is lost.
    let mut node = RawNode::new(&Config::new(N1), node.into_storage()).expect("it can start");
    let ready = node.ready().expect("the disk is well again");
    assert_eq!(ready.committed_entries().len(), 3);
}

#[test]
fn a_node_does_not_start_on_storage_that_cannot_be_read() {
    for successes in 0.. {
        let mut storage = ten_entries();
        storage.fail_read(successes);
        match Raft::new(&Config::new(N1), storage) {
            Err(why) => assert!(why.to_string().starts_with("storage cannot be read: "), "{why}"),
            Ok(node) => {
                assert!(node.storage().reads_before_failure().is_some(), "all reads were tried");
                assert!(successes >= 4, "a start reads more than {successes} times");
                return;
            }
        }
    }
}

/// An answer to a read of entries.
type Answer = Result<Vec<Entry>, StorageError>;

/// Storage that gives the answer it is told, where entries are asked for; its own, if it is told none.
#[derive(Clone)]
struct Scripted {
    inner: MemoryStorage,
    answer: Rc<RefCell<Option<Answer>>>,
    /// How often it was asked for entries.
    asked: Rc<Cell<u32>>,
}

/// Nobody asks more often for entries in one of these tests.
const ASKED_MAX: u32 = 100;

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
        self.asked.set(self.asked.get() + 1);
        assert!(self.asked.get() < ASKED_MAX, "entries {low}.. are asked for in a loop");
        self.answer
            .borrow()
            .clone()
            .unwrap_or_else(|| self.inner.entries(low, high, max_bytes, why))
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

    fn snapshot(&self, at_least: Index, to: NodeId) -> Result<Snapshot, StorageError> {
        self.inner.snapshot(at_least, to)
    }
}

/// Returns a leader of term 2 with the ten entries in storage, which n2 lacks from entry 4 on.
fn leader() -> Raft<Scripted> {
    let storage = Scripted { inner: ten_entries(), answer: Rc::default(), asked: Rc::default() };
    let mut node = Raft::new(&Config::new(N1), storage).expect("it can start");
    node.journal().listen();
    node.campaign().expect("a voter");
    let own = node.take_outbox().own;
    node.step_own(own).expect("memory can be read");
    let body = Body::vote_reply(true);
    node.step(Message { from: N2, to: N1, term: Some(Term(2)), body }).expect("a vote");
    assert_eq!(node.inspect().role, RoleName::Leader);
    node.take_outbox();
    node
}

/// n2 rejects the append after entry 10: its log ends at 3.
fn rejection() -> Message {
    let (prev, hint, hint_term) = (Index(10), Index(3), Some(Term(1)));
    let outcome = AppendOutcome::Rejected { prev, hint, hint_term };
    let body = Body::AppendReply { outcome, session: Some(Session::default()) };
    Message { from: N2, to: N1, term: Some(Term(2)), body }
}

fn events(node: &mut Raft<Scripted>) -> Vec<Event> {
    node.journal().drain().iter().map(|note| note.event).collect()
}

#[test]
fn entries_that_are_being_fetched_are_asked_for_again() {
    let mut node = leader();
    *node.storage().answer.borrow_mut() = Some(Err(StorageError::Pending));
    node.step(rejection()).expect("no failure");
    assert!(node.take_outbox().now.is_empty(), "nothing to send yet");
    let pending = Event::EntriesPending { peer: N2, index: Index(4) };
    assert!(events(&mut node).contains(&pending));

    *node.storage().answer.borrow_mut() = None;
    let body = Body::HeartbeatReply { token: None, session: Session::default() };
    node.step(Message { from: N2, to: N1, term: Some(Term(2)), body }).expect("an answer");
    let sent = node.take_outbox().now;
    assert_eq!(sent.len(), 1, "asked again at the peer's next answer");
    assert_eq!(sent[0].to_string(), "n1->n2 AppendEntries t2 prev=3@1 entries=8 commit=3");
}

#[test]
fn an_acknowledgement_asks_once_for_entries_that_are_being_fetched() {
    let mut node = leader();
    node.step(rejection()).expect("an answer");
    node.take_outbox();
    let waits = StorageError::Pending;
    let compacted = StorageError::Compacted { index: Index(6), first: Index(8) };
    for (matched, answer) in [(5, waits), (6, compacted)] {
        *node.storage().answer.borrow_mut() = Some(Err(answer));
        let outcome = AppendOutcome::Matched(Index(matched));
        let body = Body::AppendReply { outcome, session: Some(Session::default()) };
        node.step(Message { from: N2, to: N1, term: Some(Term(2)), body }).expect("an answer");
        assert!(node.take_outbox().now.is_empty(), "nothing to send yet");
    }
}

#[test]
fn entries_that_are_compacted_are_no_failure() {
    let mut node = leader();
    let (index, first) = (Index(4), Index(8));
    *node.storage().answer.borrow_mut() = Some(Err(StorageError::Compacted { index, first }));
    node.step(rejection()).expect("no failure");
    assert!(events(&mut node).contains(&Event::SnapshotPending { peer: N2 }));
    assert!(!node.is_halted());
}

#[test]
fn storage_that_contradicts_itself_halts_the_node() {
    let beyond = StorageError::Unavailable { index: Index(4), last: Index(3) };
    let answers = [
        Err(beyond),
        Err(StorageError::Failed("segment 3 is gone".into())),
        Ok(Vec::new()),
        Ok(vec![entry(5, 1)]),
        Ok(vec![entry(4, 1), entry(6, 1)]),
        Ok((4..=12).map(|index| entry(index, 1)).collect()),
    ];
    for answer in answers {
        let mut node = leader();
        *node.storage().answer.borrow_mut() = Some(answer.clone());
        let why = node.step(rejection()).expect_err("it cannot be").to_string();
        assert!(why.contains("could not read entries 4 to 10"), "{answer:?}: {why}");
        assert!(node.is_halted() && node.take_outbox() == Outbox::default(), "{answer:?}");
    }
}

#[test]
fn entries_to_apply_cannot_be_waited_for() {
    let answer = Rc::new(RefCell::new(Some(Err(StorageError::Pending))));
    let storage = Scripted { inner: ten_entries(), answer, asked: Rc::default() };
    let mut node = RawNode::new(&Config::new(N1), storage).expect("it can start");
    let halt = node.ready().expect_err("only what is to be sent can be waited for");
    assert_eq!(*halt.why(), StorageError::Pending);
    assert!(!node.has_ready(), "and nobody is kept busy");
}

/// A group in memory whose messages all arrive, in order.
struct Group {
    nodes: Vec<RawNode<MemoryStorage>>,
    messages: VecDeque<Message>,
    delivered: u64,
}

impl Group {
    fn new(config: impl Fn(NodeId) -> Config) -> Self {
        let start = |&id: &NodeId| {
            let storage = MemoryStorage::with_voters([N1, N2, N3]);
            RawNode::new(&config(id), storage).expect("settings that work")
        };
        let nodes = [N1, N2, N3].iter().map(start).collect();
        Group { nodes, messages: VecDeque::new(), delivered: 0 }
    }

    fn node(&mut self, id: NodeId) -> &mut RawNode<MemoryStorage> {
        &mut self.nodes[id.0 as usize - 1]
    }

    /// Delivers and writes everything, until all nodes are quiet or `limit` messages were delivered.
    fn run_until_quiet(&mut self, limit: u64) {
        self.delivered = 0;
        loop {
            for node in &mut self.nodes {
                while node.has_ready() {
                    let mut ready = node.ready().expect("memory can be read");
                    node.storage_mut().append(ready.entries());
                    if let Some(hard_state) = ready.hard_state() {
                        node.storage_mut().save(hard_state);
                    }
                    self.messages.extend(ready.take_messages());
                    self.messages.extend(ready.take_persisted_messages());
                    let mut light = node.advance(ready).expect("memory can be read");
                    self.messages.extend(light.take_messages());
                    node.advance_apply().expect("memory can be read");
                }
            }
            let Some(message) = self.messages.pop_front() else { return };
            self.delivered += 1;
            if self.delivered > limit {
                return;
            }
            // A follower that lost its disk is told so by an error.
            let _ = self.node(message.to).step(message);
        }
    }
}

/// n3 loses its disk after it acknowledged entry 2, and denies it. The leader asks once a heartbeat, and
/// not once a message, for ever.
#[test]
fn a_follower_that_lost_its_disk_is_asked_once_a_heartbeat() {
    let append_sizes = [Some(0), Some(1 << 20), None];
    let windows = [1, 2, 256];
    for (max_append_bytes, max_inflight_messages) in
        append_sizes.into_iter().flat_map(|size| windows.map(|window| (size, window)))
    {
        for batch_append in [false, true] {
            let config = |id| Config {
                max_append_bytes,
                max_inflight_messages,
                batch_append,
                ..Config::new(id)
            };
            let mut group = Group::new(config);
            group.node(N1).campaign().expect("a voter");
            group.run_until_quiet(1000);
            let propose = |group: &mut Group| {
                let proposed = group.node(N1).propose(Bytes::new(), Bytes::from_static(b"x"));
                proposed.expect("n1 leads");
                group.run_until_quiet(1000);
            };
            propose(&mut group);
            let wiped = MemoryStorage::with_voters([N1, N2, N3]);
            *group.node(N3) = RawNode::new(&config(N3), wiped).expect("an empty disk");
            group.node(N1).journal().listen();
            for _ in 0..3 {
                propose(&mut group);
                assert!(group.delivered < 100, "{} messages, and no end", group.delivered);
            }
            for _ in 0..5 {
                group.node(N1).tick();
                group.run_until_quiet(1000);
                assert!(group.delivered < 40, "{} messages a heartbeat", group.delivered);
            }
            let notes = group.node(N1).journal().drain();
            let denied = Event::AcknowledgementDenied { peer: N3, index: Index(2) };
            assert!(notes.iter().any(|note| note.event == denied), "an event says so");
            assert_eq!(group.node(N1).status().commit, Index(5), "and the group goes on");
        }
    }
}
