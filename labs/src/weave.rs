//! Weaving: one build that holds many versions of some functions, told apart by a number.
//!
//! ```text
//!   fn needed(&self) -> usize { if !matches!(live(), 1 | 4) {        <- the reference, first
//!       self.voters.len() / 2 + 1                                    <- on its own lines
//!   } else { reached(); match live() { 1 => { ... } 4 => { ... } _ => unreachable!() } } }
//! ```
//!
//! The number is read once from RAFTWRIGHT_CHANGE; 0, or none, is the reference. An arm that runs
//! says so in the file that RAFTWRIGHT_REACHED names: a test that never ran a bug has not killed it.
//! What only surrounds a change, such as the inert bodies of later labs, runs without a report.
//! The other arms are on the last line of the body, without comments, so that every line of the
//! reference keeps its number in the whole file.

use crate::changes::Edit;
use crate::course::Sources;
use crate::cutter;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Names the number of the change that is live.
pub const CHANGE: &str = "RAFTWRIGHT_CHANGE";
/// Names the file in which an arm reports that it ran.
pub const REACHED: &str = "RAFTWRIGHT_REACHED";

/// Other bodies for some functions, each under the numbers it is live for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Arms {
    bodies: BTreeMap<(String, String), Replacements>,
}

/// The other bodies of one function.
type Replacements = BTreeMap<(BodyPart, String), Vec<usize>>;

/// The part that a body plays under its number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum BodyPart {
    /// It is the change of the number: when it runs, it reports that.
    Change,
    /// It surrounds that.
    Backdrop,
}

impl Arms {
    /// Adds a body for a function under a number.
    pub fn add(&mut self, number: usize, file: &str, function: &str, body: String) {
        self.put(number, file, function, (BodyPart::Change, body));
    }

    /// Adds a body that surrounds the change of a number. If the function has a body under that
    /// number already, that one stays.
    pub fn surround(&mut self, number: usize, file: &str, function: &str, body: String) {
        let there = self.bodies.get(&(file.to_owned(), function.to_owned()));
        if !there.is_some_and(|bodies| bodies.values().flatten().any(|n| *n == number)) {
            self.put(number, file, function, (BodyPart::Backdrop, body));
        }
    }

    fn put(&mut self, number: usize, file: &str, function: &str, body: (BodyPart, String)) {
        let place = (file.to_owned(), function.to_owned());
        self.bodies.entry(place).or_default().entry(body).or_default().push(number);
    }

    /// Adds a change of several edits under a number.
    ///
    /// # Errors
    /// The `find` of an edit is not where it should be.
    pub fn change(
        &mut self,
        number: usize,
        sources: &Sources,
        edits: &[Edit],
    ) -> Result<(), String> {
        let mut bodies: BTreeMap<(&str, &str), String> = BTreeMap::new();
        for edit in edits {
            let place = (edit.file.as_str(), edit.function.as_str());
            let body = match bodies.entry(place) {
                Entry::Occupied(there) => there.into_mut(),
                Entry::Vacant(empty) => {
                    let source = sources.get(&edit.file).ok_or_else(|| no_file(&edit.file))?;
                    let range = cutter::body(source, &edit.function)?;
                    empty.insert(source[range].to_owned())
                }
            };
            if body.matches(&edit.find).count() != 1 {
                let place = format!("{} {}", edit.file, edit.function);
                return Err(format!("{place}: {:?} does not occur there once", edit.find));
            }
            *body = body.replacen(&edit.find, &edit.replace, 1);
        }
        for ((file, function), body) in bodies {
            self.add(number, file, function, body);
        }
        Ok(())
    }

    /// Weaves the bodies into the sources.
    ///
    /// # Errors
    /// A function cannot be replaced, or a body is no Rust.
    pub fn weave(&self, sources: &Sources) -> Result<Sources, String> {
        let mut woven = sources.clone();
        let mut files: BTreeMap<&str, Vec<(&str, String)>> = BTreeMap::new();
        for ((file, function), bodies) in &self.bodies {
            let source = sources.get(file).ok_or_else(|| no_file(file))?;
            let range = cutter::body(source, function)?;
            let dispatch = dispatch(&source[range], bodies)
                .map_err(|e| format!("{file} {function}: an edited body {e}"))?;
            files.entry(file).or_default().push((function, dispatch));
        }
        let mut crates = Vec::new();
        for (file, bodies) in files {
            woven.insert(file.to_owned(), cutter::replace(&sources[file], &bodies)?);
            let (folder, _) = file.split_once("/src/").ok_or_else(|| no_file(file))?;
            if !crates.contains(&folder) {
                crates.push(folder);
            }
        }
        for folder in crates {
            let lib = format!("{folder}/src/lib.rs");
            let text = woven.get_mut(&lib).ok_or_else(|| no_file(&lib))?;
            text.push_str(MODULE);
        }
        Ok(woven)
    }
}

fn no_file(file: &str) -> String {
    format!("there is no source file {file}")
}

fn dispatch(original: &str, bodies: &Replacements) -> Result<String, String> {
    let pattern =
        |numbers: &[usize]| numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(" | ");
    let all: Vec<_> = bodies.values().flatten().copied().collect();
    let mut arms = String::new();
    for ((part, body), numbers) in bodies {
        let said = match part {
            BodyPart::Change => "crate::raftwright_change::reached();",
            BodyPart::Backdrop => "",
        };
        arms +=
            &format!("{MAY_PANIC} {} => {{ {said} {} }} ", pattern(numbers), cutter::flat(body)?);
    }
    let live = "crate::raftwright_change::live()";
    Ok(format!(
        "{{ if !matches!({live}, {}) {original} else {{ match {live} {{ \
         {arms}_ => unreachable!(\"the guard names every arm\") }} }} }}",
        pattern(&all)
    ))
}

/// A wrong body may hold what the compiler knows to overflow: a test is to find it, not the build.
const MAY_PANIC: &str = "#[allow(arithmetic_overflow, unconditional_panic)]";

const MODULE: &str = r#"
#[allow(missing_docs, dead_code, clippy::all)]
mod raftwright_change {
    pub(crate) fn live() -> usize {
        static LIVE: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
        *LIVE.get_or_init(|| {
            let number = std::env::var("RAFTWRIGHT_CHANGE");
            number.map_or(0, |n| n.parse().expect("RAFTWRIGHT_CHANGE holds a number"))
        })
    }
    pub(crate) fn reached() {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            if let Ok(path) = std::env::var("RAFTWRIGHT_REACHED") {
                std::fs::write(path, "").expect("RAFTWRIGHT_REACHED names a file to write");
            }
        });
    }
}
"#;
