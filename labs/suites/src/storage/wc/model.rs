//! Step 7, third part: everything that can be done to a log, crash upon crash, compared with a model
//! that has no disk.
//!
//! ```text
//!   round 1   25 actions --X          power cut, or the process killed, at a drawn operation
//!   round 2       opened, 25 actions --X
//!   round 3           opened, ..      each opening shows a state that was, and no older one than was
//!                                     acknowledged; each round goes on from what was found
//! ```
//!
//! And short histories, with power cut at every operation: those shrink to the shortest.

use super::crashing::roomy;
use crate::storage::kit::crash_test::{CrashTest, During, FailedCrashTest, InjectedFault};
use crate::storage::kit::picture::{self, Picture};
use crate::storage::rule;
use harness::Coverage;
use harness::{Check, Failure, Rule, Verdict, current};
use std::collections::BTreeSet;
use storage::{Fault, GroupId, Log, SimDisk};
use testbed::engine::history::{History, Mix, Reached};
use testbed::engine::model::Model;
use testbed::engine::power_cut::PowerCut;
use testbed::random::Stream;

/// How many times power fails in a long run.
const ROUNDS: u64 = 12;

/// How many things are done between two crashes.
const ACTIONS: usize = 25;

/// A mix of everything.
const MIX: Mix = Mix { groups: 4, sync: 3, collect: 3, maintain: 1, entry_bytes: 300 };

/// A run that broke.
enum BrokenRun {
    /// A short history, and power cut at one operation.
    Short(Box<FailedCrashTest>),
    /// A long run.
    Long(Box<Failure>),
}

/// A log shows what the model says, whatever is done to it, and whenever power fails.
pub(super) fn model(check: &mut Check) -> Verdict {
    let mut coverage = Coverage::default();
    let swept = check.sweep(
        |seed| {
            let history = History::drawn(seed, 16, &Model::default(), MIX);
            let trouble = InjectedFault::PowerCut { ways: 4 };
            let crash_test =
                CrashTest { seed, options: roomy(), trouble, during: During::Anything };
            crash_test.check(&history).map_err(BrokenRun::Short)?;
            let removed = long_run(seed).map_err(BrokenRun::Long)?;
            coverage.count(seed, removed > 5);
            Ok(())
        },
        |_, wrong: BrokenRun| match wrong {
            BrokenRun::Short(failed) => failed.explain(),
            BrokenRun::Long(failure) => *failure,
        },
    );
    swept?;
    coverage.judge("five segments or more were removed", |because, _| {
        Failure::of(rule("coverage")).because(because).function("Log::worth_collecting")
    })
}

/// Crash upon crash. Returns how many segments were removed: the number of the last segment less the
/// number of segments.
fn long_run(seed: u64) -> Result<u64, Box<Failure>> {
    let mut luck = Stream::new(seed, "crashes");
    let mut disk = SimDisk::new(seed);
    let mut held = Model::default();
    let mut went = 0;
    for round in 1..=ROUNDS {
        current::doing(format!("seed {seed}, round {round}"));
        let history = History::drawn(seed * 100 + round, ACTIONS, &held, MIX);
        let operation = luck.within(12, 90);
        let is_power = luck.chance(800);
        let number = luck.within(0, 12);
        disk.remember();
        disk.plan(operation, Fault::PowerCut);
        let reached = match Log::open_on(disk.clone(), roomy()) {
            Ok(log) => history.run_on(&disk, &log),
            Err(error) => Reached::nothing(error),
        };
        let mut way = PowerCut::new(seed ^ round << 8, number);
        let image = if is_power { disk.after_power_cut(&mut way) } else { disk.after_kill() };
        let story = CrashRecord { history: &history, reached: &reached, disk: &disk, operation };
        let wrong = |rule: &Rule, because: &str| {
            let because = format!("in round {round} of {ROUNDS}, {because}");
            let failure = Failure::of(rule).because(because).function("Log::gc");
            story.tell(failure, is_power.then_some(&way))
        };
        if let Some(error) = &reached.error
            && disk.operations() < operation
        {
            let failure = wrong(
                rule("what_fits_is_taken"),
                "something is refused, and power has not failed yet",
            );
            return Err(Box::new(failure.got(error.to_string())));
        }
        let log = Log::open_on(image.clone(), roomy()).map_err(|error| {
            let failure = wrong(rule("a_crash_is_no_rot"), "what the crash left is refused");
            Box::new(failure.expected("it is opened").got(error.to_string()))
        })?;
        let seen = Model::read(&log).map_err(|odd| {
            Box::new(wrong(rule("found_is_what_once_was"), "the log contradicts itself").got(odd))
        })?;
        if history.state_of(&seen, &reached).is_none() {
            let Reached { acknowledged, begun, .. } = reached;
            let may_be = &history.states[acknowledged..=begun];
            let because =
                format!("{begun} batches had begun, and {acknowledged} were acknowledged");
            let (must, was) = nearest(may_be, &seen);
            let failure = wrong(rule("found_is_what_once_was"), &because);
            let failure = failure.expected(must.to_string()).got(was.to_string());
            return Err(Box::new(failure));
        }
        let segments = log.stats().segments;
        let names = storage::Disk::list(&image).unwrap_or_default();
        let last = names.iter().filter_map(|name| name.strip_suffix(".log")).next_back();
        let last = last.and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0);
        went = last.saturating_sub(segments);
        held = seen;
        drop(log);
        disk = image.after_kill();
    }
    Ok(went)
}

/// Returns the groups that differ, of the state that differs in the fewest, and of what was found.
fn nearest(may_be: &[Model], seen: &Model) -> (Model, Model) {
    let differing = |state: &Model| -> Vec<GroupId> {
        let groups: BTreeSet<GroupId> =
            state.groups.keys().chain(seen.groups.keys()).copied().collect();
        let differs = |group: &GroupId| state.groups.get(group) != seen.groups.get(group);
        groups.into_iter().filter(differs).collect()
    };
    let nearest = may_be.iter().min_by_key(|state| differing(state).len());
    let nearest = nearest.expect("a log may always be as the last acknowledgement left it");
    let groups = differing(nearest);
    let only = |model: &Model| {
        let mut model = model.clone();
        model.groups.retain(|group, _| groups.contains(group));
        model
    };
    (only(nearest), only(seen))
}

/// What happened in a round.
struct CrashRecord<'a> {
    history: &'a History,
    reached: &'a Reached,
    disk: &'a SimDisk,
    operation: u64,
}

impl CrashRecord<'_> {
    /// Adds the history and the disk to a failure.
    fn tell(&self, failure: Failure, way: Option<&PowerCut>) -> Failure {
        let CrashRecord { history, reached, disk, operation } = *self;
        let trouble = match way {
            Some(_) => InjectedFault::PowerCut { ways: 1 },
            None => InjectedFault::Kill,
        };
        let action = reached.action_of(operation);
        let actions = &history.actions[..action.min(history.actions.len())];
        let cut = picture::Cut { actions, action, operation, trouble };
        let mut lines = picture::told(actions, Some(&cut));
        if let Some(way) = way {
            lines.extend(Picture::of(disk, way, Some(operation)).lines());
        }
        failure.picture(lines)
    }
}
