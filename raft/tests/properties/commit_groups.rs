//! What a group commits whose nodes are in commit groups, against the definition: the highest index that may be
//! committed, found by trying each.
//!
//! ```text
//!   voters (1 2 3) && (3 4), groups n1:1 n2:1 n3:2, match 7 5 6 2
//!   is 7 committed?  no   is 6?  no  ..  is 2?  yes: a majority of each half, in two of its groups
//! ```

use crate::holds::holds;
use proptest::prelude::*;
use raft::quorum::{Joint, Majority};
use raft::{CommitGroup, CommitGroups, Index, NodeId};
use std::collections::{BTreeMap, BTreeSet};

/// The nodes are n1 to n7.
const NODES: u64 = 7;

/// Returns whether `index` may be committed as far as one half goes.
fn may_commit(
    half: &BTreeSet<NodeId>,
    groups: &BTreeMap<NodeId, u64>,
    matched: &BTreeMap<NodeId, u64>,
    index: u64,
) -> bool {
    let holders: Vec<_> =
        half.iter().filter(|id| matched.get(id).copied().unwrap_or(0) >= index).collect();
    let in_groups = |ids: &[&NodeId]| -> BTreeSet<u64> {
        ids.iter().filter_map(|id| groups.get(id).copied()).collect()
    };
    let all: Vec<_> = half.iter().collect();
    let is_placed = half.iter().all(|id| groups.contains_key(id));
    let is_where_it_must_be = match in_groups(&all).len() {
        0 | 1 if is_placed => true,
        0 | 1 => holders.len() == half.len(),
        _ => in_groups(&holders).len() >= 2,
    };
    half.is_empty() || 2 * holders.len() > half.len() && is_where_it_must_be
}

fn subset() -> impl Strategy<Value = BTreeSet<NodeId>> {
    prop::collection::btree_set((1..=NODES).prop_map(NodeId), 0..=NODES as usize)
}

#[test]
fn what_is_committed_is_the_highest_index_that_may_be() {
    let nodes = || (1..=NODES).prop_map(NodeId);
    let groups = prop::collection::btree_map(nodes(), 1..4_u64, 0..=NODES as usize);
    let matched = prop::collection::btree_map(nodes(), 0..9_u64, 0..=NODES as usize);
    let cases = (subset(), prop::option::of(subset()), groups, matched);
    holds(4000, cases, |(incoming, outgoing, groups, matched)| {
        let majority = |half: &BTreeSet<NodeId>| Majority::new(half.iter().copied());
        let placed = groups.iter().map(|(&id, &group)| (id, CommitGroup(group)));
        let joint = Joint::new(majority(&incoming), outgoing.as_ref().map(majority));
        let plain = joint.committed_index(|id| matched.get(&id).copied().map(Index));
        let divided = joint.with_commit_groups(Some(CommitGroups::new(placed)));
        let found = divided.committed_index(|id| matched.get(&id).copied().map(Index));
        let halves: Vec<_> = [Some(&incoming), outgoing.as_ref()].into_iter().flatten().collect();
        let may = |index| halves.iter().all(|half| may_commit(half, &groups, &matched, index));
        let highest = (0..9).rev().find(|&index| may(index)).unwrap_or(0);
        let has_voters = halves.iter().any(|half| !half.is_empty());
        let wanted = if has_voters { Index(highest) } else { Index(u64::MAX) };
        prop_assert_eq!(found, wanted);
        prop_assert!(found <= plain, "groups only lower what is committed");
        Ok(())
    });
}
