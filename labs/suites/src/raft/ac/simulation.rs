//! Step 6, second part: random runs of whole clusters; each node has an owner.
//!
//! ```text
//!   seed 17 --> ticks, messages, proposals, Readys, writes that end, applies --> every rule, after
//!           '-> one kind of fault                                                every event
//!   then all heals: one log, applied by all
//! ```
//!
//! The disks are slow, and a crash may fall between any two of writing, sending and applying. Even
//! seeds have owners that do one thing at a time (`advance_append`), odd ones owners that go on while
//! their disks write (`on_persist_ready`).

use super::rules::{ALL_APPLIED, COVERAGE};
use crate::raft::aa::runs::Broken;
use bytes::Bytes;
use harness::Coverage;
use harness::{Check, Failure, Verdict, current};
use raft::{Index, NodeId};
use testbed::random::Stream;
use testbed::{Cluster, Input, Owner, Setup, Violation};

/// How many events happen while there are faults.
const EVENTS: u64 = 6_000;

/// How many rounds without faults follow: more than any cluster needs.
const ROUNDS: usize = 400;

/// A kind of fault: how many of a thousand events are of each sort. The rest are messages, ticks,
/// Readys, writes that end, applies and proposals.
#[derive(Clone, Copy, Default)]
struct Trouble {
    crash: u64,
    drop: u64,
    duplicate: u64,
    partition: u64,
    /// How often a write ends, of ten times.
    disk: u64,
}

/// Disks are slow, and nothing else goes wrong.
pub(super) fn slow_disk(check: &mut Check) -> Verdict {
    sweep(check, |_| Trouble { disk: 3, ..Trouble::default() })
}

/// Nodes lose power, between any two steps of their owners.
pub(super) fn crash(check: &mut Check) -> Verdict {
    sweep(check, |_| Trouble { crash: 3, disk: 5, ..Trouble::default() })
}

/// Messages are lost, come twice, and overtake each other.
pub(super) fn drop_and_reorder(check: &mut Check) -> Verdict {
    sweep(check, |_| Trouble { drop: 60, duplicate: 30, disk: 5, ..Trouble::default() })
}

/// The network is partitioned, and heals.
pub(super) fn partition(check: &mut Check) -> Verdict {
    sweep(check, |_| Trouble { partition: 6, disk: 5, ..Trouble::default() })
}

/// A mix of all faults, different for each seed.
pub(super) fn swarm(check: &mut Check) -> Verdict {
    sweep(check, |seed| {
        let mut luck = Stream::new(seed, "mixture");
        let mut some = |most: u64| if luck.chance(600) { luck.within(1, most) } else { 0 };
        Trouble {
            crash: some(4),
            drop: some(100),
            duplicate: some(60),
            partition: some(6),
            disk: 2 + some(7),
        }
    })
}

/// The result of a run.
struct Run {
    setup: Setup,
    inputs: Vec<Input>,
    /// The rule that broke, if any.
    broken: Option<Violation>,
    /// The last entry that all have applied at the end, or what each has applied if they differ.
    applied: Result<Index, String>,
    crashes: u64,
}

fn sweep(check: &mut Check, trouble: fn(u64) -> Trouble) -> Verdict {
    let mut coverage = Coverage::default();
    let swept = check.sweep(
        |seed| {
            let run = run(seed, trouble(seed));
            coverage.count(seed, run.applied.as_ref().is_ok_and(|&applied| applied >= Index(10)));
            match (&run.broken, &run.applied) {
                (None, Ok(_)) => Ok(()),
                (Some(_), _) | (None, Err(_)) => Err(Box::new(run)),
            }
        },
        |seed, run| explain(seed, *run),
    );
    swept?;
    coverage.judge("ten entries or more were applied", |because, _| {
        Failure::of(&COVERAGE).because(because)
    })
}

/// Shrinks a run that broke a rule, and explains it.
fn explain(seed: u64, run: Run) -> Failure {
    let Run { setup, inputs, broken, applied, crashes } = run;
    let faults = format!("{} events, crashes {crashes}", inputs.len());
    match broken {
        Some(violation) => {
            let from = inputs.len() as u64;
            let broken = Broken { setup, inputs, violation, seed: Some(seed) }.shrink();
            let to = broken.inputs.len() as u64;
            broken.failure().faults(faults).shrunk(from, to)
        }
        None => {
            let got = applied.err().unwrap_or_default();
            let because =
                format!("{ROUNDS} rounds after everything healed, not all have applied all");
            let failure = Failure::of(&ALL_APPLIED).because(because).faults(faults);
            failure.expected("the same last entry, applied by all").got(got)
        }
    }
}

/// Runs one seed.
fn run(seed: u64, trouble: Trouble) -> Run {
    current::doing(format!("seed {seed}: faults"));
    let owner = if seed.is_multiple_of(2) { Owner::OneAtATime } else { Owner::Concurrent };
    let size = 3 + 2 * (seed / 2 % 2);
    let mut setup = Setup::new(size, seed).with_slow_disks().with_owners(owner);
    if seed % 3 == 2 {
        setup.nodes.iter_mut().for_each(|(config, _)| config.max_applying_bytes = Some(100));
    }
    let mut scene = Scene {
        cluster: Cluster::new(setup.clone()),
        inputs: Vec::new(),
        luck: Stream::new(seed, "owners"),
        words: 0,
        crashes: 0,
    };
    let broken = scene.suffer(trouble).and_then(|()| scene.recover());
    let applied = scene.applied_by_all();
    let Scene { inputs, crashes, .. } = scene;
    Run { setup, inputs, broken: broken.err(), applied, crashes }
}

/// A cluster, and what happens to it.
struct Scene {
    cluster: Cluster,
    inputs: Vec<Input>,
    luck: Stream,
    words: u64,
    crashes: u64,
}

impl Scene {
    fn apply(&mut self, input: Input) -> Result<(), Violation> {
        let step = self.cluster.apply(&input);
        self.inputs.push(input);
        step.violation.map_or(Ok(()), Err)
    }

    /// Draws what happens, again and again.
    fn suffer(&mut self, trouble: Trouble) -> Result<(), Violation> {
        let ids: Vec<NodeId> = self.cluster.ids().collect();
        for _ in 0..EVENTS {
            let id = ids[self.luck.below(ids.len() as u64) as usize];
            let input = match self.luck.below(1_000) {
                n if n < trouble.crash => {
                    self.crashes += u64::from(self.cluster.node(id).is_some());
                    Input::Crash(id)
                }
                n if n < trouble.crash + trouble.drop => match self.message() {
                    Some(message) => Input::Drop(message),
                    None => continue,
                },
                n if n < trouble.crash + trouble.drop + trouble.duplicate => match self.message() {
                    Some(message) => Input::Duplicate(message),
                    None => continue,
                },
                n if n >= 1_000 - trouble.partition => self.split(&ids),
                _ => match self.everyday(id, trouble.disk) {
                    Some(input) => input,
                    None => continue,
                },
            };
            self.apply(input)?;
        }
        Ok(())
    }

    /// Draws a message that is in flight.
    fn message(&mut self) -> Option<raft::Message> {
        let under_way = self.cluster.network().flights().len() as u64;
        if under_way == 0 {
            return None;
        }
        let at = self.luck.below(under_way) as usize;
        Some(self.cluster.network().flights()[at].message.clone())
    }

    /// Draws a normal event that is possible now.
    fn everyday(&mut self, id: NodeId, disk: u64) -> Option<Input> {
        let Some(node) = self.cluster.raw_node(id) else {
            return self.luck.chance(100).then_some(Input::Restart(id));
        };
        let has_ready = node.has_ready();
        match self.luck.below(20) {
            0..=7 => self.message().map(Input::Deliver),
            8..=9 => Some(Input::Tick(id)),
            10..=13 => has_ready.then_some(Input::Ready(id)),
            14..=16 => self.luck.chance(100 * disk).then_some(Input::Persist(id)),
            17..=18 => Some(Input::Apply(id)),
            _ => {
                self.words += 1;
                let data = Bytes::from(format!("x={}", self.words));
                Some(Input::Propose { node: id, data })
            }
        }
    }

    /// Draws a partition of the network, or that it heals.
    fn split(&mut self, ids: &[NodeId]) -> Input {
        if self.luck.chance(500) {
            return Input::Heal;
        }
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for &id in ids {
            if self.luck.chance(500) { one.push(id) } else { other.push(id) }
        }
        Input::Partition(vec![one, other])
    }

    /// Lets everything heal, and every owner do its work, until all have applied the same.
    fn recover(&mut self) -> Result<(), Violation> {
        current::doing("calm".to_owned());
        self.apply(Input::Heal)?;
        let ids: Vec<NodeId> = self.cluster.ids().collect();
        for &id in &ids {
            if self.cluster.node(id).is_none() {
                self.apply(Input::Restart(id))?;
            }
        }
        for round in 0..ROUNDS {
            for &id in &ids {
                self.apply(Input::Tick(id))?;
                self.work(id)?;
            }
            let flights = self.cluster.network().flights();
            let messages: Vec<_> = flights.iter().map(|flight| flight.message.clone()).collect();
            for message in messages {
                self.work(message.to)?;
                self.apply(Input::Deliver(message))?;
            }
            ids.iter().try_for_each(|&id| self.work(id))?;
            if round >= 60 && self.applied_by_all().is_ok() {
                break;
            }
        }
        Ok(())
    }

    /// Lets one owner do all its work.
    fn work(&mut self, id: NodeId) -> Result<(), Violation> {
        for _ in 0..50 {
            let writing = self.cluster.disk(id).is_some_and(|disk| disk.pending().len() > 0);
            if writing {
                self.apply(Input::Persist(id))?;
            }
            let applied = self.applied(id);
            self.apply(Input::Apply(id))?;
            let ready = self.cluster.raw_node(id).is_some_and(|node| node.has_ready());
            if ready {
                self.apply(Input::Ready(id))?;
            }
            if !writing && !ready && applied == self.applied(id) {
                break;
            }
        }
        Ok(())
    }

    fn applied(&self, id: NodeId) -> Index {
        self.cluster.application(id).map(|application| application.applied()).unwrap_or_default()
    }

    /// Returns how far all have applied. Or what each has applied, if they differ from each other or from
    /// what is committed.
    fn applied_by_all(&self) -> Result<Index, String> {
        let ids: Vec<NodeId> = self.cluster.ids().collect();
        let applied: Vec<Index> = ids.iter().map(|&id| self.applied(id)).collect();
        let nodes = ids.iter().filter_map(|&id| self.cluster.node(id));
        let last = nodes.map(|node| node.inspect().last.index).max().unwrap_or_default();
        if applied.iter().all(|&index| index == last) {
            return Ok(last);
        }
        let say = |(id, index): (&NodeId, &Index)| format!("{id} applied {index}");
        let views: Vec<String> = ids.iter().zip(&applied).map(say).collect();
        Err(format!("{}; the longest log ends at {last}", views.join(", ")))
    }
}
