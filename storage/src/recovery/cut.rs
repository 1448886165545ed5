//! A cut: truncates a log at a frame, because an operator asks for it. Recovery never does this: it
//! refuses a log that has rotted, and a cut is what the operator can do then.
//!
//! ```text
//!   before   3 [40 41 42]  4 [43 44 45 46 ..]  5 [47 48 ..]          cut at 45
//!   1        recovery.tmp [43 44 closed], with a new salt, synced
//!   2        5 is removed, and the directory synced; of several segments the newest first
//!   3        recovery.tmp is renamed to 4, and the directory synced
//! ```
//!
//! What does a power loss leave? The log before the cut, or the log after it. During step 2 it may
//! leave a third one: some of the later segments are removed, and the log ends with a whole
//! segment. That log can be cut again.
//!
//! The third log shows only what the log showed before. Its last segment may contain frames that
//! did not count, because recovery had copied them, unchanged, to the next segment. They count
//! again now, in place of their copies. A cut itself leaves no such frames.
//!
//! If the disk fails during a cut, it is unknown which of the names are durable. Then copy the
//! directory, and cut the copy.

use super::headers::CheckedSegment;
use super::in_place;
use super::list::{Directory, SegmentFile};
use super::replay::Replay;
use super::rewrite_tail;
use super::scan::{Span, scan};
use super::tail::judge;
use crate::batch::Batch;
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result};
use crate::format::{Draft, FRAMES_AT, Flags, PAGE_BYTES, Salt, SegmentHeader};
use crate::groups::Groups;
use crate::segment::{self, RECOVERY, name_of};
use crate::types::{GroupId, Lsn, SegmentId};

/// Why a log cannot be cut at a frame.
#[derive(Clone, Debug)]
pub(crate) enum Uncuttable {
    /// The header of the first segment does not hold, so nothing could be kept.
    NoHeader(Error),
    /// The log begins behind the frame.
    BeforeBeginning {
        /// The first frame of the log.
        first: Lsn,
    },
    /// The log ends before the frame.
    BehindEnd {
        /// The frame that would come next.
        next: Lsn,
    },
    /// A frame that would be kept does not hold.
    BehindDamage {
        /// The first such frame.
        lsn: Lsn,
        /// The segment where this frame should be.
        segment: SegmentId,
    },
}

/// Plans a cut: it reads the segments one by one, and finds out what the cut would leave.
#[derive(Debug)]
pub(crate) struct Planner {
    lsn: Lsn,
    replay: Replay,
    /// The segment in which the log is cut, and the frames of it that are kept.
    through: Option<(CheckedSegment, Vec<Span>)>,
    /// The segments that are removed.
    gone: Vec<SegmentId>,
    why_not: Option<Uncuttable>,
}

/// A cut that can be made.
#[derive(Debug)]
pub(crate) struct Cut {
    lsn: Lsn,
    through: CheckedSegment,
    kept: Vec<Span>,
    gone: Vec<SegmentId>,
    strays: Vec<String>,
    replay: Replay,
    dropped: Vec<GroupId>,
}

impl Planner {
    /// Begins to plan a cut that discards this frame, and all later ones.
    pub(crate) fn new(lsn: Lsn) -> Planner {
        let replay = Replay::default();
        Planner { lsn, replay, through: None, gone: Vec::new(), why_not: None }
    }

    /// Reads a segment; `next` is the one that follows it. Returns the offset from which the cut
    /// would discard the segment. `None` if the cut would keep all of it, or is not possible.
    pub(crate) fn segment(
        &mut self,
        file: &SegmentFile,
        next: Option<&SegmentFile>,
    ) -> Option<u32> {
        if self.why_not.is_some() {
            return None;
        }
        if self.through.is_some() {
            self.gone.push(file.id);
            return Some(FRAMES_AT);
        }
        let header = match file.in_place() {
            Ok(header) => *header,
            Err(error) => {
                self.why_not = Some(Uncuttable::NoHeader(error));
                return None;
            }
        };
        if self.lsn < header.first_lsn {
            self.why_not = Some(Uncuttable::BeforeBeginning { first: header.first_lsn });
            return None;
        }
        let next_first = next.and_then(|next| next.in_place().ok()).map(|header| header.first_lsn);
        let whole_until = next_first.filter(|first| *first <= self.lsn);
        let until = whole_until.unwrap_or(self.lsn);
        let segment = CheckedSegment { header, image: file.image.clone() };
        let scan = scan(&segment, Some(until));
        if scan.next < until {
            let ends = next.is_none() && judge(&segment, &scan).is_ok();
            self.why_not = Some(match ends {
                true => Uncuttable::BehindEnd { next: scan.next },
                false => Uncuttable::BehindDamage { lsn: scan.next, segment: file.id },
            });
            return None;
        }
        self.replay.frames(&segment, &scan.frames);
        if whole_until.is_some() {
            return None;
        }
        self.through = Some((segment, scan.frames));
        Some(scan.end)
    }

    /// Returns the cut.
    ///
    /// # Errors
    /// Why the log cannot be cut there.
    pub(crate) fn finish(self, directory: &Directory) -> std::result::Result<Cut, Uncuttable> {
        if let Some(why) = self.why_not {
            return Err(why);
        }
        let Some((through, mut kept)) = self.through else {
            return Err(Uncuttable::BehindEnd { next: Lsn(1) }); // there is no segment at all
        };
        // The frame that says that the log was closed is written again, as the last one.
        let seal = kept.pop_if(|last| last.flags == Flags::Seal);
        Ok(Cut {
            lsn: seal.map_or(self.lsn, |seal| seal.lsn),
            through,
            kept,
            gone: self.gone,
            strays: directory.strays_of_a_cut(),
            replay: self.replay,
            dropped: Vec::new(),
        })
    }
}

impl Cut {
    /// Returns the segment in which the log is cut.
    pub(crate) fn through(&self) -> SegmentId {
        self.through.header.segment
    }

    /// Returns the LSN of the first frame behind the kept ones.
    pub(crate) fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// Returns the segments that are removed.
    pub(crate) fn gone(&self) -> &[SegmentId] {
        &self.gone
    }

    /// Returns what the groups will hold after the cut.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if a group will have a gap.
    pub(crate) fn groups(&self) -> Result<Groups> {
        self.replay.clone().finish()
    }

    /// Returns the groups that will have a gap: the missing entries are behind the cut, or lost.
    pub(crate) fn gaps(&self) -> Vec<(GroupId, Error)> {
        self.replay.gaps()
    }

    /// Returns how many entries and keys of a group are kept, even if the group has a gap.
    pub(crate) fn held(&self, group: GroupId) -> (u64, u64) {
        self.replay.held(group)
    }

    /// Removes a group, too: the cut writes a frame that removes it, behind the kept frames.
    pub(crate) fn drop_group(&mut self, group: GroupId) {
        self.replay.remove(group);
        self.dropped.push(group);
    }

    /// Makes the cut, in a directory that is locked.
    ///
    /// # Errors
    /// [`Error::NoSpace`]: the log has not changed. [`Error::Io`]: copy the directory, and cut the
    /// copy.
    pub(crate) fn carry_out(self, disk: &impl Disk) -> Result<()> {
        let sync_dir = || disk.sync_dir().map_err(|e| Error::io("syncing", "the directory", e));
        // The names that we saw may be in the cache only.
        sync_dir()?;
        rewrite_tail::clear(disk, &self.strays)?;
        for segment in self.gone.iter().chain([&self.through()]) {
            in_place::give_name_back(disk, *segment)?;
        }
        let frames = self.frames(segment::new_salt(disk));
        let (header, frames) = frames?;
        let file = segment::zeroed(disk, RECOVERY, header.capacity)?;
        let writing = |e| Error::io("writing", RECOVERY, e);
        file.write_all_at(0, &header.encode()).map_err(writing)?;
        file.write_all_at(FRAMES_AT.into(), &frames).map_err(writing)?;
        file.sync_data().map_err(|e| Error::io("syncing", RECOVERY, e))?;

        for segment in self.gone.iter().rev() {
            let name = name_of(*segment);
            disk.remove(&name).map_err(|e| Error::io("removing", name, e))?;
            sync_dir()?;
        }
        let name = name_of(header.segment);
        disk.rename(RECOVERY, &name).map_err(|e| Error::io("renaming to", name, e))?;
        sync_dir()
    }

    /// Returns the new segment's header and its frames: the kept frames, a frame that removes the
    /// dropped groups, and the frame that says that the log was closed. All of it will be durable
    /// then.
    fn frames(&self, salt: Salt) -> Result<(SegmentHeader, Vec<u8>)> {
        let image = self.through.image.bytes();
        let mut frames = Vec::new();
        for span in &self.kept {
            let frame = &image[span.offset as usize..(span.offset + span.len) as usize];
            frames.extend(Draft::of(frame).place(span.lsn, span.durable, salt));
        }
        let mut lsn = self.lsn;
        // One frame is not always enough: a frame counts its items in two bytes.
        for groups in self.dropped.chunks(usize::from(u16::MAX)) {
            let mut batch = Batch::new();
            for group in groups {
                batch.remove_group(*group);
            }
            let draft = batch.draft(Flags::Batch, u32::MAX)?;
            frames.extend(draft.place(lsn, self.lsn.before(), salt));
            lsn = lsn.next();
        }
        frames.extend(Draft::new(&[], &[], Flags::Seal).place(lsn, lsn.before(), salt));
        let too_long = Error::NoSpace { bytes: frames.len() as u64 };
        let needed = u32::try_from(FRAMES_AT as usize + frames.len()).ok();
        let needed = needed.and_then(|len| len.checked_next_multiple_of(PAGE_BYTES));
        let before = &self.through.header;
        let capacity = before.capacity.max(needed.ok_or(too_long)?);
        Ok((SegmentHeader { salt, capacity, ..*before }, frames))
    }
}
