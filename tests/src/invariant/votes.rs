//! Who voted for whom, and who led each term: the rules of §5.2.
//!
//! ```text
//!   granted   (t1, n3) -> n2      n3 has SENT this vote, or its own vote is on its disk
//!   led       t1 -> n2
//! ```
//!
//! A vote counts from the moment it is sent: from then on a candidate may rely on it. A candidate never
//! sends its vote for itself. That vote counts once it is durable. For the candidate's own victory it
//! counts at once: no other node can get it, and some correct designs count it at once.

use super::{Rule, Sender, Violation};
use raft::{AppendOutcome, Body, HardState, Inspect, Message, NodeId, Term, VoteRequests};
use std::collections::{BTreeMap, BTreeSet};

/// What the checker remembers of elections.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct VoteHistory {
    /// The candidate that each voter voted for, by term and voter.
    granted: BTreeMap<(Term, NodeId), NodeId>,
    /// Votes that a test sent in the name of a voter: term, voter, candidate.
    posted: BTreeSet<(Term, NodeId, NodeId)>,
    /// The first leader of each term.
    led: BTreeMap<Term, NodeId>,
}

/// Checks that what a message promises is on its sender's disk (Fig. 2 State).
///
/// A vote, or an acknowledged entry, must be on the disk, unless the disk is already in a later term. In
/// a later term the vote cannot be given a second time. And the entry was on the disk before the node
/// entered the later term. So a leader elected there with this node's vote holds the entry. If a leader has
/// replaced it since, it was never on a majority. A vote request relies on the candidate's own vote,
/// unless the settings let the request be sent at once.
pub(super) fn persisted_before(sender: Sender<'_>, message: &Message) -> Result<(), Violation> {
    let Some(term) = message.term else { return Ok(()) };
    let vote = match &message.body {
        Body::RequestVote(_) if sender.vote_requests == VoteRequests::AtOnce => return Ok(()),
        Body::RequestVote(_) => Some(sender.id),
        Body::VoteReply { granted: true, .. } => Some(message.to),
        Body::VoteReply { granted: false, .. } => None,
        Body::RequestPreVote(_) | Body::PreVoteReply { .. } => return Ok(()),
        Body::AppendReply { .. } => None,
        Body::AppendEntries { .. } => return Ok(()),
        Body::InstallSnapshot { .. } | Body::TransferLeader { .. } => return Ok(()),
        Body::Heartbeat { .. } | Body::HeartbeatReply { .. } => return Ok(()),
        Body::Propose { .. } | Body::TimeoutNow { .. } => return Ok(()),
        Body::ReadIndex { .. } | Body::ReadIndexReply { .. } => return Ok(()),
    };
    let (id, durable) = (sender.id, sender.disk.durable().hard_state());
    let broken = |text| {
        let (rule, who) = (Rule::PersistBeforeSend, vec![id, message.to]);
        Err(Violation { rule, who, term: Some(term), text })
    };
    if durable.term < term {
        let has = durable.term;
        return broken(format!("{id} sent \"{message}\" while its disk was in term {has}"));
    }
    if durable.term == term && vote.is_some() && durable.vote != vote {
        let has = durable.vote.map_or("no vote".into(), |other| format!("a vote for {other}"));
        return broken(format!("{id} sent \"{message}\" while its disk held {has} in term {term}"));
    }
    let last = sender.disk.kept().last().id;
    if let Body::AppendReply { outcome: AppendOutcome::Matched(index), .. } = message.body
        && durable.term == term
        && index > last.index
    {
        return broken(format!(
            "{id} sent \"{message}\" while the log on its disk ended at {last}"
        ));
    }
    Ok(())
}

impl VoteHistory {
    /// Notes a vote as it is sent.
    pub(super) fn sent(&mut self, message: &Message) -> Result<(), Violation> {
        let (Some(term), Body::VoteReply { granted: true, .. }) = (message.term, &message.body)
        else {
            return Ok(());
        };
        self.grant(term, message.from, message.to)
    }

    /// Notes a node's vote for itself once it is on its disk.
    pub(super) fn cast(&mut self, id: NodeId, durable: HardState) -> Result<(), Violation> {
        if durable.vote == Some(id) { self.grant(durable.term, id, id) } else { Ok(()) }
    }

    /// Notes a vote.
    ///
    /// # Errors
    /// It is the voter's second vote in this term, for another candidate.
    fn grant(&mut self, term: Term, voter: NodeId, candidate: NodeId) -> Result<(), Violation> {
        let first = *self.granted.entry((term, voter)).or_insert(candidate);
        if first == candidate {
            return Ok(());
        }
        let name = |id| if id == voter { "itself".into() } else { format!("{id}") };
        let (rule, who) = (Rule::VoteOncePerTerm, vec![voter, candidate, first]);
        let text = format!(
            "{voter} voted for {} and then for {}, both in term {term}",
            name(first),
            name(candidate)
        );
        Err(Violation { rule, who, term: Some(term), text })
    }

    /// Trusts a vote that a test sends.
    pub(super) fn posted(&mut self, message: &Message) {
        if let (Some(term), Body::VoteReply { granted: true, .. }) = (message.term, &message.body) {
            self.posted.insert((term, message.from, message.to));
        }
    }

    /// Checks a node that has just become leader: first its votes, then whether another node led its term.
    pub(super) fn won(&mut self, node: &Inspect<'_>) -> Result<(), Violation> {
        let (id, term) = (node.id, node.term);
        let for_it = |&voter: &NodeId| {
            self.granted.get(&(term, voter)) == Some(&id)
                || self.posted.contains(&(term, voter, id))
                || voter == id && node.vote == Some(id)
        };
        let of = node.voters.voters().count();
        let voters: Vec<_> = node.voters.voters().filter(for_it).collect();
        if !node.voters.agrees(|voter| voters.contains(&voter)) {
            let names: Vec<_> = voters.iter().map(NodeId::to_string).collect();
            let from = if names.is_empty() { "nobody".into() } else { names.join(", ") };
            let text =
                format!("{id} leads term {term} with {} of {of} votes (from {from})", voters.len());
            let rule = Rule::LeaderHasQuorum;
            return Err(Violation { rule, who: vec![id], term: Some(term), text });
        }
        let first = *self.led.entry(term).or_insert(id);
        if first != id {
            let (rule, who) = (Rule::ElectionSafety, vec![id, first]);
            let text = format!("{first} and {id} both lead term {term}");
            return Err(Violation { rule, who, term: Some(term), text });
        }
        Ok(())
    }

    /// Forgets the terms before `floor`.
    pub(super) fn forget_before(&mut self, floor: Term) {
        while self.granted.first_key_value().is_some_and(|(&(term, _), _)| term < floor) {
            self.granted.pop_first();
        }
        while self.posted.first().is_some_and(|&(term, _, _)| term < floor) {
            self.posted.pop_first();
        }
        while self.led.first_key_value().is_some_and(|(&term, _)| term < floor) {
            self.led.pop_first();
        }
    }

    /// Returns every remembered vote: term, voter, candidate.
    pub(super) fn granted(&self) -> impl Iterator<Item = (Term, NodeId, NodeId)> + '_ {
        self.granted.iter().map(|(&(term, voter), &candidate)| (term, voter, candidate))
    }

    /// Returns every remembered leader with its term.
    pub(super) fn led(&self) -> impl Iterator<Item = (Term, NodeId)> + '_ {
        self.led.iter().map(|(&term, &leader)| (term, leader))
    }
}
