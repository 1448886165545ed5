//! `logctl`: looks into a log, and ends it earlier or drops a group of it when it is told to.
//!
//! ```text
//!   logctl check DIR --> arguments --> storage::inspect, on a disk that can only be read --> a page
//!   logctl truncate-at DIR LSN --yes -->          '---- on one that can be written --'
//! ```
//!
//! All it knows is how its arguments are written: what it says, and does, is the library's.

mod arguments; // what is asked for

use arguments::{Arguments, HELP, Subcommand};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use storage::inspect::{self, Consent, Health, Stop};
use storage::{Disk, RealDisk};

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("logctl: {why}");
            return ExitCode::from(2);
        }
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let outcome = answer(&arguments, &mut out).and_then(|health| {
        out.flush()?;
        Ok(health)
    });
    let code = inspect::exit_code(&outcome);
    if let Err(stop) = outcome {
        // What was found so far is worth reading; if it cannot be written, that was said already.
        let is_told = !matches!(stop, Stop::Output(_)) && out.flush().is_ok();
        if is_told || code != 141 {
            eprintln!("logctl: {stop}");
        }
    }
    ExitCode::from(code)
}

/// Does what is asked for.
fn answer(arguments: &Arguments, out: &mut dyn Write) -> Result<Health, Stop> {
    let Arguments { dir, subcommand } = arguments;
    match subcommand {
        Subcommand::Help => {
            out.write_all(HELP.as_bytes())?;
            Ok(Health::Sound)
        }
        Subcommand::Dump(selection) => inspect::dump(&to_read(dir)?, selection, out),
        Subcommand::Tail(frames, selection) => {
            inspect::tail(&to_read(dir)?, *frames, selection, out)
        }
        Subcommand::Check => inspect::check(&to_read(dir)?, out),
        Subcommand::Stats => inspect::stats(&to_read(dir)?, out),
        Subcommand::TruncateAt(lsn, gapped, consent) => {
            inspect::truncate_at(&disk(dir, *consent)?, *lsn, *gapped, *consent, out)
        }
        Subcommand::DropGroup(group, consent) => {
            inspect::drop_group(&disk(dir, *consent)?, *group, *consent, out)
        }
    }
}

/// Opens a directory for something that may be done to it.
fn disk(dir: &Path, consent: Consent) -> Result<impl Disk + Clone, Stop> {
    let disk = to_read(dir)?;
    match consent {
        Consent::Ask => Ok(disk),
        Consent::Given => RealDisk::at(dir).map_err(|error| unopened(dir, &error)),
    }
}

/// Opens a directory to read it.
fn to_read(dir: &Path) -> Result<RealDisk, Stop> {
    RealDisk::to_read(dir).map_err(|error| unopened(dir, &error))
}

/// Says that a directory cannot be opened.
fn unopened(dir: &Path, error: &io::Error) -> Stop {
    Stop::Refused(format!("{}: {error}", dir.display()))
}
