//! What a node is told at birth.
//!
//! ```text
//!   ticks   0 . . . . . . . . . 10 . . . . . . . . . 20
//!   beats   | | | | | | | | | |                           heartbeat_ticks = 1
//!   limit                        [---- drawn here ----)   election_ticks  = 10
//! ```
//!
//! Who votes is not told here: storage remembers it (thesis §4.1), as it remembers term and vote.

use crate::error::ConfigError;
use crate::types::NodeId;

/// The settings of one node. Times are in ticks; how long a tick lasts is the owner's business.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Config {
    /// Our name.
    pub id: NodeId,
    /// The shortest wait before an election, in ticks. The longest is one tick short of twice this.
    /// Longer than `heartbeat_ticks`, at most [`Config::ELECTION_TICKS_MAX`]. Default 10.
    pub election_ticks: u64,
    /// How often a leader speaks, in ticks; at least 1. Default 1.
    pub heartbeat_ticks: u64,
    /// Where all randomness comes from. Nodes may share it: the name is part of every draw.
    pub seed: u64,
    /// When a candidate's question may leave. Default: once its own vote is durable.
    pub vote_requests: VoteRequests,
}

/// When a candidate's question may leave.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum VoteRequests {
    /// Once the candidate's term and its vote for itself are durable.
    OnceDurable,
    /// At once, as etcd does when it writes asynchronously. A node that crashes before its own vote
    /// is durable forgets that it stood: it can ask again in the same term with another log, and
    /// count a grant that was given to its former self.
    AtOnce,
}

impl Config {
    /// The longest election wait that can be asked for, in ticks.
    pub const ELECTION_TICKS_MAX: u64 = 1 << 32;

    /// Returns the usual settings for node `id`.
    pub fn new(id: NodeId) -> Self {
        let vote_requests = VoteRequests::OnceDurable;
        Config { id, election_ticks: 10, heartbeat_ticks: 1, seed: 0, vote_requests }
    }

    /// Returns the settings under which our messages follow in the order of etcd's raft library,
    /// with the ticks of its interaction tests. Where our own defaults differ:
    ///
    /// | setting | ours | etcd | why ours |
    /// |---|---|---|---|
    /// | `vote_requests` | `OnceDurable` | `AtOnce` | see [`VoteRequests::AtOnce`] |
    /// | `election_ticks` | 10 | 3 | ten beats may be lost before anyone stands |
    pub fn etcd(id: NodeId) -> Self {
        Config { election_ticks: 3, vote_requests: VoteRequests::AtOnce, ..Config::new(id) }
    }

    /// Checks that a node with these settings can work.
    ///
    /// # Errors
    /// Each bad combination has its own [`ConfigError`], with the numbers.
    pub fn check(&self) -> Result<(), ConfigError> {
        let Config { id, election_ticks, heartbeat_ticks, .. } = *self;
        if id.0 == 0 {
            return Err(ConfigError::IdZero);
        }
        if heartbeat_ticks == 0 {
            return Err(ConfigError::HeartbeatZero);
        }
        if election_ticks <= heartbeat_ticks {
            return Err(ConfigError::ElectionNotLonger { election_ticks, heartbeat_ticks });
        }
        if election_ticks > Self::ELECTION_TICKS_MAX {
            return Err(ConfigError::ElectionTooLong { election_ticks });
        }
        Ok(())
    }
}
