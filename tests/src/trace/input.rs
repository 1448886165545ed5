//! The input of a step: an [`Input`], as a trace writes it.
//!
//! ```text
//!   {"tick":1}   {"deliver":9}   {"cut":{"from":1,"to":2}}   {"partition":[[1,2],[3]]}   "heal"
//!                       '-- the number of the message's flight
//! ```
//!
//! An input names a message by its contents. A trace names a message in flight by its number, which is
//! shorter. It writes the whole message if it is not in flight: an input of a shortened run may name a
//! message that was never sent.

use crate::input::Input;
use crate::network::Network;
use crate::trace::entry::Hex;
use crate::trace::message::RecordedMessage;
use raft::{Message, NodeId};
use serde::{Deserialize, Serialize};

/// An input: [`Input`], which documents every variant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "Input documents every one of them")]
pub enum RecordedInput {
    Tick(u64),
    Campaign(u64),
    Deliver(MessageRef),
    Drop(MessageRef),
    Duplicate(MessageRef),
    Post(RecordedMessage),
    Ready(u64),
    Persist(u64),
    Apply(u64),
    Crash(u64),
    Restart(u64),
    Cut { from: u64, to: u64 },
    Mend { from: u64, to: u64 },
    Partition(Vec<Vec<u64>>),
    Heal,
    FailRead { node: u64, after: u64 },
    PinLimit { node: u64, ticks: Option<u64> },
    Propose { node: u64, data: Hex },
}

/// The message of an input.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MessageRef {
    /// It is in flight: its number.
    Flight(u64),
    /// It is not in flight: the message itself.
    Missing(RecordedMessage),
}

impl MessageRef {
    fn new(message: &Message, network: &Network) -> Self {
        match network.find(message) {
            Some(flight) => MessageRef::Flight(flight.id),
            None => MessageRef::Missing(message.into()),
        }
    }

    /// Returns the message.
    ///
    /// # Errors
    /// No message with this number is in flight.
    fn message(&self, network: &Network) -> Result<Message, String> {
        match self {
            MessageRef::Missing(spoken) => Ok(spoken.clone().into()),
            MessageRef::Flight(id) => {
                let flight = network.flights().iter().find(|flight| flight.id == *id);
                let flight = flight.ok_or_else(|| format!("message {id} is not in flight"))?;
                Ok(flight.message.clone())
            }
        }
    }
}

impl RecordedInput {
    /// Records an input before it is applied to a cluster with this network.
    pub fn new(input: &Input, network: &Network) -> Self {
        match input {
            Input::Tick(id) => RecordedInput::Tick(id.0),
            Input::Campaign(id) => RecordedInput::Campaign(id.0),
            Input::Deliver(message) => RecordedInput::Deliver(MessageRef::new(message, network)),
            Input::Drop(message) => RecordedInput::Drop(MessageRef::new(message, network)),
            Input::Duplicate(message) => {
                RecordedInput::Duplicate(MessageRef::new(message, network))
            }
            Input::Post(message) => RecordedInput::Post(message.into()),
            Input::Ready(id) => RecordedInput::Ready(id.0),
            Input::Persist(id) => RecordedInput::Persist(id.0),
            Input::Apply(id) => RecordedInput::Apply(id.0),
            Input::Crash(id) => RecordedInput::Crash(id.0),
            Input::Restart(id) => RecordedInput::Restart(id.0),
            Input::Cut { from, to } => RecordedInput::Cut { from: from.0, to: to.0 },
            Input::Mend { from, to } => RecordedInput::Mend { from: from.0, to: to.0 },
            Input::Partition(groups) => {
                let numbers = |group: &Vec<NodeId>| group.iter().map(|id| id.0).collect();
                RecordedInput::Partition(groups.iter().map(numbers).collect())
            }
            Input::Heal => RecordedInput::Heal,
            Input::Propose { node, data } => {
                RecordedInput::Propose { node: node.0, data: Hex(data.clone()) }
            }
            Input::FailRead { node, after } => {
                RecordedInput::FailRead { node: node.0, after: *after }
            }
            Input::PinLimit { node, ticks } => {
                RecordedInput::PinLimit { node: node.0, ticks: *ticks }
            }
        }
    }

    /// Returns the recorded input, for a cluster with this network.
    ///
    /// # Errors
    /// It names a message that is not in flight.
    pub fn input(&self, network: &Network) -> Result<Input, String> {
        Ok(match self {
            RecordedInput::Tick(id) => Input::Tick(NodeId(*id)),
            RecordedInput::Campaign(id) => Input::Campaign(NodeId(*id)),
            RecordedInput::Deliver(which) => Input::Deliver(which.message(network)?),
            RecordedInput::Drop(which) => Input::Drop(which.message(network)?),
            RecordedInput::Duplicate(which) => Input::Duplicate(which.message(network)?),
            RecordedInput::Post(spoken) => Input::Post(spoken.clone().into()),
            RecordedInput::Ready(id) => Input::Ready(NodeId(*id)),
            RecordedInput::Persist(id) => Input::Persist(NodeId(*id)),
            RecordedInput::Apply(id) => Input::Apply(NodeId(*id)),
            RecordedInput::Crash(id) => Input::Crash(NodeId(*id)),
            RecordedInput::Restart(id) => Input::Restart(NodeId(*id)),
            RecordedInput::Cut { from, to } => Input::Cut { from: NodeId(*from), to: NodeId(*to) },
            RecordedInput::Mend { from, to } => {
                Input::Mend { from: NodeId(*from), to: NodeId(*to) }
            }
            RecordedInput::Partition(groups) => {
                let names = |group: &Vec<u64>| group.iter().copied().map(NodeId).collect();
                Input::Partition(groups.iter().map(names).collect())
            }
            RecordedInput::Heal => Input::Heal,
            RecordedInput::Propose { node, data } => {
                Input::Propose { node: NodeId(*node), data: data.0.clone() }
            }
            RecordedInput::FailRead { node, after } => {
                Input::FailRead { node: NodeId(*node), after: *after }
            }
            RecordedInput::PinLimit { node, ticks } => {
                Input::PinLimit { node: NodeId(*node), ticks: *ticks }
            }
        })
    }
}
