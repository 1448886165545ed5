//! The kinds of wrong decisions: which rule breaks through each sooner or later, and where the paper
//! says what should have been done.
//!
//! ```text
//!   votes_twice      breaks one_vote_per_term     §5.2, Fig. 2 RequestVote (2)
//!   counts_old_term  breaks leader_completeness   §5.4.2, Fig. 2 Leaders (4)
//! ```

use crate::invariant::Rule;

/// A kind of mistake.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mistake {
    /// A later term was heard of, and not entered.
    MissesTerm,
    /// A later term was entered, and the vote of the old one kept.
    KeepsOldVote,
    /// A later term was entered, and the leader of the old one still followed.
    KeepsOldLeader,
    /// A later term was heard of, and the node goes on leading, or standing.
    KeepsRole,
    /// The vote of this term was given to another already.
    VotesTwice,
    /// The vote of this term was taken back, and with it the promise.
    ForgetsVote,
    /// The candidate's log is behind the voter's.
    VotesForShorterLog,
    /// A candidate that does not vote for itself.
    StandsWithoutOwnVote,
    /// A vote was counted that nobody gave in this term.
    CountsWhatWasNotGiven,
    /// A leader with the votes of half or less.
    LeadsWithoutQuorum,
    /// A leader's words from a node that does not lead.
    SpeaksAsLeader,
    /// A candidate that hears the leader of its term, and stands on.
    IgnoresLeader,
    /// A refused vote, or a word from an old term, made a follower wait anew.
    WaitsForNothing,
    /// A candidate says that its log ends elsewhere than it does.
    AsksWithAnotherLog,
    /// A leader gives an entry of its own another term than its own.
    StampsAnotherTerm,
    /// A leader sends an entry, or the one before it, that its log does not hold there.
    SendsWhatItHasNot,
    /// A leader tells of a commit index beyond its own, or by heartbeat beyond what the peer holds.
    TellsTooMuch,
    /// Entries were taken behind one that the log does not hold.
    TakesWithoutMatch,
    /// Entries were removed that nothing in the append conflicts with.
    RemovesWhatAgrees,
    /// An entry was replaced, and what followed the old one kept.
    KeepsWhatFollowed,
    /// A commit index beyond the leader's, or of entries that the leader does not hold.
    CommitsUnchecked,
    /// A leader takes a peer to hold what the peer did not say.
    CountsWhatWasNotSaid,
    /// A leader commits an entry of an earlier term because enough nodes hold it.
    CountsOldTerm,
    /// A leader commits what half of the voters or less are known to hold.
    CountsTooFew,
}

impl Mistake {
    /// Returns the rule that breaks, sooner or later, through such mistakes.
    pub fn rule(self) -> Rule {
        match self {
            Mistake::MissesTerm | Mistake::KeepsRole => Rule::ElectionSafety,
            Mistake::VotesTwice | Mistake::ForgetsVote => Rule::VoteOncePerTerm,
            Mistake::StandsWithoutOwnVote => Rule::VoteOncePerTerm,
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

    /// Returns where the paper states what should have been done.
    pub fn section(self) -> &'static str {
        match self {
            Mistake::MissesTerm | Mistake::KeepsRole => "§5.1, Fig. 2 Rules for All Servers (2)",
            Mistake::KeepsOldVote => "§5.1, Fig. 2 State: votedFor",
            Mistake::KeepsOldLeader => "§5.1",
            Mistake::VotesTwice | Mistake::ForgetsVote => "§5.2, Fig. 2 RequestVote (2)",
            Mistake::VotesForShorterLog => "§5.4.1, Fig. 2 RequestVote (2)",
            Mistake::StandsWithoutOwnVote => "§5.2, Fig. 2 Candidates (1)",
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
