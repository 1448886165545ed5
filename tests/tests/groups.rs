//! Random runs in which nodes come and go, logs are compacted, and clients write and read: no rule breaks,
//! the group finds a leader, leaves its joint configuration, and every member has applied everything.
//!
//! `RAFTWRIGHT_SEEDS=1000` runs a thousand seeds of each profile instead of twelve;
//! `RAFTWRIGHT_SHARE=2/3` runs every third of them.

use testbed::sim::{self, Plan, Profile, Shard, Simulation};

/// The longest pause between two reads, in ticks.
const READ_TICKS: u64 = 10;

fn seeds() -> impl Iterator<Item = u64> {
    Shard::seeds_asked_for(12)
}

fn plan(profile: Profile, seed: u64) -> Plan {
    Plan::changing(profile, seed).with_reads(READ_TICKS)
}

fn run(profile: Profile, seed: u64) -> Simulation {
    let run = sim::run_plan(plan(profile, seed));
    assert_eq!(
        run.violation,
        None,
        "{profile}, seed {seed}: {} inputs, {}, {}; again: \
         sim::run_plan(Plan::changing(Profile::{profile:?}, {seed}).with_reads({READ_TICKS}))",
        run.inputs.len(),
        run.tally,
        run.coverage
    );
    run
}

#[test]
fn groups_change_and_compact_their_logs_and_lose_nothing() {
    for profile in Profile::ALL {
        let (mut runs, mut changes, mut compactions, mut installs, mut written) = (0, 0, 0, 0, 0);
        for seed in seeds() {
            let run = run(profile, seed);
            runs += 1;
            changes += run.coverage.changes;
            compactions += run.coverage.compactions;
            installs += run.coverage.installs;
            written += run.coverage.applied;
        }
        println!(
            "{profile}: {runs} runs, changes applied {changes} times, {compactions} compactions, \
             {installs} snapshots installed, clients' entries applied {written} times"
        );
        assert!(changes >= runs * 4, "{profile}: changes applied {changes} times in {runs} runs");
        assert!(compactions >= runs * 4, "{profile}: {compactions} compactions in {runs} runs");
        assert!(installs >= runs / 4, "{profile}: {installs} snapshots installed in {runs} runs");
    }
}

#[test]
fn a_seed_gives_the_same_changes_twice() {
    for seed in 0..4 {
        let (one, two) = (run(Profile::Swarm, seed), run(Profile::Swarm, seed));
        assert_eq!((one.digest, one.coverage), (two.digest, two.coverage), "seed {seed}");
    }
}

#[test]
fn a_plan_begins_with_nodes_that_are_no_members() {
    for seed in 0..40 {
        let plan = plan(Profile::Swarm, seed);
        let churn = plan.churn.expect("the group changes");
        assert!(churn.voters >= 2 && churn.voters < plan.nodes, "seed {seed}: {churn:?}");
        for (_, storage) in plan.setup().nodes {
            assert_eq!(storage.conf_state().voters.len() as u64, churn.voters);
        }
    }
}
