//! Fetching: entries by place, one at a time and a hundred at a time, from memory and from the disk.
//!
//! ```text
//!   recent    the last that were written
//!   old       the first: in files that are no longer written, and in the page cache
//!   in order, at random    the first; nothing of them is in memory
//! ```
//!
//! Both sides test checksums, and whether they got what they asked for.

use super::engine::{Engine, Numbers, Settings};
use super::fill::Filled;
use super::line::{Better, Goal, Line, Round};
use super::ours::Ours;
use super::peer::Peer;
use super::place::{Place, evict, read_from_disk_bytes};
use super::timing::{Took, timed};
use super::{Effort, Wanted};
use std::path::Path;
use std::time::{Duration, Instant};

/// How much is written before any is fetched.
const FILLED_BYTES: u64 = 256 << 20;

/// Among how many entries, of all groups together, those that are fetched from memory are.
const WARM_ENTRIES: u64 = 100_000;

/// How many entries are fetched from the disk in a slice, in order.
const COLD_ENTRIES: u64 = 40_000;

/// How many at random.
const RANDOM_ENTRIES: u64 = 2_000;

/// Which entries are fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum From {
    Recent,
    Old,
    ColdInOrder,
    ColdAtRandom,
}

/// What a slice has shown.
struct Slice {
    entries: f64,
    took: Took,
    read_bytes: Option<u64>,
}

/// One line's reads.
struct Reads {
    from: From,
    /// How many entries a call asks for.
    chunk: u64,
    line: Line,
}

/// One side: its engine, and where that is.
struct Side<'a, E> {
    engine: &'a E,
    dir: &'a Path,
}

/// Measures every log, and every way to read it, that is wanted.
///
/// # Errors
/// What an engine says.
pub(crate) fn compare(place: &Place, effort: Effort, wanted: &Wanted) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (groups, batch) in [(1, 1), (1, 32), (64, 1), (64, 32)] {
        let mut reads = Reads::all(groups, batch);
        reads.retain(|reads| wanted.is_wanted(&reads.line.cell));
        if !reads.is_empty() {
            let filled = Filled::of(FILLED_BYTES, groups, batch);
            compare_one(place, effort, filled, &mut reads)?;
        }
        lines.extend(reads.into_iter().map(|reads| reads.line));
    }
    Ok(lines)
}

/// Fills both engines, and reads them in turns.
fn compare_one(
    place: &Place,
    effort: Effort,
    filled: Filled,
    reads: &mut [Reads],
) -> Result<(), String> {
    let (our_dir, peer_dir) = (place.empty("ours")?, place.empty("peer")?);
    let mut ours = Ours::open(&our_dir, Settings::default())?;
    let mut peer = Peer::open(&peer_dir, Settings::default())?;
    ours.serve()?;
    peer.serve()?;
    filled.write(&ours)?;
    filled.write(&peer)?;
    let (ours, peer) =
        (Side { engine: &ours, dir: &our_dir }, Side { engine: &peer, dir: &peer_dir });
    for round in 0..effort.rounds {
        for reads in &mut *reads {
            let (ours, peer) = effort.in_turns(
                round,
                || ours.slice(filled, reads, effort.slice, round),
                || peer.slice(filled, reads, effort.slice, round),
            )?;
            reads.note(ours, peer);
        }
    }
    place.clear("ours")?;
    place.clear("peer")
}

impl Reads {
    /// Returns every way to read a log.
    fn all(groups: u64, batch: u64) -> Vec<Reads> {
        let ways = [
            (From::Recent, "recent", 1),
            (From::Recent, "recent", 100),
            (From::Old, "old", 1),
            (From::Old, "old", 100),
            (From::ColdInOrder, "cold in order", 1),
            (From::ColdInOrder, "cold in order", 100),
            (From::ColdAtRandom, "cold at random", 1),
        ];
        let reads = ways.map(|(from, name, chunk)| {
            let cell = format!("fetch/{name}/{groups}g/b{batch}/by {chunk}");
            let line = Line::new(cell, "entries/s", Better::More, Goal::AtLeast(3.0));
            Reads { from, chunk, line }
        });
        reads.into()
    }

    /// Notes a round.
    fn note(&mut self, ours: Slice, peer: Slice) {
        let speed = |slice: &Slice| slice.entries / slice.took.wall;
        self.line.rounds.push(Round { ours: speed(&ours), peer: speed(&peer) });
        let by_cpu = |slice: &Slice| slice.entries / slice.took.cpu;
        self.line.by_cpu.push(Round { ours: by_cpu(&ours), peer: by_cpu(&peer) });
        if let (Some(ours), Some(peer)) = (ours.read_bytes, peer.read_bytes) {
            let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
            let round = Round { ours: mib(ours), peer: mib(peer) };
            self.line.count("MiB read from the disk", Goal::None, round);
        }
    }
}

impl<E: Engine> Side<'_, E> {
    /// Reads for a while, or so many entries from the disk.
    fn slice(
        &self,
        filled: Filled,
        reads: &Reads,
        length: Duration,
        round: u32,
    ) -> Result<Slice, String> {
        match reads.from {
            From::Recent | From::Old => self.warm(filled, reads, length),
            From::ColdInOrder | From::ColdAtRandom => self.cold(filled, reads, round),
        }
    }

    /// Reads entries that are in memory, over and over.
    fn warm(&self, filled: Filled, reads: &Reads, length: Duration) -> Result<Slice, String> {
        let each = WARM_ENTRIES / filled.groups / reads.chunk * reads.chunk;
        let first = match reads.from {
            From::Recent => filled.each - each + 1,
            From::Old | From::ColdInOrder | From::ColdAtRandom => 1,
        };
        self.in_order(filled.groups, first, each, reads.chunk)?; // so that they are
        let (entries, took) = timed(|| {
            let (begun, mut entries) = (Instant::now(), 0);
            while begun.elapsed() < length {
                entries += self.in_order(filled.groups, first, each, reads.chunk)?;
            }
            Ok(entries as f64)
        })?;
        Ok(Slice { entries, took, read_bytes: None })
    }

    /// Reads entries of which nothing is in memory, once.
    fn cold(&self, filled: Filled, reads: &Reads, round: u32) -> Result<Slice, String> {
        evict(self.dir).map_err(|e| e.to_string())?;
        let before = read_from_disk_bytes();
        let (entries, took) = timed(|| match reads.from {
            From::ColdAtRandom => self.at_random(filled, round),
            From::ColdInOrder | From::Recent | From::Old => {
                let each = COLD_ENTRIES / filled.groups / reads.chunk * reads.chunk;
                self.in_order(filled.groups, 1, each, reads.chunk)
            }
        })?;
        let read_bytes = read_from_disk_bytes().zip(before).map(|(after, before)| after - before);
        Ok(Slice { entries: entries as f64, took, read_bytes })
    }

    /// Reads so many entries of every group from `first` on, and returns how many in all.
    fn in_order(&self, groups: u64, first: u64, each: u64, chunk: u64) -> Result<u64, String> {
        for group in 1..=groups {
            for start in (first..first + each).step_by(chunk as usize) {
                self.engine.fetch(group, start..start + chunk)?;
            }
        }
        Ok(groups * each)
    }

    /// Reads entries here and there among the older half, the same for both sides.
    fn at_random(&self, filled: Filled, round: u32) -> Result<u64, String> {
        let mut numbers = Numbers(round.into());
        for _ in 0..RANDOM_ENTRIES {
            let group = numbers.next() % filled.groups + 1;
            let index = numbers.next() % (filled.each / 2) + 1;
            self.engine.fetch(group, index..index + 1)?;
        }
        Ok(RANDOM_ENTRIES)
    }
}
