//! How far each voter holds the log, to be put in order: a list that asks for no memory.
//!
//! ```text
//!   up to 7 voters   [5 3 5 . . . .] 3     on the stack: a leader counts at every answer
//!   more             Vec
//! ```

use crate::types::Index;
use std::ops::{Deref, DerefMut};

/// One place for each voter.
pub(super) enum Held {
    /// The first `count` of these.
    Few { places: [Index; 7], count: usize },
    /// All of these.
    Many(Vec<Index>),
}

impl FromIterator<Index> for Held {
    fn from_iter<I: IntoIterator<Item = Index>>(held: I) -> Self {
        let (mut places, mut count) = ([Index(0); 7], 0);
        let mut held = held.into_iter();
        while let Some(place) = held.next() {
            if count == places.len() {
                return Held::Many(places.into_iter().chain([place]).chain(held).collect());
            }
            places[count] = place;
            count += 1;
        }
        Held::Few { places, count }
    }
}

impl Deref for Held {
    type Target = [Index];

    fn deref(&self) -> &[Index] {
        match self {
            Held::Few { places, count } => &places[..*count],
            Held::Many(places) => places,
        }
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut [Index] {
        match self {
            Held::Few { places, count } => &mut places[..*count],
            Held::Many(places) => places,
        }
    }
}
