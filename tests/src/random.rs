//! Random numbers: one stream for each purpose, all from one seed.
//!
//! ```text
//!   seed 17 --+-- "network"   drop? how late? twice?
//!             +-- "crash"     who, when, for how long?
//!             '-- "clock"     how fast does each node tick?
//! ```
//!
//! Streams with different labels are independent: a run with one more crash still drops the same
//! messages. The generator is ChaCha8, whose numbers stay the same with every release of its library.
//! Only integer arithmetic is applied to them.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// The random numbers of one seed and label.
#[derive(Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// Returns the stream with this label.
    ///
    /// # Panics
    /// If the label is longer than 24 bytes.
    pub fn new(seed: u64, label: &str) -> Self {
        assert!(label.len() <= 24, "the label \"{label}\" is longer than 24 bytes");
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..8 + label.len()].copy_from_slice(label.as_bytes());
        Stream(ChaCha8Rng::from_seed(bytes))
    }

    /// Returns a number in `0..limit`; 0 if `limit` is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        // The remainder favours small numbers by one part in 2^64 / limit, which no test can notice.
        self.0.next_u64() % limit.max(1)
    }

    /// Returns a number in `low..=high`.
    pub fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// Returns true with a probability of `permille` in 1000.
    pub fn chance(&mut self, permille: u64) -> bool {
        permille > 0 && self.below(1000) < permille
    }

    /// Returns one of the items, or `None` if there are none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len() as u64) as usize)
    }

    /// Shuffles the items.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for at in (1..things.len()).rev() {
            things.swap(at, self.below(at as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_the_same_for_ever() {
        let numbers = |label| {
            let mut stream = Stream::new(17, label);
            [(); 3].map(|()| stream.below(1000))
        };
        assert_eq!(numbers("network"), numbers("network"));
        assert_ne!(numbers("network"), numbers("crash"));
    }

    #[test]
    fn a_chance_of_a_hundred_in_a_thousand_comes_true_once_in_ten() {
        let mut stream = Stream::new(1, "test");
        let hits = (0..10_000).filter(|_| stream.chance(100)).count();
        assert!((900..1100).contains(&hits), "{hits} of 10000");
    }
}
