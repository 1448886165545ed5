//! The disk's operations, and the lines that asked for them: the evidence of this lab.
//!
//! ```text
//!   operation 7   write 00000001.log 4096..4168      log.rs:235 Log::write_frame
//!   operation 8   sync 00000001.log                  log.rs:262 Log::sync
//! ```
//!
//! A simulated disk records every operation that changes something. Tests count them, look at their
//! offsets, and show them on the card.

use harness::{Case, Failure, Place};
use storage::{Doing, Operation, SimDisk};

/// The operations of a disk from some moment on.
pub(super) struct AskedOperations {
    disk: SimDisk,
    from: usize,
    /// Where the counting ends, if it has ended.
    to: Option<usize>,
}

/// Where a write went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Written {
    /// The file's number.
    pub(super) file: usize,
    /// Where its first byte went.
    pub(super) from: u64,
    /// After its last byte.
    pub(super) to: u64,
}

impl AskedOperations {
    /// Begins to count.
    pub(super) fn of(disk: &SimDisk) -> AskedOperations {
        AskedOperations { disk: disk.clone(), from: disk.journal().len(), to: None }
    }

    /// Stops: what comes from here on is not counted.
    pub(super) fn end(&mut self) {
        self.to = Some(self.disk.journal().len());
    }

    /// Returns the operations since then.
    pub(super) fn operations(&self) -> Vec<Operation> {
        let mut journal = self.disk.journal();
        journal.truncate(self.to.unwrap_or(journal.len()));
        journal.split_off(self.from)
    }

    /// Returns where writes went.
    pub(super) fn writes(&self) -> Vec<Written> {
        let place = |operation: Operation| {
            let Doing::Write { file, offset, len } = operation.doing else { return None };
            Some(Written { file, from: offset, to: offset + len as u64 })
        };
        self.operations().into_iter().filter_map(place).collect()
    }

    /// Counts syncs, of data and of names.
    pub(super) fn syncs(&self) -> usize {
        self.operations().iter().filter(|operation| is_sync(operation)).count()
    }

    /// Returns the line of the last operation for which `decides` is true.
    pub(super) fn line(&self, decides: fn(&Operation) -> bool) -> Option<Place> {
        self.operations().iter().rev().find(|it| decides(it)).map(|it| Place::from(it.at))
    }

    /// Points a row at the line of the last operation for which `decides` is true, if there is one.
    pub(super) fn point(&self, row: &mut Case, decides: fn(&Operation) -> bool) {
        if let Some(line) = self.line(decides) {
            row.decided_at(line);
        }
    }

    /// Shows the operations on a card, and points at the line that decided; at `function` if there is
    /// none.
    pub(super) fn show(
        &self,
        failure: Failure,
        decides: fn(&Operation) -> bool,
        function: &str,
    ) -> Failure {
        let failure = match self.line(decides) {
            Some(place) => failure.your_line(place),
            None => failure.function(function),
        };
        let operations = self.operations();
        if operations.is_empty() {
            return failure.detail("the disk was asked for nothing");
        }
        operations.iter().fold(failure, |failure, done| failure.detail(self.say(done)))
    }

    /// Writes an operation, and the line that asked for it.
    fn say(&self, operation: &Operation) -> String {
        let place = Place::from(operation.at);
        let function = place.function().unwrap_or_default();
        let what = self.what(&operation.doing);
        format!("operation {:<3} {what:<30} {} {function}", operation.number, place.short())
            .trim_end()
            .to_owned()
    }

    /// Writes what was to be done.
    fn what(&self, doing: &Doing) -> String {
        let name =
            |file: usize| self.disk.name_of(file).unwrap_or_else(|| "a nameless file".into());
        match doing {
            Doing::Create { name, .. } => format!("create {name}"),
            Doing::Rename { from, to, .. } => format!("rename {from} to {to}"),
            Doing::Remove { name } => format!("remove {name}"),
            Doing::SyncNames => "sync the directory".to_owned(),
            Doing::Write { file, offset, len } => {
                format!("write {} {offset}..{}", name(*file), offset + *len as u64)
            }
            Doing::Sync { file } => format!("sync {}", name(*file)),
        }
    }
}

/// Returns whether an operation makes something durable.
pub(super) fn is_sync(operation: &Operation) -> bool {
    matches!(operation.doing, Doing::Sync { .. } | Doing::SyncNames)
}

/// Returns whether an operation writes.
pub(super) fn is_write(operation: &Operation) -> bool {
    matches!(operation.doing, Doing::Write { .. })
}
