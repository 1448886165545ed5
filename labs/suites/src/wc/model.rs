//! Step 7, third part: everything that can be done to a log, crash upon crash, beside a model that has
//! no disk.
//!
//! ```text
//!   round 1   25 deeds --X            power cut, or the process killed, at a drawn operation
//!   round 2       opened, 25 deeds --X
//!   round 3           opened, ..      each opening shows a state that was, and no older one than was
//!                                     acknowledged; each round goes on from what was found
//! ```
//!
//! And short histories, with power cut at every operation: those shrink to the shortest.

use super::rules::{COVERAGE, MODEL};
use crate::coverage::Coverage;
use crate::w::fates::Way;
use crate::w::history::{History, Mix, Reached};
use crate::w::lights::{Dark, During, Lights, Trouble};
use crate::w::model::Model;
use crate::w::picture::{self, Picture};
use crate::w::words::small;
use crate::{Check, Failure, Verdict, current};
use storage::{Fault, Log, SimDisk};
use testbed::sim::Stream;

/// How many times the lights go out in a long run.
const ROUNDS: u64 = 12;

/// How many things are done between two crashes.
const DEEDS: usize = 25;

/// Some of everything.
const MIX: Mix = Mix { groups: 4, sync: 3, collect: 3, maintain: 1, entry_bytes: 300 };

/// A run that broke.
enum Wrong {
    /// A short history, and power cut at one operation.
    Short(Box<Dark>),
    /// A long run.
    Long(Box<Failure>),
}

/// What a log shows is what the model says, whatever is done to it, and whenever power fails.
pub(super) fn model(check: &mut Check) -> Verdict {
    let mut coverage = Coverage::default();
    let swept = check.sweep(
        |seed| {
            let history = History::drawn(seed, 16, &Model::default(), MIX);
            let trouble = Trouble::PowerCut { ways: 4 };
            let lights = Lights { seed, options: small(), trouble, during: During::Anything };
            lights.out(&history).map_err(Wrong::Short)?;
            let removed = long_run(seed).map_err(Wrong::Long)?;
            coverage.count(seed, removed > 5);
            Ok(())
        },
        |_, wrong: Wrong| match wrong {
            Wrong::Short(dark) => dark.explain(),
            Wrong::Long(failure) => *failure,
        },
    );
    swept?;
    coverage.judge("five segments or more went", |because, _| {
        Failure::of(&COVERAGE).because(because).function("Log::worth_collecting")
    })
}

/// Crash upon crash. Returns by how many the number of the last segment is more than there are
/// segments: so many went.
fn long_run(seed: u64) -> Result<u64, Box<Failure>> {
    let mut luck = Stream::new(seed, "crashes");
    let mut disk = SimDisk::new(seed);
    let mut held = Model::default();
    let mut went = 0;
    for round in 1..=ROUNDS {
        current::doing(format!("seed {seed}, round {round}"));
        let history = History::drawn(seed * 100 + round, DEEDS, &held, MIX);
        let operation = luck.within(12, 90);
        let is_power = luck.chance(800);
        let number = luck.within(0, 12);
        disk.remember();
        disk.plan(operation, Fault::PowerCut);
        let reached = match Log::open_on(disk.clone(), small()) {
            Ok(log) => history.run(&disk, &log),
            Err(error) => Reached::nothing(error),
        };
        let mut way = Way::new(seed ^ round << 8, number);
        let image = if is_power { disk.after_power_cut(&mut way) } else { disk.after_kill() };
        let story = Story { history: &history, reached: &reached, disk: &disk, operation };
        let wrong = |because: String, got: String| {
            let failure = story.tell(Failure::of(&MODEL), is_power.then_some(&way));
            let Reached { acknowledged, begun, .. } = reached;
            let states = &history.states[acknowledged..=begun];
            let may_be: Vec<String> = states.iter().map(ToString::to_string).collect();
            let because = format!("in round {round} of {ROUNDS}, {because}");
            let failure = failure.because(because).expected(may_be.join(", or  "));
            Box::new(failure.got(got).function("Log::gc"))
        };
        let is_known = reached.error.is_none() || disk.operations() >= operation;
        if let (false, Some(error)) = (is_known, &reached.error) {
            return Err(wrong("something is refused before power fails".into(), error.to_string()));
        }
        let log = Log::open_on(image.clone(), small())
            .map_err(|error| wrong("what the crash left is refused".into(), error.to_string()))?;
        let seen =
            Model::of(&log).map_err(|odd| wrong("the log contradicts itself".into(), odd))?;
        let Reached { acknowledged, begun, .. } = reached;
        if !history.states[acknowledged..=begun].contains(&seen) {
            let because = format!("{acknowledged} of {begun} batches were acknowledged");
            return Err(wrong(because, seen.to_string()));
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

/// What happened in a round.
struct Story<'a> {
    history: &'a History,
    reached: &'a Reached,
    disk: &'a SimDisk,
    operation: u64,
}

impl Story<'_> {
    /// Adds the history and the disk to a failure.
    fn tell(&self, failure: Failure, way: Option<&Way>) -> Failure {
        let Story { history, reached, disk, operation } = *self;
        let trouble = match way {
            Some(_) => Trouble::PowerCut { ways: 1 },
            None => Trouble::Kill,
        };
        let deed = reached.deed_of(operation);
        let cut = picture::Cut { deeds: &history.deeds, deed, operation, trouble };
        let mut lines = picture::told(&history.deeds, Some(&cut));
        if let Some(way) = way {
            lines.extend(Picture::of(disk, way, Some(operation)).lines());
        }
        failure.picture(lines)
    }
}
