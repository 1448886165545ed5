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
use crate::entry::Entry;
use crate::error::StartError;
use crate::event::{Event, Ignored, Journal, Refusal, Uncompared};
use crate::log::{Appended, Log};
use crate::message::{Body, Message, TermKind};
use crate::progress::{Progress, ProgressState};
use crate::quorum::{Majority, Votes};
use crate::role::{RoleName, Turn};
use crate::storage::{HardState, Storage};
use crate::types::{EntryId, Index, NodeId, Term};
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
    /// How far the application has applied it.
    pub(crate) applied: Index,
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
/// [`Raft::hard_state`](crate::Raft::hard_state) and the entries of
/// [`Raft::take_unwritten`](crate::Raft::take_unwritten) durable; then let `promised` leave, hand `own`
/// back through [`Raft::keep_promises`](crate::Raft::keep_promises), and say by
/// [`Raft::stable_to`](crate::Raft::stable_to) how far storage holds the log now.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Outbox {
    /// May leave at once.
    pub now: Vec<Message>,
    /// Promises to others: a vote asked for, a vote given, entries acknowledged. If one left before
    /// what it promises was durable, a crash would let the node vote twice in a term, or forget an
    /// entry that a leader has counted on it for.
    pub promised: Vec<Message>,
    /// Promises to ourselves: our own vote, our own entries. They count once they cannot be
    /// forgotten.
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
    /// Returns a node that remembers what its storage does, and nothing else. What its log begins after
    /// was committed and applied, whatever the saved indexes say: nothing else is ever forgotten.
    ///
    /// # Errors
    /// What storage says, or what it remembers that cannot be.
    pub(crate) fn new(config: Config, storage: S) -> Result<Self, StartError> {
        let initial = storage.initial_state()?;
        let HardState { term, vote, commit } = initial.hard_state;
        let covered = Index(storage.first_index()?.0 - 1);
        let log = Log::open(storage)?;
        config.check_restart(initial.hard_state, log.last_index())?;
        let facts = Facts {
            id: config.id,
            term,
            vote,
            leader: None,
            commit: commit.max(covered),
            applied: config.applied.max(covered),
            timer: Timer::default(),
            log,
            voters: Majority::new(initial.conf_state.voters),
            config,
        };
        let mut core = Core { facts, outbox: Outbox::default(), journal: Uncompared::default() };
        if core.applied > core.commit {
            core.note_applied_ahead();
        }
        Ok(core)
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

// The log.

impl<S: Storage> Core<S> {
    /// Writes entries at the end of our own log, as its leader (Leader Append-Only, Fig. 3).
    #[track_caller]
    pub(crate) fn append(&mut self, entries: Vec<Entry>) {
        if let (Some(first), Some(last)) = (entries.first(), entries.last()) {
            self.note(Event::EntriesAppended { first: first.id, last: last.id });
        }
        self.facts.log.append(entries);
    }

    /// Takes a leader's entries behind `prev`, and returns what became of them.
    ///
    /// # Panics
    /// If a committed entry would go: what is committed stays (State Machine Safety, Fig. 3).
    #[track_caller]
    pub(crate) fn take_entries(&mut self, prev: EntryId, entries: Vec<Entry>) -> Appended {
        let (old_last, last) = (self.log.last_index(), entries.last().map(|entry| entry.id));
        let appended = self.facts.log.maybe_append(prev, entries);
        if let (Appended::Matched { new_from: Some(from), .. }, Some(last)) = (appended, last) {
            assert!(from > self.commit, "entry {from} is committed: it must not be replaced");
            if from <= old_last {
                self.note(Event::LogTruncated { from, last: old_last });
            }
            let first = EntryId { index: from, term: self.log.term(from).unwrap_or(last.term) };
            self.note(Event::EntriesAppended { first, last });
        }
        appended
    }

    /// Commits the log up to `to`.
    ///
    /// # Panics
    /// If that goes back, or beyond the log's end: then a majority cannot hold it.
    #[track_caller]
    pub(crate) fn commit_to(&mut self, to: Index) {
        let (from, last) = (self.commit, self.log.last_index());
        assert!(to >= from, "commit only grows: from {from} to {to}");
        assert!(to <= last, "commit {to} is beyond the log, which ends at {last}");
        self.note(Event::CommitAdvanced { from, to });
        self.facts.commit = to;
    }

    /// Takes down how far the application has applied the log. The owner was asked to be in order.
    pub(crate) fn applied_to(&mut self, to: Index) {
        self.facts.applied = to;
    }

    /// Hands out, once, the entries that wait to be written.
    pub(crate) fn take_unwritten(&mut self) -> Vec<Entry> {
        self.facts.log.take_unwritten()
    }

    /// Learns that storage holds the log up to `last`, unless another entry stands there by now.
    pub(crate) fn stable_to(&mut self, last: EntryId) {
        self.facts.log.stable_to(last);
    }

    /// Lends storage to the owner.
    pub(crate) fn storage_mut(&mut self) -> &mut S {
        self.facts.log.storage_mut()
    }
}

// Match and next.

impl<S: Storage> Core<S> {
    /// Learns that a peer's log agrees with ours up to `index`: a probe has found its place, a window
    /// has room again. Returns whether either is so: whether it was news, or told a probe that nothing
    /// is missing.
    #[track_caller]
    pub(crate) fn advance_match(
        &mut self,
        peer: NodeId,
        progress: &mut Progress,
        index: Index,
    ) -> bool {
        let (from, was) = (progress.matched(), progress.state().clone());
        let is_news = progress.maybe_update(index);
        if is_news {
            self.note(Event::MatchAdvanced { peer, from, to: index });
        } else if !(was == ProgressState::Probe && index == from) {
            return false;
        }
        match was {
            ProgressState::Replicate => progress.free_to(index),
            ProgressState::Probe => {
                progress.become_replicate();
                self.note(Event::Replicates { peer, next: progress.next() });
            }
            ProgressState::Snapshot { .. } => {}
        }
        true
    }

    /// Learns that a peer refused what follows `rejected` and may agree at `hint`: goes back, and
    /// probes. Returns whether the refusal was news.
    #[track_caller]
    pub(crate) fn back_off(
        &mut self,
        peer: NodeId,
        progress: &mut Progress,
        rejected: Index,
        hint: Index,
    ) -> bool {
        let from = progress.next();
        if !progress.maybe_decr_to(rejected, hint) {
            return false;
        }
        self.note(Event::NextWentBack { peer, from, to: progress.next() });
        if *progress.state() == ProgressState::Replicate {
            self.probe(peer, progress);
        }
        true
    }

    /// Sends a peer one append at a time from now on.
    #[track_caller]
    pub(crate) fn probe(&mut self, peer: NodeId, progress: &mut Progress) {
        progress.become_probe();
        self.note(Event::Probes { peer, next: progress.next() });
    }
}

// What leaves.

impl<S: Storage> Core<S> {
    /// Sends a peer entries behind `prev`, and takes down that they are under way.
    #[track_caller]
    pub(crate) fn send_entries(
        &mut self,
        to: NodeId,
        progress: &mut Progress,
        prev: EntryId,
        entries: Vec<Entry>,
    ) {
        let (commit, session) = (self.commit, progress.session());
        let bytes = entries.iter().map(|entry| entry.payload().size_bytes()).sum();
        progress.sent_append(entries.last().map(|entry| entry.id.index), bytes, commit);
        self.send(to, Body::AppendEntries { prev, entries, commit, session });
    }

    /// Sends a peer a heartbeat, and takes down which commit index it was told.
    #[track_caller]
    pub(crate) fn send_heartbeat(&mut self, to: NodeId, progress: &mut Progress, commit: Index) {
        progress.sent_heartbeat(commit);
        self.send(to, Body::Heartbeat { commit, token: None, session: progress.session() });
    }

    /// Says something to one node in our term, be it ourselves; a client's words, which are of no
    /// term, without one. The outbox sorts it.
    #[track_caller]
    pub(crate) fn send(&mut self, to: NodeId, body: Body) {
        self.note(Event::Sent { to, kind: body.kind() });
        let leaves_at_once = !body.is_promise()
            || matches!(body, Body::RequestVote(_))
                && self.config.vote_requests == VoteRequests::AtOnce;
        let term = Some(self.term).filter(|_| body.term_kind() != TermKind::Absent);
        let message = Message { from: self.id, to, term, body };
        if leaves_at_once && to != self.id {
            self.outbox.now.push(message);
        } else {
            self.promise(message);
        }
    }

    /// Puts a promise into the outbox, ours to ourselves or to another node. An acknowledgement takes
    /// the place of the one before, if that has not left and says no more.
    fn promise(&mut self, message: Message) {
        let merges = self.config.merge_acknowledgements;
        let Outbox { own, promised, .. } = &mut self.outbox;
        let promises = if message.to == message.from { own } else { promised };
        match promises.last_mut() {
            Some(last) if merges && message.acknowledges_all_of(last) => *last = message,
            _ => promises.push(message),
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

    /// Returns whether anything wants to leave.
    pub(crate) fn has_outbox(&self) -> bool {
        let Outbox { now, promised, own } = &self.outbox;
        !(now.is_empty() && promised.is_empty() && own.is_empty())
    }

    /// Hands over what may leave at once.
    pub(crate) fn take_now(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.outbox.now)
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

    /// Notes that a majority holds entries up to `index` and that they may not be counted: they are of
    /// an earlier term.
    #[track_caller]
    pub(crate) fn note_commit_withheld(&mut self, index: Index) {
        if let Some(term) = self.log.term(index) {
            self.note(Event::CommitWithheld { at: EntryId { term, index } });
        }
    }

    /// Notes that the entry before a leader's is not here.
    #[track_caller]
    pub(crate) fn note_append_refused(&mut self, prev: EntryId, hint: Index) {
        self.note(Event::AppendRefused { prev, hint });
    }

    /// Notes that a peer cannot be sent what it lacks: `index` cannot be read any more.
    #[track_caller]
    pub(crate) fn note_unreadable(&mut self, peer: NodeId, index: Index) {
        self.note(Event::EntriesUnreadable { peer, index });
    }

    /// Notes at birth, when nobody can listen yet, that the application has applied more than the
    /// saved commit index says.
    fn note_applied_ahead(&mut self) {
        let (applied, commit) = (self.applied, self.commit);
        self.journal.0.keep(Event::AppliedAhead { applied, commit });
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
