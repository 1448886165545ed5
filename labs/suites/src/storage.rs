//! The labs of the log engine, and their test kit.
//!
//! ```text
//!   kit   power cuts at every operation, judged; a picture of the disk (the model and the histories are
//!         testbed::engine, which the engine's own proof uses, too)
//!   wa    1wa        wb    1wb        wc    1wc
//! ```

pub mod wa; // lab 1wa: a log, written and read
pub mod wb; // lab 1wb: what counts after a power cut
pub mod wc; // lab 1wc: garbage collection

mod kit; // what the labs of the log engine share

use harness::{Rule, Rules};

/// Returns a rule of these labs' catalogues.
fn rule(id: &str) -> &'static Rule {
    static RULES: Rules = Rules::new(&[
        include_str!("../../catalog/1wa.toml"),
        include_str!("../../catalog/1wb.toml"),
        include_str!("../../catalog/1wc.toml"),
    ]);
    RULES.get(id)
}
