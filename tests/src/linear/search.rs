//! The search in one part of a history: Wing and Gong's, with Lowe's memory.
//!
//! ```text
//!   at a call             may it happen now, and is the configuration new?  take it, begin at the head
//!                         else                                              go on to the next event
//!   at an end that is     its operation should have happened before         take the last one back,
//!   still in the list                                                       go on behind its call
//! ```
//!
//! Invariant: a configuration (the operations that have happened, and the state behind them) is searched at
//! most once, as long as the search remembers it. If memory is short, the search forgets all configurations.
//! It goes on where it is, with the order that it has. So the verdict stays right, and only steps are lost.

use super::check::{Judgement, Remember};
use super::memory::{RowTable, SetPrint, StateNumber, States};
use super::timeline::{CallOrEnd, EventLink, Timeline};
use super::{Specification, TimedOperation};
use std::rc::Rc;
use std::sync::Arc;

/// A search that can be interrupted.
pub(super) struct PartSearch<'a, S: Specification> {
    specification: &'a S,
    operations: Vec<&'a TimedOperation<S::Input, S::Output>>,
    /// The operations of the part: their places in the history.
    places: Vec<usize>,
    timeline: Timeline,
    remember: Remember,
    states: States<S::State>,
    /// What each operation leads to from each state: 0 if it is impossible, or the number of the state + 1.
    transitions: RowTable,
    /// The configurations that were tried.
    tried: RowTable,
    /// The operations that have happened, a bit each, behind a word for the state.
    taken: Vec<u64>,
    print: SetPrint,
    /// The operations that have happened, in order, and the state before each.
    order: Vec<(u32, StateNumber)>,
    state: StateNumber,
    /// Where the search goes on.
    at: EventLink,
    /// The operations that have returned and have not happened.
    left: usize,
    /// The longest order that was met, and the operation whose end was met behind it.
    longest: Vec<u32>,
    blocked: Option<u32>,
    /// The longest order with each operation, if they are recorded.
    partials: Option<Vec<Arc<[usize]>>>,
    /// How many bytes may be held at any rate: a search that has just forgotten has to get on.
    bytes_granted: usize,
    /// How often it has forgotten.
    pub(super) forgets: u64,
}

impl<'a, S: Specification> PartSearch<'a, S> {
    /// Begins to search the operations at these places of a history.
    pub(super) fn new(
        specification: &'a S,
        history: &'a [TimedOperation<S::Input, S::Output>],
        places: Vec<usize>,
        remember: Remember,
    ) -> PartSearch<'a, S> {
        let operations: Vec<_> = places.iter().map(|place| &history[*place]).collect();
        let timeline = Timeline::new(operations.iter().map(|it| (it.call, it.end)));
        let taken = vec![0; places.len().div_ceil(64) + 1];
        let mut states = States::new();
        let first = Rc::new(specification.first());
        let state = states.number_of(first, |state| specification.state_bytes(state));
        PartSearch {
            specification,
            at: timeline.after(0),
            timeline,
            remember,
            states,
            transitions: RowTable::new(2, 1),
            tried: tried_table(remember, taken.len()),
            print: SetPrint::new(places.len()),
            taken,
            order: Vec::new(),
            state,
            left: operations.iter().filter(|it| it.end.is_some()).count(),
            longest: Vec::new(),
            blocked: None,
            partials: None,
            bytes_granted: 0,
            forgets: 0,
            operations,
            places,
        }
    }

    /// Makes the search record the longest order with each operation. It takes longer.
    pub(super) fn recording(mut self) -> Self {
        self.partials = Some(vec![Arc::from([]); self.places.len()]);
        self
    }

    /// Searches on, for at most so many steps, with at most so many bytes. Returns what was found, and how
    /// many steps it took.
    pub(super) fn run(&mut self, steps_max: u64, bytes_max: usize) -> (Judgement, u64) {
        let mut steps = 0;
        while self.left > 0 {
            match self.timeline.event(self.at) {
                CallOrEnd::Call(operation) => {
                    if steps == steps_max {
                        return (Judgement::Unknown, steps);
                    }
                    steps += 1;
                    self.make_room(bytes_max);
                    match self.after(operation) {
                        Some(state) if self.is_new(operation, state) => self.take(operation, state),
                        Some(_) | None => self.at = self.timeline.after(self.at),
                    }
                }
                CallOrEnd::End(operation) => {
                    self.note_dead_end(operation);
                    if !self.take_back() {
                        return (Judgement::Illegal, steps);
                    }
                }
                CallOrEnd::Head => unreachable!("what is left has its end in the list"),
            }
        }
        (Judgement::Linearizable, steps)
    }

    /// Returns the place in the history of the operation that fits nowhere behind the longest order.
    pub(super) fn blocked(&self) -> Option<usize> {
        self.blocked.map(|operation| self.places[operation as usize])
    }

    /// Returns the order that was found, or else the longest that was met: places in the history.
    pub(super) fn order(&self) -> Vec<usize> {
        let now = self.order.iter().map(|(operation, _)| *operation);
        let order = if self.left == 0 { now.collect() } else { self.longest.clone() };
        order.into_iter().map(|operation| self.places[operation as usize]).collect()
    }

    /// Returns the operations of the part: their places in the history.
    pub(super) fn places(&self) -> &[usize] {
        &self.places
    }

    /// Returns the longest order with each operation of the part, if they were recorded.
    pub(super) fn partials(self) -> Vec<Arc<[usize]>> {
        self.partials.unwrap_or_default()
    }

    /// Returns how many bytes the search remembers, about.
    pub(super) fn bytes(&self) -> usize {
        self.states.bytes() + self.transitions.bytes() + self.tried.bytes()
    }

    /// Returns the state after an operation, if it can happen now.
    fn after(&mut self, operation: u32) -> Option<StateNumber> {
        let key = [(u64::from(self.state) << 32 | u64::from(operation)) + 1];
        let known = match self.transitions.find(&key) {
            Ok(at) => self.transitions.word(at, 1),
            Err(at) => {
                let it = self.operations[operation as usize];
                let before = self.states.get(self.state);
                let after = self.specification.step(before, &it.input, it.output.as_ref());
                let known = after.map_or(0, |state| u64::from(self.number_of(Rc::new(state))) + 1);
                self.transitions.put(at, &[key[0], known]);
                known
            }
        };
        known.checked_sub(1).map(|number| number as StateNumber)
    }

    fn number_of(&mut self, state: Rc<S::State>) -> StateNumber {
        let specification = self.specification;
        self.states.number_of(state, |state| specification.state_bytes(state))
    }

    /// Returns whether the operations taken, and this one, were never tried with this state behind them. If
    /// so, they count as tried.
    fn is_new(&mut self, operation: u32, state: StateNumber) -> bool {
        match self.remember {
            Remember::Exactly => {
                self.flip(operation);
                self.taken[0] = u64::from(state) + 1;
                let is_new = insert(&mut self.tried, &self.taken);
                self.flip(operation);
                is_new
            }
            Remember::Fingerprints => {
                self.print.toggle(operation);
                let print = self.print.with(state);
                self.print.toggle(operation);
                insert(&mut self.tried, &print)
            }
        }
    }

    fn flip(&mut self, operation: u32) {
        self.taken[1 + operation as usize / 64] ^= 1 << (operation % 64);
    }

    /// Lets an operation happen.
    fn take(&mut self, operation: u32, state: StateNumber) {
        self.order.push((operation, self.state));
        self.state = state;
        self.left -= usize::from(self.has_returned(operation));
        self.flip(operation);
        self.print.toggle(operation);
        self.timeline.take(operation);
        self.at = self.timeline.after(0);
    }

    /// Takes the last operation back. Returns whether there was one.
    fn take_back(&mut self) -> bool {
        let Some((operation, state)) = self.order.pop() else { return false };
        self.state = state;
        self.left += usize::from(self.has_returned(operation));
        self.flip(operation);
        self.print.toggle(operation);
        self.at = self.timeline.put_back(operation);
        true
    }

    fn has_returned(&self, operation: u32) -> bool {
        self.operations[operation as usize].end.is_some()
    }

    /// Notes that the order so far cannot go on, because this operation ends.
    fn note_dead_end(&mut self, operation: u32) {
        let order = || self.order.iter().map(|(operation, _)| *operation);
        if self.blocked.is_none() || self.order.len() > self.longest.len() {
            self.longest = order().collect();
            self.blocked = Some(operation);
        }
        let Some(partials) = &mut self.partials else { return };
        let is_shorter = |partial: &Arc<[usize]>| partial.len() < self.order.len();
        if !order().any(|operation| is_shorter(&partials[operation as usize])) {
            return;
        }
        let places: Arc<[usize]> = order().map(|it| self.places[it as usize]).collect();
        for operation in order().map(|it| it as usize) {
            if is_shorter(&partials[operation]) {
                partials[operation] = places.clone();
            }
        }
    }

    /// Forgets if one step more may take more than so many bytes.
    fn make_room(&mut self, bytes_max: usize) {
        let tables = self.transitions.bytes_with_one_more() + self.tried.bytes_with_one_more();
        if self.states.bytes() + tables > bytes_max.max(self.bytes_granted) {
            self.forget();
            // The states of the order cannot be forgotten.
            self.bytes_granted = 2 * self.bytes();
        }
    }

    /// Forgets everything but the order so far, and its states.
    fn forget(&mut self) {
        let old = std::mem::replace(&mut self.states, States::new());
        for at in 0..self.order.len() {
            self.order[at].1 = self.number_of(old.get(self.order[at].1).clone());
        }
        self.state = self.number_of(old.get(self.state).clone());
        self.transitions = RowTable::new(2, 1);
        self.tried = tried_table(self.remember, self.taken.len());
        self.forgets += 1;
    }
}

/// Returns an empty table of configurations.
fn tried_table(remember: Remember, words: usize) -> RowTable {
    match remember {
        Remember::Exactly => RowTable::new(words, words),
        Remember::Fingerprints => RowTable::new(2, 2),
    }
}

/// Puts a row. Returns whether it is new.
fn insert(table: &mut RowTable, row: &[u64]) -> bool {
    match table.find(row) {
        Ok(_) => false,
        Err(at) => {
            table.put(at, row);
            true
        }
    }
}
