//! Step 1: how much of each segment is live.
//!
//! ```text
//!   entry 1@1 of 100 bytes     +132        a descriptor is 32 bytes long
//!   1@2 of 50 replaces it      -132 +82
//!   compact through 1@2        -82  +32    the log's base has to be kept somewhere
//! ```

use super::recorded::{GARBAGE_BYTES, RecordedLog};
use crate::storage::kit::words::{G1, G7, at, batch, entry, must, small};
use crate::storage::rule;
use harness::{Check, Table, Verdict};
use storage::{Batch, Log};

/// What to read if an item was added, and the count is wrong.
const ADD: &str = "Live::add";
/// What to read if an item was removed, and the count is wrong.
const REMOVE: &str = "Live::remove";

/// After every batch, the log counts what its groups point to, and nothing else.
pub(super) fn wanted_is_counted(_: &mut Check) -> Verdict {
    let mut stage = RecordedLog::new(rule("wanted_is_counted"), small())?;
    let mut table = Table::new(rule("wanted_is_counted"), "after")
        .intro("what Log::stats calls live: 32 bytes for each live item, and its payload");
    table.equal("nothing", 0, stage.log().stats().live_bytes);
    type Fill = fn(&mut Batch) -> &mut Batch;
    let mut row = |what: &str, fill: Fill, must_be: u64, read: &str| -> Verdict {
        stage.append(what, &batch(fill))?;
        let was = stage.log().stats().live_bytes;
        table.reads(what, must_be, was, read);
        Ok(())
    };
    row("g1 1@1, of 100 bytes", |b| b.entries(G1, &[entry(1, 1, 100)]), 132, ADD)?;
    row("g1 2@1, of 10 bytes", |b| b.entries(G1, &[entry(2, 1, 10)]), 174, ADD)?;
    row("g1 3@1, of none", |b| b.entries(G1, &[entry(3, 1, 0)]), 206, ADD)?;
    row("g1 2@2, of 50: 3@1 is removed too", |b| b.entries(G1, &[entry(2, 2, 50)]), 214, REMOVE)?;
    row("g7 hs=vote2", |b| b.put(G7, b"hs", b"vote2"), 253, ADD)?;
    row("g7 hs=v", |b| b.put(G7, b"hs", b"v"), 249, REMOVE)?;
    row("g7 hs deleted, and so g7", |b| b.delete(G7, b"hs"), 214, REMOVE)?;
    row("g1 compacted through 1@1", |b| b.compact(G1, at(1, 1)), 114, REMOVE)?;
    row("g1 compacted through 2@2", |b| b.compact(G1, at(2, 2)), 32, REMOVE)?;
    row("g1 3@2, of 10 bytes", |b| b.entries(G1, &[entry(3, 2, 10)]), 74, ADD)?;
    row("g1 reset to 9@3", |b| b.reset(G1, at(9, 3)), 32, REMOVE)?;
    let far = "g1 10@3, of 200 bytes";
    row(far, |b| b.entries(G1, &[entry(10, 3, 200)]), 264, ADD)?;
    // The group's items are in two segments now; each loses its own.
    stage.turns(2)?;
    let garbage = 32 + GARBAGE_BYTES as u64;
    stage.append("g1 11@3, of 300 bytes", Batch::new().entries(G1, &[entry(11, 3, 300)]))?;
    let was = stage.log().stats().live_bytes;
    table.reads("two segments on, g1 11@3, of 300 bytes", 264 + 332 + garbage, was, ADD);

    let again = Log::open_on(stage.killed(), small());
    let again = must(rule("wanted_is_counted"), "opening it again", "Log::open_on", again)?;
    table.reads("opened again", 264 + 332 + garbage, again.stats().live_bytes, ADD);
    drop(again);
    stage.append("g1 removed", Batch::new().remove_group(G1))?;
    let was = stage.log().stats().live_bytes;
    table.reads("g1 removed", garbage, was, REMOVE);
    table.verdict()
}
