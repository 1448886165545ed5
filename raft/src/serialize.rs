//! How a text format writes the vocabulary, where serde's own way would not be good to read. Only with
//! the feature `serde`; no rule of Raft needs it.
//!
//! ```text
//!   EntryId { term: 1, index: 4 }   "4@1"       a text, as people write it
//!   Bytes                           "783d31"    hexadecimal digits
//!   NodeId(2)  Term(3)  Index(4)    2  3  4     numbers, derived
//! ```
//!
//! The attributes beside the types say the rest. An event is only written, and never read: nobody tells
//! a node what happened to it, and its names of messages are static.

use crate::types::{EntryId, Index, Term};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::str::FromStr;

impl FromStr for EntryId {
    type Err = String;

    /// Reads `4@1`.
    ///
    /// # Errors
    /// A sentence that names the text, if it is no entry id.
    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (index, term) = text.split_once('@')?;
            Some(EntryId { term: Term(term.parse().ok()?), index: Index(index.parse().ok()?) })
        };
        read().ok_or_else(|| format!("expected an entry id such as 4@1, found {text:?}"))
    }
}

impl Serialize for EntryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntryId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Bytes in hexadecimal, for an attribute `#[serde(with = "raft::serialize::hex")]`.
pub mod hex {
    use bytes::Bytes;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes two digits for each byte.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{bytes:x}"))
    }

    /// Reads two digits for each byte, of either case.
    ///
    /// # Errors
    /// The text has another character than a digit, or an odd number of digits.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digit = |c: char| c.to_digit(16).map(|digit| digit as u8);
        let digits: Option<Vec<u8>> = text.chars().map(digit).collect();
        let even = digits.filter(|digits| digits.len().is_multiple_of(2));
        let digits =
            even.ok_or_else(|| D::Error::custom("expected an even number of hex digits"))?;
        Ok(digits.chunks_exact(2).map(|pair| pair[0] * 16 + pair[1]).collect())
    }
}
