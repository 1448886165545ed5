//! What the owner of a node asks of it, beside proposals and reads: an operator's wishes, and reports.
//!
//! ```text
//!   Request            command                       RawNode, Raft
//!   Transfer(n2)       transfer-leader 1 2           transfer_leader(n2)
//!   ForgetLeader       forget-leader 1               forget_leader()
//!   Unreachable(n2)    report-unreachable 1 2        report_unreachable(n2)
//!   Reported { .. }    report-snapshot 1 2 failure   report_snapshot(n2, Failure)
//!   Snapshot           request-snapshot 1            request_snapshot()
//!   Fetched(n2)        report-fetched 1 2            on_entries_fetched(n2)
//!   Change(..)         change 1 v4 r3                propose_conf_change(..)
//!   Compact { .. }     compact 1 keep=2              the application makes a snapshot; storage forgets
//!   Prefer(2)          set-priority 1 2              set_priority(2)
//!   Divide(..)         set-commit-groups 1 groups=(1:1,2:2)   set_commit_groups(..)
//!   Resize { .. }      set-window 1 2 appends=4      adjust_max_inflight_messages(n2, 4)
//!   Ping               ping 1                        ping()
//! ```
//!
//! A new one is added here, in this file alone.

use crate::script::ScriptError;
use crate::script::arguments::Arguments;
use crate::script::settings::{commit_groups, group_words};
use bytes::Bytes;
use raft::{
    ChangeKind, CommitGroups, ConfChange, ConfChangeV2, MemoryStorage, NodeId, Priority, Raft,
    RawNode, SnapshotStatus, Transition,
};
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
    /// To learn what became of a snapshot that it sent.
    Reported {
        /// The node that was to get it.
        peer: NodeId,
        /// What became of it.
        status: SnapshotStatus,
    },
    /// To ask its leader for a snapshot.
    Snapshot,
    /// To send entries that its storage has fetched.
    Fetched(NodeId),
    /// To propose a change of the group.
    Change(ConfChangeV2),
    /// To make a snapshot of all that is applied, and to remove the entries that it covers.
    Compact {
        /// How many of them stay.
        keep: u64,
    },
    /// To have another priority from now on.
    Prefer(Priority),
    /// To have other commit groups from now on, or none.
    Divide(Option<CommitGroups>),
    /// To have this many appends in flight to a peer, at most.
    Resize {
        /// The peer.
        peer: NodeId,
        /// How many appends.
        appends: usize,
    },
    /// To send heartbeats now.
    Ping,
}

/// The name of the command for each request.
pub const COMMANDS: [&str; 12] = [
    "change",
    "compact",
    "forget-leader",
    "ping",
    "report-fetched",
    "report-snapshot",
    "report-unreachable",
    "request-snapshot",
    "set-commit-groups",
    "set-priority",
    "set-window",
    "transfer-leader",
];

/// Asks a request of a node: its functions have the same names with an owner and without.
macro_rules! ask {
    ($request:expr, $node:expr) => {
        match $request {
            Request::Transfer(target) => refusal($node.transfer_leader(*target)),
            Request::ForgetLeader => refusal($node.forget_leader()),
            Request::Unreachable(peer) => {
                $node.report_unreachable(*peer);
                None
            }
            Request::Reported { peer, status } => {
                $node.report_snapshot(*peer, *status);
                None
            }
            Request::Snapshot => refusal($node.request_snapshot()),
            Request::Fetched(peer) => refusal($node.on_entries_fetched(*peer)),
            Request::Change(change) => {
                refusal($node.propose_conf_change(Bytes::new(), change.clone()))
            }
            Request::Compact { .. } => None,
            Request::Prefer(priority) => {
                $node.set_priority(*priority);
                None
            }
            Request::Divide(groups) => refusal($node.set_commit_groups(groups.clone())),
            Request::Resize { peer, appends } => {
                refusal($node.adjust_max_inflight_messages(*peer, *appends))
            }
            Request::Ping => {
                $node.ping();
                None
            }
        }
    };
}

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
            "report-snapshot" => {
                let peer = arguments.id()?;
                let status = match arguments.expect("finish or failure")? {
                    "finish" => SnapshotStatus::Finish,
                    "failure" => SnapshotStatus::Failure,
                    other => {
                        let what = format!("expected finish or failure, found {other}");
                        return Err(arguments.wrong(what));
                    }
                };
                (node, Request::Reported { peer, status })
            }
            "request-snapshot" => (node, Request::Snapshot),
            "report-fetched" => (node, Request::Fetched(arguments.id()?)),
            "change" => (node, Request::Change(change(arguments)?)),
            "compact" => {
                let keep = arguments.number("keep")?.unwrap_or(0);
                (node, Request::Compact { keep })
            }
            "set-priority" => {
                let word = arguments.expect("a priority")?;
                (node, Request::Prefer(Priority(arguments.read_number("the priority", word)?)))
            }
            "set-commit-groups" => (node, Request::Divide(commit_groups(arguments, "groups")?)),
            "set-window" => {
                let peer = arguments.id()?;
                let Some(appends) = arguments.value("appends")? else {
                    return Err(arguments.wrong("expected how many appends, such as appends=4"));
                };
                let appends = arguments.read_number("appends", appends)?;
                (node, Request::Resize { peer, appends })
            }
            "ping" => (node, Request::Ping),
            _ => (node, Request::Unreachable(arguments.id()?)),
        }))
    }

    /// Returns the command that asks this of `node`.
    pub(crate) fn command(&self, node: NodeId) -> String {
        match self {
            Request::Transfer(target) => format!("transfer-leader {} {}", node.0, target.0),
            Request::ForgetLeader => format!("forget-leader {}", node.0),
            Request::Unreachable(peer) => format!("report-unreachable {} {}", node.0, peer.0),
            Request::Reported { peer, status } => {
                format!("report-snapshot {} {} {}", node.0, peer.0, name(*status))
            }
            Request::Snapshot => format!("request-snapshot {}", node.0),
            Request::Fetched(peer) => format!("report-fetched {} {}", node.0, peer.0),
            Request::Change(change) => format!("change {}{}", node.0, words(change)),
            Request::Compact { keep: 0 } => format!("compact {}", node.0),
            Request::Compact { keep } => format!("compact {} keep={keep}", node.0),
            Request::Prefer(priority) => format!("set-priority {} {}", node.0, priority.0),
            Request::Divide(groups) => {
                format!("set-commit-groups {} groups={}", node.0, group_words(groups.as_ref()))
            }
            Request::Resize { peer, appends } => {
                format!("set-window {} {} appends={appends}", node.0, peer.0)
            }
            Request::Ping => format!("ping {}", node.0),
        }
    }

    /// Asks it of a bare node. Returns why the node refuses, if it does.
    pub(crate) fn ask_bare(&self, node: &mut Raft<MemoryStorage>) -> Option<String> {
        ask!(self, node)
    }

    /// Asks it of a node with an owner. Returns why the node refuses, if it does.
    pub(crate) fn ask_owned(&self, node: &mut RawNode<MemoryStorage>) -> Option<String> {
        ask!(self, node)
    }
}

fn refusal<E: fmt::Display>(outcome: Result<(), E>) -> Option<String> {
    outcome.err().map(|why| why.to_string())
}

/// Reads `v4 r3 transition=explicit`; no change at all leaves the joint configuration.
fn change(arguments: &mut Arguments<'_>) -> Result<ConfChangeV2, ScriptError> {
    let transition = match arguments.value("transition")? {
        None | Some("auto") => Transition::Auto,
        Some("implicit") => Transition::Implicit,
        Some("explicit") => Transition::Explicit,
        Some(other) => {
            let what = format!("expected auto, implicit or explicit, found transition={other}");
            return Err(arguments.wrong(what));
        }
    };
    let mut changes = Vec::new();
    for word in arguments.rest() {
        let kind = match word.chars().next() {
            Some('v') => ChangeKind::AddVoter,
            Some('l') => ChangeKind::AddLearner,
            Some('r') => ChangeKind::Remove,
            _ => {
                let what = format!("expected changes such as v4, l4 or r3, found {word}");
                return Err(arguments.wrong(what));
            }
        };
        let node = arguments.read_number("the node that changes", &word[1..])?;
        changes.push(ConfChange { kind, node: NodeId(node) });
    }
    Ok(ConfChangeV2 { transition, changes })
}

/// Returns the words of a change, with a space before each.
pub(crate) fn words(change: &ConfChangeV2) -> String {
    let letter = |kind| match kind {
        ChangeKind::AddVoter => 'v',
        ChangeKind::AddLearner => 'l',
        ChangeKind::Remove => 'r',
    };
    let each = change.changes.iter();
    let mut text: String =
        each.map(|change| format!(" {}{}", letter(change.kind), change.node.0)).collect();
    text += match change.transition {
        Transition::Auto => "",
        Transition::Implicit => " transition=implicit",
        Transition::Explicit => " transition=explicit",
    };
    text
}

fn name(status: SnapshotStatus) -> &'static str {
    match status {
        SnapshotStatus::Finish => "finish",
        SnapshotStatus::Failure => "failure",
    }
}

impl fmt::Display for Request {
    /// Writes the end of a sentence about the node: "n1 is told" + " to hand its leadership to n2".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Transfer(target) => write!(f, "to hand its leadership to {target}"),
            Request::ForgetLeader => write!(f, "to forget its leader"),
            Request::Unreachable(peer) => write!(f, "that messages to {peer} are lost"),
            Request::Reported { peer, status: SnapshotStatus::Finish } => {
                write!(f, "that {peer} has the snapshot")
            }
            Request::Reported { peer, status: SnapshotStatus::Failure } => {
                write!(f, "that {peer} does not have the snapshot")
            }
            Request::Snapshot => write!(f, "to ask its leader for a snapshot"),
            Request::Prefer(Priority(priority)) => write!(f, "that its priority is {priority}"),
            Request::Divide(groups) => {
                write!(f, "that the commit groups are {}", group_words(groups.as_ref()))
            }
            Request::Resize { peer, appends } => {
                write!(f, "to have at most {appends} appends in flight to {peer}")
            }
            Request::Ping => write!(f, "to send heartbeats"),
            Request::Fetched(peer) => write!(f, "that entries for {peer} are fetched"),
            Request::Change(change) if change.changes.is_empty() => {
                write!(f, "to propose to leave the joint configuration")
            }
            Request::Change(change) => write!(f, "to propose the change{}", words(change)),
            Request::Compact { keep: 0 } => {
                write!(f, "to make a snapshot of all that is applied, and to remove those entries")
            }
            Request::Compact { keep } => write!(
                f,
                "to make a snapshot of all that is applied, and to remove those entries but the last \
                 {keep}"
            ),
        }
    }
}
