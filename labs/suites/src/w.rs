//! What the labs of the log engine share: 1wa, 1wb and 1wc.
//!
//! ```text
//!   words    entries, groups, a fresh disk that remembers, a log on it
//! ```
//!
//! These tests drive a real [`storage::Log`] on a simulated disk, and judge what a caller is told,
//! what stands on the disk, and what the disk was asked for: never how the engine goes about it.

pub(crate) mod words; // what the tests say to a log
