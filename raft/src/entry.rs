//! What the log holds: commands of the application, and changes of the group itself (§5.3, §6).
//!
//! ```text
//!   Entry   3@2 --> context  payload
//!                      |        '-- Noop | Normal(bytes) | Change | ChangeV2
//!                      '-- the proposer's own mark: carried along, never read here
//! ```
//!
//! The rules of Raft look at an entry's id, and at its size where there is a limit. Its content is for
//! the application, and never changes. The log, a message to each peer, a Ready and the application
//! each hold an `Entry` of their own; all of them share one content.

use crate::types::{EntryId, NodeId};
use bytes::Bytes;
use std::sync::Arc;

/// One entry of the log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Entry {
    /// Its index, and the term that created it.
    pub id: EntryId,
    #[cfg_attr(feature = "serde", serde(flatten))]
    content: Arc<Content>,
}

/// What was proposed, by a client or by the leader itself.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Content {
    #[cfg_attr(feature = "serde", serde(with = "crate::serialize::hex"))]
    context: Bytes,
    payload: Payload,
}

/// What an entry says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Payload {
    /// Nothing: the first entry of every term. It gives the leader an entry of its own term to commit
    /// (§5.4.2, §8).
    Noop,
    /// A command of the application.
    Normal(#[cfg_attr(feature = "serde", serde(with = "crate::serialize::hex"))] Bytes),
    /// One voter or learner more or less (thesis §4.1).
    Change(ConfChange),
    /// Several changes at once, through a joint configuration (§6, thesis §4.3).
    ChangeV2(ConfChangeV2),
}

impl Entry {
    /// The size of an entry's id, in bytes: index and term.
    const ID_BYTES: u64 = 16;

    /// Returns an entry that no leader has given an index yet.
    pub fn unplaced(payload: Payload) -> Self {
        Entry::marked(Bytes::new(), payload)
    }

    /// Returns an entry with a mark of the proposer, by which the proposer recognizes it when it is
    /// applied. It has no index yet.
    pub fn marked(context: Bytes, payload: Payload) -> Self {
        Entry { id: EntryId::default(), content: Arc::new(Content { context, payload }) }
    }

    /// Returns the same entry with this id.
    pub fn at(self, id: EntryId) -> Self {
        Entry { id, ..self }
    }

    /// Returns the proposer's mark; no bytes if it has none.
    pub fn context(&self) -> &Bytes {
        &self.content.context
    }

    /// Returns what it says.
    pub fn payload(&self) -> &Payload {
        &self.content.payload
    }

    /// Returns the size of the entry in a message, and among the entries to apply, in bytes: id,
    /// context and payload.
    pub fn size_bytes(&self) -> u64 {
        Self::ID_BYTES + self.content_bytes()
    }

    /// Returns the bytes that the proposer gave: context and payload. Limits on what is uncommitted or
    /// in flight count these. The entries of the group itself (Noop, changes) count nothing, as in
    /// etcd.
    pub fn content_bytes(&self) -> u64 {
        self.context().len() as u64 + self.payload().size_bytes()
    }

    /// Returns how many of `entries`, from the first on, have together at most `max_bytes`; all of them
    /// if there is no limit.
    pub fn fitting<'a>(
        entries: impl IntoIterator<Item = &'a Entry>,
        max_bytes: Option<u64>,
    ) -> usize {
        let entries = entries.into_iter();
        let Some(mut left) = max_bytes else { return entries.count() };
        let fits = |entry: &&Entry| {
            let size = entry.size_bytes();
            let fits = size <= left;
            left = left.saturating_sub(size);
            fits
        };
        entries.take_while(fits).count()
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

    /// Returns the change of the group, if it is one.
    pub fn change(&self) -> Option<ConfChangeV2> {
        match self {
            Payload::Change(change) => Some((*change).into()),
            Payload::ChangeV2(change) => Some(change.clone()),
            Payload::Noop | Payload::Normal(_) => None,
        }
    }

    /// Returns how many bytes of the application it carries; the group's own entries carry none.
    pub fn size_bytes(&self) -> u64 {
        match self {
            Payload::Normal(data) => data.len() as u64,
            Payload::Noop | Payload::Change(_) | Payload::ChangeV2(_) => 0,
        }
    }
}

/// One change of one member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ConfChange {
    /// What happens to the node.
    pub kind: ChangeKind,
    /// The node.
    pub node: NodeId,
}

/// What happens to a member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ChangeKind {
    /// It becomes a voter.
    AddVoter,
    /// It becomes a learner: it receives the log and does not vote.
    AddLearner,
    /// It is no longer a member.
    Remove,
}

/// Several changes that take effect together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ConfChangeV2 {
    /// How to leave the joint configuration.
    pub transition: Transition,
    /// The changes; none at all means "leave the joint configuration".
    pub changes: Vec<ConfChange>,
}

/// How a group leaves a joint configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Transition {
    /// By itself; a single change uses no joint configuration at all.
    Auto,
    /// By itself, always through a joint configuration.
    Implicit,
    /// When the application says so.
    Explicit,
}
