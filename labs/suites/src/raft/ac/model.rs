//! Step 6: one node, and every order of messages, writes, applies and losses of power.
//!
//! ```text
//!    n2 leads term 1     1@1      2@1 after it
//!    n3 leads term 2     1@2      replaces it
//!    n2 leads term 3     1@1 2@1 3@3, all committed
//!    n2, n3 campaign in term 4
//!
//!    each message once, in any order, between any two steps of the owner; the power fails once
//! ```
//!
//! Breadth first: no shorter run than the one on the card breaks the rule. Where every message has arrived,
//! the owner finishes its work, and everything committed must be applied.

use super::owner::Owner;
use crate::raft::kit::{N1, N2, N3, ask_with, at, sends};
use crate::raft::rule;
use harness::{Check, Failure, Verdict};
use raft::{Index, Message};
use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hasher};

/// How many writes may be in progress at once.
const WRITES_MAX: usize = 3;

/// With fewer states than this, something that should be possible is not.
const STATES_MIN: usize = 5_000;

/// What can happen next.
#[derive(Clone, Copy)]
enum Action {
    /// One of the messages arrives.
    Hear(usize),
    /// A Ready is taken.
    Take,
    /// The oldest write ends.
    Persist,
    /// The next entry is applied.
    Apply,
    /// The next entry is applied, and the power fails before the node learns of it.
    ApplyAndCrash,
    /// The power fails.
    Crash,
}

/// The messages that can arrive.
fn words() -> [Message; 6] {
    [
        sends(N2, N1, 1, at(0, 0), &[1], 0),
        sends(N2, N1, 1, at(1, 1), &[1], 0),
        sends(N3, N1, 2, at(0, 0), &[2], 0),
        sends(N2, N1, 3, at(0, 0), &[1, 1, 3], 3),
        ask_with(N2, N1, 4, at(3, 3)),
        ask_with(N3, N1, 4, at(3, 3)),
    ]
}

/// Where the search is.
#[derive(Clone)]
struct State {
    n1: Owner,
    /// Which messages have arrived.
    heard: [bool; 6],
    crashed: bool,
}

impl State {
    fn new() -> Self {
        State { n1: Owner::new(3), heard: [false; 6], crashed: false }
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.n1.hash_to(&mut hasher);
        self.heard.iter().for_each(|&heard| hasher.write_u8(u8::from(heard)));
        hasher.write_u8(u8::from(self.crashed));
        hasher.finish()
    }

    /// Lists what can happen.
    fn actions(&self) -> Vec<Action> {
        let mut actions: Vec<Action> = Vec::new();
        if self.n1.writing() < WRITES_MAX && self.n1.has_ready() {
            actions.push(Action::Take);
        }
        if self.n1.writing() > 0 {
            actions.push(Action::Persist);
        }
        if self.n1.waiting().next().is_some() {
            actions.push(Action::Apply);
        }
        actions.extend((0..self.heard.len()).filter(|&word| !self.heard[word]).map(Action::Hear));
        if !self.crashed {
            actions.push(Action::Crash);
            if self.n1.waiting().next().is_some() {
                actions.push(Action::ApplyAndCrash);
            }
        }
        actions
    }

    fn apply(&mut self, action: Action, words: &[Message; 6]) -> Verdict {
        match action {
            Action::Hear(word) => {
                self.heard[word] = true;
                self.n1.hear(words[word].clone());
            }
            Action::Take => drop(self.n1.start()?),
            Action::Persist => self.n1.persist()?,
            Action::Apply => self.n1.apply_one()?,
            Action::ApplyAndCrash => {
                self.n1.do_apply();
                self.crash()?;
            }
            Action::Crash => self.crash()?,
        }
        Ok(())
    }

    fn crash(&mut self) -> Verdict {
        self.crashed = true;
        self.n1.restart()
    }

    /// Finishes everything: what is committed must be applied.
    fn finish(&mut self) -> Verdict {
        self.n1.settle()?;
        let because = "all writes have ended, nothing is ready, and not all is applied";
        let applied = |index: Index| format!("applied {index}");
        let (want, got) = (self.n1.told().commit, self.n1.applied());
        let rule = rule("all_committed_is_handed_out");
        self.n1.must_be(rule, self.n1.unapplied(), because, applied(want), applied(got))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Hear(word) => write!(f, "hear {}", words()[*word]),
            Action::Take => f.write_str("take a Ready"),
            Action::Persist => f.write_str("a write ends"),
            Action::Apply => f.write_str("apply"),
            Action::ApplyAndCrash => f.write_str("apply, and lose power"),
            Action::Crash => f.write_str("lose power"),
        }
    }
}

/// Plays a run again, and returns how it ends.
fn play(path: &[Action], finish: bool) -> Verdict {
    let (mut state, words) = (State::new(), words());
    path.iter().try_for_each(|&action| state.apply(action, &words))?;
    if finish { state.finish() } else { Ok(()) }
}

/// Every order of everything.
pub(super) fn one_node(check: &mut Check) -> Verdict {
    let words = words();
    let mut seen = BTreeSet::from([State::new().fingerprint()]);
    // Each state that waits to be looked at, and how it was reached: the state before, and the action.
    let mut reached: Vec<(usize, Option<Action>)> = vec![(0, None)];
    let mut waiting = VecDeque::from([(0, State::new())]);
    let path = |reached: &[(usize, Option<Action>)], mut at: usize| {
        let mut path = Vec::new();
        while let (before, Some(action)) = reached[at] {
            path.push(action);
            at = before;
        }
        path.reverse();
        path
    };
    let (mut applied_all, mut finished) = (0_u64, 0_u64);
    while let Some((at, state)) = waiting.pop_front() {
        if at % 1_000 == 0 {
            check.doing(format!("looking at state {at}"));
        }
        if state.heard.iter().all(|&heard| heard) {
            let mut end = state.clone();
            if let Err(failure) = end.finish() {
                return explain(&path(&reached, at), true, *failure);
            }
            finished += 1;
            applied_all += u64::from(end.n1.applied() == Index(3));
        }
        for action in state.actions() {
            let mut next = state.clone();
            if let Err(failure) = next.apply(action, &words) {
                let mut steps = path(&reached, at);
                steps.push(action);
                return explain(&steps, false, *failure);
            }
            next.n1.forget_story();
            if seen.insert(next.fingerprint()) {
                reached.push((at, Some(action)));
                // A node keeps memory for what comes next (`raft/src/room.rs`). A copy of it has none.
                waiting.push_back((reached.len() - 1, next.clone()));
            }
        }
    }
    if reached.len() >= STATES_MIN && applied_all > 0 {
        return Ok(());
    }
    let because = format!(
        "{} states, {finished} of them with every message taken, {applied_all} with all applied",
        reached.len()
    );
    let expected = format!("{STATES_MIN} states or more, and all three entries applied in some");
    Failure::of(rule("coverage")).because(because).expected(expected).fail()
}

/// Plays a run that went wrong once more, so that the card can draw it.
fn explain(path: &[Action], finish: bool, found: Failure) -> Verdict {
    let failure = match play(path, finish) {
        Err(failure) => *failure,
        Ok(()) => found,
    };
    let steps: Vec<String> = path.iter().map(Action::to_string).collect();
    failure.detail(format!("{} steps: {}", path.len(), steps.join("; "))).fail()
}
