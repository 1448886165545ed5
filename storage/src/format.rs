//! The format: what the bytes of a segment mean. From this page one can write a reader.
//!
//! All numbers are little-endian. A store is a directory of segments `00000001.log`,
//! `00000002.log`, ... in which no number is left out; besides them, `LOCK`, and files that end in
//! `.tmp`, which mean nothing. An empty file `00000003.first` says that nothing before segment 3 is
//! wanted. If a number before 3 is left out, the segments before it were removed, have come back
//! after a power cut, and are no part of the log.
//!
//! ```text
//!   segment  = header, zeros up to 4096, frame*, rest
//!   frame    = frame header, descriptor{items}, payload{items}, zeros up to a multiple of 8
//!   rest     = anything: zeros, or what the file held in an earlier life. No frame in it has a
//!              checksum that holds under this segment's salt, unless it was torn by a power cut
//! ```
//!
//! A segment's header, 64 bytes:
//!
//! ```text
//!    0  8  magic "RFTLOG\x01\n"          32  8  the segment's number, as in its name
//!    8  4  byte order 0x0a0b0c0d         40  8  LSN of its first frame
//!   12  2  version 1                     48  8  salt; its low 32 bits are not 0
//!   14  2  length of the header, 64      56  4  length of the file, in pages of 4096 bytes
//!   16 16  the store's id                60  4  CRC of bytes 0..60
//! ```
//!
//! A frame's header, 32 bytes:
//!
//! ```text
//!    0  4  CRC of bytes 4..32, begun with the low 32 bits of the segment's salt instead of 0
//!    4  4  length of the frame: header, descriptors, payloads, padding
//!    8  8  LSN: the frame before it has the one before
//!   16  8  durable LSN: everything up to there was durable when the frame was made
//!   24  4  CRC of the descriptors
//!   28  2  number of items
//!   30  2  flags: 1 these items were moved here by garbage collection; with none, the frame only
//!                   bears witness of what was durable when a segment was about to be removed
//!                 2 the store was closed: the frame has no items, and is the last
//! ```
//!
//! A descriptor, 32 bytes, one for each item, and the item's payload in the same order:
//!
//! ```text
//!    0  8  group        kind          a               b            payload
//!    8  8  a            1 entry       index           term         its bytes
//!   16  8  b            2 put         length of key   0            key, value
//!   24  4  kind * 2^28  3 delete      0               0            key
//!          + length of  4 compact     last index gone its term     none
//!          the payload  5 clean       0               0            none
//!   28  4  CRC of the   6 moved       index           term         its bytes
//!          payload      7 reset       last index gone its term     none
//! ```
//!
//! Checksums are CRC-32 as in zlib. Every byte up to the end of the last frame is covered by exactly
//! one of them, or must be zero; no length is used before the checksum over it has held.
//!
//! What an item does, in the order of LSNs and, within a frame, of items:
//!
//! ```text
//!   entry    ends the group's log before its index, and stands there
//!   moved    stands at its index, and ends nothing
//!   compact  lets the log begin after its index
//!   reset    empties the log, and lets it begin after its index
//!   put, delete    one key of the group           clean    the whole group goes
//! ```
//!
//! If the last 32 bytes of a segment are those of a redo record, the bytes before them are a copy of
//! frames that were being written in place: read them where they belong.
//!
//! ```text
//!    0  4  CRC of bytes 4..32, begun with the salt      12  4  length of the copy
//!    4  4  magic "REDO"                                 16  4  CRC of the copy
//!    8  4  where in the file the copy belongs           20 12  zeros
//! ```
//!
//! If the last segment is `00000002.log`, or there is none, and there is a `00000003.again`, that is
//! segment 3: it was being given its name again.
//!
//! A frame counts if its LSN is less than the next segment's first. Where a frame does not hold, its
//! LSN being n: if a frame further on in the segment holds, and its durable LSN is n or more, then
//! frame n was durable, and has rotted. If there is none, it was torn, and the log ends before it.
//!
//! A worked example: the first frame of a new store, in which group 7 gets entry 1@1, `hello`, under
//! the salt `0x11223344`. A test reads it from this page.
//!
//! ```text
//!   00  c0 7d 7e a0 48 00 00 00  01 00 00 00 00 00 00 00   CRC, 72 bytes; LSN 1
//!   10  00 00 00 00 00 00 00 00  95 65 6d 36 01 00 00 00   nothing durable yet; CRC, 1 item, no flag
//!   20  07 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00   group 7; index 1
//!   30  01 00 00 00 00 00 00 00  05 00 00 10 86 a6 10 36   term 1; an entry of 5 bytes, CRC
//!   40  68 65 6c 6c 6f 00 00 00                            hello; padding
//! ```

mod frame; // a batch, as bytes
mod header; // what a segment says of itself
mod item; // one thing that a batch does
mod redo; // a copy of frames that are being written again

pub use frame::{Draft, FRAME_HEADER_BYTES, Flags, Frame, FrameFault, FrameHeader};
pub use header::{HeaderFault, Salt, SegmentHeader, StoreId, VERSION};
pub use item::{DESCRIPTOR_BYTES, Item, MAX_PAYLOAD_BYTES, Op};
pub(crate) use redo::{REDO_HEADER_BYTES, Redo, redo_room_bytes};

/// Where a segment's frames begin: the header never shares a page with what is written after it.
pub const FRAMES_AT: u32 = 4096;

/// What a segment's length is a multiple of.
pub const PAGE_BYTES: u32 = 4096;

/// Reads a number of two bytes at `at`.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().expect("two bytes were sliced"))
}

/// Reads a number of four bytes at `at`.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes were sliced"))
}

/// Reads a number of eight bytes at `at`.
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were sliced"))
}

#[cfg(test)]
mod tests;
