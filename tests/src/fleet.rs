//! The fleet: several stores in one thread, with simulated clocks, network, machines and clients.
//!
//! ```text
//!   Plan (from a seed) --> events by time: a message arrives, a store wakes, a client goes on, a mishap
//!                             |
//!                             v one at a time
//!   store i: set its clock, deliver, run_inline until idle, take its outbox --> the network --> events
//!                             |
//!                             '--> Counts, Records --> judge: what happened, in the order of the log
//! ```
//!
//! A run is a pure function of its plan: the same events, the same hash, in every process. Each part
//! draws from a stream of its own, so one more draw in one part does not shift the others.

pub mod client; // operations, and what their clients saw
pub mod counts; // what a run has met: a check that nothing stays untried
pub mod env; // the environment of a simulated store
pub mod judge; // whether the history is what the log says
pub mod plan; // what goes wrong, and when
pub mod remains; // what a store that has ended leaves on its disks

mod attempts; // how a client goes on
mod finish; // the judgement of a run
mod mishaps; // how mishaps begin and end
mod node; // a store, its machine and its clock
mod script; // a fleet that a test leads by hand

use crate::fingerprint::Fingerprint;
use crate::random::Stream;
use bytes::Bytes;
use client::{Answers, OperationRecord, SimClient};
use counts::Counts;
use kv::model::{
    ClusterId, Epoch, Peer, PeerId, PeerRole, Region, RegionId, StoreId, StoreMessage,
};
use kv::store::{StoreConfig, bootstrap};
use node::StoreNode;
use plan::{FleetPlan, MILLISECOND, SECOND};
use raft::{RoleName, Term};
use std::collections::{BTreeMap, BTreeSet};

/// The cluster of every fleet.
const CLUSTER: ClusterId = ClusterId(7);

/// The only region.
const REGION: RegionId = RegionId(1);

/// Something that happens at a time.
#[derive(Clone, Debug)]
enum Event {
    /// Bytes arrive at a store.
    Arrive { to: usize, bytes: Bytes },
    /// A store looks at its clock. Of several, only the last that was scheduled counts.
    Wake { store: usize, number: u64 },
    /// A client goes on: begins an operation, or tries again.
    Client { client: usize, operation: u64, attempt: u64 },
    /// An attempt has taken too long.
    Timeout { client: usize, operation: u64, attempt: u64 },
    /// A mishap begins.
    Mishap(usize),
    /// A mishap is over.
    Over(usize),
    /// A store that does not run is started.
    Restart(usize),
}

/// A fleet.
pub struct Fleet {
    plan: FleetPlan,
    now: u64,
    events: BTreeMap<(u64, u64), Event>,
    scheduled: u64,
    nodes: Vec<StoreNode>,
    network: Stream,
    fates: Stream,
    /// The pairs of stores, sender first, between which messages are lost.
    cut: BTreeSet<(usize, usize)>,
    /// The mishap that has cut them.
    cut_by: usize,
    /// Whether messages are lost, repeated and late.
    is_rough: bool,
    clients: Vec<SimClient>,
    answers: Answers,
    history: Vec<OperationRecord>,
    leaders: BTreeMap<Term, usize>,
    hash: Fingerprint,
    /// What the run has met.
    pub counts: Counts,
}

/// What a run has come to.
#[derive(Debug)]
pub struct FleetRun {
    /// The hash of all events.
    pub hash: u128,
    /// What was met.
    pub counts: Counts,
    /// What the clients saw.
    pub history: Vec<OperationRecord>,
    /// What is wrong, if anything is.
    pub wrong: Option<String>,
}

/// Runs a plan, and judges what happened.
pub fn run(plan: FleetPlan) -> FleetRun {
    let mut fleet = Fleet::new(plan);
    let wrong = fleet.run().and_then(|()| fleet.finish()).err();
    FleetRun { hash: fleet.hash.wide(), counts: fleet.counts, history: fleet.history, wrong }
}

/// Returns the region that every store of a fleet begins with.
pub fn region(stores: usize) -> Region {
    let peer = |place: usize| Peer {
        id: PeerId(place as u64 + 11),
        store: StoreId(place as u64 + 1),
        role: PeerRole::Voter,
    };
    let epoch = Epoch { version: 1, conf_version: 1 };
    let peers = (0..stores).map(peer).collect();
    Region { id: REGION, start: Bytes::new(), end: None, epoch, peers }
}

/// Returns the settings of a fleet's store: small segments, so that many are used, and little to apply at
/// once, so that what is committed waits. A record of the write-ahead log may hold the floors of a full
/// window, so its frames are longer.
pub fn config(id: StoreId) -> StoreConfig {
    let log = storage::Options {
        segment_bytes: 64 << 10,
        max_batch_bytes: 48 << 10,
        ..storage::Options::default()
    };
    let wal = storage::Options {
        segment_bytes: 384 << 10,
        max_batch_bytes: 320 << 10,
        ..storage::Options::default()
    };
    let (entry_bytes_max, applying_bytes_max) = (16 << 10, 8 << 10);
    let defaults = StoreConfig { log, wal, ..StoreConfig::new(CLUSTER, id) };
    let cluster_entry_bytes_max = entry_bytes_max;
    StoreConfig { entry_bytes_max, cluster_entry_bytes_max, applying_bytes_max, ..defaults }
}

// Setting up.

impl Fleet {
    /// Returns a fleet whose stores have started.
    pub fn new(plan: FleetPlan) -> Fleet {
        let seed = plan.seed;
        let nodes =
            (0..plan.stores).map(|place| StoreNode::new(seed, place, plan.drift_ppm[place]));
        let clients = (0..plan.clients).map(|client| SimClient::new(seed, client, plan.stores));
        let mut fleet = Fleet {
            now: 0,
            events: BTreeMap::new(),
            scheduled: 0,
            nodes: nodes.collect(),
            network: Stream::new(seed, "network"),
            fates: Stream::new(seed, "fates"),
            cut: BTreeSet::new(),
            cut_by: 0,
            is_rough: true,
            clients: clients.collect(),
            answers: Answers::default(),
            history: Vec::new(),
            leaders: BTreeMap::new(),
            hash: Fingerprint::new(seed),
            counts: Counts::default(),
            plan,
        };
        for place in 0..fleet.nodes.len() {
            let env = fleet.nodes[place].env.clone();
            let id = fleet.nodes[place].id;
            bootstrap(&config(id), &env, &region(fleet.plan.stores)).expect("the disks work");
            fleet.start(place);
        }
        for client in 0..fleet.clients.len() {
            let at = 3 * SECOND + client as u64 * MILLISECOND;
            fleet.schedule(at, Event::Client { client, operation: 0, attempt: 0 });
        }
        for (number, planned) in fleet.plan.mishaps.clone().into_iter().enumerate() {
            fleet.schedule(planned.at, Event::Mishap(number));
        }
        fleet
    }

    fn schedule(&mut self, at: u64, event: Event) {
        self.scheduled += 1;
        self.events.insert((at.max(self.now), self.scheduled), event);
    }
}

// The loop.

impl Fleet {
    /// Runs until the clients have stopped, and everything is healed and still.
    ///
    /// # Errors
    /// An invariant that does not hold.
    pub fn run(&mut self) -> Result<(), String> {
        self.run_until(self.plan.until)?;
        self.heal();
        self.run_until(self.plan.until + 20 * SECOND)
    }

    fn run_until(&mut self, end: u64) -> Result<(), String> {
        while let Some(entry) = self.events.first_entry() {
            let (at, _) = *entry.key();
            if at > end {
                break;
            }
            let event = entry.remove();
            self.now = at;
            self.handle(event)?;
            self.take_answers();
        }
        self.now = end;
        Ok(())
    }

    fn handle(&mut self, event: Event) -> Result<(), String> {
        self.counts.events += 1;
        self.hash.word(self.now);
        match event {
            Event::Arrive { to, bytes } => {
                self.hash.words([1, to as u64, bytes.len() as u64]);
                self.arrive(to, bytes)
            }
            Event::Wake { store, number } => {
                if self.nodes[store].wakes != number {
                    return Ok(());
                }
                self.hash.words([2, store as u64]);
                self.step(store)
            }
            Event::Client { client, operation, attempt } => {
                self.hash.words([3, client as u64, operation, attempt]);
                self.client(client, operation, attempt)
            }
            Event::Timeout { client, operation, attempt } => {
                let (state, stores) = (&mut self.clients[client], self.nodes.len());
                let is_waiting = state.open.as_ref().is_some_and(|open| open.attempt == attempt);
                if state.operation == operation && is_waiting {
                    state.leader = state.any(stores);
                }
                self.client(client, operation, attempt)
            }
            Event::Mishap(number) => self.begin_mishap(number),
            Event::Over(number) => self.end_mishap(number),
            Event::Restart(store) => {
                self.restart(store);
                Ok(())
            }
        }
    }

    fn arrive(&mut self, to: usize, bytes: Bytes) -> Result<(), String> {
        let message = StoreMessage::decode(bytes).expect("stores send what they can read");
        let node = &mut self.nodes[to];
        if node.is_paused {
            node.waiting.push(message);
            return Ok(());
        }
        if let Some(kv) = &node.kv {
            kv.handle().deliver(message);
        }
        self.step(to)
    }

    /// Lets a store work until it has nothing to do, and sends what it has sent.
    fn step(&mut self, place: usize) -> Result<(), String> {
        let node = &mut self.nodes[place];
        if node.is_paused || node.store.is_none() {
            return Ok(());
        }
        if node.busy_until > self.now {
            let at = node.busy_until;
            self.wake(place, at);
            return Ok(());
        }
        let syncs = node.env.machine.syncs();
        node.set_clock(self.now);
        let clock = node.clock(self.now);
        let store = node.store.as_mut().expect("it runs");
        let mut rounds = 0;
        while store.run_inline(usize::MAX) > 0 {
            rounds += 1;
            if rounds > 10_000 {
                return Err(format!("{} never comes to rest", node.id));
            }
        }
        self.counts.rounds += rounds;
        let synced = node.env.machine.syncs() - syncs;
        node.busy_until = self.now + synced * node.sync_ms * MILLISECOND;
        let next = store.next_tick().since(clock);
        let has_failed = store.failure().is_some();
        let at = self.now + node.lasts(next.as_nanos() as u64) + 1;
        let outbox = node.env.outbox.take();
        for (to, bytes) in outbox {
            self.send(place, to.0 as usize - 1, bytes);
        }
        if has_failed {
            self.crash(place, 300 * MILLISECOND);
            return Ok(());
        }
        self.look(place)?;
        self.wake(place, at);
        Ok(())
    }

    fn wake(&mut self, store: usize, at: u64) {
        self.nodes[store].wakes += 1;
        let number = self.nodes[store].wakes;
        self.schedule(at, Event::Wake { store, number });
    }

    /// Puts a message into the network.
    fn send(&mut self, from: usize, to: usize, bytes: Bytes) {
        if self.cut.contains(&(from, to)) {
            return;
        }
        let (loss, repeat) = match self.is_rough {
            true => (self.plan.loss_permille, self.plan.repeat_permille),
            false => (0, 0),
        };
        if self.network.chance(loss) {
            return;
        }
        let copies = 1 + u64::from(self.network.chance(repeat));
        for _ in 0..copies {
            let delay = self.network.within(100_000, self.plan.delay);
            self.schedule(self.now + delay, Event::Arrive { to, bytes: bytes.clone() });
        }
    }

    /// Checks what must hold after every step of a store.
    fn look(&mut self, place: usize) -> Result<(), String> {
        let node = &mut self.nodes[place];
        let Some(status) = node.store.as_ref().and_then(|store| store.peer(REGION)) else {
            return Ok(());
        };
        let id = node.id;
        if (status.term, status.commit) < node.seen && status.term < node.seen.0 {
            return Err(format!(
                "{id}: the term went back from {} to {}",
                node.seen.0, status.term
            ));
        }
        if status.commit < node.seen.1 {
            return Err(format!("{id}: commit went from {} to {}", node.seen.1, status.commit));
        }
        if status.applied.index > status.commit || status.commit > status.last.index {
            return Err(format!(
                "{id}: applied {}, commit {}, last {} are not in this order",
                status.applied, status.commit, status.last
            ));
        }
        node.seen = (status.term, status.commit);
        if status.role == RoleName::Leader {
            let leader = *self.leaders.entry(status.term).or_insert(place);
            if leader != place {
                return Err(format!("term {} has two leaders: {leader}, {place}", status.term));
            }
        }
        Ok(())
    }
}
