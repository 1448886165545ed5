//! The cluster of the peer's nodes: raft-rs's `RawNode` over its `MemStorage`.

use crate::cluster::{Applied, Cluster};
use crate::shape::{Mode, Shape};
use raft_rs::eraftpb::{Entry, Message, MessageType, Snapshot};
use raft_rs::storage::MemStorage;
use raft_rs::{Config, RawNode, Ready, SnapshotStatus};
use slog::{Discard, Logger, o};
use std::ops::Range;

/// The peer's nodes.
pub(crate) struct RaftRs {
    nodes: Vec<Node>,
    mode: Mode,
}

struct Node {
    raw: RawNode<MemStorage>,
    shape: Shape,
    applied: Applied,
    reads: u64,
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
                max_inflight_msgs: shape.window,
                batch_append: shape.mode == Mode::BatchAppend,
                ..Config::default()
            };
            let voters: Vec<u64> = (1..=shape.voters).collect();
            let storage = MemStorage::new_with_conf_state((voters, vec![]));
            let raw = RawNode::new(&config, storage, &logger).expect("settings that work");
            Node { raw, shape: *shape, applied: Applied::default(), reads: 0, compacted: 0 }
        };
        RaftRs { nodes: (1..=shape.voters).map(node).collect(), mode: shape.mode }
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

    fn read(&mut self, marks: Range<u64>) {
        for mark in marks {
            self.nodes[0].raw.read_index(mark.to_le_bytes().to_vec());
        }
    }

    fn read_done(&self) -> u64 {
        self.nodes[0].reads
    }

    fn work(&mut self, node: usize, queue: &mut Vec<Message>) -> bool {
        self.nodes[node].work(queue)
    }

    fn ends(message: &Message) -> [u64; 2] {
        [message.from, message.to]
    }

    fn deliver(&mut self, message: Message) {
        let snapshot = snapshot_ends(&message);
        let to = (message.to - 1) as usize;
        self.nodes[to].raw.step(message).expect("a correct network delivers it");
        self.report(snapshot, SnapshotStatus::Finish);
    }

    fn lose(&mut self, message: Message) {
        self.report(snapshot_ends(&message), SnapshotStatus::Failure);
    }

    fn beat(&mut self) {
        self.nodes[0].raw.ping();
    }

    fn applied(&self, node: usize) -> Applied {
        self.nodes[node].applied
    }
}

impl RaftRs {
    /// Tells the sender of a snapshot what became of it.
    fn report(&mut self, snapshot: Option<(u64, u64)>, status: SnapshotStatus) {
        if let Some((from, to)) = snapshot {
            self.nodes[(from - 1) as usize].raw.report_snapshot(to, status);
        }
    }
}

/// Returns whom a snapshot is from, and whom it is for, if the message is one.
fn snapshot_ends(message: &Message) -> Option<(u64, u64)> {
    (message.get_msg_type() == MessageType::MsgSnapshot).then_some((message.from, message.to))
}

impl Node {
    fn work(&mut self, queue: &mut Vec<Message>) -> bool {
        if !self.raw.has_ready() {
            return false;
        }
        let Node { raw, applied, .. } = self;
        let mut ready = raw.ready();
        self.reads += ready.take_read_states().len() as u64;
        let snapshot = ready.snapshot();
        if *snapshot != Snapshot::default() {
            self.compacted = snapshot.get_metadata().index;
            applied.restore(self.compacted, self.shape.payload_bytes);
            let storage = raw.raft.raft_log.store.clone();
            storage.wl().apply_snapshot(snapshot.clone()).expect("a newer snapshot");
        }
        save_and_apply(raw, ready, queue, |_, entries| {
            for entry in entries {
                applied.apply(entry.index, &entry.data);
            }
        });
        if self.applied.last > self.compacted + self.shape.compact_every() {
            self.compacted = self.applied.last - self.shape.keep_behind();
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
