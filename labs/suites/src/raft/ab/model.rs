//! Step 11, first part: every state that three nodes with logs can reach in a few terms.
//!
//! ```text
//!   n1 1 2 4   Figure 8 (c), three nodes: n1 led term 2, n3 led term 3, n1 leads term 4,
//!   n2 1 2     and n2 has just written entry 2, of term 2
//!   n3 1 3     --> every way that it can go on, with one more term, breadth first
//! ```
//!
//! A walk from empty logs spends most of its time on elections. So the second walk begins in the middle of
//! a story: terms, votes and logs as they are before n1's second election, and then that election.

use crate::raft::kit::{N1, N2, N3, holding, judge_walk, remembering};
use harness::{Check, Verdict};
use raft::{Index, Storage};
use testbed::explore::{Bounds, Subject, explore_from};
use testbed::{Cluster, Input, Setup};

/// A correct Raft has 7,906 states from the first beginning and 26,189 from the second. With far more
/// states, something grows without end.
const STATES_MAX: usize = 200_000;

/// One walk: where it begins, the last term in which a node may campaign, and how many different
/// messages may be in flight at once, if that is limited.
struct Start {
    what: &'static str,
    setup: Setup,
    /// What happens before the walk.
    before: Vec<Input>,
    terms: u64,
    in_flight: Option<usize>,
}

fn starts() -> [Start; 2] {
    let three = Setup::new(3, 0);
    let setup = figure8();
    let (before, in_flight) = (election_of_term_4(&setup), Some(2));
    [
        Start {
            what: "empty logs, 2 terms",
            setup: three,
            before: vec![],
            terms: 2,
            in_flight: None,
        },
        Start { what: "Figure 8 (c), 1 more term", setup, before, terms: 5, in_flight },
    ]
}

/// Returns what disks hold when n1 and n3 have each led a term and reached no peer.
fn figure8() -> Setup {
    let setup = holding(holding(Setup::new(3, 0), N1, &[1, 2], 1), N2, &[1], 1);
    let setup = remembering(remembering(setup, N1, 3, None), N2, 3, Some(N3));
    let mut setup = holding(setup, N3, &[1, 3], 1);
    // One entry to a message, so that an old entry can arrive before the first of the term.
    setup.nodes.iter_mut().for_each(|(config, _)| config.max_append_bytes = Some(1));
    setup
}

/// More messages than n1 and n2 need.
const MESSAGES_MAX: usize = 20;

/// Returns what happens while n2 votes for n1 and takes its old entry; n3 gets nothing. What is still on
/// its way to n3 is lost.
fn election_of_term_4(setup: &Setup) -> Vec<Input> {
    let mut cluster = Cluster::new(setup.clone());
    let mut inputs = Vec::new();
    let mut apply = |cluster: &mut Cluster, input: Input| {
        cluster.apply(&input);
        inputs.push(input);
    };
    apply(&mut cluster, Input::Campaign(N1));
    for _ in 0..MESSAGES_MAX {
        let last = cluster.disk(N2).and_then(|disk| disk.durable().last_index().ok());
        let holds_entry = last > Some(Index(1));
        let mut flights = cluster.network().flights().iter().map(|flight| &flight.message);
        let next = flights.find(|message| message.to != N3).filter(|_| !holds_entry).cloned();
        let Some(next) = next else { break };
        apply(&mut cluster, Input::Deliver(next));
    }
    let lost = cluster.network().flights().iter().filter(|flight| flight.message.to == N3);
    let lost: Vec<_> = lost.map(|flight| Input::Drop(flight.message.clone())).collect();
    lost.into_iter().for_each(|input| apply(&mut cluster, input));
    inputs
}

/// Walks every state of three nodes, from two beginnings.
pub(super) fn model_3x3x3(check: &mut Check) -> Verdict {
    starts().into_iter().try_for_each(|start| walk(check, start))
}

fn walk(check: &mut Check, start: Start) -> Verdict {
    let Start { what, setup, before, terms, in_flight } = start;
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
    judge_walk(what, setup, before, |start| explore_from(start, &bounds))
}
