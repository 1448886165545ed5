//! A batch: changes of any number of groups that are written as a whole, or not at all.
//!
//! ```text
//!   batch.entries(g7, ..)   --.
//!   batch.put(g7, "hs", ..) --+--> one frame --> one LSN --> one sync for all of it
//!   batch.compact(g9, 4@2)  --'
//! ```
//!
//! A batch does not know the log. [`crate::Log::append`] checks whether its items fit. Items are
//! applied in the order in which they were added.
//!
//! Invariant: a batch to which something was added is not empty. A payload that no frame can hold
//! is not copied, but its length counts. So the batch is too long, and the log refuses it.

use crate::error::{Error, Result};
use crate::format::{Draft, Flags, Item, MAX_PAYLOAD_BYTES, Op};
use crate::types::{Entry, EntryId, GroupId};

/// The most items of a batch: a frame counts them in two bytes.
pub const BATCH_ITEMS_MAX: usize = u16::MAX as usize;

/// Changes that are written together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    items: Vec<Item>,
    /// The payloads, one after the other.
    payloads: Vec<u8>,
    /// The items whose payloads no frame can hold: counted, but not kept.
    refused: Refused,
}

/// The number of added items that no frame can hold, and the length of their payloads.
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

    /// Writes entries in order. Each entry replaces what is at its index, and removes everything
    /// after it.
    pub fn entries(&mut self, group: GroupId, entries: &[Entry]) -> &mut Batch {
        for entry in entries {
            self.push(group, Op::Entry { id: entry.id }, &[&entry.data]);
        }
        self
    }

    /// Writes one entry whose bytes are the concatenation of `parts`, as [`Batch::entries`] does. So bytes
    /// that lie in several places are copied once.
    pub fn entry(&mut self, group: GroupId, id: EntryId, parts: &[&[u8]]) -> &mut Batch {
        self.push(group, Op::Entry { id }, parts)
    }

    /// Writes one entry whose bytes `write` appends to a buffer, as [`Batch::entry`] does. So an encoder copies
    /// them once. `write` must leave alone what the buffer holds already.
    pub fn entry_with(
        &mut self,
        group: GroupId,
        id: EntryId,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> &mut Batch {
        let start = self.payloads.len();
        write(&mut self.payloads);
        self.add(group, Op::Entry { id }, start)
    }

    /// Sets a key of the group. The log keeps all keys and values in memory, so use few and small
    /// ones.
    pub fn put(&mut self, group: GroupId, key: &[u8], value: &[u8]) -> &mut Batch {
        // A longer key makes the payload longer than any frame: the log refuses the batch.
        let key_len = u32::try_from(key.len()).unwrap_or(u32::MAX);
        self.push(group, Op::Put { key_len }, &[key, value])
    }

    /// Removes a key of the group. The key need not exist.
    pub fn delete(&mut self, group: GroupId, key: &[u8]) -> &mut Batch {
        self.push(group, Op::Delete, &[key])
    }

    /// Removes the entries up to and including `through`, which the log must hold. The log keeps
    /// the index and term of `through`.
    pub fn compact(&mut self, group: GroupId, through: EntryId) -> &mut Batch {
        self.push(group, Op::Compact { through }, &[])
    }

    /// Removes all entries. The log begins after `through`, even if it did not hold that entry: a
    /// snapshot that ends there replaces the log (§7).
    pub fn reset(&mut self, group: GroupId, through: EntryId) -> &mut Batch {
        self.push(group, Op::Reset { through }, &[])
    }

    /// Removes a group: its entries, its keys, and where its log begins.
    pub fn remove_group(&mut self, group: GroupId) -> &mut Batch {
        self.push(group, Op::Clean, &[])
    }

    /// Returns whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the length of the batch's frame, or the length it would have if a frame could hold
    /// it.
    pub fn size_bytes(&self) -> usize {
        let payload_bytes = self.payloads.len().saturating_add(self.refused.payload_bytes);
        // On a 32-bit machine the sum of the refused payloads may exceed `usize`.
        Draft::len_of(self.len(), payload_bytes.min(usize::MAX / 2))
    }

    /// Returns how many items were added. The log refuses a batch of more than [`BATCH_ITEMS_MAX`].
    pub fn len(&self) -> usize {
        self.items.len() + self.refused.items
    }

    /// Empties the batch, and keeps its memory.
    pub fn clear(&mut self) {
        self.items.clear();
        self.payloads.clear();
        self.refused = Refused::default();
    }

    /// Copies an entry at its index, for garbage collection.
    pub(crate) fn moved(&mut self, group: GroupId, id: EntryId, data: &[u8]) {
        self.push(group, Op::Moved { id }, &[data]);
    }

    /// Returns whether every item removes something: such a batch makes garbage.
    pub(crate) fn only_releases(&self) -> bool {
        self.items.iter().all(|item| match item.op {
            Op::Compact { .. } | Op::Clean | Op::Delete | Op::Reset { .. } => true,
            Op::Entry { .. } | Op::Put { .. } | Op::Moved { .. } => false,
        })
    }

    /// Returns the items.
    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Drafts the frame of the batch.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::TooManyItems`] if no frame can hold the batch.
    pub(crate) fn draft(&self, flags: Flags, limit_bytes: u32) -> Result<Draft> {
        let bytes = self.size_bytes();
        if bytes > limit_bytes as usize || self.refused.items > 0 {
            return Err(Error::TooLarge { bytes, limit_bytes });
        }
        if self.len() > BATCH_ITEMS_MAX {
            return Err(Error::TooManyItems { items: self.len(), limit: u16::MAX });
        }
        Ok(Draft::new(&self.items, &self.payloads, flags))
    }

    /// Adds an item. Its payload is the concatenation of `parts`.
    fn push(&mut self, group: GroupId, op: Op, parts: &[&[u8]]) -> &mut Batch {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if len > MAX_PAYLOAD_BYTES {
            return self.refuse(len);
        }
        let start = self.payloads.len();
        parts.iter().for_each(|part| self.payloads.extend_from_slice(part));
        self.add(group, op, start)
    }

    /// Adds an item whose payload is what the buffer holds from `start` on.
    fn add(&mut self, group: GroupId, op: Op, start: usize) -> &mut Batch {
        let payload = &self.payloads[start..];
        let (len, crc) = (payload.len(), crc32fast::hash(payload));
        if len > MAX_PAYLOAD_BYTES {
            self.payloads.truncate(start);
            return self.refuse(len);
        }
        self.items.push(Item { group, op, len: len as u32, crc });
        self
    }

    /// Counts an item that no frame can hold.
    fn refuse(&mut self, len: usize) -> &mut Batch {
        self.refused.items += 1;
        self.refused.payload_bytes = self.refused.payload_bytes.saturating_add(len);
        self
    }
}
