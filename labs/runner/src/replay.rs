//! `labs replay TEST[/ROW] [SEED]`: runs one test again, with one seed, and shows all it has to say.
//!
//! ```text
//!   it fails            its card, and how its trace is told; the story of another row, if one is asked for
//!   it holds            the story of its rows, or of the one that is asked for
//!   --open              its page, in the browser; where there is none, the trace's story in the pager
//!   no such row, story or seed: refused, with what there is
//! ```
//!
//! A verdict is a function of code and seed: the same two give the same card, on every machine.

use crate::browser;
use crate::card;
use crate::catalogue::Lab;
use crate::pager;
use crate::place::CourseFolder;
use crate::report::Outcome;
use crate::suite::{self, Request};
use crate::trial::{Ending, built};
use std::collections::BTreeSet;

/// What is replayed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replay {
    /// A test, or `test/row`.
    pub what: String,
    /// The seed; the first that breaks if absent.
    pub seed: Option<u64>,
    /// Whether to tell its trace.
    pub trace: Trace,
}

/// How much of the trace is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trace {
    /// How to tell it.
    Told,
    /// Its page, in the browser.
    Open,
}

/// Runs a test again.
///
/// # Errors
/// There is no such test, row or seed: what there is. Or it cannot be run.
pub fn replay(place: &CourseFolder, replay: &Replay) -> Result<Ending, String> {
    let catalogue = place.catalogue()?;
    let (name, row) = match replay.what.split_once('/') {
        Some((name, row)) => {
            let number = row
                .parse::<u64>()
                .map_err(|_| format!("{row:?} is no row: expected a number, as in {name}/3"))?;
            (name, Some(number))
        }
        None => (replay.what.as_str(), None),
    };
    let (lab, _, test) = catalogue.test(name).ok_or_else(|| {
        let tests = catalogue.labs.iter().flat_map(Lab::tests).map(|t| t.name.as_str());
        crate::nearest::unknown("test", name, tests)
    })?;
    place.testable(&catalogue, lab)?;
    if let Some(seed) = replay.seed.filter(|_| !test.is_simulation()) {
        return Err(format!(
            "{name} is no simulation: it has no seed {seed}, every run is the same"
        ));
    }
    let reached = crate::progress::Progress::read(place).0.lab(&lab.id).step;
    let Some(suite) = built(place, lab, reached)? else { return Ok(Ending::Red) };
    let memory = place.memory();
    let request = Request {
        tests: BTreeSet::from([name.to_owned()]),
        seed: replay.seed,
        traces: memory.join("traces"),
        report: memory.join("replay.jsonl"),
        ..Request::default()
    };
    let verdicts = suite::run(&suite, lab, &request)?;
    let verdict = verdicts.first().ok_or("the suite said nothing")?;
    anstream::println!("{}", card::line(verdict));
    match verdict.outcome {
        Outcome::Passed => match suite::tell(&suite, &replay.what, &request) {
            Ok(()) => Ok(Ending::Green),
            Err(why) if row.is_some() => Err(why),
            Err(_) => {
                anstream::println!("  (its rows are numbers: there is no story to tell)");
                Ok(Ending::Green)
            }
        },
        Outcome::Failed if row.is_some() && row != verdict.row => {
            let first =
                verdict.row.map_or(String::new(), |row| format!(" (row {row} breaks first)"));
            // It ended in its worker, so it ends here. Its card comes after the story.
            suite::tell(&suite, &replay.what, &request).map_err(|why| why + &first)?;
            Ok(Ending::Red)
        }
        Outcome::Failed | Outcome::NotWritten | Outcome::Crashed => {
            card::show(&verdicts, card::Cards::All);
            let (page, trace) = verdict.files();
            match (trace, replay.trace) {
                (Some(trace), Trace::Told) => {
                    anstream::println!("  story   {}", pager::offer(place, trace));
                }
                (None, Trace::Told) => {}
                (trace, Trace::Open) if verdict.outcome != Outcome::NotWritten => {
                    browser::open(place, page, trace)?;
                }
                (_, Trace::Open) => {
                    anstream::println!("  (nothing ran, so there is nothing to open)");
                }
            }
            Ok(Ending::Red)
        }
    }
}
