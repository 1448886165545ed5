//! The redo record: a copy of frames, made before recovery writes them again in place.
//!
//! ```text
//!   [ header ][ 40 | 41 | 42 | 43 | .. room .. | copy of 42 and 43 | redo header ]
//!                         ^                                          32 bytes
//!                         '--- offset
//! ```
//!
//! The record is at the end of a segment. Every segment keeps the last 1/64 of its length free of
//! frames for it. While the record is valid, its bytes are read instead of those at their offset: a
//! power cut may have torn those. The idea is the double-write buffer of InnoDB.

use super::header::Salt;
use super::{FRAMES_AT, u32_at};

/// The length of a redo record without the bytes that it copies.
pub(crate) const REDO_HEADER_BYTES: u32 = 32;

/// The bytes after the record header's checksum. A frame's header has its length there; no file is
/// so long that these bytes could be a length.
const MAGIC: [u8; 4] = *b"REDO";

/// A copy of bytes, and their offset in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Redo<'a> {
    /// The offset in the file of what was copied.
    pub(crate) offset: u32,
    /// The copy.
    pub(crate) bytes: &'a [u8],
}

/// Returns how many bytes at a segment's end are kept free of frames, so that there is always room
/// for a record: 1 MiB of 64 MiB.
pub(crate) fn redo_room_bytes(capacity: u32) -> u32 {
    capacity / 64
}

impl<'a> Redo<'a> {
    /// Returns the record's bytes: they go to the end of the segment.
    pub(crate) fn encode(&self, salt: Salt) -> Vec<u8> {
        let mut header = [0; REDO_HEADER_BYTES as usize];
        header[4..8].copy_from_slice(&MAGIC);
        header[8..12].copy_from_slice(&self.offset.to_le_bytes());
        header[12..16].copy_from_slice(&(self.bytes.len() as u32).to_le_bytes());
        header[16..20].copy_from_slice(&crc32fast::hash(self.bytes).to_le_bytes());
        let checksum = header_crc(&header, salt);
        header[0..4].copy_from_slice(&checksum.to_le_bytes());
        [self.bytes, &header].concat()
    }

    /// Reads the record at the end of a segment; `None` if there is no valid one.
    pub(crate) fn decode(image: &'a [u8], salt: Salt) -> Option<Redo<'a>> {
        let header_at = image.len().checked_sub(REDO_HEADER_BYTES as usize)?;
        let (rest, header) = image.split_at(header_at);
        if header[4..8] != MAGIC || u32_at(header, 0) != header_crc(header, salt) {
            return None;
        }
        let (offset, len) = (u32_at(header, 8), u32_at(header, 12));
        let bytes = &rest[header_at.checked_sub(len as usize)?..];
        let is_apart = u64::from(offset) + u64::from(len) <= (header_at - bytes.len()) as u64;
        let holds = is_apart && crc32fast::hash(bytes) == u32_at(header, 16);
        (holds && offset >= FRAMES_AT).then_some(Redo { offset, bytes })
    }
}

/// Returns the checksum of a record's header.
fn header_crc(header: &[u8], salt: Salt) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt.seed());
    hasher.update(&header[4..]);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: u64 = 0x1122_3344;

    /// Returns a segment of two pages with a record of `bytes` at `offset`.
    fn segment_with(offset: u32, bytes: &[u8]) -> Vec<u8> {
        let record = Redo { offset, bytes }.encode(Salt::new(SALT));
        let mut image = vec![0; 8192 - record.len()];
        image.extend(record);
        image
    }

    #[test]
    fn a_record_is_read_as_it_was_written_but_only_under_its_own_salt() {
        let image = segment_with(4096, b"frames!!");
        let redo = Redo::decode(&image, Salt::new(SALT)).unwrap();
        assert_eq!((redo.offset, redo.bytes), (4096, &b"frames!!"[..]));
        assert_eq!(Redo::decode(&image, Salt::new(SALT + 1)), None);
        assert_eq!(Redo::decode(&[0; 8192], Salt::new(SALT)), None);
        assert_eq!(Redo::decode(&[0; 31], Salt::new(SALT)), None);
    }

    #[test]
    fn a_record_with_any_bit_flipped_is_not_valid() {
        let image = segment_with(4096, b"frames!!");
        for bit in 0..40 * 8 {
            let mut image = image.clone();
            image[8192 - 40 + bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Redo::decode(&image, Salt::new(SALT)), None, "bit {bit}");
        }
    }

    #[test]
    fn a_record_with_an_offset_that_no_frame_has_is_not_valid() {
        for offset in [0, 4088, 8192 - 40 - 7, 8192, u32::MAX] {
            let image = segment_with(offset, b"frames!!");
            assert_eq!(Redo::decode(&image, Salt::new(SALT)), None, "offset {offset}");
        }
        let longer_than_its_file = {
            let mut image = segment_with(4096, b"");
            image[8192 - 20..8192 - 16].copy_from_slice(&u32::MAX.to_le_bytes());
            let header = &mut image[8192 - 32..];
            let checksum = header_crc(header, Salt::new(SALT));
            header[0..4].copy_from_slice(&checksum.to_le_bytes());
            image
        };
        assert_eq!(Redo::decode(&longer_than_its_file, Salt::new(SALT)), None);
    }
}
