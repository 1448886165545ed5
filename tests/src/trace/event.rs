//! Events as a trace writes them.
//!
//! ```text
//!   {"type":"vote_refused","rule":"vote_refused/log_is_newer","at":"raft/src/election.rs:84:13",
//!    "data":{"candidate":1,"why":{"log_is_newer":{"ours":"5@2","theirs":"4@1"}}},
//!    "text":"n2 refuses n1: its last entry 4@1 is behind 5@2"}
//! ```
//!
//! `rule` is a key of the header's `rules`, which hold the section of the paper and the place in the book
//! once. `data` has the fields of [`Event`]. Readers must accept unknown types, and unknown fields in
//! `data`: a later release may add some.

use raft::{Event, Ignored, NodeId, Note, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One event.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RecordedEvent {
    /// Its name: [`Event::name`].
    #[serde(rename = "type")]
    pub kind: String,
    /// The rule behind it: a key of the header's `rules`.
    pub rule: String,
    /// The source line that decided: `file:line:column`, from the root of the workspace.
    pub at: String,
    /// What it compared, found or changed.
    pub data: Value,
    /// The event in words: `n2 enters term 3 (was in 2)`.
    pub text: String,
}

/// Where a rule is stated.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RulePlace {
    /// The section of the paper: `5.4.1`.
    pub section: String,
    /// Its place in Figure 2 or 3, if it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figure: Option<String>,
    /// The place in the book: a file and an anchor.
    pub chapter: String,
}

impl RulePlace {
    /// Returns where the rule behind an event is stated.
    pub fn of(event: &Event) -> Self {
        let paper = event.paper();
        RulePlace {
            section: paper.section.to_string(),
            figure: paper.figure.map(str::to_string),
            chapter: event.chapter().to_string(),
        }
    }
}

impl RecordedEvent {
    /// Records an event that a node noted.
    pub fn new(node: NodeId, note: &Note) -> Self {
        let Note { event, at } = note;
        RecordedEvent {
            kind: event.name().to_string(),
            rule: rule(event),
            at: format!("{}:{}:{}", at.file().replace('\\', "/"), at.line(), at.column()),
            data: data(event),
            text: format!("{node} {event}"),
        }
    }
}

/// Returns the name of the rule behind an event: the event's name, with a suffix if several rules lead to
/// the same event.
#[expect(clippy::wildcard_enum_match_arm, reason = "only these events have several rules")]
fn rule(event: &Event) -> String {
    let name = event.name();
    match event {
        Event::VoteRefused { why: Refusal::VotedFor(_), .. } => format!("{name}/voted_for"),
        Event::VoteRefused { why: Refusal::LogIsNewer { .. }, .. } => {
            format!("{name}/log_is_newer")
        }
        Event::VoteRefused { why: Refusal::LeaderKnown(_), .. } => format!("{name}/leader_known"),
        Event::VoteRefused { why: Refusal::LowerPriority { .. }, .. } => {
            format!("{name}/lower_priority")
        }
        Event::MessageIgnored { why: Ignored::LeaderIsAlive { .. }, .. } => {
            format!("{name}/leader_is_alive")
        }
        Event::MessageIgnored { why: Ignored::CannotLead | Ignored::OtherLog { .. }, .. } => {
            format!("{name}/transfer")
        }
        Event::RoleChangeAsked { next: role } | Event::RoleEntered { to: role, .. } => {
            format!("{name}/{role}")
        }
        _ => name.to_string(),
    }
}

/// Returns an event's fields, under their names in [`Event`].
fn data(event: &Event) -> Value {
    let mut written = serde_json::to_value(event).expect("an event has only string keys");
    written.get_mut("data").map(Value::take).unwrap_or_default()
}
