//! One node's disk: what is durable, and the writes that are still pending.
//!
//! ```text
//!   node --write--> [ pending, oldest first ] --Persist--> durable --> promises may leave
//!                         '------- Crash takes these        '------- Restart finds these
//! ```

mod chain; // a log as a hash chain

pub use chain::{Chain, Link};

use raft::{
    ConfState, Entry, EntryId, HardState, Index, MemoryStorage, Message, ReadyNumber, Snapshot,
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How soon a write is durable.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskSpeed {
    /// At once: no crash can take it.
    Instant,
    /// When [`crate::Input::Persist`] says so.
    Slow,
}

/// A pending write, and the messages that wait until it is durable.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Write {
    /// The hard state to save.
    pub hard_state: HardState,
    /// The entries to write. They replace every entry from the index of the first one on.
    pub entries: Vec<Entry>,
    /// A leader's snapshot to install before the entries.
    pub snapshot: Option<Snapshot>,
    /// The last entry of a bare node's log, if some of the log is not durable yet. A `RawNode` remembers
    /// it itself.
    pub last: Option<EntryId>,
    /// Messages to other nodes that may be sent once the write is durable.
    pub promised: Vec<Message>,
    /// A bare node's messages to itself, which count once the write is durable.
    pub own: Vec<Message>,
    /// The number of the Ready that this write comes from: the node is told it once the write is
    /// durable.
    pub ready: Option<ReadyNumber>,
    /// Entries that may be applied once the write is durable.
    pub committed: Vec<Entry>,
}

impl Write {
    /// Returns whether both writes save the same state. Then either of them is enough for the promises
    /// of both.
    pub(crate) fn is_same_image(&self, other: &Write) -> bool {
        (self.hard_state, &self.entries, &self.snapshot)
            == (other.hard_state, &other.entries, &other.snapshot)
    }
}

/// One node's disk.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Disk {
    durable: MemoryStorage,
    /// The durable log.
    kept: Chain,
    /// The log after all pending writes.
    written: Chain,
    pending: VecDeque<Write>,
}

impl Disk {
    /// Returns a disk with these contents and no pending write.
    pub fn new(durable: MemoryStorage) -> Self {
        let kept = Chain::of(&durable);
        Disk { durable, written: kept.clone(), kept, pending: VecDeque::new() }
    }

    /// Adds a pending write.
    pub fn write(&mut self, write: Write) {
        if let Some(snapshot) = &write.snapshot {
            self.written.install(Link::of(snapshot));
        }
        self.written.write(&write.entries);
        self.pending.push_back(write);
    }

    /// Makes the oldest pending write durable, and returns it.
    pub fn persist(&mut self) -> Option<Write> {
        let write = self.pending.pop_front()?;
        if let Some(snapshot) = &write.snapshot {
            self.durable.install_snapshot(snapshot.clone());
            self.kept.install(Link::of(snapshot));
        }
        self.durable.append(&write.entries);
        self.kept.write(&write.entries);
        self.durable.save(write.hard_state);
        Some(write)
    }

    /// Saves the members, as the application applies a change of the group.
    pub fn save_members(&mut self, conf_state: ConfState) {
        self.durable.save_conf_state(conf_state);
    }

    /// Keeps a snapshot of all that is applied, and removes the entries up to `through`. The hash chains
    /// still know them.
    pub(crate) fn compact(&mut self, applied: Index, through: Index) -> Option<Snapshot> {
        let link = self.kept.get(applied)?;
        self.durable.create_snapshot(applied, self.durable.conf_state().clone(), link.image());
        self.durable.compact(through);
        Some(self.durable.latest_snapshot().clone())
    }

    /// Loses every pending write.
    pub fn lose_power(&mut self) {
        if !self.pending.is_empty() {
            self.written = self.kept.clone();
        }
        self.pending.clear();
    }

    /// Returns the durable contents: what a crash leaves.
    pub fn durable(&self) -> &MemoryStorage {
        &self.durable
    }

    /// Returns the durable log: what a crash leaves.
    pub fn kept(&self) -> &Chain {
        &self.kept
    }

    /// Returns the log after all pending writes.
    pub fn written(&self) -> &Chain {
        &self.written
    }

    /// Returns the pending writes, which a crash loses, oldest first.
    pub fn pending(&self) -> impl ExactSizeIterator<Item = &Write> {
        self.pending.iter()
    }

    /// Returns the hard state of the newest write, durable or not.
    pub fn latest(&self) -> HardState {
        self.pending.back().map_or(self.durable.hard_state(), |write| write.hard_state)
    }
}
