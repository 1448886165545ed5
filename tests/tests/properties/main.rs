//! Properties: what holds for every input, tried on inputs that nobody would think of.
//!
//! ```text
//!   wild    messages, moves, scripts that nobody wrote
//!     '--> runs      no panic, every rule holds; a liar breaks only what lies can break
//!     '--> records   traces read back, replays write the same bytes, shrinking keeps the rule
//!     '--> words     a script of any bytes is read or refused by line
//! ```
//!
//! The cases are drawn from a seed that stands still, so a pull request does not fail by bad luck.
//! To look further, and to look again at what failed:
//!
//! ```text
//!   PROPTEST_CASES=100000 cargo test -p testbed --test properties
//!   PROPTEST_RNG_SEED=7   cargo test -p testbed --test properties
//! ```
//!
//! What fails is shrunk, and printed as the inputs that do it again.

mod records; // what is written down
mod runs; // what happens
mod wild; // what nobody would think of
mod words; // what somebody may write

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseResult, TestRunner};

/// The seed, unless `PROPTEST_RNG_SEED` asks for another one.
const SEED: u64 = 1;

/// Tries a property on as many cases as it usually gets, or as `PROPTEST_CASES` asks for.
///
/// # Panics
/// If it fails: with the shrunk case, and how to see it again.
fn holds<S: Strategy>(usual: u32, cases: S, property: impl Fn(S::Value) -> TestCaseResult) {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = usual;
    }
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => SEED,
    };
    config.rng_seed = RngSeed::Fixed(seed);
    let cases_max = config.cases;
    if let Err(why) = TestRunner::new(config).run(&cases, property) {
        panic!("{why}\nagain: PROPTEST_RNG_SEED={seed} PROPTEST_CASES={cases_max}");
    }
}
