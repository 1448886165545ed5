//! What a node is at one moment, as plain data: what survives a crash, and what need not.
//!
//! ```text
//!   hard state   term, vote, commit        survives: a promise may rest on it (Fig. 2, State)
//!   conf state   voters, learners          survives: who is a member (§6)
//!   snapshot     last entry, conf state    survives: replaces the log up to that entry (§7)
//!   soft state   leader, role              is lost: a node that restarts follows nobody
//!   groups       where the nodes are       are lost: an owner sets them
//! ```

use crate::types::{EntryId, Index, NodeId, Term};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The role of a node (§5.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum RoleName {
    /// It waits for messages of a leader.
    Follower,
    /// It asks whether it would win an election (thesis §9.6).
    PreCandidate,
    /// It runs in an election.
    Candidate,
    /// It leads its term.
    Leader,
}

/// What a node knows that need not survive a crash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SoftState {
    /// The leader, if it is known.
    pub leader: Option<NodeId>,
    /// The role of this node.
    pub role: RoleName,
}

/// The few facts that storage rewrites in place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HardState {
    /// The latest term the node has seen. Durable before the node sends anything in that term.
    pub term: Term,
    /// The candidate that got this node's vote in that term. Durable before the vote is sent.
    pub vote: Option<NodeId>,
    /// The highest index known to be committed. It may lag behind: the node can learn it again.
    pub commit: Index,
}

/// The members of a group. The two sets `voters_outgoing` and `learners_next` are empty outside a joint
/// configuration (§6).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ConfState {
    /// The nodes that vote.
    pub voters: BTreeSet<NodeId>,
    /// The nodes that receive the log and do not vote.
    pub learners: BTreeSet<NodeId>,
    /// In a joint configuration, the voters of the old configuration.
    pub voters_outgoing: BTreeSet<NodeId>,
    /// In a joint configuration, the nodes that become learners when the group leaves it.
    pub learners_next: BTreeSet<NodeId>,
    /// Whether the group leaves the joint configuration by itself.
    pub auto_leave: bool,
}

/// What a node reads when it starts.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct InitialState {
    /// Term, vote and commit.
    pub hard_state: HardState,
    /// The members.
    pub conf_state: ConfState,
}

/// The state of the application, in place of the log entries that led to it (§7).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Snapshot {
    /// The last entry it covers.
    pub id: EntryId,
    /// The members at that entry.
    pub conf_state: ConfState,
    /// The application's data. Raft does not read it.
    #[cfg_attr(feature = "serde", serde(with = "crate::serialize::hex"))]
    pub data: Bytes,
}

/// What became of a snapshot that a leader has sent. The name is raft-rs's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum SnapshotStatus {
    /// The peer has it.
    Finish,
    /// It was lost, or could not be installed.
    Failure,
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            RoleName::Follower => "follower",
            RoleName::PreCandidate => "pre-candidate",
            RoleName::Candidate => "candidate",
            RoleName::Leader => "leader",
        })
    }
}

/// The number of a commit group: of a data centre, say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CommitGroup(pub u64);

/// Which node is in which commit group. A node that is not named is in none.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct CommitGroups {
    of: BTreeMap<NodeId, CommitGroup>,
}

impl CommitGroups {
    /// Returns the groups in which these nodes are. The last word about a node counts.
    pub fn new(groups: impl IntoIterator<Item = (NodeId, CommitGroup)>) -> Self {
        CommitGroups { of: groups.into_iter().collect() }
    }

    /// Returns the group of a node, if it is in one.
    pub fn of(&self, node: NodeId) -> Option<CommitGroup> {
        self.of.get(&node).copied()
    }

    /// Returns each node that is in a group, in ascending order, and its group.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, CommitGroup)> + '_ {
        self.of.iter().map(|(&node, &group)| (node, group))
    }
}
