//! The errors of the memtable.

use super::Sequence;
use crate::codec::CodecError;
use std::fmt;

/// The result of the memtable's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the memtable.
#[derive(Clone, Debug)]
pub enum Error {
    /// The write-ahead log failed, or refused the batch. After a failure of the disk it refuses every write;
    /// reads go on.
    Wal(storage::Error),
    /// A batch of the write-ahead log cannot be read: another program wrote it, or a later version.
    Batch {
        /// The batch.
        sequence: Sequence,
        /// What is wrong.
        error: CodecError,
    },
}

impl Error {
    /// Returns whether nothing was changed, and the memtable goes on: the batch was too long, or the disk
    /// had no room for it.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Error::Wal(storage::Error::TooLarge { .. } | storage::Error::NoSpace { .. }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Wal(error) => write!(f, "the write-ahead log: {error}"),
            Error::Batch { sequence, error } => {
                write!(f, "the write-ahead log: batch {sequence} cannot be read: {error}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Wal(error) => Some(error),
            Error::Batch { error, .. } => Some(error),
        }
    }
}
