//! The peer's side: crate `raft-engine`.
//!
//! Its entries are protobuf messages. The shortest it knows is taken, one field of bytes, whose first
//! eight are the entry's index; a term, which ours keeps beside the bytes, it does not keep at all.

use super::engine::{Durability, ENTRY_BYTES, Engine, Settings, payload};
use protobuf::well_known_types::BytesValue;
use raft_engine::{Command, Config, LogBatch, MessageExt, ReadableSize};
use std::ops::Range;
use std::path::Path;

/// How long the index is, at the beginning of an entry's bytes.
const INDEX_BYTES: usize = 8;

/// A raft-engine.
pub(crate) struct Peer {
    engine: raft_engine::Engine,
}

/// What one thread writes with.
pub(crate) struct PeerBatch {
    entries: Vec<BytesValue>,
    batch: LogBatch,
}

/// What its entries are.
#[derive(Clone)]
struct Indexed;

impl MessageExt for Indexed {
    type Entry = BytesValue;

    fn index(entry: &BytesValue) -> u64 {
        let bytes = entry.value[..INDEX_BYTES].try_into().expect("it is longer than its index");
        u64::from_le_bytes(bytes)
    }
}

impl Engine for Peer {
    type Batch = PeerBatch;

    fn open(dir: &Path, settings: Settings) -> Result<Peer, String> {
        let mut config = Config {
            dir: dir.display().to_string(),
            batch_compression_threshold: ReadableSize(0), // off
            recovery_threads: settings.peer_threads,
            ..Config::default()
        };
        if let Some(bytes) = settings.file_bytes {
            config.target_file_size = ReadableSize(bytes.into());
        }
        if let Some(bytes) = settings.collect_above_bytes {
            config.purge_threshold = ReadableSize(bytes);
        }
        raft_engine::Engine::open(config).map(|engine| Peer { engine }).map_err(text)
    }

    fn serve(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn batch(entries: u64) -> PeerBatch {
        let entry = |slot| {
            let mut entry = BytesValue::new();
            entry.set_value(payload(slot));
            entry
        };
        PeerBatch { entries: (0..entries).map(entry).collect(), batch: LogBatch::default() }
    }

    fn write(
        &self,
        batch: &mut PeerBatch,
        group: u64,
        first: u64,
        keep_from: Option<u64>,
        durability: Durability,
    ) -> Result<(), String> {
        let PeerBatch { entries, batch } = batch;
        for (entry, index) in entries.iter_mut().zip(first..) {
            entry.value[..INDEX_BYTES].copy_from_slice(&index.to_le_bytes());
        }
        batch.add_entries::<Indexed>(group, entries).map_err(text)?;
        if let Some(index) = keep_from {
            batch.add_command(group, Command::Compact { index });
        }
        self.engine.write(batch, durability == Durability::Sync).map(|_| ()).map_err(text)
    }

    fn fetch(&self, group: u64, range: Range<u64>) -> Result<(), String> {
        let check = |entry: &BytesValue, index: u64| {
            let is_it = Indexed::index(entry) == index && entry.value.len() == ENTRY_BYTES;
            if is_it { Ok(()) } else { Err(format!("entry {index} was asked for, and is not it")) }
        };
        if range.end - range.start == 1 {
            let entry = self.engine.get_entry::<Indexed>(group, range.start).map_err(text)?;
            return check(&entry.ok_or("an entry is not there")?, range.start);
        }
        let mut entries = Vec::new();
        let (start, end) = (range.start, range.end);
        let fetched =
            self.engine.fetch_entries_to::<Indexed>(group, start, end, None, &mut entries);
        if fetched.map_err(text)? as u64 != end - start {
            return Err(format!("{} entries came, of {range:?}", entries.len()));
        }
        entries.iter().zip(range).try_for_each(|(entry, index)| check(entry, index))
    }

    fn collect(&self) -> Result<(), String> {
        // What it returns are groups that should be compacted: here they are, always.
        self.engine.purge_expired_files().map(|_| ()).map_err(text)
    }

    fn last(&self, group: u64) -> Option<u64> {
        self.engine.last_index(group)
    }

    fn syncs(&self) -> u64 {
        let families = prometheus::gather();
        let of_syncs =
            families.iter().find(|it| it.get_name() == "raft_engine_sync_log_duration_seconds");
        of_syncs.map_or(0, |family| {
            family.get_metric().iter().map(|it| it.get_histogram().get_sample_count()).sum()
        })
    }

    fn close(self) -> Result<(), String> {
        Ok(())
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
