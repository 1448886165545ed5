//! How much is tried, and the results: one table at the end, for readers who skip the tests.
//!
//! ```text
//!   test --tally(row, n)--> the rows so far --last row--> the table
//! ```
//!
//! A test reports its row only after it has passed. So a printed table means that every row has passed.
//! The table is written to stdout directly, because the harness hides the output of passing tests.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Mutex;
use std::{env, iter};

/// How much is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Under a minute: the default.
    Quick,
    /// Some minutes: `STORAGE_PROOF=long`.
    Long,
}

impl Form {
    /// Returns the form that `STORAGE_PROOF` asks for.
    fn requested() -> Form {
        match env::var("STORAGE_PROOF").as_deref() {
            Err(_) | Ok("" | "quick") => Form::Quick,
            Ok("long") => Form::Long,
            Ok(other) => panic!("STORAGE_PROOF is {other:?}; it may be \"quick\" or \"long\""),
        }
    }
}

/// Returns the number of rounds in the requested form.
pub(crate) fn rounds(quick: u64, long: u64) -> u64 {
    match Form::requested() {
        Form::Quick => quick,
        Form::Long => long,
    }
}

/// Returns the seeds to try: 0 up to the limit of the form, or the one that `STORAGE_SEED` names.
pub(crate) fn seeds(quick: u64, long: u64) -> Range<u64> {
    match env::var("STORAGE_SEED") {
        Err(_) => 0..rounds(quick, long),
        Ok(seed) => {
            let seed = seed.parse().unwrap_or_else(|_| panic!("STORAGE_SEED={seed}: no number"));
            seed..seed + 1
        }
    }
}

/// A row of the table, reported by one test. Rows are printed in this order.
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

    /// Returns what the row counts.
    fn text(self) -> &'static str {
        match self {
            Row::Actions => "actions compared with the model, one by one",
            Row::Limits => "batches on both sides of a limit: written, or refused with an error",
            Row::CutImages => "power cuts at every operation: images opened",
            Row::CutsInRecovery => "power cuts at every operation of a recovery",
            Row::CutsInCollection => "power cuts at every operation of a collection",
            Row::Subsets => "subsets of unsynced sectors and names, each of them opened",
            Row::Failures => "operations that failed: nothing was written after them",
            Row::CutsAfterFailures => "power cuts in the process after one that failed",
            Row::Misdirected => "writes that landed at a wrong offset",
            Row::FullDisks => "full disks: the log was still read, collected and opened",
            Row::FullCrashes => {
                "crashes at every operation, on disks without a free byte: opened and read"
            }
            Row::FullInPlace => "of them, logs whose tail was made durable in place",
            Row::FullOpenings => "such openings, cut off or failing at every operation",
            Row::FullWrote => "such logs that were compacted and collected, and then took batches",
            Row::Flips => "bits flipped, every one of a small log",
            Row::DrawnFlips => "bits flipped in drawn logs: refused, or a prefix, as expected",
            Row::Truncations => "files cut, at every length",
            Row::Zeroings => "words zeroed, every one of a small log",
            Row::Damaged => "directories with changed bytes: refused, or valid logs",
            Row::Hostile => "the same, with corrected checksums",
            Row::Interleavings => "states of callers that share syncs: all of them",
            Row::Kills => "kill -9 of a process that was writing",
            Row::Acknowledged => "batches that it had acknowledged",
        }
    }
}

/// The rows that were reported.
static ROWS: Mutex<BTreeMap<Row, u64>> = Mutex::new(BTreeMap::new());

/// Reports the count of a test that has passed. The count must not be below `at_least`, because a
/// test that tries nothing always passes. The last test to report prints the table.
pub(crate) fn tally(row: Row, count: u64, at_least: u64) {
    println!("{count} {}", row.text());
    if env::var_os("STORAGE_SEED").is_some() {
        return; // one seed is not the proof
    }
    assert!(count >= at_least, "{count} {}: there should be at least {at_least}", row.text());
    let mut rows = ROWS.lock().unwrap();
    assert!(rows.insert(row, count).is_none(), "{row:?} is reported by one test only");
    if rows.len() == Row::ALL.len() {
        print(&rows);
    }
}

/// Prints the table.
fn print(rows: &BTreeMap<Row, u64>) {
    let head = match Form::requested() {
        Form::Quick => "\nWhat the proof has tried (STORAGE_PROOF=long tries more):",
        Form::Long => "\nWhat the proof has tried, in its long form:",
    };
    let lines = rows.iter().map(|(row, count)| format!("{count:>12}  {}", row.text()));
    let none = [
        "           0  acknowledged batches lost, logs shortened without an error, crash images refused\n",
    ];
    let lines = iter::once(head.into()).chain(lines).chain(none.map(String::from));
    let table: Vec<String> = lines.collect();
    // A table that cannot be printed is no reason to fail.
    let _ = writeln!(io::stdout(), "{}", table.join("\n"));
}
