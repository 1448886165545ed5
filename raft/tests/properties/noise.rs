//! A million messages that nobody would send, from nodes that may not exist. Whatever a node is told,
//! it answers or refuses; its term and its commit index never go back, and it never says that more is
//! committed than its log holds.

use bytes::Bytes;
use raft::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Draws numbers that are small, mostly, and the largest there is, now and then.
struct Noise(ChaCha8Rng);

impl Noise {
    fn number(&mut self, below: u64) -> u64 {
        match self.0.random_range(0..200_u32) {
            0 => u64::MAX,
            1 => u64::MAX - 1,
            2 => 1 << 62,
            _ => self.0.random_range(0..below),
        }
    }

    fn yes(&mut self) -> bool {
        self.0.random_range(0..2_u32) == 0
    }

    fn index(&mut self) -> Index {
        Index(self.number(12))
    }

    /// Returns a term near `ours`.
    fn term(&mut self, ours: Term) -> Term {
        match self.0.random_range(0..40_u32) {
            0 => Term(self.number(4)),
            1 => Term(ours.0 + 1),
            2 | 3 => Term(ours.0.saturating_sub(1)),
            _ => ours,
        }
    }

    fn id(&mut self, ours: Term) -> EntryId {
        EntryId { index: self.index(), term: self.term(ours) }
    }

    /// Returns entries that may follow `prev`, mostly.
    fn entries(&mut self, prev: EntryId, ours: Term) -> Vec<Entry> {
        let mut before = prev;
        let count = self.0.random_range(0..4_u32);
        let entry = |noise: &mut Self| {
            let id = match noise.0.random_range(0..10_u32) {
                0 => noise.id(ours),
                _ => EntryId { index: Index(before.index.0.wrapping_add(1)), term: ours },
            };
            before = id;
            let data = Bytes::from_static(&[7; 64]).slice(0..noise.0.random_range(0..64));
            Entry::unplaced(Payload::Normal(data)).at(id)
        };
        let mut entry = entry;
        (0..count).map(|_| entry(self)).collect()
    }

    fn change(&mut self) -> ConfChangeV2 {
        let kinds = [ChangeKind::AddVoter, ChangeKind::AddLearner, ChangeKind::Remove];
        let transitions = [Transition::Auto, Transition::Implicit, Transition::Explicit];
        let transition = transitions[self.0.random_range(0..3)];
        let count = self.0.random_range(0..3_usize);
        let mut change = || {
            let kind = kinds[self.0.random_range(0..3)];
            ConfChange { kind, node: NodeId(self.number(6)) }
        };
        ConfChangeV2 { transition, changes: (0..count).map(|_| change()).collect() }
    }

    fn snapshot(&mut self, ours: Term) -> Snapshot {
        let voters = (1..=self.0.random_range(0..5)).map(NodeId).collect();
        let learners = if self.yes() { [NodeId(self.number(7))].into() } else { [].into() };
        let conf_state = ConfState { voters, learners, ..ConfState::default() };
        Snapshot { id: self.id(ours), conf_state, ..Snapshot::default() }
    }

    fn groups(&mut self) -> CommitGroups {
        let place = |noise: &mut Self| (NodeId(noise.number(5)), CommitGroup(noise.number(3)));
        CommitGroups::new((0..4).map(|_| place(self)))
    }

    fn outcome(&mut self, ours: Term) -> AppendOutcome {
        match self.0.random_range(0..6_u32) {
            0 => AppendOutcome::NewerTerm,
            5 => AppendOutcome::SnapshotWanted { at_least: self.index() },
            1 | 2 => AppendOutcome::Matched(self.index()),
            _ => AppendOutcome::Rejected {
                prev: self.index(),
                hint: self.index(),
                hint_term: self.yes().then(|| self.term(ours)),
            },
        }
    }

    fn named(&mut self, ours: Term) -> Option<EntryId> {
        self.yes().then(|| self.id(ours))
    }

    fn ask(&mut self, ours: Term) -> VoteRequest {
        let (last, commit) = (self.id(ours), self.named(ours));
        let priority = Priority(self.number(3));
        VoteRequest { transfer: self.yes(), commit, priority, ..VoteRequest::new(last) }
    }

    fn body(&mut self, ours: Term) -> Body {
        let session = Session(u64::from(self.0.random_range(0..20_u32) == 0));
        let token = self.yes().then(|| ReadToken(self.number(3)));
        match self.0.random_range(0..24_u32) {
            0 => Body::RequestPreVote(self.ask(ours)),
            1 => Body::PreVoteReply { granted: self.yes(), commit: self.named(ours) },
            2 | 3 => Body::RequestVote(self.ask(ours)),
            4 | 5 => Body::VoteReply { granted: self.yes(), commit: self.named(ours) },
            6 => Body::InstallSnapshot { snapshot: Box::new(self.snapshot(ours)), session },
            7 | 8 => Body::Heartbeat { commit: self.index(), token, session },
            9 | 10 => Body::HeartbeatReply { token, session },
            11 => Body::Propose { entries: self.entries(EntryId::default(), ours) },
            12 => Body::TransferLeader { target: NodeId(self.number(5)) },
            13 => Body::TimeoutNow { last: self.id(ours) },
            14 => Body::ReadIndex { attempt: ReadAttempt(self.number(3)), context: Bytes::new() },
            15 => Body::ReadIndexReply {
                attempt: ReadAttempt(self.number(3)),
                context: Bytes::new(),
                outcome: if self.yes() { Ok(self.index()) } else { Err(ReadDropped::NoLeader) },
            },
            16..=18 => Body::AppendReply { outcome: self.outcome(ours), session: Some(session) },
            _ => {
                let prev = self.id(ours);
                let (entries, commit) = (self.entries(prev, ours), self.index());
                Body::AppendEntries { prev, entries, commit, session }
            }
        }
    }

    fn message(&mut self, ours: Term) -> Message {
        let body = self.body(ours);
        let term = match self.0.random_range(0..100_u32) {
            0 => None,
            _ => Some(self.term(ours)),
        };
        let bare = matches!(
            body,
            Body::Propose { .. }
                | Body::TransferLeader { .. }
                | Body::ReadIndex { .. }
                | Body::ReadIndexReply { .. }
        );
        let term = if bare && self.yes() { None } else { term };
        let to = if self.0.random_range(0..100_u32) == 0 { NodeId(2) } else { NodeId(1) };
        Message { from: NodeId(self.number(6)), to, term, body }
    }
}

/// Does an owner's work for a Ready, at once or later.
fn serve(node: &mut RawNode<MemoryStorage>, mut ready: Ready) {
    if let Some(snapshot) = ready.take_snapshot() {
        node.storage_mut().install_snapshot(snapshot);
    }
    node.storage_mut().append(ready.entries());
    if let Some(hard_state) = ready.hard_state() {
        node.storage_mut().save(hard_state);
    }
    ready.take_messages();
    apply(node, &ready.take_committed_entries());
    let mut light = node.advance(ready).expect("memory can be read");
    apply(node, &light.take_committed_entries());
    node.advance_apply().expect("memory can be read");
}

/// Makes the changes of the group among applied entries.
fn apply(node: &mut RawNode<MemoryStorage>, entries: &[Entry]) {
    for change in entries.iter().filter_map(|entry| entry.payload().change()) {
        match node.apply_conf_change(change) {
            Ok(conf_state) => node.storage_mut().save_conf_state(conf_state),
            Err(why) => assert!(matches!(why, ApplyChangeError::Refused(_)), "{why}"),
        }
    }
}

/// Keeps a snapshot of everything that is applied, and compacts the log up to it.
fn compact(node: &mut RawNode<MemoryStorage>) {
    let applied = node.status().applied;
    let (first, conf_state) = (node.storage().first_index(), node.storage().conf_state().clone());
    if first.is_ok_and(|first| first <= applied) {
        node.storage_mut().create_snapshot(applied, conf_state, Bytes::new());
        node.storage_mut().compact(applied);
    }
}

/// Returns the settings of the next life: each feature is on in half of them.
fn settings(noise: &mut Noise, seed: u64) -> Config {
    let check_quorum = noise.yes();
    let lease = check_quorum && noise.yes();
    Config {
        batch_append: seed % 2 == 1,
        pre_vote: noise.yes(),
        check_quorum,
        read_mode: if lease { ReadMode::Lease(9) } else { ReadMode::Quorum },
        snapshot_ticks: noise.yes().then_some(3),
        commit_by_vote: noise.yes(),
        priority: Priority(noise.number(3)),
        commit_groups: noise.yes().then(|| noise.groups()),
        check_changes: noise.yes(),
        replace_refused_changes: noise.yes(),
        step_down_on_removal: match noise.0.random_range(0..3_u32) {
            0 => StepDownOnRemoval::Never,
            1 => StepDownOnRemoval::AtOnce,
            _ => StepDownOnRemoval::OnceReplicated,
        },
        ..Config::new(NodeId(1))
    }
}

#[test]
fn a_node_that_is_told_a_million_things_stands() {
    let seed = std::env::var("RAFTWRIGHT_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(0x5EED);
    let (mut taken, mut led, mut committed) = (0, 0, 0);
    let fresh = |noise: &mut Noise| {
        let storage = MemoryStorage::with_voters([1, 2, 3].map(NodeId));
        RawNode::new(&settings(noise, seed), storage).expect("settings that work")
    };
    let mut noise = Noise(ChaCha8Rng::seed_from_u64(seed));
    let mut node = fresh(&mut noise);
    let mut before = HardState::default();
    for at in 0..1_000_000 {
        // A new life now and then: the first terms are the lively ones.
        if at % 500 == 0 {
            node = fresh(&mut noise);
            before = HardState::default();
        }
        match noise.0.random_range(0..30_u32) {
            0 | 1 => drop(node.tick()),
            2 => drop(node.campaign()),
            3 => drop(node.propose(Bytes::new(), Bytes::from_static(b"x"))),
            4 => match noise.number(7) {
                0 => node.report_unreachable(NodeId(noise.number(5))),
                1 => node.report_snapshot(NodeId(noise.number(5)), SnapshotStatus::Finish),
                2 => node.report_snapshot(NodeId(noise.number(5)), SnapshotStatus::Failure),
                3 => drop(node.transfer_leader(NodeId(noise.number(5)))),
                4 => drop(node.request_snapshot()),
                5 if noise.yes() => drop(node.forget_leader()),
                5 => node.set_priority(Priority(noise.number(3))),
                6 if noise.yes() => {
                    let groups = noise.yes().then(|| noise.groups());
                    node.set_commit_groups(groups).expect("memory can be read");
                }
                _ => drop(node.on_entries_fetched(NodeId(noise.number(5)))),
            },
            5 => drop(node.propose_conf_change(Bytes::new(), noise.change())),
            6 if noise.number(9) == 0 => compact(&mut node),
            7 => node.read_index(Bytes::new()).expect("memory can be read"),
            8..=10 if node.has_ready() => {
                let ready = node.ready().expect("memory can be read");
                serve(&mut node, ready);
            }
            _ => {
                let message = noise.message(node.hard_state().term);
                taken += u32::from(node.step(message).is_ok());
            }
        }
        let (now, seen) = (node.hard_state(), node.status());
        let holds = now.term >= before.term
            && now.commit >= before.commit
            && now.commit <= seen.last.index
            && (seen.role != RoleName::Leader || seen.leader == Some(NodeId(1)));
        assert!(holds, "event {at} of seed {seed}: {before:?}, then {seen:?}");
        led += u32::from(seen.role == RoleName::Leader);
        committed += u32::from(now.commit > before.commit);
        before = now;
    }
    assert!(taken > 100_000 && led > 10_000 && committed > 1_000, "{taken} {led} {committed}");
}
