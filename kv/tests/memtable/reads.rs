//! Reads and writes without a crash. The names in brackets are those of lab 1's tests.

use bytes::Bytes;
use kv::memtable::{Family, KeyRange, Memtable, Options, Reader, WriteBatch};
use storage::SimDisk;

fn open() -> Memtable<SimDisk> {
    let wal = storage::Options {
        segment_bytes: 64 << 10,
        max_batch_bytes: 4096,
        ..storage::Options::default()
    };
    Memtable::open_on(SimDisk::new(1), Options { wal }).expect("the disk works")
}

fn put(table: &Memtable<SimDisk>, family: Family, key: &'static str, value: &'static str) {
    let mut batch = WriteBatch::new();
    batch.put(family, key, value);
    table.write(&batch).expect("the disk works");
}

fn get(table: &impl Reader, key: &str) -> Option<Bytes> {
    table.get(Family::Default, key.as_bytes())
}

fn keys(table: &Memtable<SimDisk>, range: &KeyRange) -> Vec<Bytes> {
    table.snapshot().iter(Family::Default, range).map(|(key, _)| key.clone()).collect()
}

/// [raw_put, raw_get, raw_get_after_put, raw_get_after_delete, raw_get_not_found]
#[test]
fn a_key_has_the_value_that_was_put_last_until_it_is_deleted() {
    let table = open();
    assert_eq!(get(&table, "k"), None);
    put(&table, Family::Default, "k", "1");
    put(&table, Family::Default, "k", "2");
    assert_eq!(get(&table, "k"), Some("2".into()));
    let mut batch = WriteBatch::new();
    batch.delete(Family::Default, "k");
    batch.delete(Family::Default, "not there");
    table.write(&batch).unwrap();
    assert_eq!(get(&table, "k"), None);
}

/// [not_found_vs_empty_value] (SK43)
#[test]
fn an_empty_value_and_an_empty_key_are_there() {
    let table = open();
    put(&table, Family::Default, "", "");
    assert_eq!(get(&table, ""), Some(Bytes::new()));
    assert_eq!(keys(&table, &KeyRange::all()), [Bytes::new()]);
}

/// [cf_isolation] (SK41)
#[test]
fn families_share_no_key_even_if_a_prefix_would_make_them_equal() {
    let table = open();
    put(&table, Family::Default, "lock_a", "1");
    put(&table, Family::Lock, "a", "2");
    put(&table, Family::Write, "lock_a", "3");
    assert_eq!(table.get(Family::Default, b"a"), None);
    assert_eq!(table.get(Family::Lock, b"lock_a"), None);
    assert_eq!(table.get(Family::Lock, b"a"), Some("2".into()));
    let mut batch = WriteBatch::new();
    batch.delete_range(Family::Write, "", None);
    table.write(&batch).unwrap();
    assert_eq!(table.get(Family::Default, b"lock_a"), Some("1".into()));
    assert_eq!(table.get(Family::Write, b"lock_a"), None);
}

/// [raw_scan, raw_scan_after_put, raw_scan_after_delete, scan_bounds, iter_with_delete] (SK29, SK42)
#[test]
fn a_scan_begins_with_its_first_key_and_ends_before_its_last() {
    let table = open();
    for key in ["a", "aa", "ab", "b", "c"] {
        put(&table, Family::Default, key, "");
    }
    assert_eq!(keys(&table, &KeyRange::new("a", "b")), ["a", "aa", "ab"]);
    assert_eq!(keys(&table, &KeyRange::new("aa", "aa")), [""; 0], "empty");
    assert_eq!(keys(&table, &KeyRange::new("b", "a")), [""; 0], "backwards");
    let open_end = KeyRange { from: "ab".into(), to: None };
    assert_eq!(keys(&table, &open_end), ["ab", "b", "c"], "no end is not the smallest key");
    let mut batch = WriteBatch::new();
    batch.delete(Family::Default, "aa");
    batch.put(Family::Default, "a0", "");
    table.write(&batch).unwrap();
    assert_eq!(keys(&table, &KeyRange::new("a", "b")), ["a", "a0", "ab"]);
}

/// [snapshot_reader_isolation] (SK40)
#[test]
fn a_snapshot_does_not_change() {
    let table = open();
    put(&table, Family::Default, "k", "old");
    let snapshot = table.snapshot();
    put(&table, Family::Default, "k", "new");
    put(&table, Family::Default, "l", "new");
    assert_eq!(get(&snapshot, "k"), Some("old".into()));
    assert_eq!(get(&snapshot, "l"), None);
    drop(table);
    assert_eq!(get(&snapshot, "k"), Some("old".into()), "it outlives the memtable");
}

#[test]
fn changes_of_a_batch_are_made_in_order() {
    let table = open();
    let mut batch = WriteBatch::new();
    batch.put(Family::Default, "a", "1");
    batch.delete_range(Family::Default, "", None);
    batch.put(Family::Default, "b", "2");
    batch.put(Family::Default, "b", "3");
    table.write(&batch).unwrap();
    assert_eq!(get(&table, "a"), None);
    assert_eq!(get(&table, "b"), Some("3".into()));
}

#[test]
fn a_batch_that_is_too_long_is_refused_and_the_memtable_goes_on() {
    let wal = storage::Options {
        segment_bytes: 64 << 10,
        max_batch_bytes: 4096,
        ..storage::Options::default()
    };
    let table = Memtable::open_on(SimDisk::new(1), Options { wal }).unwrap();
    let mut batch = WriteBatch::new();
    batch.put(Family::Default, "k", vec![0; 5000]);
    let error = table.write(&batch).unwrap_err();
    assert!(error.is_refusal(), "{error}");
    assert!(error.to_string().contains("4096"), "{error}");
    assert_eq!(get(&table, "k"), None);
    let mut batch = WriteBatch::new();
    batch.put(Family::Default, "k", "short");
    table.write(&batch).unwrap();
    assert_eq!(get(&table, "k"), Some("short".into()));
}

#[test]
fn a_directory_is_opened_once() {
    let disk = SimDisk::new(1);
    let table = Memtable::open_on(disk.clone(), Options::default()).unwrap();
    let Err(error) = Memtable::open_on(disk.clone(), Options::default()) else { panic!("twice") };
    assert!(error.to_string().contains("already open"), "{error}");
    drop(table);
    Memtable::open_on(disk, Options::default()).unwrap();
}
