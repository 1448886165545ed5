//! One file of the simulated disk: what is visible, what is pending, what is durable.
//!
//! ```text
//!   sector      |        0        |        1        |        2        |
//!   a write              [ part 0 |     part 1      | part 2 ]
//!   power cut             torn      lost              kept
//! ```
//!
//! Invariant: a power cut changes no byte that has no pending write.

/// How many bytes a disk writes as a whole, or not at all.
const SECTOR_BYTES: usize = 512;

/// What a power cut does to one sector's part of a pending write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The part was written.
    Kept,
    /// The part was not written.
    Lost,
    /// Something else was written: one byte, repeated.
    Torn {
        /// The byte.
        with: u8,
    },
}

/// One sector's part of a pending write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sector {
    /// The file's number.
    pub file: usize,
    /// The number of the write, counted from 0 since the file's last sync.
    pub write: usize,
    /// The offset in the file of the part.
    pub offset: u64,
    /// The length of the part.
    pub len: usize,
}

/// A write that is not durable.
#[derive(Clone, Debug)]
struct Write {
    offset: usize,
    bytes: Vec<u8>,
}

/// The content of one file.
#[derive(Clone, Debug, Default)]
pub(super) struct FileContent {
    visible: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Write>,
}

impl FileContent {
    /// Returns what a reader sees.
    pub(super) fn visible(&self) -> &[u8] {
        &self.visible
    }

    /// Returns the length that a reader sees.
    pub(super) fn len(&self) -> u64 {
        self.visible.len() as u64
    }

    /// Writes: visible at once, durable after a sync.
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        let offset = offset as usize;
        put(&mut self.visible, offset, bytes);
        self.pending.push(Write { offset, bytes: bytes.to_vec() });
    }

    /// Makes all pending writes durable.
    pub(super) fn sync(&mut self) {
        for write in self.pending.drain(..) {
            put(&mut self.durable, write.offset, &write.bytes);
        }
    }

    /// Discards all pending writes, as a failed sync does: they stay visible, and no later sync
    /// makes them durable.
    pub(super) fn discard_pending(&mut self) {
        self.pending.clear();
    }

    /// Asks `fate` about each sector's part of each pending write. After that the file holds only
    /// what is durable.
    pub(super) fn lose_power(&mut self, mut fate: impl FnMut(Sector) -> Fate) {
        for (number, write) in std::mem::take(&mut self.pending).into_iter().enumerate() {
            let mut rest = &write.bytes[..];
            let mut offset = write.offset;
            while !rest.is_empty() {
                let room = SECTOR_BYTES - offset % SECTOR_BYTES;
                let (part, later) = rest.split_at(room.min(rest.len()));
                let sector =
                    Sector { file: 0, write: number, offset: offset as u64, len: part.len() };
                match fate(sector) {
                    Fate::Kept => put(&mut self.durable, offset, part),
                    Fate::Lost => {}
                    Fate::Torn { with } => put(&mut self.durable, offset, &vec![with; part.len()]),
                }
                offset += part.len();
                rest = later;
            }
        }
        self.visible = self.durable.clone();
    }

    /// Flips bits of one byte, visible and durable.
    pub(super) fn rot(&mut self, offset: u64, mask: u8) {
        let offset = offset as usize;
        self.visible[offset] ^= mask;
        if let Some(byte) = self.durable.get_mut(offset) {
            *byte ^= mask;
        }
    }

    /// Cuts the file to a length, visible and durable.
    pub(super) fn cut(&mut self, len: u64) {
        self.visible.truncate(len as usize);
        self.durable.truncate(len as usize);
    }
}

/// Writes bytes into a file. If they begin after its end, zeros fill the gap.
fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}
