//! The cluster of the peer's nodes: raft-rs's `RawNode` over its `MemStorage`.

use crate::cluster::{Applied, COMPACT_EVERY, Cluster, KEEP_BEHIND};
use crate::shape::{Mode, Shape};
use raft_rs::eraftpb::{Entry, Message, MessageType};
use raft_rs::storage::MemStorage;
use raft_rs::{Config, RawNode, Ready};
use slog::{Discard, Logger, o};

/// Three of the peer's nodes.
pub(crate) struct RaftRs {
    nodes: Vec<Node>,
    mode: Mode,
}

struct Node {
    raw: RawNode<MemStorage>,
    applied: Applied,
    compacted: u64,
}

impl Cluster for RaftRs {
    type Message = Message;

    fn new(shape: &Shape) -> Self {
        let logger = Logger::root(Discard, o!());
        let node = |id| {
            // Its default of 0 bytes lets a single entry into each append: ours is not measured
            // against that.
            let config = Config {
                id,
                election_tick: 10,
                heartbeat_tick: 1,
                max_size_per_msg: 1 << 20,
                max_inflight_msgs: 256,
                batch_append: shape.mode == Mode::BatchAppend,
                ..Config::default()
            };
            let storage = MemStorage::new_with_conf_state((vec![1, 2, 3], vec![]));
            let raw = RawNode::new(&config, storage, &logger).expect("settings that work");
            Node { raw, applied: Applied::default(), compacted: 0 }
        };
        RaftRs { nodes: (1..=3).map(node).collect(), mode: shape.mode }
    }

    fn campaign(&mut self) {
        self.nodes[0].raw.campaign().expect("it follows nobody");
    }

    fn propose(&mut self, entries: u64, payload: &[u8]) {
        let leader = &mut self.nodes[0].raw;
        if self.mode == Mode::Together {
            let entry = |_| Entry { data: payload.to_vec(), ..Entry::default() };
            let mut message = Message { from: 1, ..Message::default() };
            message.set_msg_type(MessageType::MsgPropose);
            message.set_entries((0..entries).map(entry).collect());
            leader.step(message).expect("the first node leads");
        } else {
            for _ in 0..entries {
                leader.propose(Vec::new(), payload.to_vec()).expect("the first node leads");
            }
        }
    }

    fn work(&mut self, node: usize, queue: &mut Vec<Message>) -> bool {
        self.nodes[node].work(queue)
    }

    fn deliver(&mut self, message: Message) {
        let to = (message.to - 1) as usize;
        self.nodes[to].raw.step(message).expect("a correct network delivers it");
    }

    fn beat(&mut self) {
        self.nodes[0].raw.ping();
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
        let Node { raw, applied, .. } = self;
        let ready = raw.ready();
        save_and_apply(raw, ready, queue, |_, entries| {
            for entry in entries {
                applied.apply(entry.index, &entry.data);
            }
        });
        if self.applied.last > self.compacted + COMPACT_EVERY {
            self.compacted = self.applied.last - KEEP_BEHIND;
            let storage = self.raw.raft.raft_log.store.clone();
            storage.wl().compact(self.compacted + 1).expect("it is applied");
        }
        true
    }
}

/// Saves and applies what a Ready of the peer holds, but for a snapshot, and lets all its messages leave in
/// between.
pub(crate) fn save_and_apply(
    raw: &mut RawNode<MemStorage>,
    mut ready: Ready,
    queue: &mut Vec<Message>,
    mut apply: impl FnMut(&mut RawNode<MemStorage>, Vec<Entry>),
) {
    queue.extend(ready.take_messages());
    let storage = raw.raft.raft_log.store.clone();
    if !ready.entries().is_empty() {
        storage.wl().append(ready.entries()).expect("entries in order");
    }
    if let Some(hard_state) = ready.hs() {
        storage.wl().set_hardstate(hard_state.clone());
    }
    queue.extend(ready.take_persisted_messages());
    apply(raw, ready.take_committed_entries());
    let mut light = raw.advance(ready);
    if let Some(commit) = light.commit_index() {
        storage.wl().mut_hard_state().commit = commit;
    }
    queue.extend(light.take_messages());
    apply(raw, light.take_committed_entries());
    raw.advance_apply();
}
