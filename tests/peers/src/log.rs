//! The log engine beside crate `raft-engine`, on a disk.
//!
//! ```text
//!   append    1 and 8 threads, async and sync, batches of 1 and 32, 1 and 64 groups
//!             one thread that syncs, beside a loop that does nothing but write and sync
//!   fetch     from memory, and from the disk, in order and at random
//!   recovery  of 512 MiB
//!   space     after nearly all was let go, with busy groups and idle ones
//!   memory    for each entry, in processes of their own
//! ```
//!
//! In every round both sides take turns, and who is first alternates.

mod append; // batches go in
mod engine; // what a side has to do
mod fetch; // entries come out
mod fill; // a log to read from
mod line; // what both sides did, round by round
mod memory; // what a process holds for each entry
mod ours; // our side
mod peer; // the peer's
mod place; // directories, and what of them is in memory
mod recovery; // a log is opened
mod report; // the table, and the same as JSON
mod space; // what is on the disk
mod timing; // by the clock, and in time of processors

pub(crate) use memory::{When, Who, weigh};

use line::Line;
use place::Place;
use std::path::PathBuf;
use std::time::Duration;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// How long a slice lasts.
    pub(crate) slice: Duration,
    /// How many slices each side of each cell gets.
    pub(crate) rounds: u32,
}

impl Effort {
    /// Lets both sides do something, ours first in every other round.
    fn in_turns<T, U>(
        self,
        round: u32,
        ours: impl FnOnce() -> Result<T, String>,
        peer: impl FnOnce() -> Result<U, String>,
    ) -> Result<(T, U), String> {
        if round.is_multiple_of(2) {
            let ours = ours()?;
            Ok((ours, peer()?))
        } else {
            let peer = peer()?;
            Ok((ours()?, peer))
        }
    }
}

/// Which cells are wanted.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Those whose names have one of these in them; if there are none, all.
    pub(crate) only: Vec<String>,
}

impl Wanted {
    /// Returns whether a cell is wanted.
    fn is_wanted(&self, cell: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| cell.contains(part))
    }
}

/// How the result is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Table,
    Json,
}

/// Measures every cell that is wanted, and prints it.
///
/// # Errors
/// If no cell is wanted, or the directory is in memory; what an engine says.
pub(crate) fn run(
    dir: Option<PathBuf>,
    effort: Effort,
    wanted: &Wanted,
    form: Form,
) -> Result<(), String> {
    let place = Place::within(dir)?;
    if form == Form::Table {
        report::print_heading(effort, &place.file_system);
    }
    let sections =
        [append::compare, fetch::compare, recovery::compare, space::compare, memory::compare];
    let mut lines: Vec<Line> = Vec::new();
    for section in sections {
        let found = section(&place, effort, wanted)?;
        if form == Form::Table {
            found.iter().for_each(report::print_line);
        }
        lines.extend(found);
    }
    if lines.is_empty() {
        return Err(format!("no cell's name has any of {:?} in it", wanted.only));
    }
    if form == Form::Json {
        report::print_json(effort, &place.file_system, &lines);
    }
    Ok(())
}
