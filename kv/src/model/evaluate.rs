//! Evaluating: what a command does to the keys of its region.
//!
//! ```text
//!   memtable        a=1  b=2                 what readers see
//!   Pending              b=3  c=4  -a        what this round has changed, and readers do not see yet
//!   a command sees       b=3  c=4
//! ```
//!
//! Invariants:
//!
//! * (6) A command is checked as a whole before it changes anything. So one that is refused leaves nothing
//!   behind, and nothing has to be undone.
//! * (15) The same command on the same state leads to the same outcome and the same changes.
//!
//! Keys and values are copied here, exactly: a small value must not keep the memory of its whole entry.

use super::command::{Compare, Condition, Outcome, Refusal, Write};
use super::region::Region;
use crate::memtable::{Family, Reader, WriteBatch};
use bytes::Bytes;
use std::collections::BTreeMap;

/// What a batch under way has changed, over what readers see.
pub struct Pending<'a, R> {
    base: &'a R,
    /// The changes of the entry under way.
    batch: WriteBatch,
    /// How many bytes the entry may change, and how many it has changed.
    limit_bytes: usize,
    entry_bytes: usize,
    /// The keys that were changed last: their values, or none if they were removed.
    changed: BTreeMap<Bytes, Option<Bytes>>,
    /// The ranges that were removed. Keys in `changed` were changed after that.
    removed: Vec<(Bytes, Option<Bytes>)>,
}

impl<'a, R: Reader> Pending<'a, R> {
    /// Returns no changes over `base`.
    pub fn new(base: &'a R) -> Pending<'a, R> {
        let (batch, changed, removed) = (WriteBatch::new(), BTreeMap::new(), Vec::new());
        Pending { base, batch, limit_bytes: 0, entry_bytes: 0, changed, removed }
    }

    /// Begins an entry that may change `limit_bytes`.
    pub fn begin_entry(&mut self, limit_bytes: usize) {
        (self.limit_bytes, self.entry_bytes) = (limit_bytes, 0);
    }

    /// Takes out the changes since the last call. The next commands still see them.
    pub fn take_changes(&mut self) -> WriteBatch {
        std::mem::take(&mut self.batch)
    }

    /// Returns the value of a key as the next command sees it.
    pub fn get(&self, key: &[u8]) -> Option<Bytes> {
        if let Some(value) = self.changed.get(key) {
            return value.clone();
        }
        let is_removed = |(from, to): &(Bytes, Option<Bytes>)| {
            *from <= *key && to.as_deref().is_none_or(|to| key < to)
        };
        if self.removed.iter().any(is_removed) {
            return None;
        }
        self.base.get(Family::Default, key)
    }

    /// Sets the value of a key.
    fn put(&mut self, key: &[u8], value: Bytes) {
        let key = Bytes::copy_from_slice(key);
        self.batch.put(Family::Default, key.clone(), value.clone());
        self.changed.insert(key, Some(value));
    }

    /// Removes a key.
    fn delete(&mut self, key: &[u8]) {
        let key = Bytes::copy_from_slice(key);
        self.batch.delete(Family::Default, key.clone());
        self.changed.insert(key, None);
    }

    /// Removes a range of keys.
    fn delete_range(&mut self, from: &[u8], to: Option<&[u8]>) {
        let (from, to) = (Bytes::copy_from_slice(from), to.map(Bytes::copy_from_slice));
        self.changed.retain(|key, _| *key < from || to.as_ref().is_some_and(|to| key >= to));
        self.batch.delete_range(Family::Default, from.clone(), to.clone());
        self.removed.push((from, to));
    }

    /// Returns the batch, to add what is not the application's data.
    pub fn batch(&mut self) -> &mut WriteBatch {
        &mut self.batch
    }
}

/// A change that was checked, and is not made yet.
enum Planned<'w> {
    Put(&'w Bytes, Bytes),
    Delete(&'w Bytes),
    DeleteRange(Bytes, Option<Bytes>),
}

/// A command that is being checked: what it has planned so far.
struct Plan<'p, 'w, R> {
    pending: &'p Pending<'p, R>,
    region: &'p Region,
    planned: Vec<Planned<'w>>,
}

/// Evaluates a write on a region: makes its changes, or refuses it and changes nothing.
pub fn evaluate<R: Reader>(
    write: &Write,
    region: &Region,
    pending: &mut Pending<'_, R>,
) -> Outcome {
    let mut plan = Plan { pending, region, planned: Vec::new() };
    match plan.write(write).and_then(|outcome| Ok((outcome, plan.check_length()?))) {
        Err(refusal) => Outcome::Refused(refusal),
        Ok((outcome, bytes)) => {
            let planned = plan.planned;
            planned.into_iter().for_each(|change| change.make(pending));
            pending.entry_bytes = bytes;
            outcome
        }
    }
}

impl<'w, R: Reader> Plan<'_, 'w, R> {
    /// Plans a write.
    fn write(&mut self, write: &'w Write) -> Result<Outcome, Refusal> {
        match write {
            Write::Put { key, value } => self.put(key, Bytes::copy_from_slice(value)),
            Write::Delete { key } => {
                self.check_key(key)?;
                self.planned.push(Planned::Delete(key));
                Ok(Outcome::Done)
            }
            Write::DeleteRange { from, to } => Ok(self.delete_range(from, to.as_ref())),
            Write::Add { key, delta } => self.add(key, *delta),
            Write::Append { key, value } => self.append(key, value),
            Write::Txn { compares, then, otherwise } => self.txn(compares, then, otherwise),
        }
    }

    fn put(&mut self, key: &'w Bytes, value: Bytes) -> Result<Outcome, Refusal> {
        self.check_key(key)?;
        self.planned.push(Planned::Put(key, value));
        Ok(Outcome::Done)
    }

    /// Removes what the region has of a range: keys of other regions are not ours to remove.
    fn delete_range(&mut self, from: &Bytes, to: Option<&Bytes>) -> Outcome {
        let from = from.max(&self.region.start).clone();
        let end = self.region.end.as_ref();
        let to = match (to, end) {
            (Some(to), Some(end)) => Some(to.min(end)),
            (to, end) => to.or(end),
        };
        self.planned.push(Planned::DeleteRange(from, to.cloned()));
        Outcome::Done
    }

    fn add(&mut self, key: &'w Bytes, delta: i64) -> Result<Outcome, Refusal> {
        self.check_key(key)?;
        let before = match self.get(key) {
            None => 0,
            Some(text) => number(&text).ok_or(Refusal::NotANumber)?,
        };
        let sum = before.checked_add(delta);
        let sum = sum.ok_or(Refusal::OutOfRange)?;
        self.planned.push(Planned::Put(key, sum.to_string().into()));
        Ok(Outcome::Number(sum))
    }

    fn append(&mut self, key: &'w Bytes, tail: &[u8]) -> Result<Outcome, Refusal> {
        self.check_key(key)?;
        let before = self.get(key).unwrap_or_default();
        let bytes = before.len() as u64 + tail.len() as u64;
        if bytes > self.pending.limit_bytes as u64 {
            return Err(Refusal::TooLong { bytes }); // before memory is taken for it
        }
        self.planned.push(Planned::Put(key, [&before[..], tail].concat().into()));
        Ok(Outcome::Length(bytes))
    }

    fn txn(
        &mut self,
        compares: &[Compare],
        then: &'w [Write],
        otherwise: &'w [Write],
    ) -> Result<Outcome, Refusal> {
        let mut succeeded = true;
        for compare in compares {
            self.check_key(&compare.key)?;
            succeeded &= compare.condition.holds(self.get(&compare.key).as_deref());
        }
        let branch = if succeeded { then } else { otherwise };
        let results = branch.iter().map(|write| self.write(write)).collect::<Result<_, _>>()?;
        Ok(Outcome::Txn { succeeded, results })
    }

    fn check_key(&self, key: &Bytes) -> Result<(), Refusal> {
        if self.region.holds(key) {
            return Ok(());
        }
        Err(Refusal::KeyNotInRegion)
    }

    /// Checks that the entry does not change more than it may. Returns what it changes with this command.
    fn check_length(&self) -> Result<usize, Refusal> {
        let command: usize = self.planned.iter().map(Planned::size_bytes).sum();
        let bytes = self.pending.entry_bytes + command;
        if bytes > self.pending.limit_bytes {
            return Err(Refusal::TooLong { bytes: bytes as u64 });
        }
        Ok(bytes)
    }

    /// Returns a key's value as the next write of this command sees it.
    fn get(&self, key: &[u8]) -> Option<Bytes> {
        for change in self.planned.iter().rev() {
            match change {
                Planned::Put(changed, value) if *changed == key => return Some(value.clone()),
                Planned::Delete(changed) if *changed == key => return None,
                Planned::DeleteRange(from, to)
                    if *from <= *key && to.as_deref().is_none_or(|to| key < to) =>
                {
                    return None;
                }
                Planned::Put(..) | Planned::Delete(_) | Planned::DeleteRange(..) => {}
            }
        }
        self.pending.get(key)
    }
}

impl Planned<'_> {
    /// Returns about how long the change is in the write-ahead log.
    fn size_bytes(&self) -> usize {
        9 + match self {
            Planned::Put(key, value) => key.len() + value.len(),
            Planned::Delete(key) => key.len(),
            Planned::DeleteRange(from, to) => from.len() + to.as_ref().map_or(0, Bytes::len),
        }
    }

    fn make<R: Reader>(self, pending: &mut Pending<'_, R>) {
        match self {
            Planned::Put(key, value) => pending.put(key, value),
            Planned::Delete(key) => pending.delete(key),
            Planned::DeleteRange(from, to) => pending.delete_range(&from, to.as_deref()),
        }
    }
}

impl Condition {
    /// Returns whether the condition holds for a value.
    pub fn holds(&self, value: Option<&[u8]>) -> bool {
        match self {
            Condition::Exists => value.is_some(),
            Condition::Missing => value.is_none(),
            Condition::Equals(expected) => value == Some(&expected[..]),
        }
    }
}

/// Reads a decimal number as we write it: no plus sign, no leading zeros.
fn number(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
