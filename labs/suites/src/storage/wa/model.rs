//! Step 8: random batches, against a log that is only vectors and maps.
//!
//! ```text
//!   seed --> actions: g1 2@3 .. | compact g7 4@2 | sync ..
//!              |                        |
//!              v                        v
//!       the log, on its disk     the model, in memory        after every action: the same
//! ```
//!
//! Actions that do not fit are among them: the log must refuse them, and so does the model. That is why
//! a history that fails can be made shorter by leaving out any of it.

use super::reading::refusal;
use super::rules::{ACKNOWLEDGED, COVERAGE, FITS, MODEL};
use super::stage::Stage;
use crate::storage::kit::words::{caught, names};
use bytes::Bytes;
use harness::Coverage;
use harness::{Check, Failure, Rule, Verdict, current};
use std::fmt;
use storage::{Entry, EntryId, GroupId, Index, Lsn};
use testbed::engine::model::{BatchChange, HeldGroup, Model, batch_of};
use testbed::random::Stream;

/// How many actions a history has.
const ACTIONS: u64 = 40;

/// An action of a history: one call of the log.
#[derive(Clone, Debug)]
enum Action {
    Append(Vec<BatchChange>),
    Sync,
}

// Histories.

/// Draws a history.
fn drawn(seed: u64) -> Vec<Action> {
    let mut luck = Stream::new(seed, "batches");
    let mut model = Model::default();
    let mut actions = Vec::new();
    for number in 0..ACTIONS {
        if luck.within(0, 5) == 0 {
            actions.push(Action::Sync);
            continue;
        }
        let changes: Vec<BatchChange> = (0..luck.within(1, 3))
            .map(|nth| draw(&mut luck, &mut model, number * 8 + nth))
            .collect();
        actions.push(Action::Append(changes));
    }
    actions
}

/// Draws one change, most likely one that fits; the model follows as if it were alone.
fn draw(luck: &mut Stream, model: &mut Model, number: u64) -> BatchChange {
    let group = GroupId(luck.within(1, 3));
    let held = model.groups.get(&group).cloned().unwrap_or_default();
    let key = Bytes::from(["hs", "members", "k"][luck.within(0, 2) as usize]);
    let change = match luck.within(0, 19) {
        0 => BatchChange::Remove { group },
        1 => {
            // A snapshot may end anywhere, before the log's own beginning too.
            let index = luck.within(held.base.index.0.saturating_sub(2), held.last() + 3);
            BatchChange::Reset { group, through: EntryId::new(index, luck.within(1, 6)) }
        }
        2..=5 => {
            let lowest = held.base.index.0.saturating_sub(1);
            let index = luck.within(lowest, held.last() + 1);
            let term = held.term(Index(index)).map_or(1, |term| term.0);
            let term = if luck.chance(100) { term + 1 } else { term };
            BatchChange::Compact { group, through: EntryId::new(index, term) }
        }
        6 | 7 => {
            let value = Bytes::from(format!("value {number}"));
            BatchChange::Put { group, key, value }
        }
        8 => BatchChange::Delete { group, key },
        9 => {
            let id = EntryId::new((held.last() + luck.within(0, 3)).max(1), luck.within(1, 6));
            written(group, id, bytes(luck, number))
        }
        10..=12 => {
            let index = held.last().saturating_sub(luck.within(0, 3)).max(1);
            let id = EntryId::new(index, luck.within(1, 6));
            written(group, id, bytes(luck, number))
        }
        _ => {
            let id = EntryId::new(held.last() + 1, luck.within(1, 6));
            written(group, id, bytes(luck, number))
        }
    };
    // What does not fit spoils its batch, not this bookkeeping.
    let _ = model.append(std::slice::from_ref(&change));
    change
}

/// Returns the change that writes one entry.
fn written(group: GroupId, id: EntryId, data: Bytes) -> BatchChange {
    BatchChange::Entries { group, entries: vec![Entry { id, data }] }
}

/// Draws an entry's bytes: no two entries of a history have the same, but for those without any.
fn bytes(luck: &mut Stream, number: u64) -> Bytes {
    let len = if luck.chance(100) { 0 } else { luck.within(1, 40) };
    format!("{number:04}-").into_bytes().into_iter().cycle().take(len as usize).collect()
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Append(changes) => {
                let changes: Vec<String> = changes.iter().map(BatchChange::to_string).collect();
                f.write_str(&changes.join(", "))
            }
            Action::Sync => f.write_str("sync"),
        }
    }
}

// Runs.

/// What broke, after which action.
struct Broken {
    rule: &'static Rule,
    after: usize,
    expected: String,
    got: String,
    function: &'static str,
}

/// Does it all to a log and to the model. Returns how many batches were taken.
fn run(actions: &[Action]) -> Result<u64, Box<Failure>> {
    let stage = Stage::new(&MODEL)?;
    let mut model = Model::default();
    let mut taken = 0;
    for (number, action) in actions.iter().enumerate() {
        current::doing(format!("action {} of a history: {action}", number + 1));
        let must_be = match action {
            Action::Append(changes) => match model.append(changes) {
                Ok(()) => {
                    taken += 1;
                    "taken".to_owned()
                }
                Err(why) => format!("refused: {why}"),
            },
            Action::Sync => format!("durable {}", Lsn(taken)),
        };
        let said = match action {
            Action::Append(changes) if must_be == "taken" => {
                answer(stage.log.append(&batch_of(changes)))
            }
            // Taken all the same, such a batch often ends in a panic: the fault lies where it was
            // taken.
            Action::Append(changes) => match caught(|| stage.log.append(&batch_of(changes))) {
                Ok(outcome) => answer(outcome),
                Err(panic) => format!("taken, and then a panic: {panic}"),
            },
            Action::Sync => match stage.log.sync_to(stage.log.appended_lsn()) {
                Ok(()) => format!("durable {}", stage.log.durable_lsn()),
                Err(error) => refusal(&error),
            },
        };
        let broken =
            |rule, expected, got, function| Broken { rule, after: number, expected, got, function };
        if said != must_be {
            let (rule, function) = match action {
                Action::Append(_) => (&FITS, "NextState::append"),
                Action::Sync => (&ACKNOWLEDGED, "GroupCommit::finish"),
            };
            return Err(explain(actions, broken(rule, must_be, said, function)));
        }
        if let Err((rule, expected, got, function)) = same(&stage, &model, number as u64) {
            return Err(explain(actions, broken(rule, expected, got, function)));
        }
    }
    Ok(taken)
}

/// Says what came of a batch.
fn answer(outcome: storage::Result<Lsn>) -> String {
    outcome.map_or_else(|error| refusal(&error), |_| "taken".to_owned())
}

/// What differs: the rule, what must be, what is, and where to read.
type Differs = (&'static Rule, String, String, &'static str);

/// Compares the log with the model.
fn same(stage: &Stage, model: &Model, number: u64) -> Result<(), Differs> {
    for group in (1..=3).map(GroupId) {
        let held = model.groups.get(&group);
        let must_be = held.map_or("no such group".to_owned(), places);
        let seen = stage.seen(group);
        if seen != must_be {
            let (must_be, seen) = (format!("{group} {must_be}"), format!("{group} {seen}"));
            return Err((&MODEL, must_be, seen, "Group::truncate_from"));
        }
        let Some(held) = held else { continue };
        for key in ["hs", "members", "k"] {
            let got = stage.log.get(group, key.as_bytes());
            if got.as_ref() != held.keys.get(key.as_bytes()) {
                let say = |value: Option<&Bytes>| {
                    let value = value.map(|value| String::from_utf8_lossy(value).into_owned());
                    format!("{group} {key} = {}", value.unwrap_or_else(|| "none".to_owned()))
                };
                let (must_be, got) = (say(held.keys.get(key.as_bytes())), say(got.as_ref()));
                return Err((&MODEL, must_be, got, "Log::write_frame"));
            }
        }
        read(stage, group, held, u64::MAX)?;
        read(stage, group, held, number * 7 % 60)?;
    }
    Ok(())
}

/// Reads all entries of a group, up to a limit.
fn read(stage: &Stage, group: GroupId, held: &HeldGroup, max_bytes: u64) -> Result<(), Differs> {
    let range = held.base.index.next()..Index(held.last() + 1);
    current::doing(format!("reading all of {group}, {max_bytes} bytes at most"));
    let differs = |got: String| {
        let must_be = format!("{group}: {}, at most {max_bytes} bytes", ids(&held.entries));
        Err((&MODEL, must_be, format!("{group}: {got}"), "View::pick_range"))
    };
    let entries = match stage.log.entries(group, range, max_bytes) {
        Ok(entries) => entries,
        Err(error) => return differs(refusal(&error)),
    };
    if !held.entries.starts_with(&entries) {
        let is_named_alike = ids(&held.entries).starts_with(&ids(&entries));
        let bytes = if is_named_alike { ", with other bytes" } else { "" };
        return differs(format!("{}{bytes}", ids(&entries)));
    }
    let weigh =
        |entries: &[Entry]| entries.iter().map(|entry| entry.data.len() as u64).sum::<u64>();
    // One more would be too many; an entry without bytes never is, and need not be taken.
    let is_enough = match held.entries.get(entries.len()) {
        Some(next) => {
            let next = next.data.len() as u64;
            !entries.is_empty() && (next == 0 || weigh(&entries) + next > max_bytes)
        }
        None => true,
    };
    let is_too_much = entries.len() > 1 && weigh(&entries) > max_bytes;
    if is_enough && !is_too_much { Ok(()) } else { differs(ids(&entries)) }
}

/// Names entries, whatever their bytes.
fn ids(entries: &[Entry]) -> String {
    let alike: Vec<Entry> =
        entries.iter().map(|entry| Entry { data: Bytes::new(), ..entry.clone() }).collect();
    names(&alike)
}

/// Says what must be seen of a group.
fn places(held: &HeldGroup) -> String {
    let mut said = format!("after {}:", held.base);
    for entry in &held.entries {
        said.push_str(&format!(" {}", entry.id));
    }
    said
}

/// Says a failure.
fn explain(actions: &[Action], broken: Broken) -> Box<Failure> {
    let Broken { rule, after, expected, got, function } = broken;
    let action = &actions[after];
    let because = format!("after action {} of a history: {action}", after + 1);
    let failure = Failure::of(rule).because(because).expected(expected).got(got).function(function);
    // A card has room for eight lines of it: the last ones.
    let shown = (1..).zip(&actions[..=after]).skip((after + 1).saturating_sub(8));
    let tell = |failure: Failure, (number, action): (usize, &Action)| {
        failure.detail(format!("{number:>3}  {action}"))
    };
    Box::new(shown.fold(failure, tell))
}

/// Leaves out what is not needed for the same rule to break.
fn shrink(mut actions: Vec<Action>, rule: &str) -> (Vec<Action>, Option<Failure>) {
    let breaks =
        |actions: &[Action]| run(actions).err().filter(|failure| failure.rule().id == rule);
    let mut found = None;
    let mut at = 0;
    while at < actions.len() {
        let mut fewer = actions.clone();
        fewer.remove(at);
        match breaks(&fewer) {
            Some(failure) => (actions, found) = (fewer, Some(*failure)),
            None => at += 1,
        }
    }
    (actions, found)
}

/// Random histories.
pub(super) fn against_a_model(check: &mut Check) -> Verdict {
    let mut coverage = Coverage::default();
    let swept = check.sweep(
        |seed| {
            let outcome = run(&drawn(seed));
            coverage.count(seed, outcome.as_ref().is_ok_and(|taken| *taken >= 10));
            outcome.map(drop)
        },
        |seed, failure| {
            let actions = drawn(seed);
            let from = actions.len() as u64;
            let (actions, found) = shrink(actions, failure.rule().id);
            found.unwrap_or(*failure).shrunk(from, actions.len() as u64)
        },
    );
    swept?;
    coverage.judge("ten batches or more were taken", |because, _| {
        Failure::of(&COVERAGE).because(because).function("NextState::append")
    })
}
