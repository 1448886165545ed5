//! Batches and reads, one rule each.

use storage::{Batch, EntryId, Error, GroupId, Index, Log, Lsn, Options, SimDisk, Term};
use testbed::engine::entries::entry;
use testbed::engine::model::Model;

const G: GroupId = GroupId(7);

fn new_log() -> Log<SimDisk> {
    Log::open_on(SimDisk::new(1), testbed::engine::entries::small()).unwrap()
}

fn log_with(entries: &[(u64, u64)]) -> Log<SimDisk> {
    let log = new_log();
    let entries: Vec<_> = entries.iter().map(|(index, term)| entry(*index, *term, 10)).collect();
    log.write(Batch::new().entries(G, &entries)).unwrap();
    log
}

fn names(log: &Log<SimDisk>) -> Vec<String> {
    let (first, last) = (log.first_index(G).unwrap(), log.last_index(G).unwrap());
    let entries = log.entries(G, first..Index(last.0 + 1), u64::MAX).unwrap();
    entries.iter().map(|entry| entry.id.to_string()).collect()
}

#[test]
fn an_entry_is_read_as_it_was_appended() {
    let log = log_with(&[(1, 1), (2, 1), (3, 2)]);
    assert_eq!(log.entry(G, Index(3)).unwrap(), Some(entry(3, 2, 10)));
    assert_eq!(log.entry(G, Index(4)).unwrap(), None);
    assert_eq!(log.entry(G, Index(0)).unwrap(), None);
    assert_eq!(log.entry(GroupId(8), Index(1)).unwrap(), None);
    assert_eq!((log.first_index(G), log.last_index(G)), (Some(Index(1)), Some(Index(3))));
    assert_eq!(log.first_index(GroupId(8)), None);
}

#[test]
fn a_batch_is_visible_before_it_is_durable() {
    let log = new_log();
    let lsn = log.append(Batch::new().entries(G, &[entry(1, 1, 10)])).unwrap();
    assert_eq!(log.entry(G, Index(1)).unwrap(), Some(entry(1, 1, 10)));
    assert_eq!((lsn, log.durable_lsn()), (Lsn(1), Lsn(0)));
    log.sync_to(lsn).unwrap();
    assert_eq!(log.durable_lsn(), Lsn(1));
}

#[test]
fn an_entry_replaces_all_entries_from_its_index_on() {
    let log = log_with(&[(1, 1), (2, 1), (3, 1), (4, 1)]);
    log.write(Batch::new().entries(G, &[entry(3, 2, 5)])).unwrap();
    assert_eq!(names(&log), ["1@1", "2@1", "3@2"]);
    assert_eq!(log.term(G, Index(4)), None);
    log.write(Batch::new().entries(G, &[entry(1, 3, 5)])).unwrap();
    assert_eq!(names(&log), ["1@3"]);
}

#[test]
fn a_gap_is_refused_and_nothing_is_written() {
    let log = log_with(&[(1, 1)]);
    let before = log.appended_lsn();
    let mut batch = Batch::new();
    batch.put(G, b"k", b"v").entries(G, &[entry(2, 1, 5)]).entries(G, &[entry(4, 1, 5)]);
    let error = log.append(&batch).unwrap_err();
    assert!(matches!(error, Error::Gap { index: Index(4), last: Index(2), .. }), "{error}");
    assert_eq!(error.to_string(), "g7: index 4 leaves a gap: the log ends at 2");
    assert_eq!((log.appended_lsn(), names(&log)), (before, vec!["1@1".to_string()]));
    assert_eq!(log.get(G, b"k"), None, "a batch is written whole or not at all");
    log.append(Batch::new().entries(G, &[entry(2, 1, 5)])).unwrap();
}

#[test]
fn compacted_entries_are_gone_and_the_last_ones_term_is_kept() {
    let log = log_with(&[(1, 1), (2, 1), (3, 2), (4, 2)]);
    log.write(Batch::new().compact(G, EntryId::new(3, 2))).unwrap();
    assert_eq!((log.first_index(G), log.last_index(G)), (Some(Index(4)), Some(Index(4))));
    assert_eq!((log.term(G, Index(3)), log.term(G, Index(2))), (Some(Term(2)), None));
    let error = log.entries(G, Index(3)..Index(5), 0).unwrap_err();
    assert!(matches!(error, Error::Compacted { index: Index(3), first: Index(4), .. }));
    for index in [0, 3] {
        let error = log.append(Batch::new().entries(G, &[entry(index, 5, 5)])).unwrap_err();
        assert!(matches!(error, Error::Compacted { .. } | Error::OutOfRange { .. }), "{error}");
    }
    log.write(Batch::new().compact(G, EntryId::new(4, 2))).unwrap();
    assert_eq!((log.first_index(G), log.last_index(G)), (Some(Index(5)), Some(Index(4))));
    log.write(Batch::new().entries(G, &[entry(5, 9, 1)])).unwrap();
    assert_eq!(names(&log), ["5@9"]);
}

#[test]
fn a_compaction_names_an_entry_of_the_log() {
    let log = log_with(&[(1, 1), (2, 1), (3, 2)]);
    let compact = |index, term| log.append(Batch::new().compact(G, EntryId::new(index, term)));
    assert!(matches!(compact(4, 2), Err(Error::Gap { last: Index(3), .. })));
    assert!(matches!(compact(2, 2), Err(Error::Mismatch { held: Term(1), .. })));
    compact(2, 1).unwrap();
    assert!(matches!(compact(1, 1), Err(Error::Compacted { first: Index(3), .. })));
    compact(2, 1).unwrap();
    assert_eq!(names(&log), ["3@2"]);
    let unknown = log.append(Batch::new().compact(GroupId(9), EntryId::new(0, 0)));
    assert!(matches!(unknown, Err(Error::UnknownGroup { group: GroupId(9) })));
}

#[test]
fn a_compaction_may_name_an_entry_of_its_own_batch() {
    let log = log_with(&[(1, 1), (2, 1), (3, 1)]);
    let mut batch = Batch::new();
    batch.entries(G, &[entry(2, 4, 9), entry(3, 5, 9)]).compact(G, EntryId::new(2, 4));
    log.write(&batch).unwrap();
    assert_eq!(names(&log), ["3@5"]);
    let stale =
        log.append(Batch::new().entries(G, &[entry(3, 6, 1)]).compact(G, EntryId::new(3, 5)));
    assert!(matches!(stale, Err(Error::Mismatch { held: Term(6), .. })), "{stale:?}");
}

#[test]
fn a_reset_lets_the_log_begin_anywhere() {
    let log = log_with(&[(1, 1), (2, 1)]);
    log.write(Batch::new().put(G, b"k", b"v").reset(G, EntryId::new(40, 7))).unwrap();
    assert_eq!((log.first_index(G), log.last_index(G)), (Some(Index(41)), Some(Index(40))));
    assert_eq!(log.term(G, Index(40)), Some(Term(7)));
    assert_eq!(log.get(G, b"k").as_deref(), Some(&b"v"[..]), "a reset does not touch keys");
    log.write(Batch::new().entries(G, &[entry(41, 7, 3)])).unwrap();
    log.write(Batch::new().reset(G, EntryId::new(1, 1)).entries(G, &[entry(2, 1, 3)])).unwrap();
    assert_eq!(names(&log), ["2@1"]);
}

#[test]
fn a_removed_group_is_gone_with_its_keys_and_may_be_created_again() {
    let log = log_with(&[(1, 1), (2, 1)]);
    log.write(Batch::new().put(G, b"k", b"v")).unwrap();
    log.write(Batch::new().remove_group(G)).unwrap();
    assert_eq!((log.groups(), log.get(G, b"k")), (vec![], None));
    assert!(matches!(
        log.append(Batch::new().remove_group(G)),
        Err(Error::UnknownGroup { group: G })
    ));
    log.write(Batch::new().entries(G, &[entry(1, 5, 2)])).unwrap();
    assert_eq!(names(&log), ["1@5"]);
}

#[test]
fn a_range_returns_at_least_one_entry_and_as_many_as_fit() {
    let log = log_with(&[(1, 1), (2, 1), (3, 1), (4, 1)]); // ten bytes each
    let count = |from, to, max| log.entries(G, Index(from)..Index(to), max).unwrap().len();
    assert_eq!((count(1, 5, 0), count(1, 5, 9), count(1, 5, 10)), (1, 1, 1));
    assert_eq!((count(1, 5, 19), count(1, 5, 20), count(1, 5, 40)), (1, 2, 4));
    assert_eq!((count(2, 3, u64::MAX), count(4, 5, 0), count(3, 3, 0)), (1, 1, 0));
    let error = log.entries(G, Index(3)..Index(6), 0).unwrap_err();
    assert!(matches!(error, Error::Beyond { index: Index(5), last: Index(4), .. }), "{error}");
    let error = log.entries(GroupId(1), Index(1)..Index(2), 0).unwrap_err();
    assert!(matches!(error, Error::UnknownGroup { .. }));
}

#[test]
fn empty_entries_and_empty_batches_are_allowed() {
    let log = new_log();
    assert_eq!(log.append(&Batch::new()).unwrap(), Lsn(0));
    log.write(Batch::new().entries(G, &[entry(1, 1, 0), entry(2, 1, 0)])).unwrap();
    assert_eq!(log.write(&Batch::new()).unwrap(), Lsn(1), "an empty batch writes nothing");
    assert_eq!(log.entry(G, Index(2)).unwrap(), Some(entry(2, 1, 0)));
    log.write(Batch::new().put(G, b"", b"")).unwrap();
    assert_eq!(log.get(G, b"").as_deref(), Some(&b""[..]));
}

#[test]
fn terms_are_known_run_by_run() {
    let log = log_with(&[(1, 1), (2, 1), (3, 4), (4, 4), (5, 2)]);
    let terms =
        |log: &Log<SimDisk>| (0..7).map(|i| log.term(G, Index(i)).map(|t| t.0)).collect::<Vec<_>>();
    assert_eq!(terms(&log), [Some(0), Some(1), Some(1), Some(4), Some(4), Some(2), None]);
    log.write(Batch::new().compact(G, EntryId::new(3, 4))).unwrap();
    assert_eq!(terms(&log), [None, None, None, Some(4), Some(4), Some(2), None]);
    log.write(Batch::new().entries(G, &[entry(4, 4, 1), entry(5, 5, 1)])).unwrap();
    assert_eq!(terms(&log), [None, None, None, Some(4), Some(4), Some(5), None]);
}

#[test]
fn a_batch_that_fits_no_frame_is_refused() {
    let log = new_log();
    let error = log.append(Batch::new().entries(G, &[entry(1, 1, 3000)])).unwrap_err();
    assert!(matches!(error, Error::TooLarge { bytes: 3064, limit_bytes: 2048 }), "{error}");
    let options =
        Options { max_batch_bytes: 4 << 20, segment_bytes: 8 << 20, ..Options::default() };
    let log = Log::open_on(SimDisk::new(1), options).unwrap();
    let mut batch = Batch::new();
    for index in 1..=65536 {
        batch.entries(G, &[entry(index, 1, 0)]);
    }
    let error = log.append(&batch).unwrap_err();
    assert!(matches!(error, Error::TooManyItems { items: 65536, limit: 65535 }), "{error}");
    assert_eq!(log.groups(), []);
}

#[test]
fn the_longest_batch_fits_a_segment_exactly() {
    let longest = 4096 - 128; // the last 64th of a segment holds no frames
    let options = Options { max_batch_bytes: longest, ..testbed::engine::entries::small() };
    let disk = SimDisk::new(1);
    let log = Log::open_on(disk.clone(), options.clone()).unwrap();
    for index in 1..=3 {
        let entries = [entry(index, 1, longest as usize - 64)];
        log.write(Batch::new().entries(G, &entries)).unwrap();
        let too_long =
            log.append(Batch::new().entries(G, &[entry(index + 1, 1, longest as usize - 63)]));
        assert!(matches!(too_long, Err(Error::TooLarge { bytes: 3976, limit_bytes: 3968 })));
    }
    let again = Log::open_on(disk.after_kill(), options).unwrap();
    assert_eq!(again.entry(G, Index(3)).unwrap(), Some(entry(3, 1, longest as usize - 64)));
    assert_eq!(Model::of(&again), Model::of(&log));
}

#[test]
fn an_index_beyond_the_last_allowed_one_is_refused() {
    let log = new_log();
    let far = EntryId::new((1 << 62) + 1, 1);
    let reset = log.append(Batch::new().reset(G, far));
    assert!(matches!(reset, Err(Error::OutOfRange { .. })));
    let last = EntryId::new(1 << 62, 1);
    log.write(Batch::new().reset(G, last)).unwrap();
    let beyond = log.append(Batch::new().entries(G, &[entry((1 << 62) + 1, 1, 0)]));
    assert!(matches!(beyond, Err(Error::OutOfRange { .. })));
}

#[test]
fn an_lsn_that_was_not_appended_cannot_be_synced() {
    let error = new_log().sync_to(Lsn(1)).unwrap_err();
    assert!(matches!(error, Error::NotAppended { lsn: Lsn(1), last: Lsn(0) }), "{error}");
}

#[test]
fn a_batch_of_many_groups_costs_one_sync() {
    let log = log_with(&[(1, 1)]);
    let before = log.stats().syncs;
    let mut batch = Batch::new();
    for group in 10..20 {
        batch.entries(GroupId(group), &[entry(1, 1, 20)]).put(GroupId(group), b"hs", b"state");
    }
    log.write(&batch).unwrap();
    assert_eq!(log.stats().syncs - before, 1);
}

#[test]
fn keys_are_scanned_by_prefix_in_order() {
    let log = new_log();
    let mut batch = Batch::new();
    for key in ["b2", "a", "b1", "b", "c"] {
        batch.put(G, key.as_bytes(), b"v");
    }
    log.write(&batch).unwrap();
    let keys: Vec<_> = log.scan(G, b"b").into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["b", "b1", "b2"]);
    log.write(Batch::new().delete(G, b"b1").delete(G, b"never there")).unwrap();
    assert_eq!(log.scan(G, b"b").len(), 2);
}

#[test]
fn a_log_shows_the_same_after_it_is_opened_again() {
    let disk = SimDisk::new(3);
    let log = Log::open_on(disk.clone(), testbed::engine::entries::small()).unwrap();
    for index in 1..200 {
        log.append(Batch::new().entries(G, &[entry(index, index / 20, 40)])).unwrap();
    }
    assert!(log.stats().segments > 2, "there are entries in sealed segments and in the tail");
    let held = Model::of(&log);
    let again = Log::open_on(disk.after_kill(), testbed::engine::entries::small()).unwrap();
    assert_eq!(Model::of(&again), held);
    assert_eq!(again.stats().live_bytes, log.stats().live_bytes);
}
