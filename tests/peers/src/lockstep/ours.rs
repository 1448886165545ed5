//! Our five nodes in lock step.

use super::operation::{Leaving, Operation};
use super::{Settings, Side, View, ids};
use bytes::Bytes;
use raft::{
    Body, ChangeKind, CommitGroup, CommitGroups, ConfChange, ConfChangeV2, ConfState, Config,
    Entry, EntryId, HardState, Index, MemoryStorage, Message, NodeId, Payload, Priority, RawNode,
    RoleName, Snapshot, SnapshotStatus, StepDownOnRemoval, Storage, Term, Transition,
};
use std::collections::{BTreeMap, BTreeSet};

/// Our nodes.
pub(crate) struct Ours {
    nodes: BTreeMap<u64, Node>,
}

struct Node {
    config: Config,
    raw: RawNode<MemoryStorage>,
    reads: BTreeMap<Vec<u8>, u64>,
}

/// Returns the settings under which we are most like the peer.
fn config(id: u64, settings: Settings) -> Config {
    let placed = settings.groups().map(|(id, group)| (NodeId(id), CommitGroup(group)));
    Config {
        pre_vote: settings.pre_vote,
        commit_by_vote: true,
        priority: Priority(settings.priority(id)),
        commit_groups: settings.has_groups.then(|| CommitGroups::new(placed)),
        snapshot_ticks: None,
        max_append_bytes: None,
        replace_refused_changes: true,
        answer_older_leaders: false,
        step_down_on_removal: StepDownOnRemoval::Never,
        vote_when_leader_known: false,
        ..Config::new(NodeId(id))
    }
}

impl Side for Ours {
    type Message = Message;

    fn new(settings: Settings) -> Self {
        let node = |id| {
            let storage = if id <= 3 { first_state() } else { MemoryStorage::default() };
            let config = config(id, settings);
            let raw = RawNode::new(&config, storage).expect("settings that work");
            (id, Node { config, raw, reads: BTreeMap::new() })
        };
        Ours { nodes: ids().map(node).collect() }
    }

    fn operate(&mut self, operation: &Operation) {
        match operation {
            Operation::Campaign(id) => drop(self.at(*id).raw.campaign()),
            Operation::Propose(id) => {
                drop(self.at(*id).raw.propose(Bytes::new(), Bytes::from_static(b"x")));
            }
            Operation::Restart(id) => self.at(*id).restart(),
            Operation::Unreachable(id, peer) => {
                self.at(*id).raw.report_unreachable(NodeId(*peer));
            }
            Operation::Transfer(id, target) => {
                let raw = &mut self.at(*id).raw;
                // A request that a follower forwards has no term here, and one at the peer's.
                if raw.status().role == RoleName::Leader {
                    drop(raw.transfer_leader(NodeId(*target)));
                }
            }
            Operation::Read(id, mark) => {
                let read = self.at(*id).raw.read_index(Bytes::copy_from_slice(&[*mark]));
                read.expect("memory can be read");
            }
            Operation::Change(id, changes, leaving) => {
                let change = change(changes, *leaving);
                drop(self.at(*id).raw.propose_conf_change(Bytes::new(), change));
            }
            Operation::Compact(id) => self.at(*id).compact(),
            Operation::Cut(_) | Operation::Heal => {}
        }
    }

    fn beat(&mut self) {
        self.nodes.values_mut().for_each(|node| node.raw.ping());
    }

    fn work(&mut self, id: u64) -> Vec<Message> {
        let node = self.at(id);
        let mut sent = Vec::new();
        while node.raw.has_ready() {
            node.work(&mut sent);
        }
        sent
    }

    fn deliver(&mut self, message: Message) {
        drop(self.at(message.to.0).raw.step(message));
    }

    fn lose(&mut self, from: u64, message: Message) {
        if matches!(message.body, Body::InstallSnapshot { .. }) {
            self.at(from).raw.report_snapshot(message.to, SnapshotStatus::Failure);
        }
    }

    fn to(message: &Message) -> u64 {
        message.to.0
    }

    fn view(&self, id: u64) -> View {
        let node = &self.nodes[&id];
        let seen = node.raw.status();
        let conf = seen.conf_state;
        let set =
            |ids: &BTreeSet<NodeId>| format!("{:?}", ids.iter().map(|id| id.0).collect::<Vec<_>>());
        let storage = node.raw.storage();
        let first = storage.first_index().expect("memory can be read");
        let entries =
            node.raw.raft().entries(first, seen.last.index + 1).expect("memory can be read");
        View {
            role: match seen.role {
                RoleName::Follower => "follower",
                RoleName::PreCandidate => "pre-candidate",
                RoleName::Candidate => "candidate",
                RoleName::Leader => "leader",
            },
            term: seen.term.0,
            vote: seen.vote.map_or(0, |id| id.0),
            leader: seen.leader.map_or(0, |id| id.0),
            commit: seen.commit.0,
            applied: seen.applied.0,
            last: (seen.last.index.0, seen.last.term.0),
            log: entries.iter().map(|entry| (entry.id.index.0, entry.id.term.0)).collect(),
            members: format!(
                "{}&&{} learn {} next {} auto {}",
                set(&conf.voters),
                set(&conf.voters_outgoing),
                set(&conf.learners),
                set(&conf.learners_next),
                conf.auto_leave
            ),
            reads: node.reads.clone(),
        }
    }
}

impl Ours {
    fn at(&mut self, id: u64) -> &mut Node {
        self.nodes.get_mut(&id).expect("every node is there")
    }
}

impl Node {
    fn work(&mut self, queue: &mut Vec<Message>) {
        let mut ready = self.raw.ready().expect("memory can be read");
        queue.extend(ready.take_messages());
        for read in ready.take_reads() {
            if let Ok(index) = read.outcome {
                self.reads.insert(read.context.to_vec(), index.0);
            }
        }
        if let Some(snapshot) = ready.take_snapshot() {
            self.raw.storage_mut().install_snapshot(snapshot);
        }
        self.raw.storage_mut().append(ready.take_entries());
        if let Some(hard_state) = ready.hard_state() {
            self.raw.storage_mut().save(hard_state);
        }
        queue.extend(ready.take_persisted_messages());
        self.apply(&ready.take_committed_entries());
        let mut light = self.raw.advance(ready).expect("memory can be read");
        if let Some(commit) = light.commit_index() {
            self.raw.storage_mut().save_commit(commit);
        }
        queue.extend(light.take_messages());
        self.apply(&light.take_committed_entries());
        self.raw.advance_apply().expect("memory can be read");
    }

    fn apply(&mut self, entries: &[Entry]) {
        for entry in entries {
            if let Some(change) = entry.payload().change()
                && let Ok(conf_state) = self.raw.apply_conf_change(change)
            {
                self.raw.storage_mut().save_conf_state(conf_state);
            }
            // The peer's storage makes a snapshot of what is committed whenever one is asked for.
            let storage = self.raw.storage_mut();
            let conf_state = storage.conf_state().clone();
            storage.create_snapshot(entry.id.index, conf_state, Bytes::new());
        }
    }

    fn compact(&mut self) {
        let applied = self.raw.status().applied;
        if applied > Index(0) {
            self.raw.storage_mut().compact(Index(applied.0 - 1));
        }
    }

    fn restart(&mut self) {
        let applied = self.raw.status().applied;
        let storage = self.raw.storage().clone();
        let config = Config { applied, ..self.config.clone() };
        self.raw = RawNode::new(&config, storage).expect("it has run before");
    }
}

/// Returns the storage of a node that begins with a snapshot, so that nodes which join get one.
fn first_state() -> MemoryStorage {
    let conf_state = ConfState { voters: [1, 2, 3].map(NodeId).into(), ..ConfState::default() };
    let id = EntryId { index: Index(2), term: Term(1) };
    let mut storage = MemoryStorage::with_snapshot(Snapshot { id, conf_state, data: Bytes::new() });
    storage.save(HardState { term: Term(1), vote: None, commit: Index(2) });
    storage
}

fn change(changes: &[(char, u64)], leaving: Leaving) -> Payload {
    let kind = |letter| match letter {
        'v' => ChangeKind::AddVoter,
        'l' => ChangeKind::AddLearner,
        _ => ChangeKind::Remove,
    };
    let one = |&(letter, node)| ConfChange { kind: kind(letter), node: NodeId(node) };
    let transition = match leaving {
        Leaving::Auto => Transition::Auto,
        Leaving::Implicit => Transition::Implicit,
        Leaving::Explicit => Transition::Explicit,
    };
    ConfChangeV2 { transition, changes: changes.iter().map(one).collect() }.into()
}
