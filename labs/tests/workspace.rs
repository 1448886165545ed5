//! A workspace is made whole or not at all, and shows no body that a student is to write.

mod common;

use common::{course, made, typed};
use labs::{leaks, student, workspace};
use runner::place::CourseFolder;
use runner::screen::{WIDTH, columns};
use std::fs;
use std::path::Path;

#[test]
fn what_may_not_be_touched_is_not() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let refused = |dir: &str| workspace::room(&course, Path::new(dir), here).expect_err(dir);
    fs::create_dir(here.join("full")).expect("made");
    fs::write(here.join("full/diary.txt"), "dear").expect("written");
    assert!(refused("full").contains("full is not empty: nothing was touched"));
    fs::write(here.join("file"), "").expect("written");
    assert!(refused("file").contains("file is a file, not a folder"));
    assert!(refused("no/where").contains("no does not exist: make it first"));
    let inside = course.root.join("mine");
    let said = refused(&inside.to_string_lossy());
    assert!(said.contains("inside the course itself"), "{said}");
    assert!(said.contains("cargo labs start ../mine"), "{said}");
    // The course's own place is taken: what is offered instead is not.
    let said = workspace::room(&course, Path::new("."), &course.root).expect_err("the course");
    assert!(said.contains("cargo labs start ../my-raft"), "{said}");

    let place = made(&course, &folder);
    assert!(refused("my-raft").contains("is a workspace already. Go on there"));
    let said = workspace::room(&course, Path::new("."), &place.root).expect_err("it is one");
    assert!(said.contains("is a workspace already"), "{said}");
    for below in ["my-raft/other", "my-raft/book/other"] {
        let said = refused(below);
        assert!(said.contains("is inside the workspace"), "{said}");
        let offered = said.rsplit("cargo labs start ").next().expect("an offer");
        assert!(workspace::room(&course, Path::new(offered), here).is_ok(), "{said}");
    }
    let settings = place.root.join("labs.toml");
    let text = fs::read_to_string(&settings).expect("settings");
    fs::write(&settings, text.replace(&course.version, "0.0.9")).expect("written");
    assert!(refused("my-raft").contains("of course version 0.0.9"));
    let old = CourseFolder::find(&place.root).expect("found");
    let said = student::fill(&course, &old, "needed").expect_err("another version");
    assert!(said.contains("cut from course version 0.0.9") && said.contains("nothing"), "{said}");

    fs::create_dir(here.join("empty")).expect("made");
    assert!(workspace::room(&course, Path::new("empty"), here).is_ok());
    assert!(workspace::room(&course, Path::new("./new"), here).is_ok());
}

#[test]
fn nothing_is_left_of_a_workspace_that_could_not_be_written() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("my-raft");
    let lab = course.lab("2aa").expect("the first lab");
    let mut plan = workspace::plan(&course, lab, &root).expect("a plan");
    // Simulates a disk that is full half-way: this file needs a folder where a file is.
    plan.insert("raft/src/zzz".into(), Vec::new());
    plan.insert("raft/src/zzz/more".into(), Vec::new());
    let said = workspace::make(&plan, &root).expect_err("it cannot");
    assert!(said.contains("nothing is left of it"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 0);
}

/// A disk that takes no more, half-way through: no file may grow beyond 4 KiB, and a process that
/// tries gets an error instead of being killed.
#[cfg(unix)]
#[test]
fn nothing_is_left_of_a_workspace_when_the_disk_is_full() {
    let folder = tempfile::tempdir().expect("a folder");
    let before = fs::read_dir(folder.path()).expect("listed").count();
    let line = "trap '' XFSZ; ulimit -f 8; exec \"$0\" start my-raft";
    let run = std::process::Command::new("sh")
        .args(["-c", line, env!("CARGO_BIN_EXE_labs")])
        .current_dir(folder.path())
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&run.stderr).replace('\n', " ");
    assert_eq!(run.status.code(), Some(2), "{said}");
    assert!(said.contains("the workspace cannot be written, and nothing is left of it"), "{said}");
    assert!(said.contains(".my-raft.partial-") && said.contains("File too large"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), before, "{said}");
}

/// What a student breaks outside the code is named, and costs nothing that was done.
#[test]
fn a_broken_manifest_or_progress_costs_nothing() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder);
    let mut progress = runner::progress::Progress::default();
    progress.lab_mut("2aa").step = 4;
    progress.lab_mut("2aa").passed.insert("aa_quorum_sizes".into());
    progress.save(&place).expect("saved");
    let manifest = place.root.join("raft/Cargo.toml");
    let good = fs::read_to_string(&manifest).expect("the manifest");
    fs::write(&manifest, format!("{good}\nbroken = [\n")).expect("written");
    let wish = runner::trial::TestRequest {
        what: None,
        seeds: None,
        seed: None,
        cards: runner::card::Cards::First,
    };
    let said = runner::trial::test(&place, &wish).expect_err("cargo cannot read it");
    assert!(said.contains("cargo says") && said.contains("raft/Cargo.toml:"), "{said}");
    // It was opened before the build, and is not opened again.
    progress.lab_mut("2aa").opened.insert(4);
    assert_eq!(runner::progress::Progress::read(&place), (progress, None));
    // A grade takes the core and leaves the manifest.
    let lab = course.lab("2aa").expect("a lab");
    let whose = labs::grade::Whose::Student(&place.root);
    let sources = labs::grade::sources(&course, &whose, lab).expect("the core");
    assert!(sources.keys().all(|name| name.ends_with(".rs")), "{:?}", sources.keys());

    fs::write(place.root.join("labs.toml"), "course = [").expect("written");
    let said = CourseFolder::find(&place.root).expect_err("broken");
    assert!(said.starts_with("labs.toml:1: "), "{said}");
}

#[test]
fn it_holds_what_a_student_needs_and_nothing_that_spoils() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder);
    let lab = course.lab("2aa").expect("the first lab");
    let plan = workspace::plan(&course, lab, &place.root).expect("a plan");
    for name in ["raft/src/quorum.rs", "tests/Cargo.toml", "labs/runner/src/main.rs", "Cargo.lock"]
    {
        assert!(place.root.join(name).is_file(), "{name}");
    }
    let glossary = fs::read_to_string(place.root.join("book/glossary.md")).expect("the page");
    assert!(
        glossary.contains("| term | term |"),
        "the glossary itself, not its include: {glossary}"
    );
    for name in ["labs/src", "labs/Cargo.toml", "labs/bugs", "labs/variants", "tests/peers"] {
        assert!(!place.root.join(name).exists(), "{name}");
    }
    assert_eq!(leaks::find(&course, lab, &plan).expect("searched"), Vec::<String>::new());
    let mut leaky = plan.clone();
    let body = &course.reference["raft/src/election.rs"];
    for page in ["book/oops.md", "book/zh/oops.md"] {
        leaky.insert(page.into(), body.replace("    ", "\t").into());
    }
    let found = leaks::find(&course, lab, &leaky).expect("searched");
    for page in ["book/oops.md", "book/zh/oops.md"] {
        assert!(found.contains(&format!("{page} shows the body of Core::decide_vote")));
    }
    let lock = fs::read_to_string(place.root.join("Cargo.lock")).expect("the lock");
    assert!(!lock.contains("name = \"labs\"") && lock.contains("name = \"suites\""), "{lock}");
    let manifest = fs::read_to_string(place.root.join("Cargo.toml")).expect("the manifest");
    assert!(manifest.contains(&format!("version = \"{}+copy.", course.version)), "{manifest}");
    // Two workspaces never share a build.
    let other = workspace::plan(&course, lab, &folder.path().join("other")).expect("a plan");
    assert_ne!(other["Cargo.toml"], plan["Cargo.toml"]);
}

#[test]
fn the_hand_out_is_read_in_chinese_where_there_is_a_translation() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder);
    for lab in course.catalogue.open() {
        let chapter = lab.chapter.as_deref().expect("a hand-out");
        let is_there = place.root.join("book/zh").join(chapter).is_file();
        let (code, said) = typed(&place.root, &["read", &lab.id, "--zh"]);
        if !is_there {
            let wanted = format!("lab {} has no hand-out in Chinese yet", lab.id);
            assert!(code != Some(0) && said.contains(&wanted), "{said}");
            continue;
        }
        assert_eq!(code, Some(0), "{said}");
        for step in &lab.steps {
            let wanted = format!("第 {} 步：", step.number);
            assert!(said.lines().any(|line| line.starts_with(&wanted)), "{wanted} {said}");
        }
        // Prose fits; code is as wide as in the sources.
        for line in said.lines().filter(|line| !line.starts_with("  ")) {
            assert!(columns(line) <= WIDTH, "{line}");
        }
    }
    assert!(place.root.join("book/zh/2aa.md").is_file());
}

#[test]
fn fill_and_reset_touch_the_named_body_and_keep_what_stood_there() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder);
    let file = place.root.join("raft/src/quorum.rs");
    let handed_out = fs::read_to_string(&file).expect("the source");
    let cut = "todo!(\"lab 2aa step 1: Majority::needed\")";
    let mine =
        handed_out.replace(cut, "my_own_helper(self.voters.len())") + "\nfn my_own_helper() {}\n";
    fs::write(&file, &mine).expect("written");

    student::fill(&course, &place, "Majority::needed").expect("filled");
    let filled = fs::read_to_string(&file).expect("the source");
    assert!(filled.contains("fn my_own_helper") && !filled.contains("my_own_helper(self"));
    assert!(filled.contains("step 6: Majority::outcome"), "the other hole is as it was");
    let kept = place.root.join(".labs/kept/001-Majority.needed.rs");
    assert!(fs::read_to_string(&kept).expect("kept").contains("my_own_helper(self.voters.len())"));

    student::reset(&course, &place, Some("needed")).expect("cut");
    assert_eq!(
        fs::read_to_string(&file).expect("the source"),
        handed_out + "\nfn my_own_helper() {}\n"
    );
    fs::write(&file, "fn broken( {").expect("written");
    let said = student::fill(&course, &place, "1").expect_err("it does not parse");
    assert!(said.contains("quorum.rs: line 1 does not parse"), "{said}");
    assert!(said.contains("Nothing was changed."), "{said}");
    let said = student::fill(&course, &place, "decide_vot").expect_err("no such name");
    assert!(said.contains("Did you mean Core::decide_vote?"), "{said}");
    let said = student::reset(&course, &place, Some("nosuch")).expect_err("no such name");
    let lab = course.lab("2aa").expect("a lab");
    for hole in lab.steps.iter().flat_map(|step| &step.holes) {
        assert!(said.contains(&hole.path), "{said}");
    }
    assert!(said.contains("steps of lab 2aa: 1 to 8") && !said.contains("Log::"), "{said}");
}

#[test]
fn a_step_opens_its_inert_functions_when_it_is_reached() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder);
    let file = place.root.join("raft/src/heartbeat.rs");
    let marker = "todo!(\"lab 2aa step 7: Core::tick_heartbeat\")";
    assert!(!fs::read_to_string(&file).expect("the source").contains(marker));
    let lab = course.lab("2aa").expect("the first lab");
    let step = lab.step(7).expect("step 7");
    runner::source::open_step(&place, lab, step).expect("opened");
    let opened = fs::read_to_string(&file).expect("the source");
    assert!(opened.contains(marker), "{opened}");
    // Opened by text or cut by parsing: the same bytes.
    student::reset(&course, &place, Some("7")).expect("cut");
    assert_eq!(fs::read_to_string(&file).expect("the source"), opened);
}

#[test]
fn a_first_attempt_that_is_the_inert_body_is_the_students() {
    let course = course();
    let folder = tempfile::tempdir().expect("a folder");
    let place = made(&course, &folder);
    let lab = course.lab("2aa").expect("the first lab");
    let step = lab.step(7).expect("step 7");
    let hole = step.holes.iter().find(|hole| hole.path == "Core::tick_heartbeat").expect("a hole");
    let inert = hole.before.as_deref().expect("it has an inert body");
    let file = place.root.join(&hole.file);
    let text = || fs::read_to_string(&file).expect("the source");
    runner::source::open_step(&place, lab, step).expect("opened");
    let marker = runner::catalogue::marker(lab, step, hole);
    let mine = text().replace(&marker, &inert[1..inert.len() - 1]);
    fs::write(&file, &mine).expect("written");
    runner::source::open_step(&place, lab, step).expect("opened before");
    assert_eq!(text(), mine, "what a student wrote is not cut again");
    assert!(!runner::source::spot(&place, lab, step, hole).unwritten, "it is wrong, not unwritten");
    // A reset from an earlier step on makes it inert again, and its step opens it again.
    student::reset(&course, &place, Some("2aa")).expect("cut");
    assert!(!text().contains(&marker));
    runner::source::open_step(&place, lab, step).expect("opened again");
    assert!(text().contains(&marker));
}

#[test]
fn every_inert_function_of_an_open_lab_opens_with_its_step() {
    let course = course();
    for lab in course.catalogue.open() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("mine");
        let plan = workspace::plan(&course, lab, &root).expect("a plan");
        workspace::make(&plan, &root).expect("a workspace");
        let place = CourseFolder::find(&root).expect("found");
        for step in &lab.steps {
            runner::source::open_step(&place, lab, step).expect("opened");
            for hole in &step.holes {
                let text = fs::read_to_string(place.root.join(&hole.file)).expect("the source");
                let cut = runner::catalogue::marker(lab, step, hole);
                assert!(text.contains(&cut), "lab {}: {}", lab.id, hole.path);
                let spot = runner::source::spot(&place, lab, step, hole);
                assert!(spot.unwritten, "lab {}: {} at {}", lab.id, hole.path, spot.at);
            }
        }
    }
}
