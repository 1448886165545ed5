//! The functions that students write, as the lab's catalogue lists them.
//!
//! ```text
//!   labs/catalog/2ab.toml   number = 2   path = "Log::append"      step 2
//!                           number = 3   path = "Log::term"        step 3: not written yet in a test of step 2
//!                           depends = ["2aa"]                      all of lab 2aa: written before
//! ```
//!
//! It is read when a card is made, as the lines of the source are; if it is not there, nothing is known,
//! and a card names what the test names. That is no parser: `labs check` holds the catalogue to its form.

use crate::failure::NAMED_MAX;
use crate::place::workspace_root;
use std::collections::BTreeMap;

/// The holes that a test of one step can run into.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Holes {
    /// The step of every hole, by path; 0 for those of the labs before.
    steps: BTreeMap<String, u32>,
    /// The file of every hole, by path.
    files: BTreeMap<String, String>,
    /// The step of the test.
    now: u32,
}

impl Holes {
    /// Reads the holes of a lab, and of those that it builds upon, for a test of this step.
    pub(crate) fn read(lab: &str, step: u32) -> Self {
        let mut holes = Holes { now: step, ..Holes::default() };
        let Some(root) = workspace_root() else { return holes };
        let text = |lab: &str| {
            let path = root.join("labs/catalog").join(format!("{lab}.toml"));
            std::fs::read_to_string(path).unwrap_or_default()
        };
        let own = text(lab);
        for before in depends(&own) {
            holes.add(&text(before), Some(0));
        }
        holes.add(&own, None);
        holes
    }

    fn add(&mut self, catalogue: &str, step: Option<u32>) {
        let mut number = 0;
        for line in catalogue.lines() {
            if let Some(found) = line.strip_prefix("number = ").and_then(|text| text.parse().ok()) {
                number = found;
            }
            if line.contains("file = \"")
                && let Some((_, rest)) = line.split_once("path = \"")
                && let Some((path, _)) = rest.split_once('"')
            {
                self.steps.insert(path.to_owned(), step.unwrap_or(number));
                let file = line.split("file = \"").nth(1).and_then(|rest| rest.split('"').next());
                self.files.insert(path.to_owned(), file.unwrap_or_default().to_owned());
            }
        }
    }

    /// Returns the file that a hole is in.
    pub(crate) fn file(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Returns whether this is a function that a student has written by now.
    pub(crate) fn is_written(&self, path: &str) -> bool {
        self.steps.get(path).is_some_and(|&step| step <= self.now)
    }

    /// Returns whether a student still has to write this function.
    pub(crate) fn is_open(&self, path: &str) -> bool {
        self.steps.get(path).is_some_and(|&step| step > self.now)
    }

    /// Leaves out what is not written yet, unless nothing else is named.
    pub(crate) fn without_open(&self, named: Vec<String>) -> Vec<String> {
        match named.iter().all(|path| self.is_open(path)) {
            true => named,
            false => named.into_iter().filter(|path| !self.is_open(path)).collect(),
        }
    }

    /// Returns the written ones among these, each once: those of the test's step first; at most
    /// [`NAMED_MAX`].
    pub(crate) fn likeliest<'a>(&self, paths: impl Iterator<Item = &'a String>) -> Vec<String> {
        let mut named: Vec<String> = Vec::new();
        for path in paths.filter(|path| self.is_written(path)) {
            if !named.contains(path) {
                named.push(path.clone());
            }
        }
        named.sort_by_key(|path| self.steps.get(path) != Some(&self.now));
        named.truncate(NAMED_MAX);
        named
    }
}

/// Lists the labs that a catalogue says it builds upon.
fn depends(catalogue: &str) -> Vec<&str> {
    let line = catalogue.lines().find_map(|line| line.strip_prefix("depends = ["));
    let names = line.unwrap_or_default().split('"').skip(1).step_by(2);
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_catalogue_says_which_functions_are_written_by_a_step() {
        let holes = Holes::read("2ab", 3);
        assert!(holes.is_written("Core::decide_vote"), "lab 2aa is done");
        assert!(holes.is_written("Log::append"), "step 2 is done");
        assert!(holes.is_written("Log::term"), "this step");
        assert!(!holes.is_written("Core::on_append"), "step 5 is to come");
        assert!(!holes.is_written("Core::take_entries"), "given");
        assert_eq!(Holes::read("no such lab", 3).steps.len(), 0);
    }

    #[test]
    fn functions_of_the_step_come_first_and_later_ones_not_at_all() {
        let holes = Holes::read("2ab", 3);
        let stack = names(&[
            "Unstable::extend",
            "Log::append",
            "Log::maybe_append",
            "Log::append",
            "Core::on_append",
            "Raft::update_term",
            "Core::decide_vote",
        ]);
        let likeliest = holes.likeliest(stack.iter());
        assert_eq!(likeliest, names(&["Log::maybe_append", "Log::append", "Raft::update_term"]));
        let named = names(&["Core::on_append", "Log::append", "Core::take_entries"]);
        assert_eq!(holes.without_open(named), names(&["Log::append", "Core::take_entries"]));
        let named = names(&["Core::on_append"]);
        assert_eq!(holes.without_open(named.clone()), named);
    }
}
