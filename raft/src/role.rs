//! The four roles, and how a node changes its role (Fig. 4).
//!
//! ```text
//!                 .--- times out ---.
//!                 v                 |
//!   Follower --times out--> Candidate --majority--> Leader
//!      ^  ^---- outvoted, or hears the leader --'       |
//!      '------------------ a later term ----------------'
//! ```
//!
//! What only one role has lives in that role's variant: nobody but a candidate has votes, nobody but
//! a leader knows its peers. A handler asks for another role by a [`Turn`]; [`Raft::perform`] alone
//! makes it so.

use crate::progress::Progress;
use crate::quorum::Votes;
use crate::raft::Raft;
use crate::storage::Storage;
use crate::types::{NodeId, Term};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;

/// What a node is, with what only that role has.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Role {
    /// It waits for a leader's word.
    Follower,
    /// It asks whether an election would be won (thesis §9.6).
    #[expect(dead_code, reason = "pre-votes come with a later lab; every match is ready for them")]
    PreCandidate(Votes),
    /// It holds an election.
    Candidate(Votes),
    /// It leads its term.
    Leader(Box<Leader>),
}

/// What only a leader knows.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Leader {
    /// What it knows of every voter's log, its own among them (`matchIndex`, `nextIndex`).
    pub(crate) progress: BTreeMap<NodeId, Progress>,
    /// The bytes of payload that it took in this term and that are not applied yet, be they committed
    /// or not: the name is etcd's.
    pub(crate) uncommitted_bytes: u64,
}

/// A role's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RoleName {
    /// It waits for a leader's word.
    Follower,
    /// It asks whether an election would be won.
    PreCandidate,
    /// It holds an election.
    Candidate,
    /// It leads its term.
    Leader,
}

/// What a handler asks the node to become. The handler cannot do it itself: it holds a part of the
/// role. The turn remembers the line that asked.
#[must_use = "only Raft::perform can act on it"]
pub(crate) struct Turn(Option<(RoleName, &'static Location<'static>)>);

impl Turn {
    /// Stays what it is.
    pub(crate) fn stay() -> Self {
        Turn(None)
    }

    /// Follows, in the same term.
    #[track_caller]
    pub(crate) fn step_down() -> Self {
        Turn(Some((RoleName::Follower, Location::caller())))
    }

    /// Holds an election.
    #[track_caller]
    pub(crate) fn campaign() -> Self {
        Turn(Some((RoleName::Candidate, Location::caller())))
    }

    /// Leads this term.
    #[track_caller]
    pub(crate) fn lead() -> Self {
        Turn(Some((RoleName::Leader, Location::caller())))
    }

    /// Returns what was asked for, and where.
    pub(crate) fn asked(&self) -> Option<(RoleName, &'static Location<'static>)> {
        self.0
    }
}

impl Role {
    /// Returns a candidate that has heard nothing yet.
    pub(crate) fn candidate() -> Self {
        Role::Candidate(Votes::default())
    }

    /// Returns a leader that knows nothing of its voters' logs yet (Fig. 2: matchIndex starts at 0). How
    /// it begins to send to them is set up right after, by `track_voters` in `replication.rs`.
    pub(crate) fn leader(voters: impl Iterator<Item = NodeId>) -> Self {
        let progress = voters.map(|id| (id, Progress::unknown())).collect();
        Role::Leader(Box::new(Leader { progress, uncommitted_bytes: 0 }))
    }

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

// The conductors: they name the steps of a change in order, and know no rule.

impl<S: Storage> Raft<S> {
    /// Performs what a handler asked for.
    pub(crate) fn perform(&mut self, turn: Turn) {
        self.core.note_turn(&turn);
        match turn.asked().map(|(next, _)| next) {
            None => {}
            Some(RoleName::Follower) => self.become_follower(self.core.term, None),
            Some(RoleName::Candidate | RoleName::PreCandidate) => self.hold_election(),
            Some(RoleName::Leader) => self.lead(),
        }
    }

    /// Stands for election: a new term and a vote for ourselves, then a question to everyone.
    pub(crate) fn hold_election(&mut self) {
        self.become_candidate();
        self.ask_for_votes();
    }

    /// Takes office: the role, then the term's first word.
    fn lead(&mut self) {
        self.become_leader();
        if let Role::Leader(leader) = &mut self.role {
            self.core.start_term(leader);
        }
    }
}

// The changes.

impl<S: Storage> Raft<S> {
    /// Follows `leader`, or nobody yet, in `term`.
    ///
    /// A later term starts without a vote; the same term keeps the vote it has, for it was promised.
    /// A node that was no follower starts waiting; one that was goes on waiting, or else a stranger
    /// with a high term could keep everyone from ever standing.
    pub(crate) fn become_follower(&mut self, term: Term, leader: Option<NodeId>) {
        if term > self.core.term {
            self.core.enter_term(term);
            self.core.vote_for(None);
        }
        self.core.follow(leader);
        if self.role != Role::Follower {
            self.core.reset_timer();
            self.enter_role(Role::Follower);
        }
    }

    /// Stands in the next term, with our own vote and no answer heard yet (§5.2, Fig. 2 Candidates
    /// (1)).
    fn become_candidate(&mut self) {
        self.core.enter_term(self.core.term.next());
        self.core.vote_for(Some(self.core.id));
        self.core.follow(None);
        self.core.reset_timer();
        self.enter_role(Role::candidate());
    }

    /// Leads the term it was elected in (§5.2).
    fn become_leader(&mut self) {
        self.core.follow(Some(self.core.id));
        self.core.reset_timer();
        self.enter_role(Role::leader(self.core.voters.voters()));
    }

    /// Changes the role: the page of the ledger that lies here, since only the node holds both halves.
    #[track_caller]
    pub(crate) fn enter_role(&mut self, role: Role) {
        self.core.note_role(self.role.name(), role.name());
        self.role = role;
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            RoleName::Follower => "follower",
            RoleName::PreCandidate => "pre-candidate",
            RoleName::Candidate => "candidate",
            RoleName::Leader => "leader",
        })
    }
}
