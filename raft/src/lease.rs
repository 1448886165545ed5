//! Leases: how long a leader may count on its followers, and they on it (thesis §6.2, §6.4.1, §4.2.3).
//!
//! ```text
//!   leader   |--hb 7--|--------|--------|        a majority has answered round 7:
//!            ^ sent             ^ lease ends      until then nobody else is elected
//!   n2          ^ heard                  ^ n2 votes again, at the earliest
//! ```
//!
//! Check-quorum has two halves. A leader that hears from no majority for an election timeout steps down:
//! nobody listens to it. A node that has heard from a leader within an election timeout ignores vote
//! requests: its leader works. So a majority that listens to a leader elects no other meanwhile, and that
//! time is a lease.
//!
//! Reads may rest on the lease ([`ReadMode::Lease`](crate::ReadMode::Lease)): no round, no wait. They then
//! rest on clocks: the ticks of no node may be faster than those of another by more than the lease is
//! shorter than the election timeout.
//!
//! ```text
//!   n1 (leader)  |--hb-->|          n2 heard just before a tick: its tenth tick comes
//!   n2              heard'|         a little more than nine ticks later
//! ```
//!
//! So a lease is at least one tick shorter than the election timeout.
//!
//! Invariants: a lease is counted from the SENDING of the round that a majority answered. It is given up
//! before anything that lets another node win: [`Core::suspend_lease`] before a `TimeoutNow`, and with the
//! role when the node steps down. Where reads rest on leases, what a follower owes ends with time
//! alone, and not with the term: the leader of an earlier term may still count on it.

use crate::error::{CampaignError, ForgetLeaderError};
use crate::event::Ignored;
use crate::ledger::{Core, Leader, ReadRound, WaitingRead};
use crate::message::{AppendOutcome, Body, Message};
use crate::raft::{Raft, Role};
use crate::role::RoleChange;
use crate::storage::Storage;
use crate::types::{Index, NodeId};

// A node that follows: no vote against a leader that works.

impl<S: Storage> Core<S> {
    /// Returns why this node ignores a vote request or a pre-vote, if it does: it has heard from a leader
    /// within an election timeout. A vote request that the leader itself has asked for
    /// (`VoteRequest::transfer`) is not ignored.
    ///
    /// Of this node's own term, only a vote request can win against that leader, and only if the leader
    /// leads an earlier term: this node has learned of its own term from another node.
    pub(crate) fn ignored_in_lease(&self, m: &Message) -> Option<Ignored> {
        let (Body::RequestVote(ask) | Body::RequestPreVote(ask)) = &m.body else { return None };
        let is_vote = matches!(m.body, Body::RequestVote(_));
        let may_win_now = is_vote && m.term == Some(self.term) && self.leader.is_none();
        if ask.transfer || !(m.term > Some(self.term) || may_win_now) {
            return None;
        }
        self.owes_for().map(|ticks_left| Ignored::LeaderIsAlive { ticks_left })
    }

    /// Returns for how many ticks this node still owes a leader to vote for no other; none if it owes
    /// nothing. A leader owes itself its own vote while it leads. A node that has just started may have
    /// forgotten that it heard from a leader, even its term: where reads rest on leases, it owes an
    /// election timeout from its start.
    ///
    /// Where no read rests on a lease, a node owes nothing once it has given its leader up, as in etcd: a
    /// majority of nodes that have may elect another.
    fn owes_for(&self) -> Option<u64> {
        let left = if self.leader == Some(self.id) {
            self.config.election_ticks.saturating_sub(self.timer.elapsed_ticks)
        } else if self.leader.is_some() || self.config.lease_ticks().is_some() {
            self.owed_ticks
        } else {
            0
        };
        Some(left).filter(|&left| self.config.check_quorum && left > 0)
    }

    /// Owes, from its start, what this node may owe since before: it may have forgotten that it heard from a
    /// leader. Only where reads rest on leases.
    pub(crate) fn owe_from_start(&mut self) {
        if self.config.lease_ticks().is_some() {
            self.owe_leader();
        }
    }

    /// Checks that this node may campaign at once, as its owner asks. Where reads rest on leases, its own
    /// vote for itself is owed like any other; but without an entry it cannot win against a leader that
    /// reads, which has committed one (§5.4.1).
    ///
    /// # Errors
    /// [`CampaignError::LeaderIsAlive`], with the ticks that are left.
    pub(crate) fn check_owes_nothing(&self) -> Result<(), CampaignError> {
        let is_counted_on = self.config.lease_ticks().is_some() && self.log.last_index() > Index(0);
        match self.owes_for().filter(|_| is_counted_on) {
            Some(ticks_left) => Err(CampaignError::LeaderIsAlive { ticks_left }),
            None => Ok(()),
        }
    }

    /// Answers a leader of an older term with this node's term, if the settings let nodes ignore vote
    /// requests. Otherwise this node could not join its group again: it cannot win an election while the
    /// others ignore it, and it does not listen to a leader of an older term.
    ///
    /// Otherwise the leader learns of the later term when this node campaigns. So it is also answered by a
    /// node that would never ask it for its vote: by one that does not vote, such as a learner, and by one
    /// that does not know that the leader votes.
    pub(crate) fn answer_older_leader(&mut self, m: &Message) {
        let may_ignore_us = self.config.check_quorum || self.config.pre_vote;
        let asks_it = self.voters.contains(m.from) && self.voters.contains(self.id);
        let is_never_asked = self.config.answer_older_leaders && !asks_it;
        if m.body.traits().is_from_leader && (may_ignore_us || is_never_asked) {
            let outcome = AppendOutcome::NewerTerm;
            self.send(m.from, Body::AppendReply { outcome, session: None });
        }
    }
}

impl<S: Storage> Raft<S> {
    /// Forgets the leader, in the same term, as if nothing had been heard from it: then this node no longer
    /// ignores vote requests because of it. For an owner that knows from elsewhere that the leader is
    /// dead. The timer goes on. Does nothing if the node follows no leader. The name is etcd's.
    ///
    /// # Errors
    /// [`ForgetLeaderError::LeaseReads`] if the leader may answer reads because this node listens to it;
    /// [`ForgetLeaderError::Halted`] if the node has halted.
    pub fn forget_leader(&mut self) -> Result<(), ForgetLeaderError> {
        self.core.check_running()?;
        if self.role != Role::Follower {
            return Ok(());
        }
        if self.core.config.lease_ticks().is_some() {
            return Err(ForgetLeaderError::LeaseReads);
        }
        self.core.follow(None);
        self.settle_reads();
        Ok(())
    }
}

// A leader: who listens?

impl<S: Storage> Core<S> {
    /// Once an election timeout, makes a leader step down that has heard from no majority meanwhile
    /// (thesis §6.2). It could commit nothing, and clients would wait for it.
    pub(crate) fn tick_quorum(&mut self, leader: &mut Leader) -> RoleChange {
        if !self.config.check_quorum {
            return RoleChange::none();
        }
        self.count_quorum_tick(leader);
        if leader.quorum_ticks() < self.config.election_ticks {
            return RoleChange::none();
        }
        let is_heard = |id: NodeId| {
            let peer = leader.progress.get(&id);
            id == self.id || peer.is_some_and(|peer| peer.is_recent_active())
        };
        let heard = self.voters.voters().filter(|&id| is_heard(id)).count();
        let by_majority = self.voters.agrees(is_heard);
        self.begin_quorum_interval(leader);
        if by_majority {
            return RoleChange::none();
        }
        self.note_quorum_lost(heard);
        RoleChange::step_down()
    }
}

// Reads that rest on a lease.

impl<S: Storage> Core<S> {
    /// Counts a tick of the lease. Begins a round to renew it when heartbeats are about to leave, which
    /// carry the round, unless another is under way. Reads that wait join it.
    pub(crate) fn tick_lease(&mut self, leader: &mut Leader) {
        if self.config.lease_ticks().is_none() {
            return;
        }
        self.age_lease(leader);
        let are_due = self.timer.elapsed_ticks >= self.config.heartbeat_ticks;
        if are_due && leader.reads.oldest_round().is_none() {
            let can_join = self.knows_commit(leader);
            let reads = if can_join { self.take_waiting(leader) } else { Vec::new() };
            self.open_round(leader, self.commit, reads);
        }
    }

    /// Extends the lease by a round that a majority has answered: it lasts from the SENDING of that round's
    /// heartbeats, so the round's age counts. No round makes a lease shorter.
    pub(crate) fn extend_lease(&self, leader: &mut Leader, round: &ReadRound) {
        let Some(ticks) = self.config.lease_ticks() else { return };
        let left = ticks.saturating_sub(round.age_ticks);
        self.set_lease(leader, left.max(leader.reads.lease_ticks_left()));
    }

    /// Ends the reads that wait, at the commit index, if the lease lasts. Returns whether it did.
    pub(crate) fn read_in_lease(&mut self, leader: &mut Leader) -> bool {
        if !leader.reads.are_waiting() || !self.knows_commit(leader) || !self.holds_lease(leader) {
            return false;
        }
        for WaitingRead { reader, context, .. } in self.take_waiting(leader) {
            self.answer_read(reader, context, Ok(self.commit));
        }
        true
    }

    /// Returns whether this leader knows that no other can be elected yet.
    fn holds_lease(&self, leader: &Leader) -> bool {
        leader.reads.lease_ticks_left() > 0 && !self.is_lease_suspended(leader)
    }

    /// Returns whether the lease does not count, because a node was told to campaign. It counts again once an
    /// entry is committed that this node did not have: without it, the node cannot win any more (§5.4.1).
    fn is_lease_suspended(&self, leader: &Leader) -> bool {
        leader.reads.suspended_at().is_some_and(|last| self.commit <= last)
    }
}
