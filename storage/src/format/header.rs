//! The header of a segment: its store, its number, and the salt that tells its frames from those of
//! the segment that used the file before.
//!
//! ```text
//!   question                          fields                              if not
//!   can this program read it?         magic, byte order, version          refused: foreign
//!   does it belong to this store?     store                               refused: foreign
//!   does its name match?              number                              refused: swapped
//!   is the file complete?             length                              refused: cut
//! ```
//!
//! Invariant: a segment's header was durable before the file got its name. So a header that is not
//! valid is damage: no crash causes it.

use super::redo::redo_room_bytes;
use super::{FRAMES_AT, PAGE_BYTES, u16_at, u32_at, u64_at};
use crate::types::{Lsn, SegmentId};
use std::fmt;

/// The version of the format that this code writes, and the only one it reads.
pub const VERSION: u16 = 1;

/// The length of a segment's header.
pub(crate) const HEADER_BYTES: usize = 64;

/// The first eight bytes. The last one is a line feed: a copy in text mode changes it.
const MAGIC: [u8; 8] = *b"RFTLOG\x01\n";

/// A machine with the other byte order reads this as `0x0d0c0b0a`.
const BYTE_ORDER: u32 = 0x0a0b_0c0d;

/// A store's id: a random number, drawn when the store was created.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoreId(pub u128);

/// The initial value of the checksums of a segment's frames. A recycled file gets a new salt: the
/// checksums of the frames that it held before do not match any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Salt(u64);

/// A segment's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentHeader {
    /// The store.
    pub store: StoreId,
    /// The segment's number.
    pub segment: SegmentId,
    /// The LSN of the segment's first frame, even if that frame is not written yet.
    pub first_lsn: Lsn,
    /// The initial value of its frames' checksums.
    pub salt: Salt,
    /// The length of the file.
    pub capacity: u32,
}

/// The reason why a header is not valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderFault {
    /// The file is shorter than a header.
    Short {
        /// The length of the file.
        len: usize,
    },
    /// The file does not begin with a segment's magic bytes.
    Magic,
    /// The header was written by a machine with the other byte order.
    ByteOrder,
    /// The header was written in another version of the format.
    Version {
        /// That version.
        found: u16,
    },
    /// The checksum does not match.
    Checksum {
        /// The checksum of the bytes.
        found: u32,
        /// The checksum that the header states.
        stated: u32,
    },
    /// The checksum matches, but this field has an impossible value.
    Field(&'static str),
}

impl Salt {
    /// Makes a salt from a random number.
    pub fn new(entropy: u64) -> Salt {
        Salt(if entropy as u32 == 0 { entropy | 1 } else { entropy })
    }

    /// Returns the initial value of a frame's checksum; never 0.
    pub fn seed(self) -> u32 {
        self.0 as u32
    }
}

impl SegmentHeader {
    /// Returns the offset at which the last frame must end: the rest is room for a redo record.
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
    /// [`HeaderFault`]. A file of another kind, machine or version has an error of its own, if its
    /// first bytes show it.
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

    /// Reads the fields of a damaged header, only to show them. `None` if a field has an impossible
    /// value.
    pub fn peek(file: &[u8]) -> Option<SegmentHeader> {
        SegmentHeader::read_fields(file.get(..HEADER_BYTES)?).ok()
    }

    /// Reads the fields of a header, without testing the checksum.
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
            HeaderFault::Short { len } => {
                write!(f, "the file is {len} bytes long, shorter than a header")
            }
            HeaderFault::Magic => write!(f, "it does not begin with a segment's magic bytes"),
            HeaderFault::ByteOrder => write!(f, "it has the other byte order"),
            HeaderFault::Version { found } => {
                write!(f, "it has version {found}, but this program reads only {VERSION}")
            }
            HeaderFault::Checksum { found, stated } => {
                write!(f, "header: checksum is {found:08x}, header says {stated:08x}")
            }
            HeaderFault::Field(field) => write!(f, "header: the {field} has an impossible value"),
        }
    }
}
