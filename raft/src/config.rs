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
use crate::types::{Index, NodeId};

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
    /// Where all randomness comes from. Nodes may share it: the name is part of every draw. Default 0.
    pub seed: u64,
    /// When a candidate's question may leave. Default: once its own vote is durable.
    pub vote_requests: VoteRequests,
    /// On a restart, how far the application has applied the log: nothing at or before it is handed
    /// out again. Default 0.
    pub applied: Index,
    /// When a committed entry is handed out to be applied. Default: once it is durable here.
    pub apply_gate: ApplyGate,
    /// What the entries that were handed out and not yet acknowledged as applied may weigh, in bytes
    /// ([`Entry::size_bytes`](crate::Entry::size_bytes)): the entry that crosses the line still goes.
    /// None, the default: no limit.
    pub max_applying_bytes: Option<u64>,
    /// What the entries of one append may weigh, in bytes
    /// ([`Entry::size_bytes`](crate::Entry::size_bytes)); more than that only if it is one entry. None: no
    /// limit. Default 1 MiB.
    pub max_append_bytes: Option<u64>,
    /// How many appends may be under way to one peer; at least 1. Default 256.
    pub max_inflight_messages: usize,
    /// How many bytes of payload ([`Payload::size_bytes`](crate::Payload::size_bytes)) may be under way
    /// to one peer: the append that crosses the line still goes. None, the default: no limit. Not less
    /// than `max_append_bytes`.
    pub max_inflight_bytes: Option<u64>,
    /// How many bytes of payload may wait in a leader before it refuses proposals: they wait until they
    /// are committed and applied, in spite of the name, which is etcd's. None, the default: no limit.
    pub max_uncommitted_bytes: Option<u64>,
    /// Whether a follower hands proposals on to its leader. Default: yes.
    pub forward_proposals: bool,
    /// Whether appends are built when a Ready, or the outbox, is taken: once for all that was proposed
    /// by then, instead of one for each proposal. An owner who takes in many proposals between two
    /// Readys wants it: messages leave with a Ready anyway, so none leaves later for it, and there are
    /// fewer. Default: no, so that what a proposal makes a leader say is there right after it.
    pub batch_append: bool,
    /// Whether an acknowledgement that still waits to leave gives way to a later one of more: whoever
    /// holds the log up to 7 holds it up to 5. Default: yes.
    pub merge_acknowledgements: bool,
    /// Whether a follower starts waiting anew whenever it hears of a later term, be it from a node
    /// that nobody would elect. Default: no.
    pub wait_anew_each_term: bool,
    /// Whether a follower that knows this term's leader, and has not voted in it, may still vote for
    /// another. It can do no harm: the leader has its majority. Default: yes, as the paper has it.
    pub vote_beside_leader: bool,
}

/// When a committed entry is handed out to be applied.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ApplyGate {
    /// With the Ready that also hands it out to be written, at the earliest: whoever applies it must
    /// have written it first. This is how etcd does it when it writes synchronously.
    WithReady,
    /// Once this node's own copy is durable.
    Durable,
    /// Up to so many entries beyond what is durable. A crash then leaves an application that is ahead
    /// of its log: it must be able to forget, or to wait for the log.
    Ahead(u64),
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
        Config {
            id,
            election_ticks: 10,
            heartbeat_ticks: 1,
            seed: 0,
            vote_requests: VoteRequests::OnceDurable,
            applied: Index(0),
            apply_gate: ApplyGate::Durable,
            max_applying_bytes: None,
            max_append_bytes: Some(1 << 20),
            max_inflight_messages: 256,
            max_inflight_bytes: None,
            max_uncommitted_bytes: None,
            forward_proposals: true,
            batch_append: false,
            merge_acknowledgements: true,
            wait_anew_each_term: false,
            vote_beside_leader: true,
        }
    }

    /// Returns the settings under which our messages follow in the order of etcd's raft library,
    /// with the ticks of its interaction tests. Where our own defaults differ:
    ///
    /// | setting | ours | etcd | why ours |
    /// |---|---|---|---|
    /// | `vote_requests` | `OnceDurable` | `AtOnce` | see [`VoteRequests::AtOnce`] |
    /// | `election_ticks` | 10 | 3 | ten beats may be lost before anyone stands |
    /// | `apply_gate` | `Durable` | `WithReady` | the owner cannot apply too soon by mistake |
    /// | `max_append_bytes` | 1 MiB | none | one message must not stall the next |
    /// | `max_inflight_messages` | 256 | 2^31 - 1 | a lost peer must not fill our memory |
    /// | `merge_acknowledgements` | yes | no | one answer for all that one write makes durable |
    /// | `wait_anew_each_term` | no | yes | a stranger's high term must keep nobody from standing |
    /// | `vote_beside_leader` | yes | no | a voter's rule needs no more than Fig. 2 says |
    pub fn etcd(id: NodeId) -> Self {
        Config {
            election_ticks: 3,
            vote_requests: VoteRequests::AtOnce,
            apply_gate: ApplyGate::WithReady,
            max_append_bytes: None,
            max_inflight_messages: i32::MAX as usize,
            merge_acknowledgements: false,
            wait_anew_each_term: true,
            vote_beside_leader: false,
            ..Config::new(id)
        }
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
        if self.max_inflight_messages == 0 {
            return Err(ConfigError::InflightZero);
        }
        let max_append = self.max_append_bytes.unwrap_or(u64::MAX);
        match self.max_inflight_bytes {
            Some(max_inflight) if max_inflight < max_append => {
                Err(ConfigError::InflightLessThanAppend { max_inflight, max_append })
            }
            _ => Ok(()),
        }
    }
}
