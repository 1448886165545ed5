//! What can be wrong, and with what: every message names the thing and the number.
//!
//! ```text
//!   a batch       Gap, Compacted, Mismatch, UnknownGroup, OutOfRange, TooLarge   nothing written
//!   a read        Compacted, Beyond, UnknownGroup, Corrupt
//!   a full disk   NoSpace                                                        nothing written
//!   a directory   Locked, ForeignFile, ForeignStore, NotASegment, ...            nothing touched
//!   the disk      Io, and Poisoned ever after                                    open it again
//!   rot           Corrupt                                                        refused, not mended
//! ```

mod corruption; // what has rotted, and whose it was

pub use corruption::{Corruption, Lost, Rot};

use crate::types::{EntryId, GroupId, Index, Lsn, SegmentId, Term};
use std::fmt;
use std::io;
use std::sync::Arc;

/// What the engine's functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// What is wrong.
#[derive(Clone, Debug)]
pub enum Error {
    /// The disk failed. A log that was open is poisoned from now on.
    Io {
        /// What was being done.
        doing: &'static str,
        /// With which file.
        name: String,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The disk failed before, and nothing is written to it since.
    Poisoned {
        /// The first failure.
        first: Arc<Error>,
    },
    /// The disk is full. Nothing was written; the log is as it was, and is still read. It takes
    /// compactions and removals; after them [`crate::Log::gc`] makes room.
    NoSpace {
        /// What there was no room for.
        bytes: u64,
    },
    /// Somebody has the directory open.
    Locked,
    /// The directory holds a file that is no store's: it is somebody else's directory.
    ForeignFile {
        /// The file.
        name: String,
    },
    /// Two segments of different stores are in one directory.
    ForeignStore {
        /// The one that differs from those before it.
        segment: SegmentId,
    },
    /// A file with a segment's name is not one.
    NotASegment {
        /// The file.
        name: String,
    },
    /// A segment was written by a machine of the other byte order.
    ByteOrder {
        /// Which one.
        segment: SegmentId,
    },
    /// A segment was written in another version of the format.
    Version {
        /// Which one.
        segment: SegmentId,
        /// Its version.
        found: u16,
        /// The version known here.
        known: u16,
    },
    /// A segment is not there, and later ones are.
    MissingSegment {
        /// Which one.
        segment: SegmentId,
        /// The next one that is there.
        next: SegmentId,
    },
    /// What was written does not hold any more.
    Corrupt(Box<Corruption>),
    /// Settings that cannot work.
    Options {
        /// Which, and why.
        why: &'static str,
    },
    /// An entry that leaves a gap, or a compaction beyond the log's end.
    Gap {
        /// Whose.
        group: GroupId,
        /// Where.
        index: Index,
        /// Where the log ends.
        last: Index,
    },
    /// A place before the log's beginning.
    Compacted {
        /// Whose.
        group: GroupId,
        /// Which place.
        index: Index,
        /// Where the log begins.
        first: Index,
    },
    /// A place behind the log's end.
    Beyond {
        /// Whose.
        group: GroupId,
        /// Which place.
        index: Index,
        /// Where the log ends.
        last: Index,
    },
    /// A compaction through an entry that the log holds with another term.
    Mismatch {
        /// Whose.
        group: GroupId,
        /// The entry as it was named.
        named: EntryId,
        /// The term the log holds there.
        held: Term,
    },
    /// A group that is not here.
    UnknownGroup {
        /// Which.
        group: GroupId,
    },
    /// A place that no log may reach.
    OutOfRange {
        /// Whose.
        group: GroupId,
        /// Which place.
        index: Index,
    },
    /// A batch that is longer than a frame may be.
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit_bytes: u32,
    },
    /// A batch that has more items than a frame may have.
    TooManyItems {
        /// How many.
        items: usize,
        /// The limit.
        limit: u16,
    },
    /// An LSN that was not given out yet.
    NotAppended {
        /// Which.
        lsn: Lsn,
        /// The last one that was.
        last: Lsn,
    },
}

impl Error {
    /// Returns the error of a failed operation.
    pub(crate) fn io(doing: &'static str, name: impl Into<String>, source: io::Error) -> Error {
        Error::Io { doing, name: name.into(), source: Arc::new(source) }
    }

    /// Returns what has rotted, if that is what is wrong.
    pub fn corruption(&self) -> Option<&Corruption> {
        if let Error::Corrupt(corruption) = self { Some(corruption) } else { None }
    }
}

impl From<Corruption> for Error {
    fn from(corruption: Corruption) -> Error {
        Error::Corrupt(Box::new(corruption))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io { doing, name, source } => write!(f, "{doing} {name}: {source}"),
            Error::Poisoned { first } => write!(f, "nothing is written since this failed: {first}"),
            Error::NoSpace { bytes } => {
                write!(f, "the disk has no room for {bytes} bytes; nothing was written")
            }
            Error::Locked => write!(f, "the directory is open already, here or elsewhere"),
            Error::ForeignFile { name } => write!(f, "{name} belongs to no store: left alone"),
            Error::ForeignStore { segment } => {
                write!(f, "segment {segment} is of another store than those before it")
            }
            Error::NotASegment { name } => write!(f, "{name} has a segment's name, and is none"),
            Error::ByteOrder { segment } => {
                write!(f, "segment {segment} was written by a machine of the other byte order")
            }
            Error::Version { segment, found, known } => write!(
                f,
                "segment {segment} is of format version {found}, and {known} is the one known here"
            ),
            Error::MissingSegment { segment, next } => {
                write!(f, "segment {segment} is missing, and segment {next} is there")
            }
            Error::Corrupt(corruption) => corruption.fmt(f),
            Error::Options { why } => write!(f, "options: {why}"),
            Error::Gap { group, index, last } => {
                write!(f, "{group}: {index} leaves a gap, for the log ends at {last}")
            }
            Error::Compacted { group, index, first } => {
                write!(f, "{group}: {index} is gone, for the log begins at {first}")
            }
            Error::Beyond { group, index, last } => {
                write!(f, "{group}: {index} is not there yet, for the log ends at {last}")
            }
            Error::Mismatch { group, named, held } => write!(
                f,
                "{group}: {named} is named, and the log holds {index}@{held}",
                index = named.index
            ),
            Error::UnknownGroup { group } => write!(f, "{group} is not here"),
            Error::OutOfRange { group, index } => {
                write!(f, "{group}: no entry stands at {index}; places are 1 to {}", Index::LAST)
            }
            Error::TooLarge { bytes, limit_bytes } => {
                write!(f, "a batch of {bytes} bytes; a frame holds {limit_bytes}")
            }
            Error::TooManyItems { items, limit } => {
                write!(f, "a batch of {items} items; a frame holds {limit}")
            }
            Error::NotAppended { lsn, last } => {
                write!(f, "LSN {lsn} is to be synced, and {last} was the last one appended")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source.as_ref()),
            Error::Poisoned { first } => Some(first.as_ref()),
            Error::NoSpace { .. }
            | Error::Locked
            | Error::ForeignFile { .. }
            | Error::ForeignStore { .. }
            | Error::NotASegment { .. }
            | Error::ByteOrder { .. }
            | Error::Version { .. }
            | Error::MissingSegment { .. }
            | Error::Corrupt(_)
            | Error::Options { .. }
            | Error::Gap { .. }
            | Error::Compacted { .. }
            | Error::Beyond { .. }
            | Error::Mismatch { .. }
            | Error::UnknownGroup { .. }
            | Error::OutOfRange { .. }
            | Error::TooLarge { .. }
            | Error::TooManyItems { .. }
            | Error::NotAppended { .. } => None,
        }
    }
}
