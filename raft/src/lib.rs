//! Raft: a pure state machine in which every rule of the paper is one function.
//!
//! ```text
//!   message --> step --> the table --> one handler --> the ledger --> facts, outbox, journal
//!   tick ---------------------^            |
//!                                          '--> RoleChange --> a new role
//! ```
//!
//! A node reads no clock, opens no file, sends nothing, and draws no number but from its seed. Its owner
//! gives it messages and ticks, and takes out of it what is to be saved, sent and applied. The same
//! inputs give the same outputs, always.
//!
//! # The loop
//!
//! An owner drives a [`RawNode`]. [`Ready`] says what the owner must do before what.
//!
//! ```
//! use bytes::Bytes;
//! use raft::{Config, Entry, MemoryStorage, NodeId, Payload, RawNode};
//!
//! let alone = MemoryStorage::with_voters([NodeId(1)]);
//! let mut node = RawNode::new(&Config::new(NodeId(1)), alone)?;
//! node.campaign()?;
//! let mut applied: Vec<Bytes> = Vec::new();
//! let mut apply = |entries: Vec<Entry>| {
//!     applied.extend(entries.iter().filter_map(|entry| match entry.payload() {
//!         Payload::Normal(data) => Some(data.clone()),
//!         Payload::Noop | Payload::Change(_) | Payload::ChangeV2(_) => None,
//!     }));
//! };
//! let mut proposed = false;
//! while node.has_ready() {
//!     let mut ready = node.ready()?;
//!     // 1. Send `ready.take_messages()`: they may leave now.
//!     // 2. Save, then sync if `ready.must_sync()`.
//!     node.storage_mut().append(ready.entries());
//!     if let Some(hard_state) = ready.hard_state() {
//!         node.storage_mut().save(hard_state);
//!     }
//!     // 3. Send `ready.take_persisted_messages()`: what they promise is durable now.
//!     // 4. Apply what is committed.
//!     apply(ready.take_committed_entries());
//!     // 5. Everything of this Ready is done. What became possible comes back.
//!     let mut light = node.advance(ready)?;
//!     if let Some(commit) = light.commit_index() {
//!         node.storage_mut().save_commit(commit);
//!     }
//!     // 6. Send `light.take_messages()`, and apply what is committed.
//!     apply(light.take_committed_entries());
//!     node.advance_apply()?;
//!     if !proposed && node.status().leader == Some(NodeId(1)) {
//!         node.propose(Bytes::new(), Bytes::from_static(b"x=1"))?;
//!         proposed = true;
//!     }
//! }
//! assert_eq!(applied, [Bytes::from_static(b"x=1")]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What this crate leaves to its owner
//!
//! * To send messages. They may be lost, repeated and reordered. [`wire`] makes bytes of them, and of
//!   entries; the transport adds framing and checksums.
//! * To store: an owner implements [`Storage`] and writes what a [`Ready`] holds. [`MemoryStorage`] is for
//!   tests.
//! * To measure time: an owner calls [`RawNode::tick`] at a steady pace.
//! * To look at errors. A node whose storage fails halts ([`Halt`]): drop it, mend the storage, and start
//!   a new node.
//!
//! # Reading order
//!
//! From the door inwards. A module uses only modules below it.

mod node; // RawNode, the node that applications use

mod owner; // what an owner tells a bare node, takes from it, and sees of it

mod step; // which handler answers which message

mod election; // time out, ask, grant, count

mod replication; // propose, send, check, answer

mod commit; // when an entry is safe for ever

mod heartbeat; // keep others from campaigning

mod read; // at which index a read sees all that was acknowledged before it

mod prevote; // would it win? asked before a node campaigns

mod lease; // who listens to a leader, and what that allows

mod snapshot; // the application's state in place of the log

mod membership; // who is in the group, and how that changes

mod transfer; // a leader hands its leadership over

mod window; // the window of one peer, changed while the node runs

mod commit_by_vote; // votes tell what is committed

mod commit_groups; // what is committed is in two places

mod priority; // which of several nodes with the same log should lead

mod role; // how a node changes its role

mod raft; // the node: what every role has, and what only one role has

mod ledger; // the facts, and the only functions that write them

mod restart; // what a node may believe of what its storage remembers

mod log; // what storage holds, and what is not durable yet

mod progress; // what a leader knows of a peer's log

pub mod quorum; // how many are enough

mod storage; // what survives a crash

mod ready; // what a node hands out, and what must be durable when

mod outbox; // what leaves a node, sorted by what must be durable first

pub mod wire; // messages, entries and saved state as bytes

mod config; // the settings of a node

mod journal; // what happened in a node, and which line decided it

mod event; // everything that can happen inside a node

mod error; // what can be wrong from outside

mod message; // everything nodes say to each other

mod entry; // what the log holds

mod state; // what a node is at one moment, as plain data

mod room; // the memory of emptied vectors, used again

#[cfg(feature = "serde")]
pub mod serialize; // how a text format writes the vocabulary

mod types; // NodeId, Term, Index, EntryId: the words everything else is written in

#[cfg(feature = "sources")]
pub mod sources; // this crate's own text, for those who show it

pub use config::{ApplyGate, Config, ReadMode, StepDownOnRemoval, VoteRequests};
pub use entry::{ChangeKind, ConfChange, ConfChangeV2, Entry, Payload, Transition};
pub use error::{
    ApplyChangeError, CampaignError, ChangeError, ChangeRefusal, ConfStateError, ConfigError,
    ForgetLeaderError, Halt, OrderError, ProposeError, Read, RequestSnapshotError, StartError,
    StepError, StorageError, TransferError, WireError,
};
pub use event::{Event, Ignored, Paper, Refusal, SnapshotRefusal};
pub use journal::{Journal, Note};
pub use membership::Changer;
pub use message::{
    AppendOutcome, Body, BodyTraits, Message, Priority, ReadAttempt, ReadDropped, ReadState,
    ReadToken, Session, VoteRequest,
};
pub use node::RawNode;
pub use outbox::Outbox;
pub use owner::Inspect;
pub use progress::inflight::Inflights;
pub use progress::{Progress, ProgressState};
pub use raft::Raft;
pub use ready::{LightReady, Ready, ReadyRecord};
pub use state::{
    CommitGroup, CommitGroups, ConfState, HardState, InitialState, RoleName, Snapshot,
    SnapshotStatus, SoftState,
};
pub use storage::{MemoryStorage, Purpose, Storage};
pub use types::{EntryId, Index, NodeId, ReadyNumber, Term};
