//! Segments built by hand, byte by byte.
//!
//! ```text
//!   Segment::new(1, 1)                     a header, zeros up to 4096
//!       .frame(&items, 0)                  LSN 1, nothing durable when it was written
//!       .frame(&items, 1)                  LSN 2, and 1 was durable already
//!   disk_of(&[segment])                    a directory that holds it, every byte durable
//! ```
//!
//! The bytes follow the format's page. No function that a lab cuts is used.

use crate::storage::kit::words::{G7, at};
use storage::format::{
    Draft, FRAME_HEADER_BYTES, FRAMES_AT, Flags, Item, Op, Salt, SegmentHeader, StoreId,
};
use storage::{Disk, DiskFile, EntryId, GroupId, Lsn, SegmentId, SimDisk};

/// How long a segment is.
pub(super) const SEGMENT_BYTES: u32 = 8192;

/// Items of a frame, and their payloads.
#[derive(Clone, Default, Debug)]
pub(super) struct Items {
    items: Vec<Item>,
    payloads: Vec<u8>,
}

impl Items {
    /// Adds an item.
    pub(super) fn item(mut self, group: GroupId, op: Op, payload: &[u8]) -> Items {
        let (len, crc) = (payload.len() as u32, crc32fast::hash(payload));
        self.items.push(Item { group, op, len, crc });
        self.payloads.extend_from_slice(payload);
        self
    }

    /// Adds an entry whose bytes are its id, as [`crate::storage::kit::words::entry`] makes it.
    pub(super) fn entry(self, group: GroupId, id: EntryId) -> Items {
        self.item(group, Op::Entry { id }, format!("{id};").as_bytes())
    }

    /// Adds an entry that was moved.
    pub(super) fn moved(self, group: GroupId, id: EntryId) -> Items {
        self.item(group, Op::Moved { id }, format!("{id};").as_bytes())
    }

    /// Adds a key and its value.
    pub(super) fn put(self, group: GroupId, key: &str, value: &str) -> Items {
        let op = Op::Put { key_len: key.len() as u32 };
        self.item(group, op, format!("{key}{value}").as_bytes())
    }

    /// Returns the items.
    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Returns the frame.
    pub(super) fn place(&self, lsn: u64, durable: u64, salt: Salt) -> Vec<u8> {
        let draft = Draft::new(&self.items, &self.payloads, Flags::Batch);
        draft.place(Lsn(lsn), Lsn(durable), salt)
    }
}

/// Returns a batch of one entry of group 7.
pub(super) fn one(index: u64, term: u64) -> Items {
    Items::default().entry(G7, at(index, term))
}

/// A segment.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    header: SegmentHeader,
    bytes: Vec<u8>,
    /// Where each frame begins; and, last, where they end.
    starts: Vec<usize>,
    next_lsn: u64,
}

impl Segment {
    /// Returns a segment without frames.
    pub(super) fn new(number: u32, first_lsn: u64) -> Segment {
        let header = SegmentHeader {
            store: StoreId(77),
            segment: SegmentId(number),
            first_lsn: Lsn(first_lsn),
            salt: Salt::new(u64::from(number) + 1000),
            capacity: SEGMENT_BYTES,
        };
        Segment::of(header)
    }

    /// Returns a segment with this header.
    pub(super) fn of(header: SegmentHeader) -> Segment {
        let mut bytes = vec![0; header.capacity as usize];
        let encoded = header.encode();
        bytes[..encoded.len()].copy_from_slice(&encoded);
        let next_lsn = header.first_lsn.0;
        Segment { header, bytes, starts: vec![FRAMES_AT as usize], next_lsn }
    }

    /// Returns a segment of another store.
    pub(super) fn foreign(number: u32, first_lsn: u64) -> Segment {
        let header = Segment::new(number, first_lsn).header;
        Segment::of(SegmentHeader { store: StoreId(78), ..header })
    }

    /// Adds a frame that says that everything up to `durable` was durable.
    #[must_use]
    pub(super) fn frame(mut self, items: &Items, durable: u64) -> Segment {
        let frame = items.place(self.next_lsn, durable, self.header.salt);
        let at = self.end();
        self.bytes[at..at + frame.len()].copy_from_slice(&frame);
        self.starts.push(at + frame.len());
        self.next_lsn += 1;
        self
    }

    /// Adds the frame that says that the log was closed, and that everything before it is durable.
    #[must_use]
    pub(super) fn sealed(mut self) -> Segment {
        let draft = Draft::new(&[], &[], Flags::Seal);
        let frame = draft.place(Lsn(self.next_lsn), Lsn(self.next_lsn - 1), self.header.salt);
        let at = self.end();
        self.bytes[at..at + frame.len()].copy_from_slice(&frame);
        self.starts.push(at + frame.len());
        self.next_lsn += 1;
        self
    }

    /// Adds a frame with another LSN than the next one.
    #[must_use]
    pub(super) fn frame_of(mut self, items: &Items, lsn: u64, durable: u64) -> Segment {
        self.next_lsn = lsn;
        self.frame(items, durable)
    }

    /// Puts bytes after the frames.
    #[must_use]
    pub(super) fn behind(mut self, bytes: &[u8]) -> Segment {
        let at = self.end();
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Returns where frame `nth`, counted from 0, begins.
    pub(super) fn span(&self, nth: usize) -> std::ops::Range<usize> {
        self.starts[nth]..self.starts[nth + 1]
    }

    /// Returns where the frames end.
    pub(super) fn end(&self) -> usize {
        *self.starts.last().expect("there is a place for the first frame")
    }

    /// Returns the salt from which the frames' checksums start.
    pub(super) fn salt(&self) -> Salt {
        self.header.salt
    }

    /// Returns the bytes, to damage them.
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Returns the name it should have.
    pub(super) fn name(&self) -> String {
        format!("{:08x}.log", self.header.segment.0)
    }
}

/// Returns a directory that holds these segments, under their names.
pub(super) fn disk_of(segments: &[Segment]) -> SimDisk {
    let named: Vec<(String, &Segment)> = segments.iter().map(|s| (s.name(), s)).collect();
    disk_with(&named)
}

/// Returns a directory that holds these segments, under other names.
pub(super) fn disk_with(segments: &[(String, &Segment)]) -> SimDisk {
    let disk = SimDisk::new(9);
    let written = segments.iter().try_for_each(|(name, segment)| {
        let file = disk.create(name)?;
        let mut at = 0;
        while at < segment.bytes.len() {
            at += file.write_at(at as u64, &segment.bytes[at..])?;
        }
        file.sync_data()
    });
    written
        .and_then(|()| disk.sync_dir())
        .expect("a simulated disk does what no fault is planned for");
    disk.after_kill()
}

/// Computes the checksums of a frame's header and descriptors again, after a field was changed.
pub(super) fn mend(frame: &mut [u8], salt: Salt) {
    let items = usize::from(u16::from_le_bytes([frame[28], frame[29]]));
    let descriptors = &frame[FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + 32 * items];
    let crc = crc32fast::hash(descriptors);
    frame[24..28].copy_from_slice(&crc.to_le_bytes());
    let mut hasher = crc32fast::Hasher::new_with_initial(salt.seed());
    hasher.update(&frame[4..FRAME_HEADER_BYTES]);
    let crc = hasher.finalize();
    frame[..4].copy_from_slice(&crc.to_le_bytes());
}
