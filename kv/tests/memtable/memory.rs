//! What a small value keeps in memory: itself, and not the Raft entry that brought it.
//!
//! ```text
//!   entry:  | ... 1 MB of other commands ... | k | v |
//!                                              '---'--> the memtable holds a copy of these
//! ```

use bytes::Bytes;
use kv::memtable::{Family, Memtable, Options, Reader};
use kv::model::{Epoch, Outcome, Pending, Region, RegionId, Write, evaluate};
use storage::SimDisk;

/// Evaluates a write as if it were decoded from an entry, and makes its changes.
fn apply(table: &Memtable<SimDisk>, write: &Write) {
    let epoch = Epoch { version: 1, conf_version: 1 };
    let region =
        Region { id: RegionId(1), start: Bytes::new(), end: None, epoch, peers: Vec::new() };
    let mut pending = Pending::new(table);
    pending.begin_entry(1000);
    assert!(matches!(evaluate(write, &region, &mut pending), Outcome::Done | Outcome::Length(_)));
    table.write(&pending.take_changes()).expect("the disk works");
}

#[test]
fn a_small_value_does_not_keep_the_entry_that_brought_it() {
    let table = Memtable::open_on(SimDisk::new(1), Options::default()).unwrap();
    let entry = Bytes::from(vec![7; 1 << 20]);
    let (key, value) = (entry.slice(..3), entry.slice(3..8));
    assert!(!entry.is_unique(), "slices share the entry's memory");
    apply(&table, &Write::Put { key: key.clone(), value: value.clone() });
    apply(&table, &Write::Append { key: entry.slice(..2), value: value.clone() });
    drop((key, value));
    assert!(entry.is_unique(), "the memtable holds a part of the entry");
    assert_eq!(table.get(Family::Default, &[7; 3]).unwrap(), [7; 5][..]);
}
