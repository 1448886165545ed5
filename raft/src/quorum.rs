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

mod held;

use crate::types::{Index, NodeId};
use held::Held;
use std::collections::{BTreeMap, BTreeSet};

/// The voters of whom more than half must agree.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Majority {
    /// In order, each once.
    voters: Vec<NodeId>,
}

/// How an election stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Enough said yes.
    Won,
    /// Enough can no longer say yes.
    Lost,
    /// Still open.
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

    /// Returns how an election with these votes stands. Only voters count; whoever has not spoken
    /// may still say either.
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
    /// Returns the last index that more than half of the voters hold, when each holds the log up to
    /// what `matched` says, and nothing where it says nothing. Without voters nothing is in the way:
    /// the highest index there is, as etcd has it, so that a [`Joint`] may take the lower of two.
    pub fn committed_index(&self, matched: impl Fn(NodeId) -> Option<Index>) -> Index {
        let mut held: Held = self.voters().map(|id| matched(id).unwrap_or(Index(0))).collect();
        held.sort_unstable();
        match held.len().checked_sub(self.needed()) {
            Some(weakest_of_the_majority) => held[weakest_of_the_majority],
            None => Index(u64::MAX),
        }
    }
}

/// Those who must agree while a group changes its voters: a majority of the new AND, as long as the
/// change is under way, a majority of the old (§6).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Joint {
    /// The voters to be, or that are.
    pub incoming: Majority,
    /// The voters that were, while the change is under way.
    pub outgoing: Option<Majority>,
}

impl Joint {
    /// Returns whether `id` votes in either half.
    pub fn contains(&self, id: NodeId) -> bool {
        self.incoming.contains(id) || self.outgoing.as_ref().is_some_and(|half| half.contains(id))
    }

    /// Returns everyone who votes, in order, each once.
    pub fn voters(&self) -> BTreeSet<NodeId> {
        self.incoming.voters().chain(self.outgoing.iter().flat_map(Majority::voters)).collect()
    }

    /// Returns how an election with these votes stands: won where both halves are won, lost where
    /// either is lost. A half without voters is in nobody's way, as in
    /// [`Joint::committed_index`].
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

impl Joint {
    /// Returns the last index that both halves hold.
    pub fn committed_index(&self, matched: impl Fn(NodeId) -> Option<Index>) -> Index {
        let incoming = self.incoming.committed_index(&matched);
        let outgoing = self.outgoing.as_ref().map(|half| half.committed_index(&matched));
        outgoing.map_or(incoming, |outgoing| outgoing.min(incoming))
    }
}

/// The answers one candidate has heard in one term. Voters are counted, not messages.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Votes {
    heard: BTreeMap<NodeId, bool>,
}

impl Votes {
    /// Returns what `voter` said, if it spoke.
    pub fn of(&self, voter: NodeId) -> Option<bool> {
        self.heard.get(&voter).copied()
    }

    /// Takes down what `voter` said. The first word counts; a repeated one changes nothing.
    pub fn record(&mut self, voter: NodeId, granted: bool) {
        self.heard.entry(voter).or_insert(granted);
    }

    /// Returns everyone who spoke and what they said, in order.
    pub fn heard(&self) -> impl Iterator<Item = (NodeId, bool)> + '_ {
        self.heard.iter().map(|(&voter, &granted)| (voter, granted))
    }
}
