//! The five shapes that every encoding is made of: a number, a flag, a string of bytes, an optional
//! number, and a list.
//!
//! ```text
//!   number 300          ac 02            300 = 0b10_0101100: the low seven bits first, 80 means "more"
//!   flag                00 | 01
//!   string of bytes     its length as a number, the bytes
//!   optional number     00 | 01 number
//!   list                its count as a number, the items
//! ```
//!
//! They are written into a buffer, or only counted ([`Length`]): so a length is what would be written.

use bytes::BytesMut;

/// Takes the bytes of an encoding.
pub(super) trait Output {
    /// Takes these bytes as they are.
    fn raw(&mut self, bytes: &[u8]);

    /// Takes one byte.
    fn byte(&mut self, byte: u8) {
        self.raw(&[byte]);
    }

    /// Writes a number in base 128, low digits first, in as few bytes as possible: 1 to 10.
    fn number(&mut self, number: u64) {
        let mut left = number;
        while left >= 0x80 {
            self.byte(left.to_le_bytes()[0] | 0x80);
            left >>= 7;
        }
        self.byte(left.to_le_bytes()[0]);
    }

    /// Writes a length or a count.
    fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    /// Writes "no" as 0, "yes" as 1.
    fn flag(&mut self, is_set: bool) {
        self.byte(u8::from(is_set));
    }

    /// Writes whether there is a number, and the number.
    fn optional(&mut self, number: Option<u64>) {
        self.flag(number.is_some());
        if let Some(number) = number {
            self.number(number);
        }
    }

    /// Writes the length of some bytes, and the bytes.
    fn bytes_with_length(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }
}

impl Output for BytesMut {
    fn raw(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Counts the bytes of an encoding.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Length(usize);

impl Length {
    /// Returns how many bytes were written.
    pub(super) fn bytes(self) -> usize {
        self.0
    }
}

impl Output for Length {
    fn raw(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}
