//! The window of appends that were sent and not acknowledged (thesis §10.2.1; etcd's `Inflights`).
//!
//! ```text
//!    sent    [5 .. 9]  [10 .. 12]  [13 .. 13]     limit 3 messages: full
//!    ack 12   freed      freed      [13 .. 13]    2 places free
//! ```
//!
//! Invariant: the places stand in order of their last entries; their bytes sum to `bytes`.

use crate::types::Index;
use std::collections::VecDeque;

/// The window of one peer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Inflights {
    /// Each append under way: its last entry, and its bytes of payload.
    sent: VecDeque<(Index, u64)>,
    bytes: u64,
    max_messages: usize,
    max_bytes: Option<u64>,
}

impl Inflights {
    /// Returns an empty window for so many messages, and so many bytes if that is limited. The bytes
    /// are a soft limit: the message that crosses it still goes.
    pub fn new(max_messages: usize, max_bytes: Option<u64>) -> Self {
        Inflights { sent: VecDeque::new(), bytes: 0, max_messages, max_bytes }
    }

    /// Returns how many appends are under way.
    pub fn count(&self) -> usize {
        self.sent.len()
    }

    /// Returns how many bytes of payload are under way.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns whether nothing more may be sent until something is acknowledged.
    pub fn is_full(&self) -> bool {
        let bytes_full = self.max_bytes.is_some_and(|max| self.bytes >= max);
        self.sent.len() >= self.max_messages || bytes_full
    }

    /// Takes down an append that ends in `last`, with so many bytes of payload.
    ///
    /// # Panics
    /// If the window is full, or `last` lies before an earlier append: the caller's mistake.
    pub fn add(&mut self, last: Index, bytes: u64) {
        assert!(!self.is_full(), "the window is full: {} appends under way", self.sent.len());
        let is_later = self.sent.back().is_none_or(|&(before, _)| before < last);
        assert!(is_later, "an append that ends at {last} is not the latest");
        self.sent.push_back((last, bytes));
        self.bytes += bytes;
    }

    /// Frees every append that ends at or before `index`.
    pub fn free_to(&mut self, index: Index) {
        while let Some(&(last, bytes)) = self.sent.front()
            && last <= index
        {
            self.sent.pop_front();
            self.bytes -= bytes;
        }
    }

    /// Frees everything.
    pub fn clear(&mut self) {
        self.sent.clear();
        self.bytes = 0;
    }
}
