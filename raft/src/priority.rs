//! Priority: which of several nodes with the same log should lead (raft-rs's `priority`).
//!
//! ```text
//!                  priority  log          asks n1, whose priority is 5 and whose log ends in 4@2
//!   n2             1         4@2          refused: n1 should lead, and loses nothing if it does
//!   n3             1         5@2          granted: with n1 in the lead, 5@2 might be lost
//!   n4             7         4@2          granted
//!   n5             1         3@2          refused, as always (§5.4.1)
//! ```
//!
//! An owner uses it to keep the lead in one place: near the clients, say. It is a wish, and no more: a log
//! that holds more beats it, and so does an owner who asks for a transfer of the leadership.
//!
//! raft-rs compares the indexes of the last entries alone. Then a node with a longer log of an earlier term
//! refuses a candidate that only it could elect, and nobody leads:
//!
//! ```text
//!   n1   priority 5   1@1 2@1 3@1      n2's log is newer, so n1 cannot be elected by n2
//!   n2   priority 1   1@1 2@2          n1's log is longer, so in raft-rs n2 is not elected by n1
//!   n3   is down
//! ```
//!
//! Invariant: priority only refuses. It never grants a vote that the other rules refuse.

use crate::event::Refusal;
use crate::ledger::Core;
use crate::message::{Priority, VoteRequest};
use crate::raft::Raft;
use crate::storage::Storage;

impl<S: Storage> Core<S> {
    /// Checks that a candidate is not to wait for this node: it has no lower priority, or a log that holds
    /// more, or the leader itself wants it to lead. Nobody waits for a node that does not vote, and so
    /// cannot lead.
    pub(crate) fn check_priority(&self, ask: &VoteRequest) -> Result<(), Refusal> {
        let (ours, theirs) = (self.config.priority, ask.priority);
        let may_lead = self.voters.contains(self.id);
        if theirs < ours && ask.last == self.log.last() && may_lead && !ask.transfer {
            return Err(Refusal::LowerPriority { ours, theirs });
        }
        Ok(())
    }
}

impl<S: Storage> Raft<S> {
    /// Sets this node's priority ([`Config::priority`](crate::Config::priority)) from now on. What has been
    /// granted stays granted, and a leader leads on.
    pub fn set_priority(&mut self, priority: Priority) {
        self.core.prefer(priority);
    }
}
