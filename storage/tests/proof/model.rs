//! The model: a log without disks. Groups, their entries in a vector, their keys in a map.

use bytes::Bytes;
use std::collections::BTreeMap;
use storage::{Batch, Disk, Entry, EntryId, GroupId, Index, Log, Term};

/// One change of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    Entries(GroupId, Vec<Entry>),
    Put(GroupId, Vec<u8>, Vec<u8>),
    Delete(GroupId, Vec<u8>),
    Compact(GroupId, EntryId),
    Reset(GroupId, EntryId),
    Remove(GroupId),
}

/// What one group holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Held {
    pub(crate) base: EntryId,
    pub(crate) entries: Vec<Entry>,
    pub(crate) keys: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What all groups hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Model {
    pub(crate) groups: BTreeMap<GroupId, Held>,
}

impl Held {
    pub(crate) fn last(&self) -> u64 {
        self.base.index.0 + self.entries.len() as u64
    }
}

impl Model {
    /// Applies the changes of a batch.
    pub(crate) fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Entries(group, entries) => {
                    let held = self.groups.entry(*group).or_default();
                    for entry in entries {
                        let kept = entry.id.index.0 - held.base.index.0 - 1;
                        held.entries.truncate(kept as usize);
                        held.entries.push(entry.clone());
                    }
                }
                Change::Put(group, key, value) => {
                    let held = self.groups.entry(*group).or_default();
                    held.keys.insert(key.clone(), value.clone());
                }
                Change::Delete(group, key) => {
                    if let Some(held) = self.groups.get_mut(group) {
                        held.keys.remove(key);
                    }
                }
                Change::Compact(group, through) => {
                    let held = self.groups.entry(*group).or_default();
                    held.entries.drain(..(through.index.0 - held.base.index.0) as usize);
                    held.base = *through;
                }
                Change::Reset(group, through) => {
                    let held = self.groups.entry(*group).or_default();
                    held.entries.clear();
                    held.base = *through;
                }
                Change::Remove(group) => {
                    self.groups.remove(group);
                }
            }
            self.remove_empty_groups();
        }
    }

    /// Removes groups that hold nothing.
    pub(crate) fn remove_empty_groups(&mut self) {
        self.groups.retain(|_, held| *held != Held::default());
    }

    /// Reads every byte of a log, and returns what it holds.
    pub(crate) fn of<D: Disk>(log: &Log<D>) -> Model {
        let mut model = Model::default();
        for group in log.groups() {
            let first = log.first_index(group).unwrap();
            let last = log.last_index(group).unwrap();
            let before = Index(first.0 - 1);
            let base = EntryId { index: before, term: log.term(group, before).unwrap() };
            let entries = log.entries(group, first..Index(last.0 + 1), u64::MAX).unwrap();
            for entry in &entries {
                assert_eq!(log.term(group, entry.id.index), Some(entry.id.term));
            }
            let keys = log.scan(group, b"").into_iter();
            let keys = keys.map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
            model.groups.insert(group, Held { base, entries, keys });
        }
        model
    }
}

/// Returns the batch that makes these changes.
pub(crate) fn batch_of(changes: &[Change]) -> Batch {
    let mut batch = Batch::new();
    for change in changes {
        match change {
            Change::Entries(group, entries) => batch.entries(*group, entries),
            Change::Put(group, key, value) => batch.put(*group, key, value),
            Change::Delete(group, key) => batch.delete(*group, key),
            Change::Compact(group, through) => batch.compact(*group, *through),
            Change::Reset(group, through) => batch.reset(*group, *through),
            Change::Remove(group) => batch.remove_group(*group),
        };
    }
    batch
}

/// Returns an entry of `len` bytes, which repeat its index and term.
pub(crate) fn entry(index: u64, term: u64, len: usize) -> Entry {
    let data = format!("{index}@{term};").into_bytes().into_iter().cycle().take(len);
    Entry { id: EntryId { term: Term(term), index: Index(index) }, data: Bytes::from_iter(data) }
}
