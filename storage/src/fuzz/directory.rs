//! The encoding of a directory in a fuzzer's bytes: any bytes are a directory, and a directory
//! takes few bytes.
//!
//! ```text
//!   kind 1 | length 2 | bytes ...    kind 1 | length 2 | bytes ...      one record, one file
//!
//!   kind   low half    0 to 9   00000001.log to 0000000a.log      10 spare.tmp   11 a mark
//!                      12 LOCK  13 notes.txt  14 ffffffff.log  15 fffffffe.log
//!          high half   1, 2  this many pages are added to two
//!                      4     no gap between header and frames
//!                      8     the file ends with the bytes
//!                      of a mark: 0 to 15 for 00000001.first to 00000010.first
//! ```
//!
//! Without these bits, the first 64 bytes are the header, the other bytes begin where frames begin,
//! and zeros fill two pages. Most of a segment is zeros: so the fuzzer spends no time on them.

use crate::disk::{Disk, DiskFile, SimDisk};
use crate::format::{FRAMES_AT, PAGE_BYTES};

/// The most files in a directory.
const FILES: usize = 16;

/// The length of a segment's header.
const HEADER_BYTES: usize = 64;

/// Decodes a disk from bytes. Calls `finish` on the bytes of each segment.
pub(super) fn disk_of(mut bytes: &[u8], finish: impl Fn(&mut [u8])) -> SimDisk {
    let disk = SimDisk::new(7);
    for _ in 0..FILES {
        let [kind, low, high, rest @ ..] = bytes else { break };
        let len = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (content, later) = rest.split_at(len);
        bytes = later;
        let name = name_of(*kind);
        let mut file = if name.ends_with(".first") { vec![] } else { file_of(kind >> 4, content) };
        if name.ends_with(".log") {
            finish(&mut file);
        }
        // A second file with the same name overwrites the first.
        let open = disk.create(&name).or_else(|_| disk.open(&name)).expect("the disk is on");
        open.write_all_at(0, &file).expect("the disk has room");
        open.sync_data().expect("the disk is on");
    }
    disk.sync_dir().expect("the disk is on");
    disk
}

/// Returns the file name of a kind.
fn name_of(kind: u8) -> String {
    match kind & 15 {
        number @ 0..10 => format!("{:08x}.log", number + 1),
        10 => crate::segment::SPARE.into(),
        11 => format!("{:08x}.first", (kind >> 4) + 1),
        12 => crate::segment::LOCK.into(),
        13 => "notes.txt".into(),
        14 => "ffffffff.log".into(),
        _ => "fffffffe.log".into(),
    }
}

/// Returns the bytes of a file with this content.
fn file_of(form: u8, content: &[u8]) -> Vec<u8> {
    let is_gapless = form & 4 != 0;
    let mut file = content.to_vec();
    if !is_gapless && content.len() > HEADER_BYTES {
        let gap = FRAMES_AT as usize - HEADER_BYTES;
        file.splice(HEADER_BYTES..HEADER_BYTES, vec![0; gap]);
    }
    let is_exact = form & 8 != 0;
    if !is_exact {
        file.resize((2 + usize::from(form & 3)) * PAGE_BYTES as usize, 0);
    }
    file
}

/// Encodes a disk as bytes, without the zeros at the end of each file.
#[cfg(test)]
pub(super) fn bytes_of(disk: &SimDisk) -> Vec<u8> {
    let mut bytes = Vec::new();
    let names = disk.list().expect("the disk is on");
    for name in &names {
        let file = disk.bytes(name);
        let kind = (0..=u8::MAX).find(|kind| name_of(*kind) == *name).expect("a known name");
        let pages = (file.len() / PAGE_BYTES as usize).saturating_sub(2) as u8;
        let end = file.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let header = &file[..end.min(HEADER_BYTES)];
        let frames = file.get(FRAMES_AT as usize..end).unwrap_or_default();
        bytes.push(pages << 4 | kind);
        bytes.extend_from_slice(&((header.len() + frames.len()) as u16).to_le_bytes());
        bytes.extend_from_slice(header);
        bytes.extend_from_slice(frames);
    }
    bytes
}
