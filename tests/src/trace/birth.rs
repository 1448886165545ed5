//! What a cluster was made of, so that a trace can be played again.
//!
//! ```text
//!   "disks":"instant","config":{"1":{"election_ticks":10,..,"voters":[1,2,3],"log":[..]},..}
//! ```
//!
//! A setting that an older trace does not name had its usual value.

use crate::cluster::{Door, Owner, Setup};
use crate::disk::DiskSpeed;
use crate::trace::entry::Written;
use crate::trace::page::Header;
use crate::trace::state::Durable;
use raft::{
    ApplyGate, Config, HardState, Index, MemoryStorage, NodeId, Raft, Storage, Term, VoteRequests,
};
use serde::{Deserialize, Serialize};

/// How soon writes are durable: [`DiskSpeed`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disks {
    /// At once.
    Instant,
    /// When an input says so.
    Slow,
}

/// Through which door nodes were driven: [`Door`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entrance {
    /// Through `Raft`.
    #[default]
    Bare,
    /// Through `RawNode`, by an owner who does one thing at a time.
    OneAtATime,
    /// Through `RawNode`, by an owner who does several things at once.
    Concurrent,
}

/// What a node was told at birth, and what its disk held: [`Config`] and [`MemoryStorage`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Birth {
    /// The shortest wait before an election.
    pub election_ticks: u64,
    /// How often a leader speaks.
    pub heartbeat_ticks: u64,
    /// Where its randomness comes from.
    pub seed: u64,
    /// When a candidate's question leaves: `once_durable` or `at_once`.
    pub vote_requests: Asking,
    /// The settings that replication brought.
    #[serde(flatten, default)]
    pub traffic: Traffic,
    /// Who votes.
    pub voters: Vec<u64>,
    /// The term and vote on its disk.
    pub durable: Durable,
    /// The commit index on its disk.
    #[serde(default)]
    pub commit: u64,
    /// The log on its disk.
    #[serde(default)]
    pub log: Vec<Written>,
}

/// What a node may send, hold and hand out: the later half of [`Config`], which documents every field.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Config documents every one of them")]
pub struct Traffic {
    pub applied: u64,
    pub apply_gate: Gate,
    pub max_applying_bytes: Option<u64>,
    pub max_append_bytes: Option<u64>,
    pub max_inflight_messages: usize,
    pub max_inflight_bytes: Option<u64>,
    pub max_uncommitted_bytes: Option<u64>,
    pub forward_proposals: bool,
    pub batch_append: bool,
    pub merge_acknowledgements: bool,
    pub reset_timer_on_new_term: bool,
    pub vote_when_leader_known: bool,
}

/// When a committed entry is handed out: [`ApplyGate`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// With the Ready that hands it out to be written, at the earliest.
    WithReady,
    /// Once it is durable here.
    Durable,
    /// So many entries before it is durable.
    Ahead(u64),
}

/// When a candidate's question leaves: [`VoteRequests`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asking {
    /// Once the candidate's own vote is durable.
    OnceDurable,
    /// At once.
    AtOnce,
}

impl From<DiskSpeed> for Disks {
    fn from(speed: DiskSpeed) -> Self {
        match speed {
            DiskSpeed::Instant => Disks::Instant,
            DiskSpeed::Slow => Disks::Slow,
        }
    }
}

impl From<Door> for Entrance {
    fn from(door: Door) -> Self {
        match door {
            Door::Bare => Entrance::Bare,
            Door::Owned(Owner::OneAtATime) => Entrance::OneAtATime,
            Door::Owned(Owner::Concurrent) => Entrance::Concurrent,
        }
    }
}

impl Entrance {
    /// Returns whether it is the usual one, which a header leaves out.
    pub(super) fn is_bare(&self) -> bool {
        *self == Entrance::Bare
    }

    fn door(self) -> Door {
        match self {
            Entrance::Bare => Door::Bare,
            Entrance::OneAtATime => Door::Owned(Owner::OneAtATime),
            Entrance::Concurrent => Door::Owned(Owner::Concurrent),
        }
    }
}

impl Default for Traffic {
    /// Returns the usual settings.
    fn default() -> Self {
        Traffic::of(&Config::new(NodeId(1)))
    }
}

impl Traffic {
    fn of(config: &Config) -> Self {
        Traffic {
            applied: config.applied.0,
            apply_gate: match config.apply_gate {
                ApplyGate::WithReady => Gate::WithReady,
                ApplyGate::Durable => Gate::Durable,
                ApplyGate::Ahead(entries) => Gate::Ahead(entries),
            },
            max_applying_bytes: config.max_applying_bytes,
            max_append_bytes: config.max_append_bytes,
            max_inflight_messages: config.max_inflight_messages,
            max_inflight_bytes: config.max_inflight_bytes,
            max_uncommitted_bytes: config.max_uncommitted_bytes,
            forward_proposals: config.forward_proposals,
            batch_append: config.batch_append,
            merge_acknowledgements: config.merge_acknowledgements,
            reset_timer_on_new_term: config.reset_timer_on_new_term,
            vote_when_leader_known: config.vote_when_leader_known,
        }
    }
}

impl Birth {
    /// Writes down one node of a setup.
    pub fn new(config: &Config, storage: &MemoryStorage) -> Self {
        let hard_state = storage.hard_state();
        let initial = storage.initial_state().unwrap_or_default();
        let first = storage.first_index().unwrap_or_default();
        let last = storage.last_index().unwrap_or_default();
        let log = storage.entries(first, last + 1, None).unwrap_or_default();
        Birth {
            election_ticks: config.election_ticks,
            heartbeat_ticks: config.heartbeat_ticks,
            seed: config.seed,
            vote_requests: match config.vote_requests {
                VoteRequests::OnceDurable => Asking::OnceDurable,
                VoteRequests::AtOnce => Asking::AtOnce,
            },
            traffic: Traffic::of(config),
            voters: initial.conf_state.voters.iter().map(|id| id.0).collect(),
            durable: hard_state.into(),
            commit: hard_state.commit.0,
            log: log.iter().map(Written::from).collect(),
        }
    }

    /// Returns the node's settings again. It names every field, so that a new one cannot be lost.
    fn config(&self, id: u64) -> Config {
        let Traffic { apply_gate, max_inflight_messages, forward_proposals, .. } = self.traffic;
        Config {
            id: NodeId(id),
            election_ticks: self.election_ticks,
            heartbeat_ticks: self.heartbeat_ticks,
            seed: self.seed,
            vote_requests: match self.vote_requests {
                Asking::OnceDurable => VoteRequests::OnceDurable,
                Asking::AtOnce => VoteRequests::AtOnce,
            },
            applied: Index(self.traffic.applied),
            apply_gate: match apply_gate {
                Gate::WithReady => ApplyGate::WithReady,
                Gate::Durable => ApplyGate::Durable,
                Gate::Ahead(entries) => ApplyGate::Ahead(entries),
            },
            max_applying_bytes: self.traffic.max_applying_bytes,
            max_append_bytes: self.traffic.max_append_bytes,
            max_inflight_messages,
            max_inflight_bytes: self.traffic.max_inflight_bytes,
            max_uncommitted_bytes: self.traffic.max_uncommitted_bytes,
            forward_proposals,
            batch_append: self.traffic.batch_append,
            merge_acknowledgements: self.traffic.merge_acknowledgements,
            reset_timer_on_new_term: self.traffic.reset_timer_on_new_term,
            vote_when_leader_known: self.traffic.vote_when_leader_known,
        }
    }

    /// Returns the node's settings and disk again.
    ///
    /// # Errors
    /// What cannot be: a log with a gap, settings that no node starts with.
    pub fn node(&self, id: u64) -> Result<(Config, MemoryStorage), String> {
        let config = self.config(id);
        let mut storage = MemoryStorage::with_voters(self.voters.iter().copied().map(NodeId));
        for (place, written) in (1..).zip(&self.log) {
            if written.id.0.index.0 != place {
                return Err(format!("n{id}'s log has {} at place {place}", written.id.0));
            }
            storage.append(&[written.clone().into()]);
        }
        let vote = self.durable.vote.map(NodeId);
        storage.save(HardState { term: Term(self.durable.term), vote, commit: Index(self.commit) });
        match Raft::new(&config, storage.clone()) {
            Ok(_) => Ok((config, storage)),
            Err(why) => Err(format!("n{id} cannot start: {why}")),
        }
    }
}

impl Header {
    /// Returns what the cluster was made of.
    ///
    /// # Errors
    /// Which node cannot be made, and why.
    pub fn setup(&self) -> Result<Setup, String> {
        let nodes = self.config.iter().map(|(&id, birth)| birth.node(id));
        Ok(Setup {
            nodes: nodes.collect::<Result<_, _>>()?,
            disks: match self.disks {
                Disks::Instant => DiskSpeed::Instant,
                Disks::Slow => DiskSpeed::Slow,
            },
            door: self.door.door(),
        })
    }
}
