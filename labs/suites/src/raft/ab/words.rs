//! What the tests send to a node about logs.
//!
//! ```text
//!   logged(&[1, 1, 2])                        1@1 2@1 3@2, each with a command of its own
//!   sends(N2, N1, 3, at(3, 2), &[3], 1)       n2->n1 AppendEntries t3 prev=3@2 [4@3] commit=1
//!   matched(N2, N1, 3, 4)                     n2->n1 AppendReply t3 matched=4
//! ```
//!
//! An entry's command is a function of its id, so that two entries with one id are one entry.

use bytes::Bytes;
use raft::{
    AppendOutcome, Body, Entry, EntryId, HardState, Index, Message, NodeId, Payload, Session, Term,
};
use testbed::Setup;

pub(super) use crate::raft::aa::words::{N1, N2, N3, N4, N5, Said, answer, ask_with};

/// Returns an id: `at(3, 2)` is 3@2.
pub(super) fn at(index: u64, term: u64) -> EntryId {
    EntryId { index: Index(index), term: Term(term) }
}

/// Returns the entry with this id.
pub(super) fn entry(id: EntryId) -> Entry {
    let payload = Payload::Normal(Bytes::from(format!("x={id}")));
    Entry::unplaced(payload).at(id)
}

/// Returns entries of these terms after `prev`.
pub(super) fn behind(prev: Index, terms: &[u64]) -> Vec<Entry> {
    let places = (prev.0 + 1..).zip(terms);
    places.map(|(index, &term)| entry(at(index, term))).collect()
}

/// Returns a log of these terms.
pub(super) fn logged(terms: &[u64]) -> Vec<Entry> {
    behind(Index(0), terms)
}

/// Returns a setup in which `id` holds a log of these terms with this commit index, and is in the term
/// of its last entry.
pub(super) fn holding(mut setup: Setup, id: NodeId, terms: &[u64], commit: u64) -> Setup {
    let seat = setup.nodes.iter_mut().find(|(config, _)| config.id == id);
    let (_, storage) = seat.expect("a node of this setup");
    storage.append(logged(terms));
    let last = Term(terms.last().copied().unwrap_or(0));
    let before = storage.hard_state();
    let term = before.term.max(last);
    storage.save(HardState { term, commit: Index(commit), ..before });
    setup
}

fn message(from: NodeId, to: NodeId, term: u64, body: Body) -> Message {
    Message { from, to, term: Some(Term(term)), body }
}

/// A leader sends entries of these terms after `prev`.
pub(super) fn sends(
    from: NodeId,
    to: NodeId,
    term: u64,
    prev: EntryId,
    terms: &[u64],
    commit: u64,
) -> Message {
    let (entries, commit) = (behind(prev.index, terms), Index(commit));
    let session = Session::default();
    message(from, to, term, Body::AppendEntries { prev, entries, commit, session })
}

/// A leader's heartbeat, with its commit index.
pub(super) fn beat_with(from: NodeId, to: NodeId, term: u64, commit: u64) -> Message {
    let (commit, token, session) = (Index(commit), None, Session::default());
    message(from, to, term, Body::Heartbeat { commit, token, session })
}

fn reply(from: NodeId, to: NodeId, term: u64, outcome: AppendOutcome) -> Message {
    let session = Some(Session::default());
    message(from, to, term, Body::AppendReply { outcome, session })
}

/// A follower acknowledges its log up to `index`.
pub(super) fn matched(from: NodeId, to: NodeId, term: u64, index: u64) -> Message {
    reply(from, to, term, AppendOutcome::Matched(Index(index)))
}

/// A follower lacks the entry at `prev`, and has no entry after `hint`.
pub(super) fn rejected(from: NodeId, to: NodeId, term: u64, prev: u64, hint: EntryId) -> Message {
    let (prev, hint_term) = (Index(prev), Some(hint.term));
    reply(from, to, term, AppendOutcome::Rejected { prev, hint: hint.index, hint_term })
}
