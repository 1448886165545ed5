//! The node: a [`Core`] that every role has, and a [`Role`] with what only that role has.
//!
//! ```text
//!   Raft  =  Core (term, vote, leader, timer, log, outbox, journal)
//!         +  Role (Follower | PreCandidate(votes) | Candidate(votes) | Leader(peers))
//! ```
//!
//! Two halves, so that a rule can hold a part of the role in one hand (`&mut Votes`) and the core
//! in the other. The one thing such a rule cannot do is change the role under its own hand: it
//! returns a [`Turn`](crate::role::Turn), and the node performs it.

use crate::config::Config;
use crate::error::{CampaignError, StartError};
use crate::event::Journal;
use crate::ledger::{Core, Outbox};
use crate::message::Message;
use crate::quorum::{Majority, Votes};
use crate::role::{Role, RoleName};
use crate::storage::{HardState, Storage};
use crate::types::{EntryId, Index, NodeId, Term};

/// One node of a Raft group.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Raft<S> {
    pub(crate) core: Core<S>,
    pub(crate) role: Role,
}

/// What may be seen of a node from outside: for cards, pages and invariants. A test judges a node by
/// what its peers, its disk and its clock see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inspect<'a> {
    /// Who it is.
    pub id: NodeId,
    /// The term it is in.
    pub term: Term,
    /// Whom it voted for in that term.
    pub vote: Option<NodeId>,
    /// Whom it follows, if it knows; itself if it leads.
    pub leader: Option<NodeId>,
    /// Its role.
    pub role: RoleName,
    /// How far it knows the log to be committed.
    pub commit: Index,
    /// The last entry of its log.
    pub last: EntryId,
    /// Ticks since it last had a reason to wait.
    pub elapsed_ticks: u64,
    /// The election limit, if one is pinned.
    pub pinned_ticks: Option<u64>,
    /// Who votes.
    pub voters: &'a Majority,
    /// The answers it has heard, if it is a candidate.
    pub votes: Option<&'a Votes>,
}

// What an owner does.

impl<S: Storage> Raft<S> {
    /// Starts a node as a follower of nobody, with the term and vote its storage remembers (§5.2).
    ///
    /// # Errors
    /// [`StartError`] names the setting that cannot work, or what is wrong with the storage.
    pub fn new(config: &Config, storage: S) -> Result<Self, StartError> {
        config.check()?;
        Ok(Raft { core: Core::new(config.clone(), storage)?, role: Role::Follower })
    }

    /// Lets one tick pass: a leader speaks when it is time to, everyone else loses patience.
    pub fn tick(&mut self) {
        self.core.count_tick();
        match &mut self.role {
            Role::Leader(leader) => self.core.tick_heartbeat(leader),
            Role::Follower | Role::PreCandidate(_) | Role::Candidate(_) => {
                if self.is_promotable() {
                    let turn = self.core.tick_election();
                    self.perform(turn);
                }
            }
        }
    }

    /// Holds an election now, without waiting.
    ///
    /// # Errors
    /// A leader has won already, and a node that does not vote has no vote to win with.
    pub fn campaign(&mut self) -> Result<(), CampaignError> {
        if let Role::Leader(_) = self.role {
            return Err(CampaignError::AlreadyLeader { term: self.core.term });
        }
        if !self.is_promotable() {
            return Err(CampaignError::NotAVoter { us: self.core.id });
        }
        self.hold_election();
        Ok(())
    }

    /// Takes what wants to leave. [`Outbox`] says what the owner owes before it may.
    pub fn take_outbox(&mut self) -> Outbox {
        self.core.take_outbox()
    }

    /// Takes back the promises to ourselves of an earlier outbox, once [`Raft::hard_state`] as it was
    /// then is durable. Those of a term that is over change nothing.
    ///
    /// # Panics
    /// If one is not our own promise to ourselves: the owner mixed up two nodes.
    pub fn keep_promises(&mut self, own: Vec<Message>) {
        for message in own {
            let (from, to, us) = (message.from, message.to, self.core.id);
            assert!(from == us && to == us, "a promise of {us} to itself, not of {from} to {to}");
            self.handle(message);
        }
    }

    /// Returns what must be durable before the promises of the last outbox may leave.
    pub fn hard_state(&self) -> HardState {
        HardState { term: self.core.term, vote: self.core.vote, commit: self.core.commit }
    }
}

// What an onlooker does.

impl<S: Storage> Raft<S> {
    /// Shows the node.
    pub fn inspect(&self) -> Inspect<'_> {
        Inspect {
            id: self.core.id,
            term: self.core.term,
            vote: self.core.vote,
            leader: self.core.leader,
            role: self.role.name(),
            commit: self.core.commit,
            last: self.core.log.last(),
            elapsed_ticks: self.core.timer.elapsed_ticks,
            pinned_ticks: self.core.timer.pinned_ticks,
            voters: &self.core.voters,
            votes: match &self.role {
                Role::PreCandidate(votes) | Role::Candidate(votes) => Some(votes),
                Role::Follower | Role::Leader(_) => None,
            },
        }
    }

    /// Returns how far each peer's log is known to match, on a leader; nothing on anyone else.
    pub fn matched(&self) -> impl Iterator<Item = (NodeId, Index)> + '_ {
        let leader = match &self.role {
            Role::Leader(leader) => Some(leader),
            Role::Follower | Role::PreCandidate(_) | Role::Candidate(_) => None,
        };
        leader.into_iter().flat_map(|leader| leader.matched.iter().map(|(&n, &i)| (n, i)))
    }

    /// Lends the storage.
    pub fn storage(&self) -> &S {
        self.core.log.storage()
    }

    /// Lends the journal of events.
    pub fn journal(&mut self) -> &mut Journal {
        self.core.journal()
    }

    /// Fixes the election limit to so many ticks (`Some`), or lets it be drawn again (`None`). For
    /// tests and for stories, where luck would be in the way.
    pub fn pin_election_limit(&mut self, limit_ticks: Option<u64>) {
        self.core.pin(limit_ticks);
    }

    /// Returns whether this node could lead: it votes.
    fn is_promotable(&self) -> bool {
        self.core.voters.contains(self.core.id)
    }
}
