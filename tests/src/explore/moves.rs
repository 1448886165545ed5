//! What can happen to a cluster, and what can come of it.
//!
//! ```text
//!   a state --Move--> owners do what they can --+-- the write is durable --> a leader beats --> a Branch
//!                                               '-- a crash will take it ---------------------> a Branch
//! ```

use super::bounds::{Bounds, Subject};
use crate::cluster::Cluster;
use crate::disk::Disk;
use crate::fingerprint::Fingerprint;
use crate::input::Input;
use crate::invariant::Violation;
use bytes::Bytes;
use raft::{Config, NodeId, Raft, RoleName};
use std::hash::Hash;

/// One thing the explorer can do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Move {
    /// One input.
    Once(Input),
    /// As many ticks as a leader may be silent.
    Beat(NodeId, u64),
    /// So many writes of one and the same state become durable.
    Persist(NodeId, usize),
    /// A crash, and the restart after it.
    Reboot(NodeId),
}

impl Move {
    /// Returns the inputs that make it happen.
    fn inputs(&self) -> Vec<Input> {
        match self {
            Move::Once(input) => vec![input.clone()],
            Move::Beat(id, ticks) => vec![Input::Tick(*id); *ticks as usize],
            Move::Persist(id, writes) => vec![Input::Persist(*id); *writes],
            Move::Reboot(id) => vec![Input::Crash(*id), Input::Restart(*id)],
        }
    }
}

/// How much of what is bounded has happened on the way to a state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct Spent {
    pub(super) crashes: u32,
    pub(super) proposals: u32,
}

impl Spent {
    /// Returns what is spent after one more move.
    fn after(self, one: &Move) -> Self {
        let crashes = self.crashes + u32::from(matches!(one, Move::Reboot(_)));
        let is_proposal = matches!(one, Move::Once(Input::Propose { .. }));
        Spent { crashes, proposals: self.proposals + u32::from(is_proposal) }
    }

    /// Returns everything that is no more than this, itself last.
    pub(super) fn at_most(self) -> impl Iterator<Item = Spent> {
        (0..=self.crashes).flat_map(move |crashes| {
            (0..=self.proposals).map(move |proposals| Spent { crashes, proposals })
        })
    }

    /// Returns what stands for it in the name of a state.
    pub(super) fn mark(self) -> u128 {
        Fingerprint::of(&(self, "spent"))
    }
}

/// One thing that can come of a move.
#[derive(Clone)]
pub(super) struct Branch {
    pub(super) cluster: Cluster,
    /// Every input it took.
    pub(super) inputs: Vec<Input>,
    /// The first rule it broke.
    pub(super) violation: Option<Violation>,
    /// Whom it happened to.
    mover: Option<NodeId>,
}

impl Branch {
    /// Lets one thing happen, and whatever owners do at once after it; nothing once a rule is broken.
    fn take(&mut self, input: Input) {
        self.apply(input);
        while let Some(next) = self.cluster.next_by_owners().filter(|_| self.violation.is_none()) {
            self.apply(next);
        }
    }

    fn apply(&mut self, input: Input) {
        if self.violation.is_some() {
            return;
        }
        let step = self.cluster.apply(&input);
        self.mover = step.node.or(self.mover);
        self.violation = step.violation;
        self.inputs.push(input);
    }

    /// Returns who has just begun a write that is not durable yet.
    fn writer(&self) -> Option<NodeId> {
        let writes = |id: &NodeId| is_writing(&self.cluster, *id) && self.violation.is_none();
        self.mover.filter(writes)
    }

    /// Lets whom it happened to speak, if it leads and its owner is free.
    fn beat(&mut self) {
        let Some(id) = self.mover.filter(|&id| !self.cluster.is_busy(id)) else { return };
        if self.cluster.leaders().iter().any(|&(leader, _)| leader == id) {
            for _ in 0..beat_ticks(&self.cluster, id) {
                self.take(Input::Tick(id));
            }
        }
    }
}

/// Returns everything that can come of everything that can happen in a state, always in the same
/// order, and what is spent then.
pub(super) fn outcomes<'a>(
    cluster: &'a Cluster,
    spent: Spent,
    bounds: &'a Bounds,
) -> impl Iterator<Item = (Spent, Branch)> + 'a {
    moves(cluster, spent, bounds).into_iter().flat_map(move |one| {
        let spent = spent.after(&one);
        branches(cluster, &one, spent, bounds).into_iter().map(move |branch| (spent, branch))
    })
}

/// Returns what can come of a move: one thing, unless it begins a write whose fate is told at once.
fn branches(cluster: &Cluster, one: &Move, spent: Spent, bounds: &Bounds) -> Vec<Branch> {
    let mut now =
        Branch { cluster: cluster.clone(), inputs: Vec::new(), violation: None, mover: None };
    one.inputs().into_iter().for_each(|input| now.take(input));
    let mut branches = Vec::new();
    if bounds.tells_fates() {
        let crashes_left = (bounds.crashes - spent.crashes) as usize;
        while let Some(id) = now.writer() {
            let doomed = now.cluster.ids().filter(|&id| is_writing(&now.cluster, id)).count();
            if doomed <= crashes_left {
                branches.push(now.clone());
            }
            now.take(Input::Persist(id));
        }
    }
    branches.push(now);
    for branch in &mut branches {
        if bounds.beats_at_once() {
            branch.beat();
        }
        branch.cluster.fold(bounds.subject, bounds.folding);
    }
    branches
}

/// Returns everything that can happen in a state, always in the same order.
fn moves(cluster: &Cluster, spent: Spent, bounds: &Bounds) -> Vec<Move> {
    let mut moves = Vec::new();
    for flight in cluster.network().flights() {
        let message = || flight.message.clone();
        if bounds.loses_messages() {
            moves.push(Move::Once(Input::Drop(message())));
        }
        if cluster.is_busy(flight.message.to) {
            continue;
        }
        if bounds.in_flight.is_none() || bounds.subject == Subject::Elections {
            moves.push(Move::Once(Input::Duplicate(message())));
        }
        if bounds.in_flight.is_some() {
            moves.push(Move::Once(Input::Deliver(message())));
        }
    }
    for id in cluster.ids() {
        let Some(node) = cluster.node(id).map(Raft::inspect) else { continue };
        let writes = cluster.disk(id).map_or(0, same_image);
        if writes > 0 && !bounds.tells_fates() {
            moves.push(Move::Persist(id, writes));
        }
        let is_free = !cluster.is_busy(id);
        if node.role == RoleName::Leader && is_free {
            if !bounds.beats_at_once() {
                moves.push(Move::Beat(id, beat_ticks(cluster, id)));
            }
            if spent.proposals < bounds.proposals {
                let data = Bytes::from(vec![b'a' + (spent.proposals % 26) as u8]);
                moves.push(Move::Once(Input::Propose { node: id, data }));
            }
        }
        if node.term.0 < bounds.terms && is_free {
            moves.push(Move::Once(Input::Campaign(id)));
        }
        if spent.crashes < bounds.crashes {
            moves.push(Move::Reboot(id));
        }
    }
    moves
}

/// Returns whether a node's disk has something to write.
fn is_writing(cluster: &Cluster, id: NodeId) -> bool {
    cluster.disk(id).is_some_and(|disk| disk.pending().len() > 0)
}

/// Returns how many of the oldest waiting writes save one and the same state.
fn same_image(disk: &Disk) -> usize {
    let Some(oldest) = disk.pending().next() else { return 0 };
    disk.pending().take_while(|write| write.is_same_image(oldest)).count()
}

/// Returns how many ticks a leader may be silent.
fn beat_ticks(cluster: &Cluster, id: NodeId) -> u64 {
    cluster.config(id).map_or(1, |config: &Config| config.heartbeat_ticks)
}
