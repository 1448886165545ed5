//! Traces: a run recorded step by step, with the source line of every decision.
//!
//! ```text
//!   line 1      {"trace":"raft-steps","version":2,"title":..,"config":..,"sources":..,"state":..}
//!   line 2..    {"step":1,"input":{"campaign":1},"events":[..],"sent":[..],"set":{"1":{..}}}
//!   last line   {"end":true,"steps":64,"outcome":"done"}
//! ```
//!
//! The format is JSON Lines, one value a line (`trace.schema.json` describes it). A script, a simulation
//! and a failing lab test all leave such a trace: each drives its cluster through a [`Recorder`]. A
//! cluster is a pure function of its inputs, so a trace can be replayed.
//!
//! Invariants: the replay of a trace writes the same bytes. The patches of the steps, applied in order,
//! give the state after every step. Readers ignore fields that they do not know; `version` changes only
//! when the meaning of a field changes.

pub mod event; // the events that a node noted, and where their rules are stated

pub mod state; // the state of a node, and patches of it

pub mod describe; // a step in words

pub mod setup; // the setup of the cluster

pub mod format; // the three kinds of lines, and the whole trace

pub mod recorder; // records a run

pub mod reader; // reads a trace from a file

pub mod replay; // runs a trace again

pub mod story; // shows a trace in the terminal

pub use format::{Footer, Header, Outcome, Trace, TraceStep};
pub use reader::{TraceError, parse, read};
pub use recorder::Recorder;
pub use replay::{ReplayError, replay};
pub use story::{Kind, Line};
