//! Our side: a `storage::Log`, and a thread that keeps it, as a server would run it.

use super::engine::{Durability, ENTRY_BYTES, Engine, Settings, payload};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use storage::{Batch, Entry, EntryId, GroupId, Index, Log, MaintenanceThread, Options};

/// A log, and its maintenance thread, if it serves.
pub(crate) struct Ours {
    maintenance: Option<MaintenanceThread>,
    log: Arc<Log>,
}

/// What one thread writes with.
pub(crate) struct OurBatch {
    entries: Vec<Entry>,
    batch: Batch,
}

impl Engine for Ours {
    type Batch = OurBatch;

    fn open(dir: &Path, settings: Settings) -> Result<Ours, String> {
        let mut options = Options::default();
        if let Some(bytes) = settings.file_bytes {
            options.segment_bytes = bytes;
            options.max_batch_bytes = options.max_batch_bytes.min(bytes / 2);
        }
        if let Some(bytes) = settings.collect_above_bytes {
            options.collect_above_bytes = bytes;
        }
        let log = Arc::new(Log::open(dir, options).map_err(text)?);
        Ok(Ours { maintenance: None, log })
    }

    fn serve(&mut self) -> Result<(), String> {
        self.log.maintain().map_err(text)?;
        self.maintenance = Some(MaintenanceThread::start(self.log.clone()).map_err(text)?);
        Ok(())
    }

    fn batch(entries: u64) -> OurBatch {
        let entry = |slot| Entry { id: EntryId::default(), data: payload(slot).into() };
        OurBatch { entries: (0..entries).map(entry).collect(), batch: Batch::new() }
    }

    fn write(
        &self,
        batch: &mut OurBatch,
        group: u64,
        first: u64,
        keep_from: Option<u64>,
        durability: Durability,
    ) -> Result<(), String> {
        let OurBatch { entries, batch } = batch;
        for (entry, index) in entries.iter_mut().zip(first..) {
            entry.id = EntryId::new(index, 1);
        }
        batch.clear();
        batch.entries(GroupId(group), entries);
        if let Some(keep_from) = keep_from {
            batch.compact(GroupId(group), EntryId::new(keep_from - 1, 1));
        }
        let lsn = self.log.append(batch).map_err(text)?;
        match durability {
            Durability::Async => Ok(()),
            Durability::Sync => self.log.sync_to(lsn).map_err(text),
        }
    }

    fn fetch(&self, group: u64, range: Range<u64>) -> Result<(), String> {
        let group = GroupId(group);
        let check = |entry: &Entry, index: u64| {
            let is_it = entry.id.index == Index(index) && entry.data.len() == ENTRY_BYTES;
            if is_it { Ok(()) } else { Err(format!("entry {index} was asked for, and is not it")) }
        };
        if range.end - range.start == 1 {
            let entry = self.log.entry(group, Index(range.start)).map_err(text)?;
            return check(&entry.ok_or("an entry is not there")?, range.start);
        }
        let places = Index(range.start)..Index(range.end);
        let entries = self.log.entries(group, places, u64::MAX).map_err(text)?;
        if entries.len() as u64 != range.end - range.start {
            return Err(format!("{} entries came, of {range:?}", entries.len()));
        }
        entries.iter().zip(range).try_for_each(|(entry, index)| check(entry, index))
    }

    fn collect(&self) -> Result<(), String> {
        self.log.gc().map(|_| ()).map_err(text)
    }

    fn last(&self, group: u64) -> Option<u64> {
        self.log.last_index(GroupId(group)).map(|last| last.0)
    }

    fn syncs(&self) -> u64 {
        self.log.stats().syncs
    }

    fn close(self) -> Result<(), String> {
        let Ours { maintenance, log } = self;
        maintenance.map_or(Ok(()), MaintenanceThread::stop).map_err(text)?;
        Arc::into_inner(log)
            .expect("the maintenance thread was the only other owner")
            .close()
            .map_err(text)
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
