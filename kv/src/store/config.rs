//! The settings of a store.
//!
//! ```text
//!   |<------------ election_ticks x tick ------------>|     a follower votes for nobody else
//!   |<-- max_lease x (1 + drift) -->|<-- one tick -->|      a leader reads alone
//! ```

use crate::batch::MailboxLimits;
use crate::model::{
    ClusterId, ENTRY_BYTES_MAX, ENTRY_BYTES_MIN, StoreId, changes_bytes_max, saved_bytes_max,
};
use std::fmt;
use std::time::Duration;

/// How much longer the frame of an entry is than what it holds, at most: heads, the apply state, padding.
const FRAME_ROOM_BYTES: usize = 1024;

/// The most threads that a store may run its peers on.
const POLLERS_MAX: usize = 64;

/// The settings of one store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreConfig {
    /// The cluster. A directory of another cluster is refused.
    pub cluster: ClusterId,
    /// The store, from 1. A directory of another store is refused.
    pub store: StoreId,
    /// How long a tick of Raft lasts: more than zero. Default 100 ms.
    pub tick: Duration,
    /// The shortest election timeout, in ticks. Default 10.
    pub election_ticks: u64,
    /// The time between two heartbeats, in ticks. Default 2.
    pub heartbeat_ticks: u64,
    /// How long a leader may read alone after a majority followed it, on its own clock; zero: never.
    /// Default 800 ms.
    pub max_lease: Duration,
    /// How much faster than the leader's clock any other clock may be, in thousandths. Default 50.
    pub max_drift_permille: u32,
    /// The longest entry that this store proposes, in bytes: what many commands are merged into, and the
    /// longest command alone. At least [`ENTRY_BYTES_MIN`], and at most `cluster_entry_bytes_max`. Default
    /// [`ENTRY_BYTES_MAX`].
    pub entry_bytes_max: usize,
    /// The longest entry that any store of the cluster proposes, in bytes: the SAME on all stores. The
    /// frames of both logs must have room for what such an entry needs. An entry that may change more ends
    /// the store. At most [`ENTRY_BYTES_MAX`], the default.
    pub cluster_entry_bytes_max: usize,
    /// How many bytes of entries a leader takes that are not applied yet, before it refuses writes with
    /// [`KvError::ServerIsBusy`](super::KvError::ServerIsBusy). Default 64 MiB.
    pub uncommitted_bytes_max: u64,
    /// How many bytes of entries a peer applies in one go; the entry that crosses the limit still counts.
    /// Default 16 MiB.
    pub applying_bytes_max: u64,
    /// How many messages of one peer a round handles; at least 1. Default 4096.
    pub messages_per_round: usize,
    /// How much a peer's mailbox holds before requests are refused: at least 1 message and 1 byte. Raft's own messages
    /// may be as much again: without them nothing that waits would get on. Default 40960 messages, 64 MiB.
    pub mailbox: MailboxLimits,
    /// How many threads run the peers in [`Store::run`](super::Store::run): 1 to 64. One writes for all its
    /// peers at once; more help a store of many regions. Default 1.
    pub pollers: usize,
    /// How many peers a thread takes into one round; at least 1. Default 256.
    pub peers_per_round: usize,
    /// The raft log.
    pub log: storage::Options,
    /// The write-ahead log of the memtable.
    pub wal: storage::Options,
}

/// A setting that cannot work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// Store 0 does not exist.
    StoreZero,
    /// A tick that takes no time.
    TickZero,
    /// The settings of Raft cannot work.
    Raft(raft::ConfigError),
    /// A lease may last until a follower votes for another leader.
    LeaseTooLong {
        /// The lease, with the drift of the clocks added.
        lease: Duration,
        /// How long it may be: the election timeout without a tick.
        limit: Duration,
    },
    /// An entry of this length does not fit the format or the cluster, or holds hardly a command.
    EntryBytes {
        /// The setting.
        setting: &'static str,
        /// Its value.
        bytes: usize,
        /// The largest allowed.
        limit: usize,
    },
    /// A frame of the write-ahead log that does not hold what an entry may change.
    WalFrame {
        /// The longest frame.
        bytes: u32,
        /// The longest that an entry may need.
        needed: usize,
    },
    /// A frame of the raft log that does not hold the longest entry.
    LogFrame {
        /// The longest frame.
        bytes: u32,
        /// The longest that an entry may need.
        needed: usize,
    },
    /// A number that must be at least 1.
    Zero {
        /// The setting.
        setting: &'static str,
    },
    /// More threads than make sense.
    Pollers {
        /// How many.
        count: usize,
    },
}

impl StoreConfig {
    /// Returns the default settings of a store.
    pub fn new(cluster: ClusterId, store: StoreId) -> StoreConfig {
        StoreConfig {
            cluster,
            store,
            tick: Duration::from_millis(100),
            election_ticks: 10,
            heartbeat_ticks: 2,
            max_lease: Duration::from_millis(800),
            max_drift_permille: 50,
            entry_bytes_max: ENTRY_BYTES_MAX,
            cluster_entry_bytes_max: ENTRY_BYTES_MAX,
            uncommitted_bytes_max: 64 << 20,
            applying_bytes_max: 16 << 20,
            messages_per_round: 4096,
            mailbox: MailboxLimits { messages: 40960, bytes: 64 << 20 },
            pollers: 1,
            peers_per_round: 256,
            log: storage::Options::default(),
            wal: storage::Options { max_batch_bytes: 24 << 20, ..storage::Options::default() },
        }
    }

    /// Checks that a store with these settings can work.
    ///
    /// # Errors
    /// The first setting that cannot.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.store.0 == 0 {
            return Err(ConfigError::StoreZero);
        }
        if self.tick.is_zero() {
            return Err(ConfigError::TickZero);
        }
        self.raft(raft::NodeId(1)).check().map_err(ConfigError::Raft)?;
        let (lease, limit) = (self.lease_with_drift(), self.vote_ban());
        if lease > limit {
            return Err(ConfigError::LeaseTooLong { lease, limit });
        }
        self.check_entries()?;
        if self.pollers > POLLERS_MAX {
            return Err(ConfigError::Pollers { count: self.pollers });
        }
        for (setting, value) in [
            ("messages_per_round", self.messages_per_round),
            ("mailbox.messages", self.mailbox.messages),
            ("mailbox.bytes", self.mailbox.bytes),
            ("pollers", self.pollers),
            ("peers_per_round", self.peers_per_round),
        ] {
            if value == 0 {
                return Err(ConfigError::Zero { setting });
            }
        }
        Ok(())
    }

    /// Checks the lengths of entries, and that both frames have room for an entry of ANY store: a follower
    /// writes what the leader's settings allowed.
    fn check_entries(&self) -> Result<(), ConfigError> {
        let cluster = self.cluster_entry_bytes_max;
        for (setting, bytes, limit) in [
            ("cluster_entry_bytes_max", cluster, ENTRY_BYTES_MAX),
            ("entry_bytes_max", self.entry_bytes_max, cluster),
        ] {
            if !(ENTRY_BYTES_MIN..=limit).contains(&bytes) {
                return Err(ConfigError::EntryBytes { setting, bytes, limit });
            }
        }
        // Applying an entry is one record: its changes, what is saved of requests, the apply state.
        let needed = changes_bytes_max(cluster) + saved_bytes_max(cluster) + FRAME_ROOM_BYTES;
        let bytes = self.wal.max_batch_bytes;
        if needed > bytes as usize {
            return Err(ConfigError::WalFrame { bytes, needed });
        }
        let (bytes, needed) = (self.log.max_batch_bytes, cluster + FRAME_ROOM_BYTES);
        if needed > bytes as usize {
            return Err(ConfigError::LogFrame { bytes, needed });
        }
        Ok(())
    }

    /// Returns for how long a peer that has heard from a leader votes for nobody else, on its own
    /// clock: the election timeout without a tick, because a tick may come right after the message.
    pub fn vote_ban(&self) -> Duration {
        let ticks = u32::try_from(self.election_ticks.saturating_sub(1)).unwrap_or(u32::MAX);
        self.tick.saturating_mul(ticks)
    }

    /// Returns how long a lease may last on the fastest clock.
    fn lease_with_drift(&self) -> Duration {
        let drift = self.max_lease.saturating_mul(self.max_drift_permille) / 1000;
        self.max_lease.saturating_add(drift)
    }

    /// Returns the settings of a peer's Raft node.
    ///
    /// Reads rest on a majority that is asked. The lease is the store's: Raft's own would rest on ticks,
    /// and a store drops ticks that it missed.
    pub(crate) fn raft(&self, id: raft::NodeId) -> raft::Config {
        raft::Config {
            election_ticks: self.election_ticks,
            heartbeat_ticks: self.heartbeat_ticks,
            // Durable entries only: a round applies them before it syncs what is new.
            apply_gate: raft::ApplyGate::Durable,
            max_applying_bytes: Some(self.applying_bytes_max),
            max_uncommitted_bytes: Some(self.uncommitted_bytes_max),
            batch_append: true,
            forward_proposals: false,
            pre_vote: true,
            check_quorum: true,
            ..raft::Config::new(id)
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::StoreZero => write!(f, "store is 0, but stores are numbered from 1"),
            ConfigError::TickZero => write!(f, "tick is 0: no election would ever begin"),
            ConfigError::Raft(error) => error.fmt(f),
            ConfigError::LeaseTooLong { lease, limit } => write!(
                f,
                "max_lease with max_drift_permille is {lease:?}, but (election_ticks - 1) * tick is only {limit:?}"
            ),
            ConfigError::EntryBytes { setting, bytes, limit } => {
                write!(f, "{setting} is {bytes}, but must be {ENTRY_BYTES_MIN} to {limit}")
            }
            ConfigError::WalFrame { bytes, needed } => {
                write!(f, "wal.max_batch_bytes is {bytes}, but an entry may need {needed}")
            }
            ConfigError::LogFrame { bytes, needed } => {
                write!(f, "log.max_batch_bytes is {bytes}, but an entry may need {needed}")
            }
            ConfigError::Pollers { count } => {
                write!(f, "pollers is {count}, but must be 1 to {POLLERS_MAX}")
            }
            ConfigError::Zero { setting } => write!(f, "{setting} is 0, but must be at least 1"),
        }
    }
}

impl std::error::Error for ConfigError {}
