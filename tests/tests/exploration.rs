//! The explorer: it visits every state of small clusters, and finds no error in our core. If there is an
//! error, it finds the shortest path to it.
//!
//! `RAFTWRIGHT_EXPLORE=full cargo test --release -p testbed --test exploration` explores the large
//! bounds, too. Every exploration prints its figures (`-- --nocapture` shows them).

use raft::{Body, Message, NodeId, Term};
use testbed::disk::DiskSpeed;
use testbed::explore::{Bounds, Exploration, Subject, explore, explore_from};
use testbed::{Cluster, Input, Rule, Setup};

/// Walks within the bounds: no rule breaks, and enough of the states have a leader.
fn holds(name: &str, bounds: &Bounds, with_leader_permille: usize) -> Exploration {
    let walk = explore(bounds).unwrap_or_else(|why| panic!("{name}: {why}"));
    println!(
        "{name}: {} states, {} with a leader, {} moves, {} deep",
        walk.states, walk.with_leader, walk.transitions, walk.depth
    );
    assert_eq!(walk.violation, None, "{name}");
    assert!(walk.with_leader * 1000 >= walk.states * with_leader_permille, "{name}: {walk:?}");
    walk
}

#[test]
fn three_nodes_three_terms_and_a_crash_keep_every_rule() {
    let walk = holds("quick", &Bounds::quick(), 200);
    // What the documentation and the book say.
    assert_eq!((walk.states, walk.transitions, walk.depth), (22_885, 236_875, 23));
}

#[test]
fn a_crash_between_a_write_and_its_being_durable_breaks_no_rule() {
    let walk = holds("slow", &Bounds::slow(), 50);
    assert_eq!((walk.states, walk.transitions, walk.depth), (26_441, 339_303, 26));
}

#[test]
fn the_large_bounds_keep_every_rule() {
    if std::env::var("RAFTWRIGHT_EXPLORE").is_ok_and(|size| size == "full") {
        let walk = holds("full", &Bounds::full(), 50);
        assert_eq!((walk.states, walk.transitions, walk.depth), (264_625, 3_176_795, 35));
        let walk = holds("wide", &Bounds::wide(), 20);
        assert_eq!((walk.states, walk.transitions, walk.depth), (158_423, 2_710_538, 28));
    } else {
        // The smallest of each kind, so that the presets cannot rot.
        holds("full, one term", &Bounds { terms: 1, crashes: 0, ..Bounds::full() }, 50);
        holds("wide, three nodes", &Bounds { nodes: 3, ..Bounds::wide() }, 200);
    }
}

/// Returns three nodes on whose network a liar has put n3's vote of term 1 for both others.
fn lied_to() -> Cluster {
    let mut cluster = Cluster::new(Setup::new(3, 0));
    for to in [NodeId(1), NodeId(2)] {
        let body = Body::vote_reply(true);
        let lie = Message { from: NodeId(3), to, term: Some(Term(1)), body };
        cluster.apply(&Input::Post(lie));
    }
    cluster
}

#[test]
fn two_leaders_are_found_by_the_shortest_way_and_the_way_replays() {
    let start = lied_to();
    let walk = explore_from(start.clone(), &Bounds::quick()).unwrap();
    let (violation, way) = walk.violation.expect("n3's vote was sold twice");
    assert_eq!(violation.rule, Rule::ElectionSafety);
    // Two candidates and two arrivals; nothing shorter makes two leaders.
    assert_eq!(way.len(), 4, "{way:?}");
    let mut cluster = start;
    let steps: Vec<_> = way.iter().map(|input| cluster.apply(input)).collect();
    assert!(steps.iter().all(|step| step.refused.is_none()), "every input does something");
    assert_eq!(steps[3].violation, Some(violation));
}

#[test]
fn no_input_can_be_left_out_of_a_way() {
    // If logs are explored, a leader sends heartbeats at once: the first leader's ticks change nothing.
    let bounds = Bounds { subject: Subject::Logs, entries: Some(1), ..Bounds::quick() };
    let (violation, way) = explore_from(lied_to(), &bounds).unwrap().violation.unwrap();
    assert_eq!((violation.rule, way.len()), (Rule::ElectionSafety, 4), "{way:?}");
    for left_out in 0..way.len() {
        let mut cluster = lied_to();
        let rest = way.iter().enumerate().filter(|&(at, _)| at != left_out);
        let broken = rest.filter_map(|(_, input)| cluster.apply(input).violation).next();
        assert_eq!(broken, None, "{:?} can be left out", way[left_out]);
    }
}

#[test]
fn a_walk_is_the_same_walk_every_time() {
    let bounds = Bounds { terms: 2, ..Bounds::quick() };
    assert_eq!(explore(&bounds), explore(&bounds));
    assert_eq!(
        explore_from(lied_to(), &bounds).unwrap().violation,
        explore_from(lied_to(), &bounds).unwrap().violation
    );
}

#[test]
fn a_walk_that_would_not_end_is_given_up_with_its_figures() {
    let bounds = Bounds { states_max: 100, ..Bounds::quick() };
    let why = explore(&bounds).unwrap_err();
    assert!(why.to_string().starts_with("more than 100 states"), "{why}");
    assert!(why.depth > 2 && why.frontier > 0);
}

#[test]
fn wider_bounds_reach_more_states() {
    let states = |bounds: &Bounds| explore(bounds).unwrap().states;
    let small = Bounds { terms: 1, crashes: 0, ..Bounds::quick() };
    let least = states(&small);
    assert!(states(&Bounds { terms: 2, ..small.clone() }) > least);
    assert!(states(&Bounds { crashes: 1, ..small.clone() }) > least);
    assert!(states(&Bounds { disks: DiskSpeed::Slow, ..small.clone() }) > least);
    assert!(states(&Bounds { in_flight: Some(2), ..small }) < least);
}
