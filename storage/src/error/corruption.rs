//! What has rotted, and whose it was: enough to ask another replica for exactly that.
//!
//! ```text
//!   segment 3, offset 128, LSN 17: descriptors: checksum is 1f2e.., header says 77aa..
//!   lost: g7 4..=6, g9 keys
//! ```

use crate::types::{GroupId, Index, Lsn, SegmentId};
use std::fmt;
use std::ops::RangeInclusive;

/// Something that was written, and does not hold any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Corruption {
    /// In which segment.
    pub segment: SegmentId,
    /// Where in its file.
    pub offset: u64,
    /// Of which frame, as far as that can be told.
    pub lsn: Option<Lsn>,
    /// What kind of damage it is.
    pub rot: Rot,
    /// What is wrong, in words and numbers.
    pub what: String,
    /// What was lost with it, as far as that can be told.
    pub lost: Vec<Lost>,
}

/// What kind of damage it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rot {
    /// A segment's header, or its length: no crash leaves a segment so.
    Segment,
    /// A frame that was durable, as a later one bears witness.
    Acknowledged,
    /// Every frame holds, and a group's entries are not all there.
    Hole,
    /// An entry that held when the log was opened, or was written since.
    Read,
}

/// Something of a group that was lost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lost {
    /// Entries.
    Entries {
        /// Whose.
        group: GroupId,
        /// Which.
        indexes: RangeInclusive<u64>,
    },
    /// Keys, or the group's beginning or end.
    State {
        /// Whose.
        group: GroupId,
    },
}

impl Lost {
    /// Adds one entry to what was lost.
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

    /// Adds a group's state to what was lost.
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
            Rot::Segment => write!(f, ": {what}; no crash leaves a segment so")?,
            Rot::Acknowledged => write!(f, ": {what}; it was durable, as a later frame says")?,
            Rot::Hole | Rot::Read => write!(f, ": {what}")?,
        }
        for (n, lost) in self.lost.iter().enumerate() {
            write!(f, "{}{lost}", if n == 0 { "; lost: " } else { ", " })?;
        }
        Ok(())
    }
}
