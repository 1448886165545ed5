//! A walk: the states that were seen, and the way to each.
//!
//! ```text
//!   number   0   1   2   3   4      parents   2 <- 0 by its third outcome
//!            '---+---'   |                    4 <- 2 by its first
//!                '-------+---'                the way to 4: third, first
//! ```
//!
//! A state is kept whole only while it waits to be walked from; afterwards 16 bytes stand for it among
//! the visited and 6 among the parents. The way to a broken rule is found by playing it again.

#[cfg(test)]
mod tests; // folding loses no state of the nodes

use super::Exploration;
use super::bounds::{Bounds, Folding};
use super::canonical::Canon;
use super::moves::{Branch, Spent, outcomes};
use crate::cluster::Cluster;
use crate::input::Input;
use crate::invariant::Violation;
use raft::Raft;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// A state to walk on from.
pub(super) struct Found {
    cluster: Cluster,
    /// Its place among the parents.
    number: u32,
    spent: Spent,
}

impl Found {
    /// Returns where a walk begins.
    pub(super) fn first(cluster: Cluster) -> Self {
        Found { cluster, number: 0, spent: Spent::default() }
    }
}

/// The last step of a way: the number of a state, and which of its outcomes.
pub(super) type Last = (u32, u16);

/// What a walk knows.
pub(super) struct Walk<'a> {
    bounds: &'a Bounds,
    canon: Canon,
    /// The states that were seen. Never iterated, so its order cannot show.
    visited: HashSet<u128, BuildHasherDefault<AsIs>>,
    /// For every state: the one it was reached from, and which of that one's outcomes it is.
    parents: Vec<Last>,
    pub(super) seen: Exploration,
}

impl<'a> Walk<'a> {
    pub(super) fn new(start: &Cluster, bounds: &'a Bounds) -> Self {
        let canon = Canon::new(start.ids(), bounds.subject);
        let first = canon.name(start).wrapping_add(Spent::default().mark());
        let with_leader = usize::from(!start.leaders().is_empty());
        let seen =
            Exploration { states: 1, transitions: 0, depth: 0, with_leader, violation: None };
        let visited = [first].into_iter().collect();
        Walk { bounds, canon, visited, parents: vec![(0, 0)], seen }
    }

    /// Tries everything that can happen in a state. Returns the broken rule and the way to it, if one
    /// breaks.
    pub(super) fn expand(&mut self, from: &Found, next: &mut Vec<Found>) -> Option<Last> {
        let outcomes = outcomes(&from.cluster, from.spent, self.bounds);
        for (at, (spent, branch)) in outcomes.enumerate() {
            let last = (from.number, u16::try_from(at).expect("a small cluster has few outcomes"));
            self.seen.transitions += 1;
            let Branch { cluster, violation, .. } = branch;
            if violation.is_some() {
                return Some(last);
            }
            if self.is_within(&cluster) && self.is_new(&cluster, spent) {
                let number = u32::try_from(self.parents.len()).expect("memory ends before that");
                self.parents.push(last);
                self.seen.states += 1;
                self.seen.with_leader += usize::from(!cluster.leaders().is_empty());
                next.push(Found { cluster, number, spent });
            }
        }
        None
    }

    /// Returns whether the walk goes on from here.
    fn is_within(&self, cluster: &Cluster) -> bool {
        let Bounds { terms, entries, in_flight, .. } = *self.bounds;
        in_flight.is_none_or(|max| cluster.network().flights().len() <= max)
            && cluster.ids().filter_map(|id| cluster.node(id)).map(Raft::inspect).all(|node| {
                node.term.0 <= terms && entries.is_none_or(|max| node.last.index.0 <= max)
            })
    }

    /// Notes a state. Returns whether it is new: neither seen, nor seen with as much or more left to
    /// spend.
    fn is_new(&mut self, cluster: &Cluster, spent: Spent) -> bool {
        let name = self.canon.name(cluster);
        let mut seen = spent.at_most().map(|less| name.wrapping_add(less.mark()));
        if self.bounds.folding == Folding::All && seen.any(|name| self.visited.contains(&name)) {
            return false;
        }
        self.visited.insert(name.wrapping_add(spent.mark()))
    }

    /// Returns the broken rule at the end of a way, and the inputs that lead there from the start; no
    /// input can be left out of them.
    pub(super) fn way_to(&self, start: &Cluster, last: Last) -> (Violation, Vec<Input>) {
        let mut steps = vec![last];
        while let Some(&(number, _)) = steps.last().filter(|(number, _)| *number != 0) {
            steps.push(self.parents[number as usize]);
        }
        let (mut cluster, mut spent, mut way) = (start.clone(), Spent::default(), Vec::new());
        for &(_, at) in steps.iter().rev() {
            let mut all = outcomes(&cluster, spent, self.bounds);
            let (after, branch) = all.nth(at.into()).expect("it was walked before");
            drop(all);
            way.extend(branch.inputs);
            (cluster, spent) = (branch.cluster, after);
        }
        trimmed(start, way)
    }
}

/// Leaves out of a way what the rule breaks without, and makes messages that are not needed again
/// arrive for good. Returns the broken rule with it.
fn trimmed(start: &Cluster, mut way: Vec<Input>) -> (Violation, Vec<Input>) {
    let (mut violation, kept) = replayed(start, &way).expect("the walk was here");
    way = kept;
    let mut at = way.len();
    while at > 0 {
        at -= 1;
        let shorter: Vec<_> = [&way[..at], &way[at + 1..]].concat();
        if let Some((found, kept)) = replayed(start, &shorter)
            && found.rule == violation.rule
        {
            (violation, way) = (found, kept);
            at = at.min(way.len());
        }
    }
    for at in 0..way.len() {
        if let Input::Duplicate(message) = way[at].clone()
            && !way[at + 1..].contains(&Input::Duplicate(message.clone()))
        {
            way[at] = Input::Deliver(message);
        }
    }
    (violation, way)
}

/// Plays a way again. Returns the first broken rule, and what of the way did something until then.
fn replayed(start: &Cluster, way: &[Input]) -> Option<(Violation, Vec<Input>)> {
    let (mut cluster, mut kept) = (start.clone(), Vec::new());
    for input in way {
        let step = cluster.apply(input);
        if step.refused.is_some() {
            continue;
        }
        kept.push(input.clone());
        if let Some(violation) = step.violation {
            return Some((violation, kept));
        }
    }
    None
}

/// A hasher for what is a hash already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }
}
