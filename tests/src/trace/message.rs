//! Messages as a trace writes them.
//!
//! ```text
//!   {"from":1,"to":2,"term":3,"kind":"RequestVote","body":{"last":"4@1","transfer":false}}
//! ```
//!
//! A trace names a message in flight by its number. It writes the whole message when it is sent, and when
//! a test made it.

use crate::network::Flight;
use crate::trace::entry::{Hex, RecordedEntry, RecordedEntryId, RecordedSnapshot};
use raft::{
    AppendOutcome, Body, Entry, Index, Message, NodeId, ReadDropped, ReadToken, Session, Term,
    VoteRequest,
};
use serde::{Deserialize, Serialize};

/// A message in flight: [`Flight`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// Its number.
    pub id: u64,
    /// The message.
    #[serde(flatten)]
    pub message: RecordedMessage,
    /// The message in words: `n1->n2 RequestVote t3 last=4@1`.
    pub text: String,
}

/// A message: [`Message`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordedMessage {
    /// The sender.
    pub from: u64,
    /// The receiver.
    pub to: u64,
    /// The sender's term, if this kind of message has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
    /// The message.
    #[serde(flatten)]
    pub body: RecordedBody,
}

/// The body: [`Body`] documents every variant and field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body")]
#[expect(missing_docs, reason = "raft::Body documents every one of them")]
pub enum RecordedBody {
    RequestPreVote(Ask),
    PreVoteReply { granted: bool },
    RequestVote(Ask),
    VoteReply { granted: bool },
    AppendEntries { prev: RecordedEntryId, entries: Vec<RecordedEntry>, commit: u64, session: u64 },
    AppendReply { outcome: Appended, session: Option<u64> },
    InstallSnapshot { snapshot: RecordedSnapshot, session: u64 },
    Heartbeat { commit: u64, token: Option<u64>, session: u64 },
    HeartbeatReply { token: Option<u64>, session: u64 },
    Propose { entries: Vec<RecordedEntry> },
    TransferLeader { target: u64 },
    TimeoutNow,
    ReadIndex { context: Hex },
    ReadIndexReply { context: Hex, outcome: Read },
}

/// A candidate's request: [`VoteRequest`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ask {
    /// The last entry of the candidate's log.
    pub last: RecordedEntryId,
    /// Whether the old leader requested this election.
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
        let message = RecordedMessage::from(&flight.message);
        Sent { id: flight.id, message, text: flight.message.to_string() }
    }
}

impl From<&Message> for RecordedMessage {
    fn from(message: &Message) -> Self {
        RecordedMessage {
            from: message.from.0,
            to: message.to.0,
            term: message.term.map(|term| term.0),
            body: RecordedBody::from(&message.body),
        }
    }
}

impl From<&Body> for RecordedBody {
    fn from(body: &Body) -> Self {
        let ask =
            |ask: &VoteRequest| Ask { last: RecordedEntryId(ask.last), transfer: ask.transfer };
        let written = |entries: &[Entry]| entries.iter().map(RecordedEntry::from).collect();
        let number = |token: Option<ReadToken>| token.map(|token| token.0);
        match body {
            Body::RequestPreVote(request) => RecordedBody::RequestPreVote(ask(request)),
            Body::PreVoteReply { granted } => RecordedBody::PreVoteReply { granted: *granted },
            Body::RequestVote(request) => RecordedBody::RequestVote(ask(request)),
            Body::VoteReply { granted } => RecordedBody::VoteReply { granted: *granted },
            Body::AppendEntries { prev, entries, commit, session } => RecordedBody::AppendEntries {
                prev: RecordedEntryId(*prev),
                entries: written(entries),
                commit: commit.0,
                session: session.0,
            },
            Body::AppendReply { outcome, session } => RecordedBody::AppendReply {
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
            Body::InstallSnapshot { snapshot, session } => RecordedBody::InstallSnapshot {
                snapshot: RecordedSnapshot::from(snapshot.as_ref()),
                session: session.0,
            },
            Body::Heartbeat { commit, token, session } => RecordedBody::Heartbeat {
                commit: commit.0,
                token: number(*token),
                session: session.0,
            },
            Body::HeartbeatReply { token, session } => {
                RecordedBody::HeartbeatReply { token: number(*token), session: session.0 }
            }
            Body::Propose { entries } => RecordedBody::Propose { entries: written(entries) },
            Body::TransferLeader { target } => RecordedBody::TransferLeader { target: target.0 },
            Body::TimeoutNow => RecordedBody::TimeoutNow,
            Body::ReadIndex { context } => {
                RecordedBody::ReadIndex { context: Hex(context.clone()) }
            }
            Body::ReadIndexReply { context, outcome } => RecordedBody::ReadIndexReply {
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

// To raft.

impl From<RecordedMessage> for Message {
    fn from(spoken: RecordedMessage) -> Self {
        Message {
            from: NodeId(spoken.from),
            to: NodeId(spoken.to),
            term: spoken.term.map(Term),
            body: spoken.body.into(),
        }
    }
}

impl From<RecordedBody> for Body {
    fn from(said: RecordedBody) -> Self {
        let request = |ask: Ask| VoteRequest { last: ask.last.0, transfer: ask.transfer };
        let entries = |written: Vec<RecordedEntry>| written.into_iter().map(Entry::from).collect();
        match said {
            RecordedBody::RequestPreVote(ask) => Body::RequestPreVote(request(ask)),
            RecordedBody::PreVoteReply { granted } => Body::PreVoteReply { granted },
            RecordedBody::RequestVote(ask) => Body::RequestVote(request(ask)),
            RecordedBody::VoteReply { granted } => Body::VoteReply { granted },
            RecordedBody::AppendEntries { prev, entries: written, commit, session } => {
                Body::AppendEntries {
                    prev: prev.0,
                    entries: entries(written),
                    commit: Index(commit),
                    session: Session(session),
                }
            }
            RecordedBody::AppendReply { outcome, session } => Body::AppendReply {
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
            RecordedBody::InstallSnapshot { snapshot, session } => Body::InstallSnapshot {
                snapshot: Box::new(snapshot.into()),
                session: Session(session),
            },
            RecordedBody::Heartbeat { commit, token, session } => Body::Heartbeat {
                commit: Index(commit),
                token: token.map(ReadToken),
                session: Session(session),
            },
            RecordedBody::HeartbeatReply { token, session } => {
                Body::HeartbeatReply { token: token.map(ReadToken), session: Session(session) }
            }
            RecordedBody::Propose { entries: written } => {
                Body::Propose { entries: entries(written) }
            }
            RecordedBody::TransferLeader { target } => {
                Body::TransferLeader { target: NodeId(target) }
            }
            RecordedBody::TimeoutNow => Body::TimeoutNow,
            RecordedBody::ReadIndex { context } => Body::ReadIndex { context: context.0 },
            RecordedBody::ReadIndexReply { context, outcome } => Body::ReadIndexReply {
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
