//! A log on a disk that records its operations, and what a test can see of it.
//!
//! ```text
//!   written      write 00000001.log 4096..4168     the disk's operations
//!   seen         after 4@2: 5@2 6@2                what a reader is told
//! ```
//!
//! Everything here fits one segment, and most of it stays free: a later lab tests full segments.

use super::asked::{AskedOperations, Written};
use crate::storage::kit::words::{Checked, fresh, must, open, small};
use harness::{Rule, current};
use storage::{Batch, GroupId, Index, Log, Lsn, Options, SimDisk};

/// Settings with room for everything that a test writes.
fn roomy() -> Options {
    Options { segment_bytes: 1 << 18, max_batch_bytes: 1 << 16, ..small() }
}

/// What a frame's header says. Only the fields that tests need; no checksum is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    /// The frame's length.
    pub(super) len: u64,
    /// Its LSN.
    pub(super) lsn: u64,
    /// The LSN up to which everything was durable.
    pub(super) durable: u64,
}

/// A log on a disk.
pub(super) struct ObservedLog {
    rule: Rule,
    /// The disk.
    pub(super) disk: SimDisk,
    /// The log.
    pub(super) inner: Log<SimDisk>,
}

impl ObservedLog {
    /// A new log on an empty disk.
    pub(super) fn new(rule: &Rule) -> Checked<ObservedLog> {
        let disk = fresh();
        let log = open(rule, &disk, roomy())?;
        Ok(ObservedLog { rule: *rule, disk, inner: log })
    }

    /// Appends a correct batch.
    pub(super) fn append(&self, batch: &Batch) -> Checked<Lsn> {
        current::doing("appending a batch that fits".to_owned());
        self.taken(self.inner.append(batch))
    }

    /// Appends a correct batch. Returns its LSN, and what the frame's header says; nothing if none was written.
    pub(super) fn append_and_read(&self, batch: &Batch) -> Checked<(Lsn, Option<String>)> {
        let asked = self.asked();
        let lsn = self.append(batch)?;
        let header = asked.writes().first().and_then(|write| header(&self.bytes(*write)));
        Ok((lsn, header.map(|header| format!("LSN {}, durable {}", header.lsn, header.durable))))
    }

    /// Appends a correct batch, and waits until it is durable.
    pub(super) fn write(&self, batch: &Batch) -> Checked<Lsn> {
        current::doing("writing a batch that fits, and waiting until it is durable".to_owned());
        self.taken(self.inner.write(batch))
    }

    /// Waits until a batch is durable.
    pub(super) fn sync_to(&self, lsn: Lsn) -> Checked<()> {
        current::doing(format!("waiting until LSN {lsn} is durable"));
        self.taken(self.inner.sync_to(lsn))
    }

    fn taken<T>(&self, outcome: storage::Result<T>) -> Checked<T> {
        must(&self.rule, "a batch", "Log::write_frame", outcome)
    }

    /// Begins to count the disk's operations.
    pub(super) fn asked(&self) -> AskedOperations {
        AskedOperations::of(&self.disk)
    }

    /// Returns what the file holds at the offset of a write; nothing if the file has no name.
    pub(super) fn bytes(&self, at: Written) -> Vec<u8> {
        let Some(name) = self.disk.name_of(at.file) else { return Vec::new() };
        let file = self.disk.bytes(&name);
        file.get(at.from as usize..at.to as usize).unwrap_or_default().to_vec()
    }

    /// Says what readers are told of a group's log: its base, and every term; `?` for a missing term. A term
    /// before its beginning or after its end is shown too.
    pub(super) fn seen(&self, group: GroupId) -> String {
        let log = &self.inner;
        current::doing(format!("asking for the indexes and terms of {group}"));
        let (Some(first), Some(last)) = (log.first_index(group), log.last_index(group)) else {
            return "no such group".to_owned();
        };
        if first.0 == 0 || last.0 + 1 < first.0 || last.0 - (first.0 - 1) > 1_000 {
            return format!("entries {first} to {last}");
        }
        let term = |index: u64| match log.term(group, Index(index)) {
            Some(term) => format!("{index}@{term}"),
            None => format!("{index}@?"),
        };
        let mut said = format!("after {}:", term(first.0 - 1));
        for index in first.0..=last.0 {
            said.push_str(&format!(" {}", term(index)));
        }
        if first > last.next() || log.term(group, last.next()).is_some() {
            said.push_str(&format!(", and after its end {}", term(last.0 + 1)));
        }
        let before = first.0.checked_sub(2).map(Index);
        if let Some(before) = before.filter(|before| log.term(group, *before).is_some()) {
            said.push_str(&format!(", and before its beginning {}", term(before.0)));
        }
        said
    }
}

/// Reads the header of the frame that these bytes begin with.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let word = |at: usize, len: usize| -> Option<u64> {
        let bytes = bytes.get(at..at + len)?;
        Some(bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)))
    };
    Some(Header { len: word(4, 4)?, lsn: word(8, 8)?, durable: word(16, 8)? })
}
