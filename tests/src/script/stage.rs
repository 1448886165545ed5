//! A script being played: commands in, scenes out.
//!
//! ```text
//!   Directive --> Command --> inputs --> Recorder --> Moments --> Scene
//! ```
//!
//! It takes one command at a time, so a file and a prompt can share it. It never runs away: a script
//! has a limit of steps and of messages under way.

use crate::cluster::Cluster;
use crate::input::{Input, Step};
use crate::script::ScriptError;
use crate::script::command::{Command, Pick, Voice, Wait};
use crate::script::display::{messages, state};
use crate::script::grammar::{Directive, Script};
use crate::script::phrase;
use crate::script::scene::{Beat, Scene};
use crate::trace::{Recorder, ReplayError};
use raft::{Message, NodeId};

/// The most steps one script may take.
pub const STEPS_MAX: usize = 200_000;

/// The most messages that may be under way.
pub const FLIGHTS_MAX: usize = 5_000;

/// A script being played.
#[derive(Clone, Debug)]
pub struct Stage {
    name: String,
    title: String,
    intro: String,
    run: Option<Recorder>,
    voice: Voice,
    /// How many steps were told by the scenes so far.
    told: usize,
}

/// Which headlines a command shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Headlines {
    /// Every step's.
    All,
    /// None: the command says it.
    None,
    /// The number of the tick, and silent ticks not at all.
    Ticks,
}

impl Stage {
    /// Prepares to play a script, or commands that somebody types under this name.
    pub fn new(script: &Script) -> Self {
        Stage {
            name: script.name.clone(),
            title: script.title.clone(),
            intro: script.intro.clone(),
            run: None,
            voice: Voice::Aloud,
            told: 0,
        }
    }

    /// Plays every command of a script.
    ///
    /// # Errors
    /// As [`Stage::play`].
    pub fn play_all(script: &Script) -> Result<(Stage, Vec<Scene>), ScriptError> {
        let mut stage = Stage::new(script);
        let scenes = script.directives.iter().map(|directive| stage.play(directive));
        let scenes = scenes.collect::<Result<_, _>>()?;
        Ok((stage, scenes))
    }

    /// Plays one command.
    ///
    /// # Errors
    /// [`ScriptError`] names the line and what was expected. What a node refuses is no error: it is
    /// told in the scene.
    ///
    /// # Panics
    /// As the nodes do, if they do: [`Recorder::apply`].
    pub fn play(&mut self, directive: &Directive) -> Result<Scene, ScriptError> {
        let command = Command::parse(&self.name, directive)?;
        if let Some(run) = &mut self.run {
            run.at(directive.line as u64, &directive.text);
            if let Some(caption) = &directive.caption {
                run.caption(caption);
            }
        }
        let mut beats = self.act(command).map_err(|what| ScriptError {
            name: self.name.clone(),
            line: Some(directive.line),
            what,
        })?;
        self.told = self.run.as_ref().map_or(0, |run| run.moments().len());
        if self.voice == Voice::Muted {
            beats.clear();
        }
        let Directive { line, caption, text, .. } = directive.clone();
        Ok(Scene { line, caption, command: text, beats })
    }

    /// Lends the run, once there is a cluster.
    pub fn run(&self) -> Option<&Recorder> {
        self.run.as_ref()
    }

    /// Returns the stage as it was after so many steps; the whole run, if it has no more.
    ///
    /// # Errors
    /// As [`replay()`](crate::trace::replay()), though what was played once can be played again.
    pub fn after(&self, steps: usize) -> Result<Stage, ReplayError> {
        let run = self.run.as_ref().map(|run| run.after(steps)).transpose()?;
        Ok(Stage { run, told: steps, ..self.clone_without_run() })
    }

    /// Returns a stage on which this run was played.
    pub fn of(run: Recorder) -> Stage {
        let header = run.header();
        let (title, intro) = (header.title.clone(), header.intro.clone());
        let name = header.script.clone().unwrap_or_default();
        let told = run.moments().len();
        Stage { name, title, intro, run: Some(run), voice: Voice::Aloud, told }
    }

    /// Returns the command that lets a patient network and patient disks do the next thing; none if
    /// there is nothing left to do, or no words for it.
    pub fn next_command(&self) -> Option<String> {
        let run = self.run.as_ref()?;
        phrase::command(&run.cluster().next_in_order(&[])?, run.cluster())
    }

    fn clone_without_run(&self) -> Stage {
        let Stage { name, title, intro, voice, told, .. } = self;
        let (name, title, intro) = (name.clone(), title.clone(), intro.clone());
        Stage { name, title, intro, run: None, voice: *voice, told: *told }
    }

    /// Returns what a command led to that was not played to its end, because a node panicked; last,
    /// what the node did not come back from.
    pub fn unfinished(&self) -> Vec<Beat> {
        let moments = self.run.iter().flat_map(Recorder::moments).skip(self.told);
        let told = moments.filter(|moment| !moment.facts.is_empty()).map(|moment| Beat::Step {
            headline: Some(moment.headline.clone()),
            moment: Box::new(moment.clone()),
        });
        let unanswered = self.run.iter().filter_map(Recorder::unanswered);
        told.chain(unanswered.map(|it| Beat::Shown(it.headline.clone()))).collect()
    }

    fn act(&mut self, command: Command) -> Result<Vec<Beat>, String> {
        match command {
            Command::AddNodes(setup) => {
                if self.run.is_some() {
                    return Err("the cluster is made already; a script makes one".to_string());
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
            Command::Speak(voice) => {
                self.voice = voice;
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
                // Chosen before any arrives: an answer does not arrive with its question.
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
            Command::Campaign(id) => {
                self.know(&[id])?;
                self.steps(vec![Input::Campaign(id)], Headlines::None)
            }
            Command::Propose { id, data } => {
                self.know(&[id])?;
                self.steps(vec![Input::Propose { node: id, data }], Headlines::None)
            }
            Command::Post(message) => {
                self.know(&[message.to])?;
                self.steps(vec![Input::Post(message)], Headlines::None)
            }
            Command::Partition(groups) => {
                self.know(&groups.concat())?;
                self.steps(vec![Input::Partition(groups)], Headlines::None)
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
            Command::Heal => self.steps(vec![Input::Heal], Headlines::None),
            Command::FailRead { id, after } => {
                self.know(&[id])?;
                self.steps(vec![Input::FailRead { node: id, after }], Headlines::None)
            }
            Command::Pin { id, ticks } => {
                self.know(&[id])?;
                self.steps(vec![Input::PinLimit { node: id, ticks }], Headlines::None)
            }
            Command::Ready(ids) => self.each(ids, Input::Ready),
            Command::Persist(ids) => self.each(ids, Input::Persist),
            Command::Apply(ids) => self.each(ids, Input::Apply),
            Command::Crash(ids) => self.each(ids, Input::Crash),
            Command::Restart(ids) => self.each(ids, Input::Restart),
        }
    }

    fn each(&mut self, ids: Vec<NodeId>, input: fn(NodeId) -> Input) -> Result<Vec<Beat>, String> {
        self.know(&ids)?;
        self.steps(ids.into_iter().map(input).collect(), Headlines::All)
    }

    fn tick(&mut self, ids: &[NodeId], ticks: Wait) -> Result<Vec<Beat>, String> {
        self.know(ids)?;
        let mut inputs = Vec::new();
        let cluster = self.cluster()?;
        let whose: Vec<_> = match ids {
            [] => cluster.ids().filter(|&id| cluster.node(id).is_some()).collect(),
            ids => ids.to_vec(),
        };
        let config = whose.first().and_then(|&id| cluster.config(id));
        let ticks = match (ticks, config) {
            (Wait::Ticks(ticks), _) => ticks,
            (Wait::Election, Some(config)) => config.election_ticks,
            (Wait::Heartbeat, Some(config)) => config.heartbeat_ticks,
            (Wait::Election | Wait::Heartbeat, None) => return Err("no node ticks".to_string()),
        };
        if ticks.saturating_mul(whose.len() as u64) > STEPS_MAX as u64 {
            return Err(format!("{ticks} ticks are more steps than a script may take"));
        }
        for _ in 0..ticks {
            inputs.extend(whose.iter().copied().map(Input::Tick));
        }
        let one = inputs.len() == 1;
        self.steps(inputs, if one { Headlines::None } else { Headlines::Ticks })
    }

    fn stabilize(&mut self, ids: &[NodeId]) -> Result<Vec<Beat>, String> {
        self.know(ids)?;
        let mut beats = Vec::new();
        while let Some(input) = self.cluster()?.next_in_order(ids) {
            if self.step(&input, Headlines::All, &mut beats)?.violation.is_some() {
                break;
            }
        }
        Ok(beats)
    }

    /// Returns the picked messages that are under way: by receiver in the order asked for, oldest
    /// first.
    fn pick(&self, pick: Option<&Pick>) -> Result<Vec<Message>, String> {
        let Some(pick) = pick else { return Ok(Vec::new()) };
        self.know(&pick.to)?;
        let flights = self.cluster()?.network().flights().iter().map(|flight| &flight.message);
        let mut picked: Vec<_> = flights.filter(|message| pick.takes(message)).cloned().collect();
        picked.sort_by_key(|message| pick.to.iter().position(|&id| id == message.to));
        if let Some(nth) = pick.nth {
            let place = usize::try_from(nth - 1).unwrap_or(usize::MAX);
            picked = picked.into_iter().skip(place).take(1).collect();
        }
        Ok(picked)
    }

    fn move_messages(&mut self, inputs: Vec<Input>) -> Result<Vec<Beat>, String> {
        if inputs.is_empty() {
            return Ok(shown(vec!["no messages".to_string()]));
        }
        self.steps(inputs, Headlines::All)
    }

    fn steps(&mut self, inputs: Vec<Input>, headlines: Headlines) -> Result<Vec<Beat>, String> {
        let mut beats = Vec::new();
        for input in inputs {
            self.step(&input, headlines, &mut beats)?;
        }
        Ok(beats)
    }

    /// Lets one thing happen, and adds it to what is to be told.
    fn step(
        &mut self,
        input: &Input,
        headlines: Headlines,
        beats: &mut Vec<Beat>,
    ) -> Result<Step, String> {
        let before = self.told;
        let run = self.run.as_mut().ok_or(NO_CLUSTER)?;
        let step = run.apply(input);
        if run.moments().len() >= STEPS_MAX {
            return Err(format!("the script takes more than {STEPS_MAX} steps"));
        }
        if run.cluster().network().flights().len() > FLIGHTS_MAX {
            return Err(format!(
                "more than {FLIGHTS_MAX} messages are under way; deliver or drop some"
            ));
        }
        let Some(moment) = run.moments().last().cloned() else { return Ok(step) };
        let headline = match headlines {
            Headlines::All => Some(moment.headline.clone()),
            Headlines::None => None,
            Headlines::Ticks => {
                let same = |other: &&crate::trace::Moment| other.input == moment.input;
                let tick = run.moments()[before..].iter().filter(same).count();
                step.node.map(|id| format!("> tick {tick} of {id}"))
            }
        };
        if !(moment.facts.is_empty() && headlines == Headlines::Ticks) {
            beats.push(Beat::Step { headline, moment: Box::new(moment) });
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

fn shown(lines: Vec<String>) -> Vec<Beat> {
    lines.into_iter().map(Beat::Shown).collect()
}
