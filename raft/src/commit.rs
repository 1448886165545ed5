//! Commitment: when an entry is safe for ever (§5.3, §5.4.2).
//!
//! ```text
//!   leader of term 4            match
//!   1@1 2@2 3@4          n1  3  (itself, once durable)
//!                        n2  3  --> 3 is on a majority, and of term 4: committed, 2 with it
//!                        n3  1
//! ```
//!
//! Invariant: a committed entry is in the log of every later leader (Leader Completeness, Fig. 3). A
//! majority holds it durably, and a majority must find a candidate's log up to date. The second half
//! fails for an entry of an earlier term: Figure 8. So a leader counts only entries of its own term.

use crate::error::Halt;
use crate::ledger::{Core, Leader};
use crate::storage::Storage;
use crate::types::{EntryId, Index};

impl<S: Storage> Core<S> {
    /// Commits, as a leader, what can be committed. Returns whether anything was, and the others are to hear
    /// of it at once. Counts only when enough voters are ahead of the commit index: an acknowledgement that cannot commit anything costs
    /// the same in a group of 3 and of 101.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn maybe_commit(&mut self, leader: &mut Leader) -> Result<bool, Halt> {
        if leader.ahead_of_commit() < self.voters.needed() || !self.commit_by_counting(leader)? {
            return Ok(false);
        }
        self.recount_ahead_of_commit(leader);
        Ok(self.tells_commit(leader))
    }

    /// Returns whether a leader tells the others of a new commit index at once. If the settings say no, they
    /// hear of it with the next entries or the next heartbeat. A change of the group is always told: it
    /// must take effect everywhere.
    pub(crate) fn tells_commit(&self, leader: &Leader) -> bool {
        !self.config.skip_bcast_commit || leader.pending_change() > self.applied
    }

    /// Commits what a majority holds, if the last of it is of the leader's own term (Fig. 2 Leaders
    /// (4)). Returns whether anything was committed.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    fn commit_by_counting(&mut self, leader: &Leader) -> Result<bool, Halt> {
        let matched = |id| leader.progress.get(&id).map(|progress| progress.matched());
        let index = self.voters.committed_index(matched);
        if index <= self.commit {
            return Ok(false);
        }
        let term = self.log.term(index)?;
        if term != Some(self.term) {
            self.note_commit_withheld(EntryId { index, term: term.unwrap_or_default() });
            return Ok(false);
        }
        self.commit_to(index);
        Ok(true)
    }

    /// Learns, as a follower, how far the log is committed. The commit index never decreases (Fig. 2
    /// AppendEntries (5)), and never goes beyond what agrees with the leader's log. The callers see to
    /// that: `on_append` goes no further than its last entry, and a heartbeat carries no more than this
    /// node is known to hold.
    pub(crate) fn learn_commit(&mut self, index: Index) {
        if index > self.commit {
            self.commit_to(index);
        }
    }
}
