//! Runs the fuzz targets without a fuzzer: on the kept seeds, and on damaged copies of them.
//!
//! ```text
//!   scenes --write--> fuzz/seeds/ --.--> unchanged
//!                                   '--> damaged copies --> all four targets
//! ```
//!
//! `STORAGE_FIXTURE=write` writes the seeds again. `STORAGE_PROOF=long` runs ten times as many
//! copies.

use super::*;
use crate::disk::DiskFile;
use crate::format::Flags;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{env, fs, panic};

/// Numbers at the limits of lengths, counts, indexes and LSNs.
const NUMBERS: [u64; 14] = [
    0,
    1,
    7,
    8,
    31,
    32,
    33,
    0xffff,
    u32::MAX as u64,
    (1 << 28) - 1,
    1 << 62,
    (1 << 62) - 1,
    (1 << 62) + 1,
    u64::MAX,
];

/// Returns an entry of `len` bytes.
fn entry(index: u64, term: u64, len: usize) -> Entry {
    Entry { id: EntryId::new(index, term), data: vec![index as u8; len].into() }
}

/// Returns a batch with an item of every kind.
fn everything() -> Batch {
    let (one, two) = (GroupId(1), GroupId(2));
    let mut batch = Batch::new();
    batch.entries(one, &[entry(1, 1, 30), entry(2, 1, 0)]).put(one, b"key", b"value");
    batch.delete(one, b"key").compact(one, EntryId::new(1, 1)).reset(two, EntryId::new(9, 3));
    batch.remove_group(one).moved(two, EntryId::new(10, 3), b"moved");
    batch
}

/// Returns frames, each with a name.
fn frames() -> Vec<(String, Vec<u8>)> {
    let mut small = Batch::new();
    small.entries(GroupId(7), &[entry(1, 1, 5)]);
    let drafts = [
        ("empty", Draft::new(&[], &[], Flags::Seal), 3),
        ("small", small.draft(Flags::Batch, 4096).unwrap(), 1),
        ("everything", everything().draft(Flags::Moved, 4096).unwrap(), 1 << 62),
    ];
    let salt = Salt::new(SALT);
    let place = |(name, draft, lsn): (&str, Draft, u64)| {
        (name.to_string(), draft.place(Lsn(lsn), Lsn(lsn - 1), salt))
    };
    let mut seeds: Vec<(String, Vec<u8>)> = drafts.into_iter().map(place).collect();
    // Its durable LSN is later than its own LSN. Only mended checksums let the decoder see this.
    let mut foreseen = seeds[1].1.clone();
    foreseen[16] = 9;
    seeds.push(("foreseen".into(), foreseen));
    seeds
}

/// Returns directories, each with a name.
fn directories() -> Vec<(String, Vec<u8>)> {
    let new_log = |seed| {
        let disk = SimDisk::new(seed);
        (disk.clone(), Log::open_on(disk, options()).unwrap())
    };
    let bytes_of = |disk: &SimDisk| directory::bytes_of(&disk.after_kill());
    let mut seeds = vec![("nothing".to_string(), Vec::new())];

    let (disk, log) = new_log(1);
    seeds.push(("new".into(), bytes_of(&disk)));
    // After one more frame there is no LSN left.
    let mut near_the_end = bytes_of(&disk);
    near_the_end[3 + 40..][..8].copy_from_slice(&(Lsn::LAST.0 - 1).to_le_bytes());
    mend::header(&mut near_the_end[3..]);
    seeds.push(("near_the_last_lsn".into(), near_the_end));
    let mut batch = Batch::new();
    batch.entries(GroupId(1), &[entry(1, 1, 30), entry(2, 1, 0)]).put(GroupId(2), b"k", b"v");
    log.write(&batch).unwrap();
    log.append(Batch::new().entries(GroupId(1), &[entry(2, 2, 9)])).unwrap();
    log.append(Batch::new().compact(GroupId(1), EntryId::new(1, 1))).unwrap();
    seeds.push(("little".into(), bytes_of(&disk)));
    log.close().unwrap();
    seeds.push(("closed".into(), bytes_of(&disk)));

    let (disk, log) = new_log(2);
    log.append(Batch::new().put(GroupId(2), b"idle", b"and wanted")).unwrap();
    log.append(Batch::new().reset(GroupId(3), EntryId::new(100, 7))).unwrap();
    for index in 1..=14 {
        let mut batch = Batch::new();
        batch.entries(GroupId(1), &[entry(index, 1, 700), entry(index + 1, 1, 10)]);
        batch.compact(GroupId(1), EntryId::new(index, 1));
        log.append(&batch).unwrap();
    }
    seeds.push(("segments".into(), bytes_of(&disk)));
    log.gc().unwrap();
    log.sync_to(log.appended_lsn()).unwrap();
    seeds.push(("collected".into(), bytes_of(&disk)));
    seeds
}

/// Returns directories that are refused, each with a name. The first frame of each has matching
/// checksums, and an index that no entry may have.
fn refused() -> Vec<(String, Vec<u8>)> {
    let mut far_entry = Batch::new();
    far_entry.entries(GroupId(1), &[entry(1, 1, 9)]);
    let mut far_reset = Batch::new();
    far_reset.reset(GroupId(1), EntryId::new(1, 1));
    let far = |(name, batch): (&str, Batch)| {
        let disk = SimDisk::new(3);
        let log = Log::open_on(disk.clone(), options()).unwrap();
        log.write(&batch).unwrap();
        log.write(Batch::new().put(GroupId(2), b"k", b"v")).unwrap();
        let mut segment = disk.bytes("00000001.log");
        segment[4096 + 32 + 8..][..8].copy_from_slice(&u64::MAX.to_le_bytes());
        mend::segment(&mut segment);
        disk.open("00000001.log").unwrap().write_all_at(0, &segment).unwrap();
        (name.to_string(), directory::bytes_of(&disk))
    };
    [("far_entry", far_entry), ("far_reset", far_reset)].map(far).into()
}

/// Returns the directory with the seeds of a target and of its mended form.
fn kept_at(body: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(body)
}

/// Returns the kept seeds of a target, in the order of their names.
fn kept(body: &str) -> Vec<(String, Vec<u8>)> {
    let dir = kept_at(body);
    let files = fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

/// Damages bytes, 1 to 5 times. One kind of damage inserts a piece of another seed.
fn damage(bytes: &mut Vec<u8>, seeds: &[(String, Vec<u8>)], rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(1..6) {
        let at = rng.random_range(0..=bytes.len());
        let to = (at + rng.random_range(0..40usize)).min(bytes.len());
        match rng.random_range(0..8) {
            0 if at < to => bytes[at] ^= 1 << rng.random_range(0..8),
            1 if at < to => bytes[at] = rng.random(),
            2 | 3 => {
                // Mostly where a field may begin. In a directory, 3 bytes precede a file's content.
                let at = [at, at & !7, (at & !7) + 3].choose(rng).copied().unwrap();
                let number = NUMBERS.choose(rng).unwrap().to_le_bytes();
                let len = [1, 2, 4, 8].choose(rng).copied().unwrap();
                let len = bytes.len().saturating_sub(at).min(len);
                if len > 0 {
                    bytes[at..at + len].copy_from_slice(&number[..len]);
                }
            }
            4 => drop(bytes.drain(at..to)),
            5 => {
                let piece = bytes[at..to].to_vec();
                bytes.splice(at..at, piece);
            }
            6 => {
                let (_, other) = seeds.choose(rng).unwrap();
                let from = rng.random_range(0..=other.len());
                let end = (from + rng.random_range(0..200usize)).min(other.len());
                bytes.splice(at..to, other[from..end].iter().copied());
            }
            _ => bytes.resize(at + rng.random_range(0..16usize), rng.next_u32() as u8),
        }
    }
}

/// Runs a target on the seeds, and on `copies` damaged copies of them. Returns `copies`.
fn run(body: fn(&[u8]), seeds: &[(String, Vec<u8>)], copies: u64) -> u64 {
    for (name, bytes) in seeds {
        println!("seed {name}");
        body(bytes);
    }
    for copy in 0..copies {
        let mut rng = ChaCha8Rng::seed_from_u64(copy);
        let (name, seed) = seeds.choose(&mut rng).unwrap();
        let mut bytes = seed.clone();
        damage(&mut bytes, seeds, &mut rng);
        let outcome = panic::catch_unwind(|| body(&bytes));
        if let Err(panic) = outcome {
            println!("copy {copy}, of {name}: {}", bytes.escape_ascii());
            panic::resume_unwind(panic);
        }
    }
    copies
}

/// Returns how many damaged copies to try.
fn copies(quick: u64) -> u64 {
    if env::var("STORAGE_PROOF").as_deref() == Ok("long") { 10 * quick } else { quick }
}

#[test]
fn the_seeds_that_are_kept_are_what_the_engine_writes() {
    for (body, seeds) in
        [("frame", frames()), ("directory", directories()), ("directory", refused())]
    {
        for (name, bytes) in &seeds {
            let path = kept_at(body).join(name);
            if env::var("STORAGE_FIXTURE").as_deref() == Ok("write") {
                fs::create_dir_all(kept_at(body)).unwrap();
                fs::write(&path, bytes).unwrap();
            }
            let kept = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            assert!(kept == *bytes, "{} differs from what is written", path.display());
        }
    }
}

#[test]
fn seeds_are_frames_and_logs() {
    for (name, bytes) in frames().into_iter().filter(|(name, _)| name != "foreseen") {
        let lsn = FrameHeader::decode(&bytes, Salt::new(SALT)).unwrap().lsn;
        assert!(Frame::decode(&bytes, Salt::new(SALT), lsn).is_ok(), "{name}");
    }
    for (name, bytes) in directories() {
        let disk = directory::disk_of(&bytes, |_| {});
        assert_eq!(directory::bytes_of(&disk), bytes, "{name}");
        let mended = directory::disk_of(&bytes, mend::segment);
        for file in disk.list().unwrap() {
            assert!(disk.bytes(&file) == mended.bytes(&file), "{name}: mending changed it");
        }
        Log::open_on(disk, options()).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    for (name, bytes) in refused() {
        let opened = Log::open_on(directory::disk_of(&bytes, |_| {}), options());
        assert!(opened.is_err(), "{name}");
    }
}

#[test]
fn the_targets_pass_on_seeds_and_damaged_copies() {
    let (frames, directories) = (kept("frame"), kept("directory"));
    let in_frames =
        run(frame, &frames, copies(40_000)) + run(frame_mended, &frames, copies(40_000));
    let in_directories = run(directory, &directories, copies(1200))
        + run(directory_mended, &directories, copies(1200));
    let told = format!("{in_frames} damaged frames and {in_directories} damaged directories\n");
    let _ = io::stdout().write_all(told.as_bytes()); // past the harness: see tests/proof/counts.rs
}
