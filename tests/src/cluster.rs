//! `Cluster`: N nodes, each with a disk and an application, on one network.
//!
//! ```text
//!   Bare, as the first labs drive it:
//!   apply(input) --> one node acts --> its outbox:  now ------------------> network
//!                                                   promised, own --> disk --> network, node
//!
//!   Owned, as applications drive it: the same in small steps, and a crash may come between any two
//!   Tick, Deliver, Propose --> node
//!   Ready --> messages are sent, the write goes to the disk
//!   Persist --> the write is durable, promises are sent, the node is told
//!   Apply --> the application applies committed entries, the node is told
//!
//!   after every input: the invariants are checked --> Step
//! ```
//!
//! A cluster is a pure function of its setup and its inputs.
//!
//! Two actions of a real owner are one step here, and no behaviour is lost by that. A crash after a
//! Ready is taken and before its messages are sent equals a crash after the step, with the messages
//! dropped. A crash after a write is durable and before its promises are sent equals a crash after the
//! step, with the promises dropped.

mod application; // the state machine that applies the log

mod bare; // nodes driven through `Raft`

mod reduction; // state that can no longer matter, for the explorer

mod owner; // nodes driven through `RawNode`

mod host; // a machine: a node, its disk, its application

mod setup; // what a cluster is made of

pub use application::Application;
pub use setup::{Driver, Owner, Setup};

use crate::disk::{Disk, DiskSpeed, Link, Write};
use crate::fingerprint::Fingerprint;
use crate::input::{Fate, Input, Step};
use crate::invariant::{InvariantChecker, NodeView, Sender};
use crate::network::{Flight, Network};
use crate::request::Request;
use host::{Host, Node, Owned};
use raft::{
    ApplyChangeError, Config, Entry, Index, MemoryStorage, Message, NodeId, Raft, RawNode,
    ReadState, RoleName, Snapshot, StartError, Storage, Term,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A cluster. Its copies share the hosts that do not change, so that an explorer can keep many.
#[derive(Clone, Debug)]
pub struct Cluster {
    hosts: BTreeMap<NodeId, Arc<Host>>,
    network: Network,
    checker: InvariantChecker,
    disks: DiskSpeed,
    driver: Driver,
    steps: u64,
    listening: bool,
    judged: bool,
}

// Construction.

impl Cluster {
    /// Starts every node of the setup.
    ///
    /// # Panics
    /// If a node cannot start with its settings, or two nodes have the same id.
    pub fn new(setup: Setup) -> Self {
        let mut hosts = BTreeMap::new();
        for (config, storage) in setup.nodes {
            let node = start(&config, storage.clone(), setup.driver);
            let node = node.unwrap_or_else(|why| panic!("{} cannot start: {why}", config.id));
            let (id, disk) = (config.id, Disk::new(storage));
            let covered = disk.kept().base().id.index;
            let application = Application::new(config.applied.max(covered));
            let host = Host { config, disk, application, node: Some(node), ticks: 0 };
            assert!(hosts.insert(id, Arc::new(host)).is_none(), "two nodes are called {id}");
        }
        let (network, mut checker) = (Network::default(), InvariantChecker::default());
        for id in hosts.keys() {
            let view = view(&hosts, *id).expect("every node has just started");
            // We trust the setup. What contradicts itself breaks a rule as soon as it matters.
            drop(checker.check_start(&view));
        }
        let Setup { disks, driver, .. } = setup;
        Cluster { hosts, network, checker, disks, driver, steps: 0, listening: false, judged: true }
    }

    /// Returns the same cluster, but no step of it names a broken rule: somebody else judges the run.
    pub fn unjudged(self) -> Self {
        Cluster { judged: false, ..self }
    }

    /// Returns the same cluster with every node noting its events.
    pub fn listening(mut self) -> Self {
        self.listening = true;
        for host in self.hosts.values_mut() {
            if let Some(node) = &mut Arc::make_mut(host).node {
                node.journal().listen();
            }
        }
        self
    }
}

// Inspection.

impl Cluster {
    /// Returns the id of every node, up or down, in order.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.hosts.keys().copied()
    }

    /// Returns a node, if it is up.
    pub fn node(&self, id: NodeId) -> Option<&Raft<MemoryStorage>> {
        self.hosts.get(&id)?.node.as_ref().map(Node::raft)
    }

    /// Returns a node that is driven through its `RawNode`, if it is up.
    pub fn raw_node(&self, id: NodeId) -> Option<&RawNode<MemoryStorage>> {
        match self.hosts.get(&id)?.node.as_ref()? {
            Node::Bare(_) => None,
            Node::Owned(owned) => Some(&owned.raw),
        }
    }

    /// Returns a node's application. It survives a crash.
    pub fn application(&self, id: NodeId) -> Option<&Application> {
        Some(&self.hosts.get(&id)?.application)
    }

    /// Returns a node's disk.
    pub fn disk(&self, id: NodeId) -> Option<&Disk> {
        Some(&self.hosts.get(&id)?.disk)
    }

    /// Returns a node's settings.
    pub fn config(&self, id: NodeId) -> Option<&Config> {
        Some(&self.hosts.get(&id)?.config)
    }

    /// Returns the network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Returns the invariant checker with what it remembers.
    pub fn checker(&self) -> &InvariantChecker {
        &self.checker
    }

    /// Returns whether a node is up and has halted: a read of its storage failed.
    pub fn is_halted(&self, id: NodeId) -> bool {
        self.node(id).is_some_and(Raft::is_halted)
    }

    /// Returns the nodes that lead now, each with its term.
    pub fn leaders(&self) -> Vec<(NodeId, Term)> {
        let up = self.hosts.values().filter_map(|host| host.node.as_ref());
        let seen = up.map(|node| node.raft().inspect());
        seen.filter(|node| node.role == RoleName::Leader).map(|n| (n.id, n.term)).collect()
    }

    /// Returns a hash of everything that decides what can happen later: machines, messages in flight in
    /// any order, cut links, and what the invariant checker remembers.
    pub(crate) fn whole(&self) -> u128 {
        let hosts = self.hosts.iter().map(|(id, host)| Fingerprint::of(&(id, host)));
        let flights = self.network.flights().iter();
        let messages = flights.map(|flight| Fingerprint::of(&flight.message));
        let cuts = self.network.cuts().map(|cut| Fingerprint::of(&cut));
        let facts = hosts.chain(messages).chain(cuts).chain([Fingerprint::of(&self.checker)]);
        facts.fold(0, u128::wrapping_add)
    }

    /// Returns the ticks counted by the node that has counted the most.
    pub fn clock(&self) -> u64 {
        self.hosts.values().map(|host| host.ticks).max().unwrap_or(0)
    }
}

// Inputs.

impl Cluster {
    /// Applies one input, checks the invariants, and returns what the input led to.
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
            reads: Vec::new(),
            refused: None,
            violation: None,
        };
        self.act(input, &mut step);
        if let Some(id) = step.node {
            match self.driver {
                Driver::Bare => self.drain_outbox(id, &mut step),
                Driver::Owned(_) => self.collect_notes(id, &mut step),
            }
            self.check_node(id, &mut step);
        }
        step.clock = self.clock();
        step.violation = step.violation.filter(|_| self.judged);
        step
    }

    /// Applies every waiting action until nothing is left to do or an invariant breaks. Messages come
    /// after all other actions, oldest first. Returns the steps it took.
    ///
    /// # Panics
    /// After 100,000 steps: the nodes do not become quiet.
    pub fn stabilize(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some(input) = self.next_in_order(&[]) {
            steps.push(self.apply(&input));
            if steps.last().is_some_and(|step| step.violation.is_some()) {
                break;
            }
            assert!(steps.len() < 100_000, "after 100,000 steps the nodes are still not quiet");
        }
        steps
    }

    /// Returns the next input of a run without faults, for these nodes, or for all if `ids` is empty. The
    /// order is: a pending write, entries to apply, a Ready, the oldest message.
    pub fn next_in_order(&self, ids: &[NodeId]) -> Option<Input> {
        let ours = |id: &NodeId| ids.is_empty() || ids.contains(id);
        let first = |can: fn(&Host) -> bool| {
            self.hosts.iter().find(|(id, host)| ours(id) && can(host)).map(|(&id, _)| id)
        };
        if let Some(id) = first(|host| host.node.is_some() && host.disk.pending().len() > 0) {
            return Some(Input::Persist(id));
        }
        if let Some(id) = first(|host| host.owned().is_some_and(|it| !it.apply_queue.is_empty())) {
            return Some(Input::Apply(id));
        }
        if let Some(id) = first(|host| host.owned().is_some_and(|it| it.raw.has_ready())) {
            return Some(Input::Ready(id));
        }
        let mut flights = self.network.flights().iter();
        let arriving = flights.find(|flight| ours(&flight.message.to))?;
        Some(Input::Deliver(arriving.message.clone()))
    }

    /// Returns the next action of an owner that needs no disk and no message: to apply entries, or to
    /// take a Ready.
    pub fn next_by_owners(&self) -> Option<Input> {
        let owned = self.hosts.iter().filter_map(|(&id, host)| Some((id, host.owned()?)));
        let mut next = owned.filter_map(|(id, owned)| {
            if !owned.apply_queue.is_empty() {
                return Some(Input::Apply(id));
            }
            (owned.busy().is_none() && owned.raw.has_ready()).then_some(Input::Ready(id))
        });
        next.next()
    }

    /// Returns whether committed entries wait for a node's application.
    pub fn waits_to_apply(&self, id: NodeId) -> bool {
        let owned = self.hosts.get(&id).and_then(|host| host.owned());
        owned.is_some_and(|owned| !owned.apply_queue.is_empty())
    }

    /// Returns whether a node is up and its owner is busy: the node gets no input until the owner is done.
    pub fn is_busy(&self, id: NodeId) -> bool {
        self.busy(id).is_some()
    }

    /// Carries out an input, and notes in the step which node it happened to.
    fn act(&mut self, input: &Input, step: &mut Step) {
        match input {
            Input::Tick(id) => {
                if let Some(node) = self.free(*id, step) {
                    node.tick();
                    self.host(*id).expect("it is up").ticks += 1;
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
            Input::Ask { node: id, request: Request::Compact { keep } } => {
                self.compact(*id, *keep, step);
            }
            Input::Ask { node: id, request } => {
                if let Some(node) = self.free(*id, step) {
                    step.refused = node.ask(request);
                }
            }
            Input::Read { node: id, context } => {
                let Some(node) = self.free(*id, step) else { return };
                match node.read_index(context.clone()) {
                    Ok(()) => self.checker.read_begins(*id, context.clone()),
                    Err(halt) => step.refused = Some(halt.to_string()),
                }
            }
            Input::Deliver(message) => match self.network.find(message).cloned() {
                Some(flight) => self.arrive(flight, Fate::Delivered, step),
                None => step.refused = Some(format!("{message} is not in flight")),
            },
            Input::Duplicate(message) => match self.network.find(message).cloned() {
                Some(flight) => self.arrive(flight, Fate::Duplicated, step),
                None => step.refused = Some(format!("{message} is not in flight")),
            },
            Input::Drop(message) => match self.network.take(message) {
                Some(flight) => step.gone.push((flight, Fate::Dropped)),
                None => step.refused = Some(format!("{message} is not in flight")),
            },
            Input::Post(message) => {
                self.checker.accept_posted(message);
                step.sent.push(self.network.send(message.clone()));
            }
            Input::Ready(id) => self.take_ready(*id, step),
            Input::Persist(id) => self.persist(*id, step),
            Input::Apply(id) => self.apply_next(*id, step),
            Input::Crash(id) => {
                if self.up(*id, step).is_some() {
                    let host = self.host(*id).expect("it is up");
                    host.node = None;
                    host.disk.lose_power();
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

    /// Returns a host for changes.
    fn host(&mut self, id: NodeId) -> Option<&mut Host> {
        self.hosts.get_mut(&id).map(Arc::make_mut)
    }

    /// Returns a node that is up, and notes it in the step. Otherwise notes why there is none.
    fn up(&mut self, id: NodeId, step: &mut Step) -> Option<&mut Node> {
        let Some(host) = self.hosts.get_mut(&id).map(Arc::make_mut) else {
            step.refused = Some(format!("{id} is not in this cluster"));
            return None;
        };
        if host.node.is_none() {
            step.refused = Some(format!("{id} is down"));
            return None;
        }
        step.node = Some(id);
        host.node.as_mut()
    }

    /// As [`Cluster::up`], but refuses a node whose owner is busy.
    fn free(&mut self, id: NodeId, step: &mut Step) -> Option<&mut Node> {
        if let Some(busy) = self.busy(id) {
            step.refused = Some(busy);
            return None;
        }
        self.up(id, step)
    }

    /// Returns why a node's owner is busy, if it is.
    fn busy(&self, id: NodeId) -> Option<String> {
        let busy = self.hosts.get(&id)?.owned()?.busy()?;
        Some(format!("{id}'s owner {busy}, and does one thing at a time"))
    }

    /// Lets a message reach the end of its link. It waits if the receiver's owner is busy.
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

    /// Makes the oldest pending write durable, and sends the messages that waited for it.
    fn persist(&mut self, id: NodeId, step: &mut Step) {
        if self.up(id, step).is_none() {
            return;
        }
        let write = self.host(id).and_then(|host| host.disk.persist());
        match (write, self.driver) {
            (None, _) => step.refused = Some(format!("{id} has nothing to write")),
            (Some(write), Driver::Bare) => self.bare_write_is_durable(id, write, step),
            (Some(write), Driver::Owned(_)) => self.owned_write_is_durable(id, write, step),
        }
    }

    /// Restarts a node from its durable disk, with the state of its application.
    fn restart(&mut self, id: NodeId, step: &mut Step) {
        let (listening, driver) = (self.listening, self.driver);
        let Some(host) = self.host(id) else {
            step.refused = Some(format!("{id} is not in this cluster"));
            return;
        };
        if host.node.is_some() {
            step.refused = Some(format!("{id} is up"));
            return;
        }
        let config = Config { applied: host.application.applied(), ..host.config.clone() };
        match start(&config, host.disk.durable().clone(), driver) {
            Ok(mut node) => {
                if listening {
                    node.journal().listen();
                }
                host.node = Some(node);
                step.node = Some(id);
                if let Some(view) = view(&self.hosts, id) {
                    step.blame(self.checker.check_start(&view));
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

    /// Hands a write to a node's disk, and checks it.
    fn write(&mut self, id: NodeId, write: Write, step: &mut Step) {
        let from = write.entries.first().map(|entry| entry.id.index);
        let Some(host) = self.host(id) else { return };
        let had = host.disk.written().last();
        host.disk.write(write);
        let (hosts, checker) = (&self.hosts, &mut self.checker);
        if let Some(view) = view(hosts, id) {
            step.blame(checker.check_write(&view, had, from, &|id| disk(hosts, id)));
        }
    }

    /// Checks a commit index that a node hands out without a write.
    fn note_commit(&mut self, id: NodeId, commit: Index, step: &mut Step) {
        let (hosts, checker) = (&self.hosts, &mut self.checker);
        if let Some(view) = view(hosts, id) {
            step.blame(checker.check_commit(&view, commit, &|id| disk(hosts, id)));
        }
    }

    /// Lets a node's application apply entries, and checks them.
    fn apply_entries(&mut self, id: NodeId, entries: Vec<Entry>, step: &mut Step) {
        let Some(host) = self.hosts.get_mut(&id).map(Arc::make_mut) else { return };
        step.blame(self.checker.check_apply(id, &host.disk, host.application.applied(), &entries));
        step.applied.extend(entries.iter().cloned());
        host.application.apply(entries);
    }

    /// Lets a node's disk and application have a snapshot that is durable now, and checks it. The node's own
    /// storage is the caller's matter.
    fn install(&mut self, id: NodeId, snapshot: &Snapshot, step: &mut Step) {
        let Some(host) = self.hosts.get_mut(&id).map(Arc::make_mut) else { return };
        step.blame(self.checker.check_install(id, Link::of(snapshot)));
        host.application.install(snapshot.id.index);
    }

    /// Makes the changes of the group among entries that an application is about to apply. A change that
    /// cannot be made changes nothing. One that a snapshot covers, which is not installed yet, is not applied:
    /// removes it and all entries after it.
    fn apply_changes(&mut self, id: NodeId, entries: &mut Vec<Entry>, step: &mut Step) {
        let Some(host) = self.host(id) else { return };
        let Some(node) = host.node.as_mut() else { return };
        for at in 0..entries.len() {
            let Some(change) = entries[at].payload().change() else { continue };
            match node.apply_conf_change(change) {
                Ok(conf_state) => {
                    node.storage_mut().save_conf_state(conf_state.clone());
                    host.disk.save_members(conf_state);
                }
                Err(ApplyChangeError::Refused(_)) => {}
                Err(ApplyChangeError::Installing { .. }) => return entries.truncate(at),
                Err(ApplyChangeError::Halted(halt)) => {
                    step.refused = Some(halt.to_string());
                    return;
                }
            }
        }
    }

    /// Lets a node's application make a snapshot of all that it has applied, and removes from storage the
    /// entries that it covers, but for the last `keep`.
    fn compact(&mut self, id: NodeId, keep: u64, step: &mut Step) {
        if self.free(id, step).is_none() {
            return;
        }
        let Some(host) = self.host(id) else { return };
        let applied = host.application.applied();
        let through = Index(applied.0.saturating_sub(keep));
        let (first, durable) =
            (host.disk.durable().first_index(), host.disk.durable().last_index());
        let is_new = first.is_ok_and(|first| first <= through);
        if !is_new || !durable.is_ok_and(|last| applied <= last) {
            step.refused = Some(format!("{id} has nothing to compact up to {through}"));
            return;
        }
        let snapshot = host.disk.compact(applied, through);
        if let (Some(snapshot), Some(node)) = (snapshot, host.node.as_mut()) {
            let Snapshot { id: last, conf_state, data } = snapshot;
            node.storage_mut().create_snapshot(last.index, conf_state, data);
            node.storage_mut().compact(through);
        }
    }

    /// Lets reads of a node's clients end, and checks each.
    fn end_reads(&mut self, id: NodeId, reads: Vec<ReadState>, step: &mut Step) {
        for read in &reads {
            step.blame(self.checker.check_read(id, read));
        }
        step.reads.extend(reads);
    }

    /// Sends a node's messages, and checks each.
    fn put_under_way(&mut self, id: NodeId, messages: Vec<Message>, step: &mut Step) {
        let (hosts, checker) = (&self.hosts, &mut self.checker);
        let Some(host) = hosts.get(&id).filter(|_| !messages.is_empty()) else { return };
        let (disk_of_sender, vote_requests) = (&host.disk, host.config.vote_requests);
        for message in messages {
            let sender = Sender { id, disk: disk_of_sender, vote_requests };
            step.blame(checker.check_message(sender, &message, &|id| disk(hosts, id)));
            step.sent.push(self.network.send(message));
        }
    }

    /// Checks the invariants of a node that something has just happened to.
    fn check_node(&mut self, id: NodeId, step: &mut Step) {
        let (hosts, checker) = (&self.hosts, &mut self.checker);
        match view(hosts, id) {
            None => checker.forget_node(id),
            Some(view) => step.blame(checker.check_node(&view)),
        }
        let terms = hosts.values().map(|host| host.disk.durable().hard_state().term);
        checker.forget_before(terms.min().unwrap_or_default());
    }
}

/// Returns what the checker sees of a node that is up.
fn view(hosts: &BTreeMap<NodeId, Arc<Host>>, id: NodeId) -> Option<NodeView<'_>> {
    let host = hosts.get(&id)?;
    let node = host.node.as_ref()?.raft().inspect();
    Some(NodeView { node, disk: &host.disk })
}

/// Returns a disk for the checker.
fn disk(hosts: &BTreeMap<NodeId, Arc<Host>>, id: NodeId) -> Option<&Disk> {
    Some(&hosts.get(&id)?.disk)
}

/// Starts a node for a driver.
fn start(config: &Config, storage: MemoryStorage, driver: Driver) -> Result<Node, StartError> {
    Ok(match driver {
        Driver::Bare => Node::Bare(Box::new(Raft::new(config, storage)?)),
        Driver::Owned(owner) => {
            Node::Owned(Box::new(Owned::new(RawNode::new(config, storage)?, owner)))
        }
    })
}
