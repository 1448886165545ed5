//! Ours and the best of the others, side by side in one run.
//!
//! ```text
//!   round 1   ours peer   peer ours   ours peer ...     one shape after the other
//!   round 2   peer ours   ours peer   peer ours ...
//!                |
//!                '--> medians, the spread, the ratio: one line per shape
//! ```
//!
//! A number of this machine says little; a ratio of one run says much. So both sides take turns, in
//! short slices, and what disturbs one disturbs the other.
//!
//! ```text
//!   cargo run --release --manifest-path tests/peers/Cargo.toml -- raft
//!   cargo run --release --manifest-path tests/peers/Cargo.toml -- log
//! ```

mod allocations; // counts what is asked of the memory allocator
mod cluster; // nodes in one thread, ours or the peer's: what both must do
mod lockstep; // the same operations on ours and on the peer's nodes, compared
mod log; // the log engine and the peer's
mod measure; // one slice of one side, and how two sides take turns
mod ours; // the cluster of our nodes
mod raft_rs; // the cluster of the peer's
mod report; // the table, and the same as JSON
mod shape; // what is measured, and the goals

use clap::{Parser, Subcommand};
use log::Form;
use measure::Effort;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

/// Measures ours and the best of the others, side by side.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Raft nodes in memory: ours and crate `raft` 0.7 (raft-rs).
    Raft {
        /// Prints one JSON document instead of a table.
        #[arg(long)]
        json: bool,
        /// How long each side of each shape is measured, all rounds together.
        #[arg(long, default_value_t = 1.0, value_parser = seconds)]
        seconds: f64,
        /// How many rounds that time is cut into; medians and spreads are over them.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
        rounds: u32,
        /// Measures only shapes that have this in their names. May be given several times.
        #[arg(long, value_name = "SHAPE")]
        only: Vec<String>,
    },
    /// The same random operations on our nodes and on those of crate `raft` 0.7, compared at rest.
    Lockstep {
        /// How many schedules.
        #[arg(long, default_value_t = 1000)]
        schedules: u64,
        /// How many operations each has.
        #[arg(long, default_value_t = 40)]
        length: usize,
        /// The seed of the first schedule; the next ones follow.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// The log engine: ours and crate `raft-engine` 0.4.2.
    Log {
        /// Prints one JSON document instead of a table.
        #[arg(long)]
        json: bool,
        /// How long each side of each cell is measured, all rounds together, where a cell is a speed.
        #[arg(long, default_value_t = 2.0, value_parser = seconds)]
        seconds: f64,
        /// How many rounds that time is cut into; medians and spreads are over them.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
        rounds: u32,
        /// Measures only cells that have this in their names. May be given several times.
        #[arg(long, value_name = "CELL")]
        only: Vec<String>,
        /// A directory on a disk, instead of the one for temporary files: about 3 GiB are used.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Says how many bytes one log holds in memory for each entry: `log` runs this.
    #[command(hide = true)]
    Weigh { who: log::Who, when: log::When, dir: PathBuf },
}

/// Reads a number of seconds that can be measured.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    if (0.001..=3600.0).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(format!("{seconds} seconds are not between 0.001 and 3600"))
    }
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().what {
        What::Raft { json, seconds, rounds, only } => raft(form(json), seconds, rounds, &only),
        What::Lockstep { schedules, length, seed } => lockstep::run(schedules, length, seed),
        What::Log { json, seconds, rounds, only, dir } => {
            let effort = log::Effort { slice: slice(seconds, rounds), rounds };
            log::run(dir, effort, &log::Wanted { only }, form(json))
        }
        What::Weigh { who, when, dir } => log::weigh(who, when, &dir).map(|it| println!("{it}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Compares Raft nodes.
fn raft(form: Form, seconds: f64, rounds: u32, only: &[String]) -> Result<(), String> {
    let effort = Effort { slice: slice(seconds, rounds), rounds };
    let compared = measure::compare(effort, only)?;
    match form {
        Form::Json => report::print_json(effort, &compared),
        Form::Table => report::print_table(effort, &compared),
    }
    Ok(())
}

/// Returns the length of each slice of some seconds.
fn slice(seconds: f64, rounds: u32) -> Duration {
    Duration::from_secs_f64(seconds / f64::from(rounds))
}

/// Returns the form that was asked for.
fn form(json: bool) -> Form {
    if json { Form::Json } else { Form::Table }
}
