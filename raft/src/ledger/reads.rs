//! The ledger's page of reads: which reads wait, and for what.
//!
//! ```text
//!   leader     waiting: b c          no round yet: the one before is under way
//!              round 7 at 12: a      heartbeats carry 7; a reads at 12 once a majority has answered
//!   follower   forwarded: attempt 3  the leader is asked, and answers attempt 3
//! ```
//!
//! Invariants: a read is in one place at a time; tokens and attempts only grow.

use super::{Core, Leader, Tracked};
use crate::event::Event;
use crate::message::{ReadAttempt, ReadDropped, ReadState, ReadToken};
use crate::storage::Storage;
use crate::types::{Index, NodeId, Term};
use bytes::Bytes;
use std::collections::VecDeque;

/// Who wants to read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Reader {
    /// The application of this node.
    Own,
    /// Another node's, which has asked this one.
    Peer {
        /// The node.
        id: NodeId,
        /// Its number of the read.
        attempt: ReadAttempt,
    },
}

/// A read that waits for an index.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct WaitingRead {
    /// Who wants to read.
    pub(crate) reader: Reader,
    /// The reader's mark.
    pub(crate) context: Bytes,
    waited_ticks: u64,
}

/// Reads that share one question to the group: does this node still lead?
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ReadRound {
    /// Its number.
    pub(crate) token: ReadToken,
    /// The index at which its reads see everything: the commit index when it began.
    pub(crate) index: Index,
    /// The reads.
    pub(crate) reads: Vec<WaitingRead>,
    /// The ticks since it began, if reads rest on leases.
    pub(crate) age_ticks: u64,
}

/// The reads that wait for a leader.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct LeaderReads {
    last_token: ReadToken,
    waiting: Vec<WaitingRead>,
    rounds: VecDeque<ReadRound>,
    /// How many reads wait, in all.
    count: usize,
    lease: Lease,
}

/// What a leader knows of its lease.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Lease {
    ticks_left: u64,
    /// The last entry of a node that was told to campaign.
    suspended_at: Option<Index>,
}

/// The reads that a node has forwarded.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct ForwardedReads {
    last_attempt: ReadAttempt,
    reads: VecDeque<ForwardedRead>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct ForwardedRead {
    leader: NodeId,
    term: Term,
    attempt: ReadAttempt,
    context: Bytes,
    waited_ticks: u64,
}

impl ForwardedReads {
    /// Returns whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.reads.is_empty()
    }
}

impl LeaderReads {
    /// Returns how many reads wait for a leader.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Returns whether nothing waits: no read, and no round.
    pub(crate) fn are_idle(&self) -> bool {
        self.waiting.is_empty() && self.rounds.is_empty()
    }

    /// Returns whether reads wait for a round to begin.
    pub(crate) fn are_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Returns the number of the oldest round under way.
    pub(crate) fn oldest_round(&self) -> Option<ReadToken> {
        self.rounds.front().map(|round| round.token)
    }

    /// Returns for how many ticks a majority ignores vote requests, as far as this leader knows.
    pub(crate) fn lease_ticks_left(&self) -> u64 {
        self.lease.ticks_left
    }

    /// Returns the last entry of the node that was told to campaign, if one was.
    pub(crate) fn suspended_at(&self) -> Option<Index> {
        self.lease.suspended_at
    }

    /// Returns the number of the last round that began.
    pub(crate) fn last_token(&self) -> ReadToken {
        self.last_token
    }
}

impl ForwardedReads {
    /// Returns how many reads wait for an answer.
    pub(crate) fn count(&self) -> usize {
        self.reads.len()
    }
}

// The leader's half.

impl<S: Storage> Core<S> {
    /// Lets a read wait for the next round.
    pub(crate) fn add_waiting_read(&self, leader: &mut Leader, reader: Reader, context: Bytes) {
        leader.reads.waiting.push(WaitingRead { reader, context, waited_ticks: 0 });
        leader.reads.count += 1;
    }

    /// Takes out the reads that wait for a round.
    pub(crate) fn take_waiting(&self, leader: &mut Leader) -> Vec<WaitingRead> {
        let reads = std::mem::take(&mut leader.reads.waiting);
        leader.reads.count -= reads.len();
        reads
    }

    /// Begins a round with these reads, which are to read at `index`. Heartbeats carry its number from now
    /// on.
    #[track_caller]
    pub(crate) fn open_round(
        &mut self,
        leader: &mut Leader,
        index: Index,
        reads: Vec<WaitingRead>,
    ) {
        let token = ReadToken(leader.reads.last_token.0 + 1);
        leader.reads.count += reads.len();
        self.note(Event::ReadRoundBegan { token, index });
        leader.reads.last_token = token;
        leader.reads.rounds.push_back(ReadRound { token, index, reads, age_ticks: 0 });
        self.carry_round(leader, Some(token));
    }

    /// Records that a peer has answered a round.
    pub(crate) fn record_echo(&self, tracked: &mut Tracked, token: ReadToken) {
        tracked.progress_mut().answered(token);
    }

    /// Takes the oldest round, which is confirmed. Heartbeats carry no number once none is under way.
    #[track_caller]
    pub(crate) fn close_round(&mut self, leader: &mut Leader) -> Option<ReadRound> {
        let round = leader.reads.rounds.pop_front()?;
        leader.reads.count -= round.reads.len();
        self.note(Event::ReadRoundConfirmed { token: round.token, index: round.index });
        if leader.reads.rounds.is_empty() {
            self.carry_round(leader, None);
        }
        Some(round)
    }

    fn carry_round(&self, leader: &mut Leader, round: Option<ReadToken>) {
        for (_, tracked) in leader.progress.iter_mut().filter(|(id, _)| **id != self.id) {
            tracked.progress_mut().set_read_round(round);
        }
    }

    /// Takes every read out of a leader that leads no more, oldest first.
    pub(crate) fn take_all_reads(&self, leader: Leader) -> Vec<WaitingRead> {
        let LeaderReads { rounds, waiting, .. } = leader.reads;
        rounds.into_iter().flat_map(|round| round.reads).chain(waiting).collect()
    }

    /// Counts a tick for every read that waits for this leader, and takes out those that have waited for
    /// `limit_ticks`. A round without reads is over, unless it can still renew a lease: nobody asks how it
    /// ends.
    pub(crate) fn age_reads(&self, leader: &mut Leader, limit_ticks: u64) -> Vec<WaitingRead> {
        let LeaderReads { waiting, rounds, count, .. } = &mut leader.reads;
        let mut late = Vec::new();
        for reads in rounds.iter_mut().map(|round| &mut round.reads).chain([waiting]) {
            reads.iter_mut().for_each(|read| read.waited_ticks += 1);
            late.extend(reads.extract_if(.., |read| read.waited_ticks >= limit_ticks));
        }
        *count -= late.len();
        let (were_under_way, lease_ticks) = (!rounds.is_empty(), self.config.lease_ticks());
        rounds.retain(|round| !round.reads.is_empty() || Some(round.age_ticks) < lease_ticks);
        if rounds.is_empty() && were_under_way {
            self.carry_round(leader, None);
        }
        late
    }
}

// The lease.

impl<S: Storage> Core<S> {
    /// Counts a tick of the lease, and of the rounds that may renew it.
    pub(crate) fn age_lease(&self, leader: &mut Leader) {
        let LeaderReads { rounds, lease, .. } = &mut leader.reads;
        lease.ticks_left = lease.ticks_left.saturating_sub(1);
        rounds.iter_mut().for_each(|round| round.age_ticks += 1);
    }

    /// Records for how many ticks the lease lasts.
    pub(crate) fn set_lease(&self, leader: &mut Leader, ticks_left: u64) {
        leader.reads.lease.ticks_left = ticks_left;
    }

    /// Gives the lease up until an entry after `last` is committed.
    #[track_caller]
    pub(crate) fn suspend_lease(&mut self, leader: &mut Leader, last: Index) {
        if self.config.lease_ticks().is_some() {
            self.note(Event::LeaseSuspended { last });
            leader.reads.lease.suspended_at = Some(last);
        }
    }
}

// The follower's half.

impl<S: Storage> Core<S> {
    /// Notes that a read is forwarded to a leader of this term. Returns its number.
    pub(crate) fn note_forwarded(&mut self, leader: NodeId, context: Bytes) -> ReadAttempt {
        let term = self.term;
        let ForwardedReads { last_attempt, reads } = &mut self.facts.forwarded;
        last_attempt.0 += 1;
        let attempt = *last_attempt;
        reads.push_back(ForwardedRead { leader, term, attempt, context, waited_ticks: 0 });
        attempt
    }

    /// Takes a forwarded read out, if it still waits for an answer of this node.
    pub(crate) fn take_forwarded(
        &mut self,
        from: NodeId,
        attempt: ReadAttempt,
        context: &Bytes,
    ) -> Option<Bytes> {
        let reads = &mut self.facts.forwarded.reads;
        let at = reads.binary_search_by_key(&attempt, |read| read.attempt).ok()?;
        let is_asked =
            reads.get(at).is_some_and(|read| read.leader == from && read.context == *context);
        is_asked.then(|| reads.remove(at))?.map(|read| read.context)
    }

    /// Takes out every forwarded read whose leader does not lead this term.
    pub(crate) fn take_forwarded_to_former_leader(&mut self) -> Vec<Bytes> {
        let now = (self.leader, self.term);
        let reads = &mut self.facts.forwarded.reads;
        // All are forwarded to one leader: a change drops them together.
        if reads.front().is_none_or(|read| (Some(read.leader), read.term) == now) {
            return Vec::new();
        }
        reads.drain(..).map(|read| read.context).collect()
    }

    /// Counts a tick for every forwarded read, and takes out those that have waited for `limit_ticks`.
    pub(crate) fn age_forwarded(&mut self, limit_ticks: u64) -> Vec<Bytes> {
        let reads = &mut self.facts.forwarded.reads;
        reads.iter_mut().for_each(|read| read.waited_ticks += 1);
        // The first has waited longest.
        let late = reads.partition_point(|read| read.waited_ticks >= limit_ticks);
        reads.drain(..late).map(|read| read.context).collect()
    }

    /// Ends a read of this node's application.
    #[track_caller]
    pub(crate) fn end_read(&mut self, context: Bytes, outcome: Result<Index, ReadDropped>) {
        if let Err(why) = outcome {
            self.note(Event::ReadEnded { why });
        }
        self.outbox.reads.push(ReadState { context, outcome });
    }
}
