//! What a cluster is made of.
//!
//! ```text
//!   Setup::new(3, 7)                         n1 n2 n3, bare, disks durable at once
//!       .with_slow_disks()                   a crash may lose the last writes
//!       .with_owners(Owner::Concurrent)      each node behind its RawNode, driven Ready by Ready
//! ```

use crate::disk::DiskSpeed;
use raft::{Config, MemoryStorage, NodeId};
use serde::{Deserialize, Serialize};

/// What a cluster is made of.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Setup {
    /// Every node's settings and the first contents of its disk.
    pub nodes: Vec<(Config, MemoryStorage)>,
    /// How soon writes are durable.
    pub disks: DiskSpeed,
    /// What drives the nodes.
    pub driver: Driver,
}

/// What drives the nodes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// The test bed itself, through [`raft::Raft`]: it takes a node's messages in the step that makes
    /// them, and applies what is committed as soon as it is durable.
    Bare,
    /// An owner, through [`raft::RawNode`]: it takes a Ready at [`crate::Input::Ready`], and applies
    /// entries at [`crate::Input::Apply`].
    Owned(Owner),
}

/// How the owner of a [`raft::RawNode`] works.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// One thing at a time: until a Ready is written and its committed entries are applied, the node gets
    /// no input, not even a tick (`advance_append`, then `advance_apply_to`).
    OneAtATime,
    /// Several things at once: the node gets inputs while its disk writes and its application applies
    /// (`advance_append_async`, `on_persist_ready`, `advance_apply_to`).
    Concurrent,
}

impl Setup {
    /// Returns `size` bare nodes n1, n2, ... that all vote, with empty logs, the default settings, the
    /// given seed, and instant disks.
    pub fn new(size: u64, seed: u64) -> Self {
        let ids: Vec<_> = (1..=size).map(NodeId).collect();
        let node = |&id: &NodeId| {
            let config = Config { seed, ..Config::new(id) };
            (config, MemoryStorage::with_voters(ids.iter().copied()))
        };
        let nodes = ids.iter().map(node).collect();
        Setup { nodes, disks: DiskSpeed::Instant, driver: Driver::Bare }
    }

    /// Returns the same with slow disks.
    pub fn with_slow_disks(self) -> Self {
        Setup { disks: DiskSpeed::Slow, ..self }
    }

    /// Returns the same with every node behind a `RawNode` that such an owner drives.
    pub fn with_owners(self, owner: Owner) -> Self {
        Setup { driver: Driver::Owned(owner), ..self }
    }
}
