//! The walk of the explorer: the visited states, and the path to each.
//!
//! ```text
//!   number   0   1   2   3   4      parents   2 <- 0 by its third outcome
//!            '---+---'   |                    4 <- 2 by its first
//!                '-------+---'                the path to 4: third, first
//! ```
//!
//! A whole state is kept only until it has been explored. After that it needs 16 bytes among the visited
//! states and 6 among the parents. The path to a broken rule is found by running it again.

#[cfg(test)]
mod tests; // the reductions lose no state of the nodes

use super::Exploration;
use super::bounds::{Bounds, Reduction, Subject};
use super::canonical::Canonicalizer;
use super::moves::{Branch, Spent, outcomes};
use crate::cluster::Cluster;
use crate::input::Input;
use crate::invariant::Violation;
use crate::sim::check_recovery;
use raft::Raft;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::ControlFlow;

/// A state that is still to be explored.
pub(super) struct OpenState {
    cluster: Cluster,
    /// Its index among the parents.
    number: u32,
    spent: Spent,
}

impl OpenState {
    /// Returns the first state of a walk.
    pub(super) fn first(cluster: Cluster) -> Self {
        OpenState { cluster, number: 0, spent: Spent::default() }
    }
}

/// The last step of a path: the number of a state, and the index of the outcome taken there.
pub(super) type Last = (u32, u16);

/// The state of the walk.
pub(super) struct Walk<'a> {
    bounds: &'a Bounds,
    canonicalizer: Canonicalizer,
    /// The hashes of the visited states. Never iterated, so the order does not matter.
    visited: HashSet<u128, BuildHasherDefault<AsIs>>,
    /// For every state: the state that it was reached from, and the index of the outcome.
    parents: Vec<Last>,
    /// Who is shown the inputs that lead to each new state, if anybody is.
    watch: Option<Watch<'a>>,
    pub(super) seen: Exploration,
}

/// Somebody who is shown the path to every new state.
pub(super) struct Watch<'a> {
    /// Is shown the inputs of a path. A break ends the walk.
    pub(super) see: &'a mut dyn FnMut(&[Input]) -> ControlFlow<()>,
    /// For every state, the inputs that led there from its parent.
    pub(super) inputs: Vec<Vec<Input>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(start: &Cluster, bounds: &'a Bounds, watch: Option<Watch<'a>>) -> Self {
        assert!(
            bounds.once.len() <= 16,
            "{} items are listed, at most 16 can be",
            bounds.once.len()
        );
        let canonicalizer = Canonicalizer::new(start.ids(), bounds.subject);
        let first = canonicalizer.name(start).wrapping_add(Spent::default().mark());
        let with_leader = usize::from(!start.leaders().is_empty());
        let seen =
            Exploration { states: 1, transitions: 0, depth: 0, with_leader, violation: None };
        let visited = [first].into_iter().collect();
        Walk { bounds, canonicalizer, visited, parents: vec![(0, 0)], watch, seen }
    }

    /// Tries every move in a state. Returns the last step of the path to a broken rule, if one breaks.
    pub(super) fn expand(&mut self, from: &OpenState, next: &mut Vec<OpenState>) -> Option<Last> {
        let outcomes = outcomes(&from.cluster, from.spent, self.bounds);
        for (at, (spent, branch)) in outcomes.enumerate() {
            let last = (from.number, u16::try_from(at).expect("a small cluster has few outcomes"));
            self.seen.transitions += 1;
            let Branch { cluster, violation, inputs, .. } = branch;
            if violation.is_some() {
                return Some(last);
            }
            if self.is_within(&cluster) && self.is_new(&cluster, spent) {
                let asks = self.bounds.recovers && self.watch.is_none();
                if asks && check_recovery(cluster.clone()).is_err() {
                    return Some(last);
                }
                let number = u32::try_from(self.parents.len()).expect("memory ends before that");
                self.parents.push(last);
                self.seen.states += 1;
                self.seen.with_leader += usize::from(!cluster.leaders().is_empty());
                next.push(OpenState { cluster, number, spent });
                if self.show(number, inputs).is_break() {
                    return Some(last);
                }
            }
        }
        None
    }

    /// Shows the path to a new state, if somebody watches.
    fn show(&mut self, number: u32, inputs: Vec<Input>) -> ControlFlow<()> {
        let Some(watch) = &mut self.watch else { return ControlFlow::Continue(()) };
        watch.inputs.push(inputs);
        let (mut states, mut state) = (Vec::new(), number);
        while state != 0 {
            states.push(state);
            state = self.parents[state as usize].0;
        }
        let path = states.iter().rev().flat_map(|&state| watch.inputs[state as usize].clone());
        (watch.see)(&path.collect::<Vec<_>>())
    }

    /// Returns whether a state is within the bounds.
    fn is_within(&self, cluster: &Cluster) -> bool {
        let Bounds { terms, entries, in_flight, .. } = *self.bounds;
        let terms = if self.bounds.subject == Subject::Groups { u64::MAX } else { terms };
        in_flight.is_none_or(|max| cluster.network().flights().len() <= max)
            && cluster.ids().filter_map(|id| cluster.node(id)).map(Raft::inspect).all(|node| {
                node.term.0 <= terms && entries.is_none_or(|max| node.last.index.0 <= max)
            })
    }

    /// Notes a state. Returns whether it is new: it was not visited with as many or more crashes and
    /// proposals left.
    fn is_new(&mut self, cluster: &Cluster, spent: Spent) -> bool {
        let name = self.canonicalizer.name(cluster);
        let mut seen = spent.at_most().map(|less| name.wrapping_add(less.mark()));
        if self.bounds.reduction == Reduction::Full && seen.any(|name| self.visited.contains(&name))
        {
            return false;
        }
        self.visited.insert(name.wrapping_add(spent.mark()))
    }

    /// Returns the broken rule at the end of a path, and the inputs that lead there from the start. Every
    /// input is needed.
    pub(super) fn path_to(&self, start: &Cluster, last: Last) -> (Violation, Vec<Input>) {
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
        trimmed(start, way, self.bounds)
    }
}

/// Removes the inputs that are not needed to break the rule, and replaces duplications by deliveries if
/// the message is not needed again. Returns the broken rule, too.
fn trimmed(start: &Cluster, mut way: Vec<Input>, bounds: &Bounds) -> (Violation, Vec<Input>) {
    let replayed = |way: &[Input]| replayed(start, way, bounds);
    // Clocks that run alike do so in every shorter way.
    let run_alike = bounds.once.iter().any(|inputs| inputs.len() > 1);
    let is_time = |input: &Input| run_alike && matches!(input, Input::Tick(_));
    let (mut violation, kept) = replayed(&way).expect("the walk was here");
    way = kept;
    let mut at = way.len();
    while at > 0 {
        at -= 1;
        if is_time(&way[at]) {
            continue;
        }
        let shorter: Vec<_> = [&way[..at], &way[at + 1..]].concat();
        if let Some((found, kept)) = replayed(&shorter)
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

/// Runs a path again. Returns the first broken rule, and the inputs until then that had an effect.
fn replayed(start: &Cluster, way: &[Input], bounds: &Bounds) -> Option<(Violation, Vec<Input>)> {
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
    let future = if bounds.recovers { check_recovery(cluster) } else { Ok(()) };
    future.err().map(|violation| (violation, kept))
}

/// A hasher for values that are hashes already.
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
