//! What is left on the disks of a store that has ended: read for the counts, and changed by nobody.

use super::{REGION, config};
use crate::machine::SimMachine;
use kv::env::Directory;
use kv::memtable::{Family, Memtable, Options, Reader};
use kv::model::{ApplyState, StoreId, keys};
use raft::Index;
use std::cmp::Ordering;
use storage::{Disk, Doing, GroupId, Log};

/// Returns how many batches a machine's write-ahead log holds.
pub(super) fn wal_length(machine: &SimMachine) -> u64 {
    let Some(disk) = left_in(machine, Directory::Wal) else { return 0 };
    let log = Log::open_on(disk, config(StoreId(1)).wal).ok();
    log.and_then(|log| log.last_index(GroupId(0))).map_or(0, |last| last.0)
}

/// Compares the commit index of the memtable with that of the hard state; none if one of them is not there.
pub fn memtable_beside_hard_state(machine: &SimMachine) -> Option<Ordering> {
    let (wal, raft) = (left_in(machine, Directory::Wal)?, left_in(machine, Directory::RaftLog)?);
    let options = Options { wal: config(StoreId(1)).wal };
    let applied =
        Memtable::open_on(wal, options).ok()?.get(Family::Raft, &keys::apply_state(REGION))?;
    let log = Log::open_on(raft, config(StoreId(1)).log).ok()?;
    let hard_state = raft::wire::decode_hard_state(log.get(GroupId(REGION.0), b"hs")?).ok()?;
    Some(ApplyState::decode(applied).ok()?.commit.cmp(&Index(hard_state.commit.0)))
}

/// Returns whether the last operation of a machine was on one engine's files, and the one before on the
/// other's: the power failed between their writes.
pub(super) fn was_cut_between_engines(machine: &SimMachine) -> bool {
    let engine = |doing: &Doing| {
        let (Doing::Write { file, .. } | Doing::Sync { file }) = *doing else { return None };
        let name = machine.directory(Directory::Wal).name_of(file)?; // with the directory's, of any
        let engines = [Directory::RaftLog, Directory::Wal];
        engines.into_iter().find(|engine| name.starts_with(engine.name()))
    };
    match &machine.journal()[..] {
        [.., before, last] => {
            let engines = engine(&before.doing).zip(engine(&last.doing));
            engines.is_some_and(|(before, last)| before != last)
        }
        _ => false,
    }
}

/// Returns a directory as the next process finds it; none if it is empty.
fn left_in(machine: &SimMachine, directory: Directory) -> Option<storage::SimDisk> {
    let disk = machine.after_kill().directory(directory);
    disk.list().is_ok_and(|names| !names.is_empty()).then_some(disk)
}
