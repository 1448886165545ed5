//! The recorder: drives a cluster and records every step.
//!
//! ```text
//!   input --> Recorder --> Cluster::apply --> Step --> the caller
//!                |                          |
//!                '<---- one more TraceStep ----'        write_to(path) at the end
//! ```
//!
//! Scripts, simulations and lab tests drive their cluster through a recorder. It writes nothing to disk
//! until it is asked to. A recorder survives a panic of the code under test, and then holds the run that
//! led to the panic.
//!
//! ```
//! use testbed::trace::Recorder;
//! use testbed::{Input, Setup};
//! use raft::NodeId;
//!
//! let mut run = Recorder::new(Setup::new(3, 7)).titled("A first leader", "");
//! run.apply(&Input::Campaign(NodeId(1)));
//! run.stabilize();
//! assert_eq!(run.cluster().leaders().len(), 1);
//! assert!(run.trace().to_json_lines().starts_with(r#"{"trace":"raft-steps","version":2"#));
//! ```

use crate::cluster::{Cluster, Setup};
use crate::input::{Input, Step};
use crate::trace::describe;
use crate::trace::event::{RecordedEvent, RulePlace};
use crate::trace::format::{
    EndedFlight, FORMAT, Footer, Header, Outcome, RecordedViolation, Trace, TraceStep,
    UnfinishedInput, VERSION,
};
use crate::trace::replay::ReplayError;
use crate::trace::setup::RecordedNodeSetup;
use crate::trace::state::{NodeState, difference};
use raft::{Note, sources::SOURCES};
use serde_json::Value;
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

/// A cluster whose every step is recorded.
#[derive(Clone, Debug)]
pub struct Recorder {
    cluster: Cluster,
    /// The trace without the sources: [`Recorder::trace`] adds them.
    trace: Trace,
    states: BTreeMap<u64, NodeState>,
    /// The notes for the next step.
    next: Margin,
}

/// The script's notes about a step.
#[derive(Clone, Debug, Default)]
struct Margin {
    script_line: Option<u64>,
    command: Option<String>,
    caption: Option<String>,
}

// Construction.

impl Recorder {
    /// Starts every node of the setup. The nodes note their events.
    ///
    /// # Panics
    /// As [`Cluster::new`].
    pub fn new(setup: Setup) -> Self {
        let births = setup.nodes.iter();
        let config = births
            .map(|(config, disk)| (config.id.0, RecordedNodeSetup::new(config, disk)))
            .collect();
        let (disks, driver) = (setup.disks, setup.driver);
        let cluster = Cluster::new(setup).listening();
        let states = NodeState::all_of(&cluster);
        let header = Header {
            trace: FORMAT.to_string(),
            version: VERSION,
            title: String::new(),
            intro: String::new(),
            seed: None,
            script: None,
            nodes: cluster.ids().map(|id| id.0).collect(),
            disks,
            driver,
            config,
            sources: BTreeMap::new(),
            rules: BTreeMap::new(),
            state: states.iter().map(|(&id, state)| (id, state.to_value())).collect(),
        };
        let trace = Trace { header, steps: Vec::new(), footer: None };
        Recorder { cluster, trace, states, next: Margin::default() }
    }

    /// Records a run from its beginning: the setup, then every input.
    pub fn run(setup: Setup, inputs: &[Input]) -> Self {
        let mut recorder = Recorder::new(setup);
        for input in inputs {
            recorder.apply(input);
        }
        recorder
    }

    /// Sets the title of the run and its introduction.
    pub fn titled(mut self, title: impl Into<String>, intro: impl Into<String>) -> Self {
        self.trace.header.title = title.into();
        self.trace.header.intro = intro.into();
        self
    }

    /// Sets the name of the script.
    pub fn of_script(mut self, script: impl Into<String>) -> Self {
        self.trace.header.script = Some(script.into());
        self
    }

    /// Sets the seed of the run.
    pub fn of_seed(mut self, seed: u64) -> Self {
        self.trace.header.seed = Some(seed);
        self
    }
}

// Inputs.

impl Recorder {
    /// Sets the line of the script, and the command, for the next step.
    pub fn at(&mut self, script_line: u64, command: impl Into<String>) {
        self.next.script_line = Some(script_line);
        self.next.command = Some(command.into());
    }

    /// Adds a line to the caption of the next step.
    pub fn caption(&mut self, text: impl Into<String>) {
        let said = self.next.caption.take().map(|said| said + "\n");
        self.next.caption = Some(said.unwrap_or_default() + &text.into());
    }

    /// Applies one input and records the step.
    ///
    /// # Panics
    /// If the node panics: the trace notes it, and the panic continues in the caller.
    pub fn apply(&mut self, input: &Input) -> Step {
        match catch_unwind(AssertUnwindSafe(|| self.cluster.apply(input))) {
            Ok(step) => {
                self.write_down(&step);
                step
            }
            Err(panic) => {
                let text = words_of(panic.as_ref());
                let headline = describe::announcement(input, &self.cluster);
                self.end(
                    Outcome::Crashed,
                    Some(text),
                    Some(UnfinishedInput { input: input.clone(), headline }),
                );
                resume_unwind(panic)
            }
        }
    }

    /// As [`Cluster::stabilize`]: applies every waiting action until nothing is left to do or an invariant
    /// breaks. Returns the steps it took.
    ///
    /// # Panics
    /// As [`Recorder::apply`]; and after 100,000 steps, if the nodes do not become quiet.
    pub fn stabilize(&mut self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        while let Some(input) = self.cluster.next_in_order(&[]) {
            steps.push(self.apply(&input));
            if steps.last().is_some_and(|step| step.violation.is_some()) {
                break;
            }
            assert!(steps.len() < 100_000, "after 100,000 steps the nodes are still not quiet");
        }
        steps
    }

    /// Records that a test found something wrong; in which step, and at which line of source, if it names
    /// them. A broken invariant stays what the run ended with.
    pub fn fail(&mut self, what: impl Into<String>, step: Option<u64>, at: Option<String>) {
        let broken = self.violation().is_some();
        self.end(if broken { Outcome::Broken } else { Outcome::Failed }, Some(what.into()), None);
        if let Some(footer) = &mut self.trace.footer {
            (footer.step, footer.at) = (step, at);
        }
    }

    /// Copies the notes of a recorded step to the next step, for a replay.
    pub(crate) fn stand_at(&mut self, recorded: &TraceStep) {
        self.next = Margin {
            script_line: recorded.script_line,
            command: recorded.command.clone(),
            caption: recorded.caption.clone(),
        };
    }

    fn write_down(&mut self, step: &Step) {
        let before = step.node.and_then(|id| self.states.get(&id.0));
        let mut recorded = TraceStep {
            step: step.number,
            clock: step.clock,
            input: step.input.clone(),
            script_line: self.next.script_line,
            command: self.next.command.take(),
            caption: self.next.caption.take(),
            node: step.node.map(|id| id.0),
            headline: describe::headline(step, &self.cluster),
            facts: describe::facts(step, before, &self.cluster),
            events: Vec::new(),
            sent: step.sent.iter().map(Into::into).collect(),
            gone: step
                .gone
                .iter()
                .map(|(flight, why)| EndedFlight { id: flight.id, why: *why })
                .collect(),
            refused: step.refused.clone(),
            set: BTreeMap::new(),
            violation: step
                .violation
                .as_ref()
                .map(|broken| RecordedViolation::new(step.number, broken)),
            differs: None,
        };
        if let Some(id) = step.node {
            let noted = |note: &Note| RecordedEvent::new(id, note);
            recorded.events = step.notes.iter().map(noted).collect();
            for (happening, note) in recorded.events.iter().zip(&step.notes) {
                let rules = &mut self.trace.header.rules;
                rules.entry(happening.rule.clone()).or_insert_with(|| RulePlace::of(&note.event));
            }
            if let Some(after) = NodeState::of(&self.cluster, id) {
                let was = before.map(NodeState::to_value).unwrap_or_default();
                recorded.set.extend(difference(&was, &after.to_value()).map(|patch| (id.0, patch)));
                self.states.insert(id.0, after);
            }
        }
        self.trace.steps.push(recorded);
    }

    fn end(&mut self, outcome: Outcome, text: Option<String>, unanswered: Option<UnfinishedInput>) {
        let steps = self.trace.steps.len() as u64;
        let violation = self.violation().cloned();
        self.trace.footer = Some(Footer {
            end: true,
            steps,
            outcome,
            violation,
            step: None,
            at: None,
            text,
            unanswered,
        });
    }
}

// Inspection.

impl Recorder {
    /// Returns the cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Returns the steps recorded so far.
    pub fn steps(&self) -> &[TraceStep] {
        &self.trace.steps
    }

    /// Returns where the rules that have decided something are stated.
    pub fn rules(&self) -> &BTreeMap<String, RulePlace> {
        &self.trace.header.rules
    }

    /// Returns the first invariant that broke.
    pub fn violation(&self) -> Option<&RecordedViolation> {
        self.trace.steps.iter().find_map(|recorded| recorded.violation.as_ref())
    }

    /// Returns the input during which a node panicked, if one did.
    pub fn unanswered(&self) -> Option<&UnfinishedInput> {
        self.trace.footer.as_ref()?.unanswered.as_ref()
    }

    /// Returns the header of the trace, without the sources.
    pub fn header(&self) -> &Header {
        &self.trace.header
    }

    /// Returns the run as it was after this many steps, or the whole run if it has fewer.
    ///
    /// # Errors
    /// As [`replay()`](crate::trace::replay()).
    pub fn after(&self, steps: usize) -> Result<Recorder, ReplayError> {
        let steps = self.trace.steps.iter().take(steps).cloned().collect();
        let header = self.trace.header.clone();
        crate::trace::replay(&Trace { header, steps, footer: None })
    }

    /// Returns the state of every node after this many steps, as a trace writes it.
    pub fn states_after(&self, steps: usize) -> BTreeMap<u64, Value> {
        self.trace.states().nth(steps).unwrap_or_default()
    }

    /// Returns the whole trace, with the sources of this build and a footer.
    pub fn trace(&self) -> Trace {
        let mut whole = self.clone();
        if whole.trace.footer.is_none() {
            let broken = whole.violation().is_some();
            whole.end(if broken { Outcome::Broken } else { Outcome::Done }, None, None);
        }
        let owned = |&(path, text): &(&str, &str)| (path.to_string(), text.to_string());
        whole.trace.header.sources = SOURCES.iter().map(owned).collect();
        whole.trace
    }

    /// Writes the whole trace to a file, and makes the folders above it.
    ///
    /// # Errors
    /// The error of the file system.
    pub fn write_to(&self, path: &Path) -> std::io::Result<()> {
        self.trace().write_to(path)
    }

    /// Copies the footer of another trace, for a replay, which cannot know the result of a test.
    pub(crate) fn end_as(&mut self, footer: Option<&Footer>) {
        self.trace.footer = footer.cloned();
    }
}

/// Returns the message of a panic.
pub fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without a message".to_string())
}
