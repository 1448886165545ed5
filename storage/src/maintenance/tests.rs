//! A maintenance thread that works beside a log. The thread runs at a random time. So each test
//! waits until the expected state is reached, however long that takes.

use super::MaintenanceThread;
use crate::{
    Batch, Entry, EntryId, Error, Fault, GroupId, Log, Lsn, Options, RealDisk, Result, SimDisk,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

const GROUP: GroupId = GroupId(1);

/// Settings under which a small log has many segments, and all garbage is collected.
fn small() -> Options {
    let (segment_bytes, max_batch_bytes) = (8192, 2048);
    Options { segment_bytes, max_batch_bytes, collect_above_bytes: 0, ..Options::default() }
}

fn open(disk: &SimDisk) -> Arc<Log<SimDisk>> {
    Arc::new(Log::open_on(disk.clone(), small()).unwrap())
}

/// Appends the entry at `index`, of a thousand bytes, and compacts all entries before it.
fn append_only(log: &Log<SimDisk>, index: u64) -> Result<Lsn> {
    let entry = |index| Entry { id: EntryId::new(index, 1), data: vec![7; 1000].into() };
    let mut batch = Batch::new();
    batch.entries(GROUP, &[entry(index)]);
    if index > 1 {
        batch.compact(GROUP, EntryId::new(index - 1, 1));
    }
    log.append(&batch)
}

/// Waits until a condition holds, for up to a minute.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let ends = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < ends, "{what}: not within a minute");
        std::thread::yield_now();
    }
}

#[test]
fn a_spare_is_ready_before_it_is_needed_and_again_after_it_was_used() {
    let log = open(&SimDisk::new(1));
    let maintenance = MaintenanceThread::start(log.clone()).unwrap();
    for index in 1..=20 {
        wait_until("a spare", || log.stats().spare_bytes == 8192);
        append_only(&log, index).unwrap();
    }
    maintenance.stop().unwrap();
}

#[test]
fn garbage_is_collected_although_the_owner_never_calls_gc() {
    let log = open(&SimDisk::new(1));
    let maintenance = MaintenanceThread::start(log.clone()).unwrap();
    wait_until("a spare, the last work of a round", || log.stats().spare_bytes == 8192);
    for index in 1..=60 {
        append_only(&log, index).unwrap();
    }
    wait_until("one segment, and what follows it", || log.stats().segments <= 3);
    // A round's segments go one by one, and are counted when it ends.
    wait_until("they are counted", || maintenance.status().removed_segments >= 6);
}

#[test]
fn batches_become_durable_although_no_caller_waits() {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(Log::<RealDisk>::open(dir.path(), Options::default()).unwrap());
    let _maintenance = MaintenanceThread::start(log.clone()).unwrap();
    let data = vec![7; 1 << 20].into();
    for index in 1..=5 {
        let entry = Entry { id: EntryId::new(index, 1), data: bytes::Bytes::clone(&data) };
        log.append(Batch::new().entries(GROUP, &[entry])).unwrap();
    }
    // The fourth MiB, with its headers, has filled a chunk: all before the end of the chunk is
    // synced.
    wait_until("most of it is durable", || log.durable_lsn() >= Lsn(4));
}

#[test]
fn a_thread_that_is_dropped_releases_the_log() {
    let log = open(&SimDisk::new(1));
    drop(MaintenanceThread::start(log.clone()).unwrap());
    Arc::into_inner(log).expect("no thread owns the log").close().unwrap();
}

#[test]
fn the_error_of_a_full_disk_goes_away_with_room() {
    let disk = SimDisk::new(1);
    let log = open(&disk);
    disk.set_free_bytes(Some(0));
    let maintenance = MaintenanceThread::start(log.clone()).unwrap();
    wait_until("it has noticed", || maintenance.status().trouble.is_some());
    assert!(matches!(maintenance.status().trouble, Some(Error::NoSpace { bytes: 8192 })));

    append_only(&log, 1).unwrap();
    disk.set_free_bytes(None);
    maintenance.wake();
    wait_until("it has passed", || maintenance.status().trouble.is_none());
    assert_eq!(log.stats().spare_bytes, 8192);
    maintenance.stop().unwrap();
}

#[test]
fn a_failure_in_the_thread_stops_it_and_its_status_has_the_error() {
    let disk = SimDisk::new(1);
    let log = open(&disk);
    disk.plan(disk.operations() + 1, Fault::Fails);
    let maintenance = MaintenanceThread::start(log.clone()).unwrap();
    wait_until("it has stopped", || Arc::strong_count(&log) == 1);
    assert!(matches!(append_only(&log, 1), Err(Error::Poisoned { .. })));
    assert!(matches!(maintenance.stop(), Err(Error::Io { .. })));
}

#[test]
fn a_failure_in_a_writer_stops_the_thread_too() {
    let disk = SimDisk::new(1);
    let log = open(&disk);
    let maintenance = MaintenanceThread::start(log.clone()).unwrap();
    wait_until("a spare", || log.stats().spare_bytes == 8192);
    disk.plan(disk.operations() + 1, Fault::Fails);
    assert!(matches!(append_only(&log, 1), Err(Error::Io { .. })));
    wait_until("it has stopped", || Arc::strong_count(&log) == 1);
    assert!(matches!(maintenance.stop(), Err(Error::Poisoned { .. })));
}

#[test]
fn on_a_full_disk_a_compaction_is_enough_to_start_a_collection() {
    let disk = SimDisk::new(1);
    let options = Options { collect_above_bytes: 1 << 40, ..small() };
    let log = Arc::new(Log::open_on(disk.clone(), options).unwrap());
    disk.set_free_bytes(Some(30_000));
    let maintenance = MaintenanceThread::start(log.clone()).unwrap();
    let append = |index| {
        let entry = Entry { id: EntryId::new(index, 1), data: vec![7; 1000].into() };
        log.append(Batch::new().entries(GROUP, &[entry]))
    };
    let mut last = 0;
    while append(last + 1).is_ok() {
        last += 1;
    }
    wait_until("the trouble", || {
        matches!(maintenance.status().trouble, Some(Error::NoSpace { bytes: 8192 }))
    });
    assert!(last > 5 && matches!(append(last + 1), Err(Error::NoSpace { .. })));

    // The owner compacts, and calls nothing else.
    log.append(Batch::new().compact(GROUP, EntryId::new(last, 1))).unwrap();
    wait_until("room", || {
        maintenance.status().removed_segments > 0 && log.stats().spare_bytes == 8192
    });
    // The thread may be making the spare: then an append is refused once more.
    for index in last + 1..last + 5 {
        wait_until("an append", || append(index).is_ok());
    }
    maintenance.stop().unwrap();
}
