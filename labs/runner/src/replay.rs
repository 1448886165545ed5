//! `labs replay TEST[/ROW] [SEED]`: runs one test again, with one seed, and shows all it has to say.
//!
//! A verdict is a function of code and seed: the same two give the same card, on every machine.

use crate::card;
use crate::catalogue::Lab;
use crate::place::Place;
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
    /// Whether to say where the trace page lies.
    pub trace: Trace,
}

/// Whether the trace is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trace {
    /// The story is enough.
    Told,
    /// Its file too.
    Open,
}

/// Runs a test again.
///
/// # Errors
/// There is no such test, or it cannot be run.
pub fn replay(place: &Place, replay: &Replay) -> Result<Ending, String> {
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
    let (lab, _, _) = catalogue.test(name).ok_or_else(|| {
        let tests = catalogue.labs.iter().flat_map(Lab::tests).map(|t| t.name.as_str());
        crate::nearest::unknown("test", name, tests)
    })?;
    place.opened(lab)?;
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
    verdicts.iter().for_each(|verdict| anstream::println!("{}", card::line(verdict)));
    card::show(&verdicts, card::Cards::All);
    let verdict = verdicts.first().ok_or("the suite said nothing")?;
    match (row, verdict.row) {
        (Some(asked), Some(got)) if asked != got => {
            anstream::println!(
                "  the card begins with row {got}, the first that breaks; you asked for {asked}"
            );
        }
        (Some(_) | None, _) => {}
    }
    if verdict.outcome == Outcome::Passed {
        suite::tell(&suite, &replay.what, &request)?;
    }
    match (&verdict.trace, replay.trace) {
        (Some(trace), Trace::Open | Trace::Told) => anstream::println!("  trace   {trace}"),
        (None, Trace::Open) if verdict.outcome == Outcome::Passed => {}
        (None, Trace::Open) => {
            anstream::println!("  no trace: this test drives no cluster, its card is all there is")
        }
        (None, Trace::Told) => {}
    }
    Ok(if verdict.outcome == Outcome::Passed { Ending::Green } else { Ending::Red })
}
