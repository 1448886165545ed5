//! Subsets: everything that a power cut may leave, where there are few enough subsets to try all (P3).
//!
//! ```text
//!   not durable at operation n:   frame 7 (two sectors)   frame 8   a rename     3 * 3 * 3 * 2 images
//! ```
//!
//! Each sector of a write is kept, lost or torn, and each change of a name is kept or lost. All are
//! independent: the test assumes no order. A spare that is being filled with zeros has too many subsets, and
//! they show little: `crash` draws some of them.

use crate::counts::{Row, rounds, seeds, tally};
use crate::crash::{cut_at, operations};
use crate::fates::Odometer;
use storage::{Log, SimDisk};
use testbed::engine::entries::small;
use testbed::engine::history::{History, Mix, Reached};
use testbed::engine::model::Model;
use testbed::engine::power_cut::PowerCut;

/// Opens an image, and checks that it shows an allowed state, and the same state again after a power cut.
fn check_image(image: &SimDisk, history: &History, reached: &Reached, place: &str) {
    let probe = image.after_kill();
    let log = Log::open_on(probe.clone(), small()).unwrap_or_else(|e| panic!("{place}: {e}"));
    let state = history.state_of(&Model::of(&log), reached);
    let state = state.unwrap_or_else(|| panic!("{place}: {reached:?}: a state that never was"));
    drop(log);
    let again = Log::open_on(probe.after_power_cut(&mut PowerCut::worst()), small());
    let again = again.unwrap_or_else(|e| panic!("{place}, again: {e}"));
    assert_eq!(Model::of(&again), history.states[state], "{place}: an opening was not durable");
}

#[test]
fn every_subset_of_the_pending_writes_leaves_an_allowed_state() {
    let limit = rounds(1000, 4000);
    let (mut images, mut in_full, mut drawn) = (0, 0, 0);
    for seed in seeds(8, 40) {
        let history = History::drawn(seed, 30, &Model::default(), Mix::USUAL);
        for operation in 1..=operations(seed, &history) {
            let (disk, reached) = cut_at(seed, operation, &history);
            let mut odometer = Odometer::default();
            let mut image = disk.after_power_cut(&mut odometer);
            if odometer.turns() > limit {
                drawn += 1;
                continue; // `crash` draws some of these
            }
            in_full += 1;
            for turn in 0.. {
                let place = format!("seed {seed}, operation {operation}, turn {turn}");
                check_image(&image, &history, &reached, &place);
                images += 1;
                if !odometer.advance() {
                    break;
                }
                image = disk.after_power_cut(&mut odometer);
            }
        }
    }
    println!("{in_full} operations in full, {drawn} with more than {limit} subsets");
    tally(Row::Subsets, images, 10_000);
}

#[test]
fn an_odometer_shows_every_reading_once() {
    use std::collections::BTreeSet;
    use storage::Fates;
    let sector = storage::Sector { file: 0, write: 0, offset: 0, len: 512 };
    let mut odometer = Odometer::default();
    let mut seen = BTreeSet::new();
    loop {
        let reading = (
            format!("{:?}", odometer.sector(sector)),
            format!("{:?}", odometer.sector(sector)),
            odometer.keeps_name(),
        );
        assert!(seen.insert(reading));
        if !odometer.advance() {
            break;
        }
    }
    assert_eq!((seen.len() as u64, odometer.turns()), (18, 18));
}
