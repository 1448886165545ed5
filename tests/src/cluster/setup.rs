//! What a cluster is made of.
//!
//! ```text
//!   Setup::new(3, 7)                         n1 n2 n3, bare, disks durable at once
//!       .with_slow_disks()                   a crash may take what was written last
//!       .with_owners(Owner::Concurrent)      each node behind its RawNode, driven Ready by Ready
//! ```

use crate::disk::DiskSpeed;
use raft::{Config, MemoryStorage, NodeId};

/// What a cluster is made of.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Setup {
    /// Every node's settings and what its disk holds at first.
    pub nodes: Vec<(Config, MemoryStorage)>,
    /// How soon writes are durable.
    pub disks: DiskSpeed,
    /// Through which door nodes are driven.
    pub door: Door,
}

/// Through which door nodes are driven.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Door {
    /// Through [`raft::Raft`]: what an input makes a node say is taken from it in the same step, and
    /// what it commits is applied as soon as that is durable.
    Bare,
    /// Through [`raft::RawNode`]: nothing is taken before [`crate::Input::Ready`], and nothing applied
    /// before [`crate::Input::Apply`].
    Owned(Owner),
}

/// How the owner of a [`raft::RawNode`] goes about it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Owner {
    /// One thing at a time: until a Ready is written and what it committed is applied, the node hears
    /// nothing, not even the clock (`advance_append`, then `advance_apply_to`).
    OneAtATime,
    /// Several things at once: the node goes on while its disk writes and its application applies
    /// (`advance_append_async`, `on_persist_ready`, `advance_apply_to`).
    Concurrent,
}

impl Setup {
    /// Returns `size` nodes n1, n2, ... that all vote, with empty logs, the usual settings, the given
    /// seed, and disks that are instantly durable; bare.
    pub fn new(size: u64, seed: u64) -> Self {
        let ids: Vec<_> = (1..=size).map(NodeId).collect();
        let node = |&id: &NodeId| {
            let config = Config { seed, ..Config::new(id) };
            (config, MemoryStorage::with_voters(ids.iter().copied()))
        };
        let nodes = ids.iter().map(node).collect();
        Setup { nodes, disks: DiskSpeed::Instant, door: Door::Bare }
    }

    /// Returns the same with slow disks.
    pub fn with_slow_disks(self) -> Self {
        Setup { disks: DiskSpeed::Slow, ..self }
    }

    /// Returns the same with every node behind its `RawNode`, in the hands of such an owner.
    pub fn with_owners(self, owner: Owner) -> Self {
        Setup { door: Door::Owned(owner), ..self }
    }
}
