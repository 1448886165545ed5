//! What one write costs three stores while 64 clients wait: in entries, syncs, messages and calls of the
//! memory allocator. One thread, so each number is the same in every run.
//!
//! ```text
//!   64 writes wait --> one round of the leader: one entry, one sync --> followers: one sync each --> 64 more
//! ```

use kv::env::{Directory, Env, Moment};
use kv::model::{ClusterId, RegionId, StoreId, StoreMessage, Write};
use kv::store::{RaftKv, RequestContext, Store, StoreConfig, WriteCallback, WriteEvent, bootstrap};
use raft::RoleName;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io};
use storage::{Disk, RealDisk};
use testbed::fleet::env::{SimClock, SimOutbox};
use testbed::fleet::region;
use testbed::machine::SimMachine;

/// How many writes wait at any time.
const AT_ONCE: u64 = 64;

/// How many writes are counted.
const WRITES: u64 = 64 * 100;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, with a count of this thread's calls and bytes.
struct Counting;

impl Counting {
    fn count(bytes: usize) {
        CALLS.set(CALLS.get() + 1);
        BYTES.set(BYTES.get() + bytes as u64);
    }
}

#[expect(unsafe_code, reason = "an allocator is unsafe by contract; this one passes all on")]
// SAFETY: every call goes to `System` with the arguments it came with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Counting::count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Counting::count(size);
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        unsafe { System.dealloc(old, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a store reaches outside itself: a clock that the test sets, an outbox, and disks of any kind.
struct CostEnv<D> {
    clock: SimClock,
    outbox: SimOutbox,
    disk: Box<dyn Fn(Directory) -> io::Result<D> + Send>,
}

impl<D: Disk> Env for CostEnv<D> {
    type Clock = SimClock;
    type Transport = SimOutbox;
    type Disk = D;

    fn clock(&self) -> SimClock {
        self.clock.clone()
    }

    fn transport(&self) -> SimOutbox {
        self.outbox.clone()
    }

    fn disk(&self, directory: Directory) -> io::Result<D> {
        (self.disk)(directory)
    }

    fn entropy(&self) -> u64 {
        17
    }
}

/// Three stores on one thread, and what they send each other.
struct Three<D: Disk> {
    stores: Vec<Store<CostEnv<D>>>,
    doors: Vec<RaftKv<CostEnv<D>>>,
    clock: SimClock,
    outboxes: Vec<SimOutbox>,
    messages: u64,
}

impl<D: Disk> Three<D> {
    /// Starts three stores, of which one leads.
    fn start<F: Fn(Directory) -> io::Result<D> + Send + 'static>(disks: impl Fn(u64) -> F) -> Self {
        let (clock, outboxes) = (SimClock::default(), [1, 2, 3].map(|_| SimOutbox::default()));
        let stores = (1..=3).map(|id| {
            let (clock, outbox) = (clock.clone(), outboxes[id as usize - 1].clone());
            let env = CostEnv { clock, outbox, disk: Box::new(disks(id)) };
            let config = StoreConfig::new(ClusterId(1), StoreId(id));
            bootstrap(&config, &env, &region(3)).expect("the disks work");
            Store::open(config, env).expect("it is bootstrapped")
        });
        let stores: Vec<_> = stores.collect();
        let doors = stores.iter().map(|store| RaftKv::new(store.handle())).collect();
        let mut three = Three { stores, doors, clock, outboxes: outboxes.to_vec(), messages: 0 };
        for tick in 1..100 {
            three.clock.set(Moment(tick * 100_000_000));
            three.settle();
        }
        three
    }

    /// Lets all stores work until nothing is on its way.
    fn settle(&mut self) {
        loop {
            let rounds: usize = self.stores.iter_mut().map(|store| store.run_inline(8)).sum();
            let sent: Vec<_> = self.outboxes.iter().flat_map(SimOutbox::take).collect();
            if rounds == 0 && sent.is_empty() {
                return;
            }
            self.messages += sent.len() as u64;
            for (to, bytes) in sent {
                let message = StoreMessage::decode(bytes).expect("stores send what they can read");
                self.doors[to.0 as usize - 1].handle().deliver(message);
            }
        }
    }

    fn leader(&self) -> usize {
        let leads = |store: &Store<_>| {
            let status = store.peer(RegionId(1)).expect("it has a peer");
            status.role == RoleName::Leader && status.applied.term == status.term
        };
        self.stores.iter().position(leads).expect("one of three leads")
    }

    /// Writes [`WRITES`] values, [`AT_ONCE`] of them at a time.
    fn write_all(&mut self, value_bytes: usize) {
        let door = self.doors[self.leader()].clone();
        let value = bytes::Bytes::from(vec![7; value_bytes]);
        let done = Arc::new(AtomicU64::new(0));
        for number in 0..WRITES {
            let (key, value) = (format!("key{number:013}").into(), value.clone());
            let done = done.clone();
            let callback = WriteCallback::new(move |event| {
                if let WriteEvent::Finished(outcome) = event {
                    outcome.expect("a leader serves");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
            let (epoch, request) = (region(3).epoch, door.handle().next_request());
            let context = RequestContext { region: RegionId(1), peer: None, epoch, term: None };
            door.async_write(context, request, Write::Put { key, value }, callback);
            if (number + 1) % AT_ONCE == 0 {
                self.settle();
            }
        }
        assert_eq!(done.load(Ordering::Relaxed), WRITES);
    }
}

#[test]
fn a_write_takes_few_entries_and_few_syncs() {
    let machines = [1, 2, 3].map(SimMachine::new);
    let mut three = Three::start(|id| {
        let machine = machines[id as usize - 1].clone();
        move |directory| Ok(machine.directory(directory))
    });
    let last = |three: &Three<_>| three.stores[0].peer(RegionId(1)).expect("it is there").last;
    let syncs = || machines.iter().map(SimMachine::syncs).max().expect("there are three");
    let before = (last(&three).index.0, syncs(), three.messages);
    three.write_all(256);
    let entries = last(&three).index.0 - before.0;
    let (syncs, messages) = (syncs() - before.1, three.messages - before.2);
    println!("{WRITES} writes: {entries} entries, {syncs} syncs of a store, {messages} messages");
    assert!(10 * entries <= WRITES, "{entries} entries");
    assert!(10 * syncs <= WRITES, "{syncs} syncs");
}

#[test]
fn a_write_asks_the_allocator_rarely_and_its_value_is_copied_rarely() {
    let folder = tempfile::tempdir().expect("there is room");
    let mut three = Three::start(|id| {
        let folder = folder.path().join(id.to_string());
        move |directory: Directory| {
            fs::create_dir_all(folder.join(directory.name()))?;
            RealDisk::at(folder.join(directory.name()))
        }
    });
    let mut cost_of = |value_bytes| {
        three.write_all(value_bytes); // what is used again is there
        let before = (CALLS.get(), BYTES.get());
        three.write_all(value_bytes);
        (CALLS.get() - before.0, BYTES.get() - before.1)
    };
    let (short, long) = (cost_of(256), cost_of(256 + 2048));
    let calls = short.0 as f64 / WRITES as f64 / 3.0;
    let copies = (long.1 - short.1) as f64 / (WRITES * 2048) as f64 / 3.0;
    println!(
        "a write, on one of three stores: {calls:.1} allocations, its value {copies:.1} times"
    );
    assert!(calls <= 20.0, "{calls:.1} allocations");
    assert!(copies <= 4.0, "{copies:.1} copies");
}
