//! A disk in memory that can be cut off, damaged and filled, at any operation.
//!
//! ```text
//!                 write_at              sync_data, as far as it is told to
//!   visible  <------------- pending ---------------> durable      per file: what a reader sees, and
//!      |                       |                        |         what would be left
//!      |                       '-- a sync that fails lets go of it: seen, and never durable
//!      '-- process killed: stays                        '-- power cut: each sector of what was
//!                                                           pending is kept, lost, or torn
//!   names    <------- pending name operations ------> durable names          by sync_dir
//! ```
//!
//! It draws no number: what a power cut does to each sector is for the caller to say ([`Fates`]), so
//! that a test may draw, or go through all there is. A disk after a power cut is a new disk; the old
//! one stays as it was, and one crash can be judged many ways.

mod door; // what the engine does with it
mod file; // one file: what is seen, what is pending, what is durable
mod journal; // what was done, and by which line

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
    /// Says what becomes of one sector's part of one write.
    fn sector(&mut self, sector: Sector) -> Fate;

    /// Says whether a create, rename or remove is there afterwards.
    fn keeps_name(&mut self) -> bool;
}

/// What is to go wrong with one operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Power fails during it: it may leave traces, and nothing works after it.
    PowerCut,
    /// It fails. A failed sync lets go of what it was for; a failed write has written half.
    Fails,
    /// A write takes only half of the bytes, and says so.
    Short,
    /// A write lands this many bytes further on, or before, and says that all is well.
    Misdirected {
        /// How far; less than nothing is before.
        by: i64,
    },
}

/// What an operation costs, in ticks of a clock that stands still otherwise.
///
/// It is for judging how much disk something needs: that callers share a sync, that a spare was paid
/// for beforehand. A test compares the ticks of two ways to do a thing, or holds them to a budget, and
/// gets the same figure on every machine. Ticks delay nobody; a new disk has none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Latency {
    /// A write, however long.
    pub write_ticks: u64,
    /// A sync, of data or of names.
    pub sync_ticks: u64,
    /// A create, rename or remove.
    pub name_ticks: u64,
}

/// A name's change that is not durable.
#[derive(Clone, Debug)]
enum NameChange {
    /// `name` means `file`.
    Create { name: String, file: usize },
    /// `to` means `file`, and `from` nothing.
    Rename { from: String, to: String, file: usize },
    /// `name` means nothing.
    Remove { name: String },
}

/// Everything there is.
#[derive(Clone, Debug, Default)]
struct State {
    files: Vec<FileContent>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    name_changes: Vec<NameChange>,
    /// How many operations that change something there were.
    operations: u64,
    journal: Option<Vec<Operation>>,
    faults: BTreeMap<u64, Fault>,
    is_off: bool,
    /// Bytes that files may still grow by.
    free_bytes: Option<u64>,
    entropy: u64,
    /// Files a sync failed on, and how often one was synced again after that.
    let_down: BTreeSet<usize>,
    syncs_after_failure: u64,
    syncs: u64,
    latency: Latency,
    ticks: u64,
}

/// A disk in memory. A clone is the same disk.
#[derive(Clone, Debug)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    is_locked: Arc<AtomicBool>,
}

/// A file on it.
#[derive(Debug)]
pub struct SimFile {
    disk: SimDisk,
    file: usize,
}

/// The lock on it.
#[derive(Debug)]
pub struct SimLock {
    is_locked: Arc<AtomicBool>,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.is_locked.store(false, Ordering::SeqCst);
    }
}

// What a test does to it.

impl SimDisk {
    /// Returns an empty disk. The seed is for [`super::Disk::entropy`] alone.
    pub fn new(seed: u64) -> SimDisk {
        SimDisk::with(State { entropy: seed, ..State::default() })
    }

    /// Returns a disk in this state, which nobody has locked.
    fn with(state: State) -> SimDisk {
        SimDisk { state: Arc::new(Mutex::new(state)), is_locked: Arc::new(AtomicBool::new(false)) }
    }

    /// Lets `fault` happen at the `operation`th operation that changes something, counted from 1
    /// since the disk was made, or was last cut off.
    pub fn plan(&self, operation: u64, fault: Fault) {
        self.state().faults.insert(operation, fault);
    }

    /// Returns how many operations that change something there were.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Returns how many times data or names were synced.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Says what operations cost from now on.
    pub fn set_latency(&self, latency: Latency) {
        self.state().latency = latency;
    }

    /// Returns what all operations have cost, those that failed too, since the disk was made, or was
    /// last cut off.
    pub fn ticks(&self) -> u64 {
        self.state().ticks
    }

    /// Returns how often a file was synced after a sync of it had failed: never, it should be.
    pub fn syncs_after_failure(&self) -> u64 {
        self.state().syncs_after_failure
    }

    /// Says how many more bytes files may grow by; `None` lifts the limit.
    pub fn set_free_bytes(&self, bytes: Option<u64>) {
        self.state().free_bytes = bytes;
    }

    /// Changes the bits of `mask` in one byte of a file, for good.
    ///
    /// # Panics
    /// If the file or the byte is not there: the test's mistake.
    pub fn rot(&self, name: &str, offset: u64, mask: u8) {
        let mut state = self.state();
        let file = state.names[name];
        state.files[file].rot(offset, mask);
    }

    /// Cuts a file to a length, for good.
    ///
    /// # Panics
    /// If the file is not there: the test's mistake.
    pub fn cut(&self, name: &str, len: u64) {
        let mut state = self.state();
        let file = state.names[name];
        state.files[file].cut(len);
    }

    /// Returns a file's bytes as a reader would see them.
    ///
    /// # Panics
    /// If the file is not there: the test's mistake.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.files[state.names[name]].visible().to_vec()
    }

    /// Returns the bytes that all named files hold together.
    pub fn used_bytes(&self) -> u64 {
        let state = self.state();
        state.names.values().map(|file| state.files[*file].visible().len() as u64).sum()
    }

    /// Returns the disk after the process died: what was written is seen, durable or not.
    pub fn after_kill(&self) -> SimDisk {
        SimDisk::with(self.state().clone().restarted())
    }

    /// Returns the disk after power was cut, and came back.
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

    /// Lends everything.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it holds the disk")
    }
}

// What happens to an operation.

impl State {
    /// Counts an operation that changes something, and returns what is to go wrong with it.
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

    /// Begins an operation on names. Cut off, it may or may not have happened: it is done here, and
    /// stays pending.
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

    /// Takes the bytes of files that have no name any more, and never will have.
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

    /// Takes `bytes` of room, as far as there are any, and returns how many.
    fn take_room(&mut self, bytes: u64) -> u64 {
        let Some(free) = &mut self.free_bytes else { return bytes };
        let taken = bytes.min(*free);
        *free -= taken;
        taken
    }

    /// Gives room back.
    fn give_back(&mut self, bytes: u64) {
        if let Some(free) = &mut self.free_bytes {
            *free += bytes;
        }
    }

    /// Returns the state as a process finds it that has just been started.
    fn restarted(mut self) -> State {
        self.operations = 0;
        self.ticks = 0;
        self.journal = None;
        self.faults.clear();
        self.is_off = false;
        self.let_down.clear();
        self
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
    /// Makes the change.
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

/// Returns the error of an operation that was made to fail.
fn failure() -> io::Error {
    io::Error::other("the simulated disk failed")
}
