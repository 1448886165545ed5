//! `labs bugs --core`: bugs of functions that no open lab cuts, each killed by a test of the core, of the store,
//! of the test bed, or of a crate outside the checkout.
//!
//! ```text
//!   labs/core-bugs/read.toml   RD04  counts answers to earlier rounds
//!                                    killer  raft/tests/read.rs  an_answer_to_an_earlier_round_...
//!   one woven build of raft, kv, testbed and these programs   -->  RD04 is live: does the killer fail?
//! ```
//!
//! Many are in holes of labs that are still to come: the suite of such a lab will take its bugs over. The bugs of
//! `outside.toml` are an exception: they show that properties stated outside find what a suite finds (`labs check
//! --only outside`). There the same build without a bug passes every test, and the command that a failure prints
//! shows it again.

use crate::changes::{Edit, Hunt, stands_once};
use crate::closure::built_one;
use crate::copy::{self, Files};
use crate::course::{Course, files};
use crate::hunts::Quarry;
use crate::weave::{Arms, CHANGE, REACHED};
use runner::catalogue::parse;
use runner::place::{build_version, suites_target};
use runner::screen::{BOLD, GREEN, Landmark, RED, Ticker, clip, hang, paint};
use runner::suite::{Program, cargo};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

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

/// Returns the edits that do not fit the core any more.
///
/// # Errors
/// A file cannot be read or has a mistake.
pub fn outdated(course: &Course) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for CoreBug { id, edits, .. } in read(course)? {
        let misfits = edits.iter().filter_map(|edit| stands_once(&course.reference, edit).err());
        found.extend(misfits.map(|why| format!("{id}: {why}")));
    }
    Ok(found)
}

impl CoreBug {
    /// Returns whether the bug is in the store.
    fn is_in_store(&self) -> bool {
        self.edits.iter().any(|edit| edit.file.starts_with("kv/"))
    }

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

/// What the test programs of a package share, and what they run.
const KITS: [&str; 3] = ["raft/tests/kit", "tests/tests/kit", "kv/examples"];

/// Which package a test program is of, and what it is called.
struct Of<'a> {
    package: &'static str,
    name: &'a str,
    /// The feature that its package needs.
    feature: Option<&'static str>,
    /// The folder of its workspace, from the root.
    workspace: &'static str,
}

/// The crate that states properties from outside.
pub const OUTSIDE: &str = "tests/outside";

impl<'a> Of<'a> {
    /// Reads `raft/tests/read.rs`, or `kv/tests/model/main.rs`.
    fn program(file: &'a str) -> Option<Self> {
        let packages = [
            ("raft/tests/", "raft", None, ""),
            ("kv/tests/", "kv", None, ""),
            ("tests/tests/", "testbed", Some("fleet"), ""),
            ("tests/outside/tests/", "outside", None, OUTSIDE),
        ];
        packages.into_iter().find_map(|(folder, package, feature, workspace)| {
            let name = file.strip_prefix(folder)?.strip_suffix(".rs")?;
            let name = name.strip_suffix("/main").unwrap_or(name);
            Some(Of { package, name, feature, workspace })
        })
    }
}

/// Proves every bug. Returns whether all die.
///
/// # Errors
/// A bug has a mistake, or the tests cannot be built or run.
pub fn prove(course: &Course) -> Result<bool, String> {
    let bugs = read(course)?;
    let built = build(course, &bugs, "core-bugs")?;
    let mut ticker = Ticker::default();
    let (mut killed, mut in_store) = (0, Duration::ZERO);
    for (index, bug) in bugs.iter().enumerate() {
        ticker.show(&format!("core: {}/{} {}", index + 1, bugs.len(), bug.id), Landmark::Yes);
        let begun = Instant::now();
        let fault = built.survives(course, bug, index + 1)?.err();
        in_store += if bug.is_in_store() { begun.elapsed() } else { Duration::ZERO };
        ticker.clear();
        killed += usize::from(fault.is_none());
        print(bug, fault);
    }
    let sum = format!("{killed} of {} bugs of the core killed", bugs.len());
    let sum = format!("{sum}; those of the store ran for {} s", in_store.as_secs());
    anstream::println!("{}", paint(BOLD, &sum));
    Ok(killed == bugs.len())
}

/// Returns what is wrong with the crate outside: a test of it that fails without a bug, a bug that survives,
/// a command in a failure that does not show the failure again.
///
/// # Errors
/// As [`prove`].
pub fn outside(course: &Course) -> Result<Vec<String>, String> {
    let mut bugs = read(course)?;
    bugs.retain(|bug| bug.killer.starts_with(OUTSIDE));
    let built = build(course, &bugs, "outside")?;
    let mut faults = Vec::new();
    for (file, program) in &built.programs {
        let said = built.run(program, &[], 0)?;
        if !said.contains("test result: ok") {
            faults.push(format!("{file} fails without a bug:\n{said}"));
        }
    }
    let mut ticker = Ticker::default();
    for (index, bug) in bugs.iter().enumerate() {
        ticker.show(&format!("outside: {}/{} {}", index + 1, bugs.len(), bug.id), Landmark::Yes);
        let fault = match built.survives(course, bug, index + 1)? {
            Err(fault) => Some(fault),
            Ok(said) => built.again(course, &said, index + 1)?,
        };
        faults.extend(fault.map(|fault| format!("{}: {fault}", bug.id)));
    }
    ticker.clear();
    Ok(faults)
}

/// Every bug and every killer in one build.
struct Build {
    root: PathBuf,
    programs: BTreeMap<String, PathBuf>,
}

/// Builds the killers of these bugs on one woven core, in the scratch folder `name`.
fn build(course: &Course, bugs: &[CoreBug], name: &str) -> Result<Build, String> {
    let (mut arms, mut killers) = (Arms::default(), BTreeSet::new());
    let sources = &course.reference;
    for (index, bug) in bugs.iter().enumerate() {
        killers.insert(bug.killer(course)?.0);
        for edit in &bug.edits {
            stands_once(sources, edit).map_err(|why| format!("{}: {why}", bug.id))?;
        }
        arms.change(index + 1, sources, &bug.edits).map_err(|why| format!("{}: {why}", bug.id))?;
    }
    let root = course.scratch(name);
    let mut plan = copy::plan(course, &arms.weave(sources)?, &root)?;
    for file in &killers {
        take(&mut plan, course, file, &root)?;
    }
    let own = killers.iter().filter_map(|file| file.strip_suffix("/main.rs"));
    for folder in KITS.into_iter().chain(own) {
        for file in files(&course.root, folder)?.keys() {
            take(&mut plan, course, file, &root)?;
        }
    }
    // With the crates that its tests need.
    take(&mut plan, course, "kv/Cargo.toml", &root)?;
    copy::write(&root, &plan)?;
    let mut programs = BTreeMap::new();
    for file in &killers {
        let of = Of::program(file).expect("it was looked at before");
        let wanted = Program::Test { package: of.package, name: of.name, feature: of.feature };
        let program = built_one(course, &root.join(of.workspace), wanted)?.program;
        programs.insert((*file).to_owned(), program);
    }
    Ok(Build { root, programs })
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

/// Adds a test program to a copy, which otherwise has none; if it is of another workspace, the whole of that.
fn take(plan: &mut Files, course: &Course, file: &str, root: &Path) -> Result<(), String> {
    let read = |path: &Path| std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
    let workspace = Of::program(file).map_or("", |of| of.workspace);
    if workspace.is_empty() {
        plan.insert(file.to_owned(), read(&course.root.join(file))?);
        return Ok(());
    }
    let made = format!("{workspace}/target/");
    for (name, path) in files(&course.root, workspace)? {
        if !name.starts_with(&made) {
            plan.insert(name, read(&path)?);
        }
    }
    // Its version tells its build from that of the checkout, as for every package of a copy.
    let manifest = format!("{workspace}/Cargo.toml");
    let text = plan.get(&manifest).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let own = format!("\nversion = \"{}\"", course.version);
    let version = format!("\nversion = \"{}\"", build_version(&course.version, root));
    let text =
        text.ok_or_else(|| format!("{manifest}: there is none"))?.replacen(&own, &version, 1);
    plan.insert(manifest, text.into());
    Ok(())
}

impl Build {
    /// Runs a killer with one bug live. Returns what it said, or, if the bug survives it, what is wrong.
    fn survives(
        &self,
        course: &Course,
        bug: &CoreBug,
        number: usize,
    ) -> Result<Result<String, String>, String> {
        let (program, test) = bug.killer(course)?;
        let reached = self.reached(number);
        let _absent = std::fs::remove_file(&reached);
        let said = self.run(&self.programs[program], &["--exact", test], number)?;
        Ok(match verdict(&said, test, reached.exists()) {
            Some(fault) => Err(fault),
            None => Ok(said),
        })
    }

    /// Runs a test program with one bug live, or none if the number is 0. Returns what it said.
    fn run(&self, program: &Path, args: &[&str], number: usize) -> Result<String, String> {
        let mut command = Command::new(program);
        command.args(args).current_dir(&self.root);
        self.said(command, number)
    }

    /// Runs the command that a failure prints, in the folder of the crate outside. Returns what is wrong if
    /// it does not show the same failure.
    fn again(&self, course: &Course, said: &str, number: usize) -> Result<Option<String>, String> {
        let line = |start: &str| said.lines().find_map(|line| line.strip_prefix(start));
        let Some(again) = line("again: ") else {
            return Ok(Some(format!("no line says how to see it again:\n{said}")));
        };
        let broken = said.lines().find(|line| line.contains(" is broken in step "));
        let variables: Vec<_> = again.split(' ').map_while(|word| word.split_once('=')).collect();
        if variables.is_empty() {
            // It runs the killer and its neighbours, as they have just been run.
            return Ok(None);
        }
        // What ended the variables is `cargo`.
        let args = again.split(' ').skip(variables.len() + 1);
        let mut command = cargo(&self.root.join(OUTSIDE));
        command.args(args).envs(variables);
        command.env("CARGO_TARGET_DIR", suites_target(&course.root));
        let once_more = self.said(command, number)?;
        let is_same = broken.is_some_and(|broken| once_more.contains(broken));
        let fault = || format!("{again} does not say {broken:?} again:\n{once_more}");
        Ok((!is_same).then(fault))
    }

    /// Runs a command with one bug live. Returns what it said.
    fn said(&self, mut command: Command, number: usize) -> Result<String, String> {
        let out = command
            .env(CHANGE, number.to_string())
            .env(REACHED, self.reached(number))
            .output()
            .map_err(|e| format!("{command:?} cannot be started: {e}"))?;
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// Returns the file that says that a bug was run.
    fn reached(&self, number: usize) -> PathBuf {
        self.root.join(format!("reached-{number}"))
    }
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
        let of = Of::program("tests/tests/fleet/main.rs").expect("a program in a folder");
        assert_eq!((of.package, of.name, of.feature), ("testbed", "fleet", Some("fleet")));
        let of = Of::program("tests/outside/tests/properties.rs").expect("a program outside");
        assert_eq!((of.package, of.name, of.workspace), ("outside", "properties", OUTSIDE));
    }
}
