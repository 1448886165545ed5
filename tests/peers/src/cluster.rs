//! Three nodes in one thread, ours or the peer's: what both sides must do, and who sees to it.
//!
//! ```text
//!   due proposals --> leader
//!      every node:  has_ready? ready  --> messages into the queue
//!                                     --> entries and hard state into memory storage
//!                                     --> promises into the queue
//!                                     --> committed entries applied
//!                   advance           --> what became possible, likewise; advance_apply
//!      the queue:   every message is moved, not copied, into its receiver's `step`
//! ```
//!
//! The loop around both is this file's: a side only says how one node does its part. Both sides copy
//! each payload into memory of its own, as if it had come from a client; both storages keep 1,024
//! entries behind what is applied and drop what is older every 16,384; both windows are 256 messages,
//! both appends 1 MiB at most.
//!
//! Invariant: an entry counts once the leader has applied it, and at the end every node has applied
//! the same entries; else nothing is reported.

use crate::shape::Shape;

/// How many entries are applied between two times that storage drops what is old.
pub(crate) const COMPACT_EVERY: u64 = 16_384;

/// How many applied entries are left in storage then.
pub(crate) const KEEP_BEHIND: u64 = 1_024;

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

/// Three nodes of one side, the first of which is to lead.
pub(crate) trait Cluster {
    /// A message of this side.
    type Message;

    /// Returns three nodes that follow nobody yet.
    fn new(shape: &Shape) -> Self;

    /// Makes the first node stand for election.
    fn campaign(&mut self);

    /// Proposes at the first node that many entries of this payload, each in memory of its own.
    fn propose(&mut self, entries: u64, payload: &[u8]);

    /// Does a node's part: takes a Ready, if there is one, saves, sends, applies and advances.
    /// Returns whether there was one.
    fn work(&mut self, node: usize, queue: &mut Vec<Self::Message>) -> bool;

    /// Hands a message to whom it is for.
    fn deliver(&mut self, message: Self::Message);

    /// Lets the first node tell everyone how far it has committed.
    fn beat(&mut self);

    /// Returns what a node has applied.
    fn applied(&self, node: usize) -> Applied;
}

/// A cluster, its queue, and what has gone through it.
pub(crate) struct Running<C: Cluster> {
    cluster: C,
    queue: Vec<C::Message>,
    payload: Vec<u8>,
    outstanding: u64,
    proposed: u64,
    done: Done,
}

/// What a running cluster has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Done {
    /// Proposals applied by the leader.
    pub(crate) entries: u64,
    /// Messages delivered.
    pub(crate) messages: u64,
    /// Readys taken.
    pub(crate) readys: u64,
}

impl<C: Cluster> Running<C> {
    const NODES: usize = 3;

    /// Returns a cluster whose first node leads.
    pub(crate) fn start(shape: &Shape) -> Self {
        let mut cluster = C::new(shape);
        cluster.campaign();
        let payload = vec![7; shape.payload_bytes];
        let (queue, outstanding) = (Vec::new(), shape.outstanding);
        let mut running =
            Running { cluster, queue, payload, outstanding, proposed: 0, done: Done::default() };
        while running.pass() {}
        running
    }

    /// Proposes what is due, then lets every node do its part once and delivers what they said.
    pub(crate) fn round(&mut self) {
        let due = self.outstanding - (self.proposed - self.done.entries);
        if due > 0 {
            self.cluster.propose(due, &self.payload);
            self.proposed += due;
        }
        self.pass();
    }

    fn pass(&mut self) -> bool {
        let mut busy = false;
        for node in 0..Self::NODES {
            if self.cluster.work(node, &mut self.queue) {
                busy = true;
                self.done.readys += 1;
            }
        }
        self.done.messages += self.queue.len() as u64;
        for message in self.queue.drain(..) {
            busy = true;
            self.cluster.deliver(message);
        }
        self.done.entries = self.cluster.applied(0).proposals;
        busy
    }

    /// Returns what was done since it was elected.
    pub(crate) fn done(&self) -> Done {
        self.done
    }

    /// Lets everyone catch up and checks that all have applied the same.
    ///
    /// # Errors
    /// What each of them has applied, if it is not what was proposed.
    pub(crate) fn finish(mut self) -> Result<(), String> {
        while self.pass() {}
        self.cluster.beat();
        while self.pass() {}
        let byte_sum = 7 + self.payload.len() as u64;
        for node in 0..Self::NODES {
            let applied = self.cluster.applied(node);
            if applied.proposals != self.proposed || applied.sum != self.proposed * byte_sum {
                let proposed = self.proposed;
                return Err(format!("{proposed} proposed, but node {} has {applied:?}", node + 1));
            }
        }
        Ok(())
    }
}
