//! Where am I: the lab, the step, what to write, what to read, which tests, and ONE thing to do.
//!
//! ```text
//!   lab 2aa, step 1 of 8: How many votes are enough?                      10 min
//!     write   raft/src/quorum.rs:55   Majority::needed    (1 line)
//!     read    book/2aa.md, "Step 1"   or   cargo labs read
//!     test    o aa_quorum_sizes       not written yet: Majority::needed
//!
//!     > 2aa  Leader election    step 1 of 8     0 of 60 [..........]
//!       2ab  Log replication    not opened     80 points, 12 hours
//!   do this:  cargo labs watch
//! ```

use crate::card;
use crate::catalogue::{Catalogue, Lab, Status, Step};
use crate::last::{Age, Last};
use crate::place::{CourseFolder, FIRST_LAB};
use crate::points::Points;
use crate::progress::Progress;
use crate::report::{Outcome, ReportLine};
use crate::screen::{BOLD, GREEN, GREY, RED, clip, count, hang, paint};
use crate::source::spot;
use anstyle::Style;

/// Returns the lab a place works on.
///
/// # Errors
/// The settings name a lab that the catalogue does not have.
pub fn lab<'a>(place: &CourseFolder, catalogue: &'a Catalogue) -> Result<&'a Lab, String> {
    let id = match &place.settings {
        Some(settings) => settings.lab.as_str(),
        None => FIRST_LAB,
    };
    catalogue.lab(id).ok_or_else(|| {
        let labs = catalogue.labs.iter().map(|lab| lab.id.as_str());
        format!("labs.toml: {}", crate::nearest::unknown("lab", id, labs))
    })
}

/// Prints the screen of a step, under a first line that begins with `said`.
pub fn screen(place: &CourseFolder, lab: &Lab, step: &Step, last: &Last, said: &str) {
    anstream::println!("{}", paint(BOLD, &card::heading(lab, step, said)));
    let spots: Vec<_> =
        step.holes.iter().map(|hole| (hole, spot(place, lab, step, hole))).collect();
    let at = spots.iter().map(|(_, spot)| spot.at.len()).max().unwrap_or(0);
    let path = spots.iter().map(|(hole, _)| hole.path.len()).max().unwrap_or(0);
    for (number, (hole, spot)) in spots.iter().enumerate() {
        let verb = if number == 0 { "write" } else { "" };
        let lines = count(hole.lines, "line");
        let state = if spot.unwritten { format!("({lines})") } else { "written".into() };
        let text = format!("  {verb:<7} {:<at$}   {:<path$}  {state}", spot.at, hole.path);
        anstream::println!("{}", clip(&text));
    }
    if step.holes.is_empty() {
        anstream::println!("  write   nothing new: find your bug with what the tests show");
    }
    if let Some(chapter) = &lab.chapter {
        let book = if place.settings.is_some() { "book" } else { "book/src" };
        anstream::println!(
            "  read    {book}/{chapter}, \"Step {}\"   or   cargo labs read",
            step.number
        );
    }
    let name = step.tests.iter().map(|t| t.name.len()).max().unwrap_or(0);
    for (number, test) in step.tests.iter().enumerate() {
        let verb = if number == 0 { "test" } else { "" };
        let verdict = last.verdicts.iter().find(|v| v.test == test.name);
        let (style, mark, state) = match (verdict, last.age) {
            (None, _) => (GREY, "o", "not run yet".to_owned()),
            (Some(v), Age::Current) => state(v),
            (Some(v), Age::BeforeLastChange) => (GREY, "o", before(v).to_owned()),
        };
        let text = clip(&format!("  {verb:<7} {mark} {:<name$}   {state}", test.name));
        anstream::println!("{}", text.replacen(mark, &paint(style, mark), 1));
    }
}

/// Returns the state of a test.
fn state(verdict: &ReportLine) -> (Style, &'static str, String) {
    match verdict.outcome {
        Outcome::Passed => (GREEN, "+", "holds".to_owned()),
        Outcome::NotWritten => {
            let hole = verdict.hole.as_deref().unwrap_or("a function of this step");
            (GREY, "o", format!("not written yet: {hole}"))
        }
        Outcome::Failed | Outcome::Crashed => {
            (RED, "x", verdict.headline.clone().unwrap_or_default())
        }
    }
}

/// Returns the state of a test before the code changed: it may be wrong now.
fn before(verdict: &ReportLine) -> &'static str {
    match verdict.outcome {
        Outcome::Passed => "held, before your last change",
        Outcome::NotWritten => "was not written, before your last change",
        Outcome::Failed | Outcome::Crashed => "was wrong, before your last change",
    }
}

/// Tells where a student is: bare `cargo labs`.
///
/// # Errors
/// The catalogue or the settings cannot be read.
pub fn tell(place: &CourseFolder) -> Result<(), String> {
    let catalogue = place.catalogue()?;
    let lab = lab(place, &catalogue)?;
    let (progress, said) = Progress::read(place);
    if let Some(said) = said {
        anstream::println!("{}", hang("", &said));
    }
    if place.settings.is_none() {
        anstream::println!("{}", paint(BOLD, "This is the course itself. Its labs:"));
        map(place, &catalogue, None, &progress);
        let hours = count(lab.hours, "hour");
        let start = format!("cargo labs start ../my-raft   (lab {}, about {hours})", lab.id);
        anstream::println!("{} {start}", paint(BOLD, "do this: "));
        return Ok(());
    }
    let here = progress.lab(&lab.id);
    let points = held(lab, &progress);
    let Some(step) = lab.step(here.step) else {
        if lab.tests().any(|t| !here.passed.contains(&t.name)) {
            anstream::println!("lab {} was done, but not all of it holds any more:", lab.id);
            map(place, &catalogue, Some(lab), &progress);
            anstream::println!("{} cargo labs test {}", paint(BOLD, "do this: "), lab.id);
            return Ok(());
        }
        anstream::println!("lab {} is done: {points} of {} points.", lab.id, lab.points);
        map(place, &catalogue, Some(lab), &progress);
        let next = following(place, &catalogue, lab, &progress);
        let next = next.map_or("cargo labs grade".to_owned(), offer);
        anstream::println!("{} {next}", paint(BOLD, "do this: "));
        return Ok(());
    };
    let last = Last::read(place);
    screen(place, lab, step, &last, "");
    map(place, &catalogue, Some(lab), &progress);
    let of_step = |v: &&ReportLine| step.tests.iter().any(|t| t.name == v.test);
    let now = last.age == Age::Current;
    let wrong = last.verdicts.iter().filter(of_step).find(|v| now && card::is_wrong(v));
    let unwritten = step.holes.iter().map(|hole| (hole, spot(place, lab, step, hole)));
    let next = match (unwritten.into_iter().find(|(_, spot)| spot.unwritten), wrong) {
        (Some((_, spot)), _) => format!("write {}, with  cargo labs watch", spot.at),
        (None, Some(_)) => {
            "cargo labs test        (and cargo labs hint, if it does not help)".into()
        }
        (None, None) => "cargo labs test".into(),
    };
    anstream::println!("{} {next}", paint(BOLD, "do this: "));
    Ok(())
}

/// Returns the points of the tests of a lab that held when they were last run, or graded.
fn held(lab: &Lab, progress: &Progress) -> Points {
    let there = progress.lab(&lab.id);
    lab.tests().filter(|test| there.passed.contains(&test.name)).map(|test| test.points).sum()
}

/// The parts of a lab's bar.
const BAR: u32 = 10;

/// Prints the map: every lab, how far it is, its points and a bar; a `>` is where one is.
fn map(place: &CourseFolder, catalogue: &Catalogue, current: Option<&Lab>, progress: &Progress) {
    let title = catalogue.labs.iter().map(|lab| lab.title.chars().count()).max().unwrap_or(0);
    let id = catalogue.labs.iter().map(|lab| lab.id.chars().count()).max().unwrap_or(0);
    if current.is_some() {
        anstream::println!();
    }
    for lab in &catalogue.labs {
        let here = current.is_some_and(|current| current.id == lab.id);
        let named = format!("{:<id$}  {:<title$}", lab.id, lab.title);
        anstream::println!("{}", map_line(place, lab, here, &named, progress));
    }
}

/// Returns a lab's line of the map, in which `named` is its id and title.
fn map_line(
    place: &CourseFolder,
    lab: &Lab,
    here: bool,
    named: &str,
    progress: &Progress,
) -> String {
    let mark = if here { '>' } else { ' ' };
    let left = format!("  {mark} {named}");
    let hours = count(lab.hours, "hour");
    let opened = place.settings.as_ref().map(|settings| settings.open.contains(&lab.id));
    let there = progress.lab(&lab.id);
    let at = match (lab.status, opened, lab.step(there.step)) {
        (Status::Later, _, _) => return paint(GREY, &format!("{left}  still to come")),
        (Status::Open, None, _) => {
            return format!("{left}  {hours:<13}{:>4} points", lab.points);
        }
        (Status::Open, Some(false), _) => {
            let text = format!("{left}  {:<13}{:>4} points, {hours}", "not opened", lab.points);
            return paint(GREY, &clip(&text));
        }
        (Status::Open, Some(true), Some(step)) => {
            format!("step {} of {}", step.number, lab.steps.len())
        }
        (Status::Open, Some(true), None) => "done".to_owned(),
    };
    let points = held(lab, progress);
    let filled = points.filled(lab.points, BAR) as usize;
    let bar = "#".repeat(filled) + &".".repeat(BAR as usize - filled);
    clip(&format!("{left}  {at:<13}{points:>4} of {} [{bar}]", lab.points))
}

/// Returns the lab to go on with after `lab`: the first that builds upon it and is not done.
pub fn following<'a>(
    place: &CourseFolder,
    catalogue: &'a Catalogue,
    lab: &Lab,
    progress: &Progress,
) -> Option<&'a Lab> {
    place.settings.as_ref()?;
    let undone = |other: &&Lab| other.step(progress.lab(&other.id).step).is_some();
    catalogue.open().filter(undone).find(|other| catalogue.builds_on(other, &lab.id))
}

/// Returns how to go on with a lab.
pub fn offer(lab: &Lab) -> String {
    let hours = count(lab.hours, "hour");
    format!("cargo labs open {}   ({}, about {hours})", lab.id, lab.title)
}
