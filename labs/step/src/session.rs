//! A run, and the current step in it: commands make the run longer, and one may go back.
//!
//! ```text
//!   tape    add-nodes 3   campaign 1   stabilize                      the commands
//!   steps                 1            2 3 4 5 6                      what they caused
//!                                          ^ here                     `goto 3`
//!   here: `crash 2`       -->  campaign 1, deliver 2 .., crash 2      the later steps are dropped
//! ```
//!
//! Nothing is undone: to go back is to play the run again up to an earlier step.
//!
//! The session knows clusters only by their [`Interpreter`]: `play`, `run`, `after`, `next_command`, and the
//! steps and states of the run. With every kind of cluster the prompt's words are the
//! same.

use crate::halt::{self, Halt};
use std::collections::BTreeMap;
use std::ops::Range;
use testbed::script::output::OutputPart;
use testbed::script::{CommandOutput, Directive, Interpreter, Script, ScriptError, unparse};
use testbed::trace::{self, Line, Trace, TraceStep};

/// A run, and the current step in it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The name of the commands' source, for errors.
    name: String,
    /// Every command of the run.
    tape: Vec<ToldCommand>,
    /// The whole run.
    whole: Interpreter,
    /// The run up to the current step, if that is not the last.
    here: Option<Interpreter>,
    /// How many steps have been played up to here.
    at: usize,
}

/// One command of a run.
#[derive(Clone, Debug)]
struct ToldCommand {
    caption: Option<String>,
    text: String,
    /// The steps it led to, counted from 0.
    steps: Range<usize>,
}

/// Why a command failed.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// It is not possible: what was expected.
    Wrong(ScriptError),
    /// A node panicked: what the command caused until then, and the panic.
    Halted(Vec<OutputPart>, Halt),
}

impl From<ScriptError> for Trouble {
    fn from(why: ScriptError) -> Self {
        Trouble::Wrong(why)
    }
}

// Constructors.

impl Session {
    /// Begins with an empty run; `name` names the commands' source in errors.
    pub(crate) fn new(name: &str) -> Self {
        let script = Script::parse(name, "").expect("nothing has no mistakes");
        let whole = Interpreter::new(&script);
        Session { name: name.to_string(), tape: Vec::new(), whole, here: None, at: 0 }
    }

    /// Plays a script and goes to its beginning. A node that panics ends the story early; then the
    /// panic is returned with what was played.
    ///
    /// # Errors
    /// What is wrong with the script.
    pub(crate) fn open(script: &Script) -> Result<(Self, Option<Halt>), ScriptError> {
        let mut session = Session { whole: Interpreter::new(script), ..Session::new(&script.name) };
        let mut halt = None;
        for directive in &script.directives {
            match session.play(directive) {
                Ok(_) => {}
                Err(Trouble::Wrong(why)) => return Err(why),
                Err(Trouble::Halted(_, why)) => {
                    halt = Some(why);
                    break;
                }
            }
        }
        session.stand_at_the_beginning();
        Ok((session, halt))
    }

    /// Plays a trace again with the code of this build, and goes to its beginning.
    ///
    /// # Errors
    /// Where the code of this build does something else.
    pub(crate) fn replay(name: &str, trace: &Trace) -> Result<(Self, Option<Halt>), String> {
        let whole = match halt::watch(|| trace::replay(trace)) {
            Ok(run) => Interpreter::of(run.map_err(|why| format!("{name}: {why}"))?),
            Err(halt) => return Ok((Session::new(name), Some(halt))),
        };
        let mut session = Session { whole, ..Session::new(name) };
        let setup = trace.header.setup().ok();
        let made = setup.and_then(|setup| unparse::cluster(&setup));
        let made = made.map(|text| ToldCommand { caption: None, text, steps: 0..0 });
        session.tape = made.into_iter().chain(session.phrased(0..session.len())).collect();
        session.stand_at_the_beginning();
        Ok((session, None))
    }

    fn stand_at_the_beginning(&mut self) {
        if self.len() > 0 {
            self.go(0).expect("what was played once is played again");
        }
    }
}

// Getters.

impl Session {
    /// Returns how many steps the run has.
    pub(crate) fn len(&self) -> usize {
        self.whole.run().map_or(0, |run| run.steps().len())
    }

    /// Returns how many of them have been played up to here.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Returns the whole run's steps.
    pub(crate) fn steps(&self) -> &[TraceStep] {
        self.whole.run().map_or(&[], |run| run.steps())
    }

    /// Returns the current step.
    pub(crate) fn current(&self) -> Option<&TraceStep> {
        self.steps().get(self.at.checked_sub(1)?)
    }

    /// Returns the run up to the current step.
    pub(crate) fn interpreter(&self) -> &Interpreter {
        self.here.as_ref().unwrap_or(&self.whole)
    }

    /// Returns the whole run.
    pub(crate) fn whole(&self) -> &Interpreter {
        &self.whole
    }

    /// Returns every node's state after this many steps, as a trace writes it.
    pub(crate) fn states(&self, steps: usize) -> BTreeMap<u64, serde_json::Value> {
        self.whole.run().map(|run| run.states_after(steps)).unwrap_or_default()
    }

    /// Returns the story of one step, counted from 1: with its caption and its command, if it is
    /// the first of that command. Nothing for a tick without effect.
    pub(crate) fn story(&self, step: usize) -> Vec<Line> {
        let (Some(run), Some(recorded)) =
            (self.whole.run(), step.checked_sub(1).and_then(|at| self.steps().get(at)))
        else {
            return Vec::new();
        };
        recorded.story(run.rules())
    }

    /// Returns the caption and the command that led to a step, counted from 1, if it is the first one
    /// that they led to.
    pub(crate) fn command(&self, step: usize) -> Option<(Option<&str>, &str)> {
        let first = |said: &&ToldCommand| !said.steps.is_empty() && said.steps.start + 1 == step;
        let said = self.tape.iter().find(first)?;
        Some((said.caption.as_deref(), &said.text))
    }

    /// Returns the run up to here as a script with the output of every command.
    ///
    /// # Errors
    /// The run is empty, or a script has no words for a step.
    pub(crate) fn script(&self) -> Result<String, String> {
        let run = self.whole.run().ok_or("there is nothing to save: no nodes were made")?;
        let header = run.header();
        let mut text = String::new();
        let title =
            if header.title.is_empty() { "A run made at the prompt" } else { &header.title };
        for line in std::iter::once(title).chain(header.intro.lines()) {
            text += format!("# {line}").trim_end();
            text.push('\n');
        }
        for said in self.until_here() {
            text.push('\n');
            for line in said.caption.iter().flat_map(|caption| caption.lines()) {
                text += &(format!("# {line}").trim_end().to_string() + "\n");
            }
            text += &(said.text + "\n");
        }
        let script = Script::parse("the run", &text).map_err(|why| why.to_string())?;
        let (again, _) = Interpreter::play_all(&script).map_err(|why| why.to_string())?;
        let again = again.run().map_or(&[][..], |run| run.steps());
        let same = again.iter().zip(self.steps()).take_while(|(one, two)| one.input == two.input);
        let same = same.count();
        if same < self.at || again.len() > self.at {
            let step = same + 1;
            return Err(format!(
                "a script has no words for what step {step} did; a trace has: save it as .jsonl"
            ));
        }
        script.rewritten().map_err(|why| why.to_string())
    }
}

// Moving in time, and on.

impl Session {
    /// Goes to a step; 0 is the beginning.
    ///
    /// # Errors
    /// There is no such step.
    pub(crate) fn go(&mut self, to: usize) -> Result<(), String> {
        let last = self.len();
        if to > last {
            let steps = if last == 1 { "step" } else { "steps" };
            return Err(format!("there is no step {to}: the run has {last} {steps}"));
        }
        self.here = None;
        if to < last {
            let earlier = self.whole.after(to).map_err(|why| why.to_string())?;
            self.here = Some(earlier);
        }
        self.at = to;
        Ok(())
    }

    /// Returns the next step with an effect, or the last one.
    pub(crate) fn following(&self, at: usize) -> usize {
        (at + 1..self.len()).find(|&step| !self.story(step).is_empty()).unwrap_or(self.len())
    }

    /// Returns the previous step with an effect, or the beginning.
    pub(crate) fn preceding(&self, at: usize) -> usize {
        (1..at).rev().find(|&step| !self.story(step).is_empty()).unwrap_or(0)
    }

    /// Reads one command of a script, from this line of the input.
    ///
    /// # Errors
    /// What was expected.
    pub(crate) fn read(&self, line: usize, text: &str) -> Result<Directive, ScriptError> {
        let at = |why| ScriptError { line: Some(line), ..why };
        let mut directive = Directive::parse(&self.name, text).map_err(at)?;
        directive.line = line;
        Ok(directive)
    }

    /// Plays one command here, and drops the later steps. Returns how many steps were dropped.
    ///
    /// # Errors
    /// [`Trouble`]; then the run is as it was.
    pub(crate) fn play(
        &mut self,
        directive: &Directive,
    ) -> Result<(CommandOutput, usize), Trouble> {
        let forgotten = self.len() - self.at;
        let makes_nothing =
            matches!(directive.command.as_str(), "state" | "raft-state" | "messages");
        if forgotten > 0 && makes_nothing {
            // A command that only looks drops no later steps.
            let mut interpreter = self.interpreter().clone();
            return Ok((interpreter.play(directive)?, 0));
        }
        let tape = self.until_here();
        let mut interpreter = match self.here.take() {
            Some(here) => here,
            None => std::mem::replace(&mut self.whole, Session::new("").whole),
        };
        let played = match halt::watch(|| interpreter.play(directive)) {
            Ok(output) => output.map_err(Trouble::Wrong),
            Err(halt) => Err(Trouble::Halted(interpreter.unfinished(), halt)),
        };
        let output = match played {
            Ok(output) => output,
            Err(why) => {
                let before =
                    interpreter.after(self.at).expect("what was played once is played again");
                match forgotten {
                    0 => self.whole = before,
                    _ => self.here = Some(before),
                }
                return Err(why);
            }
        };
        (self.whole, self.tape) = (interpreter, tape);
        let steps = self.at..self.len();
        let (caption, text) = (directive.caption.clone(), directive.text.clone());
        self.tape.push(ToldCommand { caption, text, steps });
        self.at = self.len();
        Ok((output, forgotten))
    }

    /// Returns the commands that lead here. If the last one led further, it is split into single steps.
    fn until_here(&self) -> Vec<ToldCommand> {
        let over = |said: &&ToldCommand| said.steps.end <= self.at;
        let mut tape: Vec<_> = self.tape.iter().take_while(over).cloned().collect();
        if let Some(said) = self.tape.get(tape.len()).filter(|said| said.steps.start < self.at) {
            let mut pieces = self.phrased(said.steps.start..self.at);
            if let Some(first) = pieces.first_mut() {
                first.caption = said.caption.clone();
            }
            tape.extend(pieces);
        }
        tape
    }

    /// Writes steps as commands, one each; consecutive ticks of one node are one command.
    fn phrased(&self, steps: Range<usize>) -> Vec<ToldCommand> {
        let mut tape: Vec<ToldCommand> = Vec::new();
        let Ok(earlier) = self.whole.after(steps.start) else { return tape };
        let Some(mut run) = earlier.run().cloned() else { return tape };
        for step in steps {
            let recorded = &self.steps()[step];
            let Ok(input) = recorded.input.input(run.cluster().network()) else { break };
            let Some(text) = unparse::command(&input, run.cluster()) else { break };
            run.apply(&input);
            tape.push(ToldCommand {
                caption: recorded.caption.clone(),
                text,
                steps: step..step + 1,
            });
        }
        tape
    }
}
