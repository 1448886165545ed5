//! The first panic of a test, and what it means.
//!
//! ```text
//!   "not yet implemented: lab 2aa step 5: Core::decide_vote"  -> a hole, not written yet
//!   anything else                                             -> the code panicked
//! ```
//!
//! Only the first counts: a panic during its clean-up is a consequence.

use crate::place::{Place, tidy};
use std::any::Any;
use std::backtrace::Backtrace;
use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};

/// What a hole's `todo!` says first.
const HOLE: &str = "not yet implemented: lab ";
const MESSAGE_CHARS_MAX: usize = 400;

/// The first panic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FirstPanic {
    /// What it said.
    pub(crate) message: String,
    /// Where it was raised.
    pub(crate) at: Option<Place>,
    /// The student's line that led there.
    pub(crate) yours: Option<Place>,
    /// The lines of the student's crates that led there, the innermost first.
    pub(crate) stack: Vec<Place>,
    /// The hole, if it is one: `Core::decide_vote`.
    pub(crate) hole: Option<String>,
}

static FIRST: Mutex<Option<FirstPanic>> = Mutex::new(None);

/// Clears the first panic: a new test begins.
pub(crate) fn forget() {
    *FIRST.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Returns the first panic since [`forget`].
pub(crate) fn first() -> Option<FirstPanic> {
    FIRST.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Notes a panic, if it is the first. Returns it then.
pub(crate) fn note(info: &PanicHookInfo<'_>) -> Option<FirstPanic> {
    let mut first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    if first.is_some() {
        return None;
    }
    let message = message(info.payload());
    let hole = hole(&message);
    let at = info.location().map(Place::from);
    let is_clear = at.as_ref().is_some_and(decides);
    let stack = if hole.is_some() { Vec::new() } else { student_frames() };
    let yours = if is_clear { None } else { stack.iter().find(|place| decides(place)).cloned() };
    let yours = yours.or_else(|| at.clone().filter(Place::is_the_students));
    first.insert(FirstPanic { message, at, yours, stack, hole }).clone().into()
}

/// Returns what a panic said.
pub fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("(a value that is no text)");
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

/// Returns the hole a message names.
fn hole(message: &str) -> Option<String> {
    let (_, path) = message.strip_prefix(HOLE)?.rsplit_once(": ")?;
    Some(path.trim().to_owned())
}

/// Files without holes, which check what others pass to them: the caller decided.
const KEPT: [&str; 4] = ["/ledger.rs", "/types.rs", "/raft.rs", "/event.rs"];

/// Returns whether a line can decide: in a file that students change, not in one that only checks.
fn decides(place: &Place) -> bool {
    place.is_the_students() && !KEPT.iter().any(|kept| place.file.ends_with(kept))
}

/// Lists the lines of the student's crates that are being called, the innermost first.
fn student_frames() -> Vec<Place> {
    frames_in(&Backtrace::force_capture().to_string())
}

fn frames_in(backtrace: &str) -> Vec<Place> {
    let places = backtrace.lines().filter_map(|line| place_of(line.trim().strip_prefix("at ")?));
    places.filter(Place::is_the_students).collect()
}

/// Reads `./raft/src/election.rs:84:9`.
fn place_of(text: &str) -> Option<Place> {
    let (file, _column) = text.rsplit_once(':')?;
    let (file, line) = file.rsplit_once(':')?;
    Some(Place { file: tidy(file), line: line.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_told_from_any_other_panic() {
        let said = "not yet implemented: lab 2aa step 5: Core::decide_vote";
        assert_eq!(hole(said).as_deref(), Some("Core::decide_vote"));
        for other in ["not yet implemented", "not yet implemented: tomorrow", "index out of bounds"]
        {
            assert_eq!(hole(other), None);
        }
    }

    #[test]
    fn the_students_frames_are_listed_innermost_first() {
        let backtrace = "   0: std::panicking\n             at /rustc/1/library/std/src/p.rs:1:2\n\
            1: enter_term\n             at ./raft/src/ledger.rs:90:9\n   2: x\n             at \
            /home/me/my-raft/raft/src/role.rs:130:19\n   3: y\n             at ./raft/src/step.rs:1:1";
        let place = |file: &str, line| Place { file: format!("raft/src/{file}"), line };
        let frames = [place("ledger.rs", 90), place("role.rs", 130), place("step.rs", 1)];
        assert_eq!(frames_in(backtrace), frames);
        assert_eq!(frames.iter().find(|place| decides(place)), Some(&frames[1]), "not the ledger");
        assert_eq!(frames_in("no backtrace here"), []);
    }
}
