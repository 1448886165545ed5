//! Files in a directory. The one file of this package that speaks to the operating system.

use super::{Disk, DiskFile, Mapped};
use memmap2::MmapOptions;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

/// A directory of the file system.
#[derive(Clone, Debug)]
pub struct RealDisk {
    dir: PathBuf,
}

/// A file of it.
#[derive(Debug)]
pub struct RealFile {
    file: File,
}

/// The locked `LOCK` file. The lock goes with the process, however that ends.
#[derive(Debug)]
pub struct RealLock {
    _file: File,
}

impl RealDisk {
    /// Opens a directory; makes it, and the directories above it, if it is not there.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn at(dir: impl AsRef<Path>) -> io::Result<RealDisk> {
        let dir = dir.as_ref().to_path_buf();
        if !dir.is_dir() {
            fs::create_dir_all(&dir)?;
            // A directory is durable when its parent is. Its own parents are their owner's matter.
            if let Some(parent) = dir.canonicalize()?.parent() {
                sync_names(parent)?;
            }
        }
        Ok(RealDisk { dir })
    }
}

impl Disk for RealDisk {
    type File = RealFile;
    type Lock = RealLock;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<RealFile> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).open(self.dir.join(name))?;
        Ok(RealFile { file })
    }

    fn open(&self, name: &str) -> io::Result<RealFile> {
        let file = OpenOptions::new().read(true).write(true).open(self.dir.join(name))?;
        Ok(RealFile { file })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.dir.join(from), self.dir.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.dir.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        sync_names(&self.dir)
    }

    fn lock(&self) -> io::Result<RealLock> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(self.dir.join(crate::segment::LOCK))?;
        file.try_lock()?;
        Ok(RealLock { _file: file })
    }

    fn entropy(&self) -> u64 {
        // Every state is seeded by the operating system, and hashing nothing gives the seed away.
        RandomState::new().hash_one(())
    }
}

impl DiskFile for RealFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        write_part(&self.file, offset, bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn map(&self) -> io::Result<Mapped> {
        self.map_first(self.file.metadata()?.len())
    }

    fn map_first(&self, len: u64) -> io::Result<Mapped> {
        if len == 0 {
            return Ok(Mapped::new([])); // nothing cannot be mapped
        }
        let len = usize::try_from(len).map_err(io::Error::other)?;
        #[expect(unsafe_code, reason = "a map is a borrow that only its users can keep honest")]
        // SAFETY: nobody writes these bytes or cuts the file while the map lives. Of this process:
        // sealed segments are mapped, and by recovery all before it writes, and of the segment that is
        // written, only what is before its next frame; and a segment becomes a spare only once nobody
        // reads it. Of other processes: they hold no lock on the directory.
        let map = unsafe { MmapOptions::new().len(len).map(&self.file)? };
        Ok(Mapped::new(map))
    }
}

// Where operating systems differ.

/// Makes the names in a directory durable.
#[cfg(unix)]
fn sync_names(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes the names in a directory durable: the file system's journal does, in order, unasked.
#[cfg(windows)]
fn sync_names(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Writes at a place, and returns how many bytes were taken.
#[cfg(unix)]
fn write_part(file: &File, offset: u64, bytes: &[u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, bytes, offset)
}

/// Writes at a place, and returns how many bytes were taken.
#[cfg(windows)]
fn write_part(file: &File, offset: u64, bytes: &[u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, offset)
}
