//! What the labs of the Raft core share.
//!
//! ```text
//!   words   the messages that a test sends     stage   a cluster in which the test plays some peers
//!   rows    a table; each row has a stage      sweep   random runs, seed by seed
//!   runs    a run that broke a rule            model   every state of a small cluster
//!   story   what happened, as a card draws it
//!   blame   which line or function to read     chain   from an election timeout to a leader
//! ```

pub(crate) mod blame; // which line or function to read
mod chain; // from an election timeout to a leader that all follow
mod model; // every state of a small cluster
mod rows; // a table: each row has a stage of its own
mod runs; // a run that broke a rule
mod stage; // a cluster in which the test plays some of the peers
mod story; // what happened, as a card draws it
mod sweep; // random runs with faults
mod words; // what the tests send to a node

pub(crate) use blame::{Blame, Names};
pub(crate) use chain::Chain;
pub(crate) use model::judge_walk;
pub(crate) use rows::Rows;
pub(crate) use runs::{Broken, rule_of, tell, uncovered, views};
pub(crate) use stage::logs::{
    Append, Expected, commands_of, elect, elected, is_about_commit, is_about_logs, is_about_peers,
    is_append, names_of, terms_of,
};
pub(crate) use stage::{NEVER, Stage, name_or_none, remembers};
pub(crate) use sweep::{Finding, Goal, is_safety, sweep};
pub(crate) use words::*;
