//! The committer: the lock around the queue, the clock, and the sleeping.
//!
//! ```text
//!   lock --> ask --> lead: unlock, sync, lock --> finish --> wake the callers that were served
//!              '---> sleep: unlock, sleep -----> told "durable": return without the lock
//!                                        '-----> told "ask again", or the time is over: lock, ask
//! ```
//!
//! The queue decides, and the committer does what the queue says. Each sleeper has a condition
//! variable of its own. So no thread wakes for nothing, and a thread that is served need not take
//! the lock again.
//!
//! Invariant: every sleeping thread is in the queue. A thread that takes another one out of the
//! queue wakes it.

use super::GroupCommit;
use super::queue::{Caller, CommitQueue, Turn, Wakeups};
use crate::error::{Error, Result};
use crate::types::Lsn;
use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// A leader waits for more writers for at most the duration of the last sync, divided by this
/// number. The time is counted from the end of the last sync.
const SHARE_OF_SYNC: u32 = 2;

/// The queue, and the file that the leader syncs.
#[derive(Debug)]
pub(crate) struct Committer<F> {
    state: Mutex<CommitterState<F>>,
}

/// What the lock protects.
#[derive(Debug)]
struct CommitterState<F> {
    queue: CommitQueue<Sleeper>,
    file: Arc<F>,
    /// Until when a leader waits for more writers, by the disk's clock.
    gathers_until: Duration,
}

/// What a leader needs of the log.
pub(crate) trait Syncs<F> {
    /// Syncs a file.
    ///
    /// # Errors
    /// Any error of the disk.
    fn sync(&self, file: &F) -> Result<()>;

    /// Returns why the log is broken.
    fn why_broken(&self) -> Error;

    /// Returns the time of the disk's clock, counted from its start.
    fn now(&self) -> Duration;
}

impl<F> Committer<F> {
    /// Returns a committer for a file whose frames are all durable.
    pub(crate) fn new(durable: Lsn, file: Arc<F>) -> Committer<F> {
        let queue = CommitQueue::after(durable);
        Committer {
            state: Mutex::new(CommitterState { queue, file, gathers_until: Duration::ZERO }),
        }
    }

    /// Notes that a frame was written.
    pub(crate) fn append(&self, lsn: Lsn) {
        self.lock().queue.append(lsn);
    }

    /// Switches to another file: later frames are written there.
    ///
    /// # Panics
    /// If a frame in the file before is not durable.
    #[track_caller]
    pub(crate) fn switch_to(&self, file: Arc<F>) {
        let mut state = self.lock();
        let commit = state.queue.commit();
        let (appended, durable) = (commit.appended(), commit.durable());
        assert_eq!(appended, durable, "a segment is left only when all of it is durable");
        state.file = file;
    }

    /// Waits until `lsn` is durable. The calling thread syncs for all that wait, or waits for
    /// another thread's sync.
    ///
    /// # Errors
    /// [`Error::NotAppended`]; the error of the sync; if the disk failed before, why the log is
    /// broken.
    pub(crate) fn wait_for(&self, lsn: Lsn, caller: Caller, log: &impl Syncs<F>) -> Result<()> {
        let mut state = self.lock();
        let last = state.queue.commit().appended();
        if lsn > last {
            return Err(Error::NotAppended { lsn, last });
        }
        let me = Sleeper::default();
        let mut has_waited = false; // then its time is over, even if a simulated clock does not run
        loop {
            let until = state.gathers_until;
            let told = match state.queue.ask(&me, caller, lsn, || !has_waited && log.now() < until)
            {
                Turn::Go => return Ok(()),
                Turn::GiveUp => return Err(log.why_broken()),
                Turn::Lead { through } => {
                    self.lead(state, through, log)?;
                    WakeReason::AskAgain
                }
                Turn::Sleep => {
                    drop(state);
                    me.sleep()
                }
                Turn::SleepWithTimeout => {
                    drop(state);
                    me.sleep_for(until.saturating_sub(log.now()))
                }
            };
            match told {
                WakeReason::Durable => return Ok(()),
                WakeReason::AskAgain => {}
                WakeReason::Nothing => has_waited = true,
            }
            state = self.lock();
        }
    }

    /// Syncs for all frames up to `through`, reports the outcome to the queue, and wakes the
    /// threads that the queue names.
    fn lead(
        &self,
        state: MutexGuard<'_, CommitterState<F>>,
        through: Lsn,
        log: &impl Syncs<F>,
    ) -> Result<()> {
        let file = state.file.clone();
        drop(state);
        let begun = log.now();
        let outcome = log.sync(&file);
        let ended = log.now();
        let mut state = self.lock();
        let wakeups = match &outcome {
            Ok(()) => state.queue.finish(through),
            Err(_) => state.queue.finish_failed(),
        };
        state.gathers_until = ended + ended.saturating_sub(begun) / SHARE_OF_SYNC;
        drop(state);
        wake(wakeups);
        outcome
    }

    /// Notes that the disk has failed, and wakes all threads that wait.
    pub(crate) fn fail(&self) {
        let wakeups = self.lock().queue.fail();
        wake(wakeups);
    }

    /// Returns a copy of the state machine.
    pub(crate) fn state(&self) -> GroupCommit {
        self.lock().queue.commit().clone()
    }

    /// Locks the state.
    fn lock(&self) -> MutexGuard<'_, CommitterState<F>> {
        self.state.lock().expect("no thread panics while it holds this lock")
    }
}

/// Wakes sleepers.
fn wake(wakeups: Wakeups<Sleeper>) {
    for sleeper in wakeups.served {
        sleeper.wake(WakeReason::Durable);
    }
    for sleeper in wakeups.again {
        sleeper.wake(WakeReason::AskAgain);
    }
}

/// Why a sleeper wakes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum WakeReason {
    /// No thread has woken it: it sleeps, or its time is over.
    #[default]
    Nothing,
    /// It must ask again.
    AskAgain,
    /// Its batch is durable.
    Durable,
}

/// A thread that sleeps, or may sleep later.
#[derive(Clone, Debug, Default)]
struct Sleeper {
    slot: Arc<(Mutex<WakeReason>, Condvar)>,
}

impl PartialEq for Sleeper {
    fn eq(&self, other: &Sleeper) -> bool {
        Arc::ptr_eq(&self.slot, &other.slot)
    }
}

impl Sleeper {
    /// Sleeps until another thread wakes it, and returns why.
    fn sleep(&self) -> WakeReason {
        let told = self.told();
        let mut told = self.slot.1.wait_while(told, |told| *told == WakeReason::Nothing);
        std::mem::take(told.as_mut().expect("no thread panics while it holds this lock"))
    }

    /// Sleeps until another thread wakes it, or until `time` has passed. Returns why.
    fn sleep_for(&self, time: Duration) -> WakeReason {
        let told = self.told();
        let slept = self.slot.1.wait_timeout_while(told, time, |told| *told == WakeReason::Nothing);
        let (mut told, _) = slept.expect("no thread panics while it holds this lock");
        std::mem::take(&mut *told)
    }

    /// Wakes this thread, and tells it why.
    fn wake(&self, what: WakeReason) {
        *self.told() = what;
        self.slot.1.notify_one();
    }

    /// Locks what the thread is told.
    fn told(&self) -> MutexGuard<'_, WakeReason> {
        self.slot.0.lock().expect("no thread panics while it holds this lock")
    }
}
