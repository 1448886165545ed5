//! Appends: how fast batches go in, and how many of them one sync makes durable.
//!
//! ```text
//!   a slice   an empty directory; threads, each with groups of its own, write batch after batch
//!   bare      a file of zeros; one thread writes as many bytes as a frame has, and syncs, ...
//! ```
//!
//! Both engines are open before the clock runs, and are dropped, not closed, after it has stopped.

use super::engine::{Durability, ENTRY_BYTES, Engine, Settings};
use super::line::{Better, Goal, Line, Round};
use super::ours::Ours;
use super::peer::Peer;
use super::place::Place;
use super::timing::{Took, timed};
use super::{Effort, Wanted};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long the file of the bare loop is.
const BARE_BYTES: u64 = 64 << 20;

/// Who writes what.
#[derive(Clone, Copy, Debug)]
struct Shape {
    durability: Durability,
    threads: u64,
    /// For each thread one at least: a group has one writer.
    groups: u64,
    /// Entries of each batch.
    batch: u64,
}

/// What a slice has shown.
#[derive(Clone, Copy, Debug)]
struct Slice {
    batches: f64,
    syncs: f64,
    took: Took,
}

/// Measures every shape that is wanted, in turns.
///
/// # Errors
/// What an engine says.
pub(crate) fn compare(place: &Place, effort: Effort, wanted: &Wanted) -> Result<Vec<Line>, String> {
    let shapes = Shape::all().into_iter().map(|shape| (shape, shape.line()));
    let mut shapes: Vec<(Shape, Line)> =
        shapes.filter(|(_, line)| wanted.is_wanted(&line.cell)).collect();
    let bare = [1, 32].map(|batch| (Shape::alone(batch), bare_line(batch)));
    let mut bare: Vec<(Shape, Line)> =
        bare.into_iter().filter(|(_, line)| wanted.is_wanted(&line.cell)).collect();
    for round in 0..effort.rounds {
        for (shape, line) in &mut shapes {
            let (ours, peer) = effort.in_turns(
                round,
                || slice::<Ours>(place, shape, effort.slice),
                || slice::<Peer>(place, shape, effort.slice),
            )?;
            shape.note(line, ours, peer);
        }
        for (shape, line) in &mut bare {
            let (ours, bare) = effort.in_turns(
                round,
                || slice::<Ours>(place, shape, effort.slice),
                || bare_slice(place, shape, effort.slice),
            )?;
            let speed = |slice: Slice| slice.batches / slice.took.wall;
            line.rounds.push(Round { ours: speed(ours), peer: speed(bare) });
        }
    }
    Ok(shapes.into_iter().chain(bare).map(|(_, line)| line).collect())
}

/// Returns the line of one thread that syncs, beside a loop that does nothing else.
fn bare_line(batch: u64) -> Line {
    let cell = format!("append/sync/1t/1g/b{batch}/bare");
    Line { peer: "bare loop", ..Line::new(cell, "syncs/s", Better::More, Goal::AtLeast(0.9)) }
}

impl Shape {
    /// Returns every shape.
    fn all() -> Vec<Shape> {
        let mut shapes = Vec::new();
        for durability in [Durability::Async, Durability::Sync] {
            for threads in [1, 8] {
                for groups in [threads, 64] {
                    shapes.extend([1, 32].map(|batch| Shape {
                        durability,
                        threads,
                        groups,
                        batch,
                    }));
                }
            }
        }
        shapes
    }

    /// Returns the shape of one thread that syncs every batch.
    fn alone(batch: u64) -> Shape {
        Shape { durability: Durability::Sync, threads: 1, groups: 1, batch }
    }

    /// Returns the shape's line.
    fn line(&self) -> Line {
        let Shape { durability, threads, groups, batch } = *self;
        let (how, goal) = match durability {
            Durability::Async if batch == 1 => ("async", Goal::AtLeast(1.5)),
            Durability::Async => ("async", Goal::AtLeast(1.2)),
            Durability::Sync if threads == 1 => ("sync", Goal::AtLeast(1.0)),
            Durability::Sync => ("sync", Goal::AtLeast(1.2)),
        };
        let cell = format!("append/{how}/{threads}t/{groups}g/b{batch}");
        Line::new(cell, "entries/s", Better::More, goal)
    }

    /// Notes a round.
    fn note(&self, line: &mut Line, ours: Slice, peer: Slice) {
        let entries = |slice: Slice| slice.batches * self.batch as f64;
        let speed = |slice: Slice| entries(slice) / slice.took.wall;
        line.rounds.push(Round { ours: speed(ours), peer: speed(peer) });
        let by_cpu = |slice: Slice| entries(slice) / slice.took.cpu;
        line.by_cpu.push(Round { ours: by_cpu(ours), peer: by_cpu(peer) });
        if self.durability == Durability::Sync {
            let goal = if self.threads > 1 { Goal::AtLeast(4.0) } else { Goal::None };
            let each = |slice: Slice| slice.batches / slice.syncs;
            let round = Round { ours: each(ours), peer: each(peer) };
            line.count("appends per fsync", goal, round);
        }
    }
}

/// Lets one side write for a while.
fn slice<E: Engine>(place: &Place, shape: &Shape, length: Duration) -> Result<Slice, String> {
    let dir = place.empty("append")?;
    let mut engine = E::open(&dir, Settings::default())?;
    engine.serve()?;
    let syncs = engine.syncs();
    let is_over = AtomicBool::new(false);
    let (batches, took) = timed(|| {
        std::thread::scope(|scope| {
            let write = |thread| write_until::<E>(&engine, shape, thread, &is_over);
            let writers: Vec<_> =
                (0..shape.threads).map(|thread| scope.spawn(move || write(thread))).collect();
            std::thread::sleep(length);
            is_over.store(true, Relaxed);
            let written = writers.into_iter().map(|it| it.join().expect("a writer panicked"));
            written.sum::<Result<u64, String>>()
        })
    })?;
    let syncs = engine.syncs() - syncs;
    drop(engine);
    place.clear("append")?;
    Ok(Slice { batches: batches as f64, syncs: syncs as f64, took })
}

/// Writes one thread's groups in turn, and returns how many batches.
fn write_until<E: Engine>(
    engine: &E,
    shape: &Shape,
    thread: u64,
    is_over: &AtomicBool,
) -> Result<u64, String> {
    let mine = (0..shape.groups).filter(|group| group % shape.threads == thread);
    let mut groups: Vec<(u64, u64)> = mine.map(|group| (group + 1, 1)).collect();
    let mut batch = E::batch(shape.batch);
    let mut batches = 0;
    while !is_over.load(Relaxed) {
        let turn = batches as usize % groups.len();
        let (group, next) = &mut groups[turn];
        engine.write(&mut batch, *group, *next, None, shape.durability)?;
        *next += shape.batch;
        batches += 1;
    }
    Ok(batches)
}

/// Writes and syncs as many bytes as a frame of ours has, and nothing else.
fn bare_slice(place: &Place, shape: &Shape, length: Duration) -> Result<Slice, String> {
    let dir = place.empty("bare")?;
    let file = zeroed(&dir.join("bare")).map_err(|e| e.to_string())?;
    let frame = vec![1; 32 + shape.batch as usize * (32 + ENTRY_BYTES)];
    let (batches, took) = timed(|| {
        let (begun, mut batches, mut offset) = (Instant::now(), 0.0, 4096);
        while begun.elapsed() < length {
            file.write_all_at(&frame, offset).and_then(|()| file.sync_data()).map_err(text)?;
            offset += frame.len() as u64;
            if offset + frame.len() as u64 > BARE_BYTES {
                offset = 4096;
            }
            batches += 1.0;
        }
        Ok(batches)
    })?;
    place.clear("bare")?;
    Ok(Slice { batches, syncs: batches, took })
}

/// Makes a file of zeros, all of them on the disk.
fn zeroed(path: &Path) -> std::io::Result<File> {
    let file = File::create_new(path)?;
    // In pieces as small as the engine's: a page cache is slow in files written in large ones.
    for offset in (0..BARE_BYTES).step_by(1 << 15) {
        file.write_all_at(&[0; 1 << 15], offset)?;
    }
    file.sync_all()?;
    Ok(file)
}

fn text(error: std::io::Error) -> String {
    error.to_string()
}
