//! `labs bugs --core`: bugs of functions that no lab has yet, each killed by a test of the core or of the
//! test bed.
//!
//! ```text
//!   labs/core-bugs/read.toml   RD04  counts answers to earlier rounds
//!                                    killer  raft/tests/read.rs  an_answer_to_an_earlier_round_...
//!   one woven build of raft, testbed and these test programs  -->  RD04 is live: does the killer fail?
//! ```
//!
//! When a lab cuts these functions, its suite takes the bugs over.

use crate::changes::{Edit, Hunt, stands_once};
use crate::closure::built_one;
use crate::copy::{self, Files};
use crate::course::{Course, files};
use crate::hunts::Quarry;
use crate::weave::{Arms, CHANGE, REACHED};
use runner::catalogue::parse;
use runner::screen::{BOLD, GREEN, Landmark, RED, Ticker, clip, hang, paint};
use runner::suite::Program;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CoreBugFile {
    bugs: Vec<CoreBug>,
}

/// A bug that no lab's suite has to kill.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CoreBug {
    id: String,
    title: String,
    /// The test program, from the root, and the test.
    killer: String,
    /// How the explorer finds it, if it is to.
    hunt: Option<Hunt>,
    edits: Vec<Edit>,
}

/// Returns the bugs that the explorer is to find.
///
/// # Errors
/// A file cannot be read or has a mistake.
pub fn hunted(course: &Course) -> Result<Vec<Quarry>, String> {
    let quarry =
        |CoreBug { id, title, hunt, edits, .. }| Some(Quarry { id, title, hunt: hunt?, edits });
    Ok(read(course)?.into_iter().filter_map(quarry).collect())
}

impl CoreBug {
    /// Returns the killer's program and its name.
    ///
    /// # Errors
    /// It has not this form, or the program is not there.
    fn killer(&self, course: &Course) -> Result<(&str, &str), String> {
        let (id, said) = (&self.id, &self.killer);
        let (program, test) = said
            .split_once(' ')
            .ok_or_else(|| format!("{id}: expected a program and a test, found {said:?}"))?;
        if Of::program(program).is_none() || !course.root.join(program).is_file() {
            return Err(format!("{id}: there is no test program {program}"));
        }
        Ok((program, test))
    }
}

/// What the test programs of a package share.
const KITS: [&str; 2] = ["raft/tests/kit", "tests/tests/kit"];

/// Which package a test program is of, and what it is called.
struct Of<'a> {
    package: &'static str,
    name: &'a str,
}

impl<'a> Of<'a> {
    /// Reads `raft/tests/read.rs`.
    fn program(file: &'a str) -> Option<Self> {
        let packages = [("raft/tests/", "raft"), ("tests/tests/", "testbed")];
        packages.into_iter().find_map(|(folder, package)| {
            let name = file.strip_prefix(folder)?.strip_suffix(".rs")?;
            Some(Of { package, name })
        })
    }
}

/// Proves every bug. Returns whether all die.
///
/// # Errors
/// A bug has a mistake, or the tests cannot be built or run.
pub fn prove(course: &Course) -> Result<bool, String> {
    let bugs = read(course)?;
    let (mut arms, mut programs) = (Arms::default(), BTreeSet::new());
    for (index, bug) in bugs.iter().enumerate() {
        programs.insert(bug.killer(course)?.0);
        for edit in &bug.edits {
            stands_once(&course.reference, edit).map_err(|why| format!("{}: {why}", bug.id))?;
        }
        arms.change(index + 1, &course.reference, &bug.edits)
            .map_err(|why| format!("{}: {why}", bug.id))?;
    }
    let root = course.scratch("core-bugs");
    let mut plan = copy::plan(course, &arms.weave(&course.reference)?, &root)?;
    for file in &programs {
        take(&mut plan, course, file)?;
    }
    for kit in KITS {
        for file in files(&course.root, kit)?.keys() {
            take(&mut plan, course, file)?;
        }
    }
    copy::write(&root, &plan)?;
    let mut built = BTreeMap::new();
    for file in &programs {
        let of = Of::program(file).expect("it was looked at before");
        let wanted = Program::Test { package: of.package, name: of.name };
        built.insert(*file, built_one(course, &root, wanted)?.program);
    }
    let mut ticker = Ticker::default();
    let mut killed = 0;
    for (index, bug) in bugs.iter().enumerate() {
        let (program, test) = bug.killer(course)?;
        ticker.show(&format!("core: {}/{} {}", index + 1, bugs.len(), bug.id), Landmark::Yes);
        let fault = survives(&built[program], test, index + 1, &root)?;
        ticker.clear();
        killed += usize::from(fault.is_none());
        print(bug, fault);
    }
    let sum = format!("{killed} of {} bugs of the core killed", bugs.len());
    anstream::println!("{}", paint(BOLD, &sum));
    Ok(killed == bugs.len())
}

/// Reads the bugs of `labs/core-bugs`.
fn read(course: &Course) -> Result<Vec<CoreBug>, String> {
    let mut bugs: Vec<CoreBug> = Vec::new();
    for (name, path) in files(&course.root, "labs/core-bugs")? {
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{name}: {e}"))?;
        let file: CoreBugFile = parse(&name, &text).map_err(|mistake| mistake.to_string())?;
        for bug in file.bugs {
            if bugs.iter().any(|other| other.id == bug.id) {
                return Err(format!("{name}: {} occurs twice", bug.id));
            }
            bugs.push(bug);
        }
    }
    Ok(bugs)
}

/// Adds a test program to a copy, which otherwise has none.
fn take(plan: &mut Files, course: &Course, file: &str) -> Result<(), String> {
    let bytes = std::fs::read(course.root.join(file)).map_err(|e| format!("{file}: {e}"))?;
    plan.insert(file.to_owned(), bytes);
    Ok(())
}

/// Runs a killer with one bug live; returns what is wrong, if the bug survives it.
fn survives(
    program: &PathBuf,
    test: &str,
    number: usize,
    root: &Path,
) -> Result<Option<String>, String> {
    let reached = root.join(format!("reached-{number}"));
    let _absent = std::fs::remove_file(&reached);
    let out = Command::new(program)
        .args(["--exact", test])
        .current_dir(root)
        .env(CHANGE, number.to_string())
        .env(REACHED, &reached)
        .output()
        .map_err(|e| format!("{} cannot be started: {e}", program.display()))?;
    Ok(verdict(&String::from_utf8_lossy(&out.stdout), test, reached.exists()))
}

/// Returns why a bug is not killed, by what its killer said.
fn verdict(said: &str, test: &str, is_reached: bool) -> Option<String> {
    if said.contains("running 0 tests") {
        Some(format!("there is no test {test}"))
    } else if !is_reached {
        Some(format!("{test} never runs the function"))
    } else if said.contains("test result: ok") {
        Some(format!("{test} passes"))
    } else {
        None
    }
}

fn print(bug: &CoreBug, fault: Option<String>) {
    let (style, mark) = if fault.is_none() { (GREEN, "+") } else { (RED, "x") };
    let line = format!("  {mark} {:<6} {}", bug.id, bug.title);
    anstream::println!("{}", paint(style, &clip(&line)));
    if let Some(fault) = fault {
        anstream::println!("{}", hang("           ", &fault));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_is_dead_only_if_its_killer_is_there_runs_it_and_fails() {
        let (ok, failed) =
            ("running 1 test\ntest result: ok.", "running 1 test\ntest result: FAILED");
        assert_eq!(verdict(failed, "t", true), None);
        assert_eq!(verdict(ok, "t", true).as_deref(), Some("t passes"));
        assert_eq!(verdict(failed, "t", false).as_deref(), Some("t never runs the function"));
        let none = "running 0 tests\ntest result: ok.";
        assert_eq!(verdict(none, "t", true).as_deref(), Some("there is no test t"));
    }

    #[test]
    fn a_program_is_known_by_its_file() {
        let of = Of::program("raft/tests/read.rs").expect("a program of raft");
        assert_eq!((of.package, of.name), ("raft", "read"));
        assert!(Of::program("labs/tests/book.rs").is_none());
    }
}
