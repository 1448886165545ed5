//! The labs of the log engine, and their test kit.
//!
//! ```text
//!   kit   a model of a log, histories, power cuts, a picture of the disk
//!   wa    1wa        wb    1wb        wc    1wc
//! ```

pub mod wa; // lab 1wa: a log, written and read
pub mod wb; // lab 1wb: what counts after a power cut
pub mod wc; // lab 1wc: garbage collection

mod kit; // what the labs of the log engine share
