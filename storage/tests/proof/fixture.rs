//! Fixtures: directories that this version wrote, kept for later ones to open.
//!
//! ```text
//!   tests/fixtures/v1/clean/    00000001.log, contents.txt    closed
//!                     torn/     ..                            power failed: a torn frame, then a whole one
//!                     lived/    ..                            overwritten, compacted, collected; recycled files
//!                     brimful/  ..                            the same, from when frames went to the end of a file
//!   scenes below --write--> the fixtures, byte for byte       as long as version 1 is written
//!   the fixtures --open---> contents.txt, line for line       for ever
//! ```
//!
//! `STORAGE_FIXTURE=write cargo test -p storage --test proof fixture` writes them again. Do this only before
//! a release: a later version that writes other bytes keeps these fixtures, and adds its own.

use crate::page::{Segment, replay};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};
use storage::{Batch, Disk, DiskFile, EntryId, Fate, Fates, GroupId, Index, Log, Sector, SimDisk};
use testbed::engine::entries::{entry, small};
use testbed::engine::model::Model;

/// A scene: the name of its directory, and the function that makes it.
type Scene = (&'static str, fn() -> SimDisk);

/// All of them.
const SCENES: [Scene; 3] = [("clean", clean), ("torn", torn), ("lived", lived)];

/// Scenes that are no longer written, but must still open.
const OLD_SCENES: [&str; 1] = ["brimful"];

/// Returns the names of all fixtures.
fn names() -> impl Iterator<Item = &'static str> {
    SCENES.into_iter().map(|(name, _)| name).chain(OLD_SCENES)
}

/// A log of two groups that was closed.
fn clean() -> SimDisk {
    let disk = SimDisk::new(0xc1ea);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    let mut batch = Batch::new();
    batch.entries(GroupId(1), &[entry(1, 1, 20), entry(2, 1, 0)]).put(GroupId(1), b"vote", b"n2");
    batch.entries(GroupId(2), &[entry(1, 3, 100)]);
    log.write(&batch).unwrap();
    log.write(Batch::new().entries(GroupId(1), &[entry(3, 2, 33)])).unwrap();
    log.write(Batch::new().compact(GroupId(1), EntryId::new(1, 1)).put(GroupId(2), b"", b""))
        .unwrap();
    log.close().unwrap();
    disk.after_kill()
}

/// Keeps all but the second sector of the first write.
struct SecondSectorIsLost;

impl Fates for SecondSectorIsLost {
    fn sector(&mut self, sector: Sector) -> Fate {
        let is_second = sector.write == 0 && sector.offset.is_multiple_of(512);
        if is_second { Fate::Lost } else { Fate::Kept }
    }

    fn keeps_name(&mut self) -> bool {
        true
    }
}

/// Three durable batches, then a torn one, then a whole one.
fn torn() -> SimDisk {
    let disk = SimDisk::new(0x7024);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    for index in 1..=3 {
        log.write(Batch::new().entries(GroupId(7), &[entry(index, 1, 40)])).unwrap();
    }
    log.append(Batch::new().entries(GroupId(7), &[entry(4, 2, 400)])).unwrap();
    log.append(Batch::new().entries(GroupId(7), &[entry(5, 2, 40)])).unwrap();
    disk.after_power_cut(&mut SecondSectorIsLost)
}

/// A log with a long history: every kind of item, collections, and recycled files.
fn lived() -> SimDisk {
    let disk = SimDisk::new(0x11fe);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    let (busy, idle, gone, reset) = (GroupId(1), GroupId(2), GroupId(3), GroupId(4));
    let mut batch = Batch::new();
    batch.entries(idle, &[entry(1, 1, 60), entry(2, 1, 60), entry(3, 2, 60)]);
    batch.put(idle, b"members", b"n1 n2 n3").put(idle, b"mistake", b"to be deleted");
    batch.entries(gone, &[entry(1, 1, 10)]).put(gone, b"vote", b"n1");
    batch.reset(reset, EntryId::new(100, 7));
    log.write(&batch).unwrap();
    log.write(Batch::new().compact(idle, EntryId::new(1, 1)).delete(idle, b"mistake")).unwrap();
    log.write(Batch::new().remove_group(gone)).unwrap();
    for index in 1..=60 {
        let mut batch = Batch::new();
        batch.entries(busy, &[entry(index, 1, 200), entry(index + 1, 1, 200)]);
        batch.put(busy, b"applied", &(index - 1).to_le_bytes());
        if index > 5 {
            batch.compact(busy, EntryId::new(index - 5, 1));
        }
        log.append(&batch).unwrap();
        if index % 8 == 0 {
            log.gc().unwrap();
        }
    }
    // Overwritten: one entry of a later term replaces the last two.
    log.append(Batch::new().entries(busy, &[entry(60, 4, 50)])).unwrap();
    log.append(Batch::new().put(idle, b"members", b"n1 n2 n3 n4")).unwrap();
    log.sync_to(log.appended_lsn()).unwrap();
    disk.after_kill()
}

/// Returns the directory of a fixture.
fn kept_at(scene: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1").join(scene)
}

/// Returns what a log holds as text, for readers and for a comparison line by line.
fn contents(model: &Model) -> String {
    let mut text = String::new();
    for (group, held) in &model.groups {
        writeln!(text, "{group} begins after {}", held.base).unwrap();
        for entry in &held.entries {
            writeln!(text, "  {} \"{}\"", entry.id, entry.data.escape_ascii()).unwrap();
        }
        for (key, value) in &held.keys {
            writeln!(text, "  \"{}\" = \"{}\"", key.escape_ascii(), value.escape_ascii()).unwrap();
        }
    }
    text
}

/// Returns whether a name is that of a segment or of a mark.
fn is_log_file(name: &str) -> bool {
    name.ends_with(".log") || name.ends_with(".first")
}

/// Returns the log files of a directory, with their bytes.
fn files_in(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let listed = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let names = listed.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| is_log_file(name)).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), fs::read(dir.join(name)).unwrap())).collect()
}

/// Returns the log files of a disk, with their bytes.
fn files_on(disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
    let names = disk.list().unwrap().into_iter().filter(|name| is_log_file(name));
    names.map(|name| (name.clone(), disk.bytes(&name))).collect()
}

/// Returns a disk with these files.
fn disk_of(files: &[(String, Vec<u8>)]) -> SimDisk {
    let disk = SimDisk::new(1);
    for (name, bytes) in files {
        let file = disk.create(name).unwrap();
        file.write_all_at(0, bytes).unwrap();
        file.sync_data().unwrap();
    }
    disk.sync_dir().unwrap();
    disk
}

#[test]
fn the_fixtures_are_what_the_scenes_write() {
    for (name, scene) in SCENES {
        let (dir, written) = (kept_at(name), files_on(&scene()));
        if env::var("STORAGE_FIXTURE").as_deref() == Ok("write") {
            let log = Log::open_on(disk_of(&written), small()).unwrap();
            fs::create_dir_all(&dir).unwrap();
            files_in(&dir).iter().for_each(|(old, _)| fs::remove_file(dir.join(old)).unwrap());
            written.iter().for_each(|(new, bytes)| fs::write(dir.join(new), bytes).unwrap());
            fs::write(dir.join("contents.txt"), contents(&Model::of(&log))).unwrap();
        }
        let kept = files_in(&dir);
        let names = |files: &[(String, Vec<u8>)]| -> Vec<String> {
            files.iter().map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names(&kept), names(&written), "{name}");
        for ((file, kept), (_, written)) in kept.iter().zip(&written) {
            let differs = kept.iter().zip(written).position(|(kept, written)| kept != written);
            assert_eq!(differs, None, "{name}/{file} differs from what is written, at this offset");
            assert_eq!(kept.len(), written.len(), "{name}/{file}");
        }
    }
}

#[test]
fn the_fixtures_open_with_their_contents() {
    for name in names() {
        let (dir, kept) = (kept_at(name), files_in(&kept_at(name)));
        let expected = fs::read_to_string(dir.join("contents.txt")).unwrap();

        // On a disk in memory, twice: an opening removes nothing.
        let disk = disk_of(&kept);
        for _ in 0..2 {
            let log = Log::open_on(disk.clone(), small()).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(contents(&Model::of(&log)), expected, "{name}");
        }
        // In a directory, with the default options; then the log goes on.
        let copy = tempfile::tempdir().unwrap();
        kept.iter().for_each(|(file, bytes)| fs::write(copy.path().join(file), bytes).unwrap());
        let log = Log::open(copy.path(), storage::Options::default()).unwrap();
        assert_eq!(contents(&Model::of(&log)), expected, "{name}, copied");
        log.write(Batch::new().entries(GroupId(50), &[entry(1, 1, 9)])).unwrap();
        log.close().unwrap();
        let log = Log::open(copy.path(), storage::Options::default()).unwrap();
        assert_eq!(log.last_index(GroupId(50)), Some(Index(1)), "{name}");
    }
}

#[test]
fn a_reader_that_knows_only_the_formats_page_reads_the_fixtures() {
    for name in names() {
        let (kept, marks): (Vec<_>, Vec<_>) =
            files_in(&kept_at(name)).into_iter().partition(|(file, _)| file.ends_with(".log"));
        let segments: Vec<_> =
            kept.iter().map(|(name, bytes)| Segment::read(name, bytes)).collect();
        let expected = fs::read_to_string(kept_at(name).join("contents.txt")).unwrap();
        assert_eq!(contents(&replay(&segments)), expected, "{name}");
        // What each scene must contain.
        let behind = |nth: usize| kept[nth].1[segments[nth].end()..].iter().any(|byte| *byte != 0);
        let has_remains = (0..kept.len()).any(behind);
        let kinds = segments.iter().flat_map(|s| &s.frames).flat_map(|f| &f.items).map(|i| i.kind);
        let has_moved = kinds.into_iter().any(|kind| kind == 6);
        match name {
            "clean" => assert!(!has_remains && segments[0].frames.last().unwrap().items.is_empty()),
            "torn" => assert!(has_remains && segments[0].next_lsn() == 4),
            "lived" | "brimful" => {
                assert!(has_remains && has_moved && segments[0].name.as_str() > "00000003.log");
                let mark = (segments[0].name.replace(".log", ".first"), vec![]);
                assert_eq!(marks, [mark], "every segment before the oldest is garbage");
            }
            other => panic!("what must {other} contain?"),
        }
    }
}
