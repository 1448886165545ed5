//! Property tests: statements that hold for every input, tried on random inputs.
//!
//! ```text
//!   wild    draws worlds, with `testbed::strategy`
//!     '--> runs      no panic, every rule holds; false messages break only what they can break
//!     '--> records   traces are read again, replays write the same bytes, shrinking keeps the rule
//!     '--> words     a script of any bytes is parsed, or refused with the line
//!   values  what the strategies say of themselves
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
mod values; // the strategies themselves
mod wild; // the random worlds
mod words; // scripts
