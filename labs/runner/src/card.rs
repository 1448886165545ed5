//! What a run of tests looks like: a line per test, one card in full, and what to do next.
//!
//! ```text
//!   + aa_quorum_sizes         holds
//!   o aa_election_outcomes    not written yet: Majority::outcome
//!   x aa_vote_once_per_term   row 3: n1 voted twice in term 1
//! ```
//!
//! One card at a time: the first in the order of the steps is most often the cause of the others.

use crate::catalogue::{Lab, Step, is_simulation};
use crate::report::{Outcome, ReportLine};
use crate::screen::{BOLD, GREEN, GREY, RED, clip, hang, paint};

/// How many cards are shown in full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cards {
    /// The first; the others in a line.
    First,
    /// All.
    All,
}

/// How tests that hold are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Held {
    /// A line each.
    Listed,
    /// All in one, where a card follows.
    Folded,
}

/// Returns the line of one test.
pub fn line(verdict: &ReportLine) -> String {
    let name = format!("{:<36}", verdict.test);
    match verdict.outcome {
        Outcome::Passed => {
            let seeds = verdict
                .seeds
                .filter(|_| is_simulation(&verdict.test))
                .map(|n| format!(" in {n} seeds"));
            paint(GREEN, &format!("  + {name} holds{}", seeds.unwrap_or_default()))
        }
        Outcome::NotWritten => {
            let hole = verdict.hole.as_deref().unwrap_or("a function of this step");
            paint(GREY, &clip(&format!("  o {name} not written yet: {hole}")))
        }
        Outcome::Failed | Outcome::Crashed => {
            let row = verdict.row.map(|row| format!("row {row}: "));
            let seed = verdict.seed.map(|seed| format!("seed {seed}: "));
            let what = verdict.headline.as_deref().or(verdict.rule.as_deref()).unwrap_or("wrong");
            let text = row.or(seed).unwrap_or_default() + what;
            paint(RED, &clip(&format!("  x {name} {text}")))
        }
    }
}

/// Prints a line per test. Where a card follows, those that hold share one line: they are not what
/// to look at.
pub fn lines(verdicts: &[&ReportLine], show: Held) {
    let held: Vec<_> = verdicts.iter().filter(|v| v.outcome == Outcome::Passed).collect();
    let fold = show == Held::Folded && held.len() > 1;
    for verdict in verdicts.iter().filter(|v| !(fold && v.outcome == Outcome::Passed)) {
        anstream::println!("{}", line(verdict));
    }
    if fold {
        let names = held.iter().map(|v| v.test.as_str()).collect::<Vec<_>>().join(", ");
        let first = format!("  + {} hold: ", held.len());
        anstream::println!("{}", paint(GREEN, &hang(&first, &names)));
    }
}

/// Prints the cards of what is wrong: the first in full, the rest folded to a line or two.
pub fn show(verdicts: &[ReportLine], cards: Cards) {
    let wrong: Vec<_> = verdicts.iter().filter(|v| is_wrong(v)).collect();
    let Some(first) = wrong.first() else { return };
    match cards {
        Cards::All => wrong.iter().for_each(|verdict| whole(verdict)),
        Cards::First => {
            whole(first);
            let same_line =
                |v: &&&ReportLine| v.your_line.is_some() && v.your_line == first.your_line;
            let names = |others: Vec<&&ReportLine>| {
                others.iter().map(|v| v.test.as_str()).collect::<Vec<_>>().join(", ")
            };
            let same = names(wrong[1..].iter().filter(same_line).collect());
            let other = names(wrong[1..].iter().filter(|v| !same_line(v)).collect());
            let folded = " (cards folded, --all shows them)";
            if !same.is_empty() {
                anstream::println!("{}", hang("  same line also fails: ", &(same + folded)));
            }
            if !other.is_empty() {
                anstream::println!("{}", hang("  also wrong: ", &(other + folded)));
            }
        }
    }
}

/// Returns whether a test is wrong, rather than not written.
pub fn is_wrong(verdict: &ReportLine) -> bool {
    match verdict.outcome {
        Outcome::Failed | Outcome::Crashed => true,
        Outcome::Passed | Outcome::NotWritten => false,
    }
}

fn whole(verdict: &ReportLine) {
    let card = verdict.card.as_deref().filter(|card| !card.trim().is_empty());
    let Some(card) = card else { return anstream::println!("{}", line(verdict)) };
    anstream::println!();
    for (number, text) in card.lines().enumerate() {
        match (number, text.strip_prefix('x')) {
            (0, Some(rest)) => {
                anstream::println!("{}{}", paint(RED, "x"), paint(BOLD, &clip(rest)))
            }
            (_, Some(_) | None) => anstream::println!("{}", clip(text)),
        }
    }
}

/// Returns what is said when a step turns green.
pub fn green(step: &Step) -> String {
    let first = format!("step {} done. ", step.number);
    hang("", &(first + &step.green)).replacen("done.", &paint(GREEN, "done."), 1)
}

/// Returns how a step is introduced: its name, and about how long it takes.
pub fn heading(lab: &Lab, step: &Step, said: &str) -> String {
    let left = format!(
        "{said}lab {}, step {} of {}: {}",
        lab.id,
        step.number,
        lab.steps.len(),
        step.title
    );
    let long = format!("about {} minutes", step.minutes);
    let short = format!("{} min", step.minutes);
    let fits = left.chars().count() + 2 + long.len() <= crate::screen::WIDTH;
    crate::screen::spread(&left, if fits { &long } else { &short })
}
