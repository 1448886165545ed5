//! What both engines must do: a side says how, and nothing else differs.
//!
//! ```text
//!   write    one batch of a group's next entries      visible; and durable, if it is to be
//!   fetch    entries by place, checksums tested       checked: they are those that were asked for
//!   collect  what is no longer wanted goes
//! ```

use std::ops::Range;
use std::path::Path;

/// How long an entry's bytes are.
pub(crate) const ENTRY_BYTES: usize = 256;

/// Whether a write returns before it is durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Durability {
    /// It returns when readers see it.
    Async,
    /// It returns when it is durable.
    Sync,
}

/// What an engine is told when it is opened. All else is as it comes, but for compression, which
/// is off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Settings {
    /// How long a file is, if not as long as by default.
    pub(crate) file_bytes: Option<u32>,
    /// How much log there may be before garbage is collected, if not as much as by default.
    pub(crate) collect_above_bytes: Option<u64>,
    /// How many threads the peer reads its files with when it is opened. Ours uses one.
    pub(crate) peer_threads: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { file_bytes: None, collect_above_bytes: None, peer_threads: 4 }
    }
}

/// One side.
pub(crate) trait Engine: Sized + Send + Sync {
    /// What one thread writes with. Its entries are made before the clock runs.
    type Batch: Send;

    /// Opens the engine in a directory.
    ///
    /// # Errors
    /// What the engine says.
    fn open(dir: &Path, settings: Settings) -> Result<Self, String>;

    /// Does what its owner does before writing: ours prepares a spare file, and starts its maintenance thread.
    ///
    /// # Errors
    /// What the engine says.
    fn serve(&mut self) -> Result<(), String>;

    /// Makes a batch of so many entries.
    fn batch(entries: u64) -> Self::Batch;

    /// Writes a batch's entries to a group, from `first` on. If `keep_from` is given, the same write
    /// forgets the entries before it.
    ///
    /// # Errors
    /// What the engine says.
    fn write(
        &self,
        batch: &mut Self::Batch,
        group: u64,
        first: u64,
        keep_from: Option<u64>,
        durability: Durability,
    ) -> Result<(), String>;

    /// Reads entries, and checks that they are those that were asked for, and whole.
    ///
    /// # Errors
    /// What the engine says; if they are not.
    fn fetch(&self, group: u64, range: Range<u64>) -> Result<(), String>;

    /// Collects garbage, as its owner does from time to time.
    ///
    /// # Errors
    /// What the engine says.
    fn collect(&self) -> Result<(), String>;

    /// Returns the place of a group's last entry.
    fn last(&self, group: u64) -> Option<u64>;

    /// Returns how often the engine has synced a file so far, in this process.
    fn syncs(&self) -> u64;

    /// Closes the engine properly.
    ///
    /// # Errors
    /// What the engine says.
    fn close(self) -> Result<(), String>;
}

/// Returns what entry number `slot` of a batch holds: bytes that no compression makes shorter.
pub(crate) fn payload(slot: u64) -> Vec<u8> {
    let mut numbers = Numbers(slot + 1);
    (0..ENTRY_BYTES).map(|_| numbers.next() as u8).collect()
}

/// Numbers without a pattern, the same in every run.
#[derive(Clone, Debug)]
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// Returns the next one.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}
