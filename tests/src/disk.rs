//! One node's disk: what is durable, and what still waits to be.
//!
//! ```text
//!   node --write--> [ pending, oldest first ] --Persist--> durable --> promises may leave
//!                         '------- Crash takes these        '------- Restart finds these
//! ```

mod chain; // a log as a chain

pub use chain::{Chain, Link};

use raft::{Entry, EntryId, HardState, MemoryStorage, Message, ReadyNumber};
use std::collections::VecDeque;

/// How soon a write is durable.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DiskSpeed {
    /// At once: no crash can take it.
    Instant,
    /// When [`crate::Input::Persist`] says so.
    Slow,
}

/// A write that waits, and the promises that wait for it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Write {
    /// What is to be saved.
    pub hard_state: HardState,
    /// What is to be written: the first replaces what stands at its place and after.
    pub entries: Vec<Entry>,
    /// The end of a bare node's log, if any of it was not durable when this was handed over. An
    /// owner's node remembers it itself.
    pub last: Option<EntryId>,
    /// What may be said to others once it is.
    pub promised: Vec<Message>,
    /// What a bare node may believe of itself once it is.
    pub own: Vec<Message>,
    /// Which Ready it is, if it is one: what the node is told once it is durable.
    pub ready: Option<ReadyNumber>,
    /// What may be applied once it is.
    pub committed: Vec<Entry>,
}

impl Write {
    /// Returns whether both save the same state: then one of them would do for the promises of both.
    pub(crate) fn is_same_image(&self, other: &Write) -> bool {
        (self.hard_state, &self.entries) == (other.hard_state, &other.entries)
    }
}

/// One node's disk.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Disk {
    durable: MemoryStorage,
    /// The durable log.
    kept: Chain,
    /// The log as it is once everything that waits is durable.
    written: Chain,
    pending: VecDeque<Write>,
}

impl Disk {
    /// Returns a disk that holds this and waits for nothing.
    pub fn new(durable: MemoryStorage) -> Self {
        let kept = Chain::of(&durable);
        Disk { durable, written: kept.clone(), kept, pending: VecDeque::new() }
    }

    /// Takes a write that is not durable yet.
    pub fn write(&mut self, write: Write) {
        self.written.write(&write.entries);
        self.pending.push_back(write);
    }

    /// Makes the oldest waiting write durable, and returns it.
    pub fn persist(&mut self) -> Option<Write> {
        let write = self.pending.pop_front()?;
        self.durable.append(&write.entries);
        self.kept.write(&write.entries);
        self.durable.save(write.hard_state);
        Some(write)
    }

    /// Loses every waiting write.
    pub fn lose_power(&mut self) {
        if !self.pending.is_empty() {
            self.written = self.kept.clone();
        }
        self.pending.clear();
    }

    /// Returns what would survive a crash now.
    pub fn durable(&self) -> &MemoryStorage {
        &self.durable
    }

    /// Returns the log that would survive a crash now.
    pub fn kept(&self) -> &Chain {
        &self.kept
    }

    /// Returns the log as it is once everything that waits is durable.
    pub fn written(&self) -> &Chain {
        &self.written
    }

    /// Returns what would not, oldest first.
    pub fn pending(&self) -> impl ExactSizeIterator<Item = &Write> {
        self.pending.iter()
    }

    /// Returns the state the newest write holds, durable or not.
    pub fn latest(&self) -> HardState {
        self.pending.back().map_or(self.durable.hard_state(), |write| write.hard_state)
    }
}
