//! What the owner of a node asks of it, beside proposals and reads: an operator's wishes, and reports.
//!
//! ```text
//!   Request            command                       RawNode, Raft
//!   Transfer(n2)       transfer-leader 1 2           transfer_leader(n2)
//!   ForgetLeader       forget-leader 1               forget_leader()
//!   Unreachable(n2)    report-unreachable 1 2        report_unreachable(n2)
//! ```
//!
//! A new one is added here, in this file alone.

use crate::script::ScriptError;
use crate::script::arguments::Arguments;
use raft::{MemoryStorage, NodeId, Raft, RawNode};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What an owner asks of its node.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// To hand its leadership to another node.
    Transfer(NodeId),
    /// To forget its leader.
    ForgetLeader,
    /// To send to another node more carefully: messages to it are lost.
    Unreachable(NodeId),
}

/// The name of the command for each request.
pub const COMMANDS: [&str; 3] = ["transfer-leader", "forget-leader", "report-unreachable"];

impl Request {
    /// Reads the command of this name, after the node; `None` if a request has no such command.
    ///
    /// # Errors
    /// [`ScriptError`] names the line and what was expected.
    pub(crate) fn read(
        name: &str,
        arguments: &mut Arguments<'_>,
    ) -> Result<Option<(NodeId, Request)>, ScriptError> {
        if !COMMANDS.contains(&name) {
            return Ok(None);
        }
        let node = arguments.id()?;
        Ok(Some(match name {
            "transfer-leader" => (node, Request::Transfer(arguments.id()?)),
            "forget-leader" => (node, Request::ForgetLeader),
            _ => (node, Request::Unreachable(arguments.id()?)),
        }))
    }

    /// Returns the command that asks this of `node`.
    pub(crate) fn command(&self, node: NodeId) -> String {
        match self {
            Request::Transfer(target) => format!("transfer-leader {} {}", node.0, target.0),
            Request::ForgetLeader => format!("forget-leader {}", node.0),
            Request::Unreachable(peer) => format!("report-unreachable {} {}", node.0, peer.0),
        }
    }

    /// Asks it of a bare node. Returns why the node refuses, if it does.
    pub(crate) fn ask_bare(&self, node: &mut Raft<MemoryStorage>) -> Option<String> {
        match *self {
            Request::Transfer(target) => refusal(node.transfer_leader(target)),
            Request::ForgetLeader => refusal(node.forget_leader()),
            Request::Unreachable(peer) => {
                node.report_unreachable(peer);
                None
            }
        }
    }

    /// Asks it of a node with an owner. Returns why the node refuses, if it does.
    pub(crate) fn ask_owned(&self, node: &mut RawNode<MemoryStorage>) -> Option<String> {
        match *self {
            Request::Transfer(target) => refusal(node.transfer_leader(target)),
            Request::ForgetLeader => refusal(node.forget_leader()),
            Request::Unreachable(peer) => {
                node.report_unreachable(peer);
                None
            }
        }
    }
}

fn refusal<E: fmt::Display>(outcome: Result<(), E>) -> Option<String> {
    outcome.err().map(|why| why.to_string())
}

impl fmt::Display for Request {
    /// Writes the end of a sentence about the node: "n1 is told" + " to hand its leadership to n2".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Transfer(target) => write!(f, "to hand its leadership to {target}"),
            Request::ForgetLeader => write!(f, "to forget its leader"),
            Request::Unreachable(peer) => write!(f, "that messages to {peer} are lost"),
        }
    }
}
