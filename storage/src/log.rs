//! The log: callers append batches at its end, and read entries from any place.
//!
//! ```text
//!   append --.  under the writer's lock: check, make room, place, write, show   visible, not durable
//!            |
//!   sync_to -'  under no lock: one sync for all waiting callers                 durable
//!
//!   read        under the view's lock: look up, share the bytes; then, without it, test the checksum
//! ```
//!
//! Every function takes `&self`, and any number of threads may call any of them. Readers see a batch
//! before it is durable. So wait for [`Log::sync_to`] before you tell others what it holds.
//!
//! Invariants: frames are written in the order of their LSNs, and readers see them in that order.
//! After the first failure of the disk, nothing is written any more. The next opening decides which
//! frames in the file count.

mod ahead; // whether reading ahead is in vain
mod full; // what is collected when there is no room
mod gc; // what is wanted of the oldest segment moves, and the segment goes
mod pick; // what is wanted of a segment
mod read; // from a group and a place to its bytes
mod room; // the next segment, and the one after it

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

/// How long a stretch of the tail is, at most. When one is full it is mapped, and the maintenance thread is woken
/// to sync it.
const CHUNK_BYTES: u32 = 4 << 20;

/// A log of many groups, on a disk.
pub struct Log<D: Disk = RealDisk> {
    disk: D,
    options: Options,
    store: StoreId,
    writer: Mutex<Writer<D::File>>,
    view: RwLock<View>,
    committer: Committer<D::File>,
    /// Where readers may go on.
    readers: Readers,
    /// Whether a spare segment is ready.
    spare: Mutex<Option<D::File>>,
    /// Held by the one who collects garbage.
    collector: Mutex<()>,
    /// Notified when there may be chores: it wakes the maintenance thread, if there is one.
    wake_signal: Arc<WakeSignal>,
    /// The disk's first failure.
    failure: OnceLock<Arc<Error>>,
    /// Whether the disk had no room for a segment when it was asked last.
    is_full: AtomicBool,
    _lock: D::Lock,
}

/// Where the next frame goes.
pub(crate) struct Writer<F> {
    /// The segment being written.
    pub(crate) segment: SegmentId,
    /// Its file.
    pub(crate) file: Arc<F>,
    /// What its frames' checksums begin with.
    pub(crate) salt: Salt,
    /// How much of it is for frames: what is behind that is for recovery, on a full disk.
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
    /// Returns the number of the stretch that the next frame begins in.
    fn chunk(&self) -> u32 {
        self.offset / CHUNK_BYTES.min(self.capacity / 4)
    }
}

impl View {
    /// Lets a segment's bytes be read from elsewhere.
    fn show_content(&mut self, segment: SegmentId, content: Content) {
        let segment = self.segments.get_mut(&segment).expect("the tail is a segment");
        let before = std::mem::replace(&mut segment.content, content);
        segment.content.replace(before);
    }
}

// Opening and closing.

impl Log<RealDisk> {
    /// Opens the log in a directory; makes both if they are not there.
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
    /// Opens the log on a disk. Everything it will ever show of what it found is durable when this
    /// returns.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::ForeignFile`] and whatever else [`Error`] has for directories:
    /// nothing was touched. [`Error::Corrupt`] if something that was durable has rotted: it is left
    /// as it is, for nobody can tell from here what to do about it. [`Error::Io`].
    /// [`Error::NoSpace`] if there is no log yet, and no room for one. A log that is there opens on a
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

    /// Closes the log: makes all of it durable, and leaves a mark that says so, which spares the
    /// next opening to write anything. To drop a log instead is safe too, as a crash is.
    ///
    /// # Errors
    /// As [`Log::write`].
    pub fn close(self) -> Result<()> {
        let mut writer = self.writer()?;
        self.committer_wait(writer.next_lsn.before())?;
        let seal = Draft::new(&[], &[], Flags::Seal);
        match self.make_room(&mut writer, seal.len(), Purpose::Release) {
            Err(Error::NoSpace { .. }) => return Ok(()), // durable all the same, and unmarked
            outcome => outcome?,
        }
        let lsn = self.write_frame(&mut writer, seal)?;
        self.committer_wait(lsn)
    }
}

// Writing.

impl<D: Disk> Log<D> {
    /// Appends a batch: readers see it, and a crash may still take it. An empty batch writes nothing.
    /// A batch that was given something is not empty, even if no frame can hold it.
    ///
    /// Returns the number to wait for: once [`Log::sync_to`] has returned for it, or for a later
    /// one, the batch is durable.
    ///
    /// # Errors
    /// If the batch does not fit its groups or a frame, or there is [`Error::NoSpace`]: nothing was
    /// written. [`Error::Io`], and from then on [`Error::Poisoned`].
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
            self.wake_signal.notify(); // to collect is what makes room, and this may be the garbage
        }
        room?;
        self.write_frame(&mut writer, draft)
    }

    /// Waits until everything up to and with `lsn` is durable. Whoever comes while a sync is under
    /// way shares the next one.
    ///
    /// # Errors
    /// [`Error::NotAppended`]; [`Error::Io`] and [`Error::Poisoned`], and then nobody knows whether
    /// it is durable.
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

    /// Returns the number of the last batch that was appended.
    pub fn appended_lsn(&self) -> Lsn {
        self.committer.state().appended()
    }

    /// Returns up to where everything is durable.
    pub fn durable_lsn(&self) -> Lsn {
        self.committer.state().durable()
    }

    /// Writes a frame where there is room for it, and shows it to readers.
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

    /// Shows a frame to readers that stands where the writer is, and moves the writer behind it.
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

    /// Lets what was written of the tail so far be read from the file: the buffers are free, and the
    /// log takes no more memory than its index and a stretch.
    fn end_chunk(&self, writer: &Writer<D::File>) -> Result<()> {
        let mapped = writer.file.map_first(writer.offset.into());
        let mapped = mapped.map_err(|e| Error::io("mapping", self.name(writer.segment), e));
        let tail = Content::Tail(Tail::mapped(self.note(mapped)?));
        self.view_mut().show_content(writer.segment, tail);
        self.wake_signal.notify();
        Ok(())
    }

    /// Waits until `lsn` is durable, for a chore: it may hold the writer's lock, so no leader waits
    /// for company then.
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
    /// Remembers a failure of the disk, if it is one: nothing is written after the first.
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

    /// Returns whether the disk had no room for a segment when it was asked last.
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
        self.check_health()?; // under the lock: whoever failed before us is seen
        Ok(writer)
    }

    /// Checks that the disk has not failed.
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    fn check_health(&self) -> Result<()> {
        if self.failure.get().is_some() { Err(self.poisoned()) } else { Ok(()) }
    }

    /// Lends what readers see.
    fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().expect("no thread panics while it changes what readers see")
    }

    /// Lends what readers see, to change it.
    fn view_mut(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().expect("no thread panics while it changes what readers see")
    }

    /// Returns what is notified when there may be chores.
    pub(crate) fn wake_signal(&self) -> &Arc<WakeSignal> {
        &self.wake_signal
    }

    /// Returns a segment's name.
    fn name(&self, segment: SegmentId) -> String {
        crate::segment::name_of(segment)
    }
}
