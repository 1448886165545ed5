//! `Bare`: N nodes driven through [`Raft`] itself, each with a disk, on one network.
//!
//! ```text
//!   apply(input) --> one node acts --> its outbox:  now ------------------> network
//!                                                   promised, own --> disk --> network, node
//!                                  --> the invariants look --> Step
//! ```
//!
//! A cluster is a pure function of its setup and its inputs.

use crate::disk::{Disk, DiskSpeed, Write};
use crate::explore::Subject;
use crate::input::{Fate, Input, Step};
use crate::invariant::{Memory, Sender, Sight};
use crate::network::{Flight, Network};
use bytes::Bytes;
use raft::{Body, Config, MemoryStorage, Message, NodeId, Raft, RoleName, Term};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a cluster is made of.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Setup {
    /// Every node's settings and what its disk holds at first.
    pub nodes: Vec<(Config, MemoryStorage)>,
    /// How soon writes are durable.
    pub disks: DiskSpeed,
}

impl Setup {
    /// Returns `size` nodes n1, n2, ... that all vote, with empty logs, the usual settings, the given
    /// seed, and disks that are instantly durable.
    pub fn new(size: u64, seed: u64) -> Self {
        let ids: Vec<_> = (1..=size).map(NodeId).collect();
        let node = |&id: &NodeId| {
            let config = Config { seed, ..Config::new(id) };
            (config, MemoryStorage::with_voters(ids.iter().copied()))
        };
        Setup { nodes: ids.iter().map(node).collect(), disks: DiskSpeed::Instant }
    }

    /// Returns the same with slow disks.
    pub fn with_slow_disks(self) -> Self {
        Setup { disks: DiskSpeed::Slow, ..self }
    }
}

/// One place in a cluster: a node, up or down, and its disk.
#[derive(Clone, Debug)]
struct Seat {
    config: Config,
    disk: Disk,
    /// None while the node is down.
    node: Option<Raft<MemoryStorage>>,
    ticks: u64,
}

/// A cluster. Copies share the seats in which nothing happens, so that an explorer can keep many.
#[derive(Clone, Debug)]
pub struct Bare {
    seats: BTreeMap<NodeId, Arc<Seat>>,
    network: Network,
    memory: Memory,
    disks: DiskSpeed,
    steps: u64,
    listening: bool,
}

// Being made.

impl Bare {
    /// Starts every node of the setup.
    ///
    /// # Panics
    /// If a node cannot start with its settings, or two have one name: the setup's mistake.
    pub fn new(setup: Setup) -> Self {
        let mut seats = BTreeMap::new();
        for (config, storage) in setup.nodes {
            let node = Raft::new(&config, storage.clone());
            let node = node.unwrap_or_else(|why| panic!("{} cannot start: {why}", config.id));
            let id = config.id;
            let seat = Seat { config, disk: Disk::new(storage), node: Some(node), ticks: 0 };
            assert!(seats.insert(id, Arc::new(seat)).is_none(), "two nodes are called {id}");
        }
        let (network, memory) = (Network::default(), Memory::default());
        Bare { seats, network, memory, disks: setup.disks, steps: 0, listening: false }
    }

    /// Returns the same cluster with every node noting its events.
    pub fn listening(mut self) -> Self {
        self.listening = true;
        for seat in self.seats.values_mut() {
            if let Some(node) = &mut Arc::make_mut(seat).node {
                node.journal().listen();
            }
        }
        self
    }
}

// Being looked at.

impl Bare {
    /// Returns every node's name, in order, up or down.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.seats.keys().copied()
    }

    /// Lends a node, if it is up.
    pub fn node(&self, id: NodeId) -> Option<&Raft<MemoryStorage>> {
        self.seats.get(&id)?.node.as_ref()
    }

    /// Lends a node's disk.
    pub fn disk(&self, id: NodeId) -> Option<&Disk> {
        Some(&self.seats.get(&id)?.disk)
    }

    /// Lends a node's settings.
    pub fn config(&self, id: NodeId) -> Option<&Config> {
        Some(&self.seats.get(&id)?.config)
    }

    /// Lends the network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Lends what the invariants remember.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Returns who leads now, each with its term.
    pub fn leaders(&self) -> Vec<(NodeId, Term)> {
        let seen = self.seats.values().filter_map(|seat| seat.node.as_ref()).map(Raft::inspect);
        seen.filter(|node| node.role == RoleName::Leader).map(|n| (n.id, n.term)).collect()
    }

    /// Returns the ticks that have passed at the node that has counted most of them.
    pub fn clock(&self) -> u64 {
        self.seats.values().map(|seat| seat.ticks).max().unwrap_or(0)
    }
}

// Being driven.

impl Bare {
    /// Lets one thing happen.
    pub fn apply(&mut self, input: &Input) -> Step {
        self.steps += 1;
        let mut step = Step {
            number: self.steps,
            clock: 0,
            input: input.clone(),
            node: None,
            notes: Vec::new(),
            sent: Vec::new(),
            gone: Vec::new(),
            refused: None,
            violation: None,
        };
        self.act(input, &mut step);
        if let Some(id) = step.node {
            self.settle(id, &mut step);
            self.judge(id, &mut step);
        }
        step.clock = self.clock();
        step
    }

    /// Delivers everything under way, oldest first, and persists every write, until nothing is left
    /// to do or an invariant breaks. Returns the steps it took.
    ///
    /// # Panics
    /// After 100,000 steps: the nodes never fall silent.
    pub fn stabilize(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some(input) = self.next_in_order() {
            steps.push(self.apply(&input));
            if steps.last().is_some_and(|step| step.violation.is_some()) {
                break;
            }
            assert!(steps.len() < 100_000, "100,000 steps, and the nodes still have things to say");
        }
        steps
    }

    /// Returns what a patient network and patient disks would do next.
    fn next_in_order(&self) -> Option<Input> {
        let writing = self.seats.iter().find(|(_, seat)| seat.disk.pending().len() > 0);
        match writing {
            Some((&id, _)) => Some(Input::Persist(id)),
            None => Some(Input::Deliver(self.network.flights().first()?.message.clone())),
        }
    }

    /// Forgets what cannot matter on a network that may repeat itself: a second flight of the same
    /// words, and a message of a term that its receiver's disk has left for good. Where only elections
    /// are looked at, also an answer to a heartbeat that brings no later term, and every append: it is
    /// lost, as it may be on any network.
    pub(crate) fn fold(&mut self, subject: Subject) {
        let seats = &self.seats;
        self.network.retain(|flight| {
            let Message { to, term, ref body, .. } = flight.message;
            let floor = seats.get(&to).map(|seat| seat.disk.durable().hard_state().term);
            let is_append = matches!(body, Body::AppendEntries { .. } | Body::AppendReply { .. });
            let is_news = !matches!(body, Body::HeartbeatReply { .. });
            if subject == Subject::Logs {
                return floor.is_none() || term.is_none() || term >= floor;
            }
            if is_append {
                return false;
            }
            floor.is_none() || term.is_none() || term > floor || term == floor && is_news
        });
        self.network.forget_repetitions();
    }

    /// Does what the input says, and tells the step which node it happened to.
    fn act(&mut self, input: &Input, step: &mut Step) {
        match input {
            Input::Tick(id) => {
                if let Some(node) = self.up(*id, step) {
                    node.tick();
                    self.seat(*id).expect("it is up").ticks += 1;
                }
            }
            Input::Campaign(id) => {
                if let Some(node) = self.up(*id, step) {
                    step.refused = node.campaign().err().map(|why| why.to_string());
                }
            }
            Input::Propose { node: id, data } => {
                if let Some(node) = self.up(*id, step) {
                    let proposed = node.propose(Bytes::new(), data.clone());
                    step.refused = proposed.err().map(|why| why.to_string());
                }
            }
            Input::Deliver(message) => match self.network.take(message) {
                Some(flight) => self.arrive(flight, Fate::Delivered, step),
                None => step.refused = Some(format!("{message} is not under way")),
            },
            Input::Duplicate(message) => match self.network.find(message).cloned() {
                Some(flight) => self.arrive(flight, Fate::Duplicated, step),
                None => step.refused = Some(format!("{message} is not under way")),
            },
            Input::Drop(message) => match self.network.take(message) {
                Some(flight) => step.gone.push((flight, Fate::Dropped)),
                None => step.refused = Some(format!("{message} is not under way")),
            },
            Input::Post(message) => {
                self.memory.posted(message);
                step.sent.push(self.network.send(message.clone()));
            }
            Input::Persist(id) => self.persist(*id, step),
            Input::Crash(id) => {
                if self.up(*id, step).is_some() {
                    let seat = self.seat(*id).expect("it is up");
                    seat.node = None;
                    seat.disk.lose_power();
                }
            }
            Input::Restart(id) => self.restart(*id, step),
            Input::Cut { from, to } => self.network.cut(*from, *to),
            Input::Mend { from, to } => self.network.mend(*from, *to),
            Input::Partition(groups) => self.partition(groups),
            Input::Heal => self.network.heal(),
            Input::PinLimit { node, ticks } => {
                if let Some(node) = self.up(*node, step) {
                    node.pin_election_limit(*ticks);
                }
            }
        }
    }

    /// Lends a seat to change what is in it.
    fn seat(&mut self, id: NodeId) -> Option<&mut Seat> {
        self.seats.get_mut(&id).map(Arc::make_mut)
    }

    /// Lends a node that is up and notes that the step is about it; or says why it cannot.
    fn up(&mut self, id: NodeId, step: &mut Step) -> Option<&mut Raft<MemoryStorage>> {
        let Some(seat) = self.seats.get_mut(&id).map(Arc::make_mut) else {
            step.refused = Some(format!("{id} is not in this cluster"));
            return None;
        };
        if seat.node.is_none() {
            step.refused = Some(format!("{id} is down"));
            return None;
        }
        step.node = Some(id);
        seat.node.as_mut()
    }

    /// Lets a message reach the end of its link.
    fn arrive(&mut self, flight: Flight, fate: Fate, step: &mut Step) {
        let Message { from, to, .. } = flight.message;
        if self.network.is_cut(from, to) {
            self.network.retain(|other| other.id != flight.id);
            return step.gone.push((flight, Fate::LinkCut));
        }
        let message = flight.message.clone();
        let Some(node) = self.up(to, step) else {
            self.network.retain(|other| other.id != flight.id);
            return step.gone.push((flight, Fate::ReceiverDown));
        };
        step.refused = node.step(message).err().map(|why| why.to_string());
        step.gone.push((flight, fate));
    }

    /// Makes the oldest waiting write durable; then what rested on it leaves.
    fn persist(&mut self, id: NodeId, step: &mut Step) {
        if self.up(id, step).is_none() {
            return;
        }
        let write = self.seat(id).and_then(|seat| seat.disk.persist());
        match write {
            Some(write) => self.keep(id, write, step),
            None => step.refused = Some(format!("{id} has nothing to write")),
        }
    }

    /// Lets a durable write's promises leave, and gives the node its own back.
    fn keep(&mut self, id: NodeId, write: Write, step: &mut Step) {
        self.put_under_way(id, write.promised, step);
        if let Some(node) = self.seat(id).and_then(|seat| seat.node.as_mut()) {
            node.storage_mut().append(&write.entries);
            node.keep_promises(write.own);
            if let Some(last) = write.last
                && write.hard_state.term == node.hard_state().term
            {
                node.stable_to(last);
            }
        }
    }

    /// Starts a node again from its durable disk.
    fn restart(&mut self, id: NodeId, step: &mut Step) {
        let listening = self.listening;
        let Some(seat) = self.seat(id) else {
            step.refused = Some(format!("{id} is not in this cluster"));
            return;
        };
        if seat.node.is_some() {
            step.refused = Some(format!("{id} is up"));
            return;
        }
        match Raft::new(&seat.config, seat.disk.durable().clone()) {
            Ok(mut node) => {
                if listening {
                    node.journal().listen();
                }
                seat.node = Some(node);
                step.node = Some(id);
            }
            Err(why) => step.refused = Some(format!("{id} cannot start: {why}")),
        }
    }

    fn partition(&mut self, groups: &[Vec<NodeId>]) {
        let group = |id: NodeId| groups.iter().position(|group| group.contains(&id));
        let ids: Vec<_> = self.ids().collect();
        for &from in &ids {
            for &to in &ids {
                if from == to || group(from).is_some() && group(from) == group(to) {
                    self.network.mend(from, to);
                } else {
                    self.network.cut(from, to);
                }
            }
        }
    }

    /// Takes a node's outbox: what may leave leaves, what must be durable first goes to its disk. An
    /// instant disk gives it back at once, which may make the node say more.
    fn settle(&mut self, id: NodeId, step: &mut Step) {
        while let Some(node) = self.seat(id).and_then(|seat| seat.node.as_mut()) {
            let outbox = node.take_outbox();
            let hard_state = node.hard_state();
            let (entries, last) = (node.take_unwritten(), node.undurable_last());
            step.notes.append(&mut node.journal().drain());
            self.put_under_way(id, outbox.now, step);
            let slow = self.disks == DiskSpeed::Slow;
            let Some(seat) = self.seat(id) else { return };
            let silent = outbox.promised.is_empty() && outbox.own.is_empty() && entries.is_empty();
            if silent && hard_state == seat.disk.latest() {
                return;
            }
            let (promised, own) = (outbox.promised, outbox.own);
            seat.disk.write(Write { hard_state, entries, last, promised, own });
            if slow {
                return;
            }
            let write = seat.disk.persist().expect("it was written a line above");
            self.keep(id, write, step);
        }
    }

    /// Puts a node's messages under way, each before the judge's eyes.
    fn put_under_way(&mut self, id: NodeId, messages: Vec<Message>, step: &mut Step) {
        let Some(seat) = self.seats.get(&id).filter(|_| !messages.is_empty()) else { return };
        let (durable, vote_requests) =
            (seat.disk.durable().hard_state(), seat.config.vote_requests);
        for message in messages {
            let judged = self.memory.sent(Sender { id, durable, vote_requests }, &message);
            step.violation = step.violation.take().or(judged.err());
            step.sent.push(self.network.send(message));
        }
    }

    /// Lets the invariants look at a node that something has just happened to.
    fn judge(&mut self, id: NodeId, step: &mut Step) {
        let Some(seat) = self.seats.get(&id) else { return };
        let Some(node) = &seat.node else { return self.memory.crashed(id) };
        let durable = seat.disk.durable().hard_state();
        let whole = whole_log(node);
        let log = whole.as_ref().unwrap_or(node.storage());
        let judged = self.memory.looked(&Sight { node: node.inspect(), log, durable });
        step.violation = step.violation.take().or(judged.err());
        let terms = self.seats.values().map(|seat| seat.disk.durable().hard_state().term);
        self.memory.forget_before(terms.min().unwrap_or_default());
    }
}

/// Returns a node's log with the part that is not durable yet, if there is such a part.
fn whole_log(node: &Raft<MemoryStorage>) -> Option<MemoryStorage> {
    node.undurable_last()?;
    let seen = node.inspect();
    let unstable = node.entries(seen.stored + 1, seen.last.index + 1);
    let mut whole = node.storage().clone();
    whole.append(&unstable.expect("memory can be read"));
    Some(whole)
}
