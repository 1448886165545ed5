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
//! ```

mod allocations; // counts what is asked of the memory allocator
mod cluster; // three nodes in one thread, ours or the peer's: what both must do
mod measure; // one slice of one side, and how two sides take turns
mod ours; // the cluster of our nodes
mod raft_rs; // the cluster of the peer's
mod report; // the table, and the same as JSON
mod shape; // what is measured, and the goals

use clap::{Parser, Subcommand};
use measure::Effort;
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
    /// Three Raft nodes in memory: ours and crate `raft` 0.7 (raft-rs).
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
    },
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
    let What::Raft { json, seconds, rounds } = Arguments::parse().what;
    let effort = Effort { slice: Duration::from_secs_f64(seconds / f64::from(rounds)), rounds };
    let compared = match measure::compare(effort) {
        Ok(compared) => compared,
        Err(why) => {
            eprintln!("error: {why}");
            return ExitCode::FAILURE;
        }
    };
    if json {
        report::print_json(effort, &compared);
    } else {
        report::print_table(effort, &compared);
    }
    ExitCode::SUCCESS
}
