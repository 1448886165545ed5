//! Properties: what a tester states of every run, and the runners that look for a run without it.
//!
//! ```text
//!                    Property::script    one run, written by hand          --.
//!   fn(&Run)         Property::swarm     random runs, from seeds             |    Report: how many runs
//!     -> Verdict     Property::explore   the way to every state in bounds    +-->   exercised it
//!                    Property::cases     scenes that proptest draws        --'    Failure: the shrunk script
//! ```
//!
//! A property is a function of a [`Run`]. The same function judges a run of every kind. It sees a run from
//! outside, and none of the [invariants](crate::invariant) is asked: a step may break those, and the run
//! goes on.
//!
//! A run may never meet what a property is about. It says so: [`Verdict::NotExercised`]. A runner fails if
//! no run exercised the property, because then nothing was tested.

use crate::cluster::Cluster;
use crate::explore::{Bounds, watch_from};
use crate::input::Input;
use crate::run::Run;
use crate::script::{Script, unparse};
use crate::shrink::shrink_property;
use crate::sim::{Plan, Shard, observe};
use crate::trace::recorder::words_of;
use raft::NodeId;
use std::fmt;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The most lists of inputs that are tried to shrink a run.
const TRIES_MAX: usize = 3_000;

/// Why the explorer does not ask a property what would become of a state.
const NO_RECOVERY: &str = "the bounds have `recovers: true`, which asks the invariants what would become of each \
     state, and not a property: leave it out, or judge random runs (Property::swarm), which end with a network that \
     has healed";

/// What a property says of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The run met what the property is about, and the property holds.
    Holds,
    /// The property does not hold.
    Broken {
        /// The step that broke it, as [`Step::number`](crate::Step::number) counts; 0 for the start.
        at: u64,
        /// The nodes that broke it.
        who: Vec<NodeId>,
        /// What happened, in one sentence with names and numbers.
        because: String,
    },
    /// The run never met what the property is about.
    NotExercised,
}

impl Verdict {
    /// Returns that a property is broken.
    pub fn broken(
        at: u64,
        who: impl IntoIterator<Item = NodeId>,
        because: impl Into<String>,
    ) -> Self {
        Verdict::Broken { at, who: who.into_iter().collect(), because: because.into() }
    }

    /// Returns that nothing is broken, in a run that met the property's subject or did not.
    pub fn holds_if(is_exercised: bool) -> Self {
        if is_exercised { Verdict::Holds } else { Verdict::NotExercised }
    }
}

/// A property, and the name of the tests that state it.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    name: &'static str,
    judge: fn(&Run) -> Verdict,
}

/// How many runs a property has judged.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Report {
    /// The runs; in an exploration the states, for each has the run that leads to it.
    pub runs: u64,
    /// Those that met what the property is about. At least one, unless there were none at all.
    pub exercised: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} runs, {} exercised it", self.runs, self.exercised)
    }
}

/// Why a property was not shown to hold. Its `Debug` is its text, too, so that a test may return it.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    /// The name of the property.
    pub property: &'static str,
    /// Where the run came from: `seed 17`.
    pub from: String,
    /// What is wrong.
    pub wrong: Box<Wrong>,
    /// The command that shows it again, in the folder of the test's package.
    pub again: String,
}

/// What a runner found wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// The property does not hold.
    Broken {
        /// What it says of the shrunk run.
        verdict: Verdict,
        /// How many inputs the run had.
        inputs: usize,
        /// How many are left.
        left: usize,
        /// The shrunk run as a script, or as a list of inputs if no command can express one of them.
        script: String,
    },
    /// No run met what the property is about.
    NeverExercised(Report),
    /// A node panicked, and nothing was wrong until then; or the property did. The message, and the script if
    /// proptest has drawn it.
    Panicked(String),
    /// There is nothing to judge: the script has an error, the bounds have too many states or ask for what is
    /// not a property's.
    NoRun(String),
}

// Runners.

impl Property {
    /// Returns a property. `name` is what `cargo test NAME` needs to run the tests that state it: a part of
    /// their names, such as their module.
    pub const fn new(name: &'static str, judge: fn(&Run) -> Verdict) -> Self {
        Property { name, judge }
    }

    /// Judges one run.
    pub fn judge(&self, run: &Run) -> Verdict {
        (self.judge)(run)
    }

    /// Judges the run of a script.
    ///
    /// # Errors
    /// [`Failure`] if the property is broken or not exercised, or the script has an error.
    ///
    /// # Panics
    /// If a node panics.
    pub fn script(&self, script: &Script) -> Result<Report, Failure> {
        let mut trial = Trial::new(*self, format!("script {}", script.name));
        let inputs = script.inputs().map_err(|why| trial.failure(Wrong::NoRun(why.to_string())));
        let (setup, inputs) = inputs?;
        trial.judge(&Run::of(setup, &inputs))?;
        trial.end()
    }

    /// Judges random runs: those of the seeds from 0 on, `usual` of them, each of the plan that `plan` makes
    /// of it. `RAFTWRIGHT_SEEDS=1000` runs more, `RAFTWRIGHT_SEED=17` runs one
    /// ([`Shard::seeds_asked_for`]).
    ///
    /// # Errors
    /// [`Failure`] if the property is broken, or no run exercises it, or a node panics.
    pub fn swarm(&self, usual: u64, plan: impl Fn(u64) -> Plan) -> Result<Report, Failure> {
        let mut trial = Trial::new(*self, String::new());
        for seed in Shard::seeds_asked_for(usual) {
            let plan = plan(seed);
            let mut run = Run::new(plan.setup());
            let see = || observe(plan, |step, cluster| run.record(step, cluster));
            let ended = catch_unwind(AssertUnwindSafe(see));
            trial.from = format!("seed {seed}");
            trial.variables = format!("RAFTWRIGHT_SEED={seed} ");
            trial.judge(&run)?;
            if let Err(panic) = ended {
                return Err(trial.failure(Wrong::Panicked(words_of(panic.as_ref()))));
            }
        }
        (trial.from, trial.variables) = ("random runs".to_string(), String::new());
        trial.end()
    }

    /// Judges the shortest way to every state that the explorer reaches within these bounds, from the state
    /// after a script. The size, disks and owners of the script's cluster count, not those of the bounds.
    ///
    /// What is found broken is broken: the way is a run of real nodes. But not every run is judged. Of several
    /// ways to one state only the first is, and nodes, messages and disks make a state, not what clients have
    /// heard.
    ///
    /// A way ends in the middle of things. So a property of what must happen in the end is one for
    /// [`Property::swarm`]: random runs end with a network that has healed.
    ///
    /// # Errors
    /// [`Failure`] if the property is broken, or no way exercises it, or there are too many states; if the
    /// bounds ask what would become of each state ([`Bounds::recovers`]): that is a question about the
    /// invariants, and a property would not be asked.
    ///
    /// # Panics
    /// If a node panics.
    pub fn explore(&self, start: &Script, bounds: &Bounds) -> Result<Report, Failure> {
        let mut trial = Trial::new(*self, format!("the explorer, from {}", start.name));
        let inputs = start.inputs().map_err(|why| trial.failure(Wrong::NoRun(why.to_string())));
        let (setup, inputs) = inputs?;
        if bounds.recovers {
            return Err(trial.failure(Wrong::NoRun(NO_RECOVERY.to_string())));
        }
        let (disks, driver, nodes) = (setup.disks, setup.driver, setup.nodes.len() as u64);
        let bounds = Bounds { nodes, disks, driver, ..bounds.clone() };
        let (mut begun, mut cluster) = (Run::new(setup.clone()), Cluster::new(setup).unjudged());
        let go = |run: &mut Run, cluster: &mut Cluster, inputs: &[Input]| {
            for input in inputs {
                let step = cluster.apply(input);
                run.record(&step, cluster);
            }
        };
        go(&mut begun, &mut cluster, &inputs);
        trial.judge(&begun)?;
        let mut judged = Ok(());
        let walked = watch_from(cluster.clone(), &bounds, |way| {
            let mut run = begun.clone();
            go(&mut run, &mut cluster.clone(), way);
            judged = trial.judge(&run);
            if judged.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        judged?;
        walked.map_err(|why| trial.failure(Wrong::NoRun(why.to_string())))?;
        trial.end()
    }
}

// One trial of a property.

/// A property that is being tried, and what has been seen so far.
pub(crate) struct Trial {
    property: Property,
    /// Where the current run comes from.
    from: String,
    /// The environment variables that bring it back.
    pub(crate) variables: String,
    report: Report,
}

impl Trial {
    pub(crate) fn new(property: Property, from: String) -> Self {
        Trial { property, from, variables: String::new(), report: Report::default() }
    }

    /// Judges a run. If it breaks the property, shrinks it.
    pub(crate) fn judge(&mut self, run: &Run) -> Result<(), Failure> {
        let verdict = catch_unwind(AssertUnwindSafe(|| self.property.judge(run)))
            .map_err(|panic| self.failure(Wrong::Panicked(words_of(panic.as_ref()))))?;
        self.count(&verdict);
        if let Verdict::Broken { .. } = verdict {
            return Err(self.failure(shrunk(self.property, run, verdict)));
        }
        Ok(())
    }

    /// Counts a run that was judged.
    pub(crate) fn count(&mut self, verdict: &Verdict) {
        self.report.runs += 1;
        self.report.exercised += u64::from(*verdict != Verdict::NotExercised);
    }

    /// Says how many runs exercised the property, if any did.
    pub(crate) fn end(&self) -> Result<Report, Failure> {
        let Trial { property, report, from, .. } = self;
        if report.exercised == 0 && report.runs > 0 {
            return Err(self.failure(Wrong::NeverExercised(*report)));
        }
        println!("{}, {from}: {report}", property.name);
        Ok(*report)
    }

    pub(crate) fn failure(&self, wrong: Wrong) -> Failure {
        let (property, from) = (self.property.name, self.from.clone());
        let again = format!("{}cargo test {property}", self.variables);
        Failure { property, from, wrong: Box::new(wrong), again }
    }
}

/// Returns what is left of a run that breaks a property.
fn shrunk(property: Property, run: &Run, verdict: Verdict) -> Wrong {
    let (setup, all) = (run.setup(), run.inputs());
    let few = shrink_property(setup, &all, TRIES_MAX, property.judge);
    let (few, verdict) = match few {
        Some(few) => {
            let verdict = property.judge(&Run::of(setup.clone(), &few));
            (few, verdict)
        }
        None => (all.clone(), verdict),
    };
    let script = unparse::script(setup, &few).unwrap_or_else(|| listed(&few));
    Wrong::Broken { verdict, inputs: all.len(), left: few.len(), script }
}

/// Returns inputs as comments of a script, one a line.
pub(crate) fn listed(inputs: &[Input]) -> String {
    inputs.iter().map(|input| format!("# {input:?}\n")).collect()
}

// As text.

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { property, from, wrong, again } = self;
        match &**wrong {
            Wrong::Broken { verdict, inputs, left, script } => {
                writeln!(f, "{property} is {verdict}")?;
                writeln!(
                    f,
                    "{from}: {inputs} inputs, of which these {left} break it:\n\n{script}"
                )?;
            }
            Wrong::NeverExercised(report) => {
                writeln!(f, "{property} is not tested by {from}: {report}")?;
            }
            Wrong::Panicked(text) => writeln!(f, "{property}, {from}, ends with a panic: {text}")?,
            Wrong::NoRun(why) => writeln!(f, "{property}, {from}: {why}")?,
        }
        write!(f, "again: {again}")
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}\n")
    }
}

impl std::error::Error for Failure {}

/// Writes `broken in step 9 by n1, n3: both lead term 2`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Holds => f.write_str("kept"),
            Verdict::NotExercised => f.write_str("not exercised"),
            Verdict::Broken { at, who, because } => {
                let who: Vec<_> = who.iter().map(NodeId::to_string).collect();
                write!(f, "broken in step {at} by {}: {because}", who.join(", "))
            }
        }
    }
}
