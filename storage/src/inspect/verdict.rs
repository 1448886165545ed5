//! What opening a log would do, in words: recovery's own verdict, and what you can do about it.
//!
//! ```text
//!   SOUND              it opens: writes nothing, or writes the end again, or discards a torn tail
//!   DAMAGED            it does not open: something durable is corrupt or missing
//!   REFUSED            it does not open: the directory holds a file that is not of the log
//!   NOT READABLE HERE  it does not open: another version, another machine, or no permission
//! ```

use super::page::{plain, range};
use super::{Health, Stop};
use crate::error::{Corruption, Error, Lost, Rot};
use crate::recovery::{Examined, OpenAction, Torn};
use crate::segment::name_of;
use crate::types::Lsn;
use std::io::{self, Write};

/// Prints what opening the log would do.
pub(super) fn print_verdict(examined: &Examined, out: &mut dyn Write) -> Result<Health, Stop> {
    let error = match &examined.action {
        Ok(action) => {
            print_opening(action, out)?;
            return Ok(Health::Sound);
        }
        Err(error) => error,
    };
    let health = Health::of(error);
    let word = match (health, error) {
        (_, Error::ForeignFile { .. }) => "REFUSED",
        (Health::Unreadable, _) => "NOT READABLE HERE",
        (Health::Sound | Health::Damaged, _) => "DAMAGED",
    };
    writeln!(out, "{word}. The engine refuses to open this log, and changes nothing:")?;
    writeln!(out, "  {}", plain(error))?;
    writeln!(out, "What you can do:")?;
    advise(error, examined.reach, out)?;
    Ok(health)
}

/// Prints how the log would be opened.
fn print_opening(action: &OpenAction, out: &mut dyn Write) -> io::Result<()> {
    let (into, again, torn) = match action {
        OpenAction::Creates => return writeln!(out, "EMPTY. Opening it creates a log."),
        OpenAction::GoesOn { last } => {
            let what = "says that the log was closed: opening it writes nothing";
            return writeln!(out, "SOUND. LSN {last} {what}.");
        }
        OpenAction::Writes { into, again, torn } => (name_of(*into), again, torn),
    };
    match torn {
        None => writeln!(out, "SOUND. The log was not closed.")?,
        Some(torn) => print_torn(torn, out)?,
    }
    match again {
        None => writeln!(out, "Opening it creates {into}."),
        Some((first, last)) => {
            let lsns = range(first, last);
            writeln!(out, "Opening it writes LSN {lsns} again, into {into}, and syncs that file:")?;
            writeln!(out, "no later frame says that LSN {lsns} was durable.")
        }
    }
}

/// Prints what would be discarded.
fn print_torn(torn: &Torn, out: &mut dyn Write) -> io::Result<()> {
    let Torn { segment, offset, end, lsn } = torn;
    let (name, bytes) = (name_of(*segment), end - offset);
    writeln!(
        out,
        "SOUND, with a torn tail: {bytes} bytes of {name} from offset {offset} on (LSN {lsn})."
    )?;
    writeln!(out, "Opening it discards these bytes: no later frame says that they were durable.")?;
    writeln!(
        out,
        "Three causes look the same: a crash, a process that is writing now, rot in the last frames."
    )
}

/// Prints what the user can do.
fn advise(error: &Error, reach: Option<Lsn>, out: &mut dyn Write) -> io::Result<()> {
    match error {
        Error::ForeignFile { name } => {
            return writeln!(out, "  move {} elsewhere", plain(name));
        }
        Error::Version { .. } | Error::ByteOrder { .. } => {
            return writeln!(
                out,
                "  open it with the program that wrote it, or on the machine that wrote it"
            );
        }
        Error::Io { name, .. } => {
            return writeln!(out, "  make sure that {} can be read", plain(name));
        }
        Error::Corrupt(corruption) if corruption.rot == Rot::Hole => {
            return advise_on_hole(corruption, out);
        }
        Error::MissingSegment { segment, .. } => {
            writeln!(out, "  put {} back, if you have a copy", name_of(*segment))?;
        }
        Error::ForeignStore { segment } => {
            let name = name_of(*segment);
            return writeln!(
                out,
                "  move {name} back to its own log, and put this log's {name} in its place"
            );
        }
        Error::Corrupt(_)
        | Error::NotASegment { .. }
        | Error::Poisoned { .. }
        | Error::NoSpace { .. }
        | Error::Locked
        | Error::Options { .. }
        | Error::Gap { .. }
        | Error::Compacted { .. }
        | Error::Beyond { .. }
        | Error::Mismatch { .. }
        | Error::UnknownGroup { .. }
        | Error::OutOfRange { .. }
        | Error::TooLarge { .. }
        | Error::TooManyItems { .. }
        | Error::NotAppended { .. } => {
            writeln!(
                out,
                "  restore the directory from a copy, or let other replicas fill an empty one"
            )?;
        }
    }
    match reach {
        None => {
            writeln!(
                out,
                "  nothing of this log can be kept: its first segment is not in its place"
            )
        }
        Some(lsn) => {
            writeln!(out, "  or see what would remain without LSN {lsn} and all later frames:")?;
            writeln!(out, "      logctl truncate-at DIR {lsn}")
        }
    }
}

/// Prints what the user can do about entries that are missing although every frame is valid.
fn advise_on_hole(corruption: &Corruption, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  put back the segment that held the missing entries, if you have a copy")?;
    for lost in &corruption.lost {
        let (Lost::Entries { group, .. } | Lost::State { group }) = lost;
        writeln!(out, "  or drop the group, and let another replica send it again:")?;
        writeln!(out, "      logctl drop-group DIR {group}")?;
    }
    Ok(())
}
