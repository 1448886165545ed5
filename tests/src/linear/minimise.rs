//! The few operations of a history that are illegal on their own.
//!
//! ```text
//!   337 operations --one part--> 41 --until the blocked one ends--> 30 --leave out halves, quarters, ..--> 3
//!
//!   put(k, 1)   put(k, 2)   get(k) -> 1        is a stale read
//!                           get(k) -> 1        alone is illegal too, and explains nothing
//! ```
//!
//! So what an operation answers must stay explained: if there was a choice of other operations, in any
//! order, after which it answers so, then there must be one among those that are kept. Times do not count there.

use super::check::{Judgement, Limits, Remember, check, explain};
use super::search::PartSearch;
use super::{Specification, TimedOperation};

/// The most steps for one answer to be explained.
const EXPLAIN_STEPS: u64 = 5_000;

/// A history that is made shorter.
struct Shortening<'a, S: Specification> {
    specification: &'a S,
    limits: &'a Limits,
    /// What is left, and whether its answer was explained in the history.
    left: Vec<Kept<S>>,
}

/// An operation, and whether its answer was explained in the history.
type Kept<S> = (TimedOperation<<S as Specification>::Input, <S as Specification>::Output>, bool);

/// Leaves out of an illegal history what it can be illegal without. A history that is not illegal within the
/// limits is returned as it is.
pub fn minimise<S: Specification>(
    specification: &S,
    history: &[TimedOperation<S::Input, S::Output>],
    limits: &Limits,
) -> Vec<TimedOperation<S::Input, S::Output>> {
    let Some(why) = explain(specification, history, limits) else { return history.to_vec() };
    let part: Vec<_> = why.places.iter().map(|place| history[*place].clone()).collect();
    let explained = (0..part.len()).map(|at| is_explained(specification, &part, at));
    let left = part.iter().cloned().zip(explained).collect();
    let mut shortening = Shortening { specification, limits, left };
    if let Some(end) = history[why.blocked].end {
        let earlier = shortening.left.iter().filter(|(it, _)| it.call <= end).cloned();
        shortening.keep(earlier.collect());
    }
    while shortening.drop_chunks() {}
    shortening.left.into_iter().map(|(operation, _)| operation).collect()
}

impl<S: Specification> Shortening<'_, S> {
    /// Leaves out one chunk after the other, with smaller and smaller chunks (Zeller's ddmin, complements
    /// only). Returns whether anything was left out.
    fn drop_chunks(&mut self) -> bool {
        let before = self.left.len();
        let mut chunk = before.div_ceil(2);
        while chunk > 0 {
            let mut at = 0;
            while at < self.left.len() {
                let mut fewer = self.left.clone();
                fewer.drain(at..(at + chunk).min(fewer.len()));
                if !self.keep(fewer) {
                    at += chunk;
                }
            }
            chunk /= 2;
        }
        self.left.len() < before
    }

    /// Keeps only these operations, if that is good. Returns whether it is.
    fn keep(&mut self, fewer: Vec<Kept<S>>) -> bool {
        let is_good = self.is_good(&fewer);
        if is_good {
            self.left = fewer;
        }
        is_good
    }

    /// Returns whether these operations are illegal, and explained where they were.
    fn is_good(&self, kept: &[Kept<S>]) -> bool {
        let operations: Vec<_> = kept.iter().map(|(operation, _)| operation.clone()).collect();
        check(self.specification, &operations, self.limits).judgement == Judgement::Illegal
            && kept.iter().enumerate().all(|(at, (_, was_explained))| {
                !was_explained || is_explained(self.specification, &operations, at)
            })
    }
}

/// Returns whether some of the other operations, in some order, lead to a state in which this one answers what
/// it did. Those that began before it ended are tried first, in the order of their calls: nearly always that
/// order explains it, however many there are.
fn is_explained<S: Specification>(
    specification: &S,
    operations: &[TimedOperation<S::Input, S::Output>],
    at: usize,
) -> bool {
    let this = &operations[at];
    let mut others: Vec<_> = (0..operations.len()).filter(|other| *other != at).collect();
    others.sort_by_key(|other| operations[*other].call);
    let earlier = others.iter().copied();
    let earlier = earlier.filter(|other| this.end.is_none_or(|end| operations[*other].call <= end));
    [earlier.collect(), others.clone()].into_iter().any(|others: Vec<usize>| {
        // This operation must happen, and is tried first in each state. The others may happen at any time,
        // or never, whatever they answered.
        let must = TimedOperation { call: 0, end: Some(u64::MAX), ..this.clone() };
        let may = |other: usize| {
            let input = operations[other].input.clone();
            TimedOperation { client: 0, input, output: None, call: 1, end: None }
        };
        let whenever: Vec<_> = [must].into_iter().chain(others.into_iter().map(may)).collect();
        let places = (0..whenever.len()).collect();
        let mut search = PartSearch::new(specification, &whenever, places, Remember::Fingerprints);
        search.run(EXPLAIN_STEPS, usize::MAX).0 == Judgement::Linearizable
    })
}
