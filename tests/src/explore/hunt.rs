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
use crate::input::Input;
use crate::script::command::Command;
use crate::script::grammar::Directive;
use crate::script::{Script, ScriptError, unparse};
use std::fmt;

/// An exploration that finds a certain bug.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hunt {
    /// Its name; its script under `scripts/found/` has the same name.
    pub name: &'static str,
    /// The commands that it begins with, one a line.
    pub start: String,
    /// What may happen at any time, each at most once: a line is one command, or several after each
    /// other with `;` between them.
    pub moves: String,
    /// Its bounds, but for these moves.
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
    /// One of its moves is not a command for one input: which one.
    NoInput(String),
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
            HuntError::NoInput(command) => write!(f, "{command} is not one input"),
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

/// n1 leads three nodes, and its first entry is committed everywhere. Followers soon miss a leader.
const LED: &str = "add-nodes 3 owner=one-at-a-time election-ticks=3
log-level none
campaign 1
stabilize
log-level info";

/// n1 leads n1 and n2; n3 is no member yet.
const TWO_VOTERS: &str = "add-nodes 3 owner=one-at-a-time voters=(1,2)
log-level none
campaign 1
stabilize
log-level info";

/// n1's first change is on its way.
const CHANGING: &str = "add-nodes 3 owner=one-at-a-time
log-level none
campaign 1
stabilize
change 1 r2
ready 1
log-level info";

/// n1 wrote a change that only n2 has got. Then n3 voted for n2, and n1 and n2 do not hear each other.
const INHERITED: &str = "add-nodes 3 owner=one-at-a-time
log-level none
campaign 1
stabilize
change 1 r3
ready 1
deliver 2 drop=(3)
ready 2
drop 1
cut 1->2 2->1
campaign 2
ready 2
deliver 3
ready 3
deliver 2
log-level info";

/// n3 was away: what it lacks is compacted.
const COMPACTED: &str = "add-nodes 3 owner=one-at-a-time election-ticks=3 snapshot-ticks=none
log-level none
campaign 1
stabilize
partition 1 2 | 3
propose 1 x=1
stabilize
compact 1
heal
log-level info";

/// n1 leads term 1 with pre-votes and check-quorum. n3 comes back, and is in term 2 already.
const LATER_TERM: &str =
    "add-nodes 3 owner=one-at-a-time election-ticks=3 check-quorum=yes pre-vote=yes n3.term=2
log-level none
pin 1 3
pin 2 3
pin 3 5
partition 1 2 | 3
campaign 1
stabilize
heal
log-level info";

/// n1 leads, and may answer reads in a lease of two ticks.
const LEASED: &str =
    "add-nodes 3 owner=one-at-a-time election-ticks=3 check-quorum=yes read-lease=2
log-level none
pin 1 3
pin 2 4
pin 3 5
tick all 3
stabilize
pin 2 3
log-level info";

/// A tick of every clock, and four of them: clocks that run alike.
const TICK: &str = "tick 1; tick 2; tick 3
";
const FOUR_TICKS: &str = "tick 1; tick 2; tick 3
tick 1; tick 2; tick 3
tick 1; tick 2; tick 3
tick 1; tick 2; tick 3
";

impl Hunt {
    /// Returns every hunt.
    pub fn all() -> Vec<Hunt> {
        let hunt = |name, start: &str, bounds| Hunt {
            name,
            start: start.to_owned(),
            moves: String::new(),
            bounds,
        };
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
        .into_iter()
        .chain(Hunt::of_groups())
        .collect()
    }

    /// Returns the hunts of what groups do beside electing and replicating.
    fn of_groups() -> Vec<Hunt> {
        let bounds = Bounds::groups();
        let hunt = |name, start: &str, moves: &str| {
            let (start, moves) = (start.to_owned(), moves.trim_end().to_owned());
            Hunt { name, start, moves, bounds: bounds.clone() }
        };
        let recovers = |hunt: Hunt| {
            let bounds = Bounds { recovers: true, ..hunt.bounds };
            Hunt { bounds, ..hunt }
        };
        let two_changes = "change 1 r3\nchange 1 r2\ncampaign 2";
        let below = "propose 1 x=1\ncompact 3\nreport-unreachable 1 3";
        vec![
            hunt("early_change", LED, two_changes),
            hunt("second_change", CHANGING, "change 1 r3\npropose 1 x=1\ncampaign 2"),
            hunt("inherited_change", INHERITED, "change 2 r1\npropose 2 x=1\ncampaign 3"),
            hunt("union_quorum", TWO_VOTERS, "change 1 r2 v3\npropose 1 x=1\ncampaign 2"),
            recovers(hunt("deposed_reader", LED, "read 1 a\nread 3 b\ncampaign 2")),
            hunt("old_round", LED, "read 1 a\nread 1 b\ncampaign 2"),
            hunt("late_lease", LEASED, &format!("{FOUR_TICKS}read 1 a")),
            hunt("lease_and_transfer", LEASED, &format!("{TICK}transfer-leader 1 2\nread 1 a")),
            recovers(hunt("lost_transfer", LED, "transfer-leader 1 2\npropose 1 x=1")),
            hunt("old_snapshot", COMPACTED, "propose 1 y=1\ntick 1\ncampaign 2"),
            recovers(hunt("append_below_snapshot", LED, below)),
            recovers(hunt("older_leader", LATER_TERM, &format!("{TICK}{TICK}{TICK}"))),
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
        let bounds = Bounds { once: self.once()?, ..self.bounds.clone() };
        let walk = explore_from(start.clone(), &bounds).map_err(HuntError::TooManyStates)?;
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

    /// Returns the inputs of the moves.
    fn once(&self) -> Result<Vec<Vec<Input>>, HuntError> {
        let input = |text: &str| {
            let directive = Directive::parse(self.name, text.trim()).map_err(HuntError::Start)?;
            let command = Command::parse(self.name, &directive).map_err(HuntError::Start)?;
            command.input().ok_or_else(|| HuntError::NoInput(text.trim().to_owned()))
        };
        self.moves.lines().map(|line| line.split(';').map(input).collect()).collect()
    }

    /// Returns the cluster after the first commands.
    fn begin(&self) -> Result<Cluster, HuntError> {
        let script = Script::parse(self.name, &self.start).map_err(HuntError::Start)?;
        let (setup, inputs) = script.inputs().map_err(HuntError::Start)?;
        // The exploration needs no events, so the cluster does not record them.
        let mut cluster = Cluster::new(setup);
        for input in &inputs {
            if let Some(violation) = cluster.apply(input).violation {
                return Err(HuntError::BrokenStart(violation.text));
            }
        }
        Ok(cluster)
    }
}
