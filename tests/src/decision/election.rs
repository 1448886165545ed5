//! Wrong decisions about terms, votes and leaders.
//!
//! ```text
//!   terms   a later one is entered, as a follower without a vote     §5.1
//!   votes   one a term, to a log that is not behind                  §5.2, §5.4.1
//!   counts  what was given in this term                              §5.2
//!   leads   with more than half; only a leader sends as one          §5.2
//!   waits   restarts its timer only for a leader or a granted vote   §5.2
//! ```

use super::{Mistake, StepContext, WrongDecision};
use raft::{Body, Event, Message, NodeId, RoleName};

impl StepContext<'_> {
    /// Fig. 2, Rules for All Servers (2): a later term is entered, as a follower without a vote.
    pub(super) fn terms(&self) -> Option<WrongDecision> {
        let StepContext { id, before, after, .. } = *self;
        let theirs = self.senders_term()?;
        if theirs > after.term {
            let text =
                format!("{id} gets a message of term {theirs} and stays in term {}", after.term);
            return self.wrong(Mistake::MissesTerm, None, text);
        }
        if after.term == before.term || theirs <= before.term {
            return None;
        }
        let (from, to) = (before.term, after.term);
        if after.role == RoleName::Leader
            || after.role == RoleName::Candidate && before.role == RoleName::Candidate
        {
            let at = self.note(|event| matches!(event, Event::TermEntered { .. }));
            let text = format!("{id} enters term {to} and is still {}", after.role);
            return self.wrong(Mistake::KeepsRole, at, text);
        }
        let granted =
            |to| self.note(|event| event == Event::VoteGranted { candidate: to }).is_some();
        if let Some(vote) = after.vote.filter(|&vote| before.vote == Some(vote) && !granted(vote)) {
            let at = self.note(|event| matches!(event, Event::TermEntered { .. }));
            let text = format!("{id} enters term {to} with its vote of term {from}, for {vote}");
            return self.wrong(Mistake::KeepsOldVote, at, text);
        }
        let leader = self.cluster.node(id)?.inspect().leader?;
        let says_so =
            self.message.is_some_and(|m| m.body.traits().is_from_leader && m.from == leader);
        if says_so {
            return None;
        }
        let at = self.note(|event| matches!(event, Event::TermEntered { .. }));
        let text =
            format!("{id} enters term {to} and follows {leader}, which has not led that term");
        self.wrong(Mistake::KeepsOldLeader, at, text)
    }

    /// Fig. 2, RequestVote (2): one vote per term, to a log that is not behind.
    pub(super) fn votes(&self) -> Option<WrongDecision> {
        let StepContext { id, before, after, .. } = *self;
        let term = after.term;
        let given = before.vote.filter(|_| before.term == term);
        for note in &self.step.notes {
            if let (Event::VoteGranted { candidate }, Some(other)) = (note.event, given)
                && candidate != other
            {
                let text = format!(
                    "{id} grants {candidate} its vote in term {term}, but {other} has that vote already"
                );
                return self.wrong(Mistake::VotesTwice, Some(note), text);
            }
        }
        if let Some(other) = given.filter(|&other| after.vote != Some(other)) {
            let at = self.note(|event| matches!(event, Event::VoteChanged { .. }));
            let now = after.vote.map_or("nobody".into(), |vote| vote.to_string());
            let text = format!("{id} voted for {other} in term {term}; now its vote is {now}'s");
            return self.wrong(Mistake::ForgetsVote, at, text);
        }
        if let Some(Message { from, body: Body::RequestVote(ask), .. }) = self.message {
            let granted = |event| event == Event::VoteGranted { candidate: *from };
            let last = self.cluster.node(id)?.inspect().last;
            if let Some(note) = self.note(granted).filter(|_| ask.last < last) {
                let text = format!(
                    "{id} grants {from}, whose log ends with {}; its own ends with {last}",
                    ask.last
                );
                return self.wrong(Mistake::VotesForShorterLog, Some(note), text);
            }
        }
        let becomes_candidate =
            |event| matches!(event, Event::RoleEntered { to: RoleName::Candidate, .. });
        if let Some(note) = self.note(becomes_candidate)
            && after.role == RoleName::Candidate
            && after.vote != Some(id)
        {
            let text = format!("{id} is a candidate in term {term} and does not vote for itself");
            return self.wrong(Mistake::CampaignsWithoutOwnVote, Some(note), text);
        }
        None
    }

    /// Fig. 2, Candidates (2): only votes of this term are counted.
    pub(super) fn counts(&self) -> Option<WrongDecision> {
        let StepContext { id, before, after, .. } = *self;
        for note in &self.step.notes {
            let Event::VoteCounted { voter, granted: true } = note.event else { continue };
            if voter == id {
                continue;
            }
            let reply = self.message.filter(|message| message.from == voter);
            let (term, yes) = match reply.map(|message| (message.term, &message.body)) {
                Some((term, Body::VoteReply { granted, .. })) => (term, *granted),
                Some(_) | None => (None, false),
            };
            let now = before.term.min(after.term);
            let text = match term {
                None => format!("{id} counts a yes of {voter} that did not arrive"),
                Some(_) if !yes => format!("{id} counts {voter}'s no as a yes"),
                Some(term) if term < now => {
                    format!("{id} counts {voter}'s yes of term {term} in term {now}")
                }
                Some(_) => continue,
            };
            return self.wrong(Mistake::CountsWhatWasNotGiven, Some(note), text);
        }
        None
    }

    /// Fig. 2, Candidates (2), Leaders (1): more than half make a leader, and only a leader sends as
    /// one.
    pub(super) fn leads(&self) -> Option<WrongDecision> {
        let StepContext { id, before, after, .. } = *self;
        let lead = |event| matches!(event, Event::RoleEntered { to: RoleName::Leader, .. });
        if let Some(note) = self.note(lead) {
            let node = self.cluster.node(id)?.inspect();
            let term = after.term;
            let yes = |&voter: &NodeId| {
                self.heard.contains(&(id, term, voter)) || voter == id && after.vote == Some(id)
            };
            let all: Vec<_> = node.voters.voters().collect();
            let votes: Vec<_> =
                all.iter().filter(|voter| yes(voter)).map(NodeId::to_string).collect();
            if 2 * votes.len() <= all.len() {
                let from = if votes.is_empty() { "nobody".into() } else { votes.join(", ") };
                let text = format!(
                    "{id} becomes leader of term {term} with {} of {} votes (from {from})",
                    votes.len(),
                    all.len()
                );
                let asked = |event| event == Event::RoleChangeAsked { next: RoleName::Leader };
                let at = self.note(asked).or(Some(note));
                return self.wrong(Mistake::LeadsWithoutQuorum, at, text);
            }
        } else if before.role != RoleName::Leader && after.role != RoleName::Leader {
            let speaks =
                |event| matches!(event, Event::Sent { kind: "Heartbeat" | "AppendEntries", .. });
            let speaks = self.note(speaks)?;
            let text =
                format!("{id} sends as leader of term {}, but is a {}", after.term, after.role);
            return self.wrong(Mistake::SpeaksAsLeader, Some(speaks), text);
        }
        None
    }

    /// Fig. 2, Followers (2), Candidates (3): what restarts the election timer.
    pub(super) fn waits(&self) -> Option<WrongDecision> {
        let StepContext { id, before, after, .. } = *self;
        let (message, theirs) = (self.message?, self.senders_term()?);
        let stays = before.term == after.term;
        if stays && message.body.traits().is_from_leader && theirs == after.term {
            let stays_candidate =
                before.role == RoleName::Candidate && after.role == RoleName::Candidate;
            let text = format!(
                "{id} gets a message of {}, leader of term {theirs}, and remains a candidate",
                message.from
            );
            return if stays_candidate {
                self.wrong(Mistake::IgnoresLeader, None, text)
            } else {
                None
            };
        }
        let follows = before.role == RoleName::Follower && after.role == RoleName::Follower;
        let reset = self.note(|event| matches!(event, Event::TimerReset { .. }))?;
        let refused = |event| matches!(event, Event::VoteRefused { .. });
        let why = if theirs < before.term {
            format!("a message of term {theirs}, which is over")
        } else if self.note(refused).is_some() {
            format!("the vote request of {}, which it refused", message.from)
        } else {
            return None;
        };
        if !stays || !follows {
            return None;
        }
        let text = format!(
            "{id}, follower in term {}, restarts its election timer after {why}",
            after.term
        );
        self.wrong(Mistake::WaitsForNothing, Some(reset), text)
    }
}
