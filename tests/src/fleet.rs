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

use crate::fingerprint::Fingerprint;
use crate::machine::SimMachine;
use crate::random::Stream;
use bytes::Bytes;
use client::{
    ATTEMPTS_MAX, Answer, Answers, Asked, Ending, OpenOperation, OperationRecord, Saw, SimClient,
};
use counts::Counts;
use env::{SimClock, SimEnv, SimOutbox};
use judge::{Logged, Values};
use kv::env::{Directory, Moment};
use kv::memtable::{Family, KeyRange, Memtable};
use kv::model::{
    ClusterId, Epoch, Peer, PeerId, PeerRole, Region, RegionId, StoreId, StoreMessage,
    decode_commands,
};
use kv::store::{
    KvError, RaftKv, ReadCallback, ReadMode, RequestContext, Store, StoreConfig, WriteCallback,
    WriteEvent, bootstrap,
};
use plan::{FleetPlan, MILLISECOND, Mishap, Planned, SECOND};
use raft::{Index, RoleName, Term};
use std::collections::{BTreeMap, BTreeSet};
use storage::{Disk, Fate, Fates, Fault, GroupId, Log, Sector};

/// The cluster of every fleet.
const CLUSTER: ClusterId = ClusterId(7);

/// The only region.
const REGION: RegionId = RegionId(1);

/// How long an attempt may take, in milliseconds, before its client looks elsewhere.
const ATTEMPT_MS: u64 = 2000;

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

/// A store, its machine and its clock.
struct StoreNode {
    id: StoreId,
    env: SimEnv,
    store: Option<Store<SimEnv>>,
    kv: Option<RaftKv<SimEnv>>,
    is_paused: bool,
    /// What arrives while the store stands still.
    waiting: Vec<StoreMessage>,
    busy_until: u64,
    sync_ms: u64,
    wakes: u64,
    /// How fast its clock is, in parts per million more than the fleet's.
    drift_ppm: i64,
    /// A time of the fleet, and what the clock showed then.
    clock_base: (u64, u64),
    /// After how many operations the power fails when the store starts again.
    cut_at_start: Option<u64>,
    /// Term and commit index of the last look.
    seen: (Term, Index),
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

/// Draws what a power cut does.
struct Drawn<'a>(&'a mut Stream);

impl Fates for Drawn<'_> {
    fn sector(&mut self, _: Sector) -> Fate {
        match self.0.below(3) {
            0 => Fate::Kept,
            1 => Fate::Lost,
            _ => Fate::Torn { with: self.0.below(256) as u8 },
        }
    }

    fn keeps_name(&mut self) -> bool {
        self.0.chance(500)
    }
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

/// Returns the settings of a fleet's store: small segments, so that many are used.
pub fn config(id: StoreId) -> StoreConfig {
    let log = storage::Options {
        segment_bytes: 64 << 10,
        max_batch_bytes: 48 << 10,
        ..storage::Options::default()
    };
    let wal = log.clone();
    StoreConfig { log, wal, entry_bytes_max: 16 << 10, ..StoreConfig::new(CLUSTER, id) }
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

impl StoreNode {
    fn new(seed: u64, place: usize, drift_ppm: i64) -> StoreNode {
        let machine = SimMachine::new(seed ^ (place as u64) << 32);
        let entropy = Stream::new(seed, &format!("entropy {place}")).below(u64::MAX);
        let env = SimEnv {
            clock: SimClock::default(),
            outbox: SimOutbox::default(),
            machine,
            entropy: std::sync::Arc::new(entropy.into()),
        };
        StoreNode {
            id: StoreId(place as u64 + 1),
            env,
            store: None,
            kv: None,
            is_paused: false,
            waiting: Vec::new(),
            busy_until: 0,
            sync_ms: 0,
            wakes: 0,
            drift_ppm,
            // It began long ago, at another time than the others.
            clock_base: (0, (place as u64 + 1) * 1_000 * SECOND),
            cut_at_start: None,
            seen: (Term(0), Index(0)),
        }
    }

    /// Returns what this node's clock shows.
    fn clock(&self, now: u64) -> Moment {
        let (base, shown) = self.clock_base;
        let rate = 1_000_000 + i128::from(self.drift_ppm);
        let passed = i128::from(now - base) * rate / 1_000_000;
        Moment(shown + passed as u64)
    }

    /// Lets the clock go at another rate from now on.
    fn set_drift(&mut self, now: u64, drift_ppm: i64) {
        self.clock_base = (now, self.clock(now).0);
        self.drift_ppm = drift_ppm;
    }

    /// Returns how long a time on this node's clock lasts.
    fn lasts(&self, local: u64) -> u64 {
        let rate = 1_000_000 + i128::from(self.drift_ppm);
        (i128::from(local) * 1_000_000 / rate) as u64
    }

    /// Sets the clock.
    fn set_clock(&self, now: u64) {
        self.env.clock.set(self.clock(now));
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

// Mishaps.

impl Fleet {
    fn begin_mishap(&mut self, number: usize) -> Result<(), String> {
        let Planned { mishap, lasts, .. } = self.plan.mishaps[number];
        self.hash.words([4, number as u64]);
        self.counts.mishaps[mishap.kind()] += 1;
        self.schedule(self.now + lasts, Event::Over(number));
        if mishap.cuts() {
            self.cut_by = number;
        }
        match mishap {
            Mishap::Partition { sides } => {
                let side = |place: usize| sides >> place & 1;
                let pairs = self.pairs().filter(|(from, to)| side(*from) != side(*to));
                self.cut = pairs.collect();
            }
            Mishap::OneWay { from, to } => {
                self.cut.insert((from, to));
            }
            Mishap::IsolateLeader { drift_ppm } => {
                let leader = self.leaders.last_key_value().map_or(0, |(_, place)| *place);
                let pairs = self.pairs().filter(|(from, to)| (*from == leader) != (*to == leader));
                self.cut = pairs.collect();
                for (place, node) in self.nodes.iter_mut().enumerate() {
                    if let Some(slow) = drift_ppm {
                        node.set_drift(self.now, if place == leader { slow } else { 0 });
                    }
                }
            }
            Mishap::Kill { store } => self.crash(store, lasts),
            Mishap::PowerCutAtStart { store, after } => {
                self.nodes[store].cut_at_start = Some(after);
                self.crash(store, lasts);
            }
            Mishap::PowerCut { store, after } => self.plan_fault(store, after, Fault::PowerCut),
            Mishap::DiskFails { store, after } => self.plan_fault(store, after, Fault::Fails),
            Mishap::DiskFull { store } => {
                self.nodes[store].env.machine.set_free_bytes(Some(self.fates.below(70_000)));
            }
            Mishap::Pause { store } => self.nodes[store].is_paused = true,
            Mishap::SlowDisk { store, sync_ms } => self.nodes[store].sync_ms = sync_ms,
        }
        Ok(())
    }

    fn end_mishap(&mut self, number: usize) -> Result<(), String> {
        match self.plan.mishaps[number].mishap {
            Mishap::Partition { .. } | Mishap::OneWay { .. } | Mishap::IsolateLeader { .. } => {
                if self.cut_by == number {
                    self.cut.clear();
                }
            }
            Mishap::Kill { .. }
            | Mishap::PowerCut { .. }
            | Mishap::PowerCutAtStart { .. }
            | Mishap::DiskFails { .. } => {}
            Mishap::DiskFull { store } => self.nodes[store].env.machine.set_free_bytes(None),
            Mishap::Pause { store } => return self.resume(store),
            Mishap::SlowDisk { store, .. } => self.nodes[store].sync_ms = 0,
        }
        Ok(())
    }

    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let stores = self.nodes.len();
        (0..stores).flat_map(move |from| (0..stores).map(move |to| (from, to)))
    }

    fn plan_fault(&mut self, store: usize, after: u64, fault: Fault) {
        let machine = &self.nodes[store].env.machine;
        machine.plan(machine.operations() + 1 + after, fault);
    }

    /// Ends a process, and starts it again later. If its power fails, its disks lose what is not durable.
    fn crash(&mut self, place: usize, down: u64) {
        let node = &mut self.nodes[place];
        let Some(store) = node.store.take() else { return };
        let ended_by_itself = store.failure().is_some() && !node.env.machine.is_off();
        drop(store);
        if !ended_by_itself {
            // Nobody hears the answers of a process that was killed.
            self.answers.lock().expect("one thread").retain(|answer| answer.from != place);
        }
        let loses_power = node.env.machine.is_off() || self.fates.chance(500);
        let before = wal_length(&node.env.machine);
        node.env.machine = if loses_power {
            node.env.machine.after_power_cut(&mut Drawn(&mut self.fates))
        } else {
            node.env.machine.after_kill()
        };
        node.env.outbox.take();
        node.waiting.clear();
        (node.kv, node.is_paused, node.seen) = (None, false, (Term(0), Index(0)));
        self.counts.crashes += 1;
        self.counts.power_cuts += u64::from(loses_power);
        let lost = before.saturating_sub(wal_length(&node.env.machine));
        self.counts.wal_tail_lost_most = self.counts.wal_tail_lost_most.max(lost);
        self.schedule(self.now + down, Event::Restart(place));
    }

    /// Starts a store that does not run.
    fn restart(&mut self, place: usize) {
        if self.nodes[place].store.is_none() {
            self.start(place);
        }
    }

    /// Starts a store. If its disks fail meanwhile, it stays down until it is tried again.
    fn start(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        node.set_clock(self.now);
        if let Some(after) = node.cut_at_start.take() {
            node.env.machine.plan(1 + after, Fault::PowerCut);
        }
        match Store::open(config(node.id), node.env.clone()) {
            Ok(store) => {
                node.kv = Some(RaftKv::new(store.handle()));
                node.store = Some(store);
                self.counts.starts += 1;
                let at = self.now + MILLISECOND;
                self.wake(place, at);
            }
            Err(error) => {
                self.counts.refused_starts += 1;
                let text = error.to_string();
                let of_a_disk = ["simulated", "no room", "power"];
                let is_of_disk = of_a_disk.iter().any(|words| text.contains(words));
                assert!(is_of_disk, "seed {}: {}: {text}", self.plan.seed, node.id);
                node.env.machine = node.env.machine.after_power_cut(&mut Drawn(&mut self.fates));
                self.schedule(self.now + SECOND, Event::Restart(place));
            }
        }
    }

    fn resume(&mut self, place: usize) -> Result<(), String> {
        let node = &mut self.nodes[place];
        node.is_paused = false;
        let waiting = std::mem::take(&mut node.waiting);
        if let Some(kv) = &node.kv {
            waiting.into_iter().for_each(|message| kv.handle().deliver(message));
        }
        self.step(place)
    }

    /// Ends all mishaps: clients stop, and everything must come right.
    fn heal(&mut self) {
        self.cut.clear();
        self.is_rough = false;
        for place in 0..self.nodes.len() {
            self.nodes[place].sync_ms = 0;
            self.nodes[place].env.machine.set_free_bytes(None);
            self.restart(place);
        }
    }
}

/// Returns the number of the last batch in a machine's write-ahead log.
fn wal_length(machine: &SimMachine) -> u64 {
    let disk = machine.after_kill().directory(Directory::Wal);
    let options = config(StoreId(1)).wal;
    if disk.list().is_ok_and(|names| names.is_empty()) {
        return 0;
    }
    Log::open_on(disk, options).ok().and_then(|log| log.last_index(GroupId(0))).map_or(0, |it| it.0)
}

// Clients.

impl Fleet {
    /// Lets a client go on.
    fn client(&mut self, client: usize, operation: u64, attempt: u64) -> Result<(), String> {
        let state = &mut self.clients[client];
        if state.operation != operation {
            return Ok(());
        }
        match &state.open {
            None if self.now >= self.plan.until => return Ok(()),
            None => self.begin(client),
            Some(open) if open.attempt != attempt => return Ok(()),
            Some(open)
                if open.attempt >= ATTEMPTS_MAX || self.now > self.plan.until + 10 * SECOND =>
            {
                let ending = if open.maybe > 0 { Ending::Unknown } else { Ending::NotApplied };
                self.end(client, ending);
                return Ok(());
            }
            Some(_) => {}
        }
        self.attempt(client)
    }

    /// Begins an operation.
    fn begin(&mut self, client: usize) {
        let stores = self.nodes.len();
        let state = &mut self.clients[client];
        let asked = state.draw();
        if state.chance(300) {
            state.leader = state.any(stores); // an old leader may still believe that it leads
        }
        if self.nodes[state.home].kv.is_none() {
            state.home = (0..stores).find(|place| self.nodes[*place].kv.is_some()).unwrap_or(0);
        }
        let numbered = self.nodes[state.home].kv.as_ref();
        let request = match asked {
            Asked::Write(_) => numbered.map(|kv| kv.handle().next_request()),
            Asked::Get { .. } => None,
        };
        state.open = Some(OpenOperation { request, asked, call: self.now, attempt: 0, maybe: 0 });
        self.counts.operations += 1;
    }

    /// Makes one attempt at the open operation.
    fn attempt(&mut self, client: usize) -> Result<(), String> {
        let stores = self.nodes.len();
        let state = &mut self.clients[client];
        let operation = state.operation;
        let open = state.open.as_mut().expect("an operation is open");
        open.attempt += 1;
        let (attempt, asked, request) = (open.attempt, open.asked.clone(), open.request);
        let needs_id = matches!(asked, Asked::Write(_)) && request.is_none();
        let place = state.leader;
        let node = &self.nodes[place];
        let Some(kv) = node.kv.clone().filter(|_| !needs_id) else {
            state.leader = state.any(stores);
            let at = self.now + state.pause_ms(10, 100) * MILLISECOND;
            if needs_id {
                state.open = None; // nobody could number it: it has never begun
                self.counts.operations -= 1;
                self.schedule(at, Event::Client { client, operation, attempt: 0 });
            } else {
                self.schedule(at, Event::Client { client, operation, attempt });
            }
            return Ok(());
        };
        node.set_clock(self.now);
        open_attempt(open, &asked);
        let answers = self.answers.clone();
        let answer = move |result| {
            let answer = Answer { client, operation, attempt, from: place, result };
            answers.lock().expect("one thread").push(answer);
        };
        let epoch = Epoch { version: 1, conf_version: 1 };
        let context = RequestContext { region: REGION, peer: None, epoch, term: None };
        match asked {
            Asked::Write(write) => {
                let request = request.expect("a write has an id");
                let callback = WriteCallback::new(move |event| {
                    if let WriteEvent::Finished(result) = event {
                        answer(result.map(Saw::Outcome));
                    }
                });
                kv.async_write(context, request, write, callback);
            }
            Asked::Get { key, mode } => {
                let callback = ReadCallback::new(move |view| {
                    answer(view.and_then(|view| {
                        Ok(Saw::Value(view.get(Family::Default, &key)?, view.applied()))
                    }));
                });
                // A read on this thread looks at the clock; a process that stands still reads nothing.
                let mode = if node.is_paused { ReadMode::Quorum } else { mode };
                kv.async_snapshot(context, mode, callback);
            }
        }
        let patience = self.clients[client].pause_ms(100, ATTEMPT_MS) * MILLISECOND;
        self.schedule(self.now + patience, Event::Timeout { client, operation, attempt });
        self.step(place)
    }

    /// Lets clients see the answers that have come.
    fn take_answers(&mut self) {
        let answers = std::mem::take(&mut *self.answers.lock().expect("one thread"));
        for answer in answers {
            self.hash.words([5, answer.client as u64, answer.operation, answer.attempt]);
            self.answer(answer);
        }
    }

    fn answer(&mut self, answer: Answer) {
        let Answer { client, operation, attempt, from, result } = answer;
        let stores = self.nodes.len();
        let state = &mut self.clients[client];
        if state.operation != operation {
            return;
        }
        let Some(open) = state.open.as_mut() else { return };
        let error = match result {
            Ok(saw) => {
                if open.attempt > 1 && matches!(saw, Saw::Outcome(_)) {
                    self.counts.answered_after_retry += 1;
                }
                return self.end(client, Ending::Saw(saw));
            }
            Err(error) => error,
        };
        if error.proves_not_applied() && matches!(open.asked, Asked::Write(_)) {
            open.maybe -= 1;
        }
        if attempt != open.attempt {
            return; // an earlier attempt
        }
        match error {
            KvError::NotLeader { leader: Some(leader), .. } => {
                state.leader = leader.store.0 as usize - 1;
            }
            KvError::Undetermined => {
                self.counts.undetermined += 1;
                if state.chance(500) {
                    return self.end(client, Ending::Unknown);
                }
            }
            KvError::NotLeader { leader: None, .. }
            | KvError::RegionNotFound { .. }
            | KvError::KeyNotInRegion { .. }
            | KvError::EpochNotMatch { .. }
            | KvError::StaleCommand
            | KvError::ServerIsBusy { .. }
            | KvError::ProposalDropped { .. }
            | KvError::RaftEntryTooLarge { .. }
            | KvError::InvalidRequest { .. }
            | KvError::ReadIndexNotReady { .. }
            | KvError::StoreNotMatch { .. }
            | KvError::PeerNotMatch { .. } => state.leader = (from + 1) % stores,
        }
        // Looks elsewhere now, as if the attempt had timed out.
        let at = self.now + state.pause_ms(1, 100) * MILLISECOND;
        self.schedule(at, Event::Client { client, operation, attempt });
    }

    /// Ends the open operation, and lets the client go on later.
    fn end(&mut self, client: usize, ending: Ending) {
        let state = &mut self.clients[client];
        let OpenOperation { request, asked, call, .. } =
            state.open.take().expect("an operation is open");
        state.operation += 1;
        let operation = state.operation;
        let is_write = matches!(asked, Asked::Write(_));
        match &ending {
            Ending::Saw(_) if is_write => self.counts.acknowledged_writes += 1,
            Ending::Saw(_) => self.counts.reads += 1,
            Ending::Unknown if is_write => self.counts.unknown_writes += 1,
            Ending::NotApplied | Ending::Unknown => {}
        }
        self.counts.writes += u64::from(is_write);
        self.history.push(OperationRecord { client, request, asked, call, end: self.now, ending });
        let at = self.now + self.clients[client].pause_ms(20, 300) * MILLISECOND;
        self.schedule(at, Event::Client { client, operation, attempt: 0 });
    }
}

/// Counts an attempt of a write as one that may have been applied, until it proves that it was not.
fn open_attempt(open: &mut OpenOperation, asked: &Asked) {
    if matches!(asked, Asked::Write(_)) {
        open.maybe += 1;
    }
}

// The end.

impl Fleet {
    /// Judges the run.
    ///
    /// # Errors
    /// What is wrong.
    pub fn finish(&mut self) -> Result<(), String> {
        for client in 0..self.clients.len() {
            if self.clients[client].open.is_some() {
                self.end(client, Ending::Unknown);
            }
        }
        let applied = self.check_convergence()?;
        let log = self.read_log(applied)?;
        let values = judge::judge(&self.history, &log)?;
        self.counts.repeated_commands += judge::repeated(&log).len() as u64;
        for place in 0..self.nodes.len() {
            self.check_values(place, &values)?;
        }
        Ok(())
    }

    /// Checks that every store has applied the same. Returns up to where.
    fn check_convergence(&self) -> Result<Index, String> {
        let mut applied = BTreeSet::new();
        for node in &self.nodes {
            let status = node.store.as_ref().and_then(|store| store.peer(REGION));
            let status = status.ok_or_else(|| format!("{} does not run at the end", node.id))?;
            if status.applied.index != status.commit {
                return Err(format!(
                    "{} has applied {}, commit {}",
                    node.id, status.applied, status.commit
                ));
            }
            applied.insert(status.applied);
        }
        match applied.len() {
            1 => Ok(applied.first().expect("there is one").index),
            _ => Err(format!("the stores have applied different entries: {applied:?}")),
        }
    }

    /// Reads the log of the first store, up to `last`.
    fn read_log(&self, last: Index) -> Result<Vec<Logged>, String> {
        let disk = self.nodes[0].env.machine.after_kill().directory(Directory::RaftLog);
        let log = Log::open_on(disk, config(StoreId(1)).log).map_err(|e| e.to_string())?;
        let group = GroupId(REGION.0);
        let first = log.first_index(group).ok_or("no log")?;
        let range = first..storage::Index(last.0 + 1);
        let entries = log.entries(group, range, u64::MAX).map_err(|e| e.to_string())?;
        let mut logged = Vec::new();
        for entry in entries {
            let index = Index(entry.id.index.0);
            let id = raft::EntryId { index, term: Term(entry.id.term.0) };
            let decoded = raft::wire::decode_entry(id, entry.data).map_err(|e| e.to_string())?;
            let commands = match decoded.payload() {
                raft::Payload::Normal(data) => {
                    decode_commands(data.clone()).map_err(|e| e.to_string())?.0
                }
                raft::Payload::Noop | raft::Payload::Change(_) | raft::Payload::ChangeV2(_) => {
                    Vec::new()
                }
            };
            logged.push((index, commands));
        }
        Ok(logged)
    }

    /// Checks that a store's data are what the log says.
    fn check_values(&self, place: usize, expected: &Values) -> Result<(), String> {
        let disk = self.nodes[place].env.machine.after_kill().directory(Directory::Wal);
        let options = kv::memtable::Options { wal: config(StoreId(1)).wal };
        let table = Memtable::open_on(disk, options).map_err(|e| e.to_string())?;
        let view = table.snapshot();
        let held = view.iter(Family::Default, &KeyRange::all());
        let held: Values = held.map(|(key, value)| (key.clone(), value.clone())).collect();
        if held == *expected {
            return Ok(());
        }
        Err(format!("{} holds {held:?}, but the log says {expected:?}", self.nodes[place].id))
    }
}
