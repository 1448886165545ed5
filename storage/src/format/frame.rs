//! A batch, as bytes: all of it counts, or none.
//!
//! ```text
//!   [ header 32 | descriptor 32 | descriptor 32 | payload | payload | 0..7 zeros ]
//!      CRC, salted   CRC over both together        CRC       CRC
//! ```
//!
//! A caller drafts a frame alone, checksums and all; only its place (LSN, durable LSN, salt) is
//! filled in under the writer's lock.

use super::item::{DESCRIPTOR_BYTES, Item};
use super::{Salt, u16_at, u32_at, u64_at};
use crate::types::Lsn;
use std::fmt;

/// A frame header's length.
pub const FRAME_HEADER_BYTES: usize = 32;

/// What kind of frame it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flags {
    /// Somebody's batch.
    Batch,
    /// What garbage collection wrote again.
    Moved,
    /// The store was closed.
    Seal,
}

/// A frame's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// The whole frame's length.
    pub len: u32,
    /// Its place among all frames.
    pub lsn: Lsn,
    /// Up to where everything was durable when it was made.
    pub durable: Lsn,
    /// The checksum of its descriptors.
    pub descriptors_crc: u32,
    /// How many items it has.
    pub items: u16,
    /// What kind of frame it is.
    pub flags: Flags,
}

/// What is wrong with a frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FrameFault {
    /// The segment ends before a header could.
    NoRoom,
    /// The header's checksum does not hold.
    Header {
        /// What the bytes come to.
        found: u32,
        /// What stands there.
        stated: u32,
    },
    /// The header's checksum holds, and its fields cannot be.
    Fields,
    /// It is a frame, and another one's turn.
    Lsn {
        /// Which one it is.
        found: Lsn,
    },
    /// The descriptors' checksum does not hold.
    Descriptors {
        /// What the bytes come to.
        found: u32,
        /// What stands there.
        stated: u32,
    },
    /// The descriptors' checksum holds, and one of them, counted from 0, cannot be.
    Descriptor {
        /// Which one.
        item: usize,
    },
    /// These items' payloads do not hold; everything else does.
    Payloads {
        /// Which.
        items: Vec<Item>,
    },
    /// The padding is not zero.
    Padding,
}

/// A frame that holds.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    header: FrameHeader,
    bytes: &'a [u8],
}

/// A frame whose place is not known yet.
#[derive(Clone, Debug)]
pub struct Draft {
    bytes: Vec<u8>,
}

impl Draft {
    /// Returns how long a frame of so many items and bytes of payload is.
    pub fn len_of(items: usize, payload_bytes: usize) -> usize {
        (FRAME_HEADER_BYTES + items * DESCRIPTOR_BYTES + payload_bytes).next_multiple_of(8)
    }

    /// Drafts a frame. Its length and its number of items must fit their fields.
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

    /// Takes a frame that holds, to give it another place.
    pub(crate) fn of(frame: &[u8]) -> Draft {
        Draft { bytes: frame.to_vec() }
    }

    /// Returns how long the frame is.
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
    /// Returns the flags' bits.
    fn bits(self) -> u16 {
        match self {
            Flags::Batch => 0,
            Flags::Moved => 1,
            Flags::Seal => 2,
        }
    }

    /// Returns the flags with these bits, if there are such.
    fn from_bits(bits: u16) -> Option<Flags> {
        [Flags::Batch, Flags::Moved, Flags::Seal].into_iter().find(|flags| flags.bits() == bits)
    }
}

impl FrameHeader {
    /// Reads the header at the beginning of `rest`, which is what is left of the segment.
    ///
    /// # Errors
    /// What is wrong with it. When there is nothing wrong, `rest` is long enough for the frame.
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

    /// Reads the fields at the beginning of `rest`, whether the checksum holds or not; `None` if
    /// they cannot be.
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

    /// Returns where in the frame the payloads begin.
    fn payloads_at(&self) -> usize {
        FRAME_HEADER_BYTES + usize::from(self.items) * DESCRIPTOR_BYTES
    }
}

impl<'a> Frame<'a> {
    /// Reads the frame at the beginning of `rest`, and checks every byte of it.
    ///
    /// # Errors
    /// The first thing that is wrong with it. Of payloads, all that do not hold.
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

    /// Reads a frame's items although something is wrong with it; `None` if its descriptors do not
    /// hold either. For naming what was lost, and for nothing else.
    pub fn peek(rest: &'a [u8]) -> Option<Frame<'a>> {
        let header = FrameHeader::read_fields(rest.get(..FRAME_HEADER_BYTES).map(|_| rest)?)?;
        let frame = Frame { header, bytes: &rest[..header.len as usize] };
        frame.check_descriptors().ok().map(|()| frame)
    }

    /// Takes for granted that a frame holds that was checked before, or made here.
    ///
    /// # Panics
    /// If it cannot be a frame at all.
    pub(crate) fn trusted(bytes: &'a [u8]) -> Frame<'a> {
        let header = FrameHeader::read_fields(bytes).expect("the frame held when it was checked");
        Frame { header, bytes: &bytes[..header.len as usize] }
    }

    /// Lends the header.
    pub fn header(&self) -> &FrameHeader {
        &self.header
    }

    /// Lends all of it, padding and checksums too.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns the items, each with where in the frame its payload begins.
    pub fn items(&self) -> impl Iterator<Item = (Item, u32)> + 'a {
        let mut payload_at = self.header.payloads_at() as u32;
        self.descriptors().chunks_exact(DESCRIPTOR_BYTES).map_while(Item::decode).map(move |item| {
            let at = payload_at;
            payload_at += item.len;
            (item, at)
        })
    }

    /// Returns the bytes of a payload, as [`Frame::items`] has given both.
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

    /// Checks that the descriptors hold, that each can be, and that their payloads fill the frame.
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

    /// Checks every payload, and the padding.
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
            FrameFault::Fields => write!(f, "frame header: its fields cannot be"),
            FrameFault::Lsn { found } => write!(f, "it is the frame of LSN {found}"),
            FrameFault::Descriptors { found, stated } => {
                write!(f, "descriptors: checksum is {found:08x}, header says {stated:08x}")
            }
            FrameFault::Descriptor { item } => write!(f, "descriptor {item}: it cannot be"),
            FrameFault::Payloads { items } => match items.len() {
                1 => write!(f, "a payload does not match its checksum"),
                items => write!(f, "{items} payloads do not match their checksums"),
            },
            FrameFault::Padding => write!(f, "its padding is not zero"),
        }
    }
}
