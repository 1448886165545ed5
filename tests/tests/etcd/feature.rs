//! What etcd's files ask for and this release has no rule for yet.

use std::fmt;

/// A feature that a later release brings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Feature {
    /// Pre-votes (thesis §9.6).
    PreVote,
    /// Check-quorum: a leader without answers of a majority steps down (thesis §6.2).
    CheckQuorum,
    /// Reads that rest on a lease (thesis §6.4.1).
    LeaseReads,
    /// Members that do not vote (thesis §4.2.1).
    Learners,
    /// Adding and removing members (§6).
    MembershipChanges,
    /// Images in place of compacted entries (§7).
    Snapshots,
    /// Handing leadership on (thesis §3.10).
    LeaderTransfer,
    /// A follower that is told to forget its leader.
    ForgetLeader,
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Feature::PreVote => "pre-vote",
            Feature::CheckQuorum => "check-quorum",
            Feature::LeaseReads => "lease reads",
            Feature::Learners => "learners",
            Feature::MembershipChanges => "membership changes",
            Feature::Snapshots => "snapshots",
            Feature::LeaderTransfer => "leader transfer",
            Feature::ForgetLeader => "forget-leader",
        })
    }
}
