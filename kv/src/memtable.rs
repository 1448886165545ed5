//! The memtable engine: an ordered store in memory, with snapshots and a write-ahead log.

mod batch; // what is written together

pub use batch::{Change, WriteBatch};

use bytes::Bytes;

/// A column family: one of four ordered maps that share the write-ahead log. A batch may change
/// several of them, as a whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    /// The application's data.
    Default,
    /// Locks of transactions.
    Lock,
    /// Commit records of transactions.
    Write,
    /// The store's own state: regions, and how far they are applied.
    Raft,
}

impl Family {
    /// All families, in the order of their numbers.
    pub const ALL: [Family; 4] = [Family::Default, Family::Lock, Family::Write, Family::Raft];

    /// Returns the family's number: its place in [`Family::ALL`], also in the format of a batch.
    pub fn number(self) -> usize {
        match self {
            Family::Default => 0,
            Family::Lock => 1,
            Family::Write => 2,
            Family::Raft => 3,
        }
    }
}

/// Something that values are read from: the memtable itself, or a snapshot of it.
pub trait Reader {
    /// Returns the value of a key.
    fn get(&self, family: Family, key: &[u8]) -> Option<Bytes>;
}
