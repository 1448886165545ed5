//! What has rotted, and which groups lost something: enough to ask another replica for exactly
//! that.
//!
//! ```text
//!   segment 3, offset 128, LSN 17: descriptors: checksum is 1f2e.., header says 77aa..
//!   lost: g7 4..=6, g9 keys
//! ```

use crate::types::{GroupId, Index, Lsn, SegmentId};
use std::fmt;
use std::ops::RangeInclusive;

/// Damage: bytes on the disk are not those that were written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Corruption {
    /// The segment.
    pub segment: SegmentId,
    /// The offset in the segment's file.
    pub offset: u64,
    /// The damaged frame, if it is known.
    pub lsn: Option<Lsn>,
    /// The kind of damage.
    pub rot: Rot,
    /// A description of the damage, with its numbers.
    pub what: String,
    /// What was lost, as far as it is known.
    pub lost: Vec<Lost>,
}

/// The kind of damage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rot {
    /// A segment's header or length is wrong. A crash cannot cause this.
    Segment,
    /// A frame is damaged, and a later frame says that it was durable.
    Acknowledged,
    /// Every frame is valid, but some entries of a group are missing.
    Hole,
    /// An entry is damaged that was valid when the log was opened, or that was written since.
    Read,
}

/// What a group has lost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lost {
    /// Entries.
    Entries {
        /// The group.
        group: GroupId,
        /// Their indexes.
        indexes: RangeInclusive<u64>,
    },
    /// Keys, or the first or last index of the group's log.
    State {
        /// The group.
        group: GroupId,
    },
}

impl Lost {
    /// Adds one entry to the list of what was lost.
    pub(crate) fn add_entry(lost: &mut Vec<Lost>, group: GroupId, index: Index) {
        if let Some(Lost::Entries { group: last, indexes }) = lost.last_mut()
            && *last == group
            && indexes.end() + 1 == index.0
        {
            *indexes = *indexes.start()..=index.0;
            return;
        }
        lost.push(Lost::Entries { group, indexes: index.0..=index.0 });
    }

    /// Adds a group's state to the list of what was lost.
    pub(crate) fn add_state(lost: &mut Vec<Lost>, group: GroupId) {
        let state = Lost::State { group };
        if lost.last() != Some(&state) {
            lost.push(state);
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Entries { group, indexes } => write!(f, "{group} {indexes:?}"),
            Lost::State { group } => write!(f, "{group} keys or bounds"),
        }
    }
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "segment {}, offset {}", self.segment, self.offset)?;
        if let Some(lsn) = self.lsn {
            write!(f, ", LSN {lsn}")?;
        }
        let what = &self.what;
        match self.rot {
            Rot::Segment => write!(f, ": {what}; a crash cannot cause this")?,
            Rot::Acknowledged => write!(f, ": {what}; it was durable, as a later frame says")?,
            Rot::Hole | Rot::Read => write!(f, ": {what}")?,
        }
        for (n, lost) in self.lost.iter().enumerate() {
            write!(f, "{}{lost}", if n == 0 { "; lost: " } else { ", " })?;
        }
        Ok(())
    }
}
