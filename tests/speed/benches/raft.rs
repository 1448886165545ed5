//! What the core costs: from a proposal to its being applied, and the two doors in between.
//!
//! ```text
//!   cargo bench -p speed --bench raft                  all of it
//!   cargo bench -p speed --bench raft -- commit/16     one shape
//!
//!   commit/...  three nodes in memory: propose, Ready, save, send, apply, advance, until the leader
//!               has applied it; elements are entries
//!   voters/...  the same with one entry outstanding, in groups of 3 to 101; an entry costs more with
//!               more voters, an acknowledgement should not
//!   step/...    one message to one node
//!   ready/...   a Ready of 64 entries taken, and advanced
//! ```
//!
//! How fast that is beside others: `tests/peers`.

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use raft::{
    AppendOutcome, Body, Config, Entry, EntryId, Index, MemoryStorage, Message, NodeId, Payload,
    RawNode, Session,
};
use std::hint::black_box;

/// Nodes in memory, the first of which leads, and the messages in flight between them.
#[derive(Clone)]
struct Group {
    nodes: Vec<RawNode<MemoryStorage>>,
    queue: Vec<Message>,
}

/// Whether appends are built when a Ready is taken, or when an entry is proposed.
#[derive(Clone, Copy)]
enum Appends {
    AtReady,
    AtPropose,
}

impl Appends {
    fn name(self) -> &'static str {
        match self {
            Appends::AtReady => "batch_append",
            Appends::AtPropose => "default",
        }
    }
}

impl Group {
    /// How many entries are applied between two times that storage forgets what is old.
    const COMPACT_EVERY: u64 = 16_384;

    fn new(voters: u64, appends: Appends) -> Self {
        let node = |id| {
            let batch_append = matches!(appends, Appends::AtReady);
            let config = Config { batch_append, ..Config::new(NodeId(id)) };
            let storage = MemoryStorage::with_voters((1..=voters).map(NodeId));
            RawNode::new(&config, storage).expect("the usual settings")
        };
        let mut nodes = Group { nodes: (1..=voters).map(node).collect(), queue: Vec::new() };
        nodes.leader().campaign().expect("it follows nobody");
        while nodes.pass() {}
        nodes
    }

    fn leader(&mut self) -> &mut RawNode<MemoryStorage> {
        &mut self.nodes[0]
    }

    fn propose(&mut self, payload_bytes: usize) {
        let data = Bytes::from(vec![7; payload_bytes]);
        self.leader().propose(Bytes::new(), data).expect("it leads");
    }

    /// Lets every node do its part once, and delivers what they said. Returns whether there was
    /// anything to do.
    fn pass(&mut self) -> bool {
        let mut busy = false;
        for node in &mut self.nodes {
            busy |= work(node, &mut self.queue);
        }
        for message in self.queue.drain(..) {
            busy = true;
            let to = (message.to.0 - 1) as usize;
            self.nodes[to].step(message).expect("a correct network delivers it");
        }
        busy
    }

    /// Proposes that many entries, and returns once the leader has applied them.
    fn commit(&mut self, entries: u64, payload_bytes: usize) {
        (0..entries).for_each(|_| self.propose(payload_bytes));
        let target = self.leader().status().last.index;
        while self.leader().status().applied < target {
            self.pass();
        }
        for node in &mut self.nodes {
            let applied = node.status().applied;
            if applied.0 % Self::COMPACT_EVERY < entries {
                node.storage_mut().compact(Index(applied.0.saturating_sub(1_024)));
            }
        }
    }
}

/// Does one node's part: saves, sends, applies, advances.
fn work(node: &mut RawNode<MemoryStorage>, queue: &mut Vec<Message>) -> bool {
    if !node.has_ready() {
        return false;
    }
    let mut ready = node.ready().expect("memory can be read");
    queue.extend(ready.take_messages());
    node.storage_mut().append(ready.entries());
    if let Some(hard_state) = ready.hard_state() {
        node.storage_mut().save(hard_state);
    }
    queue.extend(ready.take_persisted_messages());
    black_box(ready.take_committed_entries());
    let mut light = node.advance(ready).expect("memory can be read");
    if let Some(commit) = light.commit_index() {
        node.storage_mut().save_commit(commit);
    }
    queue.extend(light.take_messages());
    black_box(light.take_committed_entries());
    node.advance_apply().expect("memory can be read");
    true
}

fn commit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commit");
    for appends in [Appends::AtPropose, Appends::AtReady] {
        for payload_bytes in [16, 256] {
            for outstanding in [1, 64] {
                group.throughput(Throughput::Elements(outstanding));
                let shape = format!("{payload_bytes}B/{outstanding}/{}", appends.name());
                group.bench_function(BenchmarkId::from_parameter(shape), |bench| {
                    let mut nodes = Group::new(3, appends);
                    bench.iter(|| nodes.commit(outstanding, payload_bytes));
                });
            }
        }
    }
    group.finish();
}

fn voters(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("voters");
    group.throughput(Throughput::Elements(1));
    for voters in [3, 5, 7, 21, 101] {
        group.bench_function(BenchmarkId::from_parameter(voters), |bench| {
            let mut nodes = Group::new(voters, Appends::AtPropose);
            bench.iter(|| nodes.commit(1, 16));
        });
    }
    group.finish();
}

fn step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("step");
    group.throughput(Throughput::Elements(1));
    let mut nodes = Group::new(3, Appends::AtPropose);
    let last = nodes.leader().status().last;
    nodes.propose(16);
    let (from, to) = (NodeId(1), NodeId(2));
    let message = |from, to, body| Message { from, to, term: Some(last.term), body };
    let payload = Payload::Normal(Bytes::from_static(b"sixteen bytes!!!"));
    let id = EntryId { index: last.index + 1, term: last.term };
    let entries = vec![Entry::unplaced(payload).at(id)];
    let session = Session::default();
    let append = |prev, entries| {
        message(from, to, Body::AppendEntries { prev, entries, commit: last.index, session })
    };
    let beat = Body::Heartbeat { commit: last.index, token: None, session };
    let outcome = AppendOutcome::Matched(last.index + 1);
    let reply = Body::AppendReply { outcome, session: Some(session) };
    let cases = [
        ("append_one_entry", 1, append(last, entries)),
        ("append_empty", 1, append(last, Vec::new())),
        ("heartbeat", 1, message(from, to, beat)),
        ("append_reply", 0, message(to, from, reply)),
    ];
    for (name, node, message) in cases {
        group.bench_function(name, |bench| {
            let node = &nodes.nodes[node];
            bench.iter_batched(
                || (node.clone(), message.clone()),
                |(mut node, message)| {
                    node.step(message).expect("a correct network delivers it");
                    node
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn ready(criterion: &mut Criterion) {
    const ENTRIES: u64 = 64;
    let mut group = criterion.benchmark_group("ready");
    group.throughput(Throughput::Elements(ENTRIES));
    for appends in [Appends::AtPropose, Appends::AtReady] {
        let mut nodes = Group::new(3, appends);
        (0..ENTRIES).for_each(|_| nodes.propose(256));
        group.bench_function(BenchmarkId::from_parameter(appends.name()), |bench| {
            bench.iter_batched(
                || nodes.nodes[0].clone(),
                |mut node| {
                    let ready = node.ready().expect("memory can be read");
                    node.storage_mut().append(ready.entries());
                    let light = node.advance(ready).expect("memory can be read");
                    black_box(light.committed_entries());
                    node
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, commit, voters, step, ready);
criterion_main!(benches);
