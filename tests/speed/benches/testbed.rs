//! How many events a second one core gets through, every invariant looking on, and how many states
//! the explorer visits.
//!
//! ```text
//!   cargo bench -p speed                     all of it
//!   cargo bench -p speed -- simulator/swarm  one profile
//!
//!   simulator/...   elements are inputs applied: a tick, an arrival, a write, a crash; each is
//!                   followed by a look of every invariant
//!   explorer/...    elements are moves tried: clone, apply, judge, fold, name
//! ```
//!
//! The goal is 100,000 events a second on one core. A bench prints; whether a number is good enough
//! is a reader's decision, for machines differ.

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use std::hint::black_box;
use testbed::explore::{Bounds, explore};
use testbed::sim::{self, Profile};

/// How many seeds make one sample: usual settings and drawn ones, half and half.
const SEEDS: u64 = 8;

/// Runs a profile's first seeds and returns how many inputs that took.
fn inputs(profile: Profile) -> u64 {
    (0..SEEDS).map(|seed| black_box(sim::run(profile, seed)).inputs.len() as u64).sum()
}

fn simulator(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("simulator");
    group.sample_size(10);
    for profile in Profile::ALL {
        group.throughput(Throughput::Elements(inputs(profile)));
        let id = BenchmarkId::from_parameter(profile.id());
        group.bench_with_input(id, &profile, |bench, &profile| bench.iter(|| inputs(profile)));
    }
    group.finish();
}

fn explorer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("explorer");
    group.sample_size(10);
    walk(&mut group, "three_nodes_two_terms", &Bounds { terms: 2, ..Bounds::quick() });
    let slow = Bounds { crashes: 0, ..Bounds::slow() };
    walk(&mut group, "three_nodes_slow_disks", &slow);
    group.finish();
}

fn walk(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, bounds: &Bounds) {
    let seen = explore(bounds).expect("bounds of every day");
    assert_eq!(seen.violation, None, "{name}");
    println!("{name}: {} states, {} moves", seen.states, seen.transitions);
    group.throughput(Throughput::Elements(seen.transitions));
    group.bench_function(name, |bench| bench.iter(|| black_box(explore(bounds))));
}

criterion_group!(benches, simulator, explorer);
criterion_main!(benches);
