//! The simulator: random runs of real nodes with faults, each replayed from one seed.
//!
//! ```text
//!   (profile, seed) --> Plan --> fault phase: ticks, messages, crashes, partitions ----.
//!                                healing phase: no faults, a leader must be elected <--'
//!                                     |
//!                                     '--> Simulation: every input, what was lost, who led, what broke
//! ```
//!
//! A run is recorded as its inputs. Applied to the plan's setup they give the same steps again:
//! [`Simulation::replay`] does so, and the shrinker and the traces need nothing else.
//!
//! The rates of faults are measured: [`Tally`] counts what happened to every message.

mod fault_phase; // schedules inputs and faults
mod healing_phase; // no faults: a leader must be elected
mod plan; // the faults and settings of a run
mod shard; // splits the seeds among machines
mod tally; // counts what happened

pub use plan::{Churn, Extras, Faults, Interval, Leading, Plan, Profile};
pub use shard::{BadShard, Shard};
pub use tally::{Coverage, Digest, Tally};

use crate::cluster::{Cluster, Driver, Setup};
use crate::input::{Input, Step};
use crate::invariant::Violation;
use fault_phase::FaultPhase;
use healing_phase::Group;
pub(crate) use healing_phase::check_recovery;

/// A simulation that has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Simulation {
    /// The plan that it was made from.
    pub plan: Plan,
    /// Every input, in order.
    pub inputs: Vec<Input>,
    /// How many of the inputs belong to the fault phase.
    pub trouble: usize,
    /// What happened to messages and nodes in the fault phase.
    pub tally: Tally,
    /// What the run exercised: elections, leaders, proposals.
    pub coverage: Coverage,
    /// A hash of every step: two runs with the same steps have the same digest.
    pub digest: u128,
    /// The first broken rule, which ends the run.
    pub violation: Option<Violation>,
}

impl Simulation {
    /// Returns the cluster the run began with.
    pub fn setup(&self) -> Setup {
        self.plan.setup()
    }

    /// Applies the inputs to a new cluster that notes its events, and returns every step.
    pub fn replay(&self) -> Vec<Step> {
        let mut cluster = Cluster::new(self.setup()).listening();
        self.inputs.iter().map(|input| cluster.apply(input)).collect()
    }
}

/// Runs one seed of a profile: the fault phase, then the healing phase.
pub fn run(profile: Profile, seed: u64) -> Simulation {
    run_plan(Plan::new(profile, seed))
}

/// Runs a plan.
pub fn run_plan(plan: Plan) -> Simulation {
    let cluster = Cluster::new(plan.setup());
    simulate(plan, cluster, &mut |_, _| {})
}

/// Runs a plan, and shows each step to `see`, with the cluster as the step left it. No invariant ends the
/// fault phase: what is looked for may come later.
///
/// # Panics
/// If a node panics. `see` has seen every step before.
pub fn observe(plan: Plan, mut see: impl FnMut(&Step, &Cluster)) -> Simulation {
    let cluster = Cluster::new(plan.setup()).unjudged();
    simulate(plan, cluster, &mut see)
}

/// Runs a plan in its cluster.
fn simulate(plan: Plan, mut cluster: Cluster, see: See<'_>) -> Simulation {
    let mut record = Record::new(see);
    let group = if plan.churn.is_some() { Group::Changing } else { Group::Fixed };
    let broken = suffer(&plan, &mut cluster, &mut record);
    let (trouble, tally) = (record.inputs.len(), record.tally);
    let mut write_down = |cluster: &mut Cluster, input| {
        record.apply(cluster, input);
        record.violation.take().map_or(Ok(()), Err)
    };
    let broken = broken.and_then(|()| {
        healing_phase::find_a_leader(&mut cluster, group, &mut write_down)?;
        if plan.read_ticks > 0 {
            healing_phase::read(&mut cluster, &mut write_down)?;
        }
        match plan.driver {
            Driver::Owned(_) if plan.proposal_ticks > 0 => {
                healing_phase::serve(&mut cluster, group, &mut write_down)
            }
            Driver::Owned(_) | Driver::Bare => Ok(()),
        }
    });
    let Record { inputs, coverage, digest, .. } = record;
    let violation = broken.err();
    Simulation { plan, inputs, trouble, tally, coverage, digest: digest.value(), violation }
}

/// Heals a cluster, and checks that it elects a leader within 20 election timeouts and keeps it. Returns
/// the inputs that this took.
///
/// # Errors
/// The rule that broke, liveness or another one, and the inputs up to there.
pub fn heal(cluster: &mut Cluster) -> Result<Vec<Input>, (Violation, Vec<Input>)> {
    let mut inputs = Vec::new();
    let found = healing_phase::find_a_leader(cluster, Group::Fixed, |cluster, input| {
        let violation = cluster.apply(&input).violation;
        inputs.push(input);
        violation.map_or(Ok(()), Err)
    });
    match found {
        Ok(()) => Ok(inputs),
        Err(violation) => Err((violation, inputs)),
    }
}

/// Runs the fault phase.
fn suffer(plan: &Plan, cluster: &mut Cluster, record: &mut Record<'_>) -> Result<(), Violation> {
    let mut trouble = FaultPhase::new(plan, cluster);
    while let Some(inputs) = trouble.next(cluster) {
        record.coverage.pass(trouble.now_ticks());
        for input in inputs {
            let step = record.apply(cluster, input);
            let lost = trouble.follow_up(&step, cluster);
            for input in lost {
                record.apply(cluster, input);
            }
            if let Some(violation) = record.violation.take() {
                return Err(violation);
            }
        }
    }
    Ok(())
}

/// Sees a step, and the cluster after it.
type See<'a> = &'a mut dyn FnMut(&Step, &Cluster);

/// What is recorded during a run.
struct Record<'a> {
    see: See<'a>,
    inputs: Vec<Input>,
    tally: Tally,
    coverage: Coverage,
    digest: Digest,
    violation: Option<Violation>,
}

impl<'a> Record<'a> {
    fn new(see: See<'a>) -> Self {
        Record {
            see,
            inputs: Vec::new(),
            tally: Tally::default(),
            coverage: Coverage::default(),
            digest: Digest::default(),
            violation: None,
        }
    }

    fn apply(&mut self, cluster: &mut Cluster, input: Input) -> Step {
        if let Input::Crash(id) = input {
            self.tally.unwritten += cluster.disk(id).map_or(0, |disk| disk.pending().len()) as u64;
        }
        let step = cluster.apply(&input);
        (self.see)(&step, cluster);
        self.inputs.push(input);
        self.tally.count(&step);
        self.digest.take(&step);
        if let Some(node) = step.node {
            self.coverage.look(node, cluster);
        }
        self.coverage.count(&step);
        self.violation = self.violation.take().or(step.violation.clone());
        step
    }
}
