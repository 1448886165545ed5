//! Elections: how a leader is chosen (§5.2, and the restriction of §5.4.1).
//!
//! ```text
//!   n1 --RequestVote t2--> n2, n3     one question,
//!   n1 <----granted------- n2         one answer per term,
//!   n1 leads term 2                   more than half is enough
//! ```
//!
//! Invariant: at most one leader per term (Election Safety, Fig. 3). Whoever leads was granted a
//! majority's votes, each durable before it was sent; two majorities share a voter; a voter grants
//! one vote per term.

use crate::event::Refusal;
use crate::ledger::Core;
use crate::message::{Body, VoteRequest};
use crate::quorum::{Outcome, Votes};
use crate::raft::Raft;
use crate::role::Turn;
use crate::storage::Storage;
use crate::types::NodeId;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

// Time out.

impl<S: Storage> Core<S> {
    /// Loses patience when no leader has spoken, and no vote was given, for as long as the limit
    /// (Fig. 2 Followers (2), Candidates (4)).
    pub(crate) fn tick_election(&mut self) -> Turn {
        if self.timer.elapsed_ticks >= self.election_limit() {
            Turn::campaign()
        } else {
            Turn::stay()
        }
    }

    /// Returns the limit of this wait in ticks: the pinned one, or the one drawn for it.
    fn election_limit(&self) -> u64 {
        self.timer.pinned_ticks.unwrap_or_else(|| self.draw_timeout())
    }

    /// Draws this wait's limit from `election_ticks..2 * election_ticks`, so that two nodes rarely
    /// stand at once, and never for ever (§5.2).
    fn draw_timeout(&self) -> u64 {
        let base = self.config.election_ticks;
        base + self.roll(base)
    }

    /// Returns a number in `0..below`, always the same one for the same wait of the same node.
    ///
    /// A stored generator would be one more thing that a replay must restore and an explorer must
    /// tell states apart by. So none is stored: what the number is for IS the seed.
    fn roll(&self, below: u64) -> u64 {
        let wait = [self.config.seed, self.id.0, self.term.0, self.timer.attempt.0];
        let mut seed = [0; 32];
        for (bytes, word) in seed.chunks_exact_mut(8).zip(wait) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        ChaCha8Rng::from_seed(seed).random_range(0..below)
    }
}

// Ask.

impl<S: Storage> Raft<S> {
    /// Asks every other voter for its vote, and promises our own to ourselves: it counts once it is
    /// durable, as everyone's does (Fig. 2 Candidates (1)).
    pub(crate) fn ask_for_votes(&mut self) {
        let ask = VoteRequest { last: self.core.log.last(), transfer: false };
        self.core.send_to_others(Body::RequestVote(ask));
        self.core.send(self.core.id, Body::VoteReply { granted: true });
    }
}

// Grant.

impl<S: Storage> Core<S> {
    /// Grants or refuses a vote, and says so. Only a vote that is given makes us wait anew: a refused
    /// candidate must not keep a better one from standing (Fig. 2 RequestVote, Followers (2)).
    pub(crate) fn on_request_vote(&mut self, from: NodeId, ask: VoteRequest) {
        let answer = self.decide_vote(from, &ask);
        if answer.is_ok() {
            self.vote_for(Some(from));
            self.reset_timer();
        }
        self.answer_vote(from, answer);
    }

    /// Decides whether `candidate` gets our vote, and if not, which rule says no: one vote per term,
    /// first come first served (§5.2); none to a log that is behind ours (§5.4.1).
    fn decide_vote(&self, candidate: NodeId, ask: &VoteRequest) -> Result<(), Refusal> {
        if let Some(other) = self.vote.filter(|&vote| vote != candidate) {
            return Err(Refusal::VotedFor(other));
        }
        if !self.log.is_up_to_date(ask.last) {
            return Err(Refusal::LogIsNewer { ours: self.log.last(), theirs: ask.last });
        }
        Ok(())
    }
}

// What other libraries add. Off by default: the paper asks for neither.

impl<S: Storage> Core<S> {
    /// Starts waiting anew in a later term, if the settings say so and the change itself has not.
    pub(crate) fn on_later_term(&mut self) {
        if self.config.wait_anew_each_term && self.timer.elapsed_ticks > 0 {
            self.reset_timer();
        }
    }

    /// Returns the leader beside whom nobody gets our vote, if the settings say so.
    pub(crate) fn keeps_vote_for(&self, body: &Body) -> Option<NodeId> {
        let is_asked = matches!(body, Body::RequestVote(_)) && self.vote.is_none();
        self.leader.filter(|_| is_asked && !self.config.vote_beside_leader)
    }
}

// Count.

impl<S: Storage> Core<S> {
    /// Counts one voter's answer: more than half makes a leader, and a candidate that can no longer
    /// win waits for the one that will (Fig. 2 Candidates (2)).
    pub(crate) fn on_vote_reply(&mut self, votes: &mut Votes, from: NodeId, granted: bool) -> Turn {
        self.count_vote(votes, from, granted);
        match self.voters.outcome(votes) {
            Outcome::Won => Turn::lead(),
            Outcome::Lost => Turn::step_down(),
            Outcome::Pending => Turn::stay(),
        }
    }
}
