//! Leader transfer: a leader hands its leadership to a node that its owner names (thesis §3.10).
//!
//! ```text
//!   owner: n2 should lead      n1 (leader)                       n2
//!                              takes no more proposals
//!                              |---- what n2 lacks ------------> |
//!                              | <--- matched ------------------ |
//!                              |---- TimeoutNow last=9@4 ------> |  campaigns at once
//!                              '-- no answer for an election timeout: n1 takes proposals again
//! ```
//!
//! The target's vote requests say that its leader wants them: nobody ignores them because a leader works.
//! So the leader gives its lease up before it sends TimeoutNow.
//!
//! Invariants: at most one transfer at a time; a transfer ends by an election or by its timeout, whatever
//! else goes on. A TimeoutNow that comes late does nothing, unless the target still has the log that the
//! leader knew: it names the last entry.

use crate::error::{Halt, ProposeError, TransferError};
use crate::event::Ignored;
use crate::ledger::{Core, Leader};
use crate::message::{Body, VoteRequest};
use crate::raft::{Raft, Role};
use crate::storage::Storage;
use crate::types::{EntryId, NodeId};

// Asking for a transfer.

impl<S: Storage> Raft<S> {
    /// Hands the leadership to `target`. A leader first sends it what it lacks, and takes no proposals
    /// meanwhile; any other node asks its leader. The transfer may fail: [`Raft::soft_state`] says which
    /// node leads. If the target does not lead within an election timeout, the leader goes on.
    ///
    /// A transfer to another node that is under way ends. So a leader that is told to hand its leadership to
    /// itself gives up the transfer under way.
    ///
    /// # Errors
    /// [`TransferError`] says why no transfer begins; the node has not changed, unless it has halted.
    pub fn transfer_leader(&mut self, target: NodeId) -> Result<(), TransferError> {
        self.core.check_running()?;
        let outcome = match &mut self.role {
            Role::Leader(leader) => self.core.begin_transfer(leader, target),
            Role::Follower | Role::PreCandidate(_) | Role::Candidate(_) => {
                self.core.forward_transfer(target)
            }
        };
        if let Err(TransferError::Halted(halt)) = outcome {
            return Err(TransferError::Halted(self.core.halt(halt)));
        }
        outcome
    }
}

impl<S: Storage> Core<S> {
    /// Asks the leader for the transfer.
    fn forward_transfer(&mut self, target: NodeId) -> Result<(), TransferError> {
        let leader = self.leader.ok_or(TransferError::NoLeader)?;
        if leader == target {
            return Err(TransferError::LeadsAlready { target });
        }
        self.send(leader, Body::TransferLeader { target });
        Ok(())
    }

    /// Begins a transfer, as a leader: the target is told to campaign once it has the whole log.
    fn begin_transfer(&mut self, leader: &mut Leader, target: NodeId) -> Result<(), TransferError> {
        if target == self.id && leader.transfer_target().is_some() {
            return Ok(self.give_up_transfer(leader)?);
        }
        self.check_target(leader, target)?;
        self.set_transfer(leader, target);
        if !self.hand_over(leader) {
            let Some(progress) = leader.progress.get_mut(&target) else { return Ok(()) };
            self.want_append(target, progress)?;
        }
        Ok(())
    }

    /// Checks that this leader is not handing its leadership over: while it does, the target would never have
    /// its whole log.
    ///
    /// # Errors
    /// [`ProposeError::Transferring`], with the target.
    pub(crate) fn check_no_transfer(&self, leader: &Leader) -> Result<(), ProposeError> {
        match leader.transfer_target() {
            Some(target) => Err(ProposeError::Transferring { target }),
            None => Ok(()),
        }
    }

    /// Checks that a node can take the leadership over.
    ///
    /// # Errors
    /// [`TransferError`] names the node, and why not.
    fn check_target(&self, leader: &Leader, target: NodeId) -> Result<(), TransferError> {
        if target == self.id {
            return Err(TransferError::LeadsAlready { target });
        }
        if !leader.progress.contains_key(&target) {
            return Err(TransferError::UnknownTarget { target });
        }
        if !self.voters.contains(target) {
            return Err(TransferError::NotAVoter { target });
        }
        if leader.transfer_target() == Some(target) {
            return Err(TransferError::UnderWay { target });
        }
        Ok(())
    }
}

// Handing over, and giving up.

impl<S: Storage> Core<S> {
    /// Tells the target of a transfer to campaign, if it has the whole log now and was not told yet.
    /// Returns whether it told it.
    pub(crate) fn hand_over(&mut self, leader: &mut Leader) -> bool {
        if leader.transfer_target().is_none() {
            return false;
        }
        let last = self.log.last();
        let Some(target) = leader.untold_target(last.index) else { return false };
        if leader.progress.get(&target).is_none_or(|peer| peer.matched() < last.index) {
            return false;
        }
        self.suspend_lease(leader, last.index);
        self.tell_to_campaign(leader, target, last);
        true
    }

    /// Counts a tick of a transfer. After an election timeout the leader goes on without it.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn tick_transfer(&mut self, leader: &mut Leader) -> Result<(), Halt> {
        if leader.transfer_target().is_some()
            && self.count_transfer_tick(leader) >= self.config.election_ticks
        {
            self.give_up_transfer(leader)?;
        }
        Ok(())
    }

    /// Ends a transfer to a node that votes no more.
    pub(crate) fn end_transfer_to_removed(&mut self, leader: &mut Leader) {
        if leader.transfer_target().is_some_and(|target| !self.voters.contains(target)) {
            self.end_transfer(leader);
        }
    }

    /// Goes on without a transfer, and does what had to wait.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    fn give_up_transfer(&mut self, leader: &mut Leader) -> Result<(), Halt> {
        self.end_transfer(leader);
        self.leave_joint_by_itself(leader)
    }
}

// The target.

impl<S: Storage> Raft<S> {
    /// Campaigns at once, because the leader says so: without a pre-vote, and with a question that no
    /// lease stops. Only if this node can lead, and has the log that the leader knew; otherwise the
    /// message is late.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn on_timeout_now(&mut self, from: NodeId, last: EntryId) -> Result<(), Halt> {
        let ours = self.core.log.last();
        if !self.is_promotable() {
            self.core.ignore(from, "TimeoutNow", Ignored::CannotLead);
        } else if ours != last {
            self.core.ignore(from, "TimeoutNow", Ignored::OtherLog { theirs: last, ours });
        } else if let Some(change) = self.core.unapplied_change()? {
            self.core.note_campaign_postponed(change);
        } else {
            self.core.look_up_commit()?;
            self.become_candidate();
            self.ask_for_votes_of_transfer();
        }
        Ok(())
    }

    /// Asks for votes as in any election, and says that the leader wants them.
    fn ask_for_votes_of_transfer(&mut self) {
        let ask = VoteRequest { transfer: true, ..VoteRequest::new(self.core.log.last()) };
        self.core.send_to_others(Body::RequestVote(ask));
        self.core.send(self.core.id, Body::vote_reply(true));
    }
}
