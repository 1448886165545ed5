//! The state of a node in a trace, and how a trace writes what changed.
//!
//! ```text
//!   header  "state":{"2":{"up":true,"role":"follower","term":0,...}}       the whole state, once
//!   step    "set":{"2":{"term":1,"vote":1,"timer":[0,null]}}               what changed
//! ```
//!
//! An absent value is left out: no `vote` means that no vote is given. A change is a JSON Merge Patch
//! (RFC 7396), in which `null` removes a value.
//!
//! Invariant: the header's state with the patches of steps 1 to k applied is the state after step k.

use crate::cluster::Cluster;
use raft::{EntryId, HardState, NodeId, RoleName};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The state of one node in a trace. While the node is down, only `up`, `applied` and `disk` are there.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct NodeState {
    /// Whether it runs.
    pub up: bool,
    /// Its role: `follower`, `pre-candidate`, `candidate`, `leader`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleName>,
    /// The term it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
    /// The candidate that it voted for in that term.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vote: Option<u64>,
    /// The leader that it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leader: Option<u64>,
    /// Its log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogState>,
    /// Its commit index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<u64>,
    /// The last index that its application has applied.
    #[serde(skip_serializing_if = "is_zero")]
    pub applied: u64,
    /// The ticks of its election timer, and the election timeout if it is fixed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timer: Option<(u64, Option<u64>)>,
    /// The votes that a candidate has got: granted or refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub votes: Option<BTreeMap<u64, bool>>,
    /// The match index of each peer, on a leader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<BTreeMap<u64, u64>>,
    /// Its disk.
    pub disk: DiskState,
}

/// The state of a log in a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct LogState {
    /// Its last entry; `0@0` if there is none.
    pub last: EntryId,
}

/// The state of a disk in a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct DiskState {
    /// The durable term and vote.
    pub durable: Durable,
    /// The number of pending writes.
    pub waiting: u64,
}

/// Term and vote on a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Durable {
    /// The latest term.
    pub term: u64,
    /// The candidate that the node voted for in it.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    /// Returns the state of one node of a cluster.
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
            state.role = Some(seen.role);
            state.term = Some(seen.term.0);
            state.vote = seen.vote.map(|id| id.0);
            state.leader = seen.leader.map(|id| id.0);
            state.log = Some(LogState { last: seen.last });
            state.commit = Some(seen.commit.0);
            state.timer = Some((seen.elapsed_ticks, seen.pinned_ticks));
            state.votes =
                seen.votes.map(|votes| votes.answers().map(|(id, yes)| (id.0, yes)).collect());
            state.matched = Some(matched).filter(|matched| !matched.is_empty());
        }
        Some(state)
    }

    /// Returns the state of every node of a cluster.
    pub fn all_of(cluster: &Cluster) -> BTreeMap<u64, NodeState> {
        let seen = |id| Some((id, NodeState::of(cluster, id)?));
        cluster.ids().filter_map(seen).map(|(id, state)| (id.0, state)).collect()
    }

    /// Returns the state as a trace writes it.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("a node's state has only string and number keys")
    }
}

/// Returns the merge patch that turns `before` into `after`, or `None` if they are equal.
pub fn difference(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return Some(after.clone());
    };
    // Sorted by name, independently of the map's own order: so a trace always has the same bytes.
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
