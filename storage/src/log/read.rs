//! Reading: from a group and an index to the entry's bytes, which are shared and not copied.
//!
//! ```text
//!   g7, 6 --groups--> segment 3, offset 4200, 256 bytes, checksum --segment--> bytes --checksum--> ok
//! ```
//!
//! The bytes do not change while a reader holds them, even if the segment is removed.

use super::{Log, View};
use crate::disk::Disk;
use crate::error::{Corruption, Error, Lost, Result, Rot};
use crate::groups::{Group, Loc};
use crate::types::{Entry, EntryId, GroupId, Index, Lsn, Term};
use bytes::Bytes;
use std::ops::Range;

/// Counts and sizes of a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LogStats {
    /// How many groups there are.
    pub groups: u64,
    /// How many entries all groups hold.
    pub entries: u64,
    /// How many segments there are.
    pub segments: u64,
    /// The size of all segments together.
    pub log_bytes: u64,
    /// The size of all live records together.
    pub live_bytes: u64,
    /// The size of the spare segment; 0 if there is none.
    pub spare_bytes: u64,
    /// The LSN of the last frame that was appended.
    pub appended: Lsn,
    /// The LSN up to which everything is durable.
    pub durable: Lsn,
    /// How many syncs of the tail succeeded since the log was opened.
    pub syncs: u64,
}

/// An entry that was found, but whose bytes are not checked yet.
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

    /// Returns the index of a group's first entry. If the group has no entry: the index that its
    /// next entry will have.
    pub fn first_index(&self, group: GroupId) -> Option<Index> {
        self.view().groups.get(group).map(Group::first_index)
    }

    /// Returns the index of a group's last entry. If the group has no entry: the index before
    /// [`Log::first_index`].
    pub fn last_index(&self, group: GroupId) -> Option<Index> {
        self.view().groups.get(group).map(Group::last_index)
    }

    /// Returns the term of the entry at an index. The index before the first entry has a term, too.
    pub fn term(&self, group: GroupId, index: Index) -> Option<Term> {
        self.view().groups.get(group)?.term(index)
    }

    /// Returns a key's value.
    pub fn get(&self, group: GroupId, key: &[u8]) -> Option<Bytes> {
        Some(self.view().groups.get(group)?.keys().get(key)?.data.clone())
    }

    /// Returns the keys of a group that begin with `prefix`, and their values, in order.
    pub fn scan(&self, group: GroupId, prefix: &[u8]) -> Vec<(Bytes, Bytes)> {
        let view = self.view();
        let Some(group) = view.groups.get(group) else { return Vec::new() };
        let from = group.keys().range(Bytes::copy_from_slice(prefix)..);
        from.take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| (key.clone(), value.data.clone()))
            .collect()
    }

    /// Returns counts and sizes of the log.
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

// The entries of a group.

impl<D: Disk> Log<D> {
    /// Returns an entry, if the group holds it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the bytes of this entry have rotted. Other entries can still be read.
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

    /// Returns the entries of a range, in order, up to `max_bytes` together. The first entry is
    /// always returned, even if it is longer. An empty range has no entries, wherever it is.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`]; [`Error::Compacted`] if the range begins before the log,
    /// [`Error::Beyond`] if the range ends behind the log; [`Error::Corrupt`].
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

    /// Tells the system how the files will be read, before a range of a group is read.
    fn advise_files(&self, group: GroupId, range: Range<Index>, first: Loc) {
        let for_all = self.readers.note(group, range);
        let for_first = self.readers.advice_on(first);
        if for_all.is_none() && for_first.is_none() {
            return;
        }
        // Advice is given after the view's lock is released: a disk may be slow.
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
    /// Returns the size of all segments together.
    pub(super) fn log_bytes(&self) -> u64 {
        self.segments.values().map(|segment| u64::from(segment.capacity)).sum()
    }

    /// Returns an entry with its bytes, which are shared and not copied.
    fn pick(&self, id: EntryId, loc: Loc) -> Picked {
        Picked { id, loc, data: self.slice(loc) }
    }

    /// Returns the bytes at a location, shared. `None` if the segment does not hold them.
    pub(super) fn slice(&self, loc: Loc) -> Option<Bytes> {
        if loc.len == 0 {
            return Some(Bytes::new()); // such a slice keeps no segment in memory
        }
        self.segments.get(&loc.segment)?.content.slice(loc.offset, loc.len)
    }

    /// Returns the entries of a range with their shared bytes, up to `max_bytes` together.
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
