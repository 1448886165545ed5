//! Several labs in one workspace: what is later does nothing until it is opened, what was written
//! stays, and each lab is judged in the core that its own students work in.

use labs::closure::{PartialCore, surround, woven};
use labs::course::{Course, at_start, cut, judged};
use labs::grade::{self, Whose};
use labs::weave::Arms;
use labs::{leaks, student, workspace};
use runner::catalogue::Catalogue;
use runner::place::CourseFolder;
use runner::progress::Progress;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const FILE: &str = "raft/src/tiny.rs";

/// `first` calls what later labs write: `beat` and `append`.
const SOURCE: &str = "\
pub fn first(n: u8) -> u8 { append(n); beat(n); n + 10 }
pub fn append(n: u8) -> u8 { n + 20 }
pub fn beat(n: u8) -> u8 { n + 30 }
pub fn alone(n: u8) -> u8 { n + 40 }
pub fn last(n: u8) -> u8 { n + 50 }
";

fn lab(id: &str, depends: &str, steps: &[&str]) -> String {
    let mut text = format!(
        "id = \"{id}\"\ntitle = \"Lab {id}\"\npoints = {}\nhours = 1\ndepends = [{depends}]\n\
         status = \"open\"\nsuite = \"lab_{id}\"\nchapter = \"{id}.md\"\n",
        steps.len()
    );
    for (index, hole) in steps.iter().enumerate() {
        let number = index + 1;
        text += &format!(
            "[[steps]]\nnumber = {number}\ntitle = \"t\"\nminutes = 5\nanchor = \"step-{number}\"\n\
             green = \"g\"\nholes = [ {{ file = \"{FILE}\", {hole}, lines = 1 }} ]\n\
             tests = [ {{ name = \"{id}_{number}\", points = 1 }} ]\n"
        );
    }
    text
}

/// The checkout, with three tiny labs and a tiny core in place of its own.
fn course() -> Course {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root");
    let mut course = Course::read(root.to_owned()).expect("the course");
    let files = files();
    course.catalogue =
        Catalogue::parse(&files).map_err(|m| runner::place::lines(&m)).expect("fits");
    course.reference = [(FILE.to_owned(), SOURCE.to_owned())].into();
    course.reference.insert("raft/src/lib.rs".into(), "pub mod tiny;\n".into());
    course
}

fn files() -> std::collections::BTreeMap<String, String> {
    let two = [
        "path = \"append\", before = \"{ n }\"",
        "path = \"alone\"",
        "path = \"beat\", before = \"{ 0 }\"",
    ];
    [
        ("2x.toml".into(), lab("2x", "", &["path = \"first\""])),
        ("2y.toml".into(), lab("2y", "\"2x\"", &two)),
        ("2z.toml".into(), lab("2z", "\"2y\"", &["path = \"last\", before = \"{ n }\""])),
    ]
    .into()
}

/// A workspace that begins with this lab, and its core.
fn made(course: &Course, folder: &TempDir, id: &str) -> CourseFolder {
    let root = folder.path().join(id);
    let lab = course.lab(id).expect("a lab");
    let mut plan = workspace::plan(course, lab, &root).expect("a plan");
    plan.retain(|name, _| !name.starts_with("labs/catalog/"));
    plan.extend(files().into_iter().map(|(n, text)| (format!("labs/catalog/{n}"), text.into())));
    workspace::make(&plan, &root).expect("a workspace");
    CourseFolder::find(&root).expect("found")
}

fn core(place: &CourseFolder) -> String {
    fs::read_to_string(place.root.join(FILE)).expect("the core")
}

/// The settings are written by the command; a command that follows reads them again.
fn again(place: &CourseFolder) -> CourseFolder {
    CourseFolder::find(&place.root).expect("found")
}

#[test]
fn a_workspace_begins_with_later_labs_inert() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let text = core(&made(&course, &folder, "2x"));
    assert!(text.contains("todo!(\"lab 2x step 1: first\")"), "{text}");
    assert!(text.contains("append(n: u8) -> u8 { n }\n"), "inert until lab 2y: {text}");
    assert!(text.contains("todo!(\"lab 2y step 2: alone\")"), "nothing else to do: {text}");
    let text = core(&made(&course, &folder, "2y"));
    assert!(
        text.contains("{ append(n); beat(n); n + 10 }"),
        "what it builds upon is there: {text}"
    );
    assert!(text.contains("todo!(\"lab 2y step 1: append\")"), "{text}");
    assert!(text.contains("beat(n: u8) -> u8 { 0 }\n"), "inert until its step: {text}");
    for id in ["2x", "2y", "2z"] {
        let lab = course.lab(id).expect("a lab");
        let plan = workspace::plan(&course, lab, Path::new("/nowhere")).expect("a plan");
        assert_eq!(leaks::find(&course, lab, &plan).expect("searched"), Vec::<String>::new());
    }
}

#[test]
fn a_lab_is_opened_beside_what_was_written() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder, "2x");
    let mine = core(&place).replace("todo!(\"lab 2x step 1: first\")", "append(n) + my_own()")
        + "fn my_own() -> u8 { 7 }\n";
    fs::write(place.root.join(FILE), &mine).expect("written");
    let said = student::reset(&course, &place, Some("2y")).expect_err("not open");
    assert!(said.contains("lab 2y is not open here yet: cargo labs open 2y"), "{said}");

    let testable = |place: &CourseFolder, id: &str| {
        place.testable(&course.catalogue, course.lab(id).expect("a lab")).is_ok()
    };
    assert!(testable(&place, "2x") && !testable(&place, "2y"));
    let above = made(&course, &folder, "2y");
    assert!(testable(&above, "2x"), "its hand-out says that the lab below must stay green");
    assert!(!testable(&above, "2z"));

    student::open(&course, &place, "2y").expect("opened");
    let place = again(&place);
    let settings = place.settings.clone().expect("a workspace");
    assert_eq!((settings.lab.as_str(), settings.open), ("2y", vec!["2x".into(), "2y".into()]));
    let text = core(&place);
    assert!(text.contains("append(n) + my_own()") && text.contains("fn my_own"), "{text}");
    assert!(text.contains("todo!(\"lab 2y step 1: append\")"), "{text}");
    assert!(text.contains("beat(n: u8) -> u8 { 0 }\n"), "step 3 is not reached: {text}");

    // While `append` waits, lab 2x is judged as if it were not there; lab 2y is not.
    let student =
        grade::sources(&course, &Whose::Student(&place.root), course.lab("2x").expect("a lab"));
    assert!(student.expect("read")[FILE].contains("append(n: u8) -> u8 { n }"));
    let lab = course.lab("2y").expect("a lab");
    let student = grade::sources(&course, &Whose::Student(&place.root), lab).expect("read");
    assert!(student[FILE].contains("todo!(\"lab 2y step 1: append\")"));
    let graded = grade::labs(&course, &Whose::Student(&place.root), &[]).expect("labs");
    assert_eq!(graded.iter().map(|lab| lab.id.as_str()).collect::<Vec<_>>(), ["2x", "2y"]);

    student::fill(&course, &place, "2y").expect("filled");
    student::reset(&course, &place, Some("2y")).expect("cut");
    assert_eq!(core(&place), text, "as when it was opened");
    student::open(&course, &place, "2x").expect("back");
    assert_eq!(again(&place).settings.expect("a workspace").lab, "2x");
    assert_eq!(core(&place), text);
}

#[test]
fn a_lab_that_the_workspace_does_not_know_is_not_opened() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder, "2x");
    let file = place.root.join("labs/catalog/2y.toml");
    let later = files()["2y.toml"]
        .replace("\"open\"", "\"later\"")
        .replace("path = \"alone\"", "path = \"alone\", before = \"{ n }\"");
    fs::write(&file, later).expect("written");
    fs::remove_file(place.root.join("labs/catalog/2z.toml")).expect("gone");
    let before = core(&place);
    let said = student::open(&course, &place, "2y").expect_err("not here");
    assert!(said.contains("was still to come when this workspace was made"), "{said}");
    assert_eq!(core(&place), before);
    assert_eq!(again(&place), place);
    let said = student::open(&course, &place, "2w").expect_err("no such lab");
    assert!(said.contains("there is no lab \"2w\".\n  There are: 2x, 2y, 2z"), "{said}");
}

#[test]
fn the_proofs_of_a_lab_see_no_later_one() {
    let course = course();
    let [x, y, _] = &course.catalogue.labs[..] else { panic!("three labs") };
    let of_x = PartialCore::all(x).into_iter().map(|case| (x, case));
    let cases: Vec<_> = of_x.chain(PartialCore::all(y).into_iter().map(|case| (y, case))).collect();
    let text = woven(&course, &cases).expect("woven")[FILE].clone();
    let line = |name: &str| {
        let mark = format!("pub fn {name}(");
        text.lines().find(|line| line.contains(&mark)).expect("a function").to_owned()
    };
    // 1 to 3 are of lab 2x: filled, cut, alone. The others are of lab 2y: filled up to each of
    // three steps, each step cut, each hole alone.
    assert_eq!(cases.len(), 3 + 9);
    assert!(line("first").contains("2 | 3 => { crate"), "{}", line("first"));
    assert!(line("append").contains("1 | 2 | 3 => { crate"), "inert for 2x: {}", line("append"));
    assert!(line("append").contains("7 | 10 => { crate"), "cut in 2y: {}", line("append"));
    let all = (1..=cases.len()).map(|n| n.to_string()).collect::<Vec<_>>().join(" | ");
    assert!(line("last").contains(&all), "inert for both: {}", line("last"));

    // A change of lab 2x is among inert bodies, which do not count as its having run.
    let mut arms = Arms::default();
    arms.add(1, FILE, "append", "{ 99 }".into());
    surround(&course, &mut arms, &[(1, x)]).expect("surrounded");
    let text = arms.weave(&course.reference).expect("woven")[FILE].clone();
    assert!(text.contains("1 => { crate::raftwright_change::reached(); { 99 } }"), "{text}");
    assert!(!text.contains("{ n + 20 } else { match crate::raftwright_change::live() { 1 => {  {"));
    assert!(text.contains("1 => {  { 0 } }"), "beat is inert, and silent: {text}");
    assert!(text.contains("pub fn first(n: u8) -> u8 { append(n); beat(n); n + 10 }"), "{text}");
}

#[test]
fn a_later_labs_waiting_function_does_nothing_where_an_earlier_lab_is_judged() {
    let course = course();
    let [x, y, z] = &course.catalogue.labs[..] else { panic!("three labs") };
    let skeleton = cut(&course.reference, &course.catalogue, at_start(&course.catalogue, y));
    let skeleton = skeleton.expect("cut");
    let text = judged(skeleton.clone(), &course.catalogue, x)[FILE].clone();
    assert!(text.contains("append(n: u8) -> u8 { n }"), "{text}");
    assert!(text.contains("todo!(\"lab 2y step 2: alone\")"), "no inert body, no change: {text}");
    assert_eq!(judged(skeleton.clone(), &course.catalogue, y), skeleton);
    assert_eq!(judged(skeleton.clone(), &course.catalogue, z), skeleton, "2z builds upon 2y");
    let mut broken = skeleton;
    broken.insert(FILE.into(), "fn broken( {".into());
    assert_eq!(judged(broken.clone(), &course.catalogue, x), broken);
}

#[test]
fn progress_is_kept_lab_by_lab() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder, "2x");
    let mut progress = Progress::default();
    progress.lab_mut("2x").step = 2;
    progress.lab_mut("2x").passed.insert("2x_1".into());
    progress.save(&place).expect("saved");
    let catalogue = place.catalogue().expect("read");
    let x = catalogue.lab("2x").expect("a lab");
    let next = runner::here::following(&place, &catalogue, x, &progress);
    assert_eq!(next.map(|lab| lab.id.as_str()), Some("2y"));
    student::open(&course, &place, "2y").expect("opened");
    let place = again(&place);
    student::reset(&course, &place, Some("2y.1")).expect("cut");
    let (progress, said) = Progress::read(&place);
    assert_eq!(said, None);
    assert_eq!((progress.lab("2x").step, progress.lab("2y").step), (2, 1));
}
