//! A frame: a batch as bytes. It counts as a whole, or not at all.
//!
//! ```text
//!   [ header 32 | descriptor 32 | descriptor 32 | payload | payload | 0..7 zeros ]
//!      CRC, salted   CRC over both together        CRC       CRC
//! ```
//!
//! A caller drafts a frame, with its checksums, without a lock. Only the frame's place (LSN,
//! durable LSN, salt) is filled in under the writer's lock.

use super::item::{DESCRIPTOR_BYTES, Item};
use super::{Salt, u16_at, u32_at, u64_at};
use crate::types::Lsn;
use std::fmt;

/// The length of a frame's header.
pub const FRAME_HEADER_BYTES: usize = 32;

/// The kind of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flags {
    /// A batch of a caller.
    Batch,
    /// Items that garbage collection moved.
    Moved,
    /// The last frame of a store that was closed.
    Seal,
}

/// A frame's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// The length of the whole frame.
    pub len: u32,
    /// The frame's number.
    pub lsn: Lsn,
    /// The last frame that was durable when this frame was made.
    pub durable: Lsn,
    /// The checksum of the descriptors.
    pub descriptors_crc: u32,
    /// The number of items.
    pub items: u16,
    /// The kind of frame.
    pub flags: Flags,
}

/// The reason why a frame is not valid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FrameFault {
    /// The rest of the segment is shorter than a frame's header.
    NoRoom,
    /// The header's checksum does not match.
    Header {
        /// The checksum of the bytes.
        found: u32,
        /// The checksum that the header states.
        stated: u32,
    },
    /// The header's checksum matches, but a field has an impossible value.
    Fields,
    /// The header is valid, but another frame was expected here.
    Lsn {
        /// The LSN of the frame that is here.
        found: Lsn,
    },
    /// The descriptors' checksum does not match.
    Descriptors {
        /// The checksum of the bytes.
        found: u32,
        /// The checksum that the header states.
        stated: u32,
    },
    /// The descriptors' checksum matches, but one of them has an impossible value.
    Descriptor {
        /// The number of the item, from 0.
        item: usize,
    },
    /// Some payloads do not match their checksums; header and descriptors are valid.
    Payloads {
        /// The items of these payloads.
        items: Vec<Item>,
    },
    /// The padding is not zero.
    Padding,
}

/// A valid frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    header: FrameHeader,
    bytes: &'a [u8],
}

/// A frame that has no place yet: no LSN, no durable LSN, no salt.
#[derive(Clone, Debug)]
pub struct Draft {
    bytes: Vec<u8>,
}

impl Draft {
    /// Returns the length of a frame with this many items, and this many bytes in all its payloads.
    pub fn len_of(items: usize, payload_bytes: usize) -> usize {
        (FRAME_HEADER_BYTES + items * DESCRIPTOR_BYTES + payload_bytes).next_multiple_of(8)
    }

    /// Drafts a frame. The caller has checked that length and number of items fit their fields.
    pub fn new(items: &[Item], payloads: &[u8], flags: Flags) -> Draft {
        let len = Draft::len_of(items.len(), payloads.len());
        let mut bytes = Vec::with_capacity(len);
        bytes.resize(FRAME_HEADER_BYTES, 0);
        for item in items {
            item.encode(&mut bytes);
        }
        let descriptors_crc = crc32fast::hash(&bytes[FRAME_HEADER_BYTES..]);
        bytes.extend_from_slice(payloads);
        bytes.resize(len, 0);
        bytes[4..8].copy_from_slice(&(len as u32).to_le_bytes());
        bytes[24..28].copy_from_slice(&descriptors_crc.to_le_bytes());
        bytes[28..30].copy_from_slice(&(items.len() as u16).to_le_bytes());
        bytes[30..32].copy_from_slice(&flags.bits().to_le_bytes());
        Draft { bytes }
    }

    /// Returns a draft of a valid frame, to give it another place.
    pub(crate) fn of(frame: &[u8]) -> Draft {
        Draft { bytes: frame.to_vec() }
    }

    /// Returns the length of the frame.
    pub(crate) fn len(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// Gives the frame its place, and returns its bytes.
    pub fn place(mut self, lsn: Lsn, durable: Lsn, salt: Salt) -> Vec<u8> {
        self.bytes[8..16].copy_from_slice(&lsn.0.to_le_bytes());
        self.bytes[16..24].copy_from_slice(&durable.0.to_le_bytes());
        let checksum = header_crc(&self.bytes, salt);
        self.bytes[0..4].copy_from_slice(&checksum.to_le_bytes());
        self.bytes
    }
}

impl Flags {
    /// Returns the bits of these flags.
    fn bits(self) -> u16 {
        match self {
            Flags::Batch => 0,
            Flags::Moved => 1,
            Flags::Seal => 2,
        }
    }

    /// Returns the flags with these bits; `None` if no flags have them.
    fn from_bits(bits: u16) -> Option<Flags> {
        [Flags::Batch, Flags::Moved, Flags::Seal].into_iter().find(|flags| flags.bits() == bits)
    }
}

impl FrameHeader {
    /// Reads the header at the beginning of `rest`, the bytes from here to the segment's end. If
    /// the header is valid, `rest` holds the whole frame.
    ///
    /// # Errors
    /// [`FrameFault`]: why the header is not valid.
    pub fn decode(rest: &[u8], salt: Salt) -> Result<FrameHeader, FrameFault> {
        if rest.len() < FRAME_HEADER_BYTES {
            return Err(FrameFault::NoRoom);
        }
        let (found, stated) = (header_crc(rest, salt), u32_at(rest, 0));
        if found != stated {
            return Err(FrameFault::Header { found, stated });
        }
        FrameHeader::read_fields(rest).ok_or(FrameFault::Fields)
    }

    /// Reads the fields at the beginning of `rest`, without testing the checksum. `None` if a field
    /// has an impossible value.
    pub fn read_fields(rest: &[u8]) -> Option<FrameHeader> {
        let header = FrameHeader {
            len: u32_at(rest, 4),
            lsn: Lsn(u64_at(rest, 8)),
            durable: Lsn(u64_at(rest, 16)),
            descriptors_crc: u32_at(rest, 24),
            items: u16_at(rest, 28),
            flags: Flags::from_bits(u16_at(rest, 30))?,
        };
        let is_sound = header.len.is_multiple_of(8)
            && header.len as usize <= rest.len()
            && header.payloads_at() <= header.len as usize
            && header.durable < header.lsn
            && header.lsn <= Lsn::LAST
            && (header.flags != Flags::Seal || header.items == 0);
        is_sound.then_some(header)
    }

    /// Returns the offset in the frame of the first payload.
    fn payloads_at(&self) -> usize {
        FRAME_HEADER_BYTES + usize::from(self.items) * DESCRIPTOR_BYTES
    }
}

impl<'a> Frame<'a> {
    /// Reads the frame at the beginning of `rest`, and checks every byte of it.
    ///
    /// # Errors
    /// The first [`FrameFault`]. For payloads, the error lists all that do not match.
    pub fn decode(rest: &'a [u8], salt: Salt, lsn: Lsn) -> Result<Frame<'a>, FrameFault> {
        let header = FrameHeader::decode(rest, salt)?;
        if header.lsn != lsn {
            return Err(FrameFault::Lsn { found: header.lsn });
        }
        let frame = Frame { header, bytes: &rest[..header.len as usize] };
        frame.check_descriptors()?;
        frame.check_payloads()?;
        Ok(frame)
    }

    /// Reads the items of a damaged frame, only to name what was lost. `None` if the descriptors
    /// are damaged too.
    pub fn peek(rest: &'a [u8]) -> Option<Frame<'a>> {
        let header = FrameHeader::read_fields(rest.get(..FRAME_HEADER_BYTES).map(|_| rest)?)?;
        let frame = Frame { header, bytes: &rest[..header.len as usize] };
        frame.check_descriptors().ok().map(|()| frame)
    }

    /// Returns the frame in `bytes` without a check: it was checked before, or was made here.
    ///
    /// # Panics
    /// If a field of the header has an impossible value.
    pub(crate) fn trusted(bytes: &'a [u8]) -> Frame<'a> {
        let header = FrameHeader::read_fields(bytes).expect("the frame was checked before");
        Frame { header, bytes: &bytes[..header.len as usize] }
    }

    /// Returns the header.
    pub fn header(&self) -> &FrameHeader {
        &self.header
    }

    /// Returns all bytes of the frame, with padding and checksums.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns the items, each with the offset of its payload in the frame.
    pub fn items(&self) -> impl Iterator<Item = (Item, u32)> + 'a {
        let mut payload_at = self.header.payloads_at() as u32;
        self.descriptors().chunks_exact(DESCRIPTOR_BYTES).map_while(Item::decode).map(move |item| {
            let at = payload_at;
            payload_at += item.len;
            (item, at)
        })
    }

    /// Returns the bytes of a payload. [`Frame::items`] returns the item and the offset `at`.
    ///
    /// # Panics
    /// If the frame has no such item.
    pub fn payload(&self, item: &Item, at: u32) -> &'a [u8] {
        &self.bytes[at as usize..(at + item.len) as usize]
    }

    /// Returns the table of descriptors.
    fn descriptors(&self) -> &'a [u8] {
        &self.bytes[FRAME_HEADER_BYTES..self.header.payloads_at()]
    }

    /// Checks the descriptors' checksum, each descriptor, and that the payloads fill the frame.
    fn check_descriptors(&self) -> Result<(), FrameFault> {
        let (found, stated) = (crc32fast::hash(self.descriptors()), self.header.descriptors_crc);
        if found != stated {
            return Err(FrameFault::Descriptors { found, stated });
        }
        let mut payload_bytes = 0;
        for (item, bytes) in self.descriptors().chunks_exact(DESCRIPTOR_BYTES).enumerate() {
            let decoded = Item::decode(bytes).ok_or(FrameFault::Descriptor { item })?;
            payload_bytes += decoded.len as usize;
        }
        let len = Draft::len_of(usize::from(self.header.items), payload_bytes);
        if len == self.header.len as usize { Ok(()) } else { Err(FrameFault::Fields) }
    }

    /// Checks every payload's checksum, and that the padding is zero.
    fn check_payloads(&self) -> Result<(), FrameFault> {
        let holds = |(item, at): &(Item, u32)| crc32fast::hash(self.payload(item, *at)) == item.crc;
        let bad: Vec<Item> = self.items().filter(|it| !holds(it)).map(|(item, _)| item).collect();
        if !bad.is_empty() {
            return Err(FrameFault::Payloads { items: bad });
        }
        let end = self.items().last().map(|(item, at)| at + item.len);
        let padding = &self.bytes[end.unwrap_or(FRAME_HEADER_BYTES as u32) as usize..];
        if padding.iter().all(|byte| *byte == 0) { Ok(()) } else { Err(FrameFault::Padding) }
    }
}

/// Returns the checksum of a frame's header under a segment's salt.
fn header_crc(frame: &[u8], salt: Salt) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt.seed());
    hasher.update(&frame[4..FRAME_HEADER_BYTES]);
    hasher.finalize()
}

impl fmt::Display for FrameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameFault::NoRoom => write!(f, "there is no room left for a frame"),
            FrameFault::Header { found, stated } => {
                write!(f, "frame header: checksum is {found:08x}, header says {stated:08x}")
            }
            FrameFault::Fields => write!(f, "frame header: a field has an impossible value"),
            FrameFault::Lsn { found } => write!(f, "this frame has LSN {found}"),
            FrameFault::Descriptors { found, stated } => {
                write!(f, "descriptors: checksum is {found:08x}, header says {stated:08x}")
            }
            FrameFault::Descriptor { item } => {
                write!(f, "descriptor {item} has an impossible value")
            }
            FrameFault::Payloads { items } => match items.len() {
                1 => write!(f, "a payload does not match its checksum"),
                items => write!(f, "{items} payloads do not match their checksums"),
            },
            FrameFault::Padding => write!(f, "its padding is not zero"),
        }
    }
}
