//! Step 6, second part: random runs of whole clusters; each node has an owner.
//!
//! ```text
//!   seed 17 --> ticks, messages, proposals, Readys, writes that end, applies --> every rule, after
//!           '-> one kind of fault                                                every event
//!   then all heals: one log, applied by all
//! ```
//!
//! The disks are slow, and a crash may fall between any two of writing, sending and applying. In half of
//! the runs owners do one thing at a time (`advance_append`), in the others they go on while their disks
//! write (`on_persist_ready`).

use crate::raft::kit::{Goal, sweep};
use crate::raft::rule;
use harness::{Check, Failure, Verdict};
use raft::Index;
use testbed::sim::{Faults, Plan, Profile, Simulation};

/// A run in which a node applies this many entries counts.
const SOMETHING: Index = Index(10);

/// Disks are slow, and nothing else goes wrong.
pub(super) fn slow_disk(check: &mut Check) -> Verdict {
    safety(check, |seed| {
        let plan = Plan::replicating(Profile::Calm, seed);
        let persist_ticks = 1 + seed % 4;
        Plan { faults: Faults { persist_ticks, ..plan.faults }, ..plan }
    })
}

/// Nodes lose power, between any two steps of their owners.
pub(super) fn crash(check: &mut Check) -> Verdict {
    safety(check, |seed| Plan::replicating(Profile::Crash, seed))
}

/// Messages are lost, or overtake each other.
pub(super) fn drop_and_reorder(check: &mut Check) -> Verdict {
    safety(check, |seed| {
        let plan = Plan::replicating(Profile::Drop, seed);
        let delay_ticks = 1 + seed % 30;
        Plan { faults: Faults { delay_ticks, ..plan.faults }, ..plan }
    })
}

/// The network is partitioned, and heals.
pub(super) fn partition(check: &mut Check) -> Verdict {
    safety(check, |seed| Plan::replicating(Profile::Partition, seed))
}

/// A mix of all faults, different for each seed.
pub(super) fn swarm(check: &mut Check) -> Verdict {
    safety(check, |seed| Plan::replicating(Profile::Swarm, seed))
}

/// No rule breaks; once all has healed, everything is applied by all.
fn safety(check: &mut Check, plan: impl Fn(u64) -> Plan) -> Verdict {
    let goal = Goal {
        what: "ten entries or more were committed",
        is_reached: |run: &Simulation| run.coverage.committed >= SOMETHING,
        explain: |because, _| Failure::of(rule("coverage")).because(because),
    };
    sweep(check, |_| true, &goal, plan)
}
