//! The chain from an election timeout to a leader that all follow, counted over a part of a run: it
//! shows why no node leads.
//!
//! ```text
//!   59 elections, 236 requests arrived, 0 granted, 236 refused, 0 yes counted, 0 won
//!                                       ^ here it breaks: Core::decide_vote
//! ```
//!
//! A run without a leader has no line that decided: something did not happen, again and again. This
//! says what did.

use super::blame::{is_term, is_wrongly_old};
use harness::text::counted;
use raft::{Body, Event, NodeId, Refusal, RoleName};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use testbed::{Fate, Step};

/// How often each link of the chain held.
#[derive(Clone, Default, Debug)]
pub(crate) struct Chain {
    nodes: BTreeSet<NodeId>,
    /// Ticks that passed, at the node that counted most of them.
    ticks: u64,
    /// Elections that began.
    elections: u64,
    /// Requests that arrived, and how they were answered.
    requests: u64,
    granted: u64,
    refused: u64,
    /// Votes of others that were counted.
    counted: u64,
    /// Elections that were won.
    won: u64,
    /// Messages of leaders that arrived.
    words: u64,
    /// Messages of the node's own term that it ignored as old.
    wrongly_old: u64,
    /// Votes refused because of a vote that was granted in an earlier term.
    kept: u64,
    votes: BTreeMap<NodeId, NodeId>,
}

impl Chain {
    /// Counts over these steps of a cluster that listens.
    pub(crate) fn of(steps: &[Step]) -> Self {
        let mut chain = Chain::default();
        if let (Some(first), Some(last)) = (steps.first(), steps.last()) {
            chain.ticks = last.clock - first.clock;
        }
        steps.iter().for_each(|step| chain.count(step));
        chain
    }

    fn count(&mut self, step: &Step) {
        self.nodes.extend(step.node);
        let arrives = |fate: &Fate| matches!(fate, Fate::Delivered | Fate::Duplicated);
        for (flight, _) in step.gone.iter().filter(|(_, fate)| arrives(fate)) {
            let body = &flight.message.body;
            self.requests += u64::from(matches!(body, Body::RequestVote(_)));
            self.words += u64::from(body.traits().is_from_leader);
        }
        let enters_term = step.notes.iter().any(|note| is_term(&note.event));
        for note in &step.notes {
            let vote = step.node.and_then(|node| self.votes.get(&node)).copied();
            self.count_vote(step.node, &note.event);
            let enters = |role| matches!(note.event, Event::RoleEntered { to, .. } if to == role);
            self.elections += u64::from(enters(RoleName::Candidate));
            self.won += u64::from(enters(RoleName::Leader));
            self.granted += u64::from(matches!(note.event, Event::VoteGranted { .. }));
            self.wrongly_old += u64::from(is_wrongly_old(&note.event));
            if let Event::VoteRefused { why, .. } = note.event {
                let keeps = vote.is_some_and(|other| why == Refusal::VotedFor(other));
                self.kept += u64::from(enters_term && keeps);
                self.refused += 1;
            }
            if let Event::VoteCounted { voter, granted: true } = note.event {
                self.counted += u64::from(Some(voter) != step.node);
            }
        }
    }

    /// Records which node a node voted for.
    fn count_vote(&mut self, node: Option<NodeId>, event: &Event) {
        if let (Some(node), Event::VoteChanged { to, .. }) = (node, event) {
            match to {
                Some(to) => self.votes.insert(node, *to),
                None => self.votes.remove(&node),
            };
        }
    }

    /// Names the function to read first: that of the first link that does not hold.
    pub(crate) fn breaks_at(&self) -> &'static str {
        let followers = (self.nodes.len() as u64).saturating_sub(1).max(1);
        if self.elections == 0 {
            "Core::tick_election"
        } else if self.requests == 0 {
            "Raft::ask_for_votes"
        } else if self.wrongly_old > 0 {
            "Raft::update_term"
        } else if self.granted + self.refused == 0 {
            "Core::on_request_vote"
        } else if self.kept > self.granted {
            "Raft::become_follower"
        } else if self.granted == 0 {
            "Core::decide_vote"
        } else if self.won == 0 {
            "Core::on_vote_reply"
        } else if self.words == 0 {
            "Core::bcast_heartbeat"
        } else if self.words < self.ticks * followers / 3 {
            "Core::tick_heartbeat"
        } else {
            "Raft::recognize_leader"
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Chain { ticks, requests, granted, refused, counted: heard, won, words, .. } = self;
        write!(f, "{}, {}, ", counted(*ticks, "tick"), counted(self.elections, "election"))?;
        write!(f, "{} arrived, {granted} granted, ", counted(*requests, "request"))?;
        write!(f, "{refused} refused, {heard} yes counted, {won} won, ")?;
        write!(f, "{} of leaders arrived", counted(*words, "message"))
    }
}
