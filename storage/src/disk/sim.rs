//! A disk in memory for tests. It can lose power, rot, fail and be full, at any operation.
//!
//! ```text
//!                 write_at                sync_data
//!   visible  <------------- pending ---------------> durable   for each file: what a reader sees,
//!      |                       |                        |      and what survives a power cut
//!      |                       '-- a failed sync discards it: still visible, never durable
//!      '-- survives a kill of the process               '-- at a power cut, each sector of what is
//!                                                           pending is kept, lost, or torn
//!   names    <------- pending name operations ------> durable names          by sync_dir
//! ```
//!
//! The disk uses no random numbers for faults. The caller decides what a power cut does to each
//! sector ([`Fates`]): a test may draw it, or try every case. A power cut returns a new disk, and
//! the old disk does not change. So a test can try many outcomes of one crash.

mod file; // one file: what is visible, what is pending, what is durable
mod journal; // which operations there were, and which line asked for them
mod operations; // the operations that the engine calls

pub use file::{Fate, Sector};
pub use journal::{Doing, Operation};

use file::FileContent;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// What a power cut does to everything that was not durable.
pub trait Fates {
    /// Returns what happens to one sector's part of one write.
    fn sector(&mut self, sector: Sector) -> Fate;

    /// Returns whether a create, rename or remove survives.
    fn keeps_name(&mut self) -> bool;
}

/// The fault that a test plans for one operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Power fails during the operation. Its effect is pending, and every later operation fails.
    PowerCut,
    /// The operation fails. A failed sync discards what is pending; a failed write has written
    /// half.
    Fails,
    /// A write writes only half of the bytes, and returns how many.
    Short,
    /// A write goes to another offset, and returns no error.
    Misdirected {
        /// How many bytes after the right offset; negative: before it.
        by: i64,
    },
}

/// What an operation costs, in ticks of a simulated clock. Only operations move this clock.
///
/// Tests use ticks to measure how much work the disk does: for example, whether callers share a
/// sync. A test compares the ticks of two ways to do something, or checks them against a limit. The
/// result is the same on every machine. Ticks take no real time. On a new disk every operation
/// costs 0 ticks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Latency {
    /// A write of any length.
    pub write_ticks: u64,
    /// A sync, of data or of names.
    pub sync_ticks: u64,
    /// A create, rename or remove.
    pub name_ticks: u64,
}

/// A change of a name that is not durable.
#[derive(Clone, Debug)]
enum NameChange {
    /// `name` is a name of `file`.
    Create { name: String, file: usize },
    /// `to` is a name of `file`, and `from` is no name any more.
    Rename { from: String, to: String, file: usize },
    /// `name` is no name any more.
    Remove { name: String },
}

/// The state of the disk.
#[derive(Clone, Debug, Default)]
struct State {
    files: Vec<FileContent>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    name_changes: Vec<NameChange>,
    /// How many operations there were that change something.
    operations: u64,
    journal: Option<Vec<Operation>>,
    faults: BTreeMap<u64, Fault>,
    is_off: bool,
    /// How many bytes files may still grow by; `None` means no limit.
    free_bytes: Option<u64>,
    entropy: u64,
    /// The locks of the directories, by prefix.
    locks: BTreeMap<String, Arc<AtomicBool>>,
    /// The files of which a sync has failed, and how many syncs of them followed.
    sync_failed_on: BTreeSet<usize>,
    syncs_after_failure: u64,
    syncs: u64,
    latency: Latency,
    ticks: u64,
}

/// A disk in memory. A clone is the same disk.
///
/// A machine may have several directories ([`SimDisk::directory`]). Each is a [`super::Disk`] with files
/// of its own. They share the operations, the power and the free space.
#[derive(Clone, Debug)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    /// What the names of this directory's files begin with: `raft/`; nothing for the machine itself.
    prefix: String,
    is_locked: Arc<AtomicBool>,
}

/// A file on the simulated disk.
#[derive(Debug)]
pub struct SimFile {
    disk: SimDisk,
    file: usize,
}

/// The lock of the simulated disk.
#[derive(Debug)]
pub struct SimLock {
    is_locked: Arc<AtomicBool>,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.is_locked.store(false, Ordering::SeqCst);
    }
}

// What a test does to the disk.

impl SimDisk {
    /// Returns an empty disk. Only [`super::Disk::entropy`] uses the seed.
    pub fn new(seed: u64) -> SimDisk {
        SimDisk::with(State { entropy: seed, ..State::default() })
    }

    /// Returns an unlocked disk in this state.
    fn with(mut state: State) -> SimDisk {
        let is_locked = state.lock_of("");
        SimDisk { state: Arc::new(Mutex::new(state)), prefix: String::new(), is_locked }
    }

    /// Returns a directory of the same machine. The directory is a disk of its own: it has its own names,
    /// its own lock, and its own [`super::Disk::sync_dir`]. But operations are counted together, power
    /// fails for all directories at once, and they share the free bytes.
    pub fn directory(&self, name: &str) -> SimDisk {
        let prefix = format!("{}{name}/", self.prefix);
        let is_locked = self.state().lock_of(&prefix);
        SimDisk { state: self.state.clone(), prefix, is_locked }
    }

    /// Returns the full name of one of this directory's files.
    fn full(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Returns the name in this directory of the file with a full name; `None` if it lies elsewhere.
    fn own<'a>(&self, full: &'a str) -> Option<&'a str> {
        full.strip_prefix(&self.prefix).filter(|name| !name.contains('/'))
    }

    /// Plans a fault for one operation. Operations that change something are counted from 1. The
    /// count begins when the disk is created, or restarted.
    pub fn plan(&self, operation: u64, fault: Fault) {
        self.state().faults.insert(operation, fault);
    }

    /// Returns how many operations there were that change something.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Returns whether the power has failed: every operation fails until the disk is restarted.
    pub fn is_off(&self) -> bool {
        self.state().is_off
    }

    /// Returns how many times data or names were synced.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Sets what operations cost from now on.
    pub fn set_latency(&self, latency: Latency) {
        self.state().latency = latency;
    }

    /// Returns what all operations have cost since the disk was created or restarted. Failed
    /// operations count too.
    pub fn ticks(&self) -> u64 {
        self.state().ticks
    }

    /// Returns how often a file was synced after a failed sync of the same file. It must be 0.
    pub fn syncs_after_failure(&self) -> u64 {
        self.state().syncs_after_failure
    }

    /// Sets how many bytes files may still grow by; `None` removes the limit.
    pub fn set_free_bytes(&self, bytes: Option<u64>) {
        self.state().free_bytes = bytes;
    }

    /// Flips the bits of `mask` in one byte of a file, visible and durable.
    ///
    /// # Panics
    /// If the file or the byte does not exist: a mistake in the test.
    pub fn rot(&self, name: &str, offset: u64, mask: u8) {
        let mut state = self.state();
        let file = state.names[&self.full(name)];
        state.files[file].rot(offset, mask);
    }

    /// Cuts a file to a length, visible and durable.
    ///
    /// # Panics
    /// If the file does not exist: a mistake in the test.
    pub fn cut(&self, name: &str, len: u64) {
        let mut state = self.state();
        let file = state.names[&self.full(name)];
        state.files[file].cut(len);
    }

    /// Returns a file's bytes as a reader sees them.
    ///
    /// # Panics
    /// If the file does not exist: a mistake in the test.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.files[state.names[&self.full(name)]].visible().to_vec()
    }

    /// Returns the length of all named files of the machine together.
    pub fn used_bytes(&self) -> u64 {
        let state = self.state();
        state.names.values().map(|file| state.files[*file].visible().len() as u64).sum()
    }

    /// Returns the disk after a kill of the process: all writes are visible, durable or not.
    pub fn after_kill(&self) -> SimDisk {
        SimDisk::with(self.state().clone().restarted())
    }

    /// Returns the disk after a power cut and a restart.
    pub fn after_power_cut(&self, fates: &mut impl Fates) -> SimDisk {
        let mut state = self.state().clone();
        for (file, content) in state.files.iter_mut().enumerate() {
            content.lose_power(|sector| fates.sector(Sector { file, ..sector }));
        }
        for change in std::mem::take(&mut state.name_changes) {
            if fates.keeps_name() {
                change.apply(&mut state.durable_names);
            }
        }
        state.names = state.durable_names.clone();
        SimDisk::with(state.restarted())
    }

    /// Locks the state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it holds the disk")
    }
}

// What happens in an operation.

impl State {
    /// Counts an operation that changes something, and returns its planned fault.
    ///
    /// # Errors
    /// `BrokenPipe` after a power cut.
    fn begin(&mut self, doing: Doing, at: &'static Location<'static>) -> io::Result<Option<Fault>> {
        if self.is_off {
            return Err(io::Error::new(ErrorKind::BrokenPipe, "the power is off"));
        }
        self.operations += 1;
        self.ticks += self.latency.of(&doing);
        self.note(doing, at);
        let fault = self.faults.get(&self.operations).copied();
        self.is_off = fault == Some(Fault::PowerCut);
        Ok(fault)
    }

    /// Does an operation on names. If power fails during it, it may or may not survive: so it is
    /// done and stays pending.
    #[track_caller]
    fn change_names(&mut self, change: NameChange) -> io::Result<()> {
        match self.begin(Doing::from(&change), Location::caller())? {
            None | Some(Fault::Short | Fault::Misdirected { .. }) => {}
            Some(Fault::Fails) => return Err(failure()),
            Some(Fault::PowerCut) => {
                change.apply(&mut self.names);
                self.name_changes.push(change);
                return Err(failure());
            }
        }
        change.apply(&mut self.names);
        self.name_changes.push(change);
        self.forget_unnamed();
        Ok(())
    }

    /// Frees the bytes of files that have no name, visible or durable.
    fn forget_unnamed(&mut self) {
        let in_use = |file: &usize| {
            self.names.values().any(|named| named == file)
                || self.durable_names.values().any(|named| named == file)
        };
        let gone: Vec<usize> = (0..self.files.len())
            .filter(|file| !in_use(file) && self.files[*file].len() > 0)
            .collect();
        for file in gone {
            self.give_back(self.files[file].len());
            self.files[file] = FileContent::default();
        }
    }

    /// Uses up to `bytes` of the free bytes, and returns how many it used.
    fn take_room(&mut self, bytes: u64) -> u64 {
        let Some(free) = &mut self.free_bytes else { return bytes };
        let taken = bytes.min(*free);
        *free -= taken;
        taken
    }

    /// Returns bytes to the free bytes.
    fn give_back(&mut self, bytes: u64) {
        if let Some(free) = &mut self.free_bytes {
            *free += bytes;
        }
    }

    /// Returns the state for a process that has just started.
    fn restarted(mut self) -> State {
        self.operations = 0;
        self.ticks = 0;
        self.journal = None;
        self.faults.clear();
        self.is_off = false;
        self.sync_failed_on.clear();
        self.locks.clear();
        self
    }

    /// Returns the lock of a directory.
    fn lock_of(&mut self, prefix: &str) -> Arc<AtomicBool> {
        self.locks.entry(prefix.to_owned()).or_default().clone()
    }
}

impl Latency {
    /// Returns what an operation costs.
    fn of(&self, doing: &Doing) -> u64 {
        match doing {
            Doing::Write { .. } => self.write_ticks,
            Doing::Sync { .. } | Doing::SyncNames => self.sync_ticks,
            Doing::Create { .. } | Doing::Rename { .. } | Doing::Remove { .. } => self.name_ticks,
        }
    }
}

impl NameChange {
    /// Returns the full name that a power cut may take back.
    fn name(&self) -> &str {
        match self {
            NameChange::Create { name, .. } | NameChange::Remove { name } => name,
            NameChange::Rename { to, .. } => to,
        }
    }

    /// Makes the change in `names`.
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            NameChange::Create { name, file } => {
                names.insert(name.clone(), *file);
            }
            NameChange::Rename { from, to, file } => {
                if names.get(from) == Some(file) {
                    names.remove(from);
                }
                names.insert(to.clone(), *file);
            }
            NameChange::Remove { name } => {
                names.remove(name);
            }
        }
    }
}

/// Returns the error of an operation with a planned fault.
fn failure() -> io::Error {
    io::Error::other("the simulated disk failed")
}
