//! The end of a run: everything has come right, and the history is what the log says.

use super::client::Ending;
use super::judge::{self, Logged, Values};
use super::{Fleet, REGION, config};
use kv::env::Directory;
use kv::memtable::{Family, KeyRange, Memtable};
use kv::model::{StoreId, decode_commands};
use raft::{Index, Term};
use std::collections::BTreeSet;
use storage::{GroupId, Log};

impl Fleet {
    /// Judges the run.
    ///
    /// # Errors
    /// What is wrong.
    pub fn finish(&mut self) -> Result<(), String> {
        for client in 0..self.clients.len() {
            if self.clients[client].open.is_some() {
                self.end(client, Ending::Unknown);
            }
        }
        let applied = self.check_convergence()?;
        let log = self.read_log(applied)?;
        let values = judge::judge(&self.history, &log)?;
        self.count_unknown(&log);
        self.counts.repeated_commands += judge::repeated(&log).len() as u64;
        for place in 0..self.nodes.len() {
            self.check_values(place, &values)?;
        }
        Ok(())
    }

    /// Counts the writes without an answer that the log holds, and those that it does not hold.
    fn count_unknown(&mut self, log: &[Logged]) {
        let commands = log.iter().flat_map(|(_, commands)| commands);
        let logged: BTreeSet<_> = commands.map(|command| command.request).collect();
        for record in self.history.iter().filter(|it| it.ending == Ending::Unknown) {
            let Some(request) = record.request else { continue };
            match logged.contains(&request) {
                true => self.counts.unknown_applied += 1,
                false => self.counts.unknown_not_applied += 1,
            }
        }
    }

    /// Checks that every store has applied the same. Returns up to where.
    fn check_convergence(&self) -> Result<Index, String> {
        let mut applied = BTreeSet::new();
        for node in &self.nodes {
            let status = node.store.as_ref().and_then(|store| store.peer(REGION));
            let status = status.ok_or_else(|| format!("{} does not run at the end", node.id))?;
            if status.applied.index != status.commit {
                return Err(format!(
                    "{} has applied {}, commit {}",
                    node.id, status.applied, status.commit
                ));
            }
            applied.insert(status.applied);
        }
        match applied.len() {
            1 => Ok(applied.first().expect("there is one").index),
            _ => Err(format!("the stores have applied different entries: {applied:?}")),
        }
    }

    /// Reads the log of the first store, up to `last`.
    fn read_log(&self, last: Index) -> Result<Vec<Logged>, String> {
        let disk = self.nodes[0].env.machine.after_kill().directory(Directory::RaftLog);
        let log = Log::open_on(disk, config(StoreId(1)).log).map_err(|e| e.to_string())?;
        let group = GroupId(REGION.0);
        let first = log.first_index(group).ok_or("no log")?;
        let range = first..storage::Index(last.0 + 1);
        let entries = log.entries(group, range, u64::MAX).map_err(|e| e.to_string())?;
        let mut logged = Vec::new();
        for entry in entries {
            let index = Index(entry.id.index.0);
            let id = raft::EntryId { index, term: Term(entry.id.term.0) };
            let decoded = raft::wire::decode_entry(id, entry.data).map_err(|e| e.to_string())?;
            let commands = match decoded.payload() {
                raft::Payload::Normal(data) => {
                    decode_commands(data.clone()).map_err(|e| e.to_string())?.0
                }
                raft::Payload::Noop | raft::Payload::Change(_) | raft::Payload::ChangeV2(_) => {
                    Vec::new()
                }
            };
            logged.push((index, commands));
        }
        Ok(logged)
    }

    /// Checks that a store's data are what the log says.
    fn check_values(&self, place: usize, expected: &Values) -> Result<(), String> {
        let disk = self.nodes[place].env.machine.after_kill().directory(Directory::Wal);
        let options = kv::memtable::Options { wal: config(StoreId(1)).wal };
        let table = Memtable::open_on(disk, options).map_err(|e| e.to_string())?;
        let view = table.snapshot();
        let held = view.iter(Family::Default, &KeyRange::all());
        let held: Values = held.map(|(key, value)| (key.clone(), value.clone())).collect();
        if held == *expected {
            return Ok(());
        }
        Err(format!("{} holds {held:?}, but the log says {expected:?}", self.nodes[place].id))
    }
}
