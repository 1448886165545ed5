//! Read-ahead: whether a system that reads a file ahead does so in vain.
//!
//! ```text
//!   g7: 5 .. 9, then 10 .. 14: it goes on where it was     what is around it will be read: Around
//!   g7: 5, then 70123, then 312: here and there            twenty times what is wanted:    Random
//! ```
//!
//! The log knows who goes on where it was: it notes where each reader may go on, by group and index,
//! in a few slots, so that any number of readers may go through any groups side by side. Once many
//! reads in a row were jumps, nothing is read ahead; a few in a row that go on turn that back. One is
//! not enough: a jump may end where some reader once stopped, and a system may read 4 MiB ahead.
//!
//! Invariant: none. Whatever stands in a slot, reads return the same, sooner or later.

use crate::disk::Advice;
use crate::groups::Loc;
use crate::types::{GroupId, Index};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

/// How many readers can be followed at once, about.
const SLOTS: usize = 256;

/// After how many jumps in a row nothing is read ahead.
const JUMPS: u32 = 4;

/// After how many more this is said again, for files that are new.
const JUMPS_BETWEEN: u32 = 1 << 10;

/// After how many entries in a row, each behind the one before, files are read ahead again.
const STEPS: u64 = 4;

/// How long a page is that a system reads, at least.
const PAGE_BYTES: u32 = 4 << 10;

/// Where readers may go on, and what they have been doing.
#[derive(Debug)]
pub(super) struct Readers {
    /// Groups and indexes, mixed.
    slots: Box<[AtomicU64]>,
    /// How many reads in a row went on nowhere.
    jumps: AtomicU32,
    /// How many entries in a row were read where a reader went on.
    steps: AtomicU64,
    /// Whether files were said to be read here and there.
    is_random: AtomicBool,
}

impl Readers {
    /// Returns nobody.
    pub(super) fn new() -> Readers {
        let slots = (0..SLOTS).map(|_| AtomicU64::new(0)).collect();
        let (jumps, steps) = (AtomicU32::new(0), AtomicU64::new(0));
        Readers { slots, jumps, steps, is_random: AtomicBool::new(false) }
    }

    /// Notes that a range of a group is about to be read, and returns what to say of all files, if
    /// that has changed.
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

    /// Returns what to say of a long entry's file before the entry is read: where nothing is read
    /// ahead, pages that are missed one by one are read one by one. Two pages are not worth a word.
    pub(super) fn advice_on(&self, loc: Loc) -> Option<Advice> {
        let advice = Advice::WillNeed { offset: loc.offset.into(), len: loc.len.into() };
        (loc.len > PAGE_BYTES && self.is_random()).then_some(advice)
    }

    /// Returns whether files were said to be read here and there.
    fn is_random(&self) -> bool {
        self.is_random.load(Relaxed)
    }

    /// Returns a place's slot.
    fn slot(&self, hash: u64) -> &AtomicU64 {
        &self.slots[(hash >> 32) as usize % SLOTS]
    }
}

/// Mixes a group and an index. No place is 0.
fn hash_of(group: GroupId, index: Index) -> u64 {
    let mixed = (group.0 ^ index.0.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) | 1
}

#[cfg(test)]
mod tests;
