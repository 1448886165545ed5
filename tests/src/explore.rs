//! The explorer: visits every state that a small cluster of the real code can reach, breadth first.
//!
//! ```text
//!   start --Campaign n1--> . --Duplicate n1->n2 RequestVote--> . --Persist n2--> ...
//!     '-----Campaign n2--> (the same state except for node ids: visited only once)
//! ```
//!
//! A random run meets a rare interleaving once in a million events. The explorer meets every one within
//! its bounds. Because it walks breadth first, the path to a broken rule has the fewest possible moves.
//! Every input that the path does not need is then removed.
//!
//! How the number of states is kept small, and what each reduction cannot find:
//!
//! 1. The network is a set that only grows: a message in flight may arrive at any time, any number of
//!    times, or never. So "arrive", "arrive twice", "late" and "lost" are one move. This finds as much.
//! 2. A message of a term lower than the receiver's DURABLE term cannot change anything, so it is
//!    dropped. (The term in memory is not enough: a crash can undo it.) If only elections are explored,
//!    answers to heartbeats are dropped, too. If logs are explored, an answer is dropped that tells its
//!    receiver nothing new: a vote that is counted already, a match that is known. Code that wrongly
//!    reacts to such messages is not found here; tests of single rules find it.
//! 3. Symmetry: of the states that differ only by a renaming of nodes, one is visited.
//! 4. There are no election timers: the explorer starts elections, and only leaders get ticks.
//! 5. Pending writes with the same contents become durable together: what the first alone would send is
//!    what all of them send, with some messages lost.
//! 6. A node that is down equals a node that gets no messages, so it restarts at once.
//! 7. A node gets no input while its one-at-a-time owner writes. So a write is either durable at once or
//!    lost in a crash: a late write equals late messages about it. At most as many writes wait for a
//!    crash as there are crashes left. With a bound on messages this finds less: messages that really
//!    come late take up room too early.
//! 8. If logs are explored, a leader sends heartbeats whenever it can, because an extra heartbeat may be
//!    lost (1). Not found are runs in which heartbeats told a peer a lower commit index than possible.
//! 9. A state that was visited with more crashes or proposals left is not visited again with fewer.
//!
//! `walk/tests.rs` explores small bounds with and without the last part of 2 and 7 to 10. Both reach the
//! same states of nodes and disks at moments without a pending write.
//!
//! Whole groups ([`Subject::Groups`]) are explored in another way, for snapshots, changes of the group, reads,
//! transfers, pre-votes and check-quorum. Nothing happens there but messages that arrive, and what
//! [`Bounds::once`] lists: each item at any time, at most once. Of the reductions, 1, 2 and 9 remain. A state's
//! hash is of everything that the machines hold, because there any part may matter. In addition:
//!
//! 10. A question is removed once its receiver has taken it and its sender knows the answer, and so are
//!     messages on a cut link. Not with check-quorum, where each message of a leader prolongs a promise; and
//!     never a snapshot. Code that wrongly takes an old append twice is not found in groups, but in logs.
//! 11. What a client says to a follower, and the follower passes on, arrives at most once. To say it twice is
//!     another item.
//!
//! Some of these walks also ask each state what would become of it ([`Bounds::recovers`]): if all messages in
//! flight are lost and nothing else fails, the group must find a leader, apply everything and end every read.
//! So they find what is stuck, too, although no rule breaks on the way there.
//!
//! With a bound on messages in flight (`in_flight`) the network does lose messages. Then 8 does not
//! apply, and each loss is a move.
//!
//! States are distinguished by a 128-bit hash ([`crate::fingerprint`] gives the probability of a
//! collision) of what [`raft::Inspect`], the disks, the network and the invariant checker show. If a node
//! hides state from all of these, the explorer may miss a bug. It never reports a false one, because it
//! runs real clusters and its path can be replayed.

mod bounds; // how far the explorer goes

mod moves; // what can happen in a state, and what it leads to

mod walk; // the visited states, and the path to each

mod canonical; // one hash for all states that differ only by node ids

pub mod hunt; // explorations that find a certain bug

pub use bounds::{Bounds, Reduction, Subject};

use crate::cluster::{Cluster, Setup};
use crate::input::Input;
use crate::invariant::Violation;
use std::fmt;
use std::ops::ControlFlow;
use walk::{OpenState, Walk, Watch};

/// The result of an exploration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exploration {
    /// The number of different states.
    pub states: usize,
    /// The number of moves tried.
    pub transitions: u64,
    /// The most moves that a state needs from the start, by its shortest path.
    pub depth: usize,
    /// The number of states with a leader. An exploration without any proves nothing.
    pub with_leader: usize,
    /// The first broken rule, and a list of inputs that breaks it: the fewest possible moves, and every
    /// input is needed.
    pub violation: Option<(Violation, Vec<Input>)>,
}

/// The explorer gave up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TooManyStates {
    /// The most states that were allowed.
    pub states_max: usize,
    /// The depth that was reached, in moves.
    pub depth: usize,
    /// The number of states that were still to be explored.
    pub frontier: usize,
}

impl fmt::Display for TooManyStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooManyStates { states_max, depth, frontier } = self;
        write!(
            f,
            "more than {states_max} states, {frontier} of them to be explored at depth {depth}: some \
             state grows without limit, or the bounds are too wide"
        )
    }
}

impl std::error::Error for TooManyStates {}

/// Explores every state within the bounds, from a new cluster.
///
/// # Errors
/// [`TooManyStates`] if there are more states than `states_max`.
///
/// # Panics
/// If [`Bounds::once`] lists more than 16 items.
pub fn explore(bounds: &Bounds) -> Result<Exploration, TooManyStates> {
    let Bounds { disks, driver, .. } = *bounds;
    let setup = Setup { disks, driver, ..Setup::new(bounds.nodes, 0) };
    explore_from(Cluster::new(setup), bounds)
}

/// Explores every state within the bounds, from this cluster, whose own nodes and disks are used. Disks of
/// one-at-a-time owners must have no pending write.
///
/// # Errors
/// [`TooManyStates`] if there are more states than `states_max`.
///
/// # Panics
/// If [`Bounds::once`] lists more than 16 items.
pub fn explore_from(start: Cluster, bounds: &Bounds) -> Result<Exploration, TooManyStates> {
    walk(start, bounds, None)
}

/// As [`explore_from`], and shows `see` the inputs that lead to every new state: the shortest path to it. The
/// exploration ends when `see` breaks. A state is shown once: other paths to it, and what a move leads back
/// to, are not shown. No invariant ends the exploration, and [`Bounds::recovers`] asks nothing.
///
/// # Errors
/// As [`explore_from`].
///
/// # Panics
/// As [`explore_from`].
pub fn watch_from(
    start: Cluster,
    bounds: &Bounds,
    mut see: impl FnMut(&[Input]) -> ControlFlow<()>,
) -> Result<Exploration, TooManyStates> {
    let watch = Watch { see: &mut see, inputs: vec![Vec::new()] };
    walk(start.unjudged(), bounds, Some(watch))
}

/// Explores; if `watch` is given, shows it the path to every new state.
fn walk<'a>(
    start: Cluster,
    bounds: &'a Bounds,
    watch: Option<Watch<'a>>,
) -> Result<Exploration, TooManyStates> {
    let is_watched = watch.is_some();
    let mut walk = Walk::new(&start, bounds, watch);
    let mut frontier = vec![OpenState::first(start.clone())];
    while !frontier.is_empty() {
        let mut next = Vec::new();
        for found in &frontier {
            if let Some(last) = walk.expand(found, &mut next) {
                if !is_watched {
                    walk.seen.violation = Some(walk.path_to(&start, last));
                }
                return Ok(walk.seen);
            }
            if walk.seen.states > bounds.states_max {
                let (states_max, depth) = (bounds.states_max, walk.seen.depth);
                return Err(TooManyStates { states_max, depth, frontier: next.len() });
            }
        }
        walk.seen.depth += usize::from(!next.is_empty());
        frontier = next;
    }
    Ok(walk.seen)
}
