//! Step 11, second part: random runs with a client, and faults.
//!
//! ```text
//!   seed 17 --> ticks, messages, commands, one kind of fault --> every rule, after every event
//!   figure8 --> a leader writes, reaches a few, dies; another one does the same ...
//!   convergence --> all heals: one log, and a new command is committed everywhere
//! ```
//!
//! A test of safety checks that no rule of Figure 3 breaks, and that something was committed: a cluster
//! that commits nothing is safe, and useless. Only [`convergence`] checks what must happen in the end.

use crate::raft::kit::{
    Broken, Finding, Goal, Stage, commands_of, is_safety, sweep, tell, terms_of,
};
use crate::raft::rule;
use bytes::Bytes;
use harness::{Check, Coverage, Failure, Verdict};
use raft::{Index, Message, NodeId, Term};
use testbed::random::Stream;
use testbed::sim::{self, Plan, Profile, Simulation};
use testbed::{Cluster, Input, Setup, Violation};

/// A run that commits this many entries counts: it is more than one leader's first entry.
const SOMETHING: Index = Index(4);

/// The longest pause between two commands of the client, in ticks.
const PROPOSAL_TICKS: u64 = 12;

/// Messages are lost.
pub(super) fn drop(check: &mut Check) -> Verdict {
    safety(check, Profile::Drop)
}

/// Messages overtake each other.
pub(super) fn reorder(check: &mut Check) -> Verdict {
    safety(check, Profile::Reorder)
}

/// Messages arrive twice.
pub(super) fn duplicate(check: &mut Check) -> Verdict {
    safety(check, Profile::Duplicate)
}

/// The network is partitioned.
pub(super) fn partition(check: &mut Check) -> Verdict {
    safety(check, Profile::Partition)
}

/// Nodes lose power.
pub(super) fn crash(check: &mut Check) -> Verdict {
    safety(check, Profile::Crash)
}

/// A random mix of all faults.
pub(super) fn swarm(check: &mut Check) -> Verdict {
    safety(check, Profile::Swarm)
}

fn plan(profile: Profile, seed: u64) -> Plan {
    Plan::new(profile, seed).with_client(PROPOSAL_TICKS)
}

/// No rule breaks; something is committed.
fn safety(check: &mut Check, profile: Profile) -> Verdict {
    let is_reached = |run: &Simulation| run.coverage.committed >= SOMETHING;
    let goal = Goal { what: COMMITS, is_reached, explain: |because, _| uncommitted(because) };
    sweep(check, is_safety, &goal, |seed| plan(profile, seed))
}

/// What runs must get to.
const COMMITS: &str = "four entries or more were committed";

/// Explains that hardly any run committed anything.
fn uncommitted(because: String) -> Failure {
    Failure::of(rule("coverage")).because(because).function("Core::commit_by_counting")
}

// Figure 8.

/// Leaders write, reach a few, and die, again and again.
pub(super) fn figure8(check: &mut Check) -> Verdict {
    let mut coverage = Coverage::default();
    let swept = check.sweep(
        |seed| {
            let play = Figure8::play(seed);
            coverage.count(seed, play.committed >= SOMETHING);
            match play.violation {
                Some(violation) => {
                    let Figure8 { setup, inputs, .. } = play;
                    Err(Box::new(Broken { setup, inputs, violation, seed: Some(seed) }))
                }
                None => Ok(()),
            }
        },
        |_, broken| broken.shrunk(String::new()),
    );
    swept?;
    coverage.judge(COMMITS, |because, _| uncommitted(because))
}

/// A run like Figure 8: five nodes, and three of them are up most of the time.
struct Figure8 {
    setup: Setup,
    cluster: Cluster,
    luck: Stream,
    inputs: Vec<Input>,
    violation: Option<Violation>,
    committed: Index,
}

impl Figure8 {
    /// How many leaders come and go.
    const ROUNDS: u64 = 60;

    fn play(seed: u64) -> Self {
        let mut setup = Setup::new(5, seed);
        // One entry to a message, so that an old entry can arrive before the first of the term.
        setup.nodes.iter_mut().for_each(|(config, _)| config.max_append_bytes = Some(1));
        let cluster = Cluster::new(setup.clone());
        let (inputs, violation) = (Vec::new(), None);
        let luck = Stream::new(seed, "figure 8");
        let mut play = Figure8 { setup, cluster, luck, inputs, violation, committed: Index(0) };
        for round in 0..Self::ROUNDS {
            play.round(round);
            if play.violation.is_some() {
                break;
            }
        }
        play
    }

    fn apply(&mut self, input: Input) {
        if self.violation.is_some() {
            return;
        }
        self.violation = self.cluster.apply(&input).violation;
        self.inputs.push(input);
        let nodes = self.cluster.ids().filter_map(|id| self.cluster.node(id));
        self.committed = nodes.map(|node| node.inspect().commit).fold(self.committed, Index::max);
    }

    fn up(&self) -> Vec<NodeId> {
        self.cluster.ids().filter(|&id| self.cluster.node(id).is_some()).collect()
    }

    /// All nodes get what is in flight, or most of it, or hardly any of it.
    fn deliver(&mut self, rounds: u64, permille: u64) {
        for _ in 0..rounds {
            let under_way: Vec<Message> =
                self.cluster.network().flights().iter().map(|f| f.message.clone()).collect();
            for message in under_way {
                let arrives = self.luck.chance(permille);
                self.apply(if arrives { Input::Deliver(message) } else { Input::Drop(message) });
            }
        }
    }

    fn round(&mut self, round: u64) {
        let down: Vec<NodeId> =
            self.cluster.ids().filter(|&id| self.cluster.node(id).is_none()).collect();
        for id in down {
            if self.up().len() < 3 || self.luck.chance(300) {
                self.apply(Input::Restart(id));
            }
        }
        let up = self.up();
        let Some(&candidate) = self.luck.pick(&up) else { return };
        self.apply(Input::Campaign(candidate));
        self.deliver(2, 950);
        let leaders = self.cluster.leaders();
        let Some(&(leader, _)) = leaders.iter().max_by_key(|&&(_, term)| term) else { return };
        for command in 0..self.luck.below(3) {
            let data = Bytes::from(format!("x={round}.{command}"));
            self.apply(Input::Propose { node: leader, data });
        }
        // Some leaders reach no peer, some reach a few and get answers, some reach all.
        let (rounds, permille) = match self.luck.below(4) {
            0 => (1, 0),
            1 => (2, 300),
            2 => (4, 500),
            _ => (6, 900),
        };
        self.deliver(rounds, permille);
        if self.luck.chance(500) {
            self.apply(Input::Tick(leader));
            self.deliver(4, permille);
        }
        if self.luck.chance(700) && self.up().len() > 3 {
            self.apply(Input::Crash(leader));
        }
        self.deliver(1, 0);
    }
}

// Convergence.

/// After this many rounds a cluster without faults has one log.
const ROUNDS: u64 = 60;

/// After faults of every kind all logs become equal, and a new command is committed everywhere.
pub(super) fn convergence(check: &mut Check) -> Verdict {
    check.sweep(
        |seed| {
            let kinds = Profile::ALL.len() as u64;
            let profile = Profile::ALL[(seed % kinds) as usize];
            let run = sim::run_plan(plan(profile, seed));
            tell(&run);
            if run.violation.is_some() {
                return Err(Finding::Broken(Box::new(run)));
            }
            let mut cluster = Cluster::new(run.setup());
            run.inputs.iter().for_each(|input| std::mem::drop(cluster.apply(input)));
            match converges(&mut cluster) {
                Ok(()) => Ok(()),
                Err(views) => Err(Finding::Explained(Box::new(apart(&run, seed, views)))),
            }
        },
        |seed, finding| finding.explain(seed),
    )
}

/// Proposes a command, lets rounds pass, and compares all logs.
///
/// # Errors
/// What each node holds.
fn converges(cluster: &mut Cluster) -> Result<(), String> {
    propose_last(cluster, &mut |cluster, input| std::mem::drop(cluster.apply(&input)));
    let views: Vec<(Vec<raft::Entry>, Index)> = cluster
        .ids()
        .filter_map(|id| cluster.node(id))
        .map(|node| {
            let node_view = node.inspect();
            let log = node.entries(Index(1), node_view.last.index + 1).unwrap_or_default();
            (log, node_view.commit)
        })
        .collect();
    let (first, _) = views.first().expect("a cluster has nodes");
    let is_last = commands_of(first).ends_with(LAST);
    let one = views.iter().all(|(log, commit)| log == first && commit.0 == log.len() as u64);
    if is_last && one {
        return Ok(());
    }
    let tail = |log: &[raft::Entry]| terms_of(&log[log.len().saturating_sub(6)..]);
    let say = |(id, (log, commit)): (NodeId, &(Vec<raft::Entry>, Index))| {
        format!("{id} {} entries, last terms {}, commit {commit}", log.len(), tail(log))
    };
    Err(cluster.ids().zip(&views).map(say).collect::<Vec<_>>().join("; "))
}

/// The command that is proposed when everything works again.
const LAST: &str = "x=last";

/// Proposes the last command to the leader, and lets rounds of ticks pass; all messages arrive.
fn propose_last(cluster: &mut Cluster, apply: &mut impl FnMut(&mut Cluster, Input)) {
    let leaders = cluster.leaders();
    let leader = leaders.iter().max_by_key(|&&(_, term): &&(NodeId, Term)| term);
    if let Some(&(node, _)) = leader {
        apply(cluster, Input::Propose { node, data: Bytes::from_static(LAST.as_bytes()) });
    }
    let ids: Vec<NodeId> = cluster.ids().collect();
    for _ in 0..ROUNDS {
        for &id in &ids {
            for _ in 0..cluster.disk(id).map_or(0, |disk| disk.pending().len()) {
                apply(cluster, Input::Persist(id));
            }
        }
        let under_way: Vec<Message> =
            cluster.network().flights().iter().map(|flight| flight.message.clone()).collect();
        for message in under_way {
            apply(cluster, Input::Deliver(message));
        }
        for &id in &ids {
            apply(cluster, Input::Tick(id));
        }
    }
}

/// Explains logs that differ: what happened since everything works again.
fn apart(run: &Simulation, seed: u64, views: String) -> Failure {
    let mut stage = Stage::of(run.setup()).of_seed(seed);
    run.inputs.iter().for_each(|input| stage.apply(input.clone()));
    let since = stage.steps().len();
    let mut inputs = Vec::new();
    propose_last(&mut stage.cluster().clone(), &mut |cluster, input| {
        cluster.apply(&input);
        inputs.push(input);
    });
    inputs.into_iter().for_each(|input| stage.apply(input));
    let shown: Vec<usize> = (since..stage.steps().len()).take(12).collect();
    let failure = Failure::of(rule("logs_converge")).because(format!(
        "everything has worked for {ROUNDS} ticks, a command was proposed, and logs differ"
    ));
    let failure = failure.expected("one log, committed to its end").got(views);
    let failure = failure.function("Core::on_rejected").faults(run.tally.to_string());
    stage.draw_steps_on(failure, None, &shown)
}
