//! Directories that the engine refuses: each with its own error, and without a change to any file.

use storage::{
    Batch, Disk, DiskFile, EntryId, Error, GroupId, Log, Options, RealDisk, Rot, SimDisk,
};
use testbed::engine::entries::{entry, small};
use testbed::engine::model::Model;

/// Returns a disk with a log of several segments.
fn filled(seed: u64) -> SimDisk {
    let disk = SimDisk::new(seed);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    for index in 1..120 {
        log.write(Batch::new().entries(GroupId(1), &[entry(index, 1, 60)])).unwrap();
    }
    assert!(log.stats().segments >= 3);
    drop(log);
    disk
}

/// Opens a log that must be refused, and returns the error.
fn refused(disk: &SimDisk) -> Error {
    let before: Vec<_> = disk.list().unwrap().iter().map(|name| disk.bytes(name)).collect();
    let error = Log::open_on(disk.clone(), small()).map(|_| ()).unwrap_err();
    let after: Vec<_> = disk.list().unwrap().iter().map(|name| disk.bytes(name)).collect();
    assert!(before == after, "a refused directory must not change: {error}");
    error
}

/// Writes bytes into a segment's header, and corrects its checksum.
fn forge(disk: &SimDisk, name: &str, at: u64, bytes: &[u8]) {
    let file = disk.open(name).unwrap();
    file.write_all_at(at, bytes).unwrap();
    let checksum = crc32fast::hash(&disk.bytes(name)[..60]);
    file.write_all_at(60, &checksum.to_le_bytes()).unwrap();
}

#[test]
fn a_second_opener_is_refused() {
    let disk = SimDisk::new(1);
    let first = Log::open_on(disk.clone(), small()).unwrap();
    assert!(matches!(Log::open_on(disk.clone(), small()).map(|_| ()), Err(Error::Locked)));
    drop(first);
    Log::open_on(disk, small()).unwrap();
}

#[test]
fn a_second_opener_of_a_real_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = Log::open(dir.path(), small()).unwrap();
    assert!(matches!(Log::open(dir.path(), small()).map(|_| ()), Err(Error::Locked)));
    drop(first);
    Log::open(dir.path(), small()).unwrap();
}

#[test]
fn a_directory_with_a_foreign_file_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("thesis.txt"), "three years of work").unwrap();
    let error = Log::open(dir.path(), small()).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "thesis.txt belongs to no store; nothing was changed");
    assert_eq!(RealDisk::at(dir.path()).unwrap().list().unwrap(), ["thesis.txt"], "no LOCK either");
}

#[test]
fn a_missing_segment_is_noticed() {
    let disk = filled(2);
    disk.remove("00000002.log").unwrap();
    assert_eq!(refused(&disk).to_string(), "segment 2 is missing, but segment 3 exists");
}

#[test]
fn a_missing_first_segment_is_noticed_as_missing_entries() {
    let disk = filled(3);
    disk.remove("00000001.log").unwrap();
    let error = refused(&disk);
    let corruption = error.corruption().unwrap();
    assert_eq!(corruption.rot, Rot::Hole);
    assert!(error.to_string().contains("lost: g1 1..="), "{error}");
}

/// Returns a disk whose first segments were collected, and the bytes of the removed first segment.
fn collected(seed: u64) -> (SimDisk, Vec<u8>) {
    let disk = filled(seed);
    let first = disk.bytes("00000001.log");
    let log = Log::open_on(disk.clone(), small()).unwrap();
    log.write(Batch::new().compact(GroupId(1), EntryId::new(60, 1))).unwrap();
    assert!(log.gc().unwrap().removed.len() >= 2);
    drop(log);
    (disk, first)
}

/// Adds a file to a disk.
fn put(disk: &SimDisk, name: &str, bytes: &[u8]) {
    disk.create(name).unwrap().write_all_at(0, bytes).unwrap();
}

#[test]
fn a_removed_segment_that_has_reappeared_is_removed_again() {
    let (disk, first) = collected(30);
    let before = Model::of(&Log::open_on(disk.clone(), small()).unwrap());
    put(&disk, "00000001.log", &first);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    assert_eq!(Model::of(&log), before);
    assert!(!disk.list().unwrap().contains(&"00000001.log".to_owned()));
}

#[test]
fn a_mark_does_not_excuse_a_missing_later_segment() {
    let (disk, first) = collected(31);
    put(&disk, "00000001.log", &first);
    let names = disk.list().unwrap().into_iter().filter(|name| name.ends_with(".log"));
    let names: Vec<String> = names.collect();
    assert!(names.len() > 3, "{names:?}");
    disk.remove(&names[2]).unwrap();
    let missing = names[2].strip_suffix(".log").unwrap();
    let missing = u32::from_str_radix(missing, 16).unwrap();
    assert!(
        matches!(refused(&disk), Error::MissingSegment { segment, .. } if segment.0 == missing)
    );
}

#[test]
fn a_segment_of_another_store_is_not_taken_for_a_removed_one() {
    let (disk, _) = collected(32);
    put(&disk, "00000001.log", &filled(33).bytes("00000001.log"));
    assert!(matches!(refused(&disk), Error::MissingSegment { segment, .. } if segment.0 == 2));
}

#[test]
fn a_segment_of_another_store_is_refused() {
    let (ours, theirs) = (filled(4), filled(5));
    let file = ours.open("00000002.log").unwrap();
    file.write_all_at(0, &theirs.bytes("00000002.log")).unwrap();
    assert!(matches!(refused(&ours), Error::ForeignStore { segment } if segment.0 == 2));
}

#[test]
fn swapped_segments_are_refused() {
    let disk = filled(6);
    disk.rename("00000001.log", "0000000a.log").unwrap();
    disk.rename("00000002.log", "00000001.log").unwrap();
    disk.rename("0000000a.log", "00000002.log").unwrap();
    let error = refused(&disk);
    assert!(error.to_string().contains("its header is that of segment 2"), "{error}");
}

#[test]
fn version_byte_order_and_kind_of_file_have_errors_of_their_own() {
    let disk = filled(7);
    forge(&disk, "00000002.log", 12, &9u16.to_le_bytes());
    assert!(matches!(refused(&disk), Error::Version { found: 9, known: 1, .. }));

    let disk = filled(7);
    forge(&disk, "00000002.log", 8, &0x0a0b_0c0du32.to_be_bytes());
    assert!(matches!(refused(&disk), Error::ByteOrder { .. }));

    let disk = filled(7);
    forge(&disk, "00000002.log", 0, b"PNG");
    assert!(matches!(refused(&disk), Error::NotASegment { .. }));
}

#[test]
fn header_fields_that_no_writer_writes_are_refused() {
    for (at, bytes) in
        [(14, 65u64), (32, 0), (32, 1 << 33), (40, 0), (48, 0), (56, 0), (56, u64::MAX)]
    {
        let disk = filled(8);
        let width = if at == 14 {
            2
        } else if at == 56 {
            4
        } else {
            8
        };
        forge(&disk, "00000002.log", at, &bytes.to_le_bytes()[..width]);
        let error = refused(&disk);
        assert_eq!(error.corruption().map(|c| c.rot), Some(Rot::Segment), "{at} {bytes}: {error}");
    }
}

#[test]
fn an_empty_file_and_a_file_of_zeros_are_not_segments() {
    let disk = filled(9);
    let file = disk.create("00000004.log").or_else(|_| disk.create("00000005.log")).unwrap();
    assert_eq!(refused(&disk).corruption().map(|c| c.rot), Some(Rot::Segment));
    file.write_all_at(0, &[0; 8192]).unwrap();
    assert!(matches!(refused(&disk), Error::NotASegment { .. } | Error::MissingSegment { .. }));
}

#[test]
fn a_segment_with_only_a_header_is_an_empty_log() {
    let disk = SimDisk::new(11);
    drop(Log::open_on(disk.clone(), small()).unwrap());
    assert!(disk.bytes("00000001.log")[64..].iter().all(|byte| *byte == 0));
    let log = Log::open_on(disk.after_kill(), small()).unwrap();
    assert_eq!((log.groups(), log.appended_lsn().0), (vec![], 0));
    disk.cut("00000001.log", 64);
    assert_eq!(refused(&disk.after_kill()).corruption().map(|c| c.rot), Some(Rot::Segment));
}

#[test]
fn options_may_change_between_openings() {
    let disk = filled(10);
    let held = Model::of(&Log::open_on(disk.after_kill(), small()).unwrap());
    for segment_bytes in [8192, 65536, 12288, 8192] {
        let options = Options { segment_bytes, ..small() };
        let log = Log::open_on(disk.clone(), options).unwrap();
        assert_eq!(Model::of(&log), held);
        for n in 0..40 {
            log.write(Batch::new().put(GroupId(9), b"k", &[n; 300])).unwrap();
        }
        log.write(Batch::new().remove_group(GroupId(9))).unwrap();
        log.gc().unwrap();
    }
}

#[test]
fn options_that_cannot_work_are_refused() {
    let bad = [
        Options { segment_bytes: 4096, ..small() },
        Options { segment_bytes: 8193, ..small() },
        Options { max_batch_bytes: 4096 - 127, ..small() },
        Options { max_batch_bytes: 0, ..small() },
        Options { segment_bytes: 1 << 30, max_batch_bytes: 1 << 29, ..small() },
    ];
    for options in bad {
        let outcome = Log::open_on(SimDisk::new(0), options.clone()).map(|_| ());
        assert!(matches!(outcome, Err(Error::Options { .. })), "{options:?}");
    }
}
