//! Step 4: torn by a crash, or rotted later.
//!
//! ```text
//!   [1][2][3][??]                 no frame follows 4: torn, and the log ends with 3
//!   [1][2][??][4, durable 1]      4 does not say that 3 was durable: torn, and 4 with it
//!   [1][2][??][4, durable 3]      4 says that 3 was durable: rotted. Refused, and named
//! ```

use super::images::{Items, Segment, disk_of};
use crate::storage::kit::words::{G1, G7, at, shown, small};
use crate::storage::rule;
use harness::{Check, Table, Verdict, current};
use storage::{Log, Lost, Rot};

/// The batch of LSN `n`: two entries, and a key that says which one it is.
fn batch(n: u64) -> Items {
    let items = Items::default().entry(G7, at(2 * n - 1, 1)).entry(G7, at(2 * n, 1));
    items.put(G1, "n", &n.to_string())
}

/// When each of the batches was synced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Synced {
    /// Before the next one was appended.
    Each,
    /// Never.
    None,
}

/// Returns a segment of this many batches.
fn batches(count: u64, synced: Synced) -> Segment {
    (1..=count).fold(Segment::new(1, 1), |segment, n| {
        let durable = match synced {
            Synced::Each => n - 1,
            Synced::None => 0,
        };
        segment.frame(&batch(n), durable)
    })
}

/// Says what a log with the first `n` batches shows.
fn state(n: u64) -> String {
    if n == 0 { "nothing".to_owned() } else { format!("g1 n={n}; g7 1..={}@1", 2 * n) }
}

/// Says how many batches count.
fn batches_in_words(n: u64) -> String {
    if n == 1 { "1 batch".to_owned() } else { format!("{n} batches") }
}

/// Opens a segment, and says what it shows: how many batches, or why it is refused.
fn opened(segment: &Segment, what: &str) -> String {
    current::doing_within(format!("opening a log: {what}"), &["judge", "scan"]);
    match Log::open_on(disk_of(std::slice::from_ref(segment)), small()) {
        Ok(log) => {
            let seen = shown(&log);
            match (0..10).find(|&n| state(n) == seen) {
                Some(n) => batches_in_words(n),
                None => seen,
            }
        }
        Err(error) => match error.corruption() {
            Some(c) if c.rot == Rot::Acknowledged => {
                let lsn = c.lsn.map_or("?".to_owned(), |lsn| lsn.to_string());
                format!("refused: LSN {lsn} at {}", c.offset)
            }
            Some(_) | None => format!("refused: {error}"),
        },
    }
}

/// Where to look if damage is judged wrongly: it was not noticed, or its kind was not told.
const JUDGED: &[&str] = &["judge", "FrameHeader::decode", "Frame::check_payloads"];

/// The bytes after a frame that is cut off.
const BEHIND: [(&str, u8); 3] = [("zeros", 0), ("a5 over and over", 0xa5), ("ff", 0xff)];

/// A power cut leaves any part of what was being written. None of it counts, and nothing else is lost.
pub(super) fn torn_tail_every_byte(_: &mut Check) -> Verdict {
    let mut table = Table::new(rule("torn_is_discarded"), "the last of 4 batches, never synced");
    let whole = batches(4, Synced::Each);
    let span = whole.span(3);
    table.equal("whole", "4 batches".to_owned(), opened(&whole, "whole")).decided_in_one_of(JUDGED);
    for (name, filler) in BEHIND {
        // A row has one result for all its bytes, or the first other result is shown.
        let mut odd = None;
        for kept in 0..span.len() {
            let mut torn = whole.clone();
            torn.bytes()[span.start + kept..span.end].fill(filler);
            let is_whole = torn.bytes()[span.clone()] == whole.clone().bytes()[span.clone()];
            let want = if is_whole { "4 batches" } else { "3 batches" };
            let was = opened(&torn, &format!("its last frame cut off after {kept} bytes"));
            if was != want {
                odd = odd.or(Some((kept, was)));
            }
        }
        let what = format!("cut off at every byte, then {name}");
        let was = odd.map(|(kept, was)| format!("{was}, when {kept} bytes are left"));
        let must = "3 batches".to_owned();
        table.equal(what, must.clone(), was.unwrap_or(must)).decided_in_one_of(JUDGED);
    }
    // Writes reach the disk in any order: what follows a torn one does not count either.
    for lost in 1..=3 {
        let mut torn = batches(4, Synced::None);
        let span = torn.span(lost as usize);
        torn.bytes()[span].fill(0);
        let what = format!("none of 4 synced, LSN {} lost", lost + 1);
        let was = opened(&torn, &what);
        table.equal(what, batches_in_words(lost), was).decided_in_one_of(JUDGED);
    }
    table.verdict()
}

/// Every changed bit of what was acknowledged is noticed, and none counts as a torn tail.
pub(super) fn bitflip_every_byte(_: &mut Check) -> Verdict {
    let mut table = Table::new(rule("rot_is_noticed"), "one bit changed in");
    let whole = batches(4, Synced::Each);
    let end = whole.end();
    let mut parts = vec![("the segment's header".to_owned(), 0..64, None)];
    parts.push(("the gap before the frames".to_owned(), 64..4096, None));
    for n in 0..3 {
        let named = format!("refused: LSN {} at {}", n + 1, whole.span(n).start);
        parts.push((
            format!("LSN {}, that LSN {} speaks of", n + 1, n + 2),
            whole.span(n),
            Some(named),
        ));
    }
    parts.push(("LSN 4, the last frame".to_owned(), whole.span(3), Some("3 batches".into())));
    parts.push(("the bytes after the frames".to_owned(), end..end + 200, Some("4 batches".into())));
    for (what, place, named) in parts {
        let mut odd = None;
        let mut tried = 0;
        for offset in place.clone().step_by(if place.len() > 1000 { 97 } else { 1 }) {
            for bit in [offset % 8, (offset + 5) % 8] {
                let mut damaged = whole.clone();
                damaged.bytes()[offset] ^= 1 << bit;
                tried += 1;
                let was = opened(&damaged, &format!("byte {offset}, bit {bit} changed"));
                let holds = match &named {
                    Some(named) => was == *named,
                    None => was.starts_with("refused"),
                };
                if !holds {
                    odd = odd.or(Some(format!("{was} (byte {offset}, bit {bit})")));
                }
            }
        }
        let must = named.unwrap_or("refused".to_owned());
        let row = match odd {
            None => table.holds(what, must, format!("all {tried} of them")),
            Some(was) => table.breaks(what, must, was),
        };
        row.decided_in_one_of(JUDGED);
    }
    table.verdict()
}

/// A way to damage a frame, and its name.
type Damage = (&'static str, fn(&mut [u8]));

/// Damage before the last frames is refused if a later frame proves that they were durable, and only
/// then.
pub(super) fn corrupt_middle_refuses(_: &mut Check) -> Verdict {
    let damages: [Damage; 5] = [
        ("its header", |frame| frame[9] ^= 1),
        ("its length", |frame| frame[5] ^= 1),
        ("its descriptors", |frame| frame[40] ^= 1),
        ("a payload", |frame| frame[32 + 96 + 1] ^= 1),
        ("all of it, zeros now", |frame| frame.fill(0)),
    ];
    let mut table = Table::new(rule("a_witness_decides"), "damaged in a log of 4 batches");
    for (synced, how) in [(Synced::Each, "each synced"), (Synced::None, "none synced")] {
        for n in [0, 2] {
            for (what, damage) in damages {
                let mut segment = batches(4, synced);
                let span = segment.span(n);
                let start = span.start;
                damage(&mut segment.bytes()[span]);
                let must = match synced {
                    Synced::Each => format!("refused: LSN {} at {start}", n + 1),
                    Synced::None => batches_in_words(n as u64),
                };
                let what = format!("LSN {}, {what}; {how}", n + 1);
                let was = opened(&segment, &what);
                table.equal(what, must, was).decided_in_one_of(JUDGED);
            }
        }
    }
    table.verdict()
}

/// A refusal says of which groups entries were lost, and which entries.
pub(super) fn corruption_names_what_is_lost(_: &mut Check) -> Verdict {
    let entries = (3..=5).fold(Items::default(), |items, index| items.entry(G7, at(index, 1)));
    let second = entries.put(G1, "n", "2").entry(G1, at(1, 1)).put(G1, "m", "3");
    let image = || {
        let segment = Segment::new(1, 1).frame(&batch(1), 0).frame(&second, 1);
        segment.frame(&Items::default().put(G1, "n", "3"), 2)
    };
    let payload = |n: usize| {
        let before: u32 = second.items()[..n].iter().map(|item| item.len).sum();
        32 + 32 * second.items().len() + before as usize
    };
    let rows = [
        ("the first payload", vec![payload(0)], "g7 3..=3"),
        ("the third payload", vec![payload(2)], "g7 5..=5"),
        ("the first three", vec![payload(0), payload(1), payload(2)], "g7 3..=5"),
        ("the first and the third", vec![payload(0), payload(2)], "g7 3..=3, g7 5..=5"),
        ("a key", vec![payload(3)], "g1 keys or bounds"),
        ("the other group's entry", vec![payload(4)], "g1 1..=1"),
        ("the header", vec![9], "g7 3..=5, g1 keys or bounds, g1 1..=1, g1 keys or bounds"),
        ("the descriptors", vec![40], "refused, nothing named"),
    ];
    let mut table = Table::new(rule("what_is_lost_is_named"), "damaged in LSN 2");
    for (what, places, must) in rows {
        let mut segment = image();
        let start = segment.span(1).start;
        places.iter().for_each(|at| segment.bytes()[start + at] ^= 4);
        current::doing_within(format!("opening a log: {what} of LSN 2 damaged"), &["lost"]);
        let was = match Log::open_on(disk_of(&[segment]), small()) {
            Ok(_) => "opened".to_owned(),
            Err(error) => match error.corruption() {
                Some(corruption) if corruption.lost.is_empty() => {
                    "refused, nothing named".to_owned()
                }
                Some(corruption) => {
                    let lost: Vec<String> = corruption.lost.iter().map(Lost::to_string).collect();
                    lost.join(", ")
                }
                None => error.to_string(),
            },
        };
        table.reads(what, must, was, "lost");
    }
    table.verdict()
}
