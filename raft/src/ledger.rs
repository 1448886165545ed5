//! The facts, and the only hands that write them.
//!
//! ```text
//!   a rule:  if self.vote.is_none() { self.vote_for(Some(from)) }
//!                    reads facts           writes through the ledger
//!                                             |-- the fact changes
//!                                             '-- the journal notes it, with the rule's line
//! ```
//!
//! [`Core`] lends its [`Facts`] for reading (`Deref`) and never for writing (no `DerefMut`):
//! `self.term = t` does not compile outside this file, so no transition can happen unseen. Every
//! writer is `#[track_caller]`: the line in the journal is the line of the rule that decided. A
//! change of role is the one page of the ledger that lies elsewhere, in `role.rs`, because only
//! [`Raft`](crate::Raft) holds the role.
//!
//! Invariant: what a promise rests on is in [`Raft::hard_state`](crate::Raft::hard_state) by the time
//! the promise is in the outbox.

use crate::config::{Config, VoteRequests};
use crate::error::StartError;
use crate::event::{Event, Ignored, Journal, Refusal, Uncompared};
use crate::log::Log;
use crate::message::{Body, Message};
use crate::quorum::{Majority, Votes};
use crate::role::{RoleName, Turn};
use crate::storage::{HardState, Storage};
use crate::types::{Index, NodeId, Term};
use std::ops::Deref;

/// What a node knows in any role (Fig. 2, State).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Facts<S> {
    /// Who we are.
    pub(crate) id: NodeId,
    /// The latest term we have seen.
    pub(crate) term: Term,
    /// Whom we voted for in it.
    pub(crate) vote: Option<NodeId>,
    /// Who leads it, if we know.
    pub(crate) leader: Option<NodeId>,
    /// How far the log is known to be committed.
    pub(crate) commit: Index,
    /// How long we have waited.
    pub(crate) timer: Timer,
    /// The log.
    pub(crate) log: Log<S>,
    /// Who votes.
    pub(crate) voters: Majority,
    /// Our settings.
    pub(crate) config: Config,
}

/// Ticks since we last had a reason to wait.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Timer {
    /// Ticks waited so far.
    pub(crate) elapsed_ticks: u64,
    /// A limit that a test or a teacher has fixed.
    pub(crate) pinned_ticks: Option<u64>,
    /// Counts the waits, so that each draws a limit of its own.
    pub(crate) attempt: Uncompared<u64>,
}

/// What leaves a node, sorted by what must be durable first.
///
/// The owner's duty, in this order: let `now` leave at any time; make
/// [`Raft::hard_state`](crate::Raft::hard_state) durable; then let `promised` leave, and hand `own`
/// back through [`Raft::keep_promises`](crate::Raft::keep_promises).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Outbox {
    /// May leave at once.
    pub now: Vec<Message>,
    /// Promises to others: a vote asked for, a vote given. If one left before the vote was durable,
    /// a crash would let the node vote twice in a term.
    pub promised: Vec<Message>,
    /// Promises to ourselves: our own vote. It counts once it cannot be forgotten.
    pub own: Vec<Message>,
}

/// The facts of every role, what the node has to say, and what it has noted.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Core<S> {
    facts: Facts<S>,
    outbox: Outbox,
    journal: Uncompared<Journal>,
}

impl<S> Deref for Core<S> {
    type Target = Facts<S>;

    fn deref(&self) -> &Facts<S> {
        &self.facts
    }
}

// Being born.

impl<S: Storage> Core<S> {
    /// Returns a node that remembers what its storage does, and nothing else.
    ///
    /// # Errors
    /// What storage says, or what it remembers that cannot be.
    pub(crate) fn new(config: Config, storage: S) -> Result<Self, StartError> {
        let initial = storage.initial_state()?;
        let HardState { term, vote, commit } = initial.hard_state;
        let log = Log::open(storage)?;
        if term > Term::LAST {
            return Err(StartError::TermOutOfRange { term });
        }
        if commit > log.last().index {
            return Err(StartError::CommitBeyondLog { commit, last: log.last().index });
        }
        let facts = Facts {
            id: config.id,
            term,
            vote,
            leader: None,
            commit,
            timer: Timer::default(),
            log,
            voters: Majority::new(initial.conf_state.voters),
            config,
        };
        Ok(Core { facts, outbox: Outbox::default(), journal: Uncompared::default() })
    }
}

// Term, vote, leader.

impl<S: Storage> Core<S> {
    /// Enters a later term. What was true of the old one, the caller must forget.
    ///
    /// # Panics
    /// If the term is not later: a term only grows (§5.1).
    #[track_caller]
    pub(crate) fn enter_term(&mut self, to: Term) {
        assert!(to > self.term, "a term only grows: from {} to {to}", self.term);
        self.note(Event::TermEntered { from: self.term, to });
        self.facts.term = to;
    }

    /// Gives this term's vote, or takes the vote back when a new term begins. A vote is noted every
    /// time it is given: one for the same node in a later term is another vote.
    #[track_caller]
    pub(crate) fn vote_for(&mut self, to: Option<NodeId>) {
        if to.is_some() || self.vote.is_some() {
            self.note(Event::VoteChanged { from: self.vote, to });
            self.facts.vote = to;
        }
    }

    /// Learns who leads this term, or that we do not know.
    #[track_caller]
    pub(crate) fn follow(&mut self, to: Option<NodeId>) {
        if self.leader != to {
            self.note(Event::LeaderChanged { from: self.leader, to });
            self.facts.leader = to;
        }
    }
}

// The timer.

impl<S: Storage> Core<S> {
    /// Starts waiting anew, with a limit of its own.
    #[track_caller]
    pub(crate) fn reset_timer(&mut self) {
        self.note(Event::TimerReset { after_ticks: self.timer.elapsed_ticks });
        self.facts.timer.elapsed_ticks = 0;
        self.facts.timer.attempt.0 += 1;
    }

    /// Lets one tick pass.
    pub(crate) fn count_tick(&mut self) {
        self.facts.timer.elapsed_ticks += 1;
    }

    /// Fixes the election limit, or frees it.
    pub(crate) fn pin(&mut self, limit_ticks: Option<u64>) {
        self.facts.timer.pinned_ticks = limit_ticks;
    }
}

// Votes.

impl<S: Storage> Core<S> {
    /// Takes down one voter's answer.
    #[track_caller]
    pub(crate) fn count_vote(&mut self, votes: &mut Votes, voter: NodeId, granted: bool) {
        self.note(Event::VoteCounted { voter, granted });
        votes.record(voter, granted);
    }

    /// Answers a candidate, and keeps the reason of a refusal.
    #[track_caller]
    pub(crate) fn answer_vote(&mut self, candidate: NodeId, answer: Result<(), Refusal>) {
        self.note(match answer {
            Ok(()) => Event::VoteGranted { candidate },
            Err(why) => Event::VoteRefused { candidate, why },
        });
        self.send(candidate, Body::VoteReply { granted: answer.is_ok() });
    }
}

// What leaves.

impl<S: Storage> Core<S> {
    /// Says something to one node in our term, be it ourselves. The outbox sorts it.
    #[track_caller]
    pub(crate) fn send(&mut self, to: NodeId, body: Body) {
        self.note(Event::Sent { to, kind: body.kind() });
        let leaves_at_once = !body.is_promise()
            || matches!(body, Body::RequestVote(_))
                && self.config.vote_requests == VoteRequests::AtOnce;
        let message = Message { from: self.id, to, term: Some(self.term), body };
        if to == self.id {
            self.outbox.own.push(message);
        } else if leaves_at_once {
            self.outbox.now.push(message);
        } else {
            self.outbox.promised.push(message);
        }
    }

    /// Says the same to every other voter, in order.
    #[track_caller]
    pub(crate) fn send_to_others(&mut self, body: Body) {
        let me = self.id;
        let others: Vec<_> = self.voters.voters().filter(|&id| id != me).collect();
        for to in others {
            self.send(to, body.clone());
        }
    }

    /// Hands over what wants to leave.
    pub(crate) fn take_outbox(&mut self) -> Outbox {
        std::mem::take(&mut self.outbox)
    }
}

// What is only noted.

impl<S: Storage> Core<S> {
    /// Notes that a message changed nothing, and why.
    #[track_caller]
    pub(crate) fn ignore(&mut self, from: NodeId, kind: &'static str, why: Ignored) {
        self.note(Event::MessageIgnored { from, kind, why });
    }

    /// Notes that a handler asked for another role, at the line that asked.
    pub(crate) fn note_turn(&mut self, turn: &Turn) {
        if let Some((next, asked)) = turn.asked() {
            self.journal.0.note_at(Event::TurnAsked { next }, asked);
        }
    }

    /// Notes a change of role; `Raft::enter_role` makes it.
    #[track_caller]
    pub(crate) fn note_role(&mut self, from: RoleName, to: RoleName) {
        self.note(Event::RoleEntered { from, to });
    }

    #[track_caller]
    fn note(&mut self, event: Event) {
        self.journal.0.note(event);
    }

    /// Lends the journal.
    pub(crate) fn journal(&mut self) -> &mut Journal {
        &mut self.journal.0
    }
}
