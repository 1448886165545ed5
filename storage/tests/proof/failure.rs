//! Operations that fail, disks that are full, syncs that lie, writes that land elsewhere.

use crate::fates::Drawn;
use crate::history::{History, Reached, small};
use crate::model::{Model, entry};
use crate::seeds;
use storage::{Batch, EntryId, Error, Fault, GroupId, Index, Log, SimDisk};

/// Runs a history with one fault, and returns the disk, the log if it opened, and how far it got.
fn run_with(
    seed: u64,
    operation: u64,
    fault: Fault,
    history: &History,
) -> (SimDisk, Option<Log<SimDisk>>, Reached) {
    let disk = SimDisk::new(seed);
    disk.plan(operation, fault);
    match Log::open_on(disk.clone(), small()) {
        Ok(log) => {
            let reached = history.run(&log);
            (disk, Some(log), reached)
        }
        Err(error) => {
            (disk, None, Reached { acknowledged: 0, proven: 0, begun: 0, error: Some(error) })
        }
    }
}

/// Returns how many operations a history takes.
fn operations(seed: u64, history: &History) -> u64 {
    let (disk, _, reached) = run_with(seed, u64::MAX, Fault::Fails, history);
    assert!(reached.error.is_none());
    disk.operations()
}

#[test]
fn after_the_first_failure_nothing_is_written_and_nothing_acknowledged_is_lost() {
    let mut failures = 0;
    for seed in 0..seeds(20) {
        let history = History::drawn(seed, 60, &Model::default());
        for operation in 1..=operations(seed, &history) {
            failures += 1;
            let place = format!("seed {seed}, operation {operation}");
            let (disk, log, reached) = run_with(seed, operation, Fault::Fails, &history);
            let error = reached.error.as_ref().unwrap_or_else(|| panic!("{place}: not noticed"));
            assert!(matches!(error, Error::Io { .. }), "{place}: {error}");
            if let Some(log) = log {
                let after = disk.operations();
                let batch_error = log.append(Batch::new().put(GroupId(1), b"k", b"v")).unwrap_err();
                for again in [log.gc().map(|_| ()), log.maintain(), Err(batch_error)] {
                    let again = again.unwrap_err();
                    let Error::Poisoned { first } = &again else { panic!("{place}: {again}") };
                    assert_eq!(first.to_string(), error.to_string(), "{place}");
                }
                assert_eq!(disk.operations(), after, "{place}: written after a failure");
                assert!(history.state_of(&log, &reached).is_some(), "{place}: still read");
            }
            assert_eq!(disk.syncs_after_failure(), 0, "{place}: a failed sync was tried again");

            // The page cache shows what the platter may not hold: what an opening shows is durable.
            let killed = disk.after_kill();
            let log =
                Log::open_on(killed.clone(), small()).unwrap_or_else(|e| panic!("{place}: {e}"));
            let state = history.state_of(&log, &reached);
            let state = state.unwrap_or_else(|| panic!("{place}: something that never was"));
            let worst = killed.after_power_cut(&mut Drawn::new(seed, 0));
            let log = Log::open_on(worst, small()).unwrap_or_else(|e| panic!("{place}, cut: {e}"));
            assert_eq!(Model::of(&log), history.states[state], "{place}: not durable");

            // And power may fail at once.
            let cut = disk.after_power_cut(&mut Drawn::new(seed, operation));
            let log = Log::open_on(cut, small()).unwrap_or_else(|e| panic!("{place}, cut: {e}"));
            assert!(history.state_of(&log, &reached).is_some(), "{place}, cut at once");
        }
    }
    println!("{failures} operations failed");
    assert!(failures > 500);
}

#[test]
fn short_writes_are_finished() {
    for seed in 0..seeds(3) {
        let history = History::drawn(seed, 60, &Model::default());
        for operation in 1..=operations(seed, &history) {
            let (disk, log, reached) = run_with(seed, operation, Fault::Short, &history);
            assert!(reached.error.is_none(), "seed {seed}, operation {operation}");
            drop(log);
            let log = Log::open_on(disk, small()).unwrap();
            assert_eq!(&Model::of(&log), history.states.last().unwrap());
        }
    }
}

#[test]
fn a_write_that_landed_elsewhere_is_noticed_or_was_in_the_last_batches() {
    let (mut refused, mut opened) = (0, 0);
    for seed in 0..seeds(10) {
        let history = History::drawn(seed, 60, &Model::default());
        for operation in 1..=operations(seed, &history) {
            for by in [8, 64, 512] {
                let place = format!("seed {seed}, operation {operation}, by {by}");
                let fault = Fault::Misdirected { by };
                let (disk, _, reached) = run_with(seed, operation, fault, &history);
                let Ok(log) = Log::open_on(disk.after_kill(), small()) else {
                    refused += 1;
                    continue;
                };
                opened += 1;
                let least = Reached { acknowledged: reached.proven, ..reached };
                let state = history.state_of(&log, &least);
                assert!(state.is_some(), "{place}: acknowledged, spoken of, and lost in silence");
            }
        }
    }
    println!("{refused} of {} misdirected writes refused", refused + opened);
    assert!(refused > 100);
}

#[test]
fn a_full_disk_is_met_before_a_byte_is_written() {
    let group = GroupId(1);
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    disk.set_free_bytes(Some(30_000));
    let mut held = 0;
    let error = loop {
        match log.write(Batch::new().entries(group, &[entry(held + 1, 1, 300)])) {
            Ok(_) => held += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::NoSpace { bytes: 8192 }), "{error}");
    assert_eq!(log.last_index(group), Some(Index(held)));
    assert_eq!(log.entries(group, Index(1)..Index(held + 1), u64::MAX).unwrap().len() as u64, held);

    // Nothing is lost if the process dies here, and the directory opens on a full disk.
    let full = disk.after_kill();
    let again = Log::open_on(full, small()).map(|log| Model::of(&log));
    assert!(
        matches!(&again, Ok(model) if *model == Model::of(&log))
            || matches!(again, Err(Error::NoSpace { .. }))
    );

    // Room is made, and the log goes on.
    disk.set_free_bytes(Some(10_000));
    log.write(Batch::new().entries(group, &[entry(held + 1, 1, 300)])).unwrap();
}

#[test]
fn garbage_is_collected_on_a_full_disk() {
    let group = GroupId(1);
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    disk.set_free_bytes(Some(50_000));
    log.write(Batch::new().put(GroupId(2), b"idle", b"and wanted")).unwrap();
    let mut last = 0;
    while log.write(Batch::new().entries(group, &[entry(last + 1, 1, 300)])).is_ok() {
        last += 1;
    }
    disk.set_free_bytes(Some(0));
    // What only makes garbage is still written; then it is collected, and there is room again.
    let free = |log: &Log<SimDisk>| log.write(Batch::new().compact(group, EntryId::new(last, 1)));
    free(&log).unwrap();
    let collected = log.gc().unwrap();
    assert!(collected.removed.len() >= 3 && collected.moved_items >= 1, "{collected:?}");
    assert_eq!(log.get(GroupId(2), b"idle").as_deref(), Some(&b"and wanted"[..]));
    for index in last + 1..last + 10 {
        log.write(Batch::new().entries(group, &[entry(index, 1, 300)])).unwrap();
    }
}

#[test]
fn recovery_needs_no_more_room_than_the_spare_had() {
    for seed in 0..seeds(30) {
        let disk = SimDisk::new(seed);
        let log = Log::open_on(disk.clone(), small()).unwrap();
        let history = History::drawn(seed, 40, &Model::default());
        history.run(&log);
        log.maintain().unwrap();
        disk.set_free_bytes(Some(0));
        let log = Log::open_on(disk.after_kill(), small()).unwrap();
        assert_eq!(&Model::of(&log), history.states.last().unwrap(), "seed {seed}");
    }
}

#[test]
fn a_process_that_dies_again_and_again_fills_no_disk() {
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    log.append(Batch::new().entries(GroupId(1), &[entry(1, 1, 100)])).unwrap();
    let mut disk = disk.after_kill();
    for _ in 0..20 {
        let log = Log::open_on(disk.clone(), small()).unwrap();
        assert_eq!(log.last_index(GroupId(1)), Some(Index(1)));
        disk = disk.after_kill();
    }
    assert!(disk.used_bytes() <= 3 * 8192, "{} bytes", disk.used_bytes());
}
