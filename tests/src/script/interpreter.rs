//! The interpreter: runs a script command by command, and returns the output of each.
//!
//! ```text
//!   Directive --> Command --> inputs --> Recorder --> TraceSteps --> CommandOutput
//! ```
//!
//! It takes one command at a time, so a file and a prompt can both use it. It always ends: the number of
//! steps and the number of messages in flight are limited.

use crate::cluster::{Cluster, Setup};
use crate::input::{Input, Step};
use crate::script::ScriptError;
use crate::script::command::{Command, MessageFilter, TickCount, Verbosity};
use crate::script::display::{messages, state};
use crate::script::grammar::{Directive, Script};
use crate::script::output::{CommandOutput, OutputPart};
use crate::script::unparse;
use crate::trace::{Recorder, ReplayError};
use raft::{Message, NodeId};

/// The most steps that one script may take.
pub const STEPS_MAX: usize = 200_000;

/// The most messages that may be in flight.
pub const FLIGHTS_MAX: usize = 5_000;

/// Runs a script.
#[derive(Clone, Debug)]
pub struct Interpreter {
    name: String,
    title: String,
    intro: String,
    run: Option<Recorder>,
    verbosity: Verbosity,
    /// The number of steps that earlier outputs show.
    told: usize,
}

impl Script {
    /// Runs every command. Returns the cluster that `add-nodes` made, and the inputs that the others became.
    ///
    /// # Errors
    /// As [`Interpreter::play`]; and if there is no `add-nodes`.
    ///
    /// # Panics
    /// If a node panics.
    pub fn inputs(&self) -> Result<(Setup, Vec<Input>), ScriptError> {
        let (interpreter, _) = Interpreter::play_all(self)?;
        let setup = self.directives.iter().find_map(|directive| {
            let Ok(Command::AddNodes(setup)) = Command::parse(&self.name, directive) else {
                return None;
            };
            Some(setup)
        });
        let (Some(setup), Some(run)) = (setup, interpreter.run()) else {
            let what = NO_CLUSTER.to_string();
            return Err(ScriptError { name: self.name.clone(), line: None, what });
        };
        Ok((setup, run.steps().iter().map(|step| step.input.clone()).collect()))
    }
}

/// Which headlines a command prints.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Headlines {
    /// The headline of every step.
    All,
    /// None, because the command itself says what happens.
    None,
    /// The number of the tick. Ticks that lead to nothing are not printed.
    Ticks,
}

impl Interpreter {
    /// Prepares to run a script, or commands that are typed at a prompt.
    pub fn new(script: &Script) -> Self {
        Interpreter {
            name: script.name.clone(),
            title: script.title.clone(),
            intro: script.intro.clone(),
            run: None,
            verbosity: Verbosity::Normal,
            told: 0,
        }
    }

    /// Runs every command of a script.
    ///
    /// # Errors
    /// As [`Interpreter::play`].
    pub fn play_all(script: &Script) -> Result<(Interpreter, Vec<CommandOutput>), ScriptError> {
        let mut interpreter = Interpreter::new(script);
        let outputs = script.directives.iter().map(|directive| interpreter.play(directive));
        let outputs = outputs.collect::<Result<_, _>>()?;
        Ok((interpreter, outputs))
    }

    /// Runs one command.
    ///
    /// # Errors
    /// [`ScriptError`] names the line and what was expected. If a node refuses something, that is not an
    /// error: the output tells it.
    ///
    /// # Panics
    /// If a node panics, as [`Recorder::apply`].
    pub fn play(&mut self, directive: &Directive) -> Result<CommandOutput, ScriptError> {
        let command = Command::parse(&self.name, directive)?;
        if let Some(run) = &mut self.run {
            run.at(directive.line as u64, &directive.text);
            if let Some(caption) = &directive.caption {
                run.caption(caption);
            }
        }
        let mut parts = self.act(command).map_err(|what| ScriptError {
            name: self.name.clone(),
            line: Some(directive.line),
            what,
        })?;
        self.told = self.run.as_ref().map_or(0, |run| run.steps().len());
        if self.verbosity == Verbosity::Silent {
            parts.clear();
        }
        let Directive { line, caption, text, .. } = directive.clone();
        Ok(CommandOutput { line, caption, command: text, parts })
    }

    /// Returns the run, or `None` before `add-nodes`.
    pub fn run(&self) -> Option<&Recorder> {
        self.run.as_ref()
    }

    /// Returns the interpreter as it was after this many steps, or after the whole run if it has fewer.
    ///
    /// # Errors
    /// As [`replay()`](crate::trace::replay()); it does not happen with the code that made the run.
    pub fn after(&self, steps: usize) -> Result<Interpreter, ReplayError> {
        let run = self.run.as_ref().map(|run| run.after(steps)).transpose()?;
        Ok(Interpreter { run, told: steps, ..self.clone_without_run() })
    }

    /// Returns an interpreter that continues this run.
    pub fn of(run: Recorder) -> Interpreter {
        let header = run.header();
        let (title, intro) = (header.title.clone(), header.intro.clone());
        let name = header.script.clone().unwrap_or_default();
        let told = run.steps().len();
        Interpreter { name, title, intro, run: Some(run), verbosity: Verbosity::Normal, told }
    }

    /// Returns the command for the next waiting action ([`Cluster::next_in_order`]). `None` if nothing is
    /// left to do, or if no command can express it.
    pub fn next_command(&self) -> Option<String> {
        let run = self.run.as_ref()?;
        unparse::command(&run.cluster().next_in_order(&[])?, run.cluster())
    }

    fn clone_without_run(&self) -> Interpreter {
        let Interpreter { name, title, intro, verbosity, told, .. } = self;
        let (name, title, intro) = (name.clone(), title.clone(), intro.clone());
        Interpreter { name, title, intro, run: None, verbosity: *verbosity, told: *told }
    }

    /// Returns the output of a command that a panic of a node has ended. Its last part is the input during
    /// which the node panicked.
    pub fn unfinished(&self) -> Vec<OutputPart> {
        let steps = self.run.iter().flat_map(Recorder::steps).skip(self.told);
        let told =
            steps.filter(|recorded| !recorded.facts.is_empty()).map(|recorded| OutputPart::Step {
                headline: Some(recorded.headline.clone()),
                step: Box::new(recorded.clone()),
            });
        let unanswered = self.run.iter().filter_map(Recorder::unanswered);
        told.chain(unanswered.map(|it| OutputPart::Text(it.headline.clone()))).collect()
    }

    fn act(&mut self, command: Command) -> Result<Vec<OutputPart>, String> {
        match command {
            Command::AddNodes(setup) => {
                if self.run.is_some() {
                    return Err("the cluster exists already; a script makes only one".to_string());
                }
                let run = Recorder::new(setup).titled(&self.title, &self.intro);
                self.run = Some(run.of_script(&self.name));
                Ok(shown(state(self.cluster()?, &[])))
            }
            Command::Note(text) => {
                if let Some(run) = &mut self.run {
                    run.caption(text);
                }
                Ok(Vec::new())
            }
            Command::SetVerbosity(verbosity) => {
                self.verbosity = verbosity;
                Ok(Vec::new())
            }
            Command::State(ids) => {
                self.know(&ids)?;
                Ok(shown(state(self.cluster()?, &ids)))
            }
            Command::Messages => Ok(shown(messages(self.cluster()?))),
            Command::Tick { ids, ticks } => self.tick(&ids, ticks),
            Command::Stabilize(ids) => self.stabilize(&ids),
            Command::Deliver { picked, lost } => {
                // Select before any message arrives: the answers to these messages are not among them.
                let (arriving, dropped) = (self.pick(picked.as_ref())?, self.pick(lost.as_ref())?);
                let mut inputs: Vec<_> = arriving.into_iter().map(Input::Deliver).collect();
                inputs.extend(dropped.into_iter().map(Input::Drop));
                self.move_messages(inputs)
            }
            Command::Drop(pick) => {
                let picked = self.pick(Some(&pick))?;
                self.move_messages(picked.into_iter().map(Input::Drop).collect())
            }
            Command::Duplicate(pick) => {
                let picked = self.pick(Some(&pick))?;
                self.move_messages(picked.into_iter().map(Input::Duplicate).collect())
            }
            Command::Cut(links) => {
                self.know_links(&links)?;
                let cut = |(from, to)| Input::Cut { from, to };
                self.steps(links.into_iter().map(cut).collect(), Headlines::None)
            }
            Command::Mend(links) => {
                self.know_links(&links)?;
                let mend = |(from, to)| Input::Mend { from, to };
                self.steps(links.into_iter().map(mend).collect(), Headlines::None)
            }
            Command::Ready(ids) => self.each(ids, Input::Ready),
            Command::Persist(ids) => self.each(ids, Input::Persist),
            Command::Apply(ids) => self.each(ids, Input::Apply),
            Command::Crash(ids) => self.each(ids, Input::Crash),
            Command::Restart(ids) => self.each(ids, Input::Restart),
            Command::Campaign(_) | Command::Propose { .. } | Command::Ask { .. } => {
                self.one(&command)
            }
            Command::Read { .. } | Command::Post(_) | Command::Partition(_) => self.one(&command),
            Command::Heal | Command::FailRead { .. } | Command::Pin { .. } => self.one(&command),
        }
    }

    /// Runs a command that is one input.
    fn one(&mut self, command: &Command) -> Result<Vec<OutputPart>, String> {
        let input = command.input().expect("these commands are one input");
        self.know(&input.nodes())?;
        self.steps(vec![input], Headlines::None)
    }

    fn each(
        &mut self,
        ids: Vec<NodeId>,
        input: fn(NodeId) -> Input,
    ) -> Result<Vec<OutputPart>, String> {
        self.know(&ids)?;
        self.steps(ids.into_iter().map(input).collect(), Headlines::All)
    }

    fn tick(&mut self, ids: &[NodeId], ticks: TickCount) -> Result<Vec<OutputPart>, String> {
        self.know(ids)?;
        let mut inputs = Vec::new();
        let cluster = self.cluster()?;
        let whose: Vec<_> = match ids {
            [] => cluster.ids().filter(|&id| cluster.node(id).is_some()).collect(),
            ids => ids.to_vec(),
        };
        let config = whose.first().and_then(|&id| cluster.config(id));
        let ticks = match (ticks, config) {
            (TickCount::Ticks(ticks), _) => ticks,
            (TickCount::Election, Some(config)) => config.election_ticks,
            (TickCount::Heartbeat, Some(config)) => config.heartbeat_ticks,
            (TickCount::Election | TickCount::Heartbeat, None) => {
                return Err("no node ticks".to_string());
            }
        };
        if ticks.saturating_mul(whose.len() as u64) > STEPS_MAX as u64 {
            return Err(format!(
                "{ticks} ticks for each node are more than {STEPS_MAX} steps, the most a script may take"
            ));
        }
        for _ in 0..ticks {
            inputs.extend(whose.iter().copied().map(Input::Tick));
        }
        let one = inputs.len() == 1;
        self.steps(inputs, if one { Headlines::None } else { Headlines::Ticks })
    }

    fn stabilize(&mut self, ids: &[NodeId]) -> Result<Vec<OutputPart>, String> {
        self.know(ids)?;
        let mut parts = Vec::new();
        while let Some(input) = self.cluster()?.next_in_order(ids) {
            if self.step(&input, Headlines::All, &mut parts)?.violation.is_some() {
                break;
            }
        }
        Ok(parts)
    }

    /// Returns the selected messages in flight, by receiver in the given order, oldest first.
    fn pick(&self, pick: Option<&MessageFilter>) -> Result<Vec<Message>, String> {
        let Some(pick) = pick else { return Ok(Vec::new()) };
        self.know(&pick.to)?;
        let flights = self.cluster()?.network().flights().iter().map(|flight| &flight.message);
        let mut picked: Vec<_> = flights.filter(|message| pick.matches(message)).cloned().collect();
        picked.sort_by_key(|message| pick.to.iter().position(|&id| id == message.to));
        if let Some(nth) = pick.nth {
            let place = usize::try_from(nth - 1).unwrap_or(usize::MAX);
            picked = picked.into_iter().skip(place).take(1).collect();
        }
        Ok(picked)
    }

    fn move_messages(&mut self, inputs: Vec<Input>) -> Result<Vec<OutputPart>, String> {
        if inputs.is_empty() {
            return Ok(shown(vec!["no messages".to_string()]));
        }
        self.steps(inputs, Headlines::All)
    }

    fn steps(
        &mut self,
        inputs: Vec<Input>,
        headlines: Headlines,
    ) -> Result<Vec<OutputPart>, String> {
        let mut parts = Vec::new();
        for input in inputs {
            self.step(&input, headlines, &mut parts)?;
        }
        Ok(parts)
    }

    /// Applies one input, and adds its step to the output.
    fn step(
        &mut self,
        input: &Input,
        headlines: Headlines,
        parts: &mut Vec<OutputPart>,
    ) -> Result<Step, String> {
        let before = self.told;
        let run = self.run.as_mut().ok_or(NO_CLUSTER)?;
        let step = run.apply(input);
        if run.steps().len() >= STEPS_MAX {
            return Err(format!("the script takes more than {STEPS_MAX} steps"));
        }
        if run.cluster().network().flights().len() > FLIGHTS_MAX {
            return Err(format!(
                "more than {FLIGHTS_MAX} messages are in flight; deliver or drop some"
            ));
        }
        let Some(recorded) = run.steps().last().cloned() else { return Ok(step) };
        let headline = match headlines {
            Headlines::All => Some(recorded.headline.clone()),
            Headlines::None => None,
            Headlines::Ticks => {
                let same = |other: &&crate::trace::TraceStep| other.input == recorded.input;
                let tick = run.steps()[before..].iter().filter(same).count();
                step.node.map(|id| format!("> tick {tick} of {id}"))
            }
        };
        if !(recorded.facts.is_empty() && headlines == Headlines::Ticks) {
            parts.push(OutputPart::Step { headline, step: Box::new(recorded) });
        }
        Ok(step)
    }

    fn cluster(&self) -> Result<&Cluster, String> {
        Ok(self.run.as_ref().ok_or(NO_CLUSTER)?.cluster())
    }

    fn know(&self, ids: &[NodeId]) -> Result<(), String> {
        let cluster = self.cluster()?;
        match ids.iter().find(|&&id| cluster.disk(id).is_none()) {
            None => Ok(()),
            Some(stranger) => {
                let last = cluster.ids().last().map_or(String::new(), |id| id.to_string());
                Err(format!("{stranger} is not in this cluster of n1 to {last}"))
            }
        }
    }

    fn know_links(&self, links: &[(NodeId, NodeId)]) -> Result<(), String> {
        links.iter().try_for_each(|&(from, to)| self.know(&[from, to]))
    }
}

const NO_CLUSTER: &str = "there are no nodes yet: begin with add-nodes";

fn shown(lines: Vec<String>) -> Vec<OutputPart> {
    lines.into_iter().map(OutputPart::Text).collect()
}
