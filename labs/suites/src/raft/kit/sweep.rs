//! Random runs with faults, one for each seed: no rule breaks, and most runs get somewhere.
//!
//! ```text
//!   seed 17 --> a plan: ticks, messages, one kind of fault --> every rule, after every event
//!                                                         '--> all heals: one leader, one log
//!   broken --> shrunk to a few events --> played again --> a card
//! ```
//!
//! A cluster that does nothing breaks no rule. So a sweep has a [`Goal`], which one run in four must
//! reach.

use super::runs::{Broken, tell};
use crate::raft::rule;
use harness::{Check, Coverage, Failure, Verdict};
use testbed::Rule;
use testbed::sim::{self, Plan, Simulation};

/// What runs must get to before they show anything.
pub(crate) struct Goal {
    /// The goal in words: `somebody led`.
    pub(crate) what: &'static str,
    /// Whether a run reached it.
    pub(crate) is_reached: fn(&Simulation) -> bool,
    /// Explains that too few runs did: gets a sentence, and the first run that did not.
    pub(crate) explain: fn(String, Option<&Simulation>) -> Failure,
}

/// What a seed found.
pub(crate) enum Finding {
    /// A rule broke.
    Broken(Box<Simulation>),
    /// The same seed gave two different runs.
    TwoRuns,
    /// Something else is wrong, and explained.
    Explained(Box<Failure>),
}

/// Returns whether a rule is about what must never happen. In a sweep over such rules, a healed cluster
/// without a leader passes.
pub(crate) fn is_safety(rule: Rule) -> bool {
    !matches!(rule, Rule::Liveness | Rule::AppliedByAll)
}

/// Runs the plan of each seed: none of these rules breaks, and the goal is reached often enough.
pub(crate) fn sweep(
    check: &mut Check,
    is_judged: fn(Rule) -> bool,
    goal: &Goal,
    plan: impl Fn(u64) -> Plan,
) -> Verdict {
    let mut coverage = Coverage::default();
    let swept = check.sweep(
        |seed| {
            let run = sim::run_plan(plan(seed));
            tell(&run);
            let number = coverage.count(seed, (goal.is_reached)(&run));
            if number == 1 && sim::run_plan(plan(seed)).digest != run.digest {
                return Err(Finding::TwoRuns);
            }
            match &run.violation {
                Some(violation) if is_judged(violation.rule) => Err(Finding::Broken(Box::new(run))),
                Some(_) | None => Ok(()),
            }
        },
        |seed, finding| finding.explain(seed),
    );
    swept?;
    coverage.judge(goal.what, |because, idle| {
        let run = idle.map(|seed| sim::run_plan(plan(seed)));
        (goal.explain)(because, run.as_ref())
    })
}

impl Finding {
    /// Explains what was found.
    ///
    /// # Panics
    /// If the run broke no rule.
    pub(crate) fn explain(self, seed: u64) -> Failure {
        match self {
            Finding::TwoRuns => Failure::of(rule("same_seed_same_run"))
                .because(format!("seed {seed} gave two different runs, one after the other"))
                .expected("the same events both times")
                .got("different ones"),
            Finding::Explained(failure) => *failure,
            Finding::Broken(run) => {
                let faults = run.tally.to_string();
                let (setup, violation) = (run.setup(), run.violation);
                let violation = violation.expect("a finding is of a run that broke a rule");
                Broken { setup, inputs: run.inputs, violation, seed: Some(seed) }.shrunk(faults)
            }
        }
    }
}
