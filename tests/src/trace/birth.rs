//! What a cluster was made of, so that a trace can be played again.
//!
//! ```text
//!   "disks":"instant","config":{"1":{"election_ticks":10,..,"voters":[1,2,3],"log":[..]},..}
//! ```

use crate::bare::Setup;
use crate::disk::DiskSpeed;
use crate::trace::entry::Written;
use crate::trace::page::Header;
use crate::trace::state::Durable;
use raft::{Config, HardState, Index, MemoryStorage, NodeId, Raft, Storage, Term, VoteRequests};
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

/// When a candidate's question leaves: [`VoteRequests`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asking {
    /// Once the candidate's own vote is durable.
    OnceDurable,
    /// At once.
    AtOnce,
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
            voters: initial.conf_state.voters.iter().map(|id| id.0).collect(),
            durable: hard_state.into(),
            commit: hard_state.commit.0,
            log: log.iter().map(Written::from).collect(),
        }
    }

    /// Returns the node's settings and disk again.
    ///
    /// # Errors
    /// What cannot be: a log with a gap, settings that no node starts with.
    pub fn node(&self, id: u64) -> Result<(Config, MemoryStorage), String> {
        let config = Config {
            id: NodeId(id),
            election_ticks: self.election_ticks,
            heartbeat_ticks: self.heartbeat_ticks,
            seed: self.seed,
            vote_requests: match self.vote_requests {
                Asking::OnceDurable => VoteRequests::OnceDurable,
                Asking::AtOnce => VoteRequests::AtOnce,
            },
            ..Config::new(NodeId(id))
        };
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
        })
    }
}
