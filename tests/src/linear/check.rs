//! The parts of a history, searched in turns: the first that is illegal decides.
//!
//! ```text
//!   key a   256 steps .. 256 steps .. linearizable
//!   key b   256 steps .. 256 steps .. 256 steps .. illegal         decides
//!   key c   256 steps .. 256 steps .. 256 steps                    could have taken for ever
//! ```
//!
//! Limits are steps and bytes. A search without steps ends [`Judgement::Unknown`]. A search without bytes
//! forgets and goes on: it takes more steps, and its verdict is as good.

use super::search::PartSearch;
use super::{Specification, TimedOperation};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a history is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// There is an order.
    Linearizable,
    /// There is none.
    Illegal,
    /// The search was not finished within its steps.
    Unknown,
}

/// How a search remembers configurations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Remember {
    /// As they are: a bit for each operation of the part.
    Exactly,
    /// As fingerprints of 128 bits. If the history seems to be illegal, its part is searched once more,
    /// exactly; so a collision of two fingerprints cannot lead to a wrong verdict.
    Fingerprints,
}

/// What a check may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The most steps. The exact search after one with fingerprints may take as many again.
    pub steps_max: u64,
    /// The most bytes that are remembered, about. The order that is being tried and its states are held at any
    /// rate: as many states as the history has operations.
    pub bytes_max: usize,
    /// How configurations are remembered.
    pub remember: Remember,
}

impl Limits {
    /// Returns the usual limits with so many steps.
    pub fn steps(steps_max: u64) -> Limits {
        Limits { steps_max, ..Limits::default() }
    }
}

impl Default for Limits {
    /// Returns 100 million steps, half a minute or so; 512 MiB; fingerprints.
    fn default() -> Limits {
        Limits { steps_max: 100_000_000, bytes_max: 512 << 20, remember: Remember::Fingerprints }
    }
}

/// What a check has found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// What the history is.
    pub judgement: Judgement,
    /// How many steps the search took: the same on every machine.
    pub steps: u64,
    /// How often a part had to forget for want of memory.
    pub forgets: u64,
    /// If it is illegal, the operation that fits nowhere after as many others as possible: its place in the
    /// history.
    pub blocked: Option<usize>,
    /// An order for each part, in the order of the keys: if the part is linearizable, one that proves it. Else
    /// the longest that was met. Operations are named by their places in the history.
    pub orders: Vec<Vec<usize>>,
}

/// How a history is illegal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counterexample {
    /// The operations of the part that is illegal: their places in the history.
    pub places: Vec<usize>,
    /// The longest order of them that is possible.
    pub order: Vec<usize>,
    /// The operation that ends and fits nowhere behind that order.
    pub blocked: usize,
    /// The longest order with each operation of `places`; empty if there is none.
    pub longest: Vec<Arc<[usize]>>,
}

/// How many steps a part may take before the next one has its turn.
const TURN_STEPS: u64 = 256;

/// A history being checked.
struct Turns<'a, S: Specification> {
    limits: Limits,
    searches: Vec<PartSearch<'a, S>>,
    /// The parts that are not finished.
    open: Vec<usize>,
    steps: u64,
    /// The bytes that all open parts remember.
    bytes: usize,
}

/// Checks a history, within limits.
pub fn check<S: Specification>(
    specification: &S,
    history: &[TimedOperation<S::Input, S::Output>],
    limits: &Limits,
) -> Checked {
    let mut turns = Turns::new(specification, history, limits);
    let mut forgets = 0;
    loop {
        let (judgement, part) = turns.go_on();
        let Some(part) = part.filter(|_| limits.remember == Remember::Fingerprints) else {
            return turns.checked(judgement, part, forgets);
        };
        let exact = turns.searched_exactly(part, specification, history);
        forgets += std::mem::replace(&mut turns.searches[part], exact.1).forgets;
        if exact.0 != Judgement::Linearizable {
            return turns.checked(exact.0, Some(part), forgets);
        }
    }
}

/// Returns how a history is illegal; `None` if it is not, or if that is not known within the limits.
pub fn explain<S: Specification>(
    specification: &S,
    history: &[TimedOperation<S::Input, S::Output>],
    limits: &Limits,
) -> Option<Counterexample> {
    let blocked = check(specification, history, limits).blocked?;
    let parts = parts_of(specification, history);
    let places = parts.into_values().find(|places| places.contains(&blocked))?;
    let search = PartSearch::new(specification, history, places, Remember::Exactly);
    let mut search = search.recording();
    search.run(limits.steps_max, limits.bytes_max);
    let (order, places) = (search.order(), search.places().to_vec());
    let blocked = search.blocked()?;
    Some(Counterexample { places, order, blocked, longest: search.partials() })
}

/// Returns the operations of a history by what they are about: their places in the history.
fn parts_of<S: Specification>(
    specification: &S,
    history: &[TimedOperation<S::Input, S::Output>],
) -> BTreeMap<S::Key, Vec<usize>> {
    let mut parts: BTreeMap<S::Key, Vec<usize>> = BTreeMap::new();
    for (place, operation) in history.iter().enumerate() {
        parts.entry(specification.key(&operation.input)).or_default().push(place);
    }
    parts
}

impl<'a, S: Specification> Turns<'a, S> {
    fn new(
        specification: &'a S,
        history: &'a [TimedOperation<S::Input, S::Output>],
        limits: &Limits,
    ) -> Turns<'a, S> {
        let parts = parts_of(specification, history).into_values();
        let begin = |places| PartSearch::new(specification, history, places, limits.remember);
        let searches: Vec<_> = parts.map(begin).collect();
        let open = (0..searches.len()).rev().collect();
        let bytes = searches.iter().map(PartSearch::bytes).sum();
        Turns { limits: *limits, searches, open, steps: 0, bytes }
    }

    /// Gives each open part its turns, until one is illegal, or no steps are left, or no part is open. Returns
    /// the part that is illegal.
    fn go_on(&mut self) -> (Judgement, Option<usize>) {
        let mut waiting = std::mem::take(&mut self.open);
        while !waiting.is_empty() {
            let mut open = Vec::new();
            while let Some(part) = waiting.pop() {
                match self.turn(part) {
                    Judgement::Linearizable => self.bytes -= self.searches[part].bytes(),
                    Judgement::Illegal => {
                        // If this part is cleared, the others go on.
                        open.reverse();
                        open.extend(waiting);
                        self.open = open;
                        return (Judgement::Illegal, Some(part));
                    }
                    Judgement::Unknown if self.steps >= self.limits.steps_max => {
                        return (Judgement::Unknown, None);
                    }
                    Judgement::Unknown => open.push(part),
                }
            }
            open.reverse();
            waiting = open;
        }
        (Judgement::Linearizable, None)
    }

    /// Gives one part its turn.
    fn turn(&mut self, part: usize) -> Judgement {
        let search = &mut self.searches[part];
        let others = self.bytes - search.bytes();
        let bytes_max = self.limits.bytes_max.saturating_sub(others);
        let (found, steps) =
            search.run(TURN_STEPS.min(self.limits.steps_max - self.steps), bytes_max);
        self.bytes = others + search.bytes();
        self.steps += steps;
        found
    }

    /// Searches a part once more, exactly.
    fn searched_exactly(
        &mut self,
        part: usize,
        specification: &'a S,
        history: &'a [TimedOperation<S::Input, S::Output>],
    ) -> (Judgement, PartSearch<'a, S>) {
        self.bytes -= self.searches[part].bytes();
        let places = self.searches[part].places().to_vec();
        let mut search = PartSearch::new(specification, history, places, Remember::Exactly);
        let bytes_max = self.limits.bytes_max.saturating_sub(self.bytes);
        let (found, _) = search.run(self.limits.steps_max, bytes_max);
        (found, search)
    }

    fn checked(self, judgement: Judgement, part: Option<usize>, forgets: u64) -> Checked {
        let illegal = part.filter(|_| judgement == Judgement::Illegal);
        Checked {
            judgement,
            steps: self.steps,
            forgets: forgets + self.searches.iter().map(|search| search.forgets).sum::<u64>(),
            blocked: illegal.and_then(|part| self.searches[part].blocked()),
            orders: self.searches.iter().map(PartSearch::order).collect(),
        }
    }
}
