//! A reader that knows only the format's page (`src/format.rs`). It shares no code with the engine, so that
//! it can check the engine.
//!
//! ```text
//!   file --read--> segment, valid frames, where they end --replay--> what every group holds
//!     '---mend---> the same file with corrected checksums
//! ```
//!
//! It tells a test what damage must lead to, before the engine runs, and what a fixture holds.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Range;
use storage::{Disk, Entry, EntryId, GroupId, SimDisk};
use testbed::engine::model::Model;

/// A segment, up to the first frame that is not valid.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) first_lsn: u64,
    pub(crate) salt: u64,
    pub(crate) frames: Vec<Frame>,
}

/// A valid frame.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) place: Range<usize>,
    pub(crate) lsn: u64,
    pub(crate) durable: u64,
    pub(crate) items: Vec<Item>,
}

/// One change of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) group: u64,
    pub(crate) kind: u32,
    pub(crate) a: u64,
    pub(crate) b: u64,
    pub(crate) payload: Bytes,
}

/// Reads two bytes, least significant first.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

/// Reads four bytes.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Reads eight bytes.
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// Returns the checksum of a frame's header.
fn header_crc(frame: &[u8], salt: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt as u32);
    hasher.update(&frame[4..32]);
    hasher.finalize()
}

/// Returns a segment's bytes, with the bytes of its redo record copied to their place.
fn with_copy_in_place(bytes: &[u8], salt: u64) -> Vec<u8> {
    let mut whole = bytes.to_vec();
    let (before, record) = bytes.split_at(bytes.len() - 32);
    if &record[4..8] == b"REDO" && header_crc(record, salt) == u32_at(record, 0) {
        let (offset, len) = (u32_at(record, 8) as usize, u32_at(record, 12) as usize);
        let copy = &before[before.len() - len..];
        if crc32fast::hash(copy) == u32_at(record, 16) {
            whole[offset..offset + len].copy_from_slice(copy);
        }
    }
    whole
}

impl Segment {
    /// Returns the segments of a disk, oldest first.
    pub(crate) fn all(disk: &SimDisk) -> Vec<Segment> {
        let names = disk.list().unwrap();
        let is_there = |name: &String| disk.list().unwrap().contains(name);
        let mut segments: Vec<Segment> = Vec::new();
        let logs = names.iter().filter(|name| name.ends_with(".log"));
        segments.extend(logs.map(|name| Segment::read(name, &disk.bytes(name))));
        // The last segment may still have its temporary name.
        let last = segments.last().map_or(1, |last| last.number() + 1);
        let again = format!("{last:08x}.again");
        if is_there(&again) {
            segments.push(Segment::read(&format!("{last:08x}.log"), &disk.bytes(&again)));
        }
        segments
    }

    /// Reads a segment with a valid header, up to the first frame that is not valid.
    pub(crate) fn read(name: &str, bytes: &[u8]) -> Segment {
        assert_eq!(&bytes[..16], b"RFTLOG\x01\n\x0d\x0c\x0b\x0a\x01\x00\x40\x00", "{name}");
        assert_eq!(u32_at(bytes, 60), crc32fast::hash(&bytes[..60]), "{name}");
        assert_eq!(u32_at(bytes, 56) as usize * 4096, bytes.len(), "{name}");
        assert_eq!(format!("{:08x}.log", u64_at(bytes, 32)), name);
        let (first_lsn, salt) = (u64_at(bytes, 40), u64_at(bytes, 48));
        let mut segment = Segment { name: name.into(), first_lsn, salt, frames: Vec::new() };
        let bytes = &with_copy_in_place(bytes, salt);
        while let Some(frame) = segment.frame_at(bytes, segment.end()) {
            segment.frames.push(frame);
        }
        segment
    }

    /// Returns the number in its name.
    fn number(&self) -> u32 {
        u32::from_str_radix(&self.name[..8], 16).unwrap()
    }

    /// Returns where the frames end.
    pub(crate) fn end(&self) -> usize {
        self.frames.last().map_or(4096, |frame| frame.place.end)
    }

    /// Returns the LSN after the last frame.
    pub(crate) fn next_lsn(&self) -> u64 {
        self.first_lsn + self.frames.len() as u64
    }

    /// Returns the last LSN that the frames prove to be durable.
    pub(crate) fn proven(&self) -> u64 {
        self.frames.iter().map(|frame| frame.durable).max().unwrap_or(0).max(self.first_lsn - 1)
    }

    /// Reads the frame at an offset, if it is valid there.
    fn frame_at(&self, bytes: &[u8], at: usize) -> Option<Frame> {
        let rest = bytes.get(at..).filter(|rest| rest.len() >= 32)?;
        let (len, count) = (u32_at(rest, 4) as usize, usize::from(u16_at(rest, 28)));
        let is_whole = header_crc(rest, self.salt) == u32_at(rest, 0)
            && u64_at(rest, 8) == self.next_lsn()
            && crc32fast::hash(&rest[32..32 + 32 * count]) == u32_at(rest, 24);
        if !is_whole {
            return None;
        }
        let mut payload_at = 32 + 32 * count;
        let mut items = Vec::new();
        for descriptor in rest[32..payload_at].chunks(32) {
            let end = payload_at + (u32_at(descriptor, 24) & 0x0fff_ffff) as usize;
            let payload = Bytes::copy_from_slice(&rest[payload_at..end]);
            if crc32fast::hash(&payload) != u32_at(descriptor, 28) {
                return None;
            }
            let (group, a, b) =
                (u64_at(descriptor, 0), u64_at(descriptor, 8), u64_at(descriptor, 16));
            items.push(Item { group, kind: u32_at(descriptor, 24) >> 28, a, b, payload });
            payload_at = end;
        }
        rest[payload_at..len].iter().all(|byte| *byte == 0).then_some(Frame {
            place: at..at + len,
            lsn: u64_at(rest, 8),
            durable: u64_at(rest, 16),
            items,
        })
    }
}

/// One group during a replay: its entries by index, with possible gaps until the end.
#[derive(Default)]
struct Replayed {
    base: EntryId,
    entries: BTreeMap<u64, Entry>,
    keys: BTreeMap<Bytes, Bytes>,
}

/// Returns what segments hold, by the rules of the format's page.
pub(crate) fn replay(segments: &[Segment]) -> Model {
    let mut groups: BTreeMap<u64, Replayed> = BTreeMap::new();
    for (nth, segment) in segments.iter().enumerate() {
        let until = segments.get(nth + 1).map_or(u64::MAX, |next| next.first_lsn);
        for item in segment.frames.iter().filter(|f| f.lsn < until).flat_map(|f| &f.items) {
            let group = groups.entry(item.group).or_default();
            let id = EntryId::new(item.a, item.b);
            let entry = Entry { id, data: item.payload.clone() };
            match item.kind {
                1 => {
                    group.entries.split_off(&item.a);
                    group.entries.insert(item.a, entry);
                }
                2 => {
                    let (key, value) = item.payload.split_at(item.a as usize);
                    let [key, value] = [key, value].map(Bytes::copy_from_slice);
                    group.keys.insert(key, value);
                }
                3 => drop(group.keys.remove(&item.payload[..])),
                4 => {
                    group.entries = group.entries.split_off(&(item.a + 1));
                    group.base = id;
                }
                5 => *group = Replayed::default(),
                6 => drop(group.entries.insert(item.a, entry)),
                7 => {
                    group.entries.clear();
                    group.base = id;
                }
                kind => panic!("{}: an item of kind {kind}", segment.name),
            }
        }
    }
    let mut model = Model::default();
    for (group, replayed) in groups {
        let held = model.groups.entry(GroupId(group)).or_default();
        held.base = replayed.base;
        held.keys = replayed.keys;
        for (index, entry) in replayed.entries {
            assert_eq!(index, held.last() + 1, "g{group} has a gap");
            held.entries.push(entry);
        }
    }
    model.forget_nothings();
    model
}

/// Corrects every checksum of a segment, up to the first frame with an impossible length.
pub(crate) fn mend(bytes: &mut [u8]) {
    let header = crc32fast::hash(&bytes[..60]);
    bytes[60..64].copy_from_slice(&header.to_le_bytes());
    let salt = u64_at(bytes, 48);
    let mut rest = &mut bytes[4096..];
    while rest.len() >= 32 {
        let len = u32_at(rest, 4) as usize;
        let items = usize::from(u16_at(rest, 28));
        if len < 32 + 32 * items || len > rest.len() {
            return;
        }
        let (frame, later) = std::mem::take(&mut rest).split_at_mut(len);
        mend_frame(frame, items, salt);
        rest = later;
    }
}

/// Corrects every checksum of a frame.
fn mend_frame(frame: &mut [u8], items: usize, salt: u64) {
    let mut payload = 32 + 32 * items;
    for item in 0..items {
        let descriptor = 32 + 32 * item;
        let end = payload + (u32_at(frame, descriptor + 24) & 0x0fff_ffff) as usize;
        if end <= frame.len() {
            let checksum = crc32fast::hash(&frame[payload..end]);
            frame[descriptor + 28..descriptor + 32].copy_from_slice(&checksum.to_le_bytes());
        }
        payload = end;
    }
    let descriptors = crc32fast::hash(&frame[32..32 + 32 * items]);
    frame[24..28].copy_from_slice(&descriptors.to_le_bytes());
    let checksum = header_crc(frame, salt);
    frame[0..4].copy_from_slice(&checksum.to_le_bytes());
}
