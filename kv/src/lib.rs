//! A replicated key-value store: a memtable engine, and regions whose replicas agree through Raft.
//!
//! ```text
//!   client --> RaftKv --> Router --> PeerFsm (RawNode over PeerStorage) --> the raft log
//!                                        | committed entries                  `storage`
//!                                        v
//!                                    ApplyFsm --> Memtable: data, and how far it is applied
//!                                        |            '-- its write-ahead log, `storage` too
//!   client <-- outcome <-- callback <----'
//! ```
//!
//! The modules below are in reading order.

pub mod store; // regions that agree through Raft   <- the doors

pub mod batch; // how messages reach state machines, and who runs them

pub mod memtable; // an ordered store in memory, with snapshots and a write-ahead log

pub mod model; // the words of the store: regions, commands and their results, messages

mod codec; // the shapes that all bytes are made of

pub mod env; // the only access to clock, network, disks and randomness
