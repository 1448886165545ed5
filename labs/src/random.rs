//! `labs bugs --random N`: mistakes that nobody chose, against the suite of a lab.
//!
//! ```text
//!   all mutations of all holes of the lab, shuffled by a seed; the first N
//!     1  units and tables, all but the simulations     a test fails: it is dead
//!     2  the simulations, for what is left             a test fails: it is dead
//!   labs/equivalent.toml says why some of the living are no mistakes
//! ```
//!
//! One build holds them all, as in `bugs`. A mutation that no test ran is alive.

use crate::bugs::{Try, tried};
use crate::course::Course;
use crate::cutter;
use crate::mutations::{self, Mutation};
use runner::catalogue::{Lab, is_simulation, parse};
use runner::place::lines;
use runner::screen::{BOLD, GREEN, RED, hang, paint};
use serde::Deserialize;
use std::collections::BTreeSet;

/// The reasons why some mutations are no mistakes.
const EQUIVALENT: &str = "labs/equivalent.toml";

/// A mutation that changes nothing that a test may ask for.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Equivalent {
    /// The function.
    function: String,
    /// What the mutation does, in its own words.
    what: String,
    /// Why that is no mistake.
    reason: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Equivalents {
    equivalent: Vec<Equivalent>,
}

/// One mutation of a hole.
struct Drawn {
    file: String,
    function: String,
    mutation: Mutation,
}

/// Draws mutations of the holes of each lab, and runs the lab's tests on them. Returns whether at least
/// nine of ten die in every lab, of those that are mistakes.
///
/// # Errors
/// A mutation does not compile, or the suite cannot be run.
pub fn prove(course: &Course, labs: &[&Lab], count: usize, seed: u64) -> Result<bool, String> {
    let known = known(course)?;
    let mut all_well = true;
    for lab in labs {
        let is_known = |drawn: &Drawn| {
            let same =
                |e: &Equivalent| e.function == drawn.function && e.what == drawn.mutation.what;
            known.iter().any(same)
        };
        let (excused, mut drawn): (Vec<_>, Vec<_>) =
            all(course, lab)?.into_iter().partition(is_known);
        shuffle(&mut drawn, seed);
        drawn.truncate(count);
        let alive = survivors(course, lab, &drawn)?;
        all_well &= report(lab, &drawn, &alive, excused.len());
    }
    Ok(all_well)
}

/// Reads the mutations that are no mistakes.
fn known(course: &Course) -> Result<Vec<Equivalent>, String> {
    let path = course.root.join(EQUIVALENT);
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let file: Equivalents = parse(EQUIVALENT, &text).map_err(|e| lines(&[e]))?;
    Ok(file.equivalent)
}

/// Returns what [`EQUIVALENT`] says of mutations that there are not, or without a reason.
///
/// # Errors
/// The file, or a hole, cannot be read.
pub fn outdated(course: &Course) -> Result<Vec<String>, String> {
    let mut there = Vec::new();
    for lab in course.catalogue.open() {
        there.extend(all(course, lab)?);
    }
    let is_there = |e: &Equivalent| {
        there.iter().any(|drawn| drawn.function == e.function && drawn.mutation.what == e.what)
    };
    let of =
        |e: &Equivalent, what: &str| format!("{EQUIVALENT}: {}: {}: {what}", e.function, e.what);
    let known = known(course)?;
    let gone = known.iter().filter(|e| !is_there(e)).map(|e| of(e, "no such mutation"));
    let bare = known.iter().filter(|e| e.reason.trim().is_empty()).map(|e| of(e, "no reason"));
    Ok(gone.chain(bare).collect())
}

/// Lists the mutations of every hole of a lab.
fn all(course: &Course, lab: &Lab) -> Result<Vec<Drawn>, String> {
    let mut found = Vec::new();
    for hole in lab.steps.iter().flat_map(|step| &step.holes) {
        let source = course.reference.get(&hole.file).ok_or_else(|| no_file(&hole.file))?;
        let range = cutter::body(source, &hole.path)?;
        let of = mutations::of(&source[range]).map_err(|e| format!("{}: {e}", hole.path))?;
        found.extend(of.into_iter().map(|mutation| Drawn {
            file: hole.file.clone(),
            function: hole.path.clone(),
            mutation,
        }));
    }
    Ok(found)
}

fn no_file(file: &str) -> String {
    format!("there is no source file {file}")
}

/// Shuffles, always the same way for a seed (Fisher and Yates, with splitmix64).
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for at in (1..items.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        items.swap(at, ((mixed ^ (mixed >> 31)) % (at as u64 + 1)) as usize);
    }
}

/// Returns the numbers of the mutations that no test notices.
fn survivors(course: &Course, lab: &Lab, drawn: &[Drawn]) -> Result<Vec<usize>, String> {
    let (slow, quick): (BTreeSet<String>, BTreeSet<String>) =
        lab.tests().map(|test| test.name.clone()).partition(|name| is_simulation(name));
    let mut alive: Vec<usize> = (0..drawn.len()).collect();
    for tests in [quick, slow] {
        let tries: Vec<Try<'_>> = alive
            .iter()
            .map(|&number| {
                let Drawn { file, function, mutation } = &drawn[number];
                Try { file, function, body: &mutation.body, tests: &tests }
            })
            .collect();
        if !tests.is_empty() && !tries.is_empty() {
            let dead = tried(course, lab, &tries)?;
            let mut dead = dead.into_iter();
            alive.retain(|_| !dead.next().unwrap_or(false));
        }
    }
    Ok(alive)
}

/// Prints what came out. Returns whether enough died.
fn report(lab: &Lab, drawn: &[Drawn], alive: &[usize], excused: usize) -> bool {
    for &number in alive {
        let Drawn { function, mutation, .. } = &drawn[number];
        anstream::println!("{}", hang("  x ", &format!("{function}: {}", mutation.what)));
    }
    let dead = drawn.len() - alive.len();
    let is_enough = 10 * dead >= 9 * drawn.len();
    let sum = format!(
        "lab {}: {dead} of {} random mistakes die; {excused} more are no mistakes ({EQUIVALENT})",
        lab.id,
        drawn.len()
    );
    let style = if is_enough { GREEN } else { RED };
    anstream::println!("{}", paint(BOLD, &paint(style, &sum)));
    is_enough
}

#[cfg(test)]
mod tests {
    use super::shuffle;

    #[test]
    fn a_seed_always_draws_the_same() {
        let drawn = |seed| {
            let mut numbers: Vec<u32> = (0..50).collect();
            shuffle(&mut numbers, seed);
            numbers
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        let mut sorted = drawn(3);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<u32>>());
    }
}
