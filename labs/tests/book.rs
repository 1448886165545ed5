//! The book's numbers and transcripts are the course's: what a page counts is counted here again.
//!
//! ```text
//!   teachers.md    Lab 2aa is worth 60: 30 for ...     the points of the catalogue
//!   setup.md       write   raft/src/quorum.rs:55       the line of the first hole in the skeleton
//!   simulator.md   22,885 states                       a test asks for exactly 22_885
//! ```

mod common;

use common::course;
use labs::course::texts;
use labs::course::{Body, cut};
use runner::catalogue::{TestEntry, marker};
use runner::points::Points;
use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root")
}

/// Reads a page, with each run of spaces and line ends as one space.
fn page(name: &str) -> String {
    let text = fs::read_to_string(root().join(name)).expect("a page");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn says(name: &str, wanted: &str) {
    assert!(page(name).contains(wanted), "{name} does not say: {wanted}");
}

#[test]
fn the_points_of_the_first_lab_are_as_the_teachers_page_says() {
    let course = course();
    let lab = course.lab("2aa").expect("the first lab");
    let sum = |counts: &dyn Fn(&TestEntry) -> bool| -> Points {
        lab.tests().filter(|test| counts(test)).map(|test| test.points).sum()
    };
    let is_model = |test: &TestEntry| test.name.contains("_model_");
    let sims = sum(&TestEntry::is_simulation);
    let (model, units) = (sum(&is_model), sum(&|test| !test.is_simulation() && !is_model(test)));
    let last = lab.steps.len() - 1;
    let wanted = format!(
        "Lab 2aa is worth {}: {units} for the tests of steps 1 to {last}, {model} for the exhaustive \
         model, {sims} for the simulations",
        lab.points
    );
    says("book/src/teachers.md", &wanted);
}

#[test]
fn the_first_screen_is_as_the_readme_and_the_book_show_it() {
    let course = course();
    let lab = course.lab("2aa").expect("the first lab");
    let step = &lab.steps[0];
    let hole = &step.holes[0];
    let skeleton = cut(&course.reference, &course.catalogue, |_, _, _| Body::Cut).expect("cut");
    let text = &skeleton[&hole.file];
    let before = text.split(&marker(lab, step, hole)).next().expect("a marker");
    let line = before.lines().count();
    let (of, lines) = (lab.steps.len(), hole.lines);
    let plural = if lines == 1 { "line" } else { "lines" };
    for name in ["README.md", "book/src/setup.md"] {
        says(name, &format!("lab 2aa, step 1 of {of}: {} {} min", step.title, step.minutes));
        says(name, &format!("write {}:{line} {} ({lines} {plural})", hole.file, hole.path));
        let test = &step.tests[0].name;
        says(name, &format!("o {test} not written yet: {}", hole.path));
    }
    let holes = lab.steps.iter().map(|step| step.holes.len()).sum::<usize>();
    assert_eq!(holes, 16, "setup.md says sixteen");
    says("book/src/setup.md", "with sixteen function bodies taken out");
}

#[test]
fn the_readmes_map_of_labs_is_the_catalogues() {
    let course = course();
    for name in ["README.md", "README.zh-CN.md"] {
        let text = std::fs::read_to_string(course.root.join(name)).expect("the page is there");
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
        for lab in &course.catalogue.labs {
            // A row may be about several labs: `| 2ad, 2ae, 2af | .. | 6, 4, 6 | to come |`.
            let hours = rows.iter().find_map(|row| {
                let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
                let at = cells[0].split(", ").position(|id| id == lab.id)?;
                let is_open = cells.get(3)?.starts_with(if name == "README.md" {
                    "open"
                } else {
                    "已开放"
                });
                Some((cells.get(2)?.split(", ").nth(at)?.parse::<u32>().ok()?, is_open))
            });
            let is_open = course.catalogue.open().any(|open| open.id == lab.id);
            assert_eq!(hours, Some((lab.hours, is_open)), "{name}: lab {}", lab.id);
        }
    }
}

/// A number of four digits or more, in these chapters, is one that a test asks for. Round numbers are no
/// measurements.
#[test]
fn a_test_asks_for_each_large_number_of_the_book() {
    let tests = texts(root(), "tests/tests").expect("the tests");
    let mut numbers = 0;
    let names = ["2aa.md", "2ab.md", "2ac.md", "simulator.md", "election.md", "replication.md"];
    for name in names.into_iter().chain(["zh/2aa.md"]) {
        let text = page(&format!("book/src/{name}"));
        let words = text.split(|c: char| !c.is_ascii_digit() && c != ',');
        for number in words.map(|word| word.trim_matches(',')) {
            let parts: Vec<&str> = number.split(',').collect();
            let is_large = parts.len() > 1 && parts[1..].iter().all(|part| part.len() == 3);
            if !is_large || parts[1..].iter().all(|part| *part == "000") {
                continue;
            }
            numbers += 1;
            let wanted = parts.join("_");
            assert!(
                tests.values().any(|test| test.contains(&wanted)),
                "{name} says {number}, and no test under tests/tests has {wanted}"
            );
        }
    }
    assert!(numbers >= 10, "only {numbers} numbers were looked at");
}

/// A row that is done names a test, every test that is named exists, and the top counts the marks.
#[test]
fn the_design_notes_count_their_rows_and_name_tests_that_exist() {
    let mut tests = String::new();
    for folder in ["kv/src", "kv/tests", "raft/src", "raft/tests", "storage", "tests/tests"] {
        tests.extend(texts(root(), folder).expect("the sources").into_values());
    }
    let text = fs::read_to_string(root().join("book/src/design-notes.md")).expect("the page");
    let (mut rows, marks) = (0, ["done", "other way", "later"]);
    let mut counts = [0; 3];
    for row in text.lines().filter(|line| line.starts_with("| S")) {
        let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
        let [id, _, _, shown_by, mark] = cells[..] else { panic!("five cells: {row}") };
        let names: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        for name in &names {
            let is_test = tests.split("#[test]").skip(1).any(|after| {
                after.split('{').next().is_some_and(|head| head.contains(&format!("fn {name}(")))
            });
            assert!(is_test, "{id}: no test is called {name}");
        }
        let of = marks.iter().position(|known| mark.split(':').next() == Some(*known));
        let of = of.unwrap_or_else(|| panic!("{id}: the mark is {mark}"));
        assert!(of != 0 || !names.is_empty(), "{id}: done, and no test shows it");
        counts[of] += 1;
        rows += 1;
    }
    let [done, other, later] = counts;
    let wanted = format!(
        "Of {rows} rows, {done} are done, {other} are there in another way, and {later} come later."
    );
    says("book/src/design-notes.md", &wanted);
}

/// The page about the store says it: each invariant that is numbered has a bug that breaks it.
#[test]
fn each_invariant_of_the_store_has_a_bug() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).expect("the file is there");
    let (store, bugs) = (read("kv/src/store.rs"), read("labs/core-bugs/store.toml"));
    let numbered = store.lines().filter_map(|line| line.strip_prefix("//! ")?.split_once(". "));
    let numbers = numbered.filter_map(|(number, _)| number.parse::<u32>().ok());
    let mut checked = 0;
    for number in numbers {
        assert!(bugs.contains(&format!("(invariant {number})")), "invariant {number} has no bug");
        checked += 1;
    }
    assert!(checked >= 11, "kv/src/store.rs numbers only {checked} invariants");
}
