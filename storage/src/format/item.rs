//! An item: one change of a batch. Its descriptor says what the payload is.
//!
//! ```text
//!   entry 5@2 --.             .--> descriptor, 32 bytes    group, kind, length: one checksum for
//!   put k v ----+--> Item ----+                            all descriptors of the frame
//!   clean ------'             '--> payload                 the bytes: a checksum for each payload
//! ```
//!
//! If only a payload is damaged, its descriptor is still readable. So the error names the damaged
//! entry, and a caller can ask another replica for it.

use super::{u32_at, u64_at};
use crate::types::{EntryId, GroupId, Index, Term};

/// The length of a descriptor.
pub const DESCRIPTOR_BYTES: usize = 32;

/// The longest payload: the descriptor has 28 bits for its length.
pub const MAX_PAYLOAD_BYTES: usize = (1 << 28) - 1;

/// What an item does to its group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// Removes the entries at its index and after it, and becomes the last entry.
    Entry {
        /// Its index and term.
        id: EntryId,
    },
    /// Sets a key.
    Put {
        /// The length of the key, which begins the payload. The rest is the value.
        key_len: u32,
    },
    /// Removes a key.
    Delete,
    /// Removes the entries up to and including `through`.
    Compact {
        /// The last entry that is removed.
        through: EntryId,
    },
    /// Removes the group.
    Clean,
    /// Is a copy, made by garbage collection, of the entry at its index. The entries after it stay.
    Moved {
        /// Its index and term.
        id: EntryId,
    },
    /// Removes all entries. The log begins after `through`.
    Reset {
        /// The entry before the log's first.
        through: EntryId,
    },
}

/// One change of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Item {
    /// The group.
    pub group: GroupId,
    /// The change.
    pub op: Op,
    /// The payload's length.
    pub len: u32,
    /// The payload's checksum.
    pub crc: u32,
}

impl Item {
    /// Appends the descriptor to `out`: 32 bytes, as on the format's page.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (kind, a, b) = match self.op {
            Op::Entry { id } => (1, id.index.0, id.term.0),
            Op::Put { key_len } => (2, u64::from(key_len), 0),
            Op::Delete => (3, 0, 0),
            Op::Compact { through } => (4, through.index.0, through.term.0),
            Op::Clean => (5, 0, 0),
            Op::Moved { id } => (6, id.index.0, id.term.0),
            Op::Reset { through } => (7, through.index.0, through.term.0),
        };
        out.extend_from_slice(&self.group.0.to_le_bytes());
        out.extend_from_slice(&a.to_le_bytes());
        out.extend_from_slice(&b.to_le_bytes());
        out.extend_from_slice(&(kind << 28 | self.len).to_le_bytes());
        out.extend_from_slice(&self.crc.to_le_bytes());
    }

    /// Reads a descriptor. `None` if a field has a value that no writer writes.
    ///
    /// # Panics
    /// If there are fewer than 32 bytes.
    pub fn decode(bytes: &[u8]) -> Option<Item> {
        let (a, b) = (u64_at(bytes, 8), u64_at(bytes, 16));
        let (kind, len) = (u32_at(bytes, 24) >> 28, u32_at(bytes, 24) & ((1 << 28) - 1));
        let id = EntryId { index: Index(a), term: Term(b) };
        let (op, is_sound) = match kind {
            1 => (Op::Entry { id }, a >= 1),
            2 => (Op::Put { key_len: a as u32 }, a <= u64::from(len) && b == 0),
            3 => (Op::Delete, a == 0 && b == 0),
            4 => (Op::Compact { through: id }, len == 0),
            5 => (Op::Clean, a == 0 && b == 0 && len == 0),
            6 => (Op::Moved { id }, a >= 1),
            7 => (Op::Reset { through: id }, len == 0),
            _ => return None,
        };
        let names_a_place = !matches!(kind, 1 | 4 | 6 | 7) || id.index <= Index::LAST;
        (is_sound && names_a_place).then_some(Item {
            group: GroupId(u64_at(bytes, 0)),
            op,
            len,
            crc: u32_at(bytes, 28),
        })
    }
}
