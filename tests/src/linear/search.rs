//! The search in one part of a history.
//!
//! ```text
//!   events   head -> call 1 -> call 2 -> end 1 -> end 2          a list, in the order of time
//!   take 2   head -> call 1 -----------> end 1                   2 has happened: both its events go
//!   at an end that is still there: its operation should have happened before. Take the last one back
//! ```
//!
//! States and sets of operations are compared exactly. A state is known by a number, so that a set and its
//! state are a few words.

use super::{Judgement, Specification, TimedOperation};
use std::collections::{HashMap, HashSet};

/// A place in the list of events; 0 is the head.
type EventLink = usize;

/// The number of a state.
type StateNumber = usize;

/// An event: the call or the end of an operation.
#[derive(Clone, Copy)]
struct CallOrEnd {
    /// The operation's place in the part.
    operation: usize,
    is_end: bool,
}

/// A search that can be interrupted.
pub(super) struct PartSearch<'a, S: Specification> {
    specification: &'a S,
    history: &'a [TimedOperation<S::Input, S::Output>],
    /// The operations of the part: their places in the history.
    places: Vec<usize>,
    /// The events in the order of time, from 1 on.
    events: Vec<CallOrEnd>,
    next: Vec<EventLink>,
    previous: Vec<EventLink>,
    /// Where each operation's call and end are in the list.
    links: Vec<(EventLink, EventLink)>,
    /// The states that were met, and their numbers.
    states: Vec<S::State>,
    numbers: HashMap<S::State, StateNumber>,
    /// What each operation leads to from each state.
    steps: HashMap<(StateNumber, usize), Option<StateNumber>>,
    /// The sets of operations, a bit each, with the state behind them, that were tried.
    tried: HashSet<Box<[u64]>>,
    /// The operations that have happened, a bit each; the last word is the state.
    taken: Vec<u64>,
    /// The operations that have happened, in order, and the state before each.
    order: Vec<(usize, StateNumber)>,
    state: StateNumber,
    /// Where the search goes on.
    at: EventLink,
    /// The operations with a known output that have not happened.
    left: usize,
    /// The longest order that was met, and the operation that was blocked behind it.
    longest: (usize, Option<usize>),
}

impl<'a, S: Specification> PartSearch<'a, S> {
    /// Begins to search the operations at these places of a history.
    pub(super) fn new(
        specification: &'a S,
        history: &'a [TimedOperation<S::Input, S::Output>],
        places: Vec<usize>,
    ) -> PartSearch<'a, S> {
        let count = places.len();
        // At one time, calls come before ends: an operation may take effect at both.
        let mut events: Vec<(u64, bool, usize)> = Vec::with_capacity(2 * count);
        for (operation, place) in places.iter().enumerate() {
            let it = &history[*place];
            events.push((it.call, false, operation));
            events.push((it.end.unwrap_or(u64::MAX), true, operation));
        }
        events.sort_unstable();
        let mut links = vec![(0, 0); count];
        let mut list = vec![CallOrEnd { operation: 0, is_end: false }];
        for (at, (_, is_end, operation)) in events.into_iter().enumerate() {
            list.push(CallOrEnd { operation, is_end });
            let (call, end) = &mut links[operation];
            *(if is_end { end } else { call }) = at + 1;
        }
        let first = specification.first();
        PartSearch {
            specification,
            history,
            left: places.iter().filter(|place| history[**place].output.is_some()).count(),
            events: list,
            next: (1..=2 * count + 1).collect(),
            previous: (0..=2 * count + 1).map(|at: usize| at.saturating_sub(1)).collect(),
            links,
            numbers: HashMap::from([(first.clone(), 0)]),
            states: vec![first],
            steps: HashMap::new(),
            tried: HashSet::new(),
            taken: vec![0; count.div_ceil(64) + 1],
            order: Vec::new(),
            state: 0,
            at: 1,
            longest: (0, None),
            places,
        }
    }

    /// Searches on, for at most so many steps. Returns what was found, and how many steps it took.
    pub(super) fn run(&mut self, steps_max: u64) -> (Judgement, u64) {
        let mut steps = 0;
        loop {
            if self.left == 0 {
                return (Judgement::Linearizable, steps);
            }
            let CallOrEnd { operation, is_end } = self.events[self.at];
            if is_end {
                if self.order.len() >= self.longest.0 {
                    self.longest = (self.order.len(), Some(operation));
                }
                if !self.take_back() {
                    return (Judgement::Illegal, steps);
                }
                continue;
            }
            if steps == steps_max {
                return (Judgement::Unknown, steps);
            }
            steps += 1;
            match self.after(operation) {
                Some(state) if self.is_new(operation, state) => self.take(operation, state),
                Some(_) | None => self.at = self.next[self.at],
            }
        }
    }

    /// Returns the place in the history of the operation that fits nowhere.
    pub(super) fn blocked(&self) -> Option<usize> {
        self.longest.1.map(|operation| self.places[operation])
    }

    /// Returns the state after an operation, if it can happen now.
    fn after(&mut self, operation: usize) -> Option<StateNumber> {
        if let Some(known) = self.steps.get(&(self.state, operation)) {
            return *known;
        }
        let it = &self.history[self.places[operation]];
        let before = &self.states[self.state];
        let after = self.specification.step(before, &it.input, it.output.as_ref());
        let number = after.map(|state| self.number_of(state));
        self.steps.insert((self.state, operation), number);
        number
    }

    fn number_of(&mut self, state: S::State) -> StateNumber {
        if let Some(number) = self.numbers.get(&state) {
            return *number;
        }
        let number = self.states.len();
        self.states.push(state.clone());
        self.numbers.insert(state, number);
        number
    }

    /// Returns whether the operations taken, and this one, were never tried with this state behind them.
    fn is_new(&mut self, operation: usize, state: StateNumber) -> bool {
        let last = self.taken.len() - 1;
        self.taken[operation / 64] |= 1 << (operation % 64);
        self.taken[last] = state as u64;
        let is_new = !self.tried.contains(&self.taken[..]);
        if is_new {
            self.tried.insert(self.taken.clone().into_boxed_slice());
        } else {
            self.taken[operation / 64] &= !(1 << (operation % 64));
        }
        is_new
    }

    /// Lets an operation happen.
    fn take(&mut self, operation: usize, state: StateNumber) {
        self.order.push((operation, self.state));
        self.state = state;
        self.left -= usize::from(self.has_output(operation));
        let (call, end) = self.links[operation];
        for link in [call, end] {
            let (previous, next) = (self.previous[link], self.next[link]);
            self.next[previous] = next;
            self.previous[next] = previous;
        }
        self.at = self.next[0];
    }

    /// Takes the last operation back. Returns whether there was one.
    fn take_back(&mut self) -> bool {
        let Some((operation, state)) = self.order.pop() else { return false };
        self.state = state;
        self.left += usize::from(self.has_output(operation));
        self.taken[operation / 64] &= !(1 << (operation % 64));
        let (call, end) = self.links[operation];
        for link in [end, call] {
            let (previous, next) = (self.previous[link], self.next[link]);
            self.next[previous] = link;
            self.previous[next] = link;
        }
        self.at = self.next[call];
        true
    }

    fn has_output(&self, operation: usize) -> bool {
        self.history[self.places[operation]].output.is_some()
    }
}
