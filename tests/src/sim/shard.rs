//! Shards: splits the seeds among several machines.
//!
//! ```text
//!   seeds 0..10, 3 shares    1/3: 0 3 6 9    2/3: 1 4 7    3/3: 2 5 8
//! ```

use std::fmt;
use std::str::FromStr;

/// One part of the seeds: `K/N` is the K-th of N parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shard {
    /// The number of the part, from 1.
    share: u64,
    /// The number of parts.
    of: u64,
}

impl Shard {
    /// Returns the one part that has all seeds.
    pub fn whole() -> Self {
        Shard { share: 1, of: 1 }
    }

    /// Returns the seeds of `0..seeds` that belong to this part.
    pub fn seeds(self, seeds: u64) -> impl Iterator<Item = u64> {
        (self.share - 1..seeds).step_by(usize::try_from(self.of).unwrap_or(usize::MAX))
    }

    /// Returns the seeds that a test program is asked for: `RAFTWRIGHT_SEED=17` is that one alone.
    /// `RAFTWRIGHT_SEEDS=1000` are the first thousand instead of the `usual` number, and
    /// `RAFTWRIGHT_SHARE=2/3` are every third of them.
    ///
    /// # Panics
    /// If a variable is set and says neither: the message names it and its text.
    pub fn seeds_asked_for(usual: u64) -> impl Iterator<Item = u64> {
        let number = |name| {
            let text = std::env::var(name).ok()?;
            let number = text.parse::<u64>();
            Some(number.unwrap_or_else(|_| panic!("{name} is \"{text}\", not a number")))
        };
        let count = number("RAFTWRIGHT_SEEDS").unwrap_or(usual);
        let share = std::env::var("RAFTWRIGHT_SHARE").map_or(Shard::whole(), |text| {
            text.parse().unwrap_or_else(|why| panic!("RAFTWRIGHT_SHARE: {why}"))
        });
        let alone = number("RAFTWRIGHT_SEED");
        let several = if alone.is_some() { 0 } else { count };
        alone.into_iter().chain(share.seeds(several))
    }

    /// Returns whether a seed belongs to this part.
    pub fn has(self, seed: u64) -> bool {
        seed % self.of == self.share - 1
    }
}

/// A text that is not `K/N`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadShard {
    /// The text.
    text: String,
}

impl FromStr for Shard {
    type Err = BadShard;

    /// Reads `2/3`.
    fn from_str(text: &str) -> Result<Self, BadShard> {
        let bad = || BadShard { text: text.into() };
        let (share, of) = text.split_once('/').ok_or_else(bad)?;
        let (share, of) = (share.parse().map_err(|_| bad())?, of.parse().map_err(|_| bad())?);
        if share == 0 || share > of { Err(bad()) } else { Ok(Shard { share, of }) }
    }
}

impl fmt::Display for BadShard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is not a part of the seeds: write K/N with 1 <= K <= N, for example 2/3",
            self.text
        )
    }
}

impl std::error::Error for BadShard {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_disjoint_and_miss_nothing() {
        let mut all: Vec<u64> = Vec::new();
        for share in ["1/3", "2/3", "3/3"] {
            let shard: Shard = share.parse().unwrap();
            assert!(shard.seeds(100).all(|seed| shard.has(seed)));
            all.extend(shard.seeds(100));
        }
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        assert_eq!(Shard::whole().seeds(5).count(), 5);
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for text in ["", "3", "0/3", "4/3", "a/b", "1/0", "-1/2", "1/99999999999999999999"] {
            let why = text.parse::<Shard>().unwrap_err().to_string();
            assert!(why.contains(&format!("\"{text}\"")), "{why}");
        }
    }
}
