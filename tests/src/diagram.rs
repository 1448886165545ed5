//! A space-time diagram in plain text: time runs down, every node has a lane.
//!
//! ```text
//!   n1                  n2                  n3
//!    * campaigns         |                   |   n1@1 candidate  role.rs:170
//!    |- RequestVote t1 ->|                   |   n2 votes for n1  election.rs:83
//!    |<--- granted t1 ---|                   |   n1@1 leader  role.rs:177
//!    |-------------------+- Heartbeat t1 -x  |   a lost message ends early
//! ```
//!
//! One row for each step that says anything, and below it one for each further fact about the node.
//! A message is drawn where it arrives, for there it makes a difference; what is still under way is
//! not drawn. Facts and lines of source stand at the right, as far as there is room.
//!
//! Invariant: no line is wider than asked for; what does not fit is cut and ends in `..`.

use crate::input::{Fate, Input, Step};
use raft::{Body, Event, Message, NodeId, RoleName, Term};
use std::collections::{BTreeMap, BTreeSet};

/// The least and the most columns between two lanes.
const GAP: std::ops::RangeInclusive<usize> = 8..=24;

/// The columns that facts want.
const FACTS: usize = 34;

/// Draws steps, at most `width` columns wide. Steps of a cluster that listens say more.
pub fn diagram(steps: &[Step], width: usize) -> Vec<String> {
    let lanes = Lanes::new(steps, width);
    let mut lines = vec![lanes.header()];
    let mut terms = BTreeMap::new();
    for step in steps {
        let facts = facts(step, &mut terms);
        let drawn = lanes.draw(step);
        if drawn.is_none() && facts.is_empty() {
            continue;
        }
        let drawing = drawn.unwrap_or_else(|| lanes.empty());
        let mut facts = facts.into_iter();
        lines.push(lanes.line(&drawing, facts.next().as_deref()));
        lines.extend(facts.map(|fact| lanes.line(&lanes.empty(), Some(&fact))));
    }
    lines
}

/// How an arrow ends.
#[derive(Clone, Copy)]
enum Ending {
    /// At its lane.
    Arrives,
    /// Before it.
    Lost,
}

/// Where every node's lane is.
struct Lanes {
    at: BTreeMap<NodeId, usize>,
    /// Where the facts begin.
    facts: usize,
    width: usize,
}

impl Lanes {
    fn new(steps: &[Step], width: usize) -> Self {
        let nodes: BTreeSet<NodeId> = steps.iter().flat_map(nodes).collect();
        let gaps = nodes.len().saturating_sub(1).max(1);
        let room = width.saturating_sub(FACTS + 6) / gaps;
        let gap = room.clamp(*GAP.start(), *GAP.end());
        let at: BTreeMap<_, _> = nodes.into_iter().zip((2..).step_by(gap)).collect();
        let facts = at.values().last().map_or(2, |last| last + 4);
        Lanes { at, facts, width }
    }

    /// Returns the lanes with nothing on them.
    fn empty(&self) -> Vec<char> {
        let mut row = vec![' '; self.facts];
        for &at in self.at.values() {
            row[at] = '|';
        }
        row
    }

    fn header(&self) -> String {
        let mut row = vec![' '; self.facts + 4];
        for (id, &at) in &self.at {
            write(&mut row, at.saturating_sub(1), &id.to_string());
        }
        self.line(&row, None)
    }

    /// Draws what happened; none if nothing is to be seen of it.
    fn draw(&self, step: &Step) -> Option<Vec<char>> {
        if let Some((flight, fate)) = step.gone.first() {
            return Some(match fate {
                Fate::Delivered | Fate::Duplicated => self.arrow(&flight.message, Ending::Arrives),
                Fate::Dropped | Fate::LinkCut | Fate::ReceiverDown => {
                    self.arrow(&flight.message, Ending::Lost)
                }
            });
        }
        match &step.input {
            Input::Campaign(id) => Some(self.mark(*id, '*', "campaigns")),
            Input::Propose { node, data } => {
                Some(self.mark(*node, '+', &format!("gets {}", data.escape_ascii())))
            }
            Input::Ready(id) => Some(self.mark(*id, '>', "hands out a Ready")),
            Input::Apply(id) => Some(self.mark(*id, '=', "applies")),
            Input::Crash(id) => Some(self.mark(*id, 'X', "loses power")),
            Input::Restart(id) => Some(self.mark(*id, '^', "starts again")),
            Input::Persist(id) => Some(self.mark(*id, 'o', "disk writes")),
            Input::Tick(id) => {
                let turned = |event: &Event| matches!(event, Event::RoleEntered { .. });
                let turned = step.notes.iter().any(|note| turned(&note.event));
                turned.then(|| self.mark(*id, '*', "times out"))
            }
            Input::Partition(groups) => {
                let mut row = self.empty();
                let names = |group: &Vec<NodeId>| {
                    group.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ")
                };
                let groups: Vec<_> = groups.iter().map(names).collect();
                write(&mut row, 4, &format!(" {} ", groups.join(" // ")));
                Some(row)
            }
            Input::Cut { from, to } => Some(self.between(*from, *to, "link cut")),
            Input::Mend { from, to } => Some(self.between(*from, *to, "link mended")),
            Input::Heal => {
                let mut row = self.empty();
                write(&mut row, 4, " every link works ");
                Some(row)
            }
            Input::Deliver(_) | Input::Drop(_) | Input::Duplicate(_) => None,
            Input::Post(_) | Input::PinLimit { .. } | Input::FailRead { .. } => None,
        }
    }

    fn mark(&self, id: NodeId, mark: char, label: &str) -> Vec<char> {
        let mut row = self.empty();
        if let Some(&at) = self.at.get(&id) {
            row[at] = mark;
            let next = self.at.values().find(|&&other| other > at).copied();
            let room = next.unwrap_or(self.facts + FACTS).saturating_sub(at + 2);
            write(&mut row, at + 2, &clip(label, room));
        }
        row
    }

    /// Draws an arrow, with what is said just before the lane it goes to. A lost one ends early.
    fn arrow(&self, message: &Message, ending: Ending) -> Vec<char> {
        let mut row = self.empty();
        let (Some(&from), Some(&to)) = (self.at.get(&message.from), self.at.get(&message.to))
        else {
            return row;
        };
        if from == to {
            return row;
        }
        let early = match ending {
            Ending::Arrives => 1,
            Ending::Lost => 3,
        };
        let end = if from < to { to - early } else { to + early };
        for cell in &mut row[from.min(end) + usize::from(from < to)..from.max(end)] {
            // A lane that is crossed stays visible.
            *cell = if *cell == '|' { '+' } else { '-' };
        }
        row[end] = match ending {
            Ending::Lost => 'x',
            Ending::Arrives if from < to => '>',
            Ending::Arrives => '<',
        };
        // The last gap before the receiver.
        let crossed = self.at.values().copied();
        let before = if from < to {
            crossed.filter(|&lane| lane < to).max()
        } else {
            crossed.filter(|&lane| lane > to).min()
        };
        let (start, end) = (before.unwrap_or(from).min(end) + 1, before.unwrap_or(from).max(end));
        let room = end.saturating_sub(start);
        let label = words(message, room);
        write(&mut row, start + room.saturating_sub(label.chars().count()) / 2, &label);
        row
    }

    fn between(&self, from: NodeId, to: NodeId, label: &str) -> Vec<char> {
        let mut row = self.empty();
        write(&mut row, 4, &format!(" {label} {from}->{to} "));
        row
    }

    fn line(&self, drawing: &[char], fact: Option<&str>) -> String {
        let mut line: String = drawing.iter().collect();
        if let Some(fact) = fact {
            let drawn = line.trim_end().chars().count();
            let gap = self.facts.max(drawn + 2);
            line = format!("{:gap$}{fact}", line.trim_end());
        }
        clip(line.trim_end(), self.width)
    }
}

/// Says a message in so many columns: with its term and answer if there is room.
fn words(message: &Message, room: usize) -> String {
    let (kind, full) = (message.body.kind(), message.to_string());
    // Without "n1->n2 ", which the arrow says.
    let full = full.split_once(' ').map_or(kind, |(_, words)| words);
    let term = message.term.map_or(String::new(), |term| format!(" t{term}"));
    let short = match message.body {
        Body::VoteReply { granted } if granted => "granted",
        Body::VoteReply { .. } => "refused",
        Body::RequestPreVote(_)
        | Body::PreVoteReply { .. }
        | Body::RequestVote(_)
        | Body::AppendEntries { .. }
        | Body::AppendReply { .. }
        | Body::InstallSnapshot { .. }
        | Body::Heartbeat { .. }
        | Body::HeartbeatReply { .. }
        | Body::Propose { .. }
        | Body::TransferLeader { .. }
        | Body::TimeoutNow
        | Body::ReadIndex { .. }
        | Body::ReadIndexReply { .. } => kind,
    };
    let ways = [full.to_string(), format!("{short}{term}"), short.to_string()];
    let fits = ways.into_iter().find(|words| words.chars().count() + 2 <= room);
    fits.map_or(String::new(), |words| format!(" {words} "))
}

/// Returns every node that a step speaks of.
fn nodes(step: &Step) -> Vec<NodeId> {
    let messages = step.sent.iter().chain(step.gone.iter().map(|(flight, _)| flight));
    let mut nodes: Vec<_> =
        messages.flat_map(|flight| [flight.message.from, flight.message.to]).collect();
    nodes.extend(step.node);
    nodes
}

/// Says what a step changed at its node, each with the line that decided.
fn facts(step: &Step, terms: &mut BTreeMap<NodeId, Term>) -> Vec<String> {
    let Some(id) = step.node else { return Vec::new() };
    let mut facts = Vec::new();
    for note in &step.notes {
        let text = match note.event {
            Event::TermEntered { to, .. } => {
                terms.insert(id, to);
                continue;
            }
            Event::RoleEntered { from, to } if from != to || to == RoleName::Candidate => {
                let term = terms.get(&id).map_or(String::new(), |term| format!("@{term}"));
                format!("{id}{term} {to}")
            }
            Event::VoteChanged { to: Some(to), .. } if to != id => format!("{id} votes for {to}"),
            Event::VoteRefused { candidate, .. } => format!("{id} refuses {candidate}"),
            Event::LeaderChanged { to: Some(to), .. } if to != id => format!("{id} follows {to}"),
            Event::LogTruncated { from, last } => format!("{id} removes {from}..{last}"),
            Event::CommitAdvanced { from, to } => format!("{id} commit {from} -> {to}"),
            Event::CommitWithheld { at } => format!("{id} withholds {at}"),
            Event::AppendRefused { prev, .. } => format!("{id} lacks {prev}"),
            Event::EntriesAppended { .. }
            | Event::MatchAdvanced { .. }
            | Event::NextWentBack { .. }
            | Event::Probes { .. }
            | Event::Replicates { .. }
            | Event::AcknowledgementDenied { .. }
            | Event::EntriesCompacted { .. }
            | Event::EntriesPending { .. }
            | Event::Halted { .. }
            | Event::AppliedAhead { .. }
            | Event::RoleEntered { .. }
            | Event::VoteChanged { .. }
            | Event::LeaderChanged { .. }
            | Event::TimerReset { .. }
            | Event::RoleChangeAsked { .. }
            | Event::VoteGranted { .. }
            | Event::VoteCounted { .. }
            | Event::Sent { .. }
            | Event::MessageIgnored { .. } => continue,
        };
        let file = note.at.file().rsplit(['/', '\\']).next().unwrap_or_default();
        facts.push(format!("{text}  {file}:{}", note.at.line()));
    }
    if let Some(violation) = &step.violation {
        facts.push(format!("<-- {}", violation.rule.title()));
    }
    facts
}

/// Writes text over cells, as far as they reach.
fn write(row: &mut Vec<char>, at: usize, text: &str) {
    for (at, character) in (at..).zip(text.chars()) {
        if row.len() <= at {
            row.resize(at + 1, ' ');
        }
        row[at] = character;
    }
}

/// Cuts a text that is too wide.
fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_string();
    }
    let kept: String = text.chars().take(width.saturating_sub(2)).collect();
    kept.trim_end().to_string() + ".."
}

#[cfg(test)]
mod tests;
