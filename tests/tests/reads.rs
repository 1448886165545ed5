//! Random runs with clients that write and read: every read sees what was committed when it began, every
//! read ends, and the same seed gives the same run.
//!
//! `RAFTWRIGHT_SEEDS=1000` runs a thousand seeds of each profile instead of twelve;
//! `RAFTWRIGHT_SHARE=2/3` runs every third of them.

#[path = "kit/clean.rs"]
mod clean; // a random run in which no rule may break

use clean::clean_run;
use testbed::sim::{Plan, Profile, Shard, Simulation};

/// The longest pause between two reads, in ticks: some begin while others wait.
const READ_TICKS: u64 = 3;

fn seeds() -> impl Iterator<Item = u64> {
    Shard::seeds_asked_for(12)
}

fn plan(profile: Profile, seed: u64) -> Plan {
    Plan::replicating(profile, seed).with_reads(READ_TICKS)
}

fn run(profile: Profile, seed: u64) -> Simulation {
    let again = format!("Plan::replicating(Profile::{profile:?}, {seed}).with_reads({READ_TICKS})");
    clean_run(plan(profile, seed), &again)
}

#[test]
fn every_read_sees_what_was_committed_before_it_and_ends() {
    for profile in Profile::ALL {
        let (mut runs, mut reads, mut dropped) = (0, 0, 0);
        for seed in seeds() {
            let run = run(profile, seed);
            runs += 1;
            reads += run.coverage.reads;
            dropped += run.coverage.dropped_reads;
        }
        println!("{profile}: {runs} runs, {reads} reads with an index, {dropped} without");
        assert!(reads >= runs * 20, "{profile}: {reads} reads in {runs} runs");
        assert!(dropped > 0, "{profile}: before the first leader there is nobody to ask");
    }
}

#[test]
fn a_seed_gives_the_same_reads_twice() {
    for seed in 0..4 {
        let (one, two) = (run(Profile::Swarm, seed), run(Profile::Swarm, seed));
        assert_eq!((one.digest, one.coverage), (two.digest, two.coverage), "seed {seed}");
    }
}
