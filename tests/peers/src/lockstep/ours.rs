//! Our five nodes in lock step.

use super::operation::{Leaving, Operation};
use super::{Side, View, ids};
use bytes::Bytes;
use raft::{
    ChangeKind, ConfChange, ConfChangeV2, ConfState, Config, Entry, EntryId, HardState, Index,
    MemoryStorage, Message, NodeId, Payload, RawNode, Snapshot, StepDownOnRemoval, Storage, Term,
    Transition,
};
use std::collections::{BTreeMap, BTreeSet};

/// Our nodes.
pub(crate) struct Ours {
    nodes: BTreeMap<u64, Node>,
    /// What is in flight, each message with the node that sent it.
    queue: Vec<(u64, Message)>,
}

struct Node {
    config: Config,
    raw: RawNode<MemoryStorage>,
    reads: BTreeMap<Vec<u8>, u64>,
}

/// Returns the settings under which we are most like the peer.
fn settings(id: u64, pre_vote: bool) -> Config {
    Config {
        pre_vote,
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
    fn new(pre_vote: bool) -> Self {
        let node = |id| {
            let storage = if id <= 3 { first_state() } else { MemoryStorage::default() };
            let config = settings(id, pre_vote);
            let raw = RawNode::new(&config, storage).expect("settings that work");
            (id, Node { config, raw, reads: BTreeMap::new() })
        };
        Ours { nodes: ids().map(node).collect(), queue: Vec::new() }
    }

    fn operate(&mut self, operation: &Operation) {
        let at = |id: &u64| *id;
        let id = match operation {
            Operation::Campaign(id) | Operation::Propose(id) | Operation::Beat(id) => at(id),
            Operation::Cut(id) | Operation::Restart(id) | Operation::Compact(id) => at(id),
            Operation::Unreachable(id, _) | Operation::Transfer(id, _) => at(id),
            Operation::Change(id, ..) | Operation::Read(id, _) => at(id),
            Operation::Heal => return,
        };
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let raw = &mut node.raw;
        match operation {
            Operation::Campaign(_) => drop(raw.campaign()),
            Operation::Propose(_) => drop(raw.propose(Bytes::new(), Bytes::from_static(b"x"))),
            Operation::Beat(_) => {}
            Operation::Restart(_) => node.restart(),
            Operation::Unreachable(_, peer) => raw.report_unreachable(NodeId(*peer)),
            // A request that a follower forwards has no term here, and one at the peer's.
            Operation::Transfer(_, target) if raw.status().role == raft::RoleName::Leader => {
                drop(raw.transfer_leader(NodeId(*target)));
            }
            Operation::Transfer(..) => {}
            Operation::Read(_, mark) => {
                raw.read_index(Bytes::copy_from_slice(&[*mark])).expect("memory can be read");
            }
            Operation::Change(_, changes, leaving) => {
                drop(raw.propose_conf_change(Bytes::new(), change(changes, *leaving)));
            }
            Operation::Compact(_) => node.compact(),
            Operation::Cut(_) | Operation::Heal => {}
        }
    }

    fn beat(&mut self) {
        self.nodes.values_mut().for_each(|node| node.raw.ping());
    }

    fn settle(&mut self, cut: &BTreeSet<u64>) {
        loop {
            let mut busy = false;
            for (&id, node) in &mut self.nodes {
                while node.raw.has_ready() {
                    busy = true;
                    let mut sent = Vec::new();
                    node.work(&mut sent);
                    self.queue.extend(sent.into_iter().map(|message| (id, message)));
                }
            }
            for (from, message) in std::mem::take(&mut self.queue) {
                busy = true;
                let to = message.to.0;
                if from == to || !cut.contains(&from) && !cut.contains(&to) {
                    if let Some(node) = self.nodes.get_mut(&to) {
                        drop(node.raw.step(message));
                    }
                }
            }
            if !busy {
                return;
            }
        }
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
                raft::RoleName::Follower => "follower",
                raft::RoleName::PreCandidate => "pre-candidate",
                raft::RoleName::Candidate => "candidate",
                raft::RoleName::Leader => "leader",
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
