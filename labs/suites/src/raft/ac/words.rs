//! What the tests send to a node: messages of peers that the test plays, and entries.
//!
//! ```text
//!   append(N2, 1, at(0, 0), &[(1, "a")], 0)   n2->n1 AppendEntries t1 prev=0@0 [1@1 "a"] commit=0
//!   beat(N2, 1, 1)                            n2->n1 Heartbeat t1 commit=1
//!   ack(N2, 1, 1)                             n2->n1 AppendReply t1 matched=1
//! ```
//!
//! The node is always n1.

use bytes::Bytes;
use raft::{
    AppendOutcome, Body, Entry, EntryId, Index, Message, NodeId, Payload, Session, Term,
    VoteRequest,
};

pub(super) const N1: NodeId = NodeId(1);
pub(super) const N2: NodeId = NodeId(2);
pub(super) const N3: NodeId = NodeId(3);

fn message(from: NodeId, term: u64, body: Body) -> Message {
    Message { from, to: N1, term: Some(Term(term)), body }
}

/// Returns an entry id: `at(3, 2)` is 3@2.
pub(super) fn at(index: u64, term: u64) -> EntryId {
    EntryId { term: Term(term), index: Index(index) }
}

/// A candidate with an empty log asks.
pub(super) fn ask(from: NodeId, term: u64) -> Message {
    ask_with(from, term, EntryId::default())
}

/// A candidate whose log ends in `last` asks.
pub(super) fn ask_with(from: NodeId, term: u64, last: EntryId) -> Message {
    message(from, term, Body::RequestVote(VoteRequest { last, transfer: false }))
}

/// A voter grants its vote.
pub(super) fn yes(from: NodeId, term: u64) -> Message {
    message(from, term, Body::VoteReply { granted: true })
}

/// A voter refuses.
pub(super) fn no(from: NodeId, term: u64) -> Message {
    message(from, term, Body::VoteReply { granted: false })
}

/// A leader of `term` sends entries after `prev`, each with its term and its content, and its commit
/// index.
pub(super) fn append(
    from: NodeId,
    term: u64,
    prev: EntryId,
    entries: &[(u64, &str)],
    commit: u64,
) -> Message {
    let place = |(behind, (term, text)): (u64, &(u64, &str))| {
        let payload = Payload::Normal(Bytes::from(text.as_bytes().to_vec()));
        Entry::unplaced(payload).at(at(prev.index.0 + 1 + behind, *term))
    };
    let entries = (0..).zip(entries).map(place).collect();
    let (commit, session) = (Index(commit), Session::default());
    message(from, term, Body::AppendEntries { prev, entries, commit, session })
}

/// A leader sends a heartbeat with its commit index.
pub(super) fn beat(from: NodeId, term: u64, commit: u64) -> Message {
    let (commit, token, session) = (Index(commit), None, Session::default());
    message(from, term, Body::Heartbeat { commit, token, session })
}

/// A follower acknowledges everything up to `index`.
pub(super) fn ack(from: NodeId, term: u64, index: u64) -> Message {
    let (outcome, session) = (AppendOutcome::Matched(Index(index)), Some(Session::default()));
    message(from, term, Body::AppendReply { outcome, session })
}

/// Writes entries in short: `2@1 3@1`, or `nothing`.
pub(super) fn names(entries: &[Entry]) -> String {
    let names: Vec<String> = entries.iter().map(|entry| entry.id.to_string()).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(" ") }
}

/// Writes a message in short: `granted t1`, `AppendReply t1 matched=1`.
pub(super) fn label(message: &Message) -> String {
    let text = message.to_string();
    text.split_once(' ').map_or(text.clone(), |(_, said)| said.to_owned())
}
