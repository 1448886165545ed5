//! The format: what the bytes of a segment mean. This page is enough to write a reader.
//!
//! All numbers are little-endian. A store is a directory of segments `00000001.log`,
//! `00000002.log`, ... without a gap in the numbers. The directory also holds `LOCK`, and perhaps
//! files that end in `.tmp`, which a reader ignores. An empty file `00000003.first` says that every
//! segment before 3 is garbage. If a number before 3 is missing, the segments before the gap are
//! not part of the log: they were removed, and a power cut has brought them back.
//!
//! ```text
//!   segment  = header, zeros up to 4096, frame*, rest
//!   frame    = frame header, descriptor{items}, payload{items}, zeros up to a multiple of 8
//!   rest     = anything: zeros, or bytes of the segment that used this file before. A frame in it
//!              has a valid checksum under this segment's salt only if a power cut tore the log
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
//!    0  4  CRC of bytes 4..32; its initial value is the low 32 bits of the segment's salt, not 0
//!    4  4  length of the frame: header, descriptors, payloads, padding
//!    8  8  LSN: one more than that of the frame before
//!   16  8  durable LSN: the last frame that was durable when this frame was made
//!   24  4  CRC of the descriptors
//!   28  2  number of items
//!   30  2  flags: 1 garbage collection moved these items here. Without items, the frame only says
//!                   what was durable before a segment was removed
//!                 2 the store was closed: the frame has no items, and is the last
//! ```
//!
//! A descriptor, 32 bytes, one for each item. The payloads are in the same order:
//!
//! ```text
//!    0  8  group        kind          a               b            payload
//!    8  8  a            1 entry       index           term         its bytes
//!   16  8  b            2 put         length of key   0            key, value
//!   24  4  kind * 2^28  3 delete      0               0            key
//!          + length of  4 compact     last compacted  its term     none
//!          the payload  5 clean       0               0            none
//!   28  4  CRC of the   6 moved       index           term         its bytes
//!          payload      7 reset       last compacted  its term     none
//! ```
//!
//! Checksums are CRC-32 as in zlib. Every byte up to the end of the last frame is covered by
//! exactly one of them, or must be zero. A reader checks the checksum over a length before it uses
//! the length.
//!
//! What an item does. Items are replayed in the order of LSNs and, within a frame, in their own
//! order:
//!
//! ```text
//!   entry    removes the entries at its index and after it, and becomes the last entry
//!   moved    is a copy of the entry at its index; the entries after it stay
//!   compact  removes the entries up to and including its index
//!   reset    removes all entries; the log begins after its index
//!   put, delete    set or remove one key of the group           clean    removes the whole group
//! ```
//!
//! The last 32 bytes of a segment may be the header of a redo record. The bytes before it are then
//! a copy of frames that were being written in place. Read the copy instead of the bytes in that
//! place.
//!
//! ```text
//!    0  4  CRC of bytes 4..32, salted as a frame's      12  4  length of the copy
//!    4  4  magic "REDO"                                 16  4  CRC of the copy
//!    8  4  offset in the file of what was copied        20 12  zeros
//! ```
//!
//! A file `00000003.again` is segment 3 if the last segment is `00000002.log`, or if there is no
//! segment. Recovery renames a segment to this name and back, to make its name durable; a crash
//! came in between.
//!
//! A frame counts if its LSN is less than the first LSN of the next segment. Say that frame n is
//! not valid. If a later frame of the segment is valid, and its durable LSN is n or more, then
//! frame n was durable and has rotted. If there is no such frame, frame n was torn: the log ends
//! before it.
//!
//! A worked example: the first frame of a new store. It gives group 7 the entry 1@1, `hello`; the
//! salt is `0x11223344`. A test reads the bytes from this page.
//!
//! ```text
//!   00  c0 7d 7e a0 48 00 00 00  01 00 00 00 00 00 00 00   CRC, 72 bytes; LSN 1
//!   10  00 00 00 00 00 00 00 00  95 65 6d 36 01 00 00 00   nothing durable yet; CRC, 1 item, no flag
//!   20  07 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00   group 7; index 1
//!   30  01 00 00 00 00 00 00 00  05 00 00 10 86 a6 10 36   term 1; an entry of 5 bytes, CRC
//!   40  68 65 6c 6c 6f 00 00 00                            hello; padding
//! ```

mod frame; // a batch, as bytes
mod header; // the header of a segment
mod item; // one change of a batch, and its descriptor
mod redo; // a copy of frames that recovery writes in place

pub use frame::{Draft, FRAME_HEADER_BYTES, Flags, Frame, FrameFault, FrameHeader};
pub use header::{HeaderFault, Salt, SegmentHeader, StoreId, VERSION};
pub use item::{DESCRIPTOR_BYTES, Item, MAX_PAYLOAD_BYTES, Op};
pub(crate) use redo::{REDO_HEADER_BYTES, Redo, redo_room_bytes};

/// The offset of a segment's first frame: no frame shares a page with the header.
pub const FRAMES_AT: u32 = 4096;

/// A segment's length is a multiple of this.
pub const PAGE_BYTES: u32 = 4096;

/// Reads a little-endian number of two bytes at `at`.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().expect("two bytes were sliced"))
}

/// Reads a little-endian number of four bytes at `at`.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes were sliced"))
}

/// Reads a little-endian number of eight bytes at `at`.
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were sliced"))
}

#[cfg(test)]
mod tests;
