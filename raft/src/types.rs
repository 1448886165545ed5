//! The words everything else is written in.
//!
//! Newtypes, so that a term is never added to an index; `Option` for "none", never zero.
//!
//! ```text
//!   index   1    2    3    4
//!   log   1@1  2@1  3@2  4@2      an entry's id: its index @ the term that created it
//! ```

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Add;

/// The id of a node, from 1. Never reused, not even after the node was removed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NodeId(pub u64);

/// A term: Raft's logical clock (§5.1). It only grows; 0 is the term before any election.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Term(pub u64);

/// An index of the log. The first entry is at 1; 0 is the index before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Index(pub u64);

/// The id of an entry: no two different entries share it (Log Matching, Fig. 3).
///
/// Ids are ordered as §5.4.1 compares logs, because the fields are in this order: the later term
/// wins, and within a term the longer log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct EntryId {
    /// The term in which a leader created the entry.
    pub term: Term,
    /// The entry's index.
    pub index: Index,
}

/// The number of a Ready of one node, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ReadyNumber(pub u64);

impl Term {
    /// The last term. A message of this term is refused, because no term would be left above it: the
    /// node could neither campaign nor be heard. A cluster that held a thousand elections a second
    /// would reach this term in 146 million years, so such a message is damaged or hostile.
    pub const LAST: Term = Term(1 << 62);

    /// Returns the term after this one.
    pub fn next(self) -> Term {
        Term(self.0 + 1)
    }
}

impl Index {
    /// The last index that a message may carry. A larger one is damaged or hostile; up to here a node
    /// can add to an index without overflow.
    pub const LAST: Index = Index(1 << 62);
}

impl EntryId {
    /// Returns whether exactly one of term and index is 0. No entry has such an id: the first entry is
    /// `1@1` or later, and the position before it is `0@0`.
    pub(crate) fn is_impossible(self) -> bool {
        (self.term == Term(0)) != (self.index == Index(0))
    }
}

impl Add<u64> for Index {
    type Output = Index;

    /// Returns the index that is `distance` entries further on.
    fn add(self, distance: u64) -> Index {
        Index(self.0 + distance)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ReadyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.index, self.term)
    }
}

/// A value that is carried along and does not make two states different: two nodes that differ in it
/// alone behave alike. The explorer of the test bed folds such states into one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uncompared<T>(pub(crate) T);

impl<T> PartialEq for Uncompared<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Uncompared<T> {}

impl<T> Hash for Uncompared<T> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
