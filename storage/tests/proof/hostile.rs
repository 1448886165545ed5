//! Directories that no engine wrote: each is refused, or is a valid log. Nothing panics.
//!
//! Random bytes almost never pass a checksum, so they would not reach the code behind it. Therefore each
//! damage is tried twice: as it is, and with corrected checksums. [`crate::page`] corrects them, and shares
//! no code with the engine.

use crate::counts::{Row, rounds, tally};
use crate::page::mend;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::Cell;
use std::collections::BTreeSet;
use storage::{Batch, Disk, DiskFile, Entry, EntryId, GroupId, Index, Log, SimDisk};
use testbed::engine::entries::small;
use testbed::engine::history::{History, Mix};
use testbed::engine::model::Model;

/// Where bytes are written: in the header, or among the frames.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Header(u64),
    Frames(u64),
}

/// Draws bytes to write into files.
pub(crate) fn patches() -> impl Strategy<Value = Vec<(usize, Place, Vec<u8>)>> {
    let place =
        prop_oneof![(0..64u64).prop_map(Place::Header), (0..1000u64).prop_map(Place::Frames)];
    let word = prop_oneof![
        any::<u64>().prop_map(|word| word.to_le_bytes().to_vec()),
        (0..8u64).prop_map(|word| word.to_le_bytes().to_vec()),
        any::<u8>().prop_map(|byte| vec![byte]),
        Just(u64::MAX.to_le_bytes().to_vec()),
        Just((1u64 << 62).to_le_bytes().to_vec()),
    ];
    prop::collection::vec((0..4usize, place, word), 1..8)
}

/// Returns the disk of a drawn log, with these patches applied.
pub(crate) fn patched(seed: u64, patches: &[(usize, Place, Vec<u8>)], is_mended: bool) -> SimDisk {
    let disk = SimDisk::new(seed);
    History::drawn(seed, 40, &Model::default(), Mix::USUAL)
        .run(&Log::open_on(disk.clone(), small()).unwrap());
    let disk = disk.after_kill();
    let names = disk.list().unwrap();
    let segments: Vec<_> = names.iter().filter(|name| name.ends_with(".log")).collect();
    let mut changed = BTreeSet::new();
    for (file, place, bytes) in patches {
        let name = segments[file % segments.len()];
        let offset = match place {
            Place::Header(at) => at % 57,
            Place::Frames(at) => 4096 + at * 4,
        };
        disk.open(name).unwrap().write_all_at(offset, bytes).unwrap();
        changed.insert(name);
    }
    for name in changed.into_iter().filter(|_| is_mended) {
        let mut bytes = disk.bytes(name);
        mend(&mut bytes);
        disk.open(name).unwrap().write_all_at(0, &bytes).unwrap();
    }
    disk
}

/// Opens a directory, and uses the log if it opens. Returns whether it opened.
fn open_and_use(disk: &SimDisk) -> bool {
    let Ok(log) = Log::open_on(disk.clone(), small()) else { return false };
    let held = Model::of(&log);
    let fresh = GroupId(u64::MAX);
    let id = match log.last_index(fresh) {
        Some(last) => EntryId::new(last.0 + 1, 1),
        None => EntryId::new(1, 1),
    };
    if id.index <= Index::LAST {
        let entry = Entry { id, data: "new".into() };
        log.write(Batch::new().entries(fresh, std::slice::from_ref(&entry))).unwrap();
        assert_eq!(log.entry(fresh, id.index).unwrap(), Some(entry));
    }
    let _ = log.gc();
    let shown = Model::of(&log);
    assert!(shown.groups.len() >= held.groups.len());
    drop(log);
    let again = Log::open_on(disk.after_kill(), small()).unwrap();
    assert_eq!(Model::of(&again), shown);
    true
}

#[test]
fn correcting_checksums_changes_no_valid_ones() {
    let mut disk = patched(3, &[], false);
    let name = disk.list().unwrap().into_iter().find(|name| name.ends_with(".log")).unwrap();
    let before = disk.bytes(&name);
    let mut after = before.clone();
    mend(&mut after);
    assert!(before == after, "valid checksums are not changed");
    disk = patched(3, &[(0, Place::Frames(10), vec![1])], false);
    assert!(Log::open_on(disk.after_kill(), small()).is_err() || disk.bytes(&name) == before);
}

/// Tries drawn directories.
fn try_directories(row: Row) {
    let cases = rounds(400, 20_000) as u32;
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let logs = Cell::new(0);
    let outcome = TestRunner::new(config).run(&(0..50u64, patches()), |(seed, patches)| {
        let is_log = open_and_use(&patched(seed, &patches, row == Row::Hostile));
        logs.set(logs.get() + u32::from(is_log));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    println!("{} of {cases} directories were logs", logs.get());
    assert!(logs.get() > 0 && logs.get() < cases);
    tally(row, cases.into(), 400);
}

#[test]
fn damaged_directories_are_refused_or_are_valid_logs() {
    try_directories(Row::Damaged);
}

#[test]
fn hostile_directories_are_refused_or_are_valid_logs() {
    try_directories(Row::Hostile);
}
