//! The groups: what each one holds, and where its bytes are. It is the in-memory index of the log.
//!
//! ```text
//!   g7   base 4@2 | 5  6  7  8          16 bytes for each entry: segment, offset, length, checksum
//!                   [term 2][term 3]    runs of equal terms: a term is found without a read
//!        hs -> .., members -> ..        keys and values
//!
//!   live   segment 3: 96 KiB in 800 items    segment 4: ..       garbage collection uses these
//! ```
//!
//! Invariants: a group's entries have no gap, and begin after its base. The live bytes counted for
//! a segment are exactly those that the groups refer to.

mod check; // whether a batch fits
mod group; // one group
mod live; // how much of each segment is live

pub(crate) use check::check;
pub(crate) use group::{Group, Loc, Value};
pub(crate) use live::Live;

use crate::format::{Frame, Op};
use crate::types::{GroupId, SegmentId};
use bytes::Bytes;
use std::collections::BTreeMap;

/// All groups, and the live bytes of each segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    groups: BTreeMap<GroupId, Group>,
    live: Live,
}

impl Groups {
    /// Returns the groups that recovery has found.
    pub(crate) fn recovered(groups: BTreeMap<GroupId, Group>) -> Groups {
        let mut live = Live::default();
        for group in groups.values() {
            group.count(&mut live);
        }
        Groups { groups, live }
    }

    /// Returns a group.
    pub(crate) fn get(&self, group: GroupId) -> Option<&Group> {
        self.groups.get(&group)
    }

    /// Returns every group with its number, in the order of the numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (GroupId, &Group)> {
        self.groups.iter().map(|(id, group)| (*id, group))
    }

    /// Returns what is live of each segment.
    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    /// Applies the items of a frame at offset `frame_at` of `segment`. The frame was checked
    /// before.
    pub(crate) fn apply(&mut self, frame: &Frame<'_>, segment: SegmentId, frame_at: u32) {
        for (item, at) in frame.items() {
            let loc = Loc { segment, offset: frame_at + at, len: item.len, crc: item.crc };
            if item.op == Op::Clean {
                self.remove(item.group);
                continue;
            }
            let group = self.groups.entry(item.group).or_default();
            let live = &mut self.live;
            match item.op {
                Op::Entry { id } => group.append(id, loc, live),
                Op::Moved { id } => group.move_entry(id.index, loc, live),
                Op::Compact { through } => group.compact(through, segment, live),
                Op::Reset { through } => group.reset(through, segment, live),
                Op::Put { key_len } => {
                    let (key, data) = frame.payload(&item, at).split_at(key_len as usize);
                    group.put(key, Value { data: Bytes::copy_from_slice(data), segment }, live);
                }
                Op::Delete => group.delete(frame.payload(&item, at), live),
                Op::Clean => {}
            }
            if group.is_nothing() {
                self.remove(item.group);
            }
        }
    }

    /// Removes a group.
    fn remove(&mut self, group: GroupId) {
        if let Some(mut gone) = self.groups.remove(&group) {
            gone.clear(&mut self.live);
        }
    }
}
