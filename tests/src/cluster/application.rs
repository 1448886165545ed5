//! What the log is for: an application that takes committed entries, one after the other.
//!
//! ```text
//!   log          1@1  2@1  3@1  4@2
//!   applied           ^ 2              a crash takes nothing of it: a restart goes on at 3
//! ```
//!
//! It is the simplest one there is, a list. What it has applied is durable as soon as it has; so it
//! may be ahead of a commit index that its disk has not saved yet, and never behind its own word.

use raft::{Entry, Index};

/// What a node's application has applied. It survives a crash.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Application {
    applied: Index,
    entries: Vec<Entry>,
}

impl Application {
    /// Returns an application that had applied the log up to here before the run began.
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

    /// Returns how far the log is applied.
    pub fn applied(&self) -> Index {
        self.applied
    }

    /// Lends everything that was applied in this run, in the order it was.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}
