//! The first wrong decision of a run, which may come long before a rule breaks.
//!
//! ```text
//!   event 6   n1 counts n2's yes of term 1 in term 2     <-- the wrong decision, local to n1
//!   event 9   n1 and n3 both lead term 2                 <-- a rule of the whole cluster breaks
//! ```
//!
//! Each predicate checks one step of one node: its state before, the message that arrived, the events,
//! and its state after. It reports a step only if no correct design could do the same. So a reported run
//! is wrong, but a run without a report may be wrong, too.
//!
//! After a crash the oracle forgets the state of the node, as the node does.

mod election; // terms, votes, leaders
mod mistake; // the kinds of wrong decisions
mod replication; // logs, and what is committed
#[cfg(test)]
mod tests;

use crate::cluster::{Cluster, Setup};
use crate::input::{Fate, Input, Step};
pub use mistake::Mistake;
use raft::{Body, EntryId, Event, Index, Message, NodeId, Note, RoleName, Storage, Term};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::Location;

/// A decision that no correct node makes.
#[derive(Clone, Debug)]
pub struct WrongDecision {
    /// The node that decided.
    pub node: NodeId,
    /// What kind of mistake it is.
    pub mistake: Mistake,
    /// The source line that decided; `None` if an action is missing.
    pub at: Option<&'static Location<'static>>,
    /// What it did, in one sentence with names and numbers.
    pub text: String,
}

/// The state of a node after its last step.
#[derive(Clone, Debug)]
struct ObservedNode {
    term: Term,
    role: RoleName,
    vote: Option<NodeId>,
    commit: Index,
    /// The entry before its log, and then the entries of its log.
    log: Vec<EntryId>,
}

impl ObservedNode {
    fn at(cluster: &Cluster, id: NodeId) -> Option<Self> {
        let raft = cluster.node(id)?;
        let node = raft.inspect();
        let first = raft.storage().first_index().ok()?;
        let before = Index(first.0 - 1);
        let before = EntryId { index: before, term: raft.storage().term(before).ok()? };
        let entries = raft.entries(first, node.last.index + 1).ok()?;
        let log = [before].into_iter().chain(entries.iter().map(|entry| entry.id)).collect();
        let raft::Inspect { term, role, vote, commit, .. } = node;
        Some(ObservedNode { term, role, vote, commit, log })
    }

    /// Returns the entry at an index, if it is known.
    fn entry(&self, index: Index) -> Option<EntryId> {
        let at = index.0.checked_sub(self.first().index.0)?;
        self.log.get(usize::try_from(at).ok()?).copied()
    }

    fn first(&self) -> EntryId {
        *self.log.first().expect("the entry before the log is always there")
    }

    fn last(&self) -> EntryId {
        *self.log.last().expect("the entry before the log is always there")
    }
}

/// A test oracle: checks a run step by step for wrong decisions.
#[derive(Clone, Default, Debug)]
pub struct Oracle {
    nodes: BTreeMap<NodeId, ObservedNode>,
    /// The votes that arrived: receiver, term, voter.
    heard: BTreeSet<(NodeId, Term, NodeId)>,
}

/// Replays inputs and returns the first wrong decision, with the index of its step.
pub fn first_wrong(setup: &Setup, inputs: &[Input]) -> Option<(usize, WrongDecision)> {
    let mut cluster = Cluster::new(setup.clone()).listening();
    let mut oracle = Oracle::new(&cluster);
    let mut judge = |input| {
        let step = cluster.apply(input);
        oracle.judge(&step, &cluster)
    };
    inputs.iter().enumerate().find_map(|(at, input)| Some((at, judge(input)?)))
}

impl Oracle {
    /// Returns an oracle for a cluster.
    pub fn new(cluster: &Cluster) -> Self {
        let nodes =
            cluster.ids().filter_map(|id| Some((id, ObservedNode::at(cluster, id)?))).collect();
        Oracle { nodes, heard: BTreeSet::new() }
    }

    /// Checks a step right after it was applied. The cluster must be [`Cluster::listening`]. Returns the
    /// first wrong decision of the step, if there is one.
    pub fn judge(&mut self, step: &Step, cluster: &Cluster) -> Option<WrongDecision> {
        let id = step.node?;
        let before = self.nodes.remove(&id);
        let after = ObservedNode::at(cluster, id)?;
        let wrong = before.and_then(|before| self.compare(id, &before, &after, step, cluster));
        self.nodes.insert(id, after);
        wrong
    }

    /// Compares the state of a node before and after a step.
    fn compare(
        &mut self,
        id: NodeId,
        before: &ObservedNode,
        after: &ObservedNode,
        step: &Step,
        cluster: &Cluster,
    ) -> Option<WrongDecision> {
        let arrived = step.gone.iter().filter(|(_, fate)| has_arrived(*fate));
        let message = arrived.map(|(flight, _)| &flight.message).next();
        if let Some(Message {
            from,
            term: Some(term),
            body: Body::VoteReply { granted: true, .. },
            ..
        }) = message
        {
            self.heard.insert((id, *term, *from));
        }
        self.heard.retain(|&(at, term, _)| at != id || term >= before.term);
        let seen = StepContext { id, before, after, message, step, cluster, heard: &self.heard };
        seen.terms()
            .or_else(|| seen.votes())
            .or_else(|| seen.counts())
            .or_else(|| seen.leads())
            .or_else(|| seen.waits())
            .or_else(|| seen.takes())
            .or_else(|| seen.learns())
            .or_else(|| seen.commits())
            .or_else(|| seen.says())
    }
}

/// Returns whether a message reached its receiver.
fn has_arrived(fate: Fate) -> bool {
    match fate {
        Fate::Delivered | Fate::Duplicated => true,
        Fate::Dropped | Fate::LinkCut | Fate::ReceiverDown => false,
    }
}

/// One step of one node, with everything that the predicates need.
struct StepContext<'a> {
    id: NodeId,
    before: &'a ObservedNode,
    after: &'a ObservedNode,
    /// The message that arrived, if one did.
    message: Option<&'a Message>,
    step: &'a Step,
    cluster: &'a Cluster,
    heard: &'a BTreeSet<(NodeId, Term, NodeId)>,
}

impl StepContext<'_> {
    fn wrong(&self, mistake: Mistake, at: Option<&Note>, text: String) -> Option<WrongDecision> {
        Some(WrongDecision { node: self.id, mistake, at: at.map(|note| note.at), text })
    }

    /// Returns the last note with an event for which `about` returns true.
    fn note(&self, about: impl Fn(Event) -> bool) -> Option<&Note> {
        self.step.notes.iter().rev().find(|note| about(note.event))
    }

    /// Returns the term of the message if its sender is in that term and the node accepted it.
    fn senders_term(&self) -> Option<Term> {
        let message = self.message.filter(|_| self.step.refused.is_none())?;
        let wished = matches!(
            message.body,
            Body::RequestPreVote(_) | Body::PreVoteReply { granted: true, .. }
        );
        message.term.filter(|_| !wished)
    }
}
