//! A step in words: a headline for what happened, and one line for every fact that it led to.
//!
//! ```text
//!   > n1->n2 RequestVote t1 last=0@0      headline    > arrives   x is lost
//!     n2@0 follower -> n2@1 follower      facts       a node is written name@term
//!     n2 votes for n1
//!     n2->n1 VoteReply t1 granted
//! ```
//!
//! Several events become one fact if a reader thinks of them as one (a new term and a new role). An
//! event becomes no fact if another line already tells it. Source lines never appear here, because
//! golden files consist of these texts.

use crate::cluster::Cluster;
use crate::input::{Fate, Input, Step};
use crate::trace::state::{Durable, NodeState};
use raft::{Entry, Event, NodeId, Payload, ReadState, RoleName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One fact that a step led to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fact {
    /// In words.
    pub text: String,
    /// The event that decided it, counted from 0 in the step's events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<usize>,
}

impl Fact {
    fn plain(text: String) -> Self {
        Fact { text, event: None }
    }
}

/// Returns the headline of a step: what happened.
pub fn headline(step: &Step, cluster: &Cluster) -> String {
    if let Some((flight, fate)) = step.gone.first() {
        let message = &flight.message;
        return match fate {
            Fate::Delivered => format!("> {message}"),
            Fate::Duplicated => format!("> {message}, and once more later"),
            Fate::Dropped => format!("x {message}: dropped"),
            Fate::LinkCut => format!("x {message}: the link is cut"),
            Fate::ReceiverDown => format!("x {message}: {} is down", message.to),
        };
    }
    announcement(&step.input, cluster)
}

/// Returns the headline of an input whose step is not done.
pub fn announcement(input: &Input, cluster: &Cluster) -> String {
    let kept = |id: NodeId| {
        let durable = cluster.disk(id).map(|disk| disk.durable().hard_state().into());
        durable.map_or(String::new(), |durable| hard_state(&durable))
    };
    match input {
        Input::Tick(id) => format!("> {id} ticks"),
        Input::Campaign(id) => format!("> {id} is told to campaign"),
        Input::Deliver(message) => format!("> {message}"),
        Input::Drop(message) => format!("x {message}"),
        Input::Duplicate(message) => format!("> {message}"),
        Input::Post(message) => format!("> the test sends {message}"),
        Input::Persist(id) => format!("> {id}'s disk keeps {}", kept(*id)),
        Input::Ready(id) => format!("> {id} hands out a Ready"),
        Input::Apply(id) => format!("> {id}'s application applies the next entries"),
        Input::Crash(id) => format!("> {id} loses power; its disk holds {}", kept(*id)),
        Input::Restart(id) => format!("> {id} starts again with {}", kept(*id)),
        Input::Cut { from, to } => format!("> the link {from}->{to} is cut"),
        Input::Mend { from, to } => format!("> the link {from}->{to} works again"),
        Input::Partition(groups) => {
            let names = |group: &Vec<NodeId>| {
                group.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ")
            };
            let groups: Vec<_> = groups.iter().map(names).collect();
            format!("> the network is partitioned: {}", groups.join(" | "))
        }
        Input::Heal => "> every link works again".to_string(),
        Input::Propose { node, data } => {
            format!("> a client proposes {} to {node}", data.escape_ascii())
        }
        Input::Ask { node, request } => format!("> {node} is told {request}"),
        Input::Read { node, context } => {
            format!("> a client reads {} at {node}", context.escape_ascii())
        }
        Input::FailRead { node, after: 0 } => format!("> {node}'s storage fails its next read"),
        Input::FailRead { node, after } => {
            format!("> {node}'s storage fails a read, after {after} that succeed")
        }
        Input::PinLimit { node, ticks: Some(ticks) } => {
            format!("> the election timeout of {node} is {ticks} ticks from now on")
        }
        Input::PinLimit { node, ticks: None } => {
            format!("> {node} draws its election timeouts at random again")
        }
    }
}

/// Returns what a step led to.
pub fn facts(step: &Step, before: Option<&NodeState>, cluster: &Cluster) -> Vec<Fact> {
    let mut facts = match (step.node, before) {
        (Some(id), Some(before)) => noted(step, id, before, cluster),
        (Some(_), None) | (None, _) => Vec::new(),
    };
    if let (Some(id), Some(before)) = (step.node, before) {
        facts.extend(waiting(step, id, before, cluster).map(Fact::plain));
    }
    facts.extend(applied(step).map(Fact::plain));
    facts.extend(reads(step).map(Fact::plain));
    for flight in &step.sent {
        let sends = |event: &Event| {
            let (to, kind) = (flight.message.to, flight.message.body.kind());
            *event == Event::Sent { to, kind }
        };
        let event = step.notes.iter().position(|note| sends(&note.event));
        facts.push(Fact { text: flight.message.to_string(), event });
    }
    facts.extend(refusal(step).map(Fact::plain));
    if let Some(violation) = &step.violation {
        let (title, section) = (violation.rule.title(), violation.rule.section());
        let text = format!("*** BROKEN: {title}: {} ({section}) ***", violation.text);
        facts.push(Fact::plain(text));
    }
    facts
}

/// Returns the facts of the events that a node noted.
fn noted(step: &Step, id: NodeId, before: &NodeState, cluster: &Cluster) -> Vec<Fact> {
    let turned = |event: &Event| matches!(event, Event::RoleEntered { .. });
    let sets_vote = |event: &Event| matches!(event, Event::VoteChanged { to: Some(_), .. });
    let any = |what: fn(&Event) -> bool| step.notes.iter().any(|note| what(&note.event));
    let (turned, sets_vote) = (any(turned), any(sets_vote));
    let was = before.role.unwrap_or(RoleName::Follower);
    let leads = was == RoleName::Leader;

    let mut moves = Moves::new(id, before);
    let mut tally = VoteCount::new(before, cluster, id);
    let mut facts = Vec::new();
    for (at, note) in step.notes.iter().enumerate() {
        let text = match &note.event {
            Event::TermEntered { to, .. } => {
                moves.enter_term(to.0, at, &mut facts);
                continue;
            }
            Event::RoleChangeAsked { .. } => {
                moves.asked = Some(at);
                continue;
            }
            Event::RoleEntered { to, .. } => {
                if *to == RoleName::Candidate {
                    tally.heard.clear();
                }
                moves.enter_role(*to, at, &mut facts);
                // Its vote of the term before was for itself as well, so nothing changed.
                if *to == RoleName::Candidate && !sets_vote && votes_for_itself(cluster, id) {
                    facts.push(Fact::plain(format!("{id} votes for {id} again")));
                }
                continue;
            }
            Event::VoteChanged { to: Some(_), .. } => format!("{id} {}", note.event),
            Event::LeaderChanged { to: Some(to), .. } if *to != id => {
                format!("{id} {}", note.event)
            }
            Event::LeaderChanged { to: None, .. } if !leads => format!("{id} {}", note.event),
            Event::TimerReset { after_ticks } if !turned && !leads => match after_ticks {
                0 => format!("{id} restarts its election timer"),
                1 => format!("{id} restarts its election timer, after 1 tick"),
                many => format!("{id} restarts its election timer, after {many} ticks"),
            },
            Event::VoteGranted { candidate } if !sets_vote => {
                format!("{id} grants {candidate} its vote again")
            }
            Event::MatchAdvanced { peer, .. } if *peer == id => {
                format!("{id}'s own entries are durable, and count")
            }
            Event::VoteRefused { .. }
            | Event::PreVoteGranted { .. }
            | Event::PreVoteRefused { .. }
            | Event::QuorumLost { .. }
            | Event::LeaseSuspended { .. }
            | Event::TransferBegan { .. }
            | Event::TransferEnded { .. }
            | Event::SnapshotSent { .. }
            | Event::SnapshotPending { .. }
            | Event::SnapshotGivenUp { .. }
            | Event::SnapshotWanted { .. }
            | Event::SnapshotRestored { .. }
            | Event::SnapshotRefused { .. }
            | Event::MembersChanged { .. }
            | Event::ChangeReplaced { .. }
            | Event::JointLeft { .. }
            | Event::CampaignPostponed { .. }
            | Event::MessageIgnored { .. }
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
            | Event::ReadRoundBegan { .. }
            | Event::ReadRoundConfirmed { .. }
            | Event::Halted { .. }
            | Event::AppliedAhead { .. } => format!("{id} {}", note.event),
            Event::VoteCounted { voter, granted } => {
                format!("{id} {}: {}", note.event, tally.count(*voter, *granted))
            }
            // Another line tells it: the new term, the new role, the vote, or the message.
            Event::VoteChanged { .. }
            | Event::LeaderChanged { .. }
            | Event::TimerReset { .. }
            | Event::VoteGranted { .. }
            | Event::ReadEnded { .. }
            | Event::Sent { .. } => continue,
        };
        facts.push(Fact { text, event: Some(at) });
    }
    facts
}

fn votes_for_itself(cluster: &Cluster, id: NodeId) -> bool {
    cluster.node(id).is_some_and(|node| node.inspect().vote == Some(id))
}

/// Makes one line of a new term and the new role that comes with it.
struct Moves {
    id: NodeId,
    term: u64,
    role: RoleName,
    /// The event that requested the next role.
    asked: Option<usize>,
    /// The line of a new term whose new role may still follow.
    open: Option<Open>,
}

/// The line of a new term.
struct Open {
    /// Its place among the facts.
    place: usize,
    /// How it begins: `n1@0 follower`.
    from: String,
    /// Whether a rule requested it: then its source line is known.
    asked: bool,
}

impl Moves {
    fn new(id: NodeId, before: &NodeState) -> Self {
        let role = before.role.unwrap_or(RoleName::Follower);
        Moves { id, term: before.term.unwrap_or(0), role, asked: None, open: None }
    }

    fn name(&self) -> String {
        format!("{}@{} {}", self.id, self.term, self.role)
    }

    fn enter_term(&mut self, to: u64, at: usize, facts: &mut Vec<Fact>) {
        let (from, asked) = (self.name(), self.asked.take());
        self.term = to;
        let text = format!("{from} -> {}", self.name());
        self.open = Some(Open { place: facts.len(), from, asked: asked.is_some() });
        facts.push(Fact { text, event: asked.or(Some(at)) });
    }

    fn enter_role(&mut self, to: RoleName, at: usize, facts: &mut Vec<Fact>) {
        let was = self.name();
        self.role = to;
        let Some(open) = self.open.take() else {
            let text = format!("{was} -> {}", self.name());
            return facts.push(Fact { text, event: self.asked.take().or(Some(at)) });
        };
        let fact = &mut facts[open.place];
        fact.text = format!("{} -> {}", open.from, self.name());
        // The term makes a follower. Every other role has a rule of its own.
        if !open.asked && to != RoleName::Follower {
            fact.event = Some(at);
        }
    }
}

/// Counts the votes that a candidate gets.
struct VoteCount {
    heard: BTreeMap<u64, bool>,
    voters: usize,
}

impl VoteCount {
    fn new(before: &NodeState, cluster: &Cluster, id: NodeId) -> Self {
        let voters = cluster.node(id).map_or(0, |node| node.inspect().voters.voters().count());
        VoteCount { heard: before.votes.clone().unwrap_or_default(), voters }
    }

    fn count(&mut self, voter: NodeId, granted: bool) -> String {
        self.heard.entry(voter.0).or_insert(granted);
        let said = |what: bool| self.heard.values().filter(|&&heard| heard == what).count();
        format!("{} yes, {} no, of {}", said(true), said(false), self.voters)
    }
}

/// Returns which write is pending on a slow disk and how many messages wait for it; or what a crash lost.
fn waiting(step: &Step, id: NodeId, before: &NodeState, cluster: &Cluster) -> Option<String> {
    let disk = cluster.disk(id)?;
    let (had, has) = (before.disk.waiting as usize, disk.pending().len());
    match &step.input {
        Input::Crash(_) => {
            let writes = if had == 1 { "a write" } else { "writes" };
            (had > 0).then(|| format!("{id} loses {writes} that {} not durable", was(had)))
        }
        Input::Persist(_) if has < had => None,
        Input::Tick(_)
        | Input::Campaign(_)
        | Input::Propose { .. }
        | Input::Ask { .. }
        | Input::Read { .. }
        | Input::Deliver(_)
        | Input::Drop(_)
        | Input::Duplicate(_)
        | Input::Post(_)
        | Input::Ready(_)
        | Input::Persist(_)
        | Input::Apply(_)
        | Input::Restart(_)
        | Input::Cut { .. }
        | Input::Mend { .. }
        | Input::Partition(_)
        | Input::Heal
        | Input::FailRead { .. }
        | Input::PinLimit { .. } => {
            let write = disk.pending().last().filter(|_| has > had)?;
            let words = match write.promised.len() + write.own.len() {
                0 => String::new(),
                1 => "; 1 message waits for it".to_string(),
                many => format!("; {many} messages wait for it"),
            };
            Some(format!("{id} writes {}{words}", hard_state(&write.hard_state.into())))
        }
    }
}

fn was(count: usize) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

/// Returns what the application applied, without the no-ops of new terms.
fn applied(step: &Step) -> impl Iterator<Item = String> {
    let id = step.node;
    let said = |entry: &Entry| match entry.payload() {
        Payload::Normal(data) => Some((entry.id, data.escape_ascii().to_string())),
        Payload::Noop | Payload::Change(_) | Payload::ChangeV2(_) => None,
    };
    let said: Vec<_> = step.applied.iter().filter_map(said).collect();
    id.into_iter().flat_map(move |id| {
        said.clone().into_iter().map(move |(entry, data)| format!("{id} applies {entry} {data}"))
    })
}

/// Returns how reads ended.
fn reads(step: &Step) -> impl Iterator<Item = String> {
    let ended = step.node.into_iter().flat_map(|id| step.reads.iter().map(move |read| (id, read)));
    ended.map(|(id, ReadState { context, outcome })| {
        let mark = context.escape_ascii();
        match outcome {
            Ok(index) => format!("{id} may read {mark} once it has applied {index}"),
            Err(why) => format!("{id}'s read {mark} ends: {why}"),
        }
    })
}

/// Returns why the input changed nothing.
fn refusal(step: &Step) -> Option<String> {
    let why = step.refused.as_ref()?;
    match step.node {
        Some(id) => Some(format!("{id} refuses: {why}")),
        // The headline already tells that a message was lost.
        None => step.gone.is_empty().then(|| format!("nothing happens: {why}")),
    }
}

/// Returns a term and a vote as text: `term 1, vote n2`.
pub fn hard_state(durable: &Durable) -> String {
    match durable.vote {
        Some(vote) => format!("term {}, vote n{vote}", durable.term),
        None => format!("term {}, no vote", durable.term),
    }
}
