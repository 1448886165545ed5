//! Full disks (P10): the engine finds that the disk is full before it writes a byte of the log, at any number
//! of free bytes. A full disk is a state, not an end: the log opens, is read, takes compactions, collects,
//! and goes on.
//!
//! ```text
//!   n bytes free --------> history --> NoSpace --> all is there, and readable
//!       |                                |-------> compactions are written, and garbage collected
//!       |                                |-------> killed and opened: the same
//!       |                                '-- room --> the history goes on
//!       '--> power cut at operation n --> nothing free --> opened: an allowed state
//!                                                            |--> cut, failed at every operation of that
//!                                                            '--> compacted, collected, written again
//! ```

use crate::counts::{Row, rounds, seeds, tally};
use crate::page;
use storage::{
    Batch, Disk, DiskFile, Doing, EntryId, Error, Fate, Fates, Fault, GroupId, Index, Log, Sector,
    SimDisk,
};
use testbed::engine::entries::{entry, small};
use testbed::engine::history::{History, LogCall, Mix, Reached};
use testbed::engine::model::{BatchChange, Model, batch_of};
use testbed::engine::power_cut::PowerCut;

#[test]
fn a_full_disk_is_found_before_a_byte_is_written() {
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
    for free in [None, Some(0), Some(4096)] {
        let full = disk.after_kill();
        full.set_free_bytes(free);
        let again = Log::open_on(full, small()).unwrap();
        assert_eq!(Model::of(&again), Model::of(&log), "{free:?} bytes free");
    }

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
    // A compaction is still written. Then its garbage is collected, and there is room again.
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
        let history = History::drawn(seed, 40, &Model::default(), Mix::USUAL);
        history.run(&log);
        log.maintain().unwrap();
        disk.set_free_bytes(Some(0));
        let log = Log::open_on(disk.after_kill(), small()).unwrap();
        assert_eq!(&Model::of(&log), history.states.last().unwrap(), "seed {seed}");
    }
}

#[test]
fn a_process_that_dies_repeatedly_does_not_fill_the_disk() {
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

/// Performs actions until one finds no room. Returns which one, and how many appends were done.
fn run_until_full(log: &Log<SimDisk>, actions: &[LogCall], place: &str) -> (Option<usize>, usize) {
    let mut appends = 0;
    for (nth, action) in actions.iter().enumerate() {
        match action.perform(log) {
            Ok(()) => appends += usize::from(matches!(action, LogCall::Append { .. })),
            Err(Error::NoSpace { .. }) => return (Some(nth), appends),
            Err(other) => panic!("{place}: {action:?}: {other}"),
        }
    }
    (None, appends)
}

#[test]
fn a_disk_may_be_full_at_any_number_of_free_bytes() {
    let step = rounds(1024, 128) as usize;
    let (mut full, mut enough) = (0, 0);
    for seed in seeds(12, 40) {
        let history = History::drawn(seed, 60, &Model::default(), Mix::USUAL);
        for free in (0..60_000).step_by(step) {
            let place = format!("seed {seed}, {free} bytes free");
            let disk = SimDisk::new(seed);
            disk.set_free_bytes(Some(free));
            match Log::open_on(disk.clone(), small()) {
                Ok(log) => match run_until_full(&log, &history.actions, &place) {
                    (None, _) => enough += 1,
                    (Some(nth), done) => {
                        full += 1;
                        check_full_log(&disk, &log, &history, nth, done, &place);
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

/// Checks a log that found no room for the `nth` action: it has lost nothing, is readable, opens, and goes
/// on when there is room.
fn check_full_log(
    disk: &SimDisk,
    log: &Log<SimDisk>,
    history: &History,
    nth: usize,
    done: usize,
    place: &str,
) {
    let held = &history.states[done];
    assert_eq!(&Model::of(log), held, "{place}: no room, but the log changed");
    log.sync_to(log.appended_lsn()).unwrap_or_else(|e| panic!("{place}: {e}"));
    match log.gc() {
        Ok(_) | Err(Error::NoSpace { .. }) => assert_eq!(&Model::of(log), held, "{place}"),
        Err(other) => panic!("{place}: collecting: {other}"),
    }

    let killed = disk.after_kill();
    let log_after = Log::open_on(killed.clone(), small());
    let log_after = log_after.unwrap_or_else(|e| panic!("{place}, killed: {e}"));
    assert_eq!(&Model::of(&log_after), held, "{place}, killed");
    drop(log_after);
    let killed = killed.after_kill();
    killed.set_free_bytes(None);
    let log_after = Log::open_on(killed, small()).unwrap_or_else(|e| panic!("{place}: {e}"));
    assert_eq!(&Model::of(&log_after), held, "{place}, killed, and room made");

    disk.set_free_bytes(None);
    assert_eq!(run_until_full(log, &history.actions[nth..], place).0, None);
    assert_eq!(&Model::of(log), history.states.last().unwrap(), "{place}: went on");
}

/// Returns a disk without a free byte, and what its log holds. The log is one full segment. It is durable,
/// but no frame proves that.
fn brimful(seed: u64) -> (SimDisk, Model) {
    let disk = SimDisk::new(seed);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    disk.set_free_bytes(Some(0));
    let mut last = 0;
    while log.append(Batch::new().entries(GroupId(1), &[entry(last + 1, 1, 40)])).is_ok() {
        last += 1;
    }
    let mut deletes = 0;
    while log.append(Batch::new().delete(GroupId(1), b"not there")).is_ok() {
        deletes += 1;
    }
    assert!(last > 15 && deletes > 15, "{last} entries, {deletes} deletes");
    log.sync_to(log.appended_lsn()).unwrap();
    (disk.after_kill(), Model::of(&log))
}

#[test]
fn a_tail_without_room_for_a_copy_is_made_durable_part_by_part() {
    let (disk, held) = brimful(1);
    let probe = disk.after_kill();
    assert_eq!(Model::of(&Log::open_on(probe.clone(), small()).unwrap()), held);
    let operations = probe.operations();
    assert!(operations > 100, "{operations} operations: too few parts");
    let mut images = 0;
    // Interrupted twice: the second opening may find the only copy of a part in the redo record.
    for first in 1..=operations {
        let cut = disk.after_kill();
        cut.plan(first, Fault::PowerCut);
        Log::open_on(cut.clone(), small()).map(drop).unwrap_err();
        let image = cut.after_power_cut(&mut TornInPlace(first));
        // A reader that knows only the format's page reads the same, wherever the copy is.
        assert_eq!(page::replay(&page::Segment::all(&image)), held, "cut at {first}, by the page");
        for second in [1, 2, 3, 4, 5, 6, first, operations - 5].into_iter().chain([operations]) {
            let place = format!("cut at {first}, and at {second}");
            let again = image.after_kill();
            again.plan(second, Fault::PowerCut);
            drop(Log::open_on(again.clone(), small()));
            for sample in [0, 2, 4 + first] {
                images += 1;
                let image = again.after_power_cut(&mut PowerCut::new(second, sample));
                let log = Log::open_on(image, small()).unwrap_or_else(|e| panic!("{place}: {e}"));
                assert_eq!(Model::of(&log), held, "{place}, sample {sample}");
            }
        }
    }
    assert!(images > 2000, "{images} images");
}

#[test]
fn frames_behind_a_tail_made_durable_in_place_do_not_come_back() {
    let frame = |fill: u8| {
        let mut batch = Batch::new();
        batch.put(GroupId(1), b"k", &[fill; 63]);
        batch
    };
    for behind in 1..=8 {
        let disk = SimDisk::new(1);
        let log = Log::open_on(disk.clone(), small()).unwrap();
        log.write(&frame(1)).unwrap();
        // The first of these frames is lost, the later ones are kept: they never counted.
        for fill in 50..=50 + behind {
            log.append(&frame(fill)).unwrap();
        }
        let disk = disk.after_power_cut(&mut PowerCut::first_write_lost());
        disk.set_free_bytes(Some(0));
        let log = Log::open_on(disk.clone(), small()).unwrap();
        assert_eq!(log.appended_lsn().0, 1, "{behind} behind it");
        log.write(&frame(99)).unwrap();
        for disk in [disk.after_kill(), disk.after_power_cut(&mut PowerCut::worst())] {
            let log = Log::open_on(disk, small()).unwrap();
            assert_eq!(log.appended_lsn().0, 2, "{behind} behind it");
            assert_eq!(log.get(GroupId(1), b"k").as_deref(), Some(&[99; 63][..]));
        }
    }
}

#[test]
fn a_segment_that_was_being_renamed_is_the_last_one_or_nothing() {
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    for index in 1..=30 {
        log.write(Batch::new().entries(GroupId(1), &[entry(index, 1, 300)])).unwrap();
    }
    let held = Model::of(&log);
    assert!(log.stats().segments >= 3);
    let last = format!("{:08x}", log.stats().segments);
    for free in [Some(0), None] {
        // The last segment has only its temporary name.
        let renamed = disk.after_kill();
        renamed.rename(&format!("{last}.log"), &format!("{last}.again")).unwrap();
        renamed.sync_dir().unwrap();
        renamed.set_free_bytes(free);
        assert_eq!(Model::of(&Log::open_on(renamed.clone(), small()).unwrap()), held);
        let worst = renamed.after_power_cut(&mut PowerCut::worst());
        assert_eq!(Model::of(&Log::open_on(worst.clone(), small()).unwrap()), held);

        // Leftover temporary names: of a segment that has its own name too, and of a removed segment.
        let twice = disk.after_kill();
        for (name, bytes) in [(format!("{last}.again"), 9), ("00000001.again".into(), 9)] {
            twice.create(&name).unwrap().write_all_at(0, &vec![7; bytes]).unwrap();
        }
        twice.set_free_bytes(free);
        assert_eq!(Model::of(&Log::open_on(twice.clone(), small()).unwrap()), held);
        let names = twice.list().unwrap();
        assert!(!names.iter().any(|name| name.ends_with(".again")), "{names:?}");
    }
}

#[test]
fn batches_of_a_failed_process_are_durable_when_a_full_disk_shows_them() {
    let (mut openings, mut acknowledged) = (0, 0);
    for seed in seeds(8, 60) {
        let history = History::drawn(seed, 40, &Model::default(), Mix::USUAL);
        let operations = crate::crash::operations(seed, &history);
        for operation in 1..=operations {
            let place = format!("seed {seed}, operation {operation} failed");
            let disk = SimDisk::new(seed);
            disk.plan(operation, Fault::Fails);
            let reached = match Log::open_on(disk.clone(), small()) {
                Ok(log) => history.run(&log),
                Err(error) => Reached::nothing(error),
            };
            let next = disk.after_kill();
            next.set_free_bytes(Some(0));
            if !has_a_log(&next) {
                continue;
            }
            openings += 1;
            let log =
                Log::open_on(next.clone(), small()).unwrap_or_else(|e| panic!("{place}: {e}"));
            let state = history.state_of(&Model::of(&log), &reached);
            let state = state.unwrap_or_else(|| panic!("{place}: a state that never was"));
            let mut model = history.states[state].clone();
            // This process writes where the failed one has left its names and bytes.
            let change = BatchChange::put(GroupId(90), "k", "v");
            if log.write(&batch_of(std::slice::from_ref(&change))).is_ok() {
                model.apply(&[change]);
                acknowledged += 1;
            }
            let worst = next.after_power_cut(&mut PowerCut::worst());
            let log = Log::open_on(worst, small()).unwrap_or_else(|e| panic!("{place}, cut: {e}"));
            assert_eq!(Model::of(&log), model, "{place}: not durable");
        }
    }
    let is_enough = openings > 300 && acknowledged > 150;
    let is_one_seed = std::env::var_os("STORAGE_SEED").is_some();
    assert!(is_enough || is_one_seed, "{openings} openings, {acknowledged} batches");
}

/// Tears the pending writes among the frames, and keeps the pending writes behind the frames.
struct TornInPlace(u64);

impl Fates for TornInPlace {
    fn sector(&mut self, sector: Sector) -> Fate {
        let is_of_frames = sector.offset < 8192 - 128;
        if is_of_frames { Fate::Torn { with: self.0 as u8 } } else { Fate::Kept }
    }

    fn keeps_name(&mut self) -> bool {
        true
    }
}

/// What the sweep of crashes on full disks has tried.
#[derive(Default)]
struct Swept {
    /// How many images were opened.
    images: u64,
    /// How many of them had a tail that was made durable in place.
    in_place: u64,
    /// How many openings were interrupted, or failed, at one of their operations.
    openings: u64,
    /// How many logs took batches again, on a disk that was still full.
    wrote: u64,
}

#[test]
fn a_log_goes_on_after_a_crash_on_a_full_disk() {
    let step = rounds(4096, 1024) as usize;
    let mut swept = Swept::default();
    for seed in seeds(8, 24) {
        let history = History::drawn(seed, 60, &Model::default(), Mix::USUAL);
        for free in (8192..=57_344).step_by(step) {
            for operation in 1..=operations_until_full(seed, free, &history) {
                let place = format!("seed {seed}, {free} bytes free, operation {operation}");
                let (disk, reached) = cut_when_full(seed, free, operation, &history);
                let image = disk.after_power_cut(&mut PowerCut::new(seed ^ operation, free));
                image.set_free_bytes(Some(0));
                let is_deep = operation % 5 == seed % 5;
                check_full_image(&image, &history, &reached, is_deep, &mut swept, &place);
            }
        }
    }
    tally(Row::FullCrashes, swept.images, 5000);
    tally(Row::FullInPlace, swept.in_place, 1000);
    tally(Row::FullOpenings, swept.openings, 5000);
    tally(Row::FullWrote, swept.wrote, 1000);
}

/// Performs actions until a batch finds no room, and returns how far it got.
fn run_on_a_full_disk(log: &Log<SimDisk>, history: &History) -> Reached {
    let mut reached = Reached::default();
    for action in &history.actions {
        match (action.perform(log), action) {
            (Ok(()), LogCall::Append { .. }) => reached.begun += 1,
            (Ok(()), LogCall::Sync) => reached.acknowledged = reached.begun,
            (Ok(()) | Err(Error::NoSpace { .. }), LogCall::Collect | LogCall::Maintain) => {}
            (Err(error), action) => {
                let is_begun =
                    matches!((&error, action), (Error::Io { .. }, LogCall::Append { .. }));
                reached.begun += usize::from(is_begun);
                reached.error = Some(error);
                break;
            }
        }
    }
    reached
}

/// Runs a history on a disk that becomes full, and whose power fails at an operation.
fn cut_when_full(seed: u64, free: u64, operation: u64, history: &History) -> (SimDisk, Reached) {
    let disk = SimDisk::new(seed);
    disk.set_free_bytes(Some(free));
    disk.plan(operation, Fault::PowerCut);
    let reached = match Log::open_on(disk.clone(), small()) {
        Ok(log) => run_on_a_full_disk(&log, history),
        Err(error) => Reached::nothing(error),
    };
    (disk, reached)
}

/// Returns how many operations a history takes until it finds no room.
fn operations_until_full(seed: u64, free: u64, history: &History) -> u64 {
    cut_when_full(seed, free, u64::MAX, history).0.operations()
}

/// Returns whether a disk holds a segment.
fn has_a_log(disk: &SimDisk) -> bool {
    disk.list().unwrap().iter().any(|name| name.ends_with(".log") || name.ends_with(".again"))
}

/// Opens an image on a disk without a free byte, and checks that the log shows an allowed state, that this
/// state is durable, and that the log goes on. If `is_deep`, also interrupts the opening, and lets it fail,
/// at every operation.
fn check_full_image(
    image: &SimDisk,
    history: &History,
    reached: &Reached,
    is_deep: bool,
    swept: &mut Swept,
    place: &str,
) {
    if !has_a_log(image) {
        // There is no log yet. There is room for one only if an unfinished file is removed.
        let made = Log::open_on(image.after_kill(), small()).map(|log| Model::of(&log));
        let is_new = matches!(&made, Ok(model) if *model == Model::default());
        assert!(is_new || matches!(made, Err(Error::NoSpace { .. })), "{place}: {made:?}");
        return;
    }
    swept.images += 1;
    let disk = image.after_kill();
    disk.remember();
    let log = Log::open_on(disk.clone(), small()).unwrap_or_else(|e| panic!("{place}: {e}"));
    swept.in_place += u64::from(was_in_place(&disk));
    let state = history.state_of(&Model::of(&log), reached);
    let state = state.unwrap_or_else(|| panic!("{place}: {reached:?}: a state that never was"));
    let held = &history.states[state];

    // What an opening shows is durable.
    let operations = disk.operations();
    let worst = disk.after_power_cut(&mut PowerCut::worst());
    let again = Log::open_on(worst, small()).unwrap_or_else(|e| panic!("{place}, again: {e}"));
    assert_eq!(&Model::of(&again), held, "{place}: an opening was not durable");
    if is_deep {
        for operation in 1..=operations {
            swept.openings += 2;
            cut_within(image, operation, history, reached, &format!("{place}, cut at {operation}"));
            fail_within(image, operation, held, &format!("{place}, failed at {operation}"));
        }
    }
    swept.wrote += u64::from(compact_and_write(&disk, log, held, place));
}

/// Returns whether an opening has made the tail durable in place: it synced a file, and renamed no new one.
fn was_in_place(disk: &SimDisk) -> bool {
    let journal = disk.journal();
    let synced = journal.iter().any(|operation| matches!(operation.doing, Doing::Sync { .. }));
    let is_new =
        |doing: &Doing| matches!(doing, Doing::Rename { from, .. } if from == "recovery.tmp");
    synced && !journal.iter().any(|operation| is_new(&operation.doing))
}

/// Cuts the power of an opening at an operation, on a disk that stays full, and opens what is left.
fn cut_within(image: &SimDisk, operation: u64, history: &History, reached: &Reached, place: &str) {
    let cut = image.after_kill();
    cut.plan(operation, Fault::PowerCut);
    assert!(Log::open_on(cut.clone(), small()).is_err(), "{place}: it was planned");
    for sample in [0, 1, 2, 3, 4, 5 + operation] {
        let image = cut.after_power_cut(&mut PowerCut::new(operation, sample));
        image.set_free_bytes(Some(0));
        let probe = image.after_kill();
        let log = Log::open_on(probe.clone(), small());
        let log = log.unwrap_or_else(|e| panic!("{place}, sample {sample}: {e}"));
        let state = history.state_of(&Model::of(&log), reached);
        let state =
            state.unwrap_or_else(|| panic!("{place}, sample {sample}: a state that never was"));
        let worst = probe.after_power_cut(&mut PowerCut::worst());
        let again = Log::open_on(worst, small()).unwrap_or_else(|e| panic!("{place}, again: {e}"));
        assert_eq!(Model::of(&again), history.states[state], "{place}: was not durable");
    }
}

/// Lets an opening fail at an operation. The next opening finds what the page cache shows, and makes it
/// durable.
fn fail_within(image: &SimDisk, operation: u64, held: &Model, place: &str) {
    let failed = image.after_kill();
    failed.plan(operation, Fault::Fails);
    let error = Log::open_on(failed.clone(), small()).map(drop).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{place}: {error}");
    assert_eq!(failed.syncs_after_failure(), 0, "{place}: a failed sync was tried again");
    let next = failed.after_kill();
    next.set_free_bytes(Some(0));
    let log = Log::open_on(next.clone(), small()).unwrap_or_else(|e| panic!("{place}: {e}"));
    assert_eq!(&Model::of(&log), held, "{place}");
    let worst = next.after_power_cut(&mut PowerCut::worst());
    let again = Log::open_on(worst, small()).unwrap_or_else(|e| panic!("{place}, again: {e}"));
    assert_eq!(&Model::of(&again), held, "{place}: was not durable");
}

/// Uses a log on a disk without a free byte: compacts, collects, and writes again if a segment could be
/// removed. Returns whether it wrote.
fn compact_and_write(disk: &SimDisk, log: Log<SimDisk>, held: &Model, place: &str) -> bool {
    let mut model = held.clone();
    for (group, held) in &held.groups {
        // Some groups are removed, of others only the entries.
        let change = match held.entries.last() {
            Some(last) if held.keys.is_empty() => {
                BatchChange::Compact { group: *group, through: last.id }
            }
            _ => BatchChange::Remove { group: *group },
        };
        let batch = batch_of(std::slice::from_ref(&change));
        log.write(&batch).unwrap_or_else(|e| panic!("{place}, {change:?}: {e}"));
        model.apply(&[change]);
    }
    assert_eq!(Model::of(&log), model, "{place}, compacted");
    let is_of_one_segment = log.stats().segments == 1;
    log.gc().unwrap_or_else(|e| panic!("{place}, collecting: {e}"));
    let change = BatchChange::entries(GroupId(77), vec![entry(1, 1, 100)]);
    let wrote = match log.write(&batch_of(std::slice::from_ref(&change))) {
        Ok(_) => true,
        // Only now does the log know that there is no room. Before, thresholds held collection back.
        Err(Error::NoSpace { .. }) => {
            let collected = log.gc().unwrap_or_else(|e| panic!("{place}, collecting: {e}"));
            let outcome = log.write(&batch_of(std::slice::from_ref(&change)));
            assert!(
                outcome.is_ok() || is_of_one_segment,
                "{place}: {collected:?}, and {}",
                outcome.unwrap_err()
            );
            outcome.is_ok()
        }
        Err(other) => panic!("{place}, writing again: {other}"),
    };
    if wrote {
        model.apply(&[change]);
    }
    assert_eq!(Model::of(&log), model, "{place}, collected");
    drop(log);
    let killed = disk.after_kill();
    let log = Log::open_on(killed.clone(), small()).unwrap_or_else(|e| panic!("{place}: {e}"));
    assert_eq!(Model::of(&log), model, "{place}, collected and killed");

    // And the log goes on by itself when there is room.
    killed.set_free_bytes(None);
    log.write(Batch::new().put(GroupId(78), b"k", &[7; 1500])).unwrap();
    log.write(Batch::new().put(GroupId(78), b"k", &[8; 1500])).unwrap();
    wrote
}
