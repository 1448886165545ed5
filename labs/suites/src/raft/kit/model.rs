//! Every state that a small cluster can reach: what a walk found.
//!
//! ```text
//!   start --> n1 campaigns --> n1->n2 RequestVote arrives --> ...      breadth first
//!                                                        '--> a rule breaks: the shortest way
//! ```
//!
//! This walk finds in a moment what a million random events miss. No run that breaks a rule is shorter
//! than the one it shows.

use super::runs::{Broken, uncovered};
use harness::Verdict;
use harness::text::counted;
use testbed::explore::{Exploration, TooManyStates};
use testbed::{Cluster, Input, Setup};

/// Judges a walk that begins after these inputs: no rule broke, and somebody led in more than a few
/// states.
pub(crate) fn judge_walk(
    what: &str,
    setup: Setup,
    before: Vec<Input>,
    walk: impl FnOnce(Cluster) -> Result<Exploration, TooManyStates>,
) -> Verdict {
    let mut start = Cluster::new(setup.clone());
    for (at, input) in before.iter().enumerate() {
        if let Some(violation) = start.apply(input).violation {
            let inputs = before[..=at].to_vec();
            let broken = Broken { setup, inputs, violation, seed: None };
            return broken.failure().faults(what).fail();
        }
    }
    let walk = match walk(start) {
        Ok(walk) => walk,
        Err(why) => return uncovered(format!("{what}: {why}"), None).fail(),
    };
    if let Some((violation, way)) = walk.violation {
        let inputs = [before, way].concat();
        let broken = Broken { setup, inputs, violation, seed: None };
        let steps = counted(broken.inputs.len() as u64, "event");
        let states = counted(walk.states as u64, "state");
        let walked = format!("{what}: {states} walked, the shortest way has {steps}");
        return broken.failure().faults(walked).fail();
    }
    // In a correct Raft it is one state in three, or more.
    if walk.with_leader * 20 < walk.states {
        let got = format!("{} of {} states", walk.with_leader, walk.states);
        return uncovered(format!("{what}: somebody leads in {got}"), None)
            .expected("a leader in 1 of 20 states or more")
            .got(got)
            .fail();
    }
    Ok(())
}
