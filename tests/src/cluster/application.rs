//! The application: a state machine that applies committed entries, one after the other.
//!
//! ```text
//!   log          1@1  2@1  3@1  4@2
//!   applied           ^ 2              a crash loses nothing of it: a restart continues at 3
//! ```
//!
//! It is the simplest state machine, a list. What it applies is durable at once. So after a crash it
//! may be ahead of the commit index on the disk, and it is never behind what it reported as applied.

use raft::{Entry, Index};

/// What a node's application has applied. It survives a crash.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Application {
    applied: Index,
    entries: Vec<Entry>,
}

impl Application {
    /// Returns an application that has applied the log up to this index before the run.
    pub(super) fn new(applied: Index) -> Self {
        Application { applied, entries: Vec::new() }
    }

    /// Applies entries.
    pub(super) fn apply(&mut self, entries: Vec<Entry>) {
        if let Some(last) = entries.last() {
            self.applied = last.id.index;
        }
        self.entries.extend(entries);
    }

    /// Installs the state that a snapshot holds: everything up to `last` counts as applied.
    pub(super) fn install(&mut self, last: Index) {
        self.applied = self.applied.max(last);
    }

    /// Returns the index of the last applied entry.
    pub fn applied(&self) -> Index {
        self.applied
    }

    /// Returns every entry that was applied in this run, in order, but for what a snapshot brought.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}
