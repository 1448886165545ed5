//! A story as a diagram, in as few rows as possible.
//!
//! ```text
//!    n1                  n2          n3
//!     | 12 ticks          |           |  term 1, vote n1, candidate  election.rs:69
//!     | asks n2 n3: RequestVote t1    |
//!     |<- granted t1 -----|           |  n2 yes, it leads            election.rs:120
//! ```
//!
//! A message that arrives is drawn where it arrives. A message that never arrives is drawn where it was
//! sent, with one row for several receivers. Ticks without effect are one row. A repeated message that
//! changes nothing is not drawn again. A node that does nothing has no lane.

use super::facts::{are_quiet, label, name, names, node_of, told};
use harness::{Diagram, Row};
use raft::{Message, NodeId};
use std::collections::{BTreeMap, BTreeSet};
use testbed::{Fate, Input, Step};

/// One step, and what was sent in it for the first time.
type DrawnStep<'a> = (&'a Step, &'a [Message]);

/// Draws a story with this number of nodes, and points at one of its steps.
pub(super) fn draw(nodes: usize, moments: &[DrawnStep<'_>], here: Option<usize>) -> Diagram {
    let mut drawing = Drawing {
        nodes,
        rows: Vec::new(),
        ticks: BTreeMap::new(),
        lost: lost(moments),
        gone: Vec::new(),
        seen: BTreeSet::new(),
        lanes: BTreeSet::new(),
    };
    for (at, (step, said)) in moments.iter().enumerate() {
        drawing.draw(step, said, Some(at) == here);
    }
    drawing.flush();
    let mut diagram = Diagram::new(drawing.lanes);
    drawing.rows.into_iter().for_each(|row| diagram.push(row));
    diagram
}

/// Counts how often each message was sent and neither arrived nor was lost.
fn lost(moments: &[DrawnStep<'_>]) -> BTreeMap<Message, usize> {
    let mut lost: BTreeMap<Message, usize> = BTreeMap::new();
    for message in moments.iter().flat_map(|(_, said)| *said) {
        *lost.entry(message.clone()).or_default() += 1;
    }
    for (flight, _) in moments.iter().flat_map(|(step, _)| &step.gone) {
        lost.entry(flight.message.clone()).and_modify(|left| *left = left.saturating_sub(1));
    }
    lost
}

struct Drawing {
    /// How many nodes there are.
    nodes: usize,
    rows: Vec<Row>,
    /// Ticks that passed since the last row.
    ticks: BTreeMap<NodeId, u64>,
    /// Messages that never arrive, and how often.
    lost: BTreeMap<Message, usize>,
    /// Lost messages that share one row.
    gone: Vec<Message>,
    /// What was drawn before.
    seen: BTreeSet<Message>,
    lanes: BTreeSet<NodeId>,
}

impl Drawing {
    fn draw(&mut self, step: &Step, said: &[Message], is_here: bool) {
        let quiet = are_quiet(&step.notes) && !is_here;
        if self.take_lost(step) {
            return;
        }
        let fresh: Vec<&Message> = said.iter().filter(|message| self.is_lost(message)).collect();
        let says_again = fresh.iter().all(|message| self.seen.contains(*message));
        match &step.input {
            Input::Post(_) => return,
            Input::Tick(id) => {
                *self.ticks.entry(*id).or_default() += 1;
                if quiet && says_again {
                    return;
                }
                self.draw_lost();
                let row = self.tick_row();
                self.push(row, step, is_here);
            }
            Input::Deliver(message) if quiet && says_again && self.seen.contains(message) => return,
            Input::Campaign(_)
            | Input::Propose { .. }
            | Input::Ask { .. }
            | Input::Read { .. }
            | Input::Ready(_)
            | Input::Apply(_)
            | Input::Deliver(_)
            | Input::Drop(_)
            | Input::Duplicate(_)
            | Input::Persist(_)
            | Input::Crash(_)
            | Input::Restart(_)
            | Input::Cut { .. }
            | Input::Mend { .. }
            | Input::Partition(_)
            | Input::Heal
            | Input::FailRead { .. }
            | Input::PinLimit { .. } => {
                self.flush();
                let row = self.input_row(step);
                self.push(row, step, is_here);
            }
        }
        self.draw_said(&fresh);
    }

    /// Records that a message was sent; returns whether this one never arrives.
    fn is_lost(&self, message: &Message) -> bool {
        self.lost.get(message).is_some_and(|&times| times > 0)
    }

    /// Draws what was sent and never arrives: one row for several receivers.
    fn draw_said(&mut self, said: &[&Message]) {
        let mut rest = said;
        while let Some((first, _)) = rest.split_first() {
            let alike =
                |message: &&&Message| message.from == first.from && label(message) == label(first);
            let count = rest.iter().take_while(alike).count();
            let to: Vec<NodeId> = rest[..count].iter().map(|message| message.to).collect();
            self.lanes.insert(first.from);
            self.rows.push(match to[..] {
                [to] => {
                    self.lanes.insert(to);
                    Row::message(first.from, to, label(first))
                }
                _ => Row::at(first.from, format!("{} to {}", label(first), self.names(&to))),
            });
            self.seen.extend(rest[..count].iter().map(|message| (*message).clone()));
            rest = &rest[count..];
        }
    }

    /// Names receivers: every other node is `all`.
    fn names(&self, to: &[NodeId]) -> String {
        if to.len() + 1 == self.nodes { "all".to_owned() } else { names(to) }
    }

    /// Draws an input that is no tick and no lost message.
    fn input_row(&mut self, step: &Step) -> Row {
        if let Some((flight, _)) = step.gone.first() {
            let message = &flight.message;
            self.seen.insert(message.clone());
            self.lanes.extend([message.from, message.to]);
            return Row::message(message.from, message.to, label(message));
        }
        let text = name(&step.input);
        let known = step.node.or_else(|| node_of(&step.input));
        let lane = known.or(self.lanes.first().copied()).unwrap_or(NodeId(1));
        self.lanes.insert(lane);
        let text = text.strip_prefix(&format!("{lane} ")).unwrap_or(&text).to_owned();
        match &step.refused {
            Some(why) => Row::at(lane, text).note(why.clone()),
            None => Row::at(lane, text),
        }
    }

    /// Draws the ticks that passed: of one node, or of several alike.
    fn tick_row(&mut self) -> Row {
        let ticks = std::mem::take(&mut self.ticks);
        let most = ticks.values().copied().max().unwrap_or(0);
        let text = if most == 1 { "1 tick".to_owned() } else { format!("{most} ticks") };
        let lane = ticks.first_key_value().map_or(NodeId(1), |(&id, _)| id);
        self.lanes.extend(ticks.keys());
        match ticks.len() {
            0 | 1 => Row::at(lane, text),
            _ => Row::at(lane, format!("{text} at each node")),
        }
    }

    /// Draws what was postponed.
    fn flush(&mut self) {
        self.draw_lost();
        if !self.ticks.is_empty() {
            let row = self.tick_row();
            self.rows.push(row);
        }
    }

    /// Postpones a lost message, if it can share a row with those before it.
    fn take_lost(&mut self, step: &Step) -> bool {
        let Some((flight, Fate::Dropped | Fate::LinkCut | Fate::ReceiverDown)) = step.gone.first()
        else {
            return false;
        };
        let message = &flight.message;
        let shares = |other: &Message| other.from == message.from && label(other) == label(message);
        if !self.gone.last().is_some_and(shares) {
            self.flush();
        }
        self.gone.push(message.clone());
        true
    }

    /// Draws lost messages: an arrow, or one row for several.
    fn draw_lost(&mut self) {
        let gone = std::mem::take(&mut self.gone);
        let Some(first) = gone.first() else { return };
        self.seen.extend(gone.iter().cloned());
        self.lanes.insert(first.from);
        let to: Vec<NodeId> = gone.iter().map(|message| message.to).collect();
        self.rows.push(match to[..] {
            [to] => {
                self.lanes.insert(to);
                Row::lost(first.from, to, label(first))
            }
            _ => Row::at(first.from, format!("{} to {}: lost", label(first), self.names(&to))),
        });
    }

    /// Adds a row with what came of it, and the line that decided it last.
    fn push(&mut self, row: Row, step: &Step, is_here: bool) {
        let row = match told(step.node, &step.notes) {
            Some((fact, note)) => row.note(fact).decided_at(note.at),
            None => row,
        };
        self.rows.push(if is_here { row.here() } else { row });
    }
}
