//! What a node hands to its owner, and what the owner must do before it may go on.
//!
//! ```text
//!   Ready n     what it holds              what the owner must do first
//!   ----------  -------------------------  -----------------------------------------------------
//!   soft        leader, role               nothing: it is for information
//!   messages    may leave now              nothing
//!   reads       have ended                 apply up to a read's index, then serve it
//!   hard        term, vote, commit         | make them durable together, in order of n;
//!   entries     to be written              |   entries no later than `hard`
//!   snapshot    to be installed            |   before the entries, the application's state with it
//!   persisted_  promises to others         make every Ready up to n durable
//!   messages
//!   committed   to be applied, in order    make every Ready up to n durable; then apply in order
//! ```
//!
//! Invariant: a node that crashes at any moment, and starts again from what was durable then, has
//! broken no promise that left it.

use crate::entry::Entry;
use crate::message::{Message, ReadState};
use crate::state::{HardState, Snapshot, SoftState};
use crate::types::{EntryId, Index, ReadyNumber, Term, Uncompared};

/// Everything that has become ready to be saved, sent or applied since the last one.
///
/// Taking a Ready consumes its contents: the next one continues where this one ends. If you drop it
/// unprocessed, its messages and entries are lost: restart the node.
///
/// | part | what it is | what you must do first |
/// |---|---|---|
/// | [`messages`](Ready::messages) | may leave now | nothing |
/// | [`hard_state`](Ready::hard_state), [`entries`](Ready::entries) | to be made durable | make them durable together, in the order of the Readys |
/// | [`snapshot`](Ready::snapshot) | to be installed | nothing; before the entries |
/// | [`persisted_messages`](Ready::persisted_messages) | promises to others | make this Ready and all before it durable |
/// | [`committed_entries`](Ready::committed_entries) | to be applied | make this Ready and all before it durable; then apply in order |
/// | [`reads`](Ready::reads) | reads that have ended | apply up to the read's index |
/// | [`soft_state`](Ready::soft_state) | for information | nothing |
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[must_use = "its entries must be saved, its messages sent, its committed entries applied"]
pub struct Ready {
    pub(crate) number: ReadyNumber,
    pub(crate) soft: Option<SoftState>,
    pub(crate) hard: Option<HardState>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) snapshot: Option<Box<Snapshot>>,
    pub(crate) committed: Vec<Entry>,
    pub(crate) reads: Vec<ReadState>,
    pub(crate) messages: Vec<Message>,
    pub(crate) persisted_messages: Vec<Message>,
    pub(crate) must_sync: bool,
}

impl Ready {
    /// Returns its number. Report it to [`RawNode::on_persist_ready`](crate::RawNode::on_persist_ready)
    /// once everything up to it is durable.
    pub fn number(&self) -> ReadyNumber {
        self.number
    }

    /// Returns the leader and the role of the node, if either has changed. Do not save it: a node that
    /// restarts knows no leader.
    pub fn soft_state(&self) -> Option<SoftState> {
        self.soft
    }

    /// Returns term, vote and commit, if any of them has changed.
    ///
    /// Save it with [`Ready::entries`], or right after them. If you save it before them, a crash between
    /// the two leaves a commit index beyond the log, and the node cannot start
    /// ([`StartError::CommitBeyondLog`](crate::StartError::CommitBeyondLog)). If you do not save it, the
    /// node votes twice in a term.
    pub fn hard_state(&self) -> Option<HardState> {
        self.hard
    }

    /// Returns the entries to write. They replace what is at their indexes, and everything after it must
    /// be removed: otherwise it would come back at the next start.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Takes the entries to write.
    pub fn take_entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    /// Returns a leader's snapshot to install: before the entries, together with [`Ready::hard_state`], and
    /// before this Ready is reported durable. It replaces the log and the members in storage, and the
    /// application's state. Entries to apply come again once it is installed.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_deref()
    }

    /// Takes the snapshot to install.
    pub fn take_snapshot(&mut self) -> Option<Snapshot> {
        self.snapshot.take().map(|snapshot| *snapshot)
    }

    /// Returns the entries to apply, in order, each exactly once.
    ///
    /// Apply them once this Ready and all before it are durable. If you apply them earlier, a crash may
    /// leave an application that has done what its log does not say.
    pub fn committed_entries(&self) -> &[Entry] {
        &self.committed
    }

    /// Takes the entries to apply.
    pub fn take_committed_entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.committed)
    }

    /// Returns the reads that have ended ([`RawNode::read_index`](crate::RawNode::read_index)). Serve one
    /// that has an index once everything up to that index is applied.
    pub fn reads(&self) -> &[ReadState] {
        &self.reads
    }

    /// Takes the reads that have ended.
    pub fn take_reads(&mut self) -> Vec<ReadState> {
        std::mem::take(&mut self.reads)
    }

    /// Returns the messages that may leave now: they rest on nothing that a crash could take. A leader's
    /// appends are among them, so that followers write while the leader does (thesis §10.2.1).
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Takes the messages that may leave now.
    pub fn take_messages(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.messages)
    }

    /// Moves the messages that may leave now to the end of `queue`. The memory that held them stays with the
    /// Ready, and `advance` gives it to the next one.
    pub fn take_messages_into(&mut self, queue: &mut Vec<Message>) {
        queue.append(&mut self.messages);
    }

    /// Returns the node's promises to others: votes asked for and granted, entries acknowledged. Send
    /// them once this Ready and all before it are durable. If you send them earlier, a crash breaks them:
    /// two leaders in a term, or a committed entry lost.
    pub fn persisted_messages(&self) -> &[Message] {
        &self.persisted_messages
    }

    /// Takes the node's promises to others.
    pub fn take_persisted_messages(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.persisted_messages)
    }

    /// Moves the node's promises to others to the end of `queue`, as [`Ready::take_messages_into`] does.
    pub fn take_persisted_messages_into(&mut self, queue: &mut Vec<Message>) {
        queue.append(&mut self.persisted_messages);
    }

    /// Returns whether the write must be synced before anything that waits for it goes on: it holds
    /// entries, a term, a vote or a snapshot. A commit index alone may be written without a sync: the node
    /// can learn it again.
    pub fn must_sync(&self) -> bool {
        self.must_sync || self.snapshot.is_some()
    }

    /// Returns whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.soft.is_none()
            && self.hard.is_none()
            && self.entries.is_empty()
            && self.snapshot.is_none()
            && self.committed.is_empty()
            && self.reads.is_empty()
            && self.messages.is_empty()
            && self.persisted_messages.is_empty()
    }
}

/// What became possible because a Ready is durable. It needs no further write.
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

    /// Returns the messages that may leave now.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Takes the messages that may leave now.
    pub fn take_messages(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.messages)
    }
}

/// What a node remembers of a Ready that it has handed out and that is not known to be durable. The name
/// is raft-rs's.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ReadyRecord {
    /// The Ready's number. Two nodes that differ in it alone behave alike.
    pub(crate) number: Uncompared<ReadyNumber>,
    /// The term in which it was handed out. A write of a later term may replace what this one writes; so
    /// `last` counts only while the term lasts.
    pub term: Term,
    /// The last entry of the log then, unless all of it was durable: the write makes the log durable up
    /// to here.
    pub last: Option<EntryId>,
    /// The last entry of the snapshot that it hands out, or that is still being installed.
    pub snapshot: Option<EntryId>,
    /// What the node promised itself.
    pub own: Vec<Message>,
}

impl ReadyRecord {
    /// Returns the Ready's number.
    pub fn number(&self) -> ReadyNumber {
        self.number.0
    }
}
