//! What the last run said, and whether the code has changed since.
//!
//! ```text
//!   .labs/last.jsonl   the suite's report
//!   .labs/last.code    a fingerprint of raft/ and storage/ as they were when that run began
//!   .labs/last.fault   the fingerprint of code that did not compile
//! ```
//!
//! A verdict is about code. One that is older than the code is still worth a word ("held before your
//! last change"), but it is no verdict any more.

use crate::catalogue::Fingerprint;
use crate::place::{CourseFolder, replace_file};
use crate::report::{self, ReportLine};
use std::path::{Path, PathBuf};

/// What the last run said.
#[derive(Clone, PartialEq, Debug)]
pub struct Last {
    /// Its verdicts.
    pub verdicts: Vec<ReportLine>,
    /// Whether they are about the code as it is.
    pub age: Age,
}

/// Whether verdicts are about the code as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Age {
    /// They are.
    Current,
    /// They are about what it was before something changed.
    BeforeLastChange,
}

impl Last {
    /// Reads what the last run in a place said, if that can still be read.
    pub fn read(place: &CourseFolder) -> Self {
        let verdicts = report::last(&report_file(place));
        let noted = std::fs::read_to_string(code_file(place)).unwrap_or_default();
        let same = noted.trim() == code(place);
        Last { verdicts, age: if same { Age::Current } else { Age::BeforeLastChange } }
    }
}

/// Returns the file into which a run reports.
pub fn report_file(place: &CourseFolder) -> PathBuf {
    place.memory().join("last.jsonl")
}

/// Returns whether the code as it is was tried, and does not compile.
pub fn is_fault(place: &CourseFolder) -> bool {
    let noted = std::fs::read_to_string(fault_file(place)).unwrap_or_default();
    noted.trim() == code(place)
}

fn fault_file(place: &CourseFolder) -> PathBuf {
    place.memory().join("last.fault")
}

fn code_file(place: &CourseFolder) -> PathBuf {
    place.memory().join("last.code")
}

/// Notes which code the run that now begins is about.
///
/// # Errors
/// It cannot be written.
pub fn note(place: &CourseFolder, code: &str) -> Result<(), String> {
    write(place, &code_file(place), code)
}

/// Notes which code does not compile.
///
/// # Errors
/// It cannot be written.
pub fn note_fault(place: &CourseFolder, code: &str) -> Result<(), String> {
    write(place, &fault_file(place), code)
}

fn write(place: &CourseFolder, file: &Path, code: &str) -> Result<(), String> {
    let folder = place.memory();
    std::fs::create_dir_all(&folder)
        .map_err(|e| format!("{} cannot be made: {e}", folder.display()))?;
    replace_file(file, &format!("{code}\n"))
}

/// Returns a fingerprint of the code that a place's student writes. Take it before a build: what is
/// saved meanwhile makes the verdicts old.
pub fn code(place: &CourseFolder) -> String {
    let mut print = Fingerprint::default();
    for folder in place.written() {
        take(&folder, &mut print);
    }
    print.to_string()
}

/// Takes in every source file of a folder, in order of their names.
fn take(folder: &Path, print: &mut Fingerprint) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            take(&path, print);
        } else if path.extension().is_some_and(|e| e == "rs" || e == "toml") {
            print.take(path.to_string_lossy().as_bytes());
            print.take(&std::fs::read(&path).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_age_with_the_first_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = CourseFolder { root: folder.path().to_owned(), settings: None };
        let file = folder.path().join("raft/src/a.rs");
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(&file, "fn a() {}").expect("written");
        assert_ne!(Last::read(&place).age, Age::Current, "never run");
        note(&place, &code(&place)).expect("noted");
        assert_eq!(Last::read(&place).age, Age::Current);
        std::fs::write(&file, "fn a() { }").expect("written");
        assert_eq!(Last::read(&place).age, Age::BeforeLastChange);
        std::fs::write(&file, "fn a() {}").expect("written");
        assert_eq!(Last::read(&place).age, Age::Current, "undone");
    }
}
