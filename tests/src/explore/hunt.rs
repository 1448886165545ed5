//! Hunts: explorations that find a certain bug, if the core has it.
//!
//! ```text
//!   a core with the bug --> Hunt: a start, and bounds --> the first broken rule, and a script
//!   the core            --> the same exploration      --> nothing
//! ```
//!
//! Some hunts begin with a script that leads close to the bug: from an empty cluster the explorer would
//! spend its time on elections. The script that a hunt finds is kept under `scripts/found/`, where it
//! shows how the correct core avoids the bug.

use super::{Bounds, Exploration, Subject, TooManyStates, explore_from};
use crate::cluster::{Cluster, Driver};
use crate::disk::DiskSpeed;
use crate::script::command::Command;
use crate::script::{Interpreter, Script, ScriptError, unparse};
use std::fmt;

/// An exploration that finds a certain bug.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hunt {
    /// Its name; its script under `scripts/found/` has the same name.
    pub name: &'static str,
    /// The commands that it begins with, one a line.
    pub start: String,
    /// Its bounds.
    pub bounds: Bounds,
}

/// The result of a hunt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Catch {
    /// The result of the exploration.
    pub walk: Exploration,
    /// If a rule broke: the commands that break it, one an item.
    pub script: Option<Vec<String>>,
}

/// Why a hunt failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HuntError {
    /// Its first commands cannot be run.
    Start(ScriptError),
    /// Its first commands break a rule already: which one.
    BrokenStart(String),
    /// There are too many states.
    TooManyStates(TooManyStates),
    /// Its path has an input that no script command can express.
    NoWords(String),
}

impl fmt::Display for HuntError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HuntError::Start(why) => why.fmt(f),
            HuntError::BrokenStart(rule) => {
                write!(f, "the first commands break a rule already: {rule}")
            }
            HuntError::TooManyStates(why) => why.fmt(f),
            HuntError::NoWords(input) => write!(f, "no script command can express {input}"),
        }
    }
}

impl std::error::Error for HuntError {}

/// Three nodes with slow disks, and owners that do one thing at a time.
const OWNED: &str = "add-nodes 3 owner=one-at-a-time disk=slow";

/// Figure 8 with three nodes, between (b) and (c): n1 led term 2 and n3 led term 3, and their entries
/// reached no other node. A message has one entry, so that an old entry can arrive alone.
const FIGURE_8: &str = "add-nodes 3 term=3 commit=1 max-append=1 log=(1@1) n1.log=(1@1,2@2) \
                        n3.log=(1@1,2@3)";

/// n2 leads; 2@1 is committed, durable on n2 and n3, and n1's disk is still writing it. Vote requests do not
/// wait until the candidate's own vote is durable.
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
            driver: Driver::Bare,
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

    /// Returns the hunt with this name.
    pub fn named(name: &str) -> Option<Hunt> {
        Hunt::all().into_iter().find(|hunt| hunt.name == name)
    }

    /// Explores, and returns what was found.
    ///
    /// # Errors
    /// [`HuntError`] if the hunt cannot begin, or has too many states.
    pub fn run(&self) -> Result<Catch, HuntError> {
        let start = self.begin()?;
        let walk = explore_from(start.clone(), &self.bounds).map_err(HuntError::TooManyStates)?;
        let Some((_, way)) = &walk.violation else { return Ok(Catch { walk, script: None }) };
        let mut script: Vec<_> = self.start.lines().map(str::to_owned).collect();
        let mut cluster = start;
        for input in way {
            let command = unparse::command(input, &cluster);
            script.push(command.ok_or_else(|| HuntError::NoWords(format!("{input:?}")))?);
            cluster.apply(input);
        }
        Ok(Catch { walk, script: Some(script) })
    }

    /// Returns the cluster after the first commands.
    fn begin(&self) -> Result<Cluster, HuntError> {
        let script = Script::parse(self.name, &self.start).map_err(HuntError::Start)?;
        let (interpreter, _) = Interpreter::play_all(&script).map_err(HuntError::Start)?;
        let first = Command::parse(self.name, &script.directives[0]).map_err(HuntError::Start)?;
        let (Command::AddNodes(setup), Some(run)) = (first, interpreter.run()) else {
            let what = "expected add-nodes first".to_owned();
            return Err(HuntError::Start(ScriptError { name: self.name.into(), line: None, what }));
        };
        // The exploration needs no events, so the cluster does not record them.
        let mut cluster = Cluster::new(setup);
        for recorded in run.steps() {
            if let Some(violation) = cluster.apply(&recorded.input).violation {
                return Err(HuntError::BrokenStart(violation.text));
            }
        }
        Ok(cluster)
    }
}
