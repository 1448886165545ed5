//! What a segment says of itself: whose it is, where it stands, and what keeps its frames apart from
//! those the file held in an earlier life.
//!
//! ```text
//!   .log of this store?      magic, byte order, version, store        refused: not ours to read
//!   the one its name says?   number                                   refused: swapped
//!   all there?               length                                   refused: cut
//! ```
//!
//! Invariant: a file with a segment's name has a header that was durable before the name was. So a
//! header that does not hold is damage, never a crash.

use super::redo::redo_room_bytes;
use super::{FRAMES_AT, PAGE_BYTES, u16_at, u32_at, u64_at};
use crate::types::{Lsn, SegmentId};
use std::fmt;

/// The version of the format that this code writes, and the only one it reads.
pub const VERSION: u16 = 1;

/// The header's length.
pub(crate) const HEADER_BYTES: usize = 64;

/// The first eight bytes. The last of them is a line feed, to catch a copy in text mode.
const MAGIC: [u8; 8] = *b"RFTLOG\x01\n";

/// Reads `0x0d0c0b0a` on a machine that counts the other way.
const BYTE_ORDER: u32 = 0x0a0b_0c0d;

/// A store's name for itself, drawn when it was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoreId(pub u128);

/// What a segment's frame checksums begin with. A file that is used again gets another one, and none
/// of the frames it held before has a checksum that holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Salt(u64);

/// A segment's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentHeader {
    /// Whose it is.
    pub store: StoreId,
    /// Which one it is.
    pub segment: SegmentId,
    /// The LSN of its first frame, written or not.
    pub first_lsn: Lsn,
    /// What its frames' checksums begin with.
    pub salt: Salt,
    /// The file's length.
    pub capacity: u32,
}

/// What is wrong with a header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderFault {
    /// The file ends within it.
    Short {
        /// How long the file is.
        len: usize,
    },
    /// It is not a segment's.
    Magic,
    /// It was written by a machine that counts the other way.
    ByteOrder,
    /// It was written in another version of the format.
    Version {
        /// Which one.
        found: u16,
    },
    /// Its checksum does not hold.
    Checksum {
        /// What the bytes come to.
        found: u32,
        /// What stands there.
        stated: u32,
    },
    /// The checksum holds, and a field says what no writer says.
    Field(&'static str),
}

impl Salt {
    /// Makes a salt of a number nobody can foretell.
    pub fn new(entropy: u64) -> Salt {
        Salt(if entropy as u32 == 0 { entropy | 1 } else { entropy })
    }

    /// Returns what a frame's checksum begins with; never 0.
    pub fn seed(self) -> u32 {
        self.0 as u32
    }
}

impl SegmentHeader {
    /// Returns where the last frame has to end: behind it there is room for a redo record.
    pub(crate) fn frames_end(&self) -> u32 {
        self.capacity - redo_room_bytes(self.capacity)
    }

    /// Returns the header's bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&BYTE_ORDER.to_le_bytes());
        bytes[12..14].copy_from_slice(&VERSION.to_le_bytes());
        bytes[14..16].copy_from_slice(&(HEADER_BYTES as u16).to_le_bytes());
        bytes[16..32].copy_from_slice(&self.store.0.to_le_bytes());
        bytes[32..40].copy_from_slice(&u64::from(self.segment.0).to_le_bytes());
        bytes[40..48].copy_from_slice(&self.first_lsn.0.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.salt.0.to_le_bytes());
        bytes[56..60].copy_from_slice(&(self.capacity / PAGE_BYTES).to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..60]);
        bytes[60..64].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads a header from the beginning of a file.
    ///
    /// # Errors
    /// What is wrong with it. A file of another kind, machine or version is told apart from a
    /// damaged one, as far as its first bytes let it.
    pub fn decode(file: &[u8]) -> Result<SegmentHeader, HeaderFault> {
        let Some(bytes) = file.get(..HEADER_BYTES) else {
            return Err(HeaderFault::Short { len: file.len() });
        };
        if bytes[..8] != MAGIC {
            return Err(HeaderFault::Magic);
        }
        if u32_at(bytes, 8) == BYTE_ORDER.swap_bytes() {
            return Err(HeaderFault::ByteOrder);
        }
        let (found, stated) = (crc32fast::hash(&bytes[..60]), u32_at(bytes, 60));
        let version = u16_at(bytes, 12);
        if version != VERSION {
            return Err(HeaderFault::Version { found: version });
        }
        if found != stated {
            return Err(HeaderFault::Checksum { found, stated });
        }
        SegmentHeader::read_fields(bytes)
    }

    /// Reads a header's fields although something is wrong with it; `None` if they cannot be. For
    /// showing what it says, and for nothing else.
    pub fn peek(file: &[u8]) -> Option<SegmentHeader> {
        SegmentHeader::read_fields(file.get(..HEADER_BYTES)?).ok()
    }

    /// Reads the fields of a header whose checksum holds.
    fn read_fields(bytes: &[u8]) -> Result<SegmentHeader, HeaderFault> {
        if u32_at(bytes, 8) != BYTE_ORDER || u16_at(bytes, 14) as usize != HEADER_BYTES {
            return Err(HeaderFault::Field("byte order or header length"));
        }
        let number = u32::try_from(u64_at(bytes, 32)).ok().filter(|number| *number > 0);
        let Some(number) = number else { return Err(HeaderFault::Field("segment number")) };
        let capacity = u32_at(bytes, 56).checked_mul(PAGE_BYTES);
        let Some(capacity) = capacity.filter(|capacity| *capacity > FRAMES_AT) else {
            return Err(HeaderFault::Field("length"));
        };
        let first_lsn = Lsn(u64_at(bytes, 40));
        if first_lsn == Lsn(0) || first_lsn > Lsn::LAST {
            return Err(HeaderFault::Field("first LSN"));
        }
        let salt = Salt(u64_at(bytes, 48));
        if salt.seed() == 0 {
            return Err(HeaderFault::Field("salt"));
        }
        let store = u128::from(u64_at(bytes, 16)) | u128::from(u64_at(bytes, 24)) << 64;
        let segment = SegmentId(number);
        Ok(SegmentHeader { store: StoreId(store), segment, first_lsn, salt, capacity })
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderFault::Short { len } => write!(f, "the file is {len} bytes long"),
            HeaderFault::Magic => write!(f, "it does not begin as a segment does"),
            HeaderFault::ByteOrder => write!(f, "it is of the other byte order"),
            HeaderFault::Version { found } => {
                write!(f, "it is of version {found}, and {VERSION} is the one known here")
            }
            HeaderFault::Checksum { found, stated } => {
                write!(f, "header: checksum is {found:08x}, header says {stated:08x}")
            }
            HeaderFault::Field(field) => write!(f, "header: its {field} cannot be"),
        }
    }
}
