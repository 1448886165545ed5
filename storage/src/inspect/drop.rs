//! A group that goes: what goes with it is said first.
//!
//! ```text
//!   the log opens             the engine removes the group, with a frame like any other
//!   only the group's gap      the engine cannot open it, so that frame is put at the end in a cut
//!   keeps it from opening     that takes nothing else away
//!   anything else is wrong    refused: that has to be dealt with first
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

/// How many keys, and how many groups, are named.
const NAMED: usize = 8;

/// Says what goes with a group; and lets it go, with consent.
///
/// # Errors
/// [`Stop`]: also if there is no such group.
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
                return asked(out);
            }
            out.flush()?; // whoever does not hear of it does not lose it
            drop(lock);
            let options = options(capacity);
            remove(Log::open_on(disk.clone(), options)?, &groups, group, out)
        }
        (Err(Error::Corrupt(corruption)), Err(_), Some(end)) if corruption.rot == Rot::Hole => {
            let cut = with_gap(disk, &directory, group, end)?;
            show_gap(&cut, group, out)?;
            if consent == Consent::Ask {
                return asked(out);
            }
            out.flush()?;
            put_removal(disk, cut, group, out)
        }
        (Err(error), _, _) | (Ok(_), Err(error), _) => {
            writeln!(
                out,
                "The engine does not open this log; logctl check says what can be done."
            )?;
            Err(error.into())
        }
    }
}

/// Says that nothing was done.
fn asked(out: &mut dyn Write) -> Result<Health, Stop> {
    writeln!(
        out,
        "Nothing was done. --yes does it; copy the directory first, for what goes is gone."
    )?;
    Ok(Health::Sound)
}

// A log that opens.

/// Shows what goes.
fn show(
    groups: &Groups,
    id: GroupId,
    action: &OpenAction,
    out: &mut dyn Write,
) -> Result<(), Stop> {
    let Some(group) = groups.get(id) else {
        return Err(Stop::Refused(format!("{id} is not here{}", others(groups))));
    };
    let mut live = Live::default();
    group.count(&mut live);
    writeln!(out, "To drop {id} would lose:")?;
    writeln!(out, "  {}: {}", count(group.len() as u64, "entry"), indexes(group))?;
    writeln!(out, "  {}{}", count(group.keys().len() as u64, "key"), keys(group))?;
    writeln!(
        out,
        "  {} bytes with all of it, which go for good when collection gets there",
        live.bytes()
    )?;
    if let OpenAction::Writes { torn: Some(torn), .. } = action {
        let name = name_of(torn.segment);
        writeln!(
            out,
            "To open the log discards its torn tail, {name} from offset {} on.",
            torn.offset
        )?;
    }
    Ok(())
}

/// Names the groups that are here.
fn others(groups: &Groups) -> String {
    let mut named: Vec<String> = groups.iter().take(NAMED).map(|(id, _)| id.to_string()).collect();
    if groups.iter().count() > NAMED {
        named.push("..".into());
    }
    if named.is_empty() {
        "; no group is".into()
    } else {
        format!("; here are {}", named.join(" "))
    }
}

/// Names keys.
fn keys(group: &Group) -> String {
    let mut named: Vec<String> = group.keys().keys().take(NAMED).map(|key| quoted(key)).collect();
    if group.keys().len() > NAMED {
        named.push("..".into());
    }
    if named.is_empty() { String::new() } else { format!(": {}", named.join(" ")) }
}

/// Returns settings under which the log goes on as it is.
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
        let what = format!("{group} is not as it was shown: somebody wrote meanwhile");
        return Err(Stop::Refused(format!("{what}; nothing was removed")));
    }
    let lsn = log.write(Batch::new().remove_group(group))?;
    log.close()?;
    writeln!(out, "Done: LSN {lsn} removes {group}.")?;
    Ok(Health::Sound)
}

// A log that a gap keeps from opening.

/// Plans a cut at the log's end, which takes nothing but the group.
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
            "the log does not open, and not for want of {group}: {first}"
        )));
    }
    Ok(cut)
}

/// Shows what goes of a group with a gap.
fn show_gap(cut: &Cut, group: GroupId, out: &mut dyn Write) -> io::Result<()> {
    let (entries, keys) = cut.held(group);
    writeln!(out, "To drop {group} would lose:")?;
    writeln!(out, "  {}, {}", count(entries, "entry"), count(keys, "key"))?;
    for (_, gap) in cut.gaps().iter().filter(|(gapped, _)| *gapped == group) {
        writeln!(out, "  They have a gap: {}", plain(gap))?;
    }
    let (name, lsn) = (name_of(cut.through()), cut.lsn());
    writeln!(
        out,
        "The engine does not open this log, so {name} is written again with one frame more:"
    )?;
    writeln!(out, "LSN {lsn}, which removes {group}.")
}

/// Writes the log's last segment again, with a removal at its end.
fn put_removal(
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
            writeln!(out, "Still the log does not open: {}", plain(gap))?;
            Ok(Health::Damaged)
        }
    }
}
