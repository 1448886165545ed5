//! The environment of a real store: the system's monotonic clock, and four directories of one.

use super::{Clock, Directory, Env, Moment, Transport};
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;
use storage::RealDisk;

/// The system's monotonic clock, from the moment at which this value was made.
///
/// It goes on while the process is stopped. On Linux it stands still while the machine sleeps
/// (`CLOCK_MONOTONIC`): a store must not run on a machine that is put to sleep, because a lease would
/// outlast the sleep.
#[derive(Clone, Copy, Debug)]
pub struct RealClock {
    began: Instant,
}

impl Default for RealClock {
    fn default() -> RealClock {
        RealClock { began: Instant::now() }
    }
}

impl Clock for RealClock {
    fn now(&self) -> Moment {
        let nanoseconds = self.began.elapsed().as_nanos();
        Moment(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

/// A real store's environment.
#[derive(Clone, Debug)]
pub struct RealEnv<T> {
    clock: RealClock,
    directory: PathBuf,
    transport: T,
}

impl<T> RealEnv<T> {
    /// Returns the environment of a store that keeps its files below `directory`.
    pub fn new(directory: impl AsRef<Path>, transport: T) -> RealEnv<T> {
        let directory = directory.as_ref().to_owned();
        RealEnv { clock: RealClock::default(), directory, transport }
    }
}

impl<T: Transport + Clone> Env for RealEnv<T> {
    type Clock = RealClock;
    type Transport = T;
    type Disk = RealDisk;

    fn clock(&self) -> RealClock {
        self.clock
    }

    fn transport(&self) -> T {
        self.transport.clone()
    }

    fn disk(&self, directory: Directory) -> io::Result<RealDisk> {
        let path = self.directory.join(directory.name());
        fs::create_dir_all(&path)?;
        File::open(&self.directory)?.sync_all()?; // the directory's name is durable
        RealDisk::at(path)
    }

    fn entropy(&self) -> u64 {
        std::collections::hash_map::RandomState::new().build_hasher().finish()
    }
}
