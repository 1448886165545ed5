//! How far a student has come: `.labs/progress.json`.
//!
//! It is a convenience and never a proof: a grade comes from tests. So a file that is damaged, or was
//! written by a newer course, is put aside and said so; what it knew is found again by running tests.
//! Nothing that was put aside before is written over.

use crate::place::{CourseFolder, replace_file};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The shape of the file that this version writes. A file without a number has this shape, too.
const FORMAT: u32 = 1;

/// What is remembered of every lab.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Progress {
    /// The shape of the file.
    #[serde(default = "format")]
    format: u32,
    /// The labs by id.
    pub labs: BTreeMap<String, LabProgress>,
}

fn format() -> u32 {
    FORMAT
}

impl Default for Progress {
    fn default() -> Self {
        Progress { format: FORMAT, labs: BTreeMap::new() }
    }
}

/// What is remembered of one lab.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LabProgress {
    /// The step that is being worked on; one past the last when the lab is done.
    pub step: u32,
    /// Tests that held when they were last run.
    #[serde(default)]
    pub passed: BTreeSet<String>,
    /// How many levels of each hint were read.
    #[serde(default)]
    pub hints: BTreeMap<String, usize>,
}

impl Default for LabProgress {
    fn default() -> Self {
        LabProgress { step: 1, passed: BTreeSet::new(), hints: BTreeMap::new() }
    }
}

impl Progress {
    /// Reads the progress of a place. Also returns what has to be said about a damaged file.
    pub fn read(place: &CourseFolder) -> (Self, Option<String>) {
        let path = file(place);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return (Self::default(), None),
            Err(e) => return (Self::default(), Some(aside(&path, &e.to_string()))),
        };
        match serde_json::from_str::<Progress>(&text) {
            Ok(read) if read.format > FORMAT => {
                let why = format!("a newer course wrote it: format {}, not {FORMAT}", read.format);
                (Self::default(), Some(aside(&path, &why)))
            }
            Ok(mut read) => {
                // Steps are counted from 1, whatever a hand wrote there.
                read.labs.values_mut().for_each(|lab| lab.step = lab.step.max(1));
                (read, None)
            }
            Err(e) => (Self::default(), Some(aside(&path, &e.to_string()))),
        }
    }

    /// Writes the progress of a place.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, place: &CourseFolder) -> Result<(), String> {
        let folder = place.memory();
        std::fs::create_dir_all(&folder)
            .map_err(|e| format!("{} cannot be made: {e}", folder.display()))?;
        let text = serde_json::to_string_pretty(self).expect("strings and numbers are JSON");
        replace_file(&file(place), &(text + "\n"))
    }

    /// Returns what is remembered of a lab.
    pub fn lab(&self, id: &str) -> LabProgress {
        self.labs.get(id).cloned().unwrap_or_default()
    }

    /// Returns what is remembered of a lab, to change it.
    pub fn lab_mut(&mut self, id: &str) -> &mut LabProgress {
        self.labs.entry(id.to_owned()).or_default()
    }
}

fn file(place: &CourseFolder) -> PathBuf {
    place.memory().join("progress.json")
}

fn aside(path: &Path, why: &str) -> String {
    let mut names = std::iter::once("json.damaged".to_owned())
        .chain((2..1000).map(|number| format!("json.damaged-{number}")))
        .map(|extension| path.with_extension(extension));
    let Some(kept) = names.find(|path| !path.exists()) else {
        return format!("progress.json cannot be read ({why}), and 999 such are kept already.");
    };
    match std::fs::rename(path, &kept) {
        Ok(()) => format!(
            "progress.json cannot be read ({why}); it is kept as .labs/{}. `cargo labs test LAB`, \
             with the lab you are at, finds out again how far you are.",
            kept.file_name().unwrap_or_default().to_string_lossy()
        ),
        Err(e) => format!("progress.json cannot be read ({why}), nor put aside ({e})."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_put_aside_and_said_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = crate::place::Settings {
            course: "..".into(),
            version: "0".into(),
            catalogue: "0".into(),
            lab: "2aa".into(),
            open: vec![],
        };
        let place = CourseFolder { root: folder.path().to_owned(), settings: Some(settings) };
        let mut progress = Progress::default();
        progress.lab_mut("2aa").step = 3;
        progress.save(&place).expect("written");
        assert_eq!(Progress::read(&place), (progress, None));
        std::fs::write(file(&place), "{\"labs\": {").expect("damage");
        let (read, said) = Progress::read(&place);
        assert_eq!(read, Progress::default());
        assert!(said.expect("a word").contains("progress.json.damaged"));
        assert!(place.memory().join("progress.json.damaged").exists());
        assert_eq!(Progress::read(&place), (Progress::default(), None));
        let newer = "{\"format\": 2, \"labs\": {\"2aa\": {\"step\": 3}}}";
        std::fs::write(file(&place), newer).expect("another version");
        let said = Progress::read(&place).1.expect("a word");
        assert!(said.contains("a newer course wrote it: format 2"), "{said}");
        let kept = place.memory().join("progress.json.damaged-2");
        assert_eq!(std::fs::read_to_string(kept).expect("kept"), newer);
        std::fs::write(file(&place), "{\"labs\": {\"2aa\": {\"step\": 0}}}").expect("by hand");
        let (read, said) = Progress::read(&place);
        assert_eq!((read.lab("2aa").step, said), (1, None));
    }
}
