//! What commands do: one by one, and many in one batch against many in as many batches.

use crate::draw::any_write;
use crate::open;
use bytes::Bytes;
use kv::memtable::{Family, KeyRange, Memtable, WriteBatch};
use kv::model::*;
use proptest::prelude::*;
use storage::SimDisk;

const LIMIT: usize = 1000;

fn region() -> Region {
    let epoch = Epoch { version: 1, conf_version: 1 };
    Region { id: RegionId(1), start: "b".into(), end: Some("y".into()), epoch, peers: Vec::new() }
}

/// Evaluates a write as an entry of its own, and makes its changes.
fn run(table: &Memtable<SimDisk>, write: &Write) -> Outcome {
    let mut pending = Pending::new(table);
    pending.begin_entry(LIMIT);
    let outcome = evaluate(write, &region(), &mut pending);
    let changes = pending.take_changes();
    table.write(&changes).expect("the disk works");
    outcome
}

fn values(table: &Memtable<SimDisk>) -> Vec<(Bytes, Bytes)> {
    let view = table.snapshot();
    let all = view.iter(Family::Default, &KeyRange::all());
    all.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn put(key: &'static str, value: &'static str) -> Write {
    Write::Put { key: key.into(), value: value.into() }
}

fn add(key: &'static str, delta: i64) -> Write {
    Write::Add { key: key.into(), delta }
}

fn append(key: &'static str, value: impl Into<Bytes>) -> Write {
    Write::Append { key: key.into(), value: value.into() }
}

#[test]
fn each_kind_does_what_it_says() {
    let table = open();
    assert_eq!(run(&table, &put("k", "1")), Outcome::Done);
    assert_eq!(run(&table, &add("k", 41)), Outcome::Number(42));
    assert_eq!(run(&table, &add("new", -3)), Outcome::Number(-3));
    assert_eq!(run(&table, &append("k", "0")), Outcome::Length(3));
    assert_eq!(run(&table, &append("other", "x")), Outcome::Length(1));
    assert_eq!(run(&table, &Write::Delete { key: "other".into() }), Outcome::Done);
    assert_eq!(values(&table), [("k".into(), "420".into()), ("new".into(), "-3".into())]);
}

#[test]
fn a_range_is_removed_within_the_region_only() {
    let table = open();
    let mut outside = WriteBatch::new();
    outside.put(Family::Default, "a", "another region's");
    outside.put(Family::Default, "z", "another region's");
    table.write(&outside).expect("the disk works");
    run(&table, &put("c", ""));
    let all = Write::DeleteRange { from: Bytes::new(), to: None };
    assert_eq!(run(&table, &all), Outcome::Done);
    assert_eq!(values(&table).len(), 2);
}

#[test]
fn what_cannot_be_done_is_refused_and_leaves_nothing_behind() {
    let table = open();
    for (key, value) in
        [("word", "x"), ("plus", "+1"), ("none", "01"), ("most", "9223372036854775807")]
    {
        run(&table, &put(key, value));
    }
    let before = values(&table);
    let refused = |write: &Write| {
        let outcome = run(&table, write);
        let Outcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
        refusal
    };
    assert_eq!(refused(&add("word", 1)), Refusal::NotANumber);
    assert_eq!(refused(&add("plus", 1)), Refusal::NotANumber, "not as we write numbers");
    assert_eq!(refused(&add("none", 1)), Refusal::NotANumber);
    assert_eq!(refused(&add("most", 1)), Refusal::OutOfRange);
    assert_eq!(refused(&put("a", "")), Refusal::KeyNotInRegion);
    assert_eq!(refused(&put("y", "")), Refusal::KeyNotInRegion, "the end is not in the region");
    let txn = Write::Txn {
        compares: vec![],
        then: vec![
            put("k", "1"),
            add("k", 1),
            Write::Delete { key: "word".into() },
            add("most", 1),
        ],
        otherwise: vec![],
    };
    assert_eq!(refused(&txn), Refusal::OutOfRange);
    assert_eq!(values(&table), before);
}

#[test]
fn an_entry_changes_as_much_as_its_limit_and_no_more() {
    let table = open();
    let longest = LIMIT - 1 - 9;
    assert_eq!(run(&table, &append("k", vec![b'x'; longest])), Outcome::Length(longest as u64));
    let Outcome::Refused(Refusal::TooLong { bytes }) = run(&table, &append("k", "x")) else {
        panic!("it is not refused")
    };
    assert_eq!(bytes, LIMIT as u64 + 1);

    // Two commands of one entry share the limit; the next entry begins again.
    let mut pending = Pending::new(&table);
    pending.begin_entry(LIMIT);
    let half = append("l", vec![b'x'; 600]);
    assert_eq!(evaluate(&half, &region(), &mut pending), Outcome::Length(600));
    assert!(matches!(evaluate(&half, &region(), &mut pending), Outcome::Refused(_)));
    assert_eq!(evaluate(&put("m", "small"), &region(), &mut pending), Outcome::Done);
    pending.begin_entry(LIMIT);
    assert_eq!(evaluate(&put("l", "short"), &region(), &mut pending), Outcome::Done);
    let half = append("n", vec![b'x'; 600]);
    assert_eq!(
        evaluate(&half, &region(), &mut pending),
        Outcome::Length(600),
        "a limit of its own"
    );
}

/// A long value that is appended to again and again would take a thousand times its length.
#[test]
fn what_a_transaction_copies_is_limited_and_not_only_what_it_leaves() {
    let table = open();
    assert_eq!(run(&table, &append("k", vec![b'x'; 500])), Outcome::Length(500));
    let appends = |count| Write::Txn {
        compares: vec![],
        then: vec![append("k", "x"); count],
        otherwise: vec![],
    };
    assert!(matches!(run(&table, &appends(1)), Outcome::Txn { .. }));
    let Outcome::Refused(Refusal::TooLong { bytes }) = run(&table, &appends(100)) else {
        panic!("it is not refused")
    };
    assert!(bytes < 2 * LIMIT as u64, "it is refused at the first that is too much: {bytes}");
}

#[test]
fn a_transaction_sees_what_it_has_done() {
    let table = open();
    let equals = Compare { key: "k".into(), condition: Condition::Equals("1".into()) };
    let missing = Compare { key: "l".into(), condition: Condition::Missing };
    let txn = Write::Txn {
        compares: vec![equals, missing],
        then: vec![
            add("k", 1),
            add("k", 1),
            Write::DeleteRange { from: "k".into(), to: None },
            append("k", "z"),
        ],
        otherwise: vec![put("k", "1")],
    };
    let outcome = Outcome::Txn { succeeded: false, results: vec![Outcome::Done] };
    assert_eq!(run(&table, &txn), outcome);
    let results = vec![Outcome::Number(2), Outcome::Number(3), Outcome::Done, Outcome::Length(1)];
    assert_eq!(run(&table, &txn), Outcome::Txn { succeeded: true, results });
    assert_eq!(values(&table), [("k".into(), "z".into())]);
}

proptest! {
    /// Commands of one round see each other through `Pending`, as if each were applied by itself.
    #[test]
    fn many_commands_in_one_batch_do_what_they_do_in_many(
        writes in proptest::collection::vec(any_write(few_keys().boxed()), 1..20),
    ) {
        let (one, many) = (open(), open());
        let mut pending = Pending::new(&one);
        let mut together = Vec::new();
        let mut changes = WriteBatch::new();
        for write in &writes {
            pending.begin_entry(LIMIT);
            together.push(evaluate(write, &region(), &mut pending));
            changes.append(pending.take_changes());
        }
        one.write(&changes).expect("the disk works");
        let apart: Vec<_> = writes.iter().map(|write| run(&many, write)).collect();
        prop_assert_eq!(together, apart);
        prop_assert_eq!(values(&one), values(&many));
    }
}

fn few_keys() -> impl Strategy<Value = Bytes> {
    proptest::sample::select(vec!["a", "b", "c", "ca", "d", "x", "y", ""]).prop_map(Bytes::from)
}
