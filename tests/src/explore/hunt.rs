//! Hunts: walks that find something if a certain thing is wrong.
//!
//! ```text
//!   a wrong core --> Hunt: a start, and bounds --> the first broken rule, and a script
//!   the core     --> the same walk             --> nothing
//! ```
//!
//! Some begin where something interesting is near, told by a script: a walk from the very beginning
//! would spend its time on elections. The script that a hunt ends with is a story under
//! `scripts/found/`, where the core as it is shows what saves it.

use super::{Bounds, Exploration, Subject, TooManyStates, explore_from};
use crate::cluster::{Cluster, Door};
use crate::disk::DiskSpeed;
use crate::script::command::Command;
use crate::script::{Script, ScriptError, Stage, phrase};
use std::fmt;

/// A walk that finds something if a certain thing is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hunt {
    /// What it is called; its story has the same name.
    pub name: &'static str,
    /// The commands it begins with, one a line.
    pub start: String,
    /// How far it goes.
    pub bounds: Bounds,
}

/// What a hunt ended with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Catch {
    /// What the walk saw.
    pub walk: Exploration,
    /// If a rule broke: every command on the way, one a line.
    pub script: Option<Vec<String>>,
}

/// Why a hunt came to no end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HuntError {
    /// Its beginning cannot be played.
    Start(ScriptError),
    /// Its beginning cannot happen a second time.
    Departed(String),
    /// Its beginning breaks a rule already: which.
    BrokenStart(String),
    /// It is too long.
    TooManyStates(TooManyStates),
    /// Its way has an input that no script has words for.
    NoWords(String),
}

impl fmt::Display for HuntError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HuntError::Start(why) => why.fmt(f),
            HuntError::Departed(what) => write!(f, "the start cannot happen again: {what}"),
            HuntError::BrokenStart(rule) => write!(f, "a rule is broken at the start: {rule}"),
            HuntError::TooManyStates(why) => why.fmt(f),
            HuntError::NoWords(input) => write!(f, "no script has words for {input}"),
        }
    }
}

impl std::error::Error for HuntError {}

/// Three nodes with slow disks, and owners who do one thing at a time.
const OWNED: &str = "add-nodes 3 owner=one-at-a-time disk=slow";

/// Figure 8 with three nodes, between (b) and (c): n1 led term 2 and n3 led term 3, and what they wrote
/// reached nobody. One entry to a message, so that an old one can arrive alone.
const FIGURE_8: &str = "add-nodes 3 term=3 commit=1 max-append=1 log=(1@1) n1.log=(1@1,2@2) \
                        n3.log=(1@1,2@3)";

/// n2 leads; 2@1 is committed, durable on n2 and n3, and n1's disk is still writing it. Questions do not
/// wait for the candidate's own vote.
const WRITING_STILL: &str = "add-nodes 3 owner=concurrent disk=slow vote-requests=at-once
campaign 2
stabilize
propose 2 x=1
ready 2
deliver 1
ready 1
stabilize 2 3";

impl Hunt {
    /// Returns every hunt.
    pub fn all() -> Vec<Hunt> {
        let hunt = |name, start: &str, bounds| Hunt { name, start: start.to_owned(), bounds };
        let one_term = Bounds { terms: 1, crashes: 0, ..Bounds::quick() };
        let figure_8 = Bounds {
            terms: 5,
            crashes: 0,
            entries: Some(3),
            door: Door::Bare,
            disks: DiskSpeed::Instant,
            subject: Subject::Logs,
            ..Bounds::logs()
        };
        let several_at_once = Bounds { entries: None, ..Bounds::logs_concurrent() };
        vec![
            hunt("second_vote", "add-nodes 3", one_term),
            hunt("kept_answers", "add-nodes 4", Bounds::wide()),
            hunt("early_promise", OWNED, Bounds::logs()),
            hunt("late_append", OWNED, Bounds::proposal()),
            hunt("old_entry_counted", FIGURE_8, figure_8),
            hunt("early_question", WRITING_STILL, several_at_once),
        ]
    }

    /// Returns the hunt of this name.
    pub fn named(name: &str) -> Option<Hunt> {
        Hunt::all().into_iter().find(|hunt| hunt.name == name)
    }

    /// Walks.
    ///
    /// # Errors
    /// [`HuntError`] if there is no end.
    pub fn run(&self) -> Result<Catch, HuntError> {
        let start = self.begin()?;
        let walk = explore_from(start.clone(), &self.bounds).map_err(HuntError::TooManyStates)?;
        let Some((_, way)) = &walk.violation else { return Ok(Catch { walk, script: None }) };
        let mut script: Vec<_> = self.start.lines().map(str::to_owned).collect();
        let mut cluster = start;
        for input in way {
            let command = phrase::command(input, &cluster);
            script.push(command.ok_or_else(|| HuntError::NoWords(format!("{input:?}")))?);
            cluster.apply(input);
        }
        Ok(Catch { walk, script: Some(script) })
    }

    /// Returns the cluster that the beginning leads to.
    fn begin(&self) -> Result<Cluster, HuntError> {
        let script = Script::parse(self.name, &self.start).map_err(HuntError::Start)?;
        let (stage, _) = Stage::play_all(&script).map_err(HuntError::Start)?;
        let first = Command::parse(self.name, &script.directives[0]).map_err(HuntError::Start)?;
        let (Command::AddNodes(setup), Some(run)) = (first, stage.run()) else {
            let what = "expected add-nodes first".to_owned();
            return Err(HuntError::Start(ScriptError { name: self.name.into(), line: None, what }));
        };
        // Nobody listens to what nodes note on a walk.
        let mut cluster = Cluster::new(setup);
        for moment in run.moments() {
            let input = moment.input.input(cluster.network()).map_err(HuntError::Departed)?;
            if let Some(violation) = cluster.apply(&input).violation {
                return Err(HuntError::BrokenStart(violation.text));
            }
        }
        Ok(cluster)
    }
}
