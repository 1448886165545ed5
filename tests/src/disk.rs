//! One node's disk: what is durable, and what still waits to be.
//!
//! ```text
//!   node --write--> [ pending, oldest first ] --Persist--> durable --> promises may leave
//!                         '------- Crash takes these        '------- Restart finds these
//! ```

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
    pending: VecDeque<Write>,
}

impl Disk {
    /// Returns a disk that holds this and waits for nothing.
    pub fn new(durable: MemoryStorage) -> Self {
        Disk { durable, pending: VecDeque::new() }
    }

    /// Takes a write that is not durable yet.
    pub fn write(&mut self, write: Write) {
        self.pending.push_back(write);
    }

    /// Makes the oldest waiting write durable, and returns it.
    pub fn persist(&mut self) -> Option<Write> {
        let write = self.pending.pop_front()?;
        self.durable.append(&write.entries);
        self.durable.save(write.hard_state);
        Some(write)
    }

    /// Loses every waiting write.
    pub fn lose_power(&mut self) {
        self.pending.clear();
    }

    /// Returns what would survive a crash now.
    pub fn durable(&self) -> &MemoryStorage {
        &self.durable
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
