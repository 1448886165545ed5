//! The setup of a cluster, as a trace records it, so that the trace can be replayed.
//!
//! ```text
//!   "disks":"instant","config":{"1":{"election_ticks":10,..,"voters":[1,2,3],"log":[..]},..}
//! ```
//!
//! A setting that is missing in an older trace had its default value.

use crate::cluster::{Driver, Owner, Setup};
use crate::disk::DiskSpeed;
use crate::trace::entry::RecordedEntry;
use crate::trace::format::Header;
use crate::trace::state::Durable;
use raft::{
    ApplyGate, Config, HardState, Index, MemoryStorage, NodeId, Raft, Storage, Term, VoteRequests,
};
use serde::{Deserialize, Serialize};

/// How soon writes are durable: [`DiskSpeed`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordedDiskSpeed {
    /// At once.
    Instant,
    /// When an input says so.
    Slow,
}

/// What drives the nodes: [`Driver`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordedDriver {
    /// The test bed, through `Raft`.
    #[default]
    Bare,
    /// An owner that does one thing at a time, through `RawNode`.
    OneAtATime,
    /// An owner that does several things at once, through `RawNode`.
    Concurrent,
}

/// A node's settings and the first contents of its disk: [`Config`] and [`MemoryStorage`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordedNodeSetup {
    /// The shortest election timeout, in ticks.
    pub election_ticks: u64,
    /// The ticks between two heartbeats.
    pub heartbeat_ticks: u64,
    /// The seed of its random numbers.
    pub seed: u64,
    /// When a candidate sends its vote requests: `once_durable` or `at_once`.
    pub vote_requests: RecordedVoteRequests,
    /// The settings of replication.
    #[serde(flatten, default)]
    pub traffic: ReplicationSettings,
    /// The voters.
    pub voters: Vec<u64>,
    /// The term and vote on its disk.
    pub durable: Durable,
    /// The commit index on its disk.
    #[serde(default)]
    pub commit: u64,
    /// The log on its disk.
    #[serde(default)]
    pub log: Vec<RecordedEntry>,
}

/// The settings of replication. [`Config`] documents every field.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Config documents every one of them")]
pub struct ReplicationSettings {
    pub applied: u64,
    pub apply_gate: RecordedApplyGate,
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
pub enum RecordedApplyGate {
    /// Not before the Ready that hands it out to be written.
    WithReady,
    /// Once it is durable on this node.
    Durable,
    /// Up to this many entries before it is durable.
    Ahead(u64),
}

/// When a candidate sends its vote requests: [`VoteRequests`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordedVoteRequests {
    /// Once the candidate's own vote is durable.
    OnceDurable,
    /// At once.
    AtOnce,
}

impl From<DiskSpeed> for RecordedDiskSpeed {
    fn from(speed: DiskSpeed) -> Self {
        match speed {
            DiskSpeed::Instant => RecordedDiskSpeed::Instant,
            DiskSpeed::Slow => RecordedDiskSpeed::Slow,
        }
    }
}

impl From<Driver> for RecordedDriver {
    fn from(driver: Driver) -> Self {
        match driver {
            Driver::Bare => RecordedDriver::Bare,
            Driver::Owned(Owner::OneAtATime) => RecordedDriver::OneAtATime,
            Driver::Owned(Owner::Concurrent) => RecordedDriver::Concurrent,
        }
    }
}

impl RecordedDriver {
    /// Returns whether it is the default, which a header leaves out.
    pub(super) fn is_bare(&self) -> bool {
        *self == RecordedDriver::Bare
    }

    fn driver(self) -> Driver {
        match self {
            RecordedDriver::Bare => Driver::Bare,
            RecordedDriver::OneAtATime => Driver::Owned(Owner::OneAtATime),
            RecordedDriver::Concurrent => Driver::Owned(Owner::Concurrent),
        }
    }
}

impl Default for ReplicationSettings {
    /// Returns the default settings.
    fn default() -> Self {
        ReplicationSettings::of(&Config::new(NodeId(1)))
    }
}

impl ReplicationSettings {
    fn of(config: &Config) -> Self {
        ReplicationSettings {
            applied: config.applied.0,
            apply_gate: match config.apply_gate {
                ApplyGate::WithReady => RecordedApplyGate::WithReady,
                ApplyGate::Durable => RecordedApplyGate::Durable,
                ApplyGate::Ahead(entries) => RecordedApplyGate::Ahead(entries),
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

impl RecordedNodeSetup {
    /// Records one node of a setup.
    pub fn new(config: &Config, storage: &MemoryStorage) -> Self {
        let hard_state = storage.hard_state();
        let initial = storage.initial_state().unwrap_or_default();
        let first = storage.first_index().unwrap_or_default();
        let last = storage.last_index().unwrap_or_default();
        let log = storage.entries(first, last + 1, None).unwrap_or_default();
        RecordedNodeSetup {
            election_ticks: config.election_ticks,
            heartbeat_ticks: config.heartbeat_ticks,
            seed: config.seed,
            vote_requests: match config.vote_requests {
                VoteRequests::OnceDurable => RecordedVoteRequests::OnceDurable,
                VoteRequests::AtOnce => RecordedVoteRequests::AtOnce,
            },
            traffic: ReplicationSettings::of(config),
            voters: initial.conf_state.voters.iter().map(|id| id.0).collect(),
            durable: hard_state.into(),
            commit: hard_state.commit.0,
            log: log.iter().map(RecordedEntry::from).collect(),
        }
    }

    /// Returns the recorded settings. The code names every field, so that a new one cannot be forgotten.
    fn config(&self, id: u64) -> Config {
        let ReplicationSettings { apply_gate, max_inflight_messages, forward_proposals, .. } =
            self.traffic;
        Config {
            id: NodeId(id),
            election_ticks: self.election_ticks,
            heartbeat_ticks: self.heartbeat_ticks,
            seed: self.seed,
            vote_requests: match self.vote_requests {
                RecordedVoteRequests::OnceDurable => VoteRequests::OnceDurable,
                RecordedVoteRequests::AtOnce => VoteRequests::AtOnce,
            },
            applied: Index(self.traffic.applied),
            apply_gate: match apply_gate {
                RecordedApplyGate::WithReady => ApplyGate::WithReady,
                RecordedApplyGate::Durable => ApplyGate::Durable,
                RecordedApplyGate::Ahead(entries) => ApplyGate::Ahead(entries),
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

    /// Returns the recorded settings and disk.
    ///
    /// # Errors
    /// The log has a gap, or no node can start with these settings.
    pub fn node(&self, id: u64) -> Result<(Config, MemoryStorage), String> {
        let config = self.config(id);
        let mut storage = MemoryStorage::with_voters(self.voters.iter().copied().map(NodeId));
        for (place, written) in (1..).zip(&self.log) {
            if written.id.0.index.0 != place {
                return Err(format!("n{id}'s log has {} at index {place}", written.id.0));
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
    /// Returns the setup of the cluster.
    ///
    /// # Errors
    /// MessageRef node cannot be made, and why.
    pub fn setup(&self) -> Result<Setup, String> {
        let nodes = self.config.iter().map(|(&id, birth)| birth.node(id));
        Ok(Setup {
            nodes: nodes.collect::<Result<_, _>>()?,
            disks: match self.disks {
                RecordedDiskSpeed::Instant => DiskSpeed::Instant,
                RecordedDiskSpeed::Slow => DiskSpeed::Slow,
            },
            driver: self.driver.driver(),
        })
    }
}
