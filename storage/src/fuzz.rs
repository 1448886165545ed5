//! The fuzz targets of the engine: four functions, each for arbitrary bytes.
//!
//! ```text
//!   bytes --------------> frame             decodes a frame and a segment's header
//!     '-----> mended ---> frame_mended      the same, with matching checksums
//!   bytes --> files ----> directory         opens a log, then writes, collects and reopens it
//!     '-----> mended ---> directory_mended  the same, with matching checksums
//! ```
//!
//! Arbitrary bytes never pass a checksum, so they do not test the code after it. The mended form
//! makes the checksums match first.
//!
//! Nothing may panic. The targets also check:
//!
//! * A valid frame equals, byte for byte, the frame that is written from its items.
//! * A directory that is refused does not change.
//! * A log that opens can be written and collected. It has the same content after a kill, and after
//!   a power cut that loses all that is not durable.
//! * What `logctl` says of the directory's health agrees with the opening.
//!
//! Two callers run the targets: `fuzz/`, a package of its own for cargo-fuzz, and this module's
//! tests. The tests use the seeds in `fuzz/seeds/`, and thousands of damaged copies of them.

mod directory; // from bytes to files
mod mend; // makes checksums match

use crate::batch::Batch;
use crate::disk::{Disk, Fate, Fates, Sector, SimDisk};
use crate::error::Error;
use crate::format::{Draft, Frame, FrameHeader, Item, Salt, SegmentHeader};
use crate::inspect::{self, Health, Selection};
use crate::log::Log;
use crate::options::Options;
use crate::types::{Entry, EntryId, GroupId, Index, Lsn, Term};
use bytes::Bytes;
use std::io;
use std::num::NonZeroUsize;

/// The salt of the frames that are decoded without a segment.
const SALT: u64 = 0x1122_3344;

/// Decodes arbitrary bytes as a frame, and as a segment's header.
pub fn frame(bytes: &[u8]) {
    let salt = Salt::new(SALT);
    if let Some(frame) = Frame::peek(bytes) {
        for (item, _) in frame.items() {
            assert!(item.len as usize <= bytes.len());
        }
    }
    if let Ok(header) = SegmentHeader::decode(bytes) {
        assert_eq!(header.encode()[..], bytes[..64], "a valid header equals what is written");
    }
    let Ok(header) = FrameHeader::decode(bytes, salt) else { return };
    assert!(header.durable < header.lsn && header.lsn <= Lsn::LAST, "{header:?}");
    if let Ok(frame) = Frame::decode(bytes, salt, header.lsn) {
        check_encoding(&frame, &header, bytes);
    }
}

/// Checks that a valid frame equals, byte for byte, the frame that is written from its items.
fn check_encoding(frame: &Frame<'_>, header: &FrameHeader, bytes: &[u8]) {
    let mut payloads = Vec::new();
    let items: Vec<Item> = frame.items().map(|(item, _)| item).collect();
    for (item, at) in frame.items() {
        payloads.extend_from_slice(frame.payload(&item, at));
    }
    let again = Draft::new(&items, &payloads, header.flags);
    let again = again.place(header.lsn, header.durable, Salt::new(SALT));
    assert_eq!(again, bytes[..header.len as usize]);
}

/// Decodes arbitrary bytes as a frame with matching checksums: once with the length that the bytes
/// state, and once with the length of the bytes.
pub fn frame_mended(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().max(32).next_multiple_of(8), 0);
    mend::frame(&mut bytes, SALT);
    frame(&bytes);
    let len = bytes.len() as u32;
    bytes[4..8].copy_from_slice(&len.to_le_bytes());
    mend::frame(&mut bytes, SALT);
    frame(&bytes);
    if bytes.len() >= 64 {
        mend::header(&mut bytes);
        frame(&bytes);
    }
}

/// Opens a directory of arbitrary files, and uses it if it is a log.
pub fn directory(bytes: &[u8]) {
    open_and_use(&directory::disk_of(bytes, |_| {}));
}

/// Opens a directory of files with matching checksums, and uses it if it is a log.
pub fn directory_mended(bytes: &[u8]) {
    open_and_use(&directory::disk_of(bytes, mend::segment));
}

/// Returns settings for small segments that are collected at once.
fn options() -> Options {
    Options {
        segment_bytes: 8192,
        max_batch_bytes: 2048,
        collect_above_bytes: 0,
        force_above_bytes: 0,
        ..Options::default()
    }
}

/// A power cut that loses everything that is not durable.
struct LoseAll;

impl Fates for LoseAll {
    fn sector(&mut self, _: Sector) -> Fate {
        Fate::Lost
    }

    fn keeps_name(&mut self) -> bool {
        false
    }
}

/// Opens a directory. If it is a log, writes to it, collects it, and opens it again.
fn open_and_use(disk: &SimDisk) {
    let files = |disk: &SimDisk| -> Vec<(String, Vec<u8>)> {
        let names = disk.list().expect("the disk is on");
        names.into_iter().map(|name| (name.clone(), disk.bytes(&name))).collect()
    };
    let before = files(disk);
    let health = inspect_all(disk);
    assert!(before == files(disk), "inspecting has changed a file");
    let log = match Log::open_on(disk.clone(), options()) {
        Ok(log) => log,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(before == files(disk), "refused, but changed: {error}");
            assert_ne!(health, Some(Health::Sound), "called sound, but refused: {error}");
            return;
        }
    };
    assert!(health.is_none_or(|health| health == Health::Sound), "{health:?}, but it opens");
    let found = content(&log);
    let worst = disk.after_power_cut(&mut LoseAll);
    let again = Log::open_on(worst, options()).expect("the log opens after a power cut");
    assert_eq!(content(&again), found, "what the opening showed was not durable");

    for _ in 0..3 {
        write_one(&log);
    }
    let written = content(&log);
    match log.gc() {
        // Segment numbers and LSNs have a limit, and the bytes may have put the log near it.
        Ok(_) | Err(Error::NoSpace { .. }) => {}
        Err(error) => panic!("a log that opens cannot be collected: {error}"),
    }
    assert_eq!(content(&log), written, "collecting has changed the content");
    drop(log);
    let again = Log::open_on(disk.after_kill(), options()).expect("the log opens after a kill");
    assert_eq!(content(&again), written, "after a kill");
    let worst = disk.after_power_cut(&mut LoseAll);
    let again = Log::open_on(worst, options()).expect("the log opens after a power cut");
    assert_eq!(content(&again), written, "after a power cut");
}

/// Calls every report of [`inspect`] on a directory. Returns the directory's health, if a report
/// states it.
fn inspect_all(disk: &SimDisk) -> Option<Health> {
    let all = Selection { bytes: inspect::Bytes::Shown, ..Selection::default() };
    let mut nowhere = io::sink();
    let _ = inspect::dump(disk, &all, &mut nowhere);
    let _ = inspect::tail(disk, NonZeroUsize::MIN, &all, &mut nowhere);
    let _ = inspect::stats(disk, &mut nowhere);
    inspect::check(disk, &mut nowhere).ok()
}

/// Writes an entry to the group with the largest number, if its log has an index left.
fn write_one(log: &Log<SimDisk>) {
    let group = GroupId(u64::MAX);
    let index = log.last_index(group).unwrap_or_default().next();
    let id = EntryId { term: Term(1), index };
    let entry = Entry { id, data: "new".into() };
    match log.write(Batch::new().entries(group, std::slice::from_ref(&entry))) {
        Ok(_) => assert_eq!(log.entry(group, index).expect("it was just written"), Some(entry)),
        Err(Error::OutOfRange { .. }) => assert!(index > Index::LAST),
        Err(Error::NoSpace { .. }) => {}
        Err(error) => panic!("a log that opens cannot be written: {error}"),
    }
}

/// The content of one group.
#[derive(PartialEq, Eq, Debug)]
struct GroupContent {
    group: GroupId,
    base: (Index, Option<Term>),
    entries: Vec<Entry>,
    keys: Vec<(Bytes, Bytes)>,
}

/// Returns the content of a log: reads every byte of it.
fn content(log: &Log<SimDisk>) -> Vec<GroupContent> {
    let content = |group| {
        let first = log.first_index(group).expect("the group is listed");
        let last = log.last_index(group).expect("the group is listed");
        let before = Index(first.0 - 1);
        let entries = log.entries(group, first..last.next(), u64::MAX);
        GroupContent {
            group,
            base: (before, log.term(group, before)),
            entries: entries.expect("the opening has verified the entries"),
            keys: log.scan(group, b""),
        }
    };
    log.groups().into_iter().map(content).collect()
}

#[cfg(test)]
mod tests;
