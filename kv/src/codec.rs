//! The shapes that all bytes of the store are made of, and what can be wrong with them.
//!
//! ```text
//!   number    4 or 8 bytes, little-endian                 fixed: so each value has one encoding
//!   bytes     length: 4 bytes | the bytes
//!   optional  0, or 1 and the value
//!   list      count: 4 bytes | the values, one after the other
//! ```
//!
//! Every record begins with a version. A reader refuses what it does not know, and what is left over at
//! the end. It never reserves memory for a count that the rest of the input cannot hold.

use bytes::{BufMut, Bytes};
use std::fmt;

/// Why bytes are not what they should be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CodecError {
    /// The input ends within a value.
    CutShort {
        /// The value.
        what: &'static str,
        /// How many bytes it needs.
        needed: usize,
        /// How many bytes are left.
        left: usize,
    },
    /// The input goes on after the last value.
    Trailing {
        /// How many bytes are left.
        left: usize,
    },
    /// A version that this program does not know.
    UnknownVersion {
        /// The version.
        found: u8,
        /// The only version that this program reads.
        known: u8,
    },
    /// A kind that does not exist.
    UnknownKind {
        /// What has the kind.
        what: &'static str,
        /// The number of the kind.
        found: u8,
    },
    /// A value that is longer than it may be.
    TooLong {
        /// The value.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The longest allowed.
        limit: usize,
    },
    /// A list that is longer than it may be.
    TooMany {
        /// The list.
        what: &'static str,
        /// How many values it has.
        count: usize,
        /// The most allowed.
        limit: usize,
    },
    /// A list whose values are not in ascending order, or twice there.
    OutOfOrder {
        /// The list.
        what: &'static str,
    },
    /// A list that must hold at least one value.
    Empty {
        /// The list.
        what: &'static str,
    },
    /// A value of Raft that cannot be decoded.
    Raft(raft::WireError),
}

/// Where bytes are written.
pub(crate) trait Output {
    /// Appends a byte.
    fn byte(&mut self, value: u8);
    /// Appends a number of four bytes.
    fn u32(&mut self, value: u32);
    /// Appends a number of eight bytes.
    fn u64(&mut self, value: u64);
    /// Appends bytes without their length.
    fn raw(&mut self, bytes: &[u8]);

    /// Appends bytes with their length.
    ///
    /// # Panics
    /// If there are more than 4 GiB: every caller has a limit far below.
    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    /// Appends a count.
    ///
    /// # Panics
    /// If it is more than a `u32`: every caller has a limit far below.
    fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).expect("every list and every value is limited"));
    }
}

impl<B: BufMut> Output for B {
    fn byte(&mut self, value: u8) {
        self.put_u8(value);
    }

    fn u32(&mut self, value: u32) {
        self.put_u32_le(value);
    }

    fn u64(&mut self, value: u64) {
        self.put_u64_le(value);
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.put_slice(bytes);
    }
}

/// An output that only counts.
#[derive(Default)]
pub(crate) struct Length(pub(crate) usize);

impl Output for Length {
    fn byte(&mut self, _: u8) {
        self.0 += 1;
    }

    fn u32(&mut self, _: u32) {
        self.0 += 4;
    }

    fn u64(&mut self, _: u64) {
        self.0 += 8;
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

/// What is left of an input.
pub(crate) struct Input {
    bytes: Bytes,
}

impl Input {
    /// Begins to read a record of this version.
    ///
    /// # Errors
    /// [`CodecError::UnknownVersion`], [`CodecError::CutShort`].
    pub(crate) fn versioned(bytes: Bytes, known: u8) -> Result<Input, CodecError> {
        let mut input = Input { bytes };
        let found = input.byte("version")?;
        if found == known { Ok(input) } else { Err(CodecError::UnknownVersion { found, known }) }
    }

    /// Takes a number of bytes off, shared and not copied.
    pub(crate) fn take(&mut self, needed: usize, what: &'static str) -> Result<Bytes, CodecError> {
        let left = self.bytes.len();
        if needed > left {
            return Err(CodecError::CutShort { what, needed, left });
        }
        Ok(self.bytes.split_to(needed))
    }

    /// Takes all that is left.
    pub(crate) fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.bytes)
    }

    /// Reads a byte.
    pub(crate) fn byte(&mut self, what: &'static str) -> Result<u8, CodecError> {
        Ok(self.take(1, what)?[0])
    }

    /// Reads a number of four bytes.
    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, CodecError> {
        let bytes = self.take(4, what)?;
        Ok(u32::from_le_bytes(bytes[..].try_into().expect("four bytes were taken")))
    }

    /// Reads a number of eight bytes.
    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, CodecError> {
        let bytes = self.take(8, what)?;
        Ok(u64::from_le_bytes(bytes[..].try_into().expect("eight bytes were taken")))
    }

    /// Reads bytes with their length, at most `limit`. They share the input's memory.
    pub(crate) fn bytes(&mut self, limit: usize, what: &'static str) -> Result<Bytes, CodecError> {
        let bytes = self.u32(what)? as usize;
        if bytes > limit {
            return Err(CodecError::TooLong { what, bytes, limit });
        }
        self.take(bytes, what)
    }

    /// Reads an optional value.
    pub(crate) fn optional<T>(
        &mut self,
        what: &'static str,
        read: impl FnOnce(&mut Input) -> Result<T, CodecError>,
    ) -> Result<Option<T>, CodecError> {
        match self.byte(what)? {
            0 => Ok(None),
            1 => read(self).map(Some),
            found => Err(CodecError::UnknownKind { what, found }),
        }
    }

    /// Reads a list of values, each at least `least` bytes long: more than one.
    pub(crate) fn list<T>(
        &mut self,
        what: &'static str,
        least: usize,
        mut read: impl FnMut(&mut Input) -> Result<T, CodecError>,
    ) -> Result<Vec<T>, CodecError> {
        let count = self.u32(what)? as usize;
        let (needed, left) = (count.saturating_mul(least), self.bytes.len());
        if needed > left {
            return Err(CodecError::CutShort { what, needed, left });
        }
        (0..count).map(|_| read(self)).collect()
    }

    /// Checks that the values of a list are in ascending order of their keys, and each once there: so that
    /// a list has one encoding.
    pub(crate) fn in_order<T, K: Ord>(
        what: &'static str,
        list: Vec<T>,
        key: impl Fn(&T) -> K,
    ) -> Result<Vec<T>, CodecError> {
        let is_in_order = list.windows(2).all(|pair| key(&pair[0]) < key(&pair[1]));
        if is_in_order { Ok(list) } else { Err(CodecError::OutOfOrder { what }) }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`CodecError::Trailing`].
    pub(crate) fn finish(self) -> Result<(), CodecError> {
        let left = self.bytes.len();
        if left == 0 { Ok(()) } else { Err(CodecError::Trailing { left }) }
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CodecError::CutShort { what, needed, left } => {
                write!(f, "{what} needs {needed} bytes, but only {left} are left")
            }
            CodecError::Trailing { left } => {
                write!(f, "{left} bytes are left over after the last value")
            }
            CodecError::UnknownVersion { found, known } => {
                write!(f, "the version is {found}, but this program reads only {known}")
            }
            CodecError::UnknownKind { what, found } => {
                write!(f, "{what} has kind {found}, which does not exist")
            }
            CodecError::TooLong { what, bytes, limit } => {
                write!(f, "{what} has {bytes} bytes, but the limit is {limit}")
            }
            CodecError::TooMany { what, count, limit } => {
                write!(f, "{what} has {count} parts, but the limit is {limit}")
            }
            CodecError::OutOfOrder { what } => write!(f, "{what} are not in order"),
            CodecError::Empty { what } => write!(f, "{what} must hold at least one"),
            CodecError::Raft(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CodecError {}
