//! Offers: every story that a screen or a hand-out offers is told to its end at that moment.
//!
//! ```text
//!   lab 2aa, step 6 is green     "watch it being elected:  cargo step my_first_election.txt"
//!   book/src/2aa.md, step 6      `cargo step my_first_election.txt`
//!                                  |
//!                                  v
//!   filled up to step 6; to each later step; each later lab; each correct variant of these:
//!   the story ends well, and n1 leads
//!
//!   a card                       "replay  cargo labs replay aa_vote_once_per_term/2 --open"
//!   with a bug that test kills:  the card, and then the story of its trace
//! ```
//!
//! As in the closure, one woven build holds every one of these cores.

use crate::bugs::concerns;
use crate::changes::{Bug, Changes, Edit};
use crate::closure::{HoleBodies, built_one, surround};
use crate::copy;
use crate::course::Course;
use crate::cutter;
use crate::weave::{Arms, CHANGE};
use runner::catalogue::Lab;
use runner::place::{CourseFolder, Settings, lines};
use runner::suite::Program;
use runner::trial::{FIRST_LEADER, MY_FIRST_ELECTION};
use std::path::Path;
use std::process::Command;

/// A core in which a story is told.
struct FilledCore<'a> {
    /// What a fault says of it.
    said: String,
    lab: &'a Lab,
    /// The last step of the lab that is written.
    step: u32,
}

/// Returns every story of a hand-out that is not told well where it is offered.
///
/// # Errors
/// The cores cannot be built, or the program cannot be started.
pub fn find(course: &Course) -> Result<Vec<String>, String> {
    let (first, leader_step, _) = FIRST_LEADER;
    let led = course.lab(first)?;
    let changes = Changes::read(course).map_err(|found| lines(&found))?;
    let mut arms = Arms::default();
    let mut stages = Vec::new();
    let later = course.catalogue.open().filter(|lab| course.catalogue.builds_on(lab, first));
    for lab in std::iter::once(led).chain(later) {
        let from = if lab.id == first { leader_step } else { 1 };
        for step in lab.steps.iter().filter(|step| step.number >= from) {
            let said = format!("lab {}, filled up to step {}", lab.id, step.number);
            stages.push(FilledCore { said, lab, step: step.number });
        }
        let concerned = changes.variants.iter().filter(|v| concerns(course, v, lab));
        for variant in concerned {
            let mut steps = vec![lab.steps.len() as u32];
            // What it changes in a later step is not written at this one.
            let is_later = |edit: &Edit| {
                let mut holes = course.catalogue.holes();
                let of = holes.find(|(_, _, h)| h.file == edit.file && h.path == edit.function);
                of.is_some_and(|(_, step, _)| step.number > leader_step)
            };
            if lab.id == first && !variant.edits.iter().any(is_later) {
                steps.push(leader_step);
            }
            for step in steps {
                let said = format!("lab {}, filled up to step {step}, {}", lab.id, variant.id);
                stages.push(FilledCore { said, lab, step });
                arms.change(stages.len(), &course.reference, &variant.edits)?;
            }
        }
    }
    let numbered: Vec<_> = stages.iter().enumerate().map(|(n, s)| (n + 1, s.lab)).collect();
    surround(course, &mut arms, &numbered)?;
    for (of, step, hole) in course.catalogue.holes() {
        let bodies = HoleBodies::of(course, of, step, hole)?;
        for (index, stage) in stages.iter().enumerate() {
            if of.id == stage.lab.id && step.number > stage.step {
                arms.surround(index + 1, &hole.file, &hole.path, bodies.inert.clone());
            }
        }
    }
    let sources = arms.weave(&course.reference)?;
    let root = course.scratch("proof");
    copy::write(&root, &copy::plan(course, &sources, &root)?)?;
    let program = built_one(course, &root, Program::Step)?.program;
    let script = root.join(MY_FIRST_ELECTION);
    std::fs::write(&script, crate::workspace::FIRST_ELECTION)
        .map_err(|why| format!("{}: {why}", script.display()))?;
    let mut faults = Vec::new();
    for (index, stage) in stages.iter().enumerate() {
        if let Some(fault) = told(&program, &root, &script, index + 1)? {
            faults.push(format!("{}: cargo step {MY_FIRST_ELECTION}: {fault}", stage.said));
        }
    }
    let fault = opened(course, &root, led, a_vote_too_many(&changes)?)?;
    faults.extend(fault.map(|fault| format!("cargo labs replay {VOTED_TWICE} --open: {fault}")));
    Ok(faults)
}

/// The test whose card and story are opened.
const VOTED_TWICE: &str = "aa_vote_once_per_term";

/// Returns a bug that this test kills.
fn a_vote_too_many(changes: &Changes) -> Result<&Bug, String> {
    let found = changes.bugs.iter().find(|bug| bug.fate.killer() == Some(VOTED_TWICE));
    found.ok_or_else(|| format!("no bug is killed by {VOTED_TWICE}"))
}

/// Opens the story of a failed test, as its card offers, in a workspace with a bug; returns what is wrong.
fn opened(course: &Course, root: &Path, lab: &Lab, bug: &Bug) -> Result<Option<String>, String> {
    let mut sources = course.reference.clone();
    for edit in &bug.edits {
        let source = sources.get_mut(&edit.file).ok_or_else(|| format!("no {}", edit.file))?;
        let range = cutter::body(source, &edit.function)?;
        let wrong = source[range.clone()].replacen(&edit.find, &edit.replace, 1);
        source.replace_range(range, &wrong);
    }
    copy::write(root, &copy::plan(course, &sources, root)?)?;
    let settings = Settings {
        course: course.root.display().to_string(),
        version: course.version.clone(),
        catalogue: course.catalogue.hash.clone(),
        lab: lab.id.clone(),
        open: vec![lab.id.clone()],
    };
    CourseFolder { root: root.to_owned(), settings: Some(settings) }.save()?;
    let desk = std::env::current_exe().map_err(|why| format!("the desk's own program: {why}"))?;
    let out = Command::new(desk)
        .args(["replay", VOTED_TWICE, "--open"])
        .current_dir(root)
        .output()
        .map_err(|why| format!("the desk cannot be started: {why}"))?;
    let said = String::from_utf8_lossy(&out.stdout);
    Ok(card_and_story(&said, &String::from_utf8_lossy(&out.stderr)))
}

/// Returns what is wrong with a card that a story must follow.
fn card_and_story(said: &str, wrong: &str) -> Option<String> {
    let Some(card) = said.find("ONE VOTE PER TERM") else {
        return Some(format!("it shows no card: {} {}", last(said), last(wrong)));
    };
    let story = said[card..].contains("The test failed: ONE VOTE PER TERM");
    (!story).then(|| format!("no story follows the card: {}", last(said)))
}

/// Tells the story on one core; returns what is wrong.
fn told(
    program: &Path,
    root: &Path,
    script: &Path,
    number: usize,
) -> Result<Option<String>, String> {
    let out = Command::new(program)
        .arg(script)
        .current_dir(root)
        .env(CHANGE, number.to_string())
        .output()
        .map_err(|why| format!("{}: {why}", program.display()))?;
    let (said, wrong) =
        (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    Ok(fault(out.status.code(), &said, &wrong))
}

/// Returns what is wrong with what the story of the first leader said.
pub fn fault(code: Option<i32>, said: &str, wrong: &str) -> Option<String> {
    if code != Some(0) {
        return Some(format!("it ends with {code:?}: {} {}", last(said), wrong.trim()));
    }
    let leads = |line: &str| line.trim_start().starts_with("n1@1 leader");
    if !said.lines().any(leads) {
        return Some(format!("n1 does not lead term 1 in the end: {}", last(said)));
    }
    let ended = said.contains("no invariant broke");
    (!ended).then(|| format!("it stops before its end: {}", last(said)))
}

/// As much of a story's end as a fault shows.
const LAST_LETTERS: usize = 160;

/// The end of the last paragraph.
fn last(said: &str) -> String {
    let last = said.trim_end().rsplit("\n\n").next().unwrap_or_default();
    let last = last.split_whitespace().collect::<Vec<_>>().join(" ");
    let from = last.char_indices().rev().nth(LAST_LETTERS).map_or(0, |(at, _)| at);
    last[from..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_without_a_leader_or_an_end_is_a_fault() {
        let well = "n1@1 leader     vote n1\n\n9 steps, and no invariant broke.\n";
        assert_eq!(fault(Some(0), well, ""), None);
        let nobody = well.replace("n1@1 leader ", "n1@0 follower");
        assert!(fault(Some(0), &nobody, "").expect("a fault").contains("does not lead"));
        let short = "  n1@1 leader\n\nHere your part begins: Core::f is not\nwritten yet.\n";
        let said = fault(Some(0), short, "").expect("a fault");
        assert_eq!(
            said,
            "it stops before its end: Here your part begins: Core::f is not written yet."
        );
        assert!(fault(Some(1), well, "error: x").expect("a fault").contains("error: x"));
    }

    #[test]
    fn a_card_without_its_story_is_a_fault() {
        let whole = "x 2aa step 5\n  ONE VOTE PER TERM: n1 voted\n> n2->n1\n\nThe test failed: ONE VOTE PER TERM\n";
        assert_eq!(card_and_story(whole, ""), None);
        let card = whole.split('>').next().expect("a card");
        assert!(card_and_story(card, "").expect("a fault").contains("no story follows"));
        assert!(card_and_story("", "error: x").expect("a fault").contains("error: x"));
    }
}
