//! Step 8, second part: random runs with faults.
//!
//! ```text
//!   seed 17 --> ticks, messages, one kind of fault --> every rule, after every event
//!                                                 '--> all heals: one leader, followed by all
//! ```
//!
//! A test of safety checks that no rule of Figure 3 breaks, and that some node led: a node that does
//! nothing is safe, and useless. Only [`liveness`] checks what must happen in the end.

use crate::raft::kit::{
    Blame, Chain, Finding, Goal, Stage, is_safety, rule_of, sweep, tell, uncovered, views,
};
use harness::{Check, Failure, Verdict};
use raft::{NodeId, Term};
use testbed::sim::{self, Plan, Profile, Simulation};
use testbed::{Input, Rule, Setup};

/// Twenty election timeouts: more than any correct cluster needs to elect a leader.
const LEADER_TICKS_MAX: u64 = 200;

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

/// Clocks run at different speeds.
pub(super) fn skew(check: &mut Check) -> Verdict {
    safety(check, Profile::Skew)
}

/// A random mix of all faults.
pub(super) fn swarm(check: &mut Check) -> Verdict {
    safety(check, Profile::Swarm)
}

/// No rule breaks; somebody leads.
fn safety(check: &mut Check, profile: Profile) -> Verdict {
    let is_reached = |run: &Simulation| run.coverage.leaders > 0;
    let goal = Goal { what: "somebody led", is_reached, explain: uncovered };
    sweep(check, is_safety, &goal, |seed| Plan::new(profile, seed))
}

/// Once everything has healed, one leader is followed by all, and stays. If it dies, another one is
/// elected.
pub(super) fn liveness(check: &mut Check) -> Verdict {
    check.sweep(
        |seed| {
            // Each kind of fault, one after the other: the cluster must recover from each.
            let kinds = Profile::ALL.len() as u64;
            let profile = Profile::ALL[(seed % kinds) as usize];
            let run = sim::run(profile, seed);
            tell(&run);
            if run.violation.is_some() {
                return Err(Finding::Broken(Box::new(run)));
            }
            succession(seed).map_err(Finding::Explained)
        },
        |seed, finding| finding.explain(seed),
    )
}

/// A leader dies, another one is elected, and the first comes back as its follower.
fn succession(seed: u64) -> Verdict {
    let size = 3 + 2 * (seed % 2);
    let mut stage = Stage::of(Setup::new(size, seed)).of_seed(seed);
    let everyone = (1..=size).map(NodeId);
    let first = one_leader(&mut stage, Term(0), everyone.clone(), "nothing goes wrong")?;
    stage.apply(Input::Crash(first));
    let term = stage.disk(first).term;
    let left = everyone.clone().filter(|&id| id != first);
    one_leader(&mut stage, term, left, "the first leader is dead")?;
    stage.apply(Input::Restart(first));
    one_leader(&mut stage, term, everyone, "the first leader is back")?;
    Ok(())
}

/// Lets time pass until all of these follow one leader of a later term than `after`.
fn one_leader(
    stage: &mut Stage,
    after: Term,
    who: impl Iterator<Item = NodeId> + Clone,
    since: &str,
) -> Result<NodeId, Box<Failure>> {
    let began = stage.steps_taken();
    for _ in 0..LEADER_TICKS_MAX {
        stage.round();
        if let [(leader, term)] = stage.cluster().leaders()[..]
            && term > after
            && who.clone().all(|id| id == leader || stage.follows(id) == Some(leader))
        {
            return Ok(leader);
        }
    }
    let because =
        format!("{since}, {LEADER_TICKS_MAX} ticks pass, and no leader is followed by all");
    let chain = Chain::of(&stage.steps()[began..]);
    let blame = Blame::Function(chain.breaks_at());
    let failure = stage.blamed(&rule_of(Rule::Liveness), blame).because(because);
    let failure = failure.expected("one leader, followed by all").got(views(stage, who));
    Err(Box::new(failure.detail(format!("in that time: {chain}"))))
}
