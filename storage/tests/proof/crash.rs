//! Power cuts: at every operation of a history, and at every operation of the recovery after it (P3).

use crate::counts::{Row, rounds, seeds, tally};
use storage::{Fault, Log, SimDisk};
use testbed::engine::entries::small;
use testbed::engine::history::{History, Mix, Reached};
use testbed::engine::model::Model;
use testbed::engine::power_cut::PowerCut;

/// Runs a history on a disk whose power fails at an operation.
pub(crate) fn cut_at(seed: u64, operation: u64, history: &History) -> (SimDisk, Reached) {
    let disk = SimDisk::new(seed);
    disk.plan(operation, Fault::PowerCut);
    let reached = match Log::open_on(disk.clone(), small()) {
        Ok(log) => history.run(&log),
        Err(error) => Reached::nothing(error),
    };
    (disk, reached)
}

/// Returns how many operations a history takes.
pub(crate) fn operations(seed: u64, history: &History) -> u64 {
    let disk = SimDisk::new(seed);
    let reached = history.run(&Log::open_on(disk.clone(), small()).unwrap());
    assert!(reached.error.is_none(), "seed {seed}: {:?}", reached.error);
    disk.operations()
}

#[test]
fn after_a_power_cut_at_any_operation_the_log_shows_a_state_it_had() {
    let samples = rounds(8, 24); // how many outcomes of a power cut are tried at each operation
    let (mut images, mut within) = (0, 0);
    for seed in seeds(16, 100) {
        let history = History::drawn(seed, 60, &Model::default(), Mix::USUAL);
        for operation in 1..=operations(seed, &history) {
            let (disk, reached) = cut_at(seed, operation, &history);
            for sample in 0..samples {
                let place = format!("seed {seed}, operation {operation}, sample {sample}");
                let image = disk.after_power_cut(&mut PowerCut::new(seed ^ operation, sample));
                images += 1;
                within += check_recovery(
                    &image,
                    &history,
                    &reached,
                    seed,
                    &place,
                    sample == operation % samples,
                );
            }
        }
    }
    tally(Row::CutImages, images, 10_000);
    tally(Row::CutsInRecovery, within, 10_000);
}

/// Opens an image, and checks three things: nothing acknowledged is missing, the opening itself is
/// durable, and the log goes on. If `deep`, also cuts the recovery at every operation. Returns how many
/// more images that made.
fn check_recovery(
    image: &SimDisk,
    history: &History,
    reached: &Reached,
    seed: u64,
    place: &str,
    deep: bool,
) -> u64 {
    let probe = image.after_kill();
    let log = Log::open_on(probe.clone(), small()).unwrap_or_else(|e| panic!("{place}: {e}"));
    let Some(state) = history.state_of(&Model::of(&log), reached) else {
        let seen = Model::of(&log);
        panic!("{place}: {reached:?}: recovered a state that never was: {seen:#?}");
    };
    // The LSN of an acknowledged batch is never given to another batch.
    assert!(log.appended_lsn().0 >= reached.acknowledged as u64, "{place}: an LSN was used twice");

    // What an opening shows is durable: the worst power cut right after it removes nothing.
    let worst = probe.after_power_cut(&mut PowerCut::worst());
    let again = Log::open_on(worst, small()).unwrap_or_else(|e| panic!("{place}, again: {e}"));
    assert_eq!(Model::of(&again), history.states[state], "{place}: an opening was not durable");

    // And the log goes on from there.
    let later = History::drawn(seed + 1000, 12, &history.states[state], Mix::USUAL);
    let went = later.run(&log);
    assert!(went.error.is_none(), "{place}, going on: {:?}", went.error);
    assert_eq!(&Model::of(&log), later.states.last().unwrap(), "{place}, going on");
    if !deep {
        return 0;
    }
    let mut images = 0;
    for operation in 1..=opening_operations(image) {
        let cut = image.after_kill();
        cut.plan(operation, Fault::PowerCut);
        assert!(Log::open_on(cut.clone(), small()).is_err(), "{place}: {operation} was planned");
        for sample in 0..4 {
            images += 1;
            let place = format!("{place}, cut again at {operation}, sample {sample}");
            let image = cut.after_power_cut(&mut PowerCut::new(seed ^ operation, sample));
            let log = Log::open_on(image, small()).unwrap_or_else(|e| panic!("{place}: {e}"));
            let seen = history.state_of(&Model::of(&log), reached);
            assert!(seen.is_some(), "{place}: recovered a state that never was");
        }
    }
    images
}

/// Returns how many operations an opening takes.
fn opening_operations(image: &SimDisk) -> u64 {
    let probe = image.after_kill();
    Log::open_on(probe.clone(), small()).unwrap();
    probe.operations()
}

#[test]
fn repeated_crashes_lose_nothing_acknowledged() {
    for seed in seeds(60, 2000) {
        let mut disk = SimDisk::new(seed);
        let mut held = Model::default();
        for round in 0..12 {
            let place = format!("seed {seed}, round {round}");
            let history = History::drawn(seed * 100 + round, 25, &held, Mix::USUAL);
            disk.plan(15 + (seed * 7 + round * 13) % 60, Fault::PowerCut);
            let reached = match Log::open_on(disk.clone(), small()) {
                Ok(log) => {
                    assert_eq!(Model::of(&log), held, "{place}: an opening changed the log");
                    history.run(&log)
                }
                Err(error) => Reached::nothing(error),
            };
            disk = disk.after_power_cut(&mut PowerCut::new(seed, round));
            let log =
                Log::open_on(disk.clone(), small()).unwrap_or_else(|e| panic!("{place}: {e}"));
            let state = history.state_of(&Model::of(&log), &reached);
            let state =
                state.unwrap_or_else(|| panic!("{place}: {reached:?}: a state that never was"));
            held = history.states[state].clone();
            drop(log);
            disk = disk.after_kill();
        }
    }
}

#[test]
fn a_killed_process_loses_nothing_at_all() {
    for seed in seeds(60, 2000) {
        let disk = SimDisk::new(seed);
        let history = History::drawn(seed, 60, &Model::default(), Mix::USUAL);
        history.run(&Log::open_on(disk.clone(), small()).unwrap());
        let log = Log::open_on(disk.after_kill(), small()).unwrap();
        assert_eq!(&Model::of(&log), history.states.last().unwrap(), "seed {seed}");
    }
}

#[test]
fn batches_acknowledged_after_a_kill_survive_a_power_cut() {
    // What the opening found may exist only in the page cache, names as well as bytes.
    for seed in seeds(12, 100) {
        let history = History::drawn(seed, 40, &Model::default(), Mix::USUAL);
        for operation in 1..=operations(seed, &history) {
            let place = format!("seed {seed}, killed at operation {operation}");
            let (disk, reached) = cut_at(seed, operation, &history);
            let disk = disk.after_kill();
            let log =
                Log::open_on(disk.clone(), small()).unwrap_or_else(|e| panic!("{place}: {e}"));
            let state = history.state_of(&Model::of(&log), &reached);
            let state = state.unwrap_or_else(|| panic!("{place}: a state that never was"));
            let later = History::drawn(seed + 1, 3, &history.states[state], Mix::USUAL);
            assert!(later.run(&log).error.is_none(), "{place}");
            log.sync_to(log.appended_lsn()).unwrap();
            let worst = disk.after_power_cut(&mut PowerCut::worst());
            let log = Log::open_on(worst, small()).unwrap_or_else(|e| panic!("{place}: {e}"));
            assert_eq!(&Model::of(&log), later.states.last().unwrap(), "{place}");
        }
    }
}

#[test]
fn a_closed_log_opens_without_a_write() {
    for seed in seeds(30, 1000) {
        let disk = SimDisk::new(seed);
        let history = History::drawn(seed, 60, &Model::default(), Mix::USUAL);
        let log = Log::open_on(disk.clone(), small()).unwrap();
        history.run(&log);
        log.maintain().unwrap();
        log.close().unwrap();
        let before = disk.operations();
        let log = Log::open_on(disk.clone(), small()).unwrap();
        let names_and_spare = 3;
        assert!(disk.operations() - before <= names_and_spare, "seed {seed}");
        assert_eq!(&Model::of(&log), history.states.last().unwrap(), "seed {seed}");
    }
}
