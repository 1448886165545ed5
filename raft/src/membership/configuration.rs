//! Configurations: which ones a group can have (§6, thesis §4.3).
//!
//! ```text
//!                     outside a joint configuration     in one
//!   voters            vote                              vote: the new half
//!   voters_outgoing   none                              vote: the old half
//!   learners          learn                             learn
//!   learners_next     none                              vote in the old half, learn afterwards
//! ```

use crate::entry::{ConfChange, ConfChangeV2, Payload, Transition};
use crate::error::ConfStateError;
use crate::state::ConfState;
use crate::types::NodeId;
use std::collections::BTreeSet;

impl ConfState {
    /// Returns whether the group is between two configurations: both must agree.
    pub fn is_joint(&self) -> bool {
        !self.voters_outgoing.is_empty()
    }

    /// Returns every member: those that vote in either half, and those that learn.
    pub fn members(&self) -> BTreeSet<NodeId> {
        let ConfState { voters, learners, voters_outgoing, .. } = self;
        voters.iter().chain(voters_outgoing).chain(learners).copied().collect()
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

impl From<ConfChange> for Payload {
    fn from(change: ConfChange) -> Self {
        Payload::Change(change)
    }
}

impl From<ConfChangeV2> for Payload {
    fn from(change: ConfChangeV2) -> Self {
        Payload::ChangeV2(change)
    }
}
