//! The window of appends that were sent and not acknowledged (thesis §10.2.1; etcd's `Inflights`).
//!
//! ```text
//!    sent    [5 .. 9]  [10 .. 12]  [13 .. 13]     limit 3 messages: full
//!    ack 12   freed      freed      [13 .. 13]    2 more may be sent
//! ```
//!
//! Invariant: the appends are in the order of their last entries; their bytes sum to `bytes`.

use crate::types::Index;
use std::collections::VecDeque;

/// The window of one peer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Inflights {
    /// Each append in flight: its last index, and its bytes of content.
    sent: VecDeque<(Index, u64)>,
    bytes: u64,
    max_messages: usize,
    /// How many appends may still be there from a time when more were allowed.
    left_over: usize,
    max_bytes: Option<u64>,
}

impl Inflights {
    /// Returns an empty window for this many messages, and this many bytes if they are limited. The
    /// limit of bytes is soft: the message that crosses it is still sent.
    pub fn new(max_messages: usize, max_bytes: Option<u64>) -> Self {
        Inflights { sent: VecDeque::new(), bytes: 0, max_messages, left_over: 0, max_bytes }
    }

    /// Returns how many appends are in flight.
    pub fn count(&self) -> usize {
        self.sent.len()
    }

    /// Returns how many bytes of content are in flight.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns whether nothing more may be sent until something is acknowledged.
    pub fn is_full(&self) -> bool {
        let bytes_full = self.max_bytes.is_some_and(|max| self.bytes >= max);
        self.sent.len() >= self.max_messages || bytes_full
    }

    /// Adds an append that ends at `last` and has this many bytes of content.
    ///
    /// # Panics
    /// If the window is full, or `last` is not after an earlier append: the caller's mistake.
    pub fn add(&mut self, last: Index, bytes: u64) {
        assert!(!self.is_full(), "the window is full: {} appends in flight", self.sent.len());
        let is_later = self.sent.back().is_none_or(|&(before, _)| before < last);
        assert!(is_later, "an append that ends at {last} is not the latest");
        self.sent.push_back((last, bytes));
        self.bytes += bytes;
    }

    /// Removes every append that ends at or before `index`.
    pub fn free_to(&mut self, index: Index) {
        while let Some(&(last, bytes)) = self.sent.front()
            && last <= index
        {
            self.sent.pop_front();
            self.bytes -= bytes;
        }
        self.left_over = self.left_over.min(self.sent.len());
    }

    /// Changes how many appends may be in flight. Those that are stay.
    pub fn set_max_messages(&mut self, max_messages: usize) {
        self.max_messages = max_messages;
        self.left_over = self.sent.len();
    }

    /// Removes all appends.
    pub fn clear(&mut self) {
        self.sent.clear();
        self.left_over = 0;
        self.bytes = 0;
    }

    /// Asserts that no limit is exceeded, but for the append that crosses the limit of bytes. Otherwise
    /// a slow peer could fill the memory of its leader.
    pub(crate) fn assert_within_limits(&self) {
        let Inflights { bytes, max_messages, left_over, .. } = *self;
        let (count, max) = (self.sent.len(), max_messages.max(left_over));
        assert!(count <= max, "{count} appends in flight, at most {max} may be");
        assert!(count > 0 || bytes == 0, "{bytes} bytes in flight, but no append");
    }
}
