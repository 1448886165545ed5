//! The explorer with `RawNode`s and logs: every order of messages, writes and crashes within small bounds.
//! If there is an error, it finds the shortest path to it.
//!
//! `RAFTWRIGHT_EXPLORE=full cargo test --release -p testbed --test logs -- --nocapture` explores the
//! large bounds, and prints the figures of every exploration.

use testbed::disk::DiskSpeed;
use testbed::explore::{Bounds, Exploration, explore};
use testbed::script::unparse;
use testbed::{Driver, Setup};

/// Walks within the bounds: no rule breaks, and enough of the states have a leader.
fn holds(name: &str, bounds: &Bounds) -> Exploration {
    let walk = explore(bounds).unwrap_or_else(|why| panic!("{name}: {why}"));
    println!(
        "{name}: {} states, {} with a leader, {} moves, {} deep",
        walk.states, walk.with_leader, walk.transitions, walk.depth
    );
    if let Some((violation, way)) = &walk.violation {
        let setup =
            Setup { disks: bounds.disks, driver: bounds.driver, ..Setup::new(bounds.nodes, 0) };
        let script = unparse::script(&setup, way).unwrap_or_default();
        panic!("{name}: {violation:?}\n{script}");
    }
    assert!(walk.with_leader * 4 >= walk.states, "{name}: {walk:?}");
    walk
}

#[test]
fn a_crash_between_ready_and_persist_breaks_no_rule() {
    let walk = holds("logs", &Bounds::logs());
    // What the documentation and the book say.
    assert_eq!((walk.states, walk.transitions, walk.depth), (89_269, 789_673, 26));
}

#[test]
fn a_proposal_behind_the_first_entry_of_a_term_breaks_no_rule() {
    let walk = holds("proposal", &Bounds::proposal());
    assert_eq!((walk.states, walk.transitions, walk.depth), (83_327, 1_529_634, 24));
}

#[test]
fn the_large_bounds_keep_every_rule() {
    if std::env::var("RAFTWRIGHT_EXPLORE").is_ok_and(|size| size == "full") {
        let walk = holds("logs, full", &Bounds::logs_full());
        assert_eq!((walk.states, walk.transitions, walk.depth), (234_194, 2_226_268, 27));
        let walk = holds("proposal, full", &Bounds::proposal_full());
        assert_eq!((walk.states, walk.transitions, walk.depth), (894_517, 12_913_743, 26));
    } else {
        // The smallest of each kind, so that the presets cannot rot.
        holds("logs, one term", &Bounds { terms: 1, ..Bounds::logs_full() });
        holds("proposal, no crash", &Bounds { entries: Some(1), ..Bounds::proposal_full() });
    }
}

#[test]
fn bare_nodes_are_walked_with_their_logs_as_well() {
    let disks = DiskSpeed::Instant;
    holds("bare", &Bounds { driver: Driver::Bare, disks, crashes: 0, ..Bounds::logs() });
}

#[test]
fn a_crash_reaches_what_no_run_without_one_does() {
    let states = |bounds: &Bounds| explore(bounds).unwrap().states;
    let one = Bounds { entries: Some(1), ..Bounds::logs() };
    let least = states(&Bounds { crashes: 0, ..one.clone() });
    // A write that a crash takes is another state than one that is durable at once.
    assert!(states(&Bounds { disks: DiskSpeed::Instant, ..one.clone() }) > least);
    assert!(states(&one) > states(&Bounds { disks: DiskSpeed::Instant, ..one }));
}
