//! Step 8, first part: every state that three nodes can reach in three terms.
//!
//! ```text
//!   start --> n1 campaigns --> n1->n2 RequestVote arrives --> ...      breadth first
//!                                                        '--> a rule breaks: the shortest way
//! ```
//!
//! This walk finds in a moment what a million random events miss. No run that breaks a rule is shorter
//! than the one it shows. In the second walk one node may crash and start again.

use super::runs::{Broken, uncovered};
use harness::text::counted;
use harness::{Check, Verdict};
use testbed::Setup;
use testbed::explore::{Bounds, Exploration, TooManyStates, explore};

/// A correct Raft has 22,885 states here. With far more states, something grows without end.
const STATES_MAX: usize = 100_000;

/// Walks every state of three nodes in three terms.
pub(super) fn model_3x3(check: &mut Check) -> Verdict {
    walk(check, &Bounds { states_max: STATES_MAX, ..Bounds::quick() })?;
    walk(check, &Bounds { terms: 2, crashes: 1, states_max: STATES_MAX, ..Bounds::quick() })
}

fn walk(check: &mut Check, bounds: &Bounds) -> Verdict {
    let Bounds { nodes, terms, crashes, .. } = *bounds;
    let crashes = if crashes == 1 { "1 crash".to_owned() } else { format!("{crashes} crashes") };
    let what = format!("{}, {}, {crashes}", counted(nodes, "node"), counted(terms, "term"));
    check.doing(format!("walking every state of {what}"));
    let setup = Setup { disks: bounds.disks, ..Setup::new(nodes, 0) };
    judge(&what, setup, explore(bounds))
}

/// Judges a walk: no rule broke, and somebody led in more than a few states.
pub(crate) fn judge(what: &str, setup: Setup, walk: Result<Exploration, TooManyStates>) -> Verdict {
    let walk = match walk {
        Ok(walk) => walk,
        Err(why) => return uncovered(format!("{what}: {why}"), None).fail(),
    };
    if let Some((violation, inputs)) = walk.violation {
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
