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

use super::entries::{at, entry};
use super::model::{BatchChange, Model, batch_of};
use crate::random::Stream;
use bytes::Bytes;
use std::fmt;
use storage::{Disk, Error, GroupId, Log, Lsn, SimDisk};

/// An action of a history: one call of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogCall {
    /// A batch is appended.
    Append {
        /// What the batch does.
        changes: Vec<BatchChange>,
    },
    /// All that was appended is synced.
    Sync,
    /// Garbage is collected.
    Collect,
    /// A spare segment is prepared.
    Maintain,
}

/// What is done, and what the log holds after each append.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct History {
    /// In order.
    pub actions: Vec<LogCall>,
    /// `states[n]` is what `n` appends make.
    pub states: Vec<Model>,
}

/// How far a history got.
#[derive(Default, Debug)]
pub struct Reached {
    /// How many appends are known to be durable.
    pub acknowledged: usize,
    /// How many of them a later append could record as durable.
    pub proven: usize,
    /// How many have begun.
    pub begun: usize,
    /// The LSNs of those that have returned.
    pub lsns: Vec<Lsn>,
    /// How many operations of the disk there were when each action had ended; before them, when the log
    /// had been opened. Empty if nobody counted ([`History::run`]).
    pub operations: Vec<u64>,
    /// What ended it early.
    pub error: Option<Error>,
}

/// What a drawn history is made of: how many of twenty actions are of each sort. The rest are appends.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    /// How many groups there are, at most.
    pub groups: u64,
    /// Syncs.
    pub sync: u64,
    /// Collections.
    pub collect: u64,
    /// Preparations of a spare.
    pub maintain: u64,
    /// The longest entry.
    pub entry_bytes: u64,
}

impl Mix {
    /// Of everything: more than half of the actions are appends.
    pub const USUAL: Mix = Mix { groups: 4, sync: 4, collect: 2, maintain: 2, entry_bytes: 150 };
}

impl LogCall {
    /// Returns the call that appends a batch of these changes.
    pub fn append(changes: impl IntoIterator<Item = BatchChange>) -> LogCall {
        LogCall::Append { changes: changes.into_iter().collect() }
    }

    /// Makes the call.
    ///
    /// # Errors
    /// What the log says.
    pub fn perform<D: Disk>(&self, log: &Log<D>) -> Result<(), Error> {
        match self {
            LogCall::Append { changes } => log.append(&batch_of(changes)).map(drop),
            LogCall::Sync => log.sync_to(log.appended_lsn()),
            LogCall::Collect => log.gc().map(drop),
            LogCall::Maintain => log.maintain(),
        }
    }
}

impl Reached {
    /// Returns how it is when a log could not even be opened.
    pub fn nothing(error: Error) -> Reached {
        Reached { error: Some(error), ..Reached::default() }
    }

    /// Returns the action in which an operation took place, counted from 1; 0 is the opening.
    pub fn action_of(&self, operation: u64) -> usize {
        self.operations.partition_point(|&done| done < operation)
    }

    /// Returns the LSN of the last batch that was acknowledged.
    pub fn acknowledged_lsn(&self) -> Option<Lsn> {
        self.lsns.get(self.acknowledged.checked_sub(1)?).copied()
    }
}

impl History {
    /// Returns the history of these actions, on an empty log.
    ///
    /// # Panics
    /// If a batch does not fit what those before it have made.
    pub fn new(actions: Vec<LogCall>) -> History {
        History::of(actions, &Model::default()).expect("each batch was made to fit")
    }

    /// Returns the history of these actions, on a log that holds `from`; `None` if a batch does not fit
    /// what those before it have made.
    pub fn of(actions: Vec<LogCall>, from: &Model) -> Option<History> {
        let mut states = vec![from.clone()];
        let mut model = from.clone();
        for action in &actions {
            let LogCall::Append { changes } = action else { continue };
            model.append(changes).ok()?;
            states.push(model.clone());
        }
        Some(History { actions, states })
    }

    /// Draws a history that continues what `from` holds.
    pub fn drawn(seed: u64, actions: usize, from: &Model, mix: Mix) -> History {
        let mut luck = Stream::new(seed, "history");
        let mut model = from.clone();
        let groups = luck.within(1, mix.groups);
        let mut drawn = Vec::new();
        for _ in 0..actions {
            drawn.push(match luck.below(20) {
                n if n < mix.sync => LogCall::Sync,
                n if n < mix.sync + mix.collect => LogCall::Collect,
                n if n < mix.sync + mix.collect + mix.maintain => LogCall::Maintain,
                _ => LogCall::Append { changes: draw_batch(&mut luck, &mut model, groups, mix) },
            });
        }
        History::of(drawn, from).expect("each batch was drawn to fit those before it")
    }

    /// Does it all, or as much as can be done: until a call fails.
    pub fn run<D: Disk>(&self, log: &Log<D>) -> Reached {
        self.run_and(log, || ())
    }

    /// Does the same to a log on this disk, and counts the disk's operations.
    pub fn run_on(&self, disk: &SimDisk, log: &Log<SimDisk>) -> Reached {
        let mut operations = vec![disk.operations()];
        let reached = self.run_and(log, || operations.push(disk.operations()));
        Reached { operations, ..reached }
    }

    fn run_and<D: Disk>(&self, log: &Log<D>, mut after_each: impl FnMut()) -> Reached {
        let mut reached = Reached::default();
        for action in &self.actions {
            reached.begun += usize::from(matches!(action, LogCall::Append { .. }));
            let outcome = action.perform(log);
            after_each();
            match (outcome, action) {
                (Err(error), _) => {
                    reached.error = Some(error);
                    break;
                }
                (Ok(()), LogCall::Sync) => reached.acknowledged = reached.begun,
                (Ok(()), LogCall::Append { .. }) => {
                    reached.proven = reached.acknowledged;
                    reached.lsns.push(log.appended_lsn());
                }
                (Ok(()), LogCall::Collect | LogCall::Maintain) => {}
            }
        }
        reached
    }

    /// Returns how many appends make what was seen, the most of them, if that many are allowed: no
    /// acknowledged one is missing.
    pub fn state_of(&self, seen: &Model, reached: &Reached) -> Option<usize> {
        (reached.acknowledged..=reached.begun).rev().find(|&n| self.states[n] == *seen)
    }

    /// Returns what all of it makes.
    pub fn end(&self) -> &Model {
        self.states.last().expect("a history begins in a state")
    }

    /// Returns every history that leaves something out: half of it, one action, one change, one entry.
    pub fn smaller(&self) -> impl Iterator<Item = History> + '_ {
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
fn smaller_batches(action: &LogCall) -> Vec<LogCall> {
    let LogCall::Append { changes } = action else { return Vec::new() };
    let mut smaller = Vec::new();
    for n in 0..changes.len() {
        if changes.len() > 1 {
            let mut rest = changes.clone();
            rest.remove(n);
            smaller.push(LogCall::Append { changes: rest });
        }
        if let BatchChange::Entries { group, entries } = &changes[n]
            && let [kept @ .., _] = &entries[..]
            && !kept.is_empty()
        {
            let mut fewer = changes.clone();
            fewer[n] = BatchChange::Entries { group: *group, entries: kept.to_vec() };
            smaller.push(LogCall::Append { changes: fewer });
        }
    }
    smaller
}

/// Draws a batch that fits, and does it to the model.
fn draw_batch(luck: &mut Stream, model: &mut Model, groups: u64, mix: Mix) -> Vec<BatchChange> {
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
fn draw_change(luck: &mut Stream, model: &Model, group: GroupId, mix: Mix) -> BatchChange {
    let held = model.groups.get(&group).cloned().unwrap_or_default();
    let key = Bytes::from(format!("k{}", luck.below(3)));
    match luck.below(16) {
        0 if model.groups.contains_key(&group) => BatchChange::Remove { group },
        1 => {
            let through = at(held.last() + luck.below(5), luck.within(1, 8));
            BatchChange::Reset { group, through }
        }
        2..=4 if !held.entries.is_empty() => {
            let nth = luck.below(held.entries.len() as u64) as usize;
            BatchChange::Compact { group, through: held.entries[nth].id }
        }
        5 | 6 => {
            let value = format!("v{}", luck.below(1000)).repeat(luck.below(12) as usize);
            BatchChange::Put { group, key, value: value.into() }
        }
        7 => BatchChange::Delete { group, key },
        _ => {
            let back = luck.below(3).min(held.entries.len() as u64);
            let first = held.last() + 1 - if luck.chance(300) { back } else { 0 };
            let term = luck.within(1, 8);
            let count = luck.within(1, 3);
            let bytes = |luck: &mut Stream| luck.below(mix.entry_bytes) as usize;
            let entries =
                (first..first + count).map(|index| entry(index, term, bytes(luck))).collect();
            BatchChange::Entries { group, entries }
        }
    }
}

/// `append g7 1..=3@1, put g7 vote=n2`, `sync`.
impl fmt::Display for LogCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogCall::Append { changes } => {
                let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
                f.write_str(&changes.join(", "))
            }
            LogCall::Sync => f.write_str("sync"),
            LogCall::Collect => f.write_str("gc"),
            LogCall::Maintain => f.write_str("maintain"),
        }
    }
}
