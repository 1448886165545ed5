//! From one configuration and a change to the next configuration (§6, thesis §4.1, §4.3).
//!
//! ```text
//!                      outside a joint configuration            inside one
//!   simple             voters, learners                         refused
//!   enter_joint        outgoing := voters; then the changes     refused
//!   leave_joint        refused                                  learners += next; outgoing := none
//!
//!   one change of n1   voters   learners   learners_next   voters_outgoing
//!   AddVoter             in       out          out             as it is
//!   AddLearner           out      in, unless n1 is in voters_outgoing: then in learners_next
//!   Remove               out      out          out             as it is
//! ```
//!
//! Each change says where its node is afterwards, not how it gets there. So it is no error to add a voter
//! again, or to remove a node that is absent: nothing changes. Of several changes of one node, the last
//! one counts.
//!
//! A voter of the old half that becomes a learner would be both at once, since its vote still counts there.
//! So it waits in `learners_next` until the group leaves the joint configuration.
//!
//! Invariants: the old half of a joint configuration never changes; a refused change leaves the
//! configuration as it is.

use crate::entry::{ChangeKind, ConfChange, ConfChangeV2, Transition};
use crate::error::{ChangeError, ConfStateError};
use crate::state::ConfState;
use crate::types::NodeId;

/// Computes which configuration follows a given one. It is a pure function: nodes that apply the same
/// changes in the same order have the same configuration, and refuse the same changes.
///
/// Node 0 is no node, so a change of node 0 is refused by name. etcd ignores such a change: there, an
/// application overwrites the node with 0 to cancel a change that was committed. Here, an application
/// cancels a change by not applying it.
///
/// ```
/// use raft::{ChangeKind, Changer, ConfChange, ConfState, NodeId};
///
/// let one = ConfState { voters: [NodeId(1)].into(), ..ConfState::default() };
/// let two = Changer::new(&one)?.apply(ConfChange { kind: ChangeKind::AddVoter, node: NodeId(2) })?;
/// assert_eq!(two.voters, [NodeId(1), NodeId(2)].into());
/// # Ok::<(), raft::ChangeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Changer<'a> {
    /// A possible configuration.
    before: &'a ConfState,
}

impl<'a> Changer<'a> {
    /// Begins with the configuration that the group has.
    ///
    /// # Errors
    /// [`ChangeError::Impossible`] if it breaks a rule of [`ConfState::check`].
    pub fn new(before: &'a ConfState) -> Result<Self, ChangeError> {
        before.check()?;
        Ok(Changer { before })
    }

    /// Returns whether a change can be made now: the error, if not. By the time a proposed change is
    /// applied, earlier entries may have changed the configuration.
    ///
    /// # Errors
    /// As [`Changer::apply`], or [`ChangeError::Impossible`].
    pub fn check(conf: &ConfState, change: impl Into<ConfChangeV2>) -> Result<(), ChangeError> {
        Changer::new(conf)?.apply(change).map(drop)
    }

    /// Makes a change as its entry says. No changes at all leave the joint configuration. A single change
    /// is simple if the transition is [`Transition::Auto`]. Anything else enters a joint configuration.
    ///
    /// etcd differs in one case: a list without changes, and a transition other than Auto, enters a joint
    /// configuration there. etcd's leader takes such a proposal for one that leaves, so it does here, too.
    ///
    /// # Errors
    /// As [`Changer::simple`], [`Changer::enter_joint`] or [`Changer::leave_joint`].
    pub fn apply(self, change: impl Into<ConfChangeV2>) -> Result<ConfState, ChangeError> {
        let ConfChangeV2 { transition, changes } = change.into();
        match (transition, &changes[..]) {
            (_, []) => self.leave_joint(),
            (Transition::Auto, [_]) => self.simple(&changes),
            (Transition::Auto | Transition::Implicit | Transition::Explicit, _) => {
                self.enter_joint(transition, &changes)
            }
        }
    }

    /// Makes changes at once, outside a joint configuration. At most one node may begin or cease to vote;
    /// learners may change in any number.
    ///
    /// # Errors
    /// [`ChangeError::InJoint`], [`ChangeError::NodeZero`], [`ChangeError::NoVoterLeft`],
    /// [`ChangeError::TooManyVoters`].
    pub fn simple(self, changes: &[ConfChange]) -> Result<ConfState, ChangeError> {
        self.refuse_in_joint()?;
        let after = self.with_all(self.before.clone(), changes)?;
        let changed = self.before.voters.symmetric_difference(&after.voters).count();
        if changed > 1 {
            return Err(ChangeError::TooManyVoters { changed });
        }
        Ok(possible(after))
    }

    /// Makes changes in any number, through a joint configuration: from here on a majority of the old
    /// voters and one of the new voters must agree. The group leaves it by itself unless the transition
    /// is [`Transition::Explicit`].
    ///
    /// # Errors
    /// [`ChangeError::InJoint`], [`ChangeError::NoVoterYet`], [`ChangeError::NodeZero`],
    /// [`ChangeError::NoVoterLeft`].
    pub fn enter_joint(
        self,
        transition: Transition,
        changes: &[ConfChange],
    ) -> Result<ConfState, ChangeError> {
        self.refuse_in_joint()?;
        if self.before.voters.is_empty() {
            return Err(ChangeError::NoVoterYet);
        }
        let auto_leave = match transition {
            Transition::Auto | Transition::Implicit => true,
            Transition::Explicit => false,
        };
        let voters_outgoing = self.before.voters.clone();
        let joint = ConfState { voters_outgoing, auto_leave, ..self.before.clone() };
        Ok(possible(self.with_all(joint, changes)?))
    }

    /// Completes a joint configuration: the old voters no longer count, and what waited to be a learner is
    /// one.
    ///
    /// # Errors
    /// [`ChangeError::NotInJoint`].
    pub fn leave_joint(self) -> Result<ConfState, ChangeError> {
        if !self.before.is_joint() {
            return Err(ChangeError::NotInJoint { voters: self.before.voters.len() });
        }
        let ConfState { voters, learners, learners_next, .. } = self.before.clone();
        let learners = learners.into_iter().chain(learners_next).collect();
        Ok(possible(ConfState { voters, learners, ..ConfState::default() }))
    }

    fn refuse_in_joint(self) -> Result<(), ChangeError> {
        let ConfState { voters, voters_outgoing, .. } = self.before;
        if self.before.is_joint() {
            let (voters, outgoing) = (voters.len(), voters_outgoing.len());
            return Err(ChangeError::InJoint { voters, outgoing });
        }
        Ok(())
    }

    /// Makes changes to `conf`, one after the other. What counts is where they end: on the way, there
    /// may be no voter.
    fn with_all(
        self,
        mut conf: ConfState,
        changes: &[ConfChange],
    ) -> Result<ConfState, ChangeError> {
        for &ConfChange { kind, node } in changes {
            if node == NodeId(0) {
                return Err(ChangeError::NodeZero { kind });
            }
            match kind {
                ChangeKind::AddVoter => add_voter(&mut conf, node),
                ChangeKind::AddLearner => add_learner(&mut conf, node),
                ChangeKind::Remove => remove(&mut conf, node),
            }
        }
        if conf.voters.is_empty() {
            return Err(ChangeError::NoVoterLeft { voters: self.before.voters.len() });
        }
        Ok(conf)
    }
}

/// Makes a node a voter of the new half.
fn add_voter(conf: &mut ConfState, node: NodeId) {
    remove(conf, node);
    conf.voters.insert(node);
}

/// Makes a node a learner; at once, unless the old half still counts its vote.
fn add_learner(conf: &mut ConfState, node: NodeId) {
    remove(conf, node);
    if conf.voters_outgoing.contains(&node) {
        conf.learners_next.insert(node);
    } else {
        conf.learners.insert(node);
    }
}

/// Takes a node out of the new half, and of the learners. A voter of the old half stays one until the
/// group leaves the joint configuration.
fn remove(conf: &mut ConfState, node: NodeId) {
    conf.voters.remove(&node);
    conf.learners.remove(&node);
    conf.learners_next.remove(&node);
}

/// Returns a configuration, which must be possible: the one before was.
///
/// # Panics
/// If it is impossible: then a rule of this file is wrong.
fn possible(after: ConfState) -> ConfState {
    assert_eq!(after.check(), Ok::<(), ConfStateError>(()), "a change led to {after:?}");
    after
}
