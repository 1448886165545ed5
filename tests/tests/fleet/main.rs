//! Three replicas that agree through anything the simulator does to them.

use testbed::fleet::plan::Plan;
use testbed::fleet::{counts::Counts, run};

#[test]
fn without_mishaps_every_operation_is_served() {
    let outcome = run(Plan::quiet(1));
    println!("{}", outcome.counts);
    assert_eq!(outcome.wrong, None);
    assert_eq!(outcome.counts.acknowledged_writes, outcome.counts.writes);
}

#[test]
fn the_swarm_holds() {
    let seeds: u64 = std::env::var("RAFTWRIGHT_SEEDS").map_or(20, |n| n.parse().expect("a number"));
    let first: u64 = std::env::var("RAFTWRIGHT_SEED").map_or(1, |n| n.parse().expect("a number"));
    let mut sum = Counts::default();
    for seed in first..first + seeds {
        let outcome = run(Plan::draw(seed));
        sum.add(&outcome.counts);
        assert_eq!(outcome.wrong, None, "seed {seed}");
    }
    println!("{sum}");
}
