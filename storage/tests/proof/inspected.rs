//! `check` says exactly what the engine does with a log, and changes nothing.
//!
//! ```text
//!   a directory --> check ----> SOUND, or why not, and what opening it would write
//!        '--------> Log::open_on --> a log, or why not, and what it has written      the same
//! ```

use crate::counts::{rounds, seeds};
use crate::hostile::{patched, patches};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::num::NonZeroUsize;
use storage::inspect::{self, Bytes, Consent, Gapped, Health, Selection, Stop};
use storage::{Disk, Error, Fault, GroupId, Log, Lsn, Rot, SimDisk};
use testbed::engine::entries::small;
use testbed::engine::history::{History, Mix};
use testbed::engine::model::Model;
use testbed::engine::power_cut::PowerCut;

/// Returns the name and the bytes of every file.
fn files(disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
    disk.list().unwrap().into_iter().map(|name| (name.clone(), disk.bytes(&name))).collect()
}

/// Returns the name and the bytes of every segment.
fn segments(disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
    files(disk).into_iter().filter(|(name, _)| name.ends_with(".log")).collect()
}

/// Runs every command that changes nothing, and returns what `check` says.
fn inspect_all(disk: &SimDisk, place: &str) -> (Result<Health, Stop>, String) {
    let (before, operations) = (files(disk), disk.operations());
    let mut page = Vec::new();
    let all = Selection { bytes: Bytes::Shown, ..Selection::default() };
    let some = Selection { group: Some(GroupId(1)), from: Lsn(5), limit: 3, ..all };
    for selection in [all, some] {
        let _ = inspect::dump(disk, &selection, &mut page);
        let _ = inspect::tail(disk, NonZeroUsize::new(4).unwrap(), &selection, &mut page);
    }
    let stats = inspect::stats(disk, &mut page);
    for lsn in [0, 1, 7, 20, 1 << 62, u64::MAX] {
        for gapped in [Gapped::Refused, Gapped::Dropped] {
            let _ = inspect::truncate_at(disk, Lsn(lsn), gapped, Consent::Ask, &mut page);
        }
    }
    let _ = inspect::drop_group(disk, GroupId(1), Consent::Ask, &mut page);
    assert!(
        page.iter().all(|byte| *byte == b'\n' || (32..127).contains(byte)),
        "{place}: not text"
    );
    let mut page_text = Vec::new();
    let outcome = inspect::check(disk, &mut page_text);
    assert!(files(disk) == before, "{place}: inspecting the log has changed it");
    assert_eq!(disk.operations(), operations, "{place}: inspecting the log wrote something");
    if let (Ok(checked), Ok(counted)) = (&outcome, &stats) {
        assert_eq!(checked, counted, "{place}");
    }
    (outcome, String::from_utf8(page_text).unwrap())
}

/// Checks a directory, opens it, and compares.
fn compare(disk: &SimDisk, place: &str) -> bool {
    let (outcome, page_text) = inspect_all(disk, place);
    let before = segments(disk);
    let opened = Log::open_on(disk.clone(), small());
    match (outcome, &opened) {
        (Ok(Health::Sound), Ok(_)) => {
            let after = segments(disk);
            let writes_nothing = page_text.contains("opening it writes nothing");
            assert_eq!(writes_nothing, before == after, "{place}: {page_text}");
            if !writes_nothing {
                let written = after.iter().find(|file| !before.contains(file)).unwrap();
                assert!(
                    page_text.contains(&written.0),
                    "{place}: {} is not named: {page_text}",
                    written.0
                );
            }
            true
        }
        (Ok(Health::Damaged | Health::Unreadable), Err(error)) => {
            // For a hole, recovery reports the place to which the next frame would be rewritten.
            let said = match error.corruption() {
                Some(hole) if hole.rot == Rot::Hole => hole.what.clone(),
                Some(_) | None => error.to_string(),
            };
            assert!(page_text.contains(&said), "{place}: {error}, but check says: {page_text}");
            false
        }
        (Err(Stop::Refused(_)), Ok(_)) => {
            assert!(before.is_empty(), "{place}: there was a log");
            true
        }
        (outcome, opened) => {
            let opened = opened.as_ref().map(|_| "it opens").map_err(Error::to_string);
            panic!("{place}: {outcome:?}: {opened:?}: {page_text}");
        }
    }
}

#[test]
fn after_a_crash_check_says_what_recovery_does() {
    for seed in seeds(2, 60) {
        let history = History::drawn(seed, 50, &Model::default(), Mix::USUAL);
        let whole = SimDisk::new(seed);
        history.run(&Log::open_on(whole.clone(), small()).unwrap());
        for operation in 1..=whole.operations() {
            let disk = SimDisk::new(seed);
            disk.plan(operation, Fault::PowerCut);
            let _ = Log::open_on(disk.clone(), small()).map(|log| history.run(&log));
            for sample in 0..4 {
                let place = format!("seed {seed}, operation {operation}, sample {sample}");
                let image = disk.after_power_cut(&mut PowerCut::new(seed ^ operation, sample));
                assert!(compare(&image, &place), "{place}: a crash leaves a log that opens");
            }
        }
    }
}

#[test]
fn for_a_closed_log_check_says_what_recovery_does() {
    for seed in seeds(30, 300) {
        let disk = SimDisk::new(seed);
        let log = Log::open_on(disk.clone(), small()).unwrap();
        History::drawn(seed, 60, &Model::default(), Mix::USUAL).run(&log);
        log.close().unwrap();
        assert!(compare(&disk, &format!("seed {seed}")));
    }
}

/// Tries drawn directories.
fn try_directories(is_mended: bool) {
    let cases = rounds(400, 20_000) as u32;
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let outcome = TestRunner::new(config).run(&(0..50u64, patches()), |(seed, patches)| {
        let disk = patched(seed, &patches, is_mended);
        compare(&disk, &format!("seed {seed}, {patches:?}"));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn for_damage_check_says_what_recovery_says() {
    try_directories(false);
}

#[test]
fn for_hostile_bytes_check_says_what_recovery_says() {
    try_directories(true);
}

#[test]
fn for_files_of_any_length_check_says_what_recovery_does() {
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    History::drawn(1, 40, &Model::default(), Mix::USUAL).run(&log);
    drop(log);
    for name in disk.list().unwrap() {
        for len in (0..disk.bytes(&name).len()).step_by(233) {
            let damaged = disk.after_kill();
            damaged.cut(&name, len as u64);
            compare(&damaged, &format!("{name} cut to {len}"));
        }
    }
}
