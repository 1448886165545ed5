//! Operations that fail, syncs that lie, short writes and writes at a wrong offset (P8, P9). And a power
//! cut in the process after a failure: what the page cache showed to that process is then lost.

use crate::counts::{Row, rounds, seeds, tally};
use storage::{Batch, Error, Fault, GroupId, Log, SimDisk};
use testbed::engine::entries::small;
use testbed::engine::history::{History, Mix, Reached};
use testbed::engine::model::Model;
use testbed::engine::power_cut::PowerCut;

/// Runs a history with one fault, and returns the disk, the log if it opened, and how far it got.
fn run_with(
    seed: u64,
    operation: u64,
    fault: Fault,
    history: &History,
) -> (SimDisk, Option<Log<SimDisk>>, Reached) {
    let disk = SimDisk::new(seed);
    disk.plan(operation, fault);
    match Log::open_on(disk.clone(), small()) {
        Ok(log) => {
            let reached = history.run(&log);
            (disk, Some(log), reached)
        }
        Err(error) => (disk, None, Reached::nothing(error)),
    }
}

/// Returns how many operations a history takes.
fn operations(seed: u64, history: &History) -> u64 {
    let (disk, _, reached) = run_with(seed, u64::MAX, Fault::Fails, history);
    assert!(reached.error.is_none());
    disk.operations()
}

#[test]
fn after_the_first_failure_nothing_is_written_and_nothing_acknowledged_is_lost() {
    let mut failures = 0;
    for seed in seeds(20, 400) {
        let history = History::drawn(seed, 60, &Model::default(), Mix::USUAL);
        for operation in 1..=operations(seed, &history) {
            failures += 1;
            let place = format!("seed {seed}, operation {operation}");
            let (disk, log, reached) = run_with(seed, operation, Fault::Fails, &history);
            let error = reached.error.as_ref().unwrap_or_else(|| panic!("{place}: not reported"));
            assert!(matches!(error, Error::Io { .. }), "{place}: {error}");
            if let Some(log) = log {
                let after = disk.operations();
                let batch_error = log.append(Batch::new().put(GroupId(1), b"k", b"v")).unwrap_err();
                for again in [log.gc().map(|_| ()), log.maintain(), Err(batch_error)] {
                    let again = again.unwrap_err();
                    let Error::Poisoned { first } = &again else { panic!("{place}: {again}") };
                    assert_eq!(first.to_string(), error.to_string(), "{place}");
                }
                assert_eq!(disk.operations(), after, "{place}: written after a failure");
                assert!(
                    history.state_of(&Model::of(&log), &reached).is_some(),
                    "{place}: not readable any more"
                );
            }
            assert_eq!(disk.syncs_after_failure(), 0, "{place}: a failed sync was tried again");

            // The page cache may show what the disk does not hold. Still, what an opening shows is durable.
            let killed = disk.after_kill();
            let log =
                Log::open_on(killed.clone(), small()).unwrap_or_else(|e| panic!("{place}: {e}"));
            let state = history.state_of(&Model::of(&log), &reached);
            let state = state.unwrap_or_else(|| panic!("{place}: a state that never was"));
            let worst = killed.after_power_cut(&mut PowerCut::worst());
            let log = Log::open_on(worst, small()).unwrap_or_else(|e| panic!("{place}, cut: {e}"));
            assert_eq!(Model::of(&log), history.states[state], "{place}: not durable");

            // And power may fail right after the failure.
            let cut = disk.after_power_cut(&mut PowerCut::new(seed, operation));
            let log = Log::open_on(cut, small()).unwrap_or_else(|e| panic!("{place}, cut: {e}"));
            assert!(history.state_of(&Model::of(&log), &reached).is_some(), "{place}, cut at once");
        }
    }
    tally(Row::Failures, failures, 1000);
}

#[test]
fn a_failure_in_one_process_loses_nothing_of_the_next() {
    let mut images = 0;
    for seed in seeds(6, 60) {
        let history = History::drawn(seed, 60, &Model::default(), Mix::USUAL);
        for operation in 1..=operations(seed, &history) {
            let place = format!("seed {seed}, operation {operation} failed");
            let (disk, log, reached) = run_with(seed, operation, Fault::Fails, &history);
            drop(log);
            let log = Log::open_on(disk.after_kill(), small()).unwrap();
            let state = history.state_of(&Model::of(&log), &reached).unwrap();
            let later = History::drawn(seed + 1000, 60, &history.states[state], Mix::USUAL);

            // The next process goes on, and power fails at one of its operations.
            let next = disk.after_kill();
            let went = later.run(&Log::open_on(next.clone(), small()).unwrap());
            assert!(went.error.is_none(), "{place}: {:?}", went.error);
            let stride = rounds(7, 1);
            for cut in (1 + operation % stride..=next.operations()).step_by(stride as usize) {
                let place = format!("{place}, power failed at operation {cut} of the next process");
                let next = disk.after_kill();
                next.plan(cut, Fault::PowerCut);
                let went = Log::open_on(next.clone(), small()).map(|log| later.run(&log)).ok();
                images += 1;
                let image = next.after_power_cut(&mut PowerCut::new(seed ^ cut, images % 6));
                let log = Log::open_on(image, small()).unwrap_or_else(|e| panic!("{place}: {e}"));
                let seen = match &went {
                    Some(went) => later.state_of(&Model::of(&log), went),
                    None => history.state_of(&Model::of(&log), &reached), // cut before the log was open
                };
                assert!(seen.is_some(), "{place}: a state that never was");
            }
        }
    }
    tally(Row::CutsAfterFailures, images, 5_000);
}

#[test]
fn short_writes_are_completed() {
    for seed in seeds(3, 50) {
        let history = History::drawn(seed, 60, &Model::default(), Mix::USUAL);
        for operation in 1..=operations(seed, &history) {
            let (disk, log, reached) = run_with(seed, operation, Fault::Short, &history);
            assert!(reached.error.is_none(), "seed {seed}, operation {operation}");
            drop(log);
            let log = Log::open_on(disk, small()).unwrap();
            assert_eq!(&Model::of(&log), history.states.last().unwrap());
        }
    }
}

#[test]
fn a_write_at_a_wrong_offset_is_noticed_or_was_in_the_last_batches() {
    let (mut refused, mut opened) = (0, 0);
    for seed in seeds(10, 100) {
        let history = History::drawn(seed, 60, &Model::default(), Mix::USUAL);
        for operation in 1..=operations(seed, &history) {
            for by in [8, 64, 512, -8, -64, -512, -4096] {
                let place = format!("seed {seed}, operation {operation}, by {by}");
                let fault = Fault::Misdirected { by };
                let (disk, _, reached) = run_with(seed, operation, fault, &history);
                let Ok(log) = Log::open_on(disk.after_kill(), small()) else {
                    refused += 1;
                    continue;
                };
                opened += 1;
                let least = Reached { acknowledged: reached.proven, ..reached };
                let state = history.state_of(&Model::of(&log), &least);
                assert!(state.is_some(), "{place}: proven durable, and lost without an error");
            }
        }
    }
    println!("{refused} of {} misdirected writes were refused", refused + opened);
    assert!(refused > 0);
    tally(Row::Misdirected, refused + opened, 1000);
}
