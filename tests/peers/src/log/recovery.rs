//! Opening a log of 512 MiB that was closed properly.
//!
//! ```text
//!   ours   every byte is read, every checksum tested
//!   peer   headers and footers of batches; of the entries, those of each file's last batch
//! ```
//!
//! The peer has no mode that tests more: what its three recovery modes differ in is what they do
//! about damage. It reads with four threads by default, and is measured with one as well.

use super::engine::{Engine, Settings};
use super::fill::Filled;
use super::line::{Better, Goal, Line, Round};
use super::ours::Ours;
use super::peer::Peer;
use super::place::{Place, evict};
use super::timing::{Took, timed};
use super::{Effort, Wanted};
use std::path::Path;

/// How many bytes of entries there are.
const FILLED_BYTES: u64 = 512 << 20;

/// What is in memory when an engine is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cache {
    Warm,
    Cold,
}

/// One line's openings.
struct Openings {
    cache: Cache,
    peer_threads: usize,
    line: Line,
}

/// Measures every log, and every way to open it, that is wanted.
///
/// # Errors
/// What an engine says.
pub(crate) fn compare(place: &Place, effort: Effort, wanted: &Wanted) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (groups, batch) in [(1, 32), (64, 32), (64, 1)] {
        let mut openings = Openings::all(groups, batch);
        openings.retain(|openings| wanted.is_wanted(&openings.line.cell));
        if !openings.is_empty() {
            let filled = Filled::of(FILLED_BYTES, groups, batch);
            compare_one(place, effort, filled, &mut openings)?;
        }
        lines.extend(openings.into_iter().map(|openings| openings.line));
    }
    Ok(lines)
}

/// Fills both engines, closes them, and opens them in turns.
fn compare_one(
    place: &Place,
    effort: Effort,
    filled: Filled,
    openings: &mut [Openings],
) -> Result<(), String> {
    let (our_dir, peer_dir) = (place.empty("ours")?, place.empty("peer")?);
    fill::<Ours>(&our_dir, filled)?;
    fill::<Peer>(&peer_dir, filled)?;
    for round in 0..effort.rounds {
        for Openings { cache, peer_threads, line } in &mut *openings {
            let settings = Settings { peer_threads: *peer_threads, ..Settings::default() };
            let (ours, peer) = effort.in_turns(
                round,
                || open::<Ours>(&our_dir, settings, filled, *cache),
                || open::<Peer>(&peer_dir, settings, filled, *cache),
            )?;
            line.rounds.push(Round { ours: ours.wall * 1e3, peer: peer.wall * 1e3 });
            line.by_cpu.push(Round { ours: ours.cpu * 1e3, peer: peer.cpu * 1e3 });
        }
    }
    place.clear("ours")?;
    place.clear("peer")
}

impl Openings {
    /// Returns every way to open a log.
    fn all(groups: u64, batch: u64) -> Vec<Openings> {
        let ways = [(Cache::Warm, "warm"), (Cache::Cold, "cold")];
        let openings = ways.iter().flat_map(|(cache, name)| {
            [4, 1].map(|peer_threads| {
                let cell = format!("recovery/{name}/{groups}g/b{batch}/peer {peer_threads}t");
                let line = Line::new(cell, "ms", Better::Less, Goal::AtMost(1.0));
                Openings { cache: *cache, peer_threads, line }
            })
        });
        openings.collect()
    }
}

/// Fills an engine, and closes it.
fn fill<E: Engine>(dir: &Path, filled: Filled) -> Result<(), String> {
    let mut engine = E::open(dir, Settings::default())?;
    engine.serve()?;
    filled.write(&engine)?;
    engine.close()
}

/// Opens an engine, checks that it holds everything, and says how long the opening took.
fn open<E: Engine>(
    dir: &Path,
    settings: Settings,
    filled: Filled,
    cache: Cache,
) -> Result<Took, String> {
    if cache == Cache::Cold {
        evict(dir).map_err(|e| e.to_string())?;
    }
    let (engine, took) = timed(|| E::open(dir, settings))?;
    filled.check(&engine)?;
    engine.close()?; // as it was
    Ok(took)
}
