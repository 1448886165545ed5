//! The keeper: a thread that does a log's chores, so that nobody who writes waits for them.
//!
//! ```text
//!   appends   ... 4 MiB more ........... the tail is left, and takes the spare ............
//!                    | the bell                | the bell
//!   keeper           '--> sync                 '--> collect garbage; make the next spare
//!                         meanwhile, appends go on
//! ```
//!
//! For a process that serves: without a keeper every segment begins with a pause in which the next
//! one is filled with zeros, and no garbage goes unless the owner calls [`Log::gc`]. A test or a
//! simulator does without, for when a thread runs is chance: it calls [`Log::maintain`], [`Log::gc`]
//! and [`Log::sync_to`] itself, at the same place in every run. The keeper does nothing else.
//!
//! There is no clock in this either: the log rings when there may be something to do.

use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::log::{Laggard, Log};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

/// A thread that keeps a log. It stops when this is dropped.
#[derive(Debug)]
pub struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// How a log is kept.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// How many segments went.
    pub removed_segments: u64,
    /// The groups whose owners should compact them, as [`Log::gc`] said the last time.
    pub laggards: Vec<Laggard>,
    /// What is in the way, if something is. A full disk or rot may pass, and then this does; after a
    /// failure of the disk the keeper has stopped.
    pub trouble: Option<Error>,
}

/// What the thread and its owner share.
#[derive(Debug)]
struct Shared {
    bell: Arc<Bell>,
    is_stopped: AtomicBool,
    kept: Mutex<Kept>,
}

/// Whether the thread goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    /// There is more to do.
    Again,
    /// Not before the bell rings.
    Sleep,
    /// Never.
    Stop,
}

// For its owner.

impl Keeper {
    /// Starts a thread that keeps a log.
    ///
    /// The thread owns the log as well: to close it, stop the keeper first.
    ///
    /// # Errors
    /// [`Error::Io`] if there can be no thread.
    pub fn start<D: Disk>(log: Arc<Log<D>>) -> Result<Keeper> {
        let (bell, is_stopped) = (log.bell().clone(), AtomicBool::new(false));
        let shared = Arc::new(Shared { bell, is_stopped, kept: Mutex::default() });
        let thread = {
            let shared = shared.clone();
            let named = std::thread::Builder::new().name("log keeper".into());
            named.spawn(move || shared.keep(&log))
        };
        let thread = thread.map_err(|e| Error::io("starting", "the keeper's thread", e))?;
        Ok(Keeper { shared, thread: Some(thread) })
    }

    /// Lets the keeper look whether there is something to do. It does so by itself whenever a
    /// segment is full; this is for an owner who has compacted, and writes nothing for a while.
    pub fn nudge(&self) {
        self.shared.bell.ring();
    }

    /// Returns how the log is kept.
    pub fn kept(&self) -> Kept {
        self.shared.kept().clone()
    }

    /// Stops the thread, when it has done what it is at.
    ///
    /// # Errors
    /// What was in its way, if something was.
    pub fn stop(mut self) -> Result<()> {
        self.join();
        self.shared.kept().trouble.take().map_or(Ok(()), Err)
    }

    /// Waits until the thread has stopped.
    fn join(&mut self) {
        self.shared.is_stopped.store(true, Ordering::SeqCst);
        self.shared.bell.ring();
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.join();
    }
}

// The thread.

impl Shared {
    /// Keeps the log until it is told to stop.
    fn keep<D: Disk>(&self, log: &Log<D>) {
        let mut heard = self.bell.rings();
        while !self.is_stopped.load(Ordering::SeqCst) {
            match self.do_chores(log) {
                Next::Again => {}
                Next::Sleep => heard = self.bell.wait(heard),
                Next::Stop => return,
            }
        }
    }

    /// Does what there is to do, once.
    fn do_chores<D: Disk>(&self, log: &Log<D>) -> Next {
        // Written behind: whoever leaves a full segment has little left to wait for.
        let written = log.committer_wait(log.appended_lsn());
        // Garbage first: a segment that goes may become the spare.
        let (was_full, collected) = (log.is_full(), log.gc());
        let maintained = log.maintain();
        // Now that it is known to be full, what is collected is not a matter of thresholds any more.
        let is_news = log.is_full() && !was_full;

        let mut kept = self.kept();
        kept.trouble = written.and(maintained).err();
        let is_more_to_do = match collected {
            Ok(collected) => {
                kept.removed_segments += collected.removed.len() as u64;
                kept.laggards = collected.laggards;
                collected.is_more_to_do
            }
            Err(error) => {
                kept.trouble.get_or_insert(error);
                false
            }
        };
        match kept.trouble {
            Some(Error::Io { .. } | Error::Poisoned { .. }) => Next::Stop,
            _ if is_more_to_do || is_news => Next::Again,
            _ => Next::Sleep,
        }
    }

    /// Lends how the log is kept.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no thread panics while it holds this")
    }
}

/// What wakes a keeper. It counts, so that no ring is missed by one who is busy.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
}

impl Bell {
    /// Rings.
    pub(crate) fn ring(&self) {
        *self.count() += 1;
        self.rung.notify_all();
    }

    /// Returns how often it has rung.
    fn rings(&self) -> u64 {
        *self.count()
    }

    /// Waits until it has rung more often than `heard`, and returns how often.
    fn wait(&self, heard: u64) -> u64 {
        let rung = self.rung.wait_while(self.count(), |rings| *rings == heard);
        *rung.expect("no thread panics while it holds this")
    }

    /// Lends the count.
    fn count(&self) -> MutexGuard<'_, u64> {
        self.rings.lock().expect("no thread panics while it holds this")
    }
}

#[cfg(test)]
mod tests;
