//! What is left of an input, and the five shapes that are read from it (see `output.rs`).
//!
//! ```text
//!   01 08 02 01 03 ..
//!            ^ at       everything before was read; an error says where, what, and which number
//! ```
//!
//! Each shape has one form that is accepted. Else two inputs would mean the same.
//!
//! Invariant: `at` is at most the length of the input. Nothing is reserved for a length or a count that
//! the rest of the input cannot hold.

use crate::error::WireError;
use crate::types::NodeId;
use bytes::Bytes;
use std::collections::BTreeSet;

/// An input that is read from its start to its end.
#[derive(Debug)]
pub(super) struct Input {
    bytes: Bytes,
    at: usize,
}

impl Input {
    /// Returns an input of which nothing is read yet.
    pub(super) fn new(bytes: Bytes) -> Self {
        Input { bytes, at: 0 }
    }

    /// Returns how many bytes are left.
    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Accepts the end of the input.
    pub(super) fn finish(self) -> Result<(), WireError> {
        match self.left() {
            0 => Ok(()),
            left => Err(WireError::TrailingBytes { offset: self.at, left }),
        }
    }

    /// Reads one byte.
    pub(super) fn byte(&mut self, what: &'static str) -> Result<u8, WireError> {
        let Some(&byte) = self.bytes.get(self.at) else {
            return Err(WireError::Truncated { offset: self.at, what, needed: 1, left: 0 });
        };
        self.at += 1;
        Ok(byte)
    }

    /// Reads a number in base 128, in its shortest form.
    pub(super) fn number(&mut self, what: &'static str) -> Result<u64, WireError> {
        let offset = self.at;
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte(what)?;
            // Nine bytes hold 63 bits, so the tenth holds one. It ends the number, too.
            if shift == 63 && byte > 1 {
                return Err(WireError::NumberTooLarge { offset, what, tenth: byte });
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                // A last byte of 0 adds nothing: without it, the number is the same.
                if byte == 0 && shift > 0 {
                    return Err(WireError::NotShortest { offset, what, number });
                }
                return Ok(number);
            }
            shift += 7;
        }
    }

    /// Reads "no" or "yes".
    pub(super) fn flag(&mut self, what: &'static str) -> Result<bool, WireError> {
        match self.byte(what)? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(WireError::NotAFlag { offset: self.at - 1, what, found }),
        }
    }

    /// Reads a number, if there is one.
    pub(super) fn optional(&mut self, what: &'static str) -> Result<Option<u64>, WireError> {
        if self.flag(what)? { Ok(Some(self.number(what)?)) } else { Ok(None) }
    }

    /// Reads a length, and returns that many bytes as a slice of the input.
    pub(super) fn bytes(&mut self, what: &'static str) -> Result<Bytes, WireError> {
        let needed = self.number(what)?;
        let (offset, left) = (self.at, self.left());
        let length = usize::try_from(needed).ok().filter(|length| *length <= left);
        let Some(length) = length else {
            return Err(WireError::Truncated { offset, what, needed, left });
        };
        self.at += length;
        Ok(self.bytes.slice(offset..self.at))
    }

    /// Reads a count of things that have at least `bytes_min` bytes each.
    pub(super) fn count(
        &mut self,
        what: &'static str,
        bytes_min: usize,
    ) -> Result<usize, WireError> {
        let offset = self.at;
        let count = self.number(what)?;
        let max = self.left() / bytes_min;
        let count_fits = usize::try_from(count).ok().filter(|count| *count <= max);
        count_fits.ok_or(WireError::CountTooLarge { offset, what, count, max })
    }

    /// Reads a set of nodes: each id is larger than the one before.
    pub(super) fn nodes(&mut self, what: &'static str) -> Result<BTreeSet<NodeId>, WireError> {
        let mut nodes = BTreeSet::new();
        for _ in 0..self.count(what, 1)? {
            let offset = self.at;
            let node = NodeId(self.number(what)?);
            if let Some(&before) = nodes.last()
                && before >= node
            {
                return Err(WireError::NotAscending { offset, what, before, found: node });
            }
            nodes.insert(node);
        }
        Ok(nodes)
    }

    /// Returns the error of a kind that was just read, and that nobody knows.
    pub(super) fn unknown_kind(&self, what: &'static str, found: u8) -> WireError {
        WireError::UnknownKind { offset: self.at - 1, what, found }
    }
}
