//! What opening a log would do, in words: recovery's own judgement, and what can be done about it.
//!
//! ```text
//!   SOUND              it opens: nothing is written, or the end again, or a torn tail is discarded
//!   DAMAGED            it does not: what was durable does not hold, or is not there
//!   REFUSED            it does not, for something is here that is not its own
//!   NOT READABLE HERE  it does not: another version, another machine, or no permission
//! ```

use super::page::{plain, range};
use super::{Health, Stop};
use crate::error::{Corruption, Error, Lost, Rot};
use crate::recovery::{Examined, OpenAction, Torn};
use crate::segment::name_of;
use crate::types::Lsn;
use std::io::{self, Write};

/// Says what opening the log would do.
pub(super) fn tell(examined: &Examined, out: &mut dyn Write) -> Result<Health, Stop> {
    let error = match &examined.action {
        Ok(action) => {
            tell_opening(action, out)?;
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
    writeln!(out, "{word}. The engine refuses to open this log, and leaves it as it is:")?;
    writeln!(out, "  {}", plain(error))?;
    writeln!(out, "What can be done:")?;
    advise(error, examined.reach, out)?;
    Ok(health)
}

/// Says how the log would be opened.
fn tell_opening(action: &OpenAction, out: &mut dyn Write) -> io::Result<()> {
    let (into, again, torn) = match action {
        OpenAction::Creates => return writeln!(out, "EMPTY. To open it makes a log."),
        OpenAction::GoesOn { last } => {
            let what = "says that it was closed: to open it writes nothing";
            return writeln!(out, "SOUND. LSN {last} {what}.");
        }
        OpenAction::Writes { into, again, torn } => (name_of(*into), again, torn),
    };
    match torn {
        None => writeln!(out, "SOUND. It was not closed.")?,
        Some(torn) => tell_torn(torn, out)?,
    }
    match again {
        None => writeln!(out, "To open it begins {into}."),
        Some((first, last)) => {
            let lsns = range(first, last);
            writeln!(
                out,
                "To open it writes LSN {lsns} again, into {into}, and syncs it: no later frame"
            )?;
            writeln!(out, "knows that as durable.")
        }
    }
}

/// Says what would be discarded.
fn tell_torn(torn: &Torn, out: &mut dyn Write) -> io::Result<()> {
    let Torn { segment, offset, end, lsn } = torn;
    let (name, bytes) = (name_of(*segment), end - offset);
    writeln!(
        out,
        "SOUND, with a torn tail: {bytes} bytes of {name} from offset {offset} on (LSN {lsn})."
    )?;
    writeln!(
        out,
        "To open it discards them: no later frame knows them as durable. A crash leaves a log so;"
    )?;
    writeln!(
        out,
        "so looks one that a process is writing now; and so would rot in the last frames."
    )
}

/// Says what can be done.
fn advise(error: &Error, reach: Option<Lsn>, out: &mut dyn Write) -> io::Result<()> {
    match error {
        Error::ForeignFile { name } => {
            return writeln!(out, "  move {} elsewhere", plain(name));
        }
        Error::Version { .. } | Error::ByteOrder { .. } => {
            return writeln!(out, "  open it with the program, or on the machine, that wrote it");
        }
        Error::Io { name, .. } => {
            return writeln!(out, "  make sure that {} can be read", plain(name));
        }
        Error::Corrupt(corruption) if corruption.rot == Rot::Hole => {
            return advise_on_hole(corruption, out);
        }
        Error::MissingSegment { segment, .. } => {
            writeln!(out, "  put {} back, if there is a copy", name_of(*segment))?;
        }
        Error::ForeignStore { segment } => {
            let name = name_of(*segment);
            return writeln!(
                out,
                "  put {name} back where it came from, and in its place what was here"
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
                "  restore the directory from a copy, or let other replicas fill a new one"
            )?;
        }
    }
    match reach {
        None => {
            writeln!(out, "  nothing can be kept of it here: its first segment is not in its place")
        }
        Some(lsn) => {
            writeln!(out, "  or see what is left without LSN {lsn} and all behind it:")?;
            writeln!(out, "      logctl truncate-at DIR {lsn}")
        }
    }
}

/// Says what can be done about entries that are missing although every frame holds.
fn advise_on_hole(corruption: &Corruption, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  put the segment back that held what is missing, if there is a copy")?;
    for lost in &corruption.lost {
        let (Lost::Entries { group, .. } | Lost::State { group }) = lost;
        writeln!(out, "  or drop the group, and let another replica send it again:")?;
        writeln!(out, "      logctl drop-group DIR {group}")?;
    }
    Ok(())
}
