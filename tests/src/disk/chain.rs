//! A log as a chain: what two logs have in common, seen at one place.
//!
//! ```text
//!   log      1@1 --- 2@1 --- 3@2
//!   links    h1  --- h2  --- h3        h3 stands for the whole log up to 3@2, words and all
//! ```
//!
//! Two equal links are two equal logs up to there, so one comparison compares all of them. A write
//! costs as much as it writes, however long the log is.

use crate::fingerprint::Fingerprint;
use raft::{Entry, EntryId, Index, MemoryStorage, Storage};
use std::hash::Hash;

/// A log as a chain of links, one per entry.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Chain {
    /// What stands before the first link: an empty log, or what a snapshot covers.
    base: Link,
    links: Vec<Link>,
}

/// One entry, and what stands for the whole log up to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Link {
    /// The entry.
    pub id: EntryId,
    /// What stands for it and everything before it.
    pub sum: u64,
}

impl Link {
    /// Returns the link of an entry that follows this one.
    pub(crate) fn next(&self, entry: &Entry) -> Link {
        let mut hasher = Fingerprint::new(self.sum);
        entry.hash(&mut hasher);
        Link { id: entry.id, sum: hasher.wide() as u64 }
    }
}

impl Chain {
    /// Returns the chain of the log that storage holds.
    pub(super) fn of(storage: &MemoryStorage) -> Self {
        let first = storage.first_index().expect("memory can be read");
        let last = storage.last_index().expect("memory can be read");
        let before = Index(first.0 - 1);
        let term = storage.term(before).expect("memory can be read");
        // What a snapshot covers is known by its last entry alone.
        let base = Link { id: EntryId { index: before, term }, sum: term.0 };
        let mut chain = Chain { base, links: Vec::new() };
        chain.write(&storage.entries(first, last + 1, None).expect("memory can be read"));
        chain
    }

    /// Writes entries at their places, without a gap; what stood there and after goes.
    pub(super) fn write(&mut self, entries: &[Entry]) {
        let Some(first) = entries.first() else { return };
        let kept = first.id.index.0 - self.base.id.index.0 - 1;
        self.links.truncate(usize::try_from(kept).expect("a log fits into memory"));
        for entry in entries {
            let link = self.last().next(entry);
            self.links.push(link);
        }
    }

    /// Returns what stands before the first link. Chains with other bases cannot be compared.
    pub fn base(&self) -> Link {
        self.base
    }

    /// Returns the last link; before any entry, what stands for that.
    pub fn last(&self) -> Link {
        self.links.last().copied().unwrap_or(self.base)
    }

    /// Returns the link at a place, if the log reaches there, and reaches back to it.
    pub fn get(&self, index: Index) -> Option<Link> {
        if index == self.base.id.index {
            return Some(self.base);
        }
        let offset = index.0.checked_sub(self.base.id.index.0 + 1)?;
        self.links.get(usize::try_from(offset).ok()?).copied()
    }

    /// Returns the links from a place on, in order.
    pub fn since(&self, index: Index) -> &[Link] {
        let offset = index.0.saturating_sub(self.base.id.index.0 + 1);
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        &self.links[offset.min(self.links.len())..]
    }
}
