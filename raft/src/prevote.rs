//! Pre-votes: a node asks whether it would win before it campaigns (thesis §9.6).
//!
//! ```text
//!   n3 was cut off        n1 leads term 4           n2
//!   asks for term 5 ----------> no <----------------'       nobody enters term 5
//!   still in term 4       still leads
//! ```
//!
//! Without pre-votes, a node that is cut off enters one term after another. When it comes back, its high
//! term ends a leadership that worked well.
//!
//! Three rules keep pre-votes from blocking elections. A refusal carries the term of the node that
//! refuses, so that a node of an older term catches up. A leader of an older term is answered
//! ([`Core::answer_older_leader`], in `lease.rs`). And a node that asks follows no leader, so that it
//! does not refuse others because of one.
//!
//! Invariant: a pre-vote changes no term, no vote and no timer of the node that answers.

use crate::event::{Ignored, Refusal};
use crate::ledger::Core;
use crate::message::{Body, VoteRequest};
use crate::quorum::{Outcome, Votes};
use crate::raft::{Raft, Role};
use crate::role::RoleChange;
use crate::storage::Storage;
use crate::types::{NodeId, Term};

// Ask.

impl<S: Storage> Raft<S> {
    /// Asks all other voters whether they would vote for this node in the next term.
    pub(crate) fn hold_pre_election(&mut self) {
        self.become_pre_candidate();
        self.ask_for_pre_votes();
    }

    /// Becomes a pre-candidate, in the same term, with no answer yet. It follows no leader: it has heard
    /// from none for an election timeout.
    fn become_pre_candidate(&mut self) {
        self.core.follow(None);
        self.enter_role(Role::PreCandidate(Votes::default()));
    }

    /// Asks the voters, and answers itself as they do. The question names the term in which this node
    /// would campaign.
    fn ask_for_pre_votes(&mut self) {
        let ask = VoteRequest::new(self.core.log.last());
        let (me, term) = (self.core.id, self.core.term.next());
        for to in self.core.other_voters() {
            self.core.send_for(term, to, Body::RequestPreVote(ask));
        }
        self.core.send_for(term, me, Body::pre_vote_reply(true));
    }
}

// Answer.

impl<S: Storage> Core<S> {
    /// Answers whether `from` would get this node's vote in `term`.
    pub(crate) fn on_request_pre_vote(&mut self, from: NodeId, term: Term, ask: VoteRequest) {
        let answer = self.decide_pre_vote(from, term, &ask);
        let answer = answer.and_then(|()| self.check_priority(&ask));
        self.answer_pre_vote(from, term, answer);
    }

    /// Decides whether `candidate` would get this node's vote in `term`, and if not, which rule refuses.
    /// In a later term no vote is granted yet, so only the logs are compared.
    fn decide_pre_vote(
        &self,
        candidate: NodeId,
        term: Term,
        ask: &VoteRequest,
    ) -> Result<(), Refusal> {
        if term < self.term {
            return Err(Refusal::TermIsOver { theirs: term, ours: self.term });
        }
        if term == self.term && self.vote != Some(candidate) {
            if let Some(other) = self.vote {
                return Err(Refusal::VotedFor(other));
            }
            if let Some(leader) = self.leader {
                return Err(Refusal::LeaderKnown(leader));
            }
        }
        if !self.log.is_up_to_date(ask.last) {
            return Err(Refusal::LogIsNewer { ours: self.log.last(), theirs: ask.last });
        }
        Ok(())
    }
}

// Count.

impl<S: Storage> Core<S> {
    /// Counts one voter's answer to a pre-vote: more than half lets the node campaign. A yes names the
    /// term that was asked for. One for another term answers an earlier question.
    pub(crate) fn on_pre_vote_reply(
        &mut self,
        votes: &mut Votes,
        from: NodeId,
        term: Term,
        granted: bool,
    ) -> RoleChange {
        if granted && term != self.term.next() {
            let (theirs, ours) = (term, self.term.next());
            self.ignore(from, "PreVoteReply", Ignored::OlderTerm { theirs, ours });
            return RoleChange::none();
        }
        self.count_vote(votes, from, granted);
        match self.voters.outcome(votes) {
            Outcome::Won => RoleChange::run(),
            Outcome::Lost => RoleChange::step_down(),
            Outcome::Pending => RoleChange::none(),
        }
    }
}
