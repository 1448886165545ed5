//! What can be wrong from outside. Nothing here panics, and nothing is half done when it is returned.
//!
//! ```text
//!   settings --> ConfigError --.
//!   disk ------> StorageError --+--> StartError      a node that cannot start
//!                           '------> Halt            a node whose storage failed while it ran
//!   network ---> StepError                           a message that no correct network delivers
//!   operator --> CampaignError                       an election that cannot be held
//!            '-> TransferError, ForgetLeaderError    what a leader or its followers cannot do
//!   client ----> ProposeError                        a proposal that is not taken
//!   owner -----> OrderError                          a write or an apply reported out of order
//!   operator --> ChangeError <-- ConfStateError      a change of the members that cannot be made
//!   bytes -----> WireError                           an input that is no encoding of anything
//! ```
//!
//! A failed read decides nothing: the node halts. It then behaves as if it had crashed at that read,
//! except that it can still be looked at.

mod display; // what each error says to a person

use crate::entry::ChangeKind;
use crate::types::{EntryId, Index, NodeId, ReadyNumber, Term, Uncompared};
use std::panic::Location;

/// Why settings cannot work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// 0 is no id: peers write it for "none".
    IdZero,
    /// A leader that sends no heartbeat loses its followers.
    HeartbeatZero,
    /// Followers would time out between two heartbeats.
    ElectionNotLonger {
        /// The shortest election timeout.
        election_ticks: u64,
        /// The time between two heartbeats.
        heartbeat_ticks: u64,
    },
    /// No node would ever campaign.
    ElectionTooLong {
        /// The shortest election timeout.
        election_ticks: u64,
        /// The largest one that is allowed.
        max: u64,
    },
    /// The application cannot have applied so much: no log is that long.
    AppliedOutOfRange {
        /// The index that the settings give.
        applied: Index,
    },
    /// A leader would give up every snapshot at once.
    SnapshotTicksZero,
    /// Reads are to rest on leases, but without check-quorum no node ignores vote requests: another
    /// leader could be elected at any time.
    LeaseWithoutCheckQuorum,
    /// The lease has no tick, or is not shorter than the time for which nodes ignore vote requests.
    LeaseOutOfRange {
        /// The length of the lease.
        lease_ticks: u64,
        /// The shortest election timeout.
        election_ticks: u64,
    },
    /// No append could ever be sent.
    InflightMessagesZero,
    /// No append with entries could ever be sent.
    InflightBytesZero,
    /// A single append could be larger than all that may be in flight.
    InflightLessThanAppend {
        /// What may be in flight, in bytes.
        max_inflight: u64,
        /// The size of one append, in bytes.
        max_append: u64,
    },
}

/// Why storage gives no answer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum StorageError {
    /// The entry has been compacted away.
    Compacted {
        /// The index asked for.
        index: Index,
        /// The first index that is left.
        first: Index,
    },
    /// Not there yet, but soon: storage makes a snapshot, or fetches entries. It may answer this where
    /// entries or a snapshot are to be SENT. The node asks again at the peer's next answer, or once
    /// [`RawNode::on_entries_fetched`](crate::RawNode::on_entries_fetched) says so. Anywhere else it halts
    /// the node: no other rule can wait.
    Pending,
    /// The index is beyond the end of the log. A node never asks for such an index, so storage
    /// contradicts what it said before: this halts the node.
    Unavailable {
        /// The index asked for.
        index: Index,
        /// The last index that is there.
        last: Index,
    },
    /// The disk, or what is on it, is damaged. The text names the thing and the number. This halts the
    /// node.
    Failed(String),
}

/// A read of storage, by a node that runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Read {
    /// The term of an entry.
    Term {
        /// The entry's index.
        index: Index,
    },
    /// Where the log begins.
    FirstIndex,
    /// A snapshot to send.
    Snapshot {
        /// The index that it must cover.
        at_least: Index,
    },
    /// The entries of `low..high`.
    Entries {
        /// The first index.
        low: Index,
        /// The index after the last.
        high: Index,
    },
}

/// Why a node has halted: a read that failed, and what storage said.
///
/// No rule goes on with a missing answer. A halted node behaves as if it had crashed at that read.
/// Nothing that it produced since its last Ready leaves it. Every call that could change it returns this
/// error, and a tick does nothing. It can still be looked at. The owner drops it, mends the storage, and
/// starts a new node from what is durable.
///
/// Boxed, because every rule that reads returns it, and almost never: a result is one word then.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Halt(Box<FailedRead>);

/// A read that failed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct FailedRead {
    /// The read.
    read: Read,
    /// What storage said.
    why: StorageError,
    /// The line of the rule that read.
    at: Uncompared<&'static Location<'static>>,
}

impl Halt {
    /// Returns the failure of this read, at the caller's line.
    #[cold]
    #[track_caller]
    pub(crate) fn at(read: Read, why: StorageError) -> Self {
        Halt(Box::new(FailedRead { read, why, at: Uncompared(Location::caller()) }))
    }

    /// Returns the read that failed.
    pub fn read(&self) -> Read {
        self.0.read
    }

    /// Returns what storage said.
    pub fn why(&self) -> &StorageError {
        &self.0.why
    }

    /// Returns the line of the rule that read.
    pub fn location(&self) -> &'static Location<'static> {
        self.0.at.0
    }

    /// Returns whether the entry was compacted: for a leader that wants to send it, an answer and no
    /// failure.
    pub(crate) fn is_compacted(&self) -> bool {
        matches!(self.why(), StorageError::Compacted { .. })
    }
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
    /// Its storage remembers node 0, which is no node.
    NodeZero {
        /// What storage says of it.
        said_to: &'static str,
    },
    /// Its storage remembers members that no group can have.
    ImpossibleMembers(ConfStateError),
    /// Its storage says that the log starts at index 0, where no entry can be.
    FirstIndexZero,
    /// Its storage contradicts itself: the log starts after the entry behind its last.
    FirstBeyondLast {
        /// The first index, as storage says.
        first: Index,
        /// The last index, as storage says.
        last: Index,
    },
    /// Storage says more is committed than it holds: the log was cut or lost, the state was saved
    /// before its entries, or the two come from different nodes.
    CommitBeyondLog {
        /// The remembered commit index.
        commit: Index,
        /// The index of the last entry.
        last: Index,
    },
    /// The application has applied some entries, and the next one is not in the log any more: a snapshot was
    /// installed without the application's state, or entries were removed too early.
    AppliedBeforeLog {
        /// The last index that the application has applied.
        applied: Index,
        /// The first index of the log.
        first: Index,
    },
    /// The application says it has applied more than storage holds: the log was cut or lost, or the two
    /// come from different nodes.
    AppliedBeyondLog {
        /// The last index that the application has applied.
        applied: Index,
        /// The index of the last entry.
        last: Index,
    },
}

/// Why a message was not taken. The node has not changed, unless it has halted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StepError {
    /// It is addressed to another node: the sender's or the network's address book is wrong.
    NotForUs {
        /// The receiver it names.
        to: NodeId,
        /// This node.
        us: NodeId,
    },
    /// It comes from node 0, which is no node: it could be voted for, and followed.
    FromNodeZero {
        /// The kind of message.
        kind: &'static str,
    },
    /// It claims to come from this very node. What a node promises itself never travels.
    FromOurselves {
        /// The kind of message.
        kind: &'static str,
    },
    /// It answers a question that this node cannot have asked: the sender is not a member.
    ReplyFromStranger {
        /// The stranger.
        from: NodeId,
        /// The kind of message.
        kind: &'static str,
    },
    /// Its term is missing although its kind needs one, or given although its kind has none.
    TermMisplaced {
        /// The kind of message.
        kind: &'static str,
        /// The term it carries.
        term: Option<Term>,
    },
    /// Its term is 0. Nobody campaigns or leads in term 0.
    TermZero {
        /// The sender.
        from: NodeId,
        /// The kind of message.
        kind: &'static str,
    },
    /// Its term leaves no term above it ([`Term::LAST`]): damaged or hostile.
    TermOutOfRange {
        /// The sender.
        from: NodeId,
        /// The term it carries.
        term: Term,
    },
    /// It names an index beyond [`Index::LAST`]: damaged or hostile.
    IndexOutOfRange {
        /// The sender.
        from: NodeId,
        /// The index.
        index: Index,
    },
    /// It names an entry of term 0, or at index 0: there is none.
    ImpossibleEntry {
        /// The sender.
        from: NodeId,
        /// The entry.
        entry: EntryId,
    },
    /// Its entries do not follow one another: one is missing, or they are out of order.
    EntriesNotInOrder {
        /// The sender.
        from: NodeId,
        /// The index that was expected.
        expected: Index,
        /// The index that came.
        came: Index,
    },
    /// One of its entries is of an earlier term than the one before, or of a later term than the
    /// message: no leader's log looks like that.
    EntryOfWrongTerm {
        /// The sender.
        from: NodeId,
        /// The entry.
        entry: EntryId,
        /// The term of the entry before it.
        before: Term,
        /// The message's term.
        message: Term,
    },
    /// The leader says that this node holds, and has committed, more than is in its log. The log was cut
    /// or lost: a disk was wiped, an id used again, or writes were not made durable.
    CommitBeyondLog {
        /// The leader.
        from: NodeId,
        /// The commit index it sent.
        commit: Index,
        /// The index of the last entry.
        last: Index,
    },
    /// A candidate says that an entry is committed which cannot be in its own log: damaged or hostile.
    CommitNotInItsLog {
        /// The candidate.
        from: NodeId,
        /// The entry.
        commit: EntryId,
        /// The last entry of its log, as it says.
        last: EntryId,
    },
    /// It carries a snapshot that no group can have: of an impossible configuration.
    ImpossibleSnapshot {
        /// The sender.
        from: NodeId,
        /// The snapshot's last entry.
        last: EntryId,
        /// What is wrong with its members.
        why: ConfStateError,
    },
    /// It carries a snapshot that covers nothing.
    EmptySnapshot {
        /// The sender.
        from: NodeId,
    },
    /// A peer acknowledges or rejects an entry that this leader does not have.
    AnswerBeyondLog {
        /// The peer.
        from: NodeId,
        /// The index it names.
        index: Index,
        /// The index of the last entry of this leader.
        last: Index,
    },
    /// A proposal that another node forwarded was not taken.
    ProposalDropped(ProposeError),
    /// A transfer that another node asked for does not begin.
    TransferRefused(TransferError),
    /// The node has halted: its storage failed, now or earlier.
    Halted(Halt),
}

/// Why a proposal was not taken. The node has not changed, unless it has halted; the client may try
/// again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProposeError {
    /// No leader is known.
    NoLeader,
    /// This node does not lead, and the settings forbid to forward proposals.
    NotForwarded {
        /// The leader.
        leader: NodeId,
    },
    /// It proposes no entry at all.
    Empty,
    /// The node has no rule that takes proposals: a lab whose function is not written yet.
    NotSupported,
    /// The leader is no member of its group any more, and does not step down (`step_down_on_removal`).
    NotAMember {
        /// The leader.
        us: NodeId,
    },
    /// It proposes a change of the group that cannot be made now.
    ChangeRefused(ChangeRefusal),
    /// The leader is handing its leadership to another node, and takes no proposals meanwhile.
    Transferring {
        /// The node that is to lead.
        target: NodeId,
    },
    /// Too much waits to be committed and applied already.
    TooMuchUncommitted {
        /// The bytes that wait.
        waiting: u64,
        /// The bytes of the proposal.
        bytes: u64,
        /// The sum that the settings allow.
        max: u64,
    },
    /// The node has halted: its storage failed, now or earlier. If it failed now, the proposal may
    /// already be on its way to the disk or to a peer: whether it will be committed is not known.
    Halted(Halt),
}

/// What an owner reported out of order. The node has not changed, unless it has halted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OrderError {
    /// A Ready is reported durable that was never taken.
    ReadyNotTaken {
        /// The number that came.
        came: ReadyNumber,
        /// The last number that was taken, if any was.
        last: Option<ReadyNumber>,
    },
    /// A Ready is reported durable that was durable already.
    ReadyAlreadyDurable {
        /// The number that came.
        came: ReadyNumber,
        /// The number that is expected, if a Ready waits.
        expected: Option<ReadyNumber>,
    },
    /// More is reported applied than was handed out.
    AppliedNotHandedOut {
        /// The index that came.
        came: Index,
        /// The last index that was handed out.
        handed_out: Index,
    },
    /// Less is reported applied than before.
    AppliedWentBack {
        /// The index that came.
        came: Index,
        /// The index that was applied.
        applied: Index,
    },
    /// The node has halted: its storage failed, now or earlier.
    Halted(Halt),
}

/// Why no election was held. The node has not changed, unless it has halted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CampaignError {
    /// The node has won already.
    AlreadyLeader {
        /// The term it leads.
        term: Term,
    },
    /// The node is no voter: it has no vote to win with.
    NotAVoter {
        /// This node.
        us: NodeId,
    },
    /// There is no later term to campaign in ([`Term::LAST`]).
    NoTermLeft {
        /// The term the node is in.
        term: Term,
    },
    /// A change of the group is committed, and this node has not applied it: apply first.
    UnappliedChange {
        /// The index of the change.
        index: Index,
    },
    /// A leader's snapshot is not installed yet.
    Installing,
    /// Reads rest on leases, and the node has heard from a leader, or has restarted, too short a time ago:
    /// the leader may count on its vote.
    LeaderIsAlive {
        /// How many ticks the node still has to wait.
        ticks_left: u64,
    },
    /// The node has halted: its storage failed, now or earlier.
    Halted(Halt),
}

/// Why a transfer of the leadership does not begin. The node has not changed, unless it has halted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TransferError {
    /// This node does not lead, and knows no leader.
    NoLeader,
    /// The target leads already.
    LeadsAlready {
        /// The target.
        target: NodeId,
    },
    /// The target is no member of the group.
    UnknownTarget {
        /// The target.
        target: NodeId,
    },
    /// The target is a learner: it cannot lead.
    NotAVoter {
        /// The target.
        target: NodeId,
    },
    /// A transfer to this target is under way.
    UnderWay {
        /// The target.
        target: NodeId,
    },
    /// The node has halted: its storage failed, now or earlier.
    Halted(Halt),
}

/// Why a proposed change of the group cannot be made now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ChangeRefusal {
    /// Another change may not be applied yet: one at a time (thesis §4.1).
    Pending {
        /// The last index at which a change may be.
        index: Index,
        /// The last index that is applied.
        applied: Index,
    },
    /// It could not be applied.
    Impossible(ChangeError),
}

/// Why a change of the group was not made, although its entry is applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ApplyChangeError {
    /// The change cannot be made. Nothing has changed; every node finds the same.
    Refused(ChangeError),
    /// A leader's snapshot is not installed yet, and the node has its members already: the change was handed
    /// out before, and the snapshot covers it. Apply nothing more until the snapshot is installed.
    Installing {
        /// The last entry that the snapshot covers.
        last: EntryId,
    },
    /// The node has halted: its storage failed, now or earlier.
    Halted(Halt),
}

/// Why a node does not ask its leader for a snapshot. The node has not changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RequestSnapshotError {
    /// It leads: it has nobody to ask.
    Leads,
    /// No leader is known.
    NoLeader,
    /// It waits for a snapshot already, or is installing one.
    Waiting {
        /// The index that the snapshot covers at least.
        at_least: Index,
    },
    /// Its log may differ from the leader's: its last entry is of an earlier term.
    LogIsOld {
        /// The last entry.
        last: EntryId,
        /// The term of this node.
        term: Term,
    },
    /// The node has halted: its storage failed, now or earlier.
    Halted(Halt),
}

/// Why a node does not forget its leader. The node has not changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ForgetLeaderError {
    /// Reads rest on leases: the leader may count on this node to vote for no other.
    LeaseReads,
    /// The node has halted: its storage failed, now or earlier.
    Halted(Halt),
}

/// Why no group can be configured like this. Found in what storage, a snapshot or an owner gives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ConfStateError {
    /// One of its sets names node 0, which is no node.
    NodeZero {
        /// The set.
        set: &'static str,
    },
    /// A learner is also a voter: its vote would count, or not, as one reads.
    LearnerIsVoter {
        /// The node.
        node: NodeId,
    },
    /// A learner is also a voter of the old configuration, whose majority still decides.
    LearnerIsOutgoing {
        /// The node.
        node: NodeId,
    },
    /// A node that becomes a learner when the group leaves the joint configuration is no voter of the
    /// old one: nothing keeps it from being a learner now.
    NextIsNotOutgoing {
        /// The node.
        node: NodeId,
    },
    /// A node that becomes a learner when the group leaves the joint configuration is a voter of the new
    /// one: it would be both.
    NextIsVoter {
        /// The node.
        node: NodeId,
    },
    /// There is an old configuration, and the new one has no voter: no majority could decide.
    JointWithoutVoters {
        /// How many voters the old configuration has.
        outgoing: usize,
    },
    /// The group is to leave a joint configuration by itself, and is in none.
    AutoLeaveOutsideJoint,
}

/// Why a change of the members cannot be made. The configuration stays as it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ChangeError {
    /// The configuration to be changed is impossible.
    Impossible(ConfStateError),
    /// A change names node 0, which is no node.
    NodeZero {
        /// What would happen to it.
        kind: ChangeKind,
    },
    /// No voter would be left.
    NoVoterLeft {
        /// How many there are now.
        voters: usize,
    },
    /// More than one voter would change without a joint configuration: a majority of the old voters and
    /// one of the new voters need not meet (thesis §4.1).
    TooManyVoters {
        /// How many nodes would begin or cease to vote.
        changed: usize,
    },
    /// The group is in a joint configuration, and the change is not the one that leaves it.
    InJoint {
        /// How many voters the new configuration has.
        voters: usize,
        /// How many voters the old configuration has.
        outgoing: usize,
    },
    /// The change leaves a joint configuration, and the group is in none.
    NotInJoint {
        /// How many voters the group has.
        voters: usize,
    },
    /// The group has no voters: no majority of an old configuration could agree to a joint one.
    NoVoterYet,
}

/// Why an input is not what it should be: a message, an entry or saved state as bytes ([`crate::wire`]).
///
/// `offset` counts bytes from the start of the input, from 0. `what` is the field, as the page "The
/// wire format" of the book names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WireError {
    /// The first byte is not the version that this release reads.
    UnknownVersion {
        /// The version that came.
        found: u8,
    },
    /// No kind has this number: the sender is newer, or the input is damaged.
    UnknownKind {
        /// Where the number is.
        offset: usize,
        /// What it is the kind of.
        what: &'static str,
        /// The number that came.
        found: u8,
    },
    /// The input ends too early.
    Truncated {
        /// Where the missing bytes should begin.
        offset: usize,
        /// The field.
        what: &'static str,
        /// How many bytes the field needs from there on: at least so many, if it is a number.
        needed: u64,
        /// How many bytes are left.
        left: usize,
    },
    /// More things are announced than the rest of the input can hold.
    CountTooLarge {
        /// Where the count is.
        offset: usize,
        /// What is counted.
        what: &'static str,
        /// The count that came.
        count: u64,
        /// How many could follow, if each were as short as possible.
        max: usize,
    },
    /// A number has more than 64 bits.
    NumberTooLarge {
        /// Where the number begins.
        offset: usize,
        /// The field.
        what: &'static str,
        /// Its tenth byte, which may only be 0 or 1.
        tenth: u8,
    },
    /// A number has more bytes than it needs. It has only one form that is accepted.
    NotShortest {
        /// Where the number begins.
        offset: usize,
        /// The field.
        what: &'static str,
        /// The number.
        number: u64,
    },
    /// A flag, or the byte that says whether a number follows, is neither 0 nor 1.
    NotAFlag {
        /// Where the byte is.
        offset: usize,
        /// The field.
        what: &'static str,
        /// The byte that came.
        found: u8,
    },
    /// The nodes of a set are not in ascending order, or one comes twice.
    NotAscending {
        /// Where the node is that is out of order.
        offset: usize,
        /// The set.
        what: &'static str,
        /// The node before it.
        before: NodeId,
        /// The node.
        found: NodeId,
    },
    /// Something follows the end.
    TrailingBytes {
        /// Where the value ends.
        offset: usize,
        /// How many bytes follow.
        left: usize,
    },
}

impl StepError {
    /// Returns the error of a message whose proposal was not taken.
    pub(crate) fn of_proposal(why: ProposeError) -> Self {
        if let ProposeError::Halted(halt) = why {
            return StepError::Halted(halt);
        }
        StepError::ProposalDropped(why)
    }

    /// Returns the error of a message whose transfer does not begin.
    pub(crate) fn of_transfer(why: TransferError) -> Self {
        if let TransferError::Halted(halt) = why {
            return StepError::Halted(halt);
        }
        StepError::TransferRefused(why)
    }
}
