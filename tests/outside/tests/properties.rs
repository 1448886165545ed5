//! Looks for a run without each property: in a script, in random runs, in scenes of proptest, and in every
//! state of a small cluster.

use testbed::explore::Bounds;
use testbed::script::Script;
use testbed::sim::{Faults, Plan, Profile};
use testbed::strategy::{Scenes, scene};
use testbed::{Failure, Property};

/// A random run with every fault, whose clients propose and read.
fn run(seed: u64) -> Plan {
    Plan::replicating(Profile::Swarm, seed).with_reads(3)
}

/// A cluster drawn by proptest, whose network is partitioned and whose nodes campaign at any time. With fewer
/// kinds of faults, more scenes come to what these properties are about.
fn scenes() -> Scenes {
    let partitions = Faults::usual(Profile::Partition).partitions;
    scene(Faults { partitions, unrest_ticks: 60, ..Faults::none() }).up_to(200)
}

fn script(name: &str, commands: &[&str]) -> Script {
    Script::parse(name, &commands.join("\n\n")).expect("it has no mistake")
}

// One leader.

fn one_leader() -> Property {
    Property::new("one_leader_per_term", outside::one_leader_per_term)
}

#[test]
fn one_leader_per_term_in_a_script() -> Result<(), Failure> {
    // n1 and n2 campaign, and both ask n3.
    let commands = ["add-nodes 3", "campaign 1", "campaign 2", "deliver 3", "deliver 1 2"];
    one_leader().script(&script("two candidates", &commands)).map(drop)
}

#[test]
fn one_leader_per_term_in_random_runs() -> Result<(), Failure> {
    one_leader().swarm(20, run).map(drop)
}

#[test]
fn one_leader_per_term_in_scenes() -> Result<(), Failure> {
    one_leader().cases(400, scenes()).map(drop)
}

#[test]
fn one_leader_per_term_in_every_state() -> Result<(), Failure> {
    let bounds = Bounds { terms: 1, ..Bounds::quick() };
    one_leader().explore(&script("three nodes", &["add-nodes 3"]), &bounds).map(drop)
}

// Reads.

fn reads() -> Property {
    Property::new("a_read_sees_what_was_done", outside::a_read_sees_what_was_done)
}

/// n1 was the leader and was cut off. n2 leads now, and y=1 is committed. A client of each reads.
const TWO_LEADERS: [&str; 12] = [
    "add-nodes 3 owner=concurrent",
    "campaign 1",
    "stabilize",
    "partition 1 | 2 3",
    "campaign 2",
    "stabilize",
    "propose 2 y=1",
    "stabilize",
    "read 2 new",
    "stabilize",
    "heal",
    "read 1 old",
];

#[test]
fn a_read_sees_what_was_done_in_a_script() -> Result<(), Failure> {
    let commands = [&TWO_LEADERS[..], &["stabilize"]].concat();
    reads().script(&script("two leaders", &commands)).map(drop)
}

#[test]
fn a_read_sees_what_was_done_in_random_runs() -> Result<(), Failure> {
    reads().swarm(20, run).map(drop)
}

#[test]
fn a_read_sees_what_was_done_in_scenes() -> Result<(), Failure> {
    reads().cases(400, scenes()).map(drop)
}

#[test]
fn a_read_sees_what_was_done_in_every_state() -> Result<(), Failure> {
    let bounds = Bounds { terms: 3, crashes: 0, ..Bounds::quick() };
    reads().explore(&script("two leaders", &TWO_LEADERS), &bounds).map(drop)
}
