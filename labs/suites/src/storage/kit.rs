//! What the labs of the log engine share: 1wa, 1wb and 1wc.
//!
//! ```text
//!   words        groups, batches, a new disk that records, a log on it
//!   crash_test   power cut at every operation, judged
//!   picture      the disk, on a card
//!   rules        what must hold after a crash
//! ```
//!
//! What a log is without disks, histories and power cuts are [`testbed::engine`]: the engine's own proof uses
//! the same.
//!
//! These tests drive a real [`storage::Log`] on a simulated disk. They judge what a caller is told, what
//! is on the disk, and the disk's operations: never how the engine works inside.

pub(crate) mod crash_test; // power cut at every operation, judged
pub(crate) mod picture; // the disk when power failed
pub(crate) mod words; // what the tests write to a log
