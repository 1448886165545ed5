//! What the tests send to a node: a peer that the test plays, and its messages.
//!
//! ```text
//!   ask(N2, N1, 5)            n2->n1 RequestVote t5
//!   answer(N2, N1, 5, Yes)    n2->n1 VoteReply t5 granted
//!   beat(N2, N1, 5)           n2->n1 Heartbeat t5
//! ```

use raft::{
    AppendOutcome, Body, EntryId, Index, Message, NodeId, ReadToken, Session, Term, VoteRequest,
};
use std::fmt;

pub(crate) const N1: NodeId = NodeId(1);
pub(crate) const N2: NodeId = NodeId(2);
pub(crate) const N3: NodeId = NodeId(3);
pub(crate) const N4: NodeId = NodeId(4);
pub(crate) const N5: NodeId = NodeId(5);

/// What a voter answers a candidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    /// The vote is granted.
    Yes,
    /// It is refused.
    No,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Said::Yes => "granted",
            Said::No => "refused",
        })
    }
}

fn message(from: NodeId, to: NodeId, term: u64, body: Body) -> Message {
    Message { from, to, term: Some(Term(term)), body }
}

/// A candidate with an empty log asks.
pub(crate) fn ask(from: NodeId, to: NodeId, term: u64) -> Message {
    ask_with(from, to, term, EntryId::default())
}

/// A candidate whose log ends in `last` asks.
pub(crate) fn ask_with(from: NodeId, to: NodeId, term: u64, last: EntryId) -> Message {
    message(from, to, term, Body::RequestVote(VoteRequest { last, transfer: false }))
}

/// A candidate asks. Its log holds all that a leader of term 3 can have written.
pub(super) fn ask_with_long_log(from: NodeId, to: NodeId, term: u64) -> Message {
    ask_with(from, to, term, EntryId { term: Term(3), index: Index(9) })
}

/// A voter answers.
pub(crate) fn answer(from: NodeId, to: NodeId, term: u64, said: Said) -> Message {
    message(from, to, term, Body::VoteReply { granted: said == Said::Yes })
}

/// A leader sends a heartbeat.
pub(crate) fn beat(from: NodeId, to: NodeId, term: u64) -> Message {
    let (commit, token, session) = (Index(0), None, Session::default());
    message(from, to, term, Body::Heartbeat { commit, token, session })
}

/// A leader sends a heartbeat, with a token and session that the answer must carry.
pub(crate) fn marked_beat(from: NodeId, to: NodeId, term: u64) -> Message {
    let (commit, token, session) = (Index(0), Some(ReadToken(7)), Session(2));
    message(from, to, term, Body::Heartbeat { commit, token, session })
}

/// A follower answers a heartbeat.
pub(crate) fn beat_reply(from: NodeId, to: NodeId, term: u64) -> Message {
    let (token, session) = (None, Session::default());
    message(from, to, term, Body::HeartbeatReply { token, session })
}

/// A leader with an empty log sends an append without entries.
pub(crate) fn append(from: NodeId, to: NodeId, term: u64) -> Message {
    let (prev, entries) = (EntryId::default(), Vec::new());
    let (commit, session) = (Index(0), Session::default());
    message(from, to, term, Body::AppendEntries { prev, entries, commit, session })
}

/// A node tells a leader that its term is over.
pub(crate) fn term_is_over(from: NodeId, to: NodeId, term: u64) -> Message {
    message(from, to, term, Body::AppendReply { outcome: AppendOutcome::NewerTerm, session: None })
}
