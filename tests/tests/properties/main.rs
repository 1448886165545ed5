//! Property tests: statements that hold for every input, tried on random inputs.
//!
//! ```text
//!   wild    draws messages, moves and scripts
//!     '--> runs      no panic, every rule holds; false messages break only what they can break
//!     '--> records   traces are read again, replays write the same bytes, shrinking keeps the rule
//!     '--> words     a script of any bytes is parsed, or refused with the line
//! ```
//!
//! The cases are drawn from a fixed seed, so a pull request does not fail by chance. To try more cases, or
//! to repeat a failure:
//!
//! ```text
//!   PROPTEST_CASES=100000 cargo test -p testbed --test properties
//!   PROPTEST_RNG_SEED=7   cargo test -p testbed --test properties
//! ```
//!
//! A failing case is shrunk, and its inputs are printed.

mod records; // traces, replays, shrinking
mod runs; // what happens in a cluster
mod wild; // the random inputs
mod words; // scripts

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseResult, TestRunner};

/// The seed, unless `PROPTEST_RNG_SEED` is set.
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
