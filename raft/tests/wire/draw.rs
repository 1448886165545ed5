//! Any value that can be encoded: numbers at every edge of their length, every kind, every field.

use bytes::Bytes;
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use raft::{
    AppendOutcome, Body, ChangeKind, ConfChange, ConfChangeV2, ConfState, Entry, EntryId,
    HardState, Index, Message, NodeId, Payload, Priority, ReadAttempt, ReadDropped, ReadToken,
    Session, Snapshot, Term, Transition, VoteRequest,
};

/// A number: small, of any length in bits, or at an edge of a length in bytes.
fn number() -> impl Strategy<Value = u64> {
    let edges = (1..10_u32).flat_map(|bytes| {
        let first_longer = 1_u64 << (7 * bytes);
        [first_longer - 1, first_longer]
    });
    let edges: Vec<u64> = edges.chain([0, u64::MAX]).collect();
    let any_length = (any::<u64>(), 0..64_u32).prop_map(|(number, shift)| number >> shift);
    prop_oneof![4 => 0..300_u64, 1 => any_length, 1 => select(edges)]
}

fn node() -> impl Strategy<Value = NodeId> {
    number().prop_map(NodeId)
}

fn term() -> impl Strategy<Value = Term> {
    number().prop_map(Term)
}

fn index() -> impl Strategy<Value = Index> {
    number().prop_map(Index)
}

fn session() -> impl Strategy<Value = Session> {
    number().prop_map(Session)
}

fn attempt() -> impl Strategy<Value = ReadAttempt> {
    number().prop_map(ReadAttempt)
}

fn token() -> impl Strategy<Value = Option<ReadToken>> {
    option::of(number().prop_map(ReadToken))
}

fn id() -> impl Strategy<Value = EntryId> {
    (term(), index()).prop_map(|(term, index)| EntryId { term, index })
}

/// No bytes, a few, or so many that their length takes two bytes.
fn bytes() -> impl Strategy<Value = Bytes> {
    prop_oneof![4 => vec(any::<u8>(), 0..6), 1 => vec(any::<u8>(), 126..132)].prop_map(Bytes::from)
}

fn change() -> impl Strategy<Value = ConfChange> {
    let kinds = vec![ChangeKind::AddVoter, ChangeKind::AddLearner, ChangeKind::Remove];
    (select(kinds), node()).prop_map(|(kind, node)| ConfChange { kind, node })
}

fn payload() -> impl Strategy<Value = Payload> {
    let transitions = vec![Transition::Auto, Transition::Implicit, Transition::Explicit];
    let several = (select(transitions), vec(change(), 0..4))
        .prop_map(|(transition, changes)| ConfChangeV2 { transition, changes });
    prop_oneof![
        1 => Just(Payload::Noop),
        4 => bytes().prop_map(Payload::Normal),
        1 => change().prop_map(Payload::Change),
        1 => several.prop_map(Payload::ChangeV2),
    ]
}

/// An entry of any kind.
pub(super) fn entry() -> impl Strategy<Value = Entry> {
    let parts = (id(), bytes(), payload());
    parts.prop_map(|(id, context, payload)| Entry::marked(context, payload).at(id))
}

/// The members of a group, some of them in several sets.
pub(super) fn conf_state() -> impl Strategy<Value = ConfState> {
    let set = || btree_set(node(), 0..5);
    (set(), set(), set(), set(), any::<bool>()).prop_map(
        |(voters, learners, voters_outgoing, learners_next, auto_leave)| ConfState {
            voters,
            learners,
            voters_outgoing,
            learners_next,
            auto_leave,
        },
    )
}

/// A snapshot of any group.
pub(super) fn snapshot() -> impl Strategy<Value = Snapshot> {
    (id(), conf_state(), bytes()).prop_map(|(id, conf_state, data)| Snapshot {
        id,
        conf_state,
        data,
    })
}

/// Any term, vote and commit index.
pub(super) fn hard_state() -> impl Strategy<Value = HardState> {
    let parts = (term(), option::of(node()), index());
    parts.prop_map(|(term, vote, commit)| HardState { term, vote, commit })
}

fn append_outcome() -> impl Strategy<Value = AppendOutcome> {
    let rejected = (index(), index(), option::of(term()))
        .prop_map(|(prev, hint, hint_term)| AppendOutcome::Rejected { prev, hint, hint_term });
    let wanted = index().prop_map(|at_least| AppendOutcome::SnapshotWanted { at_least });
    prop_oneof![
        index().prop_map(AppendOutcome::Matched),
        rejected,
        wanted,
        Just(AppendOutcome::NewerTerm)
    ]
}

fn read_outcome() -> impl Strategy<Value = Result<Index, ReadDropped>> {
    use ReadDropped::{NoLeader, SteppedDown, TimedOut, TooMany};
    let dropped = vec![NoLeader, SteppedDown, TimedOut, TooMany];
    prop_oneof![index().prop_map(Ok), select(dropped).prop_map(Err)]
}

fn body() -> impl Strategy<Value = Body> {
    let answer = || (any::<bool>(), option::of(id()));
    let ask = || {
        let parts = (id(), any::<bool>(), option::of(id()), number().prop_map(Priority));
        parts.prop_map(|(last, transfer, commit, priority)| VoteRequest {
            last,
            transfer,
            commit,
            priority,
        })
    };
    let entries = || vec(entry(), 0..4);
    prop_oneof![
        ask().prop_map(Body::RequestPreVote),
        answer().prop_map(|(granted, commit)| Body::PreVoteReply { granted, commit }),
        ask().prop_map(Body::RequestVote),
        answer().prop_map(|(granted, commit)| Body::VoteReply { granted, commit }),
        (id(), entries(), index(), session()).prop_map(|(prev, entries, commit, session)| {
            Body::AppendEntries { prev, entries, commit, session }
        }),
        (append_outcome(), option::of(session()))
            .prop_map(|(outcome, session)| Body::AppendReply { outcome, session }),
        (snapshot().prop_map(Box::new), session())
            .prop_map(|(snapshot, session)| Body::InstallSnapshot { snapshot, session }),
        (index(), token(), session())
            .prop_map(|(commit, token, session)| { Body::Heartbeat { commit, token, session } }),
        (token(), session()).prop_map(|(token, session)| Body::HeartbeatReply { token, session }),
        entries().prop_map(|entries| Body::Propose { entries }),
        node().prop_map(|target| Body::TransferLeader { target }),
        id().prop_map(|last| Body::TimeoutNow { last }),
        (attempt(), bytes()).prop_map(|(attempt, context)| Body::ReadIndex { attempt, context }),
        (attempt(), bytes(), read_outcome()).prop_map(|(attempt, context, outcome)| {
            Body::ReadIndexReply { attempt, context, outcome }
        }),
    ]
}

/// A message of any kind, from anyone, to anyone, of any term or none.
pub(super) fn message() -> impl Strategy<Value = Message> {
    let parts = (node(), node(), option::of(term()), body());
    parts.prop_map(|(from, to, term, body)| Message { from, to, term, body })
}
