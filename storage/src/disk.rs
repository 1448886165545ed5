//! The disk: the only way from the engine to the operating system.
//!
//! ```text
//!   write_at --> page cache --sync_data--> stable storage                  a file's bytes
//!   create, rename, remove --> directory --sync_dir--> stable storage      a file's name
//! ```
//!
//! A power cut may lose any part of what is not synced, in any order. So a file that must exist is
//! created in four steps: write it under another name, [`DiskFile::sync_data`], [`Disk::rename`],
//! [`Disk::sync_dir`].
//!
//! The engine assumes this of a disk, and nothing more:
//!
//! * Bytes that are not written do not change, even if other bytes of their sector are written.
//! * A rename happens as a whole, or not at all.
//! * If a sync returns without an error, its bytes are durable.
//!
//! A sync that fails may have lost its bytes for ever, so the engine never repeats it. The page
//! cache still shows what may not be durable: bytes, names, and that a file was removed.

mod real; // files in a directory
mod sim; // a disk in memory that can lose power, rot and be full, at any operation

pub use real::{RealDisk, RealFile, RealLock};
pub use sim::{Doing, Fate, Fates, Fault, Latency, Operation, Sector, SimDisk, SimFile, SimLock};

use bytes::Bytes;
use core::time::Duration;
use std::io;
use std::sync::{Arc, Weak};

/// One directory of files, without subdirectories. Each operation that changes something knows its
/// caller (`track_caller`): so a simulated disk can name the line.
pub trait Disk: Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;
    /// Keeps others from opening the directory until it is dropped.
    type Lock: Send + Sync + 'static;

    /// Returns the names in the directory, sorted.
    ///
    /// # Errors
    /// The operating system's error.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Creates an empty file. Its name is durable after [`Disk::sync_dir`].
    ///
    /// # Errors
    /// `AlreadyExists`, or another error of the operating system.
    #[track_caller]
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// `NotFound`, or another error of the operating system.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Renames a file. A file that had the new name is replaced. Durable after [`Disk::sync_dir`].
    ///
    /// # Errors
    /// The operating system's error.
    #[track_caller]
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Durable after [`Disk::sync_dir`].
    ///
    /// # Errors
    /// The operating system's error.
    #[track_caller]
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes all names and all removals durable.
    ///
    /// # Errors
    /// The operating system's error. What was not durable before may be lost.
    #[track_caller]
    fn sync_dir(&self) -> io::Result<()>;

    /// Locks the directory, so that nobody else in this process or another can open it.
    ///
    /// # Errors
    /// `WouldBlock` if it is already locked.
    fn lock(&self) -> io::Result<Self::Lock>;

    /// Returns an unpredictable number, for store ids and salts.
    fn entropy(&self) -> u64;

    /// Returns the time on the disk's clock, which never goes back. It is read before and after a
    /// sync: the next sync may wait for more appends, for a part of the time that the last one
    /// took. The default clock does not run, and then no sync waits.
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

/// An open file.
pub trait DiskFile: Send + Sync + 'static {
    /// Writes at `offset`, and returns how many bytes were written: perhaps fewer than all.
    ///
    /// # Errors
    /// The operating system's error. Some of the bytes may have been written.
    #[track_caller]
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize>;

    /// Makes the file's bytes and its length durable.
    ///
    /// # Errors
    /// The operating system's error. What was not durable before may be lost.
    #[track_caller]
    fn sync_data(&self) -> io::Result<()>;

    /// Returns the whole content of the file, usually as a map, which copies nothing.
    ///
    /// The caller promises that nobody writes or shortens the file while any of the bytes are in
    /// use. The engine maps sealed segments, and recycles a file only once [`Released::is_in_use`]
    /// returns false.
    ///
    /// # Errors
    /// The operating system's error.
    fn map(&self) -> io::Result<Mapped>;

    /// Returns the file's first `len` bytes, as [`DiskFile::map`] does. The bytes after them may
    /// still be written. For the mapped bytes the caller promises the same as for
    /// [`DiskFile::map`].
    ///
    /// # Errors
    /// The operating system's error.
    fn map_first(&self, len: u64) -> io::Result<Mapped>;

    /// Writes all of `bytes` at `offset`, in as many calls of [`DiskFile::write_at`] as it takes.
    ///
    /// # Errors
    /// As [`DiskFile::write_at`]; `WriteZero` if the disk writes no byte.
    #[track_caller]
    fn write_all_at(&self, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_at(offset, bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => {
                    bytes = &bytes[taken..];
                    offset += taken as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// How a file's content will be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Advice {
    /// In order: the bytes near a byte that is read will be read too. Systems assume this by
    /// default.
    Around,
    /// In random order: the bytes near a byte that is read will probably not be read.
    Random,
    /// These bytes will be read soon. The range may go beyond the end of the file.
    WillNeed {
        /// The offset of the first byte.
        offset: u64,
        /// The number of bytes.
        len: u64,
    },
}

/// Something that takes advice on how a file's content will be read: a disk that reads ahead.
pub trait Advised: std::fmt::Debug + Send + Sync {
    /// Takes advice. It changes only how fast content is read. A disk may ignore it.
    fn advise(&self, advice: Advice);
}

/// The content of a file, with a record of whether any part of it is still in use.
#[derive(Clone, Debug)]
pub struct Mapped {
    bytes: Bytes,
    /// Takes advice on how the bytes are read, if the disk can use it.
    advised: Option<Arc<dyn Advised>>,
    /// The owners of these bytes, and of earlier maps of the same file. An owner is alive while a
    /// slice of its bytes exists.
    owners: Vec<Weak<()>>,
}

/// The owner of the bytes. It is dropped with the last slice of them.
struct Owned<T> {
    content: T,
    _alive: Arc<()>,
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Owned<T> {
    fn as_ref(&self) -> &[u8] {
        self.content.as_ref()
    }
}

impl Mapped {
    /// Wraps `content`: a map, or a buffer.
    pub fn new(content: impl AsRef<[u8]> + Send + 'static) -> Mapped {
        let alive = Arc::new(());
        let owners = vec![Arc::downgrade(&alive)];
        let bytes = Bytes::from_owner(Owned { content, _alive: alive });
        Mapped { bytes, advised: None, owners }
    }

    /// Sets what takes advice on how the content will be read.
    pub fn advised_by(self, advised: Arc<dyn Advised>) -> Mapped {
        Mapped { advised: Some(advised), ..self }
    }

    /// Returns what takes advice on how the content will be read, if the disk can use it.
    pub fn advised(&self) -> Option<&Arc<dyn Advised>> {
        self.advised.as_ref()
    }

    /// Replaces `before`, an earlier map of the same file. While a slice of `before` is in use, the
    /// file is in use.
    pub(crate) fn replace(&mut self, before: Mapped) {
        self.owners.extend(before.release().owners);
    }

    /// Returns the content. Slices of it share its memory.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Drops the content, and returns a record of whether slices of it are still in use.
    pub fn release(self) -> Released {
        drop((self.bytes, self.advised));
        let mut owners = self.owners;
        owners.retain(|owner| owner.strong_count() > 0);
        Released { owners }
    }
}

/// A record of whether dropped content is still in use.
#[derive(Clone, Debug)]
pub struct Released {
    owners: Vec<Weak<()>>,
}

impl Released {
    /// Returns whether a reader still holds a slice of the content.
    pub fn is_in_use(&self) -> bool {
        self.owners.iter().any(|owner| owner.strong_count() > 0)
    }
}
