//! The ledger: the facts of a node, and the only functions that write them.
//!
//! ```text
//!   a rule:  if self.vote.is_none() { self.vote_for(from) }
//!                    reads facts      writes through the ledger
//!                                        |-- the fact changes
//!                                        |-- what must hold is asserted
//!                                        '-- the journal notes it, with the rule's line
//! ```
//!
//! [`Core`] gives its [`Facts`] out to be read (`Deref`) and never to be written (no `DerefMut`):
//! `self.term = t` does not compile outside the ledger, so no transition happens unseen. The same holds
//! for what a leader knows of its peers ([`Leader`], in `ledger/peers.rs`). Every writer is
//! `#[track_caller]`: the line in the journal is the line of the rule that decided. A change of role is
//! the one writer in another file, `role.rs`, because only [`Raft`](crate::Raft) holds the role.
//!
//! Invariant: what a promise rests on is in [`Raft::hard_state`](crate::Raft::hard_state) by the time
//! the promise is in the outbox.

mod peers; // what a leader knows of its peers

mod reads; // which reads wait, and for what

pub(crate) use peers::{Leader, Tracked};
pub(crate) use reads::{ReadRound, Reader, WaitingRead};

use crate::config::{Config, VoteRequests};
use crate::entry::Entry;
use crate::error::{ChangeRefusal, Halt, StartError};
use crate::event::{Event, Ignored, Refusal, SnapshotRefusal};
use crate::journal::Journal;
use crate::log::{Appended, Log};
use crate::message::{Body, Message, Priority, TermKind};
use crate::outbox::Outbox;
use crate::quorum::{Joint, Votes};
use crate::restart::check_ids;
use crate::room::{keep, take_all};
use crate::state::{CommitGroups, ConfState, HardState, RoleName, Snapshot};
use crate::storage::Storage;
use crate::types::{EntryId, Index, NodeId, Term, Uncompared};
use reads::ForwardedReads;
use std::ops::Deref;
use std::panic::Location;

/// What a node knows in any role (Fig. 2, State).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Facts<S> {
    /// The id of this node.
    pub(crate) id: NodeId,
    /// The latest term this node has seen.
    pub(crate) term: Term,
    /// The candidate that has this node's vote in that term.
    pub(crate) vote: Option<NodeId>,
    /// The leader of that term, if it is known.
    pub(crate) leader: Option<NodeId>,
    /// The highest index known to be committed.
    pub(crate) commit: Index,
    /// The last index that the application has applied.
    pub(crate) applied: Index,
    /// The timer of elections, and of a leader's heartbeats.
    pub(crate) timer: Timer,
    /// The log.
    pub(crate) log: Log<S>,
    /// The members, as far as this node has applied the log.
    pub(crate) conf: ConfState,
    /// The voters among them.
    pub(crate) voters: Joint,
    /// The index that a snapshot must cover, if the owner wants one.
    pub(crate) wanted_snapshot: Option<Index>,
    /// The settings.
    pub(crate) config: Config,
    /// The reads that this node has forwarded to a leader.
    pub(crate) forwarded: ForwardedReads,
    /// For how many ticks the node still votes for no other than the leader that it has heard from
    /// (check-quorum). A later term does not shorten this.
    pub(crate) owed_ticks: u64,
    /// The entry at the commit index, as this node names it in votes: looked up each time before it does
    /// (`commit_by_vote`).
    pub(crate) named_commit: Uncompared<Option<EntryId>>,
    /// Why the node has halted, if it has.
    pub(crate) halted: Option<Halt>,
}

/// The ticks since the timer was reset.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Timer {
    /// The ticks counted so far.
    pub(crate) elapsed_ticks: u64,
    /// A timeout that a test or a teacher has fixed.
    pub(crate) pinned_ticks: Option<u64>,
    /// Counts the resets, so that each draws a timeout of its own.
    pub(crate) attempt: Uncompared<u64>,
    /// The timeout that was drawn for this attempt in this term, once it was needed. It is a function of
    /// seed, id, term and attempt: kept so that a tick need not draw it again.
    pub(crate) drawn_ticks: Uncompared<Option<u64>>,
}

/// The facts of every role, the messages that wait to leave, and the journal.
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

// Starting, and halting.

impl<S: Storage> Core<S> {
    /// Returns a node that knows what its storage does, and nothing else. The entries before the first
    /// one of its log are committed and applied, whatever the saved indexes say: only applied entries
    /// are ever compacted.
    ///
    /// # Errors
    /// What storage says, or what it says that cannot be.
    pub(crate) fn new(config: Config, storage: S) -> Result<Self, StartError> {
        let initial = storage.initial_state()?;
        let HardState { term, vote, commit } = initial.hard_state;
        let log = Log::open(storage)?;
        let first = log.storage.first_index()?;
        let covered = Index(first.0 - 1);
        let conf = initial.conf_state;
        check_ids(initial.hard_state, &conf)?;
        config.check_restart(initial.hard_state, log.last_index())?;
        config.check_applied(first)?;
        let facts = Facts {
            id: config.id,
            term,
            vote,
            leader: None,
            commit: commit.max(covered),
            applied: config.applied.max(covered),
            timer: Timer::default(),
            log,
            voters: Joint::of(&conf).with_commit_groups(config.commit_groups.clone()),
            conf,
            wanted_snapshot: None,
            owed_ticks: 0,
            config,
            forwarded: ForwardedReads::default(),
            named_commit: Uncompared::default(),
            halted: None,
        };
        let mut core = Core { facts, outbox: Outbox::default(), journal: Uncompared::default() };
        core.owe_from_start();
        if core.applied > core.commit {
            core.note_applied_ahead();
        }
        Ok(core)
    }

    /// Halts the node, because storage failed. What it has to say and has not handed out is dropped: it
    /// may rest on half of a decision. Returns the reason, for the owner.
    pub(crate) fn halt(&mut self, halt: Halt) -> Halt {
        self.journal.0.note_at(Event::Halted { read: halt.read() }, halt.location());
        self.facts.halted = Some(halt.clone());
        self.outbox = Outbox::default();
        halt
    }

    /// Checks that the node has not halted.
    ///
    /// # Errors
    /// [`Halt`]: why it has.
    pub(crate) fn check_running(&self) -> Result<(), Halt> {
        match &self.halted {
            None => Ok(()),
            Some(halt) => Err(halt.clone()),
        }
    }

    /// Takes the storage back out of the node.
    pub(crate) fn into_storage(self) -> S {
        self.facts.log.storage
    }
}

// Term, vote, leader.

impl<S: Storage> Core<S> {
    /// Enters a later term. The caller must clear what was true of the old one.
    ///
    /// # Panics
    /// If the term is not later: a term only grows (§5.1).
    #[track_caller]
    pub(crate) fn enter_term(&mut self, to: Term) {
        assert!(to > self.term, "a term only grows: from {} to {to}", self.term);
        self.note(Event::TermEntered { from: self.term, to });
        self.facts.term = to;
        self.facts.wanted_snapshot = None;
        self.facts.timer.drawn_ticks.0 = None;
        if self.config.reset_timer_on_new_term && self.timer.elapsed_ticks > 0 {
            self.reset_timer();
        }
    }

    /// Grants this term's vote. Noted every time: a vote for the same node in a later term is another
    /// vote.
    #[track_caller]
    pub(crate) fn vote_for(&mut self, candidate: NodeId) {
        let to = Some(candidate);
        self.note(Event::VoteChanged { from: self.vote, to });
        self.facts.vote = to;
    }

    /// Clears the vote, because a new term begins.
    #[track_caller]
    pub(crate) fn clear_vote(&mut self) {
        if self.vote.is_some() {
            self.note(Event::VoteChanged { from: self.vote, to: None });
            self.facts.vote = None;
        }
    }

    /// Learns which node leads this term, or that it is not known.
    #[track_caller]
    pub(crate) fn follow(&mut self, to: Option<NodeId>) {
        if self.leader != to {
            self.note(Event::LeaderChanged { from: self.leader, to });
            self.facts.leader = to;
        }
    }

    /// Owes a leader, from which this node has just heard, or may have before it started, to vote for no
    /// other for an election timeout (check-quorum).
    pub(crate) fn owe_leader(&mut self) {
        self.facts.owed_ticks =
            if self.config.check_quorum { self.config.election_ticks } else { 0 };
    }
}

// The timer.

impl<S: Storage> Core<S> {
    /// Resets the timer. The next election timeout is drawn for it alone.
    #[track_caller]
    pub(crate) fn reset_timer(&mut self) {
        self.note(Event::TimerReset { after_ticks: self.timer.elapsed_ticks });
        self.facts.timer.elapsed_ticks = 0;
        self.facts.timer.attempt.0 += 1;
        self.facts.timer.drawn_ticks.0 = None;
    }

    /// Counts one tick.
    pub(crate) fn count_tick(&mut self) {
        self.facts.timer.elapsed_ticks += 1;
        self.facts.owed_ticks = self.owed_ticks.saturating_sub(1);
    }

    /// Keeps the timeout that was drawn, until the timer is reset or the term changes.
    pub(crate) fn keep_drawn_timeout(&mut self, ticks: u64) {
        self.facts.timer.drawn_ticks.0 = Some(ticks);
    }

    /// Fixes the election timeout, or lets it be drawn again.
    pub(crate) fn pin(&mut self, timeout_ticks: Option<u64>) {
        self.facts.timer.pinned_ticks = timeout_ticks;
    }
}

// Votes.

impl<S: Storage> Core<S> {
    /// Counts one voter's answer.
    #[track_caller]
    pub(crate) fn count_vote(&mut self, votes: &mut Votes, voter: NodeId, granted: bool) {
        self.note(Event::VoteCounted { voter, granted });
        votes.record(voter, granted);
    }

    /// Answers a candidate, and notes the reason of a refusal.
    #[track_caller]
    pub(crate) fn answer_vote(&mut self, candidate: NodeId, answer: Result<(), Refusal>) {
        self.note(match answer {
            Ok(()) => Event::VoteGranted { candidate },
            Err(why) => Event::VoteRefused { candidate, why },
        });
        self.send(candidate, Body::vote_reply(answer.is_ok()));
    }

    /// Answers a pre-vote for `term`. A yes names that term, a no the term of this node.
    #[track_caller]
    pub(crate) fn answer_pre_vote(
        &mut self,
        candidate: NodeId,
        term: Term,
        answer: Result<(), Refusal>,
    ) {
        self.note(match answer {
            Ok(()) => Event::PreVoteGranted { candidate },
            Err(why) => Event::PreVoteRefused { candidate, why },
        });
        let (granted, ours) = (answer.is_ok(), self.term);
        let said = if granted { term } else { ours };
        self.send_for(said, candidate, Body::pre_vote_reply(granted));
    }
}

// What an owner changes, and what votes say besides.

impl<S: Storage> Core<S> {
    /// Notes which entry is at the commit index, so that votes can name it.
    pub(crate) fn name_commit(&mut self, commit: Option<EntryId>) {
        self.facts.named_commit.0 = commit;
    }

    /// Sets or takes away the commit groups of the voters.
    pub(crate) fn divide(&mut self, groups: Option<CommitGroups>) {
        self.facts.voters = self.voters.clone().with_commit_groups(groups);
    }

    /// Changes this node's priority.
    pub(crate) fn prefer(&mut self, priority: Priority) {
        self.facts.config.priority = priority;
    }
}

// The log.

impl<S: Storage> Core<S> {
    /// Writes entries at the end of the log of a leader (Leader Append-Only, Fig. 3).
    #[track_caller]
    pub(crate) fn append(&mut self, entries: Vec<Entry>) {
        if let (Some(first), Some(last)) = (entries.first(), entries.last()) {
            self.note(Event::EntriesAppended { first: first.id, last: last.id });
        }
        self.facts.log.append(entries);
    }

    /// Takes a leader's entries after `prev`, and returns the result.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer; the log has not changed.
    ///
    /// # Panics
    /// If a committed entry was replaced: what is committed stays (State Machine Safety, Fig. 3).
    #[track_caller]
    pub(crate) fn take_entries(
        &mut self,
        prev: EntryId,
        entries: Vec<Entry>,
    ) -> Result<Appended, Halt> {
        let (old_last, last) = (self.log.last_index(), entries.last().map(|entry| entry.id));
        let appended = self.facts.log.maybe_append(prev, entries)?;
        if let (Appended::Matched { new_from: Some(from), .. }, Some(last)) = (appended, last) {
            assert!(from > self.commit, "entry {from} is committed: it must not be replaced");
            if from <= old_last {
                self.note(Event::LogTruncated { from, last: old_last });
            }
            let term = self.log.unstable.term(from).unwrap_or(last.term);
            self.note(Event::EntriesAppended { first: EntryId { index: from, term }, last });
        }
        Ok(appended)
    }

    /// Commits the log up to `to`.
    ///
    /// # Panics
    /// If that is lower than before, or beyond the end of the log: then no majority can hold it.
    #[track_caller]
    pub(crate) fn commit_to(&mut self, to: Index) {
        let (from, last) = (self.commit, self.log.last_index());
        assert!(to >= from, "commit only grows: from {from} to {to}");
        assert!(to <= last, "commit {to} is beyond the log, which ends at {last}");
        self.note(Event::CommitAdvanced { from, to });
        self.facts.commit = to;
    }

    /// Replaces the whole log by what a leader's snapshot covers. The caller must commit that, and take its
    /// members over.
    #[track_caller]
    pub(crate) fn restore(&mut self, snapshot: Snapshot) {
        self.note(Event::SnapshotRestored { last: snapshot.id });
        self.facts.log.unstable.restore(snapshot);
        self.facts.wanted_snapshot = None;
    }

    /// Notes that the owner wants a snapshot that covers this index, or none any more.
    pub(crate) fn want_snapshot(&mut self, at_least: Option<Index>) {
        self.facts.wanted_snapshot = at_least;
    }

    /// Changes the members of the group.
    #[track_caller]
    pub(crate) fn set_members(&mut self, conf: ConfState) {
        let groups = self.voters.commit_groups().cloned();
        self.facts.voters = Joint::of(&conf).with_commit_groups(groups);
        self.facts.conf = conf;
        let ConfState { voters, voters_outgoing, learners, .. } = &self.facts.conf;
        let (voters, outgoing) = (voters.len(), voters_outgoing.len());
        let learners = learners.len();
        self.note(Event::MembersChanged { voters, outgoing, learners });
    }

    /// Records the last index that the application has applied.
    pub(crate) fn applied_to(&mut self, to: Index) {
        self.facts.applied = to;
    }

    /// Gives the log to the owner's half of the node, which hands entries out and hears that they are
    /// durable. Both change no entry.
    pub(crate) fn log_for_owner(&mut self) -> &mut Log<S> {
        &mut self.facts.log
    }
}

// What leaves.

impl<S: Storage> Core<S> {
    /// Sends a message of this term to one node, also to this node itself. What carries a client's words
    /// has no term. The outbox sorts it.
    #[track_caller]
    pub(crate) fn send(&mut self, to: NodeId, body: Body) {
        self.send_for(self.term, to, body);
    }

    /// Sends a message about `term`, which is another one for pre-votes.
    #[track_caller]
    pub(crate) fn send_for(&mut self, term: Term, to: NodeId, body: Body) {
        let traits = body.traits();
        self.note(Event::Sent { to, kind: traits.name });
        let leaves_at_once = !traits.is_promise
            || matches!(body, Body::RequestVote(_))
                && self.config.vote_requests == VoteRequests::AtOnce;
        let term = Some(term).filter(|_| traits.term != TermKind::Absent);
        let body = body.saying(self.config.priority, self.named_commit.0);
        let message = Message { from: self.id, to, term, body };
        if leaves_at_once && to != self.id {
            self.outbox.now.push(message);
        } else {
            self.promise(message);
        }
    }

    /// Puts a promise into the outbox, to this node itself or to another. An acknowledgement replaces the
    /// one before it, if that has not left and covers no more.
    fn promise(&mut self, message: Message) {
        let merges = self.config.merge_acknowledgements;
        let Outbox { own, promised, .. } = &mut self.outbox;
        let promises = if message.to == message.from { own } else { promised };
        match promises.last_mut() {
            Some(last) if merges && message.acknowledges_all_of(last) => *last = message,
            _ => promises.push(message),
        }
    }

    /// Sends the same to every other voter, in ascending order.
    #[track_caller]
    pub(crate) fn send_to_others(&mut self, body: Body) {
        for to in self.other_voters() {
            self.send(to, body.clone());
        }
    }

    /// Returns every other voter, in ascending order.
    pub(crate) fn other_voters(&self) -> Vec<NodeId> {
        self.voters.voters().filter(|&id| id != self.id).collect()
    }

    /// Returns whether anything waits to leave.
    pub(crate) fn has_outbox(&self) -> bool {
        let Outbox { now, promised, own, reads, .. } = &self.outbox;
        !(now.is_empty() && promised.is_empty() && own.is_empty() && reads.is_empty())
            || self.log.unstable.has_waiting_snapshot()
    }

    /// Takes what may leave at once.
    pub(crate) fn take_now(&mut self) -> Vec<Message> {
        take_all(&mut self.outbox.now)
    }

    /// Takes everything that waits to leave.
    pub(crate) fn take_outbox(&mut self) -> Outbox {
        let Outbox { now, promised, own, reads, .. } = &mut self.outbox;
        let (now, promised) = (take_all(now), take_all(promised));
        let (own, reads) = (take_all(own), take_all(reads));
        Outbox { now, promised, own, reads, snapshot: self.facts.log.unstable.take_snapshot() }
    }

    /// Keeps the room of messages that have left.
    pub(crate) fn keep_room(&mut self, now: Vec<Message>, promised: Vec<Message>) {
        keep(&mut self.outbox.now, now);
        keep(&mut self.outbox.promised, promised);
    }

    /// Keeps the room of promises that the node has taken back.
    pub(crate) fn keep_own_room(&mut self, own: Vec<Message>) {
        keep(&mut self.outbox.own, own);
    }
}

// What is only noted.

impl<S: Storage> Core<S> {
    /// Notes that a message changed nothing, and why.
    #[track_caller]
    pub(crate) fn ignore(&mut self, from: NodeId, kind: &'static str, why: Ignored) {
        self.note(Event::MessageIgnored { from, kind, why });
    }

    /// Notes that a majority holds this entry, and that it may not be counted: it is of an earlier term.
    #[track_caller]
    pub(crate) fn note_commit_withheld(&mut self, at: EntryId) {
        self.note(Event::CommitWithheld { at });
    }

    /// Notes that a leader has heard from no majority for an election timeout.
    #[track_caller]
    pub(crate) fn note_quorum_lost(&mut self, heard: usize) {
        let of = self.voters.voters().count();
        self.note(Event::QuorumLost { heard, of });
    }

    /// Notes that the entry before a leader's is not in the log.
    #[track_caller]
    pub(crate) fn note_append_refused(&mut self, prev: EntryId, hint: Index) {
        self.note(Event::AppendRefused { prev, hint });
    }

    /// Notes that a peer cannot be sent what it lacks from `index` on: it is compacted.
    #[track_caller]
    pub(crate) fn note_compacted(&mut self, peer: NodeId, index: Index) {
        self.note(Event::EntriesCompacted { peer, index });
    }

    /// Notes that a peer cannot be sent a snapshot yet.
    #[track_caller]
    pub(crate) fn note_snapshot_pending(&mut self, peer: NodeId) {
        self.note(Event::SnapshotPending { peer });
    }

    /// Notes that a leader's snapshot is not installed, and why.
    #[track_caller]
    pub(crate) fn note_snapshot_refused(&mut self, last: EntryId, why: SnapshotRefusal) {
        self.note(Event::SnapshotRefused { last, why });
    }

    /// Notes that a proposed change is replaced by an entry without content, and why.
    #[track_caller]
    pub(crate) fn note_change_replaced(&mut self, why: ChangeRefusal) {
        self.note(Event::ChangeReplaced { why });
    }

    /// Notes that the entry at `index` leaves the joint configuration.
    #[track_caller]
    pub(crate) fn note_joint_left(&mut self, index: Index) {
        self.note(Event::JointLeft { index });
    }

    /// Notes that the node does not campaign before it has applied a change.
    #[track_caller]
    pub(crate) fn note_campaign_postponed(&mut self, change: Index) {
        self.note(Event::CampaignPostponed { change });
    }

    /// Notes that a peer cannot be sent what it lacks from `index` on yet: storage fetches it.
    #[track_caller]
    pub(crate) fn note_pending(&mut self, peer: NodeId, index: Index) {
        self.note(Event::EntriesPending { peer, index });
    }

    /// Notes at the start, when the journal is still off, that the application has applied more than the
    /// saved commit index says.
    fn note_applied_ahead(&mut self) {
        let (applied, commit) = (self.applied, self.commit);
        self.journal.0.note_always(Event::AppliedAhead { applied, commit });
    }

    /// Notes that a handler asked for another role, at the line that asked.
    pub(crate) fn note_role_asked(&mut self, next: RoleName, asked: &'static Location<'static>) {
        self.journal.0.note_at(Event::RoleChangeAsked { next }, asked);
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

    /// Returns the journal.
    pub(crate) fn journal(&mut self) -> &mut Journal {
        &mut self.journal.0
    }
}
