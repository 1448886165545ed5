//! Reads: at which index a read sees everything that was acknowledged before it (thesis §6.4).
//!
//! ```text
//!   read a     leader n1, commit 12     n2           n3
//!     '------> round 7 at 12     |-- hb round=7 -->--|-->     does n1 still lead?
//!   read b     waits             |<----- 7 ----------|        n1 and n2 are two of three: it did when
//!              a reads at 12                                  round 7 began
//!              round 8 at 14: b
//! ```
//!
//! A leader that was cut off may not know that another leads, and that more is committed. So it asks
//! first. A majority that answers has not elected another leader before it answered; so nothing was
//! committed elsewhere before the round began.
//!
//! Invariants: a read joins only a round that begins after it; every read ends once, with an index or with
//! the reason why there is none.

use crate::error::Halt;
use crate::event::Ignored;
use crate::ledger::{Core, Leader, Reader, WaitingRead};
use crate::message::{Body, ReadAttempt, ReadDropped, ReadToken};
use crate::raft::{Raft, Role};
use crate::storage::Storage;
use crate::types::{Index, NodeId};
use bytes::Bytes;

/// How many reads may wait at a node at once.
pub(crate) const READS_MAX: usize = 1 << 16;

// Asking.

impl<S: Storage> Raft<S> {
    /// Asks for an index to read at. [`Outbox::reads`](crate::Outbox::reads) has the answer, later: every
    /// read ends.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted.
    pub fn read_index(&mut self, context: Bytes) -> Result<(), Halt> {
        self.core.check_running()?;
        match &mut self.role {
            Role::Leader(leader) => self.core.wait_to_read(leader, Reader::Own, context),
            Role::Follower | Role::PreCandidate(_) | Role::Candidate(_) => {
                self.core.forward_read(context);
            }
        }
        self.settle_reads();
        Ok(())
    }
}

impl<S: Storage> Core<S> {
    /// Asks the leader, as any other node.
    fn forward_read(&mut self, context: Bytes) {
        let Some(leader) = self.leader else {
            return self.end_read(context, Err(ReadDropped::NoLeader));
        };
        if self.forwarded.count() >= READS_MAX {
            return self.end_read(context, Err(ReadDropped::TooMany));
        }
        let attempt = self.note_forwarded(leader, context.clone());
        self.send(leader, Body::ReadIndex { attempt, context });
    }

    /// Lets a read wait for a round, as a leader.
    pub(crate) fn wait_to_read(&mut self, leader: &mut Leader, reader: Reader, context: Bytes) {
        if leader.reads.count() < READS_MAX {
            self.add_waiting_read(leader, reader, context);
        } else {
            self.answer_read(reader, context, Err(ReadDropped::TooMany));
        }
    }

    /// Answers a node that takes this one for the leader.
    pub(crate) fn refuse_read(&mut self, from: NodeId, attempt: ReadAttempt, context: Bytes) {
        let reader = Reader::Peer { id: from, attempt };
        self.answer_read(reader, context, Err(ReadDropped::SteppedDown));
    }
}

// The rounds.

impl<S: Storage> Raft<S> {
    /// Does for reads what has become possible: a round begins, a round is confirmed, a read whose leader
    /// is gone ends. Called at the end of every message, tick, campaign and read.
    pub(crate) fn settle_reads(&mut self) {
        if !self.has_reads() {
            return;
        }
        self.core.drop_reads_of_former_leader();
        if let Role::Leader(leader) = &mut self.role {
            while self.core.read_in_lease(leader)
                || self.core.begin_round(leader)
                || self.core.confirm_round(leader)
            {}
        }
    }

    /// Returns whether any read waits, or a round is under way.
    fn has_reads(&self) -> bool {
        let leads_reads = matches!(&self.role, Role::Leader(leader) if !leader.reads.are_idle());
        leads_reads || !self.core.forwarded.is_empty()
    }
}

impl<S: Storage> Core<S> {
    /// Begins a round, if reads wait and one may begin. A leader that has not committed an entry of its
    /// own term may not know yet how far earlier leaders have committed: its reads wait (§8). Returns
    /// whether a round began.
    fn begin_round(&mut self, leader: &mut Leader) -> bool {
        let is_free = !self.config.batch_reads || leader.reads.oldest_round().is_none();
        if !leader.reads.are_waiting() || !self.knows_commit(leader) || !is_free {
            return false;
        }
        let reads = self.take_waiting(leader);
        self.open_round(leader, self.commit, reads);
        self.bcast_heartbeat(leader);
        true
    }

    /// Returns whether a leader knows of everything that earlier leaders have committed.
    pub(crate) fn knows_commit(&self, leader: &Leader) -> bool {
        self.commit >= leader.term_start()
    }

    /// Learns that a peer has answered a heartbeat, and which round that heartbeat asked for. No peer
    /// can answer a round that has not begun.
    pub(crate) fn on_read_echo(
        &mut self,
        leader: &mut Leader,
        from: NodeId,
        token: Option<ReadToken>,
    ) {
        let token = token.filter(|&token| token <= leader.reads.last_token());
        if let (Some(token), Some(peer)) = (token, leader.progress.get_mut(&from)) {
            self.record_echo(peer, token);
        }
    }

    /// Ends the reads of the oldest round, if a majority has answered it or a later one: this node led
    /// when the round began. Returns whether it did.
    fn confirm_round(&mut self, leader: &mut Leader) -> bool {
        let Some(token) = leader.reads.oldest_round() else { return false };
        let me = self.id;
        let answered = |id: NodeId| {
            let peer = leader.progress.get(&id);
            id == me || peer.is_some_and(|peer| peer.answered_round() >= token)
        };
        if !self.voters.agrees(answered) {
            return false;
        }
        let Some(round) = self.close_round(leader) else { return false };
        self.extend_lease(leader, &round);
        for WaitingRead { reader, context, .. } in round.reads {
            self.answer_read(reader, context, Ok(round.index));
        }
        true
    }
}

// The answer.

impl<S: Storage> Core<S> {
    /// Answers the reader: an application of this node, or another node.
    pub(crate) fn answer_read(
        &mut self,
        reader: Reader,
        context: Bytes,
        outcome: Result<Index, ReadDropped>,
    ) {
        match reader {
            Reader::Own => self.end_read(context, outcome),
            Reader::Peer { id, attempt } => {
                self.send(id, Body::ReadIndexReply { attempt, context, outcome });
            }
        }
    }

    /// Takes the leader's answer. It counts for the read that asked this leader, and for no other with the
    /// same mark.
    pub(crate) fn on_read_reply(
        &mut self,
        from: NodeId,
        attempt: ReadAttempt,
        context: &Bytes,
        outcome: Result<Index, ReadDropped>,
    ) {
        match self.take_forwarded(from, attempt, context) {
            Some(context) => self.end_read(context, outcome),
            None => self.ignore(from, "ReadIndexReply", Ignored::ReadIsOver),
        }
    }
}

// Reads that end without an index.

impl<S: Storage> Raft<S> {
    /// Ends the reads that have waited for too long: for two of the shortest election timeouts.
    pub(crate) fn tick_reads(&mut self) {
        let limit_ticks = 2 * self.core.config.election_ticks;
        for context in self.core.age_forwarded(limit_ticks) {
            self.core.end_read(context, Err(ReadDropped::TimedOut));
        }
        if let Role::Leader(leader) = &mut self.role {
            for WaitingRead { reader, context, .. } in self.core.age_reads(leader, limit_ticks) {
                self.core.answer_read(reader, context, Err(ReadDropped::TimedOut));
            }
        }
    }
}

impl<S: Storage> Core<S> {
    /// Ends the reads of a leader that leads no more.
    pub(crate) fn drop_reads(&mut self, leader: Leader) {
        for WaitingRead { reader, context, .. } in self.take_all_reads(leader) {
            self.answer_read(reader, context, Err(ReadDropped::SteppedDown));
        }
    }

    /// Ends the reads that were forwarded to a leader that this node does not follow any more. The question
    /// or the answer may be lost, and nobody would send it again.
    fn drop_reads_of_former_leader(&mut self) {
        for context in self.take_forwarded_to_former_leader() {
            self.end_read(context, Err(ReadDropped::SteppedDown));
        }
    }
}
