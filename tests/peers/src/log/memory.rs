//! Memory: what a process holds for each entry of its log.
//!
//! ```text
//!   written   a fresh process opens an empty directory, writes four million entries
//!   opened    a fresh process opens what another has left
//! ```
//!
//! Counted is what is resident and is no file's: pages of mapped files, and the page cache, are the
//! system's to take back. Of ours it is the index and what is held of the segment being written,
//! which is a segment at most, however long the log is.

use super::engine::{Engine, Settings};
use super::fill::Filled;
use super::line::{Better, Goal, Line, Round};
use super::ours::Ours;
use super::peer::Peer;
use super::place::{Place, resident_bytes};
use super::{Effort, Wanted};
use clap::ValueEnum;
use std::path::Path;
use std::process::Command;

/// How many bytes of entries there are.
const FILLED_BYTES: u64 = 1 << 30;

/// How often it is measured, at most: it hardly changes.
const ROUNDS: u32 = 3;

/// Whose memory is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Who {
    Ours,
    Peer,
}

/// When.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum When {
    Written,
    Opened,
}

/// Measures both, each in a process of its own.
///
/// # Errors
/// What a process says.
pub(crate) fn compare(place: &Place, effort: Effort, wanted: &Wanted) -> Result<Vec<Line>, String> {
    let lines = [(When::Written, "memory/written"), (When::Opened, "memory/opened")];
    let goal = Goal::AtMost(0.5);
    let mut lines =
        lines.map(|(when, cell)| (when, Line::new(cell.into(), "bytes/entry", Better::Less, goal)));
    if !lines.iter().any(|(_, line)| wanted.is_wanted(&line.cell)) {
        return Ok(Vec::new());
    }
    for round in 0..effort.rounds.min(ROUNDS) {
        let (our_dir, peer_dir) = (place.empty("ours")?, place.empty("peer")?);
        for (when, line) in &mut lines {
            let (ours, peer) = effort.in_turns(
                round,
                || in_a_process(Who::Ours, *when, &our_dir),
                || in_a_process(Who::Peer, *when, &peer_dir),
            )?;
            line.rounds.push(Round { ours, peer });
        }
    }
    place.clear("ours")?;
    place.clear("peer")?;
    let lines = lines.into_iter().map(|(_, line)| line);
    Ok(lines.filter(|line| wanted.is_wanted(&line.cell)).collect())
}

/// Runs this program again, to weigh one side.
fn in_a_process(who: Who, when: When, dir: &Path) -> Result<f64, String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let name = |value: &dyn Fn() -> Option<clap::builder::PossibleValue>| {
        value().expect("none is hidden").get_name().to_string()
    };
    let (who, when) = (name(&|| who.to_possible_value()), name(&|| when.to_possible_value()));
    let output = Command::new(program).arg("weigh").args([who, when]).arg(dir).output();
    let output = output.map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| format!("`{text}` is not a number"))
}

/// Returns how many bytes one side holds for each entry: what such a process does.
///
/// # Errors
/// What the engine says; if the system does not say what is resident.
pub(crate) fn weigh(who: Who, when: When, dir: &Path) -> Result<f64, String> {
    match who {
        Who::Ours => weigh_one::<Ours>(when, dir),
        Who::Peer => weigh_one::<Peer>(when, dir),
    }
}

fn weigh_one<E: Engine>(when: When, dir: &Path) -> Result<f64, String> {
    let filled = Filled::of(FILLED_BYTES, 64, 32);
    let resident = || resident_bytes().ok_or("the system does not say what is resident");
    let before = resident()?;
    let mut engine = E::open(dir, Settings::default())?;
    engine.serve()?;
    if when == When::Written {
        filled.write(&engine)?;
    }
    filled.check(&engine)?;
    let held = resident()?.saturating_sub(before);
    engine.close()?;
    Ok(held as f64 / filled.entries() as f64)
}
