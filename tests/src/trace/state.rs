//! The state of a node in a trace, and how a trace writes what changed.
//!
//! ```text
//!   header  "state":{"2":{"up":true,"role":"follower","term":0,...}}       the whole state, once
//!   step    "set":{"2":{"term":1,"vote":1,"timer":[0,null]}}               what changed
//! ```
//!
//! An absent value is left out: no `vote` means that no vote is given. A change is a JSON Merge Patch
//! (RFC 7396), in which `null` removes a value. Of a log only the newest entries are there, so that a
//! step of a long run costs no more than one of a short run.
//!
//! Invariant: the header's state with the patches of steps 1 to k applied is the state after step k.

use crate::cluster::Cluster;
use crate::disk::Disk;
use crate::request::words;
use raft::{
    ConfState, Entry, EntryId, HardState, Index, MemoryStorage, NodeId, Payload, Progress,
    ProgressState, Purpose, Raft, RoleName, Storage,
};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The most entries of a log that a trace writes: the newest ones.
pub const ENTRIES_MAX: u64 = 64;

/// The longest text of an entry, in characters.
const TEXT_MAX: usize = 24;

/// The state of one node in a trace. While the node is down, only `up`, `applied`, `log` and `disk` are
/// there, and the log is what its disk holds.
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
    /// How it sends to each peer, on a leader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<BTreeMap<u64, PeerState>>,
    /// The members of the group, as far as it has applied the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<String>,
    /// Its disk.
    pub disk: DiskState,
}

/// The state of a log in a trace.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LogState {
    /// Its last entry; `0@0` if there is none.
    pub last: EntryId,
    /// The last entry that its snapshot covers, if entries were compacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<EntryId>,
    /// Up to which index the disk holds the same log: a crash takes what is behind it.
    pub durable: u64,
    /// Its newest entries by index, at most [`ENTRIES_MAX`]: the term of each, and what it holds.
    pub entries: BTreeMap<u64, (u64, String)>,
}

/// What a leader's progress says of one peer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PeerState {
    /// `probe`, `replicate`, or `snapshot`.
    pub state: &'static str,
    /// The index of the next entry to send.
    pub next: u64,
    /// How many appends are in flight to it.
    #[serde(skip_serializing_if = "is_zero")]
    pub in_flight: u64,
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
            log: Some(LogState::on(disk)),
            commit: None,
            applied: cluster.application(id)?.applied().0,
            timer: None,
            votes: None,
            matched: None,
            progress: None,
            members: None,
            disk: DiskState { durable, waiting },
        };
        if let Some(node) = cluster.node(id) {
            let seen = node.inspect();
            let peers = || node.progress().map(|(id, progress)| (id.0, progress));
            let matched: BTreeMap<_, _> = peers().map(|(id, it)| (id, it.matched().0)).collect();
            state.up = true;
            state.role = Some(seen.role);
            state.term = Some(seen.term.0);
            state.vote = seen.vote.map(|id| id.0);
            state.leader = seen.leader.map(|id| id.0);
            state.log = Some(LogState::of(node, disk));
            state.commit = Some(seen.commit.0);
            state.timer = Some((seen.elapsed_ticks, seen.pinned_ticks));
            state.votes =
                seen.votes.map(|votes| votes.answers().map(|(id, yes)| (id.0, yes)).collect());
            state.progress = (!matched.is_empty())
                .then(|| peers().map(|(id, it)| (id, PeerState::of(it))).collect());
            state.matched = Some(matched).filter(|matched| !matched.is_empty());
            state.members = Some(members(seen.conf_state));
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

impl LogState {
    /// Returns the log of a node that is up. What storage answers for is read from the disk, because a
    /// read of the node's own storage may be one that fails on purpose.
    fn of(node: &Raft<MemoryStorage>, disk: &Disk) -> Self {
        let seen = node.inspect();
        let (last, stored) = (seen.last, seen.stored);
        let low = Index((last.index.0 + 1).saturating_sub(ENTRIES_MAX).max(1));
        let unstable = node.entries(low.max(stored + 1), last.index + 1).unwrap_or_default();
        let mut entries = stored_entries(disk.durable(), low, stored);
        entries.extend(unstable);
        let is_kept = |entry: &&Entry| {
            disk.kept().get(entry.id.index).is_some_and(|link| link.id == entry.id)
        };
        let lost = entries.iter().find(|entry| !is_kept(entry));
        let durable = lost.map_or(last.index, |entry| Index(entry.id.index.0 - 1));
        let snapshot = node.unstable_snapshot().or_else(|| compacted(disk.durable()));
        LogState::new(last, snapshot, durable, &entries)
    }

    /// Returns the log that a disk holds.
    fn on(disk: &Disk) -> Self {
        let (durable, last) = (disk.durable(), disk.kept().last().id);
        let low = Index((last.index.0 + 1).saturating_sub(ENTRIES_MAX).max(1));
        let entries = stored_entries(durable, low, last.index);
        LogState::new(last, compacted(durable), last.index, &entries)
    }

    fn new(last: EntryId, snapshot: Option<EntryId>, durable: Index, entries: &[Entry]) -> Self {
        let told = |entry: &Entry| (entry.id.index.0, (entry.id.term.0, content(entry.payload())));
        LogState { last, snapshot, durable: durable.0, entries: entries.iter().map(told).collect() }
    }
}

impl PeerState {
    fn of(progress: &Progress) -> Self {
        PeerState {
            state: match progress.state() {
                ProgressState::Probe => "probe",
                ProgressState::Replicate => "replicate",
                ProgressState::Snapshot { .. } => "snapshot",
            },
            next: progress.next().0,
            in_flight: progress.inflights().count() as u64,
        }
    }
}

/// Returns the entries of a storage from `low` to `last`, without those that were compacted.
fn stored_entries(storage: &MemoryStorage, low: Index, last: Index) -> Vec<Entry> {
    let low = low.max(storage.first_index().unwrap_or_default());
    if low > last {
        return Vec::new();
    }
    storage.entries(low, last + 1, None, Purpose::Check).unwrap_or_default()
}

/// Returns the last entry that was compacted, if any was.
fn compacted(storage: &MemoryStorage) -> Option<EntryId> {
    let before = Index(storage.first_index().ok()?.0.checked_sub(1)?);
    let term = storage.term(before).ok()?;
    (before > Index(0)).then_some(EntryId { index: before, term })
}

/// Returns what an entry holds, in words: `x=1`, `v4 r2`, `leave`; nothing for the first entry of a term.
fn content(payload: &Payload) -> String {
    let text = match payload {
        Payload::Noop => String::new(),
        Payload::Normal(data) => data.escape_ascii().to_string(),
        Payload::Change(change) => words(&(*change).into()).trim_start().to_string(),
        Payload::ChangeV2(change) if change.changes.is_empty() => "leave".to_string(),
        Payload::ChangeV2(change) => words(change).trim_start().to_string(),
    };
    if text.chars().count() <= TEXT_MAX {
        return text;
    }
    text.chars().take(TEXT_MAX - 2).chain("..".chars()).collect()
}

/// Returns the members in words: `1 2 3`, `1 4 5 && 1 2 3` in a joint configuration, `1 2 3, learners 4`.
fn members(conf: &ConfState) -> String {
    let names = |ids: &BTreeSet<NodeId>| {
        ids.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(" ")
    };
    let mut text = names(&conf.voters);
    if !conf.voters_outgoing.is_empty() {
        text += &format!(" && {}", names(&conf.voters_outgoing));
    }
    if !conf.learners.is_empty() {
        text += &format!(", learners {}", names(&conf.learners));
    }
    if !conf.learners_next.is_empty() {
        text += &format!(", learners next {}", names(&conf.learners_next));
    }
    text
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
