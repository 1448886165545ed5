//! Commit groups, as an owner sets them: what is committed is in two places (raft-rs's group commit).
//!
//! ```text
//!   set_commit_groups(n1 n2 in 1, n3 in 2)     from now on an entry needs n3, or another of its group
//!   check_group_commit_consistent              is all that is committed in two groups by now?
//!   set_commit_groups(None)                    a majority is enough again
//! ```
//!
//! The rule is in `quorum/groups.rs`; the voters know it ([`Joint::committed_index`](crate::quorum::Joint)), so
//! a leader counts as always. Groups are no part of the log: an owner tells each node, also the one that leads
//! next. A group that is down keeps the others from committing: then the owner takes the groups away.

use crate::error::Halt;
use crate::raft::{Raft, Role};
use crate::state::CommitGroups;
use crate::storage::Storage;
use crate::types::NodeId;

impl<S: Storage> Raft<S> {
    /// Sets the commit groups, or takes them away ([`Config::commit_groups`](crate::Config::commit_groups)). A
    /// leader commits at once what they allow now; what is committed stays committed.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    pub fn set_commit_groups(&mut self, groups: Option<CommitGroups>) -> Result<(), Halt> {
        self.core.check_running()?;
        self.core.divide(groups);
        self.commit_what_groups_allow().map_err(|halt| self.core.halt(halt))?;
        self.settle_reads();
        Ok(())
    }

    /// Commits, as a leader, what was waiting for a second group, and tells the others.
    fn commit_what_groups_allow(&mut self) -> Result<(), Halt> {
        let Role::Leader(leader) = &mut self.role else { return Ok(()) };
        if self.core.maybe_commit(leader)? {
            self.core.bcast_append(leader)?;
        }
        Ok(())
    }

    /// Returns whether all that is committed is in two commit groups. Only a leader knows, and only once it has
    /// applied an entry of its own term: then it knows its voters, too. No, if there are no groups, or if
    /// its voters, or one half of them, are not in two. The name is raft-rs's.
    pub fn check_group_commit_consistent(&self) -> Option<bool> {
        let Role::Leader(leader) = &self.role else { return None };
        let matched = |id: NodeId| leader.progress.get(&id).map(|peer| peer.matched());
        let is_settled = self.core.applied >= leader.term_start();
        let voters = &self.core.voters;
        is_settled
            .then(|| voters.is_divided() && voters.committed_index(matched) == self.core.commit)
    }
}
