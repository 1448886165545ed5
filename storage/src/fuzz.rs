//! What a fuzzer does with the engine: four bodies, each for bytes that nobody wrote.
//!
//! ```text
//!   bytes --------------> frame             the decoder of frames and headers
//!     '-----> mended ---> frame_mended      the same, under checksums that hold
//!   bytes --> files ----> directory         a whole opening, and a life after it
//!     '-----> mended ---> directory_mended  the same, under checksums that hold
//! ```
//!
//! A checksum hides what is behind it from whoever only draws bytes: so each comes in two forms.
//!
//! Nothing may panic, and what is taken for good has to be so: a frame that holds is exactly what its
//! items would be written as; a directory that is refused is left as it was; one that opens shows the
//! same after a kill, and after the worst power cut; it can be written, and collected. Before that, what
//! `logctl` does to look at it is done, and must say of its health what the opening says. The bodies are called by `fuzz/`, a package of its
//! own for cargo-fuzz, and by this module's tests, over the seeds that are kept in `fuzz/seeds/` and
//! thousands of damaged copies of them.

mod directory; // bytes as files
mod mend; // checksums made to hold

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

/// The salt of every frame that is decoded alone.
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
        assert_eq!(header.encode()[..], bytes[..64], "a header that holds is what is written");
    }
    let Ok(header) = FrameHeader::decode(bytes, salt) else { return };
    assert!(header.durable < header.lsn && header.lsn <= Lsn::LAST, "{header:?}");
    if let Ok(frame) = Frame::decode(bytes, salt, header.lsn) {
        write_again(&frame, &header, bytes);
    }
}

/// Checks that a frame which holds is, byte for byte, what its items are written as.
fn write_again(frame: &Frame<'_>, header: &FrameHeader, bytes: &[u8]) {
    let mut payloads = Vec::new();
    let items: Vec<Item> = frame.items().map(|(item, _)| item).collect();
    for (item, at) in frame.items() {
        payloads.extend_from_slice(frame.payload(&item, at));
    }
    let again = Draft::new(&items, &payloads, header.flags);
    let again = again.place(header.lsn, header.durable, Salt::new(SALT));
    assert_eq!(again, bytes[..header.len as usize]);
}

/// Decodes arbitrary bytes as a frame whose checksums hold: with the length it states, and with the
/// length that it has.
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

/// Opens a directory of arbitrary files, and lives with it if it is a log.
pub fn directory(bytes: &[u8]) {
    live_with(&directory::disk_of(bytes, |_| {}));
}

/// Opens a directory of files whose checksums hold, and lives with it if it is a log.
pub fn directory_mended(bytes: &[u8]) {
    live_with(&directory::disk_of(bytes, mend::segment));
}

/// Settings under which little files are segments, and everything is garbage enough.
fn options() -> Options {
    Options {
        segment_bytes: 8192,
        max_batch_bytes: 2048,
        collect_above_bytes: 0,
        force_above_bytes: 0,
        ..Options::default()
    }
}

/// Loses everything.
struct AllIsLost;

impl Fates for AllIsLost {
    fn sector(&mut self, _: Sector) -> Fate {
        Fate::Lost
    }

    fn keeps_name(&mut self) -> bool {
        false
    }
}

/// Opens a log, and if it is one, writes to it, collects it, and opens it again.
fn live_with(disk: &SimDisk) {
    let files = |disk: &SimDisk| -> Vec<(String, Vec<u8>)> {
        let names = disk.list().expect("the disk is on");
        names.into_iter().map(|name| (name.clone(), disk.bytes(&name))).collect()
    };
    let before = files(disk);
    let health = look_at(disk);
    assert!(before == files(disk), "whoever only looked has changed something");
    let log = match Log::open_on(disk.clone(), options()) {
        Ok(log) => log,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(before == files(disk), "it was refused, and touched: {error}");
            assert_ne!(health, Some(Health::Sound), "called sound, and refused: {error}");
            return;
        }
    };
    assert!(health.is_none_or(|health| health == Health::Sound), "{health:?}, and it opens");
    let found = show(&log);
    let worst = disk.after_power_cut(&mut AllIsLost);
    let again = Log::open_on(worst, options()).expect("what was opened opens after a power cut");
    assert_eq!(show(&again), found, "an opening was not durable");

    for _ in 0..3 {
        write_one(&log);
    }
    let shown = show(&log);
    match log.gc() {
        // Numbers of segments and frames end somewhere, and somebody has put us near there.
        Ok(_) | Err(Error::NoSpace { .. }) => {}
        Err(error) => panic!("what opened cannot be collected: {error}"),
    }
    assert_eq!(show(&log), shown, "collection has changed something");
    drop(log);
    let again = Log::open_on(disk.after_kill(), options()).expect("what was written opens");
    assert_eq!(show(&again), shown, "after a kill");
    let worst = disk.after_power_cut(&mut AllIsLost);
    let again = Log::open_on(worst, options()).expect("what was written opens after a power cut");
    assert_eq!(show(&again), shown, "after a power cut");
}

/// Shows a directory in all the ways there are, and returns what is said of its health, if anything.
fn look_at(disk: &SimDisk) -> Option<Health> {
    let all = Selection { bytes: inspect::Bytes::Shown, ..Selection::default() };
    let mut nobody = io::sink();
    let _ = inspect::dump(disk, &all, &mut nobody);
    let _ = inspect::tail(disk, NonZeroUsize::MIN, &all, &mut nobody);
    let _ = inspect::stats(disk, &mut nobody);
    inspect::check(disk, &mut nobody).ok()
}

/// Writes an entry to a group of our own, if there are numbers left for it.
fn write_one(log: &Log<SimDisk>) {
    let group = GroupId(u64::MAX);
    let index = log.last_index(group).unwrap_or_default().next();
    let id = EntryId { term: Term(1), index };
    let entry = Entry { id, data: "new".into() };
    match log.write(Batch::new().entries(group, std::slice::from_ref(&entry))) {
        Ok(_) => assert_eq!(log.entry(group, index).expect("it was just written"), Some(entry)),
        Err(Error::OutOfRange { .. }) => assert!(index > Index::LAST),
        Err(Error::NoSpace { .. }) => {}
        Err(error) => panic!("what opened cannot be written: {error}"),
    }
}

/// One group as it shows itself.
#[derive(PartialEq, Eq, Debug)]
struct Shown {
    group: GroupId,
    base: (Index, Option<Term>),
    entries: Vec<Entry>,
    keys: Vec<(Bytes, Bytes)>,
}

/// Returns all that a log shows, every byte of it read.
fn show(log: &Log<SimDisk>) -> Vec<Shown> {
    let show = |group| {
        let first = log.first_index(group).expect("it is listed");
        let last = log.last_index(group).expect("it is listed");
        let before = Index(first.0 - 1);
        let entries = log.entries(group, first..last.next(), u64::MAX);
        Shown {
            group,
            base: (before, log.term(group, before)),
            entries: entries.expect("what was opened was verified"),
            keys: log.scan(group, b""),
        }
    };
    log.groups().into_iter().map(show).collect()
}

#[cfg(test)]
mod tests;
