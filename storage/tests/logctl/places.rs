//! The logs that all tests here use: the same bytes every time, as files in a directory.
//!
//! ```text
//!   log        two groups, three segments, closed
//!   crashed    the same, not closed: its last frame is incomplete
//!   ...        one damage each
//! ```

use std::fs;
use std::path::Path;
use storage::{Batch, Disk, DiskFile, Entry, EntryId, GroupId, Log, Options, SimDisk};

const ORDERS: GroupId = GroupId(1);
const USERS: GroupId = GroupId(2);

/// A directory, and the change that makes it from a good log.
type Place = (&'static str, fn(&SimDisk));

/// Every directory.
const PLACES: [Place; 18] = [
    ("log", |_| {}),
    // Two sectors of the last frame, which was not synced.
    ("crashed", |disk| zero(disk, "00000003.log", 5632..6656)),
    ("rotted", |disk| disk.rot("00000001.log", 4394, 0x20)),
    ("header-bit", |disk| disk.rot("00000002.log", 41, 1)),
    ("frame-header", |disk| disk.rot("00000002.log", 4096 + 9, 1)),
    ("last-frame", |disk| disk.rot("00000003.log", 5128 + 70, 1)),
    ("sector", |disk| zero(disk, "00000002.log", 5632..6144)),
    ("zeroed", |disk| zero(disk, "00000002.log", 0..8192)),
    ("cut-short", |disk| disk.cut("00000002.log", 6000)),
    ("missing", |disk| disk.remove("00000002.log").unwrap()),
    ("beheaded", |disk| disk.remove("00000001.log").unwrap()),
    ("returned", |disk| {
        let first = disk.bytes("00000001.log");
        collect(disk);
        disk.create("00000001.log").unwrap().write_all_at(0, &first).unwrap();
    }),
    ("swapped", |disk| {
        disk.rename("00000001.log", "0000000a.log").unwrap();
        disk.rename("00000002.log", "00000001.log").unwrap();
        disk.rename("0000000a.log", "00000002.log").unwrap();
    }),
    ("other-store", |disk| forge(disk, "00000003.log", 16, b"somebody else's!")),
    ("newer", |disk| forge(disk, "00000003.log", 12, &2u16.to_le_bytes())),
    ("strangers", |disk| {
        let thesis = disk.create("thesis.txt").unwrap();
        thesis.write_all_at(0, b"three years of work").unwrap();
    }),
    ("empty", |disk| {
        for name in disk.list().unwrap() {
            disk.remove(&name).unwrap();
        }
    }),
    ("copy", |_| {}),
];

/// Makes every directory under `root`.
pub(crate) fn make(root: &Path) {
    for (name, change) in PLACES {
        let disk = if name == "crashed" { unfinished() } else { closed() };
        change(&disk);
        put(&disk, &root.join(name));
    }
}

/// Writes a disk's files into a directory.
pub(crate) fn put(disk: &SimDisk, dir: &Path) {
    fs::create_dir(dir).unwrap();
    for name in disk.list().unwrap() {
        fs::write(dir.join(&name), disk.bytes(&name)).unwrap();
    }
}

/// Returns a log of two groups with entries, votes and compactions.
fn filled(disk: &SimDisk) -> Log<SimDisk> {
    let options = Options { segment_bytes: 8192, max_batch_bytes: 2048, ..Options::default() };
    let log = Log::open_on(disk.clone(), options).unwrap();
    let write = |batch: &Batch| log.write(batch).unwrap();
    write(Batch::new().put(ORDERS, b"vote", b"n2 in term 1").put(USERS, b"vote", b"n3 in term 1"));
    write(Batch::new().entries(ORDERS, &[entry(1, 1, "3 apples")]));
    write(Batch::new().entries(ORDERS, &[entry(2, 1, "1 pear"), entry(3, 1, "7 plums")]));
    write(Batch::new().entries(USERS, &[entry(1, 1, "ada"), entry(2, 1, "grace")]));
    write(Batch::new().entries(ORDERS, &[long(4, 1), long(5, 1)]));
    write(
        Batch::new().put(ORDERS, b"vote", b"n1 in term 2").entries(ORDERS, &[entry(5, 2, "none")]),
    );
    write(Batch::new().entries(ORDERS, &[long(6, 2), long(7, 2)]));
    write(Batch::new().compact(ORDERS, EntryId::new(4, 1)).delete(USERS, b"vote"));
    write(Batch::new().entries(USERS, &[long(3, 1)]));
    write(Batch::new().entries(ORDERS, &[long(8, 2)]));
    write(Batch::new().entries(ORDERS, &[long(9, 2)]));
    write(Batch::new().entries(USERS, &[entry(4, 2, "barbara")]));
    write(Batch::new().entries(USERS, &[entry(5, 2, "frances")]));
    log
}

/// Returns that log, closed.
fn closed() -> SimDisk {
    let disk = SimDisk::new(4);
    filled(&disk).close().unwrap();
    disk
}

/// Returns that log, not closed, with one more frame that is not synced.
fn unfinished() -> SimDisk {
    let disk = SimDisk::new(4);
    let log = filled(&disk);
    log.append(Batch::new().entries(ORDERS, &[long(10, 2)])).unwrap();
    drop(log);
    disk
}

/// Compacts both groups completely, and collects the first two segments.
fn collect(disk: &SimDisk) {
    let options = Options {
        segment_bytes: 8192,
        max_batch_bytes: 2048,
        collect_above_bytes: 0,
        ..Options::default()
    };
    let log = Log::open_on(disk.clone(), options).unwrap();
    let (orders, users) = (EntryId::new(9, 2), EntryId::new(5, 2));
    log.write(Batch::new().compact(ORDERS, orders).compact(USERS, users)).unwrap();
    assert_eq!(log.gc().unwrap().removed.len(), 2);
    log.close().unwrap();
}

fn entry(index: u64, term: u64, data: &str) -> Entry {
    Entry { id: EntryId::new(index, term), data: data.to_owned().into() }
}

fn long(index: u64, term: u64) -> Entry {
    entry(index, term, &format!("order {index}: ").repeat(99))
}

/// Writes zeros into a file.
fn zero(disk: &SimDisk, name: &str, range: std::ops::Range<u64>) {
    let zeros = vec![0; (range.end - range.start) as usize];
    disk.open(name).unwrap().write_all_at(range.start, &zeros).unwrap();
}

/// Writes bytes into a segment's header, and corrects its checksum.
fn forge(disk: &SimDisk, name: &str, at: u64, bytes: &[u8]) {
    let file = disk.open(name).unwrap();
    file.write_all_at(at, bytes).unwrap();
    let checksum = crc32fast::hash(&disk.bytes(name)[..60]);
    file.write_all_at(60, &checksum.to_le_bytes()).unwrap();
}
