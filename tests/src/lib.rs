//! A deterministic test bed for Raft: clusters that are a pure function of their inputs.
//!
//! ```text
//!   script, simulator, explorer, prompt --> Input --> Cluster::apply --> Step
//!                                                       |               '-- events, messages, the
//!                                                       |                   first broken invariant
//!                                                       '-- N nodes, disks, one network
//! ```
//!
//! No clock, no thread, no sleep: going back is replaying, forking is truncating, saving is writing
//! the inputs down. The modules below stand in reading order.

pub mod input; // everything that can happen to a cluster, and what came of it

pub mod cluster; // N nodes driven by inputs

pub mod network; // messages under way, and the links that lose them

pub mod disk; // what a crash takes and what it leaves

pub mod invariant; // what must never happen

pub mod sim; // random runs that replay from one number

pub mod explore; // every state a small cluster can reach

pub mod fingerprint; // 128 bits that stand for a value

pub mod shrink; // the few inputs that are enough to fail the same way

pub mod decision; // where a run went wrong, before it showed

pub mod cause; // the few steps that a broken rule is made of

pub mod script; // runs as stories, written by hand

pub mod trace; // a run written down, step by step

pub use cluster::{Bare, Cluster, Door, Owner, Setup};
pub use input::{Fate, Input, Step};
pub use invariant::{Rule, Violation};
pub use network::{Flight, Network};
