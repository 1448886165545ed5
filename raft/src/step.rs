//! Which handler answers which message: a preamble about terms, then one table.
//!
//! ```text
//!   from a peer --> step: could a correct network deliver this?
//!                     |--> take_proposal (owner.rs), transfer_leader: what an owner may ask too
//!                     v
//!   from itself --> handle: which term?  from the leader?
//!                     '--> dispatch: the table
//! ```
//!
//! The table has no logic. To find the handler of a message, find its row.

use crate::entry::Entry;
use crate::error::{Halt, StepError};
use crate::event::Ignored;
use crate::ledger::Reader;
use crate::message::{Body, Message, TermKind, VoteRequest};
use crate::raft::{Raft, Role};
use crate::state::Snapshot;
use crate::storage::Storage;
use crate::types::{EntryId, Index, NodeId, Term};

impl<S: Storage> Raft<S> {
    /// Takes one message from another node.
    ///
    /// A question is taken from any node, because the sender may know of a change of the group that this
    /// node does not know yet (thesis §4.1). A reply is taken only from a member.
    ///
    /// # Errors
    /// [`StepError`] if no correct network delivers this message, or if it is a proposal that is not
    /// taken; the node has not changed. [`StepError::Halted`] if the node has halted, now or earlier.
    pub fn step(&mut self, m: Message) -> Result<(), StepError> {
        self.core.check_running()?;
        self.check_envelope(&m)?;
        self.check_against_log(&m)?;
        if let Body::Propose { entries } = m.body {
            return self.take_proposal(entries).map_err(StepError::of_proposal);
        }
        if let Body::TransferLeader { target } = m.body {
            return self.transfer_leader(target).map_err(StepError::of_transfer);
        }
        self.take_message(m).map_err(|halt| self.core.halt(halt))?;
        Ok(())
    }

    /// Handles a message that a correct network delivers, and learns what it says to be committed.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    fn take_message(&mut self, m: Message) -> Result<(), Halt> {
        let named = m.body.named_commit();
        self.core.look_up_commit_for(&m.body)?;
        self.handle(m)?;
        self.learn_named_commit(named)
    }

    /// Checks sender, receiver and term of a message.
    ///
    /// # Errors
    /// [`StepError`] names what no correct network delivers.
    fn check_envelope(&mut self, m: &Message) -> Result<(), StepError> {
        let (from, us, traits) = (m.from, self.core.id, m.body.traits());
        let kind = traits.name;
        if m.to != us {
            return Err(StepError::NotForUs { to: m.to, us });
        }
        if from == NodeId(0) {
            return Err(StepError::FromNodeZero { kind });
        }
        if from == us {
            return Err(StepError::FromOurselves { kind });
        }
        if traits.is_reply && !self.core.is_member(from) {
            return Err(StepError::ReplyFromStranger { from, kind });
        }
        if m.term.is_none() != (traits.term == TermKind::Absent) {
            return Err(StepError::TermMisplaced { kind, term: m.term });
        }
        if m.term == Some(Term(0)) && traits.term != TermKind::SendersOrZero {
            return Err(StepError::TermZero { from, kind });
        }
        if let Some(term) = m.term.filter(|&term| term >= Term::LAST) {
            self.core.ignore(from, kind, Ignored::NoTermAbove { theirs: term });
            return Err(StepError::TermOutOfRange { from, term });
        }
        Ok(())
    }

    /// Checks what a message says of logs: the order of its own entries, and what it says of this node's
    /// log. About that, only a sender in this node's term can be wrong, or a leader of a later term: in
    /// an earlier term the log was another.
    ///
    /// # Errors
    /// [`StepError`] names the entry and what it should have been.
    fn check_against_log(&self, m: &Message) -> Result<(), StepError> {
        let (from, ours) = (m.from, self.core.term);
        let index = m.body.max_index();
        if index > Index::LAST {
            return Err(StepError::IndexOutOfRange { from, index });
        }
        if let Some(entry) = m.body.entry_ids().find(|entry| entry.is_impossible()) {
            return Err(StepError::ImpossibleEntry { from, entry });
        }
        if let Body::RequestVote(ask) | Body::RequestPreVote(ask) = &m.body {
            check_candidate(from, ask)?;
        }
        let last = self.core.log.last_index();
        if let Body::AppendEntries { prev, entries, .. } = &m.body {
            check_order(from, *prev, entries, m.term.unwrap_or_default())?;
        }
        if let Body::InstallSnapshot { snapshot, .. } = &m.body {
            check_snapshot(from, snapshot)?;
        }
        if let Body::Heartbeat { commit, .. } = m.body
            && commit > last
            && m.term >= Some(ours)
        {
            return Err(StepError::CommitBeyondLog { from, commit, last });
        }
        // Only the leader of the term can judge this. A former leader may have lost, in a crash, entries
        // that it had sent before they were durable, and is answered for them.
        if let (Role::Leader(_), Body::AppendReply { outcome, .. }) = (&self.role, &m.body)
            && let Some(index) = outcome.index().filter(|&index| index > last)
            && m.term == Some(ours)
        {
            return Err(StepError::AnswerBeyondLog { from, index, last });
        }
        Ok(())
    }

    /// Updates the term and recognizes the leader, then lets the table answer. A message of an older
    /// term, or of an earlier session, ends here. A node's promises to itself begin here: no network
    /// delivers them.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn handle(&mut self, m: Message) -> Result<(), Halt> {
        let (from, traits) = (m.from, m.body.traits());
        let kind = traits.name;
        if let Some(why) = self.core.ignored_in_lease(&m) {
            self.core.ignore(from, kind, why);
            return Ok(());
        }
        if let (TermKind::Senders | TermKind::SendersOrZero, Some(theirs)) = (traits.term, m.term)
            && !self.update_term(theirs)
        {
            let ours = self.core.term;
            self.core.ignore(from, kind, Ignored::OlderTerm { theirs, ours });
            self.core.answer_older_leader(&m);
            return Ok(());
        }
        if let Role::Leader(leader) = &mut self.role {
            if traits.is_from_leader {
                self.core.ignore(from, kind, Ignored::RivalLeader);
                return Ok(());
            }
            if let Some(session) = m.body.answers_session() {
                let peer = leader.progress.get_mut(&from);
                let Some(peer) = peer.filter(|peer| peer.session() == session) else {
                    self.core.ignore(from, kind, Ignored::OtherSession);
                    return Ok(());
                };
                self.core.set_recent_active(peer);
            }
        } else if traits.is_from_leader {
            self.core.owe_leader();
            self.recognize_leader(from);
        }
        self.dispatch(m)?;
        self.settle_reads();
        Ok(())
    }

    /// Compares a message's term with this node's: a later term makes it a follower (Fig. 2, Rules for
    /// All Servers (2)). Returns whether the message is of this node's term now.
    fn update_term(&mut self, theirs: Term) -> bool {
        if theirs > self.core.term {
            self.become_follower(theirs, None);
        }
        theirs == self.core.term
    }

    /// The table: a role and a message on the left, the handler on the right.
    fn dispatch(&mut self, m: Message) -> Result<(), Halt> {
        use Role::*;
        let Message { from, term, body, .. } = m;
        let term = term.unwrap_or(self.core.term);
        let (kind, role) = (body.kind(), self.role.name());
        let core = &mut self.core;
        match (&mut self.role, body) {
            (_, Body::RequestPreVote(ask)) => core.on_request_pre_vote(from, term, ask),
            (PreCandidate(votes), Body::PreVoteReply { granted, .. }) => {
                let change = core.on_pre_vote_reply(votes, from, term, granted);
                return self.change_role(change);
            }
            (_, Body::RequestVote(ask)) => core.take_vote_request(from, ask),
            (Candidate(votes), Body::VoteReply { granted, .. }) => {
                let change = core.on_vote_reply(votes, from, granted);
                return self.change_role(change);
            }
            (_, Body::AppendEntries { session, .. }) if core.wanted_snapshot.is_some() => {
                core.ask_for_snapshot(from, Some(session));
            }
            (_, Body::AppendEntries { prev, entries, commit, session }) => {
                return core.on_append(from, prev, entries, commit, session);
            }
            (Leader(leader), Body::AppendReply { outcome, .. }) => {
                core.end_snapshot(leader, from, outcome)?;
                core.on_append_reply(leader, from, outcome)?;
                core.hand_over(leader);
                return self.step_down_if_dispensable();
            }
            (_, Body::Heartbeat { commit, token, session }) => {
                core.learn_commit(commit);
                core.on_heartbeat(from, token, session);
                core.ask_for_snapshot(from, Some(session));
            }
            (Leader(leader), Body::HeartbeatReply { token, .. }) => {
                core.on_read_echo(leader, from, token);
                return core.on_heartbeat_reply(leader, from);
            }
            (Leader(leader), Body::ReadIndex { attempt, context }) => {
                core.wait_to_read(leader, Reader::Peer { id: from, attempt }, context);
            }
            (_, Body::ReadIndex { attempt, context }) => core.refuse_read(from, attempt, context),
            (_, Body::ReadIndexReply { attempt, context, outcome }) => {
                core.on_read_reply(from, attempt, &context, outcome);
            }
            (
                Follower | PreCandidate(_) | Candidate(_) | Leader(_),
                Body::PreVoteReply { .. }
                | Body::VoteReply { .. }
                | Body::AppendReply { .. }
                | Body::HeartbeatReply { .. },
            ) => core.ignore(from, kind, Ignored::NotOurRole { role }),

            (_, Body::InstallSnapshot { snapshot, session }) => {
                return core.on_snapshot(from, *snapshot, session);
            }
            (_, Body::TimeoutNow { last }) => return self.on_timeout_now(from, last),

            // They have doors of their own: `take_proposal`, `transfer_leader`.
            (_, Body::Propose { .. } | Body::TransferLeader { .. }) => {
                unreachable!("Raft::step takes a {kind} elsewhere")
            }
        }
        Ok(())
    }
}

/// Checks that what a candidate says to be committed can be in its log.
///
/// # Errors
/// [`StepError::CommitNotInItsLog`].
fn check_candidate(from: NodeId, ask: &VoteRequest) -> Result<(), StepError> {
    let last = ask.last;
    match ask.commit.filter(|commit| commit.index > last.index || commit.term > last.term) {
        Some(commit) => Err(StepError::CommitNotInItsLog { from, commit, last }),
        None => Ok(()),
    }
}

/// Checks that a snapshot covers something, and that a group can have its members.
///
/// # Errors
/// [`StepError::EmptySnapshot`], [`StepError::ImpossibleSnapshot`].
fn check_snapshot(from: NodeId, snapshot: &Snapshot) -> Result<(), StepError> {
    if snapshot.id.index == Index(0) {
        return Err(StepError::EmptySnapshot { from });
    }
    let last = snapshot.id;
    let check = snapshot.conf_state.check();
    check.map_err(|why| StepError::ImpossibleSnapshot { from, last, why })
}

/// Checks that entries follow `prev` and one another, and that their terms never decrease, up to the
/// message's own: every leader's log is like that.
///
/// # Errors
/// [`StepError::ImpossibleEntry`], [`StepError::EntriesNotInOrder`], [`StepError::EntryOfWrongTerm`].
fn check_order(
    from: NodeId,
    prev: EntryId,
    entries: &[Entry],
    message: Term,
) -> Result<(), StepError> {
    let mut before = prev;
    for entry in entries.iter().map(|entry| entry.id) {
        let expected = before.index + 1;
        if entry.index != expected {
            return Err(StepError::EntriesNotInOrder { from, expected, came: entry.index });
        }
        if entry.is_impossible() {
            return Err(StepError::ImpossibleEntry { from, entry });
        }
        if entry.term < before.term || entry.term > message {
            return Err(StepError::EntryOfWrongTerm { from, entry, before: before.term, message });
        }
        before = entry;
    }
    Ok(())
}
