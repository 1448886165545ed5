//! The lab catalogue: what a lab asks for, as data (`labs/catalog/*.toml`).
//!
//! ```text
//!   2aa.toml --parse--> Lab --steps--> Step --holes--> raft/src/quorum.rs  Majority::needed
//!                        |              '-----tests--> aa_quorum_sizes, 2 points
//!                        '--hints--> (test, rule) -> a question, a pointer, pseudo-code
//! ```
//!
//! Invariants, held for every catalogue that was read: tests and steps have one place each, a
//! function belongs to one lab, points add up, hints name tests and holes that exist. Whether the
//! functions exist in the sources is checked by the desk: only the desk can parse them.

use crate::points::Points;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use toml::Spanned;

/// Something wrong in a file a person wrote: where, and what was expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake {
    /// The file, as the reader knows it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what was expected.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Every lab of the course, in the order of their ids.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Catalogue {
    /// The labs.
    pub labs: Vec<Lab>,
    /// A fingerprint of the files they were read from.
    pub hash: String,
}

/// One lab: a staircase of steps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lab {
    /// The name students type, such as `2aa`.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// Its points.
    pub points: Points,
    /// How long it takes.
    pub hours: u32,
    /// Labs whose functions must be there first.
    pub depends: Vec<String>,
    /// Whether it can be opened yet.
    pub status: Status,
    /// The test target of package `suites`.
    pub suite: Option<String>,
    /// The hand-out, a file name under the book.
    pub chapter: Option<String>,
    /// The staircase.
    pub steps: Vec<Step>,
    /// The rules that cards name.
    pub rules: Vec<RuleEntry>,
    /// The hints for a student who is stuck.
    pub hints: Vec<Hint>,
    /// The file it was read from.
    pub file: String,
}

/// Whether a lab can be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Students work on it.
    Open,
    /// Still to come: its holes stay inert. Its file may leave out what only students and tests see; see
    /// [`crate::consistency`].
    Later,
}

/// One step: a few functions, and the tests they turn green.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Its number, from 1.
    pub number: u32,
    /// What it is about.
    pub title: String,
    /// About how long it takes.
    pub minutes: u32,
    /// Its section in the hand-out.
    pub anchor: String,
    /// What is said when it turns green.
    pub green: String,
    /// The functions to write.
    pub holes: Vec<Hole>,
    /// The tests that turn green.
    pub tests: Vec<TestEntry>,
}

/// One function body the student writes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hole {
    /// The source file, from the root.
    pub file: String,
    /// `Type::function`.
    pub path: String,
    /// How many lines ours has, as a measure of the task.
    pub lines: u32,
    /// What the body does until its step is reached, where earlier tests run into it.
    pub before: Option<String>,
    /// The line of the catalogue that names it.
    pub line: usize,
}

/// One test and its points.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestEntry {
    /// Its name, unique in the course.
    pub name: String,
    /// All of these, or none.
    pub points: Points,
    /// The line of the catalogue that names it.
    pub line: usize,
}

/// A rule that tests name. Its other parts are for cards, which the suites make.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleEntry {
    /// Its name in hints and in the bug catalogue, unique among the labs of a layer.
    pub id: String,
    /// The rule as a sentence in capitals.
    pub title: String,
    /// The line of the catalogue that names it.
    pub line: usize,
}

/// What to say to somebody who is stuck, three times more plainly.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hint {
    /// A test, or `*`.
    pub test: String,
    /// A rule as on the card, `not_written`, or `*`.
    pub rule: String,
    /// For `not_written`: which function.
    pub hole: Option<String>,
    /// A question, a pointer, pseudo-code.
    pub levels: Vec<String>,
    /// Its line in the catalogue.
    pub line: usize,
}

impl Catalogue {
    /// Reads every lab in `folder`.
    ///
    /// # Errors
    /// Every mistake that was found, each with file and line.
    pub fn read(folder: &Path) -> Result<Self, Vec<Mistake>> {
        let name = folder.display().to_string();
        let at = |what: String| vec![Mistake { file: name.clone(), line: 1, what }];
        let entries = std::fs::read_dir(folder)
            .map_err(|e| at(format!("cannot be read as a folder: {e}")))?;
        let mut files = BTreeMap::new();
        for entry in entries {
            let path = entry.map_err(|e| at(format!("cannot be read: {e}")))?.path();
            if path.extension().is_some_and(|e| e == "toml") {
                let text = std::fs::read_to_string(&path)
                    .map_err(|e| at(format!("{}: {e}", path.display())))?;
                let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                files.insert(format!("labs/catalog/{file}"), text);
            }
        }
        if files.is_empty() {
            return Err(at("holds no lab: expected files such as 2aa.toml".into()));
        }
        Self::parse(&files)
    }

    /// Parses labs from texts by file name.
    ///
    /// # Errors
    /// As [`Catalogue::read`].
    pub fn parse(files: &BTreeMap<String, String>) -> Result<Self, Vec<Mistake>> {
        let mut labs = Vec::new();
        let mut mistakes = Vec::new();
        let mut print = Fingerprint::default();
        for (file, text) in files {
            print.take(file.as_bytes());
            print.take(text.replace("\r\n", "\n").as_bytes());
            match lab(file, text) {
                Ok(lab) => labs.push(lab),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        labs.sort_by(|a, b| a.id.cmp(&b.id));
        mistakes.extend(crate::consistency::mistakes(&labs));
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Catalogue { labs, hash: print.to_string() })
    }

    /// Returns the lab with this id.
    pub fn lab(&self, id: &str) -> Option<&Lab> {
        self.labs.iter().find(|lab| lab.id == id)
    }

    /// Returns whether `lab` builds upon the lab `on`, directly or through others.
    pub fn builds_on(&self, lab: &Lab, on: &str) -> bool {
        // There are no circles: that is checked when a catalogue is read.
        lab.depends
            .iter()
            .any(|id| id == on || self.lab(id).is_some_and(|lab| self.builds_on(lab, on)))
    }

    /// Returns every lab that students can work on.
    pub fn open(&self) -> impl Iterator<Item = &Lab> {
        self.labs.iter().filter(|lab| lab.status == Status::Open)
    }

    /// Returns the lab and step that hold a test.
    pub fn test(&self, name: &str) -> Option<(&Lab, &Step, &TestEntry)> {
        self.labs.iter().find_map(|lab| {
            let (step, test) = lab.test(name)?;
            Some((lab, step, test))
        })
    }

    /// Returns every hole that students can work on, with its lab and step.
    pub fn open_holes(&self) -> impl Iterator<Item = (&Lab, &Step, &Hole)> {
        self.holes().filter(|(lab, _, _)| lab.status == Status::Open)
    }

    /// Returns every hole with its lab and step, also those of labs that are still to come.
    pub fn holes(&self) -> impl Iterator<Item = (&Lab, &Step, &Hole)> {
        self.labs.iter().flat_map(|lab| {
            lab.steps.iter().flat_map(move |step| step.holes.iter().map(move |h| (lab, step, h)))
        })
    }
}

impl Lab {
    /// Returns the step with this number.
    pub fn step(&self, number: u32) -> Option<&Step> {
        self.steps.iter().find(|step| step.number == number)
    }

    /// Returns the step that holds a test.
    pub fn test(&self, name: &str) -> Option<(&Step, &TestEntry)> {
        self.steps
            .iter()
            .find_map(|step| step.tests.iter().find(|t| t.name == name).map(|t| (step, t)))
    }

    /// Returns every test, in the order of the steps.
    pub fn tests(&self) -> impl Iterator<Item = &TestEntry> {
        self.steps.iter().flat_map(|step| &step.tests)
    }
}

impl TestEntry {
    /// Returns whether the test runs seeds: such tests say so in their names.
    pub fn is_simulation(&self) -> bool {
        is_simulation(&self.name)
    }
}

/// Returns whether a test of this name runs seeds.
pub fn is_simulation(test: &str) -> bool {
    test.contains("_sim_")
}

/// Returns the text between the braces of a hole: the one line that a student replaces.
pub fn marker(lab: &Lab, step: &Step, hole: &Hole) -> String {
    format!("todo!(\"lab {} step {}: {}\")", lab.id, step.number, hole.path)
}

// The shape of a file, before anything is checked.

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLab {
    id: String,
    title: String,
    // What a later lab may leave out is 0 or empty here: `consistency` asks an open lab for it.
    #[serde(default)]
    points: Points,
    hours: u32,
    #[serde(default)]
    depends: Vec<String>,
    status: Status,
    suite: Option<String>,
    chapter: Option<String>,
    steps: Vec<RawStep>,
    #[serde(default)]
    rules: Vec<Spanned<RawRule>>,
    #[serde(default)]
    hints: Vec<Spanned<RawHint>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStep {
    number: u32,
    title: String,
    #[serde(default)]
    minutes: u32,
    #[serde(default)]
    anchor: String,
    #[serde(default)]
    green: String,
    #[serde(default)]
    holes: Vec<Spanned<RawHole>>,
    #[serde(default)]
    tests: Vec<Spanned<RawTest>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHole {
    file: String,
    path: String,
    lines: u32,
    before: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTest {
    name: String,
    points: Points,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    id: String,
    title: String,
    #[serde(default, rename = "paper")]
    _paper: String,
    #[serde(default, rename = "so_what")]
    _so_what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHint {
    test: String,
    rule: String,
    hole: Option<String>,
    levels: Vec<String>,
}

fn lab(file: &str, text: &str) -> Result<Lab, Mistake> {
    let raw: RawLab = parse(file, text)?;
    let line = |start: usize| line_of(text, start);
    let steps = raw.steps.into_iter().map(|step| Step {
        number: step.number,
        title: step.title,
        minutes: step.minutes,
        anchor: step.anchor,
        green: step.green,
        holes: step.holes.into_iter().map(|h| hole(line(h.span().start), h.into_inner())).collect(),
        tests: step.tests.into_iter().map(|t| test(line(t.span().start), t.into_inner())).collect(),
    });
    let hints = raw.hints.into_iter().map(|hint| {
        let line = line(hint.span().start);
        let RawHint { test, rule, hole, levels } = hint.into_inner();
        Hint { test, rule, hole, levels, line }
    });
    let rules = raw.rules.into_iter().map(|rule| {
        let line = line(rule.span().start);
        let RawRule { id, title, .. } = rule.into_inner();
        RuleEntry { id, title, line }
    });
    Ok(Lab {
        id: raw.id,
        title: raw.title,
        points: raw.points,
        hours: raw.hours,
        depends: raw.depends,
        status: raw.status,
        suite: raw.suite,
        chapter: raw.chapter,
        steps: steps.collect(),
        rules: rules.collect(),
        hints: hints.collect(),
        file: file.to_owned(),
    })
}

fn hole(line: usize, raw: RawHole) -> Hole {
    let RawHole { file, path, lines, before } = raw;
    Hole { file, path, lines, before, line }
}

fn test(line: usize, raw: RawTest) -> TestEntry {
    TestEntry { name: raw.name, points: raw.points, line }
}

/// Parses any of the course's TOML files.
///
/// # Errors
/// The first thing that is not as expected, with its line.
pub fn parse<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, Mistake> {
    toml::from_str(text).map_err(|e| Mistake {
        file: file.to_owned(),
        line: e.span().map_or(1, |span| line_of(text, span.start)),
        what: e.message().trim().replace('\n', ", "),
    })
}

/// Returns the line, from 1, of a position in a text.
pub fn line_of(text: &str, start: usize) -> usize {
    text.as_bytes().iter().take(start).filter(|&&byte| byte == b'\n').count() + 1
}

/// A fingerprint that stays the same between compilers (FNV-1a, 64 bits).
#[derive(Clone, Copy)]
pub struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Fingerprint(0xcbf2_9ce4_8422_2325)
    }
}

impl Fingerprint {
    /// Takes in some bytes, and where they end.
    pub fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes.iter().chain(&[0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
