//! `labs watch`: tests again whenever a source file is saved, and answers keys in between.
//!
//! It looks at times of change four times a second: that works on every file system, over networks
//! and in containers, and costs nothing at the size of these crates.

use crate::browser;
use crate::card::{self, Cards, is_wrong};
use crate::keys::{HELP, Key, Keys};
use crate::last::Last;
use crate::place::{CUT, CourseFolder};
use crate::progress::Progress;
use crate::report::ReportLine;
use crate::screen::{GREY, hang, paint};
use crate::trial::{self, TestRequest};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

type Times = BTreeMap<PathBuf, SystemTime>;

/// Tests at once and after every save, until `q` or Ctrl-C. `input` is where keys are typed.
///
/// # Errors
/// The first run already cannot be made. Later ones say so and go on watching.
pub fn watch(
    place: &CourseFolder,
    wish: &TestRequest,
    input: impl Read + Send + 'static,
) -> Result<(), String> {
    let mut seen = Times::new();
    test(place, wish, &mut seen)?;
    let mut keys = Keys::of(input);
    let mut card = 0;
    waiting();
    loop {
        let said = match keys.wait(Duration::from_millis(250)) {
            Some(Key::Quit) => return Ok(()),
            Some(Key::Hint) => crate::hint::hint(place, None),
            Some(Key::NextCard) => {
                card += 1;
                show(place, card)
            }
            Some(Key::Open) => open(place, card),
            Some(Key::Unknown) => Ok(()),
            Some(Key::Run) => {
                card = 0;
                test(place, wish, &mut seen)
            }
            None if times(place) == seen => continue,
            None => {
                // Editors save in several strokes: wait until they are done.
                std::thread::sleep(Duration::from_millis(100));
                card = 0;
                anstream::println!();
                test(place, wish, &mut seen)
            }
        };
        if let Err(why) = said {
            anstream::println!("{why}");
        }
        waiting();
    }
}

/// Returns the cards of the last run, in the order of the steps.
fn cards(place: &CourseFolder) -> Vec<ReportLine> {
    Last::read(place).verdicts.into_iter().filter(is_wrong).collect()
}

/// Shows a card of the last run; after the last one, the first again.
fn show(place: &CourseFolder, card: usize) -> Result<(), String> {
    let cards = cards(place);
    let Some(at) = card.checked_rem(cards.len()) else {
        return Err("The last run shows nothing wrong: there is no card.".to_owned());
    };
    card::show(&cards[at..=at], Cards::All);
    anstream::println!("  (card {} of {})", at + 1, cards.len());
    Ok(())
}

/// Opens the page of the card that was shown last.
fn open(place: &CourseFolder, card: usize) -> Result<(), String> {
    let cards = cards(place);
    let shown = card.checked_rem(cards.len()).map(|at| &cards[at]);
    let (page, trace) = shown.map(ReportLine::files).unwrap_or_default();
    browser::open(place, page, trace)
}

fn waiting() {
    let folders = CUT.map(|package| format!("{package}/")).join(" and ");
    let said = format!("watching {folders}: save a file to test. {HELP}");
    anstream::println!("{}", paint(GREY, &hang("", &said)));
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
