//! Space: what is on the disk after much was written and nearly all of it was let go.
//!
//! ```text
//!   64 groups, files of 8 MiB, each group keeps its last 100 entries; 512 MiB are written
//!     uniform   all groups alike
//!     idle      8 groups are busy; of the others, one gets a batch every 256 batches
//! ```
//!
//! Both sides are told how much log there may be before garbage is collected, and collect it every
//! 16 MiB; ours has its maintenance thread besides, as always.

use super::engine::{Durability, ENTRY_BYTES, Engine, Numbers, Settings};
use super::line::{Better, Goal, Line, Round};
use super::ours::Ours;
use super::peer::Peer;
use super::place::{Place, used_bytes};
use super::{Effort, Wanted};

const GROUPS: u64 = 64;
const BUSY_GROUPS: u64 = 8;
const BATCH: u64 = 32;
const KEPT: u64 = 100;
const FILE_BYTES: u32 = 8 << 20;
const WRITTEN_BYTES: u64 = 512 << 20;
const BETWEEN_COLLECTIONS_BYTES: u64 = 16 << 20;

/// Who writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Load {
    Uniform,
    Idle,
}

/// What one run has shown, in bytes.
struct Run {
    live: f64,
    used: f64,
    peak: f64,
}

/// Runs every load that is wanted. Chance has no part in it: one round is enough.
///
/// # Errors
/// What an engine says.
pub(crate) fn compare(place: &Place, effort: Effort, wanted: &Wanted) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (load, name) in [(Load::Uniform, "uniform"), (Load::Idle, "idle groups")] {
        for limit_mib in [64, 8] {
            let cell = format!("space/{name}/collected above {limit_mib} MiB");
            if !wanted.is_wanted(&cell) {
                continue;
            }
            let mut line = Line::new(cell, "MiB on disk", Better::Less, Goal::None);
            let limit = limit_mib << 20;
            let (ours, peer) = effort.in_turns(
                0,
                || run::<Ours>(place, load, limit),
                || run::<Peer>(place, load, limit),
            )?;
            note(&mut line, &ours, &peer, limit);
            lines.push(line);
        }
    }
    Ok(lines)
}

/// Notes what both have shown.
fn note(line: &mut Line, ours: &Run, peer: &Run, limit_bytes: u64) {
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    let both = |of: fn(&Run) -> f64| Round { ours: of(ours), peer: of(peer) };
    line.rounds.push(Round { ours: mib(ours.used), peer: mib(peer.used) });
    line.count("MiB live", Goal::None, Round { ours: mib(ours.live), peer: mib(peer.live) });
    line.count("MiB at most", Goal::None, Round { ours: mib(ours.peak), peer: mib(peer.peak) });
    // While more may lie there than that, the limit that was set is the limit.
    if limit_bytes <= u64::from(FILE_BYTES) {
        let over_limit = both(|run| run.used / (3.0 * run.live + 2.0 * f64::from(FILE_BYTES)));
        line.count("of three times what is live, and two files", Goal::AtMost(1.0), over_limit);
    }
}

/// Lets one side write, let go and collect.
fn run<E: Engine>(place: &Place, load: Load, limit_bytes: u64) -> Result<Run, String> {
    let dir = place.empty("space")?;
    let settings = Settings {
        file_bytes: Some(FILE_BYTES),
        collect_above_bytes: Some(limit_bytes),
        ..Settings::default()
    };
    let mut engine = E::open(&dir, settings)?;
    engine.serve()?;
    let mut numbers = Numbers(7);
    let mut batch = E::batch(BATCH);
    // Of each group, its first entry and the one that comes next.
    let mut groups = vec![(1, 1); GROUPS as usize];
    let mut peak = 0;
    let batch_bytes = BATCH * ENTRY_BYTES as u64;
    for written in (batch_bytes..=WRITTEN_BYTES).step_by(batch_bytes as usize) {
        let group = load.draw(&mut numbers);
        let (first, next) = &mut groups[group as usize];
        let after = *next + BATCH;
        let keep_from = (after - *first > KEPT + BATCH).then(|| after - KEPT);
        engine.write(&mut batch, group + 1, *next, keep_from, Durability::Async)?;
        (*first, *next) = (keep_from.unwrap_or(*first), after);
        if written % BETWEEN_COLLECTIONS_BYTES == 0 {
            peak = peak.max(used_bytes(&dir).map_err(|e| e.to_string())?);
            engine.collect()?;
        }
    }
    let used = used_bytes(&dir).map_err(|e| e.to_string())?;
    let live: u64 = groups.iter().map(|(first, next)| (next - first) * ENTRY_BYTES as u64).sum();
    drop(engine);
    place.clear("space")?;
    Ok(Run { live: live as f64, used: used as f64, peak: peak as f64 })
}

impl Load {
    /// Draws who writes next.
    fn draw(self, numbers: &mut Numbers) -> u64 {
        match self {
            Load::Uniform => numbers.next() % GROUPS,
            Load::Idle if numbers.next().is_multiple_of(256) => {
                BUSY_GROUPS + numbers.next() % (GROUPS - BUSY_GROUPS)
            }
            Load::Idle => numbers.next() % BUSY_GROUPS,
        }
    }
}
