//! The write-ahead log: a `storage` log of one group, one entry a batch.
//!
//! ```text
//!   group 0:  1@1  2@1  3@1  4@1 ...         index = the batch's sequence number
//!             '-- a batch as bytes:
//!
//!   0  1  version 1
//!   1  4  the number of changes             then each change:
//!
//!   0  1  family * 4 + kind                 family 0 default, 1 lock, 2 write, 3 raft
//!   1  4  length of the key, and the key    kind 0 put, 1 delete, 2 delete range
//!   .  .  put: length of the value, and the value
//!         delete range: 0 if it has no end, or 1, the length of the end, and the end
//! ```
//!
//! Numbers are little-endian. A batch is written as a whole, or not at all: it is one entry of one frame.

use super::batch::{Change, WriteBatch};
use super::error::{Error, Result};
use super::{Family, Sequence};
use crate::codec::{CodecError, Input, Output};
use bytes::Bytes;
use std::sync::Mutex;
use storage::{Batch, Disk, EntryId, GroupId, Index, Log, Lsn, Options};

const VERSION: u8 = 1;

/// The length of a batch without its changes.
pub(super) const HEAD_BYTES: usize = 5;

/// The only group of the log.
const GROUP: GroupId = GroupId(0);

/// How many bytes of entries are read at once in recovery.
const READ_BYTES: u64 = 4 << 20;

/// The log.
pub(super) struct Wal<D: Disk> {
    log: Log<D>,
    /// The frame of the next batch, in memory that is used again.
    record: Mutex<Batch>,
}

impl<D: Disk> Wal<D> {
    /// Opens the log, and gives every batch in it to `replay`, in order. Returns the log, and the sequence
    /// number of the last batch.
    pub(super) fn open(
        disk: D,
        options: Options,
        mut replay: impl FnMut(&WriteBatch),
    ) -> Result<(Wal<D>, Sequence)> {
        let log = Log::open_on(disk, options).map_err(Error::Wal)?;
        let Some((first, last)) = log.first_index(GROUP).zip(log.last_index(GROUP)) else {
            return Ok((Wal::new(log), Sequence(0)));
        };
        let mut next = first;
        while next <= last {
            let entries = log.entries(GROUP, next..last.next(), READ_BYTES).map_err(Error::Wal)?;
            for entry in entries {
                let sequence = Sequence(entry.id.index.0);
                let batch = decode(entry.data);
                replay(&batch.map_err(|error| Error::Batch { sequence, error })?);
                next = entry.id.index.next();
            }
        }
        Ok((Wal::new(log), Sequence(last.0)))
    }

    fn new(log: Log<D>) -> Wal<D> {
        Wal { log, record: Mutex::default() }
    }

    /// Appends a batch. It is durable once [`Wal::sync`] has returned for it.
    pub(super) fn append(&self, sequence: Sequence, batch: &WriteBatch) -> Result<Lsn> {
        let id = EntryId { index: Index(sequence.0), ..EntryId::new(0, 1) };
        let mut record = self.record.lock().expect("no thread panics while it fills the frame");
        record.clear();
        record.entry_with(GROUP, id, |to| write(to, batch));
        self.log.append(&record).map_err(Error::Wal)
    }

    /// Makes everything up to `lsn` durable.
    pub(super) fn sync(&self, lsn: Lsn) -> Result<()> {
        self.log.sync_to(lsn).map_err(Error::Wal)
    }

    /// Returns the log.
    pub(super) fn log(&self) -> &Log<D> {
        &self.log
    }
}

/// Appends a batch as bytes, in memory that is reserved at once.
fn write(to: &mut Vec<u8>, batch: &WriteBatch) {
    to.reserve(batch.size_bytes());
    to.byte(VERSION);
    to.count(batch.changes().len());
    for (family, change) in batch.changes() {
        let (kind, key) = match change {
            Change::Put { key, .. } => (0, key),
            Change::Delete { key } => (1, key),
            Change::DeleteRange { from, .. } => (2, from),
        };
        to.byte(family.number() as u8 * 4 + kind);
        to.bytes(key);
        match change {
            Change::Put { value, .. } => to.bytes(value),
            Change::Delete { .. } => {}
            Change::DeleteRange { to: None, .. } => to.byte(0),
            Change::DeleteRange { to: Some(end), .. } => {
                to.byte(1);
                to.bytes(end);
            }
        }
    }
}

/// Returns the batch that these bytes are. Keys and values are copied: a value must not keep the memory
/// of the whole log.
fn decode(bytes: Bytes) -> std::result::Result<WriteBatch, CodecError> {
    let mut input = Input::versioned(bytes, VERSION)?;
    let changes = input.list("the changes", 5, read_change)?;
    input.finish()?;
    Ok(changes.into_iter().collect())
}

fn read_change(input: &mut Input) -> std::result::Result<(Family, Change), CodecError> {
    let found = input.byte("a change")?;
    let family = *Family::ALL
        .get(usize::from(found / 4))
        .ok_or(CodecError::UnknownKind { what: "a change", found })?;
    let key = copied(input, "a key")?;
    let change = match found % 4 {
        0 => Change::Put { key, value: copied(input, "a value")? },
        1 => Change::Delete { key },
        2 => {
            let to = input.optional("the end of a range", |input| copied(input, "a key"))?;
            Change::DeleteRange { from: key, to }
        }
        _ => return Err(CodecError::UnknownKind { what: "a change", found }),
    };
    Ok((family, change))
}

fn copied(input: &mut Input, what: &'static str) -> std::result::Result<Bytes, CodecError> {
    Ok(Bytes::copy_from_slice(&input.bytes(usize::MAX, what)?))
}

#[cfg(test)]
mod tests;
