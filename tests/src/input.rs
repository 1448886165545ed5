//! Everything that can happen to a cluster, and what each input led to.
//!
//! ```text
//!   Input   one thing happens, to one node, one message or one link
//!   Step    its result: events with source lines, messages sent and delivered or lost, a violation
//! ```
//!
//! An input names a message by its contents, not by a number. So a list of inputs keeps its meaning
//! when some of them are removed, which is what shrinking does. A trace writes an input as it is here:
//!
//! ```text
//!   {"tick":1}   {"deliver":{"from":1,..}}   {"cut":{"from":1,"to":2}}   {"partition":[[1,2],[3]]}   "heal"
//! ```

use crate::invariant::Violation;
use crate::network::Flight;
use crate::request::Request;
use bytes::Bytes;
use raft::{Entry, Message, NodeId, Note, ReadState};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that can happen to a cluster. An input that names something absent (a message that was
/// never sent, a node that is down) changes nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// One tick passes at a node.
    Tick(NodeId),
    /// A node is told to hold an election.
    Campaign(NodeId),
    /// A client proposes a command to a node.
    Propose {
        /// Which node.
        node: NodeId,
        /// The command.
        #[serde(with = "raft::serialize::hex")]
        data: Bytes,
    },
    /// Delivers the oldest message in flight with these contents. It is lost if its link is cut or its
    /// receiver is down.
    Deliver(Message),
    /// Drops the oldest message in flight with these contents.
    Drop(Message),
    /// Delivers the oldest message in flight with these contents, and keeps it in flight, so that it
    /// can arrive again.
    Duplicate(Message),
    /// Puts a message in flight that no node of this cluster has sent.
    Post(Message),
    /// A node's owner takes a Ready: it sends the messages and hands the write to the disk. Bare nodes
    /// have no owner, so this changes nothing for them.
    Ready(NodeId),
    /// The oldest pending write of a node's disk becomes durable. The messages that waited for it are
    /// sent.
    Persist(NodeId),
    /// A node's application applies the oldest committed entries that wait for it: those of one Ready.
    /// Changes nothing for bare nodes, which apply at once.
    Apply(NodeId),
    /// A node loses power: its memory and every pending write of its disk are lost.
    Crash(NodeId),
    /// A node restarts from what is durable.
    Restart(NodeId),
    /// Cuts a link in one direction: it loses every message that it should deliver.
    Cut {
        /// The sender whose messages are lost.
        from: NodeId,
        /// The receiver that does not get them.
        to: NodeId,
    },
    /// Repairs a link in one direction.
    Mend {
        /// The sender whose messages arrive again.
        from: NodeId,
        /// The receiver that gets them.
        to: NodeId,
    },
    /// Partitions the network into these groups: links between two groups are cut, links within a group
    /// work. A node that is in no group is alone.
    Partition(Vec<Vec<NodeId>>),
    /// Repairs every link.
    Heal,
    /// A node's storage fails one read, after some that succeed. The node halts at that read; it stays up,
    /// to be looked at, until it crashes.
    FailRead {
        /// The node.
        node: NodeId,
        /// How many reads succeed before.
        after: u64,
    },
    /// Fixes a node's election timeout, or lets the node draw it at random again.
    PinLimit {
        /// Which node.
        node: NodeId,
        /// The election timeout in ticks; `None` to draw it at random.
        ticks: Option<u64>,
    },
    /// A node's owner asks something of it.
    Ask {
        /// Which node.
        node: NodeId,
        /// What it asks.
        request: Request,
    },
    /// A client asks a node for an index to read at.
    Read {
        /// Which node.
        node: NodeId,
        /// The read's mark.
        #[serde(with = "raft::serialize::hex")]
        context: Bytes,
    },
}

impl Input {
    /// Returns the nodes that the input names: to which it happens, or between which.
    pub(crate) fn nodes(&self) -> Vec<NodeId> {
        match self {
            Input::Tick(id) | Input::Campaign(id) | Input::Ready(id) | Input::Persist(id) => {
                vec![*id]
            }
            Input::Apply(id) | Input::Crash(id) | Input::Restart(id) => vec![*id],
            Input::Propose { node, .. } | Input::Ask { node, .. } | Input::Read { node, .. } => {
                vec![*node]
            }
            Input::FailRead { node, .. } | Input::PinLimit { node, .. } => vec![*node],
            Input::Deliver(message) | Input::Drop(message) => vec![message.to],
            Input::Duplicate(message) | Input::Post(message) => vec![message.to],
            Input::Cut { from, to } | Input::Mend { from, to } => vec![*from, *to],
            Input::Partition(groups) => groups.concat(),
            Input::Heal => Vec::new(),
        }
    }
}

/// The result of one input.
#[derive(Clone, Debug)]
pub struct Step {
    /// The number of the step in its run, from 1.
    pub number: u64,
    /// The ticks counted by the node that has counted the most.
    pub clock: u64,
    /// The input.
    pub input: Input,
    /// The node that it happened to, if there is one.
    pub node: Option<NodeId>,
    /// The events that the node noted, in order, each with the source line that decided. Empty unless
    /// the cluster is [`listening`](crate::Cluster::listening).
    pub notes: Vec<Note>,
    /// The messages that were sent.
    pub sent: Vec<Flight>,
    /// The messages that left the network, and why. A message that was delivered and stays in flight is
    /// here, too, as [`Fate::Duplicated`].
    pub gone: Vec<(Flight, Fate)>,
    /// The entries that the node's application applied, in order.
    pub applied: Vec<Entry>,
    /// The reads of the node's clients that ended, in order.
    pub reads: Vec<ReadState>,
    /// Why the input changed nothing, or what the node refused and why.
    pub refused: Option<String>,
    /// The first invariant that this step broke.
    pub violation: Option<Violation>,
}

impl Step {
    /// Notes a broken rule. Of several, it keeps the one that [`Rule`](crate::Rule) lists first.
    pub(crate) fn blame(&mut self, judged: Result<(), Violation>) {
        let Err(violation) = judged else { return };
        if self.violation.as_ref().is_none_or(|known| violation.rule < known.rule) {
            self.violation = Some(violation);
        }
    }
}

/// What happened to a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It arrived.
    Delivered,
    /// It arrived, and stays in flight.
    Duplicated,
    /// It was dropped.
    Dropped,
    /// Its link was cut.
    LinkCut,
    /// Its receiver was down.
    ReceiverDown,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fate::Delivered => "delivered",
            Fate::Duplicated => "duplicated",
            Fate::Dropped => "dropped",
            Fate::LinkCut => "link cut",
            Fate::ReceiverDown => "receiver down",
        })
    }
}
