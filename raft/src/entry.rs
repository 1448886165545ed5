//! What the log holds: commands of the application, and changes of the group itself (§5.3, §6).
//!
//! ```text
//!   Entry   3@2 --> context  payload
//!                      |        '-- Noop | Normal(bytes) | Change | ChangeV2
//!                      '-- the proposer's own mark, carried along and never read here
//! ```
//!
//! The rules of Raft look at an entry's name, and at its weight where there is a limit. What it says
//! is for those who apply it, and never changes: the log, a message to each peer, a Ready and the
//! application each hold an entry of their own, and all of them share what it says.

use crate::types::{EntryId, NodeId};
use bytes::Bytes;
use std::sync::Arc;

/// One entry of the log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Entry {
    /// Where it stands and which term created it.
    pub id: EntryId,
    proposal: Arc<Proposal>,
}

/// What was proposed, by a client or by the leader itself.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct Proposal {
    context: Bytes,
    payload: Payload,
}

/// What an entry says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Payload {
    /// Nothing: the first entry of every term, so that a leader has something of its own to commit
    /// (§5.4.2, §8).
    Noop,
    /// A command of the application.
    Normal(Bytes),
    /// One voter or learner more or less (thesis §4.1).
    Change(ConfChange),
    /// Several at once, through a joint configuration (§6, thesis §4.3).
    ChangeV2(ConfChangeV2),
}

impl Entry {
    /// What an entry weighs beside its context and payload, in bytes: its index and its term.
    const NAME_BYTES: u64 = 16;

    /// Returns an entry that no leader has given a place yet.
    pub fn unplaced(payload: Payload) -> Self {
        Entry::marked(Bytes::new(), payload)
    }

    /// Returns an entry with a mark of the proposer's, to know it by when it is applied. It has no place
    /// yet.
    pub fn marked(context: Bytes, payload: Payload) -> Self {
        Entry { id: EntryId::default(), proposal: Arc::new(Proposal { context, payload }) }
    }

    /// Returns the same at this place.
    pub fn at(self, id: EntryId) -> Self {
        Entry { id, ..self }
    }

    /// Returns the proposer's mark; no bytes if it has none.
    pub fn context(&self) -> &Bytes {
        &self.proposal.context
    }

    /// Returns what it says.
    pub fn payload(&self) -> &Payload {
        &self.proposal.payload
    }

    /// Returns what it weighs in a message, and among what is handed out to be applied, in bytes.
    pub fn size_bytes(&self) -> u64 {
        Self::NAME_BYTES + self.context().len() as u64 + self.payload().size_bytes()
    }

    /// Returns how many of `entries`, from the first on, weigh no more than `max_bytes` together; all
    /// of them if there is no limit.
    pub fn fitting(entries: &[Entry], max_bytes: Option<u64>) -> usize {
        let Some(mut left) = max_bytes else { return entries.len() };
        let too_much = entries.iter().position(|entry| {
            let fits = entry.size_bytes() <= left;
            left = left.saturating_sub(entry.size_bytes());
            !fits
        });
        too_much.unwrap_or(entries.len())
    }
}

impl Payload {
    /// Returns whether it changes the group.
    pub fn is_change(&self) -> bool {
        match self {
            Payload::Change(_) | Payload::ChangeV2(_) => true,
            Payload::Noop | Payload::Normal(_) => false,
        }
    }

    /// Returns how many bytes of the application's it carries; the group's own entries weigh nothing.
    /// Limits on what waits or is under way count these, as etcd's do.
    pub fn size_bytes(&self) -> u64 {
        match self {
            Payload::Normal(data) => data.len() as u64,
            Payload::Noop | Payload::Change(_) | Payload::ChangeV2(_) => 0,
        }
    }
}

/// One change of one member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConfChange {
    /// What becomes of it.
    pub kind: ChangeKind,
    /// Whom it is about.
    pub node: NodeId,
}

/// What becomes of a member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ChangeKind {
    /// It votes from now on.
    AddVoter,
    /// It receives the log and does not vote.
    AddLearner,
    /// It is no longer a member.
    Remove,
}

/// Several changes that take effect together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConfChangeV2 {
    /// How to leave the joint configuration.
    pub transition: Transition,
    /// The changes; none at all means "leave the joint configuration".
    pub changes: Vec<ConfChange>,
}

/// How a group leaves a joint configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Transition {
    /// By itself, and without one where a single change needs none.
    Auto,
    /// By itself, always through a joint configuration.
    Implicit,
    /// When told to.
    Explicit,
}
