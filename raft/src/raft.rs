//! The node: a [`Core`] that every role has, and a [`Role`] with what only that role has.
//!
//! ```text
//!   Raft  =  Core (term, vote, leader, timer, log, outbox, journal)
//!         +  Role (Follower | PreCandidate(votes) | Candidate(votes) | Leader(peers))
//! ```
//!
//! Two halves, so that a rule can hold a part of the role (`&mut Votes`) beside the core. The one thing
//! that such a rule cannot do is change the role: it returns a
//! [`RoleChange`](crate::role::RoleChange), and the node makes it.

use crate::ledger::{Core, Leader};
use crate::quorum::Votes;
use crate::state::RoleName;

/// One node of a Raft group, for owners that do without a Ready: they persist after every input.
/// Applications use [`RawNode`](crate::RawNode).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Raft<S> {
    pub(crate) core: Core<S>,
    pub(crate) role: Role,
}

/// What a node is, with what only that role has.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Role {
    /// It waits for messages of a leader.
    Follower,
    /// It asks whether it would win an election (thesis §9.6).
    PreCandidate(Votes),
    /// It runs in an election.
    Candidate(Votes),
    /// It leads its term.
    Leader(Box<Leader>),
}

impl Role {
    /// Returns the role's name.
    pub(crate) fn name(&self) -> RoleName {
        match self {
            Role::Follower => RoleName::Follower,
            Role::PreCandidate(_) => RoleName::PreCandidate,
            Role::Candidate(_) => RoleName::Candidate,
            Role::Leader(_) => RoleName::Leader,
        }
    }
}
