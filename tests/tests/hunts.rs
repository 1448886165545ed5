//! The explorer's hunts. On the correct core they find nothing, except for the hunt with unsafe settings.
//! Each has a script under `scripts/found/` that begins with its commands. `cargo labs bugs --explore` runs
//! them on cores with bugs.
//!
//! `RAFTWRIGHT_EXPLORE=full cargo test --release -p testbed --test hunts` runs the long hunts to
//! their ends, too.

use std::path::Path;
use testbed::Rule;
use testbed::explore::Bounds;
use testbed::explore::hunt::{Catch, Hunt, HuntError};
use testbed::script::Script;

/// Returns the commands of a hunt's story.
fn story(hunt: &Hunt) -> Vec<String> {
    let path = format!("scripts/found/{}.txt", hunt.name);
    let script = Script::read(Path::new(&path)).unwrap_or_else(|why| panic!("{why}"));
    script.directives.into_iter().map(|directive| directive.text).collect()
}

fn run(hunt: &Hunt) -> Catch {
    hunt.run().unwrap_or_else(|why| panic!("{}: {why}", hunt.name))
}

#[test]
fn every_hunt_has_a_story_that_begins_as_it_does() {
    for hunt in Hunt::all() {
        let (story, start) = (story(&hunt), hunt.start.lines().collect::<Vec<_>>());
        assert_eq!(story[..start.len()], start, "{}", hunt.name);
        assert!(story.len() > start.len(), "{}", hunt.name);
    }
}

/// The walks of groups, as the book tells them: states and moves.
const GROUPS: [(&str, usize, u64); 12] = [
    ("early_change", 4_496, 22_077),
    ("second_change", 110_546, 1_043_703),
    ("inherited_change", 2_314, 12_641),
    ("union_quorum", 15_278, 108_105),
    ("deposed_reader", 30_740, 201_824),
    ("old_round", 41_857, 290_749),
    ("late_lease", 108_655, 1_612_008),
    ("lease_and_transfer", 48_300, 610_973),
    ("lost_transfer", 1_276, 5_528),
    ("old_snapshot", 28_100, 228_253),
    ("append_below_snapshot", 306, 1_259),
    ("older_leader", 1_987, 29_636),
];

/// Walks every hunt at an even or an odd place of the list, and finds nothing.
fn finds_nothing(parity: usize) {
    let full = std::env::var("RAFTWRIGHT_EXPLORE").is_ok_and(|size| size == "full");
    for hunt in Hunt::all().into_iter().skip(parity).step_by(2) {
        // Others walk within the bounds of some hunts: `--test logs` every day, `exploration` in full.
        let is_long = hunt.bounds == Bounds::wide()
            || ["old_entry_counted", "second_change", "late_lease"].contains(&hunt.name);
        let is_walked = [Bounds::logs(), Bounds::proposal()].contains(&hunt.bounds);
        if hunt.name == "early_question" || is_walked || is_long && !full {
            continue;
        }
        let Catch { walk, script } = run(&hunt);
        println!("{}: {} states by {} moves", hunt.name, walk.states, walk.transitions);
        assert_eq!((walk.violation, script), (None, None), "{}", hunt.name);
        if let Some(&(_, states, moves)) = GROUPS.iter().find(|(name, ..)| *name == hunt.name) {
            assert_eq!((walk.states, walk.transitions), (states, moves), "{}", hunt.name);
        }
    }
}

// In two tests, for two processors.

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    finds_nothing(0);
}

#[test]
fn nothing_is_found_where_nothing_is_wrong_either() {
    finds_nothing(1);
}

#[test]
fn a_question_that_does_not_wait_for_its_own_vote_loses_a_committed_entry() {
    let hunt = Hunt::named("early_question").unwrap();
    let Catch { walk, script } = run(&hunt);
    let (violation, _) = walk.violation.expect("a vote granted before the crash is counted");
    assert_eq!(violation.rule, Rule::LeaderCompleteness, "{violation:?}");
    assert_eq!(script.unwrap(), story(&hunt));
    // With the default setting the request waits: three times as many states, and nothing is found.
    let start = hunt.start.replace(" vote-requests=at-once", "");
    let bounds = Bounds { states_max: 3 * walk.states, ..hunt.bounds };
    let ended = Hunt { start, bounds, ..hunt }.run();
    assert!(matches!(ended, Err(HuntError::TooManyStates(_))), "{ended:?}");
}
