//! One thing that a batch does, and its descriptor.
//!
//! ```text
//!   entry 5@2 --.                                      .--> who, what, how long: under one checksum
//!   put k v ----+--> Item --> descriptor, 32 bytes ----+
//!   clean ------'            payload                   '--> the bytes: under a checksum of their own
//! ```
//!
//! What an item is about stays readable when its bytes are not: that is how a damaged entry can be
//! named, and asked for again.

use super::{u32_at, u64_at};
use crate::types::{EntryId, GroupId, Index, Term};

/// A descriptor's length.
pub const DESCRIPTOR_BYTES: usize = 32;

/// The longest payload: 28 bits have to do.
pub const MAX_PAYLOAD_BYTES: usize = (1 << 28) - 1;

/// What an item does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// Ends the log before its index, and stands there.
    Entry {
        /// Its name.
        id: EntryId,
    },
    /// Sets a key.
    Put {
        /// How much of the payload is the key; the rest is the value.
        key_len: u32,
    },
    /// Removes a key.
    Delete,
    /// Lets the log begin after `through`.
    Compact {
        /// The last entry that is gone.
        through: EntryId,
    },
    /// Removes the group.
    Clean,
    /// Stands at its index, and ends nothing: garbage collection wrote it again.
    Moved {
        /// Its name.
        id: EntryId,
    },
    /// Empties the log, and lets it begin after `through`.
    Reset {
        /// The entry before the log's first.
        through: EntryId,
    },
}

/// One thing that a batch does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Item {
    /// Whose.
    pub group: GroupId,
    /// What.
    pub op: Op,
    /// How long its payload is.
    pub len: u32,
    /// The payload's checksum.
    pub crc: u32,
}

impl Item {
    /// Writes the descriptor behind what is in `out`: 32 bytes, as the format's page has them.
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

    /// Reads a descriptor; `None` if it says what no writer says.
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
