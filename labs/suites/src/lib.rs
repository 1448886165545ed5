//! The lab tests. How a test runs, is judged and explained is crate `harness`.
//!
//! ```text
//!   tests/lab_2aa.rs  -->  raft::aa::TESTS      -->  harness::main
//!   tests/lab_1wa.rs  -->  storage::wa::TESTS   -->  harness::main
//! ```
//!
//! Each layer is behind a feature of its name, so that a student of one layer compiles no other.

#[cfg(feature = "raft")]
pub mod raft; // labs 2aa, 2ab, 2ac
#[cfg(feature = "storage")]
pub mod storage; // labs 1wa, 1wb, 1wc

/// How a step of a test ends: with what the next one needs, or with a broken rule.
#[cfg(any(feature = "raft", feature = "storage"))]
type Checked<T> = Result<T, Box<harness::Failure>>;
