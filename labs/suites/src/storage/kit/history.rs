//! What is done to a log, and how far it got.
//!
//! ```text
//!   actions  append  append  sync  append  collect  append  sync
//!   states   0   1       2           3                4
//!                        '-- acknowledged by the sync: no crash after it may show 0 or 1
//! ```
//!
//! A history is given, or drawn from a seed; it is shrunk by leaving things out that the rest does
//! not need.

use super::model::{Change, Model, batch_of};
use super::words::{at, sized};
use bytes::Bytes;
use std::fmt;
use storage::{Error, GroupId, Log, Lsn, SimDisk};
use testbed::random::Stream;

/// An action of a history: one call of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// A batch is appended.
    Append { changes: Vec<Change> },
    /// All that was appended is synced.
    Sync,
    /// Garbage is collected.
    Collect,
    /// A spare segment is prepared.
    Maintain,
}

/// What is done, and what the log holds after each append.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct History {
    /// In order.
    pub(crate) actions: Vec<Action>,
    /// `states[n]` is what `n` appends make.
    pub(crate) states: Vec<Model>,
}

/// How far a history got.
#[derive(Clone, Debug)]
pub(crate) struct Reached {
    /// How many appends are known to be durable.
    pub(crate) acknowledged: usize,
    /// How many have begun.
    pub(crate) begun: usize,
    /// The LSNs of those that have returned.
    pub(crate) lsns: Vec<Lsn>,
    /// How many operations of the disk there were when each action had ended; before them, when the log
    /// had been opened.
    pub(crate) operations: Vec<u64>,
    /// What ended it early.
    pub(crate) error: Option<Error>,
}

/// What a drawn history is made of: how many of twenty actions are of each sort. The rest are appends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    /// How many groups there are, at most.
    pub(crate) groups: u64,
    /// Syncs.
    pub(crate) sync: u64,
    /// Collections.
    pub(crate) collect: u64,
    /// Preparations of a spare.
    pub(crate) maintain: u64,
    /// The longest entry.
    pub(crate) entry_bytes: u64,
}

impl Reached {
    /// Returns how it is when a log could not even be opened.
    pub(crate) fn nothing(error: Error) -> Reached {
        let error = Some(error);
        Reached { acknowledged: 0, begun: 0, lsns: Vec::new(), operations: Vec::new(), error }
    }

    /// Returns the action in which an operation took place, counted from 1; 0 is the opening.
    pub(crate) fn action_of(&self, operation: u64) -> usize {
        self.operations.partition_point(|&done| done < operation)
    }

    /// Returns the LSN of the last batch that was acknowledged.
    pub(crate) fn acknowledged_lsn(&self) -> Option<Lsn> {
        self.lsns.get(self.acknowledged.checked_sub(1)?).copied()
    }
}

impl History {
    /// Returns the history of these actions, on a log that holds `from`; `None` if a batch does not fit
    /// what those before it have made.
    pub(crate) fn of(actions: Vec<Action>, from: &Model) -> Option<History> {
        let mut states = vec![from.clone()];
        let mut model = from.clone();
        for action in &actions {
            let Action::Append { changes } = action else { continue };
            model.append(changes).ok()?;
            states.push(model.clone());
        }
        Some(History { actions, states })
    }

    /// Draws a history that continues what `from` holds.
    pub(crate) fn drawn(seed: u64, actions: usize, from: &Model, mix: Mix) -> History {
        let mut luck = Stream::new(seed, "history");
        let mut model = from.clone();
        let groups = luck.within(1, mix.groups);
        let mut drawn = Vec::new();
        for _ in 0..actions {
            drawn.push(match luck.below(20) {
                n if n < mix.sync => Action::Sync,
                n if n < mix.sync + mix.collect => Action::Collect,
                n if n < mix.sync + mix.collect + mix.maintain => Action::Maintain,
                _ => Action::Append { changes: draw_batch(&mut luck, &mut model, groups, mix) },
            });
        }
        History::of(drawn, from).expect("each batch was drawn to fit those before it")
    }

    /// Does it all, or as much as can be done.
    pub(crate) fn run(&self, disk: &SimDisk, log: &Log<SimDisk>) -> Reached {
        let operations = vec![disk.operations()];
        let lsns = Vec::new();
        let mut reached = Reached { acknowledged: 0, begun: 0, lsns, operations, error: None };
        for action in &self.actions {
            let outcome = match action {
                Action::Append { changes } => {
                    reached.begun += 1;
                    log.append(&batch_of(changes)).map(|lsn| reached.lsns.push(lsn))
                }
                Action::Sync => log.sync_to(log.appended_lsn()),
                Action::Collect => log.gc().map(|_| ()),
                Action::Maintain => log.maintain(),
            };
            reached.operations.push(disk.operations());
            if let Err(error) = outcome {
                reached.error = Some(error);
                break;
            }
            if *action == Action::Sync {
                reached.acknowledged = reached.begun;
            }
        }
        reached
    }

    /// Returns what all of it makes.
    pub(crate) fn end(&self) -> &Model {
        self.states.last().expect("a history begins in a state")
    }

    /// Returns every history that leaves something out: half of it, one action, one change, one entry.
    pub(crate) fn smaller(&self) -> impl Iterator<Item = History> + '_ {
        let count = self.actions.len();
        let halves = [0..count / 2, count / 2..count, 0..count / 4, count - count / 4..count];
        let without = move |range: std::ops::Range<usize>| {
            let mut actions = self.actions.clone();
            actions.drain(range);
            actions
        };
        let halves = halves.into_iter().filter(|range| !range.is_empty()).map(without);
        let single = (0..count).rev().map(move |n| without(n..n + 1));
        let parts = (0..count).flat_map(move |n| {
            let smaller = smaller_batches(&self.actions[n]);
            smaller.into_iter().map(move |action| {
                let mut actions = self.actions.clone();
                actions[n] = action;
                actions
            })
        });
        let all = halves.chain(single).chain(parts);
        all.filter_map(move |actions| History::of(actions, &self.states[0]))
    }
}

/// Returns a batch without one of its changes, or without the last of its entries, in every way.
fn smaller_batches(action: &Action) -> Vec<Action> {
    let Action::Append { changes } = action else { return Vec::new() };
    let mut smaller = Vec::new();
    for n in 0..changes.len() {
        if changes.len() > 1 {
            let mut rest = changes.clone();
            rest.remove(n);
            smaller.push(Action::Append { changes: rest });
        }
        if let Change::Entries { group, entries } = &changes[n]
            && let [kept @ .., _] = &entries[..]
            && !kept.is_empty()
        {
            let mut fewer = changes.clone();
            fewer[n] = Change::Entries { group: *group, entries: kept.to_vec() };
            smaller.push(Action::Append { changes: fewer });
        }
    }
    smaller
}

/// Draws a batch that fits, and does it to the model.
fn draw_batch(luck: &mut Stream, model: &mut Model, groups: u64, mix: Mix) -> Vec<Change> {
    let mut batch = Vec::new();
    for _ in 0..luck.within(1, 3) {
        let group = GroupId(luck.within(1, groups));
        let change = draw_change(luck, model, group, mix);
        model.apply(std::slice::from_ref(&change));
        batch.push(change);
    }
    batch
}

/// Draws a change that fits.
fn draw_change(luck: &mut Stream, model: &Model, group: GroupId, mix: Mix) -> Change {
    let held = model.groups.get(&group).cloned().unwrap_or_default();
    let key = Bytes::from(format!("k{}", luck.below(3)));
    match luck.below(16) {
        0 if model.groups.contains_key(&group) => Change::Remove { group },
        1 => {
            let through = at(held.last() + luck.below(5), luck.within(1, 8));
            Change::Reset { group, through }
        }
        2..=4 if !held.entries.is_empty() => {
            let nth = luck.below(held.entries.len() as u64) as usize;
            Change::Compact { group, through: held.entries[nth].id }
        }
        5 | 6 => {
            let value = format!("v{}", luck.below(1000)).repeat(luck.below(12) as usize);
            Change::Put { group, key, value: value.into() }
        }
        7 => Change::Delete { group, key },
        _ => {
            let back = luck.below(3).min(held.entries.len() as u64);
            let first = held.last() + 1 - if luck.chance(300) { back } else { 0 };
            let term = luck.within(1, 8);
            let count = luck.within(1, 3);
            let bytes = |luck: &mut Stream| luck.below(mix.entry_bytes) as usize;
            let entries =
                (first..first + count).map(|index| sized(at(index, term), bytes(luck))).collect();
            Change::Entries { group, entries }
        }
    }
}

/// `append g7 1..=3@1, put g7 vote=n2`, `sync`.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Append { changes } => {
                let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
                f.write_str(&changes.join(", "))
            }
            Action::Sync => f.write_str("sync"),
            Action::Collect => f.write_str("gc"),
            Action::Maintain => f.write_str("maintain"),
        }
    }
}
