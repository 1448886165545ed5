//! What goes when a log is cut: of which segments, of which groups, and what is left of them.
//!
//! ```text
//!   00000002.log, from offset 5976 on: 3 frames (LSN 8..=10), 2024 bytes
//!
//!   group  entries that go  other items  bytes  left
//!   g1     8..=9                      1   1782  1..=7, 1 key
//! ```
//!
//! Frames that do not hold are counted as far as they can be read.

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

/// How many ranges are named.
const NAMED: usize = 5;

/// What goes.
#[derive(Debug, Default)]
pub(super) struct Loss {
    files: Vec<LostFile>,
    groups: BTreeMap<GroupId, LostItems>,
    /// Frames that collection wrote.
    moved: u64,
    /// Items that took something away.
    undone: u64,
}

/// What goes of a segment.
#[derive(Debug, Default)]
struct LostFile {
    name: String,
    offset: u32,
    is_readable: bool,
    is_whole: bool,
    lsns: Option<(Lsn, Lsn)>,
    frames: u64,
    bytes: u64,
    /// Marks of a log that was closed.
    seals: u64,
    damages: u64,
    remains: u64,
}

/// What goes of a group.
#[derive(Debug, Default)]
struct LostItems {
    entries: Vec<RangeInclusive<u64>>,
    others: u64,
    bytes: u64,
}

impl Loss {
    /// Takes what goes of a segment, from `offset` on.
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

    /// Takes a piece.
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

    /// Takes the items of a frame.
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

    /// Returns whether nothing goes but the mark of a log that was closed.
    pub(super) fn is_nothing(&self) -> bool {
        self.files.len() <= 1
            && self.files.iter().all(|file| {
                file.is_readable && file.frames == file.seals && file.damages + file.remains == 0
            })
    }

    /// Shows what goes.
    pub(super) fn show(&self, cut: &Cut, lsn: Lsn, out: &mut dyn Write) -> Result<(), Stop> {
        writeln!(
            out,
            "To cut the log at LSN {lsn}, so that it ends with LSN {}, would lose:",
            lsn.before()
        )?;
        for file in self.files.iter().filter(|file| !file.is_nothing()) {
            writeln!(out, "  {}", file.said())?;
        }
        let through = name_of(cut.through());
        match cut.gone().len() as u64 {
            0 => writeln!(out, "{through} is written again without them.\n")?,
            gone => {
                let removed = count(gone, "file");
                writeln!(
                    out,
                    "{removed} will be removed, and {through} is written again without them.\n"
                )?;
            }
        }
        self.show_groups(cut, out)?;
        if self.undone > 0 {
            let items = count(self.undone, "item");
            writeln!(
                out,
                "{items} took something away (compactions, removals): it is there again."
            )?;
        }
        if self.moved > 0 {
            let frames = count(self.moved, "frame");
            writeln!(out, "{frames} of collection: what they moved may be nowhere else.")?;
        }
        Ok(())
    }

    /// Shows what goes of each group, and what is left of it.
    fn show_groups(&self, cut: &Cut, out: &mut dyn Write) -> Result<(), Stop> {
        if self.groups.is_empty() {
            return Ok(());
        }
        let head = [
            ("group", Side::Left),
            ("entries that go", Side::Left),
            ("other items", Side::Right),
            ("bytes", Side::Right),
            ("left", Side::Left),
        ];
        let groups = cut.groups()?;
        let rows = self.groups.iter().map(|(id, lost)| {
            let entries = lost.named();
            [
                id.to_string(),
                entries,
                lost.others.to_string(),
                lost.bytes.to_string(),
                left(&groups, *id),
            ]
        });
        table(out, head, rows)?;
        writeln!(out)?;
        Ok(())
    }
}

impl LostFile {
    /// Returns whether nothing goes of it.
    fn is_nothing(&self) -> bool {
        let found = self.frames + self.damages + self.remains;
        self.is_readable && !self.is_whole && found == 0
    }

    /// Says what goes of it.
    fn said(&self) -> String {
        let Self { name, offset, bytes, .. } = self;
        if !self.is_readable {
            return format!(
                "{name}: {bytes} bytes; its header does not hold, so nobody knows of what"
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
        let mut said = format!("{place}: {}{lsns}, {bytes} bytes", count(self.frames, "frame"));
        if self.damages > 0 {
            said += &format!(", {} of damage", count(self.damages, "piece"));
        }
        if self.remains > 0 {
            said += &format!(", {} bytes that are no frame", self.remains);
        }
        said
    }
}

impl LostItems {
    /// Takes an entry.
    fn entry(&mut self, index: u64) {
        match self.entries.last_mut() {
            Some(last) if last.contains(&index) => {}
            Some(last) if last.end() + 1 == index => *last = *last.start()..=index,
            Some(_) | None => self.entries.push(index..=index),
        }
    }

    /// Names the entries.
    fn named(&self) -> String {
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

/// Says what is left of a group.
fn left(groups: &Groups, id: GroupId) -> String {
    let Some(group) = groups.get(id) else { return "nothing".into() };
    let keys = count(group.keys().len() as u64, "key");
    format!("{}, {keys}", indexes(group))
}

/// Says which indexes a group has.
pub(super) fn indexes(group: &Group) -> String {
    let (first, last) = (group.first_index(), group.last_index());
    match group.len() {
        0 if last.0 == 0 => "no entry".into(),
        0 => format!("no entry after {last}"),
        _ => range(first, last),
    }
}
