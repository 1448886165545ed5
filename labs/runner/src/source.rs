//! Finding holes in source text, without parsing it: a student's file may not parse.
//!
//! ```text
//!   impl Majority {
//!       pub fn needed(&self) -> usize {          <- found by `fn needed` under `impl ... Majority`
//!           todo!("lab 2aa step 1: Majority::needed")      <- unwritten while this line is there
//!       }
//! ```
//!
//! Good enough to point at a line and to open an inert body of our own. What is cut and filled is
//! found by the desk, which parses.

use crate::catalogue::{Hole, Lab, Step, marker};
use crate::place::{CourseFolder, replace_file};

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
    let unwritten = text.lines().position(|line| line.contains(&cut));
    let line = unwritten.or_else(|| function(&text, &hole.path).map(|at| line(&text, at)));
    let at = match line {
        Some(line) => format!("{}:{}", hole.file, line + 1),
        None => hole.file.clone(),
    };
    let inert = hole.before.as_deref().and_then(|before| opened(&text, &hole.path, before, &cut));
    Spot { at, unwritten: unwritten.is_some() || inert.is_some() }
}

/// Opens the inert functions of a step: what did nothing so far now waits to be written. A body that
/// the student has already changed stays as it is.
///
/// # Errors
/// A file cannot be read or written.
pub fn open_step(place: &CourseFolder, lab: &Lab, step: &Step) -> Result<(), String> {
    for hole in &step.holes {
        let Some(before) = &hole.before else { continue };
        let path = place.root.join(&hole.file);
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", hole.file))?;
        if let Some(text) = opened(&text, &hole.path, before, &marker(lab, step, hole)) {
            replace_file(&path, &text)?;
        }
    }
    Ok(())
}

/// Puts `marker` in place of the inert body of a function, if that is still the text there.
fn opened(text: &str, path: &str, before: &str, marker: &str) -> Option<String> {
    let at = function(text, path)?;
    let start = at + text[at..].find('{')?;
    let end = start + closing(&text[start..])?;
    let squeeze = |body: &str| body.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    if squeeze(&text[start..end]) != squeeze(before) {
        return None;
    }
    let line_start = text[..at].rfind('\n').map_or(0, |n| n + 1);
    let indent: String = text[line_start..].chars().take_while(|c| *c == ' ').collect();
    Some(format!("{}{{\n{indent}    {marker}\n{indent}}}{}", &text[..start], &text[end..]))
}

/// Returns where the brace that opens `text` is closed, just after it.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns where `fn name` of a path is: under an `impl` that names its type or in the trait of
/// that name, if it has one.
fn function(text: &str, path: &str) -> Option<usize> {
    let (of, name) = path.rsplit_once("::").map_or((None, path), |(of, name)| (Some(of), name));
    let of = of.map(|of| of.rsplit("::").next().unwrap_or(of));
    let mut under = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let code = line.trim_start();
        if code.starts_with("impl") || is_trait(code) {
            under = Some(words(code).any(|word| Some(word) == of));
        }
        let mut words = words(code).skip_while(|word| *word != "fn");
        let named = !code.starts_with("//") && words.next().is_some() && words.next() == Some(name);
        if named && (of.is_none() || under == Some(true)) {
            return Some(start + (line.len() - code.len()));
        }
        start += line.len();
    }
    None
}

/// Returns whether a trait's definition begins on this line.
fn is_trait(code: &str) -> bool {
    words(code).find(|word| !matches!(*word, "pub" | "crate" | "super" | "in")) == Some("trait")
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "impl Votes {\n    fn of(&self) {}\n}\nimpl<S: Storage> Core<S> {\n    /// \
                        Not fn of.\n    fn of(&mut self, a: u8) {\n    }\n}\n";

    #[test]
    fn a_function_is_found_under_its_own_type() {
        assert_eq!(function(TEXT, "Core::of").map(|at| line(TEXT, at)), Some(5));
        assert_eq!(function(TEXT, "Votes::of").map(|at| line(TEXT, at)), Some(1));
        assert_eq!(function(TEXT, "Raft::of"), None);
    }

    #[test]
    fn a_function_that_a_trait_gives_is_found_in_the_trait() {
        let text = "pub trait File: Send {\n    fn len(&self);\n    /// All of a trait.\n    fn \
                    all(&self) { self.len() }\n}\nimpl File for Real {\n    fn len(&self) {}\n}\n";
        assert_eq!(function(text, "File::all").map(|at| line(text, at)), Some(3));
        assert_eq!(function(text, "Real::all"), None);
        let text = opened(text, "File::all", "{ self.len() }", "todo!()").expect("inert");
        assert!(text.contains("fn all(&self) {\n        todo!()\n    }\n}"), "{text}");
    }

    #[test]
    fn only_an_inert_body_is_opened() {
        let text = opened(TEXT, "Core::of", "{}", "todo!()").expect("inert");
        assert!(text.contains("a: u8) {\n        todo!()\n    }\n}"), "{text}");
        assert_eq!(opened(&text, "Core::of", "{}", "todo!()"), None);
    }
}
