//! One slice of one side, and how two sides take turns.
//!
//! ```text
//!   a slice   elect; rounds until the time is up          CPU time and wall time of this thread
//!             finish: every node has applied the same, or nothing is reported
//!   counts    elect; 64 rounds nobody counts; then until 8,192 entries are applied
//! ```
//!
//! CPU time is what is compared: other programs on the machine take wall time, not ours.

use crate::allocations::counted;
use crate::cluster::{Cluster, Running};
use crate::ours::Ours;
use crate::raft_rs::RaftRs;
use crate::shape::Shape;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use std::time::{Duration, Instant};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// How long a slice lasts.
    pub(crate) slice: Duration,
    /// How many slices each side of each shape gets.
    pub(crate) rounds: u32,
}

/// The speed of one slice, in entries applied by the leader, or reads with an index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speed {
    /// For each second this thread ran.
    pub(crate) per_cpu_second: f64,
    /// For each second that passed.
    pub(crate) per_second: f64,
}

/// What an entry or a read costs, counted. The same in every run.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Counts {
    /// Times that memory was asked for.
    pub(crate) allocations: f64,
    /// Bytes that were asked for.
    pub(crate) allocated_bytes: f64,
    /// Messages between nodes.
    pub(crate) messages: f64,
    /// Readys of all nodes.
    pub(crate) readys: f64,
}

/// What one shape has shown.
#[derive(Clone, Debug)]
pub(crate) struct Compared {
    pub(crate) shape: Shape,
    /// Ours, round by round.
    pub(crate) ours: Vec<Speed>,
    /// The peer's, in the same rounds.
    pub(crate) peer: Vec<Speed>,
    pub(crate) our_counts: Counts,
    pub(crate) peer_counts: Counts,
}

/// Measures every shape that has one of these in its name on both sides, in turns; all, without a name.
///
/// # Errors
/// If the nodes of a side have not applied the same.
pub(crate) fn compare(effort: Effort, only: &[String]) -> Result<Vec<Compared>, String> {
    let mut compared = Vec::new();
    let is_wanted = |shape: &Shape| {
        only.is_empty() || only.iter().any(|name| shape.name().contains(name.as_str()))
    };
    for shape in Shape::all().into_iter().filter(is_wanted) {
        let our_counts = count::<Ours>(&shape).map_err(|why| format!("ours, {shape:?}: {why}"))?;
        let peer_counts =
            count::<RaftRs>(&shape).map_err(|why| format!("raft-rs, {shape:?}: {why}"))?;
        let (ours, peer) = (Vec::new(), Vec::new());
        compared.push(Compared { shape, ours, peer, our_counts, peer_counts });
    }
    for round in 0..effort.rounds {
        for Compared { shape, ours, peer, .. } in &mut compared {
            if round % 2 == 0 {
                ours.push(slice::<Ours>(shape, effort.slice)?);
                peer.push(slice::<RaftRs>(shape, effort.slice)?);
            } else {
                peer.push(slice::<RaftRs>(shape, effort.slice)?);
                ours.push(slice::<Ours>(shape, effort.slice)?);
            }
        }
    }
    Ok(compared)
}

/// Measures one side for a while.
fn slice<C: Cluster>(shape: &Shape, length: Duration) -> Result<Speed, String> {
    const ROUNDS_BETWEEN_LOOKS: u32 = 64;
    let mut running = Running::<C>::start(shape);
    let before = running.done();
    let (start, cpu_start) = (Instant::now(), cpu());
    while start.elapsed() < length {
        (0..ROUNDS_BETWEEN_LOOKS).for_each(|_| running.round());
    }
    let (passed, cpu_passed) = (start.elapsed(), cpu() - cpu_start);
    let units = (running.done().units - before.units) as f64;
    running.finish()?;
    Ok(Speed {
        per_cpu_second: units / cpu_passed.as_secs_f64(),
        per_second: units / passed.as_secs_f64(),
    })
}

/// Counts what a fixed number of entries or reads costs one side.
fn count<C: Cluster>(shape: &Shape) -> Result<Counts, String> {
    const UNITS: u64 = 8_192;
    let mut running = Running::<C>::start(shape);
    (0..64).for_each(|_| running.round());
    let before = running.done();
    let ((), asked) = counted(|| {
        while running.done().units - before.units < UNITS {
            running.round();
        }
    });
    let after = running.done();
    running.finish()?;
    let each = |count: u64| count as f64 / (after.units - before.units) as f64;
    Ok(Counts {
        allocations: each(asked.calls),
        allocated_bytes: each(asked.bytes),
        messages: each(after.messages - before.messages),
        readys: each(after.readys - before.readys),
    })
}

/// Returns how long this thread has run on a processor.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
