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
//! A crash may fall between any two inputs. What it takes: the node, every write that is not durable,
//! and what waits to be applied. What it leaves: the durable disk, and all that was applied.

use super::seat::{Node, Owned};
use super::{Cluster, Owner};
use crate::disk::{DiskSpeed, Write};
use crate::input::Step;
use raft::{Entry, NodeId, OrderError, Ready};

impl Cluster {
    /// Takes a Ready from a node: its messages leave, its write goes to the disk. A disk that is
    /// instant, or has nothing to do, is done at once.
    pub(super) fn take_ready(&mut self, id: NodeId, step: &mut Step) {
        let Some(node) = self.free(id, step) else { return };
        let Node::Owned(owned) = node else {
            step.refused = Some(format!("{id} is bare: nothing is taken from it by hand"));
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
        let saved = ready.hard_state();
        let write = Write {
            hard_state: owned.raw.hard_state(),
            entries: ready.entries().to_vec(),
            promised: ready.take_persisted_messages(),
            ready: Some(ready.number()),
            committed: ready.take_committed_entries(),
            ..Write::default()
        };
        owned.hold(ready);
        self.put_under_way(id, messages, step);
        let instant = self.disks == DiskSpeed::Instant;
        let Some(seat) = self.seat(id) else { return };
        let idle = saved.is_none() && write.entries.is_empty() && seat.disk.pending().len() == 0;
        // What is not handed out to be saved is not saved: a commit index learnt since.
        let hard_state = saved.unwrap_or(seat.disk.latest());
        self.write(id, Write { hard_state, ..write }, step);
        if instant || idle {
            let write = self.seat(id).and_then(|seat| seat.disk.persist());
            self.finish(id, write.expect("it was written a line above"), step);
        }
    }

    /// Lets a durable write's promises leave, tells the node, and lays out what may be applied. A node
    /// that has halted, or halts now, hears of nothing any more.
    pub(super) fn finish(&mut self, id: NodeId, write: Write, step: &mut Step) {
        self.put_under_way(id, write.promised, step);
        let node = self.seat(id).and_then(|seat| seat.node.as_mut());
        let Some(Node::Owned(owned)) = node else { return };
        owned.raw.storage_mut().append(&write.entries);
        owned.raw.storage_mut().save(write.hard_state);
        owned.lay_out(write.committed);
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
            // Saved without a sync: a crash takes it back.
            owned.raw.storage_mut().save_commit(commit);
        }
        owned.lay_out(light.take_committed_entries());
        if let Some(commit) = commit {
            self.note_commit(id, commit, step);
        }
        self.put_under_way(id, light.take_messages(), step);
    }

    /// Lets the application apply the oldest page that waits, and tells the node.
    pub(super) fn apply_page(&mut self, id: NodeId, step: &mut Step) {
        let Some(Node::Owned(owned)) = self.up(id, step) else { return };
        let Some(page) = owned.pages.pop_front() else {
            step.refused = Some(format!("{id} has nothing to apply"));
            return;
        };
        let last = page.last().expect("a page is never empty").id.index;
        match owned.raw.advance_apply_to(last) {
            Ok(()) => {}
            Err(OrderError::Halted(halt)) => return step.refused = Some(halt.to_string()),
            Err(why) => panic!("it was handed out, after what was applied before: {why}"),
        }
        self.apply_entries(id, page, step);
    }

    /// Takes what a node has noted. What it has to say waits for its owner.
    pub(super) fn hear(&mut self, id: NodeId, step: &mut Step) {
        if let Some(node) = self.seat(id).and_then(|seat| seat.node.as_mut()) {
            step.notes.append(&mut node.journal().drain());
        }
    }
}

impl Owned {
    /// Keeps a Ready while it is being written: in the owner's hands, or in the node's own account.
    fn hold(&mut self, ready: Ready) {
        match self.owner {
            Owner::OneAtATime => self.writing = Some(ready),
            Owner::Concurrent => {
                self.raw.advance_append_async(ready).expect("it has just given a Ready");
            }
        }
    }

    /// Lays out entries that may be applied.
    fn lay_out(&mut self, committed: Vec<Entry>) {
        if !committed.is_empty() {
            self.pages.push_back(committed);
        }
    }
}
