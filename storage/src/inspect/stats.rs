//! What a log is made of: what is live of each segment and group, and what collection would move.
//!
//! ```text
//!   written by frames   [ header | descriptors | payloads | padding ]
//!   live                           '-- of the items that a caller can still read --'
//!   dead                everything else: it is removed with its segment. Collection removes the
//!                       oldest segment, after it has copied what is live there
//! ```

use super::loss::indexes;
use super::page::{Side, count, plain, table};
use super::walk::{Counts, Piece, Walk};
use super::{Health, Stop};
use crate::disk::Disk;
use crate::error::Error;
use crate::format::{DESCRIPTOR_BYTES, FRAMES_AT, StoreId};
use crate::groups::{Group, Groups, Live};
use crate::options::Options;
use crate::recovery::{Examined, Examiner, SegmentFile, each};
use crate::segment::name_of;
use crate::types::{GroupId, SegmentId};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};

/// What the frames of a log wrote.
#[derive(Debug, Default)]
struct Written {
    segments: Vec<SegmentStats>,
    /// Bytes of the descriptors and payloads of each group.
    groups: BTreeMap<GroupId, u64>,
    store: Option<StoreId>,
}

/// What the frames of one segment wrote.
#[derive(Debug)]
struct SegmentStats {
    id: SegmentId,
    bytes: u64,
    frames: u64,
    items: u64,
    frame_bytes: u64,
}

/// Prints how much of a log is live.
///
/// # Errors
/// [`Stop`]. Damage is no error: it is reported, and what is before it is counted.
pub fn stats(disk: &impl Disk, out: &mut dyn Write) -> Result<Health, Stop> {
    let directory = super::list(disk)?;
    let mut examiner = Examiner::new(&directory);
    let mut written = Written::default();
    each::<Stop>(disk, &directory.segments, |file, next| {
        examiner.segment(file, next);
        written.take(file, next);
        Ok(())
    })?;
    let Examined { action, groups, .. } = examiner.finish();
    let (health, known) = match (&action, &groups) {
        (Ok(_), _) => (Health::Sound, Known::All),
        (Err(error @ Error::ForeignFile { .. }), Ok(_)) => (Health::of(error), Known::All),
        (Err(error), Ok(_)) => (Health::of(error), Known::Before),
        (Err(error), Err(_)) => (Health::of(error), Known::Nothing),
    };
    if let Err(error) = &action {
        writeln!(out, "! the engine refuses to open this log: {}", plain(error))?;
        let what = match known {
            Known::All => "",
            Known::Before => {
                "! groups are shown as they were before the damage; what is live is unknown\n"
            }
            Known::Nothing => "! the groups are unknown, and so is what is live\n",
        };
        writeln!(out, "{what}")?;
    }
    let stats = StatsReport { written, groups: groups.unwrap_or_default(), known };
    stats.show_totals(out)?;
    stats.show_segments(out)?;
    stats.show_groups(out)?;
    if known == Known::All {
        stats.show_collection(out)?;
    }
    Ok(health)
}

/// How much is known of the groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Known {
    /// Everything.
    All,
    /// The groups as they were before the damage. What is live is unknown, because it depends on the
    /// log's end.
    Before,
    /// Nothing.
    Nothing,
}

/// What `stats` prints.
struct StatsReport {
    written: Written,
    groups: Groups,
    known: Known,
}

impl Written {
    /// Adds a segment.
    fn take(&mut self, file: &SegmentFile, next: Option<&SegmentFile>) {
        let bytes = file.image.bytes().len() as u64;
        let mut segment = SegmentStats { id: file.id, bytes, frames: 0, items: 0, frame_bytes: 0 };
        let until = next.and_then(|next| next.in_place().ok()).map(|header| header.first_lsn);
        if let Some(header) = &file.said() {
            self.store.get_or_insert(header.store);
            for piece in Walk::new(&file.image, header, until) {
                match piece {
                    Piece::Frame { frame, counts: Counts::Yes, .. } => {
                        segment.frames += 1;
                        segment.frame_bytes += u64::from(frame.header().len);
                        for (item, _) in frame.items() {
                            segment.items += 1;
                            *self.groups.entry(item.group).or_default() += item_bytes(item.len);
                        }
                    }
                    Piece::Frame { counts: Counts::No, .. }
                    | Piece::Damage(_)
                    | Piece::Rest { .. } => {}
                }
            }
        }
        self.segments.push(segment);
    }
}

impl StatsReport {
    /// Prints the totals.
    fn show_totals(&self, out: &mut dyn Write) -> io::Result<()> {
        let sum = |of: fn(&SegmentStats) -> u64| self.written.segments.iter().map(of).sum::<u64>();
        let entries: u64 = self.groups.iter().map(|(_, group)| group.len() as u64).sum();
        let keys: u64 = self.groups.iter().map(|(_, group)| group.keys().len() as u64).sum();
        if let Some(store) = self.written.store {
            writeln!(out, "store {store}")?;
        }
        writeln!(
            out,
            "{}, {} bytes; {}, {}{}",
            count(self.written.segments.len() as u64, "segment"),
            sum(|segment| segment.bytes),
            count(sum(|segment| segment.frames), "frame"),
            count(sum(|segment| segment.items), "item"),
            match self.known {
                Known::All => format!(", {} bytes live", self.groups.live().bytes()),
                Known::Before | Known::Nothing => String::new(),
            }
        )?;
        if self.known == Known::Nothing {
            return writeln!(out);
        }
        let groups = count(self.groups.iter().count() as u64, "group");
        let entries = count(entries, "entry");
        writeln!(out, "{groups}, {entries}, {}\n", count(keys, "key"))
    }

    /// Prints a row for each segment.
    fn show_segments(&self, out: &mut dyn Write) -> io::Result<()> {
        let head = [
            ("segment", Side::Left),
            ("bytes", Side::Right),
            ("frames", Side::Right),
            ("items", Side::Right),
            ("written", Side::Right),
            ("live items", Side::Right),
            ("live", Side::Right),
            ("dead", Side::Right),
        ];
        let rows = self.written.segments.iter().map(|segment| {
            let tally = self.groups.live().of(segment.id);
            [
                name_of(segment.id),
                segment.bytes.to_string(),
                segment.frames.to_string(),
                segment.items.to_string(),
                segment.frame_bytes.to_string(),
                self.live(tally.items),
                self.live(tally.bytes),
                self.live(segment.frame_bytes.saturating_sub(tally.bytes)),
            ]
        });
        table(out, head, rows)?;
        writeln!(out)
    }

    /// Prints a row for each group.
    fn show_groups(&self, out: &mut dyn Write) -> io::Result<()> {
        let head = [
            ("group", Side::Left),
            ("indexes", Side::Left),
            ("entries", Side::Right),
            ("keys", Side::Right),
            ("written", Side::Right),
            ("live", Side::Right),
            ("dead", Side::Right),
            ("oldest live segment", Side::Left),
        ];
        let nothing = Group::default();
        let rows = self.written.groups.iter().map(|(id, written)| {
            let group = self.groups.get(*id).unwrap_or(&nothing);
            let mut live = Live::default();
            group.count(&mut live);
            let oldest = live.oldest().map_or_else(|| "nothing".into(), name_of);
            [
                id.to_string(),
                self.held(indexes(group)),
                self.held(group.len()),
                self.held(group.keys().len()),
                written.to_string(),
                self.live(live.bytes()),
                self.live(written.saturating_sub(live.bytes())),
                self.live(oldest),
            ]
        });
        table(out, head, rows)
    }

    /// Returns the text for a number of live items or bytes: `?` if it is unknown.
    fn live(&self, value: impl Display) -> String {
        match self.known {
            Known::All => value.to_string(),
            Known::Before | Known::Nothing => "?".into(),
        }
    }

    /// Returns the text for what a group holds: `?` if it is unknown.
    fn held(&self, value: impl Display) -> String {
        match self.known {
            Known::All | Known::Before => value.to_string(),
            Known::Nothing => "?".into(),
        }
    }

    /// Prints what collection would do next.
    fn show_collection(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out)?;
        let [oldest, _, ..] = &self.written.segments[..] else {
            return writeln!(out, "collection: the only segment is still being written");
        };
        let name = name_of(oldest.id);
        let tally = self.groups.live().of(oldest.id);
        writeln!(
            out,
            "collection: would next copy {} ({} bytes) out of {name}, and remove it",
            count(tally.items, "live item"),
            tally.bytes
        )?;
        for (id, group) in self.groups.iter() {
            let mut live = Live::default();
            group.count(&mut live);
            let of = live.of(oldest.id);
            if of.items > 0 {
                writeln!(out, "  {id}: {}, {} bytes", count(of.items, "item"), of.bytes)?;
            }
        }
        let live = self.groups.live().bytes();
        let last = self.written.segments.last().map_or(0, |last| last.bytes);
        let headers = self.written.segments.len() as u64 * u64::from(FRAMES_AT);
        let bytes: u64 = self.written.segments.iter().map(|segment| segment.bytes).sum();
        // A damaged segment may be shorter than its header.
        let room = bytes.saturating_sub(headers);
        let limit = 2 * live + last.saturating_sub(u64::from(FRAMES_AT));
        let what = if room > limit { "is due" } else { "is not due yet" };
        writeln!(
            out,
            "  it {what}: the segments have room for {room} bytes of frames; the limit is {limit},"
        )?;
        writeln!(out, "  twice the live bytes plus one segment")?;
        let floor = Options::default().collect_above_bytes;
        writeln!(
            out,
            "  below Options::collect_above_bytes (default {floor}), nothing is collected"
        )
    }
}

/// Returns the size of an item in bytes: its descriptor and its payload.
fn item_bytes(payload_bytes: u32) -> u64 {
    DESCRIPTOR_BYTES as u64 + u64::from(payload_bytes)
}
