//! Which handler answers which message: a preamble about terms, then one table.
//!
//! ```text
//!   step: could a correct network deliver this?
//!     '--> handle: whose term?  a leader's word?
//!            '--> dispatch: the table
//! ```
//!
//! The table has no logic. To find who answers a message, find its row.

use crate::error::StepError;
use crate::event::Ignored;
use crate::message::{Body, Message, TermKind};
use crate::raft::Raft;
use crate::role::Role;
use crate::storage::Storage;
use crate::types::Term;

impl<S: Storage> Raft<S> {
    /// Takes one message from another node.
    ///
    /// A question is taken from anyone, since the sender may know of a change in the group that has
    /// not reached us (thesis §4.1). An answer is taken only from a voter.
    ///
    /// # Errors
    /// [`StepError`] if no correct network delivers this; the node has not changed.
    pub fn step(&mut self, m: Message) -> Result<(), StepError> {
        let (from, kind, us) = (m.from, m.body.kind(), self.core.id);
        if m.to != us {
            return Err(StepError::NotForUs { to: m.to, us });
        }
        if from == us {
            return Err(StepError::FromOurselves { kind });
        }
        if m.body.is_reply() && !self.core.voters.contains(from) {
            return Err(StepError::ReplyFromStranger { from, kind });
        }
        if m.term.is_none() != (m.body.term_kind() == TermKind::Absent) {
            return Err(StepError::TermMisplaced { kind, term: m.term });
        }
        if let Some(term) = m.term.filter(|&term| term > Term::LAST) {
            return Err(StepError::TermOutOfRange { from, term });
        }
        self.handle(m);
        Ok(())
    }

    /// Brings our term up to date and hears the leader, then lets the table answer.
    pub(crate) fn handle(&mut self, m: Message) {
        let (from, kind) = (m.from, m.body.kind());
        if let (TermKind::Senders, Some(theirs)) = (m.body.term_kind(), m.term)
            && !self.meet_term(theirs)
        {
            let ours = self.core.term;
            return self.core.ignore(from, kind, Ignored::OlderTerm { theirs, ours });
        }
        if m.body.is_from_leader() {
            if let Role::Leader(_) = self.role {
                return self.core.ignore(from, kind, Ignored::RivalLeader);
            }
            self.hear_from_leader(from);
        }
        self.dispatch(m);
    }

    /// Compares a message's term with ours: a later term makes us its follower (Fig. 2, Rules for
    /// All Servers (2)). Returns whether the message is of our term now; the past is not answered.
    fn meet_term(&mut self, theirs: Term) -> bool {
        if theirs > self.core.term {
            self.become_follower(theirs, None);
        }
        theirs == self.core.term
    }

    /// The table: a role and a message on the left, who answers on the right.
    fn dispatch(&mut self, m: Message) {
        use Role::*;
        let Message { from, body, .. } = m;
        let (kind, role) = (body.kind(), self.role.name());
        let core = &mut self.core;
        let turn = match (&mut self.role, body) {
            (_, Body::RequestVote(ask)) => return core.on_request_vote(from, ask),
            (Candidate(votes), Body::VoteReply { granted }) => {
                core.on_vote_reply(votes, from, granted)
            }
            (Follower | PreCandidate(_) | Leader(_), Body::VoteReply { .. }) => {
                return core.ignore(from, kind, Ignored::NotOurRole { role });
            }
            (_, Body::Heartbeat { token, session, .. }) => {
                return core.on_heartbeat(from, token, session);
            }

            // Replication, snapshots, reads and transfers will answer these.
            (
                _,
                Body::RequestPreVote(_)
                | Body::PreVoteReply { .. }
                | Body::AppendEntries { .. }
                | Body::AppendReply { .. }
                | Body::InstallSnapshot { .. }
                | Body::HeartbeatReply { .. }
                | Body::Propose { .. }
                | Body::TransferLeader { .. }
                | Body::TimeoutNow
                | Body::ReadIndex { .. }
                | Body::ReadIndexReply { .. },
            ) => return core.ignore(from, kind, Ignored::NoRule),
        };
        self.perform(turn);
    }
}
