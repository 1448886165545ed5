//! The environment: the only way from a store to time, network, disks and randomness.
//!
//! ```text
//!   Store --> Env --+-- Clock      monotonic; a lease rests on it
//!                   +-- Transport  sends to other stores; may lose, delay, repeat, reorder
//!                   +-- Disk       one directory for each of the four kinds of files
//!                   '-- entropy    unpredictable numbers: ids, seeds
//! ```
//!
//! A store has no other access to the outside. So the same code runs on threads with real disks, and
//! in a simulator, where a run is a function of its seed.

mod real; // the system's clock and directories

pub use real::{RealClock, RealEnv};

use crate::model::{StoreId, StoreMessage};
use std::fmt;
use std::io;
use std::ops::Add;
use std::time::Duration;

/// A moment on a store's monotonic clock: nanoseconds since the clock began. Moments of two clocks
/// cannot be compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Moment(pub u64);

impl Moment {
    /// Returns the time from `earlier` to this moment; zero if `earlier` is later.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    /// Returns the moment that is `duration` later; the last moment if there is none so late.
    fn add(self, duration: Duration) -> Moment {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Moment(self.0.saturating_add(nanoseconds))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Duration::from_nanos(self.0))
    }
}

/// A monotonic clock. A clone shows the same time.
pub trait Clock: Clone + Send + Sync + 'static {
    /// Returns the time. It never goes back, and it goes on while the process is paused.
    fn now(&self) -> Moment;
}

/// Sends messages to other stores.
pub trait Transport: Send + 'static {
    /// Sends a message, now or at the next [`Transport::flush`]. It may be lost, delayed, repeated
    /// and reordered. Never waits.
    fn send(&mut self, to: StoreId, message: StoreMessage);

    /// Sends what was kept back.
    fn flush(&mut self);
}

/// What a directory of a store holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Directory {
    /// The log of all regions' entries.
    RaftLog,
    /// The write-ahead log of the memtable.
    Wal,
    /// The checkpoints of the memtable.
    Tables,
    /// Snapshots on their way.
    Snapshots,
}

impl Directory {
    /// All directories of a store.
    pub const ALL: [Directory; 4] =
        [Directory::RaftLog, Directory::Wal, Directory::Tables, Directory::Snapshots];

    /// Returns the directory's name.
    pub fn name(self) -> &'static str {
        match self {
            Directory::RaftLog => "raft",
            Directory::Wal => "wal",
            Directory::Tables => "tables",
            Directory::Snapshots => "snapshots",
        }
    }
}

/// Everything that a store reaches outside itself.
pub trait Env: Send + 'static {
    /// The clock.
    type Clock: Clock;
    /// The network.
    type Transport: Transport;
    /// One directory of files.
    type Disk: storage::Disk;

    /// Returns the clock.
    fn clock(&self) -> Self::Clock;

    /// Returns a new way into the network. Each thread that sends has one of its own.
    fn transport(&self) -> Self::Transport;

    /// Returns one of the store's directories. Creates it, durably, if it does not exist.
    ///
    /// # Errors
    /// The operating system's error.
    fn disk(&self, directory: Directory) -> io::Result<Self::Disk>;

    /// Returns an unpredictable number.
    fn entropy(&self) -> u64;
}

/// Says when a tick is due.
///
/// ```text
///   due      |    |    |    |    |    |            |    |
///   asked    x    x             x     (late)       x    x
///   ticks    1    1             1, not 3           1    1
/// ```
///
/// A tick that is late is ONE tick: those that were missed are dropped. A store that was paused would
/// otherwise count itself out of a promise: to vote for nobody while it may still hear from a leader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticker {
    interval: Duration,
    next: Moment,
}

impl Ticker {
    /// Returns a ticker whose first tick is due one interval after `now`.
    pub fn new(interval: Duration, now: Moment) -> Ticker {
        Ticker { interval, next: now + interval }
    }

    /// Returns whether a tick is due. If so, the next one is due an interval after `now`.
    pub fn take(&mut self, now: Moment) -> bool {
        let is_due = now >= self.next;
        if is_due {
            self.next = now + self.interval;
        }
        is_due
    }

    /// Returns when the next tick is due.
    pub fn next(&self) -> Moment {
        self.next
    }
}
