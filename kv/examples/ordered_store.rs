//! The memtable as an embedded ordered store, without Raft: nothing else of this crate is needed.
//!
//! ```text
//!   cargo run --release -p kv --example ordered_store
//! ```

use bytes::Bytes;
use kv::memtable::{Family, KeyRange, Memtable, Options, Reader, WriteBatch};
use std::error::Error;

/// Prints what a step did, and fails if it did not.
fn step(what: &str, holds: bool) -> Result<(), Box<dyn Error>> {
    if !holds {
        return Err(format!("this is not true: {what}").into());
    }
    println!("{what}");
    Ok(())
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let store = Memtable::open(dir.path(), Options::default())?;

    // A batch is written as a whole, and may touch several families.
    let mut batch = WriteBatch::new();
    for (name, color) in [("cherry", "red"), ("apple", "green"), ("date", "brown"), ("bean", "")] {
        batch.put(Family::Default, name, color);
    }
    batch.put(Family::Lock, "apple", "held by transaction 7");
    store.write(&batch)?;
    let apple = store.get(Family::Default, b"apple");
    step("an apple is green", apple.as_deref() == Some(b"green"))?;
    let lock = store.get(Family::Lock, b"apple");
    step("a family has keys of its own", lock.is_some() && lock != apple)?;
    let bean = store.get(Family::Default, b"bean");
    step("an empty value is a value", bean == Some(Bytes::new()))?;

    // A snapshot does not move. It is what iterators read from.
    let before = store.snapshot();
    let range = KeyRange::new("b", "d");
    let forward: Vec<_> = before.iter(Family::Default, &range).map(|(name, _)| &name[..]).collect();
    step("from b to d, there are bean and cherry", forward == [&b"bean"[..], b"cherry"])?;
    let last = before.iter(Family::Default, &KeyRange::all()).next_back();
    step("the last key is date", last.is_some_and(|(name, _)| name == "date"))?;

    // Removes a range, and puts a key in the same batch.
    batch.clear();
    batch.delete_range(Family::Default, "a", Some("cherry".into()));
    batch.put(Family::Default, "elder", "black");
    store.write(&batch)?;
    let keys = |view: &kv::memtable::Snapshot| view.size(Family::Default, &KeyRange::all()).keys;
    step("three keys are left: cherry, date, elder", keys(&store.snapshot()) == 3)?;
    step("the snapshot has its four keys still", keys(&before) == 4)?;

    // Only a sync makes them durable.
    let durable = store.sync()?;
    step("two batches are durable", durable.0 == 2)?;
    drop(store);
    let store = Memtable::open(dir.path(), Options::default())?;
    step("both come back", store.sequence() == durable && keys(&store.snapshot()) == 3)?;
    let elder = store.get(Family::Default, b"elder");
    step("an elder is black", elder.as_deref() == Some(b"black"))
}
