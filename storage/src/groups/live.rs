//! How much of each segment is still wanted.

use crate::format::DESCRIPTOR_BYTES;
use crate::types::SegmentId;
use std::collections::BTreeMap;

/// What is live of one segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tally {
    /// How many items.
    pub(crate) items: u64,
    /// What they weigh: descriptors and payloads.
    pub(crate) bytes: u64,
}

/// What is live of every segment that has something live.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Live {
    segments: BTreeMap<SegmentId, Tally>,
}

impl Live {
    /// Returns what is live of a segment.
    pub(crate) fn of(&self, segment: SegmentId) -> Tally {
        self.segments.get(&segment).copied().unwrap_or_default()
    }

    /// Returns the oldest segment of which something is live.
    pub(crate) fn oldest(&self) -> Option<SegmentId> {
        self.segments.keys().next().copied()
    }

    /// Returns how many bytes are live in all segments together.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.values().map(|tally| tally.bytes).sum()
    }

    /// Counts an item with so much payload.
    pub(crate) fn add(&mut self, segment: SegmentId, payload_bytes: usize) {
        let tally = self.segments.entry(segment).or_default();
        tally.items += 1;
        tally.bytes += (DESCRIPTOR_BYTES + payload_bytes) as u64;
    }

    /// Counts an item no longer.
    ///
    /// # Panics
    /// If it was not counted: the count is what segments are deleted by.
    pub(crate) fn remove(&mut self, segment: SegmentId, payload_bytes: usize) {
        let tally = self.segments.get_mut(&segment).expect("what goes was counted when it came");
        tally.items -= 1;
        tally.bytes -= (DESCRIPTOR_BYTES + payload_bytes) as u64;
        if tally.items == 0 {
            assert_eq!(tally.bytes, 0, "segment {segment}: nothing is live, and weighs something");
            self.segments.remove(&segment);
        }
    }
}
