//! Step 3: live entries are copied, and nothing else changes.
//!
//! ```text
//!   1 [ 1@1 x x ]   2 [ x 2@1 x ]   3 [ 3@1 ..        gc: 1@1 2@1 are written again, after 3@1
//!   reader:  1@1 2@1 3@1      before, after, and after every restart
//! ```

use super::recorded::{RecordedLog, cut_everywhere};
use crate::storage::kit::words::{
    Checked, G1, G7, at, batch, differs, entry, names, run, short, small,
};
use crate::storage::rule;
use harness::{Check, Table, Verdict};
use storage::{Batch, Entry, Error, Index, Options};

/// Collects everything. A group must be as before: at once, and after every kind of opening.
fn same_after_collection(stage: &mut RecordedLog, what: &str, must_be: &str) -> Checked<()> {
    stage.sync()?;
    let before = stage.segments().first().cloned().unwrap_or_default();
    stage.collect_all()?;
    let left = stage.segments();
    let is_younger_gone = stage.last_gone().is_some();
    if left.first() == Some(&before) && is_younger_gone {
        let because = format!("others were removed, and {before} is the oldest");
        let (expected, got) = (format!("{before} is removed first"), left.join(" "));
        let failure =
            differs(rule("oldest_goes_first"), because, expected, got, "Log::worth_collecting");
        return stage.explain(failure).fail();
    }
    if left.first() == Some(&before) {
        let because = format!("most of the log is garbage, and {before} stays");
        let expected = format!("{before} is removed, and its live entries are copied");
        return stage.differs(because, expected, left.join(" "), "Log::gc").fail();
    }
    let mut table = Table::new(stage.rule(), "g1").intro(what);
    for (moment, shown) in [
        ("collected", stage.shows(G1)),
        ("process killed", stage.shows_after(stage.killed(), &[G1]).remove(0)),
        ("power cut", stage.shows_after(stage.cut(), &[G1]).remove(0)),
    ] {
        table.reads(moment, must_be, shown, "View::pick_entries");
    }
    stage.verdict(table)
}

/// Returns what a group must hold: `1@1 2@1`.
fn named(count: u64) -> String {
    names(&run(1, &vec![1; count as usize]))
}

/// Writes entries, each followed by garbage for this many segments, and collects.
fn scattered(what: &str, entries: &[(Entry, usize)]) -> Checked<()> {
    let mut stage = RecordedLog::new(rule("wanted_is_never_lost"), small())?;
    for (entry, turns) in entries {
        let batch = batch(|b| b.entries(G1, std::slice::from_ref(entry)));
        stage.append(&format!("g1 {} of {} bytes", entry.id, entry.data.len()), &batch)?;
        stage.turns(*turns)?;
    }
    same_after_collection(&mut stage, what, &named(entries.len() as u64))
}

/// LE10: whatever a collection removes, every live byte is still there.
pub(super) fn purge_never_loses_live(_: &mut Check) -> Verdict {
    let entries = |lens: &[(usize, usize)]| -> Vec<(Entry, usize)> {
        (1..).zip(lens).map(|(i, (len, turns))| (entry(i, 1, *len), *turns)).collect()
    };
    let several = [(300, 0), (300, 0), (300, 0), (900, 0), (300, 3)];
    let behind = [(300, 0), (300, 0), (1500, 3)];
    let many = [[(300, 0); 11].as_slice(), &[(300, 5)]].concat();
    scattered("one entry among garbage", &entries(&[(100, 3)]))?;
    scattered("one in each of three segments", &entries(&[(100, 1), (100, 1), (100, 2)]))?;
    scattered("an entry without bytes", &entries(&[(0, 1), (5, 2)]))?;
    scattered("more than one frame of copies", &entries(&several))?;
    scattered("an entry longer than a frame of copies", &entries(&[(1500, 3)]))?;
    scattered("an entry after others, and longer than a frame", &entries(&behind))?;
    scattered("more copies than fit the tail", &entries(&many))?;
    scattered("one in the tail", &entries(&[(100, 2), (100, 1), (100, 0)]))?;
    // And a power cut at any point loses nothing either.
    let build = || {
        let mut stage = RecordedLog::new(rule("wanted_is_never_lost"), small())?;
        for index in 1..=5 {
            let batch = batch(|b| b.entries(G1, &[entry(index, 1, 400)]));
            stage.append(&format!("g1 {index}@1 of 400 bytes"), &batch)?;
        }
        stage.turns(3)?;
        stage.sync()?;
        Ok(stage)
    };
    cut_everywhere(build, RecordedLog::collect_all, &[(G1, &[&named(5)])])
}

/// LE12: a copy of an old record neither removes nor replaces a newer one.
pub(super) fn rewrite_vs_newer_append(_: &mut Check) -> Verdict {
    let mut stage = RecordedLog::new(rule("a_copy_changes_nothing"), small())?;
    stage.append("g1 1@1..=3@1", Batch::new().entries(G1, &run(1, &[1, 1, 1])))?;
    stage.turns(2)?;
    stage.append("g1 4@1..=6@2", Batch::new().entries(G1, &run(4, &[1, 2, 2])))?;
    let whole = "1@1 2@1 3@1 4@1 5@2 6@2";
    same_after_collection(&mut stage, "copies are written after newer entries", whole)?;
    stage.turns(2)?;
    same_after_collection(&mut stage, "copies of copies", whole)?;
    stage.append("g1 3@3", Batch::new().entries(G1, &run(3, &[3])))?;
    stage.turns(1)?;
    same_after_collection(&mut stage, "replaced after it was copied", "1@1 2@1 3@3")?;

    let mut stage = RecordedLog::new(rule("a_copy_changes_nothing"), small())?;
    stage.append("g1 1@1..=3@1", Batch::new().entries(G1, &run(1, &[1, 1, 1])))?;
    stage.turns(1)?;
    stage.append("g1 2@2", Batch::new().entries(G1, &run(2, &[2])))?;
    stage.turns(2)?;
    same_after_collection(&mut stage, "replaced before it was copied", "1@1 2@2")?;

    // Power cuts, with an entry that follows in the tail.
    let build = || {
        let mut stage = RecordedLog::new(rule("a_copy_changes_nothing"), small())?;
        stage.append("g1 1@1..=2@1", Batch::new().entries(G1, &run(1, &[1, 1])))?;
        stage.turns(1)?;
        stage.append("g1 3@2", Batch::new().entries(G1, &run(3, &[2])))?;
        stage.turns(1)?;
        stage.append("g1 4@2", Batch::new().entries(G1, &run(4, &[2])))?;
        stage.sync()?;
        Ok(stage)
    };
    cut_everywhere(build, RecordedLog::collect_all, &[(G1, &["1@1 2@1 3@2 4@2"])])
}

/// Bytes that have changed on the disk are not copied as if they were right.
pub(super) fn rot_gets_no_checksum(_: &mut Check) -> Verdict {
    for (number, what, rots) in [(1, "a bit has flipped", true), (2, "none has", false)] {
        let mut stage = RecordedLog::new(rule("rot_gets_no_checksum"), small())?;
        let first = short(1, 1);
        stage.append("g1 1@1", Batch::new().entries(G1, std::slice::from_ref(&first)))?;
        stage.append("g7 1@1", Batch::new().entries(G7, &[short(1, 1)]))?;
        if rots {
            // After the segment's first page: a frame's header, a descriptor, the payload.
            stage.disk().rot("00000001.log", 4096 + 32 + 32 + 1, 1);
            stage.tell("one bit of g1's 1@1 rots on the disk");
        }
        stage.turns(3)?;
        stage.sync()?;
        let outcome = stage.log().gc();
        stage.tell("gc");
        let oldest = stage.segments().first().cloned().unwrap_or_default();
        let wrong = match (rots, outcome) {
            (true, Ok(_)) => {
                let because = "1@1 has rotted, and gc returns no error";
                Some((because, "an error that names g1", "done".to_owned()))
            }
            (true, Err(Error::Corrupt(rot))) => {
                let (told, stays) = (rot.to_string(), oldest == "00000001.log");
                let expected = "an error that names g1, and the segment stays";
                let got = format!("{told}; the oldest is {oldest}");
                let because = "1@1 has rotted, and only its segment can show that";
                (!told.contains("g1") || !stays).then_some((because, expected, got))
            }
            (true, Err(error)) => {
                let because = "1@1 has rotted, and gc fails with another error";
                Some((because, "Error::Corrupt", error.to_string()))
            }
            (false, Ok(_)) => {
                let read = stage.log().entry(G1, Index(1));
                let is_same = matches!(&read, Ok(Some(held)) if *held == first);
                let because = "1@1 has other bytes after it was copied";
                (!is_same).then(|| (because, "1@1, as it was written", format!("{read:?}")))
            }
            (false, Err(error)) => {
                let because = "nothing has rotted, and gc refuses";
                Some((because, "1@1 moves", error.to_string()))
            }
        };
        if let Some((because, expected, got)) = wrong {
            let failure = stage.differs(because, expected, got, "View::bytes_to_move");
            return failure.row(number, what).fail();
        }
    }
    Ok(())
}

/// Once its original is removed, only the copy is left. If it rots, the log reports that, and does not
/// take it for a torn write.
pub(super) fn rot_in_a_copy_is_told(_: &mut Check) -> Verdict {
    // With the second settings one segment is removed, and no later removal writes another frame.
    rot_in_a_copy(small())?;
    rot_in_a_copy(Options { collect_above_bytes: 3 * 8192, ..small() })
}

/// Lets one entry be copied, and then one bit of its copy rot, in each tested place.
fn rot_in_a_copy(options: Options) -> Verdict {
    let mut stage = RecordedLog::new(rule("a_copy_has_a_witness"), options)?;
    stage.append("g1 1@1", Batch::new().entries(G1, &[entry(1, 1, 40)]))?;
    stage.turns(3)?;
    stage.sync()?;
    stage.collect_all()?;
    let mut found = 0;
    for segment in stage.segments() {
        for copy in copies_in(&stage.disk().bytes(&segment)) {
            found += 1;
            for (part, offset) in [("its descriptor", copy), ("its bytes", copy + 32)] {
                let image = stage.killed();
                image.rot(&segment, offset as u64, 1);
                let shown = stage.shows_after(image, &[G1]).remove(0);
                if shown.starts_with("cannot be opened") || shown == "1@1" {
                    continue;
                }
                stage.tell(format!("one bit of {part} rots, in {segment}; opened again"));
                let because = "the only copy of g1's 1@1 has rotted, and is lost without an error";
                let expected = "an error, or 1@1 as it was";
                return stage.differs(because, expected, shown, "Log::remove_segment").fail();
            }
        }
    }
    if found == 0 {
        let failure = stage.failure().function("Log::move_some");
        return failure.because("g1's 1@1 was live, and no segment holds it").fail();
    }
    Ok(())
}

/// Returns the offsets of g1's 1@1's descriptors that have its bytes right after them.
fn copies_in(bytes: &[u8]) -> Vec<usize> {
    let places = 0..bytes.len().saturating_sub(32 + 8);
    let is_copy = |at: &usize| {
        let (group, index) = (&bytes[*at..at + 8], &bytes[at + 8..at + 16]);
        let one = 1u64.to_le_bytes();
        group == one && index == one && bytes[at + 32..].starts_with(b"1@1;1@1;")
    };
    places.filter(is_copy).collect()
}

/// On a full disk batches are refused, and collection is not: so there is room again.
pub(super) fn collects_on_a_full_disk(_: &mut Check) -> Verdict {
    let mut stage = RecordedLog::new(rule("collects_on_a_full_disk"), small())?;
    stage.disk().set_free_bytes(Some(40_000));
    // Longer than what the last batch leaves, without the part that is kept free.
    stage.append("g7 1@1", Batch::new().entries(G7, &[entry(1, 1, 400)]))?;
    let mut last = 0;
    while last < 100 {
        let next = [entry(last + 1, 1, 300)];
        match stage.log().write(Batch::new().entries(G1, &next)) {
            Ok(_) => last += 1,
            Err(Error::NoSpace { .. }) => break,
            Err(error) => {
                let because = "a full disk is reported as an I/O error";
                return stage.differs(because, "Error::NoSpace", error, "Log::make_room").fail();
            }
        }
    }
    stage.disk().set_free_bytes(Some(0));
    stage.tell(format!("g1 1@1..={last}@1, until the disk is full"));
    let compact = batch(|b| b.compact(G1, at(last, 1)));
    stage.append(&format!("g1 compacted through {last}@1"), &compact)?;
    stage.sync()?;
    let before = stage.segments().len();
    let outcome = stage.log().gc();
    stage.tell("gc");
    let left = stage.segments().len();
    if outcome.is_err() || left >= before {
        let because = "the disk is full of garbage, and gc frees no room";
        let expected = "g7's 1@1 is copied, segments are removed";
        let got = outcome.map_or_else(|e| e.to_string(), |_| format!("{left} segments, as before"));
        return stage.differs(because, expected, got, "Log::move_some").fail();
    }
    let shown = stage.shows(G7);
    if shown != "1@1" {
        return stage.differs("g7's 1@1 was live", "1@1", shown, "View::pick_entries").fail();
    }
    stage.append("g1 again", Batch::new().entries(G1, &[entry(last + 1, 1, 300)]))
}
