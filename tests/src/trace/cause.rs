//! What made a step happen: an [`Input`], as a trace writes it.
//!
//! ```text
//!   {"tick":1}   {"deliver":9}   {"cut":{"from":1,"to":2}}   {"partition":[[1,2],[3]]}   "heal"
//!                       '-- the number of the message's flight
//! ```
//!
//! An input names a message by what it says; a trace, where the message is under way, by its flight:
//! shorter, and a page can follow it. Where it is not (a schedule that was cut short may speak of
//! messages nobody sent), the trace writes the message out.

use crate::input::Input;
use crate::network::Network;
use crate::trace::entry::Hex;
use crate::trace::message::Spoken;
use raft::{Message, NodeId};
use serde::{Deserialize, Serialize};

/// An input: [`Input`], which documents every variant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "Input documents every one of them")]
pub enum Cause {
    Tick(u64),
    Campaign(u64),
    Deliver(Which),
    Drop(Which),
    Duplicate(Which),
    Post(Spoken),
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

/// A message that an input speaks of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Which {
    /// It is under way: the number of its flight.
    Flight(u64),
    /// It is not.
    Missing(Spoken),
}

impl Which {
    fn new(message: &Message, network: &Network) -> Self {
        match network.find(message) {
            Some(flight) => Which::Flight(flight.id),
            None => Which::Missing(message.into()),
        }
    }

    /// Returns the message.
    ///
    /// # Errors
    /// What is wrong, where no message of that number is under way.
    fn message(&self, network: &Network) -> Result<Message, String> {
        match self {
            Which::Missing(spoken) => Ok(spoken.clone().into()),
            Which::Flight(id) => {
                let flight = network.flights().iter().find(|flight| flight.id == *id);
                let flight = flight.ok_or_else(|| format!("message {id} is not under way"))?;
                Ok(flight.message.clone())
            }
        }
    }
}

impl Cause {
    /// Writes an input that is about to happen on this network.
    pub fn new(input: &Input, network: &Network) -> Self {
        match input {
            Input::Tick(id) => Cause::Tick(id.0),
            Input::Campaign(id) => Cause::Campaign(id.0),
            Input::Deliver(message) => Cause::Deliver(Which::new(message, network)),
            Input::Drop(message) => Cause::Drop(Which::new(message, network)),
            Input::Duplicate(message) => Cause::Duplicate(Which::new(message, network)),
            Input::Post(message) => Cause::Post(message.into()),
            Input::Ready(id) => Cause::Ready(id.0),
            Input::Persist(id) => Cause::Persist(id.0),
            Input::Apply(id) => Cause::Apply(id.0),
            Input::Crash(id) => Cause::Crash(id.0),
            Input::Restart(id) => Cause::Restart(id.0),
            Input::Cut { from, to } => Cause::Cut { from: from.0, to: to.0 },
            Input::Mend { from, to } => Cause::Mend { from: from.0, to: to.0 },
            Input::Partition(groups) => {
                let numbers = |group: &Vec<NodeId>| group.iter().map(|id| id.0).collect();
                Cause::Partition(groups.iter().map(numbers).collect())
            }
            Input::Heal => Cause::Heal,
            Input::Propose { node, data } => {
                Cause::Propose { node: node.0, data: Hex(data.clone()) }
            }
            Input::FailRead { node, after } => Cause::FailRead { node: node.0, after: *after },
            Input::PinLimit { node, ticks } => Cause::PinLimit { node: node.0, ticks: *ticks },
        }
    }

    /// Returns the input again, for a cluster whose network this is.
    ///
    /// # Errors
    /// What is wrong, where it speaks of a message that is not under way.
    pub fn input(&self, network: &Network) -> Result<Input, String> {
        Ok(match self {
            Cause::Tick(id) => Input::Tick(NodeId(*id)),
            Cause::Campaign(id) => Input::Campaign(NodeId(*id)),
            Cause::Deliver(which) => Input::Deliver(which.message(network)?),
            Cause::Drop(which) => Input::Drop(which.message(network)?),
            Cause::Duplicate(which) => Input::Duplicate(which.message(network)?),
            Cause::Post(spoken) => Input::Post(spoken.clone().into()),
            Cause::Ready(id) => Input::Ready(NodeId(*id)),
            Cause::Persist(id) => Input::Persist(NodeId(*id)),
            Cause::Apply(id) => Input::Apply(NodeId(*id)),
            Cause::Crash(id) => Input::Crash(NodeId(*id)),
            Cause::Restart(id) => Input::Restart(NodeId(*id)),
            Cause::Cut { from, to } => Input::Cut { from: NodeId(*from), to: NodeId(*to) },
            Cause::Mend { from, to } => Input::Mend { from: NodeId(*from), to: NodeId(*to) },
            Cause::Partition(groups) => {
                let names = |group: &Vec<u64>| group.iter().copied().map(NodeId).collect();
                Input::Partition(groups.iter().map(names).collect())
            }
            Cause::Heal => Input::Heal,
            Cause::Propose { node, data } => {
                Input::Propose { node: NodeId(*node), data: data.0.clone() }
            }
            Cause::FailRead { node, after } => {
                Input::FailRead { node: NodeId(*node), after: *after }
            }
            Cause::PinLimit { node, ticks } => {
                Input::PinLimit { node: NodeId(*node), ticks: *ticks }
            }
        })
    }
}
