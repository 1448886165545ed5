//! Storage: one append-only log for many groups, which loses nothing that it acknowledged.
//!
//! ```text
//!   Batch --> Log::append --> one frame --> the tail ---- sync_to ----> durable
//!                 |                          [ segment ][ segment ][ tail ..
//!                 '--> Groups                    ^
//!   entries, term, get <--'                      '-- gc: the oldest goes, what is wanted moves
//! ```
//!
//! One log, one rule: there is a single sequence of frames, in the order of their numbers, and every
//! question about what counts is answered by it. A frame is all or nothing. A segment is removed only
//! when it is the oldest, and when nothing of it is wanted. What a crash has torn is discarded; what
//! was acknowledged and has rotted is refused, and named; and a frame tells the two apart, for it
//! says what was durable when it was written.
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
//! The engine knows nothing of Raft: groups have numbers, entries have places and terms, and what the
//! bytes mean is their owner's affair. It reads no clock but the disk's, to know how long a sync takes
//! ([`Disk::now`]), and starts no thread but a [`MaintenanceThread`]'s, if its owner wants one. What it assumes
//! of the disk stands in [`disk`].
//!
//! What is in a directory, whatever state it is in, [`inspect`] tells; the program `logctl` prints it.
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
