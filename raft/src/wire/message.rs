//! A message: the envelope, and each of the bodies (Fig. 2; thesis §3.10, §6.4, §9.6).
//!
//! ```text
//!   message   from  to  term:optional  body
//!   body      kind, then its fields in the order in which the body declares them
//! ```
//!
//! Invariant: a kind has one number, from 1, and a number is never used again for something else. `match`
//! on a body lists every field, so that a new one breaks the build here.

use super::entry::{read_id, read_list, read_optional_id, write_id, write_list, write_optional_id};
use super::input::Input;
use super::output::Output;
use super::state::{read_snapshot, write_snapshot};
use crate::error::WireError;
use crate::message::{
    AppendOutcome, Body, Message, Priority, ReadAttempt, ReadDropped, ReadToken, Session,
    VoteRequest,
};
use crate::types::{Index, NodeId, Term};

/// The first byte of each body.
mod kind {
    pub(super) const REQUEST_PRE_VOTE: u8 = 1;
    pub(super) const PRE_VOTE_REPLY: u8 = 2;
    pub(super) const REQUEST_VOTE: u8 = 3;
    pub(super) const VOTE_REPLY: u8 = 4;
    pub(super) const APPEND_ENTRIES: u8 = 5;
    pub(super) const APPEND_REPLY: u8 = 6;
    pub(super) const INSTALL_SNAPSHOT: u8 = 7;
    pub(super) const HEARTBEAT: u8 = 8;
    pub(super) const HEARTBEAT_REPLY: u8 = 9;
    pub(super) const PROPOSE: u8 = 10;
    pub(super) const TRANSFER_LEADER: u8 = 11;
    pub(super) const TIMEOUT_NOW: u8 = 12;
    pub(super) const READ_INDEX: u8 = 13;
    pub(super) const READ_INDEX_REPLY: u8 = 14;
}

/// Writes envelope and body.
pub(super) fn write(to: &mut impl Output, message: &Message) {
    let Message { from, to: receiver, term, body } = message;
    to.number(from.0);
    to.number(receiver.0);
    to.optional(term.map(|term| term.0));
    write_body(to, body);
}

/// Reads envelope and body.
pub(super) fn read(input: &mut Input) -> Result<Message, WireError> {
    let from = NodeId(input.number("from")?);
    let to = NodeId(input.number("to")?);
    let term = input.optional("term")?.map(Term);
    let body = read_body(input)?;
    Ok(Message { from, to, term, body })
}

fn write_body(to: &mut impl Output, body: &Body) {
    match body {
        Body::RequestPreVote(ask) => {
            to.byte(kind::REQUEST_PRE_VOTE);
            write_ask(to, ask);
        }
        Body::PreVoteReply { granted, commit } => {
            to.byte(kind::PRE_VOTE_REPLY);
            to.flag(*granted);
            write_optional_id(to, *commit);
        }
        Body::RequestVote(ask) => {
            to.byte(kind::REQUEST_VOTE);
            write_ask(to, ask);
        }
        Body::VoteReply { granted, commit } => {
            to.byte(kind::VOTE_REPLY);
            to.flag(*granted);
            write_optional_id(to, *commit);
        }
        Body::AppendEntries { prev, entries, commit, session } => {
            to.byte(kind::APPEND_ENTRIES);
            write_id(to, *prev);
            write_list(to, entries);
            to.number(commit.0);
            to.number(session.0);
        }
        Body::AppendReply { outcome, session } => {
            to.byte(kind::APPEND_REPLY);
            write_append_outcome(to, outcome);
            to.optional(session.map(|session| session.0));
        }
        Body::InstallSnapshot { snapshot, session } => {
            to.byte(kind::INSTALL_SNAPSHOT);
            write_snapshot(to, snapshot);
            to.number(session.0);
        }
        Body::Heartbeat { commit, token, session } => {
            to.byte(kind::HEARTBEAT);
            to.number(commit.0);
            to.optional(token.map(|token| token.0));
            to.number(session.0);
        }
        Body::HeartbeatReply { token, session } => {
            to.byte(kind::HEARTBEAT_REPLY);
            to.optional(token.map(|token| token.0));
            to.number(session.0);
        }
        Body::Propose { entries } => {
            to.byte(kind::PROPOSE);
            write_list(to, entries);
        }
        Body::TransferLeader { target } => {
            to.byte(kind::TRANSFER_LEADER);
            to.number(target.0);
        }
        Body::TimeoutNow { last } => {
            to.byte(kind::TIMEOUT_NOW);
            write_id(to, *last);
        }
        Body::ReadIndex { attempt, context } => {
            to.byte(kind::READ_INDEX);
            to.number(attempt.0);
            to.bytes_with_length(context);
        }
        Body::ReadIndexReply { attempt, context, outcome } => {
            to.byte(kind::READ_INDEX_REPLY);
            to.number(attempt.0);
            to.bytes_with_length(context);
            write_read_outcome(to, outcome);
        }
    }
}

fn read_body(from: &mut Input) -> Result<Body, WireError> {
    let body = match from.byte("body")? {
        kind::REQUEST_PRE_VOTE => Body::RequestPreVote(read_ask(from)?),
        kind::PRE_VOTE_REPLY => Body::PreVoteReply {
            granted: from.flag("granted")?,
            commit: read_optional_id(from, "commit")?,
        },
        kind::REQUEST_VOTE => Body::RequestVote(read_ask(from)?),
        kind::VOTE_REPLY => Body::VoteReply {
            granted: from.flag("granted")?,
            commit: read_optional_id(from, "commit")?,
        },
        kind::APPEND_ENTRIES => Body::AppendEntries {
            prev: read_id(from, "prev")?,
            entries: read_list(from)?,
            commit: Index(from.number("commit")?),
            session: read_session(from)?,
        },
        kind::APPEND_REPLY => Body::AppendReply {
            outcome: read_append_outcome(from)?,
            session: from.optional("session")?.map(Session),
        },
        kind::INSTALL_SNAPSHOT => Body::InstallSnapshot {
            snapshot: Box::new(read_snapshot(from)?),
            session: read_session(from)?,
        },
        kind::HEARTBEAT => Body::Heartbeat {
            commit: Index(from.number("commit")?),
            token: from.optional("token")?.map(ReadToken),
            session: read_session(from)?,
        },
        kind::HEARTBEAT_REPLY => Body::HeartbeatReply {
            token: from.optional("token")?.map(ReadToken),
            session: read_session(from)?,
        },
        kind::PROPOSE => Body::Propose { entries: read_list(from)? },
        kind::TRANSFER_LEADER => Body::TransferLeader { target: NodeId(from.number("target")?) },
        kind::TIMEOUT_NOW => Body::TimeoutNow { last: read_id(from, "last")? },
        kind::READ_INDEX => Body::ReadIndex {
            attempt: ReadAttempt(from.number("attempt")?),
            context: from.bytes("context")?,
        },
        kind::READ_INDEX_REPLY => Body::ReadIndexReply {
            attempt: ReadAttempt(from.number("attempt")?),
            context: from.bytes("context")?,
            outcome: read_read_outcome(from)?,
        },
        found => return Err(from.unknown_kind("body", found)),
    };
    Ok(body)
}

fn read_session(from: &mut Input) -> Result<Session, WireError> {
    from.number("session").map(Session)
}

fn write_ask(to: &mut impl Output, ask: &VoteRequest) {
    let VoteRequest { last, transfer, commit, priority } = ask;
    write_id(to, *last);
    to.flag(*transfer);
    write_optional_id(to, *commit);
    to.number(priority.0);
}

fn read_ask(from: &mut Input) -> Result<VoteRequest, WireError> {
    Ok(VoteRequest {
        last: read_id(from, "last")?,
        transfer: from.flag("transfer")?,
        commit: read_optional_id(from, "commit")?,
        priority: Priority(from.number("priority")?),
    })
}

fn write_append_outcome(to: &mut impl Output, outcome: &AppendOutcome) {
    match outcome {
        AppendOutcome::Matched(index) => {
            to.byte(1);
            to.number(index.0);
        }
        AppendOutcome::Rejected { prev, hint, hint_term } => {
            to.byte(2);
            to.number(prev.0);
            to.number(hint.0);
            to.optional(hint_term.map(|term| term.0));
        }
        AppendOutcome::NewerTerm => to.byte(3),
        AppendOutcome::SnapshotWanted { at_least } => {
            to.byte(4);
            to.number(at_least.0);
        }
    }
}

fn read_append_outcome(from: &mut Input) -> Result<AppendOutcome, WireError> {
    match from.byte("outcome")? {
        1 => Ok(AppendOutcome::Matched(Index(from.number("matched")?))),
        2 => Ok(AppendOutcome::Rejected {
            prev: Index(from.number("prev")?),
            hint: Index(from.number("hint")?),
            hint_term: from.optional("hint_term")?.map(Term),
        }),
        3 => Ok(AppendOutcome::NewerTerm),
        4 => Ok(AppendOutcome::SnapshotWanted { at_least: Index(from.number("at_least")?) }),
        found => Err(from.unknown_kind("outcome", found)),
    }
}

fn write_read_outcome(to: &mut impl Output, outcome: &Result<Index, ReadDropped>) {
    match outcome {
        Ok(index) => {
            to.byte(1);
            to.number(index.0);
        }
        Err(ReadDropped::NoLeader) => to.byte(2),
        Err(ReadDropped::SteppedDown) => to.byte(3),
        Err(ReadDropped::TimedOut) => to.byte(4),
        Err(ReadDropped::TooMany) => to.byte(5),
    }
}

fn read_read_outcome(from: &mut Input) -> Result<Result<Index, ReadDropped>, WireError> {
    let dropped = match from.byte("outcome")? {
        1 => return Ok(Ok(Index(from.number("index")?))),
        2 => ReadDropped::NoLeader,
        3 => ReadDropped::SteppedDown,
        4 => ReadDropped::TimedOut,
        5 => ReadDropped::TooMany,
        found => return Err(from.unknown_kind("outcome", found)),
    };
    Ok(Err(dropped))
}
