//! A maintenance thread beside a log. When its thread runs is chance, so each test waits for what must come, and
//! none says when.

use super::MaintenanceThread;
use crate::{
    Batch, Entry, EntryId, Error, Fault, GroupId, Log, Lsn, Options, RealDisk, Result, SimDisk,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

const GROUP: GroupId = GroupId(1);

/// Settings under which a little log has many segments, and all garbage is collected.
fn small() -> Options {
    let (segment_bytes, max_batch_bytes) = (8192, 2048);
    Options { segment_bytes, max_batch_bytes, collect_above_bytes: 0, ..Options::default() }
}

fn open(disk: &SimDisk) -> Arc<Log<SimDisk>> {
    Arc::new(Log::open_on(disk.clone(), small()).unwrap())
}

/// Appends the entry at `index`, of a thousand bytes, and lets go of all before it.
fn append_only(log: &Log<SimDisk>, index: u64) -> Result<Lsn> {
    let entry = |index| Entry { id: EntryId::new(index, 1), data: vec![7; 1000].into() };
    let mut batch = Batch::new();
    batch.entries(GROUP, &[entry(index)]);
    if index > 1 {
        batch.compact(GROUP, EntryId::new(index - 1, 1));
    }
    log.append(&batch)
}

/// Waits until something is so.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let ends = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < ends, "{what}: not within a minute");
        std::thread::yield_now();
    }
}

#[test]
fn a_spare_is_ready_before_anybody_needs_it_and_after_it_was_taken() {
    let log = open(&SimDisk::new(1));
    let maintenance = MaintenanceThread::start(log.clone()).unwrap();
    for index in 1..=20 {
        wait_until("a spare", || log.stats().spare_bytes == 8192);
        append_only(&log, index).unwrap();
    }
    maintenance.stop().unwrap();
}

#[test]
fn garbage_goes_although_nobody_collects_it() {
    let log = open(&SimDisk::new(1));
    let maintenance = MaintenanceThread::start(log.clone()).unwrap();
    wait_until("a spare, the last chore", || log.stats().spare_bytes == 8192);
    for index in 1..=60 {
        append_only(&log, index).unwrap();
    }
    wait_until("one segment, and what follows it", || log.stats().segments <= 3);
    assert!(maintenance.status().removed_segments >= 6, "{:?}", maintenance.status());
}

#[test]
fn what_nobody_waits_for_becomes_durable_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(Log::<RealDisk>::open(dir.path(), Options::default()).unwrap());
    let _keeper = MaintenanceThread::start(log.clone()).unwrap();
    let data = vec![7; 1 << 20].into();
    for index in 1..=5 {
        let entry = Entry { id: EntryId::new(index, 1), data: bytes::Bytes::clone(&data) };
        log.append(Batch::new().entries(GROUP, &[entry])).unwrap();
    }
    // The fourth MiB and its headers rang; what came before that is synced.
    wait_until("most of it is durable", || log.durable_lsn() >= Lsn(4));
}

#[test]
fn a_thread_that_is_dropped_releases_the_log() {
    let log = open(&SimDisk::new(1));
    drop(MaintenanceThread::start(log.clone()).unwrap());
    Arc::into_inner(log).expect("nobody else owns the log").close().unwrap();
}

#[test]
fn a_full_disk_is_trouble_that_passes() {
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
fn a_disk_that_fails_stops_it_and_it_says_how() {
    let disk = SimDisk::new(1);
    let log = open(&disk);
    disk.plan(disk.operations() + 1, Fault::Fails);
    let maintenance = MaintenanceThread::start(log.clone()).unwrap();
    wait_until("it has stopped", || Arc::strong_count(&log) == 1);
    assert!(matches!(append_only(&log, 1), Err(Error::Poisoned { .. })));
    assert!(matches!(maintenance.stop(), Err(Error::Io { .. })));
}

#[test]
fn a_disk_that_fails_somebody_else_stops_it_too() {
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
fn a_full_disk_is_collected_when_its_owner_has_compacted_whatever_the_thresholds() {
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

    // It is compacted, and nobody calls anything else.
    log.append(Batch::new().compact(GROUP, EntryId::new(last, 1))).unwrap();
    wait_until("room", || {
        maintenance.status().removed_segments > 0 && log.stats().spare_bytes == 8192
    });
    // A spare may be in the thread's hands for a moment; then an append is refused once more.
    for index in last + 1..last + 5 {
        wait_until("an append", || append(index).is_ok());
    }
    maintenance.stop().unwrap();
}
