//! The time of trouble: everything is scheduled, struck by faults, and happens one thing at a time.
//!
//! ```text
//!   agenda   (time, order) --> Tick n1 | Arrive m | Persist n2 | Crash | Split | ...
//!                ^                          |
//!                '---- what a step sends and writes is entered: when it arrives, if it does
//! ```
//!
//! Time is counted in hundredths of a tick of the quickest clock, so that clocks can drift and no two
//! things need happen together. Where they do, the earlier entered comes first.

use super::entropy::Stream;
use super::plan::{Plan, Rhythm};
use crate::cluster::Cluster;
use crate::input::{Input, Step};
use crate::network::Flight;
use bytes::Bytes;
use raft::{Message, NodeId};
use std::collections::{BTreeMap, BTreeSet};

/// Parts of a tick in which time is counted.
const TICK: u64 = 100;

/// Something that is to happen.
#[derive(Clone, Debug)]
enum Entry {
    Tick(NodeId),
    Arrive(Message),
    /// It arrives, and stays to arrive again.
    ArriveFirst(Message),
    /// A write of a node's so-many-th life is durable.
    Persist {
        node: NodeId,
        life: u64,
    },
    /// The owner of a node in its so-many-th life takes a Ready.
    Ready {
        node: NodeId,
        life: u64,
    },
    /// Its application goes on.
    Apply {
        node: NodeId,
        life: u64,
    },
    Unrest,
    Propose,
    Crash,
    FailRead,
    Restart(NodeId),
    Split,
    Heal,
}

/// The time of trouble of one run.
pub(super) struct Trouble<'a> {
    plan: &'a Plan,
    agenda: BTreeMap<(u64, u64), Entry>,
    entered: u64,
    now: u64,
    /// How long each node's tick lasts.
    periods: BTreeMap<NodeId, u64>,
    /// Which life each node lives, and how many of its writes have a time to be durable.
    lives: BTreeMap<NodeId, (u64, usize)>,
    /// Whose owner has something to do at a time that is entered.
    owners: BTreeSet<NodeId>,
    network: Stream,
    disk: Stream,
    unrest: Stream,
    client: Stream,
    /// How many commands the client has proposed.
    proposed: u64,
    crash: Stream,
    split: Stream,
    owner: Stream,
    read: Stream,
}

impl<'a> Trouble<'a> {
    pub(super) fn new(plan: &'a Plan, cluster: &Cluster) -> Self {
        let stream = |label| Stream::new(plan.seed, label);
        let mut trouble = Trouble {
            plan,
            agenda: BTreeMap::new(),
            entered: 0,
            now: 0,
            periods: BTreeMap::new(),
            lives: cluster.ids().map(|id| (id, (0, 0))).collect(),
            network: stream("network"),
            disk: stream("disk"),
            unrest: stream("unrest"),
            client: stream("client"),
            proposed: 0,
            crash: stream("crash"),
            split: stream("partition"),
            owner: stream("owner"),
            read: stream("read"),
            owners: BTreeSet::new(),
        };
        let mut clock = stream("clock");
        for id in cluster.ids() {
            let period = TICK + clock.within(0, plan.faults.skew_percent);
            let first = clock.within(1, period);
            trouble.periods.insert(id, period);
            trouble.enter(first, Entry::Tick(id));
        }
        trouble.enter_unrest();
        trouble.enter_proposal();
        if let Some(rhythm) = plan.faults.crashes {
            trouble.enter_crash(rhythm);
        }
        if let Some(rhythm) = plan.faults.partitions {
            trouble.enter_split(rhythm);
        }
        if let Some(rhythm) = plan.faults.read_failures {
            trouble.enter_read_failure(rhythm);
        }
        trouble
    }

    /// Returns what happens next, or nothing when the time of trouble is over. One thing may take
    /// several inputs.
    pub(super) fn next(&mut self, cluster: &Cluster) -> Option<Vec<Input>> {
        loop {
            let ((time, _), entry) = self.agenda.pop_first()?;
            if time >= self.plan.trouble_ticks * TICK {
                return None;
            }
            self.now = time;
            let inputs = self.unfold(entry, cluster);
            if !inputs.is_empty() {
                return Some(inputs);
            }
        }
    }

    /// Enters what a step leads to; returns what happens at once: messages are lost, and a node that has
    /// halted loses its power.
    pub(super) fn follow_up(&mut self, step: &Step, cluster: &Cluster) -> Vec<Input> {
        let mut lost = Vec::new();
        for Flight { message, .. } in &step.sent {
            if self.network.chance(self.plan.faults.drop_permille) {
                lost.push(Input::Drop(message.clone()));
                continue;
            }
            let delay = self.delay();
            if self.network.chance(self.plan.faults.duplicate_permille) {
                self.enter(delay, Entry::ArriveFirst(message.clone()));
            } else {
                self.enter(delay, Entry::Arrive(message.clone()));
            }
        }
        if let Some(node) = step.node.filter(|&node| cluster.is_halted(node)) {
            let lasts_ticks = self.plan.faults.read_failures.map_or(1, |rhythm| rhythm.lasts_ticks);
            let down = self.read.within(1, lasts_ticks * TICK);
            lost.push(self.take_power(node, down));
        } else if let Some(node) = step.node {
            self.enter_writes(node, cluster);
            self.enter_owner(node, cluster);
        } else if let (Some(_), Input::Deliver(message) | Input::Duplicate(message)) =
            (&step.refused, &step.input)
            && cluster.is_busy(message.to)
        {
            // Its receiver's owner has its hands full: it waits at the door.
            self.enter(TICK / 4, Entry::Arrive(message.clone()));
        }
        lost
    }

    /// Returns the moment it is, in ticks of the quickest clock.
    pub(super) fn now_ticks(&self) -> u64 {
        self.now / TICK
    }

    fn enter(&mut self, delay: u64, entry: Entry) {
        self.entered += 1;
        self.agenda.insert((self.now + delay, self.entered), entry);
    }

    /// Draws how long a message takes: mostly little, sometimes as long as can be.
    fn delay(&mut self) -> u64 {
        let longest = self.plan.faults.delay_ticks * TICK;
        if longest <= TICK {
            return self.network.within(TICK / 2, TICK);
        }
        let bound = self.network.within(TICK, longest);
        self.network.within(TICK, bound)
    }

    /// Gives every new write of a node's slow disk the time at which it is durable.
    fn enter_writes(&mut self, node: NodeId, cluster: &Cluster) {
        let waiting = cluster.disk(node).map_or(0, |disk| disk.pending().len());
        let (life, timed) = self.lives.get(&node).copied().unwrap_or_default();
        for _ in timed..waiting {
            let delay = self.disk.within(1, self.plan.faults.persist_ticks.max(1) * TICK);
            self.enter(delay, Entry::Persist { node, life });
        }
        self.lives.insert(node, (life, waiting.max(timed)));
    }

    /// Gives the owner of a node that has something to do a time to do it.
    fn enter_owner(&mut self, node: NodeId, cluster: &Cluster) {
        let Some(entry) = self.owners_turn(node, cluster) else { return };
        if self.owners.insert(node) {
            let delay = self.owner.within(1, TICK / 2);
            self.enter(delay, entry);
        }
    }

    /// Returns what the owner of a node has to do next, if anything.
    fn owners_turn(&self, node: NodeId, cluster: &Cluster) -> Option<Entry> {
        let (life, _) = self.lives.get(&node).copied().unwrap_or_default();
        if cluster.waits_to_apply(node) {
            return Some(Entry::Apply { node, life });
        }
        let has_ready = cluster.raw_node(node).is_some_and(|raw| raw.has_ready());
        (has_ready && !cluster.is_busy(node)).then_some(Entry::Ready { node, life })
    }

    fn enter_unrest(&mut self) {
        if self.plan.faults.unrest_ticks > 0 {
            let pause = self.unrest.within(1, self.plan.faults.unrest_ticks * TICK);
            self.enter(pause, Entry::Unrest);
        }
    }

    fn enter_proposal(&mut self) {
        if self.plan.proposal_ticks > 0 {
            let pause = self.client.within(1, self.plan.proposal_ticks * TICK);
            self.enter(pause, Entry::Propose);
        }
    }

    fn enter_crash(&mut self, rhythm: Rhythm) {
        let pause = self.crash.within(1, rhythm.pause_ticks * TICK);
        self.enter(pause, Entry::Crash);
    }

    fn enter_read_failure(&mut self, rhythm: Rhythm) {
        let pause = self.read.within(1, rhythm.pause_ticks * TICK);
        self.enter(pause, Entry::FailRead);
    }

    fn enter_split(&mut self, rhythm: Rhythm) {
        let pause = self.split.within(1, rhythm.pause_ticks * TICK);
        self.enter(pause, Entry::Split);
    }

    /// Returns the inputs that an entry of the agenda means now.
    fn unfold(&mut self, entry: Entry, cluster: &Cluster) -> Vec<Input> {
        match entry {
            Entry::Tick(id) => {
                self.enter(self.periods[&id], Entry::Tick(id));
                if cluster.node(id).is_some() { vec![Input::Tick(id)] } else { Vec::new() }
            }
            Entry::Arrive(message) => vec![Input::Deliver(message)],
            Entry::ArriveFirst(message) => {
                let delay = self.delay();
                self.enter(delay, Entry::Arrive(message.clone()));
                vec![Input::Duplicate(message)]
            }
            Entry::Persist { node, life } => match self.lives.get_mut(&node) {
                Some((now, timed)) if *now == life => {
                    *timed -= 1;
                    vec![Input::Persist(node)]
                }
                Some(_) | None => Vec::new(),
            },
            Entry::Ready { node, life } | Entry::Apply { node, life } => {
                if self.lives.get(&node).is_none_or(|&(now, _)| now != life) {
                    return Vec::new();
                }
                self.owners.remove(&node);
                match self.owners_turn(node, cluster) {
                    Some(Entry::Apply { .. }) => vec![Input::Apply(node)],
                    Some(Entry::Ready { .. }) => vec![Input::Ready(node)],
                    Some(_) | None => Vec::new(),
                }
            }
            Entry::Unrest => self.unrest(cluster),
            Entry::Propose => self.propose(cluster),
            Entry::Crash => self.crash(cluster),
            Entry::FailRead => self.fail_read(cluster),
            Entry::Restart(id) => vec![Input::Restart(id)],
            Entry::Split => self.split(cluster),
            Entry::Heal => vec![Input::Heal],
        }
    }

    /// Tells a node to campaign; in one of three cases two at once, so that they share the votes.
    fn unrest(&mut self, cluster: &Cluster) -> Vec<Input> {
        self.enter_unrest();
        let mut up: Vec<_> = cluster.ids().filter(|&id| cluster.node(id).is_some()).collect();
        self.unrest.shuffle(&mut up);
        let candidates = if self.unrest.chance(333) { 2 } else { 1 };
        up.into_iter().take(candidates).map(Input::Campaign).collect()
    }

    /// Proposes the client's next command: to one that leads, and now and then to anybody.
    fn propose(&mut self, cluster: &Cluster) -> Vec<Input> {
        self.enter_proposal();
        let up: Vec<_> = cluster.ids().filter(|&id| cluster.node(id).is_some()).collect();
        let leaders: Vec<_> = cluster.leaders().into_iter().map(|(id, _)| id).collect();
        let to = if self.client.chance(900) && !leaders.is_empty() { &leaders } else { &up };
        let Some(&node) = self.client.pick(to) else { return Vec::new() };
        self.proposed += 1;
        vec![Input::Propose { node, data: Bytes::from(format!("x={}", self.proposed)) }]
    }

    /// Takes the power from a node: in one of three cases from one that leads.
    fn crash(&mut self, cluster: &Cluster) -> Vec<Input> {
        let Some(rhythm) = self.plan.faults.crashes else { return Vec::new() };
        self.enter_crash(rhythm);
        let up: Vec<_> = cluster.ids().filter(|&id| cluster.node(id).is_some()).collect();
        let leaders: Vec<_> = cluster.leaders().into_iter().map(|(id, _)| id).collect();
        let from = if self.crash.chance(333) && !leaders.is_empty() { &leaders } else { &up };
        let Some(&id) = self.crash.pick(from) else { return Vec::new() };
        let down = self.crash.within(1, rhythm.lasts_ticks * TICK);
        vec![self.take_power(id, down)]
    }

    /// Takes the power from a node, and enters its restart.
    fn take_power(&mut self, id: NodeId, down: u64) -> Input {
        self.enter(down, Entry::Restart(id));
        self.lives.entry(id).and_modify(|(life, timed)| (*life, *timed) = (*life + 1, 0));
        self.owners.remove(&id);
        Input::Crash(id)
    }

    /// Lets a read of a node's storage fail soon.
    fn fail_read(&mut self, cluster: &Cluster) -> Vec<Input> {
        let Some(rhythm) = self.plan.faults.read_failures else { return Vec::new() };
        self.enter_read_failure(rhythm);
        let up: Vec<_> = cluster.ids().filter(|&id| cluster.node(id).is_some()).collect();
        let Some(&node) = self.read.pick(&up) else { return Vec::new() };
        vec![Input::FailRead { node, after: self.read.within(0, 20) }]
    }

    /// Lets the network fall apart in one of four ways.
    fn split(&mut self, cluster: &Cluster) -> Vec<Input> {
        let Some(rhythm) = self.plan.faults.partitions else { return Vec::new() };
        let lasts = self.split.within(1, rhythm.lasts_ticks * TICK);
        self.enter(lasts, Entry::Heal);
        let pause = lasts + self.split.within(1, rhythm.pause_ticks * TICK);
        self.enter(pause, Entry::Split);
        let mut ids: Vec<_> = cluster.ids().collect();
        self.split.shuffle(&mut ids);
        let leader = cluster.leaders().last().map_or(ids[0], |&(id, _)| id);
        let others = |one: NodeId| cluster.ids().filter(move |&id| id != one);
        match self.split.below(4) {
            0 => {
                let half = self.split.within(1, ids.len() as u64 - 1) as usize;
                let (one, other) = ids.split_at(half);
                vec![Input::Partition(vec![one.to_vec(), other.to_vec()])]
            }
            1 => vec![Input::Partition(vec![vec![leader], others(leader).collect()])],
            2 => {
                let one = if self.split.chance(500) { leader } else { ids[0] };
                let deaf = self.split.chance(500);
                let link = |id| if deaf { (id, one) } else { (one, id) };
                others(one).map(link).map(|(from, to)| Input::Cut { from, to }).collect()
            }
            _ => {
                // Two halves that hear each other only through the first node.
                let (one, other) = ids[1..].split_at((ids.len() - 1) / 2);
                let across = |&from: &NodeId| other.iter().map(move |&to| (from, to));
                let cuts = one.iter().flat_map(across);
                let both = cuts.flat_map(|(from, to)| [(from, to), (to, from)]);
                both.map(|(from, to)| Input::Cut { from, to }).collect()
            }
        }
    }
}
