//! The maintenance thread: it does background work for a log, so that a writer need not wait for
//! it.
//!
//! ```text
//!   appends   ... 4 MiB more ........... the tail is full, and takes the spare ............
//!                    | wake signal             | wake signal
//!   thread           '--> sync                 '--> collect garbage; make the next spare
//!                         meanwhile, appends go on
//! ```
//!
//! A server should start this thread. Without it, every new segment begins with a pause: its file
//! is filled with zeros first. And no garbage is removed unless the owner calls [`Log::gc`].
//!
//! A test or a simulator runs without the thread, because a thread runs at a different time in
//! every run. The test calls [`Log::maintain`], [`Log::gc`] and [`Log::sync_to`] itself, at the
//! same place in every run. The thread calls nothing else.
//!
//! The thread uses no clock: the log notifies it when there may be something to do.

use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::log::{LaggingGroup, Log};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

/// A thread that does background work for a log: it syncs, collects garbage, and prepares a spare.
/// Dropping this value stops the thread.
#[derive(Debug)]
pub struct MaintenanceThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the maintenance thread has done, and its last error.
#[derive(Clone, Debug, Default)]
pub struct MaintenanceStatus {
    /// How many segments the thread has removed.
    pub removed_segments: u64,
    /// The groups whose owners should compact them, from the last call of [`Log::gc`].
    pub lagging_groups: Vec<LaggingGroup>,
    /// The error of the last round of work, if there was one. After a full disk or a rotted entry
    /// the thread goes on, and a later round may succeed. After a failure of the disk it has
    /// stopped.
    pub trouble: Option<Error>,
}

/// What the thread and its owner share.
#[derive(Debug)]
struct Shared {
    wake_signal: Arc<WakeSignal>,
    is_stopped: AtomicBool,
    status: Mutex<MaintenanceStatus>,
}

/// What the thread does after a round of work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    /// Another round: there is more to do.
    Again,
    /// Sleep until the next wake signal.
    Sleep,
    /// Stop: the disk has failed.
    Stop,
}

// What the owner calls.

impl MaintenanceThread {
    /// Starts the thread for a log.
    ///
    /// The thread shares the ownership of the log: before you close the log, stop the thread.
    ///
    /// # Errors
    /// [`Error::Io`] if the system cannot start a thread.
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

    /// Wakes the thread, which then looks for something to do. The log wakes it as frames are
    /// written. Call this after a compaction if you write nothing for a while.
    pub fn wake(&self) {
        self.shared.wake_signal.notify();
    }

    /// Returns what the thread has done, and its last error.
    pub fn status(&self) -> MaintenanceStatus {
        self.shared.status().clone()
    }

    /// Stops the thread after its current round of work.
    ///
    /// # Errors
    /// The error of its last round, if there was one.
    pub fn stop(mut self) -> Result<()> {
        self.join();
        self.shared.status().trouble.take().map_or(Ok(()), Err)
    }

    /// Tells the thread to stop, and waits for it. Passes on its panic, if it has panicked.
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
    /// Works, and sleeps between rounds, until it is told to stop.
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

    /// Does one round of work.
    fn do_work<D: Disk>(&self, log: &Log<D>) -> Next {
        // Sync now: a writer that leaves a full segment has little left to sync.
        let written = log.committer_wait(log.appended_lsn());
        // Garbage first: a removed segment may become the spare.
        let (was_full, collected) = (log.is_full(), log.gc());
        let maintained = log.maintain();
        // If the disk was found full just now, collect again: on a full disk no threshold counts.
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

    /// Locks the status.
    fn status(&self) -> MutexGuard<'_, MaintenanceStatus> {
        self.status.lock().expect("no thread panics while it holds this lock")
    }
}

/// Wakes the thread. It counts notifications, so that a busy thread misses none.
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

    /// Returns the number of notifications so far.
    fn notifications(&self) -> u64 {
        *self.count()
    }

    /// Waits until there were more notifications than `seen`, and returns their number.
    fn wait(&self, seen: u64) -> u64 {
        let notified = self.notified.wait_while(self.count(), |count| *count == seen);
        *notified.expect("no thread panics while it holds this lock")
    }

    /// Locks the number of notifications.
    fn count(&self) -> MutexGuard<'_, u64> {
        self.notifications.lock().expect("no thread panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests;
