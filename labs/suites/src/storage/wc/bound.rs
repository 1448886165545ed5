//! Step 7: how much disk a log takes with regular collection.
//!
//! ```text
//!   used <= 3 * live + 2 segments         when nothing is left to collect, even if most groups are idle
//! ```
//!
//! The oldest segment may be half full of live items; they are copied to the tail. One pass over the log
//! leaves about twice the live bytes, so a log never needs three times as much. The tail and a spare are
//! the two segments. The copies may begin a new segment, which only the next call considers: so calls are
//! repeated until one does nothing.

use super::recorded::RecordedLog;
use crate::storage::kit::words::{Checked, at, entry, must};
use crate::storage::rule;
use harness::Coverage;
use harness::{Check, Failure, Verdict};
use storage::{Batch, GroupId, Options};
use testbed::random::Stream;

/// How long a segment is here.
const SEGMENT_BYTES: u64 = 16384;

/// How many batches are written.
const BATCHES: u64 = 1500;

/// The result of a run.
struct Crowded {
    because: String,
    used: u64,
    wanted: u64,
}

/// A few busy groups, many idle ones, and a collection every ten batches.
pub(super) fn purge_bound(check: &mut Check) -> Verdict {
    let mut coverage = Coverage::default();
    let swept = check.sweep(
        |seed| {
            let removed = run(seed)?;
            coverage.count(seed, removed > 20);
            Ok(())
        },
        |_, why: Result<Crowded, Box<Failure>>| match why {
            Ok(Crowded { because, used, wanted }) => Failure::of(rule("space_is_bounded"))
                .because(because)
                .function("Log::worth_collecting")
                .expected(format!("at most {} bytes", bound(wanted)))
                .got(format!("{used} bytes"))
                .detail(format!("{wanted} bytes are live; a segment has {SEGMENT_BYTES}")),
            Err(failure) => *failure,
        },
    );
    swept?;
    coverage.judge("twenty segments or more were removed", |because, _| {
        Failure::of(rule("coverage")).because(because).function("Log::worth_collecting")
    })
}

/// Returns how many bytes of disk a log may take.
fn bound(wanted: u64) -> u64 {
    3 * wanted + 2 * SEGMENT_BYTES
}

/// What is live of a group: its last entries, by our own count.
#[derive(Clone, Copy, Default)]
struct Wanted {
    first: u64,
    last: u64,
    entry_bytes: u64,
    key_bytes: u64,
}

impl Wanted {
    /// Returns how many live bytes that is: an item's descriptor has 32.
    fn bytes(self) -> u64 {
        let base = if self.first > 1 { 32 } else { 0 };
        (self.last + 1 - self.first) * (32 + self.entry_bytes) + base + self.key_bytes
    }
}

/// Collects until a call does nothing, or at most as often as it takes to begin and remove a segment.
/// Returns how many segments were removed.
fn collect(stage: &RecordedLog) -> Checked<u64> {
    let mut removed = 0;
    for _ in 0..4 {
        let collected =
            must(rule("space_is_bounded"), "a collection", "Log::gc", stage.log().gc())?;
        removed += collected.removed.len() as u64;
        if collected.removed.is_empty() && collected.moved_items == 0 {
            break;
        }
    }
    Ok(removed)
}

/// Runs a seed, and returns how many segments were removed.
fn run(seed: u64) -> Result<u64, Result<Crowded, Box<Failure>>> {
    let mut luck = Stream::new(seed, "bound");
    let options = Options {
        segment_bytes: SEGMENT_BYTES as u32,
        max_batch_bytes: 8192,
        collect_above_bytes: 0,
        // Idle owners have compacted all they can: asking them again does not help.
        lagging_group_bytes: if seed.is_multiple_of(2) { 1 << 30 } else { 500 },
        force_above_bytes: 0,
        ..Options::default()
    };
    let groups = luck.within(4, 48);
    let busy = luck.within(1, 3);
    let kept = luck.within(2, 40);
    let entry_bytes = luck.within(0, 300);
    let wanted = Wanted { first: 1, last: 0, entry_bytes, key_bytes: 0 };
    let mut held = vec![wanted; groups as usize + 1];
    let mut stage = RecordedLog::new(rule("space_is_bounded"), options).map_err(Err)?;
    let mut removed = 0;
    for round in 0..BATCHES {
        let number = if round < groups { round + 1 } else { luck.within(1, busy) };
        let (group, held_of) = (GroupId(number), &mut held[number as usize]);
        let mut batch = Batch::new();
        let count = luck.within(1, 4);
        let entries: Vec<_> = (held_of.last + 1..=held_of.last + count)
            .map(|index| entry(index, 1, entry_bytes as usize))
            .collect();
        batch.entries(group, &entries).put(group, b"hs", b"term, vote");
        held_of.last += count;
        held_of.key_bytes = 32 + 2 + 10;
        if held_of.last + 1 - held_of.first > kept {
            held_of.first = held_of.last + 1 - kept;
            batch.compact(group, at(held_of.first - 1, 1));
        }
        let outcome = stage.log().append(&batch);
        must(rule("space_is_bounded"), "an append", "Log::append", outcome).map_err(Err)?;
        if round % 10 == 0 {
            removed += collect(&stage).map_err(Err)?;
            let used = stage.disk().used_bytes();
            let wanted = held.iter().filter(|wanted| wanted.last > 0).map(|w| w.bytes()).sum();
            if used > bound(wanted) {
                let because =
                    format!("after {round} batches of {groups} groups, {busy} of them busy");
                return Err(Ok(Crowded { because, used, wanted }));
            }
        }
    }
    stage.tell("all written");
    for number in 1..=groups {
        let Wanted { first, last, .. } = held[number as usize];
        let group = GroupId(number);
        let ends = (stage.log().first_index(group), stage.log().last_index(group));
        if ends != (Some(storage::Index(first)), Some(storage::Index(last))) {
            let (because, expected) =
                (format!("{group} has lost entries"), format!("entries {first} to {last}"));
            let got = stage.shows(group);
            return Err(Err(Box::new(stage.differs(because, expected, got, "View::pick_entries"))));
        }
    }
    Ok(removed)
}
