//! One file of the simulated disk: what is seen, what is pending, what is durable.
//!
//! ```text
//!   sector      |        0        |        1        |        2        |
//!   a write              [ part 0 |     part 1      | part 2 ]
//!   power cut             torn      lost              kept
//! ```
//!
//! Invariant: bytes that no write touched are the same before a power cut and after it.

/// How many bytes a disk writes together or not at all.
const SECTOR_BYTES: usize = 512;

/// What becomes of one sector's part of a write that was pending when power failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It was written.
    Kept,
    /// It was not.
    Lost,
    /// Something was: this byte, over and over.
    Torn {
        /// What stands there now.
        with: u8,
    },
}

/// One sector's part of a pending write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sector {
    /// The file's number.
    pub file: usize,
    /// Which write of the file, counted from 0 since the last sync.
    pub write: usize,
    /// Where its part begins.
    pub offset: u64,
    /// How many bytes of the write fall into it.
    pub len: usize,
}

/// A write that is not durable.
#[derive(Clone, Debug)]
struct Write {
    offset: usize,
    bytes: Vec<u8>,
}

/// One file.
#[derive(Clone, Debug, Default)]
pub(super) struct FileContent {
    visible: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Write>,
}

impl FileContent {
    /// Lends what a reader sees.
    pub(super) fn visible(&self) -> &[u8] {
        &self.visible
    }

    /// Returns how long the file is for a reader.
    pub(super) fn len(&self) -> u64 {
        self.visible.len() as u64
    }

    /// Writes: seen at once, durable later.
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        let offset = offset as usize;
        put(&mut self.visible, offset, bytes);
        self.pending.push(Write { offset, bytes: bytes.to_vec() });
    }

    /// Makes durable what is pending.
    pub(super) fn sync(&mut self) {
        for write in self.pending.drain(..) {
            put(&mut self.durable, write.offset, &write.bytes);
        }
    }

    /// Lets go of what is pending, as a sync does that fails: it is seen, and no later sync knows of
    /// it.
    pub(super) fn discard_pending(&mut self) {
        self.pending.clear();
    }

    /// Asks for each sector's part of each pending write what becomes of it; what is durable then is
    /// all there is.
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

    /// Changes bits of one byte, for a reader and for good.
    pub(super) fn rot(&mut self, offset: u64, mask: u8) {
        let offset = offset as usize;
        self.visible[offset] ^= mask;
        if let Some(byte) = self.durable.get_mut(offset) {
            *byte ^= mask;
        }
    }

    /// Cuts the file to a length, for good.
    pub(super) fn cut(&mut self, len: u64) {
        self.visible.truncate(len as usize);
        self.durable.truncate(len as usize);
    }
}

/// Puts bytes into a file, which grows by zeros if they lie beyond its end.
fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}
