//! Starts: what a store refuses to believe of its disks, and what each of its lives is.
//!
//! ```text
//!   s1/p11   the store of these tests: one voter, or a follower of p12, whose messages the test writes
//! ```

use kv::model::*;
use kv::store::*;
use raft::{Body, Entry, EntryId, Index, Message, NodeId, Payload, Session, Term};
use std::sync::Arc;
use testbed::fleet::config;
use testbed::fleet::env::{SimClock, SimEnv, SimOutbox};
use testbed::machine::SimMachine;

const STORE: StoreId = StoreId(1);

const ME: Peer = Peer { id: PeerId(11), store: STORE, role: PeerRole::Voter };

const LEADER: Peer = Peer { id: PeerId(12), store: StoreId(2), role: PeerRole::Voter };

/// Returns a region with these peers.
fn region_of(peers: &[Peer]) -> Region {
    let epoch = Epoch { version: 3, conf_version: 2 };
    Region { id: RegionId(1), start: "b".into(), end: Some("m".into()), epoch, peers: peers.into() }
}

/// Returns a region of three voters: this store follows.
fn region_of_three() -> Region {
    region_of(&[ME, LEADER, Peer { id: PeerId(13), store: StoreId(3), role: PeerRole::Voter }])
}

fn env(machine: &SimMachine) -> SimEnv {
    SimEnv {
        clock: SimClock::default(),
        outbox: SimOutbox::default(),
        machine: machine.clone(),
        entropy: Arc::new(7.into()),
    }
}

fn open(config: &StoreConfig, machine: &SimMachine) -> Store<SimEnv> {
    let mut store = Store::open(config.clone(), env(machine)).expect("it is bootstrapped");
    settle(&mut store);
    store
}

fn settle(store: &mut Store<SimEnv>) {
    while store.run_inline(usize::MAX) > 0 {}
}

/// Delivers entries of term 6 from the leader: `count` of them, after the one at `index`.
fn append(store: &Store<SimEnv>, index: u64, count: u64) {
    let id = |index, term| EntryId { index: Index(index), term: Term(term) };
    let prev = id(index, if index == 5 { 5 } else { 6 });
    let entry = |index| Entry::unplaced(Payload::Noop).at(id(index, 6));
    let entries = (index + 1..=index + count).map(entry).collect();
    let body = Body::AppendEntries { prev, entries, commit: Index(5), session: Session(0) };
    store.handle().deliver(StoreMessage {
        cluster: config(STORE).cluster,
        region: RegionId(1),
        from: LEADER,
        to: ME,
        epoch: region_of_three().epoch,
        message: Message { from: NodeId(12), to: NodeId(11), term: Some(Term(6)), body },
    });
}

#[test]
fn a_round_of_more_entries_than_a_frame_counts_is_two_frames() {
    let defaults = StoreConfig::new(config(STORE).cluster, STORE);
    let machine = SimMachine::new(1);
    bootstrap(&defaults, &env(&machine), &region_of_three()).expect("the disks work");
    let mut store = open(&defaults, &machine);
    for sent in 0..5 {
        append(&store, 5 + sent * 14_000, 14_000);
    }
    settle(&mut store);
    assert_eq!(store.failure().map(ToString::to_string), None);
    assert_eq!(store.peer(RegionId(1)).expect("it is here").last.index, Index(70_005));
}
