//! The first judge: the order that the log witnesses.
//!
//! ```text
//!   log      6: put a     7: add n, put b     8: delete a         every replica agrees on it
//!   reads           get a (saw 6)        get b (saw 7)            a read stands behind the index it saw
//!
//!   call [-----6-----] return          each operation must fit between its call and its return,
//!           call [--get--] return      and what it saw must be what the model says in this order
//! ```
//!
//! The log gives the order, so nothing has to be searched. If every operation fits, the history is
//! linearizable. The model below is written apart from the store's own evaluation.

use super::client::{Asked, Ending, OperationRecord, Saw};
use bytes::Bytes;
use kv::model::{Command, Condition, Outcome, Refusal, RequestId, Write};
use raft::Index;
use std::collections::{BTreeMap, BTreeSet};

/// An entry of the log: its index, and its commands.
pub type Logged = (Index, Vec<Command>);

/// The state of the model.
pub type Values = BTreeMap<Bytes, Bytes>;

/// Judges a history by the log that was committed. Returns the values at its end.
///
/// # Errors
/// What is wrong, in one sentence.
pub fn judge(history: &[OperationRecord], log: &[Logged]) -> Result<Values, String> {
    let mut values = Values::new();
    let mut run: BTreeMap<RequestId, Outcome> = BTreeMap::new();
    let mut newest = BTreeMap::new();
    let mut reads = reads_by_index(history);
    let by_request: BTreeMap<RequestId, &OperationRecord> =
        history.iter().filter_map(|record| Some((record.request?, record))).collect();
    let mut earliest = Earliest { at: 0, by: None };
    let first = log.first().map_or(Index(0), |(index, _)| *index);
    check_reads(&mut reads, Index(first.0.saturating_sub(1)), &values, &mut earliest)?;
    for (index, commands) in log {
        for command in commands {
            let origin = command.request.origin;
            let newest = newest.entry((origin.store, origin.life)).or_insert(origin.incarnation);
            *newest = origin.incarnation.max(*newest);
            // Of an earlier start of its store's life, or seen before: it is not run.
            if origin.incarnation < *newest || run.contains_key(&command.request) {
                continue;
            }
            let outcome = apply(&command.write, &mut values);
            run.insert(command.request, outcome.clone());
            let Some(record) = by_request.get(&command.request) else { continue };
            place(record, &mut earliest, *index)?;
            check_outcome(record, &outcome, *index)?;
        }
        check_reads(&mut reads, *index, &values, &mut earliest)?;
    }
    check_rest(history, &run)?;
    match reads.first_key_value() {
        None => Ok(values),
        Some((index, reads)) => {
            Err(format!("{} was read at index {index}, but the log ends before it", show(reads[0])))
        }
    }
}

fn reads_by_index(history: &[OperationRecord]) -> BTreeMap<Index, Vec<&OperationRecord>> {
    let mut reads: BTreeMap<Index, Vec<&OperationRecord>> = BTreeMap::new();
    for record in history {
        if let Ending::Saw(Saw::Value(_, index)) = &record.ending {
            reads.entry(*index).or_default().push(record);
        }
    }
    // Of reads at one index, the one that returned first comes first.
    reads.values_mut().for_each(|reads| reads.sort_by_key(|record| record.end));
    reads
}

/// Checks the reads that stand behind `index`.
fn check_reads<'a>(
    reads: &mut BTreeMap<Index, Vec<&'a OperationRecord>>,
    index: Index,
    values: &Values,
    earliest: &mut Earliest<'a>,
) -> Result<(), String> {
    // Reads of one index do not order one another: each only has to follow the writes before it.
    let before = earliest.clone();
    for record in reads.remove(&index).unwrap_or_default() {
        place(record, &mut before.clone(), index)?;
        earliest.follow(record);
        let (Asked::Get { key, .. }, Ending::Saw(Saw::Value(saw, _))) =
            (&record.asked, &record.ending)
        else {
            continue;
        };
        if saw.as_ref() != values.get(key) {
            return Err(format!(
                "{} at index {index} saw {saw:?}, but the value was {:?}",
                show(record),
                values.get(key)
            ));
        }
    }
    Ok(())
}

/// The earliest moment at which the next operation can have happened, and the operation that began then.
#[derive(Clone)]
struct Earliest<'a> {
    at: u64,
    by: Option<&'a OperationRecord>,
}

impl<'a> Earliest<'a> {
    /// Learns that an operation comes before all that follow.
    fn follow(&mut self, record: &'a OperationRecord) {
        if record.call > self.at {
            (self.at, self.by) = (record.call, Some(record));
        }
    }
}

/// Places an operation behind all before it: it must not have returned before they can have happened.
fn place<'a>(
    record: &'a OperationRecord,
    earliest: &mut Earliest<'a>,
    index: Index,
) -> Result<(), String> {
    earliest.follow(record);
    if matches!(record.ending, Ending::Saw(_)) && record.end < earliest.at {
        let by = earliest.by.map_or(String::new(), show);
        return Err(format!(
            "{} returned at {} ns, but stands at index {index} behind one that began at {} ns: {by}",
            show(record),
            record.end,
            earliest.at
        ));
    }
    Ok(())
}

fn check_outcome(record: &OperationRecord, expected: &Outcome, index: Index) -> Result<(), String> {
    match &record.ending {
        Ending::Saw(Saw::Outcome(saw)) if saw != expected => Err(format!(
            "{} at index {index} was answered {saw:?}, but led to {expected:?}",
            show(record)
        )),
        Ending::NotApplied => {
            Err(format!("{} was said not to be applied, but was, at index {index}", show(record)))
        }
        Ending::Saw(_) | Ending::Unknown => Ok(()),
    }
}

/// Checks the writes that the log does not hold: none may have been acknowledged.
fn check_rest(
    history: &[OperationRecord],
    run: &BTreeMap<RequestId, Outcome>,
) -> Result<(), String> {
    let lost = history.iter().find(|record| {
        let is_run = record.request.is_some_and(|request| run.contains_key(&request));
        matches!(record.ending, Ending::Saw(Saw::Outcome(_))) && !is_run
    });
    match lost {
        None => Ok(()),
        Some(record) => Err(format!("{} was acknowledged, and is lost", show(record))),
    }
}

fn show(record: &OperationRecord) -> String {
    let id = record.request.map_or(String::new(), |request| format!(" ({request})"));
    format!("client {}: {:?}{id}", record.client, record.asked)
}

/// Applies a write to the model.
pub fn apply(write: &Write, values: &mut Values) -> Outcome {
    let get = |values: &Values, key: &Bytes| values.get(key).cloned().unwrap_or_default();
    match write {
        Write::Put { key, value } => {
            values.insert(key.clone(), value.clone());
            Outcome::Done
        }
        Write::Delete { key } => {
            values.remove(key);
            Outcome::Done
        }
        Write::DeleteRange { from, to } => {
            values.retain(|key, _| key < from || to.as_ref().is_some_and(|to| key >= to));
            Outcome::Done
        }
        Write::Add { key, delta } => {
            let text = values.get(key).map_or("0".into(), |text| String::from_utf8_lossy(text));
            let Ok(before) = text.parse::<i64>() else {
                return Outcome::Refused(Refusal::NotANumber);
            };
            let Some(sum) = before.checked_add(*delta) else {
                return Outcome::Refused(Refusal::OutOfRange);
            };
            values.insert(key.clone(), sum.to_string().into());
            Outcome::Number(sum)
        }
        Write::Append { key, value } => {
            let value = [&get(values, key)[..], value].concat();
            let length = value.len() as u64;
            values.insert(key.clone(), value.into());
            Outcome::Length(length)
        }
        Write::Txn { compares, then, otherwise } => {
            let succeeded = compares.iter().all(|compare| {
                let value = values.get(&compare.key);
                match &compare.condition {
                    Condition::Exists => value.is_some(),
                    Condition::Missing => value.is_none(),
                    Condition::Equals(expected) => value == Some(expected),
                }
            });
            let branch = if succeeded { then } else { otherwise };
            let (mut after, mut results) = (values.clone(), Vec::new());
            for write in branch {
                let result = apply(write, &mut after);
                if matches!(result, Outcome::Refused(_)) {
                    return result; // and nothing is changed
                }
                results.push(result);
            }
            *values = after;
            Outcome::Txn { succeeded, results }
        }
    }
}

/// Returns the requests that a log holds more than once.
pub fn repeated(log: &[Logged]) -> BTreeSet<RequestId> {
    let mut seen = BTreeSet::new();
    let commands = log.iter().flat_map(|(_, commands)| commands);
    commands.map(|command| command.request).filter(|request| !seen.insert(*request)).collect()
}
