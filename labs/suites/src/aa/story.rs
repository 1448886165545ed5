//! What happened on a stage, as a card draws it.
//!
//! ```text
//!   steps   12 ticks at n1, n2->n1 RequestVote t1 arrives, n1 says n1->n2 granted, ...
//!   rows     | 12 ticks
//!            |<- RequestVote t1 -|      vote none -> n2    election.rs:84
//!            |-- granted t1 ---->|
//! ```
//!
//! A message that arrives is drawn where it arrives; one that never does, where it was said. Ticks in
//! which nothing was decided are drawn as one row.

use crate::{Diagram, Place, Row};
use raft::{Body, Event, Ignored, Message, NodeId, Note, Refusal};
use std::collections::BTreeMap;
use testbed::trace::Recorder;
use testbed::{Bare, Fate, Input, Setup, Step};

/// A run: how it began, and everything that happened.
#[derive(Clone)]
pub(super) struct Story {
    setup: Setup,
    title: String,
    seed: Option<u64>,
    moments: Vec<Moment>,
}

/// One thing that happened.
#[derive(Clone)]
struct Moment {
    step: Step,
    /// What was said for the first time: gone already, or waiting for a disk.
    said: Vec<Message>,
}

impl Story {
    /// Begins a story.
    pub(super) fn of(setup: Setup) -> Self {
        Story { setup, title: String::new(), seed: None, moments: Vec::new() }
    }

    /// Says what the story is called.
    pub(super) fn titled(&mut self, title: String) {
        self.title = title;
    }

    /// Says which number it was drawn from.
    pub(super) fn of_seed(&mut self, seed: u64) {
        self.seed = Some(seed);
    }

    /// Returns every step.
    pub(super) fn steps(&self) -> Vec<Step> {
        self.moments.iter().map(|moment| moment.step.clone()).collect()
    }

    /// Returns the story as the text of a trace, which ends with what a test found.
    pub(super) fn trace(&self, found: &str) -> String {
        let inputs = self.moments.iter().map(|moment| &moment.step.input);
        let mut recorder = Recorder::new(self.setup.clone()).titled(&self.title, "");
        if let Some(seed) = self.seed {
            recorder = recorder.of_seed(seed);
        }
        inputs.for_each(|input| {
            recorder.apply(input);
        });
        if recorder.violation().is_none() {
            recorder.fail(found);
        }
        recorder.trace().to_json_lines()
    }

    /// Adds what happened.
    pub(super) fn push(&mut self, step: Step, said: Vec<Message>) {
        self.moments.push(Moment { step, said });
    }

    /// Returns the last line that noted an event such as this. Lines that only send, or only say why
    /// nothing was done, decide nothing.
    pub(super) fn line(&self, is_it: impl Fn(&Event) -> bool) -> Option<Place> {
        let notes = self.moments.iter().flat_map(|moment| &moment.step.notes);
        let mut decisions = notes.filter(|note| decides(&note.event) && is_it(&note.event));
        decisions.next_back().map(|note| Place::from(note.at))
    }

    /// Draws the story.
    pub(super) fn draw(&self, cluster: &Bare) -> Diagram {
        let mut drawing = Drawing {
            diagram: Diagram::new(cluster.ids()),
            ids: cluster.ids().collect(),
            ticks: BTreeMap::new(),
            arrives: self.arrivals(),
        };
        self.moments.iter().for_each(|moment| drawing.draw(moment));
        drawing.draw_ticks();
        drawing.diagram
    }

    /// Counts how often each message arrives or is lost.
    fn arrivals(&self) -> BTreeMap<Message, usize> {
        let mut arrivals = BTreeMap::new();
        for (flight, _) in self.moments.iter().flat_map(|moment| &moment.step.gone) {
            *arrivals.entry(flight.message.clone()).or_default() += 1;
        }
        arrivals
    }
}

/// Returns whether an event is a decision of its own.
fn decides(event: &Event) -> bool {
    match event {
        Event::Sent { .. } | Event::MessageIgnored { .. } => false,
        Event::TermEntered { .. }
        | Event::VoteChanged { .. }
        | Event::LeaderChanged { .. }
        | Event::TimerReset { .. }
        | Event::TurnAsked { .. }
        | Event::RoleEntered { .. }
        | Event::VoteGranted { .. }
        | Event::VoteRefused { .. }
        | Event::VoteCounted { .. } => true,
    }
}

/// A diagram that is being drawn.
struct Drawing {
    diagram: Diagram,
    ids: Vec<NodeId>,
    /// Ticks that passed since the last row.
    ticks: BTreeMap<NodeId, u64>,
    /// How often each message will still arrive.
    arrives: BTreeMap<Message, usize>,
}

impl Drawing {
    fn draw(&mut self, moment: &Moment) {
        let Moment { step, said } = moment;
        if let Input::Tick(id) = step.input {
            *self.ticks.entry(id).or_default() += 1;
            if facts(&step.notes).is_empty() && said.is_empty() {
                return;
            }
        }
        if !matches!(step.input, Input::Post(_)) {
            let row = self.row(step);
            if let Some(row) = row {
                self.push(row, &step.notes);
            }
        }
        for message in said {
            let arrives = self.arrives.entry(message.clone()).or_default();
            if *arrives > 0 {
                continue;
            }
            self.diagram.push(Row::message(message.from, message.to, label(message)));
        }
    }

    /// Draws what the input itself was.
    fn row(&mut self, step: &Step) -> Option<Row> {
        if let Input::Tick(_) = step.input {
            return self.tick_row();
        }
        self.draw_ticks();
        if let Some((flight, fate)) = step.gone.first() {
            let message = &flight.message;
            self.arrives.entry(message.clone()).and_modify(|left| *left = left.saturating_sub(1));
            let (from, to, label) = (message.from, message.to, label(message));
            return Some(match fate {
                Fate::Delivered => Row::message(from, to, label),
                Fate::Duplicated => Row::message(from, to, format!("{label} (again)")),
                Fate::Dropped | Fate::LinkCut | Fate::ReceiverDown => Row::lost(from, to, label),
            });
        }
        let lane = step.node.or_else(|| node_of(&step.input)).or(self.ids.first().copied())?;
        let text = name(&step.input);
        let text = text.strip_prefix(&format!("{lane} ")).unwrap_or(&text).to_owned();
        match &step.refused {
            Some(why) => Some(Row::at(lane, text).note(why.clone())),
            None => Some(Row::at(lane, text)),
        }
    }

    /// Draws the ticks of one node as a row of its own, or those of all nodes as one.
    fn tick_row(&mut self) -> Option<Row> {
        let ticks = std::mem::take(&mut self.ticks);
        let (&lane, &count) = ticks.first_key_value()?;
        let text =
            |count: u64| if count == 1 { "1 tick".to_owned() } else { format!("{count} ticks") };
        Some(match ticks.len() {
            1 => Row::at(lane, text(count)),
            _ => {
                let most = ticks.values().copied().max().unwrap_or(count);
                Row::at(lane, format!("{} at each node", text(most)))
            }
        })
    }

    fn draw_ticks(&mut self) {
        if let Some(row) = self.tick_row() {
            self.diagram.push(row);
        }
    }

    /// Adds a row with what came of it, and the line that decided it last.
    fn push(&mut self, row: Row, notes: &[Note]) {
        let facts = facts(notes);
        let row = match facts.last() {
            Some((_, note)) => {
                let text: Vec<&str> = facts.iter().map(|(fact, _)| fact.as_str()).collect();
                row.note(text.join(", ")).decided_at(note.at)
            }
            None => row,
        };
        self.diagram.push(row);
    }
}

/// Says what an input is: `n1 campaigns`.
pub(super) fn name(input: &Input) -> String {
    match input {
        Input::Tick(id) => format!("{id} hears a tick"),
        Input::Campaign(id) => format!("{id} campaigns"),
        Input::Deliver(message) => format!("{message} arrives"),
        Input::Drop(message) => format!("{message} is lost"),
        Input::Duplicate(message) => format!("{message} arrives, and will again"),
        Input::Post(message) => format!("{message} is sent"),
        Input::Persist(id) => format!("{id} writes to disk"),
        Input::Crash(id) => format!("{id} loses power"),
        Input::Restart(id) => format!("{id} starts again"),
        Input::Cut { from, to } => format!("{from} -> {to} is cut"),
        Input::Mend { from, to } => format!("{from} -> {to} works again"),
        Input::Partition(groups) => {
            let group = |group: &Vec<NodeId>| {
                group.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ")
            };
            format!("network: {}", groups.iter().map(group).collect::<Vec<_>>().join(" | "))
        }
        Input::Heal => "network: all links work".to_owned(),
        Input::PinLimit { node, ticks: Some(ticks) } => format!("{node} limit is {ticks} ticks"),
        Input::PinLimit { node, ticks: None } => format!("{node} draws its limit"),
    }
}

fn node_of(input: &Input) -> Option<NodeId> {
    match input {
        Input::Tick(id) | Input::Campaign(id) | Input::Persist(id) => Some(*id),
        Input::Crash(id) | Input::Restart(id) | Input::PinLimit { node: id, .. } => Some(*id),
        Input::Cut { from, .. } | Input::Mend { from, .. } => Some(*from),
        Input::Deliver(message) | Input::Drop(message) | Input::Duplicate(message) => {
            Some(message.to)
        }
        Input::Post(message) => Some(message.from),
        Input::Partition(_) | Input::Heal => None,
    }
}

/// Says a message in a few words: `granted t1`.
fn label(message: &Message) -> String {
    let word = match message.body {
        Body::VoteReply { granted: true } => "granted",
        Body::VoteReply { granted: false } => "refused",
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
        | Body::ReadIndexReply { .. } => message.body.kind(),
    };
    message.term.map_or_else(|| word.to_owned(), |term| format!("{word} t{term}"))
}

/// Says what changed, fact by fact, each with its note. The least telling facts are left out where
/// others stand.
fn facts(notes: &[Note]) -> Vec<(String, &Note)> {
    let name = |id: &Option<NodeId>| id.map_or_else(|| "none".to_owned(), |id| id.to_string());
    let fact = |note: &Note| match &note.event {
        Event::TermEntered { from, to } => Some(format!("term {from} -> {to}")),
        Event::VoteChanged { from, to } => Some(format!("vote {} -> {}", name(from), name(to))),
        Event::LeaderChanged { from, to } => Some(format!("leader {} -> {}", name(from), name(to))),
        Event::RoleEntered { from, to } if from != to => Some(to.to_string()),
        Event::VoteRefused { why: Refusal::VotedFor(other), .. } => {
            Some(format!("voted for {other}"))
        }
        Event::VoteRefused { why: Refusal::LogIsNewer { .. }, .. } => {
            Some("our log is newer".into())
        }
        Event::VoteCounted { voter, granted: true } => Some(format!("{voter} counts as yes")),
        Event::VoteCounted { voter, granted: false } => Some(format!("{voter} counts as no")),
        Event::MessageIgnored { why, .. } => Some(ignored(why).to_owned()),
        Event::RoleEntered { .. }
        | Event::TimerReset { .. }
        | Event::TurnAsked { .. }
        | Event::VoteGranted { .. }
        | Event::Sent { .. } => None,
    };
    let told: Vec<_> = notes.iter().filter_map(|note| Some((fact(note)?, note))).collect();
    if !told.is_empty() {
        return told;
    }
    let reset = notes.iter().find(|note| matches!(note.event, Event::TimerReset { .. }));
    reset.map(|note| ("waits anew".to_owned(), note)).into_iter().collect()
}

fn ignored(why: &Ignored) -> &'static str {
    match why {
        Ignored::OlderTerm { .. } => "ignored: an older term",
        Ignored::RivalLeader => "ignored: it leads itself",
        Ignored::NotOurRole { .. } => "ignored: not its role",
        Ignored::NoRule => "ignored",
    }
}
