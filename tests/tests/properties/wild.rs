//! What nobody would think of: messages of every kind from anyone to anyone, and moves in any order.
//!
//! ```text
//!   DrawnRun  { setup, moves }       moves name "the third message in flight", so that a shorter
//!     '--> play --> inputs        list of them still has a meaning
//! ```

use bytes::Bytes;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{Index as Place, select};
use raft::{
    AppendOutcome, ApplyGate, Body, ChangeKind, CommitGroup, CommitGroups, ConfChange,
    ConfChangeV2, ConfState, Config, Entry, EntryId, HardState, Index, MemoryStorage, Message,
    NodeId, Payload, Priority, Raft, ReadAttempt, ReadDropped, ReadToken, RoleName, Session,
    Snapshot, Term, Transition, VoteRequest,
};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use testbed::cluster::{Driver, Owner};
use testbed::disk::DiskSpeed;
use testbed::script::unparse;
use testbed::{Cluster, Input, Request, Setup};

// Words.

/// A number: small, at an edge, or any.
fn number() -> impl Strategy<Value = u64> {
    let edges =
        vec![0, 1, Term::LAST.0 - 1, Term::LAST.0, Term::LAST.0 + 1, u64::MAX - 1, u64::MAX];
    prop_oneof![6 => 0..6_u64, 1 => select(edges), 1 => any::<u64>()]
}

/// A name: mostly of a member, sometimes of a stranger, of nobody, of the last node there can be.
fn id() -> impl Strategy<Value = NodeId> {
    prop_oneof![12 => 1..=5_u64, 1 => number()].prop_map(NodeId)
}

fn term() -> impl Strategy<Value = Term> {
    number().prop_map(Term)
}

fn index() -> impl Strategy<Value = Index> {
    number().prop_map(Index)
}

fn entry_id() -> impl Strategy<Value = EntryId> {
    (term(), index()).prop_map(|(term, index)| EntryId { term, index })
}

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..4).prop_map(Bytes::from)
}

fn change() -> impl Strategy<Value = ConfChange> {
    let kinds = vec![ChangeKind::AddVoter, ChangeKind::AddLearner, ChangeKind::Remove];
    (select(kinds), id()).prop_map(|(kind, node)| ConfChange { kind, node })
}

fn payload() -> impl Strategy<Value = Payload> {
    let transitions = vec![Transition::Auto, Transition::Implicit, Transition::Explicit];
    let several = (select(transitions), vec(change(), 0..3))
        .prop_map(|(transition, changes)| ConfChangeV2 { transition, changes });
    prop_oneof![
        Just(Payload::Noop),
        bytes().prop_map(Payload::Normal),
        change().prop_map(Payload::Change),
        several.prop_map(Payload::ChangeV2),
    ]
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let entry = (entry_id(), bytes(), payload());
    vec(entry.prop_map(|(id, context, payload)| Entry::marked(context, payload).at(id)), 0..4)
}

fn snapshot() -> impl Strategy<Value = Box<Snapshot>> {
    let ids = || btree_set(id(), 0..3);
    let conf_state = (ids(), ids(), ids(), ids(), any::<bool>()).prop_map(
        |(voters, learners, voters_outgoing, learners_next, auto_leave)| ConfState {
            voters,
            learners,
            voters_outgoing,
            learners_next,
            auto_leave,
        },
    );
    let parts = (entry_id(), conf_state, bytes());
    parts.prop_map(|(id, conf_state, data)| Box::new(Snapshot { id, conf_state, data }))
}

// Messages.

fn outcome() -> impl Strategy<Value = AppendOutcome> {
    let rejected = (index(), index(), proptest::option::of(term()))
        .prop_map(|(prev, hint, hint_term)| AppendOutcome::Rejected { prev, hint, hint_term });
    prop_oneof![index().prop_map(AppendOutcome::Matched), rejected, Just(AppendOutcome::NewerTerm)]
}

/// Any message. Every kind is there: a new kind fails [`every_kind`].
fn body() -> impl Strategy<Value = Body> {
    let commit = || proptest::option::of(entry_id());
    let ask = || {
        let parts = (entry_id(), any::<bool>(), commit(), number().prop_map(Priority));
        parts.prop_map(|(last, transfer, commit, priority)| VoteRequest {
            last,
            transfer,
            commit,
            priority,
        })
    };
    let answer = || (any::<bool>(), commit());
    let session = || number().prop_map(Session);
    let token = || proptest::option::of(number().prop_map(ReadToken));
    let dropped = vec![ReadDropped::NoLeader, ReadDropped::SteppedDown, ReadDropped::TimedOut];
    let found = prop_oneof![index().prop_map(Ok), select(dropped).prop_map(Err)];
    let append =
        (entry_id(), entries(), index(), session()).prop_map(|(prev, entries, commit, session)| {
            Body::AppendEntries { prev, entries, commit, session }
        });
    prop_oneof![
        ask().prop_map(Body::RequestPreVote),
        answer().prop_map(|(granted, commit)| Body::PreVoteReply { granted, commit }),
        ask().prop_map(Body::RequestVote),
        answer().prop_map(|(granted, commit)| Body::VoteReply { granted, commit }),
        append,
        (outcome(), proptest::option::of(session()))
            .prop_map(|(outcome, session)| Body::AppendReply { outcome, session }),
        (snapshot(), session())
            .prop_map(|(snapshot, session)| Body::InstallSnapshot { snapshot, session }),
        (index(), token(), session()).prop_map(|(commit, token, session)| Body::Heartbeat {
            commit,
            token,
            session
        }),
        (token(), session()).prop_map(|(token, session)| Body::HeartbeatReply { token, session }),
        entries().prop_map(|entries| Body::Propose { entries }),
        id().prop_map(|target| Body::TransferLeader { target }),
        entry_id().prop_map(|last| Body::TimeoutNow { last }),
        (attempt(), bytes()).prop_map(|(attempt, context)| Body::ReadIndex { attempt, context }),
        (attempt(), bytes(), found).prop_map(|(attempt, context, outcome)| {
            Body::ReadIndexReply { attempt, context, outcome }
        }),
    ]
}

fn attempt() -> impl Strategy<Value = ReadAttempt> {
    (0..4_u64).prop_map(ReadAttempt)
}

/// How many kinds of messages there are.
pub(crate) const KINDS: usize = 14;

/// A message of any kind, from anyone, to anyone, of any term or none; its envelope is mostly as its
/// kind wants it, else nothing would get beyond the door.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    (id(), id(), term(), body(), 0..20_u32).prop_map(|(from, to, term, body, luck)| {
        let bare = matches!(
            body,
            Body::Propose { .. } | Body::ReadIndex { .. } | Body::ReadIndexReply { .. }
        );
        let term = (bare == (luck == 0)).then_some(term);
        Message { from, to, term, body }
    })
}

// Moves.

/// One thing that may happen, in words that fit any cluster.
#[derive(Clone, Debug)]
pub(crate) enum Move {
    /// An input without a message in flight.
    Plain(Input),
    /// The message in flight with this number arrives.
    Deliver(Place),
    /// It is lost.
    Drop(Place),
    /// It arrives, and will again.
    Duplicate(Place),
    /// A node ticks this many times.
    Ticks(NodeId, u64),
    /// If a node campaigns, it gets the votes of all others.
    Rig(NodeId),
    /// This many things happen in the order in which disks, owners and networks do them without faults.
    InOrder(usize),
}

impl Move {
    /// Returns what it means in this cluster.
    fn inputs(&self, cluster: &Cluster) -> Vec<Input> {
        let flights = cluster.network().flights();
        let picked = |place: &Place, input: fn(Message) -> Input| {
            let flight = (!flights.is_empty()).then(|| place.get(flights));
            flight.map(|flight| input(flight.message.clone())).into_iter().collect()
        };
        match self {
            Move::Plain(input) => vec![input.clone()],
            Move::Deliver(place) => picked(place, Input::Deliver),
            Move::Drop(place) => picked(place, Input::Drop),
            Move::Duplicate(place) => picked(place, Input::Duplicate),
            Move::Ticks(id, ticks) => vec![Input::Tick(*id); *ticks as usize],
            Move::InOrder(count) => {
                let mut patient = cluster.clone();
                let next = |_| {
                    let input = patient.next_in_order(&[])?;
                    patient.apply(&input);
                    Some(input)
                };
                (0..*count).map_while(next).collect()
            }
            Move::Rig(id) => {
                let stands = |node: &raft::Inspect<'_>| node.role == RoleName::Candidate;
                let node = cluster.node(*id).map(Raft::inspect).filter(stands);
                let bought = node.into_iter().flat_map(|node| {
                    let others = cluster.ids().filter(|other| other != id);
                    let vote = move |from| Message {
                        from,
                        to: *id,
                        term: Some(node.term),
                        body: Body::vote_reply(true),
                    };
                    others.map(vote)
                });
                bought.flat_map(|vote| [Input::Post(vote.clone()), Input::Deliver(vote)]).collect()
            }
        }
    }
}

/// What an owner asks of its node.
fn request() -> impl Strategy<Value = Request> {
    let node = || (1..=6_u64).prop_map(NodeId);
    prop_oneof![
        node().prop_map(Request::Transfer),
        Just(Request::ForgetLeader),
        node().prop_map(Request::Unreachable),
    ]
}

/// What an honest, unlucky world does to a cluster: no word in it is made up.
pub(crate) fn unlucky() -> impl Strategy<Value = Move> {
    let node = || (1..=6_u64).prop_map(NodeId);
    let link = || (node(), node());
    let plain = prop_oneof![
        6 => node().prop_map(Input::Persist),
        6 => node().prop_map(Input::Ready),
        4 => node().prop_map(Input::Apply),
        4 => (node(), "[a-z]{1,3}")
            .prop_map(|(node, data)| Input::Propose { node, data: Bytes::from(data) }),
        2 => (node(), "[ab]")
            .prop_map(|(node, mark)| Input::Read { node, context: Bytes::from(mark) }),
        2 => node().prop_map(Input::Campaign),
        2 => (node(), request()).prop_map(|(node, request)| Input::Ask { node, request }),
        2 => node().prop_map(Input::Crash),
        3 => node().prop_map(Input::Restart),
        1 => link().prop_map(|(from, to)| Input::Cut { from, to }),
        1 => link().prop_map(|(from, to)| Input::Mend { from, to }),
        1 => vec(vec(node(), 0..3), 0..3).prop_map(Input::Partition),
        2 => Just(Input::Heal),
        1 => (node(), 0..9_u64).prop_map(|(node, after)| Input::FailRead { node, after }),
        1 => (node(), proptest::option::of(0..12_u64))
            .prop_map(|(node, ticks)| Input::PinLimit { node, ticks }),
        1 => message().prop_map(Input::Deliver),
    ];
    prop_oneof![
        6 => plain.prop_map(Move::Plain),
        6 => any::<Place>().prop_map(Move::Deliver),
        1 => any::<Place>().prop_map(Move::Drop),
        1 => any::<Place>().prop_map(Move::Duplicate),
        3 => (node(), 1..12_u64).prop_map(|(id, ticks)| Move::Ticks(id, ticks)),
        2 => (1..30_usize).prop_map(Move::InOrder),
    ]
}

/// What a world does in which somebody makes up messages of every kind.
pub(crate) fn hostile() -> impl Strategy<Value = Move> {
    let posted = message().prop_map(|message| Move::Plain(Input::Post(message)));
    prop_oneof![3 => unlucky(), 2 => posted]
}

/// What a world does in which votes are for sale.
pub(crate) fn corrupt() -> impl Strategy<Value = Move> {
    let node = || (1..=5_u64).prop_map(NodeId);
    let stand = node().prop_map(|id| Move::Plain(Input::Campaign(id)));
    prop_oneof![4 => unlucky(), 2 => stand, 3 => node().prop_map(Move::Rig)]
}

/// A cluster, and what happens to it.
#[derive(Clone)]
pub(crate) struct DrawnRun {
    pub(crate) setup: Setup,
    pub(crate) moves: Vec<Move>,
}

impl DrawnRun {
    /// Returns the inputs of the run, up to the first broken rule.
    pub(crate) fn play(&self) -> (Vec<Input>, Cluster, Option<testbed::Violation>) {
        let mut cluster = Cluster::new(self.setup.clone());
        let mut inputs = Vec::new();
        for one in &self.moves {
            for input in one.inputs(&cluster) {
                let step = cluster.apply(&input);
                inputs.push(input);
                if step.violation.is_some() {
                    return (inputs, cluster, step.violation);
                }
            }
        }
        (inputs, cluster, None)
    }
}

/// Writes the drawn as a script for `cargo step`, up to the first broken rule or panic; what a script has
/// no words for as a comment.
impl fmt::Debug for DrawnRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match unparse::cluster(&self.setup) {
            Some(text) => writeln!(f, "\n{text}")?,
            None => writeln!(f, "\n# {:?}", self.setup)?,
        }
        let mut cluster = Cluster::new(self.setup.clone());
        for one in &self.moves {
            let inputs = catch_unwind(AssertUnwindSafe(|| one.inputs(&cluster)));
            for input in inputs.unwrap_or_default() {
                match unparse::command(&input, &cluster) {
                    Some(text) => writeln!(f, "{text}")?,
                    None => writeln!(f, "# {input:?}")?,
                }
                let step = catch_unwind(AssertUnwindSafe(|| cluster.apply(&input)));
                if step.is_ok_and(|step| step.violation.is_none()) {
                    continue;
                }
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Three of four nodes in two commit groups, or in one.
fn groups(seed: u64) -> CommitGroups {
    let placed = (1..4).map(|node| (NodeId(node), CommitGroup(seed / 12 % 2 * (node % 2))));
    CommitGroups::new(placed)
}

/// Settings of every kind, tight ones among them: a window of one message, appends of one entry.
fn config() -> impl Strategy<Value = Config> {
    let bytes = || proptest::option::of(0..64_u64);
    let gates = prop_oneof![
        2 => Just(ApplyGate::Durable),
        1 => Just(ApplyGate::WithReady),
        1 => (0..3_u64).prop_map(ApplyGate::Ahead),
    ];
    let windows = (1..4_usize, bytes(), bytes(), bytes(), bytes());
    (any::<u64>(), gates, windows, any::<bool>(), any::<bool>()).prop_map(
        |(seed, apply_gate, windows, forward_proposals, batch_append)| {
            let (max_inflight_messages, inflight, append, uncommitted, applying) = windows;
            Config {
                seed,
                apply_gate,
                max_inflight_messages,
                // No less than an append, if that is limited at all.
                max_inflight_bytes: append.and_then(|append| Some(inflight?.max(append))),
                max_append_bytes: append,
                max_uncommitted_bytes: uncommitted,
                max_applying_bytes: applying,
                forward_proposals,
                batch_append,
                commit_by_vote: seed % 2 == 1,
                priority: Priority(seed / 2 % 3),
                commit_groups: (seed / 6 % 2 == 1).then(|| groups(seed)),
                ..Config::new(NodeId(1))
            }
        },
    )
}

/// One to five nodes, bare or with owners, instant disks or slow ones, whose logs are beginnings of one
/// log.
fn setup() -> impl Strategy<Value = Setup> {
    let logs = vec(0..4_usize, 1..=5);
    let doors =
        select(vec![Driver::Bare, Driver::Bare, ONE_AT_A_TIME, Driver::Owned(Owner::Concurrent)]);
    (logs, config(), any::<bool>(), doors).prop_map(|(logs, config, slow, driver)| {
        let mut setup = Setup { driver, ..Setup::new(logs.len() as u64, 0) };
        let terms = [1, 1, 3];
        for ((own, storage), length) in setup.nodes.iter_mut().zip(logs) {
            *own = Config { id: own.id, ..config.clone() };
            let entry = |place: usize| {
                let (index, term) = (Index(place as u64 + 1), Term(terms[place]));
                Entry::unplaced(Payload::Noop).at(EntryId { term, index })
            };
            let entries: Vec<_> = (0..length).map(entry).collect();
            storage.append(&entries);
            // A term beyond those of all logs: nobody votes again in a term that had its leader.
            storage.save(HardState { term: Term(4), vote: None, commit: Index(0) });
        }
        if slow { setup.with_slow_disks() } else { setup }
    })
}

const ONE_AT_A_TIME: Driver = Driver::Owned(Owner::OneAtATime);

/// Returns drawn runs of at most this many moves.
pub(crate) fn drawn(
    one: impl Strategy<Value = Move> + 'static,
    moves_max: usize,
) -> impl Strategy<Value = DrawnRun> {
    (setup(), vec(one, 0..moves_max)).prop_map(|(setup, moves)| DrawnRun { setup, moves })
}

/// Returns one empty storage with these voters.
pub(crate) fn storage(voters: impl IntoIterator<Item = u64>) -> MemoryStorage {
    MemoryStorage::with_voters(voters.into_iter().map(NodeId))
}

/// Returns whether a cluster's writes are durable at once.
pub(crate) fn is_instant(setup: &Setup) -> bool {
    setup.disks == DiskSpeed::Instant
}
