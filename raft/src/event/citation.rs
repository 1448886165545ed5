//! Where an event is explained: a section of the paper, a place in its Figure 2, a chapter of the book.

use super::{Event, Ignored, Refusal};
use crate::state::RoleName;

/// Where the paper states a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Paper {
    /// The section of the extended Raft paper: `5.4.1`.
    pub section: &'static str,
    /// The rule's place in Figure 2 or 3, if it is there: `Fig. 2 RequestVote (2)`.
    pub figure: Option<&'static str>,
}

impl Event {
    /// Returns where the paper states the rule behind the event.
    pub fn paper(&self) -> Paper {
        let (section, figure) = match self {
            Event::TermEntered { .. } => ("5.1", Some("Fig. 2 Rules for All Servers (2)")),
            Event::VoteChanged { .. } => ("5.2", Some("Fig. 2 State: votedFor")),
            Event::LeaderChanged { .. } => ("5.2", None),
            Event::TimerReset { .. } => ("5.2", Some("Fig. 2 Followers (2)")),
            Event::RoleChangeAsked { next } | Event::RoleEntered { to: next, .. } => match next {
                RoleName::Follower => ("5.2", Some("Fig. 2 Candidates (3)")),
                RoleName::PreCandidate => ("9.6 of the thesis", None),
                RoleName::Candidate => ("5.2", Some("Fig. 2 Candidates (1)")),
                RoleName::Leader => ("5.2", Some("Fig. 2 Candidates (2)")),
            },
            Event::VoteGranted { .. } => ("5.2", Some("Fig. 2 RequestVote (2)")),
            Event::VoteRefused { why: Refusal::VotedFor(_), .. } => {
                ("5.2", Some("Fig. 2 RequestVote (2)"))
            }
            Event::VoteRefused { why: Refusal::LogIsNewer { .. }, .. } => {
                ("5.4.1", Some("Fig. 2 RequestVote (2)"))
            }
            Event::VoteRefused {
                why:
                    Refusal::LeaderKnown(_) | Refusal::TermIsOver { .. } | Refusal::LowerPriority { .. },
                ..
            } => ("5.2", None),
            Event::PreVoteGranted { .. } | Event::PreVoteRefused { .. } => {
                ("9.6 of the thesis", None)
            }
            Event::TransferBegan { .. }
            | Event::TransferEnded { .. }
            | Event::MessageIgnored {
                why: Ignored::CannotLead | Ignored::OtherLog { .. }, ..
            } => ("3.10 of the thesis", None),
            Event::QuorumLost { .. } => ("6.2 of the thesis", None),
            Event::LeaseSuspended { .. } => ("6.4.1 of the thesis", None),
            Event::MessageIgnored { why: Ignored::LeaderIsAlive { .. }, .. } => {
                ("4.2.3 of the thesis", None)
            }
            Event::VoteCounted { .. } => ("5.2", Some("Fig. 2 Candidates (2)")),
            Event::EntriesAppended { .. } => ("5.3", Some("Fig. 2 AppendEntries (4)")),
            Event::LogTruncated { .. } => ("5.3", Some("Fig. 2 AppendEntries (3)")),
            Event::AppendRefused { .. } => ("5.3", Some("Fig. 2 AppendEntries (2)")),
            Event::CommitAdvanced { .. } => ("5.3", Some("Fig. 2 State: commitIndex")),
            Event::CommitWithheld { .. } => ("5.4.2", Some("Fig. 2 Leaders (4)")),
            Event::MatchAdvanced { .. } => ("5.3", Some("Fig. 2 Leaders (3)")),
            Event::NextWentBack { .. } => ("5.3", Some("Fig. 2 Leaders (3)")),
            Event::Probes { .. } | Event::Replicates { .. } => ("10.2.1 of the thesis", None),
            Event::AcknowledgementDenied { .. } => ("5.3", Some("Fig. 2 Leaders (3)")),
            Event::EntriesCompacted { .. }
            | Event::EntriesPending { .. }
            | Event::SnapshotSent { .. }
            | Event::SnapshotPending { .. }
            | Event::SnapshotGivenUp { .. }
            | Event::SnapshotWanted { .. } => ("7", None),
            Event::SnapshotRestored { .. } | Event::SnapshotRefused { .. } => {
                ("7", Some("Fig. 13"))
            }
            Event::MembersChanged { .. } | Event::JointLeft { .. } => ("6", Some("Fig. 11")),
            Event::ChangeReplaced { .. } | Event::CampaignPostponed { .. } => {
                ("4.1 of the thesis", None)
            }
            Event::ReadRoundBegan { .. }
            | Event::ReadRoundConfirmed { .. }
            | Event::ReadEnded { .. } => ("6.4 of the thesis", None),
            Event::Halted { .. } => ("5.1", Some("Fig. 2 State")),
            Event::AppliedAhead { .. } => ("5.3", Some("Fig. 2 Rules for All Servers (1)")),
            Event::Sent { .. } => ("5.1", None),
            Event::MessageIgnored { .. } => ("5.1", Some("Fig. 2 Rules for All Servers (2)")),
        };
        Paper { section, figure }
    }

    /// Returns the place in the book that explains the event: a file and an anchor.
    pub fn chapter(&self) -> &'static str {
        match self {
            Event::TransferBegan { .. }
            | Event::TransferEnded { .. }
            | Event::MessageIgnored {
                why: Ignored::CannotLead | Ignored::OtherLog { .. }, ..
            } => "leading.md#transfer",
            Event::QuorumLost { .. }
            | Event::MessageIgnored { why: Ignored::LeaderIsAlive { .. }, .. } => {
                "leading.md#check-quorum"
            }
            Event::LeaseSuspended { .. } => "leading.md#lease",
            Event::VoteRefused { why: Refusal::LowerPriority { .. }, .. }
            | Event::PreVoteRefused { why: Refusal::LowerPriority { .. }, .. } => {
                "leading.md#priority"
            }
            Event::PreVoteGranted { .. } | Event::PreVoteRefused { .. } => "leading.md#pre-vote",
            Event::TermEntered { .. } | Event::MessageIgnored { .. } => "election.md#terms",
            Event::VoteChanged { .. } | Event::VoteGranted { .. } => "election.md#one-vote",
            Event::VoteRefused { why: Refusal::VotedFor(_), .. } => "election.md#one-vote",
            Event::VoteRefused { why: Refusal::LogIsNewer { .. }, .. } => "election.md#restriction",
            Event::VoteRefused {
                why: Refusal::LeaderKnown(_) | Refusal::TermIsOver { .. },
                ..
            } => "election.md#one-vote",
            Event::LeaderChanged { .. } => "election.md#heartbeats",
            Event::TimerReset { .. } => "election.md#timer",
            Event::RoleChangeAsked { .. } | Event::RoleEntered { .. } => "election.md#roles",
            Event::VoteCounted { .. } => "election.md#counting",
            Event::EntriesAppended { .. } => "replication.md#append",
            Event::LogTruncated { .. } => "replication.md#conflict",
            Event::AppendRefused { .. } => "replication.md#consistency-check",
            Event::CommitAdvanced { .. } => "replication.md#commit",
            Event::CommitWithheld { .. } => "replication.md#figure-8",
            Event::MatchAdvanced { .. } => "replication.md#match",
            Event::NextWentBack { .. } => "replication.md#back-off",
            Event::Probes { .. } | Event::Replicates { .. } => "replication.md#progress",
            Event::AcknowledgementDenied { .. } => "replication.md#progress",
            Event::EntriesCompacted { .. }
            | Event::SnapshotSent { .. }
            | Event::SnapshotPending { .. }
            | Event::SnapshotGivenUp { .. }
            | Event::SnapshotWanted { .. } => "snapshot.md#send",
            Event::SnapshotRestored { .. } | Event::SnapshotRefused { .. } => "snapshot.md#install",
            Event::MembersChanged { .. } => "membership.md#apply",
            Event::JointLeft { .. } => "membership.md#joint",
            Event::ChangeReplaced { .. } => "membership.md#propose",
            Event::CampaignPostponed { .. } => "membership.md#campaign",
            Event::EntriesPending { .. } => "replication.md#progress",
            Event::ReadRoundBegan { .. }
            | Event::ReadRoundConfirmed { .. }
            | Event::ReadEnded { .. } => "ready.md#reads",
            Event::Halted { .. } => "ready.md#halt",
            Event::AppliedAhead { .. } => "ready.md#restart",
            Event::Sent { .. } => "election.md#promises",
        }
    }
}
