//! How much is tried, and what that came to: one table at the end, for those who read no tests.
//!
//! ```text
//!   test --tally(row, n)--> the rows so far --the last one is in--> the table
//! ```
//!
//! A test tells its row only when it has held: a table that is printed is a proof that held in every
//! row. It goes past the harness, which keeps to itself what a test prints that passes.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Mutex;
use std::{env, iter};

/// How much is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Under a minute: what everybody runs.
    Quick,
    /// Some minutes: `STORAGE_PROOF=long`.
    Long,
}

impl Form {
    /// Returns what was asked for.
    fn asked() -> Form {
        match env::var("STORAGE_PROOF").as_deref() {
            Err(_) | Ok("" | "quick") => Form::Quick,
            Ok("long") => Form::Long,
            Ok(other) => panic!("STORAGE_PROOF is {other:?}; it may be \"quick\" or \"long\""),
        }
    }
}

/// Returns how often something is tried, in the form that was asked for.
pub(crate) fn rounds(quick: u64, long: u64) -> u64 {
    match Form::asked() {
        Form::Quick => quick,
        Form::Long => long,
    }
}

/// Returns the seeds that are tried: 0 up to so many, or the one that `STORAGE_SEED` names.
pub(crate) fn seeds(quick: u64, long: u64) -> Range<u64> {
    match env::var("STORAGE_SEED") {
        Err(_) => 0..rounds(quick, long),
        Ok(seed) => {
            let seed = seed.parse().unwrap_or_else(|_| panic!("STORAGE_SEED={seed}: no number"));
            seed..seed + 1
        }
    }
}

/// A row of the table, told by one test. In this order they are printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Row {
    Actions,
    Limits,
    CutImages,
    CutsInRecovery,
    CutsInCollection,
    Subsets,
    Failures,
    CutsAfterFailures,
    Misdirected,
    FullDisks,
    FullCrashes,
    FullInPlace,
    FullOpenings,
    FullWrote,
    Flips,
    DrawnFlips,
    Truncations,
    Zeroings,
    Damaged,
    Hostile,
    Interleavings,
    Kills,
    Acknowledged,
}

impl Row {
    const ALL: [Row; 23] = [
        Row::Actions,
        Row::Limits,
        Row::CutImages,
        Row::CutsInRecovery,
        Row::CutsInCollection,
        Row::Subsets,
        Row::Failures,
        Row::CutsAfterFailures,
        Row::Misdirected,
        Row::FullDisks,
        Row::FullCrashes,
        Row::FullInPlace,
        Row::FullOpenings,
        Row::FullWrote,
        Row::Flips,
        Row::DrawnFlips,
        Row::Truncations,
        Row::Zeroings,
        Row::Damaged,
        Row::Hostile,
        Row::Interleavings,
        Row::Kills,
        Row::Acknowledged,
    ];

    /// Says what was counted.
    fn text(self) -> &'static str {
        match self {
            Row::Actions => "actions compared with the model, one by one",
            Row::Limits => "batches on both sides of a limit, written or refused, and told so",
            Row::CutImages => "power cuts at every operation: images opened",
            Row::CutsInRecovery => "power cuts at every operation of a recovery",
            Row::CutsInCollection => "power cuts at every operation of a collection",
            Row::Subsets => "subsets of unsynced sectors and names, each of them opened",
            Row::Failures => "operations that failed, and nothing was written after them",
            Row::CutsAfterFailures => "power cuts of the process after one that failed",
            Row::Misdirected => "writes that landed elsewhere",
            Row::FullDisks => {
                "disks that were full, and what was there was read, collected, opened"
            }
            Row::FullCrashes => {
                "crashes, at every operation, on disks left without a byte: opened, and read"
            }
            Row::FullInPlace => "of them, logs whose tail was made durable in place",
            Row::FullOpenings => "such openings, cut off or failing at every operation",
            Row::FullWrote => "such logs that were compacted and collected, and took batches again",
            Row::Flips => "bits flipped, every one of a small log",
            Row::DrawnFlips => "bits flipped in drawn logs, each foretold: refused, or a prefix",
            Row::Truncations => "files cut, at every length",
            Row::Zeroings => "words zeroed, every one of a small log",
            Row::Damaged => "directories with bytes put into them: refused, or logs",
            Row::Hostile => "the same, under checksums that hold",
            Row::Interleavings => "states of callers that share syncs, all that there are",
            Row::Kills => "kill -9 of a process that was writing",
            Row::Acknowledged => "batches that it had acknowledged",
        }
    }
}

/// The rows that are in.
static ROWS: Mutex<BTreeMap<Row, u64>> = Mutex::new(BTreeMap::new());

/// Tells what a test that held came to, which must not be less than `at_least`: a test that tries
/// nothing holds always. The test that is the last to tell prints the table.
pub(crate) fn tally(row: Row, count: u64, at_least: u64) {
    println!("{count} {}", row.text());
    if env::var_os("STORAGE_SEED").is_some() {
        return; // one seed is not the proof
    }
    assert!(count >= at_least, "{count} {}: there should be {at_least}", row.text());
    let mut rows = ROWS.lock().unwrap();
    assert!(rows.insert(row, count).is_none(), "{row:?} is told by one test");
    if rows.len() == Row::ALL.len() {
        print(&rows);
    }
}

/// Prints the table.
fn print(rows: &BTreeMap<Row, u64>) {
    let head = match Form::asked() {
        Form::Quick => "\nWhat the proof went through (STORAGE_PROOF=long goes further):",
        Form::Long => "\nWhat the proof went through, in its long form:",
    };
    let lines = rows.iter().map(|(row, count)| format!("{count:>12}  {}", row.text()));
    let none = [
        "           0  acknowledged batches lost, logs shortened in silence, crash images refused\n",
    ];
    let lines = iter::once(head.into()).chain(lines).chain(none.map(String::from));
    let table: Vec<String> = lines.collect();
    // What cannot be printed is no reason to fail.
    let _ = writeln!(io::stdout(), "{}", table.join("\n"));
}
