//! The second judge: whether a history could have happened one operation at a time (linearizability).
//!
//! ```text
//!   client 1   [--- put a=1 ---]        [-- get a: 1 --]
//!   client 2         [------ put a=2 ------]
//!   a way         put a=2 ^  ^ put a=1       ^ get a           each within its operation
//! ```
//!
//! It knows nothing of the store, of its log or of Raft: only what clients saw. So it can judge a run of
//! several processes as well. The search is Wing and Gong's with Lowe's memory: it takes operations in an
//! order that is possible in time, and never looks twice at the same set of operations with the same state.
//! It may take long where many operations overlap: the problem is NP-complete (Gibbons and Korach 1997).
//! So the parts of a history that have nothing to do with each other (other keys) are searched apart, in
//! turns, and the first that is impossible decides.
//!
//! The rules of porcupine, the checker that many use:
//!
//! * An operation takes effect at a moment from its call to its return, both included.
//! * An operation without a return may take effect at any later moment, or never. So may one whose output is
//!   not known; if it has returned nevertheless, its effect is not later than that.
//!
//! ```
//! use testbed::linear::{Judgement, Register, RegisterInput, TimedOperation, check};
//!
//! let operation = |client, input, output, call, end| TimedOperation {
//!     client,
//!     input,
//!     output: Some(output),
//!     call,
//!     end: Some(end),
//! };
//! let written = operation(1, RegisterInput::Write(7), None, 0, 10);
//! let stale = operation(2, RegisterInput::Read, Some(0), 11, 12);
//! let fresh = operation(2, RegisterInput::Read, Some(7), 11, 12);
//! let judge = |history: &[_]| check(&Register { first: Some(0) }, history, u64::MAX).judgement;
//! assert_eq!(judge(&[written.clone(), stale]), Judgement::Illegal);
//! assert_eq!(judge(&[written, fresh]), Judgement::Linearizable);
//! ```

mod corpora; // the histories that porcupine is tested with
mod draw; // a history as a picture
mod models; // a register, a register with appends, the store's values
mod search; // the search, in one part of a history

pub use corpora::{jepsen, key_value};
pub use draw::draw;
pub use models::{
    Appends, AppendsInput, Register, RegisterInput, StoreInput, StoreOutput, StoreValues,
};
use search::PartSearch;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;

/// An operation as its client saw it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimedOperation<I, O> {
    /// The client. It has one operation at a time.
    pub client: u64,
    /// What was asked for.
    pub input: I,
    /// What was answered; none if that is not known.
    pub output: Option<O>,
    /// When it was called.
    pub call: u64,
    /// When it returned; none if it never did.
    pub end: Option<u64>,
}

/// What one operation at a time means.
pub trait Specification {
    /// What there is between two operations.
    type State: Clone + Eq + Hash;
    /// What is asked for.
    type Input: Clone + fmt::Debug;
    /// What is answered.
    type Output: Clone + fmt::Debug;
    /// Names the part of the state that an operation is about. Parts have nothing to do with each other.
    type Key: Ord;

    /// Returns which part an operation is about.
    fn key(&self, input: &Self::Input) -> Self::Key;

    /// Returns the first state of a part.
    fn first(&self) -> Self::State;

    /// Returns the state after an operation; none if it cannot have had this output. Without an output, any
    /// is right.
    fn step(
        &self,
        state: &Self::State,
        input: &Self::Input,
        output: Option<&Self::Output>,
    ) -> Option<Self::State>;
}

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

/// What a check has found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// What the history is.
    pub judgement: Judgement,
    /// How many steps the search took: the same on every machine.
    pub steps: u64,
    /// If it is illegal, the operation that fits nowhere after as many others as possible: its place in the
    /// history.
    pub blocked: Option<usize>,
}

/// How many steps a part may take before the next one has its turn.
const TURN_STEPS: u64 = 256;

/// The operations of a history, by what they are about: their places in the history.
type Parts<K> = BTreeMap<K, Vec<usize>>;

/// Checks a history, in at most so many steps.
pub fn check<S: Specification>(
    specification: &S,
    history: &[TimedOperation<S::Input, S::Output>],
    steps_max: u64,
) -> Checked {
    let mut parts: Parts<S::Key> = BTreeMap::new();
    for (place, operation) in history.iter().enumerate() {
        parts.entry(specification.key(&operation.input)).or_default().push(place);
    }
    let searches =
        parts.into_values().map(|places| PartSearch::new(specification, history, places));
    let mut searches: Vec<_> = searches.collect();
    let mut steps = 0;
    while !searches.is_empty() {
        let mut open = Vec::new();
        for mut search in searches {
            let (found, taken) = search.run(TURN_STEPS.min(steps_max - steps));
            steps += taken;
            match found {
                Judgement::Linearizable => {}
                Judgement::Illegal => {
                    let blocked = search.blocked();
                    return Checked { judgement: Judgement::Illegal, steps, blocked };
                }
                Judgement::Unknown if steps >= steps_max => {
                    return Checked { judgement: Judgement::Unknown, steps, blocked: None };
                }
                Judgement::Unknown => open.push(search),
            }
        }
        searches = open;
    }
    Checked { judgement: Judgement::Linearizable, steps, blocked: None }
}

/// Leaves out of an illegal history what it can be illegal without.
pub fn minimise<S: Specification>(
    specification: &S,
    history: &[TimedOperation<S::Input, S::Output>],
    steps_max: u64,
) -> Vec<TimedOperation<S::Input, S::Output>> {
    let mut left = history.to_vec();
    let mut chunk = left.len().div_ceil(2);
    while chunk > 0 {
        let mut at = 0;
        while at < left.len() {
            let mut fewer = left.clone();
            fewer.drain(at..(at + chunk).min(left.len()));
            if check(specification, &fewer, steps_max).judgement == Judgement::Illegal {
                left = fewer;
            } else {
                at += chunk;
            }
        }
        chunk /= 2;
    }
    left
}
