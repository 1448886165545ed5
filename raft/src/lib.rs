//! Raft: a pure state machine in which every rule of the paper is one function.
//!
//! ```text
//!   message --> step --> the table --> one handler --> the ledger --> facts, outbox, journal
//!   tick ---------------------^            |
//!                                          '--> Turn --> Raft::perform --> a new role
//! ```
//!
//! A node reads no clock, opens no file, sends nothing and draws no number but from its seed: its
//! owner steps messages and ticks in, and takes the outbox out. The same inputs give the same
//! outputs, always.
//!
//! ```
//! use raft::{Config, MemoryStorage, NodeId, Raft, RoleName};
//!
//! let alone = MemoryStorage::with_voters([NodeId(1)]);
//! let mut node = Raft::new(&Config::new(NodeId(1)), alone)?;
//! node.campaign()?;
//! assert_eq!(node.inspect().role, RoleName::Candidate);
//! // Its own vote counts once it is durable: the owner saves `hard_state()`, then says so.
//! let outbox = node.take_outbox();
//! node.keep_promises(outbox.own);
//! assert_eq!(node.inspect().role, RoleName::Leader);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The modules below stand in reading order.

mod types; // NodeId, Term, Index, EntryId: the words everything else is written in

mod entry; // what the log holds

mod message; // everything nodes say to each other

mod config; // what a node is told at birth

mod raft; // the node: what every role has, and what only this role has

mod step; // which handler answers which message

mod role; // the four roles, and how a node changes its role

mod election; // time out, ask, grant, count

mod replication; // propose, send, check, answer

mod commit; // when an entry is safe for ever

mod heartbeat; // speak, and be heard

mod node; // the node that applications use

mod ready; // what it hands out, and what must be durable when

mod restart; // what it may believe of what it finds

pub mod quorum; // how many are enough

mod storage; // what survives a crash

mod log; // what storage holds, and what is not durable yet

mod progress; // what a leader knows of a peer's log

mod event; // what the ledger notes down

mod ledger; // the facts, and the only hands that write them

mod error; // what can be wrong from outside

#[cfg(feature = "sources")]
pub mod sources; // this crate's own text, for those who show it

pub use config::{ApplyGate, Config, VoteRequests};
pub use entry::{ChangeKind, ConfChange, ConfChangeV2, Entry, Payload, Transition};
pub use error::{
    CampaignError, ConfigError, OrderError, ProposeError, StartError, StepError, StorageError,
};
pub use event::{Event, Ignored, Journal, Note, Paper, Refusal};
pub use ledger::Outbox;
pub use message::{AppendOutcome, Body, Message, ReadDropped, ReadToken, Session, VoteRequest};
pub use node::RawNode;
pub use progress::inflight::Inflights;
pub use progress::{Progress, ProgressState};
pub use raft::{Inspect, Raft};
pub use ready::{Awaiting, LightReady, Ready, ReadyNumber, SoftState};
pub use role::RoleName;
pub use storage::{ConfState, HardState, InitialState, MemoryStorage, Snapshot, Storage};
pub use types::{EntryId, Index, NodeId, Term};
