//! What etcd's files ask for and this release has no rule for yet.

use std::fmt;

/// A feature that a later release brings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Feature {
    /// Members that do not vote (thesis §4.2.1).
    Learners,
    /// Adding and removing members (§6).
    MembershipChanges,
    /// Images in place of compacted entries (§7).
    Snapshots,
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Feature::Learners => "learners",
            Feature::MembershipChanges => "membership changes",
            Feature::Snapshots => "snapshots",
        })
    }
}
