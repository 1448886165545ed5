//! `logctl`: shows what is in a log. With `--yes` it also cuts a log, or drops a group.
//!
//! ```text
//!   logctl check DIR --> arguments --> storage::inspect, on a read-only disk --> the output
//!   logctl truncate-at DIR LSN --yes -->          '---- on a writable disk ------'
//! ```
//!
//! The program only parses its arguments. The library prints, and changes the log.

mod arguments; // parses the command line

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
        // The output so far is worth reading. If it cannot be written, `stop` says so already.
        let is_told = !matches!(stop, Stop::Output(_)) && out.flush().is_ok();
        if is_told || code != 141 {
            eprintln!("logctl: {stop}");
        }
    }
    ExitCode::from(code)
}

/// Runs the command.
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

/// Opens a directory: with consent, so that it can be written.
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

/// Returns the error of a directory that cannot be opened.
fn unopened(dir: &Path, error: &io::Error) -> Stop {
    Stop::Refused(format!("{}: {error}", dir.display()))
}
