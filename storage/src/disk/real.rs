//! Files in a directory of the operating system. No other file of the engine calls it.

use super::{Advice, Advised, Disk, DiskFile, Mapped};
use memmap2::{Mmap, MmapMut, MmapOptions};
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A directory of the file system.
#[derive(Clone, Debug)]
pub struct RealDisk {
    dir: PathBuf,
    access: Access,
    opened: Instant,
}

/// A file in the directory.
#[derive(Debug)]
pub struct RealFile {
    file: File,
    access: Access,
}

/// What the engine may do with a directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Access {
    /// Read and write.
    Write,
    /// Only read. Another process may be writing at the same time.
    Read,
}

/// The locked `LOCK` file. The lock ends when this value is dropped, or when the process ends.
#[derive(Debug)]
pub struct RealLock {
    file: File,
}

impl Drop for RealLock {
    fn drop(&mut self) {
        // Closing the file is not enough. A child process that another thread is starting has a
        // copy of every open file until it loads its program, and the lock lasts until the last
        // copy is closed. If unlocking fails, the lock lasts until then.
        let _ = self.file.unlock();
    }
}

impl RealDisk {
    /// Opens a directory. Creates it, and the directories above it, if it does not exist.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn at(dir: impl AsRef<Path>) -> io::Result<RealDisk> {
        let dir = dir.as_ref().to_path_buf();
        if !dir.is_dir() {
            fs::create_dir_all(&dir)?;
            // A directory's name is durable once its parent is synced. The parent's own name is the
            // caller's task.
            if let Some(parent) = dir.canonicalize()?.parent() {
                sync_names(parent)?;
            }
        }
        Ok(RealDisk { dir, access: Access::Write, opened: Instant::now() })
    }

    /// Opens an existing directory only for reading. The disk refuses every operation that could
    /// change something in it, a lock and a sync too.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, or another error of the operating system.
    pub fn to_read(dir: impl AsRef<Path>) -> io::Result<RealDisk> {
        let dir = dir.as_ref().to_path_buf();
        fs::read_dir(&dir)?;
        Ok(RealDisk { dir, access: Access::Read, opened: Instant::now() })
    }

    /// Checks that the directory may be changed.
    ///
    /// # Errors
    /// `ReadOnlyFilesystem`.
    fn check_may_write(&self) -> io::Result<()> {
        match self.access {
            Access::Write => Ok(()),
            Access::Read => Err(io::Error::new(
                ErrorKind::ReadOnlyFilesystem,
                "the directory was opened only for reading",
            )),
        }
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
        self.check_may_write()?;
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).open(self.dir.join(name))?;
        Ok(RealFile { file, access: self.access })
    }

    fn open(&self, name: &str) -> io::Result<RealFile> {
        let path = self.dir.join(name);
        // A pipe with that name would make a reader wait for ever.
        if !fs::metadata(&path)?.is_file() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let is_written = self.access == Access::Write;
        let file = OpenOptions::new().read(true).write(is_written).open(path)?;
        Ok(RealFile { file, access: self.access })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.check_may_write()?;
        fs::rename(self.dir.join(from), self.dir.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.check_may_write()?;
        fs::remove_file(self.dir.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.check_may_write()?;
        sync_names(&self.dir)
    }

    fn lock(&self) -> io::Result<RealLock> {
        self.check_may_write()?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(self.dir.join(crate::segment::LOCK))?;
        file.try_lock()?;
        Ok(RealLock { file })
    }

    fn entropy(&self) -> u64 {
        // The operating system seeds every `RandomState`; the hash of nothing depends only on the
        // seed.
        RandomState::new().hash_one(())
    }

    fn now(&self) -> Duration {
        self.opened.elapsed()
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
            return Ok(Mapped::new([])); // a map cannot be empty
        }
        if self.access == Access::Read {
            return copy(&self.file, len);
        }
        let len = usize::try_from(len).map_err(io::Error::other)?;
        #[expect(unsafe_code, reason = "the compiler cannot see who else writes a mapped file")]
        // SAFETY: nobody writes these bytes or shortens the file while the map exists. Other
        // processes do not, because this one holds the directory's lock. This process maps sealed
        // segments, and the tail only up to its next frame. Recovery maps every segment before it
        // writes; it drops the map of a tail before it writes it in place. A file becomes a spare
        // only once no slice is in use.
        let map = unsafe { MmapOptions::new().len(len).map(&self.file)? };
        let map = Arc::new(Map(map));
        Ok(Mapped::new(MapBytes(map.clone())).advised_by(map))
    }
}

/// The map of a file.
#[derive(Debug)]
struct Map(Mmap);

/// The bytes of a map.
struct MapBytes(Arc<Map>);

impl AsRef<[u8]> for MapBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0.0
    }
}

/// How many bytes of a file are read at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Returns a copy of a file's first bytes. It is not a map, because others may write or shorten the
/// file at the same time. And if the medium fails, a read returns an error; a map would end the
/// process. Zeros take no memory.
fn copy(mut file: &File, len: u64) -> io::Result<Mapped> {
    if len > u64::from(u32::MAX) {
        let what = format!("it is {len} bytes long, but no segment is longer than {}", u32::MAX);
        return Err(io::Error::new(ErrorKind::FileTooLarge, what));
    }
    let len = len as usize;
    let mut content = MmapMut::map_anon(len)?;
    let mut chunk = vec![0; CHUNK_BYTES.min(len)];
    file.seek(SeekFrom::Start(0))?;
    let mut at = 0;
    while at < len {
        let part = &mut chunk[..CHUNK_BYTES.min(len - at)];
        file.read_exact(part)
            .map_err(|error| io::Error::new(error.kind(), format!("at offset {at}: {error}")))?;
        if part.iter().any(|byte| *byte != 0) {
            content[at..at + part.len()].copy_from_slice(part);
        }
        at += part.len();
    }
    Ok(Mapped::new(content))
}

// What differs between operating systems.

#[cfg(unix)]
impl Advised for Map {
    fn advise(&self, advice: Advice) {
        // Advice is optional, so an error does not matter.
        let _ = match advice {
            Advice::Around => self.0.advise(memmap2::Advice::Normal),
            Advice::Random => self.0.advise(memmap2::Advice::Random),
            Advice::WillNeed { offset, len } => {
                let all = self.0.len();
                let offset = usize::try_from(offset).unwrap_or(all).min(all);
                let len = usize::try_from(len).unwrap_or(all).min(all - offset);
                self.0.advise_range(memmap2::Advice::WillNeed, offset, len)
            }
        };
    }
}

#[cfg(windows)]
impl Advised for Map {
    fn advise(&self, _: Advice) {}
}

/// Makes the names in a directory durable.
#[cfg(unix)]
fn sync_names(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Does nothing: the file system's journal makes names durable, in order.
#[cfg(windows)]
fn sync_names(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Writes at an offset, and returns how many bytes were written.
#[cfg(unix)]
fn write_part(file: &File, offset: u64, bytes: &[u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, bytes, offset)
}

/// Writes at an offset, and returns how many bytes were written.
#[cfg(windows)]
fn write_part(file: &File, offset: u64, bytes: &[u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_lock_is_free_even_if_a_starting_child_has_a_copy_of_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let disk = RealDisk::at(dir.path()).unwrap();
        let lock = disk.lock().unwrap();
        let copy = lock.file.try_clone().unwrap();
        assert_eq!(disk.lock().unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(lock);
        disk.lock().unwrap();
        drop(copy);
    }
}
