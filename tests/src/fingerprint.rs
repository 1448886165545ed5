//! Fingerprints: 128-bit hashes of values, the same on every machine and with every compiler release.
//!
//! ```text
//!   value --Hash--> words --+--> lane a, one multiplier  --.
//!                           '--> lane b, another          --+--> 128 bits
//! ```
//!
//! The explorer remembers visited states by their fingerprints, and a run has one fingerprint of all
//! its steps. Among m different values a collision has a probability of about m² / 2¹²⁹: for ten
//! million states, one in 10²⁴. A collision makes the explorer skip a state; it never causes a false
//! alarm. Nobody chooses values in order to cause collisions, so the hash needs no secret key.

use std::hash::{Hash, Hasher};

/// A hasher with two independent lanes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fingerprint {
    a: u64,
    b: u64,
}

impl Fingerprint {
    /// Returns an empty fingerprint. Fingerprints with different purposes differ.
    pub fn new(purpose: u64) -> Self {
        Fingerprint { a: 0x243f_6a88_85a3_08d3 ^ purpose, b: 0x1319_8a2e_0370_7344 ^ purpose }
    }

    /// Returns the fingerprint of one value.
    pub fn of(value: &impl Hash) -> u128 {
        let mut hasher = Fingerprint::new(0);
        value.hash(&mut hasher);
        hasher.wide()
    }

    /// Adds one word.
    pub fn word(&mut self, word: u64) {
        self.a = (self.a ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        self.b = self.b.wrapping_add(word).wrapping_mul(0xd6e8_feb8_6659_fd93);
        self.b ^= self.b >> 32;
    }

    /// Adds several words, in order.
    pub fn words<const N: usize>(&mut self, words: [u64; N]) {
        for word in words {
            self.word(word);
        }
    }

    /// Returns the 128-bit hash.
    pub fn wide(&self) -> u128 {
        u128::from(stir(self.a)) << 64 | u128::from(stir(self.b ^ self.a.rotate_left(32)))
    }
}

/// Mixes a word, so that every bit of the result depends on every bit of the word.
fn stir(word: u64) -> u64 {
    let word = (word ^ (word >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let word = (word ^ (word >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ (word >> 33)
}

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        stir(self.a) ^ stir(self.b)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.word(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.word(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        self.word(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.word(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.word(value as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_small_values_have_a_million_fingerprints() {
        let mut seen: Vec<u128> =
            (0..1_000_000_u64).map(|n| Fingerprint::of(&(n, n % 7))).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 1_000_000);
    }

    #[test]
    fn each_lane_alone_tells_order_and_length_apart() {
        let lanes = |words: &[u64]| {
            let mut hasher = Fingerprint::new(0);
            words.iter().for_each(|&word| hasher.word(word));
            let wide = hasher.wide();
            [(wide >> 64) as u64, wide as u64]
        };
        for lane in 0..2 {
            assert_ne!(lanes(&[1, 2])[lane], lanes(&[2, 1])[lane]);
            assert_ne!(lanes(&[0])[lane], lanes(&[0, 0])[lane]);
        }
    }
}
