//! The labs of the Raft core, and what they share.
//!
//! ```text
//!   aa   stage: a cluster in which the test plays some peers      2aa
//!   ab   the same, and what can be seen of logs                   2ab
//!   ac   owner: a RawNode, a disk, an application                 2ac
//! ```

pub mod aa; // lab 2aa: leader election
pub mod ab; // lab 2ab: log replication
pub mod ac; // lab 2ac: what must be durable when
