//! How a node changes its role (Fig. 4).
//!
//! ```text
//!                 .--- times out ---.
//!                 v                 |
//!   Follower --times out--> Candidate --majority--> Leader
//!      ^  ^-- defeated, or learns of a leader --'       |
//!      '------------------ a later term ----------------'
//! ```
//!
//! With pre-votes, a PreCandidate comes before the Candidate, and goes the same ways.
//!
//! What only one role has is in that role's variant: only a candidate has votes, only a leader tracks
//! its peers. A handler asks for another role by a [`RoleChange`]; [`Raft::change_role`] alone makes it.

use crate::error::Halt;
use crate::ledger::Leader;
use crate::quorum::Votes;
use crate::raft::{Raft, Role};
use crate::state::RoleName;
use crate::storage::Storage;
use crate::types::{NodeId, Term};
use std::panic::Location;

/// What a handler asks the node to become. The handler cannot do it itself: it holds a part of the
/// role. The change remembers the line that asked.
#[must_use = "only Raft::change_role can make it"]
pub(crate) struct RoleChange(Option<(RoleName, &'static Location<'static>)>);

impl RoleChange {
    /// Keeps the role.
    pub(crate) fn none() -> Self {
        RoleChange(None)
    }

    /// Follows, in the same term.
    #[track_caller]
    pub(crate) fn step_down() -> Self {
        RoleChange(Some((RoleName::Follower, Location::caller())))
    }

    /// Starts an election: with a pre-vote, if the settings say so.
    #[track_caller]
    pub(crate) fn campaign() -> Self {
        RoleChange(Some((RoleName::PreCandidate, Location::caller())))
    }

    /// Runs in an election, after a pre-vote that it has won.
    #[track_caller]
    pub(crate) fn run() -> Self {
        RoleChange(Some((RoleName::Candidate, Location::caller())))
    }

    /// Leads this term.
    #[track_caller]
    pub(crate) fn lead() -> Self {
        RoleChange(Some((RoleName::Leader, Location::caller())))
    }
}

// The conductors: they call the steps of a change in order, and contain no rule.

impl<S: Storage> Raft<S> {
    /// Makes the change that a handler asked for.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn change_role(&mut self, change: RoleChange) -> Result<(), Halt> {
        let Some((next, asked)) = change.0 else { return Ok(()) };
        let next = if next == RoleName::PreCandidate { self.first_role_to_win() } else { next };
        self.core.note_role_asked(next, asked);
        let is_campaign = matches!(next, RoleName::PreCandidate | RoleName::Candidate);
        if is_campaign && let Some(change) = self.core.unapplied_change()? {
            self.core.note_campaign_postponed(change);
            self.core.reset_timer();
            return Ok(());
        }
        self.core.look_up_commit()?;
        match next {
            RoleName::Follower => self.become_follower(self.core.term, None),
            RoleName::PreCandidate => {
                self.core.reset_timer();
                self.hold_pre_election();
            }
            RoleName::Candidate => self.hold_election(),
            RoleName::Leader => return self.lead(),
        }
        Ok(())
    }

    /// Returns the role with which an election starts: the settings may ask for a pre-vote.
    fn first_role_to_win(&self) -> RoleName {
        if self.core.config.pre_vote { RoleName::PreCandidate } else { RoleName::Candidate }
    }

    /// Starts an election.
    pub(crate) fn start_election(&mut self) {
        if self.first_role_to_win() == RoleName::PreCandidate {
            self.hold_pre_election();
        } else {
            self.hold_election();
        }
    }

    /// Holds an election: a new term and a vote for itself, then a question to all other voters.
    pub(crate) fn hold_election(&mut self) {
        self.become_candidate();
        self.ask_for_votes();
    }

    /// Begins to lead: the role, then the first entry of the term.
    fn lead(&mut self) -> Result<(), Halt> {
        self.become_leader();
        let Role::Leader(leader) = &mut self.role else { return Ok(()) };
        let first = self.core.log.last_index() + 1;
        self.core.begin_term_at(leader, first);
        self.core.inherit_changes(leader, first);
        for id in self.core.conf.members() {
            self.core.track(leader, id);
        }
        self.core.start_term(leader)?;
        self.core.recount_ahead_of_commit(leader);
        Ok(())
    }
}

// The changes.

impl<S: Storage> Raft<S> {
    /// Follows `leader`, or no leader yet, in `term`.
    ///
    /// A later term begins without a vote; in the same term the vote stays, because it was promised. A
    /// node that was no follower resets its timer. A follower does not, or a stranger with a high term
    /// could keep all nodes from ever campaigning.
    pub(crate) fn become_follower(&mut self, term: Term, leader: Option<NodeId>) {
        if term > self.core.term {
            self.core.enter_term(term);
            self.core.clear_vote();
        }
        self.core.follow(leader);
        if self.role != Role::Follower {
            self.core.reset_timer();
            self.enter_role(Role::Follower);
        }
    }

    /// Becomes a candidate in the next term, with its own vote and no other answer yet (§5.2, Fig. 2
    /// Candidates (1)).
    pub(crate) fn become_candidate(&mut self) {
        self.core.enter_term(self.core.term.next());
        self.core.vote_for(self.core.id);
        self.core.follow(None);
        self.core.reset_timer();
        self.enter_role(Role::Candidate(Votes::default()));
    }

    /// Leads the term in which it was elected (§5.2).
    fn become_leader(&mut self) {
        self.core.follow(Some(self.core.id));
        self.core.reset_timer();
        self.enter_role(Role::Leader(Box::new(Leader::new(self.core.voters.voters()))));
    }

    /// Changes the role: a function of the ledger that is here, because only the node holds both
    /// halves.
    #[track_caller]
    pub(crate) fn enter_role(&mut self, role: Role) {
        self.core.note_role(self.role.name(), role.name());
        if let Role::Leader(leader) = std::mem::replace(&mut self.role, role) {
            self.core.drop_reads(*leader);
        }
    }
}
