//! Messages as a trace writes them.
//!
//! ```text
//!   {"from":1,"to":2,"term":3,"kind":"RequestVote","body":{"last":"4@1","transfer":false}}
//! ```
//!
//! A trace names a message that is under way by the number of its flight; it writes one out where it
//! leaves, and where somebody made it by hand.

use crate::network::Flight;
use crate::trace::entry::{Hex, Image, Place, Written};
use raft::{
    AppendOutcome, Body, Entry, Index, Message, NodeId, ReadDropped, ReadToken, Session, Term,
    VoteRequest,
};
use serde::{Deserialize, Serialize};

/// A message under way: [`Flight`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// The number of its flight.
    pub id: u64,
    /// What is said.
    #[serde(flatten)]
    pub message: Spoken,
    /// The same for people: `n1->n2 RequestVote t3 last=4@1`.
    pub text: String,
}

/// A message: [`Message`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Spoken {
    /// Who says it.
    pub from: u64,
    /// To whom.
    pub to: u64,
    /// The sender's term, where the kind has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
    /// What is said.
    #[serde(flatten)]
    pub body: Said,
}

/// What is said: [`Body`], which documents every variant and field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body")]
#[expect(missing_docs, reason = "raft::Body documents every one of them")]
pub enum Said {
    RequestPreVote(Ask),
    PreVoteReply { granted: bool },
    RequestVote(Ask),
    VoteReply { granted: bool },
    AppendEntries { prev: Place, entries: Vec<Written>, commit: u64, session: u64 },
    AppendReply { outcome: Appended, session: Option<u64> },
    InstallSnapshot { snapshot: Image, session: u64 },
    Heartbeat { commit: u64, token: Option<u64>, session: u64 },
    HeartbeatReply { token: Option<u64>, session: u64 },
    Propose { entries: Vec<Written> },
    TransferLeader { target: u64 },
    TimeoutNow,
    ReadIndex { context: Hex },
    ReadIndexReply { context: Hex, outcome: Read },
}

/// A candidate's question: [`VoteRequest`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ask {
    /// The last entry of the candidate's log.
    pub last: Place,
    /// Whether the old leader itself asked for this election.
    pub transfer: bool,
}

/// A follower's answer to an append: [`AppendOutcome`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "raft::AppendOutcome documents every one of them")]
pub enum Appended {
    Matched(u64),
    Rejected { prev: u64, hint: u64, hint_term: Option<u64> },
    NewerTerm,
}

/// How a read ended: an index, or a [`ReadDropped`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "raft::ReadDropped documents every one of them")]
pub enum Read {
    Index(u64),
    NoLeader,
    SteppedDown,
    TimedOut,
}

// From raft.

impl From<&Flight> for Sent {
    fn from(flight: &Flight) -> Self {
        let message = Spoken::from(&flight.message);
        Sent { id: flight.id, message, text: flight.message.to_string() }
    }
}

impl From<&Message> for Spoken {
    fn from(message: &Message) -> Self {
        Spoken {
            from: message.from.0,
            to: message.to.0,
            term: message.term.map(|term| term.0),
            body: Said::from(&message.body),
        }
    }
}

impl From<&Body> for Said {
    fn from(body: &Body) -> Self {
        let ask = |ask: &VoteRequest| Ask { last: Place(ask.last), transfer: ask.transfer };
        let written = |entries: &[Entry]| entries.iter().map(Written::from).collect();
        let number = |token: Option<ReadToken>| token.map(|token| token.0);
        match body {
            Body::RequestPreVote(request) => Said::RequestPreVote(ask(request)),
            Body::PreVoteReply { granted } => Said::PreVoteReply { granted: *granted },
            Body::RequestVote(request) => Said::RequestVote(ask(request)),
            Body::VoteReply { granted } => Said::VoteReply { granted: *granted },
            Body::AppendEntries { prev, entries, commit, session } => Said::AppendEntries {
                prev: Place(*prev),
                entries: written(entries),
                commit: commit.0,
                session: session.0,
            },
            Body::AppendReply { outcome, session } => Said::AppendReply {
                outcome: match outcome {
                    AppendOutcome::Matched(index) => Appended::Matched(index.0),
                    AppendOutcome::Rejected { prev, hint, hint_term } => Appended::Rejected {
                        prev: prev.0,
                        hint: hint.0,
                        hint_term: hint_term.map(|term| term.0),
                    },
                    AppendOutcome::NewerTerm => Appended::NewerTerm,
                },
                session: session.map(|session| session.0),
            },
            Body::InstallSnapshot { snapshot, session } => Said::InstallSnapshot {
                snapshot: Image::from(snapshot.as_ref()),
                session: session.0,
            },
            Body::Heartbeat { commit, token, session } => {
                Said::Heartbeat { commit: commit.0, token: number(*token), session: session.0 }
            }
            Body::HeartbeatReply { token, session } => {
                Said::HeartbeatReply { token: number(*token), session: session.0 }
            }
            Body::Propose { entries } => Said::Propose { entries: written(entries) },
            Body::TransferLeader { target } => Said::TransferLeader { target: target.0 },
            Body::TimeoutNow => Said::TimeoutNow,
            Body::ReadIndex { context } => Said::ReadIndex { context: Hex(context.clone()) },
            Body::ReadIndexReply { context, outcome } => Said::ReadIndexReply {
                context: Hex(context.clone()),
                outcome: match outcome {
                    Ok(index) => Read::Index(index.0),
                    Err(ReadDropped::NoLeader) => Read::NoLeader,
                    Err(ReadDropped::SteppedDown) => Read::SteppedDown,
                    Err(ReadDropped::TimedOut) => Read::TimedOut,
                },
            },
        }
    }
}

// And back.

impl From<Spoken> for Message {
    fn from(spoken: Spoken) -> Self {
        Message {
            from: NodeId(spoken.from),
            to: NodeId(spoken.to),
            term: spoken.term.map(Term),
            body: spoken.body.into(),
        }
    }
}

impl From<Said> for Body {
    fn from(said: Said) -> Self {
        let request = |ask: Ask| VoteRequest { last: ask.last.0, transfer: ask.transfer };
        let entries = |written: Vec<Written>| written.into_iter().map(Entry::from).collect();
        match said {
            Said::RequestPreVote(ask) => Body::RequestPreVote(request(ask)),
            Said::PreVoteReply { granted } => Body::PreVoteReply { granted },
            Said::RequestVote(ask) => Body::RequestVote(request(ask)),
            Said::VoteReply { granted } => Body::VoteReply { granted },
            Said::AppendEntries { prev, entries: written, commit, session } => {
                Body::AppendEntries {
                    prev: prev.0,
                    entries: entries(written),
                    commit: Index(commit),
                    session: Session(session),
                }
            }
            Said::AppendReply { outcome, session } => Body::AppendReply {
                outcome: match outcome {
                    Appended::Matched(index) => AppendOutcome::Matched(Index(index)),
                    Appended::Rejected { prev, hint, hint_term } => AppendOutcome::Rejected {
                        prev: Index(prev),
                        hint: Index(hint),
                        hint_term: hint_term.map(Term),
                    },
                    Appended::NewerTerm => AppendOutcome::NewerTerm,
                },
                session: session.map(Session),
            },
            Said::InstallSnapshot { snapshot, session } => Body::InstallSnapshot {
                snapshot: Box::new(snapshot.into()),
                session: Session(session),
            },
            Said::Heartbeat { commit, token, session } => Body::Heartbeat {
                commit: Index(commit),
                token: token.map(ReadToken),
                session: Session(session),
            },
            Said::HeartbeatReply { token, session } => {
                Body::HeartbeatReply { token: token.map(ReadToken), session: Session(session) }
            }
            Said::Propose { entries: written } => Body::Propose { entries: entries(written) },
            Said::TransferLeader { target } => Body::TransferLeader { target: NodeId(target) },
            Said::TimeoutNow => Body::TimeoutNow,
            Said::ReadIndex { context } => Body::ReadIndex { context: context.0 },
            Said::ReadIndexReply { context, outcome } => Body::ReadIndexReply {
                context: context.0,
                outcome: match outcome {
                    Read::Index(index) => Ok(Index(index)),
                    Read::NoLeader => Err(ReadDropped::NoLeader),
                    Read::SteppedDown => Err(ReadDropped::SteppedDown),
                    Read::TimedOut => Err(ReadDropped::TimedOut),
                },
            },
        }
    }
}
