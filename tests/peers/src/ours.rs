//! The cluster of our nodes: [`raft::RawNode`] over [`raft::MemoryStorage`].

use crate::cluster::{Applied, Cluster};
use crate::shape::{Mode, Shape};
use bytes::Bytes;
use raft::{
    Body, ConfState, Config, Entry, Index, MemoryStorage, Message, NodeId, Payload, RawNode,
    SnapshotStatus,
};
use std::ops::Range;

/// Our nodes.
pub(crate) struct Ours {
    nodes: Vec<Node>,
    mode: Mode,
}

struct Node {
    raw: RawNode<MemoryStorage>,
    shape: Shape,
    applied: Applied,
    reads: u64,
    compacted: u64,
}

impl Cluster for Ours {
    type Message = Message;

    fn new(shape: &Shape) -> Self {
        let node = |id| {
            let mut config = Config::new(NodeId(id));
            config.batch_append |= shape.mode == Mode::BatchAppend;
            config.max_inflight_messages = shape.window;
            let storage = MemoryStorage::with_voters((1..=shape.voters).map(NodeId));
            let raw = RawNode::new(&config, storage).expect("the usual settings");
            Node { raw, shape: *shape, applied: Applied::default(), reads: 0, compacted: 0 }
        };
        Ours { nodes: (1..=shape.voters).map(node).collect(), mode: shape.mode }
    }

    fn campaign(&mut self) {
        self.nodes[0].raw.campaign().expect("it follows nobody");
    }

    fn propose(&mut self, entries: u64, payload: &[u8]) {
        let leader = &mut self.nodes[0].raw;
        if self.mode == Mode::Together {
            // As a follower hands them on; one's own client has no call for many at once.
            let entry = |_| Entry::unplaced(Payload::Normal(Bytes::copy_from_slice(payload)));
            let body = Body::Propose { entries: (0..entries).map(entry).collect() };
            let (from, to) = (NodeId(2), NodeId(1));
            leader.step(Message { from, to, term: None, body }).expect("the first node leads");
        } else {
            for _ in 0..entries {
                let data = Bytes::copy_from_slice(payload);
                leader.propose(Bytes::new(), data).expect("the first node leads");
            }
        }
    }

    fn read(&mut self, marks: Range<u64>) {
        for mark in marks {
            let mark = Bytes::copy_from_slice(&mark.to_le_bytes());
            self.nodes[0].raw.read_index(mark).expect("memory can be read");
        }
    }

    fn read_done(&self) -> u64 {
        self.nodes[0].reads
    }

    fn work(&mut self, node: usize, queue: &mut Vec<Message>) -> bool {
        self.nodes[node].work(queue)
    }

    fn ends(message: &Message) -> [u64; 2] {
        [message.from.0, message.to.0]
    }

    fn deliver(&mut self, message: Message) {
        let snapshot = snapshot_ends(&message);
        let to = (message.to.0 - 1) as usize;
        self.nodes[to].raw.step(message).expect("a correct network delivers it");
        self.report(snapshot, SnapshotStatus::Finish);
    }

    fn lose(&mut self, message: Message) {
        self.report(snapshot_ends(&message), SnapshotStatus::Failure);
    }

    fn beat(&mut self) {
        self.nodes[0].raw.tick();
    }

    fn applied(&self, node: usize) -> Applied {
        self.nodes[node].applied
    }
}

impl Ours {
    /// Tells the sender of a snapshot what became of it.
    fn report(&mut self, snapshot: Option<(NodeId, NodeId)>, status: SnapshotStatus) {
        if let Some((from, to)) = snapshot {
            self.nodes[(from.0 - 1) as usize].raw.report_snapshot(to, status);
        }
    }
}

/// Returns whom a snapshot is from, and whom it is for, if the message is one.
fn snapshot_ends(message: &Message) -> Option<(NodeId, NodeId)> {
    matches!(message.body, Body::InstallSnapshot { .. }).then_some((message.from, message.to))
}

impl Node {
    fn work(&mut self, queue: &mut Vec<Message>) -> bool {
        if !self.raw.has_ready() {
            return false;
        }
        let mut ready = self.raw.ready().expect("memory can be read");
        ready.take_messages_into(queue);
        let has_index = ready.reads().iter().filter(|read| read.outcome.is_ok()).count();
        self.reads += has_index as u64;
        if let Some(snapshot) = ready.take_snapshot() {
            self.compacted = snapshot.id.index.0;
            self.applied.restore(self.compacted, self.shape.payload_bytes);
            self.raw.storage_mut().install_snapshot(snapshot);
        }
        self.raw.storage_mut().append(ready.take_entries());
        if let Some(hard_state) = ready.hard_state() {
            self.raw.storage_mut().save(hard_state);
        }
        ready.take_persisted_messages_into(queue);
        self.apply(ready.take_committed_entries());
        let mut light = self.raw.advance(ready).expect("memory can be read");
        if let Some(commit) = light.commit_index() {
            self.raw.storage_mut().save_commit(commit);
        }
        queue.extend(light.take_messages());
        self.apply(light.take_committed_entries());
        self.raw.advance_apply().expect("memory can be read");
        if self.applied.last > self.compacted + self.shape.compact_every() {
            self.compacted = self.applied.last - self.shape.keep_behind();
            self.compact(Index(self.compacted));
        }
        true
    }

    fn compact(&mut self, through: Index) {
        let voters = (1..=self.shape.voters).map(NodeId).collect();
        let storage = self.raw.storage_mut();
        // The peer's storage makes a snapshot whenever one is asked for.
        storage.create_snapshot(
            through,
            ConfState { voters, ..ConfState::default() },
            Bytes::new(),
        );
        storage.compact(through);
    }

    fn apply(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            let data: &[u8] = match entry.payload() {
                Payload::Normal(data) => data,
                Payload::Noop | Payload::Change(_) | Payload::ChangeV2(_) => &[],
            };
            self.applied.apply(entry.id.index.0, data);
        }
    }
}
