//! Commit groups: an entry is committed only once it is in two places (raft-rs's group commit).
//!
//! ```text
//!        group   match
//!   n1   1       7        a majority holds 7, all of it in group 1
//!   n2   1       7
//!   n3   2       5        group 2 holds 5: so 5 is committed, 6 and 7 are not
//! ```
//!
//! A group is a data centre, say. A majority may be in one of them, and be lost with it. With commit groups what is
//! committed is in two.
//!
//! | the voters | the highest index that may be committed |
//! |---|---|
//! | are in two groups or more | the highest one that two groups hold |
//! | are all in one group | no other limit: there is no second place |
//! | have no second group, and some have none at all | what every voter holds: nobody knows where it is |
//!
//! Invariant: the limit only lowers what a majority holds. So commitment stays safe, whatever the groups are.

use super::Majority;
use crate::state::CommitGroups;
use crate::types::{Index, NodeId};

/// Returns the highest index that these voters may commit as far as the groups go: see the table above.
pub(super) fn limit(
    groups: &CommitGroups,
    voters: &Majority,
    matched: impl Fn(NodeId) -> Option<Index>,
) -> Index {
    let held = |id| matched(id).unwrap_or(Index(0));
    let placed = || voters.voters().filter_map(|id| Some((held(id), groups.of(id)?)));
    let first = placed().max_by_key(|&(index, _)| index);
    let others = placed().filter(|&(_, group)| first.is_some_and(|(_, best)| group != best));
    if let Some(second) = others.map(|(index, _)| index).max() {
        return second;
    }
    let are_placed = voters.voters().all(|id| groups.of(id).is_some());
    let lowest = voters.voters().map(held).min().filter(|_| !are_placed);
    lowest.unwrap_or(Index(u64::MAX))
}

/// Returns whether these voters are in two groups at least.
pub(super) fn divide(groups: &CommitGroups, voters: &Majority) -> bool {
    let mut groups = voters.voters().filter_map(|id| groups.of(id));
    groups.next().is_some_and(|first| groups.any(|group| group != first))
}
