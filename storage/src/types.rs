//! The basic types: identifiers, numbers and entries.
//!
//! ```text
//!   frame  lsn 1   lsn 2   lsn 3   lsn 4      the order in which frames were written
//!   g7     1@1     2@1             3@2        the order in one group: its entries, index@term
//!   g9             1@1     2@1
//! ```
//!
//! The engine knows nothing of Raft: an entry is bytes at an index of a numbered group. The engine
//! stores each entry's term because readers ask for terms more often than for bytes.

use bytes::Bytes;
use std::fmt;

/// A group's number. Each group has a log and keys of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupId(pub u64);

/// A log sequence number: the number of a frame. The first frame has 1; 0 is before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Lsn(pub u64);

/// A segment's number; its file is named after it. The first is 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SegmentId(pub u32);

/// An index in a group's log. The first entry has index 1; 0 is before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Index(pub u64);

/// The term of an entry. The engine only tests whether two terms are equal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Term(pub u64);

/// The index and the term of an entry, printed `5@2`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct EntryId {
    /// The term in which the entry was made.
    pub term: Term,
    /// The index of the entry.
    pub index: Index,
}

/// An entry: an id, and bytes that mean nothing to the engine.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Entry {
    /// The index and the term.
    pub id: EntryId,
    /// The bytes; there may be none.
    pub data: Bytes,
}

impl Lsn {
    /// The largest LSN that a frame may have: the next number still fits a `u64`. A million frames
    /// a second reach it after 146,000 years, so no frame on a disk has a larger one.
    pub const LAST: Lsn = Lsn(1 << 62);

    /// Returns the number after this one.
    pub fn next(self) -> Lsn {
        Lsn(self.0 + 1)
    }

    /// Returns the number before this one; 0 stays 0.
    pub fn before(self) -> Lsn {
        Lsn(self.0.saturating_sub(1))
    }
}

impl SegmentId {
    /// The first segment of a new store.
    pub const FIRST: SegmentId = SegmentId(1);

    /// Returns the number of the next segment, or `None` after the largest. With segments of 64
    /// MiB, the numbers last for 256 PiB of log.
    pub fn next(self) -> Option<SegmentId> {
        self.0.checked_add(1).map(SegmentId)
    }
}

impl Index {
    /// The largest index that an entry may have: the next number still fits a `u64`.
    pub const LAST: Index = Index(1 << 62);

    /// Returns the next index.
    pub fn next(self) -> Index {
        Index(self.0 + 1)
    }
}

impl EntryId {
    /// Returns the id `index@term`.
    pub fn new(index: u64, term: u64) -> EntryId {
        EntryId { term: Term(term), index: Index(index) }
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}", self.0)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.index, self.term)
    }
}
