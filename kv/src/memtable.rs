//! The memtable engine: an ordered store in memory, with snapshots and a write-ahead log.
//!
//! ```text
//!   WriteBatch --> write-ahead log --> the four trees --> visible        durable after `sync`
//!                  one record          one lock
//!   get       walks a tree under the read lock, and copies nothing
//!   snapshot  four counters; what is written later copies the nodes that it changes
//! ```
//!
//! It stands alone as an embedded store:
//!
//! ```
//! use kv::memtable::{Family, KeyRange, Memtable, Options, Reader, WriteBatch};
//! use storage::SimDisk;
//!
//! let disk = SimDisk::new(1);
//! let table = Memtable::open_on(disk.clone(), Options::default())?;
//! let mut batch = WriteBatch::new();
//! batch.put(Family::Default, "apple", "red");
//! batch.put(Family::Default, "banana", "yellow");
//! table.write(&batch)?; // visible
//! let before = table.snapshot();
//! batch.clear();
//! batch.delete(Family::Default, "apple");
//! table.write(&batch)?;
//! table.sync()?; // durable
//! assert_eq!(before.iter(Family::Default, &KeyRange::all()).count(), 2);
//!
//! let after = Memtable::open_on(disk.after_kill(), Options::default())?;
//! assert_eq!(after.get(Family::Default, b"apple"), None);
//! assert_eq!(after.get(Family::Default, b"banana").as_deref(), Some(&b"yellow"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Limits: everything is in memory, and a start reads the whole write-ahead log, which only grows: the
//! checkpoints that shorten it are not built yet.
//!
//! Invariants:
//!
//! * A batch is visible as a whole, or not at all, and only after it is in the log.
//! * After a power cut, the batches that are left are the first so many: at least all that a returned
//!   [`Memtable::sync`] covers.

mod tree; // a copy-on-write B+tree

mod iterator; // the keys of a range, from both ends

mod snapshot; // all families at one moment

mod batch; // what is written together

mod wal; // the log that a batch is in before it is visible

mod error; // what can go wrong

pub use batch::{Change, WriteBatch};
pub use error::{Error, Result};
pub use iterator::{Iter, KeyRange};
pub use snapshot::Snapshot;
pub use tree::{Size, Tree};

use bytes::Bytes;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard};
use storage::{Disk, Log, Lsn, RealDisk};
use wal::Wal;

/// The number of a batch. The first has 1; 0 is before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Sequence(pub u64);

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Settings of a memtable.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// The write-ahead log.
    pub wal: storage::Options,
}

/// A column family: one of four ordered maps that share the write-ahead log. A batch may change
/// several of them, as a whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    /// The application's data.
    Default,
    /// Locks of transactions.
    Lock,
    /// Commit records of transactions.
    Write,
    /// The store's own state: regions, and how far they are applied.
    Raft,
}

impl Family {
    /// All families, in the order of their numbers.
    pub const ALL: [Family; 4] = [Family::Default, Family::Lock, Family::Write, Family::Raft];

    /// Returns the family's number: its place in [`Family::ALL`], also in the format of a batch.
    pub fn number(self) -> usize {
        match self {
            Family::Default => 0,
            Family::Lock => 1,
            Family::Write => 2,
            Family::Raft => 3,
        }
    }
}

/// Something that values are read from: the memtable itself, or a snapshot of it.
pub trait Reader {
    /// Returns the value of a key. An empty value is a value.
    fn get(&self, family: Family, key: &[u8]) -> Option<Bytes>;
}

/// An ordered store in memory. Every function takes `&self`, and any number of threads may call any of
/// them.
pub struct Memtable<D: Disk = RealDisk> {
    wal: Wal<D>,
    /// Held while a batch is written: batches are visible in the order of the log.
    written: Mutex<Written>,
    current: RwLock<Snapshot>,
}

/// The last batch that was written.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    sequence: Sequence,
    /// Its frame in the log.
    lsn: Lsn,
}

impl Memtable<RealDisk> {
    /// Opens the memtable of a directory. Creates both if they do not exist.
    ///
    /// # Errors
    /// As [`Memtable::open_on`].
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Memtable> {
        let name = dir.as_ref().display().to_string();
        let disk = RealDisk::at(dir).map_err(|source| {
            let source = std::sync::Arc::new(source);
            Error::Wal(storage::Error::Io { doing: "opening", name, source })
        })?;
        Memtable::open_on(disk, options)
    }
}

impl<D: Disk> Memtable<D> {
    /// Opens the memtable of a disk. Creates it if there is none. What was found is durable.
    ///
    /// # Errors
    /// [`Error::Wal`]: the directory is open already, is not ours, or has rotted; [`Error::Batch`]: the log
    /// holds what this program cannot read. Nothing was lost.
    pub fn open_on(disk: D, options: Options) -> Result<Memtable<D>> {
        let mut found = Snapshot::default();
        let (wal, sequence) = Wal::open(disk, options.wal, |batch| found.apply(batch))?;
        let lsn = wal.log().appended_lsn();
        let written = Mutex::new(Written { sequence, lsn });
        Ok(Memtable { wal, written, current: RwLock::new(found) })
    }

    /// Writes a batch: readers see it, and a power cut may lose it until [`Memtable::sync`] has returned. An
    /// empty batch writes nothing. Returns the batch's number.
    ///
    /// # Errors
    /// [`Error::Wal`]: the batch is not visible. If it is a refusal ([`Error::is_refusal`]), the memtable
    /// goes on; else it is not known whether the batch is back after the next opening.
    pub fn write(&self, batch: &WriteBatch) -> Result<Sequence> {
        let mut written = self.written();
        if batch.is_empty() {
            return Ok(written.sequence);
        }
        let sequence = Sequence(written.sequence.0 + 1);
        let lsn = self.wal.append(sequence, batch)?;
        self.current.write().expect("no thread panics while it changes the trees").apply(batch);
        *written = Written { sequence, lsn };
        Ok(sequence)
    }

    /// Makes every batch that was written before durable.
    ///
    /// # Errors
    /// [`Error::Wal`]: it is not known what is durable, and every later write is refused.
    pub fn sync(&self) -> Result<Sequence> {
        let Written { sequence, lsn } = *self.written();
        self.wal.sync(lsn)?;
        Ok(sequence)
    }

    /// Returns the number of the last batch.
    pub fn sequence(&self) -> Sequence {
        self.written().sequence
    }

    /// Returns all families as they are now.
    pub fn snapshot(&self) -> Snapshot {
        self.current().clone()
    }

    /// Returns the write-ahead log, to look at.
    pub fn wal(&self) -> &Log<D> {
        self.wal.log()
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().expect("no thread panics while it writes")
    }

    fn current(&self) -> RwLockReadGuard<'_, Snapshot> {
        self.current.read().expect("no thread panics while it changes the trees")
    }
}

impl<D: Disk> Reader for Memtable<D> {
    fn get(&self, family: Family, key: &[u8]) -> Option<Bytes> {
        self.current().get(family, key)
    }
}
