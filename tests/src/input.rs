//! Everything that can happen to a cluster, and what came of it.
//!
//! ```text
//!   Input   one thing happens, to one node, one message or one link
//!   Step    what it led to: events with their lines, messages sent and gone, a broken invariant
//! ```
//!
//! Messages are named by what they say, not by a number: a list of inputs keeps its meaning when
//! others are taken out of it, which is what shrinking does.

use crate::invariant::Violation;
use crate::network::Flight;
use bytes::Bytes;
use raft::{Entry, Message, NodeId, Note};

/// One thing that can happen to a cluster. Where its object is not there (a message that was never
/// sent, a node that is down), nothing happens.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Input {
    /// One tick passes at a node.
    Tick(NodeId),
    /// A node is told to hold an election.
    Campaign(NodeId),
    /// A client proposes a command to a node.
    Propose {
        /// To which node.
        node: NodeId,
        /// The command.
        data: Bytes,
    },
    /// The oldest message under way that says this arrives, or is lost where its link is cut or its
    /// receiver down.
    Deliver(Message),
    /// The oldest message under way that says this is lost.
    Drop(Message),
    /// The oldest message under way that says this arrives, and stays under way to arrive again.
    Duplicate(Message),
    /// A message that no node of this cluster sent is put under way.
    Post(Message),
    /// A node's owner takes a Ready: what may leave leaves, what is to be saved goes to the disk.
    /// Nothing where nodes are bare: they have no owner.
    Ready(NodeId),
    /// The oldest write that waits at a node's disk becomes durable, and what it promised leaves.
    Persist(NodeId),
    /// A node's application applies the oldest committed entries that wait for it, as many as were
    /// handed out together. Nothing where nodes are bare: theirs never wait.
    Apply(NodeId),
    /// A node loses power: its memory and every write that waits at its disk are gone.
    Crash(NodeId),
    /// A node starts again from what is durable.
    Restart(NodeId),
    /// A link loses everything it should deliver, in one direction.
    Cut {
        /// Whose words are lost.
        from: NodeId,
        /// Who does not hear them.
        to: NodeId,
    },
    /// A link works again, in one direction.
    Mend {
        /// Whose words arrive again.
        from: NodeId,
        /// Who hears them.
        to: NodeId,
    },
    /// The network falls apart into these groups: every link between two of them is cut, every link
    /// within one works. A node that no group names stands alone.
    Partition(Vec<Vec<NodeId>>),
    /// Every link works again.
    Heal,
    /// A node's storage fails one read, after some that succeed. The node halts at that read; it stays up,
    /// to be looked at, until it crashes.
    FailRead {
        /// The node.
        node: NodeId,
        /// How many reads succeed before.
        after: u64,
    },
    /// A node's election limit is fixed, or drawn again.
    PinLimit {
        /// Whose limit.
        node: NodeId,
        /// The limit in ticks; none to draw it.
        ticks: Option<u64>,
    },
}

/// What one input led to.
#[derive(Clone, Debug)]
pub struct Step {
    /// Counts the steps of a run, from 1.
    pub number: u64,
    /// The ticks that have passed at the node that has counted most of them.
    pub clock: u64,
    /// What happened.
    pub input: Input,
    /// The node it happened to, if it happened to one.
    pub node: Option<NodeId>,
    /// What the node noted, in order, with the lines that decided. Empty unless the cluster listens.
    pub notes: Vec<Note>,
    /// What was put under way.
    pub sent: Vec<Flight>,
    /// What is under way no more; a duplicated message appears here as [`Fate::Duplicated`].
    pub gone: Vec<(Flight, Fate)>,
    /// What the node's application applied, in order.
    pub applied: Vec<Entry>,
    /// Why nothing happened, if nothing did; or what the node refused, and why.
    pub refused: Option<String>,
    /// The first invariant that this step broke.
    pub violation: Option<Violation>,
}

impl Step {
    /// Notes a broken rule. Of several, the one that comes first among causes is kept.
    pub(crate) fn blame(&mut self, judged: Result<(), Violation>) {
        let Err(violation) = judged else { return };
        if self.violation.as_ref().is_none_or(|known| violation.rule < known.rule) {
            self.violation = Some(violation);
        }
    }
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fate {
    /// It arrived.
    Delivered,
    /// It arrived, and is still under way.
    Duplicated,
    /// It was dropped.
    Dropped,
    /// Its link was cut.
    LinkCut,
    /// Its receiver was down.
    ReceiverDown,
}
