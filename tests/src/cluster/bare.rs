//! Bare nodes: driven through [`raft::Raft`] itself, and served at once.
//!
//! ```text
//!   outbox.now ------------------------> network
//!   hard state, entries --> disk --durable--> promised --> network
//!                                        '--> own -------> back to the node
//!                                        '--> committed -> application
//! ```
//!
//! With an instant disk all of this is one step. A slow disk waits at the arrow `durable` for
//! [`crate::Input::Persist`].

use super::Cluster;
use super::host::{Host, Node};
use crate::disk::{DiskSpeed, Write};
use crate::input::Step;
use raft::{Entry, NodeId, Purpose, Storage};

impl Cluster {
    /// Takes a bare node's outbox: sends what may be sent, and hands the rest to its disk. An instant
    /// disk is done at once, which may give the node more to send.
    pub(super) fn drain_outbox(&mut self, id: NodeId, step: &mut Step) {
        while let Some(Node::Bare(node)) = self.host(id).and_then(|host| host.node.as_mut()) {
            if let Err(halt) = node.flush_pending_appends() {
                // What it did since its last outbox does not leave it: not even to its disk.
                step.notes.append(&mut node.journal().drain());
                return step.refused = Some(halt.to_string());
            }
            let outbox = node.take_outbox();
            let hard_state = node.hard_state();
            let (entries, last) = (node.take_unwritten(), node.unstable_last());
            step.notes.append(&mut node.journal().drain());
            self.put_under_way(id, outbox.now, step);
            self.end_reads(id, outbox.reads, step);
            let slow = self.disks == DiskSpeed::Slow;
            let Some(host) = self.host(id) else { return };
            let silent = outbox.promised.is_empty() && outbox.own.is_empty() && entries.is_empty();
            if silent && hard_state == host.disk.latest() {
                return;
            }
            let (promised, own) = (outbox.promised, outbox.own);
            let snapshot = outbox.snapshot.map(|snapshot| *snapshot);
            let write =
                Write { hard_state, entries, last, promised, own, snapshot, ..Write::default() };
            self.write(id, write, step);
            if slow {
                return;
            }
            let Some(write) = self.host(id).and_then(|host| host.disk.persist()) else { return };
            self.bare_write_is_durable(id, write, step);
        }
    }

    /// After a write is durable: sends its promises, gives the node its promises to itself, and applies
    /// what is committed.
    pub(super) fn bare_write_is_durable(&mut self, id: NodeId, write: Write, step: &mut Step) {
        self.put_under_way(id, write.promised, step);
        if let Some(snapshot) = &write.snapshot {
            self.install(id, snapshot, step);
        }
        let Some(host) = self.host(id) else { return };
        if let Some(Node::Bare(node)) = &mut host.node {
            if let Some(snapshot) = write.snapshot {
                let last = snapshot.id;
                node.storage_mut().install_snapshot(snapshot);
                node.snapshot_installed(last);
            }
            node.storage_mut().append(&write.entries);
            if let Err(halt) = node.step_own(write.own) {
                return step.refused = Some(halt.to_string());
            }
            if let Some(last) = write.last
                && write.hard_state.term == node.hard_state().term
            {
                node.stable_to(last);
            }
        }
        let mut committed = host.committed();
        self.apply_changes(id, &mut committed, step);
        let applied = committed.last().map(|entry| entry.id.index);
        let node = self.host(id).and_then(|host| host.node.as_mut());
        if let (Some(Node::Bare(node)), Some(applied)) = (node, applied)
            && let Err(halt) = node.applied_to(applied, 0)
        {
            return step.refused = Some(halt.to_string());
        }
        self.apply_entries(id, committed, step);
    }
}

impl Host {
    /// Returns the entries on the disk that are committed and not applied.
    fn committed(&self) -> Vec<Entry> {
        let (log, from) = (self.disk.durable(), self.application.applied() + 1);
        let last = log.last_index().expect("memory can be read");
        let end = log.hard_state().commit.min(last) + 1;
        log.entries(from, end, None, Purpose::Check).expect("memory can be read")
    }
}
