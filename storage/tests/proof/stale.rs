//! Stale frames: bytes of old frames, which must not be taken for valid frames (P7).

use crate::counts::rounds;
use crate::page::Segment;
use storage::{Batch, Error, Fault, GroupId, Log, SimDisk};
use testbed::engine::entries::small;
use testbed::engine::model::Model;
use testbed::engine::power_cut::PowerCut;

const G: GroupId = GroupId(1);

/// Returns a batch whose frame has this length.
fn frame_of(bytes: usize, fill: u8) -> Batch {
    let mut batch = Batch::new();
    batch.put(G, b"k", &vec![fill; bytes - 65]);
    assert_eq!(batch.size_bytes(), bytes);
    batch
}

#[test]
fn old_frames_in_a_recycled_file_are_not_taken_for_new_ones() {
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    for n in 1..=20 {
        log.append(&frame_of(128, n)).unwrap();
        if n == 4 || n == 5 {
            log.sync_to(log.appended_lsn()).unwrap();
        }
    }
    // LSN 6 is lost, and 7 to 20 are behind the gap: they never counted.
    let disk = disk.after_power_cut(&mut PowerCut::first_write_lost());
    let log = Log::open_on(disk.clone(), small()).unwrap();
    assert_eq!((log.appended_lsn().0, log.stats().segments), (5, 2));
    log.append(&frame_of(128, 106)).unwrap();
    assert_eq!(log.gc().unwrap().removed.len(), 1, "the first file becomes the spare");
    assert_eq!(log.stats().spare_bytes, 8192);
    // What recovery rewrote, 106, one frame of the collection and these two make 3,968 bytes.
    log.append(&frame_of(2000, 108)).unwrap();
    log.append(&frame_of(1680, 109)).unwrap();

    //   old frames        1 2 3 4  5  6  7  8  9  10 11 12 13 14 15 16 17 18 19 20
    //   new frames        10       11          12          ^ 13 would be next
    for n in 10..=12 {
        log.append(&frame_of(512, 100 + n)).unwrap();
    }
    assert_eq!((log.stats().segments, log.stats().spare_bytes), (2, 0));
    log.sync_to(log.appended_lsn()).unwrap();
    let again = Log::open_on(disk.after_kill(), small()).unwrap();
    assert_eq!(again.appended_lsn().0, 12);
    assert_eq!(Model::of(&again), Model::of(&log));
}

#[test]
fn frames_behind_a_torn_one_do_not_come_back_behind_its_successor() {
    let disk = SimDisk::new(2);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    log.write(&frame_of(128, 1)).unwrap();
    log.close().unwrap();
    // The opening writes nothing, and the next two batches overwrite the closing mark.
    let log = Log::open_on(disk.clone(), small()).unwrap();
    log.append(&frame_of(128, 2)).unwrap();
    log.append(&frame_of(128, 3)).unwrap();
    let disk = disk.after_power_cut(&mut PowerCut::first_write_lost());
    let log = Log::open_on(disk.clone(), small()).unwrap();
    assert_eq!(log.get(G, b"k").unwrap()[0], 1);
    log.write(&frame_of(128, 4)).unwrap();
    let again = Log::open_on(disk.after_kill(), small()).unwrap();
    assert_eq!(again.get(G, b"k").unwrap()[0], 4, "3 is right behind, and never counted");
}

/// Runs a log that recycles all its files. Returns the last batch that was synced, the last batch that was
/// begun, and the error. The value of a key counts the batches.
fn recycle_files(disk: &SimDisk) -> (u8, u8, Option<Error>) {
    let (mut synced, mut begun) = (0, 0);
    let outcome = (|| {
        let log = Log::open_on(disk.clone(), small())?;
        for n in 1..=60 {
            begun = n;
            // Two lengths, so that an old frame begins where a new one ends.
            log.append(&frame_of(if n < 30 { 512 } else { 1024 }, n))?;
            if n % 3 == 0 {
                log.sync_to(log.appended_lsn())?;
                synced = n;
            }
            if n % 6 == 0 {
                log.gc()?;
            }
        }
        Ok(())
    })();
    (synced, begun, outcome.err())
}

#[test]
fn a_recycled_file_shows_no_old_frame_after_a_power_cut_at_any_operation() {
    let disk = SimDisk::new(3);
    assert!(recycle_files(&disk).2.is_none());
    assert!(
        Segment::all(&disk)[0].name.as_str() > "00000004.log",
        "the first segments were removed"
    );
    assert!(disk.used_bytes() <= 4 * 8192, "their files were recycled");
    for operation in 1..=disk.operations() {
        let disk = SimDisk::new(3);
        disk.plan(operation, Fault::PowerCut);
        let (synced, begun, _) = recycle_files(&disk);
        for sample in 0..rounds(16, 200) {
            let place = format!("operation {operation}, sample {sample}");
            let cut = disk.after_power_cut(&mut PowerCut::new(operation, sample));
            let log = Log::open_on(cut, small()).unwrap_or_else(|e| panic!("{place}: {e}"));
            let shown = log.get(G, b"k").map_or(0, |value| value[0]);
            assert!((synced..=begun).contains(&shown), "{place}: {shown}, of {synced} to {begun}");
        }
    }
}
