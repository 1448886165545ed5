//! Read-ahead: what a reader will ask for next.
//!
//! ```text
//!   g7: 5 .. 9, then 10 .. 14: it goes on where it was     the next stretch of the file is asked for
//!   g7: 5, then 70123, then 312: here and there            nothing but what is read
//! ```
//!
//! A system that reads a file ahead sees places in a file, and guesses. For entries here and there it
//! reads twenty times what is wanted. The log knows who goes on where it was: so it asks for no
//! guesses (`Advice::Random`), and says itself what will be needed.
//!
//! Where a reader may go on is noted in a few slots, by group and index, so any number of readers may
//! go through any groups side by side. Each stretch is twice as long as the one before, up to a limit.
//!
//! Invariant: none. Whatever stands in a slot, reads return the same, sooner or later.

use crate::disk::Advice;
use crate::groups::Loc;
use crate::types::{GroupId, Index, SegmentId};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many readers can be followed at once, about.
const SLOTS: usize = 256;

/// How long a page is that a system reads, at least.
const PAGE_BYTES: u32 = 4 << 10;

/// How long the first stretch is.
const STRETCH_BYTES_MIN: u32 = 32 << 10;

/// How long a stretch is, at most.
const STRETCH_BYTES_MAX: u32 = 512 << 10;

/// Where readers may go on.
#[derive(Debug)]
pub(super) struct Readers {
    slots: Box<[Slot]>,
}

/// One reader: where it may go on, and how far ahead of it the file was asked for.
#[derive(Debug, Default)]
struct Slot {
    /// A group and an index, mixed.
    place: AtomicU64,
    /// A segment, and an offset there.
    ahead: AtomicU64,
}

/// A reader on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reader {
    /// Whether it goes on where it was.
    goes_on: bool,
    /// Up to where its file was asked for.
    ahead: (SegmentId, u32),
    /// How long the last stretch was.
    stretch_bytes: u32,
}

impl Readers {
    /// Returns nobody.
    pub(super) fn new() -> Readers {
        Readers { slots: (0..SLOTS).map(|_| Slot::default()).collect() }
    }

    /// Begins to read a group at an index.
    pub(super) fn begin(&self, group: GroupId, index: Index) -> Reader {
        let place = place_of(group, index);
        let slot = self.slot(place);
        if slot.place.load(Relaxed) != place {
            return Reader { goes_on: false, ahead: (SegmentId(0), 0), stretch_bytes: 0 };
        }
        let ahead = slot.ahead.load(Relaxed);
        // What is ahead is a multiple of the shortest stretch: below that there is room.
        let offset = ahead as u32 & !(STRETCH_BYTES_MIN - 1);
        let stretch_bytes = (ahead as u32 & (STRETCH_BYTES_MIN - 1)) * STRETCH_BYTES_MIN;
        Reader { goes_on: true, ahead: (SegmentId((ahead >> 32) as u32), offset), stretch_bytes }
    }

    /// Notes that a reader has come to the index before `next`, and may go on there.
    pub(super) fn end(&self, group: GroupId, next: Index, reader: Reader) {
        let place = place_of(group, next);
        let slot = self.slot(place);
        let (segment, offset) = reader.ahead;
        let stretch = reader.stretch_bytes / STRETCH_BYTES_MIN;
        slot.ahead.store(u64::from(segment.0) << 32 | u64::from(offset | stretch), Relaxed);
        slot.place.store(place, Relaxed);
    }

    /// Returns a place's slot.
    fn slot(&self, place: u64) -> &Slot {
        &self.slots[(place >> 32) as usize % SLOTS]
    }
}

impl Reader {
    /// Reads what stands at `loc`, and returns what to ask its file for first, if anything.
    pub(super) fn read(&mut self, loc: Loc) -> Option<Advice> {
        let end = loc.offset.saturating_add(loc.len);
        if !std::mem::replace(&mut self.goes_on, true) {
            // Pages that are missed one by one are read one by one.
            let is_on_one_page = loc.offset / PAGE_BYTES == end.saturating_sub(1) / PAGE_BYTES;
            let advice = Advice::WillNeed { offset: loc.offset.into(), len: loc.len.into() };
            return if is_on_one_page { None } else { Some(advice) };
        }
        let (segment, ahead) = self.ahead;
        let is_asked_for = segment == loc.segment && end <= ahead;
        if is_asked_for && ahead - end >= self.stretch_bytes / 2 {
            return None;
        }
        // One stretch more, twice as long; or the first again, for a reader that left out what lies
        // between: there may be more of that than of what it reads.
        let is_near =
            segment == loc.segment && loc.offset <= ahead.saturating_add(STRETCH_BYTES_MIN);
        let (from, longest) =
            if is_near { (ahead, STRETCH_BYTES_MAX) } else { (loc.offset, STRETCH_BYTES_MIN) };
        self.stretch_bytes = (2 * self.stretch_bytes).clamp(STRETCH_BYTES_MIN, longest);
        let to = from.max(end).saturating_add(self.stretch_bytes) & !(STRETCH_BYTES_MIN - 1);
        self.ahead = (loc.segment, to);
        Some(Advice::WillNeed { offset: from.into(), len: u64::from(to.saturating_sub(from)) })
    }
}

/// Mixes a group and an index. No place is 0.
fn place_of(group: GroupId, index: Index) -> u64 {
    let mixed = (group.0 ^ index.0.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) | 1
}

#[cfg(test)]
mod tests;
