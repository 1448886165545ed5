//! Every frame and item of a log, and what is wrong with it.
//!
//! ```text
//!       offset    bytes      LSN  durable
//!         4096       72        1        0  batch, checksums a07e7dc0 366d6595
//!                g7     entry 1@1              5 bytes at 4160  3610a686  "hello"
//!   !     4168       72        2           TORN: frame header: checksum is ..
//! ```
//!
//! A line that begins with `!` is about damage, one with `=` about a frame that does not count.

use super::page::{BACK, count, hexdump, plain, quoted};
use super::walk::{Counts, Damage, Nature, Piece, Walk};
use super::{Bytes, Health, Selection, Stop};
use crate::disk::Disk;
use crate::format::{Flags, Frame, FrameFault, Item, Op, SegmentHeader, VERSION};
use crate::recovery::{Directory, SegmentFile, each};
use crate::segment::name_of;
use crate::types::SegmentId;
use std::io::{self, Write};

/// Prints a log.
///
/// # Errors
/// [`Stop`]. Damage is no error: it is printed.
pub fn dump(disk: &impl Disk, selection: &Selection, out: &mut dyn Write) -> Result<Health, Stop> {
    let directory = super::list(disk)?;
    let mut printer = Printer::new(selection, out);
    printer.names(&directory)?;
    printer.segments(disk, &directory.segments)
}

/// Prints the selected frames of segments.
pub(super) struct Printer<'o> {
    selection: &'o Selection,
    out: &'o mut dyn Write,
    /// The segment and the offset to begin at.
    begin: Option<(SegmentId, u32)>,
    frames_left: u64,
    /// Whether something was printed already.
    has_begun: bool,
    health: Health,
}

/// Why printing ends early.
enum Interrupt {
    /// The limit of frames is reached.
    Enough,
    Stop(Stop),
}

impl From<io::Error> for Interrupt {
    fn from(error: io::Error) -> Interrupt {
        Interrupt::Stop(error.into())
    }
}

impl<'o> Printer<'o> {
    /// Returns a printer of a selection.
    pub(super) fn new(selection: &'o Selection, out: &'o mut dyn Write) -> Printer<'o> {
        let (begin, frames_left) = (None, selection.limit);
        let (has_begun, health) = (false, Health::Sound);
        Printer { selection, out, begin, frames_left, has_begun, health }
    }

    /// Returns a printer that begins within a segment.
    pub(super) fn begin_at(self, segment: SegmentId, offset: u32) -> Printer<'o> {
        Printer { begin: Some((segment, offset)), ..self }
    }

    /// Prints the names of other files in the directory.
    pub(super) fn names(&mut self, directory: &Directory) -> io::Result<()> {
        for segment in &directory.back {
            self.has_begun = true;
            let name = name_of(*segment);
            writeln!(self.out, "{name}: {BACK}")?;
        }
        for name in &directory.unfinished {
            self.has_begun = true;
            writeln!(self.out, "{name}: not part of the log: an unfinished segment")?;
        }
        self.foreign(directory)
    }

    /// Prints the names of foreign files.
    pub(super) fn foreign(&mut self, directory: &Directory) -> io::Result<()> {
        for name in &directory.foreign {
            self.has_begun = true;
            self.note(Health::Damaged);
            let name = plain(name);
            writeln!(
                self.out,
                "! {name}: not a file of the log; the engine does not open the log"
            )?;
        }
        Ok(())
    }

    /// Prints segments until the limit of frames is reached.
    pub(super) fn segments(
        mut self,
        disk: &impl Disk,
        segments: &[SegmentId],
    ) -> Result<Health, Stop> {
        match each(disk, segments, |file, next| self.segment(file, next)) {
            Ok(()) | Err(Interrupt::Enough) => Ok(self.health),
            Err(Interrupt::Stop(stop)) => Err(stop),
        }
    }

    /// Prints a segment.
    fn segment(&mut self, file: &SegmentFile, next: Option<&SegmentFile>) -> Result<(), Interrupt> {
        let until = next.and_then(|next| next.in_place().ok()).map(|header| header.first_lsn);
        let is_before = until.is_some_and(|until| until <= self.selection.from);
        let is_passed = self.begin.is_some_and(|(segment, _)| file.id < segment);
        if is_before || is_passed {
            return Ok(());
        }
        let Some(header) = self.heading(file)? else { return Ok(()) };
        let columns = "    offset    bytes      LSN  durable  frame";
        writeln!(self.out, "{columns}")?;
        let mut walk = Walk::new(&file.image, &header, until);
        let skipped = self.begin.filter(|(segment, _)| *segment == file.id);
        for piece in &mut walk {
            let (Piece::Frame { offset, .. }
            | Piece::Damage(Damage { offset, .. })
            | Piece::Rest { offset, .. }) = &piece;
            if skipped.is_none_or(|(_, begin)| *offset >= begin) {
                self.piece(&piece, file, next)?;
            }
        }
        Ok(())
    }

    /// Prints a segment's header, and returns it if its frames can be read with it.
    fn heading(&mut self, file: &SegmentFile) -> io::Result<Option<SegmentHeader>> {
        let len = file.image.bytes().len();
        if std::mem::replace(&mut self.has_begun, true) {
            writeln!(self.out)?;
        }
        writeln!(self.out, "{}: {len} bytes", file.name)?;
        if let Err(error) = file.in_place() {
            self.note(Health::of(&error));
            writeln!(self.out, "! {}", plain(error))?;
            if len > 0 && file.image.bytes().iter().all(|byte| *byte == 0) {
                writeln!(self.out, "! every byte of the file is zero")?;
            }
        }
        let Some(header) = file.said() else { return Ok(None) };
        let what = if file.header.is_ok() { "" } else { "header says: " };
        let SegmentHeader { store, segment, first_lsn, salt, .. } = &header;
        writeln!(self.out, "  {what}segment {segment}, from LSN {first_lsn} on, format {VERSION}")?;
        writeln!(self.out, "  {what}store {store}, salt {salt}")?;
        Ok(Some(header))
    }

    /// Prints a piece, if it is selected.
    fn piece(
        &mut self,
        piece: &Piece<'_>,
        file: &SegmentFile,
        next: Option<&SegmentFile>,
    ) -> Result<(), Interrupt> {
        match piece {
            Piece::Frame { offset, frame, counts } => {
                if self.selects(frame) {
                    self.take_one()?;
                    self.frame(*offset, frame, *counts, next)?;
                }
            }
            Piece::Damage(damage) => {
                self.damage(damage)?;
                let end = (damage.offset + damage.len.min(4096)) as usize;
                let bytes = &file.image.bytes()[damage.offset as usize..end];
                self.bytes(damage.offset, bytes)?;
            }
            Piece::Rest { offset, remains, len } => {
                let what = match remains {
                    0 => "zeros to the end".into(),
                    _ => format!("{remains} of them are not zero, and are not a valid frame here"),
                };
                writeln!(self.out, "{offset:>10} {len:>8} {:>17}  {what}", "")?;
            }
        }
        Ok(())
    }

    /// Returns whether a frame is selected.
    fn selects(&self, frame: &Frame<'_>) -> bool {
        let is_late_enough = frame.header().lsn >= self.selection.from;
        is_late_enough
            && self
                .selection
                .group
                .is_none_or(|group| frame.items().any(|(item, _)| item.group == group))
    }

    /// Counts a printed frame.
    fn take_one(&mut self) -> Result<(), Interrupt> {
        if self.frames_left == 0 {
            let limit = count(self.selection.limit, "frame");
            writeln!(self.out, "           and more; the limit is {limit}")?;
            return Err(Interrupt::Enough);
        }
        self.frames_left -= 1;
        Ok(())
    }

    /// Prints a frame that holds.
    fn frame(
        &mut self,
        offset: u32,
        frame: &Frame<'_>,
        counts: Counts,
        next: Option<&SegmentFile>,
    ) -> io::Result<()> {
        let header = frame.header();
        let kind = match header.flags {
            Flags::Batch => "batch",
            Flags::Moved => "moved by collection",
            Flags::Seal => "the log was closed",
        };
        let checksum = u32::from_le_bytes([0, 1, 2, 3].map(|at| frame.bytes()[at]));
        let mark = if counts == Counts::Yes { ' ' } else { '=' };
        writeln!(
            self.out,
            "{mark}{offset:>9} {:>8} {:>8} {:>8}  {kind}, checksums {checksum:08x} {:08x}",
            header.len, header.lsn, header.durable, header.descriptors_crc
        )?;
        if let (Counts::No, Some(next)) = (counts, next) {
            writeln!(
                self.out,
                "={:>12}the LSN {} that counts is in {}",
                "", header.lsn, next.name
            )?;
        }
        for (item, at) in frame.items() {
            if self.selection.group.is_none_or(|group| item.group == group) {
                self.item(&item, offset + at, frame.payload(&item, at))?;
            }
        }
        self.bytes(offset, frame.bytes())
    }

    /// Prints an item, with its payload.
    fn item(&mut self, item: &Item, at: u32, payload: &[u8]) -> io::Result<()> {
        let what = item_text(item, payload);
        let key_len = match item.op {
            Op::Put { key_len } => key_len,
            Op::Entry { .. } | Op::Moved { .. } => 0,
            Op::Delete | Op::Compact { .. } | Op::Clean | Op::Reset { .. } => {
                return writeln!(self.out, "{:>13}{:<5} {what}", "", item.group.to_string());
            }
        };
        let (len, at, value) = (item.len - key_len, at + key_len, &payload[key_len as usize..]);
        writeln!(
            self.out,
            "{:>13}{:<5} {what:<18} {len:>6} bytes at {at:<8} {:08x}  {}",
            "",
            item.group.to_string(),
            item.crc,
            quoted(value)
        )
    }

    /// Prints a piece of damage.
    fn damage(&mut self, damage: &Damage<'_>) -> io::Result<()> {
        let Damage { offset, len, lsn, fault, items, nature } = damage;
        let what = match nature {
            Nature::Torn => "TORN".to_owned(),
            Nature::Rotted => {
                self.note(Health::Damaged);
                "ROTTED".to_owned()
            }
            Nature::Behind => "after the damage".to_owned(),
        };
        writeln!(self.out, "!{offset:>9} {len:>8} {lsn:>8} {:>8}  {what}: {fault}", "")?;
        match nature {
            Nature::Torn => {
                writeln!(self.out, "!{:>12}no later frame says that it was durable", "")?
            }
            Nature::Rotted => {
                writeln!(self.out, "!{:>12}it was durable: what was written later says so", "")?;
            }
            Nature::Behind => {}
        }
        for (item, _) in items.iter().flat_map(|frame| frame.items()) {
            if self.selection.group.is_none_or(|group| item.group == group) {
                // A key is part of the payload: it is not printed, because it may be corrupt.
                let holds = match fault {
                    FrameFault::Payloads { items } if items.contains(&item) => "corrupt",
                    FrameFault::Payloads { .. } | FrameFault::Padding => "intact",
                    FrameFault::NoRoom
                    | FrameFault::Header { .. }
                    | FrameFault::Fields
                    | FrameFault::Lsn { .. }
                    | FrameFault::Descriptors { .. }
                    | FrameFault::Descriptor { .. } => "",
                };
                let (group, text) = (item.group.to_string(), item_text(&item, &[]));
                let line = format!("!{:>12}{group:<5} {text:<18} {holds}", "");
                writeln!(self.out, "{}", line.trim_end())?;
            }
        }
        Ok(())
    }

    /// Remembers the first thing that is wrong.
    fn note(&mut self, health: Health) {
        if self.health == Health::Sound {
            self.health = health;
        }
    }

    /// Prints bytes if the selection asks for them.
    fn bytes(&mut self, offset: u32, bytes: &[u8]) -> io::Result<()> {
        match self.selection.bytes {
            Bytes::Shown => hexdump(self.out, offset, bytes),
            Bytes::Hidden => Ok(()),
        }
    }
}

/// Returns what an item does, with its key if the payload holds all of it.
fn item_text(item: &Item, payload: &[u8]) -> String {
    match item.op {
        Op::Entry { id } => format!("entry {id}"),
        Op::Moved { id } => format!("moved {id}"),
        Op::Put { key_len } => match payload.get(..key_len as usize) {
            Some(key) if !payload.is_empty() => format!("put {}", quoted(key)),
            Some(_) | None => "put".into(),
        },
        Op::Delete if item.len as usize == payload.len() => format!("delete {}", quoted(payload)),
        Op::Delete => "delete".into(),
        Op::Compact { through } => format!("compact through {through}"),
        Op::Reset { through } => format!("reset to {through}"),
        Op::Clean => "remove the group".into(),
    }
}
