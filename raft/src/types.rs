//! The words everything else is written in.
//!
//! Newtypes, so that a term is never added to an index; `Option` for "none", never zero.
//!
//! ```text
//!   index   1    2    3    4
//!   log   1@1  2@1  3@2  4@2      an entry's name: its index @ the term that created it
//! ```

use std::fmt;
use std::ops::Add;

/// The name of a node, from 1. Never reused, not even after the node was removed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(pub u64);

/// A term: Raft's logical clock (§5.1). It only ever grows; 0 is the term before any election.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Term(pub u64);

/// A place in the log. The first entry stands at 1; 0 is the place before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Index(pub u64);

/// An entry's whole name: no two different entries share it (Log Matching, Fig. 3).
///
/// Its order is the order of §5.4.1, since the fields stand in this order: the later term wins, and
/// within a term the longer log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct EntryId {
    /// The term in which a leader created it.
    pub term: Term,
    /// Its place.
    pub index: Index,
}

impl Term {
    /// The latest term a message may carry. A cluster that held a thousand elections a second would
    /// reach it in 146 million years, so a message beyond it is damaged or hostile; and from here a
    /// node can still count on without running out of numbers.
    pub const LAST: Term = Term(1 << 62);

    /// Returns the term after this one.
    pub fn next(self) -> Term {
        Term(self.0 + 1)
    }
}

impl Index {
    /// The last place a message may speak of, as [`Term::LAST`] is the last term: from here one can
    /// still count on without running out of numbers.
    pub const LAST: Index = Index(1 << 62);
}

impl Add<u64> for Index {
    type Output = Index;

    /// Returns the place `places` further on.
    fn add(self, places: u64) -> Index {
        Index(self.0 + places)
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

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.index, self.term)
    }
}
