//! The first wrong decision: where a run went wrong, before it showed.
//!
//! ```text
//!   event 6   n1 counts n2's yes of term 1 in term 2     <-- wrong here: a local matter of n1's
//!   event 9   n1 and n3 both lead term 2                 <-- a rule of the whole cluster breaks here
//! ```
//!
//! Each predicate looks at one step of one node: what it was before, what arrived, what it noted, what
//! it is now. It speaks only where no correct design could do the same; so a run in which it is silent
//! may still be wrong, and one in which it speaks never is right.
//!
//! A node may forget in a crash what was never durable, and start anew; so does the oracle.

mod election; // terms, votes, leaders
mod mistake; // the kinds of wrong decisions
mod replication; // logs, and what is committed of them
#[cfg(test)]
mod tests;

use crate::cluster::{Cluster, Setup};
use crate::input::{Fate, Input, Step};
pub use mistake::Mistake;
use raft::{Body, EntryId, Event, Index, Message, NodeId, Note, RoleName, Storage, Term};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::Location;

/// A decision that no correct node takes.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// Who decided.
    pub node: NodeId,
    /// What kind of mistake it is.
    pub mistake: Mistake,
    /// The line that decided, if something was decided: what is missing has no line.
    pub at: Option<&'static Location<'static>>,
    /// What it did, in one sentence with names and numbers.
    pub text: String,
}

/// What a node was when something last happened to it.
#[derive(Clone, Debug)]
struct Look {
    term: Term,
    role: RoleName,
    vote: Option<NodeId>,
    commit: Index,
    /// The entries of its log, and before them the one that they begin after.
    log: Vec<EntryId>,
}

impl Look {
    fn at(cluster: &Cluster, id: NodeId) -> Option<Self> {
        let raft = cluster.node(id)?;
        let node = raft.inspect();
        let first = raft.storage().first_index().ok()?;
        let before = Index(first.0 - 1);
        let before = EntryId { index: before, term: raft.storage().term(before).ok()? };
        let entries = raft.entries(first, node.last.index + 1).ok()?;
        let log = [before].into_iter().chain(entries.iter().map(|entry| entry.id)).collect();
        let raft::Inspect { term, role, vote, commit, .. } = node;
        Some(Look { term, role, vote, commit, log })
    }

    /// Returns the entry at a place of the log, if it is known.
    fn entry(&self, index: Index) -> Option<EntryId> {
        let at = index.0.checked_sub(self.first().index.0)?;
        self.log.get(usize::try_from(at).ok()?).copied()
    }

    fn first(&self) -> EntryId {
        *self.log.first().expect("a log begins after something")
    }

    fn last(&self) -> EntryId {
        *self.log.last().expect("a log begins after something")
    }
}

/// Watches a run, step by step.
#[derive(Clone, Default, Debug)]
pub struct Oracle {
    looks: BTreeMap<NodeId, Look>,
    /// Grants that arrived: at whom, in which term, from whom.
    heard: BTreeSet<(NodeId, Term, NodeId)>,
}

/// Replays inputs and returns the first wrong decision, with the place of its step.
pub fn first_wrong(setup: &Setup, inputs: &[Input]) -> Option<(usize, Wrong)> {
    let mut cluster = Cluster::new(setup.clone()).listening();
    let mut oracle = Oracle::new(&cluster);
    let mut judge = |input| {
        let step = cluster.apply(input);
        oracle.judge(&step, &cluster)
    };
    inputs.iter().enumerate().find_map(|(at, input)| Some((at, judge(input)?)))
}

impl Oracle {
    /// Begins to watch a cluster.
    pub fn new(cluster: &Cluster) -> Self {
        let looks = cluster.ids().filter_map(|id| Some((id, Look::at(cluster, id)?))).collect();
        Oracle { looks, heard: BTreeSet::new() }
    }

    /// Judges a step of a cluster that listens, right after it was taken. Returns what was decided
    /// wrongly in it first, if anything was.
    pub fn judge(&mut self, step: &Step, cluster: &Cluster) -> Option<Wrong> {
        let id = step.node?;
        let before = self.looks.remove(&id);
        let after = Look::at(cluster, id)?;
        let wrong = before.and_then(|before| self.compare(id, &before, &after, step, cluster));
        self.looks.insert(id, after);
        wrong
    }

    /// Judges a node by what it was and what it is.
    fn compare(
        &mut self,
        id: NodeId,
        before: &Look,
        after: &Look,
        step: &Step,
        cluster: &Cluster,
    ) -> Option<Wrong> {
        let arrived = step.gone.iter().filter(|(_, fate)| has_arrived(*fate));
        let message = arrived.map(|(flight, _)| &flight.message).next();
        if let Some(Message {
            from,
            term: Some(term),
            body: Body::VoteReply { granted: true },
            ..
        }) = message
        {
            self.heard.insert((id, *term, *from));
        }
        self.heard.retain(|&(at, term, _)| at != id || term >= before.term);
        let seen = Seen { id, before, after, message, step, cluster, heard: &self.heard };
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

/// One step of one node.
struct Seen<'a> {
    id: NodeId,
    before: &'a Look,
    after: &'a Look,
    /// What arrived, if something did.
    message: Option<&'a Message>,
    step: &'a Step,
    cluster: &'a Cluster,
    heard: &'a BTreeSet<(NodeId, Term, NodeId)>,
}

impl Seen<'_> {
    fn wrong(&self, mistake: Mistake, at: Option<&Note>, text: String) -> Option<Wrong> {
        Some(Wrong { node: self.id, mistake, at: at.map(|note| note.at), text })
    }

    /// Returns the last note that is about this.
    fn note(&self, about: impl Fn(Event) -> bool) -> Option<&Note> {
        self.step.notes.iter().rev().find(|note| about(note.event))
    }

    /// Returns the term of a message whose sender is in that term, if the node took it.
    fn senders_term(&self) -> Option<Term> {
        let message = self.message.filter(|_| self.step.refused.is_none())?;
        let wished =
            matches!(message.body, Body::RequestPreVote(_) | Body::PreVoteReply { granted: true });
        message.term.filter(|_| !wished)
    }
}
