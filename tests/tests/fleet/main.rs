//! Three replicas that agree through anything the simulator does to them.
//!
//! ```text
//!   RAFTWRIGHT_SEEDS=1000 cargo test -p testbed --test fleet -- --nocapture      more seeds
//!   RAFTWRIGHT_SEED=17 RAFTWRIGHT_SEEDS=1 cargo test -p testbed --test fleet     one of them
//! ```

mod doors; // one store with one peer: what its doors refuse

mod wire; // three stores, one message at a time

mod three; // what three stores show, and what clients are told when leaders change

mod scripts; // TinyKV's scenarios, led by hand

mod starts; // what a store writes, and what it believes of its disks when it starts

use testbed::fleet::counts::Counts;
use testbed::fleet::plan::{FleetPlan, MISHAPS, Mishap};
use testbed::fleet::run;

/// Reads a number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, and must be a number"))
    })
}

/// Says what is wrong with a plan, how to see it again, and which mishaps it takes.
fn report(plan: FleetPlan, wrong: &str) -> ! {
    let seed = plan.seed;
    let shrunk = plan.shrunk(|plan| run(plan.clone()).wrong.is_some());
    let mishaps: Vec<_> = shrunk.mishaps.iter().map(|it| format!("{it:?}")).collect();
    panic!(
        "seed {seed}: {wrong}\nit takes {} mishaps:\n  {}\nagain: RAFTWRIGHT_SEED={seed} \
         RAFTWRIGHT_SEEDS=1 cargo test -p testbed --test fleet swarm",
        mishaps.len(),
        mishaps.join("\n  ")
    );
}

#[test]
fn without_mishaps_every_operation_is_served() {
    let fleet = run(FleetPlan::quiet(1));
    assert_eq!(fleet.wrong, None);
    let Counts { operations, reads, writes, acknowledged_writes, .. } = fleet.counts;
    assert_eq!((reads + writes, acknowledged_writes), (operations, writes));
}

#[test]
fn the_swarm_holds() {
    let (first, seeds) = (setting("RAFTWRIGHT_SEED", 1), setting("RAFTWRIGHT_SEEDS", 20));
    let (mut sum, mut met) = (Counts::default(), [0; MISHAPS.len()]);
    for seed in first..first + seeds {
        let fleet = run(FleetPlan::draw(seed));
        if let Some(wrong) = fleet.wrong {
            report(FleetPlan::draw(seed), &wrong);
        }
        sum.add(&fleet.counts);
        for (seeds, count) in met.iter_mut().zip(fleet.counts.mishaps) {
            *seeds += u64::from(count > 0);
        }
    }
    println!("{seeds} seeds\n{sum}");
    if seeds < 20 {
        return; // too few for what follows
    }
    assert!(sum.operations >= 500 * seeds, "{} operations", sum.operations);
    assert!(2 * sum.acknowledged_writes >= sum.writes, "{} writes", sum.acknowledged_writes);
    assert!(sum.answered_after_retry > 0 && sum.repeated_commands > 0);
    for (name, seeds_with_it) in MISHAPS.iter().zip(met) {
        assert!(10 * seeds_with_it >= seeds, "{name}: only in {seeds_with_it} of {seeds} seeds");
    }
    if seeds >= 1000 {
        assert!(sum.undetermined > 0, "nobody was told Undetermined");
        assert!(sum.wal_tail_lost_most > 100, "{} batches", sum.wal_tail_lost_most);
        assert!(sum.refused_starts > 0, "every start found disks that worked");
        let rare = [
            ("cuts between the engines", sum.cuts_between_engines),
            ("starts behind the hard state", sum.starts_behind),
            ("starts ahead of it", sum.starts_ahead),
            ("reads of a deposed leader", sum.reads_of_deposed),
            ("unknown writes that were applied", sum.unknown_applied),
            ("unknown writes that were not", sum.unknown_not_applied),
        ];
        for (what, count) in rare {
            assert!(100 * count >= seeds, "{what}: only {count}");
        }
    }
}

/// Each operation of each store's disks, in a run of writes, reads and starts, is the one at which the
/// power fails, or the process is killed: no acknowledged write is lost, none is applied twice, and every
/// store starts again. A power cut loses what is not synced; a kill keeps all that was written, so that
/// what was written first is there without what was to come.
#[test]
fn every_crash_point_of_a_write_and_of_a_start_recovers() {
    const OF_WRITES: u64 = 60;
    let cut = |mishap| {
        let fleet = run(FleetPlan::with_one(7, mishap));
        if let Some(wrong) = fleet.wrong {
            report(FleetPlan::with_one(7, mishap), &wrong);
        }
        (fleet.counts.crashes, fleet.counts.power_cuts, fleet.counts.refused_starts)
    };
    let mut of_starts = 0;
    for store in 0..3 {
        for after in 0..OF_WRITES {
            let (ends, cuts, _) = cut(Mishap::PowerCut { store, after });
            assert_eq!((ends, cuts), (1, 1), "store {store} has no operation {after}");
            let (ends, cuts, _) = cut(Mishap::Kill { store, after: Some(after) });
            assert_eq!((ends, cuts), (1, 0), "store {store} has no operation {after}");
        }
        // A start that is not refused has fewer operations than that.
        let is_refused = |after: &u64| cut(Mishap::PowerCutAtStart { store, after: *after }).2 > 0;
        of_starts += (0..).take_while(is_refused).count();
    }
    println!("{} crash points of writes, {of_starts} of starts", 2 * 3 * OF_WRITES);
    assert!(of_starts >= 30, "a start has only {of_starts} operations on three stores");
}

#[test]
fn a_seed_is_a_run() {
    for seed in 1..4 {
        let hash = |seed| run(FleetPlan::draw(seed)).hash;
        assert_eq!(hash(seed), hash(seed), "seed {seed}");
    }
    assert_ne!(run(FleetPlan::draw(1)).hash, run(FleetPlan::draw(2)).hash);
}

#[test]
fn clocks_beyond_the_bound_are_found_out() {
    let found = (1..=60).find_map(|seed| run(FleetPlan::skewed(seed)).wrong);
    let wrong = found.expect("a lease that outlives the vote ban must be seen in a read");
    assert!(wrong.contains("Get"), "{wrong}");
    println!("{wrong}");
}
