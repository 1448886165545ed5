//! `labs watch`: tests again whenever a source file is saved.
//!
//! It looks at times of change four times a second: that works on every file system, over networks
//! and in containers, and costs nothing at the size of these crates.

use crate::place::{CUT, CourseFolder};
use crate::progress::Progress;
use crate::screen::{GREY, paint};
use crate::trial::{self, TestRequest};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

type Times = BTreeMap<PathBuf, SystemTime>;

/// Tests at once and after every save, until it is interrupted.
///
/// # Errors
/// The first run already cannot be made. Later ones say so and go on watching.
pub fn watch(place: &CourseFolder, wish: &TestRequest) -> Result<(), String> {
    let mut seen = Times::new();
    test(place, wish, &mut seen)?;
    waiting();
    loop {
        std::thread::sleep(Duration::from_millis(250));
        if times(place) == seen {
            continue;
        }
        // Editors save in several strokes: wait until they are done.
        std::thread::sleep(Duration::from_millis(100));
        anstream::println!();
        if let Err(why) = test(place, wish, &mut seen) {
            anstream::println!("{why}");
        }
        waiting();
    }
}

fn waiting() {
    let folders = CUT.map(|package| format!("{package}/")).join(" and ");
    let said = format!("watching {folders} (save a file to test, Ctrl-C ends)");
    anstream::println!("{}", paint(GREY, &said));
}

/// Tests, and then knows the files again in which the run itself opened functions of a next step.
/// What the student saved meanwhile stays unknown, and is tested next.
fn test(place: &CourseFolder, wish: &TestRequest, seen: &mut Times) -> Result<(), String> {
    // What the run would open is opened before: so the run changes no file of its own step.
    let opened = trial::open_current(place);
    *seen = times(place);
    opened?;
    let before = step(place);
    let ran = trial::test(place, wish);
    let catalogue = place.catalogue()?;
    let after = step(place);
    if after != before {
        let holes = catalogue.holes().filter(|(lab, step, hole)| {
            after.get(&lab.id) == Some(&step.number) && hole.before.is_some()
        });
        let now = times(place);
        for path in holes.map(|(_, _, hole)| place.root.join(&hole.file)) {
            if let Some(time) = now.get(&path) {
                seen.insert(path, *time);
            }
        }
    }
    ran.map(|_| ())
}

/// Returns the step of each lab.
fn step(place: &CourseFolder) -> BTreeMap<String, u32> {
    let labs = Progress::read(place).0.labs;
    labs.into_iter().map(|(id, lab)| (id, lab.step)).collect()
}

fn times(place: &CourseFolder) -> Times {
    let mut found = Times::new();
    let mut folders = place.written();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, Ok(about)) = (entry.path(), entry.metadata()) else { continue };
            let watched = path.extension().is_some_and(|e| e == "rs" || e == "toml");
            if about.is_dir() {
                folders.push(path);
            } else if let (true, Ok(time)) = (watched, about.modified()) {
                found.insert(path, time);
            }
        }
    }
    found
}
