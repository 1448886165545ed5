//! Shows a person what a log holds: the library behind `logctl`.
//!
//! ```text
//!   dump, tail      every frame and item, its offset, and what is wrong with it
//!   check           tests every byte; says what opening the log would do, or why it would refuse
//!   stats           what is live of each segment and group, and what collection would move
//!   truncate_at     what would be lost without a frame and all later ones; then removes them
//!   drop_group      what would be lost without a group; then removes it
//! ```
//!
//! `dump`, `tail`, `check` and `stats` only read: they ask a [`Disk`](crate::Disk) for names and for
//! content, and for nothing else. They trust no checksum, no length and no header. They hold at most
//! two segments in memory, and print what they find as they find it.
//!
//! `truncate_at` and `drop_group` print first. With [`Consent::Given`] they then change the log,
//! under the directory's lock.

mod page; // how output is formatted: tables, quotes, bytes in hexadecimal
mod walk; // a segment's frames, and what lies between them

mod dump; // every frame and item
mod tail; // the last frames

mod check; // every byte
mod stats; // what is live, and where
mod verdict; // what opening the log would do

mod drop; // removes a group
mod loss; // what a cut removes
mod truncate; // cuts a log

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

/// The health of a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// Nothing is wrong with the log, except what a crash may leave.
    Sound,
    /// Something that was written is corrupt or missing, or the directory holds a foreign file: the
    /// engine would refuse the log.
    Damaged,
    /// The log cannot be read here: another format version, another byte order, or a failed read.
    Unreadable,
}

/// Which frames and items are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Selection {
    /// Only frames and items of this group.
    pub group: Option<GroupId>,
    /// Only frames from this LSN on.
    pub from: Lsn,
    /// At most this many frames.
    pub limit: u64,
    /// Whether the bytes of each frame are shown too.
    pub bytes: Bytes,
}

/// Whether a frame's bytes are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bytes {
    /// In hexadecimal.
    Shown,
    /// Not shown: only the decoded fields.
    Hidden,
}

/// Whether a change is made, or only described.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Consent {
    /// The change is described, and not made.
    Ask,
    /// The change is described, and then made.
    Given,
}

/// Why a command ended without a result.
#[derive(Debug)]
pub enum Stop {
    /// The output cannot be written. A reader that closes the pipe early causes this too.
    Output(io::Error),
    /// The log cannot be read, or cannot be changed.
    Log(Error),
    /// The request makes no sense for this log.
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
            Stop::Output(error) => write!(f, "writing the output: {error}"),
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

/// Returns the exit code for an outcome: 0 if nothing is wrong, or the change was made; 1 if the log
/// is damaged; 2 if there is no result; 141 if the reader closed the pipe early. A shell reports 141
/// for a process that a broken pipe ended.
pub fn exit_code(outcome: &Result<Health, Stop>) -> u8 {
    let health = match outcome {
        Ok(health) => *health,
        Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => return 141,
        Err(Stop::Log(error)) if is_about_content(error) => Health::of(error),
        Err(Stop::Output(_) | Stop::Log(_) | Stop::Refused(_)) => Health::Unreadable,
    };
    match health {
        Health::Sound => 0,
        Health::Damaged => 1,
        Health::Unreadable => 2,
    }
}

/// Returns whether an error is about what a directory holds.
fn is_about_content(error: &Error) -> bool {
    matches!(
        error,
        Error::Corrupt(_)
            | Error::MissingSegment { .. }
            | Error::ForeignStore { .. }
            | Error::ForeignFile { .. }
            | Error::NotASegment { .. }
    )
}

/// Lists a directory that holds a log.
///
/// # Errors
/// [`Stop::Refused`] if the directory holds no segment.
fn list(disk: &impl crate::Disk) -> Result<crate::recovery::Directory, Stop> {
    let directory = crate::recovery::list(disk)?;
    if directory.segments.is_empty() {
        let others = match directory.foreign.first() {
            Some(name) => format!("; {} is not a file of the log", page::plain(name)),
            None => String::new(),
        };
        let what = "there is no log here: no file has the name of a segment, such as 00000001.log";
        return Err(Stop::Refused(format!("{what}{others}")));
    }
    Ok(directory)
}

/// Takes a directory's lock if the log may be changed.
///
/// # Errors
/// [`Stop::Log`]: then nothing was changed.
fn lock<D: crate::Disk>(disk: &D, consent: Consent) -> Result<Option<D::Lock>, Stop> {
    match consent {
        Consent::Ask => Ok(None),
        Consent::Given => Ok(Some(crate::recovery::lock(disk)?)),
    }
}
