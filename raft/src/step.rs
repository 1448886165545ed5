//! Which handler answers which message: a preamble about terms, then one table.
//!
//! ```text
//!   from a peer --> step: could a correct network deliver this?
//!                     |--> take_proposal (raft.rs), if it is a proposal
//!                     v
//!   from ourselves --> handle: whose term?  a leader's word?
//!                     '--> dispatch: the table
//! ```
//!
//! The table has no logic. To find who answers a message, find its row.

use crate::entry::Entry;
use crate::error::StepError;
use crate::event::{Ignored, Refusal};
use crate::message::{Body, Message, TermKind};
use crate::raft::Raft;
use crate::role::Role;
use crate::storage::Storage;
use crate::types::{EntryId, Index, NodeId, Term};

impl<S: Storage> Raft<S> {
    /// Takes one message from another node.
    ///
    /// A question is taken from anyone, since the sender may know of a change in the group that has
    /// not reached us (thesis §4.1). An answer is taken only from a voter.
    ///
    /// # Errors
    /// [`StepError`] if no correct network delivers this, or it proposes what we do not take; the node
    /// has not changed.
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
        let index = m.body.last_place();
        if index > Index::LAST {
            return Err(StepError::IndexOutOfRange { from, index });
        }
        self.check_against_log(&m)?;
        if let Body::Propose { entries } = m.body {
            return self.take_proposal(entries).map_err(StepError::ProposalDropped);
        }
        self.handle(m);
        Ok(())
    }

    /// Checks what a message says of logs: its own entries' order, and what it says of ours. Of ours,
    /// only who speaks in our term can be wrong, or a leader of a later one: the past knew another log.
    ///
    /// # Errors
    /// [`StepError`] names the entry and what it should have been.
    fn check_against_log(&self, m: &Message) -> Result<(), StepError> {
        let (from, ours) = (m.from, self.core.term);
        let last = self.core.log.last_index();
        if let Body::AppendEntries { prev, entries, .. } = &m.body {
            check_order(from, *prev, entries, m.term.unwrap_or_default())?;
        }
        if let Body::Heartbeat { commit, .. } = m.body
            && commit > last
            && m.term >= Some(ours)
        {
            return Err(StepError::CommitBeyondLog { from, commit, last });
        }
        if let Body::AppendReply { outcome, .. } = &m.body
            && let Some(index) = outcome.index().filter(|&index| index > last)
            && m.term == Some(ours)
        {
            return Err(StepError::AnswerBeyondLog { from, index, last });
        }
        Ok(())
    }

    /// Brings our term up to date and hears the leader, then lets the table answer. What is of an older
    /// term, or of an earlier replication, ends here. Our promises to ourselves begin here: no network
    /// delivers them.
    pub(crate) fn handle(&mut self, m: Message) {
        let (from, kind) = (m.from, m.body.kind());
        let before = self.core.term;
        if let (TermKind::Senders, Some(theirs)) = (m.body.term_kind(), m.term)
            && !self.meet_term(theirs)
        {
            let ours = self.core.term;
            return self.core.ignore(from, kind, Ignored::OlderTerm { theirs, ours });
        }
        if self.core.term > before {
            self.core.on_later_term();
        }
        if let Some(leader) = self.core.keeps_vote_for(&m.body) {
            return self.core.answer_vote(from, Err(Refusal::LeaderKnown(leader)));
        }
        if let (Role::Leader(leader), Some(session)) = (&self.role, m.body.answers_session())
            && leader.progress.get(&from).is_none_or(|progress| progress.session() != session)
        {
            return self.core.ignore(from, kind, Ignored::OtherSession);
        }
        if m.body.is_from_leader() {
            if let Role::Leader(_) = self.role {
                return self.core.ignore(from, kind, Ignored::RivalLeader);
            }
            self.hear_from_leader(from);
        }
        self.hear_from_peer(&m);
        self.dispatch(m);
    }

    /// Learns as a leader that a peer answers, whatever it says.
    fn hear_from_peer(&mut self, m: &Message) {
        if let Role::Leader(leader) = &mut self.role
            && let Body::AppendReply { .. } | Body::HeartbeatReply { .. } = m.body
            && let Some(progress) = leader.progress.get_mut(&m.from)
        {
            progress.hear();
        }
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
            (_, Body::AppendEntries { prev, entries, commit, session }) => {
                return core.on_append(from, prev, entries, commit, session);
            }
            (Leader(leader), Body::AppendReply { outcome, .. }) => {
                return core.on_append_reply(leader, from, outcome);
            }
            (_, Body::Heartbeat { commit, token, session }) => {
                core.learn_commit(commit);
                return core.on_heartbeat(from, token, session);
            }
            (Leader(leader), Body::HeartbeatReply { .. }) => {
                return core.on_heartbeat_reply(leader, from);
            }
            (
                Follower | PreCandidate(_) | Candidate(_),
                Body::AppendReply { .. } | Body::HeartbeatReply { .. },
            ) => return core.ignore(from, kind, Ignored::NotOurRole { role }),

            // A proposal is of no term and has a door of its own, `take_proposal`. Snapshots, reads
            // and transfers will answer the others.
            (
                _,
                Body::Propose { .. }
                | Body::RequestPreVote(_)
                | Body::PreVoteReply { .. }
                | Body::InstallSnapshot { .. }
                | Body::TransferLeader { .. }
                | Body::TimeoutNow
                | Body::ReadIndex { .. }
                | Body::ReadIndexReply { .. },
            ) => return core.ignore(from, kind, Ignored::NoRule),
        };
        self.perform(turn);
    }
}

/// Checks that entries follow `prev` and one another, and that their terms only grow, up to the
/// message's own: every leader's log is like that.
///
/// # Errors
/// [`StepError::EntriesNotInOrder`], [`StepError::EntryOfWrongTerm`].
fn check_order(
    from: NodeId,
    prev: EntryId,
    entries: &[Entry],
    message: Term,
) -> Result<(), StepError> {
    let mut before = prev;
    for entry in entries.iter().map(|entry| entry.id) {
        let due = before.index + 1;
        if entry.index != due {
            return Err(StepError::EntriesNotInOrder { from, due, came: entry.index });
        }
        if entry.term < before.term || entry.term > message {
            return Err(StepError::EntryOfWrongTerm { from, entry, before: before.term, message });
        }
        before = entry;
    }
    Ok(())
}
