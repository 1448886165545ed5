//! A random run in which no rule may break.

use testbed::sim::{self, Plan, Simulation};

/// Runs a plan. `again` is the expression of the plan, with which a failure is seen again.
///
/// # Panics
/// If a rule breaks.
#[track_caller]
pub(crate) fn clean_run(plan: Plan, again: &str) -> Simulation {
    let run = sim::run_plan(plan);
    assert_eq!(
        run.violation,
        None,
        "seed {}: {:?}, {} inputs, {}, {}; again: sim::run_plan({again})",
        run.plan.seed,
        run.plan.leading,
        run.inputs.len(),
        run.tally,
        run.coverage
    );
    run
}
