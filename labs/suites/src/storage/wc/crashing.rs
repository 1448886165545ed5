//! Step 7, second part: power cut at every operation of every collection.
//!
//! ```text
//!   history   append .. append .. gc .. append .. gc
//!                                 XXXX            XXXX     each operation, in several ways
//! ```
//!
//! What was acknowledged is there, what is found is an earlier state, and nothing removed is back
//! ([`crate::storage::kit::crash_test`]).

use super::recorded::G3;
use crate::storage::kit::crash_test::{
    CrashTest, CutCounts, During, FailedCrashTest, InjectedFault,
};
use crate::storage::kit::words::{G1, G7, at, entry, run, small};
use crate::storage::rule;
use bytes::Bytes;
use harness::Coverage;
use harness::{Check, Failure, Verdict};
use storage::{GroupId, Options};
use testbed::engine::history::{History, LogCall, Mix};
use testbed::engine::model::{BatchChange, Model};
use testbed::engine::power_cut::PLAIN_WAYS;

/// How many things are done in a random history: enough to remove several segments.
const ACTIONS: usize = 45;

/// Mostly appends, of entries that fill a segment soon; a collection now and then.
const MIX: Mix = Mix { groups: 4, sync: 3, collect: 3, maintain: 1, entry_bytes: 400 };

/// A power cut at any operation of a collection loses nothing, and brings nothing back.
pub(super) fn crash_during_purge(check: &mut Check) -> Verdict {
    for (number, (title, actions)) in (1..).zip(stories()) {
        let history = History::new(actions);
        let tally = crash_test(number, PLAIN_WAYS + 3).check(&history);
        tally.map_err(|failed| Box::new(failed.explain().row(number, title)))?;
    }
    let mut coverage = Coverage::default();
    let swept = check.sweep(
        |seed| {
            let history = History::drawn(seed, ACTIONS, &Model::default(), MIX);
            let CutCounts { images, .. } = crash_test(seed, PLAIN_WAYS + 1).check(&history)?;
            coverage.count(seed, images > 30);
            Ok(())
        },
        |_, failed: Box<FailedCrashTest>| failed.explain(),
    );
    swept?;
    coverage.judge("power was cut five times or more in a collection", |because, _| {
        Failure::of(rule("coverage")).because(because).function("Log::worth_collecting")
    })
}

fn crash_test(seed: u64, ways: u64) -> CrashTest {
    let (trouble, during) = (InjectedFault::PowerCut { ways }, During::Collections);
    CrashTest { seed, options: roomy(), trouble, during }
}

/// Returns settings for drawn batches that are longer than elsewhere: they have up to nine entries. One may
/// fill a segment, whose last 64th holds no frame.
pub(super) fn roomy() -> Options {
    Options { max_batch_bytes: 4096 - 128, ..small() }
}

/// Appends that leave only garbage: three of them begin another segment.
fn garbage(batches: usize) -> Vec<LogCall> {
    let one = BatchChange::entries(GroupId(99), vec![entry(1, 1, 900)]);
    vec![LogCall::append([one]); batches]
}

/// Histories written by hand: each is about one thing that a crash in a collection may interrupt.
fn stories() -> Vec<(&'static str, Vec<LogCall>)> {
    let gc = || [LogCall::Collect, LogCall::Collect];
    let entries = |group, first, terms: &[u64]| BatchChange::entries(group, run(first, terms));
    let long = (1..=3).map(|index| entry(index, 1, 500)).collect();
    vec![
        (
            "what made a segment garbage was never synced",
            [
                vec![LogCall::append([entries(G1, 1, &[1, 1, 2])]), LogCall::Sync],
                garbage(7),
                vec![LogCall::append([BatchChange::Compact { group: G1, through: at(3, 2) }])],
                gc().into(),
            ]
            .concat(),
        ),
        (
            "half of a group is copied",
            [
                vec![
                    LogCall::append([entries(G1, 1, &[1, 1]), BatchChange::put(G1, "hs", "n2")]),
                    LogCall::append([BatchChange::entries(G7, long)]),
                    LogCall::Sync,
                ],
                garbage(9),
                gc().into(),
            ]
            .concat(),
        ),
        (
            "removed, created again, and copied",
            [
                vec![
                    LogCall::append([
                        entries(G1, 1, &[1, 1, 1]),
                        BatchChange::put(G3, "k", "old"),
                        BatchChange::put(G3, "hs", "n3"),
                    ]),
                    LogCall::append([entries(G7, 1, &[1])]),
                    LogCall::Sync,
                ],
                garbage(4),
                vec![
                    LogCall::append([BatchChange::Remove { group: G1 }]),
                    LogCall::append([BatchChange::Delete { group: G3, key: Bytes::from("k") }]),
                ],
                garbage(4),
                vec![LogCall::append([entries(G1, 1, &[5])]), LogCall::Sync],
                gc().into(),
                garbage(6),
                gc().into(),
            ]
            .concat(),
        ),
    ]
}
