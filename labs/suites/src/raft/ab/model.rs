//! Step 11, first part: every state that three nodes with logs can reach in a few terms.
//!
//! ```text
//!   n1 1 2     n1 led term 2, n3 led term 3, and neither reached a peer (Figure 8, three nodes)
//!   n2 1       --> every way that two more terms can go, breadth first
//!   n3 1 3
//! ```
//!
//! A walk from empty logs spends most of its time on elections. The second one begins with logs that
//! differ; terms, commit indexes and votes are on disk as an earlier run would leave them.

use crate::raft::kit::{N1, N2, N3, holding, judge_walk, remembering};
use harness::{Check, Verdict};
use testbed::explore::{Bounds, Subject, explore_from};
use testbed::{Cluster, Setup};

/// A correct Raft has 7,906 states from the first beginning and 183,986 from the second. With far more
/// states, something grows without end.
const STATES_MAX: usize = 500_000;

/// One walk: where it begins, the last term in which a node may campaign, and how many different
/// messages may be in flight at once, if that is limited.
struct Start {
    what: &'static str,
    setup: Setup,
    terms: u64,
    in_flight: Option<usize>,
}

fn starts() -> [Start; 2] {
    let three = || Setup::new(3, 0);
    let figure8 = || {
        let setup = holding(holding(three(), N1, &[1, 2], 1), N2, &[1], 1);
        let setup = remembering(setup, N2, 3, Some(N3));
        let mut setup = holding(setup, N3, &[1, 3], 1);
        // One entry to a message, so that an old entry can arrive before the first of the term.
        setup.nodes.iter_mut().for_each(|(config, _)| config.max_append_bytes = Some(1));
        setup
    };
    [
        Start { what: "empty logs, 2 terms", setup: three(), terms: 2, in_flight: None },
        Start { what: "logs 1 2, 1, 1 3, 2 terms", setup: figure8(), terms: 5, in_flight: Some(2) },
    ]
}

/// Walks every state of three nodes, from two beginnings.
pub(super) fn model_3x3x3(check: &mut Check) -> Verdict {
    starts().into_iter().try_for_each(|start| walk(check, start))
}

fn walk(check: &mut Check, start: Start) -> Verdict {
    let Start { what, setup, terms, in_flight } = start;
    let bounds = Bounds {
        terms,
        crashes: 0,
        in_flight,
        entries: Some(3),
        subject: Subject::Logs,
        states_max: STATES_MAX,
        ..Bounds::quick()
    };
    check.doing(format!("walking every state of 3 nodes: {what}"));
    judge_walk(what, setup.clone(), explore_from(Cluster::new(setup), &bounds))
}
