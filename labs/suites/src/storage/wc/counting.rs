//! Step 1: how much of each segment is live.
//!
//! ```text
//!   entry 1@1 of 100 bytes     +132        a descriptor is 32 bytes long
//!   1@2 of 50 replaces it      -132 +82
//!   compact through 1@2        -82  +32    the log's base has to be kept somewhere
//! ```

use super::rules::COUNTED;
use super::stage::{GARBAGE_BYTES, Stage};
use crate::storage::kit::words::{G1, G7, at, entry};
use harness::{Check, Table, Verdict};
use storage::{Batch, Log};

/// What to read if an item was added, and the count is wrong.
const ADD: &str = "Live::add";
/// What to read if an item was removed, and the count is wrong.
const REMOVE: &str = "Live::remove";

/// After every batch, the log counts what its groups point to, and nothing else.
pub(super) fn wanted_is_counted(_: &mut Check) -> Verdict {
    let mut stage = Stage::new(&COUNTED, crate::storage::kit::words::small())?;
    let mut table = Table::new(&COUNTED, "after")
        .intro("what Log::stats calls live: 32 bytes for each live item, and its payload");
    table.equal("nothing", 0, stage.log().stats().live_bytes);
    let entry = |index, term, len| [entry(index, term, len)];
    let mut batch = |what: &str, fill: &dyn Fn(&mut Batch), must_be: u64, read: &str| {
        let mut batch = Batch::new();
        fill(&mut batch);
        stage.append(what, &batch)?;
        let was = stage.log().stats().live_bytes;
        table.equal(what, must_be, was).decided_in(read);
        Ok::<(), Box<harness::Failure>>(())
    };
    batch("g1 1@1, of 100 bytes", &|b| _ = b.entries(G1, &entry(1, 1, 100)), 132, ADD)?;
    batch("g1 2@1, of 10 bytes", &|b| _ = b.entries(G1, &entry(2, 1, 10)), 174, ADD)?;
    batch("g1 3@1, of none", &|b| _ = b.entries(G1, &entry(3, 1, 0)), 206, ADD)?;
    batch(
        "g1 2@2, of 50: 3@1 is removed too",
        &|b| _ = b.entries(G1, &entry(2, 2, 50)),
        214,
        REMOVE,
    )?;
    batch("g7 hs=vote2", &|b| _ = b.put(G7, b"hs", b"vote2"), 253, ADD)?;
    batch("g7 hs=v", &|b| _ = b.put(G7, b"hs", b"v"), 249, REMOVE)?;
    batch("g7 hs deleted, and so g7", &|b| _ = b.delete(G7, b"hs"), 214, REMOVE)?;
    batch("g1 compacted through 1@1", &|b| _ = b.compact(G1, at(1, 1)), 114, REMOVE)?;
    batch("g1 compacted through 2@2", &|b| _ = b.compact(G1, at(2, 2)), 32, REMOVE)?;
    batch("g1 3@2, of 10 bytes", &|b| _ = b.entries(G1, &entry(3, 2, 10)), 74, ADD)?;
    batch("g1 reset to 9@3", &|b| _ = b.reset(G1, at(9, 3)), 32, REMOVE)?;
    let far = "g1 10@3, of 200 bytes";
    batch(far, &|b| _ = b.entries(G1, &entry(10, 3, 200)), 264, ADD)?;
    // The group's items are in two segments now; each loses its own.
    stage.turns(2)?;
    let garbage = 32 + GARBAGE_BYTES as u64;
    let mut batch = Batch::new();
    batch.entries(G1, &entry(11, 3, 300));
    stage.append("g1 11@3, of 300 bytes", &batch)?;
    let was = stage.log().stats().live_bytes;
    table.equal("two segments on, g1 11@3, of 300 bytes", 264 + 332 + garbage, was).decided_in(ADD);

    let again = Log::open_on(stage.killed(), crate::storage::kit::words::small());
    let again =
        crate::storage::kit::words::must(&COUNTED, "opening it again", "Log::open_on", again)?;
    table.equal("opened again", 264 + 332 + garbage, again.stats().live_bytes).decided_in(ADD);
    drop(again);
    stage.append("g1 removed", Batch::new().remove_group(G1))?;
    let was = stage.log().stats().live_bytes;
    table.equal("g1 removed", garbage, was).decided_in(REMOVE);
    table.verdict()
}
