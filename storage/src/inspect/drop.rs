//! Removes a group: prints what would be lost, and then removes it.
//!
//! ```text
//!   the log opens             the engine removes the group, with an ordinary frame
//!   only the group's gap      the engine cannot open the log: a cut at its end adds that frame,
//!   keeps it from opening     and removes nothing else
//!   anything else is wrong    refused: repair that first
//! ```

use super::loss::indexes;
use super::page::{count, plain, quoted};
use super::truncate::unfinished;
use super::{Consent, Health, Stop};
use crate::batch::Batch;
use crate::disk::Disk;
use crate::error::{Error, Rot};
use crate::format::MAX_PAYLOAD_BYTES;
use crate::groups::{Group, Groups, Live};
use crate::log::Log;
use crate::options::Options;
use crate::recovery::{Cut, Directory, Examined, Examiner, OpenAction, Planner, each};
use crate::segment::name_of;
use crate::types::{GroupId, Lsn};
use std::io::{self, Write};

/// How many keys, and how many groups, are named at most.
const NAMED: usize = 8;

/// Prints what a log would lose without a group, and removes the group with consent.
///
/// # Errors
/// [`Stop`]. Also if there is no such group.
pub fn drop_group<D: Disk + Clone>(
    disk: &D,
    group: GroupId,
    consent: Consent,
    out: &mut dyn Write,
) -> Result<Health, Stop> {
    super::list(disk)?;
    let lock = super::lock(disk, consent)?;
    let directory = super::list(disk)?;
    let mut examiner = Examiner::new(&directory);
    let mut capacity = 0;
    each::<Stop>(disk, &directory.segments, |file, next| {
        examiner.segment(file, next);
        capacity = file.header.as_ref().map_or(capacity, |header| header.capacity);
        Ok(())
    })?;
    let Examined { action, groups, reach } = examiner.finish();
    match (action, groups, reach) {
        (Ok(action), Ok(groups), _) => {
            show(&groups, group, &action, out)?;
            if consent == Consent::Ask {
                return print_unchanged(out);
            }
            out.flush()?; // nothing is removed unless the user was told
            drop(lock);
            let options = options(capacity);
            remove(Log::open_on(disk.clone(), options)?, &groups, group, out)
        }
        (Err(Error::Corrupt(corruption)), Err(_), Some(end)) if corruption.rot == Rot::Hole => {
            let cut = with_gap(disk, &directory, group, end)?;
            show_gap(&cut, group, out)?;
            if consent == Consent::Ask {
                return print_unchanged(out);
            }
            out.flush()?;
            append_removal(disk, cut, group, out)
        }
        (Err(error), _, _) | (Ok(_), Err(error), _) => {
            writeln!(out, "The engine does not open this log; logctl check says what you can do.")?;
            Err(error.into())
        }
    }
}

/// Prints that nothing was changed.
fn print_unchanged(out: &mut dyn Write) -> Result<Health, Stop> {
    writeln!(
        out,
        "Nothing was changed. --yes does it. Copy the directory first: there is no undo."
    )?;
    Ok(Health::Sound)
}

// A log that opens.

/// Prints what would be lost.
fn show(
    groups: &Groups,
    id: GroupId,
    action: &OpenAction,
    out: &mut dyn Write,
) -> Result<(), Stop> {
    let Some(group) = groups.get(id) else {
        return Err(Stop::Refused(format!("there is no group {id}{}", groups_text(groups))));
    };
    let mut live = Live::default();
    group.count(&mut live);
    writeln!(out, "Dropping {id} would lose:")?;
    writeln!(out, "  {}: {}", count(group.len() as u64, "entry"), indexes(group))?;
    writeln!(out, "  {}{}", count(group.keys().len() as u64, "key"), keys_text(group))?;
    writeln!(out, "  {} bytes in all, which garbage collection frees later", live.bytes())?;
    if let OpenAction::Writes { torn: Some(torn), .. } = action {
        let name = name_of(torn.segment);
        writeln!(
            out,
            "Opening the log discards its torn tail: {name} from offset {} on.",
            torn.offset
        )?;
    }
    Ok(())
}

/// Returns the groups of the log, for a message.
fn groups_text(groups: &Groups) -> String {
    let mut named: Vec<String> = groups.iter().take(NAMED).map(|(id, _)| id.to_string()).collect();
    if groups.iter().count() > NAMED {
        named.push("..".into());
    }
    if named.is_empty() {
        "; there is no group at all".into()
    } else {
        format!("; the groups are {}", named.join(" "))
    }
}

/// Returns the first keys of a group, for a message.
fn keys_text(group: &Group) -> String {
    let mut named: Vec<String> = group.keys().keys().take(NAMED).map(|key| quoted(key)).collect();
    if group.keys().len() > NAMED {
        named.push("..".into());
    }
    if named.is_empty() { String::new() } else { format!(": {}", named.join(" ")) }
}

/// Returns options that fit the log as it is.
fn options(capacity: u32) -> Options {
    let options = Options { segment_bytes: capacity, ..Options::default() };
    let room = options.longest_frame_bytes().min(MAX_PAYLOAD_BYTES as u32);
    Options { max_batch_bytes: options.max_batch_bytes.min(room), ..options }
}

/// Lets the engine remove the group.
fn remove<D: Disk>(
    log: Log<D>,
    groups: &Groups,
    group: GroupId,
    out: &mut dyn Write,
) -> Result<Health, Stop> {
    let was = groups.get(group).map(|held| (held.first_index(), held.last_index()));
    if log.first_index(group).zip(log.last_index(group)) != was {
        let what = format!("{group} has changed since it was shown: another process wrote");
        return Err(Stop::Refused(format!("{what}; nothing was removed")));
    }
    let lsn = log.write(Batch::new().remove_group(group))?;
    log.close()?;
    writeln!(out, "Done: LSN {lsn} removes {group}.")?;
    Ok(Health::Sound)
}

// A log that a gap keeps from opening.

/// Plans a cut at the log's end, which removes only the group.
fn with_gap(
    disk: &impl Disk,
    directory: &Directory,
    group: GroupId,
    end: Lsn,
) -> Result<Cut, Stop> {
    let mut planner = Planner::new(end);
    each::<Stop>(disk, &directory.segments, |file, next| {
        planner.segment(file, next);
        Ok(())
    })?;
    let cut = planner.finish(directory).map_err(|_| Stop::Refused("the log has no end".into()))?;
    let gaps = cut.gaps();
    if !gaps.iter().any(|(gapped, _)| *gapped == group) {
        let first = gaps.first().map(|(_, gap)| plain(gap)).unwrap_or_default();
        return Err(Stop::Refused(format!(
            "the log does not open, and {group} is not the reason: {first}"
        )));
    }
    Ok(cut)
}

/// Prints what would be lost of a group with a gap.
fn show_gap(cut: &Cut, group: GroupId, out: &mut dyn Write) -> io::Result<()> {
    let (entries, keys) = cut.held(group);
    writeln!(out, "Dropping {group} would lose:")?;
    writeln!(out, "  {}, {}", count(entries, "entry"), count(keys, "key"))?;
    for (_, gap) in cut.gaps().iter().filter(|(gapped, _)| *gapped == group) {
        writeln!(out, "  The group has a gap: {}", plain(gap))?;
    }
    let (name, lsn) = (name_of(cut.through()), cut.lsn());
    writeln!(
        out,
        "The engine does not open this log, so {name} would be rewritten with one more frame:"
    )?;
    writeln!(out, "LSN {lsn}, which removes {group}.")
}

/// Rewrites the log's last segment, with a removal at its end.
fn append_removal(
    disk: &impl Disk,
    mut cut: Cut,
    group: GroupId,
    out: &mut dyn Write,
) -> Result<Health, Stop> {
    let lsn = cut.lsn();
    cut.drop_group(group);
    let gaps = cut.gaps();
    cut.carry_out(disk).map_err(unfinished)?;
    writeln!(out, "Done: LSN {lsn} removes {group}.")?;
    match gaps.first() {
        None => Ok(Health::Sound),
        Some((_, gap)) => {
            writeln!(out, "The log still does not open: {}", plain(gap))?;
            Ok(Health::Damaged)
        }
    }
}
