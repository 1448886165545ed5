//! The last frames of a log.
//!
//! ```text
//!   00000007.log   00000008.log   00000009.log        are there enough in the last segment?
//!                  '---------------- 2 -----'         if not: in the last two, four, ...
//!                             ^ from here on
//! ```

use super::dump::Printer;
use super::walk::{Counts, Piece, Walk};
use super::{Health, Selection, Stop};
use crate::disk::Disk;
use crate::recovery::each;
use crate::types::SegmentId;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Write;
use std::num::NonZeroUsize;

/// Prints the last `frames` frames that count, and what is between and behind them.
///
/// # Errors
/// [`Stop`]. Damage is no error: it is printed.
pub fn tail(
    disk: &impl Disk,
    frames: NonZeroUsize,
    selection: &Selection,
    out: &mut dyn Write,
) -> Result<Health, Stop> {
    let directory = super::list(disk)?;
    let all = &directory.segments;
    let mut last_segments = 1;
    let (segments, begin) = loop {
        let segments = &all[all.len().saturating_sub(last_segments)..];
        let places = places(disk, segments, frames);
        if places.len() >= frames.get() || segments.len() == all.len() {
            break (segments, places.front().copied());
        }
        last_segments *= 2;
    };
    let mut printer = Printer::new(selection, out);
    printer.foreign(&directory)?;
    match begin {
        Some((segment, offset)) => printer.begin_at(segment, offset),
        None => printer,
    }
    .segments(disk, segments)
}

/// Returns where each of the last `frames` frames begins.
fn places(
    disk: &impl Disk,
    segments: &[SegmentId],
    frames: NonZeroUsize,
) -> VecDeque<(SegmentId, u32)> {
    let mut places = VecDeque::new();
    let Ok(()) = each::<Infallible>(disk, segments, |file, next| {
        let until = next.and_then(|next| next.in_place().ok()).map(|header| header.first_lsn);
        let Some(header) = &file.said() else { return Ok(()) };
        for piece in Walk::new(&file.image, header, until) {
            match piece {
                Piece::Frame { offset, counts: Counts::Yes, .. } => {
                    if places.len() == frames.get() {
                        places.pop_front();
                    }
                    places.push_back((file.id, offset));
                }
                Piece::Frame { counts: Counts::No, .. } | Piece::Damage(_) | Piece::Rest { .. } => {
                }
            }
        }
        Ok(())
    });
    places
}
