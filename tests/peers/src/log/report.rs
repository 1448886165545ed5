//! The table, and the same as JSON.
//!
//! ```text
//!   cell   unit   ours   peer   ratio (lowest .. highest)   by CPU   goal   and what else was counted
//!                  '------'------ medians over the rounds; a ratio is of one round
//! ```

use super::Effort;
use super::line::{Better, Count, Goal, Line, Round};
use serde::Serialize;

/// A number that was measured several times.
#[derive(Clone, Copy, Debug, Serialize)]
struct Spread {
    median: f64,
    lowest: f64,
    highest: f64,
}

/// What was measured in every round.
#[derive(Serialize)]
struct Measured {
    ours: Spread,
    peer: Spread,
    /// Ours over the peer's.
    ratio: Spread,
}

/// One line.
#[derive(Serialize)]
struct Row<'a> {
    cell: &'a str,
    peer_name: &'a str,
    unit: &'a str,
    is_less_better: bool,
    #[serde(flatten)]
    measured: Measured,
    ratio_by_cpu: Option<Spread>,
    /// What the ratio should be.
    goal: Option<String>,
    is_reached: Option<bool>,
    counts: Vec<Counted<'a>>,
}

/// What was counted besides.
#[derive(Serialize)]
struct Counted<'a> {
    what: &'a str,
    ours: Spread,
    peer: Spread,
    /// What ours should be.
    goal: Option<String>,
    is_reached: Option<bool>,
}

/// Everything.
#[derive(Serialize)]
struct Document<'a> {
    peer: &'a str,
    file_system: &'a str,
    cores: usize,
    seconds_per_slice: f64,
    rounds: u32,
    cells: Vec<Row<'a>>,
}

const PEER: &str = "raft-engine 0.4.2, compression off";

/// Prints one JSON document.
pub(crate) fn print_json(effort: Effort, file_system: &str, lines: &[Line]) {
    let document = Document {
        peer: PEER,
        file_system,
        cores: cores(),
        seconds_per_slice: effort.slice.as_secs_f64(),
        rounds: effort.rounds,
        cells: lines.iter().map(row).collect(),
    };
    println!("{}", serde_json::to_string_pretty(&document).expect("numbers and names"));
}

/// Prints what the table's columns are.
pub(crate) fn print_heading(effort: Effort, file_system: &str) {
    println!("ours, and {PEER}, on {file_system}, with {} cores", cores());
    println!(
        "medians of {} rounds, slices of {:.2} s; ratios are ours over the peer's",
        effort.rounds,
        effort.slice.as_secs_f64()
    );
    println!();
    println!(
        "{:<44} {:>11} {:>11} {:>11}  {:>7} {:<15} {:>7}  goal",
        "cell", "unit", "ours", "peer", "ratio", "(spread)", "by CPU"
    );
}

/// Prints a line, and what was counted besides.
pub(crate) fn print_line(line: &Line) {
    let Row { cell, peer_name, unit, measured, ratio_by_cpu, counts, .. } = row(line);
    let Measured { ours, peer, ratio } = measured;
    println!(
        "{cell:<44} {unit:>11} {:>11} {:>11}  {:>6.2}x {:<15} {:>7}  {}{}",
        number(ours.median),
        number(peer.median),
        ratio.median,
        format!("({:.2}..{:.2})", ratio.lowest, ratio.highest),
        ratio_by_cpu.map_or(String::new(), |by_cpu| format!("{:.2}x", by_cpu.median)),
        verdict(line.goal, ratio.median),
        if peer_name == "raft-engine" { String::new() } else { format!("  (peer: {peer_name})") },
    );
    for (Counted { what, ours, peer, .. }, count) in counts.iter().zip(&line.counts) {
        println!(
            "{:<44} {:>11} {:>11} {:>11}  {:>7} {:<15} {:>7}  {}",
            format!("    {what}"),
            "",
            number(ours.median),
            number(peer.median),
            "",
            "",
            "",
            verdict(count.goal, ours.median),
        );
    }
}

fn row(line: &Line) -> Row<'_> {
    let measured = measured(&line.rounds);
    let is_reached = line.goal.is_reached(measured.ratio.median);
    Row {
        cell: &line.cell,
        peer_name: line.peer,
        unit: line.unit,
        is_less_better: line.better == Better::Less,
        ratio_by_cpu: (!line.by_cpu.is_empty()).then(|| self::measured(&line.by_cpu).ratio),
        goal: words(line.goal),
        is_reached,
        measured,
        counts: line.counts.iter().map(counted).collect(),
    }
}

fn counted(count: &Count) -> Counted<'_> {
    let Measured { ours, peer, .. } = measured(&count.rounds);
    let is_reached = count.goal.is_reached(ours.median);
    Counted { what: count.what, ours, peer, goal: words(count.goal), is_reached }
}

fn measured(rounds: &[Round]) -> Measured {
    Measured {
        ours: spread(rounds.iter().map(|round| round.ours).collect()),
        peer: spread(rounds.iter().map(|round| round.peer).collect()),
        ratio: spread(rounds.iter().map(|round| round.ratio()).collect()),
    }
}

fn verdict(goal: Goal, found: f64) -> String {
    let reached = goal.is_reached(found).map(|it| if it { "reached" } else { "missed" });
    words(goal).zip(reached).map_or(String::new(), |(goal, reached)| format!("{goal} {reached}"))
}

fn words(goal: Goal) -> Option<String> {
    match goal {
        Goal::AtLeast(goal) => Some(format!(">= {goal}")),
        Goal::AtMost(goal) => Some(format!("<= {goal}")),
        Goal::None => None,
    }
}

/// Returns a number with as many digits as say something.
fn number(number: f64) -> String {
    if number >= 100.0 { format!("{number:.0}") } else { format!("{number:.2}") }
}

/// Returns the middle and the ends of some numbers.
fn spread(mut numbers: Vec<f64>) -> Spread {
    numbers.sort_by(f64::total_cmp);
    Spread {
        median: numbers[numbers.len() / 2],
        lowest: numbers[0],
        highest: numbers[numbers.len() - 1],
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
