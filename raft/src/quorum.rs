//! How many are enough.
//!
//! Two majorities of the same voters share a voter, and a voter votes once per term: that is the
//! whole proof of Election Safety (Fig. 3).
//!
//! ```text
//!    n1 n2 n3 n4 n5
//!    [------]            every majority
//!          [------]      meets every other
//! ```

mod groups; // what is committed is in two places

mod held;

use crate::state::{CommitGroups, ConfState};
use crate::types::{Index, NodeId};
use held::Held;
use std::collections::{BTreeMap, BTreeSet};

/// A set of voters, more than half of which must agree.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Majority {
    /// In ascending order, each once.
    voters: Vec<NodeId>,
}

/// The state of an election.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Enough voters granted their vote.
    Won,
    /// Too many voters refused for the others to be enough.
    Lost,
    /// Neither yet.
    Pending,
}

impl Majority {
    /// Returns the majority of `voters`.
    pub fn new(voters: impl IntoIterator<Item = NodeId>) -> Self {
        let in_order: BTreeSet<NodeId> = voters.into_iter().collect();
        Majority { voters: in_order.into_iter().collect() }
    }

    /// Returns the voters, in order.
    pub fn voters(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.voters.iter().copied()
    }

    /// Returns whether `id` votes.
    pub fn contains(&self, id: NodeId) -> bool {
        self.voters.contains(&id)
    }

    /// Returns how many votes win: more than half, so 2 of 3 and 3 of 4.
    pub fn needed(&self) -> usize {
        self.voters.len() / 2 + 1
    }

    /// Returns whether more than half of the voters agree.
    pub fn agrees(&self, agrees: impl Fn(NodeId) -> bool) -> bool {
        self.voters().filter(|&id| agrees(id)).count() >= self.needed()
    }

    /// Returns the state of an election with these votes. Only voters count; a voter that has not
    /// answered may still answer either way.
    pub fn outcome(&self, votes: &Votes) -> Outcome {
        let granted = self.voters().filter(|&id| votes.of(id) == Some(true)).count();
        let refused = self.voters().filter(|&id| votes.of(id) == Some(false)).count();
        if granted >= self.needed() {
            Outcome::Won
        } else if self.voters.len() - refused < self.needed() {
            Outcome::Lost
        } else {
            Outcome::Pending
        }
    }
}

impl Majority {
    /// Returns the highest index that more than half of the voters hold. Each voter holds the log up to
    /// what `matched` returns; nothing, if it returns none. Without voters this is the highest index
    /// there is, as in etcd, so that a [`Joint`] may take the lower of two.
    pub fn committed_index(&self, matched: impl Fn(NodeId) -> Option<Index>) -> Index {
        let mut held: Held = self.voters().map(|id| matched(id).unwrap_or(Index(0))).collect();
        held.sort_unstable();
        match held.len().checked_sub(self.needed()) {
            Some(lowest_of_the_majority) => held[lowest_of_the_majority],
            None => Index(u64::MAX),
        }
    }
}

/// The two sets of voters of a group that changes its voters (§6). A majority of the new set must agree
/// AND, until the change is complete, a majority of the old set.
///
/// A set without voters is in nobody's way, as in etcd's tables: a group without voters agrees to anything.
/// No node of such a group can campaign, so nobody asks it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Joint {
    incoming: Majority,
    outgoing: Option<Majority>,
    /// The voters of either set, in ascending order, each once.
    voters: Vec<NodeId>,
    /// How many voters the smallest set has that agrees.
    needed: usize,
    /// Where the voters are, if that counts.
    groups: Option<CommitGroups>,
}

impl Joint {
    /// Returns the group with these new voters; a change of voters that is not complete also has old ones.
    pub fn new(incoming: Majority, outgoing: Option<Majority>) -> Self {
        let voters = incoming.voters().chain(outgoing.iter().flat_map(Majority::voters));
        let voters: BTreeSet<NodeId> = voters.collect();
        let needed = needed_of_each(&incoming, outgoing.as_ref());
        let voters = voters.into_iter().collect();
        Joint { incoming, outgoing, voters, needed, groups: None }
    }

    /// Returns the same voters. What they commit must be in two of these groups, if any are given.
    pub fn with_commit_groups(self, groups: Option<CommitGroups>) -> Self {
        Joint { groups, ..self }
    }

    /// Returns the commit groups, if there are any.
    pub fn commit_groups(&self) -> Option<&CommitGroups> {
        self.groups.as_ref()
    }

    /// Returns the voters of a configuration: one set, or two in a joint configuration.
    pub fn of(conf: &ConfState) -> Self {
        let incoming = Majority::new(conf.voters.iter().copied());
        let outgoing = Majority::new(conf.voters_outgoing.iter().copied());
        Joint::new(incoming, Some(outgoing).filter(|half| !half.voters.is_empty()))
    }

    /// Returns the new voters; the only ones outside a change.
    pub fn incoming(&self) -> &Majority {
        &self.incoming
    }

    /// Returns the old voters, until the change is complete.
    pub fn outgoing(&self) -> Option<&Majority> {
        self.outgoing.as_ref()
    }

    /// Returns whether `id` votes in either set.
    pub fn contains(&self, id: NodeId) -> bool {
        self.voters.contains(&id)
    }

    /// Returns all voters, in ascending order, each once. Allocates nothing.
    pub fn voters(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.voters.iter().copied()
    }

    /// Returns how many voters the smallest set has that agrees. Fewer never agree. So a leader that finds
    /// fewer voters ahead of its commit index need not count: it cannot commit.
    ///
    /// ```text
    ///   incoming  n1 n2 n3          a = 2 must agree
    ///   outgoing        n3 n4 n5    b = 2
    ///   in both         n3          c = 1
    ///   agree     n1    n3 n4       a + b - min(a, b, c) = 3
    /// ```
    ///
    /// It is the larger of `a` and `b`, or more if the two sets have few voters in common. Proof. A set that
    /// agrees has at least `a` voters of the one set and `b` of the other, so at least the larger of the
    /// two: that is a + b - min(a, b). Only a voter of both sets counts twice, and there are `c` of those:
    /// so the set has at least a + b - c voters. Both bounds together are a + b - min(a, b, c). And a set of
    /// just this size agrees: min(a, b, c) voters of both sets, and those that are missing from each.
    ///
    /// The smaller of `a` and `b` would be no mistake either, but a leader would count more often. a + b
    /// would be one: n3 counts in both sets, and the leader would miss commits.
    pub fn needed(&self) -> usize {
        self.needed
    }

    /// Returns whether more than half of each set agree. A voter of both sets counts in both.
    pub fn agrees(&self, agrees: impl Fn(NodeId) -> bool) -> bool {
        let half = |half: &Majority| half.voters.is_empty() || half.agrees(&agrees);
        half(&self.incoming) && self.outgoing.as_ref().is_none_or(half)
    }

    /// Returns the state of an election with these votes: won if both sets are won, lost if either is
    /// lost. A set without voters counts as won, as in [`Joint::committed_index`].
    pub fn outcome(&self, votes: &Votes) -> Outcome {
        let half = |half: &Majority| {
            if half.voters.is_empty() { Outcome::Won } else { half.outcome(votes) }
        };
        match (half(&self.incoming), self.outgoing.as_ref().map_or(Outcome::Won, half)) {
            (Outcome::Won, Outcome::Won) => Outcome::Won,
            (Outcome::Lost, _) | (_, Outcome::Lost) => Outcome::Lost,
            (Outcome::Pending, _) | (_, Outcome::Pending) => Outcome::Pending,
        }
    }
}

/// Returns how many voters the smallest set has that holds a majority of each of these: see
/// [`Joint::needed`] for the proof.
fn needed_of_each(incoming: &Majority, outgoing: Option<&Majority>) -> usize {
    let needed = |half: &Majority| if half.voters.is_empty() { 0 } else { half.needed() };
    let in_both = |half: &Majority| half.voters().filter(|&id| incoming.contains(id)).count();
    let (a, b) = (needed(incoming), outgoing.map_or(0, needed));
    a + b - a.min(b).min(outgoing.map_or(0, in_both))
}

impl Joint {
    /// Returns the highest index that a majority of each set holds, in two commit groups of each, if there are
    /// groups.
    pub fn committed_index(&self, matched: impl Fn(NodeId) -> Option<Index>) -> Index {
        let held = self.held_by_each(&matched);
        self.groups.as_ref().map_or(held, |groups| held.min(self.limit_of(groups, matched)))
    }

    /// Returns the highest index that a majority of each set holds.
    fn held_by_each(&self, matched: impl Fn(NodeId) -> Option<Index>) -> Index {
        let incoming = self.incoming.committed_index(&matched);
        let outgoing = self.outgoing.as_ref().map(|half| half.committed_index(&matched));
        outgoing.map_or(incoming, |outgoing| outgoing.min(incoming))
    }

    /// Returns the highest index that both halves may commit as far as the groups go.
    fn limit_of(&self, groups: &CommitGroups, matched: impl Fn(NodeId) -> Option<Index>) -> Index {
        let incoming = groups::limit(groups, &self.incoming, &matched);
        let outgoing = self.outgoing.as_ref().map(|half| groups::limit(groups, half, &matched));
        outgoing.map_or(incoming, |outgoing| outgoing.min(incoming))
    }

    /// Returns whether there are commit groups, and each half has voters in two of them.
    pub fn is_divided(&self) -> bool {
        let is_divided = |groups: &CommitGroups| {
            groups::divide(groups, &self.incoming)
                && self.outgoing.as_ref().is_none_or(|half| groups::divide(groups, half))
        };
        self.groups.as_ref().is_some_and(is_divided)
    }
}

/// The answers that one candidate got in one term. Voters are counted, not messages.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Votes {
    answers: BTreeMap<NodeId, bool>,
}

impl Votes {
    /// Returns whether `voter` granted its vote, if it has answered.
    pub fn of(&self, voter: NodeId) -> Option<bool> {
        self.answers.get(&voter).copied()
    }

    /// Records the answer of `voter`. The first answer counts; a repeated one changes nothing.
    pub fn record(&mut self, voter: NodeId, granted: bool) {
        self.answers.entry(voter).or_insert(granted);
    }

    /// Returns all voters that answered, and whether they granted their vote, in ascending order.
    pub fn answers(&self) -> impl Iterator<Item = (NodeId, bool)> + '_ {
        self.answers.iter().map(|(&voter, &granted)| (voter, granted))
    }
}
