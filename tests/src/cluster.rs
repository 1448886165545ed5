//! `Cluster`: N nodes, each with a disk and an application, on one network.
//!
//! ```text
//!   Bare, door of the first labs:
//!   apply(input) --> one node acts --> its outbox:  now ------------------> network
//!                                                   promised, own --> disk --> network, node
//!
//!   Owned, door of applications: the same in small steps, and a crash may fall between any two
//!   Tick, Deliver, Propose --> node
//!   Ready --> messages leave, the write goes to the disk
//!   Persist --> the write is durable, promises leave, the node hears of it
//!   Apply --> the application takes what was committed, the node hears of it
//!
//!   after every input: the invariants look --> Step
//! ```
//!
//! A cluster is a pure function of its setup and its inputs.
//!
//! What is one step here and two in an owner's loop loses nothing: a crash between taking a Ready and
//! sending its messages is a crash after, and the messages lost; a crash between a write's end and
//! what follows it is a crash after, and its promises lost.

mod application; // what the log is for

mod bare; // nodes driven through `Raft`

mod folding; // what cannot matter any more

mod owner; // nodes driven through `RawNode`

mod seat; // a node, its disk, its application

mod setup; // what a cluster is made of

pub use application::Application;
pub use setup::{Door, Owner, Setup};

use crate::disk::{Disk, DiskSpeed, Write};
use crate::input::{Fate, Input, Step};
use crate::invariant::{Memory, Sender, Sight};
use crate::network::{Flight, Network};
use raft::{
    Config, Entry, Index, MemoryStorage, Message, NodeId, Raft, RawNode, RoleName, StartError, Term,
};
use seat::{Node, Owned, Seat};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A cluster of bare nodes, as the first labs drive it.
pub type Bare = Cluster;

/// A cluster. Copies share the seats in which nothing happens, so that an explorer can keep many.
#[derive(Clone, Debug)]
pub struct Cluster {
    seats: BTreeMap<NodeId, Arc<Seat>>,
    network: Network,
    memory: Memory,
    disks: DiskSpeed,
    door: Door,
    steps: u64,
    listening: bool,
}

// Being made.

impl Cluster {
    /// Starts every node of the setup.
    ///
    /// # Panics
    /// If a node cannot start with its settings, or two have one name: the setup's mistake.
    pub fn new(setup: Setup) -> Self {
        let mut seats = BTreeMap::new();
        for (config, storage) in setup.nodes {
            let node = start(&config, storage.clone(), setup.door);
            let node = node.unwrap_or_else(|why| panic!("{} cannot start: {why}", config.id));
            let (id, disk) = (config.id, Disk::new(storage));
            let covered = disk.kept().base().id.index;
            let application = Application::new(config.applied.max(covered));
            let seat = Seat { config, disk, application, node: Some(node), ticks: 0 };
            assert!(seats.insert(id, Arc::new(seat)).is_none(), "two nodes are called {id}");
        }
        let (network, mut memory) = (Network::default(), Memory::default());
        for id in seats.keys() {
            let sight = sight(&seats, *id).expect("every node has just started");
            // A setup's word is taken as true; what does not fit shows as soon as it matters.
            drop(memory.opened(&sight));
        }
        let Setup { disks, door, .. } = setup;
        Cluster { seats, network, memory, disks, door, steps: 0, listening: false }
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

impl Cluster {
    /// Returns every node's name, in order, up or down.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.seats.keys().copied()
    }

    /// Lends a node, if it is up.
    pub fn node(&self, id: NodeId) -> Option<&Raft<MemoryStorage>> {
        self.seats.get(&id)?.node.as_ref().map(Node::raft)
    }

    /// Lends a node that is driven through its `RawNode`, if it is up.
    pub fn raw_node(&self, id: NodeId) -> Option<&RawNode<MemoryStorage>> {
        match self.seats.get(&id)?.node.as_ref()? {
            Node::Bare(_) => None,
            Node::Owned(owned) => Some(&owned.raw),
        }
    }

    /// Lends a node's application. It survives a crash.
    pub fn application(&self, id: NodeId) -> Option<&Application> {
        Some(&self.seats.get(&id)?.application)
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

    /// Returns whether a node is up and has halted: a read of its storage failed.
    pub fn is_halted(&self, id: NodeId) -> bool {
        self.node(id).is_some_and(Raft::is_halted)
    }

    /// Returns who leads now, each with its term.
    pub fn leaders(&self) -> Vec<(NodeId, Term)> {
        let up = self.seats.values().filter_map(|seat| seat.node.as_ref());
        let seen = up.map(|node| node.raft().inspect());
        seen.filter(|node| node.role == RoleName::Leader).map(|n| (n.id, n.term)).collect()
    }

    /// Returns the ticks that have passed at the node that has counted most of them.
    pub fn clock(&self) -> u64 {
        self.seats.values().map(|seat| seat.ticks).max().unwrap_or(0)
    }
}

// Being driven.

impl Cluster {
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
            applied: Vec::new(),
            refused: None,
            violation: None,
        };
        self.act(input, &mut step);
        if let Some(id) = step.node {
            match self.door {
                Door::Bare => self.settle(id, &mut step),
                Door::Owned(_) => self.hear(id, &mut step),
            }
            self.judge(id, &mut step);
        }
        step.clock = self.clock();
        step
    }

    /// Lets everything happen that waits, the oldest message last, until nothing is left to do or an
    /// invariant breaks. Returns the steps it took.
    ///
    /// # Panics
    /// After 100,000 steps: the nodes never fall silent.
    pub fn stabilize(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some(input) = self.next_in_order(&[]) {
            steps.push(self.apply(&input));
            if steps.last().is_some_and(|step| step.violation.is_some()) {
                break;
            }
            assert!(steps.len() < 100_000, "100,000 steps, and the nodes still have things to say");
        }
        steps
    }

    /// Returns what patient disks, owners and a patient network would do next for these nodes, or for
    /// all if none is named: first what is written, then what is applied, then what is ready, then the
    /// oldest message.
    pub fn next_in_order(&self, ids: &[NodeId]) -> Option<Input> {
        let ours = |id: &NodeId| ids.is_empty() || ids.contains(id);
        let first = |can: fn(&Seat) -> bool| {
            self.seats.iter().find(|(id, seat)| ours(id) && can(seat)).map(|(&id, _)| id)
        };
        if let Some(id) = first(|seat| seat.node.is_some() && seat.disk.pending().len() > 0) {
            return Some(Input::Persist(id));
        }
        if let Some(id) = first(|seat| seat.owned().is_some_and(|it| !it.pages.is_empty())) {
            return Some(Input::Apply(id));
        }
        if let Some(id) = first(|seat| seat.owned().is_some_and(|it| it.raw.has_ready())) {
            return Some(Input::Ready(id));
        }
        let mut flights = self.network.flights().iter();
        let arriving = flights.find(|flight| ours(&flight.message.to))?;
        Some(Input::Deliver(arriving.message.clone()))
    }

    /// Returns what some owner can do at once, waiting for no disk and no message: apply what may be
    /// applied, take what is ready.
    pub fn next_by_owners(&self) -> Option<Input> {
        let owned = self.seats.iter().filter_map(|(&id, seat)| Some((id, seat.owned()?)));
        let mut next = owned.filter_map(|(id, owned)| {
            if !owned.pages.is_empty() {
                return Some(Input::Apply(id));
            }
            (owned.busy().is_none() && owned.raw.has_ready()).then_some(Input::Ready(id))
        });
        next.next()
    }

    /// Returns whether committed entries wait for a node's application.
    pub fn waits_to_apply(&self, id: NodeId) -> bool {
        let owned = self.seats.get(&id).and_then(|seat| seat.owned());
        owned.is_some_and(|owned| !owned.pages.is_empty())
    }

    /// Returns whether a node is up and its owner has its hands full: until the disk has written, the
    /// node hears nothing.
    pub fn is_busy(&self, id: NodeId) -> bool {
        self.busy(id).is_some()
    }

    /// Does what the input says, and tells the step which node it happened to.
    fn act(&mut self, input: &Input, step: &mut Step) {
        match input {
            Input::Tick(id) => {
                if let Some(node) = self.free(*id, step) {
                    node.tick();
                    self.seat(*id).expect("it is up").ticks += 1;
                }
            }
            Input::Campaign(id) => {
                if let Some(node) = self.free(*id, step) {
                    step.refused = node.campaign().err().map(|why| why.to_string());
                }
            }
            Input::Propose { node: id, data } => {
                if let Some(node) = self.free(*id, step) {
                    step.refused = node.propose(data.clone()).err().map(|why| why.to_string());
                }
            }
            Input::Deliver(message) => match self.network.find(message).cloned() {
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
            Input::Ready(id) => self.take_ready(*id, step),
            Input::Persist(id) => self.persist(*id, step),
            Input::Apply(id) => self.apply_page(*id, step),
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
            Input::FailRead { node, after } => {
                if let Some(node) = self.up(*node, step) {
                    node.storage_mut().fail_read(*after);
                }
            }
            Input::PinLimit { node, ticks } => {
                if let Some(node) = self.up(*node, step) {
                    node.pin_election_timeout(*ticks);
                }
            }
        }
    }

    /// Lends a seat to change what is in it.
    fn seat(&mut self, id: NodeId) -> Option<&mut Seat> {
        self.seats.get_mut(&id).map(Arc::make_mut)
    }

    /// Lends a node that is up and notes that the step is about it; or says why it cannot.
    fn up(&mut self, id: NodeId, step: &mut Step) -> Option<&mut Node> {
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

    /// As [`Cluster::up`], unless the node's owner has its hands full.
    fn free(&mut self, id: NodeId, step: &mut Step) -> Option<&mut Node> {
        if let Some(busy) = self.busy(id) {
            step.refused = Some(busy);
            return None;
        }
        self.up(id, step)
    }

    /// Says what keeps a node's owner from driving it, if something does.
    fn busy(&self, id: NodeId) -> Option<String> {
        let busy = self.seats.get(&id)?.owned()?.busy()?;
        Some(format!("{id}'s owner {busy}, and does one thing at a time"))
    }

    /// Lets a message reach the end of its link. Where the receiver's owner is busy it waits.
    fn arrive(&mut self, flight: Flight, fate: Fate, step: &mut Step) {
        let Message { from, to, .. } = flight.message;
        if self.network.is_cut(from, to) {
            self.network.retain(|other| other.id != flight.id);
            return step.gone.push((flight, Fate::LinkCut));
        }
        if let Some(busy) = self.busy(to) {
            step.refused = Some(busy);
            return;
        }
        if fate == Fate::Delivered {
            self.network.retain(|other| other.id != flight.id);
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
        match (write, self.door) {
            (None, _) => step.refused = Some(format!("{id} has nothing to write")),
            (Some(write), Door::Bare) => self.keep(id, write, step),
            (Some(write), Door::Owned(_)) => self.finish(id, write, step),
        }
    }

    /// Starts a node again from its durable disk, with what its application has applied.
    fn restart(&mut self, id: NodeId, step: &mut Step) {
        let (listening, door) = (self.listening, self.door);
        let Some(seat) = self.seat(id) else {
            step.refused = Some(format!("{id} is not in this cluster"));
            return;
        };
        if seat.node.is_some() {
            step.refused = Some(format!("{id} is up"));
            return;
        }
        let config = Config { applied: seat.application.applied(), ..seat.config.clone() };
        match start(&config, seat.disk.durable().clone(), door) {
            Ok(mut node) => {
                if listening {
                    node.journal().listen();
                }
                seat.node = Some(node);
                step.node = Some(id);
                if let Some(sight) = sight(&self.seats, id) {
                    step.blame(self.memory.opened(&sight));
                }
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

    /// Hands a write to a node's disk, before the judge's eyes.
    fn write(&mut self, id: NodeId, write: Write, step: &mut Step) {
        let from = write.entries.first().map(|entry| entry.id.index);
        let Some(seat) = self.seat(id) else { return };
        let had = seat.disk.written().last();
        seat.disk.write(write);
        let (seats, memory) = (&self.seats, &mut self.memory);
        if let Some(sight) = sight(seats, id) {
            step.blame(memory.wrote(&sight, had, from, &|id| disk(seats, id)));
        }
    }

    /// Notes a commit index that a node hands out without a write, before the judge's eyes.
    fn note_commit(&mut self, id: NodeId, commit: Index, step: &mut Step) {
        let (seats, memory) = (&self.seats, &mut self.memory);
        if let Some(sight) = sight(seats, id) {
            step.blame(memory.committed(&sight, commit, &|id| disk(seats, id)));
        }
    }

    /// Lets a node's application apply entries, before the judge's eyes.
    fn apply_entries(&mut self, id: NodeId, entries: Vec<Entry>, step: &mut Step) {
        let Some(seat) = self.seats.get_mut(&id).map(Arc::make_mut) else { return };
        step.blame(self.memory.applied(id, &seat.disk, seat.application.applied(), &entries));
        step.applied.extend(entries.iter().cloned());
        seat.application.apply(entries);
    }

    /// Puts a node's messages under way, each before the judge's eyes.
    fn put_under_way(&mut self, id: NodeId, messages: Vec<Message>, step: &mut Step) {
        let (seats, memory) = (&self.seats, &mut self.memory);
        let Some(seat) = seats.get(&id).filter(|_| !messages.is_empty()) else { return };
        let (disk_of_sender, vote_requests) = (&seat.disk, seat.config.vote_requests);
        for message in messages {
            let sender = Sender { id, disk: disk_of_sender, vote_requests };
            step.blame(memory.sent(sender, &message, &|id| disk(seats, id)));
            step.sent.push(self.network.send(message));
        }
    }

    /// Lets the invariants look at a node that something has just happened to.
    fn judge(&mut self, id: NodeId, step: &mut Step) {
        let (seats, memory) = (&self.seats, &mut self.memory);
        match sight(seats, id) {
            None => memory.crashed(id),
            Some(sight) => step.blame(memory.looked(&sight)),
        }
        let terms = seats.values().map(|seat| seat.disk.durable().hard_state().term);
        memory.forget_before(terms.min().unwrap_or_default());
    }
}

/// Shows a node that is up to the judge.
fn sight(seats: &BTreeMap<NodeId, Arc<Seat>>, id: NodeId) -> Option<Sight<'_>> {
    let seat = seats.get(&id)?;
    let node = seat.node.as_ref()?.raft().inspect();
    Some(Sight { node, disk: &seat.disk })
}

/// Shows a disk to the judge.
fn disk(seats: &BTreeMap<NodeId, Arc<Seat>>, id: NodeId) -> Option<&Disk> {
    Some(&seats.get(&id)?.disk)
}

/// Starts a node behind a door.
fn start(config: &Config, storage: MemoryStorage, door: Door) -> Result<Node, StartError> {
    Ok(match door {
        Door::Bare => Node::Bare(Box::new(Raft::new(config, storage)?)),
        Door::Owned(owner) => {
            Node::Owned(Box::new(Owned::new(RawNode::new(config, storage)?, owner)))
        }
    })
}
