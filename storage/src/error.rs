//! The errors of the engine. Every message names the thing that is wrong, and its number.
//!
//! ```text
//!   what failed  errors                                                        what follows
//!   a batch      Gap, Compacted, Mismatch, UnknownGroup, OutOfRange, TooLarge  nothing was written
//!   a read       Compacted, Beyond, UnknownGroup, Corrupt
//!   a full disk  NoSpace                                                       nothing was written
//!   a directory  Locked, ForeignFile, ForeignStore, NotASegment, ...           nothing was changed
//!   the disk     Io, and then Poisoned for every write                         open the log again
//!   rot          Corrupt                                                       not repaired
//! ```

mod corruption; // what has rotted, and which groups lost something

pub use corruption::{Corruption, Lost, Rot};

use crate::types::{EntryId, GroupId, Index, Lsn, SegmentId, Term};
use std::fmt;
use std::io;
use std::sync::Arc;

/// The result of the engine's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the engine.
#[derive(Clone, Debug)]
pub enum Error {
    /// The disk failed. An open log is poisoned from now on: it refuses every write.
    Io {
        /// The operation that failed.
        doing: &'static str,
        /// The file.
        name: String,
        /// The operating system's error.
        source: Arc<io::Error>,
    },
    /// The disk failed before. Since then the log refuses every write.
    Poisoned {
        /// The first failure.
        first: Arc<Error>,
    },
    /// The disk is full. Nothing was written: the log is unchanged, and can still be read. It still
    /// accepts compactions and removals. After them [`crate::Log::gc`] makes room.
    NoSpace {
        /// The bytes that did not fit.
        bytes: u64,
    },
    /// The directory is already open, in this process or in another.
    Locked,
    /// The directory holds a file that belongs to no store. It may be another
    /// program's directory.
    ForeignFile {
        /// The file.
        name: String,
    },
    /// The directory holds segments of two different stores.
    ForeignStore {
        /// The first segment of the second store.
        segment: SegmentId,
    },
    /// A file has a segment's name, but is not a segment.
    NotASegment {
        /// The file.
        name: String,
    },
    /// A segment was written by a machine with the other byte order.
    ByteOrder {
        /// The segment.
        segment: SegmentId,
    },
    /// A segment was written in another version of the format.
    Version {
        /// The segment.
        segment: SegmentId,
        /// The version in its header.
        found: u16,
        /// The only version that this program reads.
        known: u16,
    },
    /// A segment is missing, but a later one exists.
    MissingSegment {
        /// The missing segment.
        segment: SegmentId,
        /// The next segment that exists.
        next: SegmentId,
    },
    /// Something that was written has changed on the disk.
    Corrupt(Box<Corruption>),
    /// Settings that cannot work.
    Options {
        /// The setting, and the reason.
        why: &'static str,
    },
    /// An entry leaves a gap, or a compaction goes beyond the log's end.
    Gap {
        /// The group.
        group: GroupId,
        /// The index of the entry or of the compaction.
        index: Index,
        /// The last index of the log.
        last: Index,
    },
    /// An index before the log's first one.
    Compacted {
        /// The group.
        group: GroupId,
        /// The index.
        index: Index,
        /// The first index of the log.
        first: Index,
    },
    /// An index after the log's last one.
    Beyond {
        /// The group.
        group: GroupId,
        /// The index.
        index: Index,
        /// The last index of the log.
        last: Index,
    },
    /// A compaction names an entry that the log holds with another term.
    Mismatch {
        /// The group.
        group: GroupId,
        /// The entry that the compaction names.
        named: EntryId,
        /// The term of the log's entry at that index.
        held: Term,
    },
    /// The log has no such group.
    UnknownGroup {
        /// The group.
        group: GroupId,
    },
    /// An index that no entry may have.
    OutOfRange {
        /// The group.
        group: GroupId,
        /// The index.
        index: Index,
    },
    /// A batch is longer than a frame may be.
    TooLarge {
        /// The batch's length.
        bytes: usize,
        /// The longest batch allowed.
        limit_bytes: u32,
    },
    /// A batch has more items than a frame may have.
    TooManyItems {
        /// The batch's items.
        items: usize,
        /// The most items allowed.
        limit: u16,
    },
    /// No frame with this LSN was appended yet.
    NotAppended {
        /// The LSN.
        lsn: Lsn,
        /// The LSN of the last frame.
        last: Lsn,
    },
}

impl Error {
    /// Returns the error of a failed operation on a file.
    pub(crate) fn io(doing: &'static str, name: impl Into<String>, source: io::Error) -> Error {
        Error::Io { doing, name: name.into(), source: Arc::new(source) }
    }

    /// Returns what has rotted, if this is [`Error::Corrupt`].
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
            Error::Poisoned { first } => {
                write!(f, "the log refuses writes after this failure: {first}")
            }
            Error::NoSpace { bytes } => {
                write!(f, "the disk has no room for {bytes} bytes; nothing was written")
            }
            Error::Locked => {
                write!(f, "the directory is already open, in this process or in another")
            }
            Error::ForeignFile { name } => {
                write!(f, "{name} belongs to no store; nothing was changed")
            }
            Error::ForeignStore { segment } => {
                write!(f, "segment {segment} belongs to another store than the segments before it")
            }
            Error::NotASegment { name } => {
                write!(f, "{name} has a segment's name, but is not a segment")
            }
            Error::ByteOrder { segment } => {
                write!(f, "segment {segment} was written by a machine with the other byte order")
            }
            Error::Version { segment, found, known } => write!(
                f,
                "segment {segment} has format version {found}, but this program reads only {known}"
            ),
            Error::MissingSegment { segment, next } => {
                write!(f, "segment {segment} is missing, but segment {next} exists")
            }
            Error::Corrupt(corruption) => corruption.fmt(f),
            Error::Options { why } => write!(f, "options: {why}"),
            Error::Gap { group, index, last } => {
                write!(f, "{group}: index {index} leaves a gap: the log ends at {last}")
            }
            Error::Compacted { group, index, first } => {
                write!(f, "{group}: index {index} is compacted: the log begins at {first}")
            }
            Error::Beyond { group, index, last } => {
                write!(f, "{group}: index {index} does not exist yet: the log ends at {last}")
            }
            Error::Mismatch { group, named, held } => write!(
                f,
                "{group}: the compaction names {named}, but the log holds {index}@{held}",
                index = named.index
            ),
            Error::UnknownGroup { group } => write!(f, "{group} does not exist in this log"),
            Error::OutOfRange { group, index } => {
                write!(
                    f,
                    "{group}: index {index} is out of range; entries have indexes 1 to {}",
                    Index::LAST
                )
            }
            Error::TooLarge { bytes, limit_bytes } => {
                write!(f, "the batch has {bytes} bytes, but the limit is {limit_bytes}")
            }
            Error::TooManyItems { items, limit } => {
                write!(f, "the batch has {items} items, but the limit is {limit}")
            }
            Error::NotAppended { lsn, last } => {
                write!(f, "cannot sync to LSN {lsn}: the last one appended is {last}")
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
