//! The maintenance thread: it does a log's chores, so that a writer does not wait for them.
//!
//! ```text
//!   appends   ... 4 MiB more ........... the tail is full, and takes the spare ............
//!                    | wake signal             | wake signal
//!   thread           '--> sync                 '--> collect garbage; make the next spare
//!                         meanwhile, appends go on
//! ```
//!
//! It is for a process that serves. Without the thread, every new segment begins with a pause: its
//! file is filled with zeros first. And no garbage is removed unless the owner calls [`Log::gc`].
//!
//! A test or a simulator runs without it, because nobody knows when a thread runs. It calls
//! [`Log::maintain`], [`Log::gc`] and [`Log::sync_to`] itself, at the same place in every run. The
//! thread calls nothing else.
//!
//! There is no clock here either: the log sends the signal when there may be something to do.

use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::log::{LaggingGroup, Log};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

/// A thread that does a log's chores. It stops when this is dropped.
#[derive(Debug)]
pub struct MaintenanceThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the maintenance thread has done, and what is in its way.
#[derive(Clone, Debug, Default)]
pub struct MaintenanceStatus {
    /// How many segments went.
    pub removed_segments: u64,
    /// The groups whose owners should compact them, as [`Log::gc`] said the last time.
    pub lagging_groups: Vec<LaggingGroup>,
    /// What is in the way, if something is. A full disk or rot may pass, and then this does; after a
    /// failure of the disk the thread has stopped.
    pub trouble: Option<Error>,
}

/// What the thread and its owner share.
#[derive(Debug)]
struct Shared {
    wake_signal: Arc<WakeSignal>,
    is_stopped: AtomicBool,
    status: Mutex<MaintenanceStatus>,
}

/// Whether the thread goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    /// There is more to do.
    Again,
    /// Nothing, before the next wake signal.
    Sleep,
    /// Never.
    Stop,
}

// For its owner.

impl MaintenanceThread {
    /// Starts a thread that does a log's chores.
    ///
    /// The thread owns the log as well: to close it, stop the thread first.
    ///
    /// # Errors
    /// [`Error::Io`] if there can be no thread.
    pub fn start<D: Disk>(log: Arc<Log<D>>) -> Result<MaintenanceThread> {
        let (wake_signal, is_stopped) = (log.wake_signal().clone(), AtomicBool::new(false));
        let shared = Arc::new(Shared { wake_signal, is_stopped, status: Mutex::default() });
        let thread = {
            let shared = shared.clone();
            let named = std::thread::Builder::new().name("log maintenance".into());
            named.spawn(move || shared.run(&log))
        };
        let thread = thread.map_err(|e| Error::io("starting", "the maintenance thread", e))?;
        Ok(MaintenanceThread { shared, thread: Some(thread) })
    }

    /// Wakes the thread, which looks for something to do. The log wakes it whenever a segment is
    /// full; this is for an owner who has compacted, and writes nothing for a while.
    pub fn wake(&self) {
        self.shared.wake_signal.notify();
    }

    /// Returns what the thread has done, and what is in its way.
    pub fn status(&self) -> MaintenanceStatus {
        self.shared.status().clone()
    }

    /// Stops the thread, when it has done what it is at.
    ///
    /// # Errors
    /// What was in its way, if something was.
    pub fn stop(mut self) -> Result<()> {
        self.join();
        self.shared.status().trouble.take().map_or(Ok(()), Err)
    }

    /// Waits until the thread has stopped.
    fn join(&mut self) {
        self.shared.is_stopped.store(true, Ordering::SeqCst);
        self.shared.wake_signal.notify();
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for MaintenanceThread {
    fn drop(&mut self) {
        self.join();
    }
}

// The thread.

impl Shared {
    /// Does the log's chores until it is told to stop.
    fn run<D: Disk>(&self, log: &Log<D>) {
        let mut seen = self.wake_signal.notifications();
        while !self.is_stopped.load(Ordering::SeqCst) {
            match self.do_work(log) {
                Next::Again => {}
                Next::Sleep => seen = self.wake_signal.wait(seen),
                Next::Stop => return,
            }
        }
    }

    /// Does what there is to do, once.
    fn do_work<D: Disk>(&self, log: &Log<D>) -> Next {
        // Written behind: whoever leaves a full segment has little left to wait for.
        let written = log.committer_wait(log.appended_lsn());
        // Garbage first: a segment that goes may become the spare.
        let (was_full, collected) = (log.is_full(), log.gc());
        let maintained = log.maintain();
        // Now that it is known to be full, what is collected is not a matter of thresholds any more.
        let found_full = log.is_full() && !was_full;

        let mut status = self.status();
        status.trouble = written.and(maintained).err();
        let is_more_to_do = match collected {
            Ok(collected) => {
                status.removed_segments += collected.removed.len() as u64;
                status.lagging_groups = collected.lagging_groups;
                collected.is_more_to_do
            }
            Err(error) => {
                status.trouble.get_or_insert(error);
                false
            }
        };
        match status.trouble {
            Some(Error::Io { .. } | Error::Poisoned { .. }) => Next::Stop,
            _ if is_more_to_do || found_full => Next::Again,
            _ => Next::Sleep,
        }
    }

    /// Returns the status, locked.
    fn status(&self) -> MutexGuard<'_, MaintenanceStatus> {
        self.status.lock().expect("no thread panics while it holds this")
    }
}

/// What wakes the thread. It counts, so that a busy thread misses no notification.
#[derive(Debug, Default)]
pub(crate) struct WakeSignal {
    notifications: Mutex<u64>,
    notified: Condvar,
}

impl WakeSignal {
    /// Wakes the thread.
    pub(crate) fn notify(&self) {
        *self.count() += 1;
        self.notified.notify_all();
    }

    /// Returns how many notifications there were.
    fn notifications(&self) -> u64 {
        *self.count()
    }

    /// Waits until there were more notifications than `seen`, and returns how many.
    fn wait(&self, seen: u64) -> u64 {
        let notified = self.notified.wait_while(self.count(), |count| *count == seen);
        *notified.expect("no thread panics while it holds this")
    }

    /// Returns the count, locked.
    fn count(&self) -> MutexGuard<'_, u64> {
        self.notifications.lock().expect("no thread panics while it holds this")
    }
}

#[cfg(test)]
mod tests;
