//! Storage: one append-only log for many groups. It loses nothing that it has acknowledged.
//!
//! ```text
//!   Batch --> Log::append --> one frame --> the tail ---- sync_to ----> durable
//!                 |                          [ segment ][ segment ][ tail ..
//!                 '--> Groups                    ^
//!   entries, term, get <--'                      '-- gc: copies live records, removes the oldest
//! ```
//!
//! The log is one sequence of frames, in the order of their numbers (LSNs). That sequence decides
//! what counts.
//!
//! * A frame counts as a whole, or not at all.
//! * A segment is removed only when it is the oldest, and holds no live record.
//! * A frame that a crash has torn is discarded.
//! * A frame that was acknowledged and has rotted is refused, and the error names it.
//!
//! Frames tell the last two cases apart: each says which frames were durable when it was written.
//!
//! ```
//! use storage::{Batch, Entry, EntryId, GroupId, Index, Log, Options, SimDisk};
//!
//! let disk = SimDisk::new(1);
//! let log = Log::open_on(disk.clone(), Options::default())?;
//! let (group, id) = (GroupId(7), EntryId::new(1, 1));
//! let mut batch = Batch::new();
//! batch.entries(group, &[Entry { id, data: "hello".into() }]).put(group, b"vote", b"n2");
//! log.write(&batch)?; // one frame, one sync
//!
//! let after = Log::open_on(disk.after_kill(), Options::default())?;
//! assert_eq!(after.entry(group, Index(1))?, Some(Entry { id, data: "hello".into() }));
//! assert_eq!(after.get(group, b"vote").as_deref(), Some(&b"n2"[..]));
//! # Ok::<(), storage::Error>(())
//! ```
//!
//! The engine knows nothing of Raft. Groups have numbers, and entries have places and terms. Only
//! their owner knows what the bytes mean.
//!
//! The engine reads no clock but the disk's ([`Disk::now`]), to measure how long a sync takes. It
//! starts no thread but a [`MaintenanceThread`], if the owner wants one. [`disk`] lists what the
//! engine assumes of a disk.
//!
//! [`inspect`] reports what a directory holds, in whatever state it is. The program `logctl` prints
//! the report.
//!
//! The modules below stand in reading order.

mod types; // GroupId, Lsn, Index, Term, EntryId: the words everything else is written in

mod batch; // what is written together

mod options; // settings

mod log; // append, sync, read, collect   <- you may stop here and use it

mod commit; // who syncs, for whom, and who waits for company

mod maintenance; // a thread that does the chores, for those who want one

pub mod format; // what the bytes mean

mod segment; // the files

mod groups; // what every group holds, and where

mod recovery; // what counts of what is found

pub mod disk; // the only door to the operating system

mod error; // what can be wrong

pub mod inspect; // what a log holds, told to a person

#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz; // what a fuzzer does with all of it

pub use batch::Batch;
pub use commit::{GroupCommit, SyncRole};
pub use disk::{
    Advice, Advised, Disk, DiskFile, Doing, Fate, Fates, Fault, Latency, Mapped, Operation,
    RealDisk, Sector, SimDisk,
};
pub use error::{Corruption, Error, Lost, Result, Rot};
pub use log::{Collected, LaggingGroup, Log, LogStats};
pub use maintenance::{MaintenanceStatus, MaintenanceThread};
pub use options::Options;
pub use types::{Entry, EntryId, GroupId, Index, Lsn, SegmentId, Term};
