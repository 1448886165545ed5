//! Strategies for proptest: values of the core that nobody thinks of, and whole scenes.
//!
//! | strategy | what it draws | is it valid? |
//! |---|---|---|
//! | [`message`] | a message of every kind, between n1 to n5 and strangers | no: as a wild sender would |
//! | [`entry`] | an entry of every kind | no: any id, any change |
//! | [`log`] | the entries of one node's log, from 1 on | yes: no gap, terms only grow |
//! | [`conf_state`] | the members of a group out of n1 to n6, joint or not | yes: [`ConfState::check`] |
//! | [`config`] | the settings of n1 | yes: [`Config::check`] |
//! | [`setup`] | a cluster of one to five nodes | yes: it starts, and it is safe |
//! | [`scene`] | a cluster and what happens to it | each input has an effect when it is drawn |
//!
//! Numbers are small, because small numbers meet each other. Those that need not be valid are sometimes at
//! an edge, such as the last term there can be.
//!
//! [`holds`] tries a property of any value. [`Property::cases`] tries a property of runs on scenes. The cases
//! are drawn from a fixed seed: a test does not fail by chance.

mod scene; // a cluster and what happens to it, which shrinks to a script

pub use scene::{Happening, Scene, SceneTree, Scenes, scene};

use crate::cluster::{Driver, Owner, Setup};
use crate::property::{Failure, Property, Report, Trial, Verdict, Wrong};
use bytes::Bytes;
use proptest::array::uniform12;
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngSeed, TestCaseResult, TestError, TestRunner};
use raft::{
    AppendOutcome, ApplyGate, Body, ChangeKind, CommitGroup, CommitGroups, ConfChange,
    ConfChangeV2, ConfState, Config, Entry, EntryId, HardState, Index, Message, NodeId, Payload,
    Priority, ReadAttempt, ReadDropped, ReadMode, ReadToken, Session, Snapshot, StepDownOnRemoval,
    Term, Transition, VoteRequest, VoteRequests,
};
use std::cell::RefCell;

// Words.

/// Draws a number: small, at an edge, or any.
fn number() -> impl Strategy<Value = u64> {
    let edges =
        vec![0, 1, Term::LAST.0 - 1, Term::LAST.0, Term::LAST.0 + 1, u64::MAX - 1, u64::MAX];
    prop_oneof![6 => 0..6_u64, 1 => select(edges), 1 => any::<u64>()]
}

/// Draws a node: mostly n1 to n5, sometimes a stranger, nobody, or the last node there can be.
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

// Entries and members.

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

/// Draws an entry of any kind, with any id.
pub fn entry() -> impl Strategy<Value = Entry> {
    let parts = (entry_id(), bytes(), payload());
    parts.prop_map(|(id, context, payload)| Entry::marked(context, payload).at(id))
}

/// Draws a log of at most `entries_max` entries, from index 1 on. Its terms begin at 1 and only grow.
pub fn log(entries_max: usize) -> impl Strategy<Value = Vec<Entry>> {
    let one = (0..3_u64, bytes(), payload());
    vec(one, 0..=entries_max).prop_map(|parts| {
        let mut id = EntryId { term: Term(1), index: Index(0) };
        let place = |(more, context, payload)| {
            id = EntryId { term: Term(id.term.0 + more), index: id.index + 1 };
            Entry::marked(context, payload).at(id)
        };
        parts.into_iter().map(place).collect()
    })
}

/// Draws the members of a group, out of n1 to n6. Half of them are in a joint configuration.
pub fn conf_state() -> impl Strategy<Value = ConfState> {
    let nodes = vec((any::<bool>(), any::<bool>(), any::<bool>()), 6);
    // Each half has a voter.
    let sure = (0..6_usize, 0..6_usize, option::of(any::<bool>()));
    (nodes, sure).prop_map(|(nodes, (in_new, in_old, joint))| {
        let auto_leave = joint.unwrap_or(false);
        let mut conf = ConfState { auto_leave, ..ConfState::default() };
        for (at, (votes, voted, learns)) in nodes.into_iter().enumerate() {
            let node = NodeId(at as u64 + 1);
            let (votes, voted) =
                (votes || at == in_new, joint.is_some() && (voted || at == in_old));
            let learners = if voted { &mut conf.learners_next } else { &mut conf.learners };
            learners.extend((learns && !votes).then_some(node));
            conf.voters.extend(votes.then_some(node));
            conf.voters_outgoing.extend(voted.then_some(node));
        }
        conf
    })
}

/// Draws a snapshot of anything.
fn snapshot() -> impl Strategy<Value = Snapshot> {
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
    parts.prop_map(|(id, conf_state, data)| Snapshot { id, conf_state, data })
}

// Messages.

fn outcome() -> impl Strategy<Value = AppendOutcome> {
    let rejected = (index(), index(), option::of(term()))
        .prop_map(|(prev, hint, hint_term)| AppendOutcome::Rejected { prev, hint, hint_term });
    let wanted = index().prop_map(|at_least| AppendOutcome::SnapshotWanted { at_least });
    let matched = index().prop_map(AppendOutcome::Matched);
    prop_oneof![matched, rejected, wanted, Just(AppendOutcome::NewerTerm)]
}

fn body() -> impl Strategy<Value = Body> {
    use ReadDropped::{NoLeader, SteppedDown, TimedOut, TooMany};
    let commit = || option::of(entry_id());
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
    let entries = || vec(entry(), 0..4);
    let session = || number().prop_map(Session);
    let token = || option::of(number().prop_map(ReadToken));
    let attempt = || (0..4_u64).prop_map(ReadAttempt);
    let dropped = select(vec![NoLeader, SteppedDown, TimedOut, TooMany]);
    let found = prop_oneof![index().prop_map(Ok), dropped.prop_map(Err)];
    prop_oneof![
        ask().prop_map(Body::RequestPreVote),
        answer().prop_map(|(granted, commit)| Body::PreVoteReply { granted, commit }),
        ask().prop_map(Body::RequestVote),
        answer().prop_map(|(granted, commit)| Body::VoteReply { granted, commit }),
        (entry_id(), entries(), index(), session()).prop_map(|(prev, entries, commit, session)| {
            Body::AppendEntries { prev, entries, commit, session }
        }),
        (outcome(), option::of(session()))
            .prop_map(|(outcome, session)| Body::AppendReply { outcome, session }),
        (snapshot().prop_map(Box::new), session())
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

/// Draws a message of any kind, from anyone, to anyone. Its term is there mostly if its kind wants one:
/// otherwise nothing would get beyond a node's door.
pub fn message() -> impl Strategy<Value = Message> {
    (id(), id(), term(), body(), 0..20_u32).prop_map(|(from, to, term, body, luck)| {
        let bare = matches!(
            body,
            Body::Propose { .. } | Body::ReadIndex { .. } | Body::ReadIndexReply { .. }
        );
        let term = (bare == (luck == 0)).then_some(term);
        Message { from, to, term, body }
    })
}

// Settings and clusters.

/// Draws where n1 to n3 are, out of two places: in none, in one, or in two. n4 and n5 are in none.
fn commit_groups() -> impl Strategy<Value = CommitGroups> {
    vec(0..3_u64, 3).prop_map(|places| {
        let placed = (1..).map(NodeId).zip(places.into_iter().map(CommitGroup));
        CommitGroups::new(placed.filter(|&(_, group)| group != CommitGroup(0)))
    })
}

/// Draws settings of n1, tight ones among them: a window of one message, appends of one entry. Not all of
/// them are safe in every world: leases trust clocks, and [`VoteRequests::AtOnce`] trusts disks.
pub fn config() -> impl Strategy<Value = Config> {
    let limit = || option::of(0..64_u64);
    let gates = prop_oneof![
        2 => Just(ApplyGate::Durable),
        1 => Just(ApplyGate::WithReady),
        1 => (0..3_u64).prop_map(ApplyGate::Ahead),
    ];
    let ticks = (1..4_u64, 1..20_u64, option::of(1..20_u64), option::of(1..40_u64));
    let windows = (1..4_usize, limit(), limit(), limit(), limit());
    let removal = select(vec![
        StepDownOnRemoval::OnceReplicated,
        StepDownOnRemoval::AtOnce,
        StepDownOnRemoval::Never,
    ]);
    let extras = (any::<bool>(), 0..3_u64, option::of(commit_groups()));
    let parts = (any::<u64>(), gates, ticks, windows, removal, extras, uniform12(any::<bool>()));
    parts.prop_map(|(seed, apply_gate, ticks, windows, step_down_on_removal, extras, yes)| {
        let (commit_by_vote, priority, commit_groups) = extras;
        let (heartbeat_ticks, more, lease, snapshot_ticks) = ticks;
        let (max_inflight_messages, inflight, append, uncommitted, applying) = windows;
        let lease = lease.filter(|&ticks| yes[0] && ticks < heartbeat_ticks + more);
        Config {
            seed,
            heartbeat_ticks,
            election_ticks: heartbeat_ticks + more,
            apply_gate,
            max_inflight_messages,
            // No less than an append, if that is limited, and at least 1.
            max_inflight_bytes: append.and_then(|append| Some(inflight?.max(append).max(1))),
            max_append_bytes: append,
            max_uncommitted_bytes: uncommitted,
            max_applying_bytes: applying,
            snapshot_ticks,
            step_down_on_removal,
            check_quorum: yes[0],
            read_mode: lease.map_or(ReadMode::Quorum, ReadMode::Lease),
            pre_vote: yes[1],
            vote_requests: if yes[2] { VoteRequests::OnceDurable } else { VoteRequests::AtOnce },
            forward_proposals: yes[3],
            batch_append: yes[4],
            merge_acknowledgements: yes[5],
            skip_bcast_commit: yes[6],
            answer_older_leaders: yes[7],
            batch_reads: yes[8],
            reset_timer_on_new_term: yes[9],
            vote_when_leader_known: yes[10],
            replace_refused_changes: yes[11],
            commit_by_vote,
            priority: Priority(priority),
            commit_groups,
            ..Config::new(NodeId(1))
        }
    })
}

/// Draws a cluster of one to five nodes that all vote: bare or with owners, instant disks or slow ones. Their
/// logs are beginnings of one log, and their settings are equal and safe whatever clocks and disks do. There
/// are no commit groups: most groups would commit nothing.
pub fn setup() -> impl Strategy<Value = Setup> {
    let logs = vec(0..4_usize, 1..=5);
    let doors = select(vec![
        Driver::Bare,
        Driver::Owned(Owner::OneAtATime),
        Driver::Owned(Owner::Concurrent),
    ]);
    (logs, config(), any::<bool>(), doors).prop_map(|(logs, config, slow, driver)| {
        let mut setup = Setup { driver, ..Setup::new(logs.len() as u64, 0) };
        let terms = [1, 1, 3];
        let (vote_requests, read_mode) = (VoteRequests::OnceDurable, ReadMode::Quorum);
        for ((own, storage), length) in setup.nodes.iter_mut().zip(logs) {
            let commit_groups = None;
            *own = Config { id: own.id, vote_requests, read_mode, commit_groups, ..config.clone() };
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

// Runners.

/// The seed of the cases, unless `PROPTEST_RNG_SEED` is set.
const SEED: u64 = 1;

/// How many smaller cases are tried, unless `PROPTEST_MAX_SHRINK_ITERS` is set.
const SHRINK_MAX: u32 = 2_000;

/// Returns a runner of as many cases as a test usually has, or as `PROPTEST_CASES` asks for; and the variables
/// that bring its cases back.
fn runner(usual: u32) -> (TestRunner, String) {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let is_set = |name| std::env::var_os(name).is_some();
    config.cases = if is_set("PROPTEST_CASES") { config.cases } else { usual };
    if !is_set("PROPTEST_MAX_SHRINK_ITERS") {
        config.max_shrink_iters = SHRINK_MAX;
    }
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => SEED,
    };
    config.rng_seed = RngSeed::Fixed(seed);
    let variables = format!("PROPTEST_RNG_SEED={seed} PROPTEST_CASES={}", config.cases);
    (TestRunner::new(config), variables)
}

/// Tries a property of any value, on as many cases as it usually gets, or as `PROPTEST_CASES` asks for.
///
/// # Panics
/// If it fails: with the shrunk case, and how to see it again.
pub fn holds<S: Strategy>(usual: u32, cases: S, property: impl Fn(S::Value) -> TestCaseResult) {
    let (mut runner, variables) = runner(usual);
    if let Err(why) = runner.run(&cases, property) {
        panic!("{why}\nagain: {variables}");
    }
}

impl Property {
    /// Judges the runs of scenes that proptest draws: `usual` of them, or as many as `PROPTEST_CASES` says.
    ///
    /// # Errors
    /// [`Failure`] if the property is broken, or no scene exercises it, or a node panics. The scene is shrunk
    /// by proptest, and its run by us.
    pub fn cases(
        &self,
        usual: u32,
        scenes: impl Strategy<Value = Scene>,
    ) -> Result<Report, Failure> {
        let (mut runner, variables) = runner(usual);
        let trial = RefCell::new(Trial::new(*self, "scenes of proptest".to_string()));
        trial.borrow_mut().variables = variables + " ";
        let ended = runner.run(&scenes, |scene| {
            let verdict = self.judge(&scene.run());
            trial.borrow_mut().count(&verdict);
            match verdict {
                Verdict::Broken { because, .. } => Err(TestCaseError::fail(because)),
                Verdict::Holds | Verdict::NotExercised => Ok(()),
            }
        });
        let mut trial = trial.into_inner();
        match ended {
            Ok(()) => trial.end(),
            Err(TestError::Abort(why)) => Err(trial.failure(Wrong::NoRun(why.to_string()))),
            Err(TestError::Fail(why, scene)) => match trial.judge(&scene.run_until_panic()) {
                Err(failure) if matches!(*failure.wrong, Wrong::Broken { .. }) => Err(failure),
                Ok(()) | Err(_) => {
                    let text = format!("{why}\n{scene:?}");
                    Err(trial.failure(Wrong::Panicked(text)))
                }
            },
        }
    }
}
