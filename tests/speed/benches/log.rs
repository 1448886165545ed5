//! What the log engine costs, on a real directory: appends with and without a sync, reads, recovery,
//! collection.
//!
//! ```text
//!   cargo bench -p speed --bench log                   all of it
//!   cargo bench -p speed --bench log -- append/32      one shape
//!
//!   append/..    one batch of so many entries of 256 bytes, not synced; elements are entries
//!   sync/..      one batch of so many entries, and a sync; and beside it what the disk takes for a
//!                bare write and sync of as many bytes in a file of zeros. With eight threads,
//!                elements are appends of all of them. A maintenance thread does the chores
//!   read/..      entries that lie in sealed segments, and those in the tail
//!   recovery/..  an opening, every byte tested; elements are bytes of log
//!   collect      a call that moves 512 entries of idle groups, and lets their segment go
//! ```
//!
//! The directory is made where temporary files are; `TMPDIR` says where.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage::{
    Batch, Disk, DiskFile, Entry, EntryId, GroupId, Index, Log, MaintenanceThread, Options,
    RealDisk,
};
use tempfile::TempDir;

/// How many groups take turns.
const GROUPS: u64 = 64;

/// How many entries of a group stay wanted.
const KEPT: u64 = 500;

/// Writes to its groups in turn.
struct Writer<'a> {
    log: &'a Log,
    groups: Vec<(GroupId, u64)>,
    turn: usize,
    batch: Batch,
}

impl<'a> Writer<'a> {
    fn new(log: &'a Log, groups: impl Iterator<Item = u64>) -> Writer<'a> {
        let groups = groups.map(|group| (GroupId(group), 0)).collect();
        Writer { log, groups, turn: 0, batch: Batch::new() }
    }

    /// Appends one batch to the group whose turn it is, and lets go of its oldest entries.
    fn append(&mut self, entries: u64) -> storage::Lsn {
        let turn = self.turn % self.groups.len();
        self.turn += 1;
        let (group, last) = &mut self.groups[turn];
        self.batch.clear();
        for _ in 0..entries {
            *last += 1;
            let data = bytes::Bytes::from_static(&[0x5a; 256]);
            let id = EntryId::new(*last, 1);
            self.batch.entries(*group, std::slice::from_ref(&Entry { id, data }));
        }
        if *last > KEPT && *last % 64 < entries {
            self.batch.compact(*group, EntryId::new(*last - KEPT, 1));
        }
        let lsn = self.log.append(&self.batch).expect("the disk has room");
        if self.turn.is_multiple_of(8192) {
            self.log.gc().expect("the disk works");
        }
        lsn
    }
}

fn open(dir: &TempDir) -> Log {
    let options = Options { collect_above_bytes: 128 << 20, ..Options::default() };
    Log::open(dir.path(), options).expect("a directory of our own")
}

fn append(c: &mut Criterion) {
    let mut bench = c.benchmark_group("append");
    for entries in [1, 32] {
        let dir = tempfile::tempdir().expect("a directory");
        let log = open(&dir);
        let mut writer = Writer::new(&log, 0..GROUPS);
        bench.throughput(Throughput::Elements(entries));
        bench.bench_with_input(BenchmarkId::from_parameter(entries), &entries, |b, entries| {
            b.iter(|| writer.append(*entries));
        });
    }
}

fn sync(c: &mut Criterion) {
    let mut bench = c.benchmark_group("sync");
    let dir = tempfile::tempdir().expect("a directory");
    let log = Arc::new(open(&dir));
    log.maintain().expect("the disk has room");
    let _maintenance = MaintenanceThread::start(log.clone()).expect("there are threads");
    let mut writer = Writer::new(&log, 0..1);
    for entries in [1, 32] {
        bench.throughput(Throughput::Elements(entries));
        bench.bench_with_input(BenchmarkId::new("one thread", entries), &entries, |b, entries| {
            b.iter(|| {
                let lsn = writer.append(*entries);
                log.sync_to(lsn).expect("the disk works");
            });
        });
    }

    bench.throughput(Throughput::Elements(1));
    let bare = tempfile::tempdir().expect("a directory");
    let file = RealDisk::at(bare.path()).and_then(|disk| disk.create("bare")).expect("a file");
    let len = 32u64 << 20;
    for offset in (0..len).step_by(1 << 15) {
        file.write_all_at(offset, &[0; 1 << 15]).expect("the disk has room");
    }
    file.sync_data().expect("the disk works");
    let mut offset = 0;
    bench.bench_function("bare disk", |b| {
        b.iter(|| {
            file.write_all_at(offset, &[1; 320]).expect("the disk works");
            file.sync_data().expect("the disk works");
            offset = (offset + 320) % (len - 320);
        });
    });

    bench.bench_function("eight threads", |b| {
        b.iter_custom(|rounds| {
            let begun = Instant::now();
            std::thread::scope(|scope| {
                for thread in 0..8 {
                    let (mut writer, log) = (Writer::new(&log, [thread + 1].into_iter()), &log);
                    let last = log.last_index(GroupId(thread + 1)).map_or(0, |last| last.0);
                    writer.groups[0].1 = last;
                    scope.spawn(move || {
                        for _ in 0..rounds.div_ceil(8) {
                            let lsn = writer.append(1);
                            log.sync_to(lsn).expect("the disk works");
                        }
                    });
                }
            });
            begun.elapsed()
        });
    });
    let stats = log.stats();
    println!("{} appends in {} syncs, all shapes together", stats.appended, stats.syncs);
}

fn read(c: &mut Criterion) {
    let mut bench = c.benchmark_group("read");
    let dir = tempfile::tempdir().expect("a directory");
    let log = open(&dir);
    let mut writer = Writer::new(&log, 0..1);
    for _ in 0..400_000 {
        let last = writer.groups[0].1;
        writer.batch.clear();
        let data = bytes::Bytes::from_static(&[0x5a; 256]);
        let entry = Entry { id: EntryId::new(last + 1, 1), data };
        log.append(writer.batch.entries(GroupId(0), &[entry])).expect("the disk has room");
        writer.groups[0].1 += 1;
    }
    for (name, from) in [("sealed", 1), ("tail", 399_000)] {
        let mut index = from;
        bench.throughput(Throughput::Elements(1));
        bench.bench_function(BenchmarkId::new("one", name), |b| {
            b.iter(|| {
                index = from + (index - from + 1) % 900;
                black_box(log.entry(GroupId(0), Index(index)).expect("it holds"))
            });
        });
        bench.throughput(Throughput::Elements(100));
        bench.bench_function(BenchmarkId::new("hundred", name), |b| {
            b.iter(|| {
                let range = Index(from)..Index(from + 100);
                black_box(log.entries(GroupId(0), range, u64::MAX).expect("they hold"))
            });
        });
    }
}

fn recovery(c: &mut Criterion) {
    let mut bench = c.benchmark_group("recovery");
    bench.sample_size(10);
    for entries in [1, 32] {
        let dir = tempfile::tempdir().expect("a directory");
        let log = open(&dir);
        let mut writer = Writer::new(&log, 0..GROUPS);
        while log.appended_lsn().0 * entries < 400_000 {
            let turn = writer.turn % writer.groups.len();
            let (group, last) = &mut writer.groups[turn];
            writer.turn += 1;
            writer.batch.clear();
            for _ in 0..entries {
                *last += 1;
                let data = bytes::Bytes::from_static(&[0x5a; 256]);
                writer.batch.entries(*group, &[Entry { id: EntryId::new(*last, 1), data }]);
            }
            log.append(&writer.batch).expect("the disk has room");
        }
        let bytes = log.stats().log_bytes;
        log.close().expect("the disk works");
        bench.throughput(Throughput::Bytes(bytes));
        bench.bench_function(BenchmarkId::new("batches of", entries), |b| {
            b.iter(|| open(&dir).stats().entries);
        });
    }
}

fn collect(c: &mut Criterion) {
    const MIB: u64 = 1 << 20;
    let dir = tempfile::tempdir().expect("a directory");
    let (segment_bytes, max_batch_bytes) = (MIB as u32, MIB as u32 / 2);
    let options =
        Options { segment_bytes, max_batch_bytes, collect_above_bytes: 0, ..Options::default() };
    let log = Log::open(dir.path(), options).expect("a directory of our own");
    let mut idle = Writer::new(&log, 1..GROUPS + 1);
    for _ in 0..GROUPS {
        idle.append(8);
    }
    let mut busy = Writer::new(&log, 0..1);
    let mut fill = || {
        // So much that the segment with the idle groups is the oldest, and mostly garbage.
        let until = log.stats().log_bytes + 2 * MIB;
        while log.stats().log_bytes < until {
            busy.append(32);
        }
    };
    c.bench_function("collect", |b| {
        b.iter_custom(|rounds| {
            let mut took = Duration::ZERO;
            for _ in 0..rounds {
                fill();
                let begun = Instant::now();
                black_box(log.gc().expect("the disk works"));
                took += begun.elapsed();
            }
            took
        });
    });
}

criterion_group!(benches, append, sync, read, recovery, collect);
criterion_main!(benches);
