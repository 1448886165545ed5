//! What the memtable's tree costs, beside `BTreeMap`, which has no snapshots, and `imbl::OrdMap`, which has.
//!
//! ```text
//!   cargo bench -p speed --bench memtable
//!
//!   random, sequential   100,000 inserts of keys of 16 bytes into an empty map; elements are inserts
//!   get                  reads of keys that are there, in random order
//!   scan                 all keys in order; elements are keys
//!   snapshot             100,000 keys are there; each element is a snapshot and then one insert
//!   restart              a write-ahead log of so many bytes is replayed
//! ```
//!
//! Absolute times of a shared machine mean nothing; the ratios of one run do.

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use imbl::OrdMap;
use kv::memtable::{Family, KeyRange, Memtable, Options, Tree, WriteBatch};
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use storage::SimDisk;

/// How many keys a map holds.
const KEYS: usize = 100_000;

/// What the three maps have in common.
trait Map: Clone + Default {
    const NAME: &'static str;
    fn put(&mut self, key: Bytes, value: Bytes);
    fn get(&self, key: &[u8]) -> Option<&Bytes>;
    /// Looks at every key, in order.
    fn scan(&self) -> usize;
}

impl Map for Tree {
    const NAME: &'static str = "ours";
    fn put(&mut self, key: Bytes, value: Bytes) {
        self.insert(key, value);
    }
    fn get(&self, key: &[u8]) -> Option<&Bytes> {
        Tree::get(self, key)
    }
    fn scan(&self) -> usize {
        self.iter(&KeyRange::all()).fold(0, |sum, (key, value)| sum + key.len() + value.len())
    }
}

impl Map for BTreeMap<Bytes, Bytes> {
    const NAME: &'static str = "BTreeMap";
    fn put(&mut self, key: Bytes, value: Bytes) {
        self.insert(key, value);
    }
    fn get(&self, key: &[u8]) -> Option<&Bytes> {
        BTreeMap::get(self, key)
    }
    fn scan(&self) -> usize {
        self.iter().fold(0, |sum, (key, value)| sum + key.len() + value.len())
    }
}

impl Map for OrdMap<Bytes, Bytes> {
    const NAME: &'static str = "imbl";
    fn put(&mut self, key: Bytes, value: Bytes) {
        self.insert(key, value);
    }
    fn get(&self, key: &[u8]) -> Option<&Bytes> {
        OrdMap::get(self, key)
    }
    fn scan(&self) -> usize {
        self.iter().fold(0, |sum, (key, value)| sum + key.len() + value.len())
    }
}

fn random_keys() -> Vec<Bytes> {
    let random = &mut ChaCha8Rng::seed_from_u64(1);
    (0..KEYS).map(|_| Bytes::from(random.random::<[u8; 16]>().to_vec())).collect()
}

fn filled<M: Map>(keys: &[Bytes]) -> M {
    let mut map = M::default();
    let value = Bytes::from_static(&[7; 100]);
    keys.iter().for_each(|key| map.put(key.clone(), value.clone()));
    map
}

fn all_of<M: Map>(criterion: &mut Criterion) {
    let keys = random_keys();
    let mut sorted = keys.clone();
    sorted.sort();
    let mut group = criterion.benchmark_group("insert");
    group.throughput(Throughput::Elements(KEYS as u64)).sample_size(20);
    for (order, keys) in [("random", &keys), ("sequential", &sorted)] {
        group.bench_function(format!("{order}/{}", M::NAME), |bencher| {
            bencher.iter_with_large_drop(|| filled::<M>(keys));
        });
    }
    group.finish();

    let map: M = filled(&keys);
    let mut asked = keys.clone();
    asked.shuffle(&mut ChaCha8Rng::seed_from_u64(2));
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Elements(KEYS as u64)).sample_size(20);
    group.bench_function(format!("get/{}", M::NAME), |bencher| {
        bencher.iter(|| asked.iter().filter(|key| map.get(key).is_some()).count());
    });
    group.bench_function(format!("scan/{}", M::NAME), |bencher| bencher.iter(|| map.scan()));
    group.finish();
}

/// `BTreeMap` has no snapshots: a copy of all of it takes a thousand times as long.
fn snapshots<M: Map>(criterion: &mut Criterion) {
    let keys = random_keys();
    let mut map: M = filled(&keys);
    let mut turn = keys.iter().cycle();
    let mut group = criterion.benchmark_group("snapshot");
    group.throughput(Throughput::Elements(1));
    group.bench_function(M::NAME, |bencher| {
        bencher.iter_batched(
            || turn.next().expect("it begins again").clone(),
            |key| {
                let snapshot = map.clone();
                map.put(key, Bytes::from_static(b"new"));
                snapshot
            },
            BatchSize::NumIterations(1),
        );
    });
    group.finish();
}

fn restart(criterion: &mut Criterion) {
    let disk = SimDisk::new(1);
    let table = Memtable::open_on(disk.clone(), Options::default()).expect("the disk works");
    let mut payload_bytes = 0;
    for keys in random_keys().chunks(20) {
        let mut batch = WriteBatch::new();
        keys.iter().for_each(|key| batch.put(Family::Default, key.clone(), vec![7; 256]));
        payload_bytes += batch.size_bytes() as u64;
        table.write(&batch).expect("the disk works");
    }
    drop(table);
    let mut group = criterion.benchmark_group("restart");
    group.throughput(Throughput::Bytes(payload_bytes)).sample_size(10);
    group.bench_function("ours", |bencher| {
        bencher.iter(|| Memtable::open_on(disk.after_kill(), Options::default()).is_ok());
    });
    group.finish();
}

fn maps(criterion: &mut Criterion) {
    all_of::<Tree>(criterion);
    all_of::<BTreeMap<Bytes, Bytes>>(criterion);
    all_of::<OrdMap<Bytes, Bytes>>(criterion);
    snapshots::<Tree>(criterion);
    snapshots::<OrdMap<Bytes, Bytes>>(criterion);
}

criterion_group!(benches, maps, restart);
criterion_main!(benches);
