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
//! fails for an entry of an earlier term: Figure 8. So only entries of our own term are counted.

use crate::ledger::Core;
use crate::progress::Progress;
use crate::role::Leader;
use crate::storage::Storage;
use crate::types::Index;

impl<S: Storage> Core<S> {
    /// Commits, as a leader, what a majority holds, if the last of it is of our own term (Fig. 2
    /// Leaders (4)). Returns whether anything was.
    pub(crate) fn maybe_commit(&mut self, leader: &Leader) -> bool {
        let matched = |id| leader.progress.get(&id).map(Progress::matched);
        let index = self.voters.committed_index(matched);
        if index <= self.commit {
            return false;
        }
        if self.log.term(index) != Some(self.term) {
            self.note_commit_withheld(index);
            return false;
        }
        self.commit_to(index);
        true
    }

    /// Learns, as a follower, how far our log is committed. Never goes back (Fig. 2 AppendEntries
    /// (5)), and never beyond what agrees with the leader's log: whoever calls this has seen to it.
    /// `on_append` goes no further than its last entry; a heartbeat tells no more than we are known to
    /// hold.
    pub(crate) fn learn_commit(&mut self, index: Index) {
        if index > self.commit {
            self.commit_to(index);
        }
    }
}
