//! The match index of each voter, to be sorted: a list that allocates nothing for few voters.
//!
//! ```text
//!   up to 7 voters   [5 3 5 . . . .] 3     on the stack: a leader counts for every commit
//!   more             Vec
//! ```

use crate::types::Index;
use std::ops::{Deref, DerefMut};

/// One match index for each voter.
pub(super) enum Held {
    /// The first `count` of these.
    Few { indexes: [Index; 7], count: usize },
    /// All of these.
    Many(Vec<Index>),
}

impl FromIterator<Index> for Held {
    fn from_iter<I: IntoIterator<Item = Index>>(held: I) -> Self {
        let (mut indexes, mut count) = ([Index(0); 7], 0);
        let mut held = held.into_iter();
        while let Some(index) = held.next() {
            if count == indexes.len() {
                return Held::Many(indexes.into_iter().chain([index]).chain(held).collect());
            }
            indexes[count] = index;
            count += 1;
        }
        Held::Few { indexes, count }
    }
}

impl Deref for Held {
    type Target = [Index];

    fn deref(&self) -> &[Index] {
        match self {
            Held::Few { indexes, count } => &indexes[..*count],
            Held::Many(indexes) => indexes,
        }
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut [Index] {
        match self {
            Held::Few { indexes, count } => &mut indexes[..*count],
            Held::Many(indexes) => indexes,
        }
    }
}
