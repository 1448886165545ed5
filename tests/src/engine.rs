//! The log engine's test kit: its proof (`storage/tests/proof`) and the suites of labs 1wa, 1wb and 1wc use it.
//!
//! ```text
//!   entries    entries whose bytes are their ids       history    calls of a log, drawn from a seed or given
//!   model      what a log is, without disks            power_cut  what a power cut does to each sector
//!
//!   history --> log on a simulated disk --power_cut--> the next log --> the model: a state that was?
//! ```
//!
//! Nothing here knows Raft, nor how the engine works inside.

pub mod entries; // entries whose bytes are their ids, and options for a small log
pub mod history; // what is done to a log, and how far it got
pub mod model; // what a log is, without disks
pub mod power_cut; // what a power cut does to each sector
