//! Company: a sync leader waits for the callers that it has just served, on a disk whose clock only
//! syncs move.
//!
//! ```text
//!   the disk's clock      0 ---- a sync: + 400 ms ---- another: + 400 ms ----
//!   a leader waits        for at most half of that, or until as many callers came as it expects
//! ```
//!
//! A sync takes 1 ms of real time, so that other callers come meanwhile, and 400 ms of the disk's clock.
//! So callers have time to come even on a busy machine, and the counts are the same on every machine.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};
use storage::{
    Batch, Disk, DiskFile, Fault, GroupId, Log, MaintenanceThread, Mapped, Options, SimDisk,
};
use testbed::engine::entries::{entry, small};

/// A clock that only syncs move, with a count of its reads.
#[derive(Default)]
struct Clock {
    passed_ms: AtomicU64,
    reads: AtomicU64,
}

/// A disk with such a clock.
struct SlowDisk {
    disk: SimDisk,
    clock: Arc<Clock>,
    sync_ms: u64,
}

/// A file on such a disk.
struct SlowFile {
    file: <SimDisk as Disk>::File,
    clock: Arc<Clock>,
    sync_ms: u64,
}

impl SlowDisk {
    fn new(disk: &SimDisk, sync_ms: u64) -> SlowDisk {
        SlowDisk { disk: disk.clone(), clock: Arc::default(), sync_ms }
    }

    fn file(&self, file: <SimDisk as Disk>::File) -> SlowFile {
        SlowFile { file, clock: self.clock.clone(), sync_ms: self.sync_ms }
    }
}

impl Disk for SlowDisk {
    type File = SlowFile;
    type Lock = <SimDisk as Disk>::Lock;

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }
    fn create(&self, name: &str) -> io::Result<SlowFile> {
        Ok(self.file(self.disk.create(name)?))
    }
    fn open(&self, name: &str) -> io::Result<SlowFile> {
        Ok(self.file(self.disk.open(name)?))
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
    fn now(&self) -> Duration {
        self.clock.reads.fetch_add(1, Ordering::SeqCst);
        Duration::from_millis(self.clock.passed_ms.load(Ordering::SeqCst))
    }
}

impl DiskFile for SlowFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(offset, bytes)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.clock.passed_ms.fetch_add(self.sync_ms, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(1));
        self.file.sync_data()
    }
    fn map(&self) -> io::Result<Mapped> {
        self.file.map()
    }
    fn map_first(&self, len: u64) -> io::Result<Mapped> {
        self.file.map_first(len)
    }
}

/// Options that give a log of a few hundred batches a few segments.
fn few_segments() -> Options {
    Options { segment_bytes: 1 << 16, ..small() }
}

#[test]
fn with_eight_threads_one_sync_covers_six_batches_or_more() {
    let disk = SimDisk::new(1);
    let log = Log::open_on(SlowDisk::new(&disk, 400), few_segments()).unwrap();
    let (threads, each) = (8, 100);
    let all_started = Barrier::new(threads as usize);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (log, all_started) = (&log, &all_started);
            scope.spawn(move || {
                all_started.wait();
                for index in 1..=each {
                    let entries = [entry(index, 1, 40)];
                    let lsn = log.write(Batch::new().entries(GroupId(thread), &entries)).unwrap();
                    assert!(log.durable_lsn() >= lsn);
                }
            });
        }
    });
    let syncs = log.stats().syncs;
    println!("{} batches, {syncs} syncs", threads * each);
    // The writer also syncs each segment before it begins the next one.
    let left = log.stats().segments - 1;
    assert!(
        threads * each >= 6 * (syncs - left),
        "{syncs} syncs, {left} of them at the end of a segment"
    );
}

#[test]
fn a_single_writer_never_waits_although_a_maintenance_thread_syncs_too() {
    let disk = SimDisk::new(1);
    let slow = SlowDisk::new(&disk, 400_000);
    let clock = slow.clock.clone();
    let log = Arc::new(Log::open_on(slow, few_segments()).unwrap());
    let begun = Instant::now();
    let (before, syncs) = (clock.reads.load(Ordering::SeqCst), log.stats().syncs);
    for index in 1..=200 {
        log.write(Batch::new().entries(GroupId(1), &[entry(index, 1, 40)])).unwrap();
    }
    let reads = clock.reads.load(Ordering::SeqCst) - before;
    let syncs = log.stats().syncs - syncs;
    assert_eq!(reads, 2 * syncs, "the clock is read only before and after a sync");
    let maintenance = MaintenanceThread::start(log.clone()).unwrap();
    for index in 201..=600 {
        log.write(Batch::new().entries(GroupId(1), &[entry(index, 1, 40)])).unwrap();
        maintenance.wake();
    }
    maintenance.stop().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(60), "one wait for company would be 200 s");
}

#[test]
fn a_failure_wakes_leaders_that_wait_for_company() {
    for fails_after in [100, 101, 150, 333] {
        let disk = SimDisk::new(1);
        let log = Log::open_on(SlowDisk::new(&disk, 400_000), few_segments()).unwrap();
        disk.plan(disk.operations() + fails_after, Fault::Fails);
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let log = &log;
                scope.spawn(move || {
                    let group = GroupId(thread);
                    let write =
                        |index| log.write(Batch::new().entries(group, &[entry(index, 1, 9)]));
                    (1..).map(write).find_map(Result::err).unwrap()
                });
            }
        });
        assert!(begun.elapsed() < Duration::from_secs(60), "one wait for company would be 200 s");
        assert_eq!(disk.syncs_after_failure(), 0);
    }
}
