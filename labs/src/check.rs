//! `labs check`: everything that must hold before the course is handed out. It never writes into
//! the sources; `labs fix` does.
//!
//! ```text
//!   format  names  lints  docs  tests  catalogue  workflow  book  translations  identifiers  round-trip
//!   leaks  skeleton  closure  offers  pictures  outside
//! ```

use crate::course::{Body, Course, cut};
use crate::grade::{self, Whose};
use crate::{
    changes, closure, core_bugs, excerpt, identifiers, leaks, names, offers, pictures,
    translations, workflow, workspace,
};
use clap::ValueEnum;
use runner::catalogue::Lab;
use runner::place::{lines, suites_target};
use runner::points::Points;
use runner::report::Outcome;
use runner::screen::{GREEN, RED, hang, paint};
use runner::suite::cargo;

/// One thing that is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Part {
    /// Every file is formatted
    Format,
    /// No two types of a package share a name
    Names,
    /// Clippy has nothing to say
    Lints,
    /// Every link in the documentation leads somewhere
    Docs,
    /// Every test of the course passes
    Tests,
    /// Holes can be cut, hand-outs know every step
    Catalogue,
    /// CI proves the suite of every open lab
    Workflow,
    /// Code in the book is what the sources have
    Book,
    /// A page in another language is that of its original
    Translations,
    /// Hand-outs, hints and the book name only what the sources have
    Identifiers,
    /// Cut and filled again, the sources are the same
    RoundTrip,
    /// No reference body lies in a workspace
    Leaks,
    /// What a student starts with is worth nothing
    Skeleton,
    /// Each step's tests see its functions, and no later ones
    Closure,
    /// A story that is offered is told to its end, with every correct variant
    Offers,
    /// Pictures of runs are what is drawn now
    Pictures,
    /// Properties stated outside the checkout hold, and find planted bugs
    Outside,
}

/// Returns the parts to check, in their order: those of `only`, or all if it is empty, without those
/// of `skip`.
pub fn parts(only: &[Part], skip: &[Part]) -> Vec<Part> {
    let all = Part::value_variants().iter();
    let wanted = all.filter(|part| only.is_empty() || only.contains(part));
    wanted.filter(|part| !skip.contains(part)).copied().collect()
}

/// Checks these parts and returns whether all hold. Leaks, skeleton and closure are those of the labs
/// `labs`.
///
/// # Errors
/// A part cannot be checked at all.
pub fn check(course: &Course, parts: &[Part], labs: &[&Lab]) -> Result<bool, String> {
    let mut holds = true;
    for part in parts {
        let name = part.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default();
        let faults = faults(course, *part, labs)?;
        let (style, mark) = if faults.is_empty() { (GREEN, "+") } else { (RED, "x") };
        anstream::println!("{}", paint(style, &format!("{mark} {name}")));
        // A line to be copied is one of its own.
        for line in faults.iter().flat_map(|fault| fault.lines()) {
            anstream::println!("{}", hang("    ", line));
        }
        holds &= faults.is_empty();
    }
    Ok(holds)
}

fn faults(course: &Course, part: Part, labs: &[&Lab]) -> Result<Vec<String>, String> {
    match part {
        Part::Format => {
            let mut found = run(course, &["fmt", "--all", "--check"], "cargo labs fix formats");
            let args = ["fmt", "--manifest-path", OUTSIDE_MANIFEST, "--check"];
            found.extend(run(course, &args, "cargo labs fix formats"));
            Ok(found)
        }
        Part::Names => names::find(course),
        Part::Lints => Ok(run(
            course,
            &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
            "clippy found something",
        )),
        Part::Docs => {
            Ok(run(course, &["doc", "--workspace", "--no-deps"], "the documentation has mistakes"))
        }
        Part::Tests => Ok(run(course, &["test", "--workspace"], "a test failed")),
        Part::Catalogue => Ok(catalogue(course)),
        Part::Workflow => workflow::find(course),
        Part::Book => {
            let named = |page: &excerpt::Stale| format!("{}: cargo labs fix", page.name);
            Ok(excerpt::stale(course)?.iter().map(named).collect())
        }
        Part::Pictures => pictures::find(course),
        Part::Translations => translations::find(&course.root),
        Part::Identifiers => identifiers::find(course),
        Part::RoundTrip => Ok(round_trip(course)),
        Part::Leaks => {
            let mut found = Vec::new();
            for lab in labs {
                let root = course.scratch("leaks");
                found.extend(leaks::find(course, lab, &workspace::plan(course, lab, &root)?)?);
            }
            Ok(found)
        }
        Part::Skeleton => skeleton(course, labs),
        Part::Closure => closure::prove(course, labs),
        Part::Offers => offers::find(course),
        Part::Outside => {
            let lints = ["--all-targets", "--", "-D", "warnings"];
            let args = [&["clippy", "--manifest-path", OUTSIDE_MANIFEST][..], &lints].concat();
            let mut found = run(course, &args, "clippy found something");
            found.extend(core_bugs::outside(course)?);
            Ok(found)
        }
    }
}

/// The manifest of the crate outside, which is a workspace of its own.
const OUTSIDE_MANIFEST: &str = "tests/outside/Cargo.toml";

/// Runs cargo in the course and returns what was wrong.
fn run(course: &Course, args: &[&str], otherwise: &str) -> Vec<String> {
    let mut command = cargo(&course.root);
    command.args(args);
    if args[0] != "fmt" {
        // What comes after `--` belongs to the tool.
        command.env("CARGO_TARGET_DIR", runner::place::target(&course.root));
        command.env("RUSTDOCFLAGS", "-D warnings");
    }
    match command.status() {
        Ok(status) if status.success() => Vec::new(),
        Ok(_) => vec![format!("cargo {}: {otherwise}", args.join(" "))],
        Err(e) => vec![format!("cargo cannot be started: {e}")],
    }
}

/// Returns what does not fit between catalogue, sources, hand-outs and changes.
fn catalogue(course: &Course) -> Vec<String> {
    let mut found = Vec::new();
    if let Err(mistakes) = cut(&course.reference, &course.catalogue, |_, _, _| Body::Cut) {
        found.extend(mistakes.iter().map(ToString::to_string));
    }
    match changes::Changes::read(course) {
        Ok(changes) => match crate::rules::mismatches(course, &changes) {
            Ok(mismatches) => found.extend(mismatches),
            Err(why) => found.push(why),
        },
        Err(mistakes) => found.extend(mistakes.iter().map(ToString::to_string)),
    }
    match crate::core_bugs::outdated(course) {
        Ok(outdated) => found.extend(outdated),
        Err(why) => found.push(why),
    }
    match crate::random::outdated(course) {
        Ok(outdated) => found.extend(outdated),
        Err(why) => found.push(why),
    }
    found.extend(course.catalogue.holes().filter_map(|(lab, _, hole)| length(course, lab, hole)));
    for lab in course.catalogue.open() {
        let Some(chapter) = &lab.chapter else { continue };
        let name = format!("book/src/{chapter}");
        match std::fs::read_to_string(course.root.join(&name)) {
            Ok(text) => {
                for step in &lab.steps {
                    if runner::handout::section(&text, &step.anchor).is_none() {
                        let (number, anchor) = (step.number, &step.anchor);
                        found.push(format!("{name}: step {number} has no section #{anchor}"));
                    }
                }
            }
            Err(e) => found.push(format!("{name}, the hand-out of lab {}: {e}", lab.id)),
        }
        let mut holes = lab.steps.iter().flat_map(|s| &s.holes);
        let hinted = |path: &str| lab.hints.iter().any(|h| h.hole.as_deref() == Some(path));
        found.extend(holes.find(|h| !hinted(&h.path)).map(|h| {
            format!("{}:{}: no hint for {} (rule not_written)", lab.file, h.line, h.path)
        }));
    }
    found
}

/// Compares how long a body is said to be with how long it is.
fn length(course: &Course, lab: &Lab, hole: &runner::catalogue::Hole) -> Option<String> {
    let source = course.reference.get(&hole.file)?;
    let body = &source[crate::cutter::body(source, &hole.path).ok()?];
    let code = body.trim_start_matches('{').trim_end_matches('}').lines();
    let lines = code.filter(|l| !l.trim().is_empty() && !l.trim().starts_with("//")).count();
    (lines != hole.lines as usize).then(|| {
        format!("{}:{}: {} has {lines} lines, not {}", lab.file, hole.line, hole.path, hole.lines)
    })
}

/// Cuts every hole and puts the bodies back.
fn round_trip(course: &Course) -> Vec<String> {
    let mut found = Vec::new();
    let cut = match cut(&course.reference, &course.catalogue, |_, _, _| Body::Cut) {
        Ok(cut) => cut,
        Err(mistakes) => return vec![lines(&mistakes)],
    };
    for (file, source) in &course.reference {
        let holes = course.catalogue.holes().filter(|(_, _, hole)| hole.file == *file);
        let bodies = holes.map(|(_, _, hole)| {
            let range = crate::cutter::body(source, &hole.path)?;
            Ok((hole.path.as_str(), source[range].to_owned()))
        });
        let filled = bodies
            .collect::<Result<Vec<_>, String>>()
            .and_then(|bodies| crate::cutter::replace(&cut[file], &bodies));
        match filled {
            Ok(filled) if filled == *source => {}
            Ok(_) => found.push(format!("{file} differs after it is cut and filled again")),
            Err(why) => found.push(format!("{file}: {why}")),
        }
    }
    found
}

/// What a student starts a lab with compiles and earns nothing, and each of its tests says which
/// function of that very lab it waits for.
fn skeleton(course: &Course, labs: &[&Lab]) -> Result<Vec<String>, String> {
    let grade = grade::grade(course, &Whose::Skeleton, labs, None)?;
    let mut found: Vec<String> = grade.blocked.iter().cloned().collect();
    // No suite builds what labs are cut from that are still to come.
    let root = course.scratch("grade-skeleton");
    let target = suites_target(&course.root);
    let (root, target) = (root.to_string_lossy(), target.to_string_lossy());
    let manifest = format!("{root}/Cargo.toml");
    let args =
        ["check", "--quiet", "-p", "kv", "--manifest-path", &manifest, "--target-dir", &target];
    found.extend(run(course, &args, "kv does not compile with the inert bodies of its labs"));
    for (lab, graded) in labs.iter().zip(&grade.labs) {
        let own = |path: &str| lab.steps.iter().flat_map(|s| &s.holes).any(|h| h.path == path);
        for test in &graded.tests {
            let hole = test.hole.as_deref();
            if test.points != Points::default() {
                found.push(format!("{} earns {} points on a skeleton", test.test, test.points));
            } else if let Some(outcome) = test.outcome.filter(|o| *o != Outcome::NotWritten) {
                found.push(format!("{} is {outcome:?} on a skeleton, not unwritten", test.test));
            } else if let Some(hole) = hole.filter(|hole| !own(hole)) {
                found.push(format!(
                    "{} waits for {hole}, which lab {} does not cut",
                    test.test, lab.id
                ));
            }
        }
    }
    Ok(found)
}

/// Writes what can be written without thinking: the formatting, and the code and the pictures in the
/// book.
///
/// # Errors
/// Cargo cannot be started, a file does not parse, or a page names an item that is not there.
pub fn fix(course: &Course) -> Result<(), String> {
    let before = crate::course::sources(&course.root)?;
    let why = "a file cannot be formatted";
    let mut faults = run(course, &["fmt", "--all"], why);
    faults.extend(run(course, &["fmt", "--manifest-path", OUTSIDE_MANIFEST], why));
    if !faults.is_empty() {
        return Err(faults.join("\n"));
    }
    let after = crate::course::sources(&course.root)?;
    let changed = before.iter().filter(|(name, text)| after.get(*name) != Some(*text)).count();
    let formatted = Course::read(course.root.clone())?;
    let stale = excerpt::stale(&formatted)?;
    for page in &stale {
        std::fs::write(course.root.join(&page.name), &page.fresh)
            .map_err(|why| format!("{}: {why}", page.name))?;
    }
    let pictures = pictures::fix(course)?;
    anstream::println!(
        "formatted: {changed} source files changed. the book: {} pages changed, {pictures} drawn. \
         next:  cargo labs check",
        stale.len()
    );
    Ok(())
}
