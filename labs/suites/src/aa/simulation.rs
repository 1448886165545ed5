//! Step 8, second part: random runs, struck by faults.
//!
//! ```text
//!   seed 17 --> ticks, messages, one kind of fault --> every rule, after every event
//!                                                 '--> all heals: one leader, followed by all
//! ```
//!
//! A test of safety asks that no rule of Figure 3 breaks, and that somebody led: a node that does
//! nothing at all is safe, and of no use. What must happen in the end is [`liveness`]'s question alone.

use super::rules::{COVERAGE, SAME_RUN};
use super::runs::Broken;
use crate::{Check, Failure, Verdict};
use testbed::Rule;
use testbed::sim::{self, Profile, Run};

/// From so many seeds on, it is no accident when nobody leads.
const SEEDS_THAT_COUNT: u64 = 20;

/// Messages are lost.
pub(super) fn drop(check: &mut Check) -> Verdict {
    safety(check, Profile::Drop)
}

/// Messages overtake each other.
pub(super) fn reorder(check: &mut Check) -> Verdict {
    safety(check, Profile::Reorder)
}

/// Messages arrive twice.
pub(super) fn duplicate(check: &mut Check) -> Verdict {
    safety(check, Profile::Duplicate)
}

/// The network falls apart.
pub(super) fn partition(check: &mut Check) -> Verdict {
    safety(check, Profile::Partition)
}

/// Nodes lose power.
pub(super) fn crash(check: &mut Check) -> Verdict {
    safety(check, Profile::Crash)
}

/// Clocks run at different speeds.
pub(super) fn skew(check: &mut Check) -> Verdict {
    safety(check, Profile::Skew)
}

/// A random part of everything.
pub(super) fn swarm(check: &mut Check) -> Verdict {
    safety(check, Profile::Swarm)
}

/// No rule breaks; somebody leads.
fn safety(check: &mut Check, profile: Profile) -> Verdict {
    let (mut ran, mut led) = (0_u64, 0_u64);
    let sweep = check.sweep(
        |seed| {
            let run = sim::run(profile, seed);
            ran += 1;
            led += u64::from(run.coverage.leaders > 0);
            if ran == 1 && sim::run(profile, seed).digest != run.digest {
                return Err(Finding::TwoRuns);
            }
            match &run.violation {
                Some(violation) if violation.rule != Rule::Liveness => Err(Finding::of(run)),
                Some(_) | None => Ok(()),
            }
        },
        |seed, finding| finding.failure(seed),
    );
    sweep?;
    if ran >= SEEDS_THAT_COUNT && led * 100 < ran * 95 {
        let because = format!("somebody led in {led} of {ran} runs");
        let failure = Failure::of(&COVERAGE).because(because);
        return failure
            .expected("a leader in 95 of 100 runs")
            .got(format!("in {led} of {ran}"))
            .fail();
    }
    Ok(())
}

/// Once everything has healed, one leader is followed by all, and stays.
pub(super) fn liveness(check: &mut Check) -> Verdict {
    check.sweep(
        |seed| {
            // Each kind of trouble in its turn: what it leaves behind is what must be overcome.
            let kinds = Profile::ALL.len() as u64;
            let profile = Profile::ALL[(seed % kinds) as usize];
            let run = sim::run(profile, seed);
            if run.violation.is_some() { Err(Finding::of(run)) } else { Ok(()) }
        },
        |seed, finding| finding.failure(seed),
    )
}

/// What a seed found.
enum Finding {
    /// A rule broke.
    Broken(Box<Run>),
    /// The same seed gave two different runs.
    TwoRuns,
}

impl Finding {
    fn of(run: Run) -> Self {
        Finding::Broken(Box::new(run))
    }

    /// Shrinks the run and explains it.
    fn failure(self, seed: u64) -> Failure {
        match self {
            Finding::TwoRuns => Failure::of(&SAME_RUN)
                .because(format!("seed {seed} gave two different runs, one after the other"))
                .expected("the same events both times")
                .got("different ones"),
            Finding::Broken(run) => {
                let Run { inputs, violation, tally, .. } = &*run;
                let violation = violation.clone().expect("a finding is of a run that broke a rule");
                let (setup, inputs) = (run.setup(), inputs.clone());
                let broken = Broken { setup, inputs, violation, seed: Some(seed) };
                let from = broken.inputs.len() as u64;
                let broken = broken.shrink();
                let to = broken.inputs.len() as u64;
                broken.failure().faults(tally.to_string()).shrunk(from, to)
            }
        }
    }
}
