//! Random runs under every profile: no rule breaks, a leader is elected, and the same seed gives the
//! same run.
//!
//! `RAFTWRIGHT_SEEDS=1000` runs a thousand seeds of each profile instead of twenty;
//! `RAFTWRIGHT_SHARE=2/3` runs every third of them.

use testbed::sim::{self, Profile, Shard};

fn seeds() -> impl Iterator<Item = u64> {
    Shard::seeds_asked_for(20)
}

/// Runs a profile over the seeds: nothing breaks, and at least 80 of 100 runs have a leader while
/// there is trouble: some mixtures of the swarm leave nobody the time.
fn holds(profile: Profile) {
    let (mut runs, mut led) = (0_u64, 0_u64);
    for seed in seeds() {
        let run = sim::run(profile, seed);
        assert_eq!(
            run.violation,
            None,
            "{profile}, seed {seed}: {} inputs, {}; again: sim::run(Profile::{profile:?}, {seed})",
            run.inputs.len(),
            run.tally
        );
        runs += 1;
        led += u64::from(run.coverage.led_ticks > 0);
    }
    assert!(led * 100 >= runs * 80, "{profile}: only {led} of {runs} runs had a leader");
}

#[test]
fn calm() {
    holds(Profile::Calm);
}

#[test]
fn drop() {
    holds(Profile::Drop);
}

#[test]
fn reorder() {
    holds(Profile::Reorder);
}

#[test]
fn duplicate() {
    holds(Profile::Duplicate);
}

#[test]
fn partition() {
    holds(Profile::Partition);
}

#[test]
fn crash() {
    holds(Profile::Crash);
}

#[test]
fn skew() {
    holds(Profile::Skew);
}

#[test]
fn swarm() {
    holds(Profile::Swarm);
}

#[test]
fn a_seed_gives_the_same_run_twice_and_its_inputs_give_it_a_third_time() {
    for profile in Profile::ALL {
        for seed in 0..4 {
            let (one, other) = (sim::run(profile, seed), sim::run(profile, seed));
            assert!(one == other, "{profile}, seed {seed}");
            let mut digest = sim::Digest::default();
            one.replay().iter().for_each(|step| digest.take(step));
            assert_eq!(digest.value(), one.digest, "{profile}, seed {seed}, replayed");
        }
    }
}
