//! What the tests send to a node: peers that the test plays, their messages, and logs.
//!
//! ```text
//!   ask(N2, N1, 5)                          n2->n1 RequestVote t5
//!   answer(N2, N1, 5, Said::Yes)            n2->n1 VoteReply t5 granted
//!   beat(N2, N1, 5)                         n2->n1 Heartbeat t5
//!   logged(&[1, 1, 2])                      1@1 2@1 3@2, each with a command of its own
//!   sends(N2, N1, 3, at(3, 2), &[3], 1)     n2->n1 AppendEntries t3 prev=3@2 [4@3] commit=1
//!   matched(N2, N1, 3, 4)                   n2->n1 AppendReply t3 matched=4
//! ```
//!
//! An entry's command is a function of its id, so that two entries with one id are one entry.

use bytes::Bytes;
use raft::{
    AppendOutcome, Body, Entry, EntryId, HardState, Index, Message, NodeId, Payload, ReadToken,
    Session, Term, VoteRequest,
};
use std::fmt;
use testbed::Setup;

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

// Logs and disks.

/// Returns an id: `at(3, 2)` is 3@2.
pub(crate) fn at(index: u64, term: u64) -> EntryId {
    EntryId { index: Index(index), term: Term(term) }
}

/// Returns entries of these terms after `prev`.
pub(crate) fn behind(prev: Index, terms: &[u64]) -> Vec<Entry> {
    let entry = |id| Entry::unplaced(Payload::Normal(Bytes::from(format!("x={id}")))).at(id);
    (prev.0 + 1..).zip(terms).map(|(index, &term)| entry(at(index, term))).collect()
}

/// Returns a log of these terms.
pub(crate) fn logged(terms: &[u64]) -> Vec<Entry> {
    behind(Index(0), terms)
}

/// Returns a setup in which `id` holds a log of these terms with this commit index, and is in the term
/// of its last entry.
pub(crate) fn holding(mut setup: Setup, id: NodeId, terms: &[u64], commit: u64) -> Setup {
    let seat = setup.nodes.iter_mut().find(|(config, _)| config.id == id);
    let (_, storage) = seat.expect("a node of this setup");
    storage.append(logged(terms));
    let last = Term(terms.last().copied().unwrap_or(0));
    let before = storage.hard_state();
    let term = before.term.max(last);
    storage.save(HardState { term, commit: Index(commit), ..before });
    setup
}

/// Returns a setup in which `id` has a term and a vote on its disk.
pub(crate) fn remembering(mut setup: Setup, id: NodeId, term: u64, vote: Option<NodeId>) -> Setup {
    for (config, storage) in &mut setup.nodes {
        if config.id == id {
            storage.save(HardState { term: Term(term), vote, ..storage.hard_state() });
        }
    }
    setup
}

// Messages.

fn message(from: NodeId, to: NodeId, term: u64, body: Body) -> Message {
    Message { from, to, term: Some(Term(term)), body }
}

/// A candidate with an empty log asks.
pub(crate) fn ask(from: NodeId, to: NodeId, term: u64) -> Message {
    ask_with(from, to, term, EntryId::default())
}

/// A candidate whose log ends in `last` asks.
pub(crate) fn ask_with(from: NodeId, to: NodeId, term: u64, last: EntryId) -> Message {
    message(from, to, term, Body::RequestVote(VoteRequest::new(last)))
}

/// A voter answers.
pub(crate) fn answer(from: NodeId, to: NodeId, term: u64, said: Said) -> Message {
    message(from, to, term, Body::vote_reply(said == Said::Yes))
}

/// A leader sends a heartbeat.
pub(crate) fn beat(from: NodeId, to: NodeId, term: u64) -> Message {
    beat_with(from, to, term, 0)
}

/// A leader sends a heartbeat with its commit index.
pub(crate) fn beat_with(from: NodeId, to: NodeId, term: u64, commit: u64) -> Message {
    let (commit, token, session) = (Index(commit), None, Session::default());
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
    sends(from, to, term, EntryId::default(), &[], 0)
}

/// A leader sends entries of these terms after `prev`, and its commit index.
pub(crate) fn sends(
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

fn reply(from: NodeId, to: NodeId, term: u64, outcome: AppendOutcome) -> Message {
    let session = Some(Session::default());
    message(from, to, term, Body::AppendReply { outcome, session })
}

/// A follower acknowledges its log up to `index`.
pub(crate) fn matched(from: NodeId, to: NodeId, term: u64, index: u64) -> Message {
    reply(from, to, term, AppendOutcome::Matched(Index(index)))
}

/// A follower lacks the entry at `prev`, and has no entry after `hint`.
pub(crate) fn rejected(from: NodeId, to: NodeId, term: u64, prev: u64, hint: EntryId) -> Message {
    let (prev, hint_term) = (Index(prev), Some(hint.term));
    reply(from, to, term, AppendOutcome::Rejected { prev, hint: hint.index, hint_term })
}

/// A node tells a leader that its term is over.
pub(crate) fn term_is_over(from: NodeId, to: NodeId, term: u64) -> Message {
    message(from, to, term, Body::AppendReply { outcome: AppendOutcome::NewerTerm, session: None })
}
