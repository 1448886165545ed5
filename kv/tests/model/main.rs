//! The words of the store: their bytes, what commands do, and that none is run twice.

mod bytes_of; // golden bytes, back again, nothing else is read
mod draw; // any command, any outcome
mod evaluation; // what commands do
mod window; // requests that come again

use kv::memtable::{Memtable, Options};
use storage::SimDisk;

/// Opens a memtable whose segments are small, so that a test does not wait for zeros.
fn open() -> Memtable<SimDisk> {
    let wal = storage::Options {
        segment_bytes: 1 << 20,
        max_batch_bytes: 256 << 10,
        ..storage::Options::default()
    };
    Memtable::open_on(SimDisk::new(1), Options { wal }).expect("the disk works")
}
