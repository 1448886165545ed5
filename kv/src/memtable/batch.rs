//! A batch: changes of any families that are written as a whole, or not at all.

use super::{Family, wal};
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

impl Change {
    /// Returns the length of the change in the write-ahead log.
    fn size_bytes(&self) -> usize {
        let lengths = match self {
            Change::Put { key, value } => 8 + key.len() + value.len(),
            Change::Delete { key } => 4 + key.len(),
            Change::DeleteRange { from, to: None } => 5 + from.len(),
            Change::DeleteRange { from, to: Some(to) } => 9 + from.len() + to.len(),
        };
        1 + lengths
    }
}

/// Changes that are written together, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WriteBatch {
    changes: Vec<(Family, Change)>,
    /// The length of the changes in the write-ahead log.
    bytes: usize,
}

impl WriteBatch {
    /// Returns an empty batch.
    pub fn new() -> WriteBatch {
        WriteBatch::default()
    }

    /// Sets the value of a key.
    pub fn put(&mut self, family: Family, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.push(family, Change::Put { key: key.into(), value: value.into() });
    }

    /// Removes a key. The key need not exist.
    pub fn delete(&mut self, family: Family, key: impl Into<Bytes>) {
        self.push(family, Change::Delete { key: key.into() });
    }

    /// Removes all keys in `from..to`; all keys from `from` on if `to` is none.
    pub fn delete_range(&mut self, family: Family, from: impl Into<Bytes>, to: Option<Bytes>) {
        self.push(family, Change::DeleteRange { from: from.into(), to });
    }

    /// Adds the changes of another batch behind those of this one.
    pub fn append(&mut self, other: WriteBatch) {
        self.bytes += other.bytes;
        self.changes.extend(other.changes);
    }

    fn push(&mut self, family: Family, change: Change) {
        self.bytes += change.size_bytes();
        self.changes.push((family, change));
    }

    /// Returns the length of the batch in the write-ahead log.
    pub fn size_bytes(&self) -> usize {
        wal::HEAD_BYTES + self.bytes
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
        self.bytes = 0;
    }
}

impl FromIterator<(Family, Change)> for WriteBatch {
    fn from_iter<I: IntoIterator<Item = (Family, Change)>>(changes: I) -> WriteBatch {
        let mut batch = WriteBatch::new();
        changes.into_iter().for_each(|(family, change)| batch.push(family, change));
        batch
    }
}
