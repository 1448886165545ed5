//! A failed read decides nothing: every read of storage, in every golden story of logs, fails once.
//!
//! ```text
//!   a story's inputs  --> n2's read 17 fails --> n2 halts --> its power goes, it starts again --> on
//!                                                |
//!                                                '-- nothing leaves it; every invariant looks on
//! ```
//!
//! "Every" is counted first, in a run without a failure.

use raft::{AppendOutcome, Body, Index, NodeId, Term};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use testbed::script::{Interpreter, Script};
use testbed::{Cluster, Input, Step};

/// What each node has acknowledged: the term, and the last index.
#[derive(Default)]
struct Acknowledged(BTreeMap<NodeId, (Term, Index)>);

impl Acknowledged {
    /// Checks that a step broke no invariant, and that no node has lost what it acknowledged in the term
    /// that it is still in: no leader of that term may replace it.
    fn check(&mut self, step: &Step, cluster: &Cluster) {
        if let Some(violation) = &step.violation {
            panic!("step {}: {}: {}", step.number, violation.rule.title(), violation.text);
        }
        let is_real = !matches!(step.input, Input::Post(_));
        for message in step.sent.iter().map(|flight| &flight.message).filter(|_| is_real) {
            if let Body::AppendReply { outcome: AppendOutcome::Matched(index), .. } = message.body {
                let term = message.term.expect("an answer has a term");
                let known = self.0.entry(message.from).or_insert((term, index));
                *known = (*known).max((term, index));
            }
        }
        for (&id, &(term, index)) in &self.0 {
            let Some(node) = cluster.node(id).map(|raft| raft.inspect()) else { continue };
            let last = node.last.index;
            assert!(
                node.term != term || last >= index,
                "{id} acknowledged {index}, and has {last}"
            );
        }
    }
}

/// What a sweep went through.
#[derive(Default, Debug)]
struct Counts {
    runs: u64,
    halts: u64,
    restarts: u64,
}

/// Returns the cluster with which a story begins, and everything that happens to it.
fn story(path: &Path) -> (Cluster, Vec<Input>) {
    let script = Script::read(path).unwrap_or_else(|why| panic!("{why}"));
    let mut stage = Interpreter::new(&script);
    let mut first = None;
    for directive in &script.directives {
        stage.play(directive).unwrap_or_else(|why| panic!("{why}"));
        first = first.or_else(|| stage.run().map(|run| run.cluster().clone()));
    }
    let first = first.expect("a story begins with add-nodes");
    let steps = stage.run().expect("as above").steps();
    (first, steps.iter().map(|moment| moment.input.clone()).collect())
}

/// Returns how often a node reads its storage in a story, before it crashes or the story ends.
fn reads(first: &Cluster, inputs: &[Input], node: NodeId) -> u64 {
    const NEVER: u64 = 1 << 40;
    let mut cluster = first.clone();
    cluster.apply(&Input::FailRead { node, after: NEVER });
    let mut reads = 0;
    for input in inputs {
        cluster.apply(input);
        let left = cluster.node(node).and_then(|raft| raft.storage().reads_before_failure());
        reads = left.map_or(reads, |left| NEVER - left);
    }
    reads
}

/// Plays a story in which one read of one node fails: the node halts, and is started again.
fn play(first: &Cluster, inputs: &[Input], node: NodeId, after: u64, counts: &mut Counts) {
    let mut cluster = first.clone();
    counts.runs += 1;
    let mut acknowledged = Acknowledged::default();
    let halts = counts.halts;
    cluster.apply(&Input::FailRead { node, after });
    for input in inputs {
        let step = cluster.apply(input);
        acknowledged.check(&step, &cluster);
        restart(&mut cluster, &step, node, counts);
    }
    // What is in flight arrives, and every node that is up goes on: none is kept busy for ever.
    for _ in 0..100_000 {
        let Some(input) = cluster.next_in_order(&[]) else {
            assert_eq!(
                counts.halts,
                halts + 1,
                "read {after} of {node} failed, and decided something"
            );
            return;
        };
        let step = cluster.apply(&input);
        acknowledged.check(&step, &cluster);
        restart(&mut cluster, &step, node, counts);
    }
    panic!("100,000 steps, and no end");
}

/// Takes the power from a node that has halted, and starts it again from what is durable.
fn restart(cluster: &mut Cluster, step: &Step, node: NodeId, counts: &mut Counts) {
    if !cluster.is_halted(node) {
        return;
    }
    counts.halts += 1;
    let raft = cluster.node(node).expect("it is up, to be looked at");
    let shown = raft.inspect();
    let halt = shown.halted.expect("it says why");
    assert!(step.refused.as_deref() == Some(&*halt.to_string()), "{:?}", step.refused);
    cluster.apply(&Input::Crash(node));
    let step = cluster.apply(&Input::Restart(node));
    assert!(step.violation.is_none(), "{:?}", step.violation);
    assert_eq!(step.refused, None, "what was durable can be started from");
    counts.restarts += 1;
}

#[test]
fn every_read_of_every_story_about_logs_fails_once() {
    let mut counts = Counts::default();
    for folder in ["replication", "commit", "ready"] {
        let files = std::fs::read_dir(format!("scripts/{folder}")).expect("the stories are there");
        let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
        paths.sort();
        for (first, inputs) in paths.iter().map(|path| story(path)) {
            if inputs.iter().any(|input| matches!(input, Input::FailRead { .. })) {
                continue; // its story is a failed read already
            }
            for node in first.ids() {
                for after in 0..reads(&first, &inputs, node) {
                    play(&first, &inputs, node, after, &mut counts);
                }
            }
        }
    }
    println!("{counts:?}");
    let Counts { runs, halts, restarts } = counts;
    assert!(runs > 700 && halts == runs && restarts == halts, "{runs} runs, {halts} halts");
}
