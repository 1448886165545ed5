//! A run: what happened to a cluster, step by step, as those outside its nodes see it.
//!
//! ```text
//!   setup --> input --> Step    the input; messages sent, delivered, lost; entries applied, reads ended
//!                   '-> Status  what the node of this step shows after it: its role and term, its disk
//!
//!   client    |-- reads x at n3 --------------- 12 --|       found in the steps: Run::reads
//!             |-- proposes y to n1 -- applied at 12 -|       Run::proposals
//! ```
//!
//! A [property](crate::property) judges a run. It sees messages, disks, clients and what a node tells its
//! owner; it does not see what the node remembers beside that, and no [`Step::notes`]. So it holds of every
//! correct Raft, whatever its inside looks like.
//!
//! Invariant: steps are numbered from 1, without a gap; step 0 is the start.

use crate::cluster::{Cluster, Setup};
use crate::input::{Input, Step};
use bytes::Bytes;
use raft::{
    Entry, EntryId, HardState, Index, Message, NodeId, Payload, ReadDropped, RoleName, Term,
};
use std::collections::BTreeSet;

/// A run.
#[derive(Clone, Debug)]
pub struct Run {
    setup: Setup,
    /// What every node showed at the start.
    first: Vec<Status>,
    steps: Vec<Step>,
    /// For each step, what its node showed after it, if it happened to a node.
    after: Vec<Option<Status>>,
}

/// What a node shows to its owner, and what is on its disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// Which node.
    pub node: NodeId,
    /// Its role; `None` while it is down.
    pub role: Option<RoleName>,
    /// Its term; while it is down, the durable one.
    pub term: Term,
    /// The leader that it follows, itself included; `None` while it is down.
    pub leader: Option<NodeId>,
    /// Its commit index; while it is down, the durable one.
    pub commit: Index,
    /// The last index that its application has applied.
    pub applied: Index,
    /// The term, vote and commit index on its disk.
    pub durable: HardState,
    /// The last entry on its disk, or of the snapshot there; `0@0` if there is none.
    pub last_durable: EntryId,
}

impl Status {
    /// Returns what a node shows now, or `None` if the cluster has no such node.
    pub fn of(cluster: &Cluster, node: NodeId) -> Option<Self> {
        let disk = cluster.disk(node)?;
        let durable = disk.durable().hard_state();
        let (role, term, leader, commit) = match cluster.node(node).map(|raft| raft.inspect()) {
            Some(seen) => (Some(seen.role), seen.term, seen.leader, seen.commit),
            None => (None, durable.term, None, durable.commit),
        };
        let applied = cluster.application(node)?.applied();
        let last_durable = disk.kept().last().id;
        Some(Status { node, role, term, leader, commit, applied, durable, last_durable })
    }
}

/// A client's read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Read {
    /// The node that was asked.
    pub node: NodeId,
    /// The read's mark.
    pub context: Bytes,
    /// The step in which it was asked. Of several reads of a node that have one mark and wait together, no
    /// answer says for which it is: then this is the step of the first of them, for each.
    pub asked: u64,
    /// The step in which it ended, and the index to read at or why there is none. `None` if it waits
    /// still, or its node lost power first.
    pub ended: Option<(u64, Result<Index, ReadDropped>)>,
}

/// A client's proposal that a node did not refuse.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    /// The node that it was given to.
    pub node: NodeId,
    /// The command.
    pub data: Bytes,
    /// The step in which it was given.
    pub asked: u64,
    /// The first step in which some node applied it, and where it is in the log: from then on its client
    /// may know. Of two proposals of the same command the first is applied first.
    pub applied: Option<(u64, Index)>,
}

// Recording.

impl Run {
    /// Returns the run of this cluster that has no step yet.
    pub fn new(setup: Setup) -> Self {
        let cluster = Cluster::new(setup.clone());
        let first = cluster.ids().filter_map(|id| Status::of(&cluster, id)).collect();
        Run { setup, first, steps: Vec::new(), after: Vec::new() }
    }

    /// Returns the run of a cluster to which these inputs happen.
    ///
    /// # Panics
    /// If a node panics.
    pub fn of(setup: Setup, inputs: &[Input]) -> Self {
        let mut cluster = Cluster::new(setup.clone());
        let mut run = Run::new(setup);
        for input in inputs {
            let step = cluster.apply(input);
            run.record(&step, &cluster);
        }
        run
    }

    /// Adds a step. `cluster` is as the step left it.
    pub fn record(&mut self, step: &Step, cluster: &Cluster) {
        let number = self.steps.len() as u64 + 1;
        self.after.push(step.node.and_then(|id| Status::of(cluster, id)));
        self.steps.push(Step { number, notes: Vec::new(), ..step.clone() });
    }
}

// What happened.

impl Run {
    /// Returns the cluster that the run began with.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Returns every step, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns every input, in order.
    pub fn inputs(&self) -> Vec<Input> {
        self.steps.iter().map(|step| step.input.clone()).collect()
    }

    /// Returns what nodes showed: every node at the start, in step 0, then the node of each step after it.
    pub fn statuses(&self) -> impl Iterator<Item = (u64, &Status)> {
        let after = self.steps.iter().zip(&self.after);
        let first = self.first.iter().map(|status| (0, status));
        first.chain(after.filter_map(|(step, after)| Some((step.number, after.as_ref()?))))
    }

    /// Returns every message that was sent, with its step.
    pub fn sent(&self) -> impl Iterator<Item = (u64, &Message)> {
        self.steps
            .iter()
            .flat_map(|step| step.sent.iter().map(move |flight| (step.number, &flight.message)))
    }

    /// Returns every entry that a node's application applied, with its step and the node.
    pub fn applied(&self) -> impl Iterator<Item = (u64, NodeId, &Entry)> {
        self.steps.iter().flat_map(|step| {
            let node = step.node.into_iter();
            node.flat_map(move |id| step.applied.iter().map(move |entry| (step.number, id, entry)))
        })
    }
}

// What clients did.

impl Run {
    /// Returns every read of a client, in the order in which they were asked.
    pub fn reads(&self) -> Vec<Read> {
        let mut reads: Vec<Read> = Vec::new();
        // The reads that wait, as indexes.
        let mut open: Vec<usize> = Vec::new();
        for step in &self.steps {
            if let (Input::Read { node, context }, None) = (&step.input, &step.refused) {
                let same = |&&at: &&usize| reads[at].node == *node && reads[at].context == context;
                let asked = open.iter().find(same).map_or(step.number, |&at| reads[at].asked);
                open.push(reads.len());
                let (node, context) = (*node, context.clone());
                reads.push(Read { node, context, asked, ended: None });
            }
            for answer in &step.reads {
                let is_its = |&at: &usize| {
                    Some(reads[at].node) == step.node && reads[at].context == answer.context
                };
                if let Some(place) = open.iter().position(is_its) {
                    reads[open.remove(place)].ended = Some((step.number, answer.outcome));
                }
            }
            if let Input::Crash(node) = step.input {
                open.retain(|&at| reads[at].node != node);
            }
        }
        reads
    }

    /// Returns every proposal of a client that was not refused, in order.
    pub fn proposals(&self) -> Vec<Proposal> {
        let mut proposals: Vec<Proposal> = Vec::new();
        let mut known = BTreeSet::new();
        for step in &self.steps {
            if let (Input::Propose { node, data }, None) = (&step.input, &step.refused) {
                let (node, data, asked) = (*node, data.clone(), step.number);
                proposals.push(Proposal { node, data, asked, applied: None });
            }
            for entry in step.applied.iter().filter(|entry| known.insert(entry.id)) {
                let Payload::Normal(data) = entry.payload() else { continue };
                let waits = |one: &&mut Proposal| one.applied.is_none() && one.data == *data;
                if let Some(proposal) = proposals.iter_mut().find(waits) {
                    proposal.applied = Some((step.number, entry.id.index));
                }
            }
        }
        proposals
    }
}
