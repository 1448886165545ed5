//! Events as a trace writes them.
//!
//! ```text
//!   {"type":"vote_refused","rule":"vote_refused/log_is_newer","at":"raft/src/election.rs:84:13",
//!    "data":{"candidate":1,"why":{"log_is_newer":{"ours":"5@2","theirs":"4@1"}}},
//!    "text":"n2 refuses n1: its last entry 4@1 is behind 5@2"}
//! ```
//!
//! `rule` is a key of the header's `rules`, which hold the section of the paper and the place in the book
//! once. Readers must accept unknown fields in `data`: a later release may add some.

use raft::{Event, Ignored, NodeId, Note, Read, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
fn rule(event: &Event) -> String {
    match event {
        Event::VoteRefused { why: Refusal::VotedFor(_), .. } => "vote_refused/voted_for".into(),
        Event::VoteRefused { why: Refusal::LogIsNewer { .. }, .. } => {
            "vote_refused/log_is_newer".into()
        }
        Event::VoteRefused { why: Refusal::LeaderKnown(_), .. } => {
            "vote_refused/leader_known".into()
        }
        Event::RoleChangeAsked { next: role } | Event::RoleEntered { to: role, .. } => {
            format!("{}/{role}", event.name())
        }
        Event::TermEntered { .. }
        | Event::VoteChanged { .. }
        | Event::LeaderChanged { .. }
        | Event::TimerReset { .. }
        | Event::VoteGranted { .. }
        | Event::VoteCounted { .. }
        | Event::EntriesAppended { .. }
        | Event::LogTruncated { .. }
        | Event::AppendRefused { .. }
        | Event::CommitAdvanced { .. }
        | Event::CommitWithheld { .. }
        | Event::MatchAdvanced { .. }
        | Event::NextWentBack { .. }
        | Event::Probes { .. }
        | Event::Replicates { .. }
        | Event::AcknowledgementDenied { .. }
        | Event::EntriesCompacted { .. }
        | Event::EntriesPending { .. }
        | Event::Halted { .. }
        | Event::AppliedAhead { .. }
        | Event::Sent { .. }
        | Event::MessageIgnored { .. } => event.name().into(),
    }
}

/// Returns an event's fields in alphabetical order, so that a trace has the same bytes with every build
/// of the JSON library.
fn data(event: &Event) -> Value {
    let name = |id: &Option<NodeId>| id.map(|id| id.0);
    match event {
        Event::TermEntered { from, to } => json!({"from": from.0, "to": to.0}),
        Event::VoteChanged { from, to } => json!({"from": name(from), "to": name(to)}),
        Event::LeaderChanged { from, to } => json!({"from": name(from), "to": name(to)}),
        Event::TimerReset { after_ticks } => json!({"after_ticks": after_ticks}),
        Event::RoleChangeAsked { next } => json!({"next": next.to_string()}),
        Event::RoleEntered { from, to } => json!({"from": from.to_string(), "to": to.to_string()}),
        Event::VoteGranted { candidate } => json!({"candidate": candidate.0}),
        Event::VoteRefused { candidate, why } => {
            let why = match why {
                Refusal::VotedFor(other) => json!({"voted_for": other.0}),
                Refusal::LeaderKnown(leader) => json!({"leader_known": leader.0}),
                Refusal::LogIsNewer { ours, theirs } => {
                    let (ours, theirs) = (ours.to_string(), theirs.to_string());
                    json!({"log_is_newer": {"ours": ours, "theirs": theirs}})
                }
            };
            json!({"candidate": candidate.0, "why": why})
        }
        Event::VoteCounted { voter, granted } => json!({"granted": granted, "voter": voter.0}),
        Event::EntriesAppended { first, last } => {
            json!({"first": first.to_string(), "last": last.to_string()})
        }
        Event::LogTruncated { from, last } => json!({"from": from.0, "last": last.0}),
        Event::AppendRefused { prev, hint } => json!({"hint": hint.0, "prev": prev.to_string()}),
        Event::CommitAdvanced { from, to } => json!({"from": from.0, "to": to.0}),
        Event::CommitWithheld { at } => json!({"at": at.to_string()}),
        Event::MatchAdvanced { peer, from, to } | Event::NextWentBack { peer, from, to } => {
            json!({"from": from.0, "peer": peer.0, "to": to.0})
        }
        Event::Probes { peer, next } | Event::Replicates { peer, next } => {
            json!({"next": next.0, "peer": peer.0})
        }
        Event::AcknowledgementDenied { peer, index }
        | Event::EntriesCompacted { peer, index }
        | Event::EntriesPending { peer, index } => json!({"index": index.0, "peer": peer.0}),
        Event::Halted { read: Read::Term { index } } => json!({"term_of": index.0}),
        Event::Halted { read: Read::Entries { low, high } } => {
            json!({"entries": {"high": high.0, "low": low.0}})
        }
        Event::AppliedAhead { applied, commit } => {
            json!({"applied": applied.0, "commit": commit.0})
        }
        Event::Sent { to, kind } => json!({"kind": kind, "to": to.0}),
        Event::MessageIgnored { from, kind, why } => {
            let why = match why {
                Ignored::OlderTerm { theirs, ours } => {
                    json!({"older_term": {"ours": ours.0, "theirs": theirs.0}})
                }
                Ignored::NoTermAbove { theirs } => json!({"no_term_above": theirs.0}),
                Ignored::RivalLeader => json!("rival_leader"),
                Ignored::NotOurRole { role } => json!({"not_our_role": role.to_string()}),
                Ignored::OtherSession => json!("other_session"),
                Ignored::NoRule => json!("no_rule"),
            };
            json!({"from": from.0, "kind": kind, "why": why})
        }
    }
}
