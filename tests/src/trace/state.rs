//! What a trace shows of a node, and how it writes what changed.
//!
//! ```text
//!   header  "state":{"2":{"up":true,"role":"follower","term":0,...}}       everything, once
//!   step    "set":{"2":{"term":1,"vote":1,"timer":[0,null]}}               what changed
//! ```
//!
//! A fact that is not there is left out: no `vote` means no vote given. A change is a JSON Merge Patch
//! (RFC 7396), in which `null` takes a fact away.
//!
//! Invariant: the header's state with the patches of steps 1 to k applied is the state after step k.

use crate::cluster::Cluster;
use crate::trace::entry::Place;
use raft::{HardState, NodeId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What a trace shows of one node. Everything but `up`, `applied` and `disk` is missing
/// while it is down.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NodeState {
    /// Whether it runs.
    pub up: bool,
    /// Its role: `follower`, `pre-candidate`, `candidate`, `leader`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The term it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
    /// Whom it voted for in that term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vote: Option<u64>,
    /// Whom it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<u64>,
    /// Its log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogState>,
    /// How far it knows the log to be committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<u64>,
    /// How far its application has applied it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub applied: u64,
    /// Ticks waited, and the limit if one is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timer: Option<(u64, Option<u64>)>,
    /// The answers it has heard, on a candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub votes: Option<BTreeMap<u64, bool>>,
    /// How far each log is known to match, on a leader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<BTreeMap<u64, u64>>,
    /// Its disk.
    pub disk: DiskState,
}

/// What a trace shows of a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LogState {
    /// Its last entry; `0@0` if there is none.
    pub last: Place,
}

/// What a trace shows of a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DiskState {
    /// What a crash would leave.
    pub durable: Durable,
    /// How many writes a crash would take.
    pub waiting: u64,
}

/// Term and vote on a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Durable {
    /// The latest term.
    pub term: u64,
    /// Whom the node voted for in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vote: Option<u64>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl From<HardState> for Durable {
    fn from(hard_state: HardState) -> Self {
        Durable { term: hard_state.term.0, vote: hard_state.vote.map(|id| id.0) }
    }
}

impl NodeState {
    /// Looks at one node of a cluster.
    pub fn of(cluster: &Cluster, id: NodeId) -> Option<Self> {
        let disk = cluster.disk(id)?;
        let durable = Durable::from(disk.durable().hard_state());
        let waiting = disk.pending().len() as u64;
        let mut state = NodeState {
            up: false,
            role: None,
            term: None,
            vote: None,
            leader: None,
            log: None,
            commit: None,
            applied: cluster.application(id)?.applied().0,
            timer: None,
            votes: None,
            matched: None,
            disk: DiskState { durable, waiting },
        };
        if let Some(node) = cluster.node(id) {
            let seen = node.inspect();
            let matched: BTreeMap<_, _> =
                node.progress().map(|(id, progress)| (id.0, progress.matched().0)).collect();
            state.up = true;
            state.role = Some(seen.role.to_string());
            state.term = Some(seen.term.0);
            state.vote = seen.vote.map(|id| id.0);
            state.leader = seen.leader.map(|id| id.0);
            state.log = Some(LogState { last: Place(seen.last) });
            state.commit = Some(seen.commit.0);
            state.timer = Some((seen.elapsed_ticks, seen.pinned_ticks));
            state.votes =
                seen.votes.map(|votes| votes.answers().map(|(id, yes)| (id.0, yes)).collect());
            state.matched = Some(matched).filter(|matched| !matched.is_empty());
        }
        Some(state)
    }

    /// Looks at every node of a cluster.
    pub fn all_of(cluster: &Cluster) -> BTreeMap<u64, NodeState> {
        let seen = |id| Some((id, NodeState::of(cluster, id)?));
        cluster.ids().filter_map(seen).map(|(id, state)| (id.0, state)).collect()
    }

    /// Returns the state as a trace writes it.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("a node's state has only string and number keys")
    }
}

/// Returns the merge patch that makes `after` of `before`; none where they are the same.
pub fn difference(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return Some(after.clone());
    };
    // In order of their names, whatever order the map itself keeps: a trace is the same bytes always.
    let mut patch = Map::new();
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for name in names {
        let change = match (before.get(name), after.get(name)) {
            (Some(before), Some(after)) => difference(before, after),
            (None, Some(after)) => Some(after.clone()),
            (Some(_), None) | (None, None) => Some(Value::Null),
        };
        if let Some(change) = change {
            patch.insert(name.clone(), change);
        }
    }
    Some(Value::Object(patch))
}

/// Applies a merge patch (RFC 7396).
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, change) in patch {
        if change.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}
