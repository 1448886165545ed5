//! Histories: actions on a log, drawn from a seed, and how far a run of them got.

use crate::model::{Change, Model, batch_of, entry};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use storage::{Disk, EntryId, Error, GroupId, Index, Log, Options, Term};

/// An action of a history: one call of the log.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Append(Vec<Change>),
    Sync,
    Collect,
    Maintain,
}

/// A list of actions, and what the log holds after each append.
pub(crate) struct History {
    pub(crate) actions: Vec<Action>,
    /// `states[n]` is what `n` appends make.
    pub(crate) states: Vec<Model>,
}

/// How far a history got.
#[derive(Debug)]
pub(crate) struct Reached {
    /// How many appends are known to be durable.
    pub(crate) acknowledged: usize,
    /// How many of them a later append could record as durable.
    pub(crate) proven: usize,
    /// How many appends have begun.
    pub(crate) begun: usize,
    /// The error that ended the run early.
    pub(crate) error: Option<Error>,
}

/// Options that give a small log many segments and much garbage.
pub(crate) fn small() -> Options {
    Options {
        segment_bytes: 8192,
        max_batch_bytes: 2048,
        collect_above_bytes: 0,
        lagging_group_bytes: 1 << 20,
        force_above_bytes: 0,
        ..Options::default()
    }
}

impl Action {
    /// Performs the action.
    pub(crate) fn perform<D: Disk>(&self, log: &Log<D>) -> Result<(), Error> {
        match self {
            Action::Append(changes) => log.append(&batch_of(changes)).map(|_| ()),
            Action::Sync => log.sync_to(log.appended_lsn()),
            Action::Collect => log.gc().map(|_| ()),
            Action::Maintain => log.maintain(),
        }
    }
}

impl History {
    /// Draws a history that starts from the state `from`.
    pub(crate) fn drawn(seed: u64, actions: usize, from: &Model) -> History {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut history = History { actions: Vec::new(), states: vec![from.clone()] };
        let groups = rng.random_range(1..5);
        for _ in 0..actions {
            let action = match rng.random_range(0..10) {
                0..=5 => Action::Append(history.draw_batch(&mut rng, groups)),
                6 | 7 => Action::Sync,
                8 => Action::Collect,
                _ => Action::Maintain,
            };
            history.actions.push(action);
        }
        history
    }

    /// Draws a batch that fits the state so far.
    fn draw_batch(&mut self, rng: &mut ChaCha8Rng, groups: u64) -> Vec<Change> {
        let mut model = self.states.last().unwrap().clone();
        let mut batch = Vec::new();
        for _ in 0..rng.random_range(1..4) {
            let group = GroupId(rng.random_range(1..=groups));
            let change = draw_change(rng, &model, group);
            model.apply(std::slice::from_ref(&change));
            batch.push(change);
        }
        self.states.push(model);
        batch
    }

    /// Performs the actions in order, until one fails.
    pub(crate) fn run<D: Disk>(&self, log: &Log<D>) -> Reached {
        let mut reached = Reached { acknowledged: 0, proven: 0, begun: 0, error: None };
        for action in &self.actions {
            reached.begun += usize::from(matches!(action, Action::Append(_)));
            match (action.perform(log), action) {
                (Err(error), _) => {
                    reached.error = Some(error);
                    break;
                }
                (Ok(()), Action::Sync) => reached.acknowledged = reached.begun,
                (Ok(()), Action::Append(_)) => reached.proven = reached.acknowledged,
                (Ok(()), Action::Collect | Action::Maintain) => {}
            }
        }
        reached
    }

    /// Returns which state a log shows, if that state is allowed: no acknowledged append is missing.
    pub(crate) fn state_of<D: Disk>(&self, log: &Log<D>, reached: &Reached) -> Option<usize> {
        let seen = Model::of(log);
        (reached.acknowledged..=reached.begun).rev().find(|n| self.states[*n] == seen)
    }
}

/// Draws a change that fits a model.
fn draw_change(rng: &mut ChaCha8Rng, model: &Model, group: GroupId) -> Change {
    let held = model.groups.get(&group).cloned().unwrap_or_default();
    let key = vec![b'k', rng.random_range(0..3)];
    match rng.random_range(0..16) {
        0 if model.groups.contains_key(&group) => Change::Remove(group),
        1 => {
            let index = held.last() + rng.random_range(0..5);
            Change::Reset(
                group,
                EntryId { index: Index(index), term: Term(rng.random_range(1..9)) },
            )
        }
        2..=4 if !held.entries.is_empty() => {
            let nth = rng.random_range(0..held.entries.len());
            Change::Compact(group, held.entries[nth].id)
        }
        5 | 6 => Change::Put(group, key, vec![rng.random(); rng.random_range(0..60)]),
        7 => Change::Delete(group, key),
        _ => {
            let back = rng.random_range(0..3).min(held.entries.len() as u64);
            let first = held.last() + 1 - if rng.random_bool(0.3) { back } else { 0 };
            let term = rng.random_range(1..9);
            let count = rng.random_range(1..4);
            let entries = (first..first + count)
                .map(|index| entry(index, term, rng.random_range(0..150)))
                .collect();
            Change::Entries(group, entries)
        }
    }
}
