//! Finding holes in source text, without parsing it: a student's file may not parse.
//!
//! ```text
//!   impl Majority {
//!       pub fn needed(&self) -> usize {          <- found by `fn needed` under `impl ... Majority`
//!           todo!("lab 2aa step 1: Majority::needed")      <- unwritten while this line is there
//!       }
//! ```
//!
//! The harness reads it, as it does for a card. What is cut and filled is found by the desk, which
//! parses.

use crate::catalogue::{Hole, Lab, Step, marker};
use crate::place::{CourseFolder, replace_file};
use crate::progress::Progress;
use harness::function_named;
use std::ops::Range;

/// Where a hole is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spot {
    /// `file:line`, for a terminal that makes it clickable.
    pub at: String,
    /// Whether the cut line is still there, or the inert body that stands there before its step.
    pub unwritten: bool,
}

/// Finds a hole in the sources of a place: the line that waits to be written, else its function.
pub fn spot(place: &CourseFolder, lab: &Lab, step: &Step, hole: &Hole) -> Spot {
    let text = std::fs::read_to_string(place.root.join(&hole.file)).unwrap_or_default();
    let cut = marker(lab, step, hole);
    let unwritten = text.lines().position(|line| line.contains(&cut)).map(|at| at + 1);
    let line = unwritten.or_else(|| Some(function_named(&text, &hole.path)?.line as usize));
    let at = match line {
        Some(line) => format!("{}:{line}", hole.file),
        None => hole.file.clone(),
    };
    let inert = hole.before.as_deref().and_then(|before| opened(&text, &hole.path, before, &cut));
    let is_inert = || inert.is_some() && !was_opened(place, lab, step);
    Spot { at, unwritten: unwritten.is_some() || is_inert() }
}

/// Returns whether the inert functions of a step were opened before.
fn was_opened(place: &CourseFolder, lab: &Lab, step: &Step) -> bool {
    Progress::read(place).0.lab(&lab.id).opened.contains(&step.number)
}

/// Opens the inert functions of a step, once: what did nothing so far now waits to be written. A body
/// that the student has already changed stays as it is. So does one that the student has written since,
/// even if it is the inert body: as a first attempt, that is wrong, and not unwritten.
///
/// # Errors
/// A file cannot be read or written.
pub fn open_step(place: &CourseFolder, lab: &Lab, step: &Step) -> Result<(), String> {
    let (mut progress, _) = Progress::read(place);
    if place.settings.is_none() || !progress.lab_mut(&lab.id).opened.insert(step.number) {
        return Ok(());
    }
    for hole in &step.holes {
        let Some(before) = &hole.before else { continue };
        let path = place.root.join(&hole.file);
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", hole.file))?;
        if let Some(text) = opened(&text, &hole.path, before, &marker(lab, step, hole)) {
            replace_file(&path, &text)?;
        }
    }
    progress.save(place)
}

/// Puts `marker` in place of the inert body of a function, if that is still the text there.
fn opened(text: &str, path: &str, before: &str, marker: &str) -> Option<String> {
    let Range { start, end } = function_named(text, path)?.body?;
    let squeeze = |body: &str| body.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    if squeeze(&text[start..end]) != squeeze(before) {
        return None;
    }
    let last_line = text[..end].rfind('\n').map_or(0, |n| n + 1);
    let indent: String = text[last_line..].chars().take_while(|c| *c == ' ').collect();
    Some(format!("{}{{\n{indent}    {marker}\n{indent}}}{}", &text[..start], &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "impl Votes {\n    fn of(&self) {}\n}\nimpl<S: Storage> Core<S> {\n    \
                        fn of(&mut self, a: u8) {\n    }\n}\n";

    #[test]
    fn only_an_inert_body_is_opened() {
        let text = opened(TEXT, "Core::of", "{}", "todo!()").expect("inert");
        assert!(text.contains("a: u8) {\n        todo!()\n    }\n}"), "{text}");
        assert_eq!(opened(&text, "Core::of", "{}", "todo!()"), None);
        let text = "trait File: Send {\n    fn all(&self) { self.len() }\n}\n";
        let text = opened(text, "File::all", "{ self.len() }", "todo!()").expect("inert");
        assert!(text.contains("fn all(&self) {\n        todo!()\n    }\n}"), "{text}");
    }
}
