//! Full disks: met before a byte of the log is written, wherever the room ends (P10).
//!
//! ```text
//!   so many bytes free --> history --> NoSpace --> all is there, and read
//!                                        |-------> what only lets go is written, and collected
//!                                        |-------> killed and opened: the same, or NoSpace again
//!                                        '-- room --> the history goes on
//! ```

use crate::counts::{Row, rounds, seeds, tally};
use crate::history::{Deed, History, small};
use crate::model::{Model, entry};
use storage::{Batch, Disk, EntryId, Error, GroupId, Index, Log, SimDisk};

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
    for seed in seeds(30, 1000) {
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

/// Does deeds until there is no room for one. Returns which that was, and how many appends were done.
fn run_until_full(log: &Log<SimDisk>, deeds: &[Deed], place: &str) -> (Option<usize>, usize) {
    let mut appends = 0;
    for (nth, deed) in deeds.iter().enumerate() {
        match deed.perform(log) {
            Ok(()) => appends += usize::from(matches!(deed, Deed::Append(_))),
            Err(Error::NoSpace { .. }) => return (Some(nth), appends),
            Err(other) => panic!("{place}: {deed:?}: {other}"),
        }
    }
    (None, appends)
}

#[test]
fn a_disk_may_be_full_wherever_the_room_ends() {
    let step = rounds(1024, 128) as usize;
    let (mut full, mut enough) = (0, 0);
    for seed in seeds(12, 40) {
        let history = History::drawn(seed, 60, &Model::default());
        for free in (0..60_000).step_by(step) {
            let place = format!("seed {seed}, {free} bytes free");
            let disk = SimDisk::new(seed);
            disk.set_free_bytes(Some(free));
            match Log::open_on(disk.clone(), small()) {
                Ok(log) => match run_until_full(&log, &history.deeds, &place) {
                    (None, _) => enough += 1,
                    (Some(nth), done) => {
                        full += 1;
                        live_on(&disk, &log, &history, nth, done, &place);
                    }
                },
                Err(error) => {
                    full += 1;
                    assert!(matches!(error, Error::NoSpace { .. }), "{place}: {error}");
                    assert!(disk.list().unwrap().is_empty(), "{place}: something was left");
                }
            }
        }
    }
    assert!(enough > 0);
    tally(Row::FullDisks, full, 100);
}

/// Checks that a log which found no room for the `nth` deed has lost nothing, is read, opens, and goes
/// on when there is room.
fn live_on(
    disk: &SimDisk,
    log: &Log<SimDisk>,
    history: &History,
    nth: usize,
    done: usize,
    place: &str,
) {
    let held = &history.states[done];
    assert_eq!(&Model::of(log), held, "{place}: no room, and something changed");
    log.sync_to(log.appended_lsn()).unwrap_or_else(|e| panic!("{place}: {e}"));
    match log.gc() {
        Ok(_) | Err(Error::NoSpace { .. }) => assert_eq!(&Model::of(log), held, "{place}"),
        Err(other) => panic!("{place}: collecting: {other}"),
    }

    let killed = disk.after_kill();
    match Log::open_on(killed.clone(), small()) {
        Ok(log) => assert_eq!(&Model::of(&log), held, "{place}, killed"),
        Err(error) => assert!(matches!(error, Error::NoSpace { .. }), "{place}, killed: {error}"),
    }
    killed.set_free_bytes(None);
    let log_after = Log::open_on(killed, small()).unwrap_or_else(|e| panic!("{place}: {e}"));
    assert_eq!(&Model::of(&log_after), held, "{place}, killed, and room made");

    disk.set_free_bytes(None);
    assert_eq!(run_until_full(log, &history.deeds[nth..], place).0, None);
    assert_eq!(&Model::of(log), history.states.last().unwrap(), "{place}: went on");
}
