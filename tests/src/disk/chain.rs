//! A log as a hash chain: one comparison tells whether two logs are equal up to an index.
//!
//! ```text
//!   log      1@1 --- 2@1 --- 3@2
//!   links    h1  --- h2  --- h3        h3 is the hash of the whole log up to 3@2
//! ```
//!
//! Two equal links mean two equal logs up to that index. The cost of a write depends on the entries
//! that it writes, not on the length of the log.

use crate::fingerprint::Fingerprint;
use bytes::Bytes;
use raft::{Entry, EntryId, Index, MemoryStorage, Purpose, Snapshot, Storage};
use std::hash::Hash;

/// A log as a hash chain with one link per entry.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Chain {
    /// The link before the first entry: of an empty log, or of what a snapshot covers.
    base: Link,
    links: Vec<Link>,
}

/// One entry, and the hash of the log up to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Link {
    /// The entry.
    pub id: EntryId,
    /// The hash of this entry and every entry before it.
    pub sum: u64,
}

impl Link {
    /// Returns the data of a snapshot that ends here: the hash of everything that it covers.
    pub fn image(&self) -> Bytes {
        Bytes::copy_from_slice(&self.sum.to_le_bytes())
    }

    /// Returns the last link of what a snapshot covers. The hash is 0 if its data is not one.
    pub fn of(snapshot: &Snapshot) -> Self {
        let sum = snapshot.data[..].try_into().map_or(0, u64::from_le_bytes);
        Link { id: snapshot.id, sum }
    }

    /// Returns the link of an entry that follows this link.
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
        let id = EntryId { index: before, term };
        let snapshot = Link::of(storage.latest_snapshot());
        // Of a snapshot that a test has made up we know only its last entry.
        let known = snapshot.id == id && snapshot.sum != 0;
        let base = if known { snapshot } else { Link { id, sum: term.0 } };
        let mut chain = Chain { base, links: Vec::new() };
        chain.write(
            &storage.entries(first, last + 1, None, Purpose::Check).expect("memory can be read"),
        );
        chain
    }

    /// Writes entries at their indexes, without a gap. The old entries from there on are removed.
    pub(super) fn write(&mut self, entries: &[Entry]) {
        let Some(first) = entries.first() else { return };
        let kept = first.id.index.0 - self.base.id.index.0 - 1;
        self.links.truncate(usize::try_from(kept).expect("a log fits into memory"));
        for entry in entries {
            let link = self.last().next(entry);
            self.links.push(link);
        }
    }

    /// Replaces the whole log by what a snapshot covers.
    pub(super) fn install(&mut self, last: Link) {
        *self = Chain { base: last, links: Vec::new() };
    }

    /// Returns the link before the first entry. Chains with different bases cannot be compared.
    pub fn base(&self) -> Link {
        self.base
    }

    /// Returns the last link, or the base if there is no entry.
    pub fn last(&self) -> Link {
        self.links.last().copied().unwrap_or(self.base)
    }

    /// Returns the link at an index, if the log holds that index.
    pub fn get(&self, index: Index) -> Option<Link> {
        if index == self.base.id.index {
            return Some(self.base);
        }
        let offset = index.0.checked_sub(self.base.id.index.0 + 1)?;
        self.links.get(usize::try_from(offset).ok()?).copied()
    }

    /// Returns the links from an index on, in order.
    pub fn since(&self, index: Index) -> &[Link] {
        let offset = index.0.saturating_sub(self.base.id.index.0 + 1);
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        &self.links[offset.min(self.links.len())..]
    }
}
