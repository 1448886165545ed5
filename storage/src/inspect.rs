//! What a log holds, told to a person: the library behind `logctl`.
//!
//! ```text
//!   dump, tail      every frame and item, where it stands, and what is wrong with it
//!   check           every byte tested; what opening the log would do, or why it would refuse
//!   stats           what is live of each segment and group, and what collection would move
//!   truncate_at     what would go with a frame and all behind it; and that it goes
//!   drop_group      what would go with a group; and that it goes
//! ```
//!
//! The first three only read: from a [`Disk`](crate::Disk) they ask for names and for content, and for
//! nothing else. They take nothing for granted, neither a checksum nor a length nor a header, and
//! hold no more than two segments in memory; what they print is printed as it is found.
//!
//! The other two print first, and then do it, if they are told to ([`Consent`]), under the
//! directory's lock.

mod page; // how things stand on a page: tables, quotes, bytes in hexadecimal
mod walk; // a segment's frames, and what lies between them

mod dump; // every frame and item
mod tail; // the last frames

mod check; // every byte
mod stats; // what is live, and where
mod verdict; // what opening it would do

mod drop; // a group that goes
mod loss; // what goes when a log is cut
mod truncate; // a log that ends earlier

pub use check::check;
pub use drop::drop_group;
pub use dump::dump;
pub use stats::stats;
pub use tail::tail;
pub use truncate::{Gapped, truncate_at};

use crate::error::Error;
use crate::types::{GroupId, Lsn};
use std::fmt;
use std::io;

/// What was seen of a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// Nothing is wrong with it, or nothing that a crash does not leave.
    Sound,
    /// Something that was written does not hold, or something is here that should not be: the log
    /// would be refused.
    Damaged,
    /// It is another program's or another machine's to read, or somebody else's.
    Unreadable,
}

/// Which frames and items are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Selection {
    /// Only those of this group.
    pub group: Option<GroupId>,
    /// Only those from here on.
    pub from: Lsn,
    /// At most so many frames.
    pub limit: u64,
    /// Whether each frame's bytes are shown, too.
    pub bytes: Bytes,
}

/// Whether a frame's bytes are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bytes {
    /// In hexadecimal.
    Shown,
    /// Only what they mean.
    Hidden,
}

/// Whether something is done, or only said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Consent {
    /// It is said what would be done.
    Ask,
    /// It is said, and done.
    Given,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Stop {
    /// The answer cannot be written. If somebody only wanted its beginning, that is no mistake.
    Output(io::Error),
    /// The log cannot be read, or not be changed.
    Log(Error),
    /// What was asked for makes no sense with this log.
    Refused(String),
}

impl Default for Selection {
    fn default() -> Selection {
        Selection { group: None, from: Lsn(0), limit: u64::MAX, bytes: Bytes::Hidden }
    }
}

impl Health {
    /// Returns the health of a log that is refused with an error.
    fn of(error: &Error) -> Health {
        let is_elsewhere =
            matches!(error, Error::Version { .. } | Error::ByteOrder { .. } | Error::Io { .. });
        if is_elsewhere { Health::Unreadable } else { Health::Damaged }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Output(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Log(error)
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Output(error) => write!(f, "writing the answer: {error}"),
            Stop::Log(error) => f.write_str(&page::plain(error)),
            Stop::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Stop {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Stop::Output(error) => Some(error),
            Stop::Log(error) => Some(error),
            Stop::Refused(_) => None,
        }
    }
}

/// Returns what a process ends with that has got this answer: 0 if nothing is wrong, or all was done;
/// 1 if the log is damaged; 2 if there is no answer; 141 if nobody reads it to its end, as a shell says
/// of a process that was ended by a broken pipe.
pub fn exit_code(outcome: &Result<Health, Stop>) -> u8 {
    let health = match outcome {
        Ok(health) => *health,
        Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => return 141,
        Err(Stop::Log(error)) if is_of_the_log(error) => Health::of(error),
        Err(Stop::Output(_) | Stop::Log(_) | Stop::Refused(_)) => Health::Unreadable,
    };
    match health {
        Health::Sound => 0,
        Health::Damaged => 1,
        Health::Unreadable => 2,
    }
}

/// Returns whether an error is about what a directory holds.
fn is_of_the_log(error: &Error) -> bool {
    matches!(
        error,
        Error::Corrupt(_)
            | Error::MissingSegment { .. }
            | Error::ForeignStore { .. }
            | Error::ForeignFile { .. }
            | Error::NotASegment { .. }
    )
}

/// Lists a directory, if there is a log in it.
///
/// # Errors
/// [`Stop::Refused`] if it holds no segment.
fn list(disk: &impl crate::Disk) -> Result<crate::recovery::Directory, Stop> {
    let directory = crate::recovery::list(disk)?;
    if directory.segments.is_empty() {
        let others = match directory.foreign.first() {
            Some(name) => format!("; {} belongs to no store", page::plain(name)),
            None => String::new(),
        };
        let what =
            "there is no log here: no file is named as a segment is, 00000001.log or the like";
        return Err(Stop::Refused(format!("{what}{others}")));
    }
    Ok(directory)
}

/// Takes a directory's lock, if something may be done to it.
///
/// # Errors
/// [`Stop::Log`], and nothing was touched.
fn lock<D: crate::Disk>(disk: &D, consent: Consent) -> Result<Option<D::Lock>, Stop> {
    match consent {
        Consent::Ask => Ok(None),
        Consent::Given => Ok(Some(crate::recovery::lock(disk)?)),
    }
}
