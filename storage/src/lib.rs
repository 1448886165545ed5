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
//! Recovery can tell the last two cases apart: each frame says up to which LSN the log was durable
//! when the frame was written.
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
//! The engine knows nothing of Raft. Groups have numbers, and entries have indexes and terms. Only
//! the owner of a group knows what its bytes mean.
//!
//! The engine reads one clock, the disk's ([`Disk::now`]), to measure how long a sync takes. It starts
//! no thread, except a [`MaintenanceThread`] if the owner wants one. [`disk`] lists what the engine
//! assumes of a disk.
//!
//! [`inspect`] reports what a directory holds, even a damaged one. The program `logctl` prints the
//! report.
//!
//! The modules below are in reading order.

mod types; // GroupId, Lsn, Index, Term, EntryId: the types that all other modules use

mod batch; // what is written together

mod options; // settings

mod log; // append, sync, read, collect   <- you may stop here and use it

mod commit; // group commit: one thread syncs for all that wait

mod maintenance; // an optional thread that syncs, collects garbage and prepares segments

pub mod format; // what the bytes mean

mod segment; // the files

mod groups; // what every group holds, and where it is in the log

mod recovery; // which frames of a directory count

pub mod disk; // the only access to the operating system

mod error; // what can go wrong

pub mod inspect; // reports for people: what a directory holds

#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz; // what a fuzzer calls

pub use batch::{BATCH_ITEMS_MAX, Batch};
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
