//! Step 8: find your bug. Power is cut at every operation of a history, and what is found is judged.
//!
//! ```text
//!   1wb_crash_every_syscall     histories made by hand, eight ways each
//!   1wb_sweep_power_cut         drawn histories, six ways
//!   1wb_sweep_power_cut_twice   and power fails again at every operation of the opening
//!   1wb_sweep_kill              the process dies; the cache stays, and is not durable
//!   1wb_sweep_failure           an operation fails, and nothing is written after it
//! ```

use crate::storage::kit::crash_test::{CrashTest, During, FailedCrashTest, InjectedFault};
use crate::storage::kit::words::{G1, G7, at, entry, run, small};
use crate::storage::rule;
use bytes::Bytes;
use harness::Coverage;
use harness::{Check, Failure, Verdict};
use storage::Entry;
use testbed::engine::history::{History, LogCall, Mix};
use testbed::engine::model::{BatchChange, Model};
use testbed::engine::power_cut::PLAIN_WAYS;

/// How many things are done in a drawn history.
const ACTIONS: usize = 14;

/// Half of the actions write; some of the others sync.
const MIX: Mix = Mix { groups: 3, sync: 5, collect: 0, maintain: 1, entry_bytes: 180 };

fn crash_test(seed: u64, trouble: InjectedFault) -> CrashTest {
    CrashTest { seed, options: small(), trouble, during: During::Anything }
}

/// Returns entries of term 1 from `first` on, each a twelfth of a segment.
fn long(first: u64, count: u64) -> Vec<Entry> {
    (first..first + count).map(|index| entry(index, 1, 600)).collect()
}

/// Histories written by hand: each is about one thing that a crash may interrupt.
fn stories() -> Vec<(&'static str, Vec<LogCall>)> {
    let hard = || BatchChange::put(G7, "hard", "t1");
    vec![
        (
            "a batch is acknowledged, another is not",
            vec![
                LogCall::append([BatchChange::entries(G7, run(1, &[1, 1])), hard()]),
                LogCall::Sync,
                LogCall::append([BatchChange::entries(G7, run(3, &[1]))]),
            ],
        ),
        (
            "a suffix is replaced",
            vec![
                LogCall::append([BatchChange::entries(G7, run(1, &[1, 1, 1, 1]))]),
                LogCall::Sync,
                LogCall::append([
                    BatchChange::entries(G7, run(3, &[2])),
                    BatchChange::put(G7, "hard", "t2"),
                ]),
                LogCall::Sync,
                LogCall::append([BatchChange::entries(G1, run(1, &[2]))]),
            ],
        ),
        (
            "keys, a compaction, a removal",
            vec![
                LogCall::append([
                    BatchChange::entries(G7, run(1, &[1, 1, 2])),
                    hard(),
                    BatchChange::entries(G1, run(1, &[1])),
                ]),
                LogCall::append([BatchChange::Compact { group: G7, through: at(2, 1) }]),
                LogCall::Sync,
                LogCall::append([BatchChange::Delete { group: G7, key: Bytes::from("hard") }]),
                LogCall::append([BatchChange::Remove { group: G1 }]),
                LogCall::Sync,
                LogCall::append([BatchChange::Reset { group: G7, through: at(9, 3) }]),
            ],
        ),
        (
            "a segment is full, and the next one begins",
            vec![
                LogCall::append([BatchChange::entries(G7, long(1, 3))]),
                LogCall::Sync,
                LogCall::append([BatchChange::entries(G7, long(4, 3))]),
                LogCall::append([BatchChange::entries(G7, long(7, 1))]),
                LogCall::Sync,
                LogCall::append([BatchChange::entries(G7, long(8, 3)), hard()]),
                LogCall::append([BatchChange::entries(G7, long(11, 3))]),
            ],
        ),
        (
            "a spare waits, and is taken",
            vec![
                LogCall::append([BatchChange::entries(G7, long(1, 3))]),
                LogCall::Maintain,
                LogCall::append([BatchChange::entries(G7, long(4, 3))]),
                LogCall::append([BatchChange::entries(G7, long(7, 3))]),
                LogCall::Maintain,
                LogCall::Sync,
            ],
        ),
    ]
}

/// A power cut at any operation loses nothing acknowledged, leaves an earlier state of the log, and does
/// not prevent the log from opening.
pub(super) fn crash_every_syscall(_: &mut Check) -> Verdict {
    for (number, (title, actions)) in (1..).zip(stories()) {
        let history = History::new(actions);
        let crash_test = crash_test(number, InjectedFault::PowerCut { ways: PLAIN_WAYS + 3 });
        crash_test
            .check(&history)
            .map_err(|failed| Box::new(failed.explain().row(number, title)))?;
    }
    Ok(())
}

/// The same for random histories.
pub(super) fn sweep_power_cut(check: &mut Check) -> Verdict {
    sweep(check, ACTIONS, InjectedFault::PowerCut { ways: PLAIN_WAYS + 1 })
}

/// Power fails again during the recovery.
pub(super) fn sweep_power_cut_twice(check: &mut Check) -> Verdict {
    sweep(check, ACTIONS / 2, InjectedFault::PowerCutTwice { ways: 3 })
}

/// A process that dies leaves what it wrote in a cache. The next one reads it there, and promises it.
pub(super) fn sweep_kill(check: &mut Check) -> Verdict {
    sweep(check, ACTIONS, InjectedFault::Kill)
}

/// An operation fails. The cache shows what the disk may never hold.
pub(super) fn sweep_failure(check: &mut Check) -> Verdict {
    sweep(check, ACTIONS, InjectedFault::Failure)
}

fn sweep(check: &mut Check, actions: usize, trouble: InjectedFault) -> Verdict {
    let mut coverage = Coverage::default();
    let swept = check.sweep(
        |seed| {
            let history = History::drawn(seed, actions, &Model::default(), MIX);
            let tally = crash_test(seed, trouble).check(&history)?;
            coverage.count(seed, tally.acknowledged > 0);
            Ok(())
        },
        |_, failed: Box<FailedCrashTest>| failed.explain(),
    );
    swept?;
    coverage.judge("something was acknowledged before the crash", |because, _| {
        Failure::of(rule("coverage")).because(because)
    })
}
