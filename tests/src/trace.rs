//! Traces: a run written down, step by step, with the line of source behind every decision.
//!
//! ```text
//!   line 1      {"trace":"raft-steps","version":1,"title":..,"config":..,"sources":..,"state":..}
//!   line 2..    {"step":1,"input":{"campaign":1},"events":[..],"sent":[..],"set":{"1":{..}}}
//!   last line   {"end":true,"steps":64,"outcome":"done"}
//! ```
//!
//! JSON, one value a line (`trace.schema.json` describes them). A script, a simulation and a failing
//! lab test leave the same kind of trace: each drives its cluster through a [`Recorder`]. A cluster is
//! a pure function of its inputs, so a trace is also its own replay.
//!
//! Invariants: replaying a trace writes the same bytes. Folding its patches gives the state after
//! every step. Readers ignore fields they do not know; `version` changes only when a meaning does.

pub mod entry; // places, entries, images

pub mod message; // what nodes say

pub mod cause; // what made a step happen

pub mod event; // what a node noted, and where the rule is stated

pub mod state; // what is shown of a node, and patches of it

pub mod telling; // a step in words

pub mod birth; // what a cluster was made of

pub mod page; // the three kinds of lines, and the whole

pub mod recorder; // a run that is being written down

pub mod reader; // a file that somebody left

pub mod replay; // the same run again

pub mod story; // a trace for the terminal

pub use page::{Ending, Header, Moment, Outcome, Trace};
pub use reader::{TraceError, parse, read};
pub use recorder::Recorder;
pub use replay::{ReplayError, replay};
pub use story::{Kind, Line};
