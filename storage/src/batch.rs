//! What is written together: all of it, or none, over as many groups as there are.
//!
//! ```text
//!   batch.entries(g7, ..)   --.
//!   batch.put(g7, "hs", ..) --+--> one frame --> one LSN --> one sync for all of it
//!   batch.compact(g9, 4@2)  --'
//! ```
//!
//! A batch knows no log: whether its items fit is asked when it is appended. Items are done in the
//! order in which they came.
//!
//! Invariant: a batch that was given something is not empty. A payload that no frame can hold is not
//! copied, but it is counted: the batch is then as long as it would have been, and is refused.

use crate::error::{Error, Result};
use crate::format::{Draft, Flags, Item, MAX_PAYLOAD_BYTES, Op};
use crate::types::{Entry, EntryId, GroupId};

/// What is to be written together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    items: Vec<Item>,
    /// The payloads, one behind the other.
    payloads: Vec<u8>,
    /// The items whose payloads no frame can hold. They are counted, and not kept.
    refused: Refused,
}

/// Items that were given to a batch, and that no frame can hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Refused {
    items: usize,
    payload_bytes: usize,
}

impl Batch {
    /// Returns an empty batch.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Writes entries in order. Each ends the log before its own place: what stood there, and behind
    /// it, goes.
    pub fn entries(&mut self, group: GroupId, entries: &[Entry]) -> &mut Batch {
        for entry in entries {
            self.push(group, Op::Entry { id: entry.id }, &[&entry.data]);
        }
        self
    }

    /// Sets a key of the group. Keys and values are held in memory: a few, and small ones.
    pub fn put(&mut self, group: GroupId, key: &[u8], value: &[u8]) -> &mut Batch {
        // A longer key makes the payload longer than any frame, and the batch is refused.
        let key_len = u32::try_from(key.len()).unwrap_or(u32::MAX);
        self.push(group, Op::Put { key_len }, &[key, value])
    }

    /// Removes a key of the group. One that is not there is no mistake.
    pub fn delete(&mut self, group: GroupId, key: &[u8]) -> &mut Batch {
        self.push(group, Op::Delete, &[key])
    }

    /// Forgets the entries up to and with `through`, which the log must hold. Its name is kept.
    pub fn compact(&mut self, group: GroupId, through: EntryId) -> &mut Batch {
        self.push(group, Op::Compact { through }, &[])
    }

    /// Forgets all entries, and lets the log begin after `through`, whether the log held it or not:
    /// a snapshot that ends there has taken the log's place (§7).
    pub fn reset(&mut self, group: GroupId, through: EntryId) -> &mut Batch {
        self.push(group, Op::Reset { through }, &[])
    }

    /// Removes a group: its entries, its keys, its name.
    pub fn remove_group(&mut self, group: GroupId) -> &mut Batch {
        self.push(group, Op::Clean, &[])
    }

    /// Returns whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many bytes the batch is in the log, or would be if a frame could hold it.
    pub fn size_bytes(&self) -> usize {
        let payload_bytes = self.payloads.len().saturating_add(self.refused.payload_bytes);
        // Where a number has 32 bits, what was refused may come to more than one can say.
        Draft::len_of(self.len(), payload_bytes.min(usize::MAX / 2))
    }

    /// Returns how many items the batch was given.
    fn len(&self) -> usize {
        self.items.len() + self.refused.items
    }

    /// Empties the batch, and keeps its memory.
    pub fn clear(&mut self) {
        self.items.clear();
        self.payloads.clear();
        self.refused = Refused::default();
    }

    /// Stands an entry at its place again, for garbage collection.
    pub(crate) fn moved(&mut self, group: GroupId, id: EntryId, data: &[u8]) {
        self.push(group, Op::Moved { id }, &[data]);
    }

    /// Returns whether all that the batch does is let go of something.
    pub(crate) fn only_releases(&self) -> bool {
        self.items.iter().all(|item| match item.op {
            Op::Compact { .. } | Op::Clean | Op::Delete | Op::Reset { .. } => true,
            Op::Entry { .. } | Op::Put { .. } | Op::Moved { .. } => false,
        })
    }

    /// Lends the items.
    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Drafts the frame.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::TooManyItems`] if no frame can hold it.
    pub(crate) fn draft(&self, flags: Flags, limit_bytes: u32) -> Result<Draft> {
        let bytes = self.size_bytes();
        if bytes > limit_bytes as usize || self.refused.items > 0 {
            return Err(Error::TooLarge { bytes, limit_bytes });
        }
        let limit = u16::MAX;
        if self.items.len() > usize::from(limit) {
            return Err(Error::TooManyItems { items: self.items.len(), limit });
        }
        Ok(Draft::new(&self.items, &self.payloads, flags))
    }

    /// Adds an item, whose payload comes in parts.
    fn push(&mut self, group: GroupId, op: Op, parts: &[&[u8]]) -> &mut Batch {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if len > MAX_PAYLOAD_BYTES {
            self.refused.items += 1;
            self.refused.payload_bytes = self.refused.payload_bytes.saturating_add(len);
            return self;
        }
        let mut hasher = crc32fast::Hasher::new();
        for part in parts {
            hasher.update(part);
            self.payloads.extend_from_slice(part);
        }
        self.items.push(Item { group, op, len: len as u32, crc: hasher.finalize() });
        self
    }
}
