//! The last frames of a log.
//!
//! ```text
//!   00000007.log   00000008.log   00000009.log        are there enough in the last one?
//!                  '---------------- 2 -----'         else in the last two, four, ...
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

/// Shows the last `frames` frames that count, and what is between and behind them.
///
/// # Errors
/// [`Stop`]; damage is no error, it is what is shown.
pub fn tail(
    disk: &impl Disk,
    frames: NonZeroUsize,
    selection: &Selection,
    out: &mut dyn Write,
) -> Result<Health, Stop> {
    let directory = super::list(disk)?;
    let all = &directory.segments;
    let mut some = 1;
    let (segments, begin) = loop {
        let segments = &all[all.len().saturating_sub(some)..];
        let places = places(disk, segments, frames);
        if places.len() >= frames.get() || segments.len() == all.len() {
            break (segments, places.front().copied());
        }
        some *= 2;
    };
    let mut printer = Printer::new(selection, out);
    printer.strangers(&directory)?;
    match begin {
        Some((segment, offset)) => printer.begin_at(segment, offset),
        None => printer,
    }
    .segments(disk, segments)
}

/// Returns where the last frames begin, so many of them.
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
