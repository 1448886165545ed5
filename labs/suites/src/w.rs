//! What the labs of the log engine share: 1wa, 1wb and 1wc.
//!
//! ```text
//!   words    entries, groups, a fresh disk that remembers, a log on it
//!   model    what a log is, without disks       history  what is done to one
//!   lights   power cut at every operation       fates    what a power cut does
//!   picture  the disk, on a card                rules    what every crash is judged by
//! ```
//!
//! These tests drive a real [`storage::Log`] on a simulated disk, and judge what a caller is told,
//! what stands on the disk, and what the disk was asked for: never how the engine goes about it.

pub(crate) mod fates; // what a power cut does to each sector
pub(crate) mod history; // what is done to a log
pub(crate) mod lights; // power cut at every operation, judged
pub(crate) mod model; // what a log is, without disks
pub(crate) mod picture; // the disk when power failed
pub(crate) mod rules; // what every crash is judged by
pub(crate) mod words; // what the tests say to a log
