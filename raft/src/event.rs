//! Events: everything that can happen inside a node, one variant for every fact that changes.
//!
//! ```text
//!   election.rs:83   self.vote_for(from);
//!        |                  '--> ledger: the fact changes, and a Note { event, at: election.rs:83 }
//!        '-- the rule that decided, a student's line as well as ours
//! ```
//!
//! Events replace log lines. They are typed, so a test, a card or a page can explain them.

mod citation; // where the paper and the book explain an event

mod display; // what an event says to a person

pub use citation::Paper;

use crate::error::{ChangeRefusal, Read};
use crate::message::{Priority, ReadDropped, ReadToken};
use crate::state::RoleName;
use crate::types::{EntryId, Index, NodeId, Term};

/// One thing that happened inside a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "type", content = "data", rename_all = "snake_case"))]
pub enum Event {
    /// The node entered a later term.
    TermEntered {
        /// The term it left.
        from: Term,
        /// The term it is in.
        to: Term,
    },
    /// The node granted its vote, or a new term cleared the old vote.
    VoteChanged {
        /// The candidate that had its vote.
        from: Option<NodeId>,
        /// The candidate that has its vote now.
        to: Option<NodeId>,
    },
    /// The node learned which node leads, or that it no longer knows.
    LeaderChanged {
        /// The leader it knew.
        from: Option<NodeId>,
        /// The leader it knows now.
        to: Option<NodeId>,
    },
    /// The node reset its timer.
    TimerReset {
        /// The ticks that the timer had counted.
        after_ticks: u64,
    },
    /// A rule asked for another role.
    RoleChangeAsked {
        /// The role asked for.
        next: RoleName,
    },
    /// The node took another role.
    RoleEntered {
        /// The role it had.
        from: RoleName,
        /// The role it has.
        to: RoleName,
    },
    /// The node promised its vote to a candidate.
    VoteGranted {
        /// The candidate.
        candidate: NodeId,
    },
    /// The node refused a candidate.
    VoteRefused {
        /// The candidate.
        candidate: NodeId,
        /// The rule that said no.
        why: Refusal,
    },
    /// The node would vote for a candidate: it said so, and promised nothing.
    PreVoteGranted {
        /// The candidate.
        candidate: NodeId,
    },
    /// The node would not vote for a candidate.
    PreVoteRefused {
        /// The candidate.
        candidate: NodeId,
        /// The rule that said no.
        why: Refusal,
    },
    /// A candidate counted a voter's answer.
    VoteCounted {
        /// The voter.
        voter: NodeId,
        /// Whether it granted its vote.
        granted: bool,
    },
    /// The node wrote entries at the end of its log.
    EntriesAppended {
        /// The first of them.
        first: EntryId,
        /// The last of them.
        last: EntryId,
    },
    /// The node removed entries that the leader does not have.
    LogTruncated {
        /// The first index that was removed.
        from: Index,
        /// The last one.
        last: Index,
    },
    /// The node refused a leader's entries: the entry before them is not in its log.
    AppendRefused {
        /// The entry before them.
        prev: EntryId,
        /// The last index at which the two logs may agree.
        hint: Index,
    },
    /// The node learned that more of its log is committed.
    CommitAdvanced {
        /// The old commit index.
        from: Index,
        /// The new commit index.
        to: Index,
    },
    /// A majority holds this entry, but it is of an earlier term: it may not be counted.
    CommitWithheld {
        /// The entry.
        at: EntryId,
    },
    /// A leader learned that more of a peer's log agrees with its own.
    MatchAdvanced {
        /// The peer.
        peer: NodeId,
        /// The old match index.
        from: Index,
        /// The new match index.
        to: Index,
    },
    /// A leader learned that a peer lacks the entry before those it was sent, and goes back.
    NextWentBack {
        /// The peer.
        peer: NodeId,
        /// The old next index.
        from: Index,
        /// The new next index.
        to: Index,
    },
    /// A leader sends a peer one append at a time from now on.
    Probes {
        /// The peer.
        peer: NodeId,
        /// The entry to be sent next.
        next: Index,
    },
    /// A leader sends a peer a window of appends from now on.
    Replicates {
        /// The peer.
        peer: NodeId,
        /// The entry to be sent next.
        next: Index,
    },
    /// A peer says that it lacks an entry which it had acknowledged. Its disk was lost, or the answer
    /// is an old one that came late. The leader asks again after its next heartbeat, and not before.
    AcknowledgementDenied {
        /// The peer.
        peer: NodeId,
        /// The entry's index.
        index: Index,
    },
    /// A leader sends a peer a snapshot, because entries that the peer lacks are compacted, or because the
    /// peer asked for it.
    SnapshotSent {
        /// The peer.
        peer: NodeId,
        /// The last entry that it covers.
        last: EntryId,
    },
    /// A leader cannot send a peer a snapshot yet: storage has none that covers enough.
    SnapshotPending {
        /// The peer.
        peer: NodeId,
    },
    /// A leader does not wait any more for a peer to have its snapshot.
    SnapshotGivenUp {
        /// The peer.
        peer: NodeId,
        /// The entry to be sent next.
        next: Index,
    },
    /// A peer takes no entries: it wants a snapshot.
    SnapshotWanted {
        /// The peer.
        peer: NodeId,
        /// The index that it must cover.
        at_least: Index,
    },
    /// The node replaced its whole log by a leader's snapshot.
    SnapshotRestored {
        /// The last entry that it covers.
        last: EntryId,
    },
    /// The node does not install a leader's snapshot.
    SnapshotRefused {
        /// The last entry that it covers.
        last: EntryId,
        /// Why.
        why: SnapshotRefusal,
    },
    /// The group has other members now, as far as this node has applied the log.
    MembersChanged {
        /// The number of voters.
        voters: usize,
        /// The number of old voters that must agree, too; 0 outside a joint configuration.
        outgoing: usize,
        /// The number of learners.
        learners: usize,
    },
    /// A proposed change of the group is replaced by an entry without content.
    ChangeReplaced {
        /// Why.
        why: ChangeRefusal,
    },
    /// A leader proposes that the group leave its joint configuration.
    JointLeft {
        /// The index of the entry that leaves it.
        index: Index,
    },
    /// The node does not campaign: a change of the group is committed and not applied yet.
    CampaignPostponed {
        /// The index of the change.
        change: Index,
    },
    /// A leader cannot send a peer what it lacks: the entries are compacted, and the peer does not answer.
    EntriesCompacted {
        /// The peer.
        peer: NodeId,
        /// The first index that the peer lacks.
        index: Index,
    },
    /// A leader cannot send a peer what it lacks yet: storage fetches the entries.
    EntriesPending {
        /// The peer.
        peer: NodeId,
        /// The first index that the peer lacks.
        index: Index,
    },
    /// A leader began a round of reads: it asks whether it still leads.
    ReadRoundBegan {
        /// The round.
        token: ReadToken,
        /// Its commit index: the reads of the round read there.
        index: Index,
    },
    /// A majority has answered a round of reads, or a later one: its reads are confirmed.
    ReadRoundConfirmed {
        /// The round.
        token: ReadToken,
        /// Where its reads read.
        index: Index,
    },
    /// A read that this node's application asked for ended without an index.
    ReadEnded {
        /// Why.
        why: ReadDropped,
    },
    /// A leader is to hand its leadership to another node.
    TransferBegan {
        /// The node.
        target: NodeId,
    },
    /// A leader still leads, and gives up handing its leadership over.
    TransferEnded {
        /// The node that was to lead.
        target: NodeId,
    },
    /// A leader has heard from no majority for an election timeout.
    QuorumLost {
        /// How many voters it has heard from, itself included.
        heard: usize,
        /// How many voters there are.
        of: usize,
    },
    /// A leader does not count on its lease until more is committed: it has told another node to campaign.
    LeaseSuspended {
        /// The last entry that the other node has.
        last: Index,
    },
    /// A read of storage failed, and the node halted. What storage said is in
    /// [`Inspect::halted`](crate::Inspect::halted).
    Halted {
        /// The read.
        read: Read,
    },
    /// At its start, the node's application has applied more than the saved commit index says: the
    /// commit index was not saved with, or before, what was applied.
    AppliedAhead {
        /// The last index that was applied.
        applied: Index,
        /// The saved commit index.
        commit: Index,
    },
    /// A message was put into the outbox.
    Sent {
        /// The receiver.
        to: NodeId,
        /// The kind of message.
        kind: &'static str,
    },
    /// A message changed nothing.
    MessageIgnored {
        /// The sender.
        from: NodeId,
        /// The kind of message.
        kind: &'static str,
        /// Why it changed nothing.
        why: Ignored,
    },
}

/// Why a vote was refused: one variant per rule that can say no, with what it compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Refusal {
    /// One vote per term, and it is granted to another (Fig. 2 RequestVote (2)).
    VotedFor(NodeId),
    /// The candidate's log may lack committed entries (§5.4.1).
    LogIsNewer {
        /// Our last entry.
        ours: EntryId,
        /// The candidate's last entry.
        theirs: EntryId,
    },
    /// The term has a leader, and the settings say that no other node gets a vote then.
    LeaderKnown(NodeId),
    /// The candidate has a lower priority than this node, and no log that holds more.
    LowerPriority {
        /// The priority of this node.
        ours: Priority,
        /// The candidate's priority.
        theirs: Priority,
    },
    /// The candidate would campaign in a term that is over.
    TermIsOver {
        /// The term in which it would campaign.
        theirs: Term,
        /// The term of this node.
        ours: Term,
    },
}

/// Why a snapshot is not installed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum SnapshotRefusal {
    /// It covers nothing that is not committed here.
    Committed {
        /// The commit index of this node.
        commit: Index,
    },
    /// Its last entry is in this node's log, and everything before it: it is committed now.
    InOurLog,
    /// This node is no member at that entry.
    WithoutUs,
}

/// Why a message changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Ignored {
    /// It is from a term that is over (§5.1).
    OlderTerm {
        /// The message's term.
        theirs: Term,
        /// The term of this node.
        ours: Term,
    },
    /// Its term leaves no term above it ([`Term::LAST`]): damaged or hostile.
    NoTermAbove {
        /// The message's term.
        theirs: Term,
    },
    /// It claims to come from the leader of a term that this node leads: one of the two is wrong.
    RivalLeader,
    /// It answers a question that only another role asks: this node is no longer a candidate, or no
    /// longer a leader.
    NotOurRole {
        /// The role of this node.
        role: RoleName,
    },
    /// It belongs to an earlier replication to the same peer.
    OtherSession,
    /// It asks for a vote while the leader works: this node has heard from it within an election timeout,
    /// or may have before it restarted (thesis §4.2.3).
    LeaderIsAlive {
        /// The ticks until this node answers such a question.
        ticks_left: u64,
    },
    /// It tells this node to campaign, and this node cannot lead.
    CannotLead,
    /// It tells this node to campaign with another log than it has: it is late.
    OtherLog {
        /// The last entry that the message names.
        theirs: EntryId,
        /// The last entry of this node.
        ours: EntryId,
    },
    /// It answers a read that has ended, or one from before this node restarted.
    ReadIsOver,
}

impl Event {
    /// Returns the event's name as traces write it: `vote_refused`.
    pub fn name(&self) -> &'static str {
        match self {
            Event::TermEntered { .. } => "term_entered",
            Event::VoteChanged { .. } => "vote_changed",
            Event::LeaderChanged { .. } => "leader_changed",
            Event::TimerReset { .. } => "timer_reset",
            Event::RoleChangeAsked { .. } => "role_change_asked",
            Event::RoleEntered { .. } => "role_entered",
            Event::VoteGranted { .. } => "vote_granted",
            Event::VoteRefused { .. } => "vote_refused",
            Event::PreVoteGranted { .. } => "pre_vote_granted",
            Event::PreVoteRefused { .. } => "pre_vote_refused",
            Event::VoteCounted { .. } => "vote_counted",
            Event::EntriesAppended { .. } => "entries_appended",
            Event::LogTruncated { .. } => "log_truncated",
            Event::AppendRefused { .. } => "append_refused",
            Event::CommitAdvanced { .. } => "commit_advanced",
            Event::CommitWithheld { .. } => "commit_withheld",
            Event::MatchAdvanced { .. } => "match_advanced",
            Event::NextWentBack { .. } => "next_went_back",
            Event::Probes { .. } => "probes",
            Event::Replicates { .. } => "replicates",
            Event::AcknowledgementDenied { .. } => "acknowledgement_denied",
            Event::EntriesCompacted { .. } => "entries_compacted",
            Event::EntriesPending { .. } => "entries_pending",
            Event::ReadRoundBegan { .. } => "read_round_began",
            Event::ReadRoundConfirmed { .. } => "read_round_confirmed",
            Event::ReadEnded { .. } => "read_ended",
            Event::TransferBegan { .. } => "transfer_began",
            Event::TransferEnded { .. } => "transfer_ended",
            Event::QuorumLost { .. } => "quorum_lost",
            Event::LeaseSuspended { .. } => "lease_suspended",
            Event::SnapshotSent { .. } => "snapshot_sent",
            Event::SnapshotPending { .. } => "snapshot_pending",
            Event::SnapshotGivenUp { .. } => "snapshot_given_up",
            Event::SnapshotWanted { .. } => "snapshot_wanted",
            Event::SnapshotRestored { .. } => "snapshot_restored",
            Event::SnapshotRefused { .. } => "snapshot_refused",
            Event::MembersChanged { .. } => "members_changed",
            Event::ChangeReplaced { .. } => "change_replaced",
            Event::JointLeft { .. } => "joint_left",
            Event::CampaignPostponed { .. } => "campaign_postponed",
            Event::Halted { .. } => "halted",
            Event::AppliedAhead { .. } => "applied_ahead",
            Event::Sent { .. } => "sent",
            Event::MessageIgnored { .. } => "message_ignored",
        }
    }
}
