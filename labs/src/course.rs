//! The course's checkout, as the desk sees it: its sources, its catalogue, its version.

use runner::catalogue::{Catalogue, Hole, Lab, Mistake, Step, marker};
use runner::place::{CUT, CourseFolder, is_checkout, target};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Source texts by their path from the root, such as `raft/src/quorum.rs`.
pub type Sources = BTreeMap<String, String>;

/// The packages that only labs are cut from which are still to come. A student does not build them yet.
const CUT_LATER: [&str; 1] = ["kv"];

/// The sources of the course that labs are cut from.
///
/// # Errors
/// A file cannot be read, or a folder is not there.
pub fn sources(root: &Path) -> Result<Sources, String> {
    let mut found = Sources::new();
    for package in CUT.into_iter().chain(CUT_LATER) {
        found.extend(texts(root, &format!("{package}/src"))?);
    }
    Ok(found)
}

/// The checkout.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Course {
    /// Its root.
    pub root: PathBuf,
    /// Every lab.
    pub catalogue: Catalogue,
    /// The reference: what is under `src` of each package that labs are cut from.
    pub reference: Sources,
    /// The version of the course.
    pub version: String,
}

impl Course {
    /// Reads the course this desk was built from, or the one that holds the folder `here`.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn find(here: &Path) -> Result<Self, String> {
        // Set by `cargo run`: right also when the command is typed elsewhere, or the course moved.
        let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let own = own.and_then(|folder| folder.parent().map(Path::to_owned));
        match own.filter(|root| is_checkout(root)) {
            Some(root) => Self::read(root),
            None => Self::read(CourseFolder::find(here)?.course()),
        }
    }

    /// Reads the course at `root`.
    ///
    /// # Errors
    /// Its catalogue has mistakes, or a file cannot be read.
    pub fn read(root: PathBuf) -> Result<Self, String> {
        let catalogue = CourseFolder { root: root.clone(), settings: None }.catalogue()?;
        let reference = sources(&root)?;
        let manifest = manifest(&root)?;
        let version = manifest
            .get("workspace")
            .and_then(|w| w.get("package")?.get("version")?.as_str())
            .ok_or("Cargo.toml: expected a version under [workspace.package]")?
            .to_owned();
        Ok(Course { root, catalogue, reference, version })
    }

    /// Returns the folder for copies that the desk builds for itself.
    pub fn scratch(&self, name: &str) -> PathBuf {
        target(&self.root).join("desk").join(name)
    }

    /// Returns the labs that a command is about: those named, or all that students can work on.
    ///
    /// # Errors
    /// One is unknown, or still to come.
    pub fn labs(&self, named: &[String]) -> Result<Vec<&Lab>, String> {
        if named.is_empty() {
            return Ok(self.catalogue.open().collect());
        }
        let named = named.iter().map(|id| runner::choice::open(self.lab(id)?));
        let named = named.collect::<Result<Vec<_>, _>>()?;
        // In the order of the course, each once.
        Ok(self.catalogue.open().filter(|lab| named.iter().any(|l| l.id == lab.id)).collect())
    }

    /// Returns the lab with this id.
    ///
    /// # Errors
    /// There is none: the nearest is offered.
    pub fn lab(&self, id: &str) -> Result<&Lab, String> {
        self.catalogue.lab(id).ok_or_else(|| {
            let labs = self.catalogue.labs.iter().map(|lab| lab.id.as_str());
            runner::nearest::unknown("lab", id, labs)
        })
    }
}

/// Returns the manifest of the workspace at `root`.
///
/// # Errors
/// It cannot be read.
pub fn manifest(root: &Path) -> Result<toml::Table, String> {
    let text = std::fs::read_to_string(root.join("Cargo.toml"))
        .map_err(|e| format!("{}: {e}", root.join("Cargo.toml").display()))?;
    runner::catalogue::parse("Cargo.toml", &text).map_err(|e| e.to_string())
}

/// Reads every Rust file under a folder of `root`.
///
/// # Errors
/// A file cannot be read.
pub fn texts(root: &Path, folder: &str) -> Result<Sources, String> {
    let mut found = Sources::new();
    for (name, path) in files(root, folder)? {
        if name.ends_with(".rs") {
            let text = std::fs::read_to_string(&path)
                .map_err(|e| format!("{} cannot be read as text: {e}", path.display()))?;
            found.insert(name, text);
        }
    }
    Ok(found)
}

/// Lists every file under a folder of `root`, by its path from the root with `/` between names.
/// Links are not followed.
///
/// # Errors
/// A folder cannot be read.
pub fn files(root: &Path, folder: &str) -> Result<BTreeMap<String, PathBuf>, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        let entries = std::fs::read_dir(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        for entry in entries {
            let entry = entry.map_err(|e| format!("{}: {e}", path.display()))?;
            let kind = entry.file_type().map_err(|e| format!("{}: {e}", path.display()))?;
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if kind.is_dir() {
                folders.push(name);
            } else if kind.is_file() {
                found.insert(name, entry.path());
            }
        }
    }
    Ok(found)
}

/// The text between the braces of a hole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body {
    /// Our own.
    Reference,
    /// The line that waits to be written.
    Cut,
    /// What does nothing yet; the cut line if the hole has no such body.
    Inert,
}

/// Cuts the reference: `choose` says what becomes of each hole.
///
/// # Errors
/// Every hole that cannot be found or cut, with the line of the catalogue that names it.
pub fn cut(
    sources: &Sources,
    catalogue: &Catalogue,
    choose: impl Fn(&Lab, &Step, &Hole) -> Body,
) -> Result<Sources, Vec<Mistake>> {
    let mut cut = sources.clone();
    let mut mistakes = Vec::new();
    let mut bodies: BTreeMap<&str, Vec<(&str, String)>> = BTreeMap::new();
    for (lab, step, hole) in catalogue.holes() {
        let Some(source) = sources.get(&hole.file) else {
            let what = format!("{}: there is no source file {}", hole.path, hole.file);
            mistakes.push(Mistake { file: lab.file.clone(), line: hole.line, what });
            continue;
        };
        match crate::cutter::body(source, &hole.path) {
            Ok(range) => {
                let new = new_body(source, &range, lab, step, hole, choose(lab, step, hole));
                bodies.entry(&hole.file).or_default().extend(new.map(|b| (hole.path.as_str(), b)));
            }
            Err(why) => {
                let what = format!("{}: {why}", hole.file);
                mistakes.push(Mistake { file: lab.file.clone(), line: hole.line, what });
            }
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    for (file, bodies) in bodies {
        let text = crate::cutter::replace(&sources[file], &bodies)
            .expect("each of these bodies was found a moment ago");
        cut.insert(file.to_owned(), text);
    }
    Ok(cut)
}

fn new_body(
    source: &str,
    range: &std::ops::Range<usize>,
    lab: &Lab,
    step: &Step,
    hole: &Hole,
    body: Body,
) -> Option<String> {
    let line = || crate::cutter::one_line(source, range, &marker(lab, step, hole));
    match body {
        Body::Reference => None,
        Body::Cut => Some(line()),
        Body::Inert => Some(hole.before.clone().unwrap_or_else(line)),
    }
}

/// Returns what a student of `lab` finds in a hole at the start: the lab's own are cut (those with
/// an inert body once their step is reached), what it depends on is there, what is later is inert.
pub fn at_start<'a>(
    catalogue: &'a Catalogue,
    current: &'a Lab,
) -> impl Fn(&Lab, &Step, &Hole) -> Body + 'a {
    move |lab, step, _| {
        if lab.id == current.id {
            if step.number == 1 { Body::Cut } else { Body::Inert }
        } else {
            beside(catalogue, current, lab)
        }
    }
}

/// Returns what the proofs of lab `current` find in the holes of another lab: our own bodies if
/// `current` builds upon it, else what does nothing yet.
pub fn beside(catalogue: &Catalogue, current: &Lab, other: &Lab) -> Body {
    if catalogue.builds_on(current, &other.id) { Body::Reference } else { Body::Inert }
}

/// Returns a core as lab `current` is to be judged in it: a hole of a later lab that still waits to
/// be written does nothing again, as it did before that lab was opened. So nobody loses points of a
/// lab that is done while they write the next one.
pub fn judged(mut sources: Sources, catalogue: &Catalogue, current: &Lab) -> Sources {
    for (lab, step, hole) in catalogue.holes() {
        let (Some(before), Some(text)) = (&hole.before, sources.get_mut(&hole.file)) else {
            continue;
        };
        if lab.id == current.id || beside(catalogue, current, lab) == Body::Reference {
            continue;
        }
        // A text that does not parse is the compiler's to explain.
        let Ok(range) = crate::cutter::body(text, &hole.path) else { continue };
        if text[range.clone()].contains(&marker(lab, step, hole)) {
            text.replace_range(range, before);
        }
    }
    sources
}
