//! Step 5: what happens to a segment's file.
//!
//! ```text
//!   00000001.log --rename--> spare.tmp --sync the directory--> written again --> 00000009.log
//!        |   if a reader holds a part of it:
//!        '--> removed, and the bytes stay until the reader drops them
//! ```

use super::recorded::{RecordedLog, cut_everywhere};
use crate::storage::kit::words::{Checked, G1, at, entry, must, names, small};
use crate::storage::rule;
use harness::{Check, Place, Rule, Table, Verdict};
use std::collections::BTreeSet;
use storage::{Batch, Doing, Entry, Error, Index};

/// Writes g1's entries 1 to 6; the first ones are in a segment that is sealed already.
fn sealed_entries(rule: &Rule) -> Checked<RecordedLog> {
    let mut stage = RecordedLog::new(rule, small())?;
    for index in 1..=6 {
        let entry = entry(index, 1, 700);
        stage.append(&format!("g1 {}", entry.id), Batch::new().entries(G1, &[entry]))?;
    }
    stage.turns(1)?;
    Ok(stage)
}

/// Returns the number of the file that first had this name in the journal.
fn file_named(stage: &RecordedLog, wanted: &str) -> Option<usize> {
    let journal = stage.disk().journal();
    journal.iter().find_map(|done| {
        let Doing::Rename { to, file, .. } = &done.doing else { return None };
        (to == wanted).then_some(*file)
    })
}

/// LE22: what a reader holds does not change, whatever happens to the segment. A lookup after that
/// finds nothing, and says so.
pub(super) fn read_racing_purge(_: &mut Check) -> Verdict {
    let mut table = Table::new(rule("held_bytes_stay"), "who reads");
    let mut again = BTreeSet::new();
    for (what, holds) in [("somebody holds 1@1", true), ("nobody holds it", false)] {
        let mut stage = sealed_entries(rule("held_bytes_stay"))?;
        let Some(file) = file_named(&stage, "00000001.log") else {
            let failure = stage.failure().because("no file was ever named 00000001.log");
            return failure.function("segment::publish").fail();
        };
        let held = stage.log().entry(G1, Index(1));
        let held = must(rule("held_bytes_stay"), "reading 1@1", "Log::entry", held)?;
        let held: Option<Entry> = held.filter(|_| holds);
        stage.tell(what);
        stage.append("g1 compacted through 6@1", Batch::new().compact(G1, at(6, 1)))?;
        stage.sync()?;
        let began = stage.disk().operations();
        stage.collect_all()?;
        stage.turns(4)?;
        let journal = stage.disk().journal();
        let written = journal.iter().filter(|done| done.number > began).find(
            |done| matches!(done.doing, Doing::Write { file: written, .. } if written == file),
        );
        if let (true, Some(written)) = (holds, written) {
            let because = "a file is written again while a reader holds its 1@1";
            let expected = "the file is not changed, or removed";
            let got = format!("it is written at {}", Place::from(written.at).short());
            return stage.differs(because, expected, got, "has_no_readers").fail();
        }
        if written.is_some() {
            again.insert(what);
        }
        if let Some(held) = held {
            let was = names(std::slice::from_ref(&held));
            table.equal(format!("{what}: its bytes"), "1@1".to_owned(), was);
        }
        let gone = match stage.log().entry(G1, Index(1)) {
            Ok(None) => "none".to_owned(),
            Ok(Some(entry)) => names(&[entry]),
            Err(error) => error.to_string(),
        };
        table.reads("1@1, looked up afterwards", "none", gone, "Log::entry");
        let gone = match stage.log().entries(G1, Index(1)..Index(3), u64::MAX) {
            Err(Error::Compacted { .. }) => "Compacted".to_owned(),
            Ok(entries) => names(&entries),
            Err(error) => error.to_string(),
        };
        table.reads("1@1 and 2@1, looked up afterwards", "Compacted", gone, "Log::entries");
    }
    let was = if again.contains("nobody holds it") { "yes" } else { "no" };
    table.reads("nobody holds it: the file is used again", "yes", was, "has_no_readers");
    table.verdict()
}

/// A log that is collected again and again needs only a few files.
pub(super) fn files_are_used_again(_: &mut Check) -> Verdict {
    let mut stage = RecordedLog::new(rule("files_are_used_again"), small())?;
    let count = |stage: &RecordedLog| {
        let journal = stage.disk().journal();
        let written = journal.iter().filter_map(|done| {
            let Doing::Write { file, .. } = done.doing else { return None };
            Some(file)
        });
        written.collect::<BTreeSet<_>>().len() as u64
    };
    let mut table =
        Table::new(rule("files_are_used_again"), "a log of garbage, collected as it grows");
    for segments in [10, 20, 40] {
        while stage.segments().last().is_none_or(|last| *last < format!("{segments:08x}.log")) {
            stage.turn()?;
            stage.collect()?;
        }
        let made = count(&stage);
        let what = format!("after {segments} segments: files written");
        table.within(what, 1..=4, made).decided_in("has_no_readers");
    }
    table.verdict()
}

/// A file that was a segment is durably renamed before it gets other bytes.
pub(super) fn spare_is_no_segment(_: &mut Check) -> Verdict {
    // One segment is removed: a second removal would sync the first one's name.
    let build = || {
        let mut stage = RecordedLog::new(rule("a_spare_is_no_segment"), small())?;
        for index in 1..=3 {
            let entry = entry(index, 1, 700);
            stage.append(&format!("g1 {}", entry.id), Batch::new().entries(G1, &[entry]))?;
        }
        stage.turn()?;
        stage.append("g1 compacted through 3@1", Batch::new().compact(G1, at(3, 1)))?;
        stage.sync()?;
        Ok(stage)
    };
    let act = |stage: &mut RecordedLog| {
        stage.collect_all()?;
        stage.turns(2)
    };
    cut_everywhere(build, act, &[(G1, &["after 3@1: nothing"])])
}
