//! Nodes behind their `RawNode`, and the owner's loop in small steps.
//!
//! ```text
//!              Ready              Persist                        Apply
//!   node  -------*-------------------^------------------------------^----->
//!                 \ messages leave   | on_persist_ready              | advance_apply_to
//!                  \ write           | or advance_append             |
//!   disk            [======= slow ===]--> promises leave             |
//!   application                         committed entries wait [=====]
//! ```
//!
//! A crash may come between any two inputs. It loses the node, every write that is not durable, and the
//! entries that wait to be applied. It leaves the durable disk, and everything that was applied.

use super::host::{Node, Owned};
use super::{Cluster, Owner};
use crate::disk::{DiskSpeed, Write};
use crate::input::Step;
use raft::{Entry, NodeId, OrderError, Ready};

impl Cluster {
    /// Takes a Ready from a node: sends its messages, and hands its write to the disk. An instant disk,
    /// or a disk that has nothing to write, is done at once.
    pub(super) fn take_ready(&mut self, id: NodeId, step: &mut Step) {
        let Some(node) = self.free(id, step) else { return };
        let Node::Owned(owned) = node else {
            step.refused = Some(format!("{id} is a bare node: it has no Ready to take"));
            return;
        };
        if !owned.raw.has_ready() {
            step.refused = Some(format!("{id} has nothing ready"));
            return;
        }
        let mut ready = match owned.raw.ready() {
            Ok(ready) => ready,
            Err(halt) => return step.refused = Some(halt.to_string()),
        };
        let messages = ready.take_messages();
        let reads = ready.take_reads();
        let saved = ready.hard_state();
        let write = Write {
            hard_state: owned.raw.hard_state(),
            entries: ready.entries().to_vec(),
            promised: ready.take_persisted_messages(),
            ready: Some(ready.number()),
            snapshot: ready.take_snapshot(),
            committed: ready.take_committed_entries(),
            ..Write::default()
        };
        owned.hold(ready);
        self.put_under_way(id, messages, step);
        self.end_reads(id, reads, step);
        let instant = self.disks == DiskSpeed::Instant;
        let Some(host) = self.host(id) else { return };
        let is_empty = saved.is_none() && write.entries.is_empty() && write.snapshot.is_none();
        let idle = is_empty && host.disk.pending().len() == 0;
        // Only what the Ready hands out is saved, not a commit index that the node has learnt since.
        let hard_state = saved.unwrap_or(host.disk.latest());
        self.write(id, Write { hard_state, ..write }, step);
        if instant || idle {
            let write = self.host(id).and_then(|host| host.disk.persist());
            self.owned_write_is_durable(id, write.expect("it was written a line above"), step);
        }
    }

    /// After a write is durable: sends its promises, tells the node, and queues what may be applied. A
    /// node that has halted, or halts now, is told nothing more.
    pub(super) fn owned_write_is_durable(&mut self, id: NodeId, write: Write, step: &mut Step) {
        self.put_under_way(id, write.promised, step);
        if let Some(snapshot) = &write.snapshot {
            self.install(id, snapshot, step);
        }
        let node = self.host(id).and_then(|host| host.node.as_mut());
        let Some(Node::Owned(owned)) = node else { return };
        if let Some(snapshot) = write.snapshot {
            owned.raw.storage_mut().install_snapshot(snapshot);
            // The application has a later state now.
            owned.apply_queue.clear();
            owned.awaits_snapshot = false;
        }
        owned.raw.storage_mut().append(&write.entries);
        owned.raw.storage_mut().save(write.hard_state);
        owned.queue_committed(write.committed);
        let Some(ready) = owned.writing.take() else {
            let number = write.ready.expect("an owner's write is a Ready's");
            match owned.raw.on_persist_ready(number) {
                Ok(()) => {}
                Err(OrderError::Halted(halt)) => step.refused = Some(halt.to_string()),
                Err(why) => panic!("writes end in order: {why}"),
            }
            return;
        };
        let mut light = match owned.raw.advance_append(ready) {
            Ok(light) => light,
            Err(halt) => return step.refused = Some(halt.to_string()),
        };
        let commit = light.commit_index();
        if let Some(commit) = commit {
            // Saved without a sync, so a crash loses it.
            owned.raw.storage_mut().save_commit(commit);
        }
        owned.queue_committed(light.take_committed_entries());
        if let Some(commit) = commit {
            self.note_commit(id, commit, step);
        }
        self.put_under_way(id, light.take_messages(), step);
    }

    /// Lets the application apply the committed entries of the oldest Ready, and tells the node.
    pub(super) fn apply_next(&mut self, id: NodeId, step: &mut Step) {
        let Some(Node::Owned(owned)) = self.up(id, step) else { return };
        let Some(mut entries) = owned.apply_queue.pop_front() else {
            step.refused = Some(format!("{id} has nothing to apply"));
            return;
        };
        let count = entries.len();
        self.apply_changes(id, &mut entries, step);
        let Some(Node::Owned(owned)) = self.up(id, step) else { return };
        if entries.len() < count {
            // A snapshot covers the rest. It is not installed yet, and writes from before it may still end.
            owned.apply_queue.clear();
            owned.awaits_snapshot = true;
        }
        let Some(last) = entries.last().map(|entry| entry.id.index) else { return };
        match owned.raw.advance_apply_to(last) {
            Ok(()) => {}
            Err(OrderError::Halted(halt)) => return step.refused = Some(halt.to_string()),
            Err(why) => panic!("it was handed out, after what was applied before: {why}"),
        }
        self.apply_entries(id, entries, step);
    }

    /// Takes the events that a node has noted. Its messages wait for its owner.
    pub(super) fn collect_notes(&mut self, id: NodeId, step: &mut Step) {
        if let Some(node) = self.host(id).and_then(|host| host.node.as_mut()) {
            step.notes.append(&mut node.journal().drain());
        }
    }
}

impl Owned {
    /// Keeps a Ready while it is being written: with the owner, or in the node's own records.
    fn hold(&mut self, ready: Ready) {
        match self.owner {
            Owner::OneAtATime => self.writing = Some(ready),
            Owner::Concurrent => {
                self.raw.advance_append_async(ready).expect("it has just given a Ready");
            }
        }
    }

    /// Queues entries that may be applied.
    fn queue_committed(&mut self, committed: Vec<Entry>) {
        if !committed.is_empty() && !self.awaits_snapshot {
            self.apply_queue.push_back(committed);
        }
    }
}
