//! Stale frames: bytes that were frames once, and must not be taken for frames again (P7).

use crate::counts::rounds;
use crate::fates::Drawn;
use crate::history::small;
use crate::model::Model;
use crate::page::Segment;
use storage::{Batch, Error, Fate, Fates, Fault, GroupId, Log, Sector, SimDisk};

const G: GroupId = GroupId(1);

/// Loses the first of the writes that are pending, and keeps the others.
struct FirstIsLost;

impl Fates for FirstIsLost {
    fn sector(&mut self, sector: Sector) -> Fate {
        if sector.write == 0 { Fate::Lost } else { Fate::Kept }
    }

    fn keeps_name(&mut self) -> bool {
        true
    }
}

/// Returns a batch whose frame is so long.
fn frame_of(bytes: usize, fill: u8) -> Batch {
    let mut batch = Batch::new();
    batch.put(G, b"k", &vec![fill; bytes - 65]);
    assert_eq!(batch.size_bytes(), bytes);
    batch
}

#[test]
fn frames_of_a_files_earlier_life_are_not_taken_for_its_own() {
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    for n in 1..=20 {
        log.append(&frame_of(128, n)).unwrap();
        if n == 4 || n == 5 {
            log.sync_to(log.appended_lsn()).unwrap();
        }
    }
    // Of LSN 6 nothing is left, and 7 to 20 stand behind the gap: they never counted.
    let disk = disk.after_power_cut(&mut FirstIsLost);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    assert_eq!((log.appended_lsn().0, log.stats().segments), (5, 2));
    log.append(&frame_of(128, 106)).unwrap();
    assert_eq!(log.gc().unwrap().removed.len(), 1, "the first file is the spare now");
    assert_eq!(log.stats().spare_bytes, 8192);
    // What recovery wrote again, 106, a witness of the collection, and these: 3,968 bytes together.
    log.append(&frame_of(2000, 108)).unwrap();
    log.append(&frame_of(1680, 109)).unwrap();

    //   its earlier life  1 2 3 4  5  6  7  8  9  10 11 12 13 14 15 16 17 18 19 20
    //   now               10       11          12          ^ 13 would be next
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
    // Opened without a write, and the next two batches go where the closing mark was.
    let log = Log::open_on(disk.clone(), small()).unwrap();
    log.append(&frame_of(128, 2)).unwrap();
    log.append(&frame_of(128, 3)).unwrap();
    let disk = disk.after_power_cut(&mut FirstIsLost);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    assert_eq!(log.get(G, b"k").unwrap()[0], 1);
    log.write(&frame_of(128, 4)).unwrap();
    let again = Log::open_on(disk.after_kill(), small()).unwrap();
    assert_eq!(again.get(G, b"k").unwrap()[0], 4, "3 stood right behind, and never counted");
}

/// Runs a log whose files are all used a second time, on a disk whose power fails at an operation.
/// Returns what was written through, and what was begun: a key's value counts the batches.
fn use_files_again(disk: &SimDisk) -> (u8, u8, Option<Error>) {
    let (mut through, mut begun) = (0, 0);
    let outcome = (|| {
        let log = Log::open_on(disk.clone(), small())?;
        for n in 1..=60 {
            begun = n;
            // Two lengths, so that a frame of the earlier life begins where one of this life ends.
            log.append(&frame_of(if n < 30 { 512 } else { 1024 }, n))?;
            if n % 3 == 0 {
                log.sync_to(log.appended_lsn())?;
                through = n;
            }
            if n % 6 == 0 {
                log.gc()?;
            }
        }
        Ok(())
    })();
    (through, begun, outcome.err())
}

#[test]
fn a_file_used_again_shows_nothing_of_its_earlier_life_wherever_power_is_cut() {
    let disk = SimDisk::new(3);
    assert!(use_files_again(&disk).2.is_none());
    assert!(Segment::all(&disk)[0].name.as_str() > "00000004.log", "most files are gone");
    assert!(disk.used_bytes() <= 4 * 8192, "and were used again");
    for operation in 1..=disk.operations() {
        let disk = SimDisk::new(3);
        disk.plan(operation, Fault::PowerCut);
        let (through, begun, _) = use_files_again(&disk);
        for sample in 0..rounds(16, 200) {
            let place = format!("operation {operation}, sample {sample}");
            let cut = disk.after_power_cut(&mut Drawn::new(operation, sample));
            let log = Log::open_on(cut, small()).unwrap_or_else(|e| panic!("{place}: {e}"));
            let shown = log.get(G, b"k").map_or(0, |value| value[0]);
            assert!(
                (through..=begun).contains(&shown),
                "{place}: {shown}, of {through} to {begun}"
            );
        }
    }
}
