//! Step 6: from an index to its bytes.
//!
//! ```text
//!   entries(g7, 5..9, 100 bytes)
//!     5: 60 bytes   6: 40 bytes   7: 1 byte   8: ..
//!     '------- 100 -----------'     ^ one more would be too many
//! ```

use super::rules::{EMPTY, LIMIT, READS};
use super::stage::Stage;
use crate::storage::kit::words::{G1, G7, G9, at, entry, names, run, short};
use bytes::Bytes;
use harness::{Check, Table, Verdict, current};
use std::ops::Range;
use storage::{Batch, Entry, Error, GroupId, Index, Log, SimDisk};

/// A group whose log a new leader has changed.
const G2: GroupId = GroupId(2);

/// Returns a range of indexes.
fn places(range: Range<u64>) -> Range<Index> {
    Index(range.start)..Index(range.end)
}

/// Says what reading a range returns.
pub(super) fn reads(
    log: &Log<SimDisk>,
    group: GroupId,
    range: Range<u64>,
    max_bytes: u64,
) -> String {
    current::doing(format!("reading {} to {} of {group}", range.start, range.end - 1));
    match log.entries(group, places(range), max_bytes) {
        Ok(entries) => names(&entries),
        Err(error) => refusal(&error),
    }
}

/// Says which error it is.
pub(super) fn refusal(error: &Error) -> String {
    let said = format!("{error:?}");
    let kind = said.split([' ', '(', '{']).next().unwrap_or_default();
    format!("refused: {kind}")
}

/// Says what reading one index returns.
pub(super) fn read(log: &Log<SimDisk>, group: GroupId, index: u64) -> String {
    current::doing(format!("reading entry {index} of {group}"));
    match log.entry(group, Index(index)) {
        Ok(Some(entry)) => names(&[entry]),
        Ok(None) => "none".to_owned(),
        Err(error) => refusal(&error),
    }
}

/// What was written, read by index and by range.
pub(super) fn append_read(_: &mut Check) -> Verdict {
    let stage = Stage::new(&READS)?;
    let log = &stage.log;
    for (group, entries) in [
        (G7, run(1, &[1, 1])),
        (G1, vec![entry(1, 1, 300), entry(2, 1, 700), short(3, 2)]),
        (G7, run(3, &[2, 2, 2])),
        (G7, run(4, &[3])),
    ] {
        let mut batch = Batch::new();
        batch.put(group, b"hs", b"n2").entries(group, &entries).put(group, b"hs", b"n3");
        stage.append(&batch)?;
    }
    let mut batch = Batch::new();
    batch.reset(G9, at(4, 2)).entries(G9, &run(5, &[2, 3]));
    stage.append(&batch)?;
    batch.clear();
    batch.entries(G2, &run(1, &[1, 1, 2, 2]));
    stage.append(&batch)?;
    batch.clear();
    batch.entries(G2, &run(3, &[3, 3]));
    stage.append(&batch)?;

    let intro = "g7 was given 1@1 2@1, then 3@2 4@2 5@2, then 4@3; g9 begins after 4@2; read is";
    let mut table = Table::new(&READS, "asked for").intro(intro);
    for (what, group, index, must_be) in [
        ("entry 1 of g7", G7, 1, "1@1"),
        ("entry 3 of g7", G7, 3, "3@2"),
        ("entry 4 of g7", G7, 4, "4@3"),
        ("entry 5 of g7: replaced", G7, 5, "none"),
        ("entry 2 of g1, 700 bytes", G1, 2, "2@1"),
        ("entry 5 of g9", G9, 5, "5@2"),
        ("entry 4 of g9: before its beginning", G9, 4, "none"),
        ("entry 1 of g5: unknown", GroupId(5), 1, "none"),
    ] {
        table.equal(what, must_be, &read(log, group, index)).decided_in("buffer_at");
    }
    for (what, group, range, must_be) in [
        ("1 to 4 of g7", G7, 1..5, "1@1 2@1 3@2 4@3"),
        ("2 to 3 of g7", G7, 2..4, "2@1 3@2"),
        ("4 to 4 of g7", G7, 4..5, "4@3"),
        ("1 to 3 of g1", G1, 1..4, "1@1 2@1 3@2"),
        ("5 to 6 of g9", G9, 5..7, "5@2 6@3"),
        ("1 to 4 of g2: 3 and 4 were of term 2", G2, 1..5, "1@1 2@1 3@3 4@3"),
        ("3 to 5 of g7: beyond its end", G7, 3..6, "refused: Beyond"),
        ("5 to 5 of g7: beyond its end", G7, 5..6, "refused: Beyond"),
        ("4 to 5 of g9: before its beginning", G9, 4..6, "refused: Compacted"),
        ("0 to 1 of g7: no entry is at 0", G7, 0..2, "refused: Compacted"),
        ("1 to 1 of g5: unknown", GroupId(5), 1..2, "refused: UnknownGroup"),
    ] {
        let was = reads(log, group, range, u64::MAX);
        let within = &["View::pick_range", "Group::truncate_from", "Group::term"];
        table.equal(what, must_be, &was).decided_in_one_of(within);
    }
    let held = stage.log.entries(G7, places(2..2), u64::MAX).map(|entries| entries.len());
    let was = held.map_or_else(|error| refusal(&error), |len| format!("{len} entries"));
    table.equal("2 to 1 of g7: nothing", "0 entries", &was).decided_in("View::pick_range");
    table.verdict()
}

/// How many entries a limit allows.
pub(super) fn entries_size_limit(_: &mut Check) -> Verdict {
    let stage = Stage::new(&LIMIT)?;
    let lens = [60, 40, 1, 500, 10];
    let entries: Vec<Entry> = (1..).zip(lens).map(|(index, len)| entry(index, 1, len)).collect();
    let mut batch = Batch::new();
    batch.entries(G7, &entries[..3]);
    stage.append(&batch)?;
    batch.clear();
    batch.entries(G7, &entries[3..]);
    stage.append(&batch)?;
    let intro = "g7 holds entries of 60, 40, 1, 500 and 10 bytes; read is";
    let mut table = Table::new(&LIMIT, "from, limit").intro(intro);
    for (from, limit, must_be) in [
        (1, u64::MAX, "1@1 2@1 3@1 4@1 5@1"),
        (1, 611, "1@1 2@1 3@1 4@1 5@1"),
        (1, 610, "1@1 2@1 3@1 4@1"),
        (1, 601, "1@1 2@1 3@1 4@1"),
        (1, 600, "1@1 2@1 3@1"),
        (1, 101, "1@1 2@1 3@1"),
        (1, 100, "1@1 2@1"),
        (1, 99, "1@1"),
        (1, 60, "1@1"),
        (1, 59, "1@1"),
        (1, 0, "1@1"),
        (2, 41, "2@1 3@1"),
        (4, 10, "4@1"),
        (4, 0, "4@1"),
        (5, 0, "5@1"),
    ] {
        let limits = if limit == u64::MAX { "none".to_owned() } else { limit.to_string() };
        let was = reads(&stage.log, G7, from..6, limit);
        table
            .equal(format!("from {from}, limit {limits}"), must_be, &was)
            .decided_in("View::pick_range");
    }
    table.verdict()
}

/// An empty batch, entry, key or value.
pub(super) fn empty_and_zero_len(_: &mut Check) -> Verdict {
    let stage = Stage::new(&EMPTY)?;
    let mut table = Table::new(&EMPTY, "what").intro("something empty, written and read");
    let nothing = || Batch::new();
    let asked = stage.asked();
    let lsn = stage.append(&nothing())?;
    let was = format!("LSN {lsn}, {} writes", asked.writes().len());
    table.equal("an empty batch, first of all", "LSN 0, 0 writes", &was).decided_in("Log::append");

    let no_bytes = |index: u64| Entry { id: at(index, 1), data: Bytes::new() };
    let mut batch = Batch::new();
    batch.entries(G7, &[no_bytes(1)]);
    stage.append(&batch)?;
    batch.clear();
    batch.entries(G7, &[short(2, 1), no_bytes(3), short(4, 1), no_bytes(5)]);
    stage.append(&batch)?;
    batch.clear();
    batch.put(G1, b"", b"").put(G1, b"k", b"").delete(G1, b"nobody's");
    stage.append(&batch)?;
    let asked = stage.asked();
    let lsn = stage.append(&nothing())?;
    let was = format!("LSN {lsn}, {} writes", asked.writes().len());
    table.equal("an empty batch, after three", "LSN 3, 0 writes", &was).decided_in("Log::append");

    for index in 1..=5 {
        let what = format!("entry {index}, {} bytes", if index % 2 == 1 { 0 } else { 4 });
        table
            .equal(what, format!("{index}@1"), read(&stage.log, G7, index))
            .decided_in("buffer_at");
    }
    for (range, must_be) in [(1..6, "1@1 2@1 3@1 4@1 5@1"), (1..2, "1@1"), (3..4, "3@1")] {
        let what = format!("entries {} to {}", range.start, range.end - 1);
        table
            .equal(what, must_be, &reads(&stage.log, G7, range, u64::MAX))
            .decided_in("View::pick_range");
    }
    let value =
        |key: &[u8]| stage.log.get(G1, key).map_or("none".to_owned(), |v| v.len().to_string());
    table.equal("the value of an empty key", "0", &value(b"")).decided_in("Log::write_frame");
    table.equal("a value without bytes", "0", &value(b"k")).decided_in("Log::write_frame");
    table
        .equal("a key that nobody set", "none", &value(b"nobody's"))
        .decided_in("Log::write_frame");
    table.verdict()
}
