//! A group's entries by index, while a log is replayed.
//!
//! ```text
//!   in order   8  9  10  11  12  13  ...      nearly all: each came after the one before it
//!   aside      5  6  7                        copied by garbage collection, so they came late
//! ```
//!
//! This is a map, with the functions of a map. It is faster than a tree for entries that come in
//! the order of their indexes: a log with millions of entries opens in a second. Copied entries may
//! come in any number and any order, and are as fast as in a tree.
//!
//! Invariant: no index is both in order and aside.

use crate::groups::Loc;
use crate::types::{Index, Term};
use std::collections::{BTreeMap, VecDeque};

/// The entry at an index: its term, and where its bytes are.
type TermAndLoc = (Term, Loc);

/// A group's entries by index.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// In ascending order.
    in_order: VecDeque<(Index, TermAndLoc)>,
    aside: BTreeMap<Index, TermAndLoc>,
}

impl Places {
    /// Returns how many entries there are.
    pub(super) fn len(&self) -> usize {
        self.in_order.len() + self.aside.len()
    }

    /// Puts an entry at an index. It replaces the entry that was there.
    pub(super) fn insert(&mut self, index: Index, entry: TermAndLoc) {
        if self.in_order.back().is_none_or(|(last, _)| *last < index) {
            self.aside.remove(&index);
            self.in_order.push_back((index, entry));
            return;
        }
        match self.in_order.binary_search_by_key(&index, |(index, _)| *index) {
            Ok(at) => self.in_order[at].1 = entry,
            Err(_) => drop(self.aside.insert(index, entry)),
        }
    }

    /// Returns the last index, and its entry.
    pub(super) fn last_key_value(&self) -> Option<(&Index, &TermAndLoc)> {
        let in_order = self.in_order.back().map(|(index, entry)| (index, entry));
        let aside = self.aside.last_key_value();
        in_order.into_iter().chain(aside).max_by_key(|(index, _)| **index)
    }

    /// Keeps the entries before an index, and returns the rest.
    pub(super) fn split_off(&mut self, index: &Index) -> Places {
        let before = self.in_order.partition_point(|(place, _)| place < index);
        let aside = self.aside.split_off(index);
        // The shorter part is moved: a long log may be compacted many times, a little each time.
        let in_order = if before < self.in_order.len() / 2 {
            let kept = self.in_order.drain(..before).collect();
            std::mem::replace(&mut self.in_order, kept)
        } else {
            self.in_order.split_off(before)
        };
        Places { in_order, aside }
    }

    /// Removes all entries.
    pub(super) fn clear(&mut self) {
        *self = Places::default();
    }
}

impl IntoIterator for Places {
    type Item = (Index, TermAndLoc);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    /// Returns every index with its entry, in order.
    fn into_iter(self) -> Self::IntoIter {
        let mut all = Vec::from(self.in_order);
        if !self.aside.is_empty() {
            all.extend(self.aside);
            all.sort_by_key(|(index, _)| *index); // one pass: the sort merges two sorted runs
        }
        all.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::Places;
    use crate::groups::Loc;
    use crate::types::{Index, SegmentId, Term};
    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt, SeedableRng};
    use std::collections::BTreeMap;

    #[test]
    fn after_any_operations_it_equals_a_btree_map() {
        for seed in 0..200 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let (mut places, mut map) = (Places::default(), BTreeMap::new());
            for crc in 0..100 {
                let index = Index(rng.random_range(1..30));
                let loc = Loc { segment: SegmentId::FIRST, offset: 0, len: 0, crc };
                match rng.random_range(0..20) {
                    0 => {
                        places.split_off(&index);
                        map.split_off(&index);
                    }
                    1 => {
                        places = places.split_off(&index);
                        map = map.split_off(&index);
                    }
                    2 if crc % 5 == 0 => {
                        places.clear();
                        map.clear();
                    }
                    3..10 => {
                        let next =
                            map.last_key_value().map_or(index, |(last, _)| Index::next(*last));
                        places.insert(next, (Term(1), loc));
                        map.insert(next, (Term(1), loc));
                    }
                    _ => {
                        places.insert(index, (Term(2), loc));
                        map.insert(index, (Term(2), loc));
                    }
                }
                assert_eq!(places.last_key_value(), map.last_key_value(), "seed {seed}");
                assert_eq!(places.len(), map.len(), "seed {seed}");
                let (found, expected) = (places.clone().into_iter(), map.clone().into_iter());
                assert!(found.eq(expected), "seed {seed}: {places:?}, and should be {map:?}");
            }
        }
    }
}
