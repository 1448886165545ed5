//! What a log is, without disks: groups, their entries in a vector, their keys in a map.
//!
//! ```text
//!   batch --> Log --> disk, crash, recovery --> Log'  -Model::read-.
//!      '----> Model --------------------------> Model ------- the same?
//! ```
//!
//! The model loses nothing and has no files: what a log shows must be an earlier state of the model.

use super::entries::names;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt;
use storage::{Batch, Disk, Entry, EntryId, GroupId, Index, Log, Term};

/// One thing that a batch does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BatchChange {
    /// Writes entries.
    Entries {
        /// Whose.
        group: GroupId,
        /// In order, without a gap.
        entries: Vec<Entry>,
    },
    /// Sets a key.
    Put {
        /// Whose.
        group: GroupId,
        /// Its name.
        key: Bytes,
        /// What it is from now on.
        value: Bytes,
    },
    /// Removes a key.
    Delete {
        /// Whose.
        group: GroupId,
        /// Its name.
        key: Bytes,
    },
    /// Removes entries up to and including `through`.
    Compact {
        /// Whose.
        group: GroupId,
        /// The last entry that goes.
        through: EntryId,
    },
    /// Removes all entries, and begins after `through`.
    Reset {
        /// Whose.
        group: GroupId,
        /// The entry before the first one that may follow.
        through: EntryId,
    },
    /// Removes a group.
    Remove {
        /// Which.
        group: GroupId,
    },
}

/// One group.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HeldGroup {
    /// The entry before the first.
    pub base: EntryId,
    /// The entries, without a gap.
    pub entries: Vec<Entry>,
    /// The keys and their values.
    pub keys: BTreeMap<Bytes, Bytes>,
}

/// All groups.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Model {
    /// By number.
    pub groups: BTreeMap<GroupId, HeldGroup>,
}

impl HeldGroup {
    /// Returns the index of the last entry; the base's if there is none.
    pub fn last(&self) -> u64 {
        self.base.index.0 + self.entries.len() as u64
    }

    /// Returns the term at an index of the log, or at its base.
    pub fn term(&self, index: Index) -> Option<Term> {
        if index == self.base.index {
            return Some(self.base.term);
        }
        let nth = index.0.checked_sub(self.base.index.next().0)?;
        self.entries.get(usize::try_from(nth).ok()?).map(|entry| entry.id.term)
    }
}

impl Model {
    /// Returns why a log that holds this refuses a change, if it does: the name of its error.
    fn refuses(&self, change: &BatchChange) -> Option<&'static str> {
        match change {
            BatchChange::Entries { group, entries } => {
                let held = self.groups.get(group);
                let mut last = held.map_or(0, HeldGroup::last);
                let base = held.map_or(0, |held| held.base.index.0);
                entries.iter().find_map(|entry| {
                    let index = entry.id.index.0;
                    let is_gap = index > last + 1;
                    last = index;
                    if index <= base { Some("Compacted") } else { is_gap.then_some("Gap") }
                })
            }
            BatchChange::Compact { group, through } => {
                let Some(held) = self.groups.get(group) else { return Some("UnknownGroup") };
                if through.index < held.base.index {
                    return Some("Compacted");
                }
                if through.index.0 > held.last() {
                    return Some("Gap");
                }
                (held.term(through.index) != Some(through.term)).then_some("Mismatch")
            }
            BatchChange::Remove { group } if !self.groups.contains_key(group) => {
                Some("UnknownGroup")
            }
            BatchChange::Put { .. }
            | BatchChange::Delete { .. }
            | BatchChange::Reset { .. }
            | BatchChange::Remove { .. } => None,
        }
    }

    /// Does all that a batch does, or nothing.
    ///
    /// # Errors
    /// Why the first change that does not fit is refused.
    pub fn append(&mut self, changes: &[BatchChange]) -> Result<(), &'static str> {
        let mut next = self.clone();
        for change in changes {
            next.refuses(change).map_or(Ok(()), Err)?;
            next.make(change);
        }
        next.forget_nothings();
        *self = next;
        Ok(())
    }

    /// Does what a batch does that fits.
    pub fn apply(&mut self, changes: &[BatchChange]) {
        changes.iter().for_each(|change| self.make(change));
        self.forget_nothings();
    }

    /// Removes groups that hold nothing: no log lists them.
    pub fn forget_nothings(&mut self) {
        self.groups.retain(|_, held| *held != HeldGroup::default());
    }

    fn make(&mut self, change: &BatchChange) {
        match change {
            BatchChange::Entries { group, entries } => {
                let held = self.groups.entry(*group).or_default();
                for entry in entries {
                    let kept = entry.id.index.0 - held.base.index.0 - 1;
                    held.entries.truncate(kept as usize);
                    held.entries.push(entry.clone());
                }
            }
            BatchChange::Put { group, key, value } => {
                let held = self.groups.entry(*group).or_default();
                held.keys.insert(key.clone(), value.clone());
            }
            BatchChange::Delete { group, key } => {
                if let Some(held) = self.groups.get_mut(group) {
                    held.keys.remove(key);
                }
            }
            BatchChange::Compact { group, through } => {
                let held = self.groups.entry(*group).or_default();
                held.entries.drain(..(through.index.0 - held.base.index.0) as usize);
                held.base = *through;
            }
            BatchChange::Reset { group, through } => {
                let held = self.groups.entry(*group).or_default();
                held.entries.clear();
                held.base = *through;
            }
            BatchChange::Remove { group } => {
                self.groups.remove(group);
            }
        }
    }

    /// Returns what a log holds, every byte of it read.
    ///
    /// # Panics
    /// If the log contradicts itself: where a test goes on with the model only if it does not.
    pub fn of<D: Disk>(log: &Log<D>) -> Model {
        Model::read(log).unwrap_or_else(|odd| panic!("the log contradicts itself: {odd}"))
    }

    /// Returns what a log holds, every byte of it read.
    ///
    /// # Errors
    /// A sentence, if it contradicts itself: every call is made.
    pub fn read<D: Disk>(log: &Log<D>) -> Result<Model, String> {
        let mut model = Model::default();
        for group in log.groups() {
            let (Some(first), Some(last)) = (log.first_index(group), log.last_index(group)) else {
                return Err(format!("{group} is listed, and has no first or no last index"));
            };
            let before = Index(first.0.saturating_sub(1));
            let Some(term) = log.term(group, before) else {
                return Err(format!("{group} begins with {first}, and knows no term at {before}"));
            };
            let entries = log.entries(group, first..last.next(), u64::MAX);
            let entries = entries.map_err(|e| format!("reading {group} {first}..={last}: {e}"))?;
            if entries.len() as u64 != last.0 + 1 - first.0 {
                let names = names(&entries);
                return Err(format!("{group} says {first}..={last}, and reads {names}"));
            }
            if let Some(odd) =
                entries.iter().find(|e| log.term(group, e.id.index) != Some(e.id.term))
            {
                return Err(format!("{group} holds {}, and says another term of it", odd.id));
            }
            let keys = log.scan(group, b"").into_iter().collect();
            let base = EntryId { index: before, term };
            model.groups.insert(group, HeldGroup { base, entries, keys });
        }
        Ok(model)
    }
}

impl BatchChange {
    /// Writes these entries.
    pub fn entries(group: GroupId, entries: Vec<Entry>) -> BatchChange {
        BatchChange::Entries { group, entries }
    }

    /// Sets a key.
    pub fn put(group: GroupId, key: &'static str, value: &'static str) -> BatchChange {
        BatchChange::Put { group, key: Bytes::from(key), value: Bytes::from(value) }
    }

    /// Returns the group.
    pub fn group(&self) -> GroupId {
        match self {
            BatchChange::Entries { group, .. }
            | BatchChange::Put { group, .. }
            | BatchChange::Delete { group, .. }
            | BatchChange::Compact { group, .. }
            | BatchChange::Reset { group, .. }
            | BatchChange::Remove { group } => *group,
        }
    }
}

/// Returns the batch that makes these changes.
pub fn batch_of(changes: &[BatchChange]) -> Batch {
    let mut batch = Batch::new();
    for change in changes {
        match change {
            BatchChange::Entries { group, entries } => batch.entries(*group, entries),
            BatchChange::Put { group, key, value } => batch.put(*group, key, value),
            BatchChange::Delete { group, key } => batch.delete(*group, key),
            BatchChange::Compact { group, through } => batch.compact(*group, *through),
            BatchChange::Reset { group, through } => batch.reset(*group, *through),
            BatchChange::Remove { group } => batch.remove_group(*group),
        };
    }
    batch
}

/// Writes bytes in short: as text if they are short and readable.
fn said(bytes: &Bytes) -> String {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= 8);
    let text = text.filter(|text| text.chars().all(|c| c.is_ascii_graphic()));
    text.map_or_else(|| format!("({} bytes)", bytes.len()), str::to_owned)
}

/// `put g7 vote=n2`, `append g7 1..=3@1`.
impl fmt::Display for BatchChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = self.group();
        match self {
            BatchChange::Entries { entries, .. } => write!(f, "append {group} {}", runs(entries)),
            BatchChange::Put { key, value, .. } => {
                write!(f, "put {group} {}={}", said(key), said(value))
            }
            BatchChange::Delete { key, .. } => write!(f, "delete {group} {}", said(key)),
            BatchChange::Compact { through, .. } => write!(f, "compact {group} {through}"),
            BatchChange::Reset { through, .. } => write!(f, "reset {group} {through}"),
            BatchChange::Remove { .. } => write!(f, "remove {group}"),
        }
    }
}

/// `g7 1..=3@1 4@2 vote=n2; g9 after 4@1`.
impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.groups.is_empty() {
            return f.write_str("nothing");
        }
        for (n, (group, held)) in self.groups.iter().enumerate() {
            write!(f, "{}{group}", if n == 0 { "" } else { "; " })?;
            if held.base != EntryId::default() {
                write!(f, " after {}", held.base)?;
            }
            if !held.entries.is_empty() {
                write!(f, " {}", runs(&held.entries))?;
            }
            for (key, value) in &held.keys {
                write!(f, " {}={}", said(key), said(value))?;
            }
        }
        Ok(())
    }
}

/// Writes entries in short: consecutive ones of one term are one run.
fn runs(entries: &[Entry]) -> String {
    let mut runs: Vec<(EntryId, EntryId)> = Vec::new();
    for entry in entries {
        match runs.last_mut() {
            Some((_, last))
                if last.term == entry.id.term && last.index.next() == entry.id.index =>
            {
                *last = entry.id;
            }
            Some(_) | None => runs.push((entry.id, entry.id)),
        }
    }
    let say = |(first, last): &(EntryId, EntryId)| match first == last {
        true => first.to_string(),
        false => format!("{}..={last}", first.index),
    };
    runs.iter().map(say).collect::<Vec<_>>().join(" ")
}
