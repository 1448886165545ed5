//! Commitment that travels with votes (raft-rs; etcd issue 12359).
//!
//! ```text
//!   n4 knows that 3@1 is committed; n1 holds 3@1, and does not know
//!   n1 --RequestVote last=3@1--------> n4        n4's log is longer: no
//!   n1 <--refused commit=3@1---------- n4
//!   n1   commits 3@1, applies it, and has other voters from now on
//! ```
//!
//! A change of the group takes effect when it is applied. So a node that holds a change, and does not know that
//! it is committed, still asks the voters of the old group. A node of the old group that knows more may
//! refuse it, and may not vote in the new group itself: then nobody can be elected, although a majority of
//! the new group is there. With `commit_by_vote` each tells the other what is committed: the candidate with
//! its question, the voter with its refusal.
//!
//! Invariant: an entry that is committed anywhere is committed. A node that holds this very entry, of the same
//! index and term, holds the same log up to it (Log Matching, Fig. 3). So the news never ages: it counts
//! whatever its term is.

use crate::error::Halt;
use crate::ledger::Core;
use crate::message::Body;
use crate::raft::{Raft, Role};
use crate::role::RoleChange;
use crate::storage::Storage;
use crate::types::{EntryId, Index};

// Say.

impl<S: Storage> Core<S> {
    /// Looks up which entry is at the commit index, before this node asks for votes or answers a candidate. Does
    /// nothing if the settings do not let it say so. The entry may be compacted, in a node whose application
    /// was ahead of the commit index when it started: then there is nothing to say.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn look_up_commit(&mut self) -> Result<(), Halt> {
        let index = self.commit;
        if self.config.commit_by_vote && index > Index(0) {
            let term = self.log.known_term(index)?;
            self.name_commit(term.map(|term| EntryId { index, term }));
        }
        Ok(())
    }

    /// Looks up which entry is at the commit index, if this message may be answered with it.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn look_up_commit_for(&mut self, body: &Body) -> Result<(), Halt> {
        if matches!(body, Body::RequestVote(_) | Body::RequestPreVote(_)) {
            self.look_up_commit()?;
        }
        Ok(())
    }
}

// Learn.

impl<S: Storage> Raft<S> {
    /// Learns that another node knows this entry to be committed: so it is here, too, if this node holds it. A
    /// leader has its own rule.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn learn_named_commit(&mut self, named: Option<EntryId>) -> Result<(), Halt> {
        let Some(named) = named.filter(|_| self.core.config.commit_by_vote) else { return Ok(()) };
        let is_news = named.index > self.core.commit && !matches!(self.role, Role::Leader(_));
        if !is_news || self.core.log.known_term(named.index)? != Some(named.term) {
            return Ok(());
        }
        self.core.commit_to(named.index);
        self.postpone_campaign()
    }

    /// Gives up a campaign, if a change of the group turns out to be committed: the voters that were asked
    /// may not be those that count.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    fn postpone_campaign(&mut self) -> Result<(), Halt> {
        if !matches!(self.role, Role::PreCandidate(_) | Role::Candidate(_)) {
            return Ok(());
        }
        let Some(change) = self.core.unapplied_change()? else { return Ok(()) };
        self.core.note_campaign_postponed(change);
        self.change_role(RoleChange::step_down())
    }
}
