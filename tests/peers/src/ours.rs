//! The cluster of our nodes: [`raft::RawNode`] over [`raft::MemoryStorage`].

use crate::cluster::{Applied, COMPACT_EVERY, Cluster, KEEP_BEHIND};
use crate::shape::{Mode, Shape};
use bytes::Bytes;
use raft::{Body, Config, Entry, Index, MemoryStorage, Message, NodeId, Payload, RawNode};

/// Three of our nodes.
pub(crate) struct Ours {
    nodes: Vec<Node>,
    mode: Mode,
}

struct Node {
    raw: RawNode<MemoryStorage>,
    applied: Applied,
    compacted: u64,
}

impl Cluster for Ours {
    type Message = Message;

    fn new(shape: &Shape) -> Self {
        let node = |id| {
            let mut config = Config::new(NodeId(id));
            config.batch_append |= shape.mode == Mode::BatchAppend;
            let storage = MemoryStorage::with_voters((1..=3).map(NodeId));
            let raw = RawNode::new(&config, storage).expect("the usual settings");
            Node { raw, applied: Applied::default(), compacted: 0 }
        };
        Ours { nodes: (1..=3).map(node).collect(), mode: shape.mode }
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

    fn work(&mut self, node: usize, queue: &mut Vec<Message>) -> bool {
        self.nodes[node].work(queue)
    }

    fn deliver(&mut self, message: Message) {
        let to = (message.to.0 - 1) as usize;
        self.nodes[to].raw.step(message).expect("a correct network delivers it");
    }

    fn beat(&mut self) {
        self.nodes[0].raw.tick();
    }

    fn applied(&self, node: usize) -> Applied {
        self.nodes[node].applied
    }
}

impl Node {
    fn work(&mut self, queue: &mut Vec<Message>) -> bool {
        if !self.raw.has_ready() {
            return false;
        }
        let mut ready = self.raw.ready().expect("memory can be read");
        ready.take_messages_into(queue);
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
        if self.applied.last > self.compacted + COMPACT_EVERY {
            self.compacted = self.applied.last - KEEP_BEHIND;
            self.raw.storage_mut().compact(Index(self.compacted));
        }
        true
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
