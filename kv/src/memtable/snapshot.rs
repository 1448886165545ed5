//! A snapshot: all families as they were at one moment.

use super::batch::{Change, WriteBatch};
use super::iterator::{Iter, KeyRange};
use super::tree::{Size, Tree};
use super::{Family, Reader};
use bytes::Bytes;

/// The families at one moment. It costs four counters to take, and memory only for what is changed after
/// it. It does not change.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    trees: [Tree; 4],
}

impl Snapshot {
    /// Returns the keys of a range and their values, in order, from both ends.
    pub fn iter(&self, family: Family, range: &KeyRange) -> Iter<'_> {
        self.tree(family).iter(range)
    }

    /// Returns the size of a family's keys and values in a range. Looks at the two paths at its ends.
    pub fn size(&self, family: Family, range: &KeyRange) -> Size {
        self.tree(family).range_size(&range.from, range.to.as_deref())
    }

    /// Returns the size of all families together.
    pub fn total_size(&self) -> Size {
        self.trees.iter().map(Tree::size).sum()
    }

    /// Makes the changes of a batch.
    pub(super) fn apply(&mut self, batch: &WriteBatch) {
        for (family, change) in batch.changes() {
            let tree = &mut self.trees[family.number()];
            match change {
                Change::Put { key, value } => tree.insert(key.clone(), value.clone()),
                Change::Delete { key } => tree.remove(key),
                Change::DeleteRange { from, to } => tree.remove_range(from, to.as_deref()),
            }
        }
    }

    fn tree(&self, family: Family) -> &Tree {
        &self.trees[family.number()]
    }
}

impl Reader for Snapshot {
    fn get(&self, family: Family, key: &[u8]) -> Option<Bytes> {
        self.tree(family).get(key).cloned()
    }
}
