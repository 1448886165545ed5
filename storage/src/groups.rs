//! What every group holds, and where its bytes are: the engine's whole memory of the log.
//!
//! ```text
//!   g7   base 4@2 | 5  6  7  8          each of them 16 bytes: segment, offset, length, checksum
//!                   [ term 2 ][ term 3 ]                  runs: a term is known without reading
//!        hs -> .., members -> ..                          keys and values, in memory
//!
//!   live   segment 3: 96 KiB in 800 items    segment 4: ..       what collection goes by
//! ```
//!
//! Invariants: a group's entries have no gap, and begin after its base. What is counted live of a
//! segment is exactly what the groups point to in it.

mod check; // whether a batch fits
mod group; // one group
mod live; // how much of each segment is still wanted

pub(crate) use check::check;
pub(crate) use group::{Group, Loc, Value};
pub(crate) use live::Live;

use crate::format::{Frame, Op};
use crate::types::{GroupId, SegmentId};
use bytes::Bytes;
use std::collections::BTreeMap;

/// What every group holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    groups: BTreeMap<GroupId, Group>,
    live: Live,
}

impl Groups {
    /// Returns groups as recovery found them.
    pub(crate) fn recovered(groups: BTreeMap<GroupId, Group>) -> Groups {
        let mut live = Live::default();
        for group in groups.values() {
            group.count(&mut live);
        }
        Groups { groups, live }
    }

    /// Lends a group.
    pub(crate) fn get(&self, group: GroupId) -> Option<&Group> {
        self.groups.get(&group)
    }

    /// Returns every group and its number, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (GroupId, &Group)> {
        self.groups.iter().map(|(id, group)| (*id, group))
    }

    /// Lends what is live of each segment.
    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    /// Does what a frame says, which stands at `frame_at` in `segment`. It was checked before.
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
            gone.drop_everything(&mut self.live);
        }
    }
}
