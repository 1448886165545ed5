//! The three kinds of lines of a trace, and the whole.
//!
//! ```text
//!   Header     what the run is about, what it was made of, how every node stood at first
//!   Moment     one step: its input, what the node noted, what was sent, what changed
//!   Ending     how it ended; missing where the run was cut short
//! ```

use crate::invariant::Violation;
use crate::trace::birth::{Birth, Disks, Entrance};
use crate::trace::cause::Cause;
use crate::trace::event::{Happening, RulePlace};
use crate::trace::message::Sent;
use crate::trace::state::merge;
use crate::trace::telling::Fact;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The mark in a trace's first line.
pub const FORMAT: &str = "raft-steps";

/// The version this release writes and reads.
pub const VERSION: u64 = 1;

/// A whole trace.
#[derive(Clone, PartialEq, Debug)]
pub struct Trace {
    /// Its first line.
    pub header: Header,
    /// Its steps.
    pub moments: Vec<Moment>,
    /// Its last line, unless the run was cut short.
    pub ending: Option<Ending>,
}

/// The first line of a trace.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// Says what this is: [`FORMAT`].
    pub trace: String,
    /// Says how to read it: [`VERSION`].
    pub version: u64,
    /// What the run is called.
    pub title: String,
    /// What it shows, in a few sentences.
    pub intro: String,
    /// The number the run was made from, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The script that was played, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// Every node.
    pub nodes: Vec<u64>,
    /// How soon writes are durable: `instant` or `slow`.
    pub disks: Disks,
    /// Through which door nodes were driven: `bare`, `one_at_a_time` or `concurrent`.
    #[serde(default, skip_serializing_if = "Entrance::is_bare")]
    pub door: Entrance,
    /// What each node was told at birth, and what its disk held.
    pub config: BTreeMap<u64, Birth>,
    /// The source text the run was compiled from, by path.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// Where each rule that decided something is stated.
    #[serde(default)]
    pub rules: BTreeMap<String, RulePlace>,
    /// How every node stood before the first step: a [`crate::trace::state::NodeState`] each.
    pub state: BTreeMap<u64, Value>,
}

/// One step.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Moment {
    /// Counts the steps, from 1.
    pub step: u64,
    /// The ticks that have passed at the node that has counted most of them.
    pub clock: u64,
    /// What made it happen.
    pub input: Cause,
    /// The line of the script that made it happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script_line: Option<u64>,
    /// The command that stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What the author says before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// The node it happened to, if it happened to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<u64>,
    /// What happened, in words.
    pub headline: String,
    /// What came of it, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    /// What the node noted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Happening>,
    /// What was put under way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<Sent>,
    /// What is under way no more, or was delivered and still is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Gone>,
    /// Why nothing happened, or what the node refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What changed: a merge patch for each node that is not as it was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<u64, Value>,
    /// The invariant it broke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violation: Option<Broken>,
}

/// A flight that ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Gone {
    /// Its number.
    pub id: u64,
    /// `delivered`, `duplicated`, `dropped`, `link_cut` or `receiver_down`.
    pub why: String,
}

/// An invariant that broke: [`Violation`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Broken {
    /// In which step.
    pub step: u64,
    /// Which one: `election_safety`.
    pub rule: String,
    /// What it says, and where the paper states it.
    pub property: String,
    /// Who broke it, the last one first.
    pub who: Vec<u64>,
    /// What happened.
    pub text: String,
}

impl Broken {
    /// Writes down what broke in this step.
    pub fn new(step: u64, violation: &Violation) -> Self {
        Broken {
            step,
            rule: violation.rule.id().to_string(),
            property: format!("{} ({})", violation.rule.title(), violation.rule.section()),
            who: violation.who.iter().map(|id| id.0).collect(),
            text: violation.text.clone(),
        }
    }
}

/// The last line of a trace.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Ending {
    /// Always true: it tells this line from a step.
    pub end: bool,
    /// How many steps there were.
    pub steps: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The first invariant that broke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violation: Option<Broken>,
    /// What a test found wrong, or what the code said when it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What was never answered, where the code stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered: Option<Unanswered>,
}

/// An input that a node did not come back from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Unanswered {
    /// The input.
    pub input: Cause,
    /// What was to happen, in words.
    pub headline: String,
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing was found wrong.
    Done,
    /// An invariant broke.
    Broken,
    /// A test found something wrong.
    Failed,
    /// The code stopped with a panic.
    Crashed,
}

// As text.

impl Trace {
    /// Returns the lines of the trace, each one JSON value.
    pub fn to_json_lines(&self) -> String {
        let mut text = json(&self.header);
        for moment in &self.moments {
            text.push_str(&json(moment));
        }
        if let Some(ending) = &self.ending {
            text.push_str(&json(ending));
        }
        text
    }

    /// Writes the trace to a file, and the folders it lies in.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_to(&self, path: &std::path::Path) -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, self.to_json_lines())
    }
}

fn json(line: &impl Serialize) -> String {
    let mut text = serde_json::to_string(line).expect("a trace has only string and number keys");
    text.push('\n');
    text
}

// Folding.

impl Trace {
    /// Returns every node's state before the first step, after the first, after the second, ...
    pub fn states(&self) -> impl Iterator<Item = BTreeMap<u64, Value>> + '_ {
        let mut state = self.header.state.clone();
        let after = self.moments.iter().map(move |moment| {
            for (node, patch) in &moment.set {
                merge(state.entry(*node).or_insert(Value::Null), patch);
            }
            state.clone()
        });
        std::iter::once(self.header.state.clone()).chain(after)
    }
}
