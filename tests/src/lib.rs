//! A deterministic test bed for Raft: clusters that are a pure function of their inputs.
//!
//! ```text
//!   script, simulator, explorer, prompt --> Input --> Cluster::apply --> Step
//!                                                       |               '-- events, messages, the
//!                                                       |                   first broken invariant
//!                                                       '-- N nodes, disks, one network
//! ```
//!
//! There is no clock, no thread and no sleep, so a run is its list of inputs. To go back is to replay
//! fewer of them. To fork is to change the last ones. To save a run is to write them to a file. The
//! modules below are in reading order.

pub mod random; // random numbers from a seed

pub mod spelling; // "did you mean"

#[cfg(feature = "storage")]
pub mod engine; // the log engine's test kit: a model, histories, power cuts

#[cfg(feature = "fleet")]
pub mod machine; // the disks of one store: one power, one free space

#[cfg(feature = "raft")]
pub mod input; // everything that can happen to a cluster, and what each input led to

#[cfg(feature = "raft")]
pub mod request; // what an owner asks of its node

#[cfg(feature = "raft")]
pub mod cluster; // N nodes driven by inputs

#[cfg(feature = "raft")]
pub mod network; // messages in flight, and the links that lose them

#[cfg(feature = "raft")]
pub mod disk; // what a crash loses and what it leaves

#[cfg(feature = "raft")]
pub mod run; // what happened to a cluster, as those outside its nodes see it

#[cfg(feature = "raft")]
pub mod invariant; // what must never happen

#[cfg(feature = "raft")]
pub mod sim; // random runs that replay from one number

#[cfg(feature = "raft")]
pub mod explore; // every state a small cluster can reach

#[cfg(feature = "raft")]
pub mod fingerprint; // 128-bit hashes of values

#[cfg(feature = "raft")]
pub mod shrink; // finds the few inputs that fail the same way

#[cfg(feature = "raft")]
pub mod decision; // the first wrong decision of a run, before its effect shows

#[cfg(feature = "raft")]
pub mod cause; // the few steps that led to a broken rule

#[cfg(feature = "raft")]
pub mod script; // runs written by hand, as commands

#[cfg(feature = "raft")]
pub mod trace; // a run recorded step by step

#[cfg(feature = "raft")]
pub mod page; // a run as one page, or as a picture

#[cfg(feature = "raft")]
pub mod property; // what a tester states of every run, and who looks for a run without it

#[cfg(feature = "fleet")]
pub mod fleet; // several stores in one thread: simulated clocks, network, machines, clients

#[cfg(feature = "fleet")]
pub mod linear; // whether a history could have happened one operation at a time

#[cfg(feature = "proptest")]
pub mod strategy; // strategies for proptest: values of the core, and scenes

#[cfg(feature = "raft")]
pub use cluster::{Cluster, Driver, Owner, Setup};
#[cfg(feature = "raft")]
pub use input::{Fate, Input, Step};
#[cfg(feature = "raft")]
pub use invariant::{Rule, Violation};
#[cfg(feature = "raft")]
pub use network::{Flight, Network};
#[cfg(feature = "raft")]
pub use property::{Failure, Property, Verdict};
#[cfg(feature = "raft")]
pub use request::Request;
#[cfg(feature = "raft")]
pub use run::Run;
