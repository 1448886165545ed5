//! The disk picture: what was written, what was durable when power failed, and which line asked.
//!
//! ```text
//!   00000001.log    what    power cut  written at      made durable at
//!      4096..4208   LSN 1   -          log.rs:210      log.rs:239
//!      4208..4296   LSN 2   LOST       log.rs:210      never
//!      4296..4512   LSN 3   torn       log.rs:210      never             sector 8 kept, 9 torn
//!   names
//!      00000002.log         LOST       segment.rs:138  never
//! ```
//!
//! It comes from the disk's journal and from what the power cut did: nothing here knows the engine.

use super::crash_test::InjectedFault;
use harness::COLUMNS_MAX;
use harness::Place;
use harness::text::{clip, width, wrap};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use storage::format::{FRAMES_AT, FrameHeader};
use storage::{Doing, Fate, Lsn, Operation, SimDisk};
use testbed::engine::history::LogCall;
use testbed::engine::power_cut::PowerCut;

/// How many writes a picture shows.
const WRITES_MAX: usize = 8;

/// How many of them were durable: they are there for comparison.
const DURABLE_MAX: usize = 3;

/// How many changes of names it shows.
const NAMES_MAX: usize = 4;

/// Where power failed.
pub(crate) struct Cut<'a> {
    /// What was being done.
    pub(crate) actions: &'a [LogCall],
    /// During which of it, counted from 1; 0 is the opening.
    pub(crate) action: usize,
    /// During which operation.
    pub(crate) operation: u64,
    /// What happened.
    pub(crate) trouble: InjectedFault,
}

/// What happened to an operation of the disk.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Became {
    /// It was durable before.
    Durable { by: Place },
    /// It was not durable, and is there.
    Kept,
    /// It is lost.
    Lost,
    /// A part of it is there: a sentence about its sectors.
    Torn { sectors: String },
}

/// A write.
#[derive(Clone, Debug)]
struct Write {
    file: usize,
    offset: u64,
    len: usize,
    at: Place,
    became: Became,
    /// The frames it holds.
    lsns: Option<RangeInclusive<u64>>,
}

/// A change of a name.
#[derive(Clone, Debug)]
struct Name {
    what: String,
    file: Option<usize>,
    at: Place,
    became: Became,
}

/// A disk when power failed.
#[derive(Debug)]
pub(crate) struct Picture {
    files: BTreeMap<usize, String>,
    writes: Vec<Write>,
    names: Vec<Name>,
}

impl Picture {
    /// Returns the picture of a disk whose power fails in this way. `trouble` is the operation that
    /// did not come to its end.
    pub(crate) fn of(disk: &SimDisk, way: &PowerCut, trouble: Option<u64>) -> Picture {
        let mut picture = Picture { files: BTreeMap::new(), writes: Vec::new(), names: Vec::new() };
        for operation in disk.journal() {
            let is_done = trouble != Some(operation.number);
            picture.take(disk, &operation, is_done);
        }
        picture.lose(way);
        picture
    }

    /// Returns the picture of a disk after a process was killed during an operation, and the log was opened
    /// again: what the first process had written without a sync is still pending.
    pub(crate) fn of_killed(
        disk: &SimDisk,
        killed: u64,
        opened: &SimDisk,
        way: &PowerCut,
    ) -> Picture {
        let mut picture = Picture { files: BTreeMap::new(), writes: Vec::new(), names: Vec::new() };
        for operation in disk.journal() {
            picture.take(disk, &operation, operation.number != killed);
        }
        for operation in opened.journal() {
            picture.take(opened, &operation, true);
        }
        picture.lose(way);
        picture
    }

    /// Records an operation.
    fn take(&mut self, disk: &SimDisk, operation: &Operation, is_done: bool) {
        let at = Place::from(operation.at);
        match &operation.doing {
            Doing::Create { name, file } => {
                self.files.insert(*file, name.clone());
                self.name(format!("create {name}"), Some(*file), at);
            }
            Doing::Rename { from, to, file } => {
                self.files.insert(*file, to.clone());
                self.name(format!("{from} -> {to}"), Some(*file), at);
            }
            Doing::Remove { name } => {
                let file = self.files.iter().find(|(_, named)| *named == name);
                let file = file.map(|(file, _)| *file);
                self.name(format!("remove {name}"), file, at);
            }
            Doing::Write { file, offset, len } => {
                let (file, offset, len) = (*file, *offset, *len);
                if let Some(name) = disk.name_of(file) {
                    self.files.insert(file, name);
                }
                let lsns = frames_in(disk, file, offset, len);
                let became = Became::Lost;
                self.writes.push(Write { file, offset, len, at, became, lsns });
            }
            Doing::Sync { file } => {
                let of_file = self.writes.iter_mut().filter(|write| write.file == *file);
                of_file.for_each(|write| write.became.sync(&at, is_done));
            }
            Doing::SyncNames => {
                self.names.iter_mut().for_each(|name| name.became.sync(&at, is_done));
            }
        }
    }

    fn name(&mut self, what: String, file: Option<usize>, at: Place) {
        self.names.push(Name { what, file, at, became: Became::Lost });
    }

    /// Lets power fail: what was not durable is kept, lost or torn.
    fn lose(&mut self, way: &PowerCut) {
        let mut nth: BTreeMap<usize, usize> = BTreeMap::new();
        for write in self.writes.iter_mut().filter(|write| write.became == Became::Lost) {
            let number = nth.entry(write.file).or_default();
            let sectors = way.sectors.iter();
            let sectors: Vec<(u64, Fate)> = sectors
                .filter(|(sector, _)| (sector.file, sector.write) == (write.file, *number))
                .map(|(sector, fate)| (sector.offset / 512, *fate))
                .collect();
            *number += 1;
            write.became = Became::of(&sectors);
        }
        let pending = self.names.iter_mut().filter(|name| name.became == Became::Lost);
        for (name, is_kept) in pending.zip(&way.kept_names) {
            name.became = if *is_kept { Became::Kept } else { Became::Lost };
        }
    }

    /// Returns the operation that decided that something acknowledged was lost: its write, if its bytes
    /// are gone; the change of its file's name. Whatever was lost, if nothing was acknowledged.
    pub(crate) fn decided(&self, acknowledged: Option<Lsn>) -> Option<Place> {
        let limit = acknowledged.map_or(u64::MAX, |lsn| lsn.0);
        let counts = |write: &&Write| write.lsns.as_ref().is_some_and(|l| *l.start() <= limit);
        let is_gone = |became: &Became| matches!(became, Became::Lost | Became::Torn { .. });
        let is_elsewhere = |lost: &Write| {
            let same = |write: &&Write| write.lsns == lost.lsns && !is_gone(&write.became);
            self.writes.iter().any(|write| same(&write))
        };
        let written = self.writes.iter().filter(counts);
        let lost = written.clone().find(|write| is_gone(&write.became) && !is_elsewhere(write));
        let files: Vec<usize> = written.map(|write| write.file).collect();
        let renamed = self.names.iter().rfind(|name| {
            is_gone(&name.became) && name.file.is_some_and(|file| files.contains(&file))
        });
        lost.map(|write| write.at.clone()).or_else(|| renamed.map(|name| name.at.clone()))
    }

    /// Returns the line that asked for the first change of a name that was lost.
    pub(crate) fn lost_name(&self) -> Option<Place> {
        let lost = self.names.iter().find(|name| name.became == Became::Lost);
        lost.map(|name| name.at.clone())
    }

    /// Draws it.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut file = None;
        for write in self.shown() {
            if file != Some(write.file) {
                let heads = ["what", "power cut", "written at", "made durable at"];
                let name = self.files.get(&write.file).map_or("(no name)", String::as_str);
                lines.push(row(format!("  {name}"), heads.map(str::to_owned), ""));
                file = Some(write.file);
            }
            let end = write.offset + write.len as u64;
            let sectors = match &write.became {
                Became::Torn { sectors } => sectors.as_str(),
                Became::Durable { .. } | Became::Kept | Became::Lost => "",
            };
            let columns = [write.what(), write.became.word(), write.at.short(), write.became.by()];
            lines.push(row(format!("     {}..{end}", write.offset), columns, sectors));
        }
        let names = self.names.iter().filter(|name| !matches!(name.became, Became::Durable { .. }));
        let names: Vec<&Name> = names.collect();
        for (n, name) in names[names.len().saturating_sub(NAMES_MAX)..].iter().enumerate() {
            if n == 0 {
                lines.push("  names".to_owned());
            }
            let (word, at, by) = (name.became.word(), name.at.short(), name.became.by());
            let head = format!("     {}", name.what);
            let line = format!("{head:<31} {word:<8} {at:<15} {by}");
            lines.push(clip(&line, COLUMNS_MAX));
        }
        lines
    }

    /// Returns the writes to show: what was not durable, and the last that was, in order.
    fn shown(&self) -> Vec<&Write> {
        let is_durable = |write: &Write| matches!(write.became, Became::Durable { .. });
        let durable = self.writes.iter().filter(|write| is_durable(write) && write.lsns.is_some());
        let durable = durable.count().saturating_sub(DURABLE_MAX);
        let mut passed = 0;
        let mut shown: Vec<&Write> = Vec::new();
        for write in &self.writes {
            if !is_durable(write) {
                shown.push(write);
            } else if write.lsns.is_some() {
                passed += 1;
                if passed > durable {
                    shown.push(write);
                }
            }
        }
        while shown.len() > WRITES_MAX {
            let spare = shown.iter().position(|write| is_durable(write));
            let spare = spare.or_else(|| shown.iter().position(|w| w.became == Became::Kept));
            shown.remove(spare.unwrap_or(WRITES_MAX));
        }
        shown.sort_by_key(|write| write.file);
        shown
    }
}

impl Became {
    /// Records a sync: it makes durable what is pending, or has dropped it for ever.
    fn sync(&mut self, at: &Place, is_done: bool) {
        if *self == Became::Lost && is_done {
            *self = Became::Durable { by: at.clone() };
        }
    }

    /// Returns what happened to a write whose sectors had these fates.
    fn of(sectors: &[(u64, Fate)]) -> Became {
        if sectors.iter().all(|(_, fate)| *fate == Fate::Lost) {
            return Became::Lost; // also those that a failed sync has dropped
        }
        if sectors.iter().all(|(_, fate)| *fate == Fate::Kept) {
            return Became::Kept;
        }
        let say = |(sector, fate): &(u64, Fate)| match fate {
            Fate::Kept => format!("{sector} kept"),
            Fate::Lost => format!("{sector} lost"),
            Fate::Torn { with } => format!("{sector} torn ({with:02x})"),
        };
        let sectors: Vec<String> = sectors.iter().map(say).collect();
        Became::Torn { sectors: format!("sector {}", sectors.join(", ")) }
    }

    fn word(&self) -> String {
        let word = match self {
            Became::Durable { .. } => "-",
            Became::Kept => "kept",
            Became::Lost => "LOST",
            Became::Torn { .. } => "torn",
        };
        word.to_owned()
    }

    fn by(&self) -> String {
        match self {
            Became::Durable { by } => by.short(),
            Became::Kept | Became::Lost | Became::Torn { .. } => "never".to_owned(),
        }
    }
}

impl Write {
    /// Says what it holds.
    fn what(&self) -> String {
        match &self.lsns {
            Some(lsns) if lsns.start() == lsns.end() => format!("LSN {}", lsns.start()),
            Some(lsns) => format!("LSN {}-{}", lsns.start(), lsns.end()),
            None if self.offset == 0 && self.len == 64 => "header".to_owned(),
            None if self.len == 0 => "nothing".to_owned(),
            None => "zeros".to_owned(),
        }
    }
}

/// Returns the LSNs of the frames that a write holds, if its file still has a name.
fn frames_in(disk: &SimDisk, file: usize, offset: u64, len: usize) -> Option<RangeInclusive<u64>> {
    let bytes = disk.bytes(&disk.name_of(file)?);
    let (mut at, end) = (offset as usize, offset as usize + len);
    if at < FRAMES_AT as usize {
        return None;
    }
    let mut lsns: Option<RangeInclusive<u64>> = None;
    while at < end
        && let Some(header) = bytes.get(at..).and_then(FrameHeader::read_fields)
        && header.len > 0
    {
        let first = lsns.map_or(header.lsn.0, |lsns| *lsns.start());
        lsns = Some(first..=header.lsn.0);
        at += header.len as usize;
    }
    lsns
}

/// Writes a row.
fn row(head: String, [what, cut, at, by]: [String; 4], more: &str) -> String {
    let line = format!("{head:<19} {what:<9} {cut:<10} {at:<15} {by:<15} {more}");
    clip(line.trim_end(), COLUMNS_MAX)
}

/// Writes a history, and where power failed in it.
pub(crate) fn told(actions: &[LogCall], cut: Option<&Cut<'_>>) -> Vec<String> {
    let numbered: Vec<String> =
        (1..).zip(actions).map(|(n, action): (usize, &LogCall)| format!("{n} {action}")).collect();
    let heading = "  the history   ";
    let mut lines: Vec<String> = Vec::new();
    for action in numbered {
        for part in wrap(&action, COLUMNS_MAX - heading.len(), 2) {
            match lines.last_mut() {
                Some(line) if width(line) + 3 + width(&part) <= COLUMNS_MAX => {
                    *line = format!("{line}   {part}");
                }
                Some(_) => lines.push(format!("{:1$}{part}", "", heading.len())),
                None => lines.push(format!("{heading}{part}")),
            }
        }
    }
    if lines.len() > 5 {
        lines.drain(..lines.len() - 4);
        lines.insert(0, format!("{heading}.. {} actions, the last of them:", actions.len()));
    }
    if let Some(cut) = cut {
        let what = match cut.trouble {
            InjectedFault::PowerCut { .. } | InjectedFault::PowerCutTwice { .. } => "power failed",
            InjectedFault::Kill => "the process died",
            InjectedFault::Failure => "it failed",
        };
        let during = match cut.action.checked_sub(1).and_then(|nth| cut.actions.get(nth)) {
            Some(_) => format!("action {}", cut.action),
            None => "the opening".to_owned(),
        };
        lines.push(format!("  {what} in operation {} of the disk, during {during}", cut.operation));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::Fates as _;

    #[test]
    fn a_write_that_was_never_synced_is_lost_and_its_line_decides() {
        use storage::{Disk, DiskFile};
        let disk = SimDisk::new(1);
        disk.remember();
        let file = disk.create("a").expect("the disk takes it");
        file.write_at(0, &[1; 64]).expect("the disk takes it");
        file.sync_data().expect("the disk takes it");
        file.write_at(600, &[2; 8]).expect("the disk takes it");
        let mut way = PowerCut::worst();
        let _ = disk.after_power_cut(&mut way);
        let lines = Picture::of(&disk, &way, None).lines().join("\n");
        assert!(lines.contains("600..608"), "{lines}");
        assert!(lines.contains("LOST") && lines.contains("never"), "{lines}");
        assert!(!lines.contains("0..64"), "{lines}");
        assert!(lines.contains("create a"), "{lines}");
        assert!(!way.keeps_name());
    }
}
