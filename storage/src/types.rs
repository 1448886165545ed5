//! The words everything else is written in.
//!
//! ```text
//!   frame  lsn 1   lsn 2   lsn 3   lsn 4      the one order: what was written when
//!   g7     1@1     2@1             3@2        a group's own order: its entries, index@term
//!   g9             1@1     2@1
//! ```
//!
//! The engine knows nothing of Raft: an entry is bytes at a place of a numbered group, and carries a
//! term only because its reader asks for terms more often than for bytes.

use bytes::Bytes;
use std::fmt;

/// A group: whose log, and whose keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupId(pub u64);

/// A log sequence number: the place of a frame among all frames. The first is 1; 0 is before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Lsn(pub u64);

/// A segment's number, which is its file's name. The first is 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SegmentId(pub u32);

/// A place in a group's log. The first entry stands at 1; 0 is the place before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Index(pub u64);

/// The term of an entry. The engine compares terms for equality and for nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Term(pub u64);

/// An entry's whole name, printed `5@2`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct EntryId {
    /// The term in which it was made.
    pub term: Term,
    /// Its place.
    pub index: Index,
}

/// An entry: a name, and bytes that mean nothing to the engine.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Entry {
    /// Its name.
    pub id: EntryId,
    /// Its bytes; none at all is fine.
    pub data: Bytes,
}

impl Lsn {
    /// The last number a frame may have: from here one can still count on. At a million frames a
    /// second it is reached in 146,000 years, so a larger one was never written.
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

    /// Returns the segment after this one, if there are numbers left: at 64 MiB a segment, they last
    /// for 256 PiB.
    pub fn next(self) -> Option<SegmentId> {
        self.0.checked_add(1).map(SegmentId)
    }
}

impl Index {
    /// The last place an entry may stand at: from here one can still count on.
    pub const LAST: Index = Index(1 << 62);

    /// Returns the place after this one.
    pub fn next(self) -> Index {
        Index(self.0 + 1)
    }
}

impl EntryId {
    /// Returns the name `index@term`.
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
