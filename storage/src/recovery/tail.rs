//! The end of the log: is a bad frame torn by a crash, or was it durable and has rotted?
//!
//! ```text
//!   [40][41][42] ??????? ...............      no frame says that 43 was durable. Torn.
//!   [40][41][42] ??????? [44, durable 42]     44 says so of 42, but not of 43. Torn, and 44 with it.
//!   [40][41][42] ??????? [44, durable 43]     44 says that 43 was durable. Rotted: refused.
//! ```
//!
//! Every frame says which frames were durable when it was written: it is a witness for them. The
//! last frames have no witness: if they rot, they look torn. A closed log has no such frames.

use super::headers::CheckedSegment;
use super::scan::Scan;
use crate::error::{Corruption, Lost, Result, Rot};
use crate::format::{FRAME_HEADER_BYTES, Frame, FrameFault, FrameHeader, Item, Op};

/// How the last segment's frames end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// Nothing behind them was ever a frame of this segment.
    Clean,
    /// Remains of frames are behind them. They will not count.
    Torn,
}

/// Judges what comes after the frames that hold.
///
/// # Errors
/// [`crate::Error::Corrupt`] if a later frame says that the first frame that does not hold was
/// durable.
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

/// Returns every frame header that holds behind the end of the frames, at any multiple of 8 bytes.
fn headers_from<'a>(
    segment: &'a CheckedSegment,
    scan: &'a Scan,
) -> impl Iterator<Item = FrameHeader> + 'a {
    let image = &segment.image.bytes()[scan.end as usize..];
    (0..image.len()).step_by(8).filter_map(move |at| {
        let rest = &image[at..];
        // The fields are checked before the checksum, because most bytes here are zeros. The offset
        // is not checked: a frame that was written at a wrong place is a witness, too.
        let header =
            (rest.len() >= FRAME_HEADER_BYTES).then(|| FrameHeader::read_fields(rest)).flatten()?;
        let is_later = header.lsn >= scan.next;
        let holds = is_later && FrameHeader::decode(rest, segment.header.salt).is_ok();
        holds.then_some(header)
    })
}

/// Returns the error for the first frame that does not hold. It was durable, and has rotted.
pub(super) fn acknowledged(segment: &CheckedSegment, scan: &Scan) -> Corruption {
    let rest = &segment.image.bytes()[scan.end as usize..];
    let items: Vec<Item> = match &scan.fault {
        Some(FrameFault::Payloads { items }) => items.clone(),
        Some(FrameFault::Lsn { .. }) => Vec::new(), // its items, if any, are another frame's
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

/// Returns what is lost with these items.
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
