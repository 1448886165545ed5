//! Mending: makes the checksums of arbitrary bytes match.
//!
//! ```text
//!   frame    first the payloads: their checksums are in the descriptors
//!            then the descriptors: their checksum is in the header
//!            then the header
//! ```
//!
//! Lengths are not changed. A length that is longer than the bytes is ignored.

use crate::format::{DESCRIPTOR_BYTES, FRAME_HEADER_BYTES, FRAMES_AT, Salt};

/// Reads four bytes.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes were sliced"))
}

/// Writes four bytes.
fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// Mends a segment's header, if there is one.
pub(super) fn header(bytes: &mut [u8]) {
    if bytes.len() >= 64 {
        let checksum = crc32fast::hash(&bytes[..60]);
        put(bytes, 60, checksum);
    }
}

/// Mends a segment: its header, and its frames up to the first one with an impossible length.
pub(super) fn segment(bytes: &mut [u8]) {
    header(bytes);
    let Some((head, mut rest)) = bytes.split_at_mut_checked(FRAMES_AT as usize) else { return };
    let salt = u64::from_le_bytes(head[48..56].try_into().expect("eight bytes were sliced"));
    while rest.len() >= FRAME_HEADER_BYTES {
        let len = u32_at(rest, 4) as usize;
        if len < FRAME_HEADER_BYTES || len > rest.len() {
            return;
        }
        let (this, later) = rest.split_at_mut(len);
        frame(this, salt);
        rest = later;
    }
}

/// Mends a frame of 32 bytes or more.
pub(super) fn frame(bytes: &mut [u8], salt: u64) {
    let room = (bytes.len() - FRAME_HEADER_BYTES) / DESCRIPTOR_BYTES;
    let items = usize::from(u16::from_le_bytes([bytes[28], bytes[29]])).min(room);
    let descriptors = FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + items * DESCRIPTOR_BYTES;
    let mut payload = descriptors.end;
    for descriptor in descriptors.clone().step_by(DESCRIPTOR_BYTES) {
        let end = payload + (u32_at(bytes, descriptor + 24) & 0x0fff_ffff) as usize;
        if let Some(payload) = bytes.get(payload..end) {
            let checksum = crc32fast::hash(payload);
            put(bytes, descriptor + 28, checksum);
        }
        payload = end;
    }
    let checksum = crc32fast::hash(&bytes[descriptors]);
    put(bytes, 24, checksum);
    let mut hasher = crc32fast::Hasher::new_with_initial(Salt::new(salt).seed());
    hasher.update(&bytes[4..FRAME_HEADER_BYTES]);
    put(bytes, 0, hasher.finalize());
}
