//! What runs have met: so that nothing stays untried unnoticed.

use super::plan::MISHAPS;
use std::fmt;

/// What one run has met, or many together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Events.
    pub events: u64,
    /// Rounds of stores.
    pub rounds: u64,
    /// Operations that clients began.
    pub operations: u64,
    /// Reads that saw something.
    pub reads: u64,
    /// Writes that ended.
    pub writes: u64,
    /// Writes that were acknowledged.
    pub acknowledged_writes: u64,
    /// Writes whose clients do not know how they ended.
    pub unknown_writes: u64,
    /// Answers that nobody knows how a write ended.
    pub undetermined: u64,
    /// Writes that were acknowledged at a second attempt or later.
    pub answered_after_retry: u64,
    /// Requests that the log holds more than once.
    pub repeated_commands: u64,
    /// Starts of stores.
    pub starts: u64,
    /// Starts that failed because a disk did.
    pub refused_starts: u64,
    /// Processes that ended.
    pub crashes: u64,
    /// Processes that ended with the power of their machine.
    pub power_cuts: u64,
    /// Of these, with an operation of one engine done, and one of the other not.
    pub cuts_between_engines: u64,
    /// Starts whose memtable knew less to be committed than their hard state.
    pub starts_behind: u64,
    /// Starts whose memtable knew more to be committed than their hard state.
    pub starts_ahead: u64,
    /// Reads under the lease, asked of a store that believed to lead, while one of a later term led.
    pub reads_of_deposed: u64,
    /// Writes that nobody knows of, and that were applied.
    pub unknown_applied: u64,
    /// Writes that nobody knows of, and that were not applied.
    pub unknown_not_applied: u64,
    /// The most batches that a write-ahead log has lost at once.
    pub wal_tail_lost_most: u64,
    /// The mishaps, by kind.
    pub mishaps: [u64; MISHAPS.len()],
}

impl Counts {
    /// Adds the counts of another run.
    pub fn add(&mut self, other: &Counts) {
        let Counts { wal_tail_lost_most, mishaps, .. } = other;
        for (sum, one) in self.numbers().into_iter().zip(other.clone().numbers()) {
            *sum += *one;
        }
        self.wal_tail_lost_most = self.wal_tail_lost_most.max(*wal_tail_lost_most);
        for (sum, one) in self.mishaps.iter_mut().zip(mishaps) {
            *sum += one;
        }
    }

    /// Returns the numbers that are added up.
    fn numbers(&mut self) -> [&mut u64; 20] {
        [
            &mut self.events,
            &mut self.rounds,
            &mut self.operations,
            &mut self.reads,
            &mut self.writes,
            &mut self.acknowledged_writes,
            &mut self.unknown_writes,
            &mut self.undetermined,
            &mut self.answered_after_retry,
            &mut self.repeated_commands,
            &mut self.starts,
            &mut self.refused_starts,
            &mut self.crashes,
            &mut self.power_cuts,
            &mut self.cuts_between_engines,
            &mut self.starts_behind,
            &mut self.starts_ahead,
            &mut self.reads_of_deposed,
            &mut self.unknown_applied,
            &mut self.unknown_not_applied,
        ]
    }
}

/// The names of [`Counts::numbers`].
const NAMES: [&str; 20] = [
    "events",
    "rounds of stores",
    "client operations",
    "reads that saw something",
    "writes",
    "writes acknowledged",
    "writes that nobody knows of",
    "answers Undetermined",
    "writes acknowledged after a retry",
    "requests twice in the log",
    "starts of stores",
    "starts that a disk refused",
    "processes ended",
    "of these, with the power",
    "of these, between the two engines",
    "starts with the memtable behind the hard state",
    "starts with the memtable ahead of it",
    "reads under the lease of a deposed leader, asked",
    "writes that nobody knows of: applied",
    "writes that nobody knows of: not applied",
];

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts = self.clone();
        for (name, number) in NAMES.iter().zip(counts.numbers()) {
            writeln!(f, "{number:>12}  {name}")?;
        }
        writeln!(f, "{:>12}  batches of a write-ahead log lost at once", self.wal_tail_lost_most)?;
        for (name, number) in MISHAPS.iter().zip(&self.mishaps) {
            writeln!(f, "{number:>12}  {name}")?;
        }
        Ok(())
    }
}
