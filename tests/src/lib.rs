//! A deterministic test bed for Raft: clusters that are a pure function of their inputs.
//!
//! ```text
//!   script, simulator, explorer, prompt --> Input --> Bare::apply --> Step
//!                                                       |               '-- events, messages, the
//!                                                       |                   first broken invariant
//!                                                       '-- N nodes, disks, one network
//! ```
//!
//! No clock, no thread, no sleep: going back is replaying, forking is truncating, saving is writing
//! the inputs down.

pub mod bare; // N nodes driven by inputs
pub mod diagram; // a run as a picture
pub mod disk; // what a crash takes and what it leaves
pub mod explore; // every state a small cluster can reach
pub mod fingerprint; // 128 bits that stand for a value
pub mod input; // everything that can happen to a cluster
pub mod invariant; // what must never happen
pub mod network; // messages under way, and the links that lose them
pub mod script; // runs as stories, written by hand
pub mod shrink; // the few inputs that are enough to fail the same way
pub mod sim;
pub mod trace; // a run written down, step by step // random runs that replay from one number

pub use bare::{Bare, Setup};
pub use input::{Fate, Input, Step};
pub use invariant::{Rule, Violation};
pub use network::{Flight, Network};
