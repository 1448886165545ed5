//! Ticks: what an operation costs, without a clock.
//!
//! ```text
//!   a byte range written  1 tick      a sync  100      a name changed  10
//! ```
//!
//! The numbers match no real disk. They let a test say "one sync for all", or "the cost was paid before", with
//! the same result on every machine.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use std::{io, thread};
use storage::{Batch, Disk, DiskFile, EntryId, GroupId, Latency, Log, Mapped, SimDisk};
use testbed::engine::entries::{entry, small};

const LATENCY: Latency = Latency { write_ticks: 1, sync_ticks: 100, name_ticks: 10 };

/// Returns a log whose disk counts ticks, and its disk.
fn new_log() -> (SimDisk, Log<SimDisk>) {
    let disk = SimDisk::new(1);
    disk.set_latency(LATENCY);
    (disk.clone(), Log::open_on(disk, small()).unwrap())
}

/// Returns the ticks that a closure costs.
fn cost(disk: &SimDisk, what: impl FnOnce()) -> u64 {
    let before = disk.ticks();
    what();
    disk.ticks() - before
}

#[test]
fn a_batch_of_many_groups_costs_one_write_and_one_sync_in_ticks() {
    let (disk, log) = new_log();
    let mut batch = Batch::new();
    for group in 0..10 {
        batch.entries(GroupId(group), &[entry(1, 1, 20)]).put(GroupId(group), b"hs", b"state");
    }
    let append = || assert_eq!(log.append(&batch).unwrap().0, 1);
    assert_eq!(cost(&disk, append), 1);
    assert_eq!(cost(&disk, || log.sync_to(log.appended_lsn()).unwrap()), 100);
    assert_eq!(
        cost(&disk, || log.sync_to(log.appended_lsn()).unwrap()),
        0,
        "it is durable already"
    );
}

#[test]
fn writes_to_a_maintained_log_cost_less() {
    // Four batches of 904 bytes fill a segment, and the fifth needs the next.
    let costs = |is_maintained: &dyn Fn() -> bool| -> Vec<u64> {
        let (disk, log) = new_log();
        let write = |index| {
            if is_maintained() {
                log.maintain().unwrap();
            }
            let entries = [entry(index, 1, 840)];
            cost(&disk, || {
                log.write(Batch::new().entries(GroupId(1), &entries)).unwrap();
            })
        };
        (1..=60).map(write).collect()
    };
    let (prepared, unprepared) = (costs(&|| true), costs(&|| false));
    // The new segment's header, sync, name and directory; then the batch.
    let dearest = (1 + 100 + 10 + 100) + (1 + 100);
    assert_eq!(prepared.iter().max(), Some(&dearest));
    // The name of a spare, its zeros and their sync: without maintenance, writers pay for each segment.
    let spares = (unprepared.iter().sum::<u64>() - prepared.iter().sum::<u64>()) / (10 + 1 + 100);
    assert_eq!(spares, 15);
}

#[test]
fn a_collection_syncs_once_for_all_moves_and_three_times_for_each_segment() {
    let (disk, log) = new_log();
    for key in 0..6 {
        log.append(Batch::new().put(GroupId(2), &[key], &[key; 500])).unwrap(); // two fit a frame
    }
    for index in 1..=60 {
        log.append(Batch::new().entries(GroupId(1), &[entry(index, 1, 300)])).unwrap();
    }
    log.append(Batch::new().compact(GroupId(1), EntryId::new(58, 1))).unwrap();
    log.maintain().unwrap();
    log.sync_to(log.appended_lsn()).unwrap();
    let (syncs, segments) = (disk.syncs(), log.stats().segments);
    let collected = log.gc().unwrap();
    let removed = collected.removed.len() as u64;
    assert_eq!((collected.moved_items, removed), (6, segments - 1));
    // One sync for the moved items. Three for each removed segment: a frame that proves them, the mark of
    // the next segment, and the name. Three where the tail was full: the tail, the next header, its name.
    let begun = log.stats().segments + removed - segments;
    assert_eq!(disk.syncs() - syncs, 1 + 3 * removed + 3 * begun, "{collected:?}");
}

/// A disk on which a sync of data waits until a test opens the barrier.
struct Gate {
    disk: SimDisk,
    barrier: Arc<Barrier>,
}

/// A file on it.
struct GateFile {
    file: <SimDisk as Disk>::File,
    barrier: Arc<Barrier>,
}

/// A barrier that holds syncs back while it is down.
#[derive(Default)]
struct Barrier {
    is_down: Mutex<bool>,
    moved: Condvar,
}

impl Barrier {
    /// Lowers the barrier, or raises it for all syncs.
    fn set(&self, is_down: bool) {
        *self.is_down.lock().unwrap() = is_down;
        self.moved.notify_all();
    }

    /// Waits until the barrier is up.
    fn pass(&self) {
        let is_down = self.is_down.lock().unwrap();
        drop(self.moved.wait_while(is_down, |is_down| *is_down).unwrap());
    }
}

impl Disk for Gate {
    type File = GateFile;
    type Lock = <SimDisk as Disk>::Lock;

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }
    fn create(&self, name: &str) -> io::Result<GateFile> {
        Ok(GateFile { file: self.disk.create(name)?, barrier: self.barrier.clone() })
    }
    fn open(&self, name: &str) -> io::Result<GateFile> {
        Ok(GateFile { file: self.disk.open(name)?, barrier: self.barrier.clone() })
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }
    fn sync_dir(&self) -> io::Result<()> {
        self.disk.sync_dir()
    }
    fn lock(&self) -> io::Result<Self::Lock> {
        self.disk.lock()
    }
    fn entropy(&self) -> u64 {
        self.disk.entropy()
    }
}

impl DiskFile for GateFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(offset, bytes)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.barrier.pass();
        self.file.sync_data()
    }
    fn map(&self) -> io::Result<Mapped> {
        self.file.map()
    }
    fn map_first(&self, len: u64) -> io::Result<Mapped> {
        self.file.map_first(len)
    }
}

#[test]
fn seven_callers_that_come_during_a_sync_share_the_next_one() {
    let disk = SimDisk::new(1);
    let barrier = Arc::new(Barrier::default());
    let gate = Gate { disk: disk.clone(), barrier: barrier.clone() };
    let log = Log::open_on(gate, small()).unwrap();
    disk.set_latency(LATENCY);
    barrier.set(true);
    let all_came = thread::scope(|scope| {
        for group in 0..8 {
            let log = &log;
            scope.spawn(move || {
                let lsn = log.write(Batch::new().entries(GroupId(group), &[entry(1, 1, 20)]));
                assert!(log.durable_lsn() >= lsn.unwrap());
            });
        }
        let deadline = Instant::now() + Duration::from_secs(60);
        while log.appended_lsn().0 < 8 && Instant::now() < deadline {
            thread::yield_now();
        }
        let all_came = log.appended_lsn().0 == 8;
        barrier.set(false);
        all_came
    });
    assert!(all_came, "no caller could write during a sync");
    let budget = 8 * LATENCY.write_ticks + 2 * LATENCY.sync_ticks;
    assert!(disk.ticks() <= budget, "{} ticks, {budget} allowed", disk.ticks());
}
