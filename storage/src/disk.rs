//! The disk: the only door between the engine and the operating system.
//!
//! ```text
//!   write_at --> page cache --sync_data--> platter           what a file holds
//!   create, rename, remove --> directory --sync_dir--> platter     what a file is called
//! ```
//!
//! Left of each arrow a power cut may take anything, in any order, and keep any part of it. So the
//! rule for a file that must exist is always the same four steps: write it under another name,
//! [`DiskFile::sync_data`], [`Disk::rename`], [`Disk::sync_dir`].
//!
//! What the engine assumes of a disk, and nothing more: bytes nobody writes stay as they are, even
//! when their neighbours in the same sector are being written; a rename happens or does not; a sync
//! that returns has told the truth. A sync that fails may have lost what it was for, now and for
//! ever: it is never tried again. The cache goes on showing what the platter may not hold: bytes,
//! names, and that a file is gone.

mod real; // files in a directory
mod sim; // a disk that can be cut off, damaged and filled, at any operation

pub use real::{RealDisk, RealFile, RealLock};
pub use sim::{Doing, Fate, Fates, Fault, Latency, Operation, Sector, SimDisk, SimFile, SimLock};

use bytes::Bytes;
use core::time::Duration;
use std::io;
use std::sync::{Arc, Weak};

/// A directory of files, flat, with names of the engine's choice. What changes something knows who
/// asked for it (`track_caller`): a simulated disk can name the line.
pub trait Disk: Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;
    /// Holds the directory against other openers until it is dropped.
    type Lock: Send + Sync + 'static;

    /// Returns the names in the directory, in order.
    ///
    /// # Errors
    /// What the operating system says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes an empty file. Its name is durable after [`Disk::sync_dir`].
    ///
    /// # Errors
    /// `AlreadyExists`, and what the operating system says.
    #[track_caller]
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Opens a file to read and write it.
    ///
    /// # Errors
    /// `NotFound`, and what the operating system says.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Gives a file another name, in place of a file that has it. Durable after [`Disk::sync_dir`].
    ///
    /// # Errors
    /// What the operating system says.
    #[track_caller]
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a name. Durable after [`Disk::sync_dir`].
    ///
    /// # Errors
    /// What the operating system says.
    #[track_caller]
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes every name durable, and every removal.
    ///
    /// # Errors
    /// What the operating system says; what was to be made durable may be lost.
    #[track_caller]
    fn sync_dir(&self) -> io::Result<()>;

    /// Locks the directory against other openers, of this process and of others.
    ///
    /// # Errors
    /// `WouldBlock` if somebody has it open.
    fn lock(&self) -> io::Result<Self::Lock>;

    /// Returns a number that nobody can foretell, for names and salts.
    fn entropy(&self) -> u64;

    /// Returns how long the disk's clock has run. It never goes back. It is read around a sync: callers
    /// who are about to append may join the next sync, for a share of what the last one took. By
    /// default the clock stands still, and then nobody waits for anybody.
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

/// An open file.
pub trait DiskFile: Send + Sync + 'static {
    /// Writes at `offset`, and returns how many bytes were taken: it may be fewer.
    ///
    /// # Errors
    /// What the operating system says. Some of the bytes may have been written.
    #[track_caller]
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize>;

    /// Makes what was written durable, and the file's length.
    ///
    /// # Errors
    /// What the operating system says; what was to be made durable may be lost.
    #[track_caller]
    fn sync_data(&self) -> io::Result<()>;

    /// Returns the file's whole content, to read it without copying it.
    ///
    /// The caller promises that nobody writes the file or makes it shorter while the bytes, or any
    /// part of them, are in use: the engine maps segments that are sealed, and a segment is written
    /// again only once [`Released::is_in_use`] says no.
    ///
    /// # Errors
    /// What the operating system says.
    fn map(&self) -> io::Result<Mapped>;

    /// Returns the file's first `len` bytes, to read them without copying them, while what is behind
    /// them is still written. For these bytes the caller promises as for [`DiskFile::map`].
    ///
    /// # Errors
    /// What the operating system says.
    fn map_first(&self, len: u64) -> io::Result<Mapped>;

    /// Writes all of `bytes` at `offset`, in as many turns as it takes.
    ///
    /// # Errors
    /// As [`DiskFile::write_at`]; `WriteZero` if the disk takes nothing.
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
    /// From one end to the other, or nearly: what is around a byte that is read will be read as well.
    /// This is what a system takes for granted.
    Around,
    /// Here and there: a byte that is read says nothing of its neighbours.
    Random,
    /// So many bytes from an offset on will soon be read. Those that are not there do not matter.
    WillNeed {
        /// The first of them.
        offset: u64,
        /// How many.
        len: u64,
    },
}

/// Who takes advice on how a file's content will be read: a disk that reads ahead.
pub trait Advised: std::fmt::Debug + Send + Sync {
    /// Takes advice. It changes how fast content is read, and nothing else; a disk may ignore it.
    fn advise(&self, advice: Advice);
}

/// A file's content, and whether any part of it is still being read.
#[derive(Clone, Debug)]
pub struct Mapped {
    bytes: Bytes,
    /// Who takes advice on how they are read, if anybody does.
    advised: Option<Arc<dyn Advised>>,
    /// Of these bytes, and of those of the same file that were lent before them.
    owners: Vec<Weak<()>>,
}

/// What the bytes belong to. It goes when the last slice of them does.
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
    /// Returns content that belongs to `content`, whatever that is.
    pub fn new(content: impl AsRef<[u8]> + Send + 'static) -> Mapped {
        let alive = Arc::new(());
        let owners = vec![Arc::downgrade(&alive)];
        let bytes = Bytes::from_owner(Owned { content, _alive: alive });
        Mapped { bytes, advised: None, owners }
    }

    /// Lets somebody take advice on how the content will be read.
    pub fn advised_by(self, advised: Arc<dyn Advised>) -> Mapped {
        Mapped { advised: Some(advised), ..self }
    }

    /// Returns who takes advice on how the content will be read, if anybody does.
    pub fn advised(&self) -> Option<&Arc<dyn Advised>> {
        self.advised.as_ref()
    }

    /// Takes the place of `before`, which is of the same file: who still reads that reads the file.
    pub(crate) fn replace(&mut self, before: Mapped) {
        self.owners.extend(before.release().owners);
    }

    /// Lends the content: slices of it are shared, not copied.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Gives up the content, and returns what tells whether somebody still reads it.
    pub fn release(self) -> Released {
        drop((self.bytes, self.advised));
        let mut owners = self.owners;
        owners.retain(|owner| owner.strong_count() > 0);
        Released { owners }
    }
}

/// Content that its segment has given up.
#[derive(Clone, Debug)]
pub struct Released {
    owners: Vec<Weak<()>>,
}

impl Released {
    /// Returns whether a reader still holds a slice of it.
    pub fn is_in_use(&self) -> bool {
        self.owners.iter().any(|owner| owner.strong_count() > 0)
    }
}
