//! The moves of the explorer: what can happen in a state, and what it can lead to.
//!
//! ```text
//!   a state --Move--> owners act --+-- the write is durable -----> leader sends heartbeats --> a Branch
//!                                  '-- a crash will lose the write --------------------------> a Branch
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

/// One move of the explorer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Move {
    /// One input.
    Once(Input),
    /// The ticks until a leader sends heartbeats.
    Heartbeat(NodeId, u64),
    /// This many pending writes with the same contents become durable.
    Persist(NodeId, usize),
    /// A crash, and the restart after it.
    Reboot(NodeId),
    /// An item of [`Bounds::once`], by its place.
    Listed(usize),
}

impl Move {
    /// Returns the inputs of the move.
    fn inputs(&self, bounds: &Bounds) -> Vec<Input> {
        match self {
            Move::Once(input) => vec![input.clone()],
            Move::Heartbeat(id, ticks) => vec![Input::Tick(*id); *ticks as usize],
            Move::Persist(id, writes) => vec![Input::Persist(*id); *writes],
            Move::Reboot(id) => vec![Input::Crash(*id), Input::Restart(*id)],
            Move::Listed(at) => bounds.once[*at].clone(),
        }
    }
}

/// How many crashes and proposals the path to a state has, and which listed items.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct Spent {
    pub(super) crashes: u32,
    pub(super) proposals: u32,
    /// One bit for each item of [`Bounds::once`].
    pub(super) listed: u16,
}

impl Spent {
    /// Returns the counts after one more move.
    fn after(self, one: &Move) -> Self {
        let crashes = self.crashes + u32::from(matches!(one, Move::Reboot(_)));
        let is_proposal = matches!(one, Move::Once(Input::Propose { .. }));
        let item = if let Move::Listed(at) = one { 1 << at } else { 0 };
        let listed = self.listed | item;
        Spent { crashes, proposals: self.proposals + u32::from(is_proposal), listed }
    }

    /// Returns everything that spends no more than this.
    pub(super) fn at_most(self) -> impl Iterator<Item = Spent> {
        let Spent { crashes, proposals, listed } = self;
        let parts = (0..=listed).filter(move |part| part & !listed == 0);
        parts.flat_map(move |listed| {
            (0..=crashes).flat_map(move |crashes| {
                (0..=proposals).map(move |proposals| Spent { crashes, proposals, listed })
            })
        })
    }

    /// Returns its part of a state's hash.
    pub(super) fn mark(self) -> u128 {
        Fingerprint::of(&(self, "spent"))
    }
}

/// One possible result of a move.
#[derive(Clone)]
pub(super) struct Branch {
    pub(super) cluster: Cluster,
    /// Every input of the move.
    pub(super) inputs: Vec<Input>,
    /// The first rule that it broke.
    pub(super) violation: Option<Violation>,
    /// The node that it happened to.
    mover: Option<NodeId>,
}

impl Branch {
    /// Applies one input, and then the actions of owners. Does nothing after a rule is broken.
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

    /// Returns the node of the move if it has a pending write.
    fn writer(&self) -> Option<NodeId> {
        let writes = |id: &NodeId| is_writing(&self.cluster, *id) && self.violation.is_none();
        self.mover.filter(writes)
    }

    /// Lets the node of the move send heartbeats, if it leads and its owner is not busy.
    fn send_heartbeats(&mut self) {
        let Some(id) = self.mover.filter(|&id| !self.cluster.is_busy(id)) else { return };
        if self.cluster.leaders().iter().any(|&(leader, _)| leader == id) {
            for _ in 0..heartbeat_ticks(&self.cluster, id) {
                self.take(Input::Tick(id));
            }
        }
    }
}

/// Returns every possible result of every move in a state, always in the same order, each with its counts
/// of crashes and proposals.
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

/// Returns the possible results of a move: one, or two for each write that may be lost in a crash.
fn branches(cluster: &Cluster, one: &Move, spent: Spent, bounds: &Bounds) -> Vec<Branch> {
    let mut now =
        Branch { cluster: cluster.clone(), inputs: Vec::new(), violation: None, mover: None };
    one.inputs(bounds).into_iter().for_each(|input| now.take(input));
    let mut branches = Vec::new();
    if bounds.decides_writes_at_once() {
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
            branch.send_heartbeats();
        }
        branch.cluster.reduce(bounds.subject, bounds.reduction);
    }
    branches
}

/// Returns every move in a state, always in the same order.
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
        // Words of a client that arrive twice are two proposals, or two reads.
        let once = bounds.subject == Subject::Groups && flight.message.term.is_none();
        if !once && (bounds.in_flight.is_none() || bounds.subject == Subject::Elections) {
            moves.push(Move::Once(Input::Duplicate(message())));
        }
        if once || bounds.in_flight.is_some() {
            moves.push(Move::Once(Input::Deliver(message())));
        }
    }
    for id in cluster.ids() {
        let Some(node) = cluster.node(id).map(Raft::inspect) else { continue };
        let writes = cluster.disk(id).map_or(0, same_image);
        if writes > 0 && !bounds.decides_writes_at_once() {
            moves.push(Move::Persist(id, writes));
        }
        let is_free = !cluster.is_busy(id);
        if bounds.subject == Subject::Groups {
            continue;
        }
        if node.role == RoleName::Leader && is_free {
            if !bounds.beats_at_once() {
                moves.push(Move::Heartbeat(id, heartbeat_ticks(cluster, id)));
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
    for (at, inputs) in bounds.once.iter().enumerate() {
        let is_spent = |place: usize| spent.listed & 1 << place != 0;
        // Of equal items the first happens first.
        let earlier = (0..at).any(|before| !is_spent(before) && bounds.once[before] == *inputs);
        let is_free =
            inputs.iter().all(|input| input.nodes().iter().all(|&id| !cluster.is_busy(id)));
        if !is_spent(at) && !earlier && is_free {
            moves.push(Move::Listed(at));
        }
    }
    moves
}

/// Returns whether a node's disk has a pending write.
fn is_writing(cluster: &Cluster, id: NodeId) -> bool {
    cluster.disk(id).is_some_and(|disk| disk.pending().len() > 0)
}

/// Returns how many of the oldest pending writes have the same contents.
fn same_image(disk: &Disk) -> usize {
    let Some(oldest) = disk.pending().next() else { return 0 };
    disk.pending().take_while(|write| write.is_same_image(oldest)).count()
}

/// Returns the ticks until a leader sends heartbeats.
fn heartbeat_ticks(cluster: &Cluster, id: NodeId) -> u64 {
    cluster.config(id).map_or(1, |config: &Config| config.heartbeat_ticks)
}
