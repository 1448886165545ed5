//! What a student types answers at every moment: hints, the map, a grade that is remembered.
//!
//! ```text
//!   a workspace, never built  +  .labs/last.jsonl as a run leaves it  -->  cargo labs hint
//! ```
//!
//! The desk's own program runs in the workspace, as it does for a command that is passed on.

mod common;

use common::{course, made, typed};
use labs::course::Course;
use labs::grade::{self, Grade};
use runner::catalogue::Status;
use runner::last;
use runner::place::CourseFolder;
use runner::progress::Progress;
use runner::report::{Outcome, ReportLine};
use std::fs;
use std::io::Write;
use std::path::Path;

fn answered(folder: &Path, words: &[&str]) -> String {
    let (code, said) = typed(folder, words);
    assert_eq!(code, Some(0), "{words:?}: {said}");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{words:?}: {said}");
    said
}

/// What a run of the code as it is leaves behind.
fn ran(place: &CourseFolder, verdicts: &[ReportLine]) {
    last::note(place, &last::code(place)).expect("noted");
    let lines = verdicts.iter().map(|v| serde_json::to_string(v).expect("JSON") + "\n");
    fs::write(last::report_file(place), lines.collect::<String>()).expect("written");
}

fn at_step(place: &CourseFolder, lab: &str, step: u32) {
    let mut progress = Progress::read(place).0;
    progress.lab_mut(lab).step = step;
    progress.save(place).expect("saved");
}

/// Writes something into every hole of the steps up to this one.
fn write_all(course: &Course, place: &CourseFolder, upto: u32) {
    for (lab, step, hole) in course.catalogue.holes() {
        if lab.id == "2aa" && step.number <= upto {
            runner::source::open_step(place, lab, step).expect("opened");
            let path = place.root.join(&hole.file);
            let text = fs::read_to_string(&path).expect("a source");
            let cut = runner::catalogue::marker(lab, step, hole);
            fs::write(&path, text.replace(&cut, "my own words")).expect("written");
        }
    }
}

#[test]
fn a_hint_is_given_for_every_function_test_and_step() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder);
    let lab = course.lab("2aa").expect("a lab");
    assert!(answered(&place.root, &["hint"]).starts_with("hint 1 of 3 for Majority::needed"));
    assert!(answered(&place.root, &["hint"]).contains("(1 more level: cargo labs hint)"));
    for (words, about) in [
        (["hint", "decide_vote"], "hint 1 of 3 for Core::decide_vote"),
        (["hint", "3"], "hint 1 of 3 for Raft::become_candidate"),
        (["hint", "2aa.8"], "Step 8 of lab 2aa has no function to write"),
        (["hint", "aa_single_node"], "hint 1 of 3 for Majority::outcome"),
    ] {
        let said = answered(&place.root, &words);
        assert!(said.starts_with(about), "{said}");
    }
    let holes = lab.steps.iter().flat_map(|step| &step.holes).map(|hole| hole.path.clone());
    let tests = lab.tests().map(|test| test.name.clone());
    let steps = lab.steps.iter().map(|step| step.number.to_string());
    for name in holes.chain(tests).chain(steps) {
        assert_eq!(runner::hint::hint(&place, Some(&name)), Ok(()), "{name}");
    }
    let (code, said) = typed(&place.root, &["hint", "nosuch"]);
    assert!(code == Some(2) && said.contains("There are: Majority::needed"), "{said}");
}

#[test]
fn a_hint_is_given_while_the_code_does_not_compile() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder);
    ran(&place, &[ReportLine::new("aa_quorum_sizes", Outcome::Passed)]);
    at_step(&place, "2aa", 2);
    write_all(&course, &place, 2);
    last::note_fault(&place, &last::code(&place)).expect("noted");
    let said = answered(&place.root, &["hint"]);
    assert!(said.starts_with("Your code does not compile."), "{said}");
    assert!(said.contains("hint 1 of 3 for Raft::become_follower"), "{said}");
    fs::write(place.root.join("raft/src/quorum.rs"), "// another text").expect("written");
    assert!(!answered(&place.root, &["hint"]).contains("does not compile"), "nobody knows yet");
}

#[test]
fn a_hint_is_given_after_the_lab_is_done_and_for_a_card_of_another_lab() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder);
    write_all(&course, &place, 8);
    at_step(&place, "2aa", 9);
    let held = ReportLine::new("aa_quorum_sizes", Outcome::Passed);
    ran(&place, std::slice::from_ref(&held));
    let said = answered(&place.root, &["hint"]);
    assert!(said.contains("cargo labs test 2aa"), "{said}");
    let rule = |test: &str, rule: &str| ReportLine {
        rule: Some(rule.to_owned()),
        ..ReportLine::new(test, Outcome::Failed)
    };
    ran(&place, &[held, rule("aa_vote_once_per_term", "one_vote_per_term")]);
    let said = answered(&place.root, &["hint"]);
    assert!(said.contains("for aa_vote_once_per_term, rule one_vote_per_term"), "{said}");
    // A hole of a newer course: no hint of this one can fit.
    ran(&place, &[ReportLine::new("aa_model_3x3", Outcome::NotWritten)]);
    let said = answered(&place.root, &["hint"]);
    assert!(said.contains("cargo labs read 2aa.8"), "{said}");

    let text = fs::read_to_string(place.root.join("labs.toml")).expect("settings");
    let open = text.replace("[\"2aa\"]", "[\"2aa\", \"2ab\"]");
    assert_ne!(open, text);
    fs::write(place.root.join("labs.toml"), open).expect("written");
    let lab = course.lab("2ab").expect("a lab");
    let hint = lab.hints.iter().find(|hint| hint.rule != "not_written").expect("a hint");
    let test = lab.tests().find(|test| hint.test == "*" || hint.test == test.name);
    let test = &test.expect("a test").name;
    ran(&place, &[rule(test, &hint.rule)]);
    let said = answered(&place.root, &["hint"]);
    assert!(said.contains(&format!("for {test}, rule {}", hint.rule)), "{said}");
}

#[test]
fn the_map_shows_where_one_is_and_what_a_grade_said() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder);
    let said = answered(&course.root, &[]);
    assert!(said.contains("do this:  cargo labs start ../my-raft"), "{said}");
    assert!(!said.contains("todo") && !said.contains("not run yet"), "{said}");

    let said = answered(&place.root, &[]);
    assert!(said.contains("> 2aa"), "{said}");
    assert!(said.contains("step 1 of 8     0 of 60 [..........]"), "{said}");
    assert!(said.contains("not opened"), "{said}");

    let lab = course.lab("2aa").expect("a lab");
    let passed = |test: &str| {
        lab.test(test).is_some_and(|(step, _)| step.number != 3) && test != "aa_sim_liveness"
    };
    let verdicts: Vec<_> = lab
        .tests()
        .map(|test| {
            let outcome = if passed(&test.name) { Outcome::Passed } else { Outcome::Failed };
            ReportLine::new(&test.name, outcome)
        })
        .collect();
    let graded = grade::lab_grade(lab, &verdicts);
    let points = graded.points;
    let mut progress = Progress::default();
    progress.lab_mut("2aa").passed.insert("aa_election_begins".into());
    progress.save(&place).expect("saved");
    let mut grade = Grade { points, of: lab.points, blocked: None, labs: vec![graded] };
    grade::remember(&place, &grade).expect("noted");
    let said = answered(&place.root, &[]);
    assert!(said.contains(&format!("{points:>4} of 60 [#########.]")), "{points}: {said}");
    assert!(said.contains("lab 2aa, step 3 of 8"), "{said}");

    // A grade that tested nothing takes nothing.
    grade.labs = vec![grade::lab_grade(lab, &[])];
    grade.blocked = Some("raft does not compile".into());
    grade::remember(&place, &grade).expect("noted");
    assert_eq!(answered(&place.root, &[]), said);
}

#[test]
fn a_lab_that_is_still_to_come_is_on_the_map_and_every_command_says_so() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder);
    let later: Vec<_> =
        course.catalogue.labs.iter().filter(|lab| lab.status == Status::Later).collect();
    let first = later.first().expect("some lab is still to come");
    for here in [&course.root, &place.root] {
        let map = answered(here, &[]);
        let is_cut = map.lines().any(|line| line.ends_with("..."));
        assert!(!is_cut, "a title leaves no room for what follows: {map}");
        for lab in &later {
            let (id, title) = (&lab.id, &lab.title);
            let line = map.lines().find(|line| line.trim_start().starts_with(&format!("{id} ")));
            let line = line.unwrap_or_else(|| panic!("no line of lab {id}: {map}"));
            assert!(line.contains(title) && line.ends_with("still to come"), "{line}");
        }
    }

    let refused = |words: &[&str], said_of: &str| {
        let (code, said) = typed(&place.root, words);
        assert!(said.lines().all(|line| line.chars().count() <= 80), "{words:?}: {said}");
        let said = said.replace('\n', " ");
        assert!(code == Some(2) && said.starts_with(said_of), "{words:?}: {said}");
        assert!(said.contains("is still to come"), "{words:?}: {said}");
    };
    let before = fs::read_to_string(place.root.join("labs.toml")).expect("settings");
    for lab in &later {
        refused(&["open", &lab.id], &format!("lab {} ({})", lab.id, lab.title));
        for hole in lab.steps.iter().flat_map(|step| &step.holes) {
            match runner::choice::functions(&hole.path, &course.catalogue) {
                Err(said) => {
                    assert!(said.starts_with(&format!("{} is of lab", hole.path)), "{said}")
                }
                // A function without a type, whose name a function of lab 1wc has, too.
                Ok(named) => {
                    assert_eq!((&*hole.path, &*named[0].2.path), ("remove", "Live::remove"))
                }
            }
        }
    }
    let (id, step) = (first.id.as_str(), format!("{}.1", first.id));
    let said_of = format!("lab {id} ({})", first.title);
    let function = first.steps.first().and_then(|step| step.holes.first()).expect("a function");
    let said_of_function = format!("{} is of lab {id} ({})", function.path, first.title);
    for command in ["test", "watch", "read", "hint", "fill", "reveal", "reset"] {
        refused(&[command, id], &said_of);
        refused(&[command, &step], &said_of);
    }
    for command in ["hint", "fill", "reveal", "reset"] {
        refused(&[command, &function.path], &said_of_function);
    }
    let new = folder.path().join("new").display().to_string();
    refused(&["start", &new, "--lab", id], &said_of);
    refused(&["grade", "--lab", id], &said_of);
    refused(&["check", "--only", "catalogue", "--lab", id], &said_of);
    refused(&["bugs", "--lab", id], &said_of);
    assert_eq!(fs::read_to_string(place.root.join("labs.toml")).expect("settings"), before);
    assert!(!folder.path().join("new").exists(), "no workspace for a lab that cannot be opened");

    // Lab 3a writes `Joint::outcome`; the name goes on to mean the function that there is to write.
    assert!(course.catalogue.holes().any(|(_, _, hole)| hole.path == "Joint::outcome"));
    assert!(answered(&place.root, &["hint", "outcome"]).contains("for Majority::outcome"));
    assert!(answered(&place.root, &["fill", "outcome"]).starts_with("filled Majority::outcome"));
}

#[test]
fn the_script_of_the_first_election_says_nothing_that_a_correct_design_could_fail() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder);
    let script = place.root.join(runner::trial::MY_FIRST_ELECTION);
    let text = fs::read_to_string(script).expect("the script");
    assert!(
        text.lines().all(|line| line != "----"),
        "`labs check --only offers` plays it with every variant"
    );
}

/// The keys of `watch`, where the code does not compile: nothing is built, and every key still answers.
#[test]
fn every_key_of_watch_answers() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder);
    let wrong = |test: &str, card: &str| ReportLine {
        rule: Some("quorum_is_more_than_half".to_owned()),
        card: Some(card.to_owned()),
        ..ReportLine::new(test, Outcome::Failed)
    };
    let verdicts = [
        wrong("aa_quorum_sizes", "x the first card"),
        wrong("aa_single_node", "x the second card"),
    ];
    ran(&place, &verdicts);
    fs::write(place.root.join("raft/src/lib.rs"), "fn broken(").expect("written");
    let mut watch = std::process::Command::new(env!("CARGO_BIN_EXE_labs"))
        .arg("watch")
        .current_dir(&place.root)
        .env("NO_COLOR", "1")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    let keys = "n\nn\no\nh\n?\nr\nq\n";
    watch.stdin.take().expect("a pipe").write_all(keys.as_bytes()).expect("typed");
    let out = watch.wait_with_output().expect("it ends at q");
    let said = String::from_utf8([out.stdout, out.stderr].concat()).expect("text");
    assert_eq!(out.status.code(), Some(0), "{said}");
    let in_order = [
        "save a file to test. h hint, n next card",
        "the second card\n  (card 2 of 2)",
        "the first card\n  (card 1 of 2)",
        "No page of it is kept",
        "hint 1 of",
    ];
    let mut rest = said.as_str();
    for text in in_order {
        let at = rest.find(text).unwrap_or_else(|| panic!("no {text:?} in:\n{rest}"));
        rest = &rest[at + text.len()..];
    }
    assert_eq!(
        said.matches("waits until raft compiles").count(),
        2,
        "the first run, and r: {said}"
    );
}
