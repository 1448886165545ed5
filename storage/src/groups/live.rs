//! How much of each segment is live.

use crate::format::DESCRIPTOR_BYTES;
use crate::types::SegmentId;
use std::collections::BTreeMap;

/// What is live of one segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tally {
    /// The number of live items.
    pub(crate) items: u64,
    /// The length of their descriptors and payloads.
    pub(crate) bytes: u64,
}

/// What is live, for every segment that holds something live.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Live {
    segments: BTreeMap<SegmentId, Tally>,
}

impl Live {
    /// Returns what is live of one segment.
    pub(crate) fn of(&self, segment: SegmentId) -> Tally {
        self.segments.get(&segment).copied().unwrap_or_default()
    }

    /// Returns the oldest segment that holds something live.
    pub(crate) fn oldest(&self) -> Option<SegmentId> {
        self.segments.keys().next().copied()
    }

    /// Returns the number of live bytes in all segments together.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.values().map(|tally| tally.bytes).sum()
    }

    /// Counts an item with `payload_bytes` of payload as live.
    pub(crate) fn add(&mut self, segment: SegmentId, payload_bytes: usize) {
        let tally = self.segments.entry(segment).or_default();
        tally.items += 1;
        tally.bytes += (DESCRIPTOR_BYTES + payload_bytes) as u64;
    }

    /// Removes an item from the count of what is live.
    ///
    /// # Panics
    /// If the segment has no counted item. A wrong count would delete a segment that is needed.
    pub(crate) fn remove(&mut self, segment: SegmentId, payload_bytes: usize) {
        let tally = self.segments.get_mut(&segment).expect("the item was counted before");
        tally.items -= 1;
        tally.bytes -= (DESCRIPTOR_BYTES + payload_bytes) as u64;
        if tally.items == 0 {
            assert_eq!(tally.bytes, 0, "segment {segment}: no live item, but live bytes");
            self.segments.remove(&segment);
        }
    }
}
