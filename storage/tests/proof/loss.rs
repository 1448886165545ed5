//! Losses that another log engine has had, each named by its issue number.
//!
//! ```text
//!   raft-engine    #141  a deletion lost, the old value copied     #288  a copy restarted, first entries lost
//!                  #142  a removal copied behind a new group       #315  a copy in parts, its first part lost
//!                  one bit of a footer flipped: taken for the end of the log
//! ```
//!
//! raft-engine keeps two queues of files: one for appended records, one for records that collection
//! rewrites. The meaning of a record depends on its queue and its place there. Four of these losses came from
//! that. The fifth came from taking every bad record of the last file for a torn one. Our log has one order,
//! and each frame says what was durable. The tests try all five losses anyway.

use storage::{Batch, EntryId, GroupId, Index, Log, SimDisk};
use testbed::engine::entries::{entry, small};
use testbed::engine::model::Model;
use testbed::engine::power_cut::PowerCut;

const G: GroupId = GroupId(1);

/// Writes so much garbage that everything before it is collected.
fn turn_over(log: &Log<SimDisk>) {
    for round in 0..8u8 {
        for n in 0..12 {
            log.append(Batch::new().put(GroupId(99), b"filler", &[n; 1000])).unwrap();
        }
        let collected = log.gc().unwrap();
        assert!(round == 0 || !collected.removed.is_empty());
    }
}

/// Checks that a log shows the same after the worst power cut. Returns the log, opened again.
fn after_worst_cut(disk: &SimDisk, log: &Log<SimDisk>) -> Log<SimDisk> {
    log.sync_to(log.appended_lsn()).unwrap();
    let cut = disk.after_power_cut(&mut PowerCut::worst());
    let again = Log::open_on(cut, small()).unwrap();
    assert_eq!(Model::of(&again), Model::of(log));
    again
}

/// raft-engine #141 (open since 2021): collection copied a key's value to the second queue. Later the key
/// was deleted, and the file with the deletion was removed. Only the copy was left: the key was back.
#[test]
fn loss_141_a_deleted_key_does_not_come_back_when_its_deletion_is_collected() {
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    log.write(Batch::new().put(G, b"k", b"v")).unwrap();
    turn_over(&log); // the value is moved
    log.write(Batch::new().delete(G, b"k")).unwrap();
    turn_over(&log); // both are gone
    assert_eq!(after_worst_cut(&disk, &log).get(G, b"k"), None);
}

/// raft-engine #142: the tombstone of a removed group was copied to the second queue. There it came after
/// the entries of a new group with the same name, which had been copied before. At the next opening the
/// tombstone removed the new group.
#[test]
fn loss_142_an_old_removal_does_not_remove_a_new_group() {
    let disk = SimDisk::new(2);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    log.write(Batch::new().entries(G, &[entry(1, 1, 50)])).unwrap();
    log.write(Batch::new().remove_group(G)).unwrap();
    log.write(Batch::new().entries(G, &[entry(1, 2, 50), entry(2, 2, 50)])).unwrap();
    turn_over(&log);
    let again = after_worst_cut(&disk, &log);
    assert_eq!(again.last_index(G), Some(Index(2)));
    assert_eq!(again.entry(G, Index(1)).unwrap(), Some(entry(1, 2, 50)));
}

#[test]
fn a_removed_group_does_not_come_back_when_its_removal_is_collected() {
    let disk = SimDisk::new(3);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    log.write(Batch::new().entries(G, &[entry(1, 1, 50)]).put(G, b"k", b"v")).unwrap();
    turn_over(&log);
    log.write(Batch::new().remove_group(G)).unwrap();
    turn_over(&log);
    assert_eq!(after_worst_cut(&disk, &log).groups(), [GroupId(99)]);
}

/// raft-engine #288: a restart interrupted a rewrite of the second queue. The rewrite began again, and then
/// the first entries of the groups that it was copying were missing.
#[test]
fn loss_288_an_interrupted_collection_loses_no_first_entries() {
    let prepare = |disk: &SimDisk| {
        let log = Log::open_on(disk.clone(), small()).unwrap();
        for index in 1..=40 {
            log.append(Batch::new().entries(G, &[entry(index, 1, 100)])).unwrap();
        }
        for n in 0..30 {
            log.append(Batch::new().put(GroupId(99), b"filler", &[n; 1000])).unwrap();
        }
        log.sync_to(log.appended_lsn()).unwrap();
        log
    };
    let held = Model::of(&prepare(&SimDisk::new(4)));
    let disk = SimDisk::new(4);
    let log = prepare(&disk); // nobody reads this log: a file that is read cannot be recycled
    let before = disk.operations();
    while log.gc().unwrap().is_more_to_do {}
    let after = disk.operations();
    assert!(after > before + 10, "{} operations", after - before);
    for operation in before + 1..=after {
        let disk = SimDisk::new(4);
        let log = prepare(&disk);
        disk.plan(operation, storage::Fault::PowerCut);
        log.gc().unwrap_err();
        for sample in 0..8 {
            let cut = disk.after_power_cut(&mut PowerCut::new(operation, sample));
            let log = Log::open_on(cut.clone(), small()).unwrap();
            assert_eq!(Model::of(&log), held, "operation {operation}, sample {sample}");
            while log.gc().unwrap().is_more_to_do {}
            assert_eq!(Model::of(&log), held, "operation {operation}, sample {sample}, again");
            after_worst_cut(&cut, &log);
        }
    }
}

/// raft-engine #315: a copy in several parts began with a mark. When the file with the mark was deleted, the
/// other parts counted as unfinished, although their files were still there: they were lost.
#[test]
fn loss_315_entries_moved_in_many_frames_do_not_depend_on_the_first_frame() {
    let disk = SimDisk::new(5);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    for index in 1..=60 {
        log.append(Batch::new().entries(G, &[entry(index, 1, 100)])).unwrap();
    }
    for _ in 0..6 {
        turn_over(&log); // all entries move again and again, a few per frame
        let again = after_worst_cut(&disk, &log);
        assert_eq!(again.entries(G, Index(1)..Index(61), u64::MAX).unwrap().len(), 60);
    }
}

#[test]
fn a_moved_entry_does_not_override_a_newer_one() {
    let disk = SimDisk::new(6);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    log.append(Batch::new().entries(G, &[entry(1, 1, 50), entry(2, 1, 50), entry(3, 1, 50)]))
        .unwrap();
    turn_over(&log);
    log.append(Batch::new().entries(G, &[entry(2, 5, 50)])).unwrap();
    turn_over(&log);
    let again = after_worst_cut(&disk, &log);
    assert_eq!(again.entry(G, Index(2)).unwrap(), Some(entry(2, 5, 50)));
    assert_eq!(again.last_index(G), Some(Index(2)));
}

#[test]
fn a_group_without_entries_keeps_its_first_index() {
    let disk = SimDisk::new(7);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    log.append(Batch::new().reset(G, EntryId::new(500, 9))).unwrap();
    turn_over(&log);
    turn_over(&log);
    let again = after_worst_cut(&disk, &log);
    assert_eq!((again.first_index(G), again.last_index(G)), (Some(Index(501)), Some(Index(500))));
    assert_eq!(again.term(G, Index(500)).map(|term| term.0), Some(9));
}

/// The flipped footer: 1,024 batches of 32 entries, all synced, and one flipped bit in batch 100. By default
/// raft-engine takes every bad batch of its last file for a torn one. With the flipped bit in the footer or in
/// the length of the batch, it opened with 3,200 of 32,768 entries, and reported no error.
#[test]
fn loss_by_a_flipped_footer_one_bit_is_not_taken_for_the_end_of_the_log() {
    let options = storage::Options::default();
    let disk = SimDisk::new(8);
    let log = Log::open_on(disk.clone(), options.clone()).unwrap();
    for batch in 0..1024u64 {
        let entries: Vec<_> = (1..=32).map(|n| entry(batch * 32 + n, 1, 256)).collect();
        log.append(Batch::new().entries(G, &entries)).unwrap();
        if batch % 64 == 63 {
            log.sync_to(log.appended_lsn()).unwrap();
        }
    }
    let frame = 32 + 32 * (32 + 256);
    let in_batch_100 = 4096 + 99 * frame;
    let places = [("header", 4), ("LSN", 9), ("descriptors", 40), ("payload", 32 + 32 * 32 + 700)];
    for (what, at) in places {
        let damaged = disk.after_kill();
        damaged.rot("00000001.log", in_batch_100 + at, 8);
        let error = Log::open_on(damaged, options.clone()).map(|_| ()).unwrap_err();
        let corruption = error.corruption().unwrap();
        assert_eq!(corruption.lsn.map(|lsn| lsn.0), Some(100), "{what}: {error}");
        assert_eq!(corruption.offset, in_batch_100, "{what}: {error}");
    }
}
