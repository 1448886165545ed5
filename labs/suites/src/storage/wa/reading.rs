//! Step 6: from an index to its bytes.
//!
//! ```text
//!   entries(g7, 5..9, 100 bytes)
//!     5: 60 bytes   6: 40 bytes   7: 1 byte   8: ..
//!     '------- 100 -----------'     ^ one more would be too many
//! ```

use super::observed::ObservedLog;
use crate::storage::kit::words::{Checked, G1, G7, G9, at, entry, names, refusal, run, short};
use crate::storage::rule;
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
    let entries = log.entries(group, places(range), max_bytes);
    entries.map_or_else(|error| refusal(&error), |entries| names(&entries))
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
    let observed = ObservedLog::new(rule("reads_return_what_was_written"))?;
    let log = &observed.inner;
    for (group, entries) in [
        (G7, run(1, &[1, 1])),
        (G1, vec![entry(1, 1, 300), entry(2, 1, 700), short(3, 2)]),
        (G7, run(3, &[2, 2, 2])),
        (G7, run(4, &[3])),
    ] {
        let (before, after) = (b"n2", b"n3");
        observed.append(
            Batch::new()
                .put(group, b"hs", before)
                .entries(group, &entries)
                .put(group, b"hs", after),
        )?;
    }
    observed.append(Batch::new().reset(G9, at(4, 2)).entries(G9, &run(5, &[2, 3])))?;
    observed.append(Batch::new().entries(G2, &run(1, &[1, 1, 2, 2])))?;
    observed.append(Batch::new().entries(G2, &run(3, &[3, 3])))?;

    let intro = "g7 was given 1@1 2@1, then 3@2 4@2 5@2, then 4@3; g9 begins after 4@2; read is";
    let mut table = Table::new(rule("reads_return_what_was_written"), "asked for").intro(intro);
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
        table.reads(what, must_be, read(log, group, index), "buffer_at");
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
    for (what, group, index, must_be) in [
        ("2 to 1 of g7: nothing", G7, 2, "0 entries"),
        ("9 to 8 of g7: nothing, beyond its end", G7, 9, "0 entries"),
        ("3 to 2 of g9: nothing, before its beginning", G9, 3, "0 entries"),
    ] {
        let held = log.entries(group, places(index..index), u64::MAX);
        let was = held.map_or_else(|e| refusal(&e), |held| format!("{} entries", held.len()));
        table.reads(what, must_be, was, "View::pick_range");
    }
    let was = match log.entries(G7, places(3..6), u64::MAX) {
        Err(Error::Beyond { index, last, .. }) => format!("index {index}, the last is {last}"),
        outcome => outcome.map_or_else(|e| refusal(&e), |held| names(&held)),
    };
    let what = "3 to 5 of g7: what the error says";
    table.reads(what, "index 5, the last is 4", was, "View::pick_range");
    table.verdict()
}

/// How many entries a limit allows.
pub(super) fn entries_size_limit(_: &mut Check) -> Verdict {
    let log = ObservedLog::new(rule("at_least_one_entry"))?;
    let lens = [60, 40, 1, 500, 10];
    let entries: Vec<Entry> = (1..).zip(lens).map(|(index, len)| entry(index, 1, len)).collect();
    log.append(Batch::new().entries(G7, &entries[..3]))?;
    log.append(Batch::new().entries(G7, &entries[3..]))?;
    let intro = "g7 holds entries of 60, 40, 1, 500 and 10 bytes; read is";
    let mut table = Table::new(rule("at_least_one_entry"), "from, limit").intro(intro);
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
        let was = reads(&log.inner, G7, from..6, limit);
        table.reads(format!("from {from}, limit {limits}"), must_be, was, "View::pick_range");
    }
    table.verdict()
}

/// An empty batch, entry, key or value.
pub(super) fn empty_and_zero_len(_: &mut Check) -> Verdict {
    let log = ObservedLog::new(rule("nothing_is_something_to_read"))?;
    let mut table = Table::new(rule("nothing_is_something_to_read"), "what")
        .intro("something empty, written and read");
    let nothing = || -> Checked<String> {
        let asked = log.asked();
        let lsn = log.append(&Batch::new())?;
        Ok(format!("LSN {lsn}, {} writes", asked.writes().len()))
    };
    table.reads("an empty batch, first of all", "LSN 0, 0 writes", nothing()?, "Log::append");
    log.append(Batch::new().entries(G7, &[entry(1, 1, 0)]))?;
    let more = [short(2, 1), entry(3, 1, 0), short(4, 1), entry(5, 1, 0)];
    log.append(Batch::new().entries(G7, &more))?;
    log.append(Batch::new().put(G1, b"", b"").put(G1, b"k", b"").delete(G1, b"nobody's"))?;
    table.reads("an empty batch, after three", "LSN 3, 0 writes", nothing()?, "Log::append");

    for index in 1..=5 {
        let what = format!("entry {index}, {} bytes", if index % 2 == 1 { 0 } else { 4 });
        table.reads(what, format!("{index}@1"), read(&log.inner, G7, index), "buffer_at");
    }
    for (range, must_be) in [(1..6, "1@1 2@1 3@1 4@1 5@1"), (1..2, "1@1"), (3..4, "3@1")] {
        let what = format!("entries {} to {}", range.start, range.end - 1);
        let was = reads(&log.inner, G7, range, u64::MAX);
        table.reads(what, must_be, was, "View::pick_range");
    }
    let value =
        |key: &[u8]| log.inner.get(G1, key).map_or("none".to_owned(), |v| v.len().to_string());
    for (what, key, must_be) in [
        ("the value of an empty key", "", "0"),
        ("a value without bytes", "k", "0"),
        ("a key that nobody set", "nobody's", "none"),
    ] {
        table.reads(what, must_be, value(key.as_bytes()), "Log::write_frame");
    }
    table.verdict()
}
