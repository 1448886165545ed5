//! How many events a second one core gets through, every invariant looking on, and how many states
//! the explorer visits.
//!
//! ```text
//!   cargo bench -p speed --bench testbed                         all of it
//!   cargo bench -p speed --bench testbed -- simulator            events a second, one line for each profile
//!   cargo bench -p speed --bench testbed -- simulator/owned/swarm
//!
//!   simulator/...   whole runs; elements are inputs applied: a tick, an arrival, a write, a crash;
//!                   each is followed by a look of every invariant
//!     elections     bare nodes that nobody asks for anything
//!     replication   bare nodes and a client
//!     owned         nodes behind their RawNode, and a client
//!   proposals/...   the same while three nodes replicate, on logs that are long from the beginning
//!   explorer/...    elements are moves tried: clone, apply, judge, fold, name
//! ```
//!
//! The goal is 100,000 events a second on one core, every invariant on, and each line of the simulator
//! says how many times that was. A bench prints; whether a number is good enough is a reader's
//! decision, for machines differ.

use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use raft::{Entry, EntryId, HardState, Index, NodeId, Payload, Term};
use std::hint::black_box;
use std::time::{Duration, Instant};
use testbed::explore::{Bounds, explore};
use testbed::sim::{self, Plan, Profile};
use testbed::{Cluster, Driver, Input, Owner, Setup};

/// How many seeds make one sample: usual settings and drawn ones, half and half.
const SEEDS: u64 = 8;

/// How many events a second one core is to get through.
const GOAL: f64 = 100_000.0;

/// Draws a run of a profile from a seed.
type Draw = fn(Profile, u64) -> Plan;

/// What runs are about, and how they are drawn.
const RUNS: [(&str, Draw); 3] = [
    ("elections", Plan::new),
    ("replication", |profile, seed| Plan::new(profile, seed).with_client(4)),
    ("owned", Plan::replicating),
];

/// Runs a profile's first seeds and returns how many inputs that took.
fn inputs(draw: Draw, profile: Profile) -> u64 {
    let run = |seed| {
        let run = sim::run_plan(draw(profile, seed));
        assert_eq!(run.violation, None, "{} {seed}", profile.id());
        black_box(run).inputs.len() as u64
    };
    (0..SEEDS).map(run).sum()
}

fn simulator(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("simulator");
    group.sample_size(10);
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(2));
    for (about, draw) in RUNS {
        for profile in Profile::ALL {
            group.throughput(Throughput::Elements(inputs(draw, profile)));
            let (mut events, mut time) = (0, Duration::ZERO);
            group.bench_function(BenchmarkId::new(about, profile.id()), |bench| {
                bench.iter_custom(|times| {
                    let start = Instant::now();
                    events += (0..times).map(|_| inputs(draw, profile)).sum::<u64>();
                    let took = start.elapsed();
                    time += took;
                    took
                });
            });
            if events > 0 {
                let rate = events as f64 / time.as_secs_f64();
                let (id, goals) = (profile.id(), rate / GOAL);
                println!(
                    "simulator/{about}/{id}: {rate:.0} events a second, {goals:.1} x the goal\n"
                );
            }
        }
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

/// Returns three nodes with logs of this length, one of which leads, and no message in flight.
fn led(entries: u64, driver: Driver) -> Cluster {
    let mut setup = Setup { driver, ..Setup::new(3, 0) };
    for (_, storage) in &mut setup.nodes {
        let id = |place| EntryId { index: Index(place), term: Term(1) };
        let entry = |place| Entry::unplaced(Payload::Noop).at(id(place));
        storage.append((1..=entries).map(entry).collect::<Vec<_>>());
        storage.save(HardState { term: Term(1), vote: None, commit: Index(entries) });
    }
    let mut cluster = Cluster::new(setup);
    cluster.apply(&Input::Campaign(NodeId(1)));
    cluster.stabilize();
    assert_eq!(cluster.leaders().len(), 1);
    cluster
}

/// Commits a hundred proposals one by one, and returns how many inputs that took.
fn commit(cluster: &mut Cluster) -> u64 {
    let data = Bytes::from_static(b"sixteen bytes ..");
    let mut inputs = 0;
    for _ in 0..100 {
        let step = cluster.apply(&Input::Propose { node: NodeId(1), data: data.clone() });
        assert_eq!(step.refused, None);
        inputs += 1 + cluster.stabilize().len() as u64;
    }
    inputs
}

/// What a look at a node costs must not grow with its log.
fn proposals(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("proposals");
    group.sample_size(10);
    for (name, driver) in [("bare", Driver::Bare), ("owned", Driver::Owned(Owner::Concurrent))] {
        for entries in [0, 100, 10_000] {
            let start = led(entries, driver);
            group.throughput(Throughput::Elements(commit(&mut start.clone())));
            let id = BenchmarkId::new(name, entries);
            // Copies share what nothing happens to, and a copied log has no room to grow: both cost
            // once, before it is timed.
            let fresh = || {
                let mut cluster = start.clone();
                commit(&mut cluster);
                cluster
            };
            group.bench_function(id, |bench| {
                bench.iter_batched_ref(fresh, commit, BatchSize::LargeInput);
            });
        }
    }
    group.finish();
}

fn walk(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, bounds: &Bounds) {
    let seen = explore(bounds).expect("bounds of every day");
    assert_eq!(seen.violation, None, "{name}");
    println!("{name}: {} states, {} moves", seen.states, seen.transitions);
    group.throughput(Throughput::Elements(seen.transitions));
    group.bench_function(name, |bench| bench.iter(|| black_box(explore(bounds))));
}

criterion_group!(benches, simulator, proposals, explorer);
criterion_main!(benches);
