//! Collection: how much space it leaves in use, which groups it reports, and what readers notice.

use storage::{Batch, EntryId, GroupId, Index, Log, LogStats, Options, SimDisk};
use testbed::engine::entries::{entry, small};
use testbed::engine::history::Mix;
use testbed::engine::model::Model;

/// Options with segments of 64 KiB; collection depends on garbage alone.
fn medium() -> Options {
    Options { segment_bytes: 1 << 16, max_batch_bytes: 1 << 14, ..small() }
}

/// Returns how many bytes more are in use than allowed, or 0.
fn excess_bytes(stats: &LogStats, segment_bytes: u32) -> u64 {
    let used = stats.log_bytes + stats.spare_bytes;
    used.saturating_sub(3 * stats.live_bytes + 2 * u64::from(segment_bytes))
}

#[test]
fn space_stays_within_three_times_the_live_bytes_plus_two_segments() {
    // Eight busy groups and 56 idle ones. The last hundred entries of each group stay live.
    let log = Log::open_on(SimDisk::new(1), medium()).unwrap();
    let mut last = [0u64; 64];
    for round in 0..3000u64 {
        let busy = if round < 64 { round } else { round % 8 };
        let (group, slot) = (GroupId(busy), &mut last[busy as usize]);
        let entries: Vec<_> = (*slot + 1..=*slot + 20).map(|index| entry(index, 1, 100)).collect();
        let mut batch = Batch::new();
        batch.entries(group, &entries).put(group, b"hs", b"term and vote");
        *slot += 20;
        if *slot > 100 {
            batch.compact(group, EntryId::new(*slot - 100, 1));
        }
        log.append(&batch).unwrap();
        if round % 10 == 0 {
            log.gc().unwrap();
            let stats = log.stats();
            assert_eq!(excess_bytes(&stats, 1 << 16), 0, "round {round}: {stats:?}");
        }
    }
    let stats = log.stats();
    println!("{stats:?}");
    assert!(stats.live_bytes < 1 << 18 && log.groups().len() == 64);
}

#[test]
fn a_large_group_is_reported_and_moved_only_past_the_limit() {
    let options = Options { lagging_group_bytes: 20_000, force_above_bytes: 5 << 16, ..medium() };
    let log = Log::open_on(SimDisk::new(1), options).unwrap();
    let (lagging, busy) = (GroupId(1), GroupId(2));
    for index in 1..=300 {
        log.append(Batch::new().entries(lagging, &[entry(index, 1, 100)])).unwrap();
    }
    let mut index = 0;
    let mut write = |rounds: u64| {
        for _ in 0..rounds {
            index += 1;
            let mut batch = Batch::new();
            batch.entries(busy, &[entry(index, 1, 1000)]).compact(busy, EntryId::new(index, 1));
            log.append(&batch).unwrap();
        }
    };
    write(180);
    let collected = log.gc().unwrap();
    let [found] = &collected.lagging_groups[..] else { panic!("{collected:?}") };
    assert_eq!((found.group, found.entries, found.bytes), (lagging, 300, 30_000));
    assert!(collected.removed.is_empty() && collected.moved_items == 0);
    write(180);
    let collected = log.gc().unwrap();
    assert!(collected.lagging_groups.is_empty() && collected.moved_items >= 300, "{collected:?}");
    assert_eq!(log.entries(lagging, Index(1)..Index(301), u64::MAX).unwrap().len(), 300);
}

#[test]
fn one_call_moves_about_move_bytes() {
    let options = Options { move_bytes: 10_000, ..medium() };
    let log = Log::open_on(SimDisk::new(1), options).unwrap();
    for index in 1..=400 {
        log.append(Batch::new().entries(GroupId(1), &[entry(index, 1, 100)])).unwrap();
    }
    for n in 0..200 {
        log.append(Batch::new().put(GroupId(2), b"k", &[n; 1000])).unwrap();
    }
    let mut calls = 0;
    loop {
        let collected = log.gc().unwrap();
        calls += 1;
        assert!(collected.moved_bytes < 10_000 + (1 << 14), "{collected:?}");
        if !collected.is_more_to_do {
            break;
        }
    }
    assert!(calls > 3, "{calls} calls");
    assert_eq!(log.entries(GroupId(1), Index(1)..Index(401), u64::MAX).unwrap().len(), 400);
}

#[test]
fn bytes_that_a_reader_holds_outlive_their_segment() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), small()).unwrap();
    let group = GroupId(1);
    let mut held = Vec::new();
    for index in 1..=2000u64 {
        log.append(Batch::new().entries(group, &[entry(index, 1, 500)])).unwrap();
        if index % 3 == 0 && index > 20 {
            // One entry in a sealed segment, which is mapped; one in the mapped part of the tail. Longer
            // maps replace the map of the tail, but its readers still read the file.
            for back in [20, 4] {
                held.push(log.entry(group, Index(index - back)).unwrap().unwrap());
            }
        }
        if index % 50 == 0 && index > 50 {
            log.append(Batch::new().compact(group, EntryId::new(index - 25, 1))).unwrap();
            log.gc().unwrap();
            held.retain(|entry| entry.id.index.0 % 7 == 0); // so that some files are recycled
        }
    }
    assert!(held.len() > 50 && log.stats().segments < 12);
    for read in held {
        assert_eq!(read, entry(read.id.index.0, 1, 500));
    }
}

#[test]
fn rotted_bytes_get_no_new_checksum() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), small()).unwrap();
    log.append(Batch::new().entries(GroupId(1), &[entry(1, 1, 100)])).unwrap();
    for n in 0..40 {
        log.append(Batch::new().put(GroupId(2), b"k", &[n; 1000])).unwrap();
    }
    let path = dir.path().join("00000001.log");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096 + 64 + 9] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = log.gc().unwrap_err();
    assert!(error.to_string().contains("entry 1@1 cannot be moved"), "{error}");
    assert!(path.exists(), "and its segment stays");
}

#[test]
fn a_collected_log_opens_with_the_same_contents() {
    for seed in crate::counts::seeds(20, 500) {
        let disk = SimDisk::new(seed);
        let log = Log::open_on(disk.clone(), small()).unwrap();
        let history =
            testbed::engine::history::History::drawn(seed, 300, &Model::default(), Mix::USUAL);
        history.run(&log);
        while log.gc().unwrap().is_more_to_do {}
        let again = Log::open_on(disk.after_kill(), small()).unwrap();
        assert_eq!(&Model::of(&again), history.states.last().unwrap(), "seed {seed}");
        assert_eq!(again.stats().live_bytes, log.stats().live_bytes, "seed {seed}");
    }
}

#[test]
fn the_bytes_that_are_read_are_shared_and_not_copied() {
    let log = Log::open_on(SimDisk::new(1), medium()).unwrap();
    for index in 1..=200 {
        log.append(Batch::new().entries(GroupId(1), &[entry(index, 1, 1000)])).unwrap();
    }
    assert!(log.stats().segments > 2, "some entries are in sealed segments, some in the tail");
    let places = || {
        let entries = log.entries(GroupId(1), Index(1)..Index(201), u64::MAX).unwrap();
        entries.iter().map(|entry| entry.data.as_ptr()).collect::<Vec<_>>()
    };
    let first = places();
    assert!(places() == first, "a second read returned other memory");
    let gap = |pair: &[*const u8]| (pair[1] as usize).wrapping_sub(pair[0] as usize);
    let neighbours = first.windows(2).filter(|pair| (1000..1200).contains(&gap(pair))).count();
    assert!(
        neighbours > 190,
        "only {neighbours} entries lie behind the one before, as in the file"
    );
}
