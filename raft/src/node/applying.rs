//! What was handed out to be applied and is not known to be: pages, and what they weigh.
//!
//! ```text
//!    index      1  2  3 | 4  5 | 6  7  8 | 9 10
//!               applied   page    page     not handed out
//!                         [---- bytes ---]
//!                                        ^ last
//! ```
//!
//! Invariant: what is handed out begins right behind `last`, so that every entry is handed out once
//! and none is left out. `bytes` is what all pages weigh.

use crate::entry::Entry;
use crate::types::Index;
use std::collections::VecDeque;

/// What was handed out to be applied.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Applying {
    /// The last entry that was handed out.
    last: Index,
    /// What was handed out together and is not applied, oldest first.
    pages: VecDeque<Page>,
    /// What all of it weighs.
    bytes: u64,
    /// What it may weigh before nothing more is handed out.
    max_bytes: u64,
    /// Whether nothing more is handed out until some of it is applied.
    paused: bool,
}

/// Committed entries that were handed out together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Page {
    last: Index,
    bytes: u64,
    payload_bytes: u64,
}

impl Page {
    /// Weighs entries; none is no page.
    fn of(entries: &[Entry]) -> Option<Page> {
        let last = entries.last()?.id.index;
        let bytes = entries.iter().map(Entry::size_bytes).sum();
        let payload_bytes = entries.iter().map(|entry| entry.payload().size_bytes()).sum();
        Some(Page { last, bytes, payload_bytes })
    }
}

impl Default for Applying {
    /// Nothing was handed out ever, and there is no limit.
    fn default() -> Self {
        let (last, pages) = (Index(0), VecDeque::new());
        Applying { last, pages, bytes: 0, max_bytes: u64::MAX, paused: false }
    }
}

impl Applying {
    /// Begins behind what the application has applied in an earlier life: nothing at or before it is
    /// handed out again.
    pub(super) fn after(applied: Index) -> Self {
        Applying { last: applied, ..Applying::default() }
    }

    /// Limits what may be handed out and not applied.
    pub(super) fn capped_at(self, max_bytes: Option<u64>) -> Self {
        Applying { max_bytes: max_bytes.unwrap_or(u64::MAX), ..self }
    }

    /// Returns the last entry that was handed out.
    pub(super) fn last(&self) -> Index {
        self.last
    }

    /// Returns whether nothing more is handed out until some of it is applied.
    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    /// Returns how many bytes may be handed out now.
    pub(super) fn room_bytes(&self) -> u64 {
        self.max_bytes.saturating_sub(self.bytes)
    }

    /// Takes down that these entries were handed out, of those up to `up_to` that might have been. If
    /// some were left out, or the limit is reached, nothing more is until some of it is applied.
    pub(super) fn hand_out(&mut self, entries: &[Entry], up_to: Index) {
        let Some(page) = Page::of(entries) else { return };
        self.last = page.last;
        self.bytes += page.bytes;
        self.pages.push_back(page);
        self.paused = page.last < up_to || self.bytes >= self.max_bytes;
    }

    /// Forgets the pages that are applied to their end, and returns how many bytes of payload they
    /// were. That makes room for more.
    pub(super) fn settle(&mut self, applied: Index) -> u64 {
        let mut payload_bytes = 0;
        while let Some(&page) = self.pages.front()
            && page.last <= applied
        {
            self.pages.pop_front();
            self.bytes -= page.bytes;
            payload_bytes += page.payload_bytes;
        }
        self.paused = self.bytes >= self.max_bytes;
        payload_bytes
    }
}
