//! Bare nodes: driven through [`raft::Raft`] itself, with an owner that is never late.
//!
//! ```text
//!   outbox.now ------------------------> network
//!   hard state, entries --> disk --durable--> promised --> network
//!                                        '--> own -------> back to the node
//!                                        '--> committed -> application
//! ```
//!
//! An instant disk makes all of it one step; a slow one waits for [`crate::Input::Persist`] at the
//! arrow.

use super::Cluster;
use super::seat::{Node, Seat};
use crate::disk::{DiskSpeed, Write};
use crate::input::Step;
use raft::{Entry, NodeId, Storage};

impl Cluster {
    /// Takes a bare node's outbox: what may leave leaves, what must be durable first goes to its disk.
    /// An instant disk gives it back at once, which may make the node say more.
    pub(super) fn settle(&mut self, id: NodeId, step: &mut Step) {
        while let Some(Node::Bare(node)) = self.seat(id).and_then(|seat| seat.node.as_mut()) {
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
            let slow = self.disks == DiskSpeed::Slow;
            let Some(seat) = self.seat(id) else { return };
            let silent = outbox.promised.is_empty() && outbox.own.is_empty() && entries.is_empty();
            if silent && hard_state == seat.disk.latest() {
                return;
            }
            let (promised, own) = (outbox.promised, outbox.own);
            let write = Write { hard_state, entries, last, promised, own, ..Write::default() };
            self.write(id, write, step);
            if slow {
                return;
            }
            let Some(write) = self.seat(id).and_then(|seat| seat.disk.persist()) else { return };
            self.keep(id, write, step);
        }
    }

    /// Lets a durable write's promises leave, gives the node its own back, and applies what is
    /// committed.
    pub(super) fn keep(&mut self, id: NodeId, write: Write, step: &mut Step) {
        self.put_under_way(id, write.promised, step);
        let Some(seat) = self.seat(id) else { return };
        if let Some(Node::Bare(node)) = &mut seat.node {
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
        let committed = seat.committed();
        self.apply_entries(id, committed, step);
    }
}

impl Seat {
    /// Returns what the disk holds and knows to be committed, and is not applied.
    fn committed(&self) -> Vec<Entry> {
        let (log, from) = (self.disk.durable(), self.application.applied() + 1);
        let last = log.last_index().expect("memory can be read");
        let end = log.hard_state().commit.min(last) + 1;
        log.entries(from, end, None).expect("memory can be read")
    }
}
