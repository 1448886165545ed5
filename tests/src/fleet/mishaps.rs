//! How mishaps begin and end: what they do to links, processes and machines.

use super::plan::{MILLISECOND, Mishap, Planned, SECOND};
use super::{Event, Fleet, config, remains};
use crate::machine::Drawn;
use kv::store::{RaftKv, Store};
use raft::{Index, Term};
use std::cmp::Ordering;
use storage::Fault;

impl Fleet {
    pub(super) fn begin_mishap(&mut self, number: usize) -> Result<(), String> {
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
            Mishap::Kill { store, after } => {
                self.nodes[store].keeps_writes = true;
                match after {
                    None => self.crash(store, lasts),
                    Some(after) => self.plan_fault(store, after, Fault::PowerCut),
                }
            }
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

    pub(super) fn end_mishap(&mut self, number: usize) -> Result<(), String> {
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

    /// Ends a process, and starts it again later. If its power fails, its disks lose what is not durable. A
    /// process that is killed during an operation is ended as by a power cut, and its disks lose nothing.
    pub(super) fn crash(&mut self, place: usize, down: u64) {
        let node = &mut self.nodes[place];
        let Some(store) = node.store.take() else { return };
        let ended_by_itself = store.failure().is_some() && !node.env.machine.is_off();
        drop(store);
        if !ended_by_itself {
            // Nobody hears the answers of a process that was killed.
            self.answers.lock().expect("one thread").retain(|answer| answer.from != place);
        }
        let keeps_writes = std::mem::take(&mut node.keeps_writes);
        let is_cut = node.env.machine.is_off() && !keeps_writes;
        self.counts.cuts_between_engines +=
            u64::from(is_cut && remains::was_cut_between_engines(&node.env.machine));
        let loses_power = is_cut || (!keeps_writes && self.fates.chance(500));
        let before = remains::wal_length(&node.env.machine);
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
        let lost = before.saturating_sub(remains::wal_length(&node.env.machine));
        self.counts.wal_tail_lost_most = self.counts.wal_tail_lost_most.max(lost);
        self.schedule(self.now + down, Event::Restart(place));
    }

    /// Starts a store that does not run.
    pub(super) fn restart(&mut self, place: usize) {
        if self.nodes[place].store.is_none() {
            self.start(place);
        }
    }

    /// Starts a store. If its disks fail meanwhile, it stays down until it is tried again.
    pub(super) fn start(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        node.set_clock(self.now);
        if let Some(after) = node.cut_at_start.take() {
            node.env.machine.plan(1 + after, Fault::PowerCut);
        }
        let beside = remains::memtable_beside_hard_state(&node.env.machine);
        node.env.machine.remember();
        match Store::open(config(node.id), node.env.clone()) {
            Ok(store) => {
                node.kv = Some(RaftKv::new(store.handle()));
                node.store = Some(store);
                self.counts.starts += 1;
                self.counts.starts_behind += u64::from(beside == Some(Ordering::Less));
                self.counts.starts_ahead += u64::from(beside == Some(Ordering::Greater));
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
    pub(super) fn heal(&mut self) {
        self.cut.clear();
        self.is_rough = false;
        for place in 0..self.nodes.len() {
            self.nodes[place].sync_ms = 0;
            self.nodes[place].env.machine.set_free_bytes(None);
            self.restart(place);
        }
    }
}
