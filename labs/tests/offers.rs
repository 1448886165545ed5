//! Every command that a screen, a hint or a hand-out offers can be typed, in a workspace that is
//! filled to that step.
//!
//! ```text
//!   each lab, filled up to each step:   cargo labs   cargo labs hint   cargo labs read 1 .. 8
//!                                          '-------- "cargo labs reveal 2aa.5" ---> typed, or understood
//! ```
//!
//! What looks and writes nothing is typed. What builds is understood: its words are those of the
//! desk, its labs, steps and tests are there. `labs check --only offers` plays the stories.

mod common;

use common::{course, typed};
use labs::course::Course;
use labs::{student, workspace};
use runner::catalogue::Lab;
use runner::choice::Choice;
use runner::place::CourseFolder;
use runner::progress::Progress;
use std::collections::BTreeSet;
use std::path::Path;

/// Words of a page that stand for a name.
const PLACEHOLDERS: [(&str, &str); 6] = [
    ("TEST", "aa_single_node"),
    ("[SEED]", "7"),
    ("SEED", "7"),
    ("LAB", "2ab"),
    ("WHAT", "3"),
    ("DIR", "."),
];

/// Returns the words after `program` of every command in a text: up to two spaces, or to what no
/// command has.
fn commands(text: &str, program: &str) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    // A screen may break a line within a command.
    let mut rest = text;
    while let Some(at) = rest.find(program) {
        rest = &rest[at + program.len()..];
        let ends = ["  ", "`", "\n\n", ";", "(", ")", ". ", ", ", ": "];
        let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
        let line = rest[..end].replace('\n', " ");
        let words = line.split_whitespace().map(|word| word.trim_end_matches(['.', ',', ':']));
        let prose = ["shows", "says", "looks", "is"];
        let words = words.take_while(|word| !prose.contains(word));
        let named = |word: &str| {
            PLACEHOLDERS
                .iter()
                .find(|(name, _)| *name == word)
                .map_or(word, |(_, is)| *is)
                .to_owned()
        };
        found.insert(words.map(named).collect());
    }
    found
}

#[test]
fn a_command_ends_where_prose_begins() {
    let text = "do this:  cargo labs test        (and cargo labs hint, if it does not help)\n\
                (2 more levels: cargo labs\nhint 3) `cargo labs replay TEST [SEED]`, and `cargo labs`.";
    let found: Vec<_> =
        commands(text, "cargo labs").into_iter().map(|words| words.join(" ")).collect();
    assert_eq!(found, ["", "hint", "hint 3", "replay aa_single_node 7", "test"]);
}

#[test]
fn every_command_that_is_offered_can_be_typed_at_that_step() {
    let course = course();
    let mut offered = Offered::default();
    for lab in course.catalogue.open() {
        let folder = tempfile::tempdir().expect("a folder");
        offered.of_lab(&course, lab, &folder.path().join("work"));
    }
    for words in [&["test"][..], &["watch"], &["replay", "aa_single_node", "7"], &["open", "2ab"]] {
        let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
        assert!(
            offered.understood.contains(&words),
            "{words:?} is not in {:?}",
            offered.understood
        );
    }
    let labs = course.catalogue.open().count();
    assert!(offered.typed > 5 * labs, "{} commands in {labs} labs", offered.typed);
}

/// The commands that screens offered so far.
#[derive(Default)]
struct Offered {
    /// Those whose words are the desk's.
    understood: BTreeSet<Vec<String>>,
    /// How many were typed.
    typed: usize,
}

impl Offered {
    /// Fills a lab step by step, and types at each what its screens offer.
    fn of_lab(&mut self, course: &Course, lab: &Lab, root: &Path) {
        let below =
            course.catalogue.open().filter(|other| course.catalogue.builds_on(lab, &other.id));
        let below: Vec<_> = below.collect();
        let first = below.first().copied().unwrap_or(lab);
        let plan = workspace::plan(course, first, root).expect("a plan");
        workspace::make(&plan, root).expect("a workspace");
        let mut place = CourseFolder::find(root).expect("found");
        let settings = place.settings.as_mut().expect("a workspace");
        settings.lab.clone_from(&lab.id);
        // Pages of the next labs are read when they are open.
        settings.open = course.catalogue.open().map(|lab| lab.id.clone()).collect();
        place.save().expect("saved");
        for lab in below {
            student::fill(course, &place, &lab.id).expect("filled");
        }
        // What was typed at an earlier step looks at the same text.
        let mut typed_before = BTreeSet::new();
        for done in 0..=lab.steps.len() as u32 {
            if let Some(step) = lab.step(done) {
                if !step.holes.is_empty() {
                    student::fill(course, &place, &format!("{}.{done}", lab.id)).expect("filled");
                }
                let mut progress = Progress::read(&place).0;
                progress.lab_mut(&lab.id).step = done + 1;
                let held = step.tests.iter().map(|test| test.name.clone());
                progress.lab_mut(&lab.id).passed.extend(held);
                progress.save(&place).expect("saved");
            }
            let at = (done + 1).min(lab.steps.len() as u32).to_string();
            let shown = [vec![], vec!["hint"], vec!["hint"], vec!["hint"], vec!["read", &at]];
            let mut text = String::new();
            for words in shown {
                let words: Vec<_> = words.into_iter().map(str::to_owned).collect();
                let (code, said) = typed(root, &words);
                let of = &lab.id;
                assert_eq!(
                    code,
                    Some(0),
                    "{of}: step {done} is done, cargo labs {words:?}: {said}"
                );
                text += &(said + "\n\n");
            }
            let new = commands(&text, "cargo labs")
                .into_iter()
                .filter(|w| typed_before.insert(w.clone()));
            for words in new.collect::<Vec<_>>() {
                let fault = self.fault(course, &place, lab, &words);
                let line = words.join(" ");
                assert_eq!(fault, None, "{}: step {done} is done: cargo labs {line}", lab.id);
            }
            for words in commands(&text, "cargo step") {
                story(root, &words);
            }
        }
    }

    /// Returns why a command cannot be typed.
    fn fault(
        &mut self,
        course: &Course,
        place: &CourseFolder,
        lab: &Lab,
        words: &[String],
    ) -> Option<String> {
        let looks = ["hint", "read", "reveal"];
        let name = words.first().map(String::as_str);
        if name.is_none_or(|name| looks.contains(&name)) {
            self.typed += 1;
            let (code, said) = typed(&place.root, words);
            return (code != Some(0)).then_some(said);
        }
        if let (Some("test" | "replay" | "watch"), Some(what)) = (name, words.get(1)) {
            let what = what.split('/').next().unwrap_or(what);
            let choice = match Choice::of(what, &course.catalogue, &lab.id) {
                Ok(choice) => choice,
                Err(why) => return Some(why),
            };
            if let Err(why) = place.testable(&course.catalogue, choice.lab()) {
                return Some(why);
            }
        }
        if !self.understood.insert(words.to_vec()) {
            return None;
        }
        let asked: Vec<_> = words.iter().cloned().chain(["--help".to_owned()]).collect();
        let (code, said) = typed(&place.root, &asked);
        (code != Some(0)).then_some(said)
    }
}

/// A story that is offered is there.
fn story(root: &Path, words: &[String]) {
    let Some(name) = words.first().filter(|name| name.ends_with(".txt")) else { return };
    assert!(root.join(name).is_file(), "cargo step {name}: no such script in a workspace");
}

#[test]
fn every_task_of_an_editor_types_a_command_that_is_there() {
    let course = course();
    let lab = course.lab("2aa").expect("the first lab");
    let plan = workspace::plan(&course, lab, Path::new("/nowhere")).expect("a plan");
    let tasks: serde_json::Value =
        serde_json::from_slice(&plan[".vscode/tasks.json"]).expect("a file of JSON");
    let tasks = tasks["tasks"].as_array().expect("tasks");
    assert!(tasks.len() >= 5);
    for task in tasks {
        let command = task["command"].as_str().expect("a command");
        let Some(words) = command.strip_prefix("cargo labs") else {
            assert_eq!(command, "cargo step ${file}");
            continue;
        };
        let words = words.split_whitespace().map(str::to_owned).chain(["--help".to_owned()]);
        let (code, said) = typed(&course.root, &words.collect::<Vec<_>>());
        assert_eq!(code, Some(0), "{command}: {said}");
    }
}

#[test]
fn every_command_of_the_book_and_the_readme_is_one_of_the_desk() {
    let course = course();
    let mut texts = vec![course.root.join("README.md")];
    let pages = labs::course::files(&course.root, "book/src").expect("the book");
    texts.extend(pages.into_values().filter(|path| path.extension().is_some_and(|e| e == "md")));
    let mut words = BTreeSet::new();
    for path in texts {
        words.extend(commands(&std::fs::read_to_string(path).expect("a page"), "cargo labs"));
    }
    for words in words.into_iter().filter(|words| words.first().is_some_and(|w| w != "COMMAND")) {
        let asked: Vec<_> = words.iter().cloned().chain(["--help".to_owned()]).collect();
        let (code, said) = typed(&course.root, &asked);
        assert_eq!(code, Some(0), "cargo labs {}: {said}", words.join(" "));
    }
}
