//! Rot (P4, P5): every bit of a small log flipped, its files cut at every length, every word zeroed. The
//! engine notices the damage, or the damage is in frames that no later frame proves to be durable.
//!
//! ```text
//!   damage in   header    proven frames   other frames                rest
//!   segment 1   refused   refused         (there are none)            no effect
//!   the last    refused   refused         a prefix of the log opens   no effect
//! ```

use crate::counts::{Row, rounds, seeds, tally};
use crate::page::Segment;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use storage::{Batch, Error, GroupId, Index, Log, Rot, SimDisk};
use testbed::engine::entries::{entry, small};
use testbed::engine::history::{History, Mix};
use testbed::engine::model::Model;

/// A log of two segments with every batch synced, and what it held after each batch.
struct Small {
    disk: SimDisk,
    states: Vec<Model>,
}

impl Small {
    fn new() -> Small {
        let disk = SimDisk::new(11);
        let log = Log::open_on(disk.clone(), small()).unwrap();
        let mut states = vec![Model::default()];
        for n in 1..=14 {
            let mut batch = Batch::new();
            batch.entries(GroupId(1), &[entry(n, 1, 200), entry(n + 1, 2, 20)]);
            batch.put(GroupId(2), b"key", &[n as u8; 61]);
            log.write(&batch).unwrap();
            states.push(Model::of(&log));
        }
        assert_eq!(log.stats().segments, 2);
        drop(log);
        Small { disk: disk.after_kill(), states }
    }

    /// Opens a damaged copy. Returns which state it shows, or `None` if it is refused.
    fn open_damaged(&self, damaged: &SimDisk, what: &str) -> Option<usize> {
        match Log::open_on(damaged.after_kill(), small()) {
            Ok(log) => {
                let seen = Model::of(&log);
                let state = self.states.iter().rposition(|state| *state == seen);
                Some(state.unwrap_or_else(|| panic!("{what}: it shows a state that never was")))
            }
            Err(_) => None,
        }
    }

    /// Returns where the frames of a segment end.
    fn frames_end(&self, name: &str) -> u64 {
        let bytes = self.disk.bytes(name);
        bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |at| (at as u64 + 1).next_multiple_of(8))
    }
}

#[test]
fn every_flipped_bit_is_noticed_or_was_in_the_last_batch() {
    let log = Small::new();
    let (mut refused, mut discarded, mut harmless) = (0, 0, 0);
    for name in ["00000001.log", "00000002.log"] {
        let end = log.frames_end(name);
        for offset in 0..8192 {
            let in_frames = (4096..end).contains(&offset);
            for bit in 0..8 {
                if !(in_frames || offset < 64 || bit == offset % 8) {
                    continue; // one bit is enough in bytes that must be zero, or that mean nothing
                }
                let damaged = log.disk.after_kill();
                damaged.rot(name, offset, 1 << bit);
                match log.open_damaged(&damaged, &format!("{name}, byte {offset}, bit {bit}")) {
                    None => refused += 1,
                    Some(14) => {
                        let means_nothing = offset >= end;
                        assert!(means_nothing, "{name}, byte {offset}, bit {bit}: not noticed");
                        harmless += 1;
                    }
                    Some(13) if name == "00000002.log" => discarded += 1,
                    Some(n) => panic!("{name}, byte {offset}, bit {bit}: {n} of 14 are left"),
                }
            }
        }
    }
    println!(
        "{refused} flips refused, {discarded} in the last batch, {harmless} behind the frames"
    );
    assert!(refused > 10_000 && discarded > 1_000 && harmless > 1_000);
    tally(Row::Flips, refused + discarded + harmless, 10_000);
}

#[test]
fn every_shortened_file_is_refused() {
    let log = Small::new();
    for name in ["00000001.log", "00000002.log"] {
        for len in 0..8192 {
            let damaged = log.disk.after_kill();
            damaged.cut(name, len);
            assert_eq!(log.open_damaged(&damaged, &format!("{name} cut to {len}")), None);
        }
    }
    tally(Row::Truncations, 2 * 8192, 2 * 8192);
}

#[test]
fn every_zeroed_word_is_noticed_or_was_in_the_last_batch() {
    let log = Small::new();
    let mut zeroed = 0;
    for name in ["00000001.log", "00000002.log"] {
        for at in (0..log.frames_end(name)).step_by(8) {
            let damaged = log.disk.after_kill();
            let bytes = log.disk.bytes(name);
            let was_zero = bytes[at as usize..at as usize + 8].iter().all(|byte| *byte == 0);
            for byte in at..at + 8 {
                damaged.rot(name, byte, bytes[byte as usize]);
            }
            zeroed += 1;
            let place = format!("{name}, word at {at}");
            match log.open_damaged(&damaged, &place) {
                None => {}
                Some(14) => assert!(was_zero, "{place}: not noticed"),
                Some(n) => assert_eq!((n, name), (13, "00000002.log"), "{place}"),
            }
        }
    }
    tally(Row::Zeroings, zeroed, 1000);
}

#[test]
fn a_log_that_is_zero_from_a_place_on_opens_as_one_that_ended_there() {
    // The only damage that cannot be noticed: the frames that proved the lost ones are lost too.
    let log = Small::new();
    let name = "00000002.log";
    let bytes = log.disk.bytes(name);
    for from in (4096..log.frames_end(name)).step_by(8) {
        let damaged = log.disk.after_kill();
        for byte in from..8192 {
            damaged.rot(name, byte, bytes[byte as usize]);
        }
        let state = log.open_damaged(&damaged, &format!("zeros from {from}"));
        assert!(state.is_some(), "zeros from {from}: refused, although a crash may leave them");
    }
}

#[test]
fn a_refusal_names_the_segment_the_frame_and_the_entries() {
    let log = Small::new();
    let damaged = log.disk.after_kill();
    // In the first frame: its header, its descriptors (32 bytes each), then the first entry.
    damaged.rot("00000001.log", 4096 + 32 + 3 * 32 + 5, 1);
    let error = Log::open_on(damaged, small()).map(|_| ()).unwrap_err();
    let corruption = error.corruption().unwrap();
    assert_eq!((corruption.segment.0, corruption.offset, corruption.lsn.unwrap().0), (1, 4096, 1));
    assert_eq!(corruption.rot, Rot::Acknowledged);
    assert!(error.to_string().ends_with("; lost: g1 1..=1"), "{error}");

    let damaged = log.disk.after_kill();
    damaged.rot("00000001.log", 4096 + 9, 1);
    let error = Log::open_on(damaged, small()).map(|_| ()).unwrap_err();
    assert!(error.to_string().ends_with("; lost: g1 1..=2, g2 keys or bounds"), "{error}");
}

#[test]
fn rot_after_the_opening_is_noticed_only_by_a_read_of_the_entry() {
    let log = Small::new();
    let disk = log.disk.after_kill();
    disk.rot("00000002.log", 7000, 1); // behind the frames: no effect
    let open = Log::open_on(disk, small()).unwrap();
    open.entry(GroupId(1), Index(1)).unwrap().unwrap();

    let dir = tempfile::tempdir().unwrap();
    let open = Log::open(dir.path(), small()).unwrap();
    for n in 1..=40 {
        open.write(Batch::new().entries(GroupId(1), &[entry(n, 1, 200)])).unwrap();
    }
    let path = dir.path().join("00000001.log");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096 + 64 + 17] ^= 4; // within the first entry, whose segment is mapped
    std::fs::write(&path, bytes).unwrap();
    let error = open.entry(GroupId(1), Index(1)).unwrap_err();
    let Error::Corrupt(corruption) = &error else { panic!("{error}") };
    assert_eq!((corruption.rot, corruption.segment.0), (Rot::Read, 1));
    open.entry(GroupId(1), Index(2)).unwrap().unwrap();
    open.write(Batch::new().entries(GroupId(1), &[entry(41, 1, 5)])).unwrap();
}

#[test]
fn a_moved_record_that_rots_is_not_taken_for_torn() {
    // An old key is moved, and its segment is removed. Nothing is written after that. If one flipped bit
    // made the frame that now holds the key look torn, the key would be lost.
    let disk = SimDisk::new(12);
    let log = Log::open_on(disk.clone(), small()).unwrap();
    log.write(Batch::new().put(GroupId(1), b"old", b"and wanted")).unwrap();
    for n in 0..12 {
        log.write(Batch::new().put(GroupId(2), b"filler", &[n; 1000])).unwrap();
    }
    assert!(!log.gc().unwrap().removed.is_empty());
    drop(log);
    let last = Segment::all(&disk).pop().unwrap();
    let mut refused = 0;
    for offset in 4096..last.end() as u64 {
        let damaged = disk.after_kill();
        damaged.rot(&last.name, offset, 1 << (offset % 8));
        match Log::open_on(damaged, small()) {
            Ok(log) => assert!(log.get(GroupId(1), b"old").is_some(), "byte {offset}: lost"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 1000, "{refused}");
}

/// What a flipped bit must lead to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Verdict {
    /// The bit is in durable bytes, or in bytes that no crash can leave like this.
    Refused,
    /// The bit is in a frame that no later frame proves to be durable.
    Discarded,
    /// The bit is behind the frames, or in frames that a later segment has replaced.
    NoEffect,
}

/// Returns what a flipped bit must lead to, from the format's page alone.
fn expected_verdict(segments: &[Segment], nth: usize, offset: usize) -> Verdict {
    let (segment, next) = (&segments[nth], segments.get(nth + 1));
    let through = next.map_or(segment.proven(), |next| next.first_lsn - 1);
    let end_of = |through: u64| {
        let last = segment.frames.iter().rfind(|frame| frame.lsn <= through);
        last.map_or(4096, |frame| frame.place.end)
    };
    if offset < end_of(through) {
        return Verdict::Refused;
    }
    let is_a_frames = next.is_none() && offset < segment.end();
    if is_a_frames { Verdict::Discarded } else { Verdict::NoEffect }
}

#[test]
fn a_flipped_bit_leads_to_the_expected_verdict() {
    let mut count = 0;
    let mut verdicts = [0; 3];
    for seed in seeds(80, 800) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let disk = SimDisk::new(seed);
        let history = History::drawn(seed, 60, &Model::default(), Mix::USUAL);
        let reached = history.run(&Log::open_on(disk.clone(), small()).unwrap());
        let segments = Segment::all(&disk);
        let whole = history.states.len() - 1;
        for _ in 0..rounds(100, 400) {
            let nth = rng.random_range(0..segments.len());
            let name = &segments[nth].name;
            // Header, frames, and a few bytes behind them. The zeros between header and frames are drawn rarely.
            let places = [0..64, 4080..4112, 4096..segments[nth].end() + 64];
            let [header, gap, frames] = places;
            let place = match rng.random_range(0..10) {
                0 => header,
                1 => gap,
                _ => frames,
            };
            let offset = rng.random_range(place).min(8191);
            let damaged = disk.after_kill();
            damaged.rot(name, offset as u64, 1 << rng.random_range(0..8));
            let verdict = expected_verdict(&segments, nth, offset);
            let place = format!("seed {seed}, {name}, byte {offset}: expected {verdict:?}");
            let shown = match Log::open_on(damaged, small()) {
                Ok(log) => Some(Model::of(&log)),
                Err(error) => {
                    assert!(error.corruption().is_some() || offset < 14, "{place}: {error}");
                    None
                }
            };
            let is_as_expected = match verdict {
                Verdict::Refused => shown.is_none(),
                Verdict::Discarded => shown.is_some_and(|shown| {
                    (reached.proven..=whole).any(|state| history.states[state] == shown)
                }),
                Verdict::NoEffect => shown.as_ref() == history.states.last(),
            };
            assert!(is_as_expected, "{place}");
            verdicts[verdict as usize] += 1;
            count += 1;
        }
    }
    let [refused, discarded, nothing] = verdicts;
    println!("{refused} drawn flips refused, {discarded} discarded, {nothing} had no effect");
    assert!(verdicts.iter().all(|count| *count > 0));
    tally(Row::DrawnFlips, count, 5000);
}
