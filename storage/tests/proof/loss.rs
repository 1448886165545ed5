//! Losses that another log engine has had, each by the number under which it was reported.
//!
//! ```text
//!   raft-engine    #141  a deletion forgotten, its value copied    #288  a copy begun twice, a front lost
//!                  #142  a removal copied behind a new group       #315  a copy in parts, its first gone
//!                  a footer with one bit flipped: taken for the end of the log
//! ```
//!
//! It keeps two queues of files, one for what is appended and one for what collection rewrites, and
//! what a record means hangs on which queue it stands in, and where. Four of these losses came of that,
//! the fifth of taking every bad record of the last file for a torn one. Here there is one order, and a
//! frame that says what was durable; each of them is tried all the same.

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

/// raft-engine #141 (open since 2021): collection copied a key's value to the second queue; later the
/// key was deleted, and the file with the deletion went. What was left was the copy: the key was back.
#[test]
fn loss_141_a_deleted_key_does_not_come_back_when_its_deletion_is_collected() {
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    log.write(Batch::new().put(G, b"k", b"v")).unwrap();
    turn_over(&log); // the value is moved
    log.write(Batch::new().delete(G, b"k")).unwrap();
    turn_over(&log); // both are gone
    assert_eq!(survives(&disk, &log).get(G, b"k"), None);
}

/// raft-engine #142: the mark that a group was removed was itself copied to the second queue, and then
/// stood behind the entries of a new group of that name, which had been copied before: at the next
/// opening the mark removed the new group.
#[test]
fn loss_142_a_group_made_anew_does_not_fall_to_its_predecessors_removal() {
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

/// raft-engine #288: a rewrite of the second queue that a restart had cut short was begun anew, and
/// the entries at the front of the groups it had been busy with were missing after that.
#[test]
fn loss_288_a_collection_cut_short_at_any_point_loses_no_front_of_a_log() {
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
    let log = prepare(&disk); // which nobody reads: a file that is read is no spare
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
            let cut = disk.after_power_cut(&mut Drawn::new(operation, sample));
            let log = Log::open_on(cut.clone(), small()).unwrap();
            assert_eq!(Model::of(&log), held, "operation {operation}, sample {sample}");
            while log.gc().unwrap().is_more_to_do {}
            assert_eq!(Model::of(&log), held, "operation {operation}, sample {sample}, again");
            survives(&cut, &log);
        }
    }
}

/// raft-engine #315: what was copied in several parts began with a mark, and when the file of that mark
/// was deleted, all the other parts, in files that were still there, counted as unfinished: gone.
#[test]
fn loss_315_what_was_moved_in_many_frames_does_not_hang_on_the_first_of_them() {
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

/// The flipped footer: 1,024 batches of 32 entries, all of them synced, and one bit of batch 100. By
/// default raft-engine takes every bad batch of its last file for a torn one: with the bit in a batch's
/// footer, or in its length, it opened with 3,200 entries of 32,768, and said nothing.
#[test]
fn loss_by_a_flipped_footer_one_bit_does_not_pass_for_the_end_of_the_log() {
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
