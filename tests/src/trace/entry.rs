//! The parts of a log as a trace writes them: entry ids, entries, snapshots.
//!
//! ```text
//!   4@1                                       an entry id: index 4, term 1
//!   {"id":"4@1","payload":{"normal":"783d31"}}  an entry; bytes in hexadecimal
//! ```
//!
//! `raft` does not depend on serde, so each of its types has a recorded twin here. Each `match` lists
//! every variant: a new variant does not compile until a trace can write it.

use bytes::Bytes;
use raft::{
    ChangeKind, ConfChange, ConfChangeV2, ConfState, Entry, EntryId, Index, NodeId, Payload,
    Snapshot, Term, Transition,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An entry id, written `4@1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordedEntryId(pub EntryId);

impl RecordedEntryId {
    /// Reads `4@1`.
    pub fn parse(text: &str) -> Option<Self> {
        let (index, term) = text.split_once('@')?;
        let (index, term) = (Index(index.parse().ok()?), Term(term.parse().ok()?));
        Some(RecordedEntryId(EntryId { index, term }))
    }
}

impl Serialize for RecordedEntryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RecordedEntryId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected =
            || D::Error::custom(format!("expected an entry id such as 4@1, found {text:?}"));
        RecordedEntryId::parse(&text).ok_or_else(expected)
    }
}

/// Bytes, written in hexadecimal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hex(pub Bytes);

impl Hex {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
        match digits {
            Some(digits) if digits.len() % 2 == 0 => {
                let byte = |pair: &[u32]| (pair[0] * 16 + pair[1]) as u8;
                Ok(Hex(digits.chunks_exact(2).map(byte).collect()))
            }
            Some(_) | None => Err(D::Error::custom("expected an even number of hex digits")),
        }
    }
}

/// An entry of the log: [`Entry`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordedEntry {
    /// Its index and term.
    pub id: RecordedEntryId,
    /// The proposer's context; left out if it is empty.
    #[serde(default, skip_serializing_if = "Hex::is_empty")]
    pub context: Hex,
    /// Its payload.
    pub payload: RecordedPayload,
}

/// The payload of an entry: [`Payload`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordedPayload {
    /// No command.
    Noop,
    /// A command of the application.
    Normal(Hex),
    /// One change of the members.
    Change(Change),
    /// Several changes of the members.
    ChangeV2 {
        /// `auto`, `implicit` or `explicit`.
        transition: RecordedTransition,
        /// The changes.
        changes: Vec<Change>,
    },
}

/// One change of one member: [`ConfChange`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It votes from now on.
    AddVoter(u64),
    /// It receives the log and does not vote.
    AddLearner(u64),
    /// It is no longer a member.
    Remove(u64),
}

/// How a joint configuration is left: [`Transition`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordedTransition {
    /// By itself, and without one where a single change needs none.
    Auto,
    /// By itself, always through a joint configuration.
    Implicit,
    /// When told to.
    Explicit,
}

/// A snapshot: [`Snapshot`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordedSnapshot {
    /// The last entry it covers.
    pub id: RecordedEntryId,
    /// Who votes.
    pub voters: Vec<u64>,
    /// Who receives the log and does not vote.
    #[serde(default)]
    pub learners: Vec<u64>,
    /// Who voted before, in a joint configuration.
    #[serde(default)]
    pub voters_outgoing: Vec<u64>,
    /// Who will be a learner once it is left.
    #[serde(default)]
    pub learners_next: Vec<u64>,
    /// Whether it is left by itself.
    #[serde(default)]
    pub auto_leave: bool,
    /// The data of the snapshot.
    pub data: Hex,
}

// From raft.

impl From<&Entry> for RecordedEntry {
    fn from(entry: &Entry) -> Self {
        let payload = match entry.payload() {
            Payload::Noop => RecordedPayload::Noop,
            Payload::Normal(data) => RecordedPayload::Normal(Hex(data.clone())),
            Payload::Change(change) => RecordedPayload::Change(change.into()),
            Payload::ChangeV2(change) => RecordedPayload::ChangeV2 {
                transition: match change.transition {
                    Transition::Auto => RecordedTransition::Auto,
                    Transition::Implicit => RecordedTransition::Implicit,
                    Transition::Explicit => RecordedTransition::Explicit,
                },
                changes: change.changes.iter().map(Change::from).collect(),
            },
        };
        RecordedEntry {
            id: RecordedEntryId(entry.id),
            context: Hex(entry.context().clone()),
            payload,
        }
    }
}

impl From<&ConfChange> for Change {
    fn from(change: &ConfChange) -> Self {
        match change.kind {
            ChangeKind::AddVoter => Change::AddVoter(change.node.0),
            ChangeKind::AddLearner => Change::AddLearner(change.node.0),
            ChangeKind::Remove => Change::Remove(change.node.0),
        }
    }
}

impl From<&Snapshot> for RecordedSnapshot {
    fn from(snapshot: &Snapshot) -> Self {
        let conf = &snapshot.conf_state;
        let numbers =
            |ids: &std::collections::BTreeSet<NodeId>| ids.iter().map(|id| id.0).collect();
        RecordedSnapshot {
            id: RecordedEntryId(snapshot.id),
            voters: numbers(&conf.voters),
            learners: numbers(&conf.learners),
            voters_outgoing: numbers(&conf.voters_outgoing),
            learners_next: numbers(&conf.learners_next),
            auto_leave: conf.auto_leave,
            data: Hex(snapshot.data.clone()),
        }
    }
}

// To raft.

impl From<RecordedEntry> for Entry {
    fn from(written: RecordedEntry) -> Self {
        let payload = match written.payload {
            RecordedPayload::Noop => Payload::Noop,
            RecordedPayload::Normal(Hex(data)) => Payload::Normal(data),
            RecordedPayload::Change(change) => Payload::Change(change.into()),
            RecordedPayload::ChangeV2 { transition, changes } => Payload::ChangeV2(ConfChangeV2 {
                transition: match transition {
                    RecordedTransition::Auto => Transition::Auto,
                    RecordedTransition::Implicit => Transition::Implicit,
                    RecordedTransition::Explicit => Transition::Explicit,
                },
                changes: changes.into_iter().map(ConfChange::from).collect(),
            }),
        };
        Entry::marked(written.context.0, payload).at(written.id.0)
    }
}

impl From<Change> for ConfChange {
    fn from(change: Change) -> Self {
        let (kind, node) = match change {
            Change::AddVoter(node) => (ChangeKind::AddVoter, node),
            Change::AddLearner(node) => (ChangeKind::AddLearner, node),
            Change::Remove(node) => (ChangeKind::Remove, node),
        };
        ConfChange { kind, node: NodeId(node) }
    }
}

impl From<RecordedSnapshot> for Snapshot {
    fn from(image: RecordedSnapshot) -> Self {
        let names = |ids: Vec<u64>| ids.into_iter().map(NodeId).collect();
        Snapshot {
            id: image.id.0,
            conf_state: ConfState {
                voters: names(image.voters),
                learners: names(image.learners),
                voters_outgoing: names(image.voters_outgoing),
                learners_next: names(image.learners_next),
                auto_leave: image.auto_leave,
            },
            data: image.data.0,
        }
    }
}
