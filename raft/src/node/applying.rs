//! The entries that were handed out to be applied and are not known to be applied: pages, and their
//! sizes.
//!
//! ```text
//!    index      1  2  3 | 4  5 | 6  7  8 | 9 10
//!               applied   page    page     not handed out
//!                         [---- bytes ---]
//!                                        ^ last
//! ```
//!
//! Invariant: the next entry handed out is the one after `last`, so that every entry is handed out once
//! and none is left out. `bytes` is the size of all pages together.

use crate::entry::Entry;
use crate::types::{Index, Term};
use std::collections::VecDeque;

/// The entries that were handed out to be applied.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Applying {
    /// The last entry that was handed out.
    last: Index,
    /// What was handed out together and is not applied, oldest first.
    pages: VecDeque<Page>,
    /// The size of all pages.
    bytes: u64,
    /// The size at which nothing more is handed out.
    max_bytes: u64,
    /// Whether nothing more is handed out until some of it is applied.
    paused: bool,
    /// Whether nothing more is handed out until a snapshot is installed.
    installing: bool,
}

/// Committed entries that were handed out together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Page {
    last: Index,
    bytes: u64,
    /// The term of the last entry, the highest of the page.
    term: Term,
    /// The bytes of content of the entries of that term. Entries of earlier terms were taken by other
    /// leaders, so they count towards no limit of the present one.
    content_bytes: u64,
}

impl Page {
    /// Returns the page of these entries; none without entries.
    fn of(entries: &[Entry]) -> Option<Page> {
        let id = entries.last()?.id;
        let bytes = entries.iter().map(Entry::size_bytes).sum();
        let of_term = entries.iter().filter(|entry| entry.id.term == id.term);
        let content_bytes = of_term.map(Entry::content_bytes).sum();
        Some(Page { last: id.index, bytes, term: id.term, content_bytes })
    }
}

impl Default for Applying {
    /// Nothing was ever handed out, and there is no limit.
    fn default() -> Self {
        let (last, pages) = (Index(0), VecDeque::new());
        let (paused, installing) = (false, false);
        Applying { last, pages, bytes: 0, max_bytes: u64::MAX, paused, installing }
    }
}

impl Applying {
    /// Begins after what the application applied before a restart: no entry up to there is handed out
    /// again.
    pub(super) fn after(applied: Index) -> Self {
        Applying { last: applied, ..Applying::default() }
    }

    /// Limits the size of what is handed out and not applied.
    pub(super) fn capped_at(self, max_bytes: Option<u64>) -> Self {
        Applying { max_bytes: max_bytes.unwrap_or(u64::MAX), ..self }
    }

    /// Returns the last entry that was handed out.
    pub(super) fn last(&self) -> Index {
        self.last
    }

    /// Returns whether nothing more is handed out until some of it is applied, or a snapshot is installed.
    pub(super) fn is_paused(&self) -> bool {
        self.paused || self.installing
    }

    /// Records whether a snapshot is being installed.
    pub(super) fn set_installing(&mut self, is_installing: bool) {
        self.installing = is_installing;
    }

    /// Continues after what an installed snapshot covers. What was handed out before and not applied is in
    /// the snapshot.
    pub(super) fn skip_to(&mut self, last: Index) {
        if last >= self.last {
            *self =
                Applying { last, pages: VecDeque::new(), bytes: 0, paused: false, ..self.clone() };
        }
    }

    /// Returns how many bytes may be handed out now.
    pub(super) fn room_bytes(&self) -> u64 {
        self.max_bytes.saturating_sub(self.bytes)
    }

    /// Records that these entries were handed out, of those up to `up_to` that could have been. If some
    /// were left out, or the limit is reached, nothing more is handed out until some of it is applied.
    pub(super) fn hand_out(&mut self, entries: &[Entry], up_to: Index) {
        let Some(page) = Page::of(entries) else { return };
        self.last = page.last;
        self.bytes += page.bytes;
        self.pages.push_back(page);
        self.paused = page.last < up_to || self.bytes >= self.max_bytes;
    }

    /// Removes the pages that are applied to their end, and returns the bytes of content among them that
    /// a leader of `term` had taken in that term. That makes room for more: a limit of 0 lets one page
    /// at a time through.
    pub(super) fn applied_to(&mut self, applied: Index, term: Term) -> u64 {
        let mut content_bytes = 0;
        while let Some(&page) = self.pages.front()
            && page.last <= applied
        {
            self.pages.pop_front();
            self.bytes -= page.bytes;
            if page.term == term {
                content_bytes += page.content_bytes;
            }
        }
        self.paused = self.bytes >= self.max_bytes && !self.pages.is_empty();
        content_bytes
    }
}
