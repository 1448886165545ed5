//! What was done to a simulated disk, by which line, in order: what a test shows of a crash.
//!
//! ```text
//!   7  write   file 0, 4096..4168    log.rs:210
//!   8  sync    file 0                log.rs:231
//!   9  rename  spare.tmp -> 00000002.log
//! ```

use super::{NameChange, SimDisk, State};
use std::panic::Location;

/// An operation that changes something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// Which one, counted from 1 since the disk was made, or was last cut off: the number under which
    /// [`SimDisk::plan`] lets it fail.
    pub number: u64,
    /// What was to be done. It may have failed.
    pub doing: Doing,
    /// The line that asked for it.
    pub at: &'static Location<'static>,
}

/// What an operation does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Doing {
    /// Makes a file.
    Create {
        /// Its name.
        name: String,
        /// Its number, which it keeps under every name.
        file: usize,
    },
    /// Gives a file another name.
    Rename {
        /// The name it had.
        from: String,
        /// The name it gets.
        to: String,
        /// Its number.
        file: usize,
    },
    /// Removes a name.
    Remove {
        /// Which.
        name: String,
    },
    /// Makes names durable.
    SyncNames,
    /// Writes.
    Write {
        /// The file's number.
        file: usize,
        /// Where.
        offset: u64,
        /// How many bytes.
        len: usize,
    },
    /// Makes what was written durable.
    Sync {
        /// The file's number.
        file: usize,
    },
}

impl SimDisk {
    /// Remembers every operation from here on: see [`SimDisk::journal`].
    pub fn remember(&self) {
        self.state().journal.get_or_insert_default();
    }

    /// Returns every operation since [`SimDisk::remember`]; none if that was never called. A disk after
    /// a power cut remembers nothing yet.
    pub fn journal(&self) -> Vec<Operation> {
        self.state().journal.clone().unwrap_or_default()
    }

    /// Returns the name that a file has for a reader, if it has one.
    pub fn name_of(&self, file: usize) -> Option<String> {
        let state = self.state();
        let named = state.names.iter().find(|(_, number)| **number == file);
        named.map(|(name, _)| name.clone())
    }
}

impl State {
    /// Remembers an operation, if that is wanted.
    pub(super) fn note(&mut self, doing: Doing, at: &'static Location<'static>) {
        let number = self.operations;
        if let Some(journal) = &mut self.journal {
            journal.push(Operation { number, doing, at });
        }
    }
}

impl From<&NameChange> for Doing {
    fn from(change: &NameChange) -> Doing {
        match change.clone() {
            NameChange::Create { name, file } => Doing::Create { name, file },
            NameChange::Rename { from, to, file } => Doing::Rename { from, to, file },
            NameChange::Remove { name } => Doing::Remove { name },
        }
    }
}
