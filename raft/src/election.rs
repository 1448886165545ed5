//! Elections: how a leader is chosen (§5.2, and the restriction of §5.4.1).
//!
//! ```text
//!   n1 --RequestVote t2--> n2, n3     one question,
//!   n1 <----granted------- n2         one answer per term,
//!   n1 leads term 2                   more than half is enough
//! ```
//!
//! Invariant: at most one leader per term (Election Safety, Fig. 3). A leader was granted a
//! majority's votes, each durable before it was sent; two majorities share a voter; a voter grants
//! one vote per term.

use crate::event::Refusal;
use crate::ledger::Core;
use crate::message::{Body, VoteRequest};
use crate::quorum::{Outcome, Votes};
use crate::raft::Raft;
use crate::role::RoleChange;
use crate::storage::Storage;
use crate::types::NodeId;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

// Time out.

impl<S: Storage> Core<S> {
    /// Starts an election once the election timeout has passed without a leader's message and without a
    /// vote granted (Fig. 2 Followers (2), Candidates (4)).
    pub(crate) fn tick_election(&mut self) -> RoleChange {
        if self.timer.elapsed_ticks >= self.election_timeout() {
            RoleChange::campaign()
        } else {
            RoleChange::none()
        }
    }

    /// Returns the election timeout in ticks: the pinned one, or the one drawn since the timer was
    /// reset.
    fn election_timeout(&mut self) -> u64 {
        if let Some(ticks) = self.timer.pinned_ticks.or(self.timer.drawn_ticks.0) {
            return ticks;
        }
        let ticks = self.draw_timeout();
        self.keep_drawn_timeout(ticks);
        ticks
    }

    /// Draws a timeout from `election_ticks..2 * election_ticks`, so that two nodes rarely campaign at
    /// once, and never for ever (§5.2).
    fn draw_timeout(&self) -> u64 {
        let base = self.config.election_ticks;
        base + self.roll(base)
    }

    /// Returns a number in `0..below`, always the same one for the same attempt of the same node.
    ///
    /// A stored generator would be one more thing that a replay must restore, and by which an explorer
    /// must tell states apart. So none is stored: what the number is for IS the seed.
    fn roll(&self, below: u64) -> u64 {
        draw([self.config.seed, self.id.0, self.term.0, self.timer.attempt.0], below)
    }
}

/// Returns a number in `0..below` that these words determine, the same on every machine.
fn draw(words: [u64; 4], below: u64) -> u64 {
    let mut seed = [0; 32];
    for (bytes, word) in seed.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(seed).random_range(0..below)
}

// Ask.

impl<S: Storage> Raft<S> {
    /// Asks every other voter for its vote, and promises this node's own vote to itself: like any vote, it
    /// counts once it is durable (Fig. 2 Candidates (1)).
    pub(crate) fn ask_for_votes(&mut self) {
        let ask = VoteRequest::new(self.core.log.last());
        self.core.send_to_others(Body::RequestVote(ask));
        self.core.send(self.core.id, Body::vote_reply(true));
    }
}

// Grant.

impl<S: Storage> Core<S> {
    /// Grants or refuses a vote, and answers. Only a vote that is granted resets the timer: a refused
    /// candidate must not keep a better one from campaigning (Fig. 2 RequestVote, Followers (2)).
    pub(crate) fn on_request_vote(&mut self, from: NodeId, ask: VoteRequest) {
        let answer = self.decide_vote(from, &ask);
        if answer.is_ok() {
            self.vote_for(from);
            self.reset_timer();
        }
        self.answer_vote(from, answer);
    }

    /// Decides whether `candidate` gets this node's vote, and if not, which rule refuses: one vote per
    /// term, first come first served (§5.2); none to a log that is behind (§5.4.1).
    fn decide_vote(&self, candidate: NodeId, ask: &VoteRequest) -> Result<(), Refusal> {
        if let Some(other) = self.vote.filter(|&vote| vote != candidate) {
            return Err(Refusal::VotedFor(other));
        }
        if !self.log.is_up_to_date(ask.last) {
            return Err(Refusal::LogIsNewer { ours: self.log.last(), theirs: ask.last });
        }
        Ok(())
    }

    /// Takes a vote request, unless a rule that the settings ask for refuses it first: a node that has not
    /// voted may know the leader of the term (`vote_when_leader_known`), or may want to lead itself
    /// (`priority`). The paper asks for neither.
    pub(crate) fn take_vote_request(&mut self, from: NodeId, ask: VoteRequest) {
        let answer = match (self.vote, self.leader) {
            (None, Some(leader)) if !self.config.vote_when_leader_known => {
                Err(Refusal::LeaderKnown(leader))
            }
            (None, _) => self.check_priority(&ask),
            (Some(_), _) => Ok(()),
        };
        match answer {
            Err(why) => self.answer_vote(from, Err(why)),
            Ok(()) => self.on_request_vote(from, ask),
        }
    }
}

// Count.

impl<S: Storage> Core<S> {
    /// Counts one voter's answer: more than half makes a leader, and a candidate that can no longer
    /// win becomes a follower (Fig. 2 Candidates (2)).
    pub(crate) fn on_vote_reply(
        &mut self,
        votes: &mut Votes,
        from: NodeId,
        granted: bool,
    ) -> RoleChange {
        self.count_vote(votes, from, granted);
        match self.voters.outcome(votes) {
            Outcome::Won => RoleChange::lead(),
            Outcome::Lost => RoleChange::step_down(),
            Outcome::Pending => RoleChange::none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::election::draw;

    /// A replay from one number needs the same draws for ever: also with another version of `rand`, which
    /// the lock file of a dependant may choose.
    #[test]
    fn draws_are_the_same_in_every_version() {
        let draws: Vec<u64> = (0..8).map(|attempt| draw([7, 1, 3, attempt], 10)).collect();
        assert_eq!(draws, [3, 9, 4, 8, 9, 0, 2, 7]);
        assert_eq!(draw([u64::MAX; 4], 1 << 32), 1_163_296_333);
    }
}
