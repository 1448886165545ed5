//! Cuts a log: prints what would be lost, and then removes it.
//!
//! ```text
//!   LSN   41   42 | 43   44   45        truncate-at 43: 43 is the first frame removed
//!   g7    8   9   | 10   11             10..=11 are lost
//!   g9          1 |      (compact 1)    1 is back: its compaction is lost
//! ```
//!
//! `recovery/cut.rs` makes the cut. It explains why a power cut meanwhile leaves a log that opens.

use super::loss::Loss;
use super::page::plain;
use super::{Consent, Health, Stop};
use crate::disk::Disk;
use crate::error::Error;
use crate::recovery::{Planner, SegmentFile, Uncuttable, each};
use crate::segment::name_of;
use crate::types::{GroupId, Lsn};
use std::io::Write;

/// How many groups with gaps are named at most.
const NAMED: usize = 5;

/// What to do with groups whose first entries collection has moved behind the cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gapped {
    /// The log is not cut.
    Refused,
    /// These groups are removed too.
    Dropped,
}

/// Prints what a log would lose without its frames from `lsn` on, and removes them with consent.
///
/// # Errors
/// [`Stop`]. Also if the log cannot be cut at `lsn`, or if there is nothing to cut.
pub fn truncate_at(
    disk: &impl Disk,
    lsn: Lsn,
    gapped: Gapped,
    consent: Consent,
    out: &mut dyn Write,
) -> Result<Health, Stop> {
    super::list(disk)?;
    let _lock = super::lock(disk, consent)?;
    let directory = super::list(disk)?;
    if let Some(name) = directory.foreign.first() {
        return Err(Error::ForeignFile { name: name.clone() }.into());
    }
    let mut planner = Planner::new(lsn);
    let mut not_ours = None;
    let mut loss = Loss::default();
    each::<Stop>(disk, &directory.segments, |file, next| {
        if let Some(offset) = planner.segment(file, next) {
            loss.take(file, next, offset, lsn);
            not_ours = not_ours.take().or_else(|| foreign(file));
        }
        Ok(())
    })?;
    let mut cut = planner.finish(&directory).map_err(|why| Stop::Refused(refusal(&why, lsn)))?;
    if let Some(error) = not_ours {
        let what = "the cut would remove it: move it elsewhere first";
        return Err(Stop::Refused(format!("{}; {what}", plain(error))));
    }
    if loss.is_nothing() {
        let last = lsn.before();
        return Err(Stop::Refused(format!(
            "the log ends with LSN {last}: there is nothing to cut"
        )));
    }
    let gaps = cut.gaps();
    if !gaps.is_empty() && gapped == Gapped::Refused {
        return Err(Stop::Refused(gaps_refusal(&gaps, lsn)));
    }
    for (group, _) in &gaps {
        cut.drop_group(*group);
    }
    loss.show(&cut, lsn, out)?;
    for (group, gap) in &gaps {
        writeln!(out, "{group} would be removed whole, because of its gap: {}", plain(gap))?;
    }
    writeln!(
        out,
        "A replica that forgets votes or entries can break its group: add it as a new member."
    )?;
    match consent {
        Consent::Ask => {
            writeln!(
                out,
                "Nothing was changed. --yes does it. Copy the directory first: there is no undo."
            )?;
        }
        Consent::Given => {
            out.flush()?; // nothing is removed unless the user was told
            cut.carry_out(disk).map_err(unfinished)?;
            writeln!(out, "Done: the log ends with LSN {}.", lsn.before())?;
        }
    }
    Ok(Health::Sound)
}

/// Returns what to do about a cut that failed.
pub(super) fn unfinished(error: Error) -> Stop {
    if matches!(error, Error::Io { .. }) {
        let what = "copy the directory, and cut the copy";
        return Stop::Refused(format!("{}; {what}", plain(error)));
    }
    Stop::Log(error)
}

/// Returns why a segment does not belong to this log, if it does not.
fn foreign(file: &SegmentFile) -> Option<Error> {
    let error = file.in_place().err()?;
    let is_foreign = matches!(
        error,
        Error::Version { .. } | Error::ByteOrder { .. } | Error::ForeignStore { .. }
    );
    is_foreign.then_some(error)
}

/// Returns why a log cannot be cut there.
fn refusal(why: &Uncuttable, lsn: Lsn) -> String {
    match why {
        Uncuttable::NoHeader(error) => {
            format!("nothing could be kept, because the first segment is damaged: {}", plain(error))
        }
        Uncuttable::BeforeBeginning { first } => {
            format!("LSN {lsn} is not in the log, which begins with LSN {first}")
        }
        Uncuttable::BehindEnd { next } => {
            format!("LSN {lsn} is not in the log, which ends with LSN {}", next.before())
        }
        Uncuttable::BehindDamage { lsn: damaged, segment } => format!(
            "LSN {damaged} in {} is damaged, and would be kept: cut at this LSN, or before it",
            name_of(*segment)
        ),
    }
}

/// Returns which groups would have gaps.
fn gaps_refusal(gaps: &[(GroupId, Error)], lsn: Lsn) -> String {
    let mut text = format!("if the log were cut at LSN {lsn}, it would not open:");
    for (_, gap) in gaps.iter().take(NAMED) {
        text += &format!("\n  {}", plain(gap));
    }
    if gaps.len() > NAMED {
        text += &format!("\n  and {} more groups", gaps.len() - NAMED);
    }
    text + "\nCollection has moved the missing items behind the cut, or they are lost. Cut later,\
            \nor remove these groups too, with --drop-gapped."
}
