//! Appends: how fast batches go in, and how many of them one sync makes durable.
//!
//! ```text
//!   a slice   an empty directory; threads, each with groups of its own, write batch after batch
//!   recycled  the same, with files of 8 MiB: groups keep their last entries, a thread collects what is no
//!             longer wanted, and before the clock runs as much was written that both use files again
//!   bare      a file of zeros; one thread writes as many bytes as a frame has, and syncs, ...
//! ```
//!
//! Both engines are open before the clock runs, and are dropped, not closed, after it has stopped.

use super::engine::{Durability, ENTRY_BYTES, Engine, Settings};
use super::line::{Better, Goal, Line, Round};
use super::ours::Ours;
use super::peer::Peer;
use super::place::{Place, used_bytes};
use super::timing::{Took, timed};
use super::{Effort, Wanted};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long the file of the bare loop is.
const BARE_BYTES: u64 = 64 << 20;

/// How long a file is, where files are used again.
const RECYCLED_FILE_BYTES: u32 = 8 << 20;

/// How much log there may be then, before garbage is collected.
const COLLECTED_ABOVE_BYTES: u64 = 4 * RECYCLED_FILE_BYTES as u64;

/// How many bytes of entries are written before the clock runs, so that there are files to use again.
const WORN_BYTES: u64 = 2 * COLLECTED_ABOVE_BYTES;

/// How many entries a group keeps then.
const KEPT: u64 = 100;

/// How many it may hold before it lets the others go.
const HELD: u64 = 1_000;

/// How often garbage is collected then.
const BETWEEN_COLLECTIONS: Duration = Duration::from_millis(5);

/// What is written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Files {
    /// Files nobody has written before; nothing is let go of.
    Fresh,
    /// Files that have held what is no longer wanted.
    Recycled,
}

/// Who writes what.
#[derive(Clone, Copy, Debug)]
struct Shape {
    durability: Durability,
    threads: u64,
    /// For each thread one at least: a group has one writer.
    groups: u64,
    /// Entries of each batch.
    batch: u64,
    files: Files,
}

/// One group of a thread.
#[derive(Clone, Copy, Debug)]
struct Written {
    group: u64,
    /// The first entry that is kept.
    first: u64,
    /// The one that comes next.
    next: u64,
}

/// What a slice has shown.
#[derive(Clone, Copy, Debug)]
struct Slice {
    batches: f64,
    syncs: f64,
    took: Took,
    /// What the engine's files take when the slice is over.
    used_bytes: u64,
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
                for (groups, files) in
                    [(threads, Files::Fresh), (64, Files::Fresh), (threads, Files::Recycled)]
                {
                    let shape = |batch| Shape { durability, threads, groups, batch, files };
                    shapes.extend([1, 32].map(shape));
                }
            }
        }
        shapes
    }

    /// Returns the shape of one thread that syncs every batch.
    fn alone(batch: u64) -> Shape {
        let files = Files::Fresh;
        Shape { durability: Durability::Sync, threads: 1, groups: 1, batch, files }
    }

    /// Returns the shape's line.
    fn line(&self) -> Line {
        let Shape { durability, threads, groups, batch, files } = *self;
        let (how, goal) = match durability {
            Durability::Async if batch == 1 => ("async", Goal::AtLeast(1.5)),
            Durability::Async => ("async", Goal::AtLeast(1.2)),
            Durability::Sync if threads == 1 => ("sync", Goal::AtLeast(1.0)),
            Durability::Sync => ("sync", Goal::AtLeast(1.2)),
        };
        let files = if files == Files::Recycled { "/recycled" } else { "" };
        let cell = format!("append/{how}/{threads}t/{groups}g/b{batch}{files}");
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
            let goal = if self.threads > 1 { Goal::AtLeast(6.0) } else { Goal::None };
            let each = |slice: Slice| slice.batches / slice.syncs;
            let round = Round { ours: each(ours), peer: each(peer) };
            line.count("appends per fsync", goal, round);
        }
        if self.files == Files::Recycled {
            let mib = |slice: Slice| slice.used_bytes as f64 / f64::from(1 << 20);
            line.count("MiB on disk", Goal::None, Round { ours: mib(ours), peer: mib(peer) });
        }
    }

    /// Returns what an engine is told.
    fn settings(&self) -> Settings {
        match self.files {
            Files::Fresh => Settings::default(),
            Files::Recycled => Settings {
                file_bytes: Some(RECYCLED_FILE_BYTES),
                collect_above_bytes: Some(COLLECTED_ABOVE_BYTES),
                ..Settings::default()
            },
        }
    }

    /// Returns a thread's groups, of which nothing is written.
    fn groups_of(&self, thread: u64) -> Vec<Written> {
        let mine = (0..self.groups).filter(|group| group % self.threads == thread);
        mine.map(|group| Written { group: group + 1, first: 1, next: 1 }).collect()
    }
}

/// Lets one side write for a while.
fn slice<E: Engine>(place: &Place, shape: &Shape, length: Duration) -> Result<Slice, String> {
    let dir = place.empty("append")?;
    let mut engine = E::open(&dir, shape.settings())?;
    engine.serve()?;
    let mut threads: Vec<Vec<Written>> =
        (0..shape.threads).map(|thread| shape.groups_of(thread)).collect();
    if shape.files == Files::Recycled {
        wear(&engine, &mut threads)?;
    }
    let syncs = engine.syncs();
    let is_over = AtomicBool::new(false);
    let (batches, took) = timed(|| {
        std::thread::scope(|scope| {
            let (engine, is_over) = (&engine, &is_over);
            let writers: Vec<_> = threads
                .iter_mut()
                .map(|groups| scope.spawn(|| write_until::<E>(engine, shape, groups, is_over)))
                .collect();
            let waited = wait(engine, shape.files, length);
            is_over.store(true, Relaxed);
            let written = writers.into_iter().map(|it| it.join().expect("a writer panicked"));
            let written = written.sum::<Result<u64, String>>();
            waited.and(written)
        })
    })?;
    let syncs = engine.syncs() - syncs;
    let used_bytes = used_bytes(&dir).map_err(text)?;
    drop(engine);
    place.clear("append")?;
    Ok(Slice { batches: batches as f64, syncs: syncs as f64, took, used_bytes })
}

/// Waits until a slice is over, and collects garbage meanwhile where there is any.
fn wait<E: Engine>(engine: &E, files: Files, length: Duration) -> Result<(), String> {
    if files == Files::Fresh {
        std::thread::sleep(length);
        return Ok(());
    }
    let begun = Instant::now();
    while begun.elapsed() < length {
        std::thread::sleep(BETWEEN_COLLECTIONS);
        engine.collect()?;
    }
    Ok(())
}

/// Writes so much, in batches of 32, that every file that follows has been used before.
fn wear<E: Engine>(engine: &E, threads: &mut [Vec<Written>]) -> Result<(), String> {
    let mut batch = E::batch(32);
    let batches = WORN_BYTES / (32 * ENTRY_BYTES as u64);
    for number in 0..batches {
        let thread = number as usize % threads.len();
        let groups = &mut threads[thread];
        let turn = number as usize / 8 % groups.len();
        groups[turn].write(engine, &mut batch, 32, Files::Recycled, Durability::Async)?;
        if number % 512 == 0 {
            engine.collect()?;
        }
    }
    engine.collect()
}

/// Writes one thread's groups in turn, and returns how many batches.
fn write_until<E: Engine>(
    engine: &E,
    shape: &Shape,
    groups: &mut [Written],
    is_over: &AtomicBool,
) -> Result<u64, String> {
    let mut batch = E::batch(shape.batch);
    let mut batches = 0;
    while !is_over.load(Relaxed) {
        let turn = batches as usize % groups.len();
        groups[turn].write(engine, &mut batch, shape.batch, shape.files, shape.durability)?;
        batches += 1;
    }
    Ok(batches)
}

impl Written {
    /// Writes the group's next entries; where files are used again, lets its oldest go now and then.
    fn write<E: Engine>(
        &mut self,
        engine: &E,
        batch: &mut E::Batch,
        entries: u64,
        files: Files,
        durability: Durability,
    ) -> Result<(), String> {
        let after = self.next + entries;
        let lets_go = files == Files::Recycled && after - self.first > HELD;
        let keep_from = lets_go.then(|| after - KEPT);
        engine.write(batch, self.group, self.next, keep_from, durability)?;
        (self.first, self.next) = (keep_from.unwrap_or(self.first), after);
        Ok(())
    }
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
    Ok(Slice { batches, syncs: batches, took, used_bytes: 0 })
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
