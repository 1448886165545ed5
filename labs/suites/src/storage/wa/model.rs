//! Step 8: random batches, against a log that is only vectors and maps.
//!
//! ```text
//!   seed --> calls: g1 2@3 .. | compact g7 4@2 | sync ..
//!              |                        |
//!              v                        v
//!       the log, on its disk     the model, in memory        after every call: the same
//! ```
//!
//! Calls that do not fit are among them: the log must refuse them, and so does the model. That is why
//! a history that fails can be made shorter by leaving out any of it.

use super::observed::ObservedLog;
use crate::storage::kit::words::{Checked, caught, names, refusal};
use crate::storage::rule;
use bytes::Bytes;
use harness::{Check, Coverage, Failure, Rule, Verdict, current};
use storage::{Entry, EntryId, GroupId, Index, Lsn};
use testbed::engine::history::LogCall;
use testbed::engine::model::{BatchChange, HeldGroup, Model, batch_of};
use testbed::random::Stream;

/// How many calls a history has.
const CALLS: u64 = 40;

/// The keys that are set.
const KEYS: [&str; 3] = ["hs", "members", "k"];

// Histories.

/// Draws a history.
fn drawn(seed: u64) -> Vec<LogCall> {
    let mut luck = Stream::new(seed, "batches");
    let mut model = Model::default();
    let draw_call = |number| match luck.within(0, 5) {
        0 => LogCall::Sync,
        _ => {
            let count = luck.within(1, 3);
            LogCall::append((0..count).map(|nth| draw(&mut luck, &mut model, number * 8 + nth)))
        }
    };
    (0..CALLS).map(draw_call).collect()
}

/// Draws one change, most likely one that fits; the model follows as if it were alone.
fn draw(luck: &mut Stream, model: &mut Model, number: u64) -> BatchChange {
    let group = GroupId(luck.within(1, 3));
    let held = model.groups.get(&group).cloned().unwrap_or_default();
    let key = Bytes::from(KEYS[luck.within(0, 2) as usize]);
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
        6 | 7 => BatchChange::Put { group, key, value: format!("value {number}").into() },
        8 => BatchChange::Delete { group, key },
        way => {
            let index = match way {
                9 => held.last() + luck.within(0, 3),
                10..=12 => held.last().saturating_sub(luck.within(0, 3)),
                _ => held.last() + 1,
            };
            let id = EntryId::new(index.max(1), luck.within(1, 6));
            BatchChange::entries(group, vec![Entry { id, data: bytes(luck, number) }])
        }
    };
    // What does not fit spoils its batch, not this bookkeeping.
    let _ = model.append(std::slice::from_ref(&change));
    change
}

/// Draws an entry's bytes: no two entries of a history have the same, but for those without any.
fn bytes(luck: &mut Stream, number: u64) -> Bytes {
    let len = if luck.chance(100) { 0 } else { luck.within(1, 40) };
    format!("{number:04}-").into_bytes().into_iter().cycle().take(len as usize).collect()
}

// Runs.

/// Does it all to a log and to the model. Returns how many batches were taken.
fn run(calls: &[LogCall]) -> Checked<u64> {
    let log = ObservedLog::new(rule("log_is_what_the_batches_made"))?;
    let mut model = Model::default();
    let mut taken = 0;
    for (number, call) in calls.iter().enumerate() {
        current::doing(format!("action {} of a history: {call}", number + 1));
        let outcome = if let LogCall::Append { changes } = call {
            let fits = model.append(changes);
            taken += u64::from(fits.is_ok());
            let append = || log.inner.append(&batch_of(changes));
            let said = match fits {
                Ok(()) => answer(append()),
                // Taken all the same, such a batch often ends in a panic: the fault lies where it was
                // taken.
                Err(_) => caught(append)
                    .map_or_else(|panic| format!("taken, and then a panic: {panic}"), answer),
            };
            let must_be =
                fits.map_or_else(|why| format!("refused: {why}"), |()| "taken".to_owned());
            same(rule("batch_fits_or_is_refused"), must_be, said, "NextState::append")
        } else {
            let synced = log.inner.sync_to(log.inner.appended_lsn());
            let durable = |()| format!("durable {}", log.inner.durable_lsn());
            let said = synced.map_or_else(|error| refusal(&error), durable);
            same(
                rule("acknowledged_is_synced"),
                format!("durable {}", Lsn(taken)),
                said,
                "GroupCommit::finish",
            )
        };
        let outcome = outcome.and_then(|()| same_groups(&log, &model, number as u64));
        outcome.map_err(|failure| explain(*failure, &calls[..=number]))?;
    }
    Ok(taken)
}

/// Says what came of a batch.
fn answer(outcome: storage::Result<Lsn>) -> String {
    outcome.map_or_else(|error| refusal(&error), |_| "taken".to_owned())
}

/// Compares what is with what must be. `function` is the one to read if they differ.
fn same(rule: &Rule, must_be: String, was: String, function: &str) -> Verdict {
    if was == must_be {
        return Ok(());
    }
    Failure::of(rule).expected(must_be).got(was).function(function).fail()
}

/// Compares the log with the model.
fn same_groups(log: &ObservedLog, model: &Model, number: u64) -> Verdict {
    for group in (1..=3).map(GroupId) {
        let held = model.groups.get(&group);
        let must_be = held.map_or("no such group".to_owned(), |held| {
            let ids = held.entries.iter().map(|entry| format!(" {}", entry.id));
            format!("after {}:{}", held.base, ids.collect::<String>())
        });
        let (must_be, seen) =
            (format!("{group} {must_be}"), format!("{group} {}", log.seen(group)));
        same(rule("log_is_what_the_batches_made"), must_be, seen, "Group::truncate_from")?;
        let Some(held) = held else { continue };
        for key in KEYS {
            let say = |value: Option<&Bytes>| {
                let value = value.map(|value| String::from_utf8_lossy(value).into_owned());
                format!("{group} {key} = {}", value.unwrap_or_else(|| "none".to_owned()))
            };
            let (must_be, got) =
                (held.keys.get(key.as_bytes()), log.inner.get(group, key.as_bytes()));
            same(
                rule("log_is_what_the_batches_made"),
                say(must_be),
                say(got.as_ref()),
                "Log::write_frame",
            )?;
        }
        read(log, group, held, u64::MAX)?;
        read(log, group, held, number * 7 % 60)?;
    }
    Ok(())
}

/// Reads all entries of a group, up to a limit.
fn read(log: &ObservedLog, group: GroupId, held: &HeldGroup, max_bytes: u64) -> Verdict {
    let range = held.base.index.next()..Index(held.last() + 1);
    current::doing(format!("reading all of {group}, {max_bytes} bytes at most"));
    let differs = |got: String| {
        let must_be = format!("{group}: {}, at most {max_bytes} bytes", ids(&held.entries));
        same(
            rule("log_is_what_the_batches_made"),
            must_be,
            format!("{group}: {got}"),
            "View::pick_range",
        )
    };
    let entries = match log.inner.entries(group, range, max_bytes) {
        Ok(entries) => entries,
        Err(error) => return differs(refusal(&error)),
    };
    if !held.entries.starts_with(&entries) {
        let is_named_alike = ids(&held.entries).starts_with(&ids(&entries));
        let bytes = if is_named_alike { ", with other bytes" } else { "" };
        return differs(format!("{}{bytes}", ids(&entries)));
    }
    let bytes = entries.iter().map(|entry| entry.data.len() as u64).sum::<u64>();
    // One more would be too many; an entry without bytes never is, and need not be taken.
    let is_enough = held.entries.get(entries.len()).is_none_or(|next| {
        let next = next.data.len() as u64;
        !entries.is_empty() && (next == 0 || bytes + next > max_bytes)
    });
    let is_too_much = entries.len() > 1 && bytes > max_bytes;
    if is_enough && !is_too_much { Ok(()) } else { differs(ids(&entries)) }
}

/// Names entries, whatever their bytes.
fn ids(entries: &[Entry]) -> String {
    let alike = entries.iter().map(|entry| Entry { data: Bytes::new(), ..entry.clone() });
    names(&alike.collect::<Vec<_>>())
}

/// Adds to a failure when it happened: after the last of these calls.
fn explain(failure: Failure, calls: &[LogCall]) -> Box<Failure> {
    let number = calls.len();
    let last = calls.last().map(ToString::to_string).unwrap_or_default();
    let failure = failure.because(format!("after action {number} of a history: {last}"));
    // A card has room for eight lines of it: the last ones.
    let shown = (1..).zip(calls).skip(number.saturating_sub(8));
    let tell = |failure: Failure, (number, call): (usize, &LogCall)| {
        failure.detail(format!("{number:>3}  {call}"))
    };
    Box::new(shown.fold(failure, tell))
}

/// Leaves out what is not needed for the same rule to break.
fn shrink(mut calls: Vec<LogCall>, rule: &str) -> (Vec<LogCall>, Option<Failure>) {
    let mut found = None;
    let mut at = 0;
    while at < calls.len() {
        let mut fewer = calls.clone();
        fewer.remove(at);
        match run(&fewer) {
            Err(failure) if failure.rule().id == rule => (calls, found) = (fewer, Some(*failure)),
            Ok(_) | Err(_) => at += 1,
        }
    }
    (calls, found)
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
        Failure::of(rule("coverage")).because(because).function("NextState::append")
    })
}
