//! Where the engines' directories are, and what of them is in memory.
//!
//! ```text
//!   --dir, or the temporary directory
//!     '-- raftwright-peers-XXXXXX        gone when the run ends
//!           ours/  peer/  ...            one for each engine, gone when it is done with
//! ```

use rustix::fs::{Advice, fadvise, statfs};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The directory of one run.
pub(crate) struct Place {
    dir: TempDir,
    /// What kind of file system it is on.
    pub(crate) file_system: String,
}

impl Place {
    /// Makes a directory for a run.
    ///
    /// # Errors
    /// If there is none above it, or if it would be in memory: a sync costs nothing there, and half
    /// of what is measured would mean nothing.
    pub(crate) fn within(dir: Option<PathBuf>) -> Result<Place, String> {
        let above = dir.unwrap_or_else(std::env::temp_dir);
        let name = |error| format!("{}: {error}", above.display());
        let magic = statfs(&above).map_err(|e| name(io::Error::from(e)))?.f_type as u64;
        let file_system = match magic {
            0xef53 => "ext4 (or ext2, ext3)".into(),
            0x5846_5342 => "xfs".into(),
            0x9123_683e => "btrfs".into(),
            0x794c_7630 => "overlayfs".into(),
            0x0102_1994 | 0x8584_58f6 => {
                return Err(format!(
                    "{} is in memory, where a sync costs nothing: name a directory on a disk with \
                     --dir",
                    above.display()
                ));
            }
            other => format!("a file system with magic number {other:x}"),
        };
        let mut builder = tempfile::Builder::new();
        let dir = builder.prefix("raftwright-peers-").tempdir_in(&above).map_err(name)?;
        Ok(Place { dir, file_system })
    }

    /// Returns an empty directory.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn empty(&self, name: &str) -> Result<PathBuf, String> {
        let dir = self.dir.path().join(name);
        self.clear(name)?;
        fs::create_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        Ok(dir)
    }

    /// Removes a directory, if it is there.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn clear(&self, name: &str) -> Result<(), String> {
        let dir = self.dir.path().join(name);
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(format!("{}: {error}", dir.display()))
            }
            _ => Ok(()),
        }
    }
}

/// Returns how many bytes of the disk a directory's files take.
///
/// # Errors
/// What the operating system says.
pub(crate) fn used_bytes(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        // A file may go while we look.
        bytes += entry?.metadata().map_or(0, |file| file.blocks() * 512);
    }
    Ok(bytes)
}

/// Lets the page cache forget a directory's files, those that this process has mapped as well: what
/// is read next comes from the disk.
///
/// # Errors
/// What the operating system says.
pub(crate) fn evict(dir: &Path) -> io::Result<()> {
    unmap_pages(dir)?;
    for entry in fs::read_dir(dir)? {
        let file = File::open(entry?.path())?;
        file.sync_all()?;
        fadvise(&file, 0, None, Advice::DontNeed)?;
    }
    Ok(())
}

/// Lets go of the pages of files in `dir` that this process has mapped. The maps stay: the next
/// access brings a page back.
fn unmap_pages(dir: &Path) -> io::Result<()> {
    let dir = dir.canonicalize()?;
    for line in fs::read_to_string("/proc/self/maps")?.lines() {
        // 7f1c00000000-7f1c04000000 r--s 00000000 fe:00 1234    /tmp/ours/00000001.log
        let mut words = line.split_whitespace();
        let (Some(range), Some(path)) = (words.next(), words.nth(4)) else { continue };
        if !Path::new(path).starts_with(&dir) {
            continue;
        }
        let (start, end) = range.split_once('-').expect("a range has two ends");
        let number = |hex| usize::from_str_radix(hex, 16).expect("addresses are hexadecimal");
        let (start, end) = (number(start), number(end));
        #[expect(unsafe_code, reason = "only the owner of a map may say that its pages may go")]
        // SAFETY: the range is a map of a file, shared and not written: its pages are the file's,
        // and come back as they were.
        unsafe {
            let advice = rustix::mm::Advice::LinuxDontNeed;
            rustix::mm::madvise(start as *mut _, end - start, advice)?;
        }
    }
    Ok(())
}

/// Returns how many bytes this process has had read from the disk so far; `None` where nobody says.
pub(crate) fn read_from_disk_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/io").ok()?;
    text.lines().find_map(|line| line.strip_prefix("read_bytes: "))?.parse().ok()
}

/// Returns how many bytes this process has in memory that are no file's; `None` where nobody says.
pub(crate) fn resident_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}
