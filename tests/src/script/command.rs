//! Every command of a script.
//!
//! ```text
//!   Directive (text) --> Command (meaning)        the error for an unknown name offers similar ones
//! ```

use crate::cluster::Setup;
use crate::input::Input;
use crate::request::Request;
use crate::script::ScriptError;
use crate::script::arguments::Arguments;
use crate::script::grammar::Directive;
use crate::script::{add_nodes, message};
use crate::spelling::did_you_mean;
use bytes::Bytes;
use raft::{Message, NodeId};

/// One command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Makes the cluster.
    AddNodes(Setup),
    /// Lets ticks pass.
    Tick {
        /// The nodes; empty for all.
        ids: Vec<NodeId>,
        /// How many ticks.
        ticks: TickCount,
    },
    /// Lets a node start an election.
    Campaign(NodeId),
    /// A client proposes a command to a node.
    Propose {
        /// The node.
        id: NodeId,
        /// The command.
        data: Bytes,
    },
    /// A node's owner asks something of it.
    Ask {
        /// The node.
        id: NodeId,
        /// What it asks.
        request: Request,
    },
    /// A client asks a node for an index to read at.
    Read {
        /// The node.
        id: NodeId,
        /// The read's mark.
        context: Bytes,
    },
    /// Delivers messages, and drops others.
    Deliver {
        /// The messages to deliver; `None` if the command only drops.
        picked: Option<MessageFilter>,
        /// The messages to drop.
        lost: Option<MessageFilter>,
    },
    /// Drops messages.
    Drop(MessageFilter),
    /// Delivers messages and keeps them in flight.
    Duplicate(MessageFilter),
    /// Sends a message that no node made.
    Post(Message),
    /// Partitions the network.
    Partition(Vec<Vec<NodeId>>),
    /// Cuts links.
    Cut(Vec<(NodeId, NodeId)>),
    /// Repairs links.
    Mend(Vec<(NodeId, NodeId)>),
    /// Repairs every link.
    Heal,
    /// Lets the owner of each node take a Ready.
    Ready(Vec<NodeId>),
    /// Makes the oldest pending write of each disk durable.
    Persist(Vec<NodeId>),
    /// Lets the application of each node apply the committed entries of the oldest Ready.
    Apply(Vec<NodeId>),
    /// Takes the power from nodes.
    Crash(Vec<NodeId>),
    /// Restarts nodes.
    Restart(Vec<NodeId>),
    /// Delivers and writes everything until these nodes are quiet; all nodes if the list is empty.
    Stabilize(Vec<NodeId>),
    /// A node's storage fails one read, after some that succeed.
    FailRead {
        /// The node.
        id: NodeId,
        /// How many reads succeed before.
        after: u64,
    },
    /// Fixes a node's election timeout, or lets the node draw it at random again.
    Pin {
        /// The node.
        id: NodeId,
        /// The election timeout in ticks; `None` to draw it at random.
        ticks: Option<u64>,
    },
    /// Shows nodes; all nodes if the list is empty.
    State(Vec<NodeId>),
    /// Shows the messages in flight.
    Messages,
    /// Adds a caption to the next step.
    Note(String),
    /// etcd's `log-level`: with `none`, commands print nothing but `ok`.
    SetVerbosity(Verbosity),
}

/// How many ticks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TickCount {
    /// This many.
    Ticks(u64),
    /// As many as the shortest election timeout.
    Election,
    /// As many as there are between two heartbeats.
    Heartbeat,
}

/// Whether commands print their output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verbosity {
    /// They do.
    Normal,
    /// They print `ok`.
    Silent,
}

/// Selects some of the messages in flight.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MessageFilter {
    /// The receivers, in this order; empty for all.
    pub to: Vec<NodeId>,
    /// The senders; empty for all.
    pub from: Vec<NodeId>,
    /// The kind; `None` for every kind.
    pub kind: Option<&'static str>,
    /// Only the n-th of them, counted from 1, oldest first; `None` for all.
    pub nth: Option<u64>,
}

impl MessageFilter {
    /// Returns whether the filter selects a message, without regard to `nth`.
    pub fn matches(&self, message: &Message) -> bool {
        (self.to.is_empty() || self.to.contains(&message.to))
            && (self.from.is_empty() || self.from.contains(&message.from))
            && self.kind.is_none_or(|kind| kind == message.body.kind())
    }
}

/// The most ticks that one command may let pass.
pub const TICKS_MAX: u64 = 10_000;

/// The name of every command, ours before etcd's.
pub const NAMES: [&str; 42] = [
    "add-nodes",
    "apply",
    "campaign",
    "change",
    "compact",
    "crash",
    "cut",
    "deliver",
    "drop",
    "duplicate",
    "fail-read",
    "forget-leader",
    "heal",
    "mend",
    "messages",
    "note",
    "partition",
    "persist",
    "pin",
    "ping",
    "post",
    "propose",
    "read",
    "ready",
    "report-fetched",
    "report-snapshot",
    "report-unreachable",
    "request-snapshot",
    "restart",
    "set-commit-groups",
    "set-priority",
    "set-window",
    "stabilize",
    "state",
    "tick",
    "transfer-leader",
    "deliver-msgs",
    "log-level",
    "raft-state",
    "set-randomized-election-timeout",
    "tick-election",
    "tick-heartbeat",
];

impl Command {
    /// Returns the one input that the command stands for in every cluster; `None` if that depends on the
    /// cluster, or if it is not exactly one.
    pub fn input(&self) -> Option<Input> {
        let only = |ids: &[NodeId]| <[NodeId; 1]>::try_from(ids).ok().map(|[id]| id);
        Some(match self.clone() {
            Command::Tick { ids, ticks: TickCount::Ticks(1) } => Input::Tick(only(&ids)?),
            Command::Campaign(id) => Input::Campaign(id),
            Command::Propose { id, data } => Input::Propose { node: id, data },
            Command::Ask { id, request } => Input::Ask { node: id, request },
            Command::Read { id, context } => Input::Read { node: id, context },
            Command::Post(message) => Input::Post(message),
            Command::Partition(groups) => Input::Partition(groups),
            Command::Heal => Input::Heal,
            Command::FailRead { id, after } => Input::FailRead { node: id, after },
            Command::Pin { id, ticks } => Input::PinLimit { node: id, ticks },
            Command::Ready(ids) => Input::Ready(only(&ids)?),
            Command::Persist(ids) => Input::Persist(only(&ids)?),
            Command::Apply(ids) => Input::Apply(only(&ids)?),
            Command::Crash(ids) => Input::Crash(only(&ids)?),
            Command::Restart(ids) => Input::Restart(only(&ids)?),
            Command::Cut(links) => match links[..] {
                [(from, to)] => Input::Cut { from, to },
                _ => return None,
            },
            Command::Mend(links) => match links[..] {
                [(from, to)] => Input::Mend { from, to },
                _ => return None,
            },
            Command::AddNodes(_) | Command::Tick { .. } | Command::Stabilize(_) => return None,
            Command::Deliver { .. } | Command::Drop(_) | Command::Duplicate(_) => return None,
            Command::State(_) | Command::Messages | Command::Note(_) => return None,
            Command::SetVerbosity(_) => return None,
        })
    }

    /// Parses a directive. Errors name `script` as its source.
    ///
    /// # Errors
    /// [`ScriptError`] names the line and what was expected.
    pub fn parse(script: &str, directive: &Directive) -> Result<Command, ScriptError> {
        let mut arguments = Arguments::new(script, directive);
        if directive.command == "note" {
            let text = directive.text.trim_start_matches("note").trim().to_string();
            return Ok(Command::Note(text));
        }
        if directive.command == "propose" {
            let (id, data) = node_and_rest(directive, &mut arguments, "a command to propose")?;
            return Ok(Command::Propose { id, data });
        }
        if directive.command == "read" {
            let (id, context) = node_and_rest(directive, &mut arguments, "the read's mark")?;
            return Ok(Command::Read { id, context });
        }
        let command = read(&directive.command, &mut arguments)?;
        arguments.finish()?;
        Ok(command)
    }
}

fn read(name: &str, arguments: &mut Arguments<'_>) -> Result<Command, ScriptError> {
    if let Some((id, request)) = Request::read(name, arguments)? {
        return Ok(Command::Ask { id, request });
    }
    Ok(match name {
        "add-nodes" => Command::AddNodes(add_nodes::setup(arguments)?),
        "tick" => tick(arguments)?,
        "tick-election" => Command::Tick { ids: vec![arguments.id()?], ticks: TickCount::Election },
        "tick-heartbeat" => {
            Command::Tick { ids: vec![arguments.id()?], ticks: TickCount::Heartbeat }
        }
        "campaign" => Command::Campaign(arguments.id()?),
        "deliver" | "deliver-msgs" => deliver(arguments)?,
        "drop" => Command::Drop(pick(arguments)?),
        "duplicate" => Command::Duplicate(pick(arguments)?),
        "post" => Command::Post(message::message(arguments)?),
        "partition" => partition(arguments)?,
        "cut" => Command::Cut(links(arguments)?),
        "mend" => Command::Mend(links(arguments)?),
        "heal" => Command::Heal,
        "ready" => Command::Ready(some(arguments)?),
        "persist" => Command::Persist(some(arguments)?),
        "apply" => Command::Apply(some(arguments)?),
        "crash" => Command::Crash(some(arguments)?),
        "restart" => Command::Restart(some(arguments)?),
        "stabilize" => Command::Stabilize(arguments.ids()?),
        "pin" => pin(arguments)?,
        "fail-read" => fail_read(arguments)?,
        "set-randomized-election-timeout" => {
            let id = arguments.id()?;
            let timeout = arguments.number("timeout")?;
            let ticks = timeout.ok_or_else(|| arguments.wrong("expected timeout=, in ticks"))?;
            Command::Pin { id, ticks: Some(ticks) }
        }
        "state" | "raft-state" => Command::State(arguments.ids()?),
        "messages" => Command::Messages,
        "log-level" => match arguments.expect("a level")?.to_lowercase().as_str() {
            "none" => Command::SetVerbosity(Verbosity::Silent),
            "debug" | "info" | "warn" | "error" | "fatal" => {
                Command::SetVerbosity(Verbosity::Normal)
            }
            other => {
                let what =
                    format!("expected debug, info, warn, error, fatal or none, found {other}");
                return Err(arguments.wrong(what));
            }
        },
        unknown => {
            let mean = did_you_mean(unknown, NAMES);
            return Err(arguments.wrong(format!("there is no command {unknown:?}{mean}")));
        }
    })
}

/// Reads `1 x=1`: a node, and the rest of the line as it is.
fn node_and_rest(
    directive: &Directive,
    arguments: &mut Arguments<'_>,
    what: &str,
) -> Result<(NodeId, Bytes), ScriptError> {
    let id = arguments.id()?;
    let words = directive.text.split_once(char::is_whitespace).map_or("", |(_, words)| words);
    let words = words.trim_start();
    let (_, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let rest = rest.trim();
    if rest.is_empty() {
        return Err(arguments.wrong(format!("expected {what} after the node, such as x=1")));
    }
    Ok((id, Bytes::copy_from_slice(rest.as_bytes())))
}

/// Reads `1`, `all`, `1 5`, `all 5`.
fn tick(arguments: &mut Arguments<'_>) -> Result<Command, ScriptError> {
    let ids = match arguments.expect("a node, or all,")? {
        "all" => Vec::new(),
        word => vec![arguments.read_id(word)?],
    };
    let ticks = match arguments.next() {
        None => 1,
        Some(word) => arguments.read_number("how many ticks pass", word)?,
    };
    if !(1..=TICKS_MAX).contains(&ticks) {
        return Err(arguments.wrong(format!("expected 1 to {TICKS_MAX} ticks, found {ticks}")));
    }
    Ok(Command::Tick { ids, ticks: TickCount::Ticks(ticks) })
}

fn pick(arguments: &mut Arguments<'_>) -> Result<MessageFilter, ScriptError> {
    let from = arguments.nodes("from")?.unwrap_or_default();
    let kind = match arguments.value("type")? {
        None => None,
        Some(word) => Some(message::kind(arguments, word)?),
    };
    let nth = arguments.number("nth")?;
    if nth == Some(0) {
        return Err(arguments.wrong("expected nth= to count from 1, found nth=0"));
    }
    Ok(MessageFilter { to: arguments.ids()?, from, kind, nth })
}

fn deliver(arguments: &mut Arguments<'_>) -> Result<Command, ScriptError> {
    let lost = arguments.nodes("drop")?;
    let picked = pick(arguments)?;
    let lost = lost.map(|to| MessageFilter { to, from: picked.from.clone(), ..picked.clone() });
    let only_lost = lost.is_some() && picked.to.is_empty();
    Ok(Command::Deliver { picked: Some(picked).filter(|_| !only_lost), lost })
}

/// Reads `1 2 | 3 4 5`.
fn partition(arguments: &mut Arguments<'_>) -> Result<Command, ScriptError> {
    let mut groups = vec![Vec::new()];
    for word in arguments.rest() {
        if word == "|" {
            groups.push(Vec::new());
            continue;
        }
        let id = arguments.read_id(word)?;
        if groups.iter().flatten().any(|&other| other == id) {
            return Err(arguments.wrong(format!("{id} is in two groups")));
        }
        groups.last_mut().expect("there is always one").push(id);
    }
    if groups.len() < 2 || groups.iter().any(Vec::is_empty) {
        return Err(arguments.wrong("expected groups of nodes such as 1 2 | 3 4 5"));
    }
    Ok(Command::Partition(groups))
}

fn links(arguments: &mut Arguments<'_>) -> Result<Vec<(NodeId, NodeId)>, ScriptError> {
    let mut links = vec![arguments.expect("a link such as 1->2")?];
    links.extend(arguments.rest());
    links.into_iter().map(|word| arguments.read_link(word)).collect()
}

/// Reads one node or more.
fn some(arguments: &mut Arguments<'_>) -> Result<Vec<NodeId>, ScriptError> {
    let mut ids = vec![arguments.id()?];
    ids.extend(arguments.ids()?);
    Ok(ids)
}

fn fail_read(arguments: &mut Arguments<'_>) -> Result<Command, ScriptError> {
    let id = arguments.id()?;
    let word = arguments.expect("how many reads succeed before,")?;
    Ok(Command::FailRead {
        id,
        after: arguments.read_number("how many reads succeed before", word)?,
    })
}

fn pin(arguments: &mut Arguments<'_>) -> Result<Command, ScriptError> {
    let id = arguments.id()?;
    let ticks = match arguments.expect("a number of ticks, or free,")? {
        "free" => None,
        word => Some(arguments.read_number("the election timeout in ticks", word)?),
    };
    Ok(Command::Pin { id, ticks })
}
