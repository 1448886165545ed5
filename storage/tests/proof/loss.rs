//! Losses that other log engines have had, each by name. Most of them came of copies whose place
//! changed their meaning, and of records that were forgotten too early.

use crate::fates::Drawn;
use crate::history::small;
use crate::model::{Model, entry};
use storage::{Batch, EntryId, GroupId, Index, Log, SimDisk};

const G: GroupId = GroupId(1);

/// Writes so much that is garbage at once that everything before it is collected.
fn turn_over(log: &Log<SimDisk>) {
    for round in 0..8u8 {
        for n in 0..12 {
            log.append(Batch::new().put(GroupId(99), b"filler", &[n; 1000])).unwrap();
        }
        let collected = log.gc().unwrap();
        assert!(round == 0 || !collected.removed.is_empty());
    }
}

/// Checks that a log shows the same after a power cut that takes all it can.
fn survives(disk: &SimDisk, log: &Log<SimDisk>) -> Log<SimDisk> {
    log.sync_to(log.appended_lsn()).unwrap();
    let cut = disk.after_power_cut(&mut Drawn::new(0, 0));
    let again = Log::open_on(cut, small()).unwrap();
    assert_eq!(Model::of(&again), Model::of(log));
    again
}

#[test]
fn a_deleted_key_does_not_come_back_when_its_deletion_is_collected() {
    // raft-engine #141: the value was copied, the deletion was not, and the copy was read later.
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    log.write(Batch::new().put(G, b"k", b"v")).unwrap();
    turn_over(&log); // the value is moved
    log.write(Batch::new().delete(G, b"k")).unwrap();
    turn_over(&log); // both are gone
    assert_eq!(survives(&disk, &log).get(G, b"k"), None);
}

#[test]
fn a_group_made_anew_does_not_fall_to_its_predecessors_removal() {
    // raft-engine #142: the removal was copied behind what came after it.
    let disk = SimDisk::new(2);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    log.write(Batch::new().entries(G, &[entry(1, 1, 50)])).unwrap();
    log.write(Batch::new().remove_group(G)).unwrap();
    log.write(Batch::new().entries(G, &[entry(1, 2, 50), entry(2, 2, 50)])).unwrap();
    turn_over(&log);
    let again = survives(&disk, &log);
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
    assert_eq!(survives(&disk, &log).groups(), [GroupId(99)]);
}

#[test]
fn a_collection_cut_short_at_any_point_loses_no_front_of_a_log() {
    // raft-engine #288: an aborted rewrite, begun again after a restart, lost the first entries.
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
    let disk = SimDisk::new(4);
    let log = prepare(&disk);
    let (before, held) = (disk.operations(), Model::of(&log));
    while log.gc().unwrap().is_more_to_do {}
    let after = disk.operations();
    assert!(after > before + 10, "{} operations", after - before);
    for operation in before + 1..=after {
        let disk = SimDisk::new(4);
        let log = prepare(&disk);
        disk.plan(operation, storage::Fault::PowerCut);
        log.gc().unwrap_err();
        for sample in 0..8 {
            let cut = disk.after_power_cut(&mut Drawn::new(operation, sample));
            let log = Log::open_on(cut.clone(), small()).unwrap();
            assert_eq!(Model::of(&log), held, "operation {operation}, sample {sample}");
            while log.gc().unwrap().is_more_to_do {}
            assert_eq!(Model::of(&log), held, "operation {operation}, sample {sample}, again");
            survives(&cut, &log);
        }
    }
}

#[test]
fn what_was_moved_in_many_frames_does_not_hang_on_the_first_of_them() {
    // raft-engine #315: a copy in several parts fell with the segment of its first part.
    let disk = SimDisk::new(5);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    for index in 1..=60 {
        log.append(Batch::new().entries(G, &[entry(index, 1, 100)])).unwrap();
    }
    for _ in 0..6 {
        turn_over(&log); // all of it moves again and again, a few entries a frame
        let again = survives(&disk, &log);
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
    let again = survives(&disk, &log);
    assert_eq!(again.entry(G, Index(2)).unwrap(), Some(entry(2, 5, 50)));
    assert_eq!(again.last_index(G), Some(Index(2)));
}

#[test]
fn a_log_without_entries_keeps_its_beginning() {
    let disk = SimDisk::new(7);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    log.append(Batch::new().reset(G, EntryId::new(500, 9))).unwrap();
    turn_over(&log);
    turn_over(&log);
    let again = survives(&disk, &log);
    assert_eq!((again.first_index(G), again.last_index(G)), (Some(Index(501)), Some(Index(500))));
    assert_eq!(again.term(G, Index(500)).map(|term| term.0), Some(9));
}

#[test]
fn one_flipped_bit_does_not_pass_for_the_end_of_the_log() {
    // The experiment of the format's design: 1,024 batches of 32 entries, all acknowledged, and one
    // bit of batch 100. An engine that takes every bad frame of its last file for a torn one opens
    // with 3,200 entries of 32,768, and says nothing.
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
