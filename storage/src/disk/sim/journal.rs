//! The journal of a simulated disk: its operations in order, each with the line that called it. A
//! test prints the journal after a crash.
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
    /// The number, counted from 1 since the disk was created or restarted. [`SimDisk::plan`] takes
    /// this number.
    pub number: u64,
    /// The operation. It may have failed.
    pub doing: Doing,
    /// The line that called it.
    pub at: &'static Location<'static>,
}

/// What an operation does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Doing {
    /// Creates a file.
    Create {
        /// The file's name.
        name: String,
        /// The file's number. A rename does not change it.
        file: usize,
    },
    /// Renames a file.
    Rename {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
        /// The file's number.
        file: usize,
    },
    /// Removes a name.
    Remove {
        /// The name.
        name: String,
    },
    /// Makes names durable.
    SyncNames,
    /// Writes to a file.
    Write {
        /// The file's number.
        file: usize,
        /// The offset.
        offset: u64,
        /// How many bytes.
        len: usize,
    },
    /// Makes a file's writes durable.
    Sync {
        /// The file's number.
        file: usize,
    },
}

impl SimDisk {
    /// Starts the journal: see [`SimDisk::journal`].
    pub fn remember(&self) {
        self.state().journal.get_or_insert_default();
    }

    /// Returns every operation since [`SimDisk::remember`]; none if that was never called. A disk
    /// after a kill or a power cut has no journal: call it again.
    pub fn journal(&self) -> Vec<Operation> {
        self.state().journal.clone().unwrap_or_default()
    }

    /// Returns a file's name as a reader sees it; `None` if the file has none.
    pub fn name_of(&self, file: usize) -> Option<String> {
        let state = self.state();
        let named = state.names.iter().find(|(_, number)| **number == file);
        named.map(|(name, _)| name.clone())
    }
}

impl State {
    /// Adds an operation to the journal, if there is one.
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
