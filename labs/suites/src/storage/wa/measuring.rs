//! Step 1: how long a frame is.
//!
//! ```text
//!   [ header 32 | descriptor 32 | descriptor 32 | payload 5 | payload 6 | 5 zeros ]   112 bytes
//! ```

use crate::storage::kit::words::{G1, G7, at, batch, entry, run};
use crate::storage::rule;
use harness::{Check, Table, Verdict};
use storage::format::Draft;

/// The length of batches of every shape.
pub(super) fn frame_length(_: &mut Check) -> Verdict {
    let one = |len: usize| batch(|b| b.entries(G7, &[entry(1, 1, len)]));
    let rows = [
        ("nothing", batch(|b| b), 32),
        ("an entry without bytes", one(0), 64),
        ("an entry of 1 byte", one(1), 72),
        ("an entry of 5 bytes", one(5), 72),
        ("an entry of 8 bytes", one(8), 72),
        ("an entry of 9 bytes", one(9), 80),
        ("an entry of 4096 bytes", one(4096), 4160),
        ("three entries of 4 bytes each", batch(|b| b.entries(G7, &run(1, &[1, 1, 1]))), 144),
        ("a key of 2 bytes, its value of 3", batch(|b| b.put(G7, b"hs", b"n2!")), 72),
        ("a compaction and a removal", batch(|b| b.compact(G7, at(3, 1)).remove_group(G1)), 96),
        (
            "two entries of 4 bytes, and a key of 4",
            batch(|b| b.entries(G1, &run(1, &[1, 2])).put(G1, b"vote", b"")),
            144,
        ),
    ];
    let mut table = Table::new(rule("frame_length_is_stated"), "the batch holds")
        .intro("the length of its frame, in bytes");
    for (what, batch, bytes) in rows {
        table.reads(what, bytes, batch.size_bytes(), "Draft::len_of");
    }
    for (items, payload_bytes, bytes) in [(65_535, 0, 2_097_152), (1, 16_777_216, 16_777_280)] {
        let what = format!("{items} items, {payload_bytes} bytes of payload");
        table.reads(what, bytes, Draft::len_of(items, payload_bytes), "Draft::len_of");
    }
    table.verdict()
}
