//! Membership: how a group changes its members while it works (§6, thesis §4).
//!
//! ```text
//!   propose      entry 7: add n4            at most one change that is not applied: the next waits
//!      |
//!   commit       entry 7 is on a majority of the OLD voters
//!      |
//!   apply        each node, when it applies entry 7:  n4 votes from now on
//! ```
//!
//! As in etcd, a change takes effect when it is applied, not when it is written. (The paper's takes effect
//! when it is written, and may have to be taken back.) So two neighbours in time may have different
//! members. Three rules keep them from electing two leaders: one change at a time; no campaign with a
//! change that is committed and not applied; and a step from one configuration to the next changes one
//! voter, or goes through a joint one.
//!
//! ```text
//!   voters=(1 2 3)  --simple: at most one voter more or less-->  voters=(1 2 3 4)
//!         |
//!         | enter_joint: any number of changes at once
//!         v
//!   voters=(3 4 5)&&(1 2 3)       a majority of each half must agree: new && old
//!         |
//!         | leave_joint: the new half stays; by itself, if the change says so
//!         v
//!   voters=(3 4 5)
//! ```
//!
//! Two leaders of one term need two majorities that share no voter. One voter more or less keeps them
//! together; with more voters at once, a majority of the old ones must agree as well:
//!
//! ```text
//!   old  1 2 3        any 2 of 3 and any 3 of 4       old  1 2 3          1 2 may decide, and
//!   new  1 2 3 4      share a voter, since 2 + 3 > 4  new  1 2 3 4 5      3 4 5 without them
//! ```
//!
//! Invariants: what a [`Changer`] returns passes [`ConfState::check`]; each majority of its voters meets
//! each majority of the voters before. A leader begins no change while an earlier one may not be applied.

mod changer; // from one configuration and a change to the next one

mod configuration; // which configurations are possible

pub use changer::Changer;

use crate::config::{Config, StepDownOnRemoval};
use crate::entry::{ConfChangeV2, Entry, Payload, Transition};
use crate::error::{ApplyChangeError, ChangeRefusal, Halt, ProposeError};
use crate::ledger::{Core, Leader};
use crate::progress::inflight::Inflights;
use crate::raft::{Raft, Role};
use crate::role::RoleChange;
use crate::state::ConfState;
use crate::storage::{Purpose, Storage};
use crate::types::{Index, NodeId};
use bytes::Bytes;

/// The size of a page in which a node looks for changes before it campaigns, in bytes.
const CAMPAIGN_PAGE_BYTES: u64 = 1 << 20;

// Begin to lead.

impl<S: Storage> Core<S> {
    /// Begins, as a new leader whose term starts at `first`, with the changes that earlier leaders may have
    /// left in its log. It does not look for them: everything before its term may be one, until it is
    /// applied.
    pub(crate) fn inherit_changes(&self, leader: &mut Leader, first: Index) {
        self.set_pending_change(leader, Index(first.0 - 1));
    }
}

// Propose.

impl<S: Storage> Raft<S> {
    /// Proposes a change of the group, with a mark by which to recognize it once it is committed. A leader
    /// takes it, a follower forwards it. A [`ConfChangeV2`] without changes leaves a joint configuration.
    ///
    /// # Errors
    /// [`ProposeError`] if it was not taken; [`ProposeError::ChangeRefused`] if it cannot be made now. The
    /// node has not changed, unless it has halted.
    pub fn propose_conf_change(
        &mut self,
        context: Bytes,
        change: impl Into<Payload>,
    ) -> Result<(), ProposeError> {
        self.core.check_running()?;
        self.take_proposal(vec![Entry::marked(context, change.into())])
    }
}

impl<S: Storage> Core<S> {
    /// Checks the changes among a leader's proposals. A change waits until the one before is applied: it is
    /// refused, or replaced by an entry without content. Returns the index of the last change.
    ///
    /// # Errors
    /// [`ProposeError::ChangeRefused`] says why; none of the proposals is taken.
    pub(crate) fn check_changes(
        &mut self,
        leader: &Leader,
        entries: &mut [Entry],
    ) -> Result<Index, ProposeError> {
        let mut pending = leader.pending_change();
        let next = self.log.last_index() + 1;
        for (at, entry) in entries.iter_mut().enumerate() {
            let Some(change) = entry.payload().change() else { continue };
            match self.decide_change(pending, change) {
                Ok(()) => pending = next + at as u64,
                Err(_) if !self.config.check_changes => pending = next + at as u64,
                Err(why) if self.config.replace_refused_changes => {
                    self.note_change_replaced(why);
                    *entry = Entry::marked(entry.context().clone(), Payload::Noop);
                }
                Err(why) => return Err(ProposeError::ChangeRefused(why)),
            }
        }
        Ok(pending)
    }

    /// Decides whether a change can be proposed now: no other may be on its way, and it must be possible.
    fn decide_change(&self, pending: Index, change: ConfChangeV2) -> Result<(), ChangeRefusal> {
        if pending > self.applied {
            return Err(ChangeRefusal::Pending { index: pending, applied: self.applied });
        }
        Changer::check(&self.conf, change).map_err(ChangeRefusal::Impossible)
    }
}

// Apply.

impl<S: Storage> Raft<S> {
    /// Makes a change of the group, as this node applies its entry. Call it before the entry is reported as
    /// applied. Returns the members from now on: they belong into storage, and into later snapshots.
    ///
    /// An application refuses a change by not calling this: all nodes must decide alike.
    ///
    /// # Errors
    /// [`ApplyChangeError::Refused`] if the change cannot be made. Nothing has changed, and all nodes find
    /// the same: go on. [`ApplyChangeError::Installing`] if a leader's snapshot has come since the entry was
    /// handed out, and covers it: do not apply the entry, nor those after it.
    /// [`ApplyChangeError::Halted`] if the node has halted, now or earlier.
    pub fn apply_conf_change(
        &mut self,
        change: impl Into<ConfChangeV2>,
    ) -> Result<ConfState, ApplyChangeError> {
        self.core.check_running()?;
        // The members are those of the snapshot already: an earlier change would be made twice.
        if let Some(last) = self.unstable_snapshot() {
            return Err(ApplyChangeError::Installing { last });
        }
        let next = Changer::new(&self.core.conf)?.apply(change)?;
        self.core.set_members(next.clone());
        self.lead_new_members().map_err(|halt| self.core.halt(halt))?;
        self.settle_reads();
        Ok(next)
    }

    /// Leads a group whose members have just changed, if this node leads it.
    fn lead_new_members(&mut self) -> Result<(), Halt> {
        let Role::Leader(leader) = &mut self.role else { return Ok(()) };
        self.core.track_members(leader);
        if self.core.is_dispensable(leader) {
            return self.change_role(RoleChange::step_down());
        }
        self.core.end_transfer_to_removed(leader);
        self.core.commit_with_new_members(leader)
    }
}

impl<S: Storage> Core<S> {
    /// Tracks the members that a leader has now, and those only. What it knows of a member that stays, it
    /// keeps. A new one begins with a session of its own: answers from before an earlier removal do not
    /// count.
    pub(crate) fn track_members(&self, leader: &mut Leader) {
        let members = self.conf.members();
        let gone: Vec<NodeId> =
            leader.progress.keys().copied().filter(|id| !members.contains(id)).collect();
        for id in gone {
            self.untrack(leader, id);
        }
        // The first append to a new member brings the leader's last entry, to see what it lacks.
        let before_last = Index(self.log.last_index().0.saturating_sub(1));
        let Config { max_inflight_messages, max_inflight_bytes, .. } = self.config;
        for id in members {
            if !leader.progress.contains_key(&id) {
                let window = Inflights::new(max_inflight_messages, max_inflight_bytes);
                self.track_added(leader, id, before_last, window);
            }
        }
    }
}

impl<S: Storage> Core<S> {
    /// Commits, as a leader whose voters have just changed, what fewer voters are enough for, and tells the
    /// others; else sends to members that lack entries what they lack: a new one lacks all.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    fn commit_with_new_members(&mut self, leader: &mut Leader) -> Result<(), Halt> {
        self.recount_ahead_of_commit(leader);
        if self.maybe_commit(leader)? {
            return self.bcast_append(leader);
        }
        self.send_lacking(leader)
    }
}

// The leader is removed.

impl<S: Storage> Raft<S> {
    /// Steps down, as a leader that is no voter any more, as soon as the group can do without it.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn step_down_if_dispensable(&mut self) -> Result<(), Halt> {
        match &self.role {
            Role::Leader(leader) if self.core.is_dispensable(leader) => {
                self.change_role(RoleChange::step_down())
            }
            Role::Follower | Role::PreCandidate(_) | Role::Candidate(_) | Role::Leader(_) => Ok(()),
        }
    }
}

impl<S: Storage> Core<S> {
    /// Returns whether this leader is to step down because it is no voter any more.
    pub(crate) fn is_leaving(&self) -> bool {
        self.config.step_down_on_removal != StepDownOnRemoval::Never
            && !self.voters.contains(self.id)
    }

    /// Returns whether this leader is to step down, and can: a majority of the voters holds its whole log,
    /// unless the settings do not wait for that.
    ///
    /// If it stepped down earlier, nobody might be able to lead. The voters may not know yet that its
    /// removal is committed, so they still need votes of the old group; and a node of the old group with a
    /// longer log, such as this one, would refuse them (etcd issue 12359).
    ///
    /// ```text
    ///   voters=(1 2) --r1--> voters=(2)
    ///   n1   1 2:r1 3    applied 2: no voter any more, so it cannot campaign
    ///   n2   1 2:r1      commit 1: asks n1 for its vote, and n1's log is longer
    /// ```
    fn is_dispensable(&self, leader: &Leader) -> bool {
        let last = self.log.last_index();
        let holds_all = |id| leader.progress.get(&id).is_some_and(|peer| peer.matched() >= last);
        self.is_leaving()
            && (self.config.step_down_on_removal == StepDownOnRemoval::AtOnce
                || self.voters.agrees(holds_all))
    }
}

// Leave a joint configuration.

impl<S: Storage> Core<S> {
    /// Proposes to leave the joint configuration, as a leader whose group leaves it by itself: once the entry
    /// that entered it is applied, and no other change is on its way. Tried again whenever something is
    /// applied, and when a transfer has ended: so a later leader completes what an earlier one began.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn leave_joint_by_itself(&mut self, leader: &mut Leader) -> Result<(), Halt> {
        if !self.conf.auto_leave || self.applied < leader.pending_change() {
            return Ok(());
        }
        let leave = ConfChangeV2 { transition: Transition::Auto, changes: Vec::new() };
        match self.take_as_leader(leader, vec![Entry::unplaced(leave.into())]) {
            Ok(()) => self.note_joint_left(self.log.last_index()),
            Err(ProposeError::Halted(halt)) => return Err(halt),
            // A transfer is under way, for instance. Its end tries again.
            Err(_) => {}
        }
        Ok(())
    }
}

// Members.

impl<S: Storage> Core<S> {
    /// Returns whether `id` is a member: it votes in either half, or learns.
    pub(crate) fn is_member(&self, id: NodeId) -> bool {
        self.voters.contains(id) || self.conf.learners.contains(&id)
    }
}

// Campaign.

impl<S: Storage> Core<S> {
    /// Returns the first change of the group that is committed and not applied, if there is one. Its voters
    /// are not known to this node yet: it could win by a majority that does not count any more.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn unapplied_change(&self) -> Result<Option<Index>, Halt> {
        let (mut next, end) = (self.applied + 1, self.commit + 1);
        while next < end {
            let max_bytes = Some(CAMPAIGN_PAGE_BYTES);
            let page = self.log.read_entries(next, end, max_bytes, Purpose::Campaign)?;
            if let Some(entry) = page.iter().find(|entry| entry.payload().is_change()) {
                return Ok(Some(entry.id.index));
            }
            next = next + page.len() as u64;
        }
        Ok(None)
    }
}
