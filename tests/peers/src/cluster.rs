//! Nodes in one thread, ours or the peer's: what both sides must do, and who sees to it.
//!
//! ```text
//!   due proposals, reads --> leader
//!      every node:  has_ready? ready  --> messages into the queue
//!                                     --> a snapshot, entries and hard state into memory storage
//!                                     --> promises into the queue
//!                                     --> committed entries applied
//!                   advance           --> what became possible, likewise; advance_apply
//!      the queue:   every message is moved, not copied, into its receiver's `step`
//! ```
//!
//! The loop around both is this file's: a side only says how one node does its part. Both sides copy
//! each payload into memory of its own, as if it had come from a client; both storages keep as many entries
//! behind what is applied; both windows are the same, both appends 1 MiB at most.
//!
//! Invariant: an entry counts once the leader has applied it, and a read once it has an index. At the end
//! every node has applied the same entries; else nothing is reported.

use crate::shape::{Load, Shape};
use std::ops::Range;

/// What a node has applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Applied {
    /// The place of the last entry, a leader's empty first ones included.
    pub(crate) last: u64,
    /// How many proposals.
    pub(crate) proposals: u64,
    /// The sum of their first bytes and lengths: applying reads them.
    pub(crate) sum: u64,
}

impl Applied {
    /// Takes over what a snapshot holds: the leader's first entry, and after it nothing but this payload.
    pub(crate) fn restore(&mut self, last: u64, payload_bytes: usize) {
        assert!(last > self.last, "a snapshot is of something newer");
        let proposals = last - 1;
        *self = Applied { last, proposals, sum: proposals * byte_sum(payload_bytes) };
    }

    /// Applies one entry.
    pub(crate) fn apply(&mut self, index: u64, data: &[u8]) {
        assert_eq!(index, self.last + 1, "entries are applied in order, each once");
        self.last = index;
        if let Some(&first) = data.first() {
            self.proposals += 1;
            self.sum += u64::from(first) + data.len() as u64;
        }
    }
}

/// The first byte of a payload and its length.
fn byte_sum(payload_bytes: usize) -> u64 {
    7 + payload_bytes as u64
}

/// The nodes of one side, the first of which is to lead.
pub(crate) trait Cluster {
    /// A message of this side.
    type Message;

    /// Returns nodes that follow nobody yet.
    fn new(shape: &Shape) -> Self;

    /// Makes the first node stand for election.
    fn campaign(&mut self);

    /// Proposes at the first node that many entries of this payload, each in memory of its own.
    fn propose(&mut self, entries: u64, payload: &[u8]);

    /// Asks the first node for the index of reads with these marks.
    fn read(&mut self, marks: Range<u64>);

    /// Returns how many reads have an index.
    fn read_done(&self) -> u64;

    /// Does a node's part: takes a Ready, if there is one, saves, sends, applies and advances.
    /// Returns whether there was one.
    fn work(&mut self, node: usize, queue: &mut Vec<Self::Message>) -> bool;

    /// Returns whom a message is from, and whom it is for.
    fn ends(message: &Self::Message) -> [u64; 2];

    /// Hands a message to whom it is for. The sender of a snapshot hears that it has arrived.
    fn deliver(&mut self, message: Self::Message);

    /// Loses a message. The sender of a snapshot hears that it has not arrived.
    fn lose(&mut self, message: Self::Message);

    /// Lets the first node send heartbeats.
    fn beat(&mut self);

    /// Returns what a node has applied.
    fn applied(&self, node: usize) -> Applied;
}

/// A cluster, its queue, and what has gone through it.
pub(crate) struct Running<C: Cluster> {
    cluster: C,
    queue: Vec<C::Message>,
    payload: Vec<u8>,
    shape: Shape,
    asked: u64,
    rounds: u64,
    done: Done,
}

/// What a running cluster has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Done {
    /// Proposals applied by the leader, or reads with an index.
    pub(crate) units: u64,
    /// Messages delivered.
    pub(crate) messages: u64,
    /// Readys taken.
    pub(crate) readys: u64,
}

impl<C: Cluster> Running<C> {
    /// For how many rounds of twice as many the last node is cut off, where it needs snapshots.
    const CUT_ROUNDS: u64 = 16;

    /// Returns a cluster whose first node leads.
    pub(crate) fn start(shape: &Shape) -> Self {
        let mut cluster = C::new(shape);
        cluster.campaign();
        let payload = vec![7; shape.payload_bytes];
        let (queue, shape, done) = (Vec::new(), *shape, Done::default());
        let mut running = Running { cluster, queue, payload, shape, asked: 0, rounds: 0, done };
        while running.pass(None) {}
        running
    }

    /// Asks for what is due, then lets every node do its part once and delivers what they said.
    pub(crate) fn round(&mut self) {
        let due = self.shape.outstanding - (self.asked - self.done.units);
        if due > 0 {
            match self.shape.load {
                Load::Reads => self.cluster.read(self.asked..self.asked + due),
                Load::Entries | Load::Snapshots => self.cluster.propose(due, &self.payload),
            }
            self.asked += due;
        }
        let cut = self.cut_off();
        self.pass(cut);
    }

    /// Returns the node that is cut off in this round. When it comes back, it gets a heartbeat.
    fn cut_off(&mut self) -> Option<u64> {
        if self.shape.load != Load::Snapshots {
            return None;
        }
        self.rounds += 1;
        if self.rounds % (2 * Self::CUT_ROUNDS) == 0 {
            self.cluster.beat();
        }
        Some(self.shape.voters).filter(|_| self.rounds / Self::CUT_ROUNDS % 2 == 1)
    }

    /// Lets every node do its part but one that is cut off, whose messages are lost.
    fn pass(&mut self, cut: Option<u64>) -> bool {
        let mut busy = false;
        for node in (1..=self.shape.voters).filter(|&node| Some(node) != cut) {
            if self.cluster.work(node as usize - 1, &mut self.queue) {
                busy = true;
                self.done.readys += 1;
            }
        }
        self.done.messages += self.queue.len() as u64;
        for message in self.queue.drain(..) {
            busy = true;
            if cut.is_none_or(|cut| !C::ends(&message).contains(&cut)) {
                self.cluster.deliver(message);
            } else {
                self.cluster.lose(message);
            }
        }
        self.done.units = match self.shape.load {
            Load::Reads => self.cluster.read_done(),
            Load::Entries | Load::Snapshots => self.cluster.applied(0).proposals,
        };
        busy
    }

    /// Returns what was done since it was elected.
    pub(crate) fn done(&self) -> Done {
        self.done
    }

    /// Lets everyone catch up and checks that all have applied the same.
    ///
    /// # Errors
    /// What each of them has applied, if it is not what was proposed; how many reads are left.
    pub(crate) fn finish(mut self) -> Result<(), String> {
        while self.pass(None) {}
        self.cluster.beat();
        while self.pass(None) {}
        if self.asked != self.done.units {
            return Err(format!("{} asked for, {} done", self.asked, self.done.units));
        }
        let proposed = if self.shape.load == Load::Reads { 0 } else { self.asked };
        let sum = proposed * byte_sum(self.payload.len());
        for node in 0..self.shape.voters as usize {
            let applied = self.cluster.applied(node);
            if (applied.proposals, applied.sum) != (proposed, sum) {
                return Err(format!("{proposed} proposed, but node {} has {applied:?}", node + 1));
            }
        }
        Ok(())
    }
}
