//! Whether a card leads to the mistake: what a bug edits, beside what its killer's card names.
//!
//! ```text
//!   edited        named by the card                                      found
//!   Log::append   Log::append                                            first
//!   Log::append   in one of  Core::on_append, Log::append, Log::term     in the list
//!   Log::append   Core::learn_commit                                     not named
//! ```
//!
//! Only bugs count whose first edit lies in a hole of their lab: of these, a student wrote the function.
//! A bug may edit two holes; naming either one leads to it.
//!
//! Invariant: a list of more than [`LIST_MAX`] functions names nothing.

use super::BugProof;
use crate::changes::Bug;
use runner::catalogue::Lab;
use serde::Serialize;
use std::fmt;

/// How many functions a card may name and still lead somewhere.
pub const LIST_MAX: usize = 3;

/// What a bug edits, and what a card names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct BlameResult {
    /// The holes that the bug edits.
    pub edited: Vec<String>,
    /// The functions that its killer's card names, the likeliest first.
    pub named: Vec<String>,
    /// Where in that list an edited one is.
    pub found: BlameRank,
    /// Those of the named functions that belong to a later step than the killer: not written yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unwritten: Vec<String>,
}

/// Where in a card's list the edited function is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlameRank {
    /// It is named first.
    First,
    /// It is one of at most [`LIST_MAX`], and not the first.
    InList,
    /// It is not named, or is one of too many.
    NotNamed,
}

impl BlameResult {
    /// Compares the holes that a bug edits with the functions that a card names.
    pub fn of(edited: Vec<String>, named: &[String]) -> Self {
        let named = named.to_vec();
        let found = match named.iter().position(|name| edited.contains(name)) {
            Some(0) => BlameRank::First,
            Some(_) if named.len() <= LIST_MAX => BlameRank::InList,
            Some(_) | None => BlameRank::NotNamed,
        };
        BlameResult { edited, named, found, unwritten: Vec::new() }
    }

    /// Notes which of the named functions a student who works on this step has still to write.
    pub(super) fn at_step(mut self, lab: &Lab, step: u32) -> Self {
        let later = lab.steps.iter().filter(|of| of.number > step).flat_map(|of| &of.holes);
        let later: Vec<_> = later.map(|hole| hole.path.as_str()).collect();
        let named = self.named.iter().filter(|name| later.contains(&name.as_str()));
        self.unwritten = named.cloned().collect();
        self
    }
}

/// Returns the holes of its lab that a bug edits; none unless its first edit lies in one.
pub(super) fn edited_holes(lab: &Lab, bug: &Bug) -> Option<Vec<String>> {
    let holes = || lab.steps.iter().flat_map(|step| &step.holes);
    let mut in_holes = bug.edits.iter().map(|edit| {
        let hole = holes().find(|hole| hole.file == edit.file && hole.path == edit.function);
        hole.map(|hole| hole.path.clone())
    });
    let first = in_holes.next()??;
    let mut edited = vec![first];
    for hole in in_holes.flatten() {
        if !edited.contains(&hole) {
            edited.push(hole);
        }
    }
    Some(edited)
}

/// How many cards of a lab lead to the mistake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tally {
    /// The lab.
    pub lab: String,
    /// How many of its bugs edit a hole first.
    pub of: usize,
    /// In how many the card names an edited function first.
    pub first: usize,
    /// In how many it is in a list of at most [`LIST_MAX`], and not the first.
    pub in_list: usize,
    /// In how many it names a function of a later step, which is not written yet.
    pub unwritten: usize,
}

/// Counts, lab by lab, in the order of the bugs.
pub fn tallies(bugs: &[BugProof]) -> Vec<Tally> {
    let mut tallies: Vec<Tally> = Vec::new();
    for bug in bugs {
        let Some(blame) = &bug.blame else { continue };
        let at = tallies.iter().position(|tally| tally.lab == bug.lab).unwrap_or_else(|| {
            tallies.push(Tally { lab: bug.lab.clone(), of: 0, first: 0, in_list: 0, unwritten: 0 });
            tallies.len() - 1
        });
        let tally = &mut tallies[at];
        tally.of += 1;
        tally.unwritten += usize::from(!blame.unwritten.is_empty());
        match blame.found {
            BlameRank::First => tally.first += 1,
            BlameRank::InList => tally.in_list += 1,
            BlameRank::NotNamed => {}
        }
    }
    tallies
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { lab, of, first, in_list, unwritten } = self;
        let share = |part: usize| part * 100 / (*of).max(1);
        write!(
            f,
            "lab {lab}: of {of} bugs in a hole, the card names the function first in {first} ({} %), \
             in a list of {LIST_MAX} in {in_list} (together {} %), not in {}",
            share(*first),
            share(first + in_list),
            of - first - in_list
        )?;
        match unwritten {
            0 => Ok(()),
            _ => write!(f, "; {unwritten} name a function of a later step"),
        }
    }
}

#[cfg(test)]
mod tests;
