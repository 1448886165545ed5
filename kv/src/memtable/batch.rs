//! A batch: changes of any families that are written as a whole, or not at all.

use super::Family;
use bytes::Bytes;

/// One change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Sets the value of a key.
    Put {
        /// The key.
        key: Bytes,
        /// The value.
        value: Bytes,
    },
    /// Removes a key. The key need not exist.
    Delete {
        /// The key.
        key: Bytes,
    },
    /// Removes all keys in `from..to`.
    DeleteRange {
        /// The first key that is removed.
        from: Bytes,
        /// The first key after `from` that stays; all keys from `from` on go if there is none.
        to: Option<Bytes>,
    },
}

/// Changes that are written together, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WriteBatch {
    changes: Vec<(Family, Change)>,
}

impl WriteBatch {
    /// Returns an empty batch.
    pub fn new() -> WriteBatch {
        WriteBatch::default()
    }

    /// Sets the value of a key.
    pub fn put(&mut self, family: Family, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.changes.push((family, Change::Put { key: key.into(), value: value.into() }));
    }

    /// Removes a key. The key need not exist.
    pub fn delete(&mut self, family: Family, key: impl Into<Bytes>) {
        self.changes.push((family, Change::Delete { key: key.into() }));
    }

    /// Removes all keys in `from..to`; all keys from `from` on if `to` is none.
    pub fn delete_range(&mut self, family: Family, from: impl Into<Bytes>, to: Option<Bytes>) {
        self.changes.push((family, Change::DeleteRange { from: from.into(), to }));
    }

    /// Returns the changes, in order.
    pub fn changes(&self) -> &[(Family, Change)] {
        &self.changes
    }

    /// Returns whether the batch changes nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Empties the batch, and keeps its memory.
    pub fn clear(&mut self) {
        self.changes.clear();
    }
}
