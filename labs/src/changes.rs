//! Changes of the reference: bugs that must die (`labs/bugs`), variants that must live
//! (`labs/variants`).
//!
//! ```text
//!   RE05  Core::decide_vote   find "..." -> replace "..."   killer aa_vote_once_per_term
//! ```
//!
//! Invariant of every change that was read: each `find` occurs exactly once in its function, and a
//! bug that is to be killed names a test and the rule that will be broken on its card.

use crate::course::{Course, Sources};
use crate::cutter;
use runner::catalogue::{Mistake, line_of, parse};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use toml::Spanned;

/// What is said of a bug that no test has to kill.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Excused {
    /// It is a choice that a correct design may make.
    NotABug,
    /// The language does not let anybody write it.
    Inexpressible,
    /// The lab that will kill it is still to come.
    Waits,
}

/// One edit: `find` occurs exactly once in the body of `function`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The source file, from the root.
    pub file: String,
    /// `Type::function`.
    pub function: String,
    /// The text to find.
    pub find: String,
    /// The text to put there.
    pub replace: String,
}

/// A bug.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bug {
    /// Its id, such as `RE05`.
    pub id: String,
    /// The lab whose tests it is for.
    pub lab: String,
    /// What it gets wrong.
    pub title: String,
    /// Who kills it, and how; or why nobody has to.
    pub fate: Fate,
    /// How the explorer finds it, if it is to.
    pub hunt: Option<Hunt>,
    /// The edits.
    pub edits: Vec<Edit>,
}

/// How the explorer finds a bug.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hunt {
    /// The walk, and the story under `tests/scripts/found` that it ends with.
    pub story: String,
    /// The rule that breaks first.
    pub breaks: String,
}

impl Hunt {
    /// Returns the path of its story, from the root.
    pub fn file(&self) -> String {
        format!("tests/scripts/found/{}.txt", self.story)
    }
}

/// What is to become of a bug.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// This test kills it, and its card names this rule.
    Killed {
        /// The test.
        killer: String,
        /// The rule.
        symptom: String,
    },
    /// Nobody has to kill it.
    Excused {
        /// Which kind of excuse.
        verdict: Excused,
        /// Why.
        reason: String,
    },
}

impl Fate {
    /// Returns the test that has to kill the bug, if one has.
    pub fn killer(&self) -> Option<&str> {
        match self {
            Fate::Killed { killer, .. } => Some(killer),
            Fate::Excused { .. } => None,
        }
    }
}

/// A correct design that differs from ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variant {
    /// Its id.
    pub id: String,
    /// The lab whose tests it must pass.
    pub lab: String,
    /// What is different.
    pub title: String,
    /// The edits.
    pub edits: Vec<Edit>,
}

/// All changes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// Bugs.
    pub bugs: Vec<Bug>,
    /// Variants.
    pub variants: Vec<Variant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BugFile {
    #[serde(default)]
    bugs: Vec<Spanned<RawBug>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBug {
    id: String,
    title: String,
    killer: Option<String>,
    symptom: Option<String>,
    verdict: Option<Excused>,
    reason: Option<String>,
    hunt: Option<Hunt>,
    #[serde(default)]
    edits: Vec<Edit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariantFile {
    #[serde(default)]
    variants: Vec<Spanned<RawVariant>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVariant {
    id: String,
    title: String,
    reason: String,
    edits: Vec<Edit>,
}

impl Changes {
    /// Reads every change of the course.
    ///
    /// # Errors
    /// Every mistake, with file and line.
    pub fn read(course: &Course) -> Result<Self, Vec<Mistake>> {
        let mut changes = Changes::default();
        let mut mistakes = Vec::new();
        for (file, text) in toml_files(course, "labs/bugs") {
            match bugs(course, &file, &text) {
                Ok(bugs) => changes.bugs.extend(bugs),
                Err(found) => mistakes.extend(found),
            }
        }
        for (file, text) in toml_files(course, "labs/variants") {
            match variants(course, &file, &text) {
                Ok(variants) => changes.variants.extend(variants),
                Err(found) => mistakes.extend(found),
            }
        }
        if mistakes.is_empty() { Ok(changes) } else { Err(mistakes) }
    }
}

fn toml_files(course: &Course, folder: &str) -> BTreeMap<String, String> {
    let found = crate::course::files(&course.root, folder).unwrap_or_default();
    let files = found.into_iter().filter(|(name, _)| name.ends_with(".toml"));
    files.filter_map(|(name, path)| Some((name, std::fs::read_to_string(path).ok()?))).collect()
}

fn lab_of(file: &str) -> String {
    file.rsplit('/').next().unwrap_or(file).trim_end_matches(".toml").to_owned()
}

fn bugs(course: &Course, file: &str, text: &str) -> Result<Vec<Bug>, Vec<Mistake>> {
    let raw: BugFile = parse(file, text).map_err(|e| vec![e])?;
    let lab = lab_of(file);
    let mut bugs: Vec<Bug> = Vec::new();
    let mut mistakes = Vec::new();
    for raw in raw.bugs {
        let line = line_of(text, raw.span().start);
        let raw = raw.into_inner();
        let mut wrong = |what: String| mistakes.push(Mistake { file: file.to_owned(), line, what });
        if bugs.iter().any(|bug| bug.id == raw.id) {
            wrong(format!("{} occurs here twice", raw.id));
        }
        let id = raw.id.clone();
        let fate = match (raw.killer, raw.symptom, raw.verdict, raw.reason) {
            (Some(killer), Some(symptom), None, None) => {
                if course.catalogue.lab(&lab).is_none_or(|lab| lab.test(&killer).is_none()) {
                    wrong(format!("{id}: lab {lab} has no test {killer}"));
                }
                if raw.edits.is_empty() {
                    wrong(format!("{id}: expected edits, or a verdict with its reason"));
                }
                Fate::Killed { killer, symptom }
            }
            (None, None, Some(verdict), Some(reason)) => Fate::Excused { verdict, reason },
            _ => {
                let what = "expected killer and symptom, or verdict and reason";
                wrong(format!("{id}: {what}"));
                continue;
            }
        };
        for edit in &raw.edits {
            if let Err(why) = stands_once(&course.reference, edit) {
                wrong(format!("{id}: {why}"));
            }
        }
        if let Some(file) = raw.hunt.as_ref().map(Hunt::file)
            && !course.root.join(&file).is_file()
        {
            wrong(format!("{id}: there is no story {file}"));
        }
        let (title, hunt, edits) = (raw.title, raw.hunt, raw.edits);
        bugs.push(Bug { id, lab: lab.clone(), title, fate, hunt, edits });
    }
    if mistakes.is_empty() { Ok(bugs) } else { Err(mistakes) }
}

fn variants(course: &Course, file: &str, text: &str) -> Result<Vec<Variant>, Vec<Mistake>> {
    let raw: VariantFile = parse(file, text).map_err(|e| vec![e])?;
    let lab = lab_of(file);
    let mut variants = Vec::new();
    let mut mistakes = Vec::new();
    for raw in raw.variants {
        let line = line_of(text, raw.span().start);
        let raw = raw.into_inner();
        let mut wrong = |what: String| mistakes.push(Mistake { file: file.to_owned(), line, what });
        if raw.edits.is_empty() || raw.reason.trim().is_empty() {
            wrong(format!("{}: expected edits, and a reason why it is correct", raw.id));
        }
        for edit in &raw.edits {
            if let Err(why) = stands_once(&course.reference, edit) {
                wrong(format!("{}: {why}", raw.id));
            }
        }
        variants.push(Variant { id: raw.id, lab: lab.clone(), title: raw.title, edits: raw.edits });
    }
    if mistakes.is_empty() { Ok(variants) } else { Err(mistakes) }
}

/// Checks that an edit's text occurs once in its function.
///
/// # Errors
/// How often it occurs, or what is not there.
pub(crate) fn stands_once(sources: &Sources, edit: &Edit) -> Result<(), String> {
    let source =
        sources.get(&edit.file).ok_or_else(|| format!("there is no source file {}", edit.file))?;
    let body = cutter::body(source, &edit.function).map_err(|e| format!("{}: {e}", edit.file))?;
    match source[body].matches(&edit.find).count() {
        1 if !edit.find.is_empty() => Ok(()),
        times => Err(format!(
            "{}: {:?} occurs {times} times in {}, expected once",
            edit.file, edit.find, edit.function
        )),
    }
}
