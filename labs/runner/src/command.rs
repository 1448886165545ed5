//! What can be typed in a workspace, and what of it the desk answers.

use crate::card::Cards;
use crate::choice::Choice;
use crate::handout::Language;
use crate::place::CourseFolder;
use crate::progress::Progress;
use crate::replay::{Replay, Trace};
use crate::trial::{Ending, TestRequest};
use clap::{Args, Subcommand};
use std::ffi::OsString;

/// Commands that need nothing but the workspace.
#[derive(Clone, PartialEq, Eq, Debug, Subcommand)]
pub enum Command {
    /// Test the current step (or a lab, a step, a test)
    ///
    /// `+` holds, `o` is not written yet, `x` is wrong: the first card is shown in full.
    /// The steps below the current one are tested along and shown if they no longer hold.
    #[command(verbatim_doc_comment)]
    Test(TestArgs),
    /// Test again whenever a file is saved; h hint, n next card, o its page, r run, q quit
    Watch(TestArgs),
    /// Say a little more each time: a question, a pointer, pseudo-code
    Hint {
        /// A function, test or step you are stuck at; what the last run showed first if left out
        about: Option<String>,
    },
    /// Print the hand-out of the current step
    Read {
        /// A step, such as 3 or 2aa.3
        step: Option<String>,
        /// In Chinese (中文)
        #[arg(long)]
        zh: bool,
    },
    /// Run one test again and show all it has to say
    Replay {
        /// The test, or test/row
        test: String,
        /// The seed of a simulation
        seed: Option<u64>,
        /// Open its page in the browser
        #[arg(long)]
        open: bool,
    },
}

/// What is tested, and how.
#[derive(Clone, PartialEq, Eq, Debug, Args)]
pub struct TestArgs {
    /// A lab (2aa), step (3, 2aa.3) or test; the current step if left out
    what: Option<String>,
    /// How many seeds each simulation runs
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// The one seed each simulation runs
    #[arg(long, value_name = "S", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Show every card, not only the first
    #[arg(long)]
    all: bool,
}

impl TestArgs {
    fn wish(self) -> TestRequest {
        let cards = if self.all { Cards::All } else { Cards::First };
        TestRequest { what: self.what, seeds: self.seeds, seed: self.seed, cards }
    }
}

impl Command {
    /// Does what was asked.
    ///
    /// # Errors
    /// It cannot be done: the text says why, and what to do.
    pub fn perform(self, place: &CourseFolder) -> Result<Ending, String> {
        match self {
            Command::Test(args) => crate::trial::test(place, &args.wish()),
            Command::Watch(args) => {
                crate::watch::watch(place, &args.wish(), std::io::stdin()).map(|()| Ending::Green)
            }
            Command::Hint { about } => {
                crate::hint::hint(place, about.as_deref()).map(|()| Ending::Green)
            }
            Command::Read { step, zh } => {
                let language = if zh { Language::Chinese } else { Language::English };
                read(place, step.as_deref(), language).map(|()| Ending::Green)
            }
            Command::Replay { test, seed, open } => {
                let trace = if open { Trace::Open } else { Trace::Told };
                crate::replay::replay(place, &Replay { what: test, seed, trace })
            }
        }
    }
}

fn read(place: &CourseFolder, step: Option<&str>, language: Language) -> Result<(), String> {
    let catalogue = place.catalogue()?;
    let lab = crate::here::lab(place, &catalogue)?;
    match step {
        Some(typed) => match Choice::of(typed, &catalogue, &lab.id)? {
            Choice::Step(lab, step) | Choice::Test(lab, step, _) => {
                crate::handout::read(place, lab, step, language)
            }
            Choice::Lab(lab) => lab
                .steps
                .iter()
                .try_for_each(|step| crate::handout::read(place, lab, step, language)),
        },
        None => {
            let number = Progress::read(place).0.lab(&lab.id).step;
            let step = lab.step(number).or(lab.steps.last()).ok_or("this lab has no step")?;
            crate::handout::read(place, lab, step, language)
        }
    }
}

/// Commands that the desk in the course's checkout answers.
#[derive(Clone, PartialEq, Eq, Debug, Subcommand)]
pub enum DeskCommand {
    /// Make a workspace
    #[command(disable_help_flag = true)]
    Start(Passed),
    /// Open another lab in this workspace
    #[command(disable_help_flag = true)]
    Open(Passed),
    /// Fill in our own bodies: of a lab, a step or a function
    #[command(disable_help_flag = true)]
    Fill(Passed),
    /// Show our own body of a function
    #[command(disable_help_flag = true)]
    Reveal(Passed),
    /// Cut a function, step or lab again; the old text is kept
    #[command(disable_help_flag = true)]
    Reset(Passed),
    /// Count the points
    #[command(disable_help_flag = true)]
    Grade(Passed),
    /// Look for what is wrong with the machine
    #[command(disable_help_flag = true)]
    Doctor(Passed),
}

/// Arguments that are passed on unchanged.
#[derive(Clone, PartialEq, Eq, Debug, Args)]
pub struct Passed {
    /// Passed on to the desk
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

impl DeskCommand {
    /// Returns the words to type at the desk.
    pub fn words(self) -> Vec<OsString> {
        let (name, passed) = match self {
            DeskCommand::Start(passed) => ("start", passed),
            DeskCommand::Open(passed) => ("open", passed),
            DeskCommand::Fill(passed) => ("fill", passed),
            DeskCommand::Reveal(passed) => ("reveal", passed),
            DeskCommand::Reset(passed) => ("reset", passed),
            DeskCommand::Grade(passed) => ("grade", passed),
            DeskCommand::Doctor(passed) => ("doctor", passed),
        };
        std::iter::once(name.into()).chain(passed.args).collect()
    }
}
