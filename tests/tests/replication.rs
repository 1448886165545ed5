//! Random runs of nodes behind their `RawNode`s, with clients that propose: no rule breaks, all nodes
//! apply the same entries in the end, and the same seed gives the same run.
//!
//! `RAFTWRIGHT_SEEDS=1000` runs a thousand seeds of each profile instead of twelve;
//! `RAFTWRIGHT_SHARE=2/3` runs every third of them.

use testbed::sim::{self, Plan, Profile, Shard, Simulation};
use testbed::{Driver, Owner};

fn seeds() -> impl Iterator<Item = u64> {
    Shard::seeds_asked_for(12)
}

fn run(profile: Profile, seed: u64) -> Simulation {
    sim::run_plan(Plan::replicating(profile, seed))
}

/// What the runs of a profile put to the test, together.
#[derive(Default, Debug)]
struct Seen {
    runs: u64,
    led: u64,
    proposals: u64,
    applied: u64,
    truncations: u64,
    restarts: u64,
    unwritten: u64,
}

/// Runs a profile over the seeds: nothing breaks, and at least 9 of 10 runs have a leader while there
/// is trouble, and apply something.
fn holds(profile: Profile) -> Seen {
    let mut seen = Seen::default();
    for seed in seeds() {
        let run = run(profile, seed);
        assert_eq!(
            run.violation,
            None,
            "{profile}, seed {seed}: {} inputs, {}, {}; \
             again: sim::run_plan(Plan::replicating(Profile::{profile:?}, {seed}))",
            run.inputs.len(),
            run.tally,
            run.coverage
        );
        seen.runs += 1;
        seen.led += u64::from(run.coverage.led_ticks > 0);
        seen.proposals += run.coverage.proposals;
        seen.applied += run.coverage.applied;
        seen.truncations += run.coverage.truncations;
        seen.restarts += run.coverage.restarts;
        seen.unwritten += run.tally.unwritten;
    }
    println!("{profile}: {seen:?}");
    assert!(seen.led * 10 >= seen.runs * 9, "{profile}: {seen:?}");
    assert!(seen.proposals >= seen.runs * 10, "{profile}: {seen:?}");
    assert!(seen.applied >= seen.proposals, "{profile}: {seen:?}");
    seen
}

#[test]
fn calm() {
    let seen = holds(Profile::Calm);
    assert_eq!((seen.truncations, seen.restarts), (0, 0), "{seen:?}");
}

#[test]
fn drop() {
    assert!(holds(Profile::Drop).truncations > 0);
}

#[test]
fn reorder() {
    assert!(holds(Profile::Reorder).truncations > 0);
}

#[test]
fn duplicate() {
    holds(Profile::Duplicate);
}

#[test]
fn partition() {
    assert!(holds(Profile::Partition).truncations > 0);
}

#[test]
fn crash() {
    let seen = holds(Profile::Crash);
    assert!(seen.restarts > seen.runs && seen.unwritten > 0, "{seen:?}");
}

#[test]
fn skew() {
    holds(Profile::Skew);
}

#[test]
fn swarm() {
    let seen = holds(Profile::Swarm);
    assert!(seen.truncations > 0 && seen.restarts > 0, "{seen:?}");
}

#[test]
fn a_seed_gives_the_same_run_twice_and_its_inputs_give_it_a_third_time() {
    for profile in Profile::ALL {
        for seed in 0..4 {
            let (one, other) = (run(profile, seed), run(profile, seed));
            assert!(one == other, "{profile}, seed {seed}");
            let mut digest = sim::Digest::default();
            one.replay().iter().for_each(|step| digest.take(step));
            assert_eq!(digest.value(), one.digest, "{profile}, seed {seed}, replayed");
        }
    }
}

#[test]
fn both_owners_take_their_turn() {
    let owners: Vec<_> = (0..4).map(|seed| Plan::replicating(Profile::Drop, seed).driver).collect();
    assert!(owners.contains(&Driver::Owned(Owner::OneAtATime)));
    assert!(owners.contains(&Driver::Owned(Owner::Concurrent)));
}
