//! Resurrection (P6): deleted, removed, compacted or overwritten records do not come back when the records
//! that ended them are collected, wherever a power cut interrupts the collection.
//!
//! ```text
//!   a log with deletions --> collect, power cut at operation n --> open: the same
//!                                                                   '-> collect to the end: the same
//!                                                                         '-> turn it over: the same
//! ```

use crate::counts::{Row, rounds, seeds, tally};
use storage::{Batch, Fault, GroupId, Log, SimDisk};
use testbed::engine::entries::small;
use testbed::engine::history::{History, LogCall, Mix};
use testbed::engine::model::Model;
use testbed::engine::power_cut::PowerCut;

/// A group that no history has.
const FILLER: GroupId = GroupId(99);

/// Collects until there is no more to do.
fn collect(log: &Log<SimDisk>) {
    while log.gc().unwrap().is_more_to_do {}
}

/// Writes garbage and collects it, until every live record has moved.
fn turn_over(log: &Log<SimDisk>) {
    let segments = log.stats().segments + 2;
    for n in 0..4 * segments {
        log.append(Batch::new().put(FILLER, b"filler", &[n as u8; 1500])).unwrap();
        collect(log);
    }
    log.append(Batch::new().remove_group(FILLER)).unwrap();
    log.sync_to(log.appended_lsn()).unwrap();
}

/// Returns a disk with a log in which nothing was collected yet, and what the log holds.
fn uncollected(seed: u64) -> (SimDisk, Model) {
    let disk = SimDisk::new(seed);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    let mut history = History::drawn(seed, 90, &Model::default(), Mix::USUAL);
    history.actions.retain(|action| !matches!(action, LogCall::Collect));
    assert!(history.run(&log).error.is_none());
    let held = history.states.last().unwrap().clone();
    assert_eq!(Model::of(&log), held);
    (disk.after_kill(), held)
}

#[test]
fn nothing_comes_back_after_an_interrupted_collection() {
    let mut images = 0;
    for seed in seeds(100, 300) {
        let (disk, held) = uncollected(seed);
        let whole = disk.after_kill();
        let log = Log::open_on(whole.clone(), small()).unwrap();
        let opened = whole.operations();
        collect(&log);
        for operation in opened + 1..=whole.operations() {
            let cut = disk.after_kill();
            let log = Log::open_on(cut.clone(), small()).unwrap();
            cut.plan(operation, Fault::PowerCut);
            assert!(log.gc().is_err(), "seed {seed}: operation {operation} was planned");
            for sample in 0..rounds(8, 24) {
                let place = format!("seed {seed}, operation {operation}, sample {sample}");
                let image = cut.after_power_cut(&mut PowerCut::new(seed ^ operation, sample));
                check_nothing_returns(&image, &held, &place);
                images += 1;
            }
        }
    }
    tally(Row::CutsInCollection, images, 10_000);
}

/// Checks that an image shows exactly what the log held: when opened, when collected, when turned over, and
/// after the worst power cut.
fn check_nothing_returns(image: &SimDisk, held: &Model, place: &str) {
    let log = Log::open_on(image.clone(), small()).unwrap_or_else(|e| panic!("{place}: {e}"));
    assert_eq!(&Model::of(&log), held, "{place}");
    collect(&log);
    assert_eq!(&Model::of(&log), held, "{place}, collected");
    turn_over(&log);
    assert_eq!(&Model::of(&log), held, "{place}, turned over");
    let cut = image.after_power_cut(&mut PowerCut::worst());
    let log = Log::open_on(cut, small()).unwrap_or_else(|e| panic!("{place}, cut: {e}"));
    assert_eq!(&Model::of(&log), held, "{place}, turned over and cut");
}
