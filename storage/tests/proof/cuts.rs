//! `truncate_at` and `drop_group`: their exact result, and what is left when an operation fails meanwhile.
//!
//! ```text
//!   history   1   2   3   4   5   6          cut at 4: exactly the state after 1, 2 and 3
//!   power cut within it --> any of 3..=6     cut again: 3
//! ```

use crate::counts::seeds;
use storage::inspect::{Consent, Gapped, Health, Stop, check, drop_group, truncate_at};
use storage::{Batch, Disk, DiskFile, Error, Fault, GroupId, Index, Log, Lsn, SimDisk};
use testbed::engine::entries::{entry, small};
use testbed::engine::history::{History, LogCall, Mix};
use testbed::engine::model::{BatchChange, Model};
use testbed::engine::power_cut::PowerCut;

/// Returns a history in which nothing is collected, so that each append is a frame.
fn appends(seed: u64, actions: usize) -> History {
    let mut history = History::drawn(seed, actions, &Model::default(), Mix::USUAL);
    history.actions.retain(|action| !matches!(action, LogCall::Collect));
    history
}

/// Runs a history on a new disk, as a process that dies when all batches are durable.
fn run(seed: u64, history: &History) -> SimDisk {
    let disk = SimDisk::new(seed);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    assert!(history.run(&log).error.is_none());
    log.sync_to(log.appended_lsn()).unwrap();
    drop(log);
    disk.after_kill()
}

fn cut(disk: &SimDisk, lsn: u64) -> Result<Health, Stop> {
    truncate_at(disk, Lsn(lsn), Gapped::Refused, Consent::Given, &mut Vec::new())
}

fn opened(disk: &SimDisk, place: &str) -> Model {
    let log = Log::open_on(disk.after_kill(), small());
    Model::of(&log.unwrap_or_else(|error| panic!("{place}: {error}")))
}

#[test]
fn a_log_that_is_cut_shows_the_state_before_the_cut() {
    for seed in seeds(12, 100) {
        let history = appends(seed, 60);
        let disk = run(seed, &history);
        for lsn in 1..history.states.len() as u64 {
            let place = format!("seed {seed}, LSN {lsn}");
            let disk = disk.after_kill();
            assert_eq!(cut(&disk, lsn).unwrap(), Health::Sound, "{place}");
            assert_eq!(opened(&disk, &place), history.states[lsn as usize - 1], "{place}");
            assert_eq!(check(&disk, &mut Vec::new()).unwrap(), Health::Sound, "{place}");
            // The result is durable: the worst power cut changes nothing.
            let worst = disk.after_power_cut(&mut PowerCut::worst());
            assert_eq!(opened(&worst, &place), history.states[lsn as usize - 1], "{place}");
            // The log is marked as closed: everything is proven durable, and it opens without a write.
            let segments = |disk: &SimDisk| {
                disk.list().unwrap().iter().map(|name| disk.bytes(name)).collect::<Vec<_>>()
            };
            let before = segments(&disk);
            drop(Log::open_on(disk.clone(), small()).unwrap());
            assert!(segments(&disk) == before, "{place}");
            // And the log goes on.
            let later = History::drawn(seed + 7, 30, &history.states[lsn as usize - 1], Mix::USUAL);
            assert!(later.run(&Log::open_on(disk.clone(), small()).unwrap()).error.is_none());
            assert_eq!(&opened(&disk, &place), later.states.last().unwrap(), "{place}, later");
        }
    }
}

/// Returns a durable copy of every file that a process sees.
fn copied(disk: &SimDisk) -> SimDisk {
    let copy = SimDisk::new(99);
    for name in disk.list().unwrap() {
        let file = copy.create(&name).unwrap();
        file.write_all_at(0, &disk.bytes(&name)).unwrap();
        file.sync_data().unwrap();
    }
    copy.sync_dir().unwrap();
    copy
}

#[test]
fn after_a_failed_cut_a_copy_can_be_cut() {
    for seed in seeds(5, 40) {
        let history = appends(seed, 70);
        let whole = run(seed, &history);
        for lsn in [2, history.states.len() as u64 / 2] {
            let probe = whole.after_kill();
            cut(&probe, lsn).unwrap();
            for operation in 1..=probe.operations() {
                let place = format!("seed {seed}, LSN {lsn}, operation {operation}");
                let disk = whole.after_kill();
                disk.plan(operation, Fault::Fails);
                let Err(Stop::Refused(why)) = cut(&disk, lsn) else { panic!("{place}") };
                assert!(why.ends_with("; copy the directory, and cut the copy"), "{why}");
                let copy = copied(&disk.after_kill());
                match cut(&copy, lsn) {
                    Ok(health) => assert_eq!(health, Health::Sound, "{place}"),
                    Err(Stop::Refused(why)) => assert!(why.contains("nothing to cut"), "{why}"),
                    Err(why) => panic!("{place}: {why:?}"),
                }
                let worst = copy.after_power_cut(&mut PowerCut::worst());
                assert_eq!(opened(&worst, &place), history.states[lsn as usize - 1], "{place}");
            }
        }
    }
}

#[test]
fn a_cut_removes_the_marks_of_removed_segments() {
    let history = appends(4, 60);
    let disk = run(4, &history);
    // Collection began to remove segments, and power failed before the first was removed.
    disk.create("00000003.first").unwrap();
    disk.sync_dir().unwrap();
    cut(&disk, 5).unwrap();
    assert_eq!(disk.list().unwrap(), ["00000001.log"]);
    assert_eq!(opened(&disk, "cut"), history.states[4]);
}

#[test]
fn there_is_nothing_to_cut_behind_the_end_or_before_the_beginning() {
    let history = appends(3, 40);
    let disk = run(3, &history);
    let end = history.states.len() as u64;
    let files = |disk: &SimDisk| {
        disk.list().unwrap().into_iter().map(|name| (disk.bytes(&name), name)).collect::<Vec<_>>()
    };
    let before = files(&disk);
    for lsn in [0, end, end + 1, u64::MAX] {
        let Err(Stop::Refused(why)) = cut(&disk, lsn) else { panic!("{lsn}") };
        let last = end - 1;
        let is_told =
            why.contains(&format!("ends with LSN {last}")) || why.contains("begins with LSN 1");
        assert!(is_told, "{lsn}: {why}");
    }
    assert!(files(&disk) == before);
}

#[test]
fn a_power_cut_within_a_cut_leaves_a_state_between_before_and_after() {
    let mut images = 0;
    for seed in seeds(5, 40) {
        let history = appends(seed, 70);
        let whole = run(seed, &history);
        let last = history.states.len() as u64;
        for lsn in [1, 2, last / 3, last / 2, last - 1] {
            let probe = whole.after_kill();
            cut(&probe, lsn).unwrap();
            for operation in 1..=probe.operations() {
                let disk = whole.after_kill();
                disk.plan(operation, Fault::PowerCut);
                let Err(Stop::Refused(why)) = cut(&disk, lsn) else {
                    panic!("a power cut was planned")
                };
                assert!(why.ends_with("; copy the directory, and cut the copy"), "{why}");
                for sample in 0..8 {
                    let place = format!("seed {seed}, LSN {lsn}, operation {operation}, {sample}");
                    let image = disk.after_power_cut(&mut PowerCut::new(seed ^ operation, sample));
                    check_and_cut_again(&image, &history, lsn, &place);
                    images += 1;
                }
            }
        }
    }
    assert!(images > 1000, "{images}");
}

/// Checks what an interrupted cut has left, and cuts again.
fn check_and_cut_again(image: &SimDisk, history: &History, lsn: u64, place: &str) {
    let held = opened(image, place);
    let kept = history.states[lsn as usize - 1..].contains(&held);
    assert!(kept, "{place}: a state that never was: {held:#?}");
    match cut(image, lsn) {
        Ok(_) => {}
        Err(Stop::Refused(why)) => assert!(why.contains("nothing to cut"), "{place}: {why}"),
        Err(error) => panic!("{place}: {error}"),
    }
    assert_eq!(opened(image, place), history.states[lsn as usize - 1], "{place}, again");
}

#[test]
fn a_failed_cut_can_be_repeated() {
    for seed in seeds(6, 40) {
        let history = appends(seed, 70);
        let whole = run(seed, &history);
        let lsn = history.states.len() as u64 / 3;
        let probe = whole.after_kill();
        cut(&probe, lsn).unwrap();
        for operation in 1..=probe.operations() {
            let place = format!("seed {seed}, operation {operation}");
            let disk = whole.after_kill();
            disk.plan(operation, Fault::Fails);
            assert!(matches!(cut(&disk, lsn), Err(Stop::Refused(_))), "{place}");
            assert_eq!(disk.syncs_after_failure(), 0, "{place}");
            check_and_cut_again(&disk.after_kill(), &history, lsn, &place);
            check_and_cut_again(
                &disk.after_power_cut(&mut PowerCut::worst()),
                &history,
                lsn,
                &place,
            );
        }
    }
}

#[test]
fn a_cut_on_a_full_disk_changes_nothing() {
    let history = appends(5, 70);
    let disk = run(5, &history);
    for name in disk.list().unwrap().iter().filter(|name| name.ends_with(".tmp")) {
        disk.remove(name).unwrap(); // a spare would give enough room
    }
    for free in [0, 1, 4096, 8191] {
        let disk = disk.after_kill();
        disk.set_free_bytes(Some(free));
        let stop = cut(&disk, 9).unwrap_err();
        assert!(matches!(stop, Stop::Log(Error::NoSpace { bytes: 8192 })), "{stop}");
        disk.set_free_bytes(None);
        assert_eq!(&opened(&disk, "full"), history.states.last().unwrap(), "{free}");
    }
}

#[test]
fn a_rotted_log_opens_when_it_is_cut_at_the_reported_lsn() {
    let history = appends(8, 60);
    let disk = run(8, &history);
    let mut cuts = 0;
    for name in disk.list().unwrap().into_iter().filter(|name| name.ends_with(".log")) {
        for offset in (4096..8192).step_by(37) {
            let damaged = disk.after_kill();
            damaged.rot(&name, offset, 0x10);
            let Err(error) = Log::open_on(damaged.after_kill(), small()) else { continue };
            let lsn = error.corruption().unwrap().lsn.unwrap();
            let place = format!("{name}, {offset}: {error}");
            cut(&damaged, lsn.0).unwrap_or_else(|stop| panic!("{place}: {stop}"));
            assert_eq!(opened(&damaged, &place), history.states[lsn.0 as usize - 1], "{place}");
            // One LSN later, the damage would be kept.
            let damaged = disk.after_kill();
            damaged.rot(&name, offset, 0x10);
            let Err(Stop::Refused(why)) = cut(&damaged, lsn.0 + 1) else { panic!("{place}") };
            assert!(why.contains(&format!("LSN {lsn} in {name} is damaged")), "{why}");
            cuts += 1;
        }
    }
    assert!(cuts > 50, "{cuts}");
}

#[test]
fn a_cut_that_would_lose_moved_entries_is_refused() {
    let (idle, busy) = (GroupId(1), GroupId(2));
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    for index in 1..=4 {
        log.append(Batch::new().entries(idle, &[entry(index, 1, 200)])).unwrap();
    }
    for n in 0..12 {
        log.append(Batch::new().put(busy, b"filler", &[n; 1000])).unwrap();
    }
    let kept = log.appended_lsn();
    log.write(Batch::new().entries(idle, &[entry(5, 1, 200)])).unwrap();
    assert!(!log.gc().unwrap().removed.is_empty());
    log.write(Batch::new().put(busy, b"filler", b"the last")).unwrap();
    drop(log);
    let disk = disk.after_kill();

    let behind_the_fifth = kept.0 + 2;
    let Err(Stop::Refused(why)) = cut(&disk, behind_the_fifth) else { panic!("there is a gap") };
    assert!(why.contains("g1: entry 5 is here, and those before it are not"), "{why}");
    assert!(why.contains("--drop-gapped"), "{why}");
    let (lsn, gapped) = (Lsn(behind_the_fifth), Gapped::Dropped);
    truncate_at(&disk, lsn, gapped, Consent::Given, &mut Vec::new()).unwrap();
    let log = Log::open_on(disk.clone(), small()).unwrap();
    assert_eq!(log.groups(), [busy]);
    assert_eq!(log.get(busy, b"filler").as_deref(), Some(&[11; 1000][..]));
}

#[test]
fn old_frames_behind_a_cut_are_not_taken_for_new_ones() {
    for seed in seeds(10, 60) {
        let history = appends(seed, 60);
        let disk = run(seed, &history);
        let lsn = history.states.len() as u64 / 2;
        cut(&disk, lsn).unwrap();
        let later = History::drawn(seed + 99, 40, &history.states[lsn as usize - 1], Mix::USUAL);
        let log = Log::open_on(disk.clone(), small()).unwrap();
        for action in later.actions.iter().filter(|action| !matches!(action, LogCall::Collect)) {
            action.perform(&log).unwrap();
        }
        drop(log);
        // Cut once more, before the first cut, with a power cut at each operation.
        let states: Vec<Model> =
            history.states[..lsn as usize].iter().chain(&later.states[1..]).cloned().collect();
        let both = History { actions: Vec::new(), states };
        let whole = disk.after_kill();
        let probe = whole.after_kill();
        cut(&probe, lsn / 2).unwrap();
        for operation in 1..=probe.operations() {
            let disk = whole.after_kill();
            disk.plan(operation, Fault::PowerCut);
            cut(&disk, lsn / 2).unwrap_err();
            let place = format!("seed {seed}, operation {operation}");
            for sample in 0..4 {
                let image = disk.after_power_cut(&mut PowerCut::new(seed ^ operation, sample));
                check_and_cut_again(&image, &both, lsn / 2, &place);
            }
        }
    }
}

// Groups.

fn drop_with_consent(disk: &SimDisk, group: u64) -> Result<Health, Stop> {
    drop_group(disk, GroupId(group), Consent::Given, &mut Vec::new())
}

#[test]
fn only_the_dropped_group_is_gone() {
    for seed in seeds(30, 300) {
        let history = History::drawn(seed, 60, &Model::default(), Mix::USUAL);
        let disk = run(seed, &history);
        let last = history.states.last().unwrap();
        for group in 1..=5 {
            let disk = disk.after_kill();
            let mut left = last.clone();
            left.apply(&[BatchChange::Remove { group: GroupId(group) }]);
            match drop_with_consent(&disk, group) {
                Ok(health) => assert_eq!(health, Health::Sound),
                Err(Stop::Refused(why)) => {
                    assert!(why.contains(&format!("there is no group g{group}")), "{why}");
                    assert!(&left == last, "seed {seed}, {group}: the group exists");
                }
                Err(stop) => panic!("seed {seed}: {stop}"),
            }
            assert_eq!(opened(&disk, "dropped"), left, "seed {seed}, {group}");
        }
    }
}

#[test]
fn a_power_cut_within_a_drop_leaves_all_or_nothing_of_the_group() {
    for seed in seeds(8, 60) {
        let history = History::drawn(seed, 60, &Model::default(), Mix::USUAL);
        let whole = run(seed, &history);
        let last = history.states.last().unwrap();
        let Some(group) = last.groups.keys().next().copied() else { continue };
        let mut left = last.clone();
        left.apply(&[BatchChange::Remove { group }]);
        let probe = whole.after_kill();
        drop_with_consent(&probe, group.0).unwrap();
        for operation in 1..=probe.operations() {
            let disk = whole.after_kill();
            disk.plan(operation, Fault::PowerCut);
            drop_with_consent(&disk, group.0).unwrap_err();
            for sample in 0..8 {
                let place = format!("seed {seed}, operation {operation}, sample {sample}");
                let image = disk.after_power_cut(&mut PowerCut::new(seed ^ operation, sample));
                let held = opened(&image, &place);
                assert!(held == *last || held == left, "{place}: {held:#?}");
            }
        }
    }
}

#[test]
fn a_group_with_a_gap_is_dropped_although_the_log_does_not_open() {
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    for index in 1..60 {
        let batch = &mut Batch::new();
        batch.entries(GroupId(1), &[entry(index, 1, 60)]).put(GroupId(2), b"k", &[index as u8]);
        log.write(batch).unwrap();
    }
    log.close().unwrap();
    disk.remove("00000001.log").unwrap();
    assert!(matches!(Log::open_on(disk.clone(), small()), Err(Error::Corrupt(_))));
    let Err(Stop::Refused(why)) = drop_with_consent(&disk, 2) else { panic!("g2 has no gap") };
    assert!(why.contains("g2 is not the reason"), "{why}");

    let whole = disk.after_kill();
    assert_eq!(drop_with_consent(&disk, 1).unwrap(), Health::Sound);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    assert_eq!(log.groups(), [GroupId(2)]);
    assert_eq!(log.get(GroupId(2), b"k").as_deref(), Some(&[59][..]));
    log.write(Batch::new().entries(GroupId(1), &[entry(1, 1, 5)])).unwrap();
    assert_eq!(log.last_index(GroupId(1)), Some(Index(1)));

    for operation in 1.. {
        let disk = whole.after_kill();
        disk.plan(operation, Fault::PowerCut);
        if drop_with_consent(&disk, 1).is_ok() {
            assert!(operation > 4);
            break;
        }
        for sample in 0..8 {
            let image = disk.after_power_cut(&mut PowerCut::new(operation, sample));
            let Ok(log) = Log::open_on(image.after_kill(), small()) else {
                drop_with_consent(&image, 1).unwrap();
                continue;
            };
            assert_eq!(log.groups(), [GroupId(2)]);
        }
    }
}

#[test]
fn a_log_that_is_open_is_neither_cut_nor_changed() {
    let history = appends(2, 30);
    let disk = run(2, &history);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    let operations = disk.operations();
    assert!(matches!(cut(&disk, 3), Err(Stop::Log(Error::Locked))));
    assert!(matches!(drop_with_consent(&disk, 1), Err(Stop::Log(Error::Locked))));
    assert_eq!(disk.operations(), operations);
    drop(log);
    cut(&disk, 3).unwrap();
}
