//! What each error says to a person, and which error is behind which.

use super::{
    ApplyChangeError, CampaignError, ChangeError, ChangeRefusal, ConfStateError, ConfigError,
    ForgetLeaderError, Halt, OrderError, ProposeError, Read, RequestSnapshotError, StartError,
    StepError, StorageError, TransferError, WireError,
};
use crate::entry::ChangeKind;
use crate::types::{Index, Term};
use std::error::Error;
use std::fmt;

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::IdZero => write!(f, "id is 0, which means no node: ids start at 1"),
            ConfigError::HeartbeatZero => write!(f, "heartbeat_ticks is 0: it must be at least 1"),
            ConfigError::ElectionNotLonger { election_ticks, heartbeat_ticks } => write!(
                f,
                "election_ticks is {election_ticks}, heartbeat_ticks is {heartbeat_ticks}: \
                 election_ticks must be larger (ten times is usual)"
            ),
            ConfigError::ElectionTooLong { election_ticks, max } => {
                write!(f, "election_ticks is {election_ticks}: at most {max} is allowed")
            }
            ConfigError::AppliedOutOfRange { applied } => {
                write!(f, "applied is {applied}: at most {} is allowed", Index::LAST)
            }
            ConfigError::SnapshotTicksZero => {
                write!(f, "snapshot_ticks is 0: every snapshot would be given up at once")
            }
            ConfigError::LeaseWithoutCheckQuorum => {
                write!(f, "read_mode is a lease, and check_quorum is off: no node would keep it")
            }
            ConfigError::LeaseOutOfRange { lease_ticks, election_ticks } => write!(
                f,
                "a lease of {lease_ticks} ticks: it must be shorter than election_ticks, {election_ticks}, \
                 and at least 1"
            ),
            ConfigError::InflightMessagesZero => {
                write!(f, "max_inflight_messages is 0: it must be at least 1")
            }
            ConfigError::InflightBytesZero => {
                write!(f, "max_inflight_bytes is 0: it must be at least 1")
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
            StorageError::Pending => f.write_str("not there yet: ask again"),
            StorageError::Unavailable { index, last } => {
                write!(f, "entry {index} is beyond the end: the log ends at {last}")
            }
            StorageError::Failed(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Read::Term { index } => write!(f, "the term of entry {index}"),
            Read::FirstIndex => write!(f, "where the log begins"),
            Read::Snapshot { at_least } => {
                write!(f, "a snapshot that covers entry {at_least}")
            }
            Read::Entries { low, high } => write!(f, "entries {low} to {}", high.0 - 1),
        }
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the node has halted, because it could not read {}: {}", self.read(), self.why())
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
            StartError::NodeZero { said_to } => {
                write!(f, "storage says that node 0 {said_to}, but ids start at 1")
            }
            StartError::ImpossibleMembers(why) => {
                write!(f, "storage remembers members that no group can have: {why}")
            }
            StartError::FirstIndexZero => {
                write!(f, "storage says that its log starts at index 0, but entries start at 1")
            }
            StartError::FirstBeyondLast { first, last } => {
                write!(f, "storage says that its log starts at {first} and ends at {last}")
            }
            StartError::CommitBeyondLog { commit, last } => write!(
                f,
                "storage remembers commit {commit}, but its log ends at {last}: was the log cut or \
                 lost, or the state saved before its entries?"
            ),
            StartError::AppliedBeforeLog { applied, first } => write!(
                f,
                "the application has applied up to {applied}, but the log begins at {first}: was a \
                 snapshot installed without the application's state?"
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
            StepError::NotForUs { to, us } => write!(f, "the message is for {to}, this is {us}"),
            StepError::FromNodeZero { kind } => {
                write!(f, "{kind} comes from node 0, but ids start at 1")
            }
            StepError::FromOurselves { kind } => {
                write!(f, "{kind} claims to come from this node itself")
            }
            StepError::ReplyFromStranger { from, kind } => {
                write!(f, "{kind} from {from}, which is not in this group")
            }
            StepError::TermMisplaced { kind, term: None } => write!(f, "{kind} carries no term"),
            StepError::TermMisplaced { kind, term: Some(term) } => {
                write!(f, "{kind} carries term {term}, and its kind has none")
            }
            StepError::TermZero { from, kind } => {
                write!(f, "{kind} from {from} carries term 0: nobody campaigns or leads in it")
            }
            StepError::TermOutOfRange { from, term } => {
                write!(f, "{from} sends term {term}, but terms end before {}", Term::LAST)
            }
            StepError::IndexOutOfRange { from, index } => {
                write!(f, "{from} sends index {index}, beyond the last, {}", Index::LAST)
            }
            StepError::ImpossibleEntry { from, entry } => {
                write!(f, "{from} names entry {entry}: indexes and terms of entries start at 1")
            }
            StepError::EntriesNotInOrder { from, expected, came } => {
                write!(f, "{from} sends entry {came} where entry {expected} is expected")
            }
            StepError::EntryOfWrongTerm { from, entry, before, message } => write!(
                f,
                "{from} sends entry {entry} after one of term {before}, in a message of term {message}"
            ),
            StepError::CommitBeyondLog { from, commit, last } => write!(
                f,
                "{from} says that this node holds all entries up to {commit}, but its log ends at \
                 {last}: was the disk wiped, the id used again, or a write not made durable?"
            ),
            StepError::CommitNotInItsLog { from, commit, last } => {
                write!(f, "{from} says that {commit} is committed, but that its log ends in {last}")
            }
            StepError::AnswerBeyondLog { from, index, last } => write!(
                f,
                "{from} answers for entry {index}, but the log of this leader ends at {last}"
            ),
            StepError::ProposalDropped(why) => write!(f, "the proposal is dropped: {why}"),
            StepError::ImpossibleSnapshot { from, last, why } => {
                write!(f, "{from} sends a snapshot at {last} that no group can have: {why}")
            }
            StepError::EmptySnapshot { from } => {
                write!(f, "{from} sends a snapshot that covers nothing")
            }
            StepError::TransferRefused(why) => write!(f, "the transfer does not begin: {why}"),
            StepError::Halted(halt) => halt.fmt(f),
        }
    }
}

impl fmt::Display for ProposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProposeError::NoLeader => write!(f, "no leader is known"),
            ProposeError::NotForwarded { leader } => {
                write!(f, "{leader} leads, and the settings forbid to forward proposals")
            }
            ProposeError::Empty => write!(f, "there is no entry in it"),
            ProposeError::NotSupported => {
                write!(f, "this node has no rule that takes proposals")
            }
            ProposeError::NotAMember { us } => {
                write!(f, "{us} leads a group that it is not a member of any more")
            }
            ProposeError::ChangeRefused(why) => write!(f, "the change is refused: {why}"),
            ProposeError::Transferring { target } => {
                write!(f, "the leader is handing its leadership to {target}")
            }
            ProposeError::TooMuchUncommitted { waiting, bytes, max } => write!(
                f,
                "{waiting} bytes wait to be committed and applied, {bytes} more would be over {max}"
            ),
            ProposeError::Halted(halt) => halt.fmt(f),
        }
    }
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OrderError::ReadyNotTaken { came, last: Some(last) } => {
                write!(f, "Ready {came} is reported durable, but the last one taken is {last}")
            }
            OrderError::ReadyNotTaken { came, last: None } => {
                write!(f, "Ready {came} is reported durable, but none was taken yet")
            }
            OrderError::ReadyAlreadyDurable { came, expected: Some(expected) } => {
                write!(f, "Ready {came} was durable already: {expected} is the next")
            }
            OrderError::ReadyAlreadyDurable { came, expected: None } => {
                write!(f, "Ready {came} was durable already, and no other waits")
            }
            OrderError::AppliedNotHandedOut { came, handed_out } => {
                write!(f, "{came} is reported applied, but the last handed out is {handed_out}")
            }
            OrderError::AppliedWentBack { came, applied } => {
                write!(f, "{came} is reported applied, but {applied} was applied before")
            }
            OrderError::Halted(halt) => halt.fmt(f),
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::UnknownVersion { found } => {
                write!(f, "the input is of version {found}, which this release does not read")
            }
            WireError::UnknownKind { offset, what, found } => {
                write!(f, "offset {offset}, {what}: no kind has the number {found}")
            }
            WireError::Truncated { offset, what, needed, left } => write!(
                f,
                "offset {offset}, {what}: the input ends too early: bytes needed {needed}, left {left}"
            ),
            WireError::CountTooLarge { offset, what, count, max } => write!(
                f,
                "offset {offset}, {what}: {count} are announced, and the rest of the input can hold \
                 {max} at most"
            ),
            WireError::NumberTooLarge { offset, what, tenth } => write!(
                f,
                "offset {offset}, {what}: the number has more than 64 bits: its tenth byte is \
                 {tenth:#04x}"
            ),
            WireError::NotShortest { offset, what, number } => {
                write!(
                    f,
                    "offset {offset}, {what}: {number} is written in more bytes than it needs"
                )
            }
            WireError::NotAFlag { offset, what, found } => {
                write!(f, "offset {offset}, {what}: a flag is 0 or 1, and this is {found}")
            }
            WireError::NotAscending { offset, what, before, found } => {
                write!(f, "offset {offset}, {what}: {found} comes after {before}")
            }
            WireError::TrailingBytes { offset, left } => {
                write!(
                    f,
                    "offset {offset}: the value ends here, but not the input: bytes left {left}"
                )
            }
        }
    }
}

impl fmt::Display for CampaignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CampaignError::AlreadyLeader { term } => write!(f, "already the leader of term {term}"),
            CampaignError::NotAVoter { us } => write!(f, "{us} is not a voter of its own group"),
            CampaignError::NoTermLeft { term } => {
                write!(f, "term {term} is the last: there is no later one to campaign in")
            }
            CampaignError::UnappliedChange { index } => write!(
                f,
                "entry {index} changes the group, and is committed and not applied here: apply it first"
            ),
            CampaignError::Installing => write!(f, "a leader's snapshot is not installed yet"),
            CampaignError::LeaderIsAlive { ticks_left } => write!(
                f,
                "reads rest on leases, and a leader may count on this node's vote (ticks left: \
                 {ticks_left})"
            ),
            CampaignError::Halted(halt) => halt.fmt(f),
        }
    }
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransferError::NoLeader => write!(f, "no leader is known"),
            TransferError::LeadsAlready { target } => write!(f, "{target} leads already"),
            TransferError::UnknownTarget { target } => {
                write!(f, "{target} is not a member of the group")
            }
            TransferError::NotAVoter { target } => {
                write!(f, "{target} is a learner, and cannot lead")
            }
            TransferError::UnderWay { target } => {
                write!(f, "a transfer to {target} is under way")
            }
            TransferError::Halted(halt) => halt.fmt(f),
        }
    }
}

impl fmt::Display for RequestSnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestSnapshotError::Leads => write!(f, "a leader has nobody to ask for a snapshot"),
            RequestSnapshotError::NoLeader => write!(f, "no leader is known"),
            RequestSnapshotError::Waiting { at_least } => {
                write!(f, "a snapshot that covers entry {at_least} is on its way")
            }
            RequestSnapshotError::LogIsOld { last, term } => {
                write!(
                    f,
                    "the log ends in {last}, and may differ from that of the leader of term {term}"
                )
            }
            RequestSnapshotError::Halted(halt) => halt.fmt(f),
        }
    }
}

/// Writes the reason, after the change.
impl fmt::Display for ChangeRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChangeRefusal::Pending { index, applied } => write!(
                f,
                "a change may be at entry {index}, and only {applied} is applied: one at a time"
            ),
            ChangeRefusal::Impossible(why) => why.fmt(f),
        }
    }
}

impl fmt::Display for ApplyChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplyChangeError::Refused(why) => write!(f, "the change is not made: {why}"),
            ApplyChangeError::Installing { last } => {
                write!(f, "a snapshot up to {last} covers the change, and is not installed yet")
            }
            ApplyChangeError::Halted(halt) => halt.fmt(f),
        }
    }
}

impl fmt::Display for ForgetLeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ForgetLeaderError::LeaseReads => {
                write!(f, "the leader may answer reads because this node listens to it")
            }
            ForgetLeaderError::Halted(halt) => halt.fmt(f),
        }
    }
}

impl Error for ConfigError {}
impl Error for StorageError {}
impl Error for WireError {}
impl Error for Halt {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.why())
    }
}
impl Error for ProposeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if let ProposeError::Halted(halt) = self { Some(halt.why()) } else { None }
    }
}
impl Error for OrderError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if let OrderError::Halted(halt) = self { Some(halt.why()) } else { None }
    }
}
impl Error for TransferError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if let TransferError::Halted(halt) = self { Some(halt.why()) } else { None }
    }
}

impl Error for RequestSnapshotError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if let RequestSnapshotError::Halted(halt) = self { Some(halt.why()) } else { None }
    }
}

impl Error for ApplyChangeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ApplyChangeError::Refused(why) => Some(why),
            ApplyChangeError::Halted(halt) => Some(halt.why()),
            ApplyChangeError::Installing { .. } => None,
        }
    }
}

impl Error for ForgetLeaderError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if let ForgetLeaderError::Halted(halt) = self { Some(halt.why()) } else { None }
    }
}

impl Error for CampaignError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if let CampaignError::Halted(halt) = self { Some(halt.why()) } else { None }
    }
}
impl Error for StepError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if let StepError::ProposalDropped(why) = self {
            return Some(why);
        }
        if let StepError::TransferRefused(why) = self {
            return Some(why);
        }
        if let StepError::Halted(halt) = self { Some(halt.why()) } else { None }
    }
}
impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if let StartError::Config(why) = self {
            return Some(why);
        }
        if let StartError::Storage(why) = self { Some(why) } else { None }
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

impl From<Halt> for StepError {
    fn from(halt: Halt) -> Self {
        StepError::Halted(halt)
    }
}

impl From<Halt> for ProposeError {
    fn from(halt: Halt) -> Self {
        ProposeError::Halted(halt)
    }
}

impl From<Halt> for OrderError {
    fn from(halt: Halt) -> Self {
        OrderError::Halted(halt)
    }
}

impl From<Halt> for TransferError {
    fn from(halt: Halt) -> Self {
        TransferError::Halted(halt)
    }
}

impl From<Halt> for RequestSnapshotError {
    fn from(halt: Halt) -> Self {
        RequestSnapshotError::Halted(halt)
    }
}

impl From<Halt> for ApplyChangeError {
    fn from(halt: Halt) -> Self {
        ApplyChangeError::Halted(halt)
    }
}

impl From<ChangeError> for ApplyChangeError {
    fn from(why: ChangeError) -> Self {
        ApplyChangeError::Refused(why)
    }
}

impl From<Halt> for ForgetLeaderError {
    fn from(halt: Halt) -> Self {
        ForgetLeaderError::Halted(halt)
    }
}

impl From<Halt> for CampaignError {
    fn from(halt: Halt) -> Self {
        CampaignError::Halted(halt)
    }
}

impl fmt::Display for ConfStateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfStateError::NodeZero { set } => {
                write!(f, "{set} names node 0, but ids start at 1")
            }
            ConfStateError::LearnerIsVoter { node } => {
                write!(f, "{node} is in learners and in voters: it must be one of the two")
            }
            ConfStateError::LearnerIsOutgoing { node } => write!(
                f,
                "{node} is in learners and in voters_outgoing: until the group leaves the joint \
                 configuration, it belongs into learners_next"
            ),
            ConfStateError::NextIsNotOutgoing { node } => write!(
                f,
                "{node} is in learners_next and not in voters_outgoing: it belongs into learners"
            ),
            ConfStateError::NextIsVoter { node } => {
                write!(f, "{node} is in learners_next and in voters: it must be one of the two")
            }
            ConfStateError::JointWithoutVoters { outgoing } => write!(
                f,
                "voters is empty, and voters_outgoing has {outgoing}: both need at least one"
            ),
            ConfStateError::AutoLeaveOutsideJoint => {
                write!(
                    f,
                    "auto_leave is set, but voters_outgoing is empty: there is nothing to leave"
                )
            }
        }
    }
}

impl Error for ConfStateError {}

impl From<ConfStateError> for ChangeError {
    fn from(why: ConfStateError) -> Self {
        ChangeError::Impossible(why)
    }
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChangeError::Impossible(why) => {
                write!(f, "the configuration to be changed is impossible: {why}")
            }
            ChangeError::NodeZero { kind } => {
                let what = match kind {
                    ChangeKind::AddVoter => "make node 0 a voter",
                    ChangeKind::AddLearner => "make node 0 a learner",
                    ChangeKind::Remove => "remove node 0",
                };
                write!(f, "it would {what}, but ids start at 1")
            }
            ChangeError::NoVoterLeft { voters } => {
                write!(f, "no voter would be left: the group has {voters}, and needs at least 1")
            }
            ChangeError::TooManyVoters { changed } => write!(
                f,
                "{changed} nodes would begin or cease to vote: without a joint configuration, at most \
                 1 may"
            ),
            ChangeError::InJoint { voters, outgoing } => write!(
                f,
                "the group is in a joint configuration of {voters} new and {outgoing} old voters: it \
                 must leave it first"
            ),
            ChangeError::NotInJoint { voters } => write!(
                f,
                "the group of {voters} voters is in no joint configuration: there is nothing to leave"
            ),
            ChangeError::NoVoterYet => write!(
                f,
                "the group has 0 voters: add the first one before a joint configuration is entered"
            ),
        }
    }
}

impl Error for ChangeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if let ChangeError::Impossible(why) = self { Some(why) } else { None }
    }
}
