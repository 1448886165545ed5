//! A log that ends earlier: what goes is said first.
//!
//! ```text
//!   LSN   41   42 | 43   44   45        truncate-at 43: 43 is the first that goes
//!   g7    8   9   | 10   11             10..=11 go
//!   g9          1 |      (compact 1)    1 is there again
//! ```
//!
//! How it is done, so that a power cut leaves a log, stands in `recovery/cut.rs`.

use super::loss::Loss;
use super::page::plain;
use super::{Consent, Health, Stop};
use crate::disk::Disk;
use crate::error::Error;
use crate::recovery::{Planner, SegmentFile, Uncuttable, each};
use crate::segment::name_of;
use crate::types::{GroupId, Lsn};
use std::io::Write;

/// How many groups with gaps are named.
const NAMED: usize = 5;

/// What is done with groups whose first entries stand behind the cut, where collection moved them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gapped {
    /// Then the log is not cut.
    Refused,
    /// They are removed, too.
    Dropped,
}

/// Says what goes if a log's frames from `lsn` on go; and lets them go, with consent.
///
/// # Errors
/// [`Stop`]: also if the log cannot be cut there, or if there is nothing to cut.
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
            not_ours = not_ours.take().or_else(|| stranger(file));
        }
        Ok(())
    })?;
    let mut cut = planner.finish(&directory).map_err(|why| Stop::Refused(said(&why, lsn)))?;
    if let Some(error) = not_ours {
        let what = "it would go with the cut: move it elsewhere first";
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
        return Err(Stop::Refused(said_of_gaps(&gaps, lsn)));
    }
    for (group, _) in &gaps {
        cut.drop_group(*group);
    }
    loss.show(&cut, lsn, out)?;
    for (group, gap) in &gaps {
        writeln!(out, "{group} goes whole, for it would have a gap: {}", plain(gap))?;
    }
    writeln!(
        out,
        "A replica that forgets what it has promised can break its group: let it join anew."
    )?;
    match consent {
        Consent::Ask => {
            writeln!(
                out,
                "Nothing was done. --yes does it; copy the directory first, for what goes is gone."
            )?;
        }
        Consent::Given => {
            out.flush()?; // whoever does not hear of it does not lose it
            cut.carry_out(disk).map_err(unfinished)?;
            writeln!(out, "Done: the log ends with LSN {}.", lsn.before())?;
        }
    }
    Ok(Health::Sound)
}

/// Says what to do about a cut that failed.
pub(super) fn unfinished(error: Error) -> Stop {
    if matches!(error, Error::Io { .. }) {
        let what = "copy the directory, and cut the copy";
        return Stop::Refused(format!("{}; {what}", plain(error)));
    }
    Stop::Log(error)
}

/// Says why a segment is not this log's to remove, if it is not.
fn stranger(file: &SegmentFile) -> Option<Error> {
    let error = file.in_place().err()?;
    let is_strange = matches!(
        error,
        Error::Version { .. } | Error::ByteOrder { .. } | Error::ForeignStore { .. }
    );
    is_strange.then_some(error)
}

/// Says why a log cannot be cut there.
fn said(why: &Uncuttable, lsn: Lsn) -> String {
    match why {
        Uncuttable::NoHeader(error) => {
            format!("nothing could be kept, for the first segment does not hold: {}", plain(error))
        }
        Uncuttable::BeforeBeginning { first } => {
            format!("LSN {lsn} is gone already: the log begins with LSN {first}")
        }
        Uncuttable::BehindEnd { next } => {
            format!("the log ends with LSN {}: there is no LSN {lsn} to cut it at", next.before())
        }
        Uncuttable::BehindDamage { lsn: damaged, segment } => format!(
            "LSN {damaged} does not hold, in {}, and would be kept: cut there, or before it",
            name_of(*segment)
        ),
    }
}

/// Says which groups would have gaps.
fn said_of_gaps(gaps: &[(GroupId, Error)], lsn: Lsn) -> String {
    let mut said = format!("cut at LSN {lsn}, the log would not open:");
    for (_, gap) in gaps.iter().take(NAMED) {
        said += &format!("\n  {}", plain(gap));
    }
    if gaps.len() > NAMED {
        said += &format!("\n  and {} more groups", gaps.len() - NAMED);
    }
    said + "\nWhat is missing was moved behind the cut by collection, or is gone. Cut later, or let these\
            \ngroups go, too, with --drop-gapped."
}
