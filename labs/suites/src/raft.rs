//! The labs of the Raft core, and what they share.
//!
//! ```text
//!   kit  stage: a cluster in which the test plays some peers; rows, sweeps, cards
//!   aa   who leads, and when                     2aa
//!   ab   what a log holds, and what is safe      2ab
//!   ac   owner: a RawNode, a disk, an application    2ac
//! ```

pub mod aa; // lab 2aa: leader election
pub mod ab; // lab 2ab: log replication
pub mod ac; // lab 2ac: what must be durable when
mod kit; // what they share

use harness::{Rule, Rules};

/// Returns a rule of these labs' catalogues.
fn rule(id: &str) -> &'static Rule {
    static RULES: Rules = Rules::new(&[
        include_str!("../../catalog/2aa.toml"),
        include_str!("../../catalog/2ab.toml"),
        include_str!("../../catalog/2ac.toml"),
    ]);
    RULES.get(id)
}
