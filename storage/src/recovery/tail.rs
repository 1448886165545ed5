//! Where the log ends, and why: torn by a crash, or rotted since.
//!
//! ```text
//!   [40][41][42] ??????? ...............      nobody speaks of 43: it was never durable. Torn.
//!   [40][41][42] ??????? [44, durable 42]     44 knows 42: of 43 it says nothing. Torn, 44 with it.
//!   [40][41][42] ??????? [44, durable 43]     44 knows that 43 was durable. Rotted: refused.
//! ```
//!
//! A frame is encoded with what was durable by then, and that is the witness. The very last frames
//! have none: if they rot, they look torn. A log that is closed leaves no such frame.

use super::headers::CheckedSegment;
use super::scan::Scan;
use crate::error::{Corruption, Lost, Result, Rot};
use crate::format::{FRAME_HEADER_BYTES, Frame, FrameFault, FrameHeader, Item, Op};

/// How the last segment's frames end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// With nothing behind them that was ever a frame of this segment.
    Clean,
    /// With remains of frames, which will not count.
    Torn,
}

/// Judges what comes after the frames that hold.
///
/// # Errors
/// [`crate::Error::Corrupt`] if a frame bears witness that the first of them was durable.
pub(super) fn judge(segment: &CheckedSegment, scan: &Scan) -> Result<End> {
    let mut end = End::Clean;
    for later in headers_from(segment, scan) {
        if later.lsn > scan.next && later.durable >= scan.next {
            return Err(acknowledged(segment, scan).into());
        }
        end = End::Torn;
    }
    Ok(end)
}

/// Returns every frame header that holds, behind the frames that hold, whatever it stands on.
fn headers_from<'a>(
    segment: &'a CheckedSegment,
    scan: &'a Scan,
) -> impl Iterator<Item = FrameHeader> + 'a {
    let image = &segment.image.bytes()[scan.end as usize..];
    (0..image.len()).step_by(8).filter_map(move |at| {
        let rest = &image[at..];
        // Asked before the checksum, for most of what is here is zeros, or nothing at all. Where it
        // stands is not asked: a write that landed elsewhere is a witness, too.
        let header =
            (rest.len() >= FRAME_HEADER_BYTES).then(|| FrameHeader::read_fields(rest)).flatten()?;
        let is_later = header.lsn >= scan.next;
        let holds = is_later && FrameHeader::decode(rest, segment.header.salt).is_ok();
        holds.then_some(header)
    })
}

/// Returns what has rotted, where the frames end that hold: a frame that was durable.
pub(super) fn acknowledged(segment: &CheckedSegment, scan: &Scan) -> Corruption {
    let rest = &segment.image.bytes()[scan.end as usize..];
    let items: Vec<Item> = match &scan.fault {
        Some(FrameFault::Payloads { items }) => items.clone(),
        Some(FrameFault::Lsn { .. }) => Vec::new(), // another frame's, if it has any
        Some(
            FrameFault::NoRoom
            | FrameFault::Header { .. }
            | FrameFault::Fields
            | FrameFault::Descriptors { .. }
            | FrameFault::Descriptor { .. }
            | FrameFault::Padding,
        )
        | None => Frame::peek(rest)
            .map(|frame| frame.items().map(|(item, _)| item).collect())
            .unwrap_or_default(),
    };
    let what = match &scan.fault {
        Some(fault) => fault.to_string(),
        None => "a frame is not there".into(),
    };
    Corruption {
        segment: segment.header.segment,
        offset: scan.end.into(),
        lsn: Some(scan.next),
        rot: Rot::Acknowledged,
        what,
        lost: lost(&items),
    }
}

/// Returns what was lost with some items.
pub(crate) fn lost(items: &[Item]) -> Vec<Lost> {
    let mut lost = Vec::new();
    for item in items {
        match item.op {
            Op::Entry { id } | Op::Moved { id } => {
                Lost::add_entry(&mut lost, item.group, id.index);
            }
            Op::Put { .. } | Op::Delete | Op::Compact { .. } | Op::Clean | Op::Reset { .. } => {
                Lost::add_state(&mut lost, item.group);
            }
        }
    }
    lost
}
