//! Reading: from a group and a place to its bytes, which are shared and not copied.
//!
//! ```text
//!   g7, 6 --groups--> segment 3, offset 4200, 256 bytes, checksum --segment--> bytes --checksum--> ok
//! ```
//!
//! The bytes stay what they are for as long as somebody holds them, whatever becomes of the segment.

use super::{Log, View};
use crate::disk::Disk;
use crate::error::{Corruption, Error, Lost, Result, Rot};
use crate::groups::{Group, Loc};
use crate::types::{Entry, EntryId, GroupId, Index, Lsn, Term};
use bytes::Bytes;
use std::ops::Range;

/// What a log is made of, in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LogStats {
    /// How many groups there are.
    pub groups: u64,
    /// How many entries they hold.
    pub entries: u64,
    /// How many segments there are.
    pub segments: u64,
    /// How long they are together.
    pub log_bytes: u64,
    /// How much of it is still wanted.
    pub live_bytes: u64,
    /// How long the spare segment is, if there is one.
    pub spare_bytes: u64,
    /// The last batch appended.
    pub appended: Lsn,
    /// Up to where everything is durable.
    pub durable: Lsn,
    /// How many syncs of the tail there were since the log was opened.
    pub syncs: u64,
}

/// An entry that was found, and not checked yet.
struct Picked {
    id: EntryId,
    loc: Loc,
    data: Option<Bytes>,
}

// What a group holds. None of this reads the disk.

impl<D: Disk> Log<D> {
    /// Returns every group, in order.
    pub fn groups(&self) -> Vec<GroupId> {
        self.view().groups.iter().map(|(id, _)| id).collect()
    }

    /// Returns the place of a group's first entry, or where it would stand.
    pub fn first_index(&self, group: GroupId) -> Option<Index> {
        self.view().groups.get(group).map(Group::first_index)
    }

    /// Returns the place of a group's last entry; the one before its first if there is none.
    pub fn last_index(&self, group: GroupId) -> Option<Index> {
        self.view().groups.get(group).map(Group::last_index)
    }

    /// Returns the term at a place; also at the one before a group's first entry.
    pub fn term(&self, group: GroupId, index: Index) -> Option<Term> {
        self.view().groups.get(group)?.term(index)
    }

    /// Returns a key's value.
    pub fn get(&self, group: GroupId, key: &[u8]) -> Option<Bytes> {
        Some(self.view().groups.get(group)?.keys().get(key)?.data.clone())
    }

    /// Returns a group's keys that begin with `prefix`, and their values, in order.
    pub fn scan(&self, group: GroupId, prefix: &[u8]) -> Vec<(Bytes, Bytes)> {
        let view = self.view();
        let Some(group) = view.groups.get(group) else { return Vec::new() };
        let from = group.keys().range(Bytes::copy_from_slice(prefix)..);
        from.take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| (key.clone(), value.data.clone()))
            .collect()
    }

    /// Returns what the log is made of.
    pub fn stats(&self) -> LogStats {
        let commit = self.committer.state();
        let spare_bytes = match *self.spare() {
            Some(_) => u64::from(self.options.segment_bytes),
            None => 0,
        };
        let view = self.view();
        LogStats {
            groups: view.groups.iter().count() as u64,
            entries: view.groups.iter().map(|(_, group)| group.len() as u64).sum(),
            segments: view.segments.len() as u64,
            log_bytes: view.log_bytes(),
            live_bytes: view.groups.live().bytes(),
            spare_bytes,
            appended: commit.appended(),
            durable: commit.durable(),
            syncs: commit.syncs(),
        }
    }
}

// Its entries.

impl<D: Disk> Log<D> {
    /// Returns an entry, if the group holds it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if its bytes have rotted: this entry's alone.
    pub fn entry(&self, group: GroupId, index: Index) -> Result<Option<Entry>> {
        let picked = {
            let view = self.view();
            let Some(held) = view.groups.get(group) else { return Ok(None) };
            let (Some(loc), Some(term)) = (held.loc(index), held.term(index)) else {
                return Ok(None);
            };
            view.pick(EntryId { term, index }, loc)
        };
        self.advise_files(group, index..index.next(), picked.loc);
        self.verify(group, picked).map(Some)
    }

    /// Returns the entries of a range, in order: at least one if any is asked for, and no more after
    /// that than have `max_bytes` together.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`]; [`Error::Compacted`] if the range begins before the log,
    /// [`Error::Beyond`] if it ends behind it; [`Error::Corrupt`].
    pub fn entries(
        &self,
        group: GroupId,
        range: Range<Index>,
        max_bytes: u64,
    ) -> Result<Vec<Entry>> {
        let picked = self.view().pick_range(group, &range, max_bytes)?;
        if let Some(first) = picked.first() {
            let end = Index(range.start.0 + picked.len() as u64);
            self.advise_files(group, range.start..end, first.loc);
        }
        let mut entries = Vec::with_capacity(picked.len());
        for picked in picked {
            entries.push(self.verify(group, picked)?);
        }
        Ok(entries)
    }

    /// Says that a range of a group is about to be read, to those who read files ahead.
    fn advise_files(&self, group: GroupId, range: Range<Index>, first: Loc) {
        let for_all = self.readers.note(group, range);
        let for_first = self.readers.advice_on(first);
        if for_all.is_none() && for_first.is_none() {
            return;
        }
        // Without the view's lock: a disk may take its time.
        let view = self.view();
        let segments = view.segments.iter();
        let advised = segments.filter_map(|(id, it)| Some((*id, it.content.advised()?.clone())));
        let advised: Vec<_> = advised.collect();
        drop(view);
        for (id, advised) in advised {
            for_all.into_iter().for_each(|advice| advised.advise(advice));
            for_first.filter(|_| id == first.segment).into_iter().for_each(|it| advised.advise(it));
        }
    }

    /// Checks an entry's bytes, and returns it.
    fn verify(&self, group: GroupId, picked: Picked) -> Result<Entry> {
        let Picked { id, loc, data } = picked;
        let corrupt = |what: String| {
            let mut lost = Vec::new();
            Lost::add_entry(&mut lost, group, id.index);
            let offset = u64::from(loc.offset);
            let rot = Rot::Read;
            Error::from(Corruption { segment: loc.segment, offset, lsn: None, rot, what, lost })
        };
        let data = data.ok_or_else(|| corrupt(format!("entry {id}: the file ends before it")))?;
        if self.options.verify_reads {
            let (found, crc) = (crc32fast::hash(&data), loc.crc);
            if found != crc {
                let what =
                    format!("entry {id}: checksum is {found:08x}, and {crc:08x} was written");
                return Err(corrupt(what));
            }
        }
        Ok(Entry { id, data })
    }
}

impl View {
    /// Returns how long all segments are together.
    pub(super) fn log_bytes(&self) -> u64 {
        self.segments.values().map(|segment| u64::from(segment.capacity)).sum()
    }

    /// Shares an entry's bytes.
    fn pick(&self, id: EntryId, loc: Loc) -> Picked {
        Picked { id, loc, data: self.slice(loc) }
    }

    /// Shares what is at a place.
    pub(super) fn slice(&self, loc: Loc) -> Option<Bytes> {
        if loc.len == 0 {
            return Some(Bytes::new()); // and pins no segment
        }
        self.segments.get(&loc.segment)?.content.slice(loc.offset, loc.len)
    }

    /// Shares the bytes of a range's entries, as many as may be.
    fn pick_range(
        &self,
        group: GroupId,
        range: &Range<Index>,
        max_bytes: u64,
    ) -> Result<Vec<Picked>> {
        if range.start >= range.end {
            return Ok(Vec::new());
        }
        let held = self.groups.get(group).ok_or(Error::UnknownGroup { group })?;
        let (first, last) = (held.first_index(), held.last_index());
        if range.start < first {
            return Err(Error::Compacted { group, index: range.start, first });
        }
        if range.end > last.next() {
            return Err(Error::Beyond { group, index: Index(range.end.0 - 1), last });
        }
        let mut picked = Vec::new();
        let mut bytes = 0;
        for (id, loc) in held.entries_from(range.start) {
            bytes += u64::from(loc.len);
            let is_past = id.index >= range.end;
            if is_past || (bytes > max_bytes && !picked.is_empty()) {
                break;
            }
            picked.push(self.pick(id, loc));
        }
        Ok(picked)
    }
}
