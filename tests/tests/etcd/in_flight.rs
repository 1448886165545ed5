//! What is in flight: messages between nodes, and what threads say to the node they work for.

use crate::layout;
use raft::{Index, Message, NodeId, ReadyNumber};

/// One thing in flight.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct InFlight {
    /// Whom it is for.
    pub(crate) to: NodeId,
    /// etcd's name of its kind.
    pub(crate) kind: &'static str,
    /// etcd's layout of it.
    pub(crate) text: String,
    /// What it brings.
    pub(crate) content: Content,
}

/// What a message brings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Content {
    /// A message of another node's.
    Message(Message),
    /// Word that everything up to this Ready is durable.
    Durable(ReadyNumber),
    /// Word that everything up to this entry is applied.
    Applied(Index),
}

impl InFlight {
    /// Returns a message between nodes as a message.
    pub(crate) fn between_nodes(m: Message) -> Self {
        let (kind, text) = (layout::kind(&m.body), layout::message(&m));
        InFlight { to: m.to, kind, text, content: Content::Message(m) }
    }

    /// Returns whether it never leaves its node: then it cannot be lost.
    pub(crate) fn is_local(&self) -> bool {
        match self.content {
            Content::Message(_) => false,
            Content::Durable(_) | Content::Applied(_) => true,
        }
    }
}
