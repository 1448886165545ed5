//! Membership: which configurations are possible, and which one a change leads to (§6, thesis §4).
//!
//! ```text
//!   voters=(1 2 3)  --simple: at most one voter more or less-->  voters=(1 2 3 4)
//!         |
//!         | enter_joint: any number of changes at once
//!         v
//!   voters=(3 4 5)&&(1 2 3)       a majority of each half must agree: new && old
//!         |
//!         | leave_joint: the new half stays
//!         v
//!   voters=(3 4 5)
//! ```
//!
//! Two leaders of one term need two majorities that share no voter. So no step may lead from one
//! configuration to another that can decide without it. One voter more or less keeps them together:
//!
//! ```text
//!   old  1 2 3        any 2 of 3 and any 3 of 4       old  1 2 3          1 2 may decide, and
//!   new  1 2 3 4      share a voter, since 2 + 3 > 4  new  1 2 3 4 5      3 4 5 without them
//! ```
//!
//! With more voters at once, a majority of the old ones must agree as well until the change is complete.
//!
//! Everything here is a pure function of one configuration and one change. When a change takes effect is
//! not decided here.
//!
//! Invariants: what a [`Changer`] returns passes [`ConfState::check`]; each majority of its voters meets
//! each majority of the voters before.

mod changer; // from one configuration and a change to the next one

pub use changer::Changer;

use crate::entry::{ConfChange, ConfChangeV2, Transition};
use crate::error::ConfStateError;
use crate::state::ConfState;
use crate::types::NodeId;

impl ConfState {
    /// Returns whether the group is between two configurations: both must agree.
    pub fn is_joint(&self) -> bool {
        !self.voters_outgoing.is_empty()
    }

    /// Checks that a group can be configured like this. No node votes and learns at once, neither in
    /// this configuration nor in the one that follows it. Outside a joint configuration, nothing of an
    /// earlier one is left.
    ///
    /// A group without voters passes, as in etcd: a new group begins with none.
    ///
    /// # Errors
    /// [`ConfStateError`] with the first rule that is broken, and the smallest node that breaks it.
    pub fn check(&self) -> Result<(), ConfStateError> {
        let ConfState { voters, learners, voters_outgoing, learners_next, auto_leave } = self;
        let sets = [
            ("voters", voters),
            ("learners", learners),
            ("voters_outgoing", voters_outgoing),
            ("learners_next", learners_next),
        ];
        if let Some((set, _)) = sets.into_iter().find(|(_, ids)| ids.contains(&NodeId(0))) {
            return Err(ConfStateError::NodeZero { set });
        }
        if let Some(&node) = learners.intersection(voters).next() {
            return Err(ConfStateError::LearnerIsVoter { node });
        }
        if let Some(&node) = learners.intersection(voters_outgoing).next() {
            return Err(ConfStateError::LearnerIsOutgoing { node });
        }
        // Outside a joint configuration, this leaves nobody to become a learner. Inside one, no such node
        // is a learner yet: learners are no voters of the old half.
        if let Some(&node) = learners_next.difference(voters_outgoing).next() {
            return Err(ConfStateError::NextIsNotOutgoing { node });
        }
        if let Some(&node) = learners_next.intersection(voters).next() {
            return Err(ConfStateError::NextIsVoter { node });
        }
        if self.is_joint() && voters.is_empty() {
            return Err(ConfStateError::JointWithoutVoters { outgoing: voters_outgoing.len() });
        }
        if !self.is_joint() && *auto_leave {
            return Err(ConfStateError::AutoLeaveOutsideJoint);
        }
        Ok(())
    }
}

/// A single change is the list of one: it needs no joint configuration.
impl From<ConfChange> for ConfChangeV2 {
    fn from(change: ConfChange) -> Self {
        ConfChangeV2 { transition: Transition::Auto, changes: vec![change] }
    }
}
