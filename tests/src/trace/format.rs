//! The three kinds of lines of a trace, and the whole trace.
//!
//! ```text
//!   Header     the title, the setup, the first state of every node
//!   TraceStep  one step: its input, the events, the messages sent, the changes of state
//!   Footer     how the run ended; missing if it was cut short
//! ```

use crate::cluster::Driver;
use crate::disk::DiskSpeed;
use crate::input::{Fate, Input};
use crate::invariant::Violation;
use crate::network::Flight;
use crate::trace::describe::Fact;
use crate::trace::event::{RecordedEvent, RulePlace};
use crate::trace::setup::RecordedNodeSetup;
use crate::trace::state::merge;
use raft::Message;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The name of the format, in the first line of a trace.
pub const FORMAT: &str = "raft-steps";

/// The version of the format that this release writes and reads.
pub const VERSION: u64 = 2;

/// A whole trace.
#[derive(Clone, PartialEq, Debug)]
pub struct Trace {
    /// Its first line.
    pub header: Header,
    /// Its steps.
    pub steps: Vec<TraceStep>,
    /// Its last line; `None` if the run was cut short.
    pub footer: Option<Footer>,
}

/// The first line of a trace.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// The name of the format: [`FORMAT`].
    pub trace: String,
    /// The version of the format: [`VERSION`].
    pub version: u64,
    /// The title of the run.
    pub title: String,
    /// What it shows, in a few sentences.
    pub intro: String,
    /// The seed of the run, if it is a random run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The script that was run, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// Every node.
    pub nodes: Vec<u64>,
    /// How soon writes are durable: `instant` or `slow`.
    pub disks: DiskSpeed,
    /// What drives the nodes: `bare`, or `owned`: `one_at_a_time` or `concurrent`.
    pub driver: Driver,
    /// The settings of each node, and the first contents of its disk.
    pub config: BTreeMap<u64, RecordedNodeSetup>,
    /// The source code that the run was compiled from, by path.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// Where each rule that decided something is stated.
    #[serde(default)]
    pub rules: BTreeMap<String, RulePlace>,
    /// The state of every node before the first step: a [`crate::trace::state::NodeState`] each.
    pub state: BTreeMap<u64, Value>,
}

/// One step.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TraceStep {
    /// The number of the step, from 1.
    pub step: u64,
    /// The ticks counted by the node that has counted the most.
    pub clock: u64,
    /// The input of the step.
    pub input: Input,
    /// The line of the script that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script_line: Option<u64>,
    /// The command in that line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The author's comment before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// The node that it happened to, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<u64>,
    /// What happened, in words.
    pub headline: String,
    /// What it led to, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    /// The events that the node noted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<RecordedEvent>,
    /// The messages that were sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<Sent>,
    /// The messages that left the network, or were delivered and stay in flight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<EndedFlight>,
    /// Why the input changed nothing, or what the node refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// A merge patch for each node whose state changed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<u64, Value>,
    /// The invariant it broke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violation: Option<RecordedViolation>,
    /// How the output of a script's command, which ends with this step, differs from what the script
    /// expects: lines with `-` and `+`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differs: Option<String>,
}

/// A message that was put in flight.
///
/// ```text
///   {"id":7,"from":1,"to":2,"term":3,"kind":"VoteReply","body":{"granted":true},"text":"n1->n2 .."}
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// Its number.
    pub id: u64,
    /// The message.
    #[serde(flatten)]
    pub message: Message,
    /// The message in words: `n1->n2 RequestVote t3 last=4@1`.
    pub text: String,
}

impl From<&Flight> for Sent {
    fn from(flight: &Flight) -> Self {
        let message = flight.message.clone();
        Sent { id: flight.id, text: message.to_string(), message }
    }
}

/// A message that left the network.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EndedFlight {
    /// Its number.
    pub id: u64,
    /// `delivered`, `duplicated`, `dropped`, `link_cut` or `receiver_down`.
    pub why: Fate,
}

/// An invariant that broke: [`Violation`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordedViolation {
    /// In which step.
    pub step: u64,
    /// Which one: `election_safety`.
    pub rule: String,
    /// The title of the rule, and where the paper states it.
    pub property: String,
    /// The nodes that broke it, the last one first.
    pub who: Vec<u64>,
    /// What happened.
    pub text: String,
}

impl RecordedViolation {
    /// Records what broke in this step.
    pub fn new(step: u64, violation: &Violation) -> Self {
        RecordedViolation {
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
pub struct Footer {
    /// Always true: it distinguishes this line from a step.
    pub end: bool,
    /// How many steps there were.
    pub steps: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The first invariant that broke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violation: Option<RecordedViolation>,
    /// The step in which a test found something wrong, if it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// The source line that decided there: `file:line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What a test found wrong, or the message of a panic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The input during which the code panicked, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered: Option<UnfinishedInput>,
}

/// An input during which a node panicked.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct UnfinishedInput {
    /// The input.
    pub input: Input,
    /// What should have happened, in words.
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
    /// The code panicked.
    Crashed,
}

// As text.

impl Trace {
    /// Returns the lines of the trace, each one JSON value.
    pub fn to_json_lines(&self) -> String {
        let mut text = json(&self.header);
        for step in &self.steps {
            text.push_str(&json(step));
        }
        if let Some(footer) = &self.footer {
            text.push_str(&json(footer));
        }
        text
    }

    /// Writes the trace to a file, and makes the folders above it.
    ///
    /// # Errors
    /// The error of the file system.
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

// States.

impl Trace {
    /// Returns every node's state before the first step, after the first, after the second, ...
    pub fn states(&self) -> impl Iterator<Item = BTreeMap<u64, Value>> + '_ {
        let mut state = self.header.state.clone();
        let after = self.steps.iter().map(move |step| {
            for (node, patch) in &step.set {
                merge(state.entry(*node).or_insert(Value::Null), patch);
            }
            state.clone()
        });
        std::iter::once(self.header.state.clone()).chain(after)
    }
}
