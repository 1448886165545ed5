//! What can be wrong from outside. Nothing here panics, and nothing is half done when it is returned.
//!
//! ```text
//!   settings --> ConfigError --.
//!   disk ------> StorageError --+--> StartError      a node that cannot start
//!   network ---> StepError                           a message no correct network delivers
//!   operator --> CampaignError                       an election that cannot be held
//! ```

use crate::types::{Index, NodeId, Term};
use std::error::Error;
use std::fmt;

/// Why settings cannot work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// 0 is no name: peers write it for "nobody".
    IdZero,
    /// A leader that never speaks is deposed for ever.
    HeartbeatZero,
    /// Followers would lose patience between two beats.
    ElectionNotLonger {
        /// The shortest wait before an election.
        election_ticks: u64,
        /// The time between two beats.
        heartbeat_ticks: u64,
    },
    /// Nobody would ever stand.
    ElectionTooLong {
        /// The shortest wait before an election.
        election_ticks: u64,
    },
}

/// Why storage has no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StorageError {
    /// The entry has been compacted away.
    Compacted {
        /// The place asked for.
        index: Index,
        /// The first place that is left.
        first: Index,
    },
    /// The entry has not been written yet.
    Unavailable {
        /// The place asked for.
        index: Index,
        /// The last place that is there.
        last: Index,
    },
    /// The disk, or what is on it, is damaged. The text names the thing and the number.
    Failed(String),
}

/// Why a node could not start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StartError {
    /// Its settings cannot work.
    Config(ConfigError),
    /// Its storage could not be read.
    Storage(StorageError),
    /// Its storage remembers a vote or a term that no node can have reached.
    TermOutOfRange {
        /// The remembered term.
        term: Term,
    },
    /// Storage says more is committed than it holds: the log was cut or lost, the state was saved
    /// before its entries, or the two come from different nodes.
    CommitBeyondLog {
        /// The remembered commit index.
        commit: Index,
        /// The last entry's place.
        last: Index,
    },
}

/// Why a message was not taken. The node has not changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepError {
    /// It is addressed to another node: the sender's or the network's address book is wrong.
    NotForUs {
        /// Whom it is for.
        to: NodeId,
        /// Who we are.
        us: NodeId,
    },
    /// It claims to come from this very node. What a node promises itself never travels.
    FromOurselves {
        /// What it says.
        kind: &'static str,
    },
    /// It answers a question that we cannot have asked, for we do not know the sender.
    ReplyFromStranger {
        /// The stranger.
        from: NodeId,
        /// What it says.
        kind: &'static str,
    },
    /// Its term is missing although its kind needs one, or given although its kind has none.
    TermMisplaced {
        /// What it says.
        kind: &'static str,
        /// The term it carries.
        term: Option<Term>,
    },
    /// Its term is beyond [`Term::LAST`]: damaged or hostile.
    TermOutOfRange {
        /// Who sent it.
        from: NodeId,
        /// The term it carries.
        term: Term,
    },
}

/// Why no election was held. The node has not changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CampaignError {
    /// It has won already.
    AlreadyLeader {
        /// The term it leads.
        term: Term,
    },
    /// It has no vote to win with.
    NotAVoter {
        /// Who we are.
        us: NodeId,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::IdZero => write!(f, "id is 0, which means nobody: names start at 1"),
            ConfigError::HeartbeatZero => write!(f, "heartbeat_ticks is 0: it must be at least 1"),
            ConfigError::ElectionNotLonger { election_ticks, heartbeat_ticks } => write!(
                f,
                "election_ticks is {election_ticks}, heartbeat_ticks is {heartbeat_ticks}: \
                 followers must wait longer than a leader pauses (ten times is usual)"
            ),
            ConfigError::ElectionTooLong { election_ticks } => write!(
                f,
                "election_ticks is {election_ticks}: at most {} is allowed",
                crate::Config::ELECTION_TICKS_MAX
            ),
        }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorageError::Compacted { index, first } => {
                write!(f, "entry {index} was compacted: the log starts at {first}")
            }
            StorageError::Unavailable { index, last } => {
                write!(f, "entry {index} is not there yet: the log ends at {last}")
            }
            StorageError::Failed(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Config(why) => write!(f, "the settings cannot work: {why}"),
            StartError::Storage(why) => write!(f, "storage cannot be read: {why}"),
            StartError::TermOutOfRange { term } => {
                write!(f, "storage remembers term {term}, beyond the last, {}", Term::LAST)
            }
            StartError::CommitBeyondLog { commit, last } => write!(
                f,
                "storage remembers commit {commit}, but its log ends at {last}: was the log cut or \
                 lost, or the state saved before its entries?"
            ),
        }
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepError::NotForUs { to, us } => write!(f, "the message is for {to}, we are {us}"),
            StepError::FromOurselves { kind } => write!(f, "{kind} claims to come from ourselves"),
            StepError::ReplyFromStranger { from, kind } => {
                write!(f, "{kind} from {from}, which is not in our group")
            }
            StepError::TermMisplaced { kind, term: None } => write!(f, "{kind} carries no term"),
            StepError::TermMisplaced { kind, term: Some(term) } => {
                write!(f, "{kind} carries term {term}, and its kind has none")
            }
            StepError::TermOutOfRange { from, term } => {
                write!(f, "{from} speaks of term {term}, beyond the last, {}", Term::LAST)
            }
        }
    }
}

impl fmt::Display for CampaignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CampaignError::AlreadyLeader { term } => write!(f, "already the leader of term {term}"),
            CampaignError::NotAVoter { us } => write!(f, "{us} is not a voter of its own group"),
        }
    }
}

impl Error for ConfigError {}
impl Error for StorageError {}
impl Error for StepError {}
impl Error for CampaignError {}
impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            StartError::Config(why) => Some(why),
            StartError::Storage(why) => Some(why),
            StartError::TermOutOfRange { .. } | StartError::CommitBeyondLog { .. } => None,
        }
    }
}

impl From<ConfigError> for StartError {
    fn from(why: ConfigError) -> Self {
        StartError::Config(why)
    }
}

impl From<StorageError> for StartError {
    fn from(why: StorageError) -> Self {
        StartError::Storage(why)
    }
}
