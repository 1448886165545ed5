//! What the memtable costs, beside `BTreeMap`, which has no snapshots, and `imbl::OrdMap`, which has.
//!
//! ```text
//!   cargo bench -p speed --bench memtable
//!
//!   random, sequential   100,000 inserts of keys of 16 bytes into an empty map
//!   get                  100,000 reads of keys that are there, in random order
//!   scan                 all 100,000 keys in order, ten times
//!   snapshot             20,000 times: a snapshot, a put of a key that is there, the snapshot's end
//!   memory               bytes allocated for each byte of payload; the keys come in random order
//!   restart              the replay of a write-ahead log
//! ```
//!
//! Absolute times of a shared machine mean nothing. So the maps take turns, round after round, and the
//! ratios of their fastest rounds are what counts.

use bytes::Bytes;
use imbl::OrdMap;
use kv::memtable::{Family, KeyRange, Memtable, Options, Tree, WriteBatch};
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How many keys a map holds.
const KEYS: usize = 100_000;

/// How many snapshots a round takes.
const SNAPSHOTS: usize = 20_000;

/// How many turns each map has.
const ROUNDS: usize = 15;

/// The length of a value where memory and restarts are measured.
const VALUE_BYTES: usize = 256;

/// What is measured, in the order of [`turn`].
const WORK: [&str; 5] = ["random", "sequential", "get", "scan", "snapshot"];

/// How many bytes are allocated.
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, with a count of the bytes that are in use.
struct Counting;

#[expect(unsafe_code, reason = "an allocator is unsafe by contract; this one passes all on")]
// SAFETY: every call goes to `System` with the arguments it came with. A `realloc` is, by default, a
// call of each.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(old, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What the three maps have in common.
trait Map: Clone + Default {
    /// Whether a clone is a snapshot, and not a copy of every key.
    const HAS_SNAPSHOTS: bool = true;
    fn put(&mut self, key: Bytes, value: Bytes);
    fn get(&self, key: &[u8]) -> Option<&Bytes>;
    /// Looks at every key, in order.
    fn scan(&self) -> usize;
}

impl Map for Tree {
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
    const HAS_SNAPSHOTS: bool = false;
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

/// The same keys in three orders.
struct Keys {
    random: Vec<Bytes>,
    sorted: Vec<Bytes>,
    asked: Vec<Bytes>,
}

impl Keys {
    fn new() -> Keys {
        let random = &mut ChaCha8Rng::seed_from_u64(1);
        let key = |_| Bytes::from(random.random::<[u8; 16]>().to_vec());
        let keys: Vec<Bytes> = (0..KEYS).map(key).collect();
        let (mut sorted, mut asked) = (keys.clone(), keys.clone());
        sorted.sort();
        asked.shuffle(random);
        Keys { random: keys, sorted, asked }
    }
}

fn filled<M: Map>(keys: &[Bytes]) -> M {
    let mut map = M::default();
    let value = Bytes::from_static(&[7; 100]);
    keys.iter().for_each(|key| map.put(key.clone(), value.clone()));
    map
}

/// Returns how long some work took, without the end of its result.
fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    let result = black_box(work());
    let took = began.elapsed();
    drop(result);
    took
}

/// Gives a map its turn: each kind of work, once.
fn turn<M: Map>(keys: &Keys) -> [Duration; WORK.len()] {
    let random = timed(|| filled::<M>(&keys.random));
    let sequential = timed(|| filled::<M>(&keys.sorted));
    let mut map: M = filled(&keys.random);
    let get = timed(|| keys.asked.iter().filter(|key| map.get(key).is_some()).count());
    let scan = timed(|| (0..10).map(|_| map.scan()).sum::<usize>());
    let snapshots = if M::HAS_SNAPSHOTS { SNAPSHOTS } else { 0 };
    let snapshot = timed(|| {
        for key in &keys.asked[..snapshots] {
            let snapshot = map.clone();
            map.put(key.clone(), Bytes::from_static(b"new"));
            drop(snapshot);
        }
    });
    [random, sequential, get, scan, snapshot]
}

/// Prints the fastest of all turns, and their ratios.
fn speed(keys: &Keys) {
    let mut fastest = [[Duration::MAX; 3]; WORK.len()];
    for _ in 0..ROUNDS {
        let turns = [
            turn::<Tree>(keys),
            turn::<BTreeMap<Bytes, Bytes>>(keys),
            turn::<OrdMap<Bytes, Bytes>>(keys),
        ];
        for (work, fastest) in fastest.iter_mut().enumerate() {
            for (map, fastest) in fastest.iter_mut().enumerate() {
                *fastest = turns[map][work].min(*fastest);
            }
        }
    }
    println!(
        "{:<12}{:>10}{:>10}{:>10}{:>18}{:>14}",
        "", "ours", "BTreeMap", "imbl", "of BTreeMap", "of imbl"
    );
    for (work, times) in WORK.iter().zip(fastest) {
        let [ours, standard, imbl] = times.map(|time| time.as_secs_f64() * 1e3);
        print!("{work:<12}{ours:>7.1} ms{standard:>7.1} ms{imbl:>7.1} ms");
        if *work == "snapshot" {
            println!("{:>18}{:>14.2}", "-", ours / imbl);
        } else {
            println!("{:>18.2}{:>14.2}", ours / standard, ours / imbl);
        }
    }
}

/// Returns the bytes that a map has allocated for each byte of payload. Each key and each value has memory
/// of its own, as in the store.
fn memory_of<M: Map>(keys: &Keys) -> f64 {
    let before = ALLOCATED.load(Ordering::Relaxed);
    let mut map = M::default();
    for key in &keys.random {
        map.put(Bytes::copy_from_slice(key), Bytes::from(vec![7; VALUE_BYTES]));
    }
    let bytes = ALLOCATED.load(Ordering::Relaxed) - before;
    bytes as f64 / map.scan() as f64
}

fn memory(keys: &Keys) {
    let ours = memory_of::<Tree>(keys);
    let standard = memory_of::<BTreeMap<Bytes, Bytes>>(keys);
    let imbl = memory_of::<OrdMap<Bytes, Bytes>>(keys);
    println!(
        "memory a byte{ours:>9.2}{standard:>10.2}{imbl:>10.2}    16 + {VALUE_BYTES} bytes a key"
    );
}

/// Prints how long a megabyte of the write-ahead log takes to replay, beside the inserts alone. The log is
/// on a real directory, in the page cache.
fn restart(keys: &Keys) {
    let dir = tempfile::tempdir().expect("a directory for a while");
    let open = || Memtable::open(dir.path(), Options::default()).expect("the disk works");
    let table = open();
    for keys in keys.random.chunks(20) {
        let mut batch = WriteBatch::new();
        keys.iter().for_each(|key| batch.put(Family::Default, key.clone(), vec![7; VALUE_BYTES]));
        table.write(&batch).expect("the disk works");
    }
    table.sync().expect("the disk works");
    let megabytes = table.wal().stats().live_bytes as f64 / 1e6;
    drop(table);
    let (mut restart, mut inserts) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        restart = restart.min(timed(open));
        inserts = inserts.min(timed(|| filled::<Tree>(&keys.random)));
    }
    let times = restart.as_secs_f64() / inserts.as_secs_f64();
    let each = restart.as_secs_f64() * 1e3 / megabytes;
    println!(
        "restart     {each:>7.2} ms a MB of {megabytes:.0} MB: {times:.1} times the inserts alone"
    );
}

fn main() {
    let keys = Keys::new();
    speed(&keys);
    memory(&keys);
    restart(&keys);
}
