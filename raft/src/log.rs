//! The part of the log that elections need: whose log is newer (§5.4.1).
//!
//! ```text
//!    index   1 2 3 4
//!    ours    1 1 2        last 3@2
//!    theirs  1 1 1 1      last 4@1   longer, and older: the later term wins
//! ```

use crate::error::StorageError;
use crate::storage::Storage;
use crate::types::EntryId;

/// The log as its node sees it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Log<S> {
    storage: S,
    last: EntryId,
}

impl<S: Storage> Log<S> {
    /// Opens the log that storage holds.
    ///
    /// # Errors
    /// What storage says when its last entry cannot be read.
    pub(crate) fn open(storage: S) -> Result<Self, StorageError> {
        let index = storage.last_index()?;
        let last = EntryId { term: storage.term(index)?, index };
        Ok(Log { storage, last })
    }

    /// Returns the id of the last entry; `0@0` if there never was one.
    pub(crate) fn last(&self) -> EntryId {
        self.last
    }

    /// Returns whether a log that ends in `theirs` can hold everything that is committed, as far as
    /// we can tell: it ends in a later term than ours, or in the same term and is no shorter (§5.4.1).
    pub(crate) fn is_up_to_date(&self, theirs: EntryId) -> bool {
        theirs >= self.last()
    }

    /// Lends the storage.
    pub(crate) fn storage(&self) -> &S {
        &self.storage
    }
}
