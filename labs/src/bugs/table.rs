//! What `labs bugs` found, as a page: a line per change, or a row per test.

use super::blame::{self, BlameRank};
use super::{BugVerdict, Proof};
use crate::course::Course;
use runner::screen::{BOLD, GREEN, GREY, RED, WIDTH, clip, hang, paint};

/// Prints what came out, a line per change.
pub fn print(proof: &Proof) {
    for bug in &proof.bugs {
        let killer = bug.killer.as_deref().or(bug.reason.as_deref()).unwrap_or_default();
        let (style, mark, said) = match bug.verdict {
            BugVerdict::Killed => (GREEN, "+", "killed by "),
            BugVerdict::Survived => (RED, "x", "SURVIVES "),
            BugVerdict::Waits => (GREY, "o", "waits: "),
            BugVerdict::NotABug => (GREY, "o", "no bug: "),
            BugVerdict::Inexpressible => (GREY, "o", "inexpressible: "),
        };
        let line = clip(&format!("  {mark} {:<6} {}", bug.id, bug.title));
        anstream::println!("{}", paint(style, &line));
        anstream::println!("{}", clip(&format!("           {said}{killer}")));
    }
    for variant in &proof.variants {
        let lives = variant.points == variant.of;
        let (style, mark) = if lives { (GREEN, "+") } else { (RED, "x") };
        let sum = format!("{} of {}", variant.points, variant.of);
        let line = format!("  {mark} {:<6} {}", variant.id, variant.title);
        anstream::println!("{}", paint(style, &clip(&line)));
        anstream::println!("           a correct design: {sum} points");
    }
    for fault in &proof.faults {
        anstream::println!("{}", hang("x ", fault).replacen('x', &paint(RED, "x"), 1));
    }
    for tally in blame::tallies(&proof.bugs) {
        anstream::println!("{}", hang("", &tally.to_string()));
    }
    let lives = proof.variants.iter().filter(|v| v.points == v.of).count();
    let mut sum = format!("{} of {} bugs killed", proof.killed, proof.of);
    if !proof.variants.is_empty() {
        sum.push_str(&format!(", {lives} of {} variants live", proof.variants.len()));
    }
    anstream::println!("{}", paint(BOLD, &sum));
}

/// Prints the bugs whose card does not name the edited function, and what it names instead.
pub fn not_named(proof: &Proof) {
    let ahead = proof.bugs.iter().filter_map(|bug| {
        let unwritten = &bug.blame.as_ref().filter(|blame| !blame.unwritten.is_empty())?.unwritten;
        let killer = bug.killer.as_deref().unwrap_or_default();
        Some(format!("{} {killer}: names {} of a later step", bug.id, unwritten.join(", ")))
    });
    for line in ahead {
        anstream::println!("{}", hang("  - ", &line));
    }
    let missed = proof.bugs.iter().filter_map(|bug| {
        let blame = bug.blame.as_ref().filter(|blame| blame.found == BlameRank::NotNamed)?;
        let killer = bug.killer.as_deref().unwrap_or_default();
        let named = match blame.named.as_slice() {
            [] => "nothing".to_owned(),
            names => names.join(", "),
        };
        Some(format!("{} {killer}: edited {}, named {named}", bug.id, blame.edited.join(", ")))
    });
    for line in missed {
        anstream::println!("{}", hang("  - ", &line));
    }
}

/// Prints which test fails with which bug, lab by lab: a row per test, a column per bug.
pub fn matrix(course: &Course, proof: &Proof) {
    for lab in &course.catalogue.labs {
        let of_lab = proof.bugs.iter().filter(|bug| bug.lab == lab.id && bug.killer.is_some());
        let run: Vec<_> = of_lab.collect();
        for bugs in run.chunks((WIDTH - 40) / 3) {
            for row in 0..6 {
                let letters = bugs.iter().map(|bug| bug.id.chars().nth(row).unwrap_or(' '));
                let letters: String = letters.flat_map(|c| [' ', ' ', c]).collect();
                if !letters.trim().is_empty() {
                    anstream::println!("{:40}{letters}", "");
                }
            }
            for test in lab.tests() {
                let cells = bugs.iter().map(|bug| {
                    match (bug.red.contains(&test.name), bug.killer.as_ref() == Some(&test.name)) {
                        (true, true) => "  X",
                        (true, false) => "  x",
                        (false, _) => "  .",
                    }
                });
                anstream::println!("{:<40}{}", test.name, cells.collect::<String>());
            }
        }
    }
    anstream::println!("X: the killer   x: fails too   .: passes");
}
