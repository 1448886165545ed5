//! The explorer over `RawNode`s: every interleaving of messages, writes and crashes that small bounds
//! allow, with logs; and where something is wrong, the shortest way to it.
//!
//! `RAFTWRIGHT_EXPLORE=full cargo test --release -p testbed --test logs -- --nocapture` walks the large
//! bounds, and prints the figures of every walk.

use bytes::Bytes;
use raft::{Body, Message, NodeId, VoteRequests};
use testbed::disk::DiskSpeed;
use testbed::explore::{Bounds, Exploration, explore, explore_from};
use testbed::script::phrase;
use testbed::{Cluster, Door, Input, Owner, Rule, Setup};

/// Walks within the bounds: no rule breaks, and enough of the states have a leader.
fn holds(name: &str, bounds: &Bounds) -> Exploration {
    let walk = explore(bounds).unwrap_or_else(|why| panic!("{name}: {why}"));
    println!(
        "{name}: {} states, {} with a leader, {} moves, {} deep",
        walk.states, walk.with_leader, walk.transitions, walk.depth
    );
    if let Some((violation, way)) = &walk.violation {
        let setup = Setup { disks: bounds.disks, door: bounds.door, ..Setup::new(bounds.nodes, 0) };
        let script = phrase::script(&setup, way).unwrap_or_default();
        panic!("{name}: {violation:?}\n{script}");
    }
    assert!(walk.with_leader * 4 >= walk.states, "{name}: {walk:?}");
    walk
}

#[test]
fn a_crash_between_ready_and_persist_breaks_no_rule() {
    let walk = holds("logs", &Bounds::logs());
    // What the documentation says.
    assert_eq!((walk.states, walk.transitions, walk.depth), (240_012, 1_224_489, 37));
}

#[test]
fn the_large_bounds_keep_every_rule() {
    if std::env::var("RAFTWRIGHT_EXPLORE").is_ok_and(|size| size == "full") {
        holds("logs, full", &Bounds::logs_full());
    }
}

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const N3: NodeId = NodeId(3);

/// Returns three nodes of which n2 leads term 1. Its second entry is committed, durable on n2 and n3;
/// n1 has taken it, and its disk is still writing.
fn writing_still(vote_requests: VoteRequests) -> Cluster {
    let mut setup = Setup::new(3, 0).with_slow_disks().with_owners(Owner::Concurrent);
    for (config, _) in &mut setup.nodes {
        config.vote_requests = vote_requests;
    }
    let mut cluster = Cluster::new(setup);
    cluster.apply(&Input::Campaign(N2));
    cluster.stabilize();
    let propose = Input::Propose { node: N2, data: Bytes::from_static(b"x") };
    cluster.apply(&propose);
    cluster.apply(&Input::Ready(N2));
    let append = |to: NodeId| {
        move |message: &Message| {
            message.to == to && matches!(message.body, Body::AppendEntries { .. })
        }
    };
    let deliver = |cluster: &mut Cluster, is: &dyn Fn(&Message) -> bool| {
        let mut flights = cluster.network().flights().iter().map(|flight| flight.message.clone());
        let found = flights.rfind(|message| is(message)).expect("it is under way");
        cluster.apply(&Input::Deliver(found))
    };
    deliver(&mut cluster, &append(N1));
    cluster.apply(&Input::Ready(N1));
    deliver(&mut cluster, &append(N3));
    while let Some(input) = cluster.next_in_order(&[N2, N3]) {
        assert_eq!(cluster.apply(&input).violation, None);
    }
    cluster
}

/// Returns bounds within which a question that does not wait for its own vote does harm.
fn hasty() -> Bounds {
    Bounds { terms: 2, entries: None, in_flight: Some(4), ..Bounds::logs_concurrent() }
}

#[test]
fn a_question_that_does_not_wait_for_its_own_vote_loses_a_committed_entry() {
    let start = writing_still(VoteRequests::AtOnce);
    assert!(start.disk(N1).unwrap().pending().len() == 1 && start.leaders()[0].0 == N2);
    let walk = explore_from(start.clone(), &hasty()).unwrap();
    println!("at once: {} states, {} moves, {} deep", walk.states, walk.transitions, walk.depth);
    let (violation, way) = walk.violation.expect("a vote given to a former self is counted");
    assert_eq!(violation.rule, Rule::LeaderCompleteness, "{violation:?}");
    // The way replays, input by input.
    let mut cluster = start;
    let steps: Vec<_> = way.iter().map(|input| cluster.apply(input)).collect();
    assert!(steps.iter().all(|step| step.refused.is_none()), "every input does something");
    assert_eq!(steps.last().unwrap().violation, Some(violation));
}

#[test]
fn bare_nodes_are_walked_with_their_logs_as_well() {
    let disks = DiskSpeed::Instant;
    let bounds = Bounds { door: Door::Bare, disks, crashes: 0, ..Bounds::logs() };
    holds("bare", &bounds);
}
