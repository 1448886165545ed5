//! The table, and the same as JSON.
//!
//! ```text
//!   shape            ours    raft-rs   ratio (lowest .. highest)   goal
//!                     '--------'--------- medians over the rounds; a ratio is of one round
//! ```

use crate::measure::{Compared, Counts, Effort, Speed};
use crate::shape::Mode;
use serde::Serialize;

/// A number that was measured several times.
#[derive(Clone, Copy, Debug, Serialize)]
struct Spread {
    median: f64,
    lowest: f64,
    highest: f64,
}

/// One side of a line.
#[derive(Serialize)]
struct Side {
    per_cpu_second: Spread,
    per_second: Spread,
    each: Counts,
}

/// One line.
#[derive(Serialize)]
struct Line {
    voters: u64,
    payload_bytes: usize,
    outstanding: u64,
    how: String,
    /// The mode, where modes are compared with each other.
    #[serde(skip)]
    mode: Option<Mode>,
    ours: Side,
    peer: Side,
    /// Ours over the peer's, by CPU time.
    ratio: Spread,
    /// Ours over the peer's, by wall time.
    wall_ratio: Spread,
    goal: f64,
    reached: bool,
}

/// Everything.
#[derive(Serialize)]
struct Document {
    peer: &'static str,
    seconds_per_slice: f64,
    rounds: u32,
    shapes: Vec<Line>,
    /// 64 proposals outstanding, each side in a mode of its own.
    across: Vec<Across>,
}

/// Two modes, ours over the peer's, by CPU time.
#[derive(Serialize)]
struct Across {
    payload_bytes: usize,
    /// What is compared, in words.
    what: &'static str,
    ours: String,
    peer: String,
    ratio: f64,
    goal: f64,
    reached: bool,
}

/// Prints one JSON document.
pub(crate) fn print_json(effort: Effort, compared: &[Compared]) {
    let document = document(effort, compared);
    let text = serde_json::to_string_pretty(&document).expect("numbers and names");
    println!("{text}");
}

/// Prints a line for each shape.
pub(crate) fn print_table(effort: Effort, compared: &[Compared]) {
    let Document { peer, seconds_per_slice, rounds, shapes, across } = document(effort, compared);
    println!("nodes in one thread and in memory: ours and {peer}");
    println!("medians of {rounds} rounds, {seconds_per_slice:.2} s for each side in each");
    println!("thousands of entries or reads per CPU second; (of wall time)");
    println!();
    println!(
        "{:>6} {:>5} {:>4} {:<25} {:>13} {:>13}  {:>6} {:<13} {:<9}  {:>11} {:>11} {:>11}",
        "voters",
        "bytes",
        "out",
        "how",
        "ours",
        "raft-rs",
        "ratio",
        "(spread)",
        "goal",
        "allocations",
        "messages",
        "Readys",
    );
    for line in shapes {
        let Line { voters, payload_bytes, outstanding, how, ours, peer, .. } = line;
        let Line { ratio, goal, reached, .. } = line;
        let (us, them) = (ours.each, peer.each);
        println!(
            "{voters:>6} {payload_bytes:>5} {outstanding:>4} {how:<25} {:>13} {:>13}  {:>5.2}x {:<13} \
             {:<9}  {:>11} {:>11} {:>11}",
            thousands(&ours),
            thousands(&peer),
            ratio.median,
            format!("({:.2}..{:.2})", ratio.lowest, ratio.highest),
            verdict(goal, reached),
            both(us.allocations, them.allocations),
            both(us.messages, them.messages),
            both(us.readys, them.readys),
        );
    }
    println!();
    for Across { payload_bytes, what, ours, peer, ratio, goal, reached } in across {
        let (verdict, modes) = (verdict(goal, reached), format!("{ours} / {peer}"));
        println!("{payload_bytes:>5}   64 {what:<42} {modes:<27} {ratio:>5.2}x  {verdict}");
    }
    println!();
    println!("allocations, messages and Readys are for each entry or read: ours / raft-rs's");
}

fn thousands(side: &Side) -> String {
    let thousands = |spread: Spread| format!("{:.0}", spread.median / 1e3);
    format!("{} ({})", thousands(side.per_cpu_second), thousands(side.per_second))
}

fn both(ours: f64, peer: f64) -> String {
    format!("{ours:.2}/{peer:.2}")
}

fn verdict(goal: f64, reached: bool) -> String {
    format!("{goal:.0}x {}", if reached { "reached" } else { "missed" })
}

fn document(effort: Effort, compared: &[Compared]) -> Document {
    let lines: Vec<Line> = compared.iter().map(line).collect();
    let across = [16, 256].map(|payload_bytes| across(payload_bytes, &lines));
    Document {
        peer: "raft-rs 0.7.0 (prost-codec)",
        seconds_per_slice: effort.slice.as_secs_f64(),
        rounds: effort.rounds,
        shapes: lines,
        across: across.into_iter().flatten().flatten().collect(),
    }
}

fn line(compared: &Compared) -> Line {
    let Compared { shape, ours, peer, our_counts, peer_counts } = compared;
    let ratio = |of: fn(&Speed) -> f64| {
        spread(ours.iter().zip(peer).map(|(ours, peer)| of(ours) / of(peer)).collect())
    };
    let side = |speeds: &[Speed], each: Counts| Side {
        per_cpu_second: spread(speeds.iter().map(|speed| speed.per_cpu_second).collect()),
        per_second: spread(speeds.iter().map(|speed| speed.per_second).collect()),
        each,
    };
    let by_cpu = ratio(|speed| speed.per_cpu_second);
    Line {
        voters: shape.voters,
        payload_bytes: shape.payload_bytes,
        outstanding: shape.outstanding,
        how: shape.name(),
        mode: Some(shape.mode).filter(|_| shape.compares_modes()),
        ours: side(ours, *our_counts),
        peer: side(peer, *peer_counts),
        ratio: by_cpu,
        wall_ratio: ratio(|speed| speed.per_second),
        goal: shape.goal,
        reached: by_cpu.median >= shape.goal,
    }
}

/// Compares modes that are not the same on both sides: ours that batches with the one the peer has by
/// default, and the fastest of each. Nothing, unless every mode was measured.
fn across(payload_bytes: usize, lines: &[Line]) -> Option<[Across; 2]> {
    let many = || {
        let of_size = lines.iter().filter(move |line| line.payload_bytes == payload_bytes);
        of_size.filter(|line| line.mode.is_some())
    };
    if many().count() < Mode::ALL.len() {
        return None;
    }
    let speed = |side: &Side| side.per_cpu_second.median;
    let fastest =
        |side: fn(&Line) -> &Side| many().max_by(|a, b| speed(side(a)).total_cmp(&speed(side(b))));
    let compare = |what, ours: &Line, peer: &Line, goal| {
        let ratio = speed(&ours.ours) / speed(&peer.peer);
        let (ours, peer, reached) = (ours.how.clone(), peer.how.clone(), ratio >= goal);
        Across { payload_bytes, what, ours, peer, ratio, goal, reached }
    };
    let of = |mode| many().find(|line| line.mode == Some(mode));
    let (batches, default) = (of(Mode::BatchAppend)?, of(Mode::Separate)?);
    let (ours, peer) = (fastest(|line| &line.ours)?, fastest(|line| &line.peer)?);
    Some([
        compare("our batch_append over its default mode", batches, default, 3.0),
        compare("our best mode over its best mode", ours, peer, 1.0),
    ])
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
