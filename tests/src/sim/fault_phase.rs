//! The fault phase: a schedule of inputs and faults, carried out one at a time.
//!
//! ```text
//!   schedule (time, order) --> Tick n1 | Arrive m | Persist n2 | Crash | Split | ...
//!                ^                          |
//!                '---- what a step sends and writes is scheduled: when it arrives, if it does
//! ```
//!
//! The unit of time is a hundredth of a tick of the fastest clock, so that clocks can drift. If two
//! things are due at the same time, the one that was scheduled first comes first.

use super::plan::{Extras, Interval, Plan};
use crate::cluster::Cluster;
use crate::input::{Input, Step};
use crate::network::Flight;
use crate::random::Stream;
use crate::request::Request;
use bytes::Bytes;
use raft::{
    ChangeKind, Changer, ConfChange, ConfChangeV2, ConfState, Message, NodeId, Priority,
    SnapshotStatus, Transition,
};
use std::collections::{BTreeMap, BTreeSet};

/// The units of time in one tick of the fastest clock.
const TICK: u64 = 100;

/// A scheduled event.
#[derive(Clone, Debug)]
enum ScheduledEvent {
    Tick(NodeId),
    Arrive(Message),
    /// The message arrives, and stays in flight to arrive again.
    ArriveFirst(Message),
    /// A write becomes durable, unless the node has restarted since: `life` counts its starts.
    Persist {
        node: NodeId,
        life: u64,
    },
    /// The owner takes a Ready, unless the node has restarted since.
    Ready {
        node: NodeId,
        life: u64,
    },
    /// The application applies entries, unless the node has restarted since.
    Apply {
        node: NodeId,
        life: u64,
    },
    Unrest,
    Propose,
    Read,
    Operate,
    Change,
    Compact,
    Crash,
    FailRead,
    Restart(NodeId),
    Split,
    Heal,
}

/// The fault phase of one run.
pub(super) struct FaultPhase<'a> {
    plan: &'a Plan,
    schedule: BTreeMap<(u64, u64), ScheduledEvent>,
    scheduled: u64,
    now: u64,
    /// The length of each node's tick.
    periods: BTreeMap<NodeId, u64>,
    /// For each node: how often it has crashed, and how many of its pending writes are scheduled.
    lives: BTreeMap<NodeId, (u64, usize)>,
    /// The nodes whose owner's next action is scheduled.
    owners: BTreeSet<NodeId>,
    network: Stream,
    disk: Stream,
    unrest: Stream,
    client: Stream,
    /// The number of commands that the client has proposed.
    proposed: u64,
    reader: Stream,
    operator: Stream,
    settings: Stream,
    /// The number of reads that the client has begun.
    begun: u64,
    /// Who changes the group, and how; when a log is compacted.
    churn: Stream,
    crash: Stream,
    split: Stream,
    owner: Stream,
    read: Stream,
}

impl<'a> FaultPhase<'a> {
    pub(super) fn new(plan: &'a Plan, cluster: &Cluster) -> Self {
        let stream = |label| Stream::new(plan.seed, label);
        let mut trouble = FaultPhase {
            plan,
            schedule: BTreeMap::new(),
            scheduled: 0,
            now: 0,
            periods: BTreeMap::new(),
            lives: cluster.ids().map(|id| (id, (0, 0))).collect(),
            network: stream("network"),
            disk: stream("disk"),
            unrest: stream("unrest"),
            client: stream("client"),
            proposed: 0,
            reader: stream("reader"),
            operator: stream("operator"),
            settings: stream("settings"),
            begun: 0,
            churn: stream("changes"),
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
            trouble.schedule_in(first, ScheduledEvent::Tick(id));
        }
        trouble.schedule_unrest();
        trouble.schedule_proposal();
        trouble.schedule_read();
        trouble.schedule_operator();
        trouble.schedule_change();
        trouble.schedule_compaction();
        if let Some(interval) = plan.faults.crashes {
            trouble.schedule_crash(interval);
        }
        if let Some(interval) = plan.faults.partitions {
            trouble.schedule_split(interval);
        }
        if let Some(interval) = plan.faults.read_failures {
            trouble.schedule_read_failure(interval);
        }
        trouble
    }

    /// Returns the inputs of the next event, or `None` when the fault phase is over.
    pub(super) fn next(&mut self, cluster: &Cluster) -> Option<Vec<Input>> {
        loop {
            let ((time, _), event) = self.schedule.pop_first()?;
            if time >= self.plan.trouble_ticks * TICK {
                return None;
            }
            self.now = time;
            let inputs = self.inputs_of(event, cluster);
            if !inputs.is_empty() {
                return Some(inputs);
            }
        }
    }

    /// Schedules what a step leads to. Returns what happens at once: messages are lost, and a node that
    /// has halted loses its power.
    pub(super) fn follow_up(&mut self, step: &Step, cluster: &Cluster) -> Vec<Input> {
        let mut lost = Vec::new();
        for Flight { message, .. } in &step.sent {
            if self.network.chance(self.plan.faults.drop_permille) {
                lost.push(Input::Drop(message.clone()));
                continue;
            }
            let delay = self.delay();
            if self.network.chance(self.plan.faults.duplicate_permille) {
                self.schedule_in(delay, ScheduledEvent::ArriveFirst(message.clone()));
            } else {
                self.schedule_in(delay, ScheduledEvent::Arrive(message.clone()));
            }
        }
        if let Some(node) = step.node.filter(|&node| cluster.is_halted(node)) {
            let lasts_ticks =
                self.plan.faults.read_failures.map_or(1, |interval| interval.lasts_ticks);
            let down = self.read.within(1, lasts_ticks * TICK);
            lost.push(self.take_power(node, down));
        } else if let Some(node) = step.node {
            self.schedule_writes(node, cluster);
            self.schedule_owner(node, cluster);
        } else if let (Some(_), Input::Deliver(message) | Input::Duplicate(message)) =
            (&step.refused, &step.input)
            && cluster.is_busy(message.to)
        {
            // The receiver's owner is busy: the message tries again a little later.
            self.schedule_in(TICK / 4, ScheduledEvent::Arrive(message.clone()));
        }
        lost
    }

    /// Returns the time, in ticks of the fastest clock.
    pub(super) fn now_ticks(&self) -> u64 {
        self.now / TICK
    }

    fn schedule_in(&mut self, delay: u64, event: ScheduledEvent) {
        self.scheduled += 1;
        self.schedule.insert((self.now + delay, self.scheduled), event);
    }

    /// Draws the delay of a message: short in most cases, sometimes as long as allowed.
    fn delay(&mut self) -> u64 {
        let longest = self.plan.faults.delay_ticks * TICK;
        if longest <= TICK {
            return self.network.within(TICK / 2, TICK);
        }
        let bound = self.network.within(TICK, longest);
        self.network.within(TICK, bound)
    }

    /// Schedules when each new write of a node's slow disk becomes durable.
    fn schedule_writes(&mut self, node: NodeId, cluster: &Cluster) {
        let waiting = cluster.disk(node).map_or(0, |disk| disk.pending().len());
        let (life, timed) = self.lives.get(&node).copied().unwrap_or_default();
        for _ in timed..waiting {
            let delay = self.disk.within(1, self.plan.faults.persist_ticks.max(1) * TICK);
            self.schedule_in(delay, ScheduledEvent::Persist { node, life });
        }
        self.lives.insert(node, (life, waiting.max(timed)));
    }

    /// Schedules the next action of a node's owner, if there is one.
    fn schedule_owner(&mut self, node: NodeId, cluster: &Cluster) {
        let Some(event) = self.owners_turn(node, cluster) else { return };
        if self.owners.insert(node) {
            let delay = self.owner.within(1, TICK / 2);
            self.schedule_in(delay, event);
        }
    }

    /// Returns the next action of a node's owner, if there is one.
    fn owners_turn(&self, node: NodeId, cluster: &Cluster) -> Option<ScheduledEvent> {
        let (life, _) = self.lives.get(&node).copied().unwrap_or_default();
        if cluster.waits_to_apply(node) {
            return Some(ScheduledEvent::Apply { node, life });
        }
        let has_ready = cluster.raw_node(node).is_some_and(|raw| raw.has_ready());
        (has_ready && !cluster.is_busy(node)).then_some(ScheduledEvent::Ready { node, life })
    }

    fn schedule_unrest(&mut self) {
        if self.plan.faults.unrest_ticks > 0 {
            let pause = self.unrest.within(1, self.plan.faults.unrest_ticks * TICK);
            self.schedule_in(pause, ScheduledEvent::Unrest);
        }
    }

    fn schedule_proposal(&mut self) {
        if self.plan.proposal_ticks > 0 {
            let pause = self.client.within(1, self.plan.proposal_ticks * TICK);
            self.schedule_in(pause, ScheduledEvent::Propose);
        }
    }

    fn schedule_read(&mut self) {
        if self.plan.read_ticks > 0 {
            let pause = self.reader.within(1, self.plan.read_ticks * TICK);
            self.schedule_in(pause, ScheduledEvent::Read);
        }
    }

    fn schedule_operator(&mut self) {
        if self.plan.leading.transfer_ticks > 0 {
            let pause = self.operator.within(1, self.plan.leading.transfer_ticks * TICK);
            self.schedule_in(pause, ScheduledEvent::Operate);
        }
    }

    fn schedule_change(&mut self) {
        if let Some(churn) = self.plan.churn {
            let pause = self.churn.within(1, churn.change_ticks * TICK);
            self.schedule_in(pause, ScheduledEvent::Change);
        }
    }

    fn schedule_compaction(&mut self) {
        if let Some(churn) = self.plan.churn {
            let pause = self.churn.within(1, churn.compact_ticks * TICK);
            self.schedule_in(pause, ScheduledEvent::Compact);
        }
    }

    fn schedule_crash(&mut self, interval: Interval) {
        let pause = self.crash.within(1, interval.pause_ticks * TICK);
        self.schedule_in(pause, ScheduledEvent::Crash);
    }

    fn schedule_read_failure(&mut self, interval: Interval) {
        let pause = self.read.within(1, interval.pause_ticks * TICK);
        self.schedule_in(pause, ScheduledEvent::FailRead);
    }

    fn schedule_split(&mut self, interval: Interval) {
        let pause = self.split.within(1, interval.pause_ticks * TICK);
        self.schedule_in(pause, ScheduledEvent::Split);
    }

    /// Returns the inputs of a scheduled event.
    fn inputs_of(&mut self, event: ScheduledEvent, cluster: &Cluster) -> Vec<Input> {
        match event {
            ScheduledEvent::Tick(id) => {
                self.schedule_in(self.periods[&id], ScheduledEvent::Tick(id));
                if cluster.node(id).is_some() { vec![Input::Tick(id)] } else { Vec::new() }
            }
            ScheduledEvent::Arrive(message) => vec![Input::Deliver(message)],
            ScheduledEvent::ArriveFirst(message) => {
                let delay = self.delay();
                self.schedule_in(delay, ScheduledEvent::Arrive(message.clone()));
                vec![Input::Duplicate(message)]
            }
            ScheduledEvent::Persist { node, life } => match self.lives.get_mut(&node) {
                Some((now, timed)) if *now == life => {
                    *timed -= 1;
                    vec![Input::Persist(node)]
                }
                Some(_) | None => Vec::new(),
            },
            ScheduledEvent::Ready { node, life } | ScheduledEvent::Apply { node, life } => {
                if self.lives.get(&node).is_none_or(|&(now, _)| now != life) {
                    return Vec::new();
                }
                self.owners.remove(&node);
                match self.owners_turn(node, cluster) {
                    Some(ScheduledEvent::Apply { .. }) => vec![Input::Apply(node)],
                    Some(ScheduledEvent::Ready { .. }) => vec![Input::Ready(node)],
                    Some(_) | None => Vec::new(),
                }
            }
            ScheduledEvent::Unrest => self.unrest(cluster),
            ScheduledEvent::Propose => self.propose(cluster),
            ScheduledEvent::Read => self.read(cluster),
            ScheduledEvent::Operate => self.operate(cluster),
            ScheduledEvent::Change => self.change(cluster),
            ScheduledEvent::Compact => self.compact(cluster),
            ScheduledEvent::Crash => self.crash(cluster),
            ScheduledEvent::FailRead => self.fail_read(cluster),
            ScheduledEvent::Restart(id) => vec![Input::Restart(id)],
            ScheduledEvent::Split => self.split(cluster),
            ScheduledEvent::Heal => vec![Input::Heal],
        }
    }

    /// Starts an extra election: of one node or, in one of three cases, of two nodes that split the votes.
    fn unrest(&mut self, cluster: &Cluster) -> Vec<Input> {
        self.schedule_unrest();
        let mut up: Vec<_> = cluster.ids().filter(|&id| cluster.node(id).is_some()).collect();
        self.unrest.shuffle(&mut up);
        let candidates = if self.unrest.chance(333) { 2 } else { 1 };
        up.into_iter().take(candidates).map(Input::Campaign).collect()
    }

    /// Proposes the client's next command: mostly to a leader, sometimes to any node.
    fn propose(&mut self, cluster: &Cluster) -> Vec<Input> {
        self.schedule_proposal();
        let up: Vec<_> = cluster.ids().filter(|&id| cluster.node(id).is_some()).collect();
        let leaders: Vec<_> = cluster.leaders().into_iter().map(|(id, _)| id).collect();
        let to = if self.client.chance(900) && !leaders.is_empty() { &leaders } else { &up };
        let Some(&node) = self.client.pick(to) else { return Vec::new() };
        self.proposed += 1;
        vec![Input::Propose { node, data: Bytes::from(format!("x={}", self.proposed)) }]
    }

    /// Asks for a transfer to any node, mostly a leader; one time in four tells a node to forget its leader.
    /// Where nodes have priorities or are in commit groups, one time in five changes those of a node.
    fn operate(&mut self, cluster: &Cluster) -> Vec<Input> {
        self.schedule_operator();
        let up: Vec<_> = cluster.ids().filter(|&id| cluster.node(id).is_some()).collect();
        if let (Some(request), Some(&node)) = (self.other_setting(), self.settings.pick(&up)) {
            return vec![Input::Ask { node, request }];
        }
        let leaders: Vec<_> = cluster.leaders().into_iter().map(|(id, _)| id).collect();
        if self.operator.chance(250) {
            let Some(&node) = self.operator.pick(&up) else { return Vec::new() };
            return vec![Input::Ask { node, request: Request::ForgetLeader }];
        }
        let to = if self.operator.chance(800) && !leaders.is_empty() { &leaders } else { &up };
        let all: Vec<_> = cluster.ids().collect();
        let (Some(&node), Some(&target)) = (self.operator.pick(to), self.operator.pick(&all))
        else {
            return Vec::new();
        };
        vec![Input::Ask { node, request: Request::Transfer(target) }]
    }

    /// Draws another priority, or takes commit groups away or brings them back, if the plan has any.
    fn other_setting(&mut self) -> Option<Request> {
        let Extras { priorities, commit_groups, .. } = &self.plan.extras;
        let (has_priorities, has_groups) = (!priorities.is_empty(), commit_groups.is_some());
        if !(has_priorities || has_groups) || !self.settings.chance(200) {
            return None;
        }
        if has_priorities && (!has_groups || self.settings.chance(500)) {
            return Some(Request::Prefer(Priority(self.settings.below(3))));
        }
        let groups = self.plan.extras.groups();
        Some(Request::Divide(groups.filter(|_| self.settings.chance(500))))
    }

    /// Begins the client's next read, at any node that is up. Each mark is used three times: a late answer
    /// must not be taken for the answer to a later read. A node that has restarted has marks of its own, as
    /// `RawNode::read_index` asks for.
    fn read(&mut self, cluster: &Cluster) -> Vec<Input> {
        self.schedule_read();
        let up: Vec<_> = cluster.ids().filter(|&id| cluster.node(id).is_some()).collect();
        let Some(&node) = self.reader.pick(&up) else { return Vec::new() };
        self.begun += 1;
        let (life, _) = self.lives.get(&node).copied().unwrap_or_default();
        let mark = if life == 0 {
            format!("r{}", self.begun / 3)
        } else {
            format!("r{}.{life}", self.begun / 3)
        };
        vec![Input::Read { node, context: Bytes::from(mark) }]
    }

    /// Proposes a change of the group: mostly to a leader, sometimes to any node. It changes one node or up
    /// to three, or leaves a joint configuration. The node may well refuse it.
    fn change(&mut self, cluster: &Cluster) -> Vec<Input> {
        self.schedule_change();
        let up: Vec<_> = cluster.ids().filter(|&id| cluster.node(id).is_some()).collect();
        let leaders: Vec<_> = cluster.leaders().into_iter().map(|(id, _)| id).collect();
        let to = if self.churn.chance(800) && !leaders.is_empty() { &leaders } else { &up };
        let Some(&node) = self.churn.pick(to) else { return Vec::new() };
        let conf = cluster.node(node).map(|raft| raft.inspect().conf_state.clone());
        let conf = conf.unwrap_or_default();
        if conf.is_joint() && self.churn.chance(700) {
            let leave = ConfChangeV2 { transition: Transition::Auto, changes: Vec::new() };
            return vec![Input::Ask { node, request: Request::Change(leave) }];
        }
        let transitions = [Transition::Auto, Transition::Implicit, Transition::Explicit];
        let transition = self.churn.pick(&transitions).copied().unwrap_or(Transition::Auto);
        let may_lose_half = self.plan.extras.commit_by_vote;
        let fewest = if may_lose_half { 1 } else { 2 };
        let count = if self.churn.chance(600) { 1 } else { self.churn.within(2, 3) };
        let ids: Vec<_> = cluster.ids().collect();
        let changes = (0..count).filter_map(|_| {
            let kind = match self.churn.below(10) {
                0..3 if conf.voters.len() > fewest => ChangeKind::Remove,
                3..6 if conf.voters.len() > fewest => ChangeKind::AddLearner,
                _ => ChangeKind::AddVoter,
            };
            Some(ConfChange { kind, node: *self.churn.pick(&ids)? })
        });
        let mut change = ConfChangeV2 { transition, changes: changes.collect() };
        if !leaders.contains(&node) || !may_lose_half && !keeps_a_majority(&conf, &change) {
            change.changes.iter_mut().for_each(|one| one.kind = ChangeKind::AddVoter);
        }
        vec![Input::Ask { node, request: Request::Change(change) }]
    }

    /// Lets a node compact its log. Sometimes it asks its leader for a snapshot instead, or is told, rightly
    /// or wrongly, what became of one.
    fn compact(&mut self, cluster: &Cluster) -> Vec<Input> {
        self.schedule_compaction();
        let up: Vec<_> = cluster.ids().filter(|&id| cluster.node(id).is_some()).collect();
        let Some(&node) = self.churn.pick(&up) else { return Vec::new() };
        let request = match self.churn.below(10) {
            0 => Request::Snapshot,
            1 => {
                let ids: Vec<_> = cluster.ids().collect();
                let peer = self.churn.pick(&ids).copied().unwrap_or(node);
                let is_there = self.churn.chance(500);
                let status =
                    if is_there { SnapshotStatus::Finish } else { SnapshotStatus::Failure };
                Request::Reported { peer, status }
            }
            _ => Request::Compact { keep: self.churn.below(4) },
        };
        vec![Input::Ask { node, request }]
    }

    /// Takes the power from a node: in one of three cases from a leader.
    fn crash(&mut self, cluster: &Cluster) -> Vec<Input> {
        let Some(interval) = self.plan.faults.crashes else { return Vec::new() };
        self.schedule_crash(interval);
        let up: Vec<_> = cluster.ids().filter(|&id| cluster.node(id).is_some()).collect();
        let leaders: Vec<_> = cluster.leaders().into_iter().map(|(id, _)| id).collect();
        let from = if self.crash.chance(333) && !leaders.is_empty() { &leaders } else { &up };
        let Some(&id) = self.crash.pick(from) else { return Vec::new() };
        let down = self.crash.within(1, interval.lasts_ticks * TICK);
        vec![self.take_power(id, down)]
    }

    /// Takes the power from a node, and schedules its restart.
    fn take_power(&mut self, id: NodeId, down: u64) -> Input {
        self.schedule_in(down, ScheduledEvent::Restart(id));
        self.lives.entry(id).and_modify(|(life, timed)| (*life, *timed) = (*life + 1, 0));
        self.owners.remove(&id);
        Input::Crash(id)
    }

    /// Lets a read of a node's storage fail soon.
    fn fail_read(&mut self, cluster: &Cluster) -> Vec<Input> {
        let Some(interval) = self.plan.faults.read_failures else { return Vec::new() };
        self.schedule_read_failure(interval);
        let up: Vec<_> = cluster.ids().filter(|&id| cluster.node(id).is_some()).collect();
        let Some(&node) = self.read.pick(&up) else { return Vec::new() };
        vec![Input::FailRead { node, after: self.read.within(0, 20) }]
    }

    /// Partitions the network in one of four ways.
    fn split(&mut self, cluster: &Cluster) -> Vec<Input> {
        let Some(interval) = self.plan.faults.partitions else { return Vec::new() };
        let lasts = self.split.within(1, interval.lasts_ticks * TICK);
        self.schedule_in(lasts, ScheduledEvent::Heal);
        let pause = lasts + self.split.within(1, interval.pause_ticks * TICK);
        self.schedule_in(pause, ScheduledEvent::Split);
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
                // Two halves that are connected only through the first node.
                let (one, other) = ids[1..].split_at((ids.len() - 1) / 2);
                let across = |&from: &NodeId| other.iter().map(move |&to| (from, to));
                let cuts = one.iter().flat_map(across);
                let both = cuts.flat_map(|(from, to)| [(from, to), (to, from)]);
                both.map(|(from, to)| Input::Cut { from, to }).collect()
            }
        }
    }
}

/// Returns whether a majority of the voters votes on after a change. If not, those that know that the change is
/// committed may all have ceased to vote, and the others may need their votes: then nobody can be elected (etcd
/// issue 12359). Where votes do not tell what is committed, an operator makes such a change in two steps.
fn keeps_a_majority(conf: &ConfState, change: &ConfChangeV2) -> bool {
    let next = Changer::new(conf).and_then(|changer| changer.apply(change.clone()));
    let Ok(next) = next else { return true };
    2 * conf.voters.intersection(&next.voters).count() > conf.voters.len()
}
