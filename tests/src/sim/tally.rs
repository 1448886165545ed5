//! What happened in a run: counts of messages, faults and elections, and a 128-bit hash of every step.
//!
//! ```text
//!   dropped 31 of 310 (10.0 %)       measured, not assumed
//!   6 elections, 3 leaders, term 7   a run in which nobody led proves nothing
//! ```

use crate::cluster::Cluster;
use crate::disk::{Disk, Link};
use crate::fingerprint::Fingerprint;
use crate::input::{Fate, Input, Step};
use crate::request::Request;
use raft::{Body, Entry, Index, NodeId, Payload, RoleName, Term};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::Hash;

/// Counts of what happened to messages and nodes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Tally {
    /// Messages sent.
    pub sent: u64,
    /// Messages that arrived, without second arrivals.
    pub delivered: u64,
    /// Messages lost on a working link.
    pub dropped: u64,
    /// Messages that arrived and stayed in flight.
    pub duplicated: u64,
    /// Messages lost on a cut link.
    pub cut: u64,
    /// Messages lost because their receiver was down.
    pub missed: u64,
    /// Crashes.
    pub crashes: u64,
    /// Pending writes that a crash lost.
    pub unwritten: u64,
    /// Partitions; a one-way cut counts once for each link.
    pub splits: u64,
}

impl Tally {
    /// Counts one step.
    pub(super) fn count(&mut self, step: &Step) {
        self.sent += step.sent.len() as u64;
        for (_, fate) in &step.gone {
            match fate {
                Fate::Delivered => self.delivered += 1,
                Fate::Duplicated => self.duplicated += 1,
                Fate::Dropped => self.dropped += 1,
                Fate::LinkCut => self.cut += 1,
                Fate::ReceiverDown => self.missed += 1,
            }
        }
        self.crashes += u64::from(matches!(step.input, Input::Crash(_)) && step.refused.is_none());
        self.splits += u64::from(matches!(step.input, Input::Partition(_) | Input::Cut { .. }));
    }
}

/// Writes only what happened: `dropped 31 of 310 (10.0 %), crashes 2`.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { sent, .. } = *self;
        let share = |part: u64| (part * 1000).checked_div(sent).unwrap_or(0);
        write!(f, "dropped {} of {sent} ", self.dropped)?;
        write!(f, "({}.{} %)", share(self.dropped) / 10, share(self.dropped) % 10)?;
        for (name, count) in [
            ("duplicated", self.duplicated),
            ("lost on cut links", self.cut),
            ("lost on nodes that were down", self.missed),
            ("crashes", self.crashes),
            ("writes lost", self.unwritten),
            ("cuts", self.splits),
        ] {
            if count > 0 {
                write!(f, ", {name} {count}")?;
            }
        }
        Ok(())
    }
}

/// What a run exercised.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct Coverage {
    /// Elections: counted for each candidate and term.
    pub elections: u64,
    /// Terms with a leader.
    pub leaders: u64,
    /// The latest term.
    pub last_term: Term,
    /// The highest commit index of any node.
    pub committed: Index,
    /// Ticks of the fault phase in which there was a leader.
    pub led_ticks: u64,
    /// Ticks of the fault phase.
    pub trouble_ticks: u64,
    /// Proposals that a node accepted.
    pub proposals: u64,
    /// Entries of clients that were applied, counted at each application.
    pub applied: u64,
    /// Reads that ended with an index.
    pub reads: u64,
    /// Reads that ended without one.
    pub dropped_reads: u64,
    /// Transfers of the leadership that a node agreed to.
    pub transfers: u64,
    /// Elections that the leader had asked for and that its target won.
    pub handed_over: u64,
    /// Changes of the group that were applied, counted at each application.
    pub changes: u64,
    /// Compactions of a log.
    pub compactions: u64,
    /// Snapshots that a node installed.
    pub installs: u64,
    /// Truncations of a log, durable or pending.
    pub truncations: u64,
    /// Restarts.
    pub restarts: u64,
    /// The candidates whose leader had told them to campaign, each with its term.
    told: BTreeSet<(NodeId, Term)>,
    /// The last entry of each node's log.
    ends: BTreeMap<NodeId, Link>,
    /// Where each node's durable log begins.
    bases: BTreeMap<NodeId, Link>,
    /// The state of each node after its last step.
    roles: BTreeMap<NodeId, (RoleName, Term)>,
}

impl Coverage {
    /// Notes the role of a node that something happened to.
    pub(super) fn look(&mut self, id: NodeId, cluster: &Cluster) {
        let Some(node) = cluster.node(id) else {
            self.roles.remove(&id);
            self.ends.remove(&id);
            return;
        };
        if let Some(log) = cluster.disk(id).map(Disk::kept) {
            let before = self.bases.insert(id, log.base());
            self.installs += u64::from(before.is_some_and(|base| base != log.base()));
        }
        if let Some(log) = cluster.disk(id).map(Disk::written) {
            let before = self.ends.insert(id, log.last());
            let gone = before.is_some_and(|end| log.get(end.id.index) != Some(end));
            self.truncations += u64::from(gone);
        }
        let node = node.inspect();
        let now = (node.role, node.term);
        self.last_term = self.last_term.max(node.term);
        self.committed = self.committed.max(node.commit);
        if self.roles.insert(id, now) != Some(now) {
            self.elections += u64::from(node.role == RoleName::Candidate);
            self.leaders += u64::from(node.role == RoleName::Leader);
            let was_told = self.told.contains(&(id, node.term));
            self.handed_over += u64::from(node.role == RoleName::Leader && was_told);
        }
    }

    /// Counts what a step was and what came of it.
    pub(super) fn count(&mut self, step: &Step) {
        let taken = step.refused.is_none();
        self.proposals += u64::from(taken && matches!(step.input, Input::Propose { .. }));
        self.restarts += u64::from(taken && matches!(step.input, Input::Restart(_)));
        let is_transfer = matches!(&step.input, Input::Ask { request: Request::Transfer(_), .. });
        self.transfers += u64::from(taken && is_transfer);
        let told = step.sent.iter().filter_map(|flight| {
            let Body::RequestVote(ask) = &flight.message.body else { return None };
            Some((flight.message.from, flight.message.term?)).filter(|_| ask.transfer)
        });
        self.told.extend(told);
        let compacts = |request: &Request| matches!(request, Request::Compact { .. });
        let compacted = matches!(&step.input, Input::Ask { request, .. } if compacts(request));
        self.compactions += u64::from(taken && compacted);
        let changes = step.applied.iter().filter(|entry| entry.payload().is_change());
        self.changes += changes.count() as u64;
        self.count_answers(step);
    }

    /// Counts what clients have heard.
    fn count_answers(&mut self, step: &Step) {
        let answered = step.reads.iter().filter(|read| read.outcome.is_ok()).count() as u64;
        self.reads += answered;
        self.dropped_reads += step.reads.len() as u64 - answered;
        let clients = |entry: &&Entry| matches!(entry.payload(), Payload::Normal(_));
        self.applied += step.applied.iter().filter(clients).count() as u64;
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, now_ticks: u64) {
        let passed = now_ticks - self.trouble_ticks;
        if passed > 0 {
            let led = self.roles.values().any(|&(role, _)| role == RoleName::Leader);
            self.led_ticks += if led { passed } else { 0 };
            self.trouble_ticks = now_ticks;
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Coverage { elections, leaders, last_term, led_ticks, trouble_ticks, .. } = self;
        write!(f, "{elections} elections, {leaders} leaders, term {last_term}, ")?;
        write!(f, "led in {led_ticks} of {trouble_ticks} ticks")?;
        if self.proposals > 0 {
            let Coverage { proposals, applied, truncations, restarts, .. } = self;
            write!(f, ", {proposals} proposals, applied {applied} times, ")?;
            write!(f, "{truncations} truncations, {restarts} restarts")?;
        }
        if self.changes + self.compactions > 0 {
            let Coverage { changes, compactions, installs, .. } = self;
            write!(f, ", changes applied {changes} times, {compactions} compactions, ")?;
            write!(f, "{installs} snapshots installed")?;
        }
        if self.reads + self.dropped_reads > 0 {
            write!(f, ", {} reads, {} dropped", self.reads, self.dropped_reads)?;
        }
        if self.transfers > 0 {
            write!(f, ", {} transfers, {} handed over", self.transfers, self.handed_over)?;
        }
        Ok(())
    }
}

/// A hash of the steps of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Digest(Fingerprint);

impl Default for Digest {
    fn default() -> Self {
        Digest(Fingerprint::new(0))
    }
}

impl Digest {
    /// Adds one step: the input, the node, the messages sent and gone, and what was refused.
    pub fn take(&mut self, step: &Step) {
        let hasher = &mut self.0;
        (step.number, step.clock, &step.input, step.node, &step.refused).hash(hasher);
        for flight in &step.sent {
            (flight.id, &flight.message).hash(hasher);
        }
        for (flight, fate) in &step.gone {
            (flight.id, fate).hash(hasher);
        }
        if !step.reads.is_empty() {
            step.reads.hash(hasher);
        }
        step.violation.as_ref().map(|violation| (violation.rule, &violation.text)).hash(hasher);
    }

    /// Returns the hash of all steps.
    pub fn value(&self) -> u128 {
        self.0.wide()
    }
}
