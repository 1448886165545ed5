//! The peer's five nodes in lock step.

use super::operation::{Leaving, Operation};
use super::{Settings, Side, View, ids};
use crate::raft_rs::save_and_apply;
use raft_rs::eraftpb::{
    ConfChange, ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2, Entry,
    EntryType, Message, MessageType, Snapshot,
};
use raft_rs::storage::MemStorage;
use raft_rs::{Config, RawNode, SnapshotStatus, StateRole, Storage};
use slog::{Discard, Logger, o};
use std::collections::{BTreeMap, BTreeSet};

/// The peer's nodes.
pub(crate) struct Peers {
    nodes: BTreeMap<u64, Node>,
}

struct Node {
    id: u64,
    settings: Settings,
    raw: RawNode<MemStorage>,
    reads: BTreeMap<Vec<u8>, u64>,
}

fn start(id: u64, settings: Settings, applied: u64, storage: MemStorage) -> RawNode<MemStorage> {
    let config = Config {
        id,
        election_tick: 10,
        heartbeat_tick: 1,
        max_size_per_msg: u64::MAX,
        max_inflight_msgs: 256,
        applied,
        pre_vote: settings.pre_vote,
        priority: settings.priority(id) as i64,
        ..Config::default()
    };
    let logger = Logger::root(Discard, o!());
    let mut raw = RawNode::new(&config, storage, &logger).expect("settings that work");
    raw.raft.enable_group_commit(settings.has_groups);
    raw
}

impl Side for Peers {
    type Message = Message;

    fn new(settings: Settings) -> Self {
        let node = |id| {
            let storage = if id <= 3 { first_state() } else { MemStorage::new() };
            let raw = start(id, settings, if id <= 3 { 2 } else { 0 }, storage);
            (id, Node { id, settings, raw, reads: BTreeMap::new() })
        };
        Peers { nodes: ids().map(node).collect() }
    }

    fn operate(&mut self, operation: &Operation) {
        match operation {
            Operation::Campaign(id) => {
                let raw = &mut self.at(*id).raw;
                // The peer lets a node campaign that is no voter.
                if raw.raft.promotable() {
                    drop(raw.campaign());
                }
            }
            Operation::Propose(id) => drop(self.at(*id).raw.propose(vec![], b"x".to_vec())),
            Operation::Restart(id) => self.at(*id).restart(),
            Operation::Unreachable(id, peer) => self.at(*id).raw.report_unreachable(*peer),
            Operation::Transfer(id, target) => {
                let raw = &mut self.at(*id).raw;
                if raw.raft.state == StateRole::Leader {
                    raw.transfer_leader(*target);
                }
            }
            Operation::Read(id, mark) => self.at(*id).raw.read_index(vec![*mark]),
            Operation::Change(id, changes, leaving) => {
                drop(self.at(*id).raw.propose_conf_change(vec![], change(changes, *leaving)));
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
        node.assign_groups();
        while node.raw.has_ready() {
            node.work(&mut sent);
        }
        sent
    }

    fn deliver(&mut self, message: Message) {
        drop(self.at(message.to).raw.step(message));
    }

    fn lose(&mut self, from: u64, message: Message) {
        if message.msg_type() == MessageType::MsgSnapshot {
            self.at(from).raw.report_snapshot(message.to, SnapshotStatus::Failure);
        }
    }

    fn to(message: &Message) -> u64 {
        message.to
    }

    fn view(&self, id: u64) -> View {
        let node = &self.nodes[&id];
        let raft = &node.raw.raft;
        let log = &raft.raft_log;
        let first = log.first_index();
        let terms = (first..=log.last_index()).map(|at| (at, log.term(at).unwrap_or(0)));
        let conf = raft.prs().conf().to_conf_state();
        let set = |ids: &[u64]| {
            format!("{:?}", ids.iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>())
        };
        View {
            role: match raft.state {
                StateRole::Follower => "follower",
                StateRole::PreCandidate => "pre-candidate",
                StateRole::Candidate => "candidate",
                StateRole::Leader => "leader",
            },
            term: raft.term,
            vote: raft.vote,
            leader: raft.leader_id,
            commit: log.committed,
            applied: log.applied,
            last: (log.last_index(), log.last_term()),
            log: terms.collect(),
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

impl Peers {
    fn at(&mut self, id: u64) -> &mut Node {
        self.nodes.get_mut(&id).expect("every node is there")
    }
}

impl Node {
    fn work(&mut self, queue: &mut Vec<Message>) {
        let mut ready = self.raw.ready();
        for read in ready.take_read_states() {
            self.reads.insert(read.request_ctx, read.index);
        }
        if *ready.snapshot() != Snapshot::default() {
            let storage = self.raw.raft.raft_log.store.clone();
            storage.wl().apply_snapshot(ready.snapshot().clone()).expect("a newer snapshot");
        }
        save_and_apply(&mut self.raw, ready, queue, apply);
        self.assign_groups();
    }

    /// Tells the node where the others are: it forgets that when it restarts, gets a snapshot, or gets a new
    /// member.
    fn assign_groups(&mut self) {
        let groups: Vec<_> = self.settings.groups().collect();
        if !groups.is_empty() {
            self.raw.raft.assign_commit_groups(&groups);
        }
    }

    fn compact(&mut self) {
        let applied = self.raw.raft.raft_log.applied;
        let storage = self.raw.raft.raft_log.store.clone();
        if applied > 0 && storage.first_index().is_ok_and(|first| applied > first) {
            storage.wl().compact(applied).expect("it is applied");
        }
    }

    fn restart(&mut self) {
        let applied = self.raw.raft.raft_log.applied;
        let storage = self.raw.raft.raft_log.store.clone();
        self.raw = start(self.id, self.settings, applied, storage);
    }
}

fn apply(raw: &mut RawNode<MemStorage>, entries: Vec<Entry>) {
    for entry in entries {
        let changed = match entry.entry_type() {
            EntryType::EntryNormal => continue,
            EntryType::EntryConfChange => raw.apply_conf_change(&decode::<ConfChange>(&entry.data)),
            EntryType::EntryConfChangeV2 => {
                raw.apply_conf_change(&decode::<ConfChangeV2>(&entry.data))
            }
        };
        if let Ok(conf_state) = changed {
            raw.raft.raft_log.store.wl().set_conf_state(conf_state);
        }
    }
}

/// Returns the storage of a node that begins with a snapshot, so that nodes which join get one.
fn first_state() -> MemStorage {
    let storage = MemStorage::new();
    let mut snapshot = Snapshot::default();
    let metadata = snapshot.mut_metadata();
    (metadata.index, metadata.term) = (2, 1);
    metadata.mut_conf_state().voters = vec![1, 2, 3];
    storage.wl().apply_snapshot(snapshot).expect("the first snapshot");
    storage
}

fn decode<M: prost::Message + Default>(data: &[u8]) -> M {
    M::decode(data).expect("the peer has encoded it")
}

fn change(changes: &[(char, u64)], leaving: Leaving) -> ConfChangeV2 {
    let kind = |letter| match letter {
        'v' => ConfChangeType::AddNode,
        'l' => ConfChangeType::AddLearnerNode,
        _ => ConfChangeType::RemoveNode,
    };
    let one = |&(letter, node_id): &(char, u64)| {
        let mut one = ConfChangeSingle { node_id, ..ConfChangeSingle::default() };
        one.set_change_type(kind(letter));
        one
    };
    let mut all = ConfChangeV2 { changes: changes.iter().map(one).collect(), ..Default::default() };
    all.set_transition(match leaving {
        Leaving::Auto => ConfChangeTransition::Auto,
        Leaving::Implicit => ConfChangeTransition::Implicit,
        Leaving::Explicit => ConfChangeTransition::Explicit,
    });
    all
}
