//! Names that the tests of one node share.
//!
//! ```text
//!   n1   a real node
//!   n2   n3   the test
//! ```

use raft::{EntryId, Index, NodeId, Term};

/// The node that is tested.
pub(crate) const N1: NodeId = NodeId(1);
/// A node that the test plays.
pub(crate) const N2: NodeId = NodeId(2);
/// A node that the test plays.
pub(crate) const N3: NodeId = NodeId(3);

/// Returns an entry's id.
pub(crate) fn id(index: u64, term: u64) -> EntryId {
    EntryId { index: Index(index), term: Term(term) }
}
