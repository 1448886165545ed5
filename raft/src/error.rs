//! What can be wrong from outside. Nothing here panics, and nothing is half done when it is returned.
//!
//! ```text
//!   settings --> ConfigError --.
//!   disk ------> StorageError --+--> StartError      a node that cannot start
//!   network ---> StepError                           a message no correct network delivers
//!   operator --> CampaignError                       an election that cannot be held
//!   client ----> ProposeError                        a proposal that is not taken
//!   owner -----> OrderError                          a write or an apply told out of order
//! ```

use crate::ready::ReadyNumber;
use crate::types::{EntryId, Index, NodeId, Term};
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
    /// No append could ever be sent.
    InflightZero,
    /// A single append could be more than all that may be under way.
    InflightLessThanAppend {
        /// What may be under way, in bytes.
        max_inflight: u64,
        /// What one append may weigh, in bytes.
        max_append: u64,
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
    /// Its storage remembers a term that no node can have reached.
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
    /// The application says it has applied more than storage holds: the log was cut or lost, or the
    /// two come from different nodes.
    AppliedBeyondLog {
        /// How far the application says it has come.
        applied: Index,
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
    /// It speaks of a place beyond [`Index::LAST`]: damaged or hostile.
    IndexOutOfRange {
        /// Who sent it.
        from: NodeId,
        /// The place.
        index: Index,
    },
    /// Its entries do not follow one another: one is missing, or they are out of order.
    EntriesNotInOrder {
        /// Who sent it.
        from: NodeId,
        /// The place that was due.
        due: Index,
        /// The place that came.
        came: Index,
    },
    /// One of its entries is of an earlier term than the one before, or of a later term than the
    /// message: no leader's log looks like that.
    EntryOfWrongTerm {
        /// Who sent it.
        from: NodeId,
        /// The entry.
        entry: EntryId,
        /// The term before it.
        before: Term,
        /// The message's term.
        message: Term,
    },
    /// The leader says that we hold, and have committed, more than our log has. Our log was cut or
    /// lost: a disk was wiped, a name used again, or writes were not made durable.
    CommitBeyondLog {
        /// Who leads.
        from: NodeId,
        /// The commit index it told us.
        commit: Index,
        /// The last entry's place.
        last: Index,
    },
    /// A peer acknowledges, or disputes, an entry that its leader does not have.
    AnswerBeyondLog {
        /// The peer.
        from: NodeId,
        /// The place it speaks of.
        index: Index,
        /// The last entry's place in our log.
        last: Index,
    },
    /// A proposal that another node handed on was not taken.
    ProposalDropped(ProposeError),
}

/// Why a proposal was not taken. The node has not changed; the client may try again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProposeError {
    /// Nobody is known to lead.
    NoLeader,
    /// We do not lead, and the settings forbid to hand proposals on.
    NotForwarded {
        /// Who leads.
        leader: NodeId,
    },
    /// It proposes no entry at all.
    Empty,
    /// It proposes a change of the group, which this release has no rule for.
    NotSupported,
    /// Too much waits to be committed and applied already.
    TooMuchUncommitted {
        /// The bytes that wait.
        waiting: u64,
        /// The bytes of the proposal.
        bytes: u64,
        /// What the settings allow together.
        max: u64,
    },
}

/// What an owner told a node out of order. The node has not changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OrderError {
    /// A Ready is said to be durable that was never taken.
    ReadyNotTaken {
        /// The number that came.
        came: ReadyNumber,
        /// The last number that was taken, if any was.
        last: Option<ReadyNumber>,
    },
    /// A Ready is said to be durable that was durable already.
    ReadyAlreadyDurable {
        /// The number that came.
        came: ReadyNumber,
        /// The number that is due, if a Ready waits.
        due: Option<ReadyNumber>,
    },
    /// More is said to be applied than was handed out.
    AppliedNotHandedOut {
        /// The index that came.
        came: Index,
        /// The last index that was handed out.
        handed_out: Index,
    },
    /// Less is said to be applied than before.
    AppliedWentBack {
        /// The index that came.
        came: Index,
        /// The index that was applied.
        applied: Index,
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
            ConfigError::InflightZero => {
                write!(f, "max_inflight_messages is 0: nothing could ever be sent")
            }
            ConfigError::InflightLessThanAppend { max_inflight, max_append } => write!(
                f,
                "max_inflight_bytes is {max_inflight}, max_append_bytes is {max_append}: one append \
                 must fit into the window"
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
            StartError::AppliedBeyondLog { applied, last } => write!(
                f,
                "the application has applied {applied}, but the log ends at {last}: was the log cut \
                 or lost, or is it another node's?"
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
            StepError::IndexOutOfRange { from, index } => {
                write!(f, "{from} speaks of entry {index}, beyond the last, {}", Index::LAST)
            }
            StepError::EntriesNotInOrder { from, due, came } => {
                write!(f, "an entry of {from} stands at {came} where {due} was due")
            }
            StepError::EntryOfWrongTerm { from, entry, before, message } => write!(
                f,
                "{from} sends entry {entry} after one of term {before}, in a message of term {message}"
            ),
            StepError::CommitBeyondLog { from, commit, last } => write!(
                f,
                "{from} says that we hold all up to {commit}, but our log ends at {last}: was the \
                 disk wiped, the name used again, or a write not made durable?"
            ),
            StepError::AnswerBeyondLog { from, index, last } => write!(
                f,
                "{from} answers for entry {index}, but our log, which it follows, ends at {last}"
            ),
            StepError::ProposalDropped(why) => write!(f, "the proposal is dropped: {why}"),
        }
    }
}

impl fmt::Display for ProposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProposeError::NoLeader => write!(f, "nobody is known to lead"),
            ProposeError::NotForwarded { leader } => {
                write!(f, "{leader} leads, and the settings forbid to hand proposals on")
            }
            ProposeError::Empty => write!(f, "there is no entry in it"),
            ProposeError::NotSupported => {
                write!(f, "it changes the group, which there is no rule for yet")
            }
            ProposeError::TooMuchUncommitted { waiting, bytes, max } => write!(
                f,
                "{waiting} bytes wait to be committed and applied, {bytes} more would be over {max}"
            ),
        }
    }
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OrderError::ReadyNotTaken { came, last: Some(last) } => {
                write!(f, "Ready {came} is said to be durable, and {last} was the last one taken")
            }
            OrderError::ReadyNotTaken { came, last: None } => {
                write!(f, "Ready {came} is said to be durable, and none was taken yet")
            }
            OrderError::ReadyAlreadyDurable { came, due: Some(due) } => {
                write!(f, "Ready {came} was durable already: {due} is due")
            }
            OrderError::ReadyAlreadyDurable { came, due: None } => {
                write!(f, "Ready {came} was durable already, and no other waits")
            }
            OrderError::AppliedNotHandedOut { came, handed_out } => {
                write!(f, "{came} is said to be applied, and {handed_out} was the last handed out")
            }
            OrderError::AppliedWentBack { came, applied } => {
                write!(f, "{came} is said to be applied, and {applied} was applied before")
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
impl Error for ProposeError {}
impl Error for OrderError {}
impl Error for StepError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            StepError::ProposalDropped(why) => Some(why),
            StepError::NotForUs { .. }
            | StepError::FromOurselves { .. }
            | StepError::ReplyFromStranger { .. }
            | StepError::TermMisplaced { .. }
            | StepError::TermOutOfRange { .. }
            | StepError::IndexOutOfRange { .. }
            | StepError::EntriesNotInOrder { .. }
            | StepError::EntryOfWrongTerm { .. }
            | StepError::CommitBeyondLog { .. }
            | StepError::AnswerBeyondLog { .. } => None,
        }
    }
}
impl Error for CampaignError {}
impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            StartError::Config(why) => Some(why),
            StartError::Storage(why) => Some(why),
            StartError::TermOutOfRange { .. }
            | StartError::CommitBeyondLog { .. }
            | StartError::AppliedBeyondLog { .. } => None,
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
