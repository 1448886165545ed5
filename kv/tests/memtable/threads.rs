//! Readers beside a writer: a batch is seen as a whole.

use kv::memtable::{Family, Memtable, Options, Reader, WriteBatch};
use std::sync::atomic::{AtomicBool, Ordering};
use storage::SimDisk;

#[test]
fn readers_see_batches_as_a_whole() {
    let table = Memtable::open_on(SimDisk::new(1), Options::default()).unwrap();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_done.load(Ordering::SeqCst) {
                    let view = table.snapshot();
                    let values = Family::ALL.map(|family| view.get(family, b"k"));
                    assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
                }
            });
        }
        for number in 0..3000 {
            let mut batch = WriteBatch::new();
            for family in Family::ALL {
                batch.put(family, "k", number.to_string());
            }
            table.write(&batch).unwrap();
        }
        is_done.store(true, Ordering::SeqCst);
    });
}
