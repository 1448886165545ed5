//! `labs hint`: a question first, then a pointer, then pseudo-code; one more each time.
//!
//! Hints are found by what the last run showed: (test, rule) before (test, any) before (any, rule).
//! They never name a bug of the catalogue, and reading them costs nothing but is counted.

use crate::card::is_wrong;
use crate::catalogue::{Hint, Lab, Step};
use crate::last::{Age, Last};
use crate::place::Place;
use crate::progress::Progress;
use crate::report::{Outcome, Verdict};
use crate::screen::{BOLD, count, hang, paint, wrap};
use crate::source::spot;

const NAMES: [&str; 3] = ["a question", "a pointer", "pseudo-code"];

/// Prints the next hint for a test, or for what the last run showed first.
///
/// # Errors
/// There is nothing to hint at, or the progress cannot be written.
pub fn hint(place: &Place, about: Option<&str>) -> Result<(), String> {
    if place.settings.is_none() {
        return Err("hints belong to a workspace: cargo labs start ../my-raft".into());
    }
    let catalogue = place.catalogue()?;
    let lab = crate::here::lab(place, &catalogue)?;
    let (mut progress, _) = Progress::read(place);
    let number = progress.lab(&lab.id).step;
    let Last { verdicts: last, age } = Last::read(place);
    let (lab, step, need) = match about {
        Some(test) => {
            let (lab, step, _) = catalogue.test(test).ok_or_else(|| {
                let tests = catalogue.labs.iter().flat_map(Lab::tests).map(|t| t.name.as_str());
                crate::nearest::unknown("test", test, tests)
            })?;
            (lab, step, last.iter().find(|v| v.test == test).and_then(need))
        }
        None => {
            let step =
                lab.step(number).ok_or("every step of this lab is done: nothing to hint at")?;
            // A step below that broke again is what the student looks at, too.
            let of_step =
                |v: &&Verdict| lab.test(&v.test).is_some_and(|(step, _)| step.number <= number);
            let mut red: Vec<_> = last.iter().filter(of_step).filter_map(need).collect();
            // Wrong before unwritten: the card is what the student looks at.
            red.sort_by_key(|need| need.hole.is_some());
            (lab, step, red.into_iter().next())
        }
    };
    // What was cut since the last run says more than what that run met.
    let need = match age {
        Age::Current => need.or_else(|| unwritten(place, lab, step)),
        Age::BeforeLastChange => unwritten(place, lab, step).or(need),
    };
    let need = need.ok_or_else(|| {
        format!("step {} shows nothing red: run cargo labs test first", step.number)
    })?;
    let (index, hint) = find(lab, &need).ok_or_else(|| {
        let chapter = lab.chapter.as_deref().unwrap_or("the hand-out");
        format!("no hint fits {}; read book/{chapter}, or: cargo labs reveal", need.test)
    })?;
    let here = progress.lab_mut(&lab.id);
    let key = format!("{index}");
    let level = (here.hints.get(&key).copied().unwrap_or(0) + 1).min(hint.levels.len());
    here.hints.insert(key, level);
    progress.save(place)?;
    let what = need.hole.as_deref().unwrap_or(&need.test);
    let of = hint.levels.len();
    let about = match &need.hole {
        Some(hole) => format!("{}, which waits for {hole}", need.test),
        None => format!("{}, rule {}", need.test, need.rule),
    };
    let title = format!("hint {level} of {of} for {about}");
    anstream::println!("{}", paint(BOLD, &hang("", &title)));
    for (name, text) in NAMES.iter().zip(&hint.levels).take(level) {
        anstream::println!("  {name}:");
        print(text);
    }
    if level < hint.levels.len() {
        let left = count((hint.levels.len() - level) as u64, "more level");
        anstream::println!("  ({left}: cargo labs hint)");
    } else {
        anstream::println!("  (the last one; our own body: cargo labs reveal {what})");
    }
    Ok(())
}

/// What somebody needs help with.
struct Need {
    test: String,
    rule: String,
    hole: Option<String>,
}

fn need(verdict: &Verdict) -> Option<Need> {
    let test = verdict.test.clone();
    match verdict.outcome {
        Outcome::Passed => None,
        Outcome::NotWritten => {
            Some(Need { test, rule: "not_written".into(), hole: verdict.hole.clone() })
        }
        Outcome::Failed | Outcome::Crashed => {
            debug_assert!(is_wrong(verdict));
            Some(Need { test, rule: verdict.rule.clone().unwrap_or_default(), hole: None })
        }
    }
}

/// The first function of the step that still waits to be written.
fn unwritten(place: &Place, lab: &Lab, step: &Step) -> Option<Need> {
    let hole = step.holes.iter().find(|hole| spot(place, lab, step, hole).unwritten)?;
    let test = step.tests.first()?.name.clone();
    Some(Need { test, rule: "not_written".into(), hole: Some(hole.path.clone()) })
}

/// Finds the hint that fits best.
fn find<'a>(lab: &'a Lab, need: &Need) -> Option<(usize, &'a Hint)> {
    let fits = |hint: &Hint| {
        let test = hint.test == need.test;
        let rule = hint.rule == need.rule && (hint.rule != "not_written" || hint.hole == need.hole);
        let any_rule = hint.rule == "*" && need.rule != "not_written";
        match (test, hint.test == "*") {
            (true, _) if rule => Some(3),
            (true, _) if any_rule => Some(2),
            (_, true) if rule => Some(1),
            (_, true) if any_rule => Some(0),
            (_, _) => None,
        }
    };
    let ranked = lab.hints.iter().enumerate().filter_map(|(n, hint)| Some((fits(hint)?, n, hint)));
    ranked.max_by_key(|(rank, n, _)| (*rank, usize::MAX - n)).map(|(_, n, hint)| (n, hint))
}

/// Prints a level: prose re-flowed, pseudo-code (indented lines) unchanged.
fn print(text: &str) {
    let code = text.trim_end().lines().count() > 1;
    for line in text.trim_end().lines() {
        let lines = if code { vec![line.to_owned()] } else { wrap(line, 74) };
        for line in lines {
            anstream::println!("    {line}");
        }
    }
}
