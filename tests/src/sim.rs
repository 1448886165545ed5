//! The simulator: random runs of real nodes, struck by faults, that replay from one number.
//!
//! ```text
//!   (profile, seed) --> Plan --> trouble: ticks, messages, crashes, partitions --.
//!                                calm: all heals, a leader must be found <-------'
//!                                     |
//!                                     '--> Run: every input, what was lost, who led, what broke
//! ```
//!
//! A run is written down as its inputs. They alone, applied to the plan's setup, give the same steps
//! again: [`Run::replay`] does that, and a shrinker, a trace or a page need nothing else.
//!
//! Rates are measured, not believed: [`Tally`] counts what became of every message.

mod calm; // everything heals, and a leader must be found
mod entropy; // where luck comes from
mod plan; // what a run is to suffer
mod shard; // which seeds are whose
mod tally; // what really happened
mod trouble; // everything is struck by faults

pub use entropy::Stream;
pub use plan::{Faults, Plan, Profile, Rhythm};
pub use shard::{BadShard, Shard};
pub use tally::{Coverage, Digest, Tally};

use crate::cluster::{Cluster, Door, Setup};
use crate::input::{Input, Step};
use crate::invariant::Violation;
use trouble::Trouble;

/// One run, written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// What it was drawn from.
    pub plan: Plan,
    /// Everything that happened, in order.
    pub inputs: Vec<Input>,
    /// How many of the inputs belong to the time of trouble.
    pub trouble: usize,
    /// What became of messages and nodes in the time of trouble.
    pub tally: Tally,
    /// What the run put to the test.
    pub coverage: Coverage,
    /// Stands for every step of the run: two runs that took the same steps have the same.
    pub digest: u128,
    /// The first broken rule. The run ends with it.
    pub violation: Option<Violation>,
}

impl Run {
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

/// Runs one seed under a profile: its time of trouble, and the calm after it.
pub fn run(profile: Profile, seed: u64) -> Run {
    run_plan(Plan::new(profile, seed))
}

/// Runs a plan.
pub fn run_plan(plan: Plan) -> Run {
    let mut cluster = Cluster::new(plan.setup());
    let mut record = Record::default();
    let broken = suffer(&plan, &mut cluster, &mut record);
    let (trouble, tally) = (record.inputs.len(), record.tally);
    let mut write_down = |cluster: &mut Cluster, input| {
        record.apply(cluster, input);
        record.violation.take().map_or(Ok(()), Err)
    };
    let broken = broken.and_then(|()| {
        calm::find_a_leader(&mut cluster, &mut write_down)?;
        match plan.door {
            Door::Owned(_) if plan.proposal_ticks > 0 => calm::serve(&mut cluster, &mut write_down),
            Door::Owned(_) | Door::Bare => Ok(()),
        }
    });
    let Record { inputs, coverage, digest, .. } = record;
    let violation = broken.err();
    Run { plan, inputs, trouble, tally, coverage, digest: digest.value(), violation }
}

/// Heals a cluster and sees whether it finds a leader within 20 election time-outs, and keeps it.
/// Returns the inputs that it took.
///
/// # Errors
/// The rule that broke: liveness or any other; and the inputs up to there.
pub fn heal(cluster: &mut Cluster) -> Result<Vec<Input>, (Violation, Vec<Input>)> {
    let mut inputs = Vec::new();
    let found = calm::find_a_leader(cluster, |cluster, input| {
        let violation = cluster.apply(&input).violation;
        inputs.push(input);
        violation.map_or(Ok(()), Err)
    });
    match found {
        Ok(()) => Ok(inputs),
        Err(violation) => Err((violation, inputs)),
    }
}

/// Lets the time of trouble pass.
fn suffer(plan: &Plan, cluster: &mut Cluster, record: &mut Record) -> Result<(), Violation> {
    let mut trouble = Trouble::new(plan, cluster);
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

/// What is written down while a run goes on.
#[derive(Default)]
struct Record {
    inputs: Vec<Input>,
    tally: Tally,
    coverage: Coverage,
    digest: Digest,
    violation: Option<Violation>,
}

impl Record {
    fn apply(&mut self, cluster: &mut Cluster, input: Input) -> Step {
        if let Input::Crash(id) = input {
            self.tally.unwritten += cluster.disk(id).map_or(0, |disk| disk.pending().len()) as u64;
        }
        let step = cluster.apply(&input);
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
