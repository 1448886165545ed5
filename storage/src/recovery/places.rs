//! A group's entries by place, while a log is replayed.
//!
//! ```text
//!   in order   8  9  10  11  12  13  ...      nearly all: each came behind the one before it
//!   aside      5  6  7                        moved by garbage collection, and so came late
//! ```
//!
//! It is a map, with a map's functions, and faster than a tree where entries come as they were
//! appended: a log of millions of them is opened in a second. Moved ones may come in any number and
//! any order, and cost what a tree costs.
//!
//! Invariant: no place is both in order and aside.

use crate::groups::Loc;
use crate::types::{Index, Term};
use std::collections::{BTreeMap, VecDeque};

/// What stands at a place.
type TermAndLoc = (Term, Loc);

/// A group's entries by place.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// Ascending.
    in_order: VecDeque<(Index, TermAndLoc)>,
    aside: BTreeMap<Index, TermAndLoc>,
}

impl Places {
    /// Returns how many entries there are.
    pub(super) fn len(&self) -> usize {
        self.in_order.len() + self.aside.len()
    }

    /// Lets an entry stand at a place, whatever stood there.
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

    /// Returns the last place, and what stands there.
    pub(super) fn last_key_value(&self) -> Option<(&Index, &TermAndLoc)> {
        let in_order = self.in_order.back().map(|(index, entry)| (index, entry));
        let aside = self.aside.last_key_value();
        in_order.into_iter().chain(aside).max_by_key(|(index, _)| **index)
    }

    /// Keeps what is before a place, and returns the rest.
    pub(super) fn split_off(&mut self, index: &Index) -> Places {
        let before = self.in_order.partition_point(|(place, _)| place < index);
        let aside = self.aside.split_off(index);
        // The shorter part is moved: a long log may let go of a little many times.
        let in_order = if before < self.in_order.len() / 2 {
            let kept = self.in_order.drain(..before).collect();
            std::mem::replace(&mut self.in_order, kept)
        } else {
            self.in_order.split_off(before)
        };
        Places { in_order, aside }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Places::default();
    }
}

impl IntoIterator for Places {
    type Item = (Index, TermAndLoc);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    /// Returns every place and what stands there, in order.
    fn into_iter(self) -> Self::IntoIter {
        let mut all = Vec::from(self.in_order);
        if !self.aside.is_empty() {
            all.extend(self.aside);
            all.sort_by_key(|(index, _)| *index); // of two runs, it is one pass
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
    fn whatever_is_done_to_it_it_is_a_map() {
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
