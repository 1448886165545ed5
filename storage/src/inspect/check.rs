//! Tests every byte of a log, and says what opening it would do.
//!
//! ```text
//!   segment       bytes  LSNs     frames  items   end
//!   00000001.log   8192  1..=40       40     61  8184
//!   00000002.log   8192  41..=52      12     15  5640  torn
//!
//!   each piece of damage; then recovery's own verdict
//! ```

use super::page::{BACK, Side, plain, range, table};
use super::walk::{Counts, Damage, Nature, Piece, Walk};
use super::{Health, Stop, verdict};
use crate::disk::Disk;
use crate::format::{FrameFault, Item};
use crate::recovery::{Directory, Examiner, SegmentFile, each, lost};
use crate::segment::name_of;
use crate::types::Lsn;
use std::io::{self, Write};

/// How many pieces of damage are listed for one segment; the others are counted.
const LISTED: usize = 20;

/// How many lost things are named for one piece of damage.
const NAMED: usize = 8;

/// Tests every byte of a log, and says what the engine would do with it.
///
/// # Errors
/// [`Stop`]. Damage is no error: it is printed.
pub fn check(disk: &impl Disk, out: &mut dyn Write) -> Result<Health, Stop> {
    let directory = super::list(disk)?;
    let mut examiner = Examiner::new(&directory);
    let mut found = Vec::new();
    let outcome = each::<Stop>(disk, &directory.segments, |file, next| {
        examiner.segment(file, next);
        found.push(Finding::of(file, next));
        Ok(())
    });
    outcome?;
    let head = ["segment", "bytes", "LSNs", "frames", "items", "end", ""];
    let sides = [Side::Left, Side::Right, Side::Left, Side::Right, Side::Right, Side::Right];
    let mut columns = head.map(|name| (name, Side::Left));
    for (column, side) in columns.iter_mut().zip(sides) {
        column.1 = side;
    }
    table(out, columns, found.iter().map(Finding::row))?;
    writeln!(out)?;
    print_damage(&directory, &found, out)?;
    verdict::print_verdict(&examiner.finish(), out)
}

/// What was found in a segment.
#[derive(Debug, Default)]
struct Finding {
    name: String,
    bytes: usize,
    /// The first and the last LSN that count.
    lsns: Option<(Lsn, Lsn)>,
    frames: u64,
    items: u64,
    /// The offset at which the frames that count end.
    end: u32,
    /// How the frames end: `torn`, `rotted`, `refused`, or nothing.
    ending: &'static str,
    /// Each damaged place, and what is wrong there.
    wrong: Vec<(String, String)>,
    /// How many more damaged places there are.
    unlisted: u64,
}

impl Finding {
    /// Examines a segment.
    fn of(file: &SegmentFile, next: Option<&SegmentFile>) -> Finding {
        let bytes = file.image.bytes().len();
        let mut found = Finding { name: file.name.clone(), bytes, ..Finding::default() };
        if let Err(error) = file.in_place() {
            found.wrong.push((plain(error), String::new()));
            found.ending = "refused";
        }
        let Some(header) = &file.said() else { return found };
        let until = next.and_then(|next| next.in_place().ok()).map(|header| header.first_lsn);
        for piece in Walk::new(&file.image, header, until) {
            found.piece(&piece);
        }
        found
    }

    /// Adds a piece.
    fn piece(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Frame { offset, frame, counts: Counts::Yes } => {
                let header = frame.header();
                let first = self.lsns.map_or(header.lsn, |(first, _)| first);
                self.lsns = Some((first, header.lsn));
                self.frames += 1;
                self.items += u64::from(header.items);
                self.end = offset + header.len;
            }
            Piece::Frame { counts: Counts::No, .. } | Piece::Rest { .. } => {}
            Piece::Damage(damage) => {
                if self.ending.is_empty() {
                    self.ending = match damage.nature {
                        Nature::Torn => "torn",
                        Nature::Rotted | Nature::Behind => "rotted",
                    };
                }
                if self.wrong.len() < LISTED {
                    self.wrong.push(wrong(&self.name, damage));
                } else {
                    self.unlisted += 1;
                }
            }
        }
    }

    /// Returns the segment's row of the table.
    fn row(&self) -> [String; 7] {
        let lsns = match self.lsns {
            Some((first, last)) => range(first, last),
            None => "none".into(),
        };
        let end = if self.frames > 0 { self.end.to_string() } else { String::new() };
        [
            self.name.clone(),
            self.bytes.to_string(),
            lsns,
            self.frames.to_string(),
            self.items.to_string(),
            end,
            self.ending.into(),
        ]
    }
}

/// Returns the place of a piece of damage, and what is wrong there.
fn wrong(name: &str, damage: &Damage<'_>) -> (String, String) {
    let Damage { offset, len, lsn, fault, nature, items } = damage;
    let place = format!("{name}, offset {offset}, {len} bytes, expected LSN {lsn}: {fault}");
    let held: Vec<Item> = match fault {
        FrameFault::Payloads { items } => items.clone(),
        FrameFault::NoRoom
        | FrameFault::Header { .. }
        | FrameFault::Fields
        | FrameFault::Lsn { .. }
        | FrameFault::Descriptors { .. }
        | FrameFault::Descriptor { .. }
        | FrameFault::Padding => {
            items.iter().flat_map(|frame| frame.items()).map(|(item, _)| item).collect()
        }
    };
    let mut text = match nature {
        Nature::Torn => "no later frame says that it was durable".into(),
        Nature::Rotted => "it was durable: what was written later says so".into(),
        Nature::Behind => "after the damage".to_owned(),
    };
    let lost = lost(&held);
    for (n, lost) in lost.iter().take(NAMED).enumerate() {
        let head = if *nature == Nature::Torn { "; it held: " } else { "; lost: " };
        text += &format!("{}{lost}", if n == 0 { head } else { ", " });
    }
    if lost.len() > NAMED {
        text += ", and more";
    }
    (place, text)
}

/// Prints the files that should not be there, and each damaged place.
fn print_damage(directory: &Directory, found: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    let mut is_anything = false;
    for segment in &directory.back {
        is_anything = true;
        writeln!(out, "{}: {BACK}; opening the log removes it", name_of(*segment))?;
    }
    for name in &directory.foreign {
        is_anything = true;
        writeln!(out, "! {}: not a file of the log", plain(name))?;
    }
    for found in found {
        for (place, what) in &found.wrong {
            is_anything = true;
            writeln!(out, "! {place}")?;
            if !what.is_empty() {
                writeln!(out, "!   {what}")?;
            }
        }
        if found.unlisted > 0 {
            writeln!(out, "! {}: {} more damaged places", found.name, found.unlisted)?;
        }
    }
    if is_anything { writeln!(out) } else { Ok(()) }
}
