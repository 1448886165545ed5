//! What a cut removes from each segment and each group, and what remains of each group.
//!
//! ```text
//!   00000002.log, from offset 5976 on: 3 frames (LSN 8..=10), 2024 bytes
//!
//!   group  entries removed  other items  bytes  remaining
//!   g1     8..=9                      1   1782  1..=7, 1 key
//! ```
//!
//! Corrupt frames are counted as far as they can be read.

use super::Stop;
use super::page::{Side, count, range, table};
use super::walk::{Counts, Piece, Walk};
use crate::format::{Flags, Frame, Item, Op};
use crate::groups::{Group, Groups};
use crate::recovery::{Cut, SegmentFile};
use crate::segment::name_of;
use crate::types::{GroupId, Lsn};
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::RangeInclusive;

/// How many ranges are named at most.
const NAMED: usize = 5;

/// What a cut removes.
#[derive(Debug, Default)]
pub(super) struct Loss {
    files: Vec<LostFile>,
    groups: BTreeMap<GroupId, LostItems>,
    /// How many frames collection wrote.
    moved: u64,
    /// How many items removed something.
    undone: u64,
}

/// What a cut removes from a segment.
#[derive(Debug, Default)]
struct LostFile {
    name: String,
    offset: u32,
    is_readable: bool,
    is_whole: bool,
    lsns: Option<(Lsn, Lsn)>,
    frames: u64,
    bytes: u64,
    /// How many of the frames mark that the log was closed.
    seals: u64,
    damages: u64,
    remains: u64,
}

/// What a cut removes from a group.
#[derive(Debug, Default)]
struct LostItems {
    entries: Vec<RangeInclusive<u64>>,
    others: u64,
    bytes: u64,
}

impl Loss {
    /// Adds what is removed from a segment, from `offset` on.
    pub(super) fn take(
        &mut self,
        file: &SegmentFile,
        next: Option<&SegmentFile>,
        offset: u32,
        lsn: Lsn,
    ) {
        let mut lost = LostFile { name: file.name.clone(), offset, ..LostFile::default() };
        lost.bytes = file.image.bytes().len() as u64;
        if let Some(header) = &file.said() {
            lost.is_readable = true;
            lost.is_whole = header.first_lsn >= lsn;
            lost.bytes = 0;
            let until = next.and_then(|next| next.in_place().ok()).map(|header| header.first_lsn);
            let due = header.first_lsn.max(lsn);
            for piece in Walk::new(&file.image, header, until).from(offset, due) {
                self.piece(&piece, &mut lost);
            }
        }
        self.files.push(lost);
    }

    /// Adds a piece of a segment.
    fn piece(&mut self, piece: &Piece<'_>, lost: &mut LostFile) {
        match piece {
            Piece::Frame { frame, counts: Counts::Yes, .. } => {
                let header = frame.header();
                let first = lost.lsns.map_or(header.lsn, |(first, _)| first);
                lost.lsns = Some((first, header.lsn));
                lost.frames += 1;
                lost.bytes += u64::from(header.len);
                lost.seals += u64::from(header.flags == Flags::Seal);
                self.moved += u64::from(header.flags == Flags::Moved);
                self.items(frame);
            }
            Piece::Frame { counts: Counts::No, .. } => {}
            Piece::Damage(damage) => {
                lost.damages += 1;
                lost.bytes += u64::from(damage.len);
                damage.items.iter().for_each(|frame| self.items(frame));
            }
            Piece::Rest { remains, .. } => lost.remains += u64::from(*remains),
        }
    }

    /// Adds the items of a frame.
    fn items(&mut self, frame: &Frame<'_>) {
        for (item, _) in frame.items() {
            let Item { group, op, len, .. } = item;
            let lost = self.groups.entry(group).or_default();
            lost.bytes += u64::from(len);
            match op {
                Op::Entry { id } | Op::Moved { id } => lost.entry(id.index.0),
                Op::Put { .. } => lost.others += 1,
                Op::Delete | Op::Compact { .. } | Op::Clean | Op::Reset { .. } => {
                    lost.others += 1;
                    self.undone += 1;
                }
            }
        }
    }

    /// Returns whether the cut removes nothing except the mark that the log was closed.
    pub(super) fn is_nothing(&self) -> bool {
        self.files.len() <= 1
            && self.files.iter().all(|file| {
                file.is_readable && file.frames == file.seals && file.damages + file.remains == 0
            })
    }

    /// Prints what is removed.
    pub(super) fn show(&self, cut: &Cut, lsn: Lsn, out: &mut dyn Write) -> Result<(), Stop> {
        writeln!(
            out,
            "Cutting the log at LSN {lsn}, so that it ends with LSN {}, would lose:",
            lsn.before()
        )?;
        for file in self.files.iter().filter(|file| !file.is_nothing()) {
            writeln!(out, "  {}", file.line())?;
        }
        let through = name_of(cut.through());
        match cut.gone().len() as u64 {
            0 => writeln!(out, "{through} would be rewritten without them.\n")?,
            gone => {
                let removed = count(gone, "file");
                writeln!(
                    out,
                    "{removed} would be removed, and {through} would be rewritten without them.\n"
                )?;
            }
        }
        self.show_groups(cut, out)?;
        if self.undone > 0 {
            let items = count(self.undone, "item");
            writeln!(out, "{items} removed something (compactions, deletions): it would be back.")?;
        }
        if self.moved > 0 {
            let frames = count(self.moved, "frame");
            writeln!(out, "{frames} of collection: the items moved there may exist nowhere else.")?;
        }
        Ok(())
    }

    /// Prints what is removed from each group, and what remains of it.
    fn show_groups(&self, cut: &Cut, out: &mut dyn Write) -> Result<(), Stop> {
        if self.groups.is_empty() {
            return Ok(());
        }
        let head = [
            ("group", Side::Left),
            ("entries removed", Side::Left),
            ("other items", Side::Right),
            ("bytes", Side::Right),
            ("remaining", Side::Left),
        ];
        let groups = cut.groups()?;
        let rows = self.groups.iter().map(|(id, lost)| {
            let entries = lost.ranges();
            [
                id.to_string(),
                entries,
                lost.others.to_string(),
                lost.bytes.to_string(),
                remaining(&groups, *id),
            ]
        });
        table(out, head, rows)?;
        writeln!(out)?;
        Ok(())
    }
}

impl LostFile {
    /// Returns whether nothing is removed from the segment.
    fn is_nothing(&self) -> bool {
        let found = self.frames + self.damages + self.remains;
        self.is_readable && !self.is_whole && found == 0
    }

    /// Returns the line about the segment.
    fn line(&self) -> String {
        let Self { name, offset, bytes, .. } = self;
        if !self.is_readable {
            return format!(
                "{name}: {bytes} bytes; its header is not valid, so their meaning is unknown"
            );
        }
        let place = match self.is_whole {
            true => format!("{name}, whole"),
            false => format!("{name}, from offset {offset} on"),
        };
        let lsns = match self.lsns {
            Some((first, last)) => format!(" (LSN {})", range(first, last)),
            None => String::new(),
        };
        let mut line = format!("{place}: {}{lsns}, {bytes} bytes", count(self.frames, "frame"));
        if self.damages > 0 {
            line += &format!(", {} of damage", count(self.damages, "piece"));
        }
        if self.remains > 0 {
            line += &format!(", {} bytes that belong to no frame", self.remains);
        }
        line
    }
}

impl LostItems {
    /// Adds an entry.
    fn entry(&mut self, index: u64) {
        match self.entries.last_mut() {
            Some(last) if last.contains(&index) => {}
            Some(last) if last.end() + 1 == index => *last = *last.start()..=index,
            Some(_) | None => self.entries.push(index..=index),
        }
    }

    /// Returns the ranges of the entries.
    fn ranges(&self) -> String {
        let ranges =
            self.entries.iter().take(NAMED).map(|range| self::range(range.start(), range.end()));
        let named = ranges.collect::<Vec<_>>().join(", ");
        match self.entries.len() {
            0 => "none".into(),
            len if len > NAMED => named + ", and more",
            _ => named,
        }
    }
}

/// Returns what remains of a group.
fn remaining(groups: &Groups, id: GroupId) -> String {
    let Some(group) = groups.get(id) else { return "nothing".into() };
    let keys = count(group.keys().len() as u64, "key");
    format!("{}, {keys}", indexes(group))
}

/// Returns the indexes of a group's entries.
pub(super) fn indexes(group: &Group) -> String {
    let (first, last) = (group.first_index(), group.last_index());
    match group.len() {
        0 if last.0 == 0 => "no entry".into(),
        0 => format!("no entry after {last}"),
        _ => range(first, last),
    }
}
