//! The commands of etcd's interaction scripts: their words, and what they mean.

use crate::confchange;
use crate::format::Block;
use crate::verdict::Halt;
use raft::{ConfChangeV2, Index, NodeId, Payload, Transition};
use testbed::script::grammar::Argument;

/// One command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Command {
    /// Starts this many more nodes.
    AddNodes(NodeSetups),
    /// A node campaigns.
    Campaign(NodeId),
    /// A node's storage forgets its entries up to an index.
    Compact(NodeId, Index),
    /// Delivers messages, or drops them.
    DeliverMsgs(Delivery),
    /// Nodes take a Ready each.
    ProcessReady(Vec<NodeId>),
    /// Nodes write what was handed out first.
    ProcessAppendThread(Vec<NodeId>),
    /// Nodes apply what was handed out first.
    ProcessApplyThread(Vec<NodeId>),
    /// Logs less, or more.
    LogLevel(String),
    /// Shows what a node's storage holds.
    RaftLog(NodeId),
    /// Shows every node's role, term and leader.
    RaftState,
    /// Fixes a node's next wait, in ticks.
    SetRandomizedElectionTimeout(NodeId, u64),
    /// Does all work of these nodes, or of all nodes, with this log level.
    Stabilize(Vec<NodeId>, Option<String>),
    /// Shows what a leader knows of its peers.
    Status(NodeId),
    /// Lets the shortest wait before an election pass.
    TickElection(NodeId),
    /// Lets the time between two heartbeats pass.
    TickHeartbeat(NodeId),
    /// Proposes bytes to a node.
    Propose(NodeId, String),
    /// Tells a node that messages to another are being lost.
    ReportUnreachable(Vec<NodeId>),
    /// Proposes a change of the group.
    ProposeConfChange(NodeId, Payload),
    /// Sends a snapshot from one node to another, whatever the leader thinks of it.
    SendSnapshot(NodeId, NodeId),
    /// Tells a node to hand its leadership over.
    TransferLeadership(NodeId, NodeId),
    /// Tells a node to forget its leader.
    ForgetLeader(NodeId),
    /// Does nothing: a place for a debugger to stop.
    Breakpoint,
    /// A word that etcd does not know either.
    Unknown,
}

/// What new nodes begin with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct NodeSetups {
    /// How many.
    pub(crate) count: u64,
    /// Who votes.
    pub(crate) voters: Vec<NodeId>,
    /// Who learns.
    pub(crate) learners: Vec<NodeId>,
    /// Whether a leader checks changes that are proposed.
    pub(crate) unchecked_changes: bool,
    /// Whether a leader steps down once it is no voter.
    pub(crate) step_down_on_removal: bool,
    /// The snapshot's last index, if it has one.
    pub(crate) index: Option<Index>,
    /// The snapshot's image.
    pub(crate) content: String,
    /// How many appends may be in flight to a peer.
    pub(crate) inflight: Option<usize>,
    /// Whether writing and applying are reported as messages.
    pub(crate) writes: Writes,
    /// What may be handed out to be applied at once, in bytes.
    pub(crate) max_applying_bytes: Option<u64>,
    /// Whether nodes ask before they campaign.
    pub(crate) pre_vote: bool,
    /// Whether a leader steps down that nobody answers.
    pub(crate) check_quorum: bool,
    /// Whether reads rest on leases.
    pub(crate) lease_reads: bool,
}

/// How a node's owner writes and applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Writes {
    /// At once, while it holds the Ready.
    #[default]
    Synchronous,
    /// By two threads, which answer when they are done.
    Asynchronous,
}

/// Whom messages are delivered to, and which.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Delivery {
    /// The recipients in order.
    pub(crate) to: Vec<Recipient>,
    /// etcd's name of the only kind that is meant.
    pub(crate) kind: Option<String>,
}

/// One recipient, and what becomes of its messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Recipient {
    /// It gets them.
    Delivered(NodeId),
    /// They are lost.
    Dropped(NodeId),
}

/// How many nodes a script may have; etcd's have up to seven.
const NODES_MAX: u64 = 100;

/// The kinds of message that a script may pick.
const KINDS: [&str; 23] = [
    "MsgHup",
    "MsgBeat",
    "MsgProp",
    "MsgApp",
    "MsgAppResp",
    "MsgVote",
    "MsgVoteResp",
    "MsgSnap",
    "MsgHeartbeat",
    "MsgHeartbeatResp",
    "MsgUnreachable",
    "MsgSnapStatus",
    "MsgCheckQuorum",
    "MsgTransferLeader",
    "MsgTimeoutNow",
    "MsgReadIndex",
    "MsgReadIndexResp",
    "MsgPreVote",
    "MsgPreVoteResp",
    "MsgStorageAppend",
    "MsgStorageAppendResp",
    "MsgStorageApply",
    "MsgStorageApplyResp",
];

impl Command {
    /// Reads a directive.
    ///
    /// # Errors
    /// [`Halt::Malformed`] with what was expected.
    pub(crate) fn read(block: &Block) -> Result<Command, Halt> {
        let words = Words { block };
        Ok(match block.command.as_str() {
            "add-nodes" => Command::AddNodes(words.setups()?),
            "campaign" => Command::Campaign(words.first()?),
            "compact" => Command::Compact(words.first()?, Index(words.number(words.at(1)?)?)),
            "deliver-msgs" => Command::DeliverMsgs(words.delivery()?),
            "process-ready" => Command::ProcessReady(words.nodes()?),
            "process-append-thread" => Command::ProcessAppendThread(words.nodes()?),
            "process-apply-thread" => Command::ProcessApplyThread(words.nodes()?),
            "log-level" => Command::LogLevel(words.at(0)?.to_string()),
            "raft-log" => Command::RaftLog(words.first()?),
            "raft-state" => Command::RaftState,
            "set-randomized-election-timeout" => {
                let ticks = words.value("timeout")?.ok_or_else(|| words.wrong("timeout=N"))?;
                Command::SetRandomizedElectionTimeout(words.first()?, words.number(ticks)?)
            }
            "stabilize" => {
                let level = words.value("log-level")?.map(str::to_string);
                Command::Stabilize(words.nodes()?, level)
            }
            "status" => Command::Status(words.first()?),
            "tick-election" => Command::TickElection(words.first()?),
            "tick-heartbeat" => Command::TickHeartbeat(words.first()?),
            "propose" => match &block.arguments[..] {
                [_, Argument { key, values: None }] => {
                    Command::Propose(words.first()?, key.clone())
                }
                _ => return Err(words.wrong("a node and one word without =")),
            },
            "report-unreachable" => Command::ReportUnreachable(words.nodes()?),
            "_breakpoint" => Command::Breakpoint,
            "propose-conf-change" => {
                Command::ProposeConfChange(words.first()?, words.conf_change()?)
            }
            "transfer-leadership" => {
                let node = |key| -> Result<NodeId, Halt> {
                    words.node(words.value(key)?.ok_or_else(|| words.wrong("from=N to=N"))?)
                };
                Command::TransferLeadership(node("from")?, node("to")?)
            }
            "forget-leader" => Command::ForgetLeader(words.first()?),
            "send-snapshot" => Command::SendSnapshot(words.first()?, words.node(words.at(1)?)?),
            _ => Command::Unknown,
        })
    }
}

/// A directive's words being read.
#[derive(Clone, Copy)]
struct Words<'a> {
    block: &'a Block,
}

impl<'a> Words<'a> {
    fn wrong(self, expected: &str) -> Halt {
        let what = format!("{}: expected {expected}", self.block.command);
        Halt::Malformed { line: self.block.line, what }
    }

    /// Returns the key at a place.
    fn at(self, place: usize) -> Result<&'a str, Halt> {
        let word = self.block.arguments.get(place);
        word.map(|word| word.key.as_str()).ok_or_else(|| self.wrong("another word"))
    }

    fn number(self, text: &str) -> Result<u64, Halt> {
        text.parse().map_err(|_| self.wrong(&format!("a number, found {text:?}")))
    }

    fn node(self, text: &str) -> Result<NodeId, Halt> {
        match self.number(text)? {
            0 => Err(self.wrong("the number of a node, from 1")),
            id => Ok(NodeId(id)),
        }
    }

    fn is_so(self, text: &str) -> Result<bool, Halt> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.wrong(&format!("true or false, found {text:?}"))),
        }
    }

    /// Returns the node that the first word names.
    fn first(self) -> Result<NodeId, Halt> {
        self.node(self.at(0)?)
    }

    /// Returns the nodes that words without `=` name.
    fn nodes(self) -> Result<Vec<NodeId>, Halt> {
        let bare = self.block.arguments.iter().filter(|word| word.values.is_none());
        bare.map(|word| self.node(&word.key)).collect()
    }

    /// Returns the one value of `key=value`, if it is given.
    fn value(self, key: &str) -> Result<Option<&'a str>, Halt> {
        match self.block.arguments.iter().find(|word| word.key == key) {
            None => Ok(None),
            Some(Argument { values: Some(values), .. }) if values.len() == 1 => {
                Ok(values.first().map(String::as_str))
            }
            Some(_) => Err(self.wrong(&format!("one value for {key}"))),
        }
    }

    fn delivery(self) -> Result<Delivery, Halt> {
        let mut delivery = Delivery::default();
        for word in &self.block.arguments {
            let Some(values) = &word.values else {
                delivery.to.push(Recipient::Delivered(self.node(&word.key)?));
                continue;
            };
            for value in values {
                match word.key.as_str() {
                    "drop" => {
                        let id = self.node(value)?;
                        if delivery.to.contains(&Recipient::Delivered(id)) {
                            let not_both =
                                format!("{id}'s messages delivered or dropped, not both");
                            return Err(self.wrong(&not_both));
                        }
                        delivery.to.push(Recipient::Dropped(id));
                    }
                    "type" if KINDS.contains(&value.as_str()) => {
                        delivery.kind = Some(value.clone());
                    }
                    "type" => {
                        return Err(self.wrong(&format!("a kind of message, found {value}")));
                    }
                    // etcd leaves other words alone.
                    _ => {}
                }
            }
        }
        Ok(delivery)
    }

    fn setups(self) -> Result<NodeSetups, Halt> {
        let count = self.number(self.at(0)?)?;
        if count > NODES_MAX {
            return Err(self.wrong(&format!("at most {NODES_MAX} nodes, found {count}")));
        }
        let mut setups = NodeSetups { count, ..NodeSetups::default() };
        for word in self.block.arguments.iter().skip(1) {
            for value in word.values.iter().flatten() {
                self.node_setting(&mut setups, &word.key, value)?;
            }
        }
        Ok(setups)
    }

    /// Reads the change of `propose-conf-change`: of the first kind, or of the second.
    fn conf_change(self) -> Result<Payload, Halt> {
        let changes = confchange::changes(self.block)?;
        let is_first_kind = self.value("v1")?.is_some_and(|value| value == "true");
        if is_first_kind {
            let [change] = changes[..] else { return Err(self.wrong("one change with v1=true")) };
            return Ok(change.into());
        }
        let transition = match self.value("transition")? {
            None | Some("auto") => Transition::Auto,
            Some("implicit") => Transition::Implicit,
            Some("explicit") => Transition::Explicit,
            Some(other) => {
                return Err(self.wrong(&format!("auto, implicit or explicit, found {other}")));
            }
        };
        Ok(ConfChangeV2 { transition, changes }.into())
    }

    /// Reads one `key=value` of `add-nodes`.
    fn node_setting(self, setups: &mut NodeSetups, key: &str, value: &str) -> Result<(), Halt> {
        match key {
            "voters" => setups.voters.push(self.node(value)?),
            "learners" => setups.learners.push(self.node(value)?),
            "inflight" => setups.inflight = usize::try_from(self.number(value)?).ok(),
            "index" => setups.index = Some(Index(self.number(value)?)),
            "content" => setups.content = value.to_string(),
            "async-storage-writes" => {
                let threads = self.is_so(value)?;
                setups.writes = if threads { Writes::Asynchronous } else { Writes::Synchronous };
            }
            "max-committed-size-per-ready" => {
                setups.max_applying_bytes = Some(self.number(value)?);
            }
            "prevote" => setups.pre_vote = self.is_so(value)?,
            "checkquorum" => setups.check_quorum = self.is_so(value)?,
            "disable-conf-change-validation" => setups.unchecked_changes = self.is_so(value)?,
            "step-down-on-removal" => setups.step_down_on_removal = self.is_so(value)?,
            "read-only" if value == "safe" => setups.lease_reads = false,
            "read-only" if value == "lease-based" => setups.lease_reads = true,
            "read-only" => {
                return Err(self.wrong(&format!("read-only=safe or lease-based, found {value}")));
            }
            // etcd leaves other words alone.
            _ => {}
        }
        Ok(())
    }
}
