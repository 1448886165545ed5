//! What a node hands to its owner, and what the owner owes before it may go on.
//!
//! ```text
//!   Ready n     what it holds              what the owner owes first
//!   ----------  -------------------------  -----------------------------------------------------
//!   soft        leader, role               nothing: it is only told
//!   messages    may leave now              nothing
//!   hard        term, vote, commit         | durable together, in order of n;
//!   entries     to be written              |   entries no later than `hard`
//!   persisted_  promises to others         every Ready up to n is durable
//!   messages
//!   committed   to be applied, in order    every Ready up to n is durable; then applied in order
//! ```
//!
//! Invariant: a node that crashes at any moment, and starts again from what was durable then, has
//! broken no promise that left it.

use crate::entry::Entry;
use crate::event::Uncompared;
use crate::message::Message;
use crate::role::RoleName;
use crate::storage::HardState;
use crate::types::{EntryId, Index, NodeId, Term};
use std::fmt;

/// Counts the Readys of a node, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ReadyNumber(pub u64);

/// What a node knows that need not survive a crash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SoftState {
    /// Who leads, if we know.
    pub leader: Option<NodeId>,
    /// Our role.
    pub role: RoleName,
}

/// Everything that has become ready to be saved, sent or applied since the last one.
///
/// It has been handed out by the time it exists: the next one goes on where this one ends. Whoever
/// loses one has lost its messages and must crash the node.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use = "its entries must be saved, its messages sent, its committed entries applied"]
pub struct Ready {
    pub(crate) number: ReadyNumber,
    pub(crate) soft: Option<SoftState>,
    pub(crate) hard: Option<HardState>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) committed: Vec<Entry>,
    pub(crate) messages: Vec<Message>,
    pub(crate) persisted_messages: Vec<Message>,
    pub(crate) must_sync: bool,
}

impl Ready {
    /// Returns its number: what [`RawNode::on_persist_ready`](crate::RawNode::on_persist_ready) is
    /// told once everything up to it is durable.
    pub fn number(&self) -> ReadyNumber {
        self.number
    }

    /// Returns who leads and which role we have, if either has changed. Nothing to save: a node that
    /// starts again follows nobody.
    pub fn soft_state(&self) -> Option<SoftState> {
        self.soft
    }

    /// Returns term, vote and commit, if any of them has changed.
    ///
    /// Save it with [`Ready::entries`], or right after them. Saved before them, a crash between the
    /// two leaves a commit index beyond the log, and the node cannot start
    /// ([`StartError::CommitBeyondLog`](crate::StartError::CommitBeyondLog)). Not saved at all, it
    /// votes twice in a term.
    pub fn hard_state(&self) -> Option<HardState> {
        self.hard
    }

    /// Returns the entries to write. The first replaces what stands at its place, and everything
    /// after that goes: kept, it would come back to life at the next start.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Takes the entries to write.
    pub fn take_entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    /// Returns the entries to apply, in order, each exactly once.
    ///
    /// Apply them once this Ready and all before it are durable: applied sooner, a crash may leave an
    /// application that has done what its log does not say.
    pub fn committed_entries(&self) -> &[Entry] {
        &self.committed
    }

    /// Takes the entries to apply.
    pub fn take_committed_entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.committed)
    }

    /// Returns what may leave now: it rests on nothing that a crash could take. A leader's entries
    /// are among it, so that followers write while the leader does (thesis §10.2.1).
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Takes what may leave now.
    pub fn take_messages(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.messages)
    }

    /// Returns our promises to others: votes asked for and given, entries acknowledged. They leave
    /// once this Ready and all before it are durable. Sent sooner, a crash makes us break them: two
    /// leaders in a term, or a committed entry lost.
    pub fn persisted_messages(&self) -> &[Message] {
        &self.persisted_messages
    }

    /// Takes our promises to others.
    pub fn take_persisted_messages(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.persisted_messages)
    }

    /// Returns whether what is saved must reach the disk before anything that waits for it goes on:
    /// entries, a term or a vote. A commit index alone may be written lazily: it can be learnt again.
    pub fn must_sync(&self) -> bool {
        self.must_sync
    }

    /// Returns whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.soft.is_none()
            && self.hard.is_none()
            && self.entries.is_empty()
            && self.committed.is_empty()
            && self.messages.is_empty()
            && self.persisted_messages.is_empty()
    }
}

/// What became possible because a Ready is durable. Rests on nothing more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[must_use = "its messages must be sent, its committed entries applied"]
pub struct LightReady {
    pub(crate) commit_index: Option<Index>,
    pub(crate) committed: Vec<Entry>,
    pub(crate) messages: Vec<Message>,
}

impl LightReady {
    /// Returns the new commit index, if it has changed: save it before
    /// [`LightReady::committed_entries`] are applied, with or without a sync.
    pub fn commit_index(&self) -> Option<Index> {
        self.commit_index
    }

    /// Returns the entries to apply, after those of the Ready.
    pub fn committed_entries(&self) -> &[Entry] {
        &self.committed
    }

    /// Takes the entries to apply.
    pub fn take_committed_entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.committed)
    }

    /// Returns what may leave now.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Takes what may leave now.
    pub fn take_messages(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.messages)
    }
}

/// What a node remembers of a Ready that it has handed out and that is not known to be durable.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Awaiting {
    /// The Ready's number. Two nodes that differ in it alone behave alike.
    pub(crate) number: Uncompared<ReadyNumber>,
    /// The term in which it was handed out. What is written in a later term may replace what this one
    /// writes; so what it attests counts only as long as the term lasts.
    pub term: Term,
    /// The last entry of the log then, unless all of it was durable: what the write attests.
    pub last: Option<EntryId>,
    /// What the node promised itself.
    pub own: Vec<Message>,
}

impl Awaiting {
    /// Returns the Ready's number.
    pub fn number(&self) -> ReadyNumber {
        self.number.0
    }
}

impl fmt::Display for ReadyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
