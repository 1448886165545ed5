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
use std::ops::Bound;

/// How many bytes a change takes besides its keys and values.
const CHANGE_BYTES: usize = 9;

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
    /// The ranges that were removed, without overlaps, by their first keys. Keys in `changed` were changed
    /// after that.
    removed: BTreeMap<Bytes, Option<Bytes>>,
}

impl<'a, R: Reader> Pending<'a, R> {
    /// Returns no changes over `base`.
    pub fn new(base: &'a R) -> Pending<'a, R> {
        let (batch, changed, removed) = (WriteBatch::new(), BTreeMap::new(), BTreeMap::new());
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
        let up_to = (Bound::Unbounded, Bound::Included(key));
        let before = self.removed.range::<[u8], _>(up_to).next_back();
        if before.is_some_and(|(_, to)| to.as_deref().is_none_or(|to| key < to)) {
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
        self.batch.delete_range(Family::Default, from.clone(), to.clone());
        if to.as_ref().is_some_and(|to| *to <= from) {
            return;
        }
        let is_within = |key: &Bytes| to.as_ref().is_none_or(|to| key < to);
        let changed = self.changed.range(from.clone()..).map(|(key, _)| key.clone());
        let gone: Vec<_> = changed.take_while(is_within).collect();
        gone.iter().for_each(|key| drop(self.changed.remove(key)));
        self.note_removed(from, to);
    }

    /// Adds a range to those that were removed. The ranges that it touches become one with it: so each
    /// range is looked at twice at most.
    fn note_removed(&mut self, mut from: Bytes, mut to: Option<Bytes>) {
        loop {
            let up_to = to.as_ref().map_or(Bound::Unbounded, Bound::Included);
            let range = (Bound::Unbounded, up_to);
            let Some((begin, end)) = self.removed.range::<Bytes, _>(range).next_back() else {
                break;
            };
            if end.as_ref().is_some_and(|end| *end < from) {
                break;
            }
            let (begin, end) = (begin.clone(), end.clone());
            self.removed.remove(&begin);
            from = from.min(begin);
            to = to.zip(end).map(|(to, end)| to.max(end));
        }
        self.removed.insert(from, to);
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
    /// What the entry changes with this command, in bytes.
    bytes: usize,
}

/// Evaluates a write on a region: makes its changes, or refuses it and changes nothing.
pub fn evaluate<R: Reader>(
    write: &Write,
    region: &Region,
    pending: &mut Pending<'_, R>,
) -> Outcome {
    let mut plan = Plan { pending, region, planned: Vec::new(), bytes: pending.entry_bytes };
    match plan.write(write) {
        Err(refusal) => Outcome::Refused(refusal),
        Ok(outcome) => {
            let Plan { planned, bytes, .. } = plan;
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
            Write::Put { key, value } => self.put(key, value),
            Write::Delete { key } => {
                self.check_key(key)?;
                self.take_room(key.len())?;
                self.planned.push(Planned::Delete(key));
                Ok(Outcome::Done)
            }
            Write::DeleteRange { from, to } => self.delete_range(from, to.as_ref()),
            Write::Add { key, delta } => self.add(key, *delta),
            Write::Append { key, value } => self.append(key, value),
            Write::Txn { compares, then, otherwise } => self.txn(compares, then, otherwise),
        }
    }

    fn put(&mut self, key: &'w Bytes, value: &[u8]) -> Result<Outcome, Refusal> {
        self.check_key(key)?;
        self.take_room(key.len() + value.len())?;
        self.planned.push(Planned::Put(key, Bytes::copy_from_slice(value)));
        Ok(Outcome::Done)
    }

    /// Removes what the region has of a range: keys of other regions are not ours to remove.
    fn delete_range(&mut self, from: &Bytes, to: Option<&Bytes>) -> Result<Outcome, Refusal> {
        let from = from.max(&self.region.start).clone();
        let end = self.region.end.as_ref();
        let to = match (to, end) {
            (Some(to), Some(end)) => Some(to.min(end)),
            (to, end) => to.or(end),
        };
        self.take_room(from.len() + to.map_or(0, Bytes::len))?;
        self.planned.push(Planned::DeleteRange(from, to.cloned()));
        Ok(Outcome::Done)
    }

    fn add(&mut self, key: &'w Bytes, delta: i64) -> Result<Outcome, Refusal> {
        self.check_key(key)?;
        let before = match self.get(key) {
            None => 0,
            Some(text) => number(&text).ok_or(Refusal::NotANumber)?,
        };
        let sum = before.checked_add(delta);
        let sum = sum.ok_or(Refusal::OutOfRange)?;
        let text = sum.to_string();
        self.take_room(key.len() + text.len())?;
        self.planned.push(Planned::Put(key, text.into()));
        Ok(Outcome::Number(sum))
    }

    fn append(&mut self, key: &'w Bytes, tail: &[u8]) -> Result<Outcome, Refusal> {
        self.check_key(key)?;
        let before = self.get(key).unwrap_or_default();
        let length = before.len() + tail.len();
        self.take_room(key.len() + length)?; // before memory is taken for it
        self.planned.push(Planned::Put(key, [&before[..], tail].concat().into()));
        Ok(Outcome::Length(length as u64))
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

    /// Counts a change whose keys and values have so many bytes: about what it takes in the write-ahead
    /// log.
    fn take_room(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.bytes += CHANGE_BYTES + bytes;
        if self.bytes > self.pending.limit_bytes {
            return Err(Refusal::TooLong { bytes: self.bytes as u64 });
        }
        Ok(())
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
