//! Step 8, first part: every state that three nodes can reach in three terms, breadth first.
//!
//! ```text
//!   3 nodes, 3 terms              22,885 states
//!   3 nodes, 2 terms, 1 crash     one node may lose power and start again
//! ```

use crate::raft::kit::judge_walk;
use harness::text::counted;
use harness::{Check, Verdict};
use testbed::Setup;
use testbed::explore::{Bounds, explore_from};

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
    judge_walk(&what, setup, vec![], |start| explore_from(start, bounds))
}
