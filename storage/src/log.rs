//! The log: callers append batches at its end, and read entries from any place.
//!
//! ```text
//!   append --.  with the writer's lock: check, make room, place, write, show     visible, not durable
//!            |
//!   sync_to -'  without a lock: one sync for all callers that wait               durable
//!
//!   read        with the view's lock: look up, share the bytes; without it: test the checksum
//! ```
//!
//! Every function takes `&self`, and any number of threads may call any of them. Readers see a
//! batch before it is durable. So wait for [`Log::sync_to`] before you tell others what the batch
//! holds.
//!
//! Invariants: frames are written in the order of their LSNs, and readers see them in that order.
//! After the first failure of the disk, nothing is written any more. The next opening decides which
//! frames in the file count.

mod ahead; // whether read-ahead helps
mod full; // garbage collection on a full disk
mod gc; // garbage collection: live records of the oldest segment are copied, the segment is removed
mod pick; // the live records of a segment
mod read; // from a group and an index to the entry's bytes
mod room; // the next segment, and the spare after it

pub use gc::{Collected, LaggingGroup};
pub use read::LogStats;

use crate::batch::Batch;
use crate::commit::{Caller, Committer, Syncs};
use crate::disk::{Disk, DiskFile, RealDisk};
use crate::error::{Error, Result};
use crate::format::{Draft, Flags, Frame, Salt, StoreId};
use crate::groups::{Groups, check};
use crate::maintenance::WakeSignal;
use crate::options::Options;
use crate::recovery::{self, Recovered};
use crate::segment::{Content, Segment, Tail};
use crate::types::{Lsn, SegmentId};
use ahead::Readers;
use bytes::Bytes;
use core::time::Duration;
use room::Purpose;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The size of a chunk of the tail, at most. A full chunk is mapped, and the maintenance thread is
/// woken to sync it.
const CHUNK_BYTES: u32 = 4 << 20;

/// A log of many groups, on a disk.
pub struct Log<D: Disk = RealDisk> {
    disk: D,
    options: Options,
    store: StoreId,
    writer: Mutex<Writer<D::File>>,
    view: RwLock<View>,
    committer: Committer<D::File>,
    /// Where each reader may read next: it decides about read-ahead.
    readers: Readers,
    /// The spare segment's file, if one is ready.
    spare: Mutex<Option<D::File>>,
    /// Held during a garbage collection: there is one at a time.
    collector: Mutex<()>,
    /// Notified when there may be maintenance work: it wakes the maintenance thread, if there is
    /// one.
    wake_signal: Arc<WakeSignal>,
    /// The disk's first failure.
    failure: OnceLock<Arc<Error>>,
    /// Whether the disk had no room for a segment at the last attempt.
    is_full: AtomicBool,
    _lock: D::Lock,
}

/// Where the next frame goes.
pub(crate) struct Writer<F> {
    /// The segment being written.
    pub(crate) segment: SegmentId,
    /// Its file.
    pub(crate) file: Arc<F>,
    /// What the checksums of its frames begin with.
    pub(crate) salt: Salt,
    /// The end of the part for frames. The bytes behind it are for recovery, on a full disk.
    pub(crate) capacity: u32,
    /// Where the next frame goes.
    pub(crate) offset: u32,
    /// The next frame's number.
    pub(crate) next_lsn: Lsn,
}

/// What readers see.
pub(crate) struct View {
    /// What every group holds.
    pub(crate) groups: Groups,
    /// The segments, oldest first.
    pub(crate) segments: BTreeMap<SegmentId, Segment>,
}

impl<F> Writer<F> {
    /// Returns the number of the chunk in which the next frame begins.
    fn chunk(&self) -> u32 {
        self.offset / CHUNK_BYTES.min(self.capacity / 4)
    }
}

impl View {
    /// Changes where the bytes of a segment are read from.
    fn show_content(&mut self, segment: SegmentId, content: Content) {
        let segment = self.segments.get_mut(&segment).expect("the tail is a segment");
        let before = std::mem::replace(&mut segment.content, content);
        segment.content.replace(before);
    }
}

// Opening and closing.

impl Log<RealDisk> {
    /// Opens the log in a directory. Creates the directory and the log if they do not exist.
    ///
    /// # Errors
    /// As [`Log::open_on`].
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Log> {
        let name = dir.as_ref().display().to_string();
        let disk = RealDisk::at(dir).map_err(|e| Error::io("opening", name, e))?;
        Log::open_on(disk, options)
    }
}

impl<D: Disk> Log<D> {
    /// Opens the log on a disk. When this returns, everything that was found, and that readers see,
    /// is durable.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::ForeignFile`] and the other errors that [`Error`] has for
    /// directories: nothing was changed. [`Error::Corrupt`] if something that was durable has
    /// rotted: nothing was changed, because only a person can decide what to do. [`Error::Io`].
    /// [`Error::NoSpace`] if there is no log yet, and no room for one. A log that exists opens on a
    /// full disk, too.
    pub fn open_on(disk: D, options: Options) -> Result<Log<D>> {
        options.check()?;
        let lock = recovery::lock(&disk)?;
        let Recovered { store, writer, view, durable, disk_space } =
            recovery::recover(&disk, &options)?;
        let committer = Committer::new(durable, writer.file.clone());
        Ok(Log {
            disk,
            options,
            store,
            writer: Mutex::new(writer),
            view: RwLock::new(view),
            committer,
            readers: Readers::new(),
            spare: Mutex::new(None),
            collector: Mutex::new(()),
            wake_signal: Arc::default(),
            failure: OnceLock::new(),
            is_full: AtomicBool::new(disk_space == recovery::DiskSpace::Full),
            _lock: lock,
        })
    }

    /// Closes the log: makes all of it durable, and writes a frame that says so. Because of that
    /// frame the next opening writes nothing. To drop a log without closing it is as safe as a
    /// crash.
    ///
    /// # Errors
    /// As [`Log::write`].
    pub fn close(self) -> Result<()> {
        let mut writer = self.writer()?;
        self.committer_wait(writer.next_lsn.before())?;
        let seal = Draft::new(&[], &[], Flags::Seal);
        match self.make_room(&mut writer, seal.len(), Purpose::Release) {
            Err(Error::NoSpace { .. }) => return Ok(()), // all is durable, but no frame says so
            outcome => outcome?,
        }
        let lsn = self.write_frame(&mut writer, seal)?;
        self.committer_wait(lsn)
    }
}

// Writing.

impl<D: Disk> Log<D> {
    /// Appends a batch. Readers see it, but a crash may still lose it. An empty batch writes
    /// nothing. A batch with an item is not empty, even if the item is too large for any frame.
    ///
    /// Returns the LSN to wait for: once [`Log::sync_to`] has returned for it, or for a later one,
    /// the batch is durable.
    ///
    /// # Errors
    /// If the batch does not fit its groups or a frame, or there is [`Error::NoSpace`]: nothing was
    /// written. [`Error::Io`]; every later write returns [`Error::Poisoned`].
    pub fn append(&self, batch: &Batch) -> Result<Lsn> {
        if batch.is_empty() {
            return Ok(self.appended_lsn());
        }
        let draft = batch.draft(Flags::Batch, self.options.max_batch_bytes)?;
        let mut writer = self.writer()?;
        check(&self.view().groups, batch.items())?;
        let purpose = if batch.only_releases() { Purpose::Release } else { Purpose::Append };
        let room = self.make_room(&mut writer, draft.len(), purpose);
        if self.is_full() {
            self.wake_signal.notify(); // this batch may make garbage, and its collection makes room
        }
        room?;
        self.write_frame(&mut writer, draft)
    }

    /// Waits until everything up to and including `lsn` is durable. All callers that come during
    /// one sync share the next sync.
    ///
    /// # Errors
    /// [`Error::NotAppended`]; [`Error::Io`] and [`Error::Poisoned`]: it is unknown whether the
    /// frames are durable.
    pub fn sync_to(&self, lsn: Lsn) -> Result<()> {
        self.committer.wait_for(lsn, Caller::Writer, self)
    }

    /// Appends a batch, and waits until it is durable.
    ///
    /// # Errors
    /// As [`Log::append`] and [`Log::sync_to`].
    pub fn write(&self, batch: &Batch) -> Result<Lsn> {
        let lsn = self.append(batch)?;
        self.sync_to(lsn)?;
        Ok(lsn)
    }

    /// Returns the LSN of the last frame that was appended.
    pub fn appended_lsn(&self) -> Lsn {
        self.committer.state().appended()
    }

    /// Returns the LSN up to which everything is durable.
    pub fn durable_lsn(&self) -> Lsn {
        self.committer.state().durable()
    }

    /// Writes a frame where the writer is, and shows it to readers. The caller has made room.
    fn write_frame(&self, writer: &mut Writer<D::File>, draft: Draft) -> Result<Lsn> {
        let lsn = writer.next_lsn;
        let bytes = Bytes::from(draft.place(lsn, self.durable_lsn(), writer.salt));
        let written = writer.file.write_all_at(writer.offset.into(), &bytes);
        self.note(written.map_err(|e| Error::io("writing", self.name(writer.segment), e)))?;
        self.show(writer, bytes)?;
        self.committer.append(lsn);
        writer.next_lsn = lsn.next();
        Ok(lsn)
    }

    /// Shows readers the frame that was written where the writer is, and moves the writer behind
    /// it.
    fn show(&self, writer: &mut Writer<D::File>, bytes: Bytes) -> Result<()> {
        let chunk = writer.chunk();
        let mut view = self.view_mut();
        let View { groups, segments } = &mut *view;
        groups.apply(&Frame::trusted(&bytes), writer.segment, writer.offset);
        let len = bytes.len() as u32;
        let segment = segments.get_mut(&writer.segment).expect("the tail is a segment");
        segment.content.push(writer.offset, bytes);
        drop(view);
        writer.offset += len;
        if writer.chunk() > chunk { self.end_chunk(writer) } else { Ok(()) }
    }

    /// Maps what was written of the tail so far: it is read from the file from now on, and its
    /// buffers are freed. So the log takes no more memory than its index and one chunk.
    fn end_chunk(&self, writer: &Writer<D::File>) -> Result<()> {
        let mapped = writer.file.map_first(writer.offset.into());
        let mapped = mapped.map_err(|e| Error::io("mapping", self.name(writer.segment), e));
        let tail = Content::Tail(Tail::mapped(self.note(mapped)?));
        self.view_mut().show_content(writer.segment, tail);
        self.wake_signal.notify();
        Ok(())
    }

    /// Waits until `lsn` is durable, for maintenance. The caller may hold the writer's lock, so
    /// this never waits for more writers: they could not append.
    pub(crate) fn committer_wait(&self, lsn: Lsn) -> Result<()> {
        self.committer.wait_for(lsn, Caller::Maintenance, self)
    }
}

impl<D: Disk> Syncs<D::File> for Log<D> {
    fn sync(&self, file: &D::File) -> Result<()> {
        let outcome = file.sync_data();
        self.note(outcome.map_err(|e| Error::io("syncing", "the tail", e)))
    }

    fn why_broken(&self) -> Error {
        self.poisoned()
    }

    fn now(&self) -> Duration {
        self.disk.now()
    }
}

// Failing.

impl<D: Disk> Log<D> {
    /// Remembers the outcome if it is a failure of the disk: after the first, nothing is written.
    fn note<T>(&self, outcome: Result<T>) -> Result<T> {
        if let Err(error @ Error::Io { .. }) = &outcome {
            self.failure.get_or_init(|| Arc::new(error.clone()));
            self.committer.fail();
            self.wake_signal.notify();
        }
        outcome
    }

    /// Returns why nothing is written any more.
    fn poisoned(&self) -> Error {
        let first = self.failure.get().cloned();
        let first = first.unwrap_or_else(|| {
            let panicked = std::io::Error::other("a thread panicked while it was writing");
            Arc::new(Error::io("writing", "the log", panicked))
        });
        Error::Poisoned { first }
    }

    /// Returns whether the disk had no room for a segment at the last attempt.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::SeqCst)
    }

    /// Notes whether the disk has room for a segment.
    fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::SeqCst);
    }

    /// Locks the writer.
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    fn writer(&self) -> Result<MutexGuard<'_, Writer<D::File>>> {
        let writer = self.writer.lock().map_err(|_| self.poisoned())?;
        self.check_health()?; // after locking: so a failure of the last writer is seen
        Ok(writer)
    }

    /// Checks that the disk has not failed.
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    fn check_health(&self) -> Result<()> {
        if self.failure.get().is_some() { Err(self.poisoned()) } else { Ok(()) }
    }

    /// Locks what readers see, to read it.
    fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().expect("no thread panics while it changes what readers see")
    }

    /// Locks what readers see, to change it.
    fn view_mut(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().expect("no thread panics while it changes what readers see")
    }

    /// Returns what is notified when there may be maintenance work.
    pub(crate) fn wake_signal(&self) -> &Arc<WakeSignal> {
        &self.wake_signal
    }

    /// Returns a segment's name.
    fn name(&self, segment: SegmentId) -> String {
        crate::segment::name_of(segment)
    }
}
