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
//! turns, and the first that is impossible decides. Steps and memory have limits; time has none, so that a
//! check ends in the same way on every machine.
//!
//! The rules of porcupine, the checker that many use:
//!
//! * An operation takes effect at a moment from its call to its return, both included.
//! * An operation without a return may take effect at any later moment, or never.
//! * An operation that has returned takes effect. If its output is not known, any output is right.
//!
//! What was not applied for certain, and a read without an answer, belong in no history. After an operation
//! without a return its client goes on under another number: otherwise a picture of it has rows that overlap.
//!
//! A history of any program can be judged: [`text`] has a format for it.
//!
//! ```
//! use testbed::linear::{Judgement, Limits, Register, RegisterInput, TimedOperation, check};
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
//! let register = Register { first: Some(0) };
//! let judge = |history: &[_]| check(&register, history, &Limits::default()).judgement;
//! assert_eq!(judge(&[written.clone(), stale]), Judgement::Illegal);
//! assert_eq!(judge(&[written, fresh]), Judgement::Linearizable);
//! ```

mod models; // a register, a register with appends, the store's values

mod check; // the parts of a history, searched in turns

mod search; // the search, in one part of a history

mod timeline; // the calls and ends of a part, in the order of time

mod memory; // what a search remembers

mod minimise; // the few operations that are illegal on their own

mod draw; // a history as a picture

pub mod text; // histories as text

mod corpora; // the histories that porcupine is tested with

pub use check::{Checked, Counterexample, Judgement, Limits, Remember, check, explain};
pub use corpora::{jepsen, key_value};
pub use draw::{Annotation, draw};
pub use minimise::minimise;
pub use models::{
    Appends, AppendsInput, Register, RegisterInput, StoreInput, StoreOutput, StoreValues,
};
use std::fmt::Debug;
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
    type State: Clone + Eq + Hash + Debug;
    /// What is asked for.
    type Input: Clone + Debug;
    /// What is answered.
    type Output: Clone + Debug;
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

    /// Returns an operation as text, for pictures.
    fn describe(&self, input: &Self::Input, output: Option<&Self::Output>) -> String {
        match output {
            Some(output) => format!("{input:?}: {output:?}"),
            None => format!("{input:?}: ?"),
        }
    }

    /// Returns about how many bytes a state has, for the limit of memory.
    fn state_bytes(&self, _state: &Self::State) -> usize {
        size_of::<Self::State>()
    }
}
