//! What the labs of the log engine share: 1wa, 1wb and 1wc.
//!
//! ```text
//!   words    entries, groups, a new disk that records, a log on it
//!   model    what a log is, without disks       history  what is done to one
//!   lights   power cut at every operation       fates    what a power cut does
//!   picture  the disk, on a card                rules    what must hold after a crash
//! ```
//!
//! These tests drive a real [`storage::Log`] on a simulated disk. They judge what a caller is told, what
//! is on the disk, and the disk's operations: never how the engine works inside.

pub(crate) mod fates; // what a power cut does to each sector
pub(crate) mod history; // what is done to a log
pub(crate) mod lights; // power cut at every operation, judged
pub(crate) mod model; // what a log is, without disks
pub(crate) mod picture; // the disk when power failed
pub(crate) mod rules; // what must hold after a crash
pub(crate) mod words; // what the tests write to a log
