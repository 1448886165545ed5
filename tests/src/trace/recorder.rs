//! A run that is being written down.
//!
//! ```text
//!   input --> Recorder --> Cluster::apply --> Step --> whoever asked
//!                |                          |
//!                '<---- one more Moment ----'        write_to(path) at the end
//! ```
//!
//! Scripts, simulations and lab tests all drive their cluster through this. It writes nothing to disk
//! before it is told to, so a recorder that outlives a panic still has the run that led to it.
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
//! assert!(run.trace().to_json_lines().starts_with(r#"{"trace":"raft-steps","version":1"#));
//! ```

use crate::cluster::{Cluster, Setup};
use crate::input::{Fate, Input, Step};
use crate::trace::birth::Birth;
use crate::trace::cause::Cause;
use crate::trace::event::{Happening, RulePlace};
use crate::trace::page::{
    Broken, Ending, FORMAT, Gone, Header, Moment, Outcome, Trace, Unanswered, VERSION,
};
use crate::trace::replay::ReplayError;
use crate::trace::state::{NodeState, difference};
use crate::trace::telling;
use raft::{Note, sources::SOURCES};
use serde_json::Value;
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

/// A cluster whose every step is written down.
#[derive(Clone, Debug)]
pub struct Recorder {
    cluster: Cluster,
    /// Without the sources, which are added when somebody asks for the trace.
    trace: Trace,
    states: BTreeMap<u64, NodeState>,
    /// What is to be said of the next step.
    next: Margin,
}

/// What an author writes beside a step.
#[derive(Clone, Debug, Default)]
struct Margin {
    script_line: Option<u64>,
    command: Option<String>,
    caption: Option<String>,
}

// Being made.

impl Recorder {
    /// Starts every node of the setup, and listens.
    ///
    /// # Panics
    /// As [`Cluster::new`].
    pub fn new(setup: Setup) -> Self {
        let births = setup.nodes.iter();
        let config = births.map(|(config, disk)| (config.id.0, Birth::new(config, disk))).collect();
        let (disks, door) = (setup.disks.into(), setup.door.into());
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
            door,
            config,
            sources: BTreeMap::new(),
            rules: BTreeMap::new(),
            state: states.iter().map(|(&id, state)| (id, state.to_value())).collect(),
        };
        let trace = Trace { header, moments: Vec::new(), ending: None };
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

    /// Says what the run is called and what it shows.
    pub fn titled(mut self, title: impl Into<String>, intro: impl Into<String>) -> Self {
        self.trace.header.title = title.into();
        self.trace.header.intro = intro.into();
        self
    }

    /// Says which script is played.
    pub fn of_script(mut self, script: impl Into<String>) -> Self {
        self.trace.header.script = Some(script.into());
        self
    }

    /// Says which number the run is made from.
    pub fn of_seed(mut self, seed: u64) -> Self {
        self.trace.header.seed = Some(seed);
        self
    }
}

// Being driven.

impl Recorder {
    /// Says where in the script the next step stands.
    pub fn at(&mut self, script_line: u64, command: impl Into<String>) {
        self.next.script_line = Some(script_line);
        self.next.command = Some(command.into());
    }

    /// Says something to the reader before the next step, below what was said already.
    pub fn caption(&mut self, text: impl Into<String>) {
        let said = self.next.caption.take().map(|said| said + "\n");
        self.next.caption = Some(said.unwrap_or_default() + &text.into());
    }

    /// Lets one thing happen, and writes it down.
    ///
    /// # Panics
    /// As the node does, if it does. The panic goes on to the caller; the trace says that the run
    /// ended there.
    pub fn apply(&mut self, input: &Input) -> Step {
        let cause = Cause::new(input, self.cluster.network());
        match catch_unwind(AssertUnwindSafe(|| self.cluster.apply(input))) {
            Ok(step) => {
                self.write_down(cause, &step);
                step
            }
            Err(panic) => {
                let text = words_of(panic.as_ref());
                let headline = telling::announcement(input, &self.cluster);
                self.end(Outcome::Crashed, Some(text), Some(Unanswered { input: cause, headline }));
                resume_unwind(panic)
            }
        }
    }

    /// As [`Cluster::stabilize`]: lets everything happen that waits, until nothing is left to do or an
    /// invariant breaks. Returns the steps it took.
    ///
    /// # Panics
    /// As [`Recorder::apply`]; and after 100,000 steps: the nodes never fall silent.
    pub fn stabilize(&mut self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        while let Some(input) = self.cluster.next_in_order(&[]) {
            steps.push(self.apply(&input));
            if steps.last().is_some_and(|step| step.violation.is_some()) {
                break;
            }
            assert!(steps.len() < 100_000, "100,000 steps, and the nodes still have things to say");
        }
        steps
    }

    /// Says that a test found something wrong.
    pub fn fail(&mut self, what: impl Into<String>) {
        self.end(Outcome::Failed, Some(what.into()), None);
    }

    /// Says of the next step what was said of another one: for a replay.
    pub(crate) fn stand_at(&mut self, moment: &Moment) {
        self.next = Margin {
            script_line: moment.script_line,
            command: moment.command.clone(),
            caption: moment.caption.clone(),
        };
    }

    fn write_down(&mut self, cause: Cause, step: &Step) {
        let before = step.node.and_then(|id| self.states.get(&id.0));
        let mut moment = Moment {
            step: step.number,
            clock: step.clock,
            input: cause,
            script_line: self.next.script_line,
            command: self.next.command.take(),
            caption: self.next.caption.take(),
            node: step.node.map(|id| id.0),
            headline: telling::headline(step, &self.cluster),
            facts: telling::facts(step, before, &self.cluster),
            events: Vec::new(),
            sent: step.sent.iter().map(Into::into).collect(),
            gone: step.gone.iter().map(|(flight, fate)| gone(flight.id, *fate)).collect(),
            refused: step.refused.clone(),
            set: BTreeMap::new(),
            violation: step.violation.as_ref().map(|broken| Broken::new(step.number, broken)),
        };
        if let Some(id) = step.node {
            let noted = |note: &Note| Happening::new(id, note);
            moment.events = step.notes.iter().map(noted).collect();
            for (happening, note) in moment.events.iter().zip(&step.notes) {
                let rules = &mut self.trace.header.rules;
                rules.entry(happening.rule.clone()).or_insert_with(|| RulePlace::of(&note.event));
            }
            if let Some(after) = NodeState::of(&self.cluster, id) {
                let was = before.map(NodeState::to_value).unwrap_or_default();
                moment.set.extend(difference(&was, &after.to_value()).map(|patch| (id.0, patch)));
                self.states.insert(id.0, after);
            }
        }
        self.trace.moments.push(moment);
    }

    fn end(&mut self, outcome: Outcome, text: Option<String>, unanswered: Option<Unanswered>) {
        let steps = self.trace.moments.len() as u64;
        let violation = self.violation().cloned();
        self.trace.ending = Some(Ending { end: true, steps, outcome, violation, text, unanswered });
    }
}

// Being looked at.

impl Recorder {
    /// Lends the cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Lends what was written down so far.
    pub fn moments(&self) -> &[Moment] {
        &self.trace.moments
    }

    /// Lends where the rules that decided something so far are stated.
    pub fn rules(&self) -> &BTreeMap<String, RulePlace> {
        &self.trace.header.rules
    }

    /// Returns the first invariant that broke.
    pub fn violation(&self) -> Option<&Broken> {
        self.trace.moments.iter().find_map(|moment| moment.violation.as_ref())
    }

    /// Returns the input that a node did not come back from, if it panicked.
    pub fn unanswered(&self) -> Option<&Unanswered> {
        self.trace.ending.as_ref()?.unanswered.as_ref()
    }

    /// Lends what the trace begins with, without the sources.
    pub fn header(&self) -> &Header {
        &self.trace.header
    }

    /// Returns the run as it was after so many steps; the whole of it, if it has no more.
    ///
    /// # Errors
    /// As [`replay()`](crate::trace::replay()).
    pub fn after(&self, steps: usize) -> Result<Recorder, ReplayError> {
        let moments = self.trace.moments.iter().take(steps).cloned().collect();
        let header = self.trace.header.clone();
        crate::trace::replay(&Trace { header, moments, ending: None })
    }

    /// Returns every node's state after so many steps, as a trace writes it.
    pub fn states_after(&self, steps: usize) -> BTreeMap<u64, Value> {
        self.trace.states().nth(steps).unwrap_or_default()
    }

    /// Returns the whole trace: with the sources of this very build, and with an ending.
    pub fn trace(&self) -> Trace {
        let mut whole = self.clone();
        if whole.trace.ending.is_none() {
            let broken = whole.violation().is_some();
            whole.end(if broken { Outcome::Broken } else { Outcome::Done }, None, None);
        }
        let owned = |&(path, text): &(&str, &str)| (path.to_string(), text.to_string());
        whole.trace.header.sources = SOURCES.iter().map(owned).collect();
        whole.trace
    }

    /// Writes the whole trace to a file, and the folders it lies in.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_to(&self, path: &Path) -> std::io::Result<()> {
        self.trace().write_to(path)
    }

    /// Ends the trace as another one ended: for a replay, which cannot know what a test thought.
    pub(crate) fn end_as(&mut self, ending: Option<&Ending>) {
        self.trace.ending = ending.cloned();
    }
}

fn gone(id: u64, fate: Fate) -> Gone {
    let why = match fate {
        Fate::Delivered => "delivered",
        Fate::Duplicated => "duplicated",
        Fate::Dropped => "dropped",
        Fate::LinkCut => "link_cut",
        Fate::ReceiverDown => "receiver_down",
    };
    Gone { id, why: why.to_string() }
}

/// Returns what a panic said.
pub fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".to_string())
}
