//! How a property is tried: a failure prints its case, shrunk, and the seed that replays it
//! (`PROPTEST_RNG_SEED=.. PROPTEST_CASES=..`).

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseResult, TestRunner};

/// Tries a property on as many cases as it usually gets, or as `PROPTEST_CASES` asks for.
///
/// # Panics
/// If it fails: with the shrunk case, and how to see it again.
pub(crate) fn holds<S: Strategy>(
    usual: u32,
    cases: S,
    property: impl Fn(S::Value) -> TestCaseResult,
) {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = usual;
    }
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => 0x5EED,
    };
    config.rng_seed = RngSeed::Fixed(seed);
    let cases_max = config.cases;
    if let Err(why) = TestRunner::new(config).run(&cases, property) {
        panic!("{why}\nagain: PROPTEST_RNG_SEED={seed} PROPTEST_CASES={cases_max}");
    }
}
