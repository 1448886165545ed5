//! Read-ahead: tells the operating system whether it should read a file ahead.
//!
//! ```text
//!   g7: 5 .. 9, then 10 .. 14     sequential   the bytes around will be needed             Around
//!   g7: 5, then 70123, then 312   random       the system would read 20 times too much     Random
//! ```
//!
//! The log notes, by group and index, where each reader would continue. It keeps these notes in a
//! few slots, so many readers can read many groups at the same time. A read that continues nowhere
//! is a jump. After several jumps in a row the log turns read-ahead off. After several sequential
//! reads in a row it turns read-ahead on again. One is not enough: a jump may end where another
//! reader once stopped, and then a system may read 4 MiB ahead for nothing.
//!
//! Invariant: advice changes only speed. A wrong note in a slot never changes what a read returns.

use crate::disk::Advice;
use crate::groups::Loc;
use crate::types::{GroupId, Index};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

/// About how many readers can be followed at once.
const SLOTS: usize = 256;

/// Read-ahead is turned off after this many jumps in a row.
const JUMPS: u32 = 4;

/// The advice is repeated after this many more jumps, for new files.
const JUMPS_BETWEEN: u32 = 1 << 10;

/// Read-ahead is turned on after this many sequential entries in a row.
const STEPS: u64 = 4;

/// The smallest page that a system reads.
const PAGE_BYTES: u32 = 4 << 10;

/// Where each reader would continue, and whether the last reads were sequential.
#[derive(Debug)]
pub(super) struct Readers {
    /// Hashes of a group and an index: where a reader would continue.
    slots: Box<[AtomicU64]>,
    /// How many of the last reads, in a row, were jumps.
    jumps: AtomicU32,
    /// How many of the last entries, in a row, were read sequentially.
    steps: AtomicU64,
    /// Whether the last advice was [`Advice::Random`].
    is_random: AtomicBool,
}

impl Readers {
    /// Returns the state in which no reader is known.
    pub(super) fn new() -> Readers {
        let slots = (0..SLOTS).map(|_| AtomicU64::new(0)).collect();
        let (jumps, steps) = (AtomicU32::new(0), AtomicU64::new(0));
        Readers { slots, jumps, steps, is_random: AtomicBool::new(false) }
    }

    /// Notes that a range of a group will be read now. Returns the advice for all files, if it has
    /// changed.
    pub(super) fn note(&self, group: GroupId, range: Range<Index>) -> Option<Advice> {
        let (hash, next) = (hash_of(group, range.start), hash_of(group, range.end));
        let is_known = self.slot(hash).load(Relaxed) == hash;
        self.slot(next).store(next, Relaxed);
        let entries = range.end.0 - range.start.0;
        if is_known || entries > 1 {
            self.jumps.store(0, Relaxed);
            let steps = self.steps.load(Relaxed).saturating_add(entries);
            self.steps.store(steps, Relaxed);
            let turns = steps >= STEPS && self.is_random() && self.is_random.swap(false, Relaxed);
            return turns.then_some(Advice::Around);
        }
        self.steps.store(0, Relaxed);
        let jumps = self.jumps.load(Relaxed).saturating_add(1);
        self.jumps.store(jumps, Relaxed);
        let is_due = jumps >= JUMPS && (jumps - JUMPS).is_multiple_of(JUMPS_BETWEEN);
        if is_due {
            self.is_random.store(true, Relaxed);
        }
        is_due.then_some(Advice::Random)
    }

    /// Returns the advice for the file of a long entry, before the entry is read. Without
    /// read-ahead, the system would read its pages one by one. For two pages the advice is not
    /// worth a call.
    pub(super) fn advice_on(&self, loc: Loc) -> Option<Advice> {
        let advice = Advice::WillNeed { offset: loc.offset.into(), len: loc.len.into() };
        (loc.len > PAGE_BYTES && self.is_random()).then_some(advice)
    }

    /// Returns whether the last advice was [`Advice::Random`].
    fn is_random(&self) -> bool {
        self.is_random.load(Relaxed)
    }

    /// Returns the slot of a hash.
    fn slot(&self, hash: u64) -> &AtomicU64 {
        &self.slots[(hash >> 32) as usize % SLOTS]
    }
}

/// Returns a hash of a group and an index. It is never 0, which marks an empty slot.
fn hash_of(group: GroupId, index: Index) -> u64 {
    let mixed = (group.0 ^ index.0.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) | 1
}

#[cfg(test)]
mod tests;
