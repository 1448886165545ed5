//! The kinds of wrong decisions: the rule that each breaks sooner or later, and where the paper states
//! the correct action.
//!
//! ```text
//!   votes_twice      breaks one_vote_per_term     §5.2, Fig. 2 RequestVote (2)
//!   counts_old_term  breaks leader_completeness   §5.4.2, Fig. 2 Leaders (4)
//! ```

use crate::invariant::Rule;

/// A kind of mistake.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mistake {
    /// A message of a later term arrived, and the node did not enter that term.
    MissesTerm,
    /// The node entered a later term, and kept the vote of the old one.
    KeepsOldVote,
    /// The node entered a later term, and still follows the leader of the old one.
    KeepsOldLeader,
    /// The node entered a later term, and is still a leader or a candidate.
    KeepsRole,
    /// The node gave its vote of this term twice.
    VotesTwice,
    /// The node took back its vote of this term.
    ForgetsVote,
    /// The node voted for a candidate whose log is behind its own.
    VotesForShorterLog,
    /// A candidate did not vote for itself.
    CampaignsWithoutOwnVote,
    /// A candidate counted a vote that was not given in this term.
    CountsWhatWasNotGiven,
    /// A node became leader with the votes of half of the voters or fewer.
    LeadsWithoutQuorum,
    /// A node that does not lead sent a leader's message.
    SpeaksAsLeader,
    /// A candidate got a message of its term's leader, and remains a candidate.
    IgnoresLeader,
    /// A follower restarted its election timer after a refused vote or a message of an old term.
    WaitsForNothing,
    /// A candidate's request names another last entry than its log has.
    AsksWithAnotherLog,
    /// A leader appended a new entry with another term than its own.
    StampsAnotherTerm,
    /// A leader sent an entry, or a previous entry, that its log does not hold there.
    SendsWhatItHasNot,
    /// A leader sent a commit index higher than its own or, in a heartbeat, than the peer's match.
    TellsTooMuch,
    /// A follower appended entries after an entry that its log does not hold.
    TakesWithoutMatch,
    /// A follower removed entries that do not conflict with the append.
    RemovesWhatAgrees,
    /// A follower replaced an entry, and kept entries that followed the old one.
    KeepsWhatFollowed,
    /// A follower committed more than its leader said, or entries that the leader does not hold.
    CommitsUnchecked,
    /// A leader advanced a match further than the peer acknowledged.
    CountsWhatWasNotSaid,
    /// A leader committed an entry of an earlier term by counting copies.
    CountsOldTerm,
    /// A leader committed an entry that only half of the voters or fewer are known to hold.
    CountsTooFew,
}

impl Mistake {
    /// Returns the rule that such a mistake breaks sooner or later.
    pub fn rule(self) -> Rule {
        match self {
            Mistake::MissesTerm | Mistake::KeepsRole => Rule::ElectionSafety,
            Mistake::VotesTwice | Mistake::ForgetsVote => Rule::VoteOncePerTerm,
            Mistake::CampaignsWithoutOwnVote => Rule::VoteOncePerTerm,
            Mistake::VotesForShorterLog => Rule::LeaderCompleteness,
            Mistake::CountsWhatWasNotGiven | Mistake::LeadsWithoutQuorum => Rule::LeaderHasQuorum,
            Mistake::SpeaksAsLeader => Rule::ElectionSafety,
            Mistake::KeepsOldVote | Mistake::KeepsOldLeader => Rule::Liveness,
            Mistake::IgnoresLeader | Mistake::WaitsForNothing => Rule::Liveness,
            Mistake::AsksWithAnotherLog | Mistake::CountsOldTerm => Rule::LeaderCompleteness,
            Mistake::StampsAnotherTerm | Mistake::SendsWhatItHasNot => Rule::LogMatching,
            Mistake::TakesWithoutMatch | Mistake::KeepsWhatFollowed => Rule::LogMatching,
            Mistake::TellsTooMuch | Mistake::CommitsUnchecked => Rule::StateMachineSafety,
            Mistake::RemovesWhatAgrees => Rule::CommitOnQuorum,
            Mistake::CountsWhatWasNotSaid | Mistake::CountsTooFew => Rule::CommitOnQuorum,
        }
    }

    /// Returns where the paper states the correct action.
    pub fn section(self) -> &'static str {
        match self {
            Mistake::MissesTerm | Mistake::KeepsRole => "§5.1, Fig. 2 Rules for All Servers (2)",
            Mistake::KeepsOldVote => "§5.1, Fig. 2 State: votedFor",
            Mistake::KeepsOldLeader => "§5.1",
            Mistake::VotesTwice | Mistake::ForgetsVote => "§5.2, Fig. 2 RequestVote (2)",
            Mistake::VotesForShorterLog => "§5.4.1, Fig. 2 RequestVote (2)",
            Mistake::CampaignsWithoutOwnVote => "§5.2, Fig. 2 Candidates (1)",
            Mistake::CountsWhatWasNotGiven | Mistake::LeadsWithoutQuorum => {
                "§5.2, Fig. 2 Candidates (2)"
            }
            Mistake::SpeaksAsLeader => "§5.2, Fig. 2 Leaders (1)",
            Mistake::IgnoresLeader => "§5.2, Fig. 2 Candidates (3)",
            Mistake::WaitsForNothing => "§5.2, Fig. 2 Followers (2)",
            Mistake::AsksWithAnotherLog => "§5.4.1, Fig. 2 RequestVote: lastLogIndex, lastLogTerm",
            Mistake::StampsAnotherTerm => "§5.3, Fig. 2 Leaders (2)",
            Mistake::SendsWhatItHasNot => "§5.3, Fig. 2 AppendEntries: prevLogIndex, prevLogTerm",
            Mistake::TellsTooMuch => "§5.3, Fig. 2 AppendEntries: leaderCommit",
            Mistake::TakesWithoutMatch => "§5.3, Fig. 2 AppendEntries (2)",
            Mistake::RemovesWhatAgrees => "§5.3, Fig. 2 AppendEntries (3)",
            Mistake::KeepsWhatFollowed => "§5.3, Fig. 2 AppendEntries (3)",
            Mistake::CommitsUnchecked => "§5.3, Fig. 2 AppendEntries (5)",
            Mistake::CountsWhatWasNotSaid => "§5.3, Fig. 2 Leaders (3)",
            Mistake::CountsOldTerm => "§5.4.2, Fig. 2 Leaders (4)",
            Mistake::CountsTooFew => "§5.3, Fig. 2 Leaders (4)",
        }
    }
}
