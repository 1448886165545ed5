//! The outbox: what leaves a node, sorted by what must be durable first.
//!
//! ```text
//!   now        --------------------------------> network
//!   promised   --- hard state, entries durable --> network
//!   own        --- hard state, entries durable --> the node itself
//!   reads      --------------------------------> the application
//! ```

use crate::message::{Message, ReadState};
use crate::state::Snapshot;

/// What leaves a node, sorted by what must be durable first.
///
/// The owner's duty, in this order. Let `now` leave at any time. Make
/// [`Raft::hard_state`](crate::Raft::hard_state) and the entries of
/// [`Raft::take_unwritten`](crate::Raft::take_unwritten) durable. Then let `promised` leave, give `own`
/// back through [`Raft::step_own`](crate::Raft::step_own), and report by
/// [`Raft::stable_to`](crate::Raft::stable_to) how far storage holds the log now.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Outbox {
    /// May leave at once.
    pub now: Vec<Message>,
    /// Promises to others: a vote asked for, a vote granted, entries acknowledged. If one left before
    /// what it promises was durable, a crash would let the node vote twice in a term, or lose an
    /// entry that a leader has counted.
    pub promised: Vec<Message>,
    /// Promises to the node itself: its own vote, its own entries. They count once they are durable.
    pub own: Vec<Message>,
    /// Reads that have ended.
    pub reads: Vec<ReadState>,
    /// A leader's snapshot, to be installed before anything else of this outbox becomes durable: it replaces
    /// the log and the members in storage, and the application's state. Then tell the node
    /// ([`Raft::snapshot_installed`](crate::Raft::snapshot_installed)).
    pub snapshot: Option<Box<Snapshot>>,
}
