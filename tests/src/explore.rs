//! The explorer: every state that a small cluster of the real code can reach, breadth first.
//!
//! ```text
//!   start --Campaign n1--> . --Duplicate n1->n2 RequestVote--> . --Persist n2--> ...
//!     '-----Campaign n2--> (the same state but for the names: folded, not walked again)
//! ```
//!
//! A random run meets a rare interleaving once in a million events; the explorer meets every one that
//! its bounds allow, and since it walks breadth first, the way to a broken rule takes as few moves as
//! there can be. Of that way every input goes that it does without.
//!
//! What keeps the number of states small, and what is lost by it:
//!
//! 1. The network is a set that forgets nothing: a message that is under way may arrive any time, any
//!    number of times, or never. So "arrive", "arrive twice", "late", "lost" are one move. Nothing is
//!    lost by it.
//! 2. A message of a term that its receiver's DISK has left can change nothing, whatever happens: it
//!    is dropped. (Not the receiver's memory: a crash may take that back.) Nor can the answer to a
//!    heartbeat, while only elections are looked at. Where logs are, an answer goes that tells its
//!    receiver nothing: a vote that is counted, a match that is known. What is lost are cores that
//!    listen to such messages; tests of single rules look for those.
//! 3. Nodes differ by their names only: of the states that are alike but for the names, one is walked.
//! 4. Nobody waits: an election begins when the explorer says so, and only leaders hear the clock.
//! 5. Writes of one and the same state become durable together: what the first of them sends without
//!    the others is what they all send, less what never arrives.
//! 6. A node that is down is a node that hears nothing: it starts again at once.
//! 7. An owner who does one thing at a time hears nothing while it writes. So a write is durable at
//!    once, or else a crash takes it: one that is merely late is one that everybody else hears of
//!    late. No more writes wait for a crash than there are crashes left. With a bound on messages
//!    something is lost: what is promised late would not take up room so early.
//! 8. Where logs are looked at, a leader beats whenever it can: a heartbeat too many is in nobody's way
//!    (1). What is lost are runs in which a peer was told less of the commit index by heartbeats than
//!    it could have been.
//! 9. A state that was seen with more crashes or proposals left is not walked again with fewer.
//!
//! `walk/tests.rs` walks small bounds with and without the last of 2 and with and without 7 to 9: what
//! nodes and disks look like while nobody writes is the same in both.
//!
//! With a bound on messages under way (`in_flight`) the network does forget, so 8 does not apply, and
//! messages are lost one by one.
//!
//! States are told apart by 128 bits ([`crate::fingerprint`] says with what odds two would meet) of
//! what [`raft::Inspect`], the disks, the network and the invariants' memory show. State that a node
//! hides from all of these is not told apart: then a walk may miss something, and never accuses
//! wrongly, for it walks real clusters and its path replays.

mod bounds; // how far a walk goes

mod moves; // what can happen, and what comes of it

mod walk; // what was seen, and the way there

mod canonical; // one name for all states that are alike but for the nodes' names

pub mod hunt; // walks that find what is wrong

pub use bounds::{Bounds, Folding, Subject};

use crate::cluster::{Cluster, Setup};
use crate::input::Input;
use crate::invariant::Violation;
use std::fmt;
use walk::{Found, Walk};

/// What a walk saw.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exploration {
    /// Different states.
    pub states: usize,
    /// Moves tried: the ways from one state to another.
    pub transitions: u64,
    /// The length of the longest shortest way.
    pub depth: usize,
    /// States in which somebody led. A walk that elects nobody proves nothing.
    pub with_leader: usize,
    /// The first broken rule, and a list of inputs that breaks it: as few moves as there can be, and
    /// no input of it can be left out.
    pub violation: Option<(Violation, Vec<Input>)>,
}

/// A walk that was given up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TooManyStates {
    /// How many states were allowed.
    pub states_max: usize,
    /// How deep the walk had come.
    pub depth: usize,
    /// How many states waited to be walked from.
    pub frontier: usize,
}

impl fmt::Display for TooManyStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooManyStates { states_max, depth, frontier } = self;
        write!(
            f,
            "more than {states_max} states, {frontier} of them waiting at depth {depth}: some state \
             grows without bound, or the bounds are too wide"
        )
    }
}

impl std::error::Error for TooManyStates {}

/// Walks every state within the bounds, from a cluster that has just been set up.
///
/// # Errors
/// [`TooManyStates`] when the walk would eat the machine's memory.
pub fn explore(bounds: &Bounds) -> Result<Exploration, TooManyStates> {
    let Bounds { disks, door, .. } = *bounds;
    let setup = Setup { disks, door, ..Setup::new(bounds.nodes, 0) };
    explore_from(Cluster::new(setup), bounds)
}

/// Walks every state within the bounds, from this one. `nodes` and `disks` are the cluster's own; the
/// disks of owners who do one thing at a time have nothing to write.
///
/// # Errors
/// [`TooManyStates`] when the walk would eat the machine's memory.
pub fn explore_from(start: Cluster, bounds: &Bounds) -> Result<Exploration, TooManyStates> {
    let mut walk = Walk::new(&start, bounds);
    let mut frontier = vec![Found::first(start.clone())];
    while !frontier.is_empty() {
        let mut next = Vec::new();
        for found in &frontier {
            if let Some(last) = walk.expand(found, &mut next) {
                walk.seen.violation = Some(walk.way_to(&start, last));
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
