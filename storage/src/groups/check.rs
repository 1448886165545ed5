//! Checks whether a batch fits the log, before any byte of it is written.
//!
//! ```text
//!   log of g7     4@2 | 5@2 6@2
//!   batch         entry 7@3   compact 6@2   entry 9@3
//!                  fits        fits          Gap: the log would end at 7
//! ```
//!
//! Each item is checked against the log as it would be after the items before it. The log itself
//! does not change.

use super::Groups;
use crate::error::{Error, Result};
use crate::format::{Item, Op};
use crate::types::{EntryId, GroupId, Index, Term};
use std::collections::BTreeMap;

/// A group's log as it would be after the batch's items so far.
#[derive(Clone, Debug)]
struct NextState {
    /// Whether the group exists.
    exists: bool,
    base: EntryId,
    last: Index,
    /// Up to this index the batch changes no entry: terms come from the group.
    kept: Index,
    /// The entries after `kept`: the batch writes them.
    written: Vec<EntryId>,
}

/// Checks that a batch fits.
///
/// # Errors
/// The error of the first item that does not fit.
pub(crate) fn check(groups: &Groups, items: &[Item]) -> Result<()> {
    let Some(first) = items.first() else { return Ok(()) };
    // Most batches change one group and then the next: consecutive items need no lookup.
    let (mut group, mut next_state) = (first.group, NextState::of(groups, first.group));
    let mut others: BTreeMap<GroupId, NextState> = BTreeMap::new();
    for item in items {
        if item.group != group {
            let next = others.remove(&item.group);
            let next = next.unwrap_or_else(|| NextState::of(groups, item.group));
            others.insert(group, std::mem::replace(&mut next_state, next));
            group = item.group;
        }
        match item.op {
            Op::Entry { id } => next_state.append(item.group, id)?,
            Op::Compact { through } => next_state.compact(groups, item.group, through)?,
            Op::Reset { through } => next_state.reset(item.group, through)?,
            Op::Clean => next_state.clean(item.group)?,
            Op::Put { .. } => next_state.exists = true,
            // A key need not exist; garbage collection picks moved entries under the writer's lock.
            Op::Delete | Op::Moved { .. } => {}
        }
    }
    Ok(())
}

impl NextState {
    /// Returns the state of a group before the batch.
    fn of(groups: &Groups, group: GroupId) -> NextState {
        let (base, last) = match groups.get(group) {
            Some(held) => (held.base().0, held.last_index()),
            None => (EntryId::default(), Index(0)),
        };
        let exists = groups.get(group).is_some();
        NextState { exists, base, last, kept: last, written: Vec::new() }
    }

    /// Checks an entry: it must follow the last entry, or replace an entry after the base.
    fn append(&mut self, group: GroupId, id: EntryId) -> Result<()> {
        let index = id.index;
        if index > Index::LAST || index == Index(0) {
            return Err(Error::OutOfRange { group, index });
        }
        if index <= self.base.index {
            return Err(Error::Compacted { group, index, first: self.base.index.next() });
        }
        if index > self.last.next() {
            return Err(Error::Gap { group, index, last: self.last });
        }
        self.kept = self.kept.min(Index(index.0 - 1));
        let still_there = self.written.partition_point(|written| written.index < index);
        self.written.truncate(still_there);
        self.written.push(id);
        self.last = index;
        self.exists = true;
        Ok(())
    }

    /// Checks a compaction: it must name an entry of the log, or the base.
    fn compact(&mut self, groups: &Groups, group: GroupId, through: EntryId) -> Result<()> {
        if !self.exists {
            return Err(Error::UnknownGroup { group });
        }
        let index = through.index;
        if index < self.base.index {
            return Err(Error::Compacted { group, index, first: self.base.index.next() });
        }
        if index > self.last {
            return Err(Error::Gap { group, index, last: self.last });
        }
        let held = self.term(groups, group, index);
        if held != Some(through.term) {
            let held = held.unwrap_or_default();
            return Err(Error::Mismatch { group, named: through, held });
        }
        self.base = through;
        Ok(())
    }

    /// Checks a reset: it may name any index that an entry may have, or 0.
    fn reset(&mut self, group: GroupId, through: EntryId) -> Result<()> {
        if through.index > Index::LAST {
            return Err(Error::OutOfRange { group, index: through.index });
        }
        *self = NextState {
            exists: true,
            base: through,
            last: through.index,
            kept: Index(0),
            written: Vec::new(),
        };
        Ok(())
    }

    /// Checks a removal: the group must exist.
    fn clean(&mut self, group: GroupId) -> Result<()> {
        if !self.exists {
            return Err(Error::UnknownGroup { group });
        }
        *self = NextState {
            exists: false,
            base: EntryId::default(),
            last: Index(0),
            kept: Index(0),
            written: Vec::new(),
        };
        Ok(())
    }

    /// Returns the term of the entry at an index, or of the base.
    fn term(&self, groups: &Groups, group: GroupId, index: Index) -> Option<Term> {
        if index == self.base.index {
            return Some(self.base.term);
        }
        if index <= self.kept {
            return groups.get(group)?.term(index);
        }
        let written = self.written.binary_search_by_key(&index, |written| written.index).ok()?;
        Some(self.written[written].term)
    }
}
