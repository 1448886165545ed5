//! Everything a script can say.
//!
//! ```text
//!   Directive (words) --> Command (meaning)        an unknown name is answered with the nearest ones
//! ```

use crate::cluster::Setup;
use crate::script::ScriptError;
use crate::script::arguments::Arguments;
use crate::script::grammar::Directive;
use crate::script::spelling::did_you_mean;
use crate::script::{hand, seating};
use bytes::Bytes;
use raft::{Message, NodeId};

/// One command, understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// The cluster is made.
    AddNodes(Setup),
    /// Ticks pass.
    Tick {
        /// At which nodes; none for all.
        ids: Vec<NodeId>,
        /// How many.
        ticks: Wait,
    },
    /// A node is told to hold an election.
    Campaign(NodeId),
    /// A client proposes a command to a node.
    Propose {
        /// To which.
        id: NodeId,
        /// The command.
        data: Bytes,
    },
    /// Messages arrive; those to the nodes in `lost` are dropped.
    Deliver {
        /// Which arrive; none where only `lost` was named.
        picked: Option<Pick>,
        /// Whose are dropped.
        lost: Option<Pick>,
    },
    /// Messages are lost.
    Drop(Pick),
    /// Messages arrive and stay under way.
    Duplicate(Pick),
    /// A message made by hand is put under way.
    Post(Message),
    /// The network falls apart.
    Partition(Vec<Vec<NodeId>>),
    /// Links are cut.
    Cut(Vec<(NodeId, NodeId)>),
    /// Links work again.
    Mend(Vec<(NodeId, NodeId)>),
    /// Every link works again.
    Heal,
    /// The owner of each node takes a Ready.
    Ready(Vec<NodeId>),
    /// The oldest write of each disk becomes durable.
    Persist(Vec<NodeId>),
    /// The application of each node applies what was handed out first.
    Apply(Vec<NodeId>),
    /// Nodes lose power.
    Crash(Vec<NodeId>),
    /// Nodes start again.
    Restart(Vec<NodeId>),
    /// Everything arrives and every disk writes, until these nodes, or all, are silent.
    Stabilize(Vec<NodeId>),
    /// A node's storage fails one read, after some that succeed.
    FailRead {
        /// The node.
        id: NodeId,
        /// How many reads succeed before.
        after: u64,
    },
    /// A node's election limit is fixed, or drawn again.
    Pin {
        /// Whose.
        id: NodeId,
        /// The limit; none to draw it.
        ticks: Option<u64>,
    },
    /// Shows nodes; all if none is named.
    State(Vec<NodeId>),
    /// Shows what is under way.
    Messages,
    /// Says something before the next step.
    Note(String),
    /// etcd's `log-level`: with `none`, commands say nothing but `ok`.
    Speak(Voice),
}

/// How many ticks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// This many.
    Ticks(u64),
    /// As many as the shortest wait before an election.
    Election,
    /// As many as lie between two heartbeats.
    Heartbeat,
}

/// Whether commands say what came of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Voice {
    /// They do.
    Aloud,
    /// They say `ok`.
    Muted,
}

/// Some of the messages under way.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pick {
    /// To whom, in this order; none for everyone.
    pub to: Vec<NodeId>,
    /// From whom; none for everyone.
    pub from: Vec<NodeId>,
    /// Of which kind; none for every kind.
    pub kind: Option<&'static str>,
    /// Only the so-manieth of them, counted from 1, the oldest first; none for all.
    pub nth: Option<u64>,
}

impl Pick {
    /// Returns whether a message is such a one, wherever it stands among them.
    pub fn takes(&self, message: &Message) -> bool {
        (self.to.is_empty() || self.to.contains(&message.to))
            && (self.from.is_empty() || self.from.contains(&message.from))
            && self.kind.is_none_or(|kind| kind == message.body.kind())
    }
}

/// The longest wait one command may ask for, in ticks.
pub const TICKS_MAX: u64 = 10_000;

/// Every command's name, ours first.
pub const NAMES: [&str; 29] = [
    "add-nodes",
    "apply",
    "campaign",
    "crash",
    "cut",
    "deliver",
    "drop",
    "duplicate",
    "fail-read",
    "heal",
    "mend",
    "messages",
    "note",
    "partition",
    "persist",
    "pin",
    "post",
    "propose",
    "ready",
    "restart",
    "stabilize",
    "state",
    "tick",
    "deliver-msgs",
    "log-level",
    "raft-state",
    "set-randomized-election-timeout",
    "tick-election",
    "tick-heartbeat",
];

impl Command {
    /// Understands a directive; `script` says in errors where it stands.
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
            return propose(directive, &mut arguments);
        }
        let command = read(&directive.command, &mut arguments)?;
        arguments.finish()?;
        Ok(command)
    }
}

fn read(name: &str, arguments: &mut Arguments<'_>) -> Result<Command, ScriptError> {
    Ok(match name {
        "add-nodes" => Command::AddNodes(seating::setup(arguments)?),
        "tick" => tick(arguments)?,
        "tick-election" => Command::Tick { ids: vec![arguments.id()?], ticks: Wait::Election },
        "tick-heartbeat" => Command::Tick { ids: vec![arguments.id()?], ticks: Wait::Heartbeat },
        "campaign" => Command::Campaign(arguments.id()?),
        "deliver" | "deliver-msgs" => deliver(arguments)?,
        "drop" => Command::Drop(pick(arguments)?),
        "duplicate" => Command::Duplicate(pick(arguments)?),
        "post" => Command::Post(hand::message(arguments)?),
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
            "none" => Command::Speak(Voice::Muted),
            "debug" | "info" | "warn" | "error" | "fatal" => Command::Speak(Voice::Aloud),
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

/// Reads `1 x=1`: a node, and the rest of the line as it stands there.
fn propose(directive: &Directive, arguments: &mut Arguments<'_>) -> Result<Command, ScriptError> {
    let id = arguments.id()?;
    let words = directive.text.trim_start_matches("propose").trim_start();
    let (_, data) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let data = data.trim();
    if data.is_empty() {
        return Err(arguments.wrong("expected what is proposed after the node, such as x=1"));
    }
    Ok(Command::Propose { id, data: Bytes::copy_from_slice(data.as_bytes()) })
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
    Ok(Command::Tick { ids, ticks: Wait::Ticks(ticks) })
}

fn pick(arguments: &mut Arguments<'_>) -> Result<Pick, ScriptError> {
    let from = arguments.nodes("from")?.unwrap_or_default();
    let kind = match arguments.value("type")? {
        None => None,
        Some(word) => Some(hand::kind(arguments, word)?),
    };
    let nth = arguments.number("nth")?;
    if nth == Some(0) {
        return Err(arguments.wrong("expected nth= to count from 1, found nth=0"));
    }
    Ok(Pick { to: arguments.ids()?, from, kind, nth })
}

fn deliver(arguments: &mut Arguments<'_>) -> Result<Command, ScriptError> {
    let lost = arguments.nodes("drop")?;
    let picked = pick(arguments)?;
    let lost = lost.map(|to| Pick { to, from: picked.from.clone(), ..picked.clone() });
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
            return Err(arguments.wrong(format!("{id} stands in two groups")));
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
        word => Some(arguments.read_number("the limit in ticks", word)?),
    };
    Ok(Command::Pin { id, ticks })
}
